/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* A pool with IOMMUCTL_POOL_DEBUG: a ring, so that a buffer stays free as long as can be, with what each
 * buffer is written down beside it. What is found is told after the lock is let go: the log is the caller's
 * code, and may get and put. */

/* As an address in a descriptor this is beyond any IOMMU's width: the device faults. */
#define POISON 0xdb

/* Where the first of N bytes at P is that is not poison; N where there is none. */
static size_t spoilt(const unsigned char *p, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (p[i] != POISON)
                        return i;
        return n;
}

static void report_spoilt(struct iommuctl_pool *pool, const unsigned char *buffer, size_t at)
{
        pool_report(pool, 1,
                    "buffer %zu (IOVA 0x%" PRIx64
                    ") was written to while it was free: byte %zu is 0x%02x and was "
                    "0x%02x; it is not used again",
                    pool_index(pool, buffer), pool_iova(pool, buffer), at, buffer[at], POISON);
}

int pool_debug_init(struct iommuctl_pool *pool)
{
        pool->state = malloc(pool->shape.count * sizeof(*pool->state));
        pool->ring = malloc(pool->shape.count * sizeof(*pool->ring));
        return pool->state && pool->ring ? 0 : -ENOMEM;
}

void pool_debug_fill(struct iommuctl_pool *pool)
{
        memset(pool->base, POISON, pool->shape.stride * pool->shape.count);
        memset(pool->state, POOL_FREE, pool->shape.count);
        for (size_t i = 0; i < pool->shape.count; i++)
                pool->ring[i] = pool_buffer(pool, i);
        pool->shared.n_free = pool->shape.count;
}

void pool_debug_end(struct iommuctl_pool *pool)
{
        for (size_t i = 0; i < pool->shape.count; i++) {
                const unsigned char *buffer = pool_buffer(pool, i);
                size_t at = spoilt(buffer, pool->shape.stride);

                if (pool->state[i] == POOL_FREE && at < pool->shape.stride)
                        report_spoilt(pool, buffer, at);
        }
}

/* NULL where none is free. It is the caller's, whatever is in it. */
static void *take_next(struct iommuctl_pool *pool)
{
        void *buffer = NULL;

        pthread_mutex_lock(&pool->shared.lock);
        if (pool->shared.n_free > 0) {
                buffer = pool->ring[pool->head];
                pool->head = (pool->head + 1) % pool->shape.count;
                pool->state[pool_index(pool, buffer)] = POOL_OUT;
                __atomic_store_n(&pool->shared.n_free, pool->shared.n_free - 1, __ATOMIC_RELAXED);
        }
        pthread_mutex_unlock(&pool->shared.lock);
        return buffer;
}

void *pool_debug_get(struct iommuctl_pool *pool)
{
        unsigned char *buffer;
        size_t at;

        while ((buffer = take_next(pool))) {
                at = spoilt(buffer, pool->shape.stride);
                if (at == pool->shape.stride)
                        return buffer;
                pthread_mutex_lock(&pool->shared.lock);
                pool->state[pool_index(pool, buffer)] = POOL_LOST;
                pool->n_lost++;
                pthread_mutex_unlock(&pool->shared.lock);
                report_spoilt(pool, buffer, at);
        }
        return NULL;
}

/* Whether the buffer is one that is out; it is on its way back from here on, and no other put can be. */
static bool accept(struct iommuctl_pool *pool, void *buffer)
{
        const uintptr_t base = (uintptr_t)pool->base, at = (uintptr_t)buffer;
        enum pool_state state;
        size_t index;

        if (at < base || at - base >= pool->shape.stride * pool->shape.count) {
                pool_report(pool, 1, "%p was put, which is not of this pool", buffer);
                return false;
        }
        index = pool_index(pool, buffer);
        if (pool_buffer(pool, index) != buffer) {
                pool_report(pool, 1, "%p was put, which is %zu bytes into buffer %zu (IOVA 0x%" PRIx64 ")",
                            buffer, (at - base) % pool->shape.stride, index,
                            pool_iova(pool, pool_buffer(pool, index)));
                return false;
        }
        pthread_mutex_lock(&pool->shared.lock);
        state = pool->state[index];
        if (state == POOL_OUT)
                pool->state[index] = POOL_FREE;
        pthread_mutex_unlock(&pool->shared.lock);
        if (state != POOL_OUT)
                pool_report(pool, 1, "buffer %zu (IOVA 0x%" PRIx64 ") was put, but is free already", index,
                            pool_iova(pool, buffer));
        return state == POOL_OUT;
}

void pool_debug_put(struct iommuctl_pool *pool, void *buffer)
{
        const size_t size = pool->shape.size, gap = pool->shape.stride - size;
        unsigned char *bytes = buffer;
        size_t at;

        if (!accept(pool, buffer))
                return;
        at = spoilt(bytes + size, gap);
        if (at < gap)
                pool_report(pool, 1,
                            "buffer %zu (IOVA 0x%" PRIx64 ") was written to past its end: byte %zu of %zu is "
                            "0x%02x",
                            pool_index(pool, buffer), pool_iova(pool, buffer), size + at, size,
                            bytes[size + at]);
        memset(buffer, POISON, pool->shape.stride);
        pthread_mutex_lock(&pool->shared.lock);
        pool->ring[(pool->head + pool->shared.n_free) % pool->shape.count] = buffer;
        __atomic_store_n(&pool->shared.n_free, pool->shared.n_free + 1, __ATOMIC_RELAXED);
        pthread_mutex_unlock(&pool->shared.lock);
}

unsigned int pool_debug_get_bulk(struct iommuctl_pool *pool, void **buffers, unsigned int n)
{
        unsigned int got = 0;

        while (got < n && (buffers[got] = pool_debug_get(pool)))
                got++;
        if (got == n)
                return n;
        while (got > 0)
                pool_debug_put(pool, buffers[--got]);
        return 0;
}
