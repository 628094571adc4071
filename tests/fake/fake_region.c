/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The regions of an open device: information with capabilities, bounded reads and writes, memory to map
 * (drivers/vfio/pci/vfio_pci_core.c, vfio_pci_rdwr.c). */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "fake_vfio.h"

#define OFFSET_SHIFT 40 /* VFIO_PCI_OFFSET_SHIFT, include/linux/vfio_pci_core.h */
#define MSIX_TABLE   0x1000u
#define MSIX_SIZE    0x1000u

static bool may_map(const struct fake_device *d, unsigned int index)
{
        if (index >= VFIO_PCI_NUM_REGIONS)
                return d->pci.regions[index - VFIO_PCI_NUM_REGIONS].mappable;
        return !d->pci.bar_mmap_denied && fake_region_size(d, index) &&
               (index == VFIO_PCI_BAR0_REGION_INDEX || index == VFIO_PCI_BAR2_REGION_INDEX ||
                index == VFIO_PCI_BAR3_REGION_INDEX);
}

/* What lies between the two areas that can be mapped; nothing where all can. */
static uint64_t hole_of(const struct fake_device *d, unsigned int index, uint64_t *ret_size)
{
        *ret_size = 0;
        if (index == VFIO_PCI_BAR2_REGION_INDEX && d->pci.msix && !d->pci.msix_mappable)
                *ret_size = MSIX_SIZE;
        if (index >= VFIO_PCI_NUM_REGIONS)
                *ret_size = 0x1000;
        return MSIX_TABLE;
}

/* A chain of capabilities behind the answer. */
struct caps {
        uint8_t data[128];
        uint32_t size, last;
};

static void add_cap(struct caps *c, struct vfio_info_cap_header *h, uint16_t id, uint32_t size)
{
        const uint32_t at = (uint32_t)sizeof(struct vfio_region_info) + c->size;

        h->id = id;
        h->version = 1;
        if (c->size)
                ((struct vfio_info_cap_header *)(c->data + c->last))->next = at;
        memcpy(c->data + c->size, h, size);
        c->last = c->size;
        c->size += size;
}

static void add_sparse(const struct fake_device *d, unsigned int index, struct caps *c)
{
        union {
                struct vfio_region_info_cap_sparse_mmap cap;
                char room[sizeof(struct vfio_region_info_cap_sparse_mmap) +
                          2 * sizeof(struct vfio_region_sparse_mmap_area)];
        } s = { .cap.nr_areas = 2 };
        struct vfio_region_sparse_mmap_area *areas = s.cap.areas;
        uint64_t hole_size, hole = hole_of(d, index, &hole_size);

        if (!may_map(d, index) || !hole_size)
                return;
        areas[0] = (struct vfio_region_sparse_mmap_area){ .size = hole };
        areas[1].offset = hole + hole_size;
        areas[1].size = fake_region_size(d, index) - hole - hole_size;
        add_cap(c, &s.cap.header, VFIO_REGION_INFO_CAP_SPARSE_MMAP, sizeof(s));
}

/* Where the BAR holds the MSI-X table: since 4.16 the whole of it may be mapped and says so; a kernel before
 * cuts the table's pages out (the two shapes of struct vfio_region_info_cap_*). */
static void add_caps(const struct fake_device *d, unsigned int index, struct caps *c)
{
        struct vfio_info_cap_header mappable = { 0 };

        if (index >= VFIO_PCI_NUM_REGIONS) {
                struct vfio_region_info_cap_type type = {
                        .type = d->pci.regions[index - VFIO_PCI_NUM_REGIONS].type,
                        .subtype = d->pci.regions[index - VFIO_PCI_NUM_REGIONS].subtype,
                };

                add_cap(c, &type.header, VFIO_REGION_INFO_CAP_TYPE, sizeof(type));
        }
        add_sparse(d, index, c);
        if (index == VFIO_PCI_BAR2_REGION_INDEX && d->pci.msix && d->pci.msix_mappable && may_map(d, index))
                add_cap(c, &mappable, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, sizeof(mappable));
}

static unsigned int n_regions(const struct fake_device *d)
{
        unsigned int n = VFIO_PCI_NUM_REGIONS;

        while (n < VFIO_PCI_NUM_REGIONS + ARRAY_SIZE(d->pci.regions) && fake_region_size(d, n))
                n++;
        return n;
}

int fake_region_info(const struct fake_device *d, struct vfio_region_info *a)
{
        struct caps caps = { .size = 0 };
        uint32_t argsz = a->argsz;

        if (argsz < sizeof(*a))
                return -EINVAL;
        if (a->index >= n_regions(d) ||
            (a->index == VFIO_PCI_VGA_REGION_INDEX && !fake_region_size(d, a->index)))
                return -EINVAL;
        a->offset = (uint64_t)a->index << OFFSET_SHIFT;
        a->size = fake_region_size(d, a->index);
        a->flags = !a->size ? 0
                   : a->index == VFIO_PCI_ROM_REGION_INDEX
                           ? VFIO_REGION_INFO_FLAG_READ
                           : VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
        if (may_map(d, a->index))
                a->flags |= VFIO_REGION_INFO_FLAG_MMAP;
        add_caps(d, a->index, &caps);
        a->cap_offset = 0;
        if (!caps.size)
                return 0;
        a->flags |= VFIO_REGION_INFO_FLAG_CAPS;
        if (argsz < sizeof(*a) + caps.size) {
                a->argsz = (uint32_t)sizeof(*a) + caps.size;
                return 0;
        }
        a->cap_offset = sizeof(*a);
        memcpy(a + 1, caps.data, caps.size);
        return 0;
}

/* The legacy ranges that the VGA region serves (vfio_pci_vga_rw()). */
static uint64_t vga_end(uint64_t pos)
{
        return pos >= 0xa0000 && pos < 0xc0000 ? 0xc0000
               : pos >= 0x3b0 && pos < 0x3bc   ? 0x3bc
               : pos >= 0x3c0 && pos < 0x3e0   ? 0x3e0
                                               : pos;
}

/* What answers is the memory of the device, behind its command register: -EIO where that is off
 * (vfio_pci_core_iowrite32() and its kin). A device that was pulled has no configuration space, but for what
 * the kernel answers itself. */
static int answers(const struct fake_device *d, unsigned int index, uint64_t pos)
{
        if (index == VFIO_PCI_CONFIG_REGION_INDEX)
                return d->pulled && pos >= 4 ? -ENODEV : 0;
        if (index == VFIO_PCI_BAR4_REGION_INDEX || index >= VFIO_PCI_VGA_REGION_INDEX)
                return 0;
        return d->silent ? -EIO : 0;
}

/* The bytes at the file's OFFSET, and how many there are from it. -EINVAL outside of any region. */
static ssize_t find(struct fake_file *f, uint64_t offset, size_t size, uint8_t **ret_at)
{
        struct fake_device_file *df = f->priv;
        struct fake_device *d = df->device;
        unsigned int index = (unsigned int)(offset >> OFFSET_SHIFT);
        uint64_t pos = offset & ((1ull << OFFSET_SHIFT) - 1), have;
        int r;

        if (!df->granted || index >= n_regions(d))
                return -EINVAL;
        have = index == VFIO_PCI_VGA_REGION_INDEX ? vga_end(pos) : fake_region_size(d, index);
        if (pos >= have)
                return index == VFIO_PCI_CONFIG_REGION_INDEX ? -EFAULT : -EINVAL;
        r = answers(d, index, pos);
        if (r < 0)
                return r;
        if (d->silent) /* ports and what the driver has itself: not in the file now */
                *ret_at = d->saved + fake_region_place(index) - FAKE_SLOT + pos;
        if (!d->silent || index == VFIO_PCI_CONFIG_REGION_INDEX)
                *ret_at = d->memory + fake_region_place(index) + pos;
        return (ssize_t)MIN((uint64_t)size, have - pos);
}

ssize_t fake_region_pread(struct fake *m, struct fake_file *f, void *buf, size_t size, uint64_t offset)
{
        uint8_t *at;
        ssize_t n = find(f, offset, size, &at);

        (void)m;
        if (n > 0)
                memcpy(buf, at, (size_t)n);
        return n;
}

/* Identity cannot be written (vfio_pci_config.c virtualises the header). */
ssize_t fake_region_pwrite(struct fake *m, struct fake_file *f, const void *buf, size_t size, uint64_t offset)
{
        struct fake_device *d = ((struct fake_device_file *)f->priv)->device;
        unsigned int index = (unsigned int)(offset >> OFFSET_SHIFT);
        bool config = index == VFIO_PCI_CONFIG_REGION_INDEX;
        uint64_t pos = offset & ((1ull << OFFSET_SHIFT) - 1);
        uint8_t *at;
        ssize_t n = index == VFIO_PCI_ROM_REGION_INDEX ? -EINVAL : find(f, offset, size, &at);

        for (ssize_t i = 0; i < n && !(d->pulled && !config); i++)
                if (!config || pos + (uint64_t)i >= 4)
                        at[i] = ((const uint8_t *)buf)[i];
        if (n > 0 && config) {
                fake_command_changed(d);
                /* vfio_basic_config_write(): memory decoding went off, or is on again */
                if (pos <= PCI_COMMAND && pos + (uint64_t)n > PCI_COMMAND)
                        fake_dmabufs_move(m, d, !(d->memory[PCI_COMMAND] & PCI_COMMAND_MEMORY));
        }
        return n;
}

int fake_region_mmap(struct fake *m, struct fake_file *f, uint64_t offset, size_t length, int prot,
                     int *ret_fd, uint64_t *ret_offset)
{
        struct fake_device_file *df = f->priv;
        unsigned int index = (unsigned int)(offset >> OFFSET_SHIFT);
        uint64_t pos = offset & ((1ull << OFFSET_SHIFT) - 1), hole, hole_size;

        (void)m, (void)prot;
        if (!df->granted || index >= n_regions(df->device) || !may_map(df->device, index))
                return -EINVAL;
        length = (length + 4095) & ~(size_t)4095;
        if (pos + length > fake_region_size(df->device, index))
                return -EINVAL;
        hole = hole_of(df->device, index, &hole_size);
        if (hole_size && pos < hole + hole_size && pos + length > hole)
                return -EINVAL;
        *ret_fd = df->device->memory_fd;
        *ret_offset = fake_region_place(index) + pos;
        return 0;
}
