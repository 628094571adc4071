/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* Unmapping, one buffer or all in a range. In both, translation ends before the kernel's mapping does, and
 * the addresses are free only after it. */

/* One that is not simply mapped. */
static bool wait_for(struct iommuctl_dma *dma, bool *ret_live)
{
        struct iommuctl_container *c = dma->container;
        struct dma_entry *e = &dma->entry;
        bool live, there = true;

        pthread_mutex_lock(&c->lock);
        while (!(live = dma_entry_acquire(&c->map, e, DMA_LIVE)) &&
               !dma_entry_acquire(&c->map, e, DMA_IDLE)) {
                there = dma_entry_state(e) != DMA_OUT;
                if (!there)
                        break;
                if (dma_entry_ask(e))
                        pthread_cond_wait(&c->settled, &c->lock);
        }
        pthread_mutex_unlock(&c->lock);
        if (there)
                *ret_live = live;
        return there;
}

static inline bool acquire(struct iommuctl_dma *dma, bool *ret_live)
{
        if (!dma_entry_acquire(&dma->container->map, &dma->entry, DMA_LIVE))
                return wait_for(dma, ret_live);
        *ret_live = true;
        return true;
}

bool dma_acquire(struct iommuctl_dma *dma, bool *ret_live)
{
        return acquire(dma, ret_live);
}

void dma_tell_waiting(struct iommuctl_container *c)
{
        pthread_mutex_lock(&c->lock);
        pthread_cond_broadcast(&c->settled);
        pthread_mutex_unlock(&c->lock);
}

/* With the lock: whether a group is waiting for the last buffer to go. */
static bool is_last_of_parked(const struct iommuctl_container *c)
{
        return c->parked && c->map.n_entries == 0;
}

void dma_forget(struct iommuctl_dma *dma)
{
        struct iommuctl_container *c = dma->container;
        bool parked;

        pthread_mutex_lock(&c->lock);
        if (dma_map_remove(&c->map, &dma->entry))
                pthread_cond_broadcast(&c->settled);
        iova_space_release(&c->map.space, &dma->entry.iova);
        parked = is_last_of_parked(c);
        pthread_mutex_unlock(&c->lock);
        if (parked)
                container_release_parked(c);
}

/* dma_forget() of one that owns nothing; the object is kept for the next. False where there are enough of
 * them. */
static bool forget_and_keep(struct iommuctl_dma *dma)
{
        struct iommuctl_container *c = dma->container;
        bool parked, kept, locked;

        locked = container_lock(c);
        if (dma_map_remove(&c->map, &dma->entry))
                pthread_cond_broadcast(&c->settled);
        iova_space_release(&c->map.space, &dma->entry.iova);
        kept = c->n_spare < DMA_SPARES;
        if (kept) {
                dma->next_spare = c->spare;
                c->spare = dma;
                c->n_spare++;
        }
        parked = is_last_of_parked(c);
        container_unlock(c, locked);
        if (parked)
                container_release_parked(c);
        if (kept)
                container_drop(c);
        return kept;
}

/* One mapping of ours, in the kernel. 0 where it is gone. */
static int unmap_one(struct iommuctl_container *c, uint64_t iova, uint64_t size)
{
        int r = container_backend(c)->unmap(&c->space, iova, size);

        if (r != -ENOENT)
                return r;
        ctx_log(c->ctx, IOMMUCTL_LOG_WARNING,
                "0x%" PRIx64 " was mapped, and somebody else unmapped it through the raw descriptor", iova);
        return 0;
}

void dma_free(struct iommuctl_dma *dma)
{
        struct kernel *k = container_kernel(dma->container);

        if (dma->fd >= 0) {
                const struct dma_memory memory = { .vaddr = dma->span.vaddr,
                                                   .size = dma->span.size,
                                                   .fd = dma->fd };

                dma_memory_free(k, &memory);
        }
        if (!dma->registers)
                dma_window_close(dma);
        if (dma->file >= 0)
                k->ops->close(k, dma->file);
        iommuctl_region_free(dma->registers);
        iommuctl_container_unref(dma->container);
        free(dma);
}

_public_ int iommuctl_dma_unmap(struct iommuctl_dma *dma)
{
        bool live;
        int r = 0;

        if (!dma)
                return 0;
        if (acquire(dma, &live)) {
                if (live && !dma->adopted)
                        r = unmap_one(dma->container, dma->span.iova, dma->span.size);
                if (r < 0) {
                        dma_settle(dma, live);
                        return ctx_error(dma->container->ctx, r, NULL,
                                         "0x%zx bytes at IOVA 0x%" PRIx64 " cannot be unmapped: %s",
                                         dma->span.size, dma->span.iova, strerror(-r));
                }
                if (!dma->plain)
                        dma_forget(dma);
                else if (forget_and_keep(dma))
                        return 0;
        }
        dma_free(dma);
        return 0;
}

static struct dma_entry *next_in_range(struct iommuctl_container *c, uint64_t start, uint64_t last)
{
        struct iova_extent *extent = start <= last ? iova_space_overlap(&c->map.space, start, last) : NULL;

        return extent ? container_of(extent, struct dma_entry, iova) : NULL;
}

static struct dma_entry *next_after(struct iommuctl_container *c, const struct dma_entry *e, uint64_t last)
{
        return e->iova.last == UINT64_MAX ? NULL : next_in_range(c, e->iova.last + 1, last);
}

/* Whether some are busy, one of which will tell when it is not. */
static bool any_busy(struct iommuctl_container *c, uint64_t start, uint64_t last)
{
        for (struct dma_entry *e = next_in_range(c, start, last); e; e = next_after(c, e, last))
                if (dma_entry_is_busy(e) && dma_entry_ask(e))
                        return true;
        return false;
}

static int refuse_to_cut(struct iommuctl_container *c, const struct iommuctl_dma *dma, uint64_t start,
                         uint64_t last)
{
        return ctx_error(c->ctx, -EINVAL, NULL,
                         "0x%" PRIx64 "-0x%" PRIx64 " would cut the mapping%s%s%s of 0x%" PRIx64 "-0x%" PRIx64
                         ": the kernel unmaps whole mappings only",
                         start, last, dma->name[0] ? " \"" : "", dma->name, dma->name[0] ? "\"" : "",
                         dma->entry.iova.start, dma->entry.iova.last);
}

static int check_sweep(struct iommuctl_container *c, uint64_t start, uint64_t last)
{
        for (struct dma_entry *e = next_in_range(c, start, last); e; e = next_after(c, e, last)) {
                if (e->iova.start < start || e->iova.last > last)
                        return refuse_to_cut(c, dma_of(e), start, last);
                if (dma_of(e)->adopted)
                        return ctx_error(c->ctx, -EPERM, NULL,
                                         "the mapping \"%s\" of 0x%" PRIx64 "-0x%" PRIx64
                                         " is the process's that handed it over",
                                         dma_of(e)->name, e->iova.start, e->iova.last);
        }
        return 0;
}

/* With the lock: those that are not gone are as they were before, the others leave the books. */
static void end_sweep(struct iommuctl_container *c, struct dma_entry *swept)
{
        struct dma_entry *next;

        for (struct dma_entry *e = swept; e; e = next) {
                next = e->next_swept;
                if (e->swept == DMA_OUT) {
                        dma_map_remove(&c->map, e);
                        iova_space_release(&c->map.space, &e->iova);
                } else {
                        dma_map_settle(&c->map, e, e->swept == DMA_LIVE);
                }
        }
        pthread_cond_broadcast(&c->settled);
}

/* With the lock: makes all mappings of the range this thread's and lists them; or none, where another thread
 * took one at this moment. */
static bool take_all(struct iommuctl_container *c, uint64_t start, uint64_t last,
                     struct dma_entry **ret_swept)
{
        struct dma_entry *swept = NULL;

        for (struct dma_entry *e = next_in_range(c, start, last); e; e = next_after(c, e, last)) {
                if (dma_entry_acquire(&c->map, e, DMA_LIVE)) {
                        e->swept = DMA_LIVE;
                } else if (dma_entry_acquire(&c->map, e, DMA_IDLE)) {
                        e->swept = DMA_IDLE;
                } else {
                        end_sweep(c, swept);
                        return false;
                }
                e->next_swept = swept;
                swept = e;
        }
        *ret_swept = swept;
        return true;
}

/* With the lock. */
static int begin_sweep(struct iommuctl_container *c, uint64_t start, uint64_t last,
                       struct dma_entry **ret_swept)
{
        int r;

        do {
                while (c->sweeping || any_busy(c, start, last))
                        pthread_cond_wait(&c->settled, &c->lock);
                r = check_sweep(c, start, last);
                if (r < 0)
                        return r;
        } while (!take_all(c, start, last, ret_swept));
        c->sweeping = true;
        return 0;
}

/* The kernel refused the whole: another holder's mapping sticks out, or it had no memory for the call. How
 * much of it was done it does not say, so each of ours is asked for by itself. */
static int sweep_one_by_one(struct iommuctl_container *c, struct dma_entry *swept, uint64_t *ret_bytes)
{
        uint64_t bytes = 0;
        int failure = 0, r;

        for (struct dma_entry *e = swept; e; e = e->next_swept) {
                r = e->swept == DMA_LIVE ? container_backend(c)->unmap(&c->space, e->iova.start, e->size) : 0;
                if (r < 0 && r != -ENOENT) {
                        failure = ctx_error(c->ctx, r, NULL,
                                            "0x%" PRIx64 " bytes at IOVA 0x%" PRIx64
                                            " cannot be unmapped: %s",
                                            e->size, e->iova.start, strerror(-r));
                        continue;
                }
                bytes += e->swept == DMA_LIVE ? e->size : 0;
                e->swept = DMA_OUT;
        }
        *ret_bytes = bytes;
        return failure;
}

static void all_gone(struct dma_entry *swept)
{
        for (struct dma_entry *e = swept; e; e = e->next_swept)
                e->swept = DMA_OUT;
}

static int sweep(struct iommuctl_container *c, uint64_t start, uint64_t last, uint64_t *ret_bytes)
{
        struct dma_entry *swept = NULL;
        uint64_t bytes = 0;
        bool joined, parked;
        int r;

        pthread_mutex_lock(&c->lock);
        r = begin_sweep(c, start, last, &swept);
        joined = c->joined;
        pthread_mutex_unlock(&c->lock);
        if (r < 0)
                return r;
        if (joined)
                r = container_backend(c)->unmap_range(&c->space, start, last, &bytes);
        if (r < 0 && swept) {
                r = sweep_one_by_one(c, swept, &bytes);
        } else {
                all_gone(swept);
                if (r == -ENOENT)
                        r = 0;
                else if (r < 0)
                        r = ctx_error(c->ctx, r, NULL, "0x%" PRIx64 "-0x%" PRIx64 " cannot be unmapped: %s",
                                      start, last, strerror(-r));
        }
        pthread_mutex_lock(&c->lock);
        end_sweep(c, swept);
        c->sweeping = false;
        parked = is_last_of_parked(c);
        pthread_mutex_unlock(&c->lock);
        if (parked)
                container_release_parked(c);
        if (r < 0)
                return r;
        if (ret_bytes)
                *ret_bytes = bytes;
        return 0;
}

_public_ int iommuctl_container_unmap(struct iommuctl_container *c, uint64_t iova, uint64_t size,
                                      uint64_t *ret_bytes)
{
        const uint64_t page = (uint64_t)getpagesize();
        uint64_t last;

        if (size == 0 || (iova | size) & (page - 1))
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "0x%" PRIx64 " bytes at IOVA 0x%" PRIx64
                                 " are not whole pages of 0x%" PRIx64,
                                 size, iova, page);
        if (__builtin_add_overflow(iova, size - 1, &last))
                return ctx_error(c->ctx, -EOVERFLOW, NULL,
                                 "0x%" PRIx64 " bytes at IOVA 0x%" PRIx64
                                 " end past the last address, 0x%" PRIx64 ", and would wrap around",
                                 size, iova, UINT64_MAX);
        return sweep(c, iova, last, ret_bytes);
}

_public_ int iommuctl_container_unmap_all(struct iommuctl_container *c, uint64_t *ret_bytes)
{
        return sweep(c, 0, UINT64_MAX, ret_bytes);
}
