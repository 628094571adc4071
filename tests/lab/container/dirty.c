/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container.h"

#include <linux/vfio.h>
#include <unistd.h>

/* The device's DMA engine writes WHAT bytes to IOVA. */
static void write_by_device(struct iommuctl_device *d, uint64_t iova)
{
        struct iommuctl_region *bar = NULL;
        void *regs;

        if (iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &bar) < 0 ||
            iommuctl_region_map(bar, 0, 0, &regs) < 0)
                exit(1);
        iommuctl_device_set_bus_master(d, true);
        edu_copy(regs, EDU_BUFFER, iova, 16, true);
        for (int i = 0; i < 1000 && iommuctl_mmio_read32((char *)regs + EDU_COMMAND) & 1; i++)
                usleep(1000);
        iommuctl_device_set_bus_master(d, false);
        iommuctl_region_free(bar);
}

void test_dirty(void)
{
        struct iommuctl_dma_options low = { .struct_size = sizeof(low), .iova_limit = 0xfffffff };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dirty *dirty = NULL, *second = NULL;
        struct iommuctl_dma *dma = NULL;
        struct iommuctl_span s;
        uint64_t bitmap = 0;

        iommuctl_dma_alloc(c, 5 * PAGE, &low, &dma);
        s = iommuctl_dma_span(dma);
        memset(s.vaddr, 0x55, s.size);
        if (backend == IOMMUCTL_BACKEND_IOMMUFD) {
                GIVES("this IOMMU does not track", -EOPNOTSUPP, "dirty tracking",
                      iommuctl_dirty_start(c, &dirty));
                write_by_device(d, s.iova + PAGE);
                CHECK("and the device sees what it saw", ((unsigned char *)s.vaddr)[PAGE] != 0x55);
        } else {
                GIVES("tracking begins", 0, "", iommuctl_dirty_start(c, &dirty));
                GIVES("once", -EBUSY, "already", iommuctl_dirty_start(c, &second));
                write_by_device(d, s.iova + PAGE);
                CHECK("the device wrote", ((unsigned char *)s.vaddr)[PAGE] != 0x55);
                GIVES("the bitmap is read", 0, "", iommuctl_dirty_read(dirty, s.iova, s.size, 0, &bitmap, 1));
                CHECK("the page is dirty, and all that type1 knows no better of", bitmap == 0x1f);
                bitmap = 0;
                GIVES("and again, from elsewhere", 0, "",
                      iommuctl_dirty_read(dirty, s.iova - PAGE, 60 * PAGE, 0, &bitmap, 1));
                CHECK("it is the same", bitmap == 0x3e);
                GIVES("a part of a mapping is not told", -EINVAL, "cuts the mapping",
                      iommuctl_dirty_read(dirty, s.iova, PAGE, 0, &bitmap, 1));
                bitmap = 0;
                GIVES("a mapping goes, with its bits", 0, "", iommuctl_dirty_unmap(dirty, dma, &bitmap, 1));
                dma = NULL;
                CHECK("which are all set", bitmap == 0x1f);
                CHECK("and the kernel has it no longer", !kernel_has(c, s.iova));
                GIVES("tracking ends", 0, "", iommuctl_dirty_stop(dirty));
        }
        iommuctl_dma_unmap(dma);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
