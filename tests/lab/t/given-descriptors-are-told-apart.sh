# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 intel-7.2
#
# Devices by path and by descriptors that somebody else opened: nodes bound and not, containers, groups, devices, and
# each of them where another belongs.
. "$LAB_DIR/lib.sh"

edu=$(devices 1234:11e8)
to_vfio "$edu"
run_tap "$LAB_BUILD/tests/lab/lab-open" given type1 "$edu"
if [ -e /dev/vfio/devices ]; then
    run_tap "$LAB_BUILD/tests/lab/lab-open" given iommufd "$edu"
fi
to_native "$edu"
done_testing
