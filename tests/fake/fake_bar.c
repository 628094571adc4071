/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of a device: configuration space, BARs and its other regions in one memfd, so that they can be
 * mapped. While memory decoding is off, the file is cut short behind configuration space, and touching a
 * mapped BAR raises SIGBUS as it does in vfio_pci_mmap_huge_fault(). */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_internal.h"

#define N_SLOTS    13 /* configuration space, the fixed regions, the others */
#define BAR3_PLACE ((uint64_t)1 << 33)

static uint64_t file_size(const struct fake_device *d)
{
        return d->pci.bar3_size ? BAR3_PLACE + d->pci.bar3_size : N_SLOTS * FAKE_SLOT;
}

uint64_t fake_region_size(const struct fake_device *d, unsigned int index)
{
        switch (index) {
        case VFIO_PCI_BAR0_REGION_INDEX:
                return FAKE_BAR0_SIZE;
        case VFIO_PCI_BAR2_REGION_INDEX:
                return FAKE_BAR2_SIZE;
        case VFIO_PCI_BAR3_REGION_INDEX:
                return d->pci.bar3_size;
        case VFIO_PCI_BAR4_REGION_INDEX:
                return FAKE_BAR4_SIZE;
        case VFIO_PCI_ROM_REGION_INDEX:
                return d->pci.rom_size;
        case VFIO_PCI_CONFIG_REGION_INDEX:
                return 256;
        case VFIO_PCI_VGA_REGION_INDEX:
                return d->pci.class >> 8 == 0x0300 ? FAKE_VGA_SIZE : 0;
        default:
                index -= VFIO_PCI_NUM_REGIONS;
                return index < ARRAY_SIZE(d->pci.regions) ? d->pci.regions[index].size : 0;
        }
}

uint64_t fake_region_place(unsigned int index)
{
        return index == VFIO_PCI_BAR3_REGION_INDEX     ? BAR3_PLACE
               : index == VFIO_PCI_CONFIG_REGION_INDEX ? 0
                                                       : (index + 1) * FAKE_SLOT;
}

static void fill_config(struct fake_device *d)
{
        const struct fake_pci *p = &d->pci;
        uint8_t *c = d->memory;

        memcpy(c + PCI_VENDOR_ID, &p->vendor, 2);
        memcpy(c + PCI_DEVICE_ID, &p->device, 2);
        c[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_IO;
        c[PCI_REVISION_ID] = p->revision;
        c[PCI_CLASS_PROG] = (uint8_t)p->class;
        c[PCI_CLASS_DEVICE] = (uint8_t)(p->class >> 8);
        c[PCI_CLASS_DEVICE + 1] = (uint8_t)(p->class >> 16);
        c[PCI_HEADER_TYPE] = p->header_type;
        memcpy(c + PCI_SUBSYSTEM_VENDOR_ID, &p->subsystem_vendor, 2);
        memcpy(c + PCI_SUBSYSTEM_ID, &p->subsystem_device, 2);
}

void fake_memory_add(struct fake_device *d)
{
        d->memory_fd = memfd_create("fake device", MFD_CLOEXEC);
        if (d->memory_fd < 0 || ftruncate(d->memory_fd, (off_t)file_size(d)) < 0)
                abort();
        d->memory = mmap(NULL, N_SLOTS * FAKE_SLOT, PROT_READ | PROT_WRITE, MAP_SHARED, d->memory_fd, 0);
        if (d->memory == MAP_FAILED)
                abort();
        fill_config(d);
        if (d->pci.rom_size) /* an image, and nothing behind it */
                memset(d->memory + fake_region_place(VFIO_PCI_ROM_REGION_INDEX), 0xff, d->pci.rom_size);
        if (d->pci.rom_size >= 2)
                memcpy(d->memory + fake_region_place(VFIO_PCI_ROM_REGION_INDEX), "\x55\xaa", 2);
}

void fake_memory_free(struct fake_device *d)
{
        if (d->memory)
                munmap(d->memory, N_SLOTS * FAKE_SLOT);
        if (d->memory_fd >= 0)
                close(d->memory_fd);
        free(d->saved);
}

/* Memory that was cut off comes back as it was. */
static void set_silent(struct fake_device *d, bool silent)
{
        const uint64_t rest = (N_SLOTS - 1) * FAKE_SLOT;

        if (silent == d->silent)
                return;
        d->silent = silent;
        if (silent) {
                d->saved = fake_zalloc(rest);
                memcpy(d->saved, d->memory + FAKE_SLOT, rest);
                if (ftruncate(d->memory_fd, (off_t)FAKE_SLOT) < 0)
                        abort();
                return;
        }
        if (ftruncate(d->memory_fd, (off_t)file_size(d)) < 0)
                abort();
        memcpy(d->memory + FAKE_SLOT, d->saved, rest);
        free(d->saved);
        d->saved = NULL;
}

void fake_command_changed(struct fake_device *d)
{
        if (d->memory)
                set_silent(d, !d->pulled && !(d->memory[PCI_COMMAND] & PCI_COMMAND_MEMORY));
}

/* vfio_pci_core_enable() clears bus mastering before it saves the state that closing the device restores. */
void fake_command_reset(struct fake_device *d)
{
        if (!d->memory)
                return;
        d->memory[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_IO;
        fake_command_changed(d);
}

void *fake_bar(struct fake *m, const char *bdf, unsigned int bar)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d && d->memory && !d->silent && bar != VFIO_PCI_BAR3_REGION_INDEX && fake_region_size(d, bar)
                       ? d->memory + fake_region_place(bar)
                       : NULL;
}

uint8_t *fake_config(struct fake *m, const char *bdf)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d ? d->memory : NULL;
}

void fake_pull(struct fake *m, const char *bdf)
{
        struct fake_device *d;

        pthread_mutex_lock(&m->lock);
        d = fake_find_device(m, bdf);
        d->pulled = true;
        fake_command_changed(d);
        memset(d->memory + FAKE_SLOT, 0xff, (N_SLOTS - 1) * FAKE_SLOT);
        pthread_mutex_unlock(&m->lock);
}
