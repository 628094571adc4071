# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12
#
# Device, group, container and buffer are given back in each of the 24 orders: no descriptor is left, no memory held
# in place, and all can be opened again.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

to_vfio $edu
for backend in $backends; do
    ok "$backend: 24 orders of closing leak nothing" "$dma_check" orders "$backend" $edu
done
ok "the device is free again" free_again
to_native $edu
done_testing
