/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool_shared.h"

#include <errno.h>
#include <stdlib.h>

#include "util/macro.h"

/* gcc 12 makes no vectors of these at -O2; clang does. */
#if defined(__GNUC__) && !defined(__clang__)
#define VECTORS __attribute__((optimize("O3")))
#else
#define VECTORS
#endif

VECTORS void pool_shared_pack(const struct pool_shared *s, uint32_t *restrict to, void *const *restrict from,
                              size_t n)
{
        const uint64_t base = s->base;
        const unsigned int unit = s->unit;

        for (size_t i = 0; i < n; i++)
                to[i] = (uint32_t)(((uint64_t)(uintptr_t)from[i] - base) >> unit);
}

VECTORS void pool_shared_unpack(const struct pool_shared *s, void **restrict to,
                                const uint32_t *restrict from, size_t n)
{
        const uint64_t base = s->base;
        const unsigned int unit = s->unit;

        for (size_t i = 0; i < n; i++)
                to[i] = (void *)(uintptr_t)(base + ((uint64_t)from[i] << unit));
}

static void set_n_free(struct pool_shared *s, size_t n)
{
        __atomic_store_n(&s->n_free, n, __ATOMIC_RELAXED);
}

uint32_t *pool_batch_new(const struct pool_shared *s)
{
        size_t size = s->size * sizeof(uint32_t);

        return aligned_alloc(POOL_LINE, (size + POOL_LINE - 1) & ~(size_t)(POOL_LINE - 1));
}

int pool_shared_init(struct pool_shared *s, size_t count, unsigned int size)
{
        pthread_mutexattr_t attr;

        memset(s, 0, sizeof(*s));
        s->size = size;
        s->count = count;
        /* What is done under it takes less than going to sleep does. */
        pthread_mutexattr_init(&attr);
        pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
        pthread_mutex_init(&s->lock, &attr);
        pthread_mutexattr_destroy(&attr);
        s->n_batches = (count + size - 1) / size;
        s->loose = malloc(size * sizeof(*s->loose));
        s->batches = calloc(s->n_batches, sizeof(*s->batches));
        for (size_t i = 0; s->batches && i < s->n_batches; i++)
                if (!(s->batches[i] = pool_batch_new(s)))
                        break;
        if (s->loose && s->batches && s->batches[s->n_batches - 1])
                return 0;
        pool_shared_done(s);
        return -ENOMEM;
}

void pool_shared_done(struct pool_shared *s)
{
        for (size_t i = 0; s->batches && i < s->n_batches; i++)
                free(s->batches[i]);
        free(s->batches);
        free(s->loose);
        pthread_mutex_destroy(&s->lock);
}

uint32_t *pool_shared_trade_for_full(struct pool_shared *s, uint32_t *empty)
{
        uint32_t *full = NULL;

        pthread_mutex_lock(&s->lock);
        if (s->n_full > 0) {
                s->n_full--;
                full = s->batches[s->n_full];
                s->batches[s->n_full] = empty;
                set_n_free(s, s->n_free - s->size);
        }
        /* On its way from the other processor's cache while the mutex is let go: that saves a seventh of what
         * handing a buffer from thread to thread costs. */
        for (unsigned int i = 0; full && i < s->size; i += POOL_LINE / sizeof(*full))
                __builtin_prefetch(full + i);
        pthread_mutex_unlock(&s->lock);
        return full;
}

uint32_t *pool_shared_trade_for_empty(struct pool_shared *s, uint32_t *full)
{
        uint32_t *empty = NULL;

        pthread_mutex_lock(&s->lock);
        if (s->n_free + s->size <= s->count) {
                empty = s->batches[s->n_full];
                s->batches[s->n_full] = full;
                s->n_full++;
                set_n_free(s, s->n_free + s->size);
        }
        pthread_mutex_unlock(&s->lock);
        return empty;
}

/* With the lock, where N are there. */
static void take(struct pool_shared *s, void **buffers, size_t n)
{
        set_n_free(s, s->n_free - n);
        while (n > 0) {
                const size_t whole = n >= s->size && s->n_full > 0 ? s->size : 0;
                const size_t some = whole ?: MIN(n, s->n_loose);

                if (whole) {
                        pool_shared_unpack(s, buffers, s->batches[--s->n_full], whole);
                } else if (s->n_loose > 0) {
                        s->n_loose -= some;
                        pool_shared_unpack(s, buffers, s->loose + s->n_loose, some);
                } else {
                        memcpy(s->loose, s->batches[--s->n_full], s->size * sizeof(*s->loose));
                        s->n_loose = s->size;
                }
                buffers += some;
                n -= some;
        }
}

bool pool_shared_take(struct pool_shared *s, void **buffers, size_t n)
{
        bool there;

        pthread_mutex_lock(&s->lock);
        there = n <= s->n_free;
        if (there)
                take(s, buffers, n);
        pthread_mutex_unlock(&s->lock);
        return there;
}

size_t pool_shared_take_some(struct pool_shared *s, void **buffers, size_t n)
{
        pthread_mutex_lock(&s->lock);
        n = MIN(n, s->n_free);
        take(s, buffers, n);
        pthread_mutex_unlock(&s->lock);
        return n;
}

size_t pool_shared_give(struct pool_shared *s, void *const *buffers, size_t n)
{
        size_t fit, left;

        pthread_mutex_lock(&s->lock);
        fit = MIN(n, s->count - s->n_free);
        set_n_free(s, s->n_free + fit);
        for (left = fit; left > 0;) {
                const size_t some = MIN(left, s->size - s->n_loose);

                pool_shared_pack(s, s->loose + s->n_loose, buffers, some);
                s->n_loose += some;
                buffers += some;
                left -= some;
                if (s->n_loose < s->size)
                        break;
                memcpy(s->batches[s->n_full++], s->loose, s->size * sizeof(*s->loose));
                s->n_loose = 0;
        }
        pthread_mutex_unlock(&s->lock);
        return n - fit;
}
