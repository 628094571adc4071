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

static uint64_t size_of(const struct fake_device *d, unsigned int index)
{
        switch (index) {
        case VFIO_PCI_BAR0_REGION_INDEX:
                return FAKE_BAR0_SIZE;
        case VFIO_PCI_BAR2_REGION_INDEX:
                return FAKE_BAR2_SIZE;
        case VFIO_PCI_BAR4_REGION_INDEX:
                return FAKE_BAR4_SIZE;
        case VFIO_PCI_CONFIG_REGION_INDEX:
                return 256;
        default:
                (void)d;
                return 0;
        }
}

static bool may_map(const struct fake_device *d, unsigned int index)
{
        return !d->pci.bar_mmap_denied &&
               (index == VFIO_PCI_BAR0_REGION_INDEX || index == VFIO_PCI_BAR2_REGION_INDEX);
}

/* Where the BAR holds the MSI-X table: since 4.16 the whole of it may be mapped and says so; a kernel before
 * cuts the table's pages out (the two shapes of struct vfio_region_info_cap_*). */
static uint32_t put_caps(const struct fake_device *d, unsigned int index, struct vfio_region_info *a,
                         uint32_t room)
{
        struct vfio_region_info_cap_sparse_mmap *sparse = (void *)(a + 1);
        struct vfio_info_cap_header *h = (void *)(a + 1);
        uint32_t size = d->pci.msix_mappable ? sizeof(*h) : sizeof(*sparse) + 2 * sizeof(sparse->areas[0]);

        if (index != VFIO_PCI_BAR2_REGION_INDEX || !d->pci.msix || !may_map(d, index))
                return 0;
        if (room < size)
                return size;
        memset(h, 0, size);
        h->version = 1;
        h->id = d->pci.msix_mappable ? VFIO_REGION_INFO_CAP_MSIX_MAPPABLE : VFIO_REGION_INFO_CAP_SPARSE_MMAP;
        if (!d->pci.msix_mappable) {
                sparse->nr_areas = 2;
                sparse->areas[0].size = MSIX_TABLE;
                sparse->areas[1].offset = MSIX_TABLE + MSIX_SIZE;
                sparse->areas[1].size = FAKE_BAR2_SIZE - MSIX_TABLE - MSIX_SIZE;
        }
        return size;
}

int fake_region_info(const struct fake_device *d, struct vfio_region_info *a)
{
        uint32_t argsz = a->argsz, caps;

        if (argsz < sizeof(*a))
                return -EINVAL;
        if (a->index >= VFIO_PCI_NUM_REGIONS ||
            (a->index == VFIO_PCI_VGA_REGION_INDEX && d->pci.class >> 8 != 0x0300))
                return -EINVAL;
        a->offset = (uint64_t)a->index << OFFSET_SHIFT;
        a->size = size_of(d, a->index);
        a->flags = a->size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
        if (may_map(d, a->index))
                a->flags |= VFIO_REGION_INFO_FLAG_MMAP;
        caps = put_caps(d, a->index, a, argsz - (uint32_t)sizeof(*a));
        a->cap_offset = 0;
        if (caps) {
                a->flags |= VFIO_REGION_INFO_FLAG_CAPS;
                if (argsz < sizeof(*a) + caps)
                        a->argsz = (uint32_t)sizeof(*a) + caps;
                else
                        a->cap_offset = sizeof(*a);
        }
        return 0;
}

/* The bytes at the file's OFFSET, and how many there are from it. -EINVAL outside of any region. */
static ssize_t find(struct fake_file *f, uint64_t offset, size_t size, uint8_t **ret_at)
{
        struct fake_device_file *df = f->priv;
        unsigned int index = (unsigned int)(offset >> OFFSET_SHIFT);
        uint64_t pos = offset & ((1ull << OFFSET_SHIFT) - 1), have;

        if (!df->granted || index >= VFIO_PCI_NUM_REGIONS)
                return -EINVAL;
        have = size_of(df->device, index);
        if (pos >= have)
                return index == VFIO_PCI_CONFIG_REGION_INDEX ? -EFAULT : -EINVAL;
        *ret_at = df->device->memory + pos;
        if (index != VFIO_PCI_CONFIG_REGION_INDEX)
                *ret_at += (uint64_t)(index + 1) << 20;
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
        bool config = offset >> OFFSET_SHIFT == VFIO_PCI_CONFIG_REGION_INDEX;
        uint64_t pos = offset & ((1ull << OFFSET_SHIFT) - 1);
        uint8_t *at;
        ssize_t n = find(f, offset, size, &at);

        for (ssize_t i = 0; i < n; i++)
                if (!config || pos + (uint64_t)i >= 4)
                        at[i] = ((const uint8_t *)buf)[i];
        /* vfio_basic_config_write(): memory decoding went off, or is on again */
        if (config && n > 0 && pos <= PCI_COMMAND && pos + (uint64_t)n > PCI_COMMAND) {
                struct fake_device *d = ((struct fake_device_file *)f->priv)->device;

                fake_dmabufs_move(m, d, !(d->memory[PCI_COMMAND] & PCI_COMMAND_MEMORY));
        }
        return n;
}

int fake_region_mmap(struct fake *m, struct fake_file *f, uint64_t offset, size_t length, int prot,
                     int *ret_fd, uint64_t *ret_offset)
{
        struct fake_device_file *df = f->priv;
        unsigned int index = (unsigned int)(offset >> OFFSET_SHIFT);
        uint64_t pos = offset & ((1ull << OFFSET_SHIFT) - 1);

        (void)m, (void)prot;
        if (!df->granted || index >= VFIO_PCI_ROM_REGION_INDEX || !may_map(df->device, index))
                return -EINVAL;
        length = (length + 4095) & ~(size_t)4095;
        if (pos + length > size_of(df->device, index))
                return -EINVAL;
        if (index == VFIO_PCI_BAR2_REGION_INDEX && df->device->pci.msix && !df->device->pci.msix_mappable &&
            pos < MSIX_TABLE + MSIX_SIZE && pos + length > MSIX_TABLE)
                return -EINVAL;
        *ret_fd = df->device->memory_fd;
        *ret_offset = ((uint64_t)(index + 1) << 20) + pos;
        return 0;
}
