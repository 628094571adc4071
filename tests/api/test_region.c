/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Regions of an open device. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

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

#define RICH "0000:06:00.0"

/* A graphics card with all that there is: ROM, legacy VGA, a large BAR, regions of its own. */
static struct iommuctl_device *open_rich(struct bench *b, uint64_t bar3_size)
{
        struct iommuctl_device *device = NULL;

        fake_add_pci(b->m, RICH,
                     &(struct fake_pci){
                             .class = 0x030000,
                             .driver = "vfio-pci",
                             .group = 16,
                             .rom_size = 0x10000,
                             .bar3_size = bar3_size,
                             .regions = { { .type = (1u << 31) | 0x8086, .subtype = 1, .size = 0x2000 },
                                          { .type = VFIO_REGION_TYPE_GFX,
                                            .subtype = VFIO_REGION_SUBTYPE_GFX_EDID,
                                            .size = 0x8000,
                                            .mappable = true } },
                     });
        assert_ok(b->ctx, iommuctl_device_open(b->container, RICH, &device));
        return device;
}

static void test_widths(void **state)
{
        struct bench *b = *state;
        uint8_t *bar = fake_bar(b->m, NIC, 0);
        struct iommuctl_region *r;
        uint64_t v64 = 7;
        uint32_t v32;
        uint16_t v16 = 7;
        uint8_t v8;

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &r));
        assert_ok(b->ctx, iommuctl_region_write64(r, 0x20, 0x0102030405060708));
        assert_memory_equal(bar + 0x20, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
        assert_ok(b->ctx, iommuctl_region_read64(r, 0x20, &v64));
        assert_true(v64 == 0x0102030405060708);
        assert_ok(b->ctx, iommuctl_region_write32(r, 0x24, 0x11223344));
        assert_ok(b->ctx, iommuctl_region_read32(r, 0x24, &v32));
        assert_int_equal(v32, 0x11223344);
        assert_int_equal(bar[0x24], 0x44);
        assert_ok(b->ctx, iommuctl_region_write16(r, 0x2a, 0xbeef));
        assert_ok(b->ctx, iommuctl_region_read16(r, 0x2a, &v16));
        assert_int_equal(v16, 0xbeef);
        assert_int_equal(bar[0x2a], 0xef);
        assert_ok(b->ctx, iommuctl_region_write8(r, 0x2d, 0x5a));
        assert_ok(b->ctx, iommuctl_region_read8(r, 0x2d, &v8));
        assert_int_equal(v8, 0x5a);
        v16 = 7;
        assert_fails(b->ctx, iommuctl_region_read16(r, 0x2b, &v16), -EINVAL, "0x2b");
        assert_fails(b->ctx, iommuctl_region_read16(r, FAKE_BAR0_SIZE, &v16), -ERANGE, NIC);
        assert_fails(b->ctx, iommuctl_region_write32(r, 0x22, 1), -EINVAL, "4 bytes");
        assert_fails(b->ctx, iommuctl_region_write64(r, FAKE_BAR0_SIZE, 1), -ERANGE, NIC);
        assert_int_equal(v16, 7);
        /* All ones are what the register holds: the device is there. */
        assert_ok(b->ctx, iommuctl_region_write32(r, 0x30, UINT32_MAX));
        assert_ok(b->ctx, iommuctl_region_read32(r, 0x30, &v32));
        assert_int_equal(v32, UINT32_MAX);
        iommuctl_region_free(r);
}

static void test_types(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *d = open_rich(b, 0);
        struct iommuctl_region *r = NULL;
        struct iommuctl_range *areas;
        uint32_t type = 7, subtype = 7;
        void *map = NULL;

        assert_int_equal(iommuctl_device_n_regions(d), VFIO_PCI_NUM_REGIONS + 2);
        assert_fails(b->ctx, iommuctl_region_open_type(d, VFIO_REGION_TYPE_GFX, 9, &r), -ENXIO, "type 0x1");
        assert_fails(b->ctx, iommuctl_region_open_type(b->device, VFIO_REGION_TYPE_GFX, 1, &r), -ENXIO, NIC);
        assert_null(r);
        assert_ok(b->ctx,
                  iommuctl_region_open_type(d, VFIO_REGION_TYPE_GFX, VFIO_REGION_SUBTYPE_GFX_EDID, &r));
        assert_int_equal(iommuctl_region_index(r), VFIO_PCI_NUM_REGIONS + 1);
        assert_true(iommuctl_region_type(r, &type, &subtype));
        assert_int_equal(type, VFIO_REGION_TYPE_GFX);
        assert_int_equal(subtype, VFIO_REGION_SUBTYPE_GFX_EDID);
        assert_int_equal(iommuctl_region_size(r), 0x8000);
        /* Its other capability is there, too: two areas. */
        assert_int_equal(iommuctl_region_areas(r, &areas), 2);
        assert_int_equal(areas[0].last, 0xfff);
        assert_int_equal(areas[1].start, 0x2000);
        assert_int_equal(areas[1].last, 0x7fff);
        free(areas);
        assert_ok(b->ctx, iommuctl_region_map(r, 0x2000, 0, &map));
        assert_fails(b->ctx, iommuctl_region_map(r, 0x1000, 0, &map), -EOPNOTSUPP, "0x2000-0x7fff");
        iommuctl_region_free(r);
        assert_ok(b->ctx, iommuctl_region_open_type(d, (1u << 31) | 0x8086, 1, &r));
        assert_int_equal(iommuctl_region_areas(r, &areas), 0);
        free(areas);
        iommuctl_region_free(r);
        assert_ok(b->ctx, iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &r));
        type = 7;
        assert_false(iommuctl_region_type(r, &type, &subtype));
        assert_int_equal(type, 7);
        iommuctl_region_free(r);
        iommuctl_device_unref(d);
}

static void test_rom_and_vga(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *d = open_rich(b, 0);
        struct iommuctl_region *r = NULL;
        uint16_t magic = 0;
        uint8_t byte = 0;
        void *map = NULL;

        assert_fails(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_ROM_REGION_INDEX, &r), -ENXIO, NIC);
        assert_fails(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_VGA_REGION_INDEX, &r), -ENXIO, NIC);
        assert_ok(b->ctx, iommuctl_region_open(d, VFIO_PCI_ROM_REGION_INDEX, &r));
        assert_int_equal(iommuctl_region_flags(r), IOMMUCTL_REGION_READ);
        assert_int_equal(iommuctl_region_size(r), 0x10000);
        assert_ok(b->ctx, iommuctl_region_read16(r, 0, &magic));
        assert_int_equal(magic, 0xaa55);
        assert_ok(b->ctx, iommuctl_region_read16(r, 0x8000, &magic)); /* behind the image */
        assert_int_equal(magic, 0xffff);
        assert_fails(b->ctx, iommuctl_region_write16(r, 0, 1), -EACCES, "written");
        assert_fails(b->ctx, iommuctl_region_map(r, 0, 0, &map), -EOPNOTSUPP, "nothing");
        iommuctl_region_free(r);

        assert_ok(b->ctx, iommuctl_region_open(d, VFIO_PCI_VGA_REGION_INDEX, &r));
        assert_int_equal(iommuctl_region_size(r), FAKE_VGA_SIZE);
        assert_ok(b->ctx, iommuctl_region_write8(r, 0xa0000, 0x41));
        assert_ok(b->ctx, iommuctl_region_read8(r, 0xa0000, &byte));
        assert_int_equal(byte, 0x41);
        assert_ok(b->ctx, iommuctl_region_write8(r, 0x3c0, 1));
        assert_fails(b->ctx, iommuctl_region_read8(r, 0x9ffff, &byte), -EINVAL, RICH);
        iommuctl_region_free(r);
        iommuctl_device_unref(d);
}

/* Memory decoding off is one thing, a card that was taken out another. */
static void test_silent_and_gone(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *r, *config, *ports;
        uint32_t value = 7;
        uint16_t command;

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &r));
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR4_REGION_INDEX, &ports));
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_CONFIG_REGION_INDEX, &config));
        assert_ok(b->ctx, iommuctl_region_write32(r, 0x40, 0x600df00d));
        assert_ok(b->ctx, iommuctl_region_read16(config, 4, &command));
        assert_ok(b->ctx, iommuctl_region_write16(config, 4, (uint16_t)(command & ~2)));
        assert_fails(b->ctx, iommuctl_region_read32(r, 0x40, &value), -EIO, "memory decoding is off");
        assert_fails(b->ctx, iommuctl_region_write32(r, 0x40, 1), -EIO, "memory decoding is off");
        assert_ok(b->ctx, iommuctl_region_write8(ports, 0, 1));
        assert_int_equal(value, 7);
        assert_ok(b->ctx, iommuctl_region_write16(config, 4, command));
        assert_ok(b->ctx, iommuctl_region_read32(r, 0x40, &value));
        assert_int_equal(value, 0x600df00d);

        fake_pull(b->m, NIC);
        value = 7;
        assert_fails(b->ctx, iommuctl_region_read32(r, 0x40, &value), -ENODEV, "gone");
        assert_fails(b->ctx, iommuctl_region_read32(config, 0x40, &value), -ENODEV, "gone");
        assert_fails(b->ctx, iommuctl_region_write32(config, 0x40, 0), -ENODEV, "gone");
        assert_int_equal(value, 7);
        iommuctl_region_free(config);
        iommuctl_region_free(ports);
        iommuctl_region_free(r);
}

static void ring(struct bench *b, int fd)
{
        uint64_t one = 1;

        assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
        fake_settle(b->m);
}

static void test_ioeventfd(void **state)
{
        struct bench *b = *state;
        int fd = b->k->ops->eventfd(b->k, 0, 0);
        struct iommuctl_region *r, *msix, *config;
        uint8_t *bar = fake_bar(b->m, NIC, 0);

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &r));
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR2_REGION_INDEX, &msix));
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_CONFIG_REGION_INDEX, &config));
        assert_ok(b->ctx, iommuctl_region_set_ioeventfd(r, 0x80, 4, 0xcafe, fd));
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(r, 0x80, 4, 0xcafe, fd), -EEXIST, "already");
        assert_int_equal(bar[0x80], 0);
        ring(b, fd);
        assert_memory_equal(bar + 0x80, "\xfe\xca\0\0", 4);
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(r, 0x80, 4, 0xcaff, -1), -ENOENT, "no eventfd");
        assert_ok(b->ctx, iommuctl_region_set_ioeventfd(r, 0x80, 4, 0xcafe, -1));
        bar[0x80] = 0;
        ring(b, fd);
        assert_int_equal(bar[0x80], 0);

        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(r, 0x80, 3, 1, fd), -EINVAL, "not 3");
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(r, 0x82, 4, 1, fd), -EINVAL, "0x82");
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(r, 0x80, 1, 256, fd), -ERANGE, "fit");
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(r, FAKE_BAR0_SIZE, 1, 1, fd), -ERANGE, NIC);
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(msix, 0x1010, 4, 1, fd), -EINVAL, "MSI-X");
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(config, 4, 1, 1, fd), -EINVAL, "only BARs");
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(r, 0x80, 1, 1, 900), -EBADF, NIC);
        for (unsigned int i = 0; i < 10; i++)
                assert_ok(b->ctx, iommuctl_region_set_ioeventfd(r, 8, 8, i, fd));
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -ENOSPC);
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(r, 8, 8, 10, fd), -ENOSPC, "1000");
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -ENOTTY);
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(r, 8, 8, 10, fd), -EOPNOTSUPP, "4.17");
        iommuctl_region_free(config);
        iommuctl_region_free(msix);
        iommuctl_region_free(r);
        assert_int_equal(fake_n_ioeventfds(b->m, NIC), 10); /* the device's, not the region's */
        b->k->ops->close(b->k, fd);
        b->device = iommuctl_device_unref(b->device);
        assert_int_equal(fake_n_ioeventfds(b->m, NIC), 0);
}

/* Where the address is congruent to the offset, the kernel can use large pages. */
static void test_map_aligned(void **state)
{
        const uint64_t mib2 = 2 << 20, gib = 1 << 30;
        struct bench *b = *state;
        struct iommuctl_device *d = open_rich(b, 2 * gib);
        struct iommuctl_region *r;
        char *map = NULL, *part = NULL;
        unsigned int before = fake_n_mmaps(b->m);

        assert_ok(b->ctx, iommuctl_region_open(d, VFIO_PCI_BAR3_REGION_INDEX, &r));
        assert_ok(b->ctx, iommuctl_region_map(r, 0, 0, (void **)&map));
        assert_int_equal((uintptr_t)map % gib, 0);
        map[2 * gib - 1] = 1;
        /* No block of 1 GiB fits here, but of 2 MiB. */
        assert_ok(b->ctx, iommuctl_region_map(r, gib / 2 + 0x3000, gib, (void **)&part));
        assert_int_equal((uintptr_t)part % mib2, 0x3000);
        part[0] = 42;
        assert_int_equal(map[gib / 2 + 0x3000], 42);
        assert_ok(b->ctx, iommuctl_region_map(r, gib - mib2 - 0x1008, gib + mib2 + 0x1008, (void **)&part));
        assert_int_equal((uintptr_t)part % gib, gib - mib2 - 0x1008);
        /* The room that was reserved around them was given back. */
        assert_int_equal(fake_n_mmaps(b->m), before + 3);
        iommuctl_region_free(r);
        assert_int_equal(fake_n_mmaps(b->m), before);

        /* Each of the calls failing: another place, or nothing left behind. */
        for (unsigned int n = 1;; n++) {
                int result;
                bool hit;

                assert_ok(b->ctx, iommuctl_region_open(d, VFIO_PCI_BAR3_REGION_INDEX, &r));
                fake_set_fault(b->m, FAKE_FAULT_ERROR, n, -ENOMEM);
                result = iommuctl_region_map(r, 0, 0, (void **)&map);
                hit = fake_fault_hit(b->m);
                fake_set_fault(b->m, FAKE_FAULT_NONE, 0, 0);
                if (result == 0)
                        map[gib] = 1;
                iommuctl_region_free(r);
                assert_int_equal(fake_n_mmaps(b->m), before);
                if (!hit)
                        break;
        }
        iommuctl_device_unref(d);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_region_facts), BOTH(test_region_bounds),       BOTH(test_region_map),
                BOTH(test_msix_table),   BOTH(test_region_keeps_device), BOTH(test_widths),
                BOTH(test_types),        BOTH(test_rom_and_vga),         BOTH(test_silent_and_gone),
                BOTH(test_ioeventfd),    BOTH(test_map_aligned),
        };

        return run_tap_tests("region", tests);
}
