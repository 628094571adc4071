# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-7.2 intel-6.1 amd-6.12
#
# A device does DMA through memory that the library mapped: in, out, compared, with completion by interrupt, on each
# backend the kernel has.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

to_vfio $edu
for backend in $backends; do
    output=$(edu $edu "$backend" 2>&1)
    like "$output" "^$edu: 2048 bytes in and back out by $backend, iova 0x[0-9a-f]+, interrupt by MSI\$" \
        "examples/edu copies by $backend"
    for irq in msi intx; do
        ok "two round trips by $backend, interrupts by $irq" "$dma_check" round-trip "$backend" $edu $irq
    done
done
output=$(edu $edu 2>&1)
like "$output" "by ${backends%% *}," "left to itself the example takes ${backends%% *}"
if [ "$backends" = type1 ]; then
    fails 1 "a kernel without iommufd says so" edu $edu iommufd
    like "$(edu $edu iommufd 2>&1)" "^edu: .*iommu" "in a line that names it"
fi
ok "the device is free again" free_again
to_native $edu
done_testing
