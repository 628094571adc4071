/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

#include <linux/vfio.h>

/* A device at work: regions, interrupts, DMA, and everything freed in an order of no use. */

static void check_config(struct iommuctl_device *d)
{
        struct iommuctl_region *config = NULL;
        uint16_t ids[2];
        void *map;

        GIVES("configuration space opens", 0, "",
              iommuctl_region_open(d, VFIO_PCI_CONFIG_REGION_INDEX, &config));
        GIVES("and reads", 0, "", iommuctl_region_read(config, 0, ids, sizeof(ids)));
        CHECK("as an edu device", ids[0] == 0x1234 && ids[1] == 0x11e8);
        GIVES("beyond its end", -ERANGE, "not inside",
              iommuctl_region_read(config, iommuctl_region_size(config) - 1, ids, 2));
        GIVES("with an offset that wraps", -ERANGE, "not inside",
              iommuctl_region_read(config, UINT64_MAX - 1, ids, 4));
        GIVES("it cannot be mapped", -EOPNOTSUPP, "nothing", iommuctl_region_map(config, 0, 0, &map));
        iommuctl_region_free(config);
}

static struct iommuctl_region *check_bar(struct iommuctl_device *d, void **ret_bar)
{
        struct iommuctl_region *region = NULL;
        struct iommuctl_range *areas = NULL;
        uint32_t value = 0;

        GIVES("a BAR that is not there", -ENXIO, "nothing behind", iommuctl_region_open(d, 3, &region));
        GIVES("an index that is not there", -EINVAL, "regions", iommuctl_region_open(d, 99, &region));
        GIVES("BAR 0 opens", 0, "", iommuctl_region_open(d, 0, &region));
        CHECK("it is 1 MiB", iommuctl_region_size(region) == 1 << 20);
        CHECK("all of it can be mapped", iommuctl_region_areas(region, &areas) == 1 && areas[0].start == 0 &&
                                                 areas[0].last == (1 << 20) - 1);
        free(areas);
        GIVES("it maps", 0, "", iommuctl_region_map(region, 0, 0, ret_bar));
        CHECK("and reads as edu", (iommuctl_mmio_read32((char *)*ret_bar + EDU_ID) & 0xff) == 0xed);
        GIVES("a register reads through the kernel", 0, "", iommuctl_region_read(region, EDU_ID, &value, 4));
        CHECK("as the same", (value & 0xff) == 0xed);
        return region;
}

static struct iommuctl_irq *check_msi(struct iommuctl_device *d, char *bar)
{
        struct iommuctl_irq *msi = NULL, *second = NULL;
        uint64_t count;

        GIVES("a vector too many", -ERANGE, "vectors", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSI, 0, 64, &msi));
        GIVES("MSI-X, which it has not", -ERANGE, "MSI-X",
              iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 0, 1, &msi));
        GIVES("MSI", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSI, 0, 1, &msi));
        GIVES("the same vector again", -EEXIST, "in use",
              iommuctl_irq_new(d, IOMMUCTL_IRQ_MSI, 0, 1, &second));
        GIVES("INTx beside it", -EBUSY, "MSI", iommuctl_irq_new(d, IOMMUCTL_IRQ_INTX, 0, 1, &second));
        GIVES("nothing fires", -ETIMEDOUT, "no MSI", iommuctl_irq_wait(msi, 0, 1, NULL));
        GIVES("masking MSI", -EOPNOTSUPP, "masked", iommuctl_irq_mask(msi, 0));
        GIVES("by software", 0, "", iommuctl_irq_trigger(msi, 0));
        CHECK("it fires once", iommuctl_irq_wait(msi, 0, 1000, &count) == 0 && count == 1);
        GIVES("bus mastering", 0, "", iommuctl_device_set_bus_master(d, true));
        iommuctl_mmio_write32(bar + EDU_RAISE, 1);
        GIVES("the device raises it", 0, "", iommuctl_irq_wait(msi, 0, 2000, &count));
        iommuctl_mmio_write32(bar + EDU_ACK, 1);
        return msi;
}

static void check_intx(struct iommuctl_device *d, char *bar)
{
        struct iommuctl_irq *intx = NULL;

        GIVES("INTx after MSI is freed", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_INTX, 0, 1, &intx));
        iommuctl_mmio_write32(bar + EDU_RAISE, 1);
        GIVES("the device raises it", 0, "", iommuctl_irq_wait(intx, 0, 2000, NULL));
        iommuctl_mmio_write32(bar + EDU_RAISE, 1);
        GIVES("it is masked then", -ETIMEDOUT, "INTx", iommuctl_irq_wait(intx, 0, 100, NULL));
        GIVES("and can be unmasked", 0, "", iommuctl_irq_unmask(intx, 0));
        GIVES("which lets it fire again", 0, "", iommuctl_irq_wait(intx, 0, 2000, NULL));
        iommuctl_mmio_write32(bar + EDU_ACK, 1);
        iommuctl_irq_free(intx);
}

static struct iommuctl_dma *check_dma(struct iommuctl_container *c, struct iommuctl_irq *msi, char *bar)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xfffffff, .name = "edu" };
        struct iommuctl_dma *dma = NULL;
        char *memory;

        GIVES("a buffer below 28 bits", 0, "", iommuctl_dma_alloc(c, 2 * PAGE, &o, &dma));
        memory = iommuctl_dma_span(dma).vaddr;
        for (size_t i = 0; i < 2 * PAGE; i++)
                memory[i] = (char)(i < PAGE ? i * 7 + i / 256 : 0);
        edu_copy(bar, iommuctl_dma_span(dma).iova, EDU_BUFFER, EDU_COPY, false);
        GIVES("the device copies it in", 0, "", iommuctl_irq_wait(msi, 0, 5000, NULL));
        iommuctl_mmio_write32(bar + EDU_ACK, 0x100);
        edu_copy(bar, EDU_BUFFER, iommuctl_dma_span(dma).iova + PAGE, EDU_COPY, true);
        GIVES("and out again", 0, "", iommuctl_irq_wait(msi, 0, 5000, NULL));
        iommuctl_mmio_write32(bar + EDU_ACK, 0x100);
        CHECK("and it is the same", memcmp(memory, memory + PAGE, EDU_COPY) == 0);
        return dma;
}

void test_a_device_at_work(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *region;
        struct iommuctl_irq *msi;
        struct iommuctl_dma *dma;
        void *bar = NULL;

        check_config(d);
        region = check_bar(d, &bar);
        if (!bar)
                exit(1);
        msi = check_msi(d, bar);
        dma = check_dma(c, msi, bar);

        /* Each child keeps its parent: the region this device, the device this container. */
        iommuctl_container_unref(c);
        iommuctl_device_unref(d);
        iommuctl_irq_free(msi);
        check_intx(d, bar);
        GIVES("a reset", 0, "",
              iommuctl_device_flags(d) & VFIO_DEVICE_FLAGS_RESET ? iommuctl_device_reset(d) : 0);
        iommuctl_region_free(region);
        GIVES("the buffer outlives device and container", 0, "", iommuctl_dma_unmap(dma));
}
