/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a device to a controller that takes commands, and back (7.6.1, 7.6.2). */

#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "nvme.h"

#define ALL_ONES        UINT32_MAX
#define SHUTDOWN_TENTHS 50 /* as Linux (drivers/nvme/host/core.c, shutdown_timeout): 5 s */

int nvme_error(struct nvme *nvme, int r, const char *format, ...)
{
        va_list ap;

        if (nvme->error[0])
                return r; /* what failed first says why */
        va_start(ap, format);
        vsnprintf(nvme->error, sizeof(nvme->error), format, ap);
        va_end(ap);
        return r;
}

static uint32_t status(struct nvme *nvme)
{
        return iommuctl_mmio_read32(nvme->registers + NVME_CSTS);
}

int nvme_check_alive(struct nvme *nvme)
{
        uint32_t csts = status(nvme);

        if (csts == ALL_ONES)
                nvme_error(nvme, -EIO,
                           "its registers read as all ones: it was pulled, sleeps, or does not decode them");
        else if (csts & NVME_CSTS_CFS)
                nvme_error(nvme, -EIO, "it failed: its status is 0x%x, controller fatal status", csts);
        else if (nvme->enabled && !(csts & NVME_CSTS_RDY))
                nvme_error(nvme, -EIO,
                           "it is not ready any more (status 0x%x): it was reset, or does not answer", csts);
        else
                return 0;
        nvme->lost = true;
        return -EIO;
}

/* Until CSTS & MASK is WANTED, as long as the controller is given for it. */
static int await_status(struct nvme *nvme, uint32_t mask, uint32_t wanted, unsigned int tenths,
                        const char *what)
{
        for (unsigned int left = tenths * 100; (status(nvme) & mask) != wanted; left--) {
                if (status(nvme) == ALL_ONES)
                        return nvme_check_alive(nvme);
                if (left == 0)
                        return nvme_error(nvme, -ETIMEDOUT, "%s: its status is still 0x%x after %u.%u s",
                                          what, status(nvme), tenths / 10, tenths % 10);
                if (nvme->stop && *nvme->stop)
                        return -EINTR;
                nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        }
        return status(nvme) == ALL_ONES ? nvme_check_alive(nvme) : 0;
}

/* How long CC.EN may take (CAP.TO, in units of 500 ms; a controller that says 0 is given one). */
static unsigned int ready_tenths(const struct nvme *nvme)
{
        return (NVME_CAP_TO(nvme->cap) ?: 1) * 5;
}

static int disable(struct nvme *nvme)
{
        uint32_t cc = iommuctl_mmio_read32(nvme->registers + NVME_CC);
        int r = 0;

        /* EN may not change while RDY has yet to follow it (3.1.5); one that failed never gets there */
        if ((cc & NVME_CC_EN) && !(status(nvme) & NVME_CSTS_CFS))
                r = await_status(nvme, NVME_CSTS_RDY, NVME_CSTS_RDY, ready_tenths(nvme),
                                 "it does not get ready");
        if (r < 0)
                return r;
        iommuctl_mmio_write32(nvme->registers + NVME_CC, cc & ~(uint32_t)NVME_CC_EN);
        return await_status(nvme, NVME_CSTS_RDY, 0, ready_tenths(nvme), "it cannot be disabled");
}

static int enable(struct nvme *nvme)
{
        int r;

        nvme_queue_init(nvme, &nvme->admin, 0, NVME_AT_ADMIN_SQ);
        iommuctl_mmio_write32(nvme->registers + NVME_AQA, (NVME_ENTRIES - 1) << 16 | (NVME_ENTRIES - 1));
        iommuctl_mmio_write64(nvme->registers + NVME_ASQ, nvme_iova(nvme, NVME_AT_ADMIN_SQ));
        iommuctl_mmio_write64(nvme->registers + NVME_ACQ, nvme_iova(nvme, NVME_AT_ADMIN_CQ));
        nvme->enabled = true;
        iommuctl_mmio_write32(nvme->registers + NVME_CC, NVME_CC_EN | NVME_CC_IOSQES | NVME_CC_IOCQES);
        r = await_status(nvme, NVME_CSTS_RDY, NVME_CSTS_RDY, ready_tenths(nvme), "it does not get ready");
        return r == 0 ? nvme_check_alive(nvme) : r;
}

/* What it says of itself, and whether this program is made for that. */
static int suits(struct nvme *nvme, uint64_t registers_size)
{
        if (!NVME_CAP_NVM(nvme->cap) || iommuctl_region_size(nvme->bar) < registers_size)
                return nvme_error(
                        nvme, -ENXIO,
                        "its registers are not those of a controller with the NVM command set: CAP is 0x%llx",
                        (unsigned long long)nvme->cap);
        if (NVME_CAP_MPSMIN(nvme->cap) > 0 || NVME_CAP_MQES(nvme->cap) < NVME_ENTRIES)
                return nvme_error(
                        nvme, -EOPNOTSUPP,
                        "it needs pages of %u KiB and has queues of %u entries; this program is made for "
                        "4 KiB and %d",
                        4U << NVME_CAP_MPSMIN(nvme->cap), NVME_CAP_MQES(nvme->cap), NVME_ENTRIES);
        return 0;
}

/* The registers, up to the last doorbell: two each of the admin and the I/O queues. From here on, what does
 * not answer reads as all ones and raises no signal. */
static int map_registers(struct nvme *nvme)
{
        uint64_t size;
        void *map;
        int r;

        r = iommuctl_region_open(nvme->device, VFIO_PCI_BAR0_REGION_INDEX, &nvme->bar);
        if (r == 0)
                r = iommuctl_region_read64(nvme->bar, NVME_CAP, &nvme->cap);
        if (r < 0)
                return r;
        size = NVME_DOORBELLS + ((uint64_t)4 * 4 << NVME_CAP_DSTRD(nvme->cap));
        r = suits(nvme, size);
        if (r == 0)
                r = iommuctl_region_map(nvme->bar, 0, size, &map);
        if (r == 0)
                r = iommuctl_region_guard(nvme->bar);
        if (r < 0)
                return r;
        nvme->registers = map;
        nvme->version = iommuctl_mmio_read32(nvme->registers + NVME_VS);
        return 0;
}

/* One vector, of the better kind that it has. */
static int take_interrupt(struct nvme *nvme)
{
        if (iommuctl_irq_vectors(nvme->device, IOMMUCTL_IRQ_MSIX) > 0) {
                nvme->irq_name = "MSI-X";
                return iommuctl_irq_new(nvme->device, IOMMUCTL_IRQ_MSIX, 0, 1, &nvme->irq);
        }
        if (iommuctl_irq_vectors(nvme->device, IOMMUCTL_IRQ_MSI) > 0) {
                nvme->irq_name = "MSI";
                return iommuctl_irq_new(nvme->device, IOMMUCTL_IRQ_MSI, 0, 1, &nvme->irq);
        }
        return 0;
}

int nvme_start(struct nvme *nvme, bool poll)
{
        int r;

        nvme->irq_name = "polled";
        r = map_registers(nvme);
        if (r == 0)
                r = disable(nvme); /* whoever had it before: it forgets the addresses it was given */
        if (r == 0 && !poll)
                r = take_interrupt(nvme);
        if (r == 0)
                r = iommuctl_device_set_bus_master(nvme->device, true);
        return r == 0 ? enable(nvme) : r;
}

/* The normal shutdown, which writes its caches out; then it is disabled, and no more DMA comes. One that does
 * not answer is only disabled, and one that is gone is left alone. */
int nvme_stop(struct nvme *nvme)
{
        uint32_t cc;
        int r = 0, disabled = 0;

        nvme->stop = NULL;
        if (nvme->enabled && !nvme->lost)
                r = nvme_delete_io_queues(nvme);
        if (nvme->enabled && !nvme->lost) {
                cc = iommuctl_mmio_read32(nvme->registers + NVME_CC);
                iommuctl_mmio_write32(nvme->registers + NVME_CC, cc | NVME_CC_SHN_NORMAL);
                disabled = await_status(nvme, NVME_CSTS_SHST, NVME_CSTS_SHST_COMPLETE, SHUTDOWN_TENTHS,
                                        "it does not shut down");
                r = r ?: disabled;
        }
        if (nvme->enabled && status(nvme) != ALL_ONES) {
                disabled = disable(nvme);
                r = r ?: disabled;
        }
        nvme->enabled = false;
        if (nvme->bar && !iommuctl_region_lost(nvme->bar)) {
                disabled = iommuctl_device_set_bus_master(nvme->device, false);
                r = r ?: disabled;
        }
        iommuctl_irq_free(nvme->irq);
        iommuctl_region_free(nvme->bar);
        nvme->irq = NULL;
        nvme->bar = NULL;
        return r;
}
