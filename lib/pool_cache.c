/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <errno.h>
#include <stdlib.h>

/* What the functions in the header call when a thread's cache is empty or full.
 *
 * A cache is one thread's and needs no order. Buffers go from thread to thread through the shared part, whose
 * mutex makes what a thread did with a buffer before it put it happen before what the next one does; or by
 * the program's own ways, which have to. */

static void **buffers_of(struct iommuctl_pool_cache *cache)
{
        return (void **)(cache + 1);
}

static void copy(void **to, void *const *from, size_t n)
{
        memcpy(to, from, n * sizeof(*to));
}

static void report_surplus(struct iommuctl_pool *pool, size_t surplus)
{
        if (__builtin_expect(surplus > 0, 0))
                pool_report(pool, surplus,
                            "more buffers were put than it has: some twice, or another's "
                            "(IOMMUCTL_POOL_DEBUG finds which)");
}

_public_ int iommuctl_pool_cache_new(struct iommuctl_pool *pool, struct iommuctl_pool_cache **ret_cache)
{
        const unsigned int limit = pool->shape.debug ? 0 : pool->shape.limit;
        const size_t size = sizeof(struct iommuctl_pool_cache) + limit * sizeof(void *);
        struct iommuctl_pool_cache *cache;

        cache = aligned_alloc(POOL_APART, (size + POOL_APART - 1) & ~(size_t)(POOL_APART - 1));
        if (cache) {
                memset(cache, 0, sizeof(*cache));
                cache->spare = pool_batch_new(&pool->shared);
        }
        if (!cache || !cache->spare) {
                free(cache);
                return ctx_error(pool_ctx(pool), -ENOMEM, NULL, "out of memory");
        }
        cache->limit = limit;
        cache->iova_offset = pool->iova_offset;
        cache->pool = pool;
        __atomic_add_fetch(&pool->n_caches, 1, __ATOMIC_RELAXED);
        *ret_cache = cache;
        return 0;
}

_public_ void iommuctl_pool_cache_free(struct iommuctl_pool_cache *cache)
{
        struct iommuctl_pool *pool;

        if (!cache)
                return;
        pool = cache->pool;
        report_surplus(pool, pool_shared_give(&pool->shared, buffers_of(cache), cache->n));
        free(cache->spare);
        free(cache);
        /* The last thing that this thread does with the pool, which another may free then. */
        __atomic_sub_fetch(&pool->n_caches, 1, __ATOMIC_RELEASE);
}

/* A batch from the shared part, straight from its memory, under no lock: N of it to the caller, the rest to
 * the cache, which is empty. False where no whole batch is there. */
static bool refill(struct iommuctl_pool_cache *cache, void **buffers, unsigned int n)
{
        struct iommuctl_pool *pool = cache->pool;
        const unsigned int rest = pool->shape.cache - n;
        uint32_t *batch = pool_shared_trade_for_full(&pool->shared, cache->spare);

        if (!batch)
                return false;
        pool_shared_unpack(&pool->shared, buffers_of(cache), batch, rest);
        pool_shared_unpack(&pool->shared, buffers, batch + rest, n);
        cache->n = rest;
        cache->spare = batch;
        return true;
}

/* A batch to the shared part, of what the cache has and then of BUFFERS. Returns how many of these it took,
 * or -1 where nothing was done since more come back than there are. */
static int flush(struct iommuctl_pool_cache *cache, void *const *buffers)
{
        struct iommuctl_pool *pool = cache->pool;
        const unsigned int old = MIN(cache->n, pool->shape.cache), more = pool->shape.cache - old;
        uint32_t *batch = cache->spare;

        pool_shared_pack(&pool->shared, batch, buffers_of(cache) + cache->n - old, old);
        pool_shared_pack(&pool->shared, batch + old, buffers, more);
        batch = pool_shared_trade_for_empty(&pool->shared, batch);
        if (!batch)
                return -1;
        cache->n -= old;
        cache->spare = batch;
        return (int)more;
}

_public_ void *iommuctl_pool_get_slow(struct iommuctl_pool_cache *cache)
{
        struct iommuctl_pool *pool = cache->pool;
        void *buffer;

        if (pool->shape.debug)
                return pool_debug_get(pool);
        if (cache->n > 0)
                return buffers_of(cache)[--cache->n];
        if (refill(cache, &buffer, 1))
                return buffer;
        cache->n = (unsigned int)pool_shared_take_some(&pool->shared, buffers_of(cache), pool->shape.cache);
        return cache->n > 0 ? buffers_of(cache)[--cache->n] : NULL;
}

_public_ void iommuctl_pool_put_slow(struct iommuctl_pool_cache *cache, void *buffer)
{
        iommuctl_pool_put_bulk_slow(cache, &buffer, 1);
}

_public_ unsigned int iommuctl_pool_get_bulk_slow(struct iommuctl_pool_cache *cache, void **buffers,
                                                  unsigned int n)
{
        struct iommuctl_pool *pool = cache->pool;
        unsigned int had = cache->n;

        if (pool->shape.debug)
                return pool_debug_get_bulk(pool, buffers, n);
        if (n <= had)
                return iommuctl_pool_get_bulk(cache, buffers, n);
        copy(buffers, buffers_of(cache), had); /* on failure nobody looks at it */
        if (n - had <= pool->shape.cache && refill(cache, buffers + had, n - had))
                return n;
        if (!pool_shared_take(&pool->shared, buffers + had, n - had))
                return 0;
        cache->n = 0;
        return n;
}

_public_ void iommuctl_pool_put_bulk_slow(struct iommuctl_pool_cache *cache, void *const *buffers,
                                          unsigned int n)
{
        struct iommuctl_pool *pool = cache->pool;

        if (pool->shape.debug) {
                for (unsigned int i = 0; i < n; i++)
                        pool_debug_put(pool, buffers[i]);
                return;
        }
        if (n > cache->limit - cache->n) {
                int took = n <= pool->shape.cache ? flush(cache, buffers) : -1;

                if (took < 0) {
                        report_surplus(pool, pool_shared_give(&pool->shared, buffers, n));
                        return;
                }
                buffers += took;
                n -= (unsigned int)took;
        }
        copy(buffers_of(cache) + cache->n, buffers, n);
        cache->n += n;
}
