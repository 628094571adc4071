# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # for those who read this
#
# For the tests of the dma verbs that need no device, after the lab's lib.sh: what a call that cannot work says.

# A device that cannot be there: what is said of it (status 4) was said after all else was checked.
absent=ffff:ff:1f.7
none=4 nowhere=$absent
[ -d /sys/bus ] || none=1 nowhere='no sysfs in /sys' # a bare root folder to build in

# says STATUS REGEX ARG…: this status, and a first line on stderr that matches; nothing on stdout. How to call it
# right may stand behind that line, but not where a buffer is wrong: $lines_wanted=1
lines_wanted=3
says() {
    local wanted=$1 regex=$2 status=0 output first
    shift 2
    output=$(timeout 20 "$IOMMUCTL" "$@" 2>&1 >stdout.txt </dev/null) || status=$?
    first=${output%%$'\n'*}
    if [ "$status" = "$wanted" ] && [[ $first =~ $regex ]] && [ ! -s stdout.txt ] &&
        [ "$(wc -l <<<"$output")" -le "$lines_wanted" ]; then
        pass "$* → $wanted"
    else
        fail "$* → $wanted"
        note "status $status; wanted '$regex' of:" "$output"
    fi
}
