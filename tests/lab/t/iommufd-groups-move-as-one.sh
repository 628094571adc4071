# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: edus-6.12 edus-amd-6.12
#
# A group has one address space: a device that moves takes the others of its group along, and the books follow.
. "$LAB_DIR/lib.sh"

read -r one two <<<"$(devices 1234:11e8)"
is "$(group "$one")" "$(group "$two")" "the two are in one group"
to_vfio "$one" "$two"
run_tap "$LAB_BUILD/tests/lab/lab-iommufd" group "$one" "$two"
to_native "$one" "$two"
done_testing
