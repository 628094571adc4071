# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: none-6.12
#
# A device that no IOMMU translates for, through VFIO's unsafe mode (container/noiommu.c).
. "$LAB_DIR/lib.sh"

mode=/sys/module/vfio/parameters/enable_unsafe_noiommu_mode
edu=$(devices 1234:11e8)

echo 1 >"$mode"
to_vfio "$edu"
node=$(echo /dev/vfio/noiommu-*)
like "$node" '^/dev/vfio/noiommu-[0-9]+$' "VFIO made a group up for it"
status=0
"$LAB_BUILD/tests/lab/lab-container" noiommu "$edu" >/tmp/noiommu || status=$?
grep -v '^1\.\.' /tmp/noiommu | sed -E "s/^(not )?ok [0-9]+ - /\1ok - /"
tests=$((tests + $(grep -cE '^(not )?ok ' /tmp/noiommu)))
failures=$((failures + $(grep -c '^not ok ' /tmp/noiommu)))
is "$status" 0 "the program ended well"
to_native "$edu"
echo 0 >"$mode"
is "$(cat "$mode")" N "and the mode is off again"
done_testing
