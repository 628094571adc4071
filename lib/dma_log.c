/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/dma_log.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "device_feature.h"

static const struct device_feature start = { VFIO_DEVICE_FEATURE_DMA_LOGGING_START, "log of its DMA",
                                             "Linux 6.1" };

/* The smallest page of a report (vfio_ioctl_device_feature_logging_report()). */
#define SMALLEST_PAGE 4096u

struct iommuctl_dma_log {
        struct iommuctl_device *device;
        uint64_t page_size;
};

static bool is_power_of_two(uint64_t n)
{
        return n && !(n & (n - 1));
}

/* The length of a range of whole pages; 0 with its text where it is none. */
static int check_range(struct iommuctl_device *d, struct iommuctl_range range, uint64_t page_size,
                       uint64_t *ret_length)
{
        struct iommuctl_ctx *ctx = d->container->ctx;

        if (range.last < range.start || range.start & (page_size - 1) ||
            (range.last & (page_size - 1)) != page_size - 1)
                return ctx_error(ctx, -EINVAL, d->name,
                                 "0x%" PRIx64 "-0x%" PRIx64 " is not made of whole pages of 0x%" PRIx64,
                                 range.start, range.last, page_size);
        /* The kernel adds the length to the start, which must not wrap. */
        if (range.last == UINT64_MAX)
                return ctx_error(ctx, -EOVERFLOW, d->name,
                                 "0x%" PRIx64 "-0x%" PRIx64 " ends at the end of all addresses, which cannot "
                                 "be logged: leave the last page out",
                                 range.start, range.last);
        *ret_length = range.last - range.start + 1;
        return 0;
}

static int check_page_size(struct iommuctl_device *d, uint64_t page_size, uint64_t smallest)
{
        if (is_power_of_two(page_size) && page_size >= smallest)
                return 0;
        return ctx_error(d->container->ctx, -EINVAL, d->name,
                         "0x%" PRIx64 " is no page size to log by: powers of two from %" PRIu64 " are",
                         page_size, smallest);
}

/* In the kernel's form, each apart from all others. */
static int take_ranges(struct iommuctl_device *d, const struct iommuctl_range ranges[], size_t n,
                       uint64_t page_size, struct vfio_device_feature_dma_logging_range *out)
{
        for (size_t i = 0; i < n; i++) {
                int r = check_range(d, ranges[i], page_size, (uint64_t *)&out[i].length);

                if (r < 0)
                        return r;
                out[i].iova = ranges[i].start;
                for (size_t j = 0; j < i; j++)
                        if (ranges[j].start <= ranges[i].last && ranges[i].start <= ranges[j].last)
                                return ctx_error(
                                        d->container->ctx, -EINVAL, d->name,
                                        "0x%" PRIx64 "-0x%" PRIx64 " and 0x%" PRIx64 "-0x%" PRIx64 " overlap",
                                        ranges[j].start, ranges[j].last, ranges[i].start, ranges[i].last);
        }
        return 0;
}

static int explain_start(struct iommuctl_device *d, int r)
{
        if (r == -EINVAL)
                return ctx_error(
                        d->container->ctx, r, d->name,
                        "%s does not log its DMA: it keeps a log already, or cannot log these ranges",
                        d->name);
        return ctx_error(d->container->ctx, r, d->name, "%s does not log its DMA: %s", d->name, strerror(-r));
}

_public_ int iommuctl_dma_log_start(struct iommuctl_device *d, const struct iommuctl_range ranges[], size_t n,
                                    uint64_t page_size, struct iommuctl_dma_log **ret_log)
{
        struct vfio_device_feature_dma_logging_control control = { .page_size = page_size };
        _cleanup_free_ struct vfio_device_feature_dma_logging_range *given = NULL;
        _cleanup_free_ struct iommuctl_dma_log *log = NULL;
        int r;

        if (n == 0 || n > IOMMUCTL_DMA_LOG_MAX_RANGES)
                return ctx_error(d->container->ctx, n ? -E2BIG : -EINVAL, d->name,
                                 "%zu ranges cannot be logged: 1 to %d can", n, IOMMUCTL_DMA_LOG_MAX_RANGES);
        r = check_page_size(d, page_size, 1);
        if (r < 0)
                return r;
        log = calloc(1, sizeof(*log));
        given = calloc(n, sizeof(*given));
        if (!log || !given)
                return ctx_error(d->container->ctx, -ENOMEM, d->name, "out of memory");
        r = take_ranges(d, ranges, n, page_size, given);
        if (r >= 0)
                r = device_feature_require(d, &start, VFIO_DEVICE_FEATURE_SET);
        if (r < 0)
                return r;
        control.num_ranges = (uint32_t)n;
        control.ranges = (uintptr_t)given;
        r = vfio_feature_set(container_kernel(d->container), d->fd, start.number, &control, sizeof(control));
        if (r < 0)
                return explain_start(d, r);
        log->device = iommuctl_device_ref(d);
        log->page_size = control.page_size;
        *ret_log = TAKE_PTR(log);
        return 0;
}

_public_ uint64_t iommuctl_dma_log_page_size(const struct iommuctl_dma_log *log)
{
        return log->page_size;
}

_public_ int iommuctl_dma_log_report(struct iommuctl_dma_log *log, struct iommuctl_range range,
                                     uint64_t page_size, uint64_t bitmap[], size_t n_words)
{
        struct vfio_device_feature_dma_logging_report report = { .iova = range.start,
                                                                 .page_size = page_size,
                                                                 .bitmap = (uintptr_t)bitmap };
        struct iommuctl_device *d = log->device;
        uint64_t length, needed;
        int r;

        r = check_page_size(d, page_size, SMALLEST_PAGE);
        if (r >= 0)
                r = check_range(d, range, page_size, &length);
        if (r < 0)
                return r;
        needed = (length / page_size + 63) / 64;
        if (needed > n_words)
                return ctx_error(d->container->ctx, -ENOSPC, d->name,
                                 "a bitmap of 0x%" PRIx64 " bytes by pages of 0x%" PRIx64 " needs %" PRIu64
                                 " words of 64 bits, and has %zu",
                                 length, page_size, needed, n_words);
        report.length = length;
        r = vfio_feature_get(container_kernel(d->container), d->fd, VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
                             &report, sizeof(report));
        if (r < 0 && device_let_go(d))
                return device_check_here(d);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name,
                                 "the log of the DMA of %s cannot be read (%s): take all as written to",
                                 d->name, strerror(-r));
        return 0;
}

_public_ void iommuctl_dma_log_free(struct iommuctl_dma_log *log)
{
        struct iommuctl_device *d;
        int r;

        if (!log)
                return;
        d = log->device;
        r = vfio_feature_set(container_kernel(d->container), d->fd, VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
                             NULL, 0);
        if (r < 0 && !device_let_go(d))
                ctx_log(d->container->ctx, IOMMUCTL_LOG_WARNING, "%s does not stop logging its DMA: %s",
                        d->name, strerror(-r));
        iommuctl_device_unref(d);
        free(log);
}
