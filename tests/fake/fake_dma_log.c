/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device that notes down where it writes to (vfio_ioctl_device_feature_logging_start() and its kin in
 * drivers/vfio/vfio_main.c; a driver may refuse a second log and choose the grain, as mlx5's does). */
#include <errno.h>
#include <stdlib.h>

#include "fake_vfio.h"

/* sizeof(struct vfio_device_feature_dma_logging_range) into one page */
#define MAX_RANGES   256
#define LARGEST_PAGE (1ull << 21)

struct fake_dma_log {
        uint64_t page_size;
        uint32_t n_ranges;
        struct vfio_device_feature_dma_logging_range ranges[MAX_RANGES];
        uint64_t *dirty; /* numbers of grains */
        size_t n_dirty;
};

void fake_dma_log_stop(struct fake_device *d)
{
        if (!d->dma_log)
                return;
        free(d->dma_log->dirty);
        free(d->dma_log);
        d->dma_log = NULL;
}

static int check_ranges(const struct vfio_device_feature_dma_logging_control *a,
                        const struct vfio_device_feature_dma_logging_range *ranges)
{
        for (uint32_t i = 0; i < a->num_ranges; i++) {
                const struct vfio_device_feature_dma_logging_range *x = &ranges[i];

                if (x->iova & (a->page_size - 1) || x->length & (a->page_size - 1))
                        return -EINVAL;
                if (x->iova + x->length < x->iova)
                        return -EOVERFLOW;
                for (uint32_t j = 0; j < i; j++)
                        if (x->iova < ranges[j].iova + ranges[j].length &&
                            ranges[j].iova < x->iova + x->length)
                                return -EINVAL;
        }
        return 0;
}

static int start(struct fake_device *d, struct vfio_device_feature_dma_logging_control *a)
{
        const struct vfio_device_feature_dma_logging_range *ranges = (void *)(uintptr_t)a->ranges;
        int r;

        if (!a->num_ranges)
                return -EINVAL;
        if (a->num_ranges > MAX_RANGES)
                return -E2BIG;
        r = check_ranges(a, ranges);
        if (r < 0)
                return r;
        if (d->dma_log)
                return -EINVAL;
        d->dma_log = fake_zalloc(sizeof(*d->dma_log));
        d->dma_log->n_ranges = a->num_ranges;
        memcpy(d->dma_log->ranges, ranges, a->num_ranges * sizeof(*ranges));
        if (a->page_size < 4096)
                a->page_size = 4096;
        if (a->page_size > LARGEST_PAGE)
                a->page_size = LARGEST_PAGE;
        d->dma_log->page_size = a->page_size;
        return 0;
}

static bool is_watched(const struct fake_dma_log *log, uint64_t iova)
{
        for (uint32_t i = 0; i < log->n_ranges; i++)
                if (iova >= log->ranges[i].iova && iova - log->ranges[i].iova < log->ranges[i].length)
                        return true;
        return false;
}

static void note(struct fake_dma_log *log, uint64_t iova)
{
        uint64_t grain = iova / log->page_size;

        if (!is_watched(log, iova))
                return;
        for (size_t i = 0; i < log->n_dirty; i++)
                if (log->dirty[i] == grain)
                        return;
        log->dirty = realloc(log->dirty, (log->n_dirty + 1) * sizeof(log->dirty[0]));
        if (!log->dirty)
                abort();
        log->dirty[log->n_dirty++] = grain;
}

void fake_dma_log_write(struct fake_device *d, uint64_t iova, uint64_t size)
{
        if (!d->dma_log || !size)
                return;
        for (uint64_t at = iova; at < iova + size; at = (at / 4096 + 1) * 4096)
                note(d->dma_log, at);
}

/* Sets bits and forgets the grains that lie in the range. */
static int report(struct fake_device *d, const struct vfio_device_feature_dma_logging_report *a)
{
        struct fake_dma_log *log = d->dma_log;
        uint8_t *bitmap = (void *)(uintptr_t)a->bitmap;
        size_t kept = 0;

        if (a->page_size < 4096 || a->page_size & (a->page_size - 1))
                return -EINVAL;
        if (a->iova + a->length < a->iova)
                return -EOVERFLOW;
        if (!log)
                return -EINVAL;
        for (size_t i = 0; i < log->n_dirty; i++) {
                uint64_t from = log->dirty[i] * log->page_size, to = from + log->page_size;

                if (to <= a->iova || from >= a->iova + a->length) {
                        log->dirty[kept++] = log->dirty[i];
                        continue;
                }
                from = MAX(from, (uint64_t)a->iova);
                to = MIN(to, (uint64_t)a->iova + a->length);
                for (uint64_t bit = (from - a->iova) / a->page_size; a->iova + bit * a->page_size < to; bit++)
                        bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
        }
        log->n_dirty = kept;
        return 0;
}

int fake_feature_dma_log(struct fake_device *d, uint32_t flags, void *data, size_t size)
{
        int r;

        if (!d->pci.dma_log)
                return -ENOTTY;
        switch (flags & VFIO_DEVICE_FEATURE_MASK) {
        case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
                r = fake_check_feature(flags, size, VFIO_DEVICE_FEATURE_SET,
                                       sizeof(struct vfio_device_feature_dma_logging_control));
                return r == 1 ? start(d, data) : r;
        case VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP:
                r = fake_check_feature(flags, size, VFIO_DEVICE_FEATURE_SET, 0);
                if (r == 1)
                        fake_dma_log_stop(d);
                return MIN(r, 0);
        default:
                r = fake_check_feature(flags, size, VFIO_DEVICE_FEATURE_GET,
                                       sizeof(struct vfio_device_feature_dma_logging_report));
                return r == 1 ? report(d, data) : r;
        }
}

bool fake_is_logging(struct fake *m, const char *bdf)
{
        return fake_find_device(m, bdf)->dma_log;
}
