# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12 intel-7.2 amd-7.2
# timeout: 180
#
# What is mapped in an address space, each backend of the kernel in turn: ranges, all, the last address, files, registers,
# copies, devices that come and go. lab-space (space/) checks it against the kernel itself.
. "$LAB_DIR/lib.sh"

edu=$(devices 1234:11e8)
nic=0000:00:06.0
to_vfio "$edu" $nic

# numbers of its own behind ours
run() {
    local status=0
    "$LAB_BUILD/tests/lab/lab-space" "$1" "$edu" $nic >"/tmp/space.$1" || status=$?
    grep -v '^1\.\.' "/tmp/space.$1" | sed -E "s/^(not )?ok [0-9]+ - /\1ok - /"
    tests=$((tests + $(grep -cE '^(not )?ok ' "/tmp/space.$1")))
    failures=$((failures + $(grep -c '^not ok ' "/tmp/space.$1")))
    is "$status" 0 "$1: the program ended well"
}

run type1
if [ -e /dev/vfio/devices ]; then
    run iommufd
fi
to_native "$edu" $nic
done_testing
