# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For the scripts in t/: tests in TAP, and the few things about a machine that many of them ask.

tests=0
failures=0

# binding: the driver and the override of each PCI device, a line each
binding() {
    local dir driver
    for dir in /sys/bus/pci/devices/*; do
        [ -e "$dir/driver_override" ] || continue
        driver=$(readlink "$dir/driver")
        echo "${dir##*/} ${driver##*/} $(cat "$dir/driver_override")"
    done
}
binding_before=$(binding)

# pass TEXT, fail TEXT
pass() {
    tests=$((tests + 1))
    echo "ok $tests - $1"
}

fail() {
    tests=$((tests + 1))
    failures=$((failures + 1))
    echo "not ok $tests - $1"
}

# ok TEXT CMD…: the command succeeds
ok() {
    local text=$1 output status
    shift
    output=$("$@" 2>&1) && status=0 || status=$?
    if [ "$status" = 0 ]; then
        pass "$text"
    else
        fail "$text"
        note "$* ended with status $status:" "$output"
    fi
}

# fails STATUS TEXT CMD…: the command ends with just this status
fails() {
    local wanted=$1 text=$2 output status
    shift 2
    output=$("$@" 2>&1) && status=0 || status=$?
    if [ "$status" = "$wanted" ]; then
        pass "$text"
    else
        fail "$text"
        note "$* ended with status $status, not $wanted:" "$output"
    fi
}

# is GOT WANTED TEXT
is() {
    if [ "$1" = "$2" ]; then
        pass "$3"
    else
        fail "$3"
        note "got:    $1" "wanted: $2"
    fi
}

# like TEXT-TO-SEARCH REGEX TEXT; unlike for the contrary
like() {
    if [[ $1 =~ $2 ]]; then
        pass "$3"
    else
        fail "$3"
        note "no match for $2 in:" "$1"
    fi
}

unlike() {
    if [[ $1 =~ $2 ]]; then
        fail "$3"
        note "unwanted match for $2 in:" "$1"
    else
        pass "$3"
    fi
}

# skip COUNT REASON: COUNT tests that cannot run here
skip() {
    local left
    for ((left = $1; left > 0; left--)); do
        tests=$((tests + 1))
        echo "ok $tests # SKIP $2"
    done
}

# skip_all REASON: the whole script
skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

# need COMMAND…: skips the whole script where one is missing
need() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || skip_all "$command is not there"
    done
}

# run_tap CMD…: a program that speaks TAP; its tests are numbered behind ours
run_tap() {
    local output status=0
    output=$("$@") || status=$?
    grep -v '^1\.\.' <<<"$output" | sed -E "s/^(not )?ok [0-9]+ - /\1ok - /"
    tests=$((tests + $(grep -cE '^(not )?ok ' <<<"$output")))
    failures=$((failures + $(grep -c '^not ok ' <<<"$output")))
    is "$status" 0 "$(basename "$1") ${*:2} ended well"
}

# all_passed: so far
all_passed() {
    [ "$failures" = 0 ]
}

note() {
    printf '%s\n' "$@" | sed 's/^/# /'
}

# The plan; a script ends with this. Its status says whether all passed.
# done_testing: the plan, after a last test: each device has the driver that it had at first. A device that was left
# with another one is given back all the same, for the scripts behind.
done_testing() {
    local address
    is "$(binding)" "$binding_before" "every device is as it was"
    for address in $(comm -13 <(sort <<<"$binding_before") <(binding | sort) | cut -d' ' -f1); do
        to_native "$address"
    done
    echo "1..$tests"
    exit $((failures > 0))
}

# wait_for SECONDS CMD…: until the command succeeds
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# ---- the machine, asked without any of our own code ----

# driver ADDRESS, group ADDRESS: a name or number, or "none"
driver() {
    basename "$(readlink "/sys/bus/pci/devices/$1/driver" || echo none)"
}

group() {
    basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group" || echo none)"
}

# members GROUP: its devices' addresses on one line, sorted
members() {
    local found=("/sys/kernel/iommu_groups/$1/devices/"*)
    echo "${found[@]##*/}"
}

# devices ID: addresses of all devices with this VVVV:DDDD, on one line, sorted
devices() {
    local dir found=()
    for dir in /sys/bus/pci/devices/*; do
        if [ "$(cat "$dir/vendor" "$dir/device" | sed 's/0x//' | paste -sd:)" = "$1" ]; then
            found+=("${dir##*/}")
        fi
    done
    echo "${found[@]}"
}

# to_vfio ADDRESS…, to_native ADDRESS…: by hand, the way iommuctl does it
to_vfio() {
    local address dir
    modprobe vfio-pci 2>/dev/null
    for address in "$@"; do
        dir=/sys/bus/pci/devices/$address
        echo vfio-pci >"$dir/driver_override"
        [ ! -e "$dir/driver" ] || echo "$address" >"$dir/driver/unbind"
        echo "$address" >/sys/bus/pci/drivers_probe
    done
}

to_native() {
    local address dir
    for address in "$@"; do
        dir=/sys/bus/pci/devices/$address
        echo >"$dir/driver_override"
        [ ! -e "$dir/driver" ] || echo "$address" >"$dir/driver/unbind"
        echo "$address" >/sys/bus/pci/drivers_probe
    done
}
