/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device is taken away by whoever runs this: a line on stdout says when to. */
#include "region.h"

#include <unistd.h>

static void say(const char *word)
{
        printf("# %s\n", word);
        fflush(stdout);
}

void test_let_go(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c), *again = NULL;
        struct iommuctl_region *bar = open_region(d, VFIO_PCI_BAR0_REGION_INDEX);
        struct iommuctl_region *config = open_region(d, VFIO_PCI_CONFIG_REGION_INDEX);
        struct iommuctl_unplug *u = NULL;
        struct iommuctl_irq *irq = NULL;
        struct iommuctl_dma *dma = NULL;
        uint32_t value = 7;
        void *map = NULL;

        GIVES("a buffer", 0, "", iommuctl_dma_alloc(c, PAGE, NULL, &dma));
        GIVES("its BAR", 0, "", iommuctl_region_map(bar, 0, 0, &map));
        GIVES("an interrupt", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSI, 0, 1, &irq));
        GIVES("bus mastering", 0, "", iommuctl_device_set_bus_master(d, true));
        GIVES("an ear for the request", 0, "", iommuctl_unplug_new(d, 300, &u));
        GIVES("nobody asks", IOMMUCTL_UNPLUG_IDLE, "", iommuctl_unplug_check(u));
        say("take it");
        GIVES("somebody asks", IOMMUCTL_UNPLUG_ASKED, "", iommuctl_unplug_wait(u, 20000));
        CHECK("there is time", iommuctl_unplug_left(u) > 0 && iommuctl_unplug_left(u) <= 300);
        usleep(310000);
        GIVES("and then there is none", IOMMUCTL_UNPLUG_OVERDUE, "", iommuctl_unplug_check(u));
        CHECK("it was not taken meanwhile", iommuctl_mmio_read32(map) != UINT32_MAX);
        GIVES("let go, with all that is open", 0, "", iommuctl_unplug_let_go(d));
        say("it was let go");
        CHECK("the map is all ones", iommuctl_mmio_read32(map) == UINT32_MAX && iommuctl_region_lost(bar));
        iommuctl_mmio_write32(map, 1);
        GIVES("reading is an error", -ENODEV, "given back", iommuctl_region_read32(bar, 0, &value));
        GIVES("writing, too", -ENODEV, "given back", iommuctl_region_write32(config, 0x40, 0));
        GIVES("a reset", -ENODEV, "given back", iommuctl_device_reset(d));
        GIVES("a question for a feature", -ENODEV, "given back",
              iommuctl_device_feature_probe(d, 0, IOMMUCTL_FEATURE_GET));
        GIVES("and waiting", -ENODEV, "given back", iommuctl_irq_wait(irq, 0, 10000, NULL));
        for (int i = 0; i < 100 && access("/tmp/removed", F_OK) < 0; i++)
                usleep(100000);
        CHECK("the removal went through", access("/tmp/removed", F_OK) == 0);
        GIVES("it is not there any more", -ENODEV, device_name, iommuctl_device_open(c, device_name, &again));
        GIVES("the buffer is there until it is unmapped", 0, "", iommuctl_dma_unmap(dma));
        iommuctl_device_unref(d);
        iommuctl_region_free(bar);
        iommuctl_unplug_free(u);
        iommuctl_container_unref(c);
        iommuctl_irq_free(irq);
        iommuctl_region_free(config);
}

/* Nobody is asked: the card is out. */
void test_pulled(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *bar = open_region(d, VFIO_PCI_BAR0_REGION_INDEX);
        struct iommuctl_region *config = open_region(d, VFIO_PCI_CONFIG_REGION_INDEX);
        struct iommuctl_unplug *u = NULL;
        uint32_t value = 7;
        void *map = NULL;
        int r = 0;

        GIVES("its BAR", 0, "", iommuctl_region_map(bar, 0, 0, &map));
        GIVES("an ear for the request", 0, "", iommuctl_unplug_new(d, 1000, &u));
        GIVES("it answers", 0, "", iommuctl_region_read32(bar, 8, &value));
        say("take it");
        for (int i = 0; i < 200 && r == 0; i++) {
                usleep(50000);
                r = iommuctl_region_read32(config, 8, &value);
        }
        GIVES("its configuration space is gone", -ENODEV, "gone", r);
        /* On QEMU's bus, what nobody answers for reads as 0. */
        CHECK("its registers can be touched", iommuctl_mmio_read32((char *)map + 8) != value + 1);
        GIVES("the kernel asks for it", IOMMUCTL_UNPLUG_ASKED, "", iommuctl_unplug_wait(u, 20000));
        /* In the order that a driver may find itself in: what it is of goes before it. */
        iommuctl_container_unref(c);
        iommuctl_device_unref(d);
        iommuctl_unplug_free(u);
        iommuctl_region_free(config);
        iommuctl_region_free(bar);
}
