# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For scripts that run lab-states (states/).

# backends: those that the kernel has, on one line
backends() {
    if [ -e /dev/iommu ]; then
        echo type1 iommufd
    else
        echo type1
    fi
}

# part WHAT BACKEND DEVICE…: what the program says, numbered on
part() {
    local status=0
    "$LAB_BUILD/tests/lab/lab-states" "$@" >/tmp/states.out || status=$?
    grep -v '^1\.\.' /tmp/states.out | sed -E "s/^(not )?ok [0-9]+ - /\1ok - $1: /"
    tests=$((tests + $(grep -cE '^(not )?ok ' /tmp/states.out)))
    failures=$((failures + $(grep -c '^not ok ' /tmp/states.out)))
    is "$status" 0 "$1 on $2: the program ended well"
}

# does PAGE ARGUMENT REGEX: the program of that man page ends well, and what it prints matches
does() {
    local output status=0
    output=$("$LAB_BUILD/tests/man/man-$1" "$2" 2>&1) || status=$?
    like "$status $output" "^0 $3" "the program of $1(3) does what its page says"
}

# behind PORT: the addresses of the functions behind a port, on one line
behind() {
    local found=("/sys/bus/pci/devices/$1/"????:??:??.?)
    echo "${found[@]##*/}"
}
