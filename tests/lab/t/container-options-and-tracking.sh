# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-7.2 intel-6.1 amd-6.12
#
# What a container can do beside mapping, each backend of the kernel in turn: options, capabilities, dirty tracking, and
# mappings that go from one program to the next (container/).
. "$LAB_DIR/lib.sh"

edu=$(devices 1234:11e8)
to_vfio "$edu"

# numbers of its own behind ours
run() {
    local status=0
    "$LAB_BUILD/tests/lab/lab-container" "$1" "$edu" >"/tmp/container.$1" || status=$?
    grep -v '^1\.\.' "/tmp/container.$1" | sed -E "s/^(not )?ok [0-9]+ - /\1ok - /"
    tests=$((tests + $(grep -cE '^(not )?ok ' "/tmp/container.$1")))
    failures=$((failures + $(grep -c '^not ok ' "/tmp/container.$1")))
    is "$status" 0 "$1: the program ended well"
}

run type1
if [ -e /dev/vfio/devices ]; then
    run iommufd
fi
to_native "$edu"
done_testing
