/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dirty.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "dirty_bitmap.h"
#include "dirty_calls.h"
#include "dma.h"

/* Each run of mappings is read into a bitmap of its own, which begins with a word as the kernel wants it, and
 * then put into the caller's, bit by bit where that begins elsewhere. So a hole costs nothing, and what was
 * read is never lost. */

/* A run of mappings without a hole. */
struct run {
        uint64_t start, last;
};

static int check(const struct iommuctl_dirty *d, uint64_t iova, uint64_t size, unsigned int flags,
                 const uint64_t *bitmap, size_t n_words)
{
        struct iommuctl_ctx *ctx = d->container->ctx;
        uint64_t last;

        if (flags & ~(unsigned int)IOMMUCTL_DIRTY_KEEP)
                return ctx_error(ctx, -EINVAL, NULL, "there are no flags 0x%x", flags);
        if (size == 0 || (iova | size) % d->page_size || __builtin_add_overflow(iova, size - 1, &last))
                return ctx_error(ctx, -EINVAL, NULL,
                                 "0x%" PRIx64 " bytes at IOVA 0x%" PRIx64 " are not whole pages of 0x%" PRIx64
                                 ", or wrap around",
                                 size, iova, d->page_size);
        if (!bitmap || n_words < dirty_words(size / d->page_size))
                return ctx_error(ctx, -EINVAL, NULL,
                                 "a bitmap of %zu words is too small for 0x%" PRIx64 " bytes: it needs %zu",
                                 bitmap ? n_words : 0, size, dirty_words(size / d->page_size));
        if (flags & IOMMUCTL_DIRTY_KEEP && container_backend(d->container) == &backend_type1)
                return ctx_error(ctx, -EOPNOTSUPP, NULL,
                                 "type1 forgets what it tells: keeping it needs iommufd");
        return 0;
}

static int cuts(const struct iommuctl_dirty *d, uint64_t iova, uint64_t last, const struct iommuctl_dma *dma)
{
        return ctx_error(d->container->ctx, -EINVAL, NULL,
                         "0x%" PRIx64 "-0x%" PRIx64 " cuts the mapping%s%s%s at IOVA 0x%" PRIx64 "-0x%" PRIx64
                         ": type1 tells of whole mappings only",
                         iova, last, dma->name[0] ? " \"" : "", dma->name, dma->name[0] ? "\"" : "",
                         dma->entry.iova.start, dma->entry.iova.last);
}

/* With the lock: the first mapping at or above AT, as much of it as is asked for. 1, 0 at the end, or a
 * failure with its text. What is being mapped or unmapped now is passed over: the kernel may not have it. */
static int next_mapping(const struct iommuctl_dirty *d, uint64_t at, uint64_t iova, uint64_t last,
                        struct run *ret_run)
{
        const struct iommuctl_container *c = d->container;

        for (;;) {
                const struct iova_extent *extent = iova_space_overlap(&c->map.space, at, last);
                const struct iommuctl_dma *dma;

                if (!extent)
                        return 0;
                dma = dma_of_extent(extent);
                if (dma_entry_state(&dma->entry) != DMA_LIVE) {
                        if (extent->last >= last)
                                return 0;
                        at = extent->last + 1;
                        continue;
                }
                if (container_backend(c) == &backend_type1 && (extent->start < iova || extent->last > last))
                        return cuts(d, iova, last, dma);
                *ret_run = (struct run){ MAX(extent->start, at), MIN(extent->last, last) };
                return 1;
        }
}

/* With the lock: that, and the mappings that follow it without a hole, up to what one call takes. */
static int next_run(const struct iommuctl_dirty *d, uint64_t at, uint64_t iova, uint64_t last,
                    struct run *ret_run)
{
        const uint64_t most = d->call_max * 8 * d->page_size;
        struct run run, next;
        int r;

        r = next_mapping(d, at, iova, last, &run);
        if (r <= 0)
                return r;
        /* type1 takes no part of a mapping; one that is too large it did not begin to track. */
        if (run.last - run.start >= most && container_backend(d->container) != &backend_type1)
                run.last = run.start + (most - 1);
        while (run.last < last) {
                r = next_mapping(d, run.last + 1, iova, last, &next);
                if (r < 0)
                        return r;
                if (r == 0 || next.start != run.last + 1 || next.last - run.start >= most)
                        break;
                run.last = next.last;
        }
        *ret_run = run;
        return 1;
}

/* Each page table knows of the devices in it, and sets bits on top of the others'. */
static int read_tables(struct iommuctl_dirty *d, const struct run *run, bool keep, uint64_t *bitmap)
{
        struct iommuctl_container *c = d->container;
        int r = 0;

        pthread_mutex_lock(&d->tables_lock);
        for (size_t i = 0; r >= 0 && i < d->n_tables; i++)
                r = hwpt_dirty_read(container_kernel(c), c->space.fd, iommuctl_hwpt_id(d->tables[i].hwpt),
                                    keep, run->start, run->last - run->start + 1, d->page_size, bitmap);
        pthread_mutex_unlock(&d->tables_lock);
        return r;
}

static int read_run(struct iommuctl_dirty *d, const struct run *run, unsigned int flags, uint64_t *bitmap)
{
        struct iommuctl_container *c = d->container;

        if (container_backend(c) == &backend_type1)
                return type1_dirty_read(container_kernel(c), c->space.fd, run->start,
                                        run->last - run->start + 1, d->page_size, bitmap);
        return read_tables(d, run, flags & IOMMUCTL_DIRTY_KEEP, bitmap);
}

static int explain_read(const struct iommuctl_dirty *d, const struct run *run, int r)
{
        struct iommuctl_container *c = d->container;
        bool joined;

        pthread_mutex_lock(&c->lock);
        joined = c->joined;
        pthread_mutex_unlock(&c->lock);
        if (!joined)
                return ctx_error(c->ctx, -ENODEV, NULL,
                                 "the container has no address space: its last device has left");
        return ctx_error(
                c->ctx, r, NULL,
                "the kernel does not tell what was written in 0x%" PRIx64 "-0x%" PRIx64 ": %s%s", run->start,
                run->last, strerror(-r),
                r == -EINVAL ? "; it was unmapped meanwhile, or the tracking went with the last device" : "");
}

_public_ int iommuctl_dirty_read(struct iommuctl_dirty *d, uint64_t iova, uint64_t size, unsigned int flags,
                                 uint64_t *bitmap, size_t n_words)
{
        struct iommuctl_container *c = d->container;
        uint64_t last = iova + (size - 1), at = iova;
        struct run run;
        int r;

        r = check(d, iova, size, flags, bitmap, n_words);
        if (r < 0)
                return r;
        for (;;) {
                _cleanup_free_ uint64_t *part = NULL;
                uint64_t n_bits;

                pthread_mutex_lock(&c->lock);
                r = next_run(d, at, iova, last, &run);
                pthread_mutex_unlock(&c->lock);
                if (r <= 0)
                        return r;
                n_bits = (run.last - run.start) / d->page_size + 1;
                part = calloc(dirty_words(n_bits), sizeof(*part));
                if (!part)
                        return ctx_error(c->ctx, -ENOMEM, NULL,
                                         "out of memory for a bitmap of %" PRIu64 " pages", n_bits);
                r = read_run(d, &run, flags, part);
                /* Also what one page table told before another failed: it will not tell it again. */
                dirty_bitmap_or(bitmap, (run.start - iova) / d->page_size, part, n_bits);
                if (r < 0)
                        return explain_read(d, &run, r);
                if (run.last >= last)
                        return 0;
                at = run.last + 1;
        }
}

/* Reading and unmapping are one on type1. On iommufd the bits are read first, and need no clearing. */
static int read_and_unmap(struct iommuctl_dirty *d, const struct iommuctl_dma *dma, uint64_t *bitmap)
{
        struct iommuctl_container *c = d->container;
        const struct run run = { dma->span.iova, dma->span.iova + (dma->span.size - 1) };
        int r;

        if (container_backend(c) == &backend_type1)
                return type1_dirty_unmap(container_kernel(c), c->space.fd, run.start, dma->span.size,
                                         d->page_size, bitmap);
        r = read_tables(d, &run, true, bitmap);
        return r < 0 ? r : container_backend(c)->unmap(&c->space, run.start, dma->span.size);
}

_public_ int iommuctl_dirty_unmap(struct iommuctl_dirty *d, struct iommuctl_dma *dma, uint64_t *bitmap,
                                  size_t n_words)
{
        struct iommuctl_container *c = d->container;
        const uint64_t n_bits = dma->span.size / d->page_size;
        _cleanup_free_ uint64_t *part = NULL;
        bool live = false;
        int r;

        if (dma->container != c || dma->adopted)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 dma->adopted ? "the mapping is the process's that handed it over"
                                              : "the mapping is of another container than is tracked");
        r = check(d, dma->span.iova, dma->span.size, 0, bitmap, n_words);
        if (r < 0)
                return r;
        part = calloc(dirty_words(n_bits), sizeof(*part));
        if (!part)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory for a bitmap of %" PRIu64 " pages",
                                 n_bits);
        if (dma_acquire(dma, &live)) {
                r = live ? read_and_unmap(d, dma, part) : 0;
                if (r < 0 && r != -ENOENT) {
                        dma_settle(dma, live);
                        return ctx_error(c->ctx, r, NULL,
                                         "0x%zx bytes at IOVA 0x%" PRIx64
                                         " cannot be unmapped with what was written: %s",
                                         dma->span.size, dma->span.iova, strerror(-r));
                }
                dma_forget(dma);
        }
        dirty_bitmap_or(bitmap, 0, part, n_bits);
        dma_free(dma);
        return 0;
}
