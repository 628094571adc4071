# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12
# timeout: 180
#
# A DMA beside the mapping, or to where a mapping was, ends in a fault that the kernel tells of, touches no memory and
# hurts neither the process nor the next DMA.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

# fault_at HEX: what the kernel of this machine writes for the edu device's write to that address
fault_at() {
    case $LAB_IOMMU in
    intel) echo "DMAR: \[DMA Write.*\] Request device \[00:04\.0\] fault addr 0x$1" ;;
    amd) echo "00:04\.0.*IO_PAGE_FAULT.*address=0x$1" ;;
    esac
}

to_vfio $edu
for backend in $backends; do
    mark "$backend outside"
    ok "$backend: a DMA outside the mapping changes nothing, and the next one works" "$dma_check" outside "$backend" $edu
    like "$(since "$backend outside")" "$(fault_at 201000)" "$backend: the page behind it faulted"
    like "$(since "$backend outside")" "$(fault_at 1ff000)" "$backend: the page before it faulted"
    unlike "$(since "$backend outside")" "$(fault_at 200)" "$backend: the mapped page did not fault"

    mark "$backend unmap"
    ok "$backend: a DMA after the unmap changes nothing, and the IOVA serves again" \
        "$dma_check" after-unmap "$backend" $edu
    like "$(since "$backend unmap")" "$(fault_at 200000)" "$backend: it faulted"
done
ok "the device is free again" free_again
to_native $edu
done_testing
