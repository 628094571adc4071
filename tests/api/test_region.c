/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Regions of an open device. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "iommuctl/irq.h"
#include "iommuctl/region.h"

static void test_region_facts(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *r = NULL;

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &r));
        assert_int_equal(iommuctl_region_size(r), FAKE_BAR0_SIZE);
        assert_int_equal(iommuctl_region_flags(r),
                         IOMMUCTL_REGION_READ | IOMMUCTL_REGION_WRITE | IOMMUCTL_REGION_MMAP);
        assert_int_equal(iommuctl_region_offset(r), 0);
        iommuctl_region_free(r);
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR4_REGION_INDEX, &r));
        assert_int_equal(iommuctl_region_flags(r), IOMMUCTL_REGION_READ | IOMMUCTL_REGION_WRITE);
        iommuctl_region_free(r);
        r = NULL;
        assert_fails(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR1_REGION_INDEX, &r), -ENXIO, NIC);
        assert_fails(b->ctx, iommuctl_region_open(b->device, 99, &r), -EINVAL, NIC);
        assert_null(r);
        iommuctl_region_free(NULL);
}

static void test_region_bounds(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *r;
        uint32_t value = 0x600df00d, back = 0;

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &r));
        assert_ok(b->ctx, iommuctl_region_write(r, 0x10, &value, 4));
        assert_memory_equal((char *)fake_bar(b->m, NIC, 0) + 0x10, &value, 4);
        assert_ok(b->ctx, iommuctl_region_read(r, 0x10, &back, 4));
        assert_int_equal(back, value);
        assert_ok(b->ctx, iommuctl_region_read(r, FAKE_BAR0_SIZE - 4, &back, 4));
        back = 7;
        assert_fails(b->ctx, iommuctl_region_read(r, FAKE_BAR0_SIZE - 2, &back, 4), -ERANGE, NIC);
        assert_fails(b->ctx, iommuctl_region_read(r, FAKE_BAR0_SIZE, &back, 1), -ERANGE, NIC);
        assert_fails(b->ctx, iommuctl_region_read(r, UINT64_MAX - 1, &back, 4), -ERANGE, NIC);
        assert_fails(b->ctx, iommuctl_region_write(r, FAKE_BAR0_SIZE - 1, &value, 4), -ERANGE, NIC);
        assert_int_equal(back, 7);
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -EIO);
        assert_fails(b->ctx, iommuctl_region_read(r, 0, &back, 4), -EIO, NIC);
        /* The kernel moves less than asked: all of it comes, or an error. */
        back = 0;
        fake_set_fault(b->m, FAKE_FAULT_SHORT, 1, 0);
        assert_ok(b->ctx, iommuctl_region_read(r, 0x10, &back, 4));
        assert_true(fake_fault_hit(b->m));
        assert_int_equal(back, value);
        iommuctl_region_free(r);
}

static void test_region_map(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *r;
        void *map = NULL, *more = NULL, *none = NULL;
        struct iommuctl_range *areas;

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &r));
        assert_ok(b->ctx, iommuctl_region_map(r, 0, 0, &map));
        iommuctl_mmio_write32((char *)map + 0x100, 0x01020304);
        assert_int_equal(*(uint32_t *)((char *)fake_bar(b->m, NIC, 0) + 0x100), 0x01020304);
        assert_int_equal(iommuctl_mmio_read32((char *)map + 0x100), 0x01020304);
        assert_int_equal(iommuctl_mmio_read8((char *)map + 0x100), 4);
        /* An offset that is no page's begin. */
        assert_ok(b->ctx, iommuctl_region_map(r, 0x1104, 0x20, &more));
        iommuctl_mmio_write16(more, 0xbeef);
        assert_int_equal(*(uint16_t *)((char *)fake_bar(b->m, NIC, 0) + 0x1104), 0xbeef);
        assert_fails(b->ctx, iommuctl_region_map(r, 0x2000, FAKE_BAR0_SIZE, &none), -ERANGE, NIC);
        assert_fails(b->ctx, iommuctl_region_map(r, FAKE_BAR0_SIZE, 0, &none), -ERANGE, NIC);
        assert_int_equal(iommuctl_region_areas(r, &areas), 1);
        assert_int_equal(areas[0].last, FAKE_BAR0_SIZE - 1);
        free(areas);
        iommuctl_region_free(r);
        assert_int_equal(fake_n_mmaps(b->m), 0);

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR4_REGION_INDEX, &r));
        assert_fails(b->ctx, iommuctl_region_map(r, 0, 0, &none), -EOPNOTSUPP, NIC);
        assert_int_equal(iommuctl_region_areas(r, &areas), 0);
        free(areas);
        iommuctl_region_free(r);
        assert_null(none);
}

/* The MSI-X table in the middle of a BAR: cut out by the kernel, or not. */
static void test_msix_table(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *mappable;
        struct iommuctl_range *areas;
        struct iommuctl_region *r;
        void *map = NULL, *none = NULL;

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR2_REGION_INDEX, &r));
        assert_int_equal(iommuctl_region_areas(r, &areas), 2);
        assert_int_equal(areas[0].last, 0xfff);
        assert_int_equal(areas[1].start, 0x2000);
        assert_int_equal(areas[1].last, FAKE_BAR2_SIZE - 1);
        free(areas);
        assert_fails(b->ctx, iommuctl_region_map(r, 0, FAKE_BAR2_SIZE, &none), -EOPNOTSUPP, "0x2000");
        assert_fails(b->ctx, iommuctl_region_map(r, 0x1800, 0x10, &none), -EOPNOTSUPP, "0x2000");
        assert_ok(b->ctx, iommuctl_region_map(r, 0x2000, 0, &map));
        *(volatile uint8_t *)map = 1;
        assert_ok(b->ctx, iommuctl_region_map(r, 0, 0, &map));
        assert_null(none);
        iommuctl_region_free(r);

        fake_add_pci(b->m, "0000:06:00.0",
                     &(struct fake_pci){ .driver = "vfio-pci", .group = 16, .msix_mappable = true });
        assert_ok(b->ctx, iommuctl_device_open(b->container, "0000:06:00.0", &mappable));
        assert_ok(b->ctx, iommuctl_region_open(mappable, VFIO_PCI_BAR2_REGION_INDEX, &r));
        assert_int_equal(iommuctl_region_areas(r, &areas), 1);
        free(areas);
        assert_ok(b->ctx, iommuctl_region_map(r, 0, 0, &map));
        iommuctl_region_free(r);
        iommuctl_device_unref(mappable);
}

/* Regions and interrupts keep the device. */
static void test_region_keeps_device(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *r;
        struct iommuctl_irq *irq;
        uint8_t byte;

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_CONFIG_REGION_INDEX, &r));
        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSI, 0, 1, &irq));
        b->device = iommuctl_device_unref(b->device);
        b->container = iommuctl_container_unref(b->container);
        assert_ok(b->ctx, iommuctl_region_read(r, 0, &byte, 1));
        assert_int_equal(byte, 0x86);
        iommuctl_region_free(r);
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_MSI_IRQ_INDEX, 0), 1);
        assert_ok(b->ctx, iommuctl_irq_wait(irq, 0, 0, NULL));
        iommuctl_irq_free(irq);
        assert_clean(b->m, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_region_facts), BOTH(test_region_bounds),       BOTH(test_region_map),
                BOTH(test_msix_table),   BOTH(test_region_keeps_device),
        };

        return run_tap_tests("region", tests);
}
