# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: edus-6.12 edus-6.1 edus-amd-6.12 edus-7.2
#
# Peer to peer: one device writes into a BAR of another through the IOMMU, until it is revoked, and again when it is renewed.
. "$LAB_DIR/lib.sh"

one=0000:00:0e.0
two=0000:00:0e.1
to_vfio $one $two

run() {
    local status=0
    "$LAB_BUILD/tests/lab/lab-space" "$1" $one $two --peer >"/tmp/peer.$1" || status=$?
    grep -v '^1\.\.' "/tmp/peer.$1" | sed -E "s/^(not )?ok [0-9]+ - /\1ok - /"
    tests=$((tests + $(grep -cE '^(not )?ok ' "/tmp/peer.$1")))
    failures=$((failures + $(grep -c '^not ok ' "/tmp/peer.$1")))
    is "$status" 0 "$1: the program ended well"
}

run type1
if [ -e /dev/vfio/devices ]; then
    run iommufd
fi
to_native $one $two
done_testing
