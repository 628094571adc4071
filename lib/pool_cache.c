/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <errno.h>
#include <stdlib.h>

/* What lies between the threads' caches and the shared part: batches of addresses, copied under a mutex.
 *
 * A cache is one thread's and needs no order. The shared part is written and read under the mutex alone, so
 * that whatever a thread did with a buffer before it put it happens before whoever gets it next. n_free alone
 * is also read without it, by iommuctl_pool_available(), to whom it is a number and orders nothing.
 *
 * The addresses are in an array beside the pool and never in the free buffers, where a device that still
 * writes to one could break them. */

/* How many a cache keeps after it moved some: as many gets as puts can follow without another move. */
static unsigned int half(const struct iommuctl_pool_cache *cache)
{
        return (cache->limit + 1) / 2;
}

static void **buffers_of(struct iommuctl_pool_cache *cache)
{
        return (void **)(cache + 1);
}

static void copy(void **to, void *const *from, size_t n)
{
        memcpy(to, from, n * sizeof(*to));
}

/* With the lock. */
static void set_n_free(struct iommuctl_pool *pool, size_t n)
{
        __atomic_store_n(&pool->n_free, n, __ATOMIC_RELAXED);
}

static void take(struct iommuctl_pool *pool, void **to, size_t n)
{
        set_n_free(pool, pool->n_free - n);
        copy(to, pool->free + pool->n_free, n);
}

/* Returns how many there was no room for: somebody put buffers twice, or others'. */
static size_t give(struct iommuctl_pool *pool, void *const *from, size_t n)
{
        const size_t fit = MIN(n, pool->shape.count - pool->n_free);

        copy(pool->free + pool->n_free, from, fit);
        set_n_free(pool, pool->n_free + fit);
        return n - fit;
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
        const unsigned int limit = pool->shape.debug ? 0 : pool->shape.cache;
        size_t size = sizeof(struct iommuctl_pool_cache) + limit * sizeof(void *);
        struct iommuctl_pool_cache *cache;

        size = (size + POOL_APART - 1) & ~(size_t)(POOL_APART - 1);
        cache = aligned_alloc(POOL_APART, size);
        if (!cache)
                return ctx_error(pool_ctx(pool), -ENOMEM, NULL, "out of memory");
        memset(cache, 0, size);
        cache->limit = limit;
        cache->iova_offset = pool->iova_offset;
        cache->pool = pool;
        pthread_mutex_lock(&pool->lock);
        pool->n_caches++;
        pthread_mutex_unlock(&pool->lock);
        *ret_cache = cache;
        return 0;
}

_public_ void iommuctl_pool_cache_free(struct iommuctl_pool_cache *cache)
{
        struct iommuctl_pool *pool;
        size_t surplus;

        if (!cache)
                return;
        pool = cache->pool;
        pthread_mutex_lock(&pool->lock);
        surplus = give(pool, buffers_of(cache), cache->n);
        pool->n_caches--;
        pthread_mutex_unlock(&pool->lock);
        free(cache);
        report_surplus(pool, surplus);
}

_public_ void *iommuctl_pool_get_slow(struct iommuctl_pool_cache *cache)
{
        struct iommuctl_pool *pool = cache->pool;
        void *buffer = NULL;

        if (pool->shape.debug)
                return pool_debug_get(pool);
        return iommuctl_pool_get_bulk_slow(cache, &buffer, 1) ? buffer : NULL;
}

_public_ void iommuctl_pool_put_slow(struct iommuctl_pool_cache *cache, void *buffer)
{
        iommuctl_pool_put_bulk_slow(cache, &buffer, 1);
}

/* What is missing comes from the shared part, and then what fills half of the cache, as far as it goes. */
_public_ unsigned int iommuctl_pool_get_bulk_slow(struct iommuctl_pool_cache *cache, void **buffers,
                                                  unsigned int n)
{
        struct iommuctl_pool *pool = cache->pool;
        unsigned int missing, more;

        if (pool->shape.debug)
                return pool_debug_get_bulk(pool, buffers, n);
        if (n <= cache->n)
                return iommuctl_pool_get_bulk(cache, buffers, n);
        missing = n - cache->n;
        pthread_mutex_lock(&pool->lock);
        if (missing > pool->n_free) {
                pthread_mutex_unlock(&pool->lock);
                return 0;
        }
        take(pool, buffers + cache->n, missing);
        copy(buffers, buffers_of(cache), cache->n);
        more = (unsigned int)MIN((size_t)half(cache), pool->n_free);
        take(pool, buffers_of(cache), more);
        pthread_mutex_unlock(&pool->lock);
        cache->n = more;
        return n;
}

/* What does not fit goes to the shared part, and then what is beyond half of the cache. */
_public_ void iommuctl_pool_put_bulk_slow(struct iommuctl_pool_cache *cache, void *const *buffers,
                                          unsigned int n)
{
        struct iommuctl_pool *pool = cache->pool;
        unsigned int kept, stay;
        size_t surplus;

        if (pool->shape.debug) {
                for (unsigned int i = 0; i < n; i++)
                        pool_debug_put(pool, buffers[i]);
                return;
        }
        kept = MIN(n, half(cache));               /* of what is put now */
        stay = MIN(cache->n, half(cache) - kept); /* of what was here */
        pthread_mutex_lock(&pool->lock);
        surplus = give(pool, buffers_of(cache) + stay, cache->n - stay);
        surplus += give(pool, buffers + kept, n - kept);
        pthread_mutex_unlock(&pool->lock);
        copy(buffers_of(cache) + stay, buffers, kept);
        cache->n = stay + kept;
        report_surplus(pool, surplus);
}
