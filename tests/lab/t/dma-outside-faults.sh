# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machine: intel-6.12 intel-6.1 amd-6.12
# timeout: 180
#
# A DMA beside the mapping, or to where a mapping was, ends in a fault that the kernel tells of, reaches no memory and
# hurts neither the process nor the next DMA.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/dma-lib.sh"

# told MARK HEX TEXT: the kernel told of the device's write to that address. QEMU's AMD-Vi logs no event where a page
# table entry is empty (amdvi_page_walk() in hw/i386/amd_iommu.c), so there the memory is the only witness.
told() {
    [ "$LAB_IOMMU" = intel ] || return 0
    like "$(since "$1")" "DMAR: \[DMA Write[^]]*\] Request device \[00:04\.0\] fault addr 0x$2 " "$3"
}

to_vfio $edu
for backend in $backends; do
    # a VT-d tells of 10 events in 5 s and no more (dmar_fault() in drivers/iommu/intel/dmar.c)
    [ "$backend" = "${backends%% *}" ] || sleep 5.5

    mark "$backend outside"
    ok "$backend: a DMA outside the mapping reaches nothing, and the next one works" "$dma_check" outside "$backend" $edu
    told "$backend outside" 201000 "$backend: the page behind it faulted"
    told "$backend outside" 1ff000 "$backend: the page before it faulted"
    unlike "$(since "$backend outside")" "fault addr 0x200" "$backend: the mapped page did not fault"

    mark "$backend unmap"
    ok "$backend: a DMA after the unmap reaches nothing, and the IOVA serves again" \
        "$dma_check" after-unmap "$backend" $edu
    told "$backend unmap" 200000 "$backend: it faulted"
done
ok "the device is free again" free_again
to_native $edu
done_testing
