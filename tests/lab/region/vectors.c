/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MSI-X on an Intel 82574 (QEMU's e1000e, 5 vectors). What the kernel has set up is read from
 * /proc/interrupts. */
#include "region.h"

#include <unistd.h>

/* Its registers (82574 data sheet, 10.2.4): interrupt causes set, mask set, and which cause takes which
 * vector. */
enum { E1000_ICR = 0xc0, E1000_ICS = 0xc8, E1000_IMS = 0xd0, E1000_IVAR = 0xe4, E1000_RXQ0 = 1 << 20 };

static unsigned int lines(void)
{
        return interrupts_with(device_name);
}

static bool fires(struct iommuctl_irq *irq, unsigned int i)
{
        return iommuctl_irq_trigger(irq, i) == 0 && iommuctl_irq_wait(irq, i, 1000, NULL) == 0;
}

/* The device itself: the cause "queue 0 received", which goes to this vector. One that is set already is not
 * signalled again. */
static void raise_vector(struct iommuctl_region *bar, unsigned int vector)
{
        int r = iommuctl_region_write32(bar, E1000_IVAR, vector | 8);

        if (r >= 0)
                r = iommuctl_region_write32(bar, E1000_ICR, UINT32_MAX);
        if (r >= 0)
                r = iommuctl_region_write32(bar, E1000_IMS, E1000_RXQ0);
        if (r >= 0)
                r = iommuctl_region_write32(bar, E1000_ICS, E1000_RXQ0);
        GIVES("the cause is set", 0, "", r);
}

/* Vectors can be had from anywhere, in any order. */
static void check_adding(struct iommuctl_device *d)
{
        struct iommuctl_irq *four = NULL, *low = NULL, *none = NULL;

        GIVES("the last vector first", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 4, 1, &four));
        CHECK("one is set up", lines() == 1);
        GIVES("two in front of it", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 1, 2, &low));
        CHECK("three are", lines() == 3);
        GIVES("one of them again", -EEXIST, "1 to 2", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 0, 2, &none));
        CHECK("each fires", fires(four, 0) && fires(low, 0) && fires(low, 1));
        iommuctl_irq_free(low);
        CHECK("those that were freed are gone", lines() == 1);
        CHECK("the other fires", fires(four, 0));
        GIVES("one in the middle again", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 2, 1, &low));
        CHECK("it fires", fires(low, 0) && lines() == 2);
        iommuctl_irq_free(four);
        CHECK("also when the first is gone", fires(low, 0) && lines() == 1);
        GIVES("which can be had again", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 4, 1, &four));
        CHECK("and fires", fires(four, 0));
        iommuctl_irq_free(low);
        iommuctl_irq_free(four);
        CHECK("none is left", lines() == 0);
}

/* What a kernel that cannot add refuses, and one that can does not. */
static void check_growing(struct iommuctl_device *d, int can_add)
{
        struct iommuctl_irq *one = NULL, *more = NULL;

        GIVES("vectors 0 and 1", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 0, 2, &one));
        GIVES(can_add ? "and 3 beside them" : "3 beside them is refused", can_add ? 0 : -EOPNOTSUPP,
              "there are 2", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 3, 1, &more));
        CHECK("as many as were asked for are set up, not all", lines() == (can_add ? 3u : 2u));
        iommuctl_irq_free(more);
        iommuctl_irq_free(one);
}

void test_msix(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *bar = open_region(d, VFIO_PCI_BAR0_REGION_INDEX);
        int can_add = iommuctl_irq_can_add(d, IOMMUCTL_IRQ_MSIX);
        struct iommuctl_irq *irq = NULL;
        uint64_t n = 0;

        CHECK("5 vectors", iommuctl_irq_vectors(d, IOMMUCTL_IRQ_MSIX) == 5);
        CHECK("they can be added where Linux is 6.5 or newer",
              can_add == (strverscmp(getenv("LAB_RELEASE") ?: "0", "6.5") >= 0));
        check_adding(d);
        check_growing(d, can_add);
        GIVES("all five", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 0, 5, &irq));
        GIVES("bus mastering", 0, "", iommuctl_device_set_bus_master(d, true));
        raise_vector(bar, 3);
        GIVES("the device raises number 3", 0, "", iommuctl_irq_wait(irq, 3, 2000, &n));
        GIVES("and no other", -ETIMEDOUT, "", iommuctl_irq_wait(irq, 2, 0, NULL));
        GIVES("silenced", 0, "", iommuctl_irq_set_eventfd(irq, 3, IOMMUCTL_IRQ_NO_EVENTFD));
        while (iommuctl_irq_wait(irq, 3, 50, NULL) == 0) /* it may have told of one cause twice */
                ;
        raise_vector(bar, 3);
        GIVES("it is not heard", -ETIMEDOUT, "MSI-X", iommuctl_irq_wait(irq, 3, 50, NULL));
        GIVES("heard again", 0, "", iommuctl_irq_set_eventfd(irq, 3, IOMMUCTL_IRQ_OWN_EVENTFD));
        raise_vector(bar, 3);
        GIVES("from the device", 0, "", iommuctl_irq_wait(irq, 3, 2000, &n));
        CHECK("and by software", fires(irq, 3));
        usleep(20000); /* QEMU 7.2 ends itself where MSI-X goes off within 128 us of an interrupt */
        iommuctl_irq_free(irq);
        CHECK("none is left", lines() == 0);
        iommuctl_region_free(bar);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
