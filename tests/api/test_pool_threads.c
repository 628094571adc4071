/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many threads that get, put, and hand buffers to each other: each buffer is one owner's at a time. */
#include "machines.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "iommuctl/pool.h"

#define THREADS 4
#define COUNT   200
#define SIZE    64
#define ROUNDS  20000
#define HELD    32

/* What the threads have in common. A buffer's first word is its owner: written without any order but what the
 * pool and the mailboxes give, so that a thread sanitizer sees where they give none. */
struct table {
        struct iommuctl_pool *pool;
        char *base;
        int owner[COUNT]; /* the thread, 0: none; atomic */
        pthread_mutex_t lock;
        void *mail[THREADS]; /* buffers from any thread for any other */
        unsigned int wrong, got;
};

struct worker {
        struct table *t;
        int id; /* from 1 on */
        uint32_t random;
        struct iommuctl_pool_cache *cache;
        void *held[HELD];
        unsigned int n;
};

static uint32_t next_random(struct worker *w)
{
        w->random = w->random * 1664525 + 1013904223;
        return w->random >> 8;
}

static void own(struct worker *w, void *buffer)
{
        size_t i = (size_t)((char *)buffer - w->t->base) / SIZE;

        if (i >= COUNT || (size_t)((char *)buffer - w->t->base) % SIZE ||
            __atomic_exchange_n(&w->t->owner[i], w->id, __ATOMIC_RELAXED) != 0) {
                __atomic_add_fetch(&w->t->wrong, 1, __ATOMIC_RELAXED);
                return;
        }
        *(int *)buffer = w->id;
        w->held[w->n++] = buffer;
        __atomic_add_fetch(&w->t->got, 1, __ATOMIC_RELAXED);
}

/* The last M that it holds, of which it is the owner still. */
static void *const *disown(struct worker *w, unsigned int m)
{
        w->n -= m;
        for (unsigned int k = 0; k < m; k++) {
                void *buffer = w->held[w->n + k];
                size_t i = (size_t)((char *)buffer - w->t->base) / SIZE;

                if (*(int *)buffer != w->id ||
                    __atomic_exchange_n(&w->t->owner[i], 0, __ATOMIC_RELAXED) != w->id)
                        __atomic_add_fetch(&w->t->wrong, 1, __ATOMIC_RELAXED);
        }
        return w->held + w->n;
}

static void get_some(struct worker *w, unsigned int m)
{
        void *buffers[HELD];

        m = MIN(m, HELD - w->n);
        if (m == 1 && (buffers[0] = iommuctl_pool_get(w->cache)))
                own(w, buffers[0]);
        if (m > 1 && iommuctl_pool_get_bulk(w->cache, buffers, m) == m)
                for (unsigned int i = 0; i < m; i++)
                        own(w, buffers[i]);
}

static void put_some(struct worker *w, unsigned int m)
{
        m = MIN(m, w->n);
        if (m == 1)
                iommuctl_pool_put(w->cache, disown(w, 1)[0]);
        else if (m > 1)
                iommuctl_pool_put_bulk(w->cache, disown(w, m), m);
}

/* Leaves one for any other thread and takes what lies there. */
static void exchange(struct worker *w)
{
        void **box = &w->t->mail[next_random(w) % THREADS], *theirs;

        if (w->n == 0)
                return;
        pthread_mutex_lock(&w->t->lock);
        theirs = *box;
        *box = disown(w, 1)[0];
        pthread_mutex_unlock(&w->t->lock);
        if (theirs)
                own(w, theirs);
}

static void *work(void *userdata)
{
        struct worker *w = userdata;

        for (unsigned int i = 0; i < ROUNDS; i++) {
                /* A thread that ends, and one that comes in its place. */
                if (!w->cache && iommuctl_pool_cache_new(w->t->pool, &w->cache) < 0)
                        return NULL;
                switch (next_random(w) % 8) {
                case 0 ... 2:
                        get_some(w, next_random(w) % 4 ? 1 : next_random(w) % HELD);
                        break;
                case 3 ... 5:
                        put_some(w, next_random(w) % 4 ? 1 : next_random(w) % HELD);
                        break;
                case 6:
                        exchange(w);
                        break;
                default:
                        if (next_random(w) % 64 == 0) {
                                iommuctl_pool_cache_free(w->cache);
                                w->cache = NULL;
                        } else if (iommuctl_pool_available(w->t->pool) > COUNT) {
                                __atomic_add_fetch(&w->t->wrong, 1, __ATOMIC_RELAXED);
                        }
                }
        }
        if (w->cache || iommuctl_pool_cache_new(w->t->pool, &w->cache) >= 0)
                put_some(w, HELD);
        iommuctl_pool_cache_free(w->cache);
        return NULL;
}

static void run(struct bench *b, unsigned int cache, unsigned int flags)
{
        const struct iommuctl_pool_options o = {
                .struct_size = sizeof(o), .count = COUNT, .size = SIZE, .cache = cache, .flags = flags
        };
        struct table t = { .lock = PTHREAD_MUTEX_INITIALIZER };
        struct iommuctl_pool_cache *last;
        struct worker workers[THREADS];
        pthread_t threads[THREADS];

        assert_ok(b->ctx, iommuctl_pool_new(b->container, &o, &t.pool));
        t.base = iommuctl_pool_span(t.pool).vaddr;
        for (int i = 0; i < THREADS; i++) {
                workers[i] = (struct worker){ .t = &t, .id = i + 1, .random = (uint32_t)i * 7919 + cache };
                assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(t.wrong, 0);
        assert_in_range(t.got, ROUNDS, THREADS * ROUNDS * HELD);
        assert_ok(b->ctx, iommuctl_pool_cache_new(t.pool, &last));
        for (int i = 0; i < THREADS; i++)
                if (t.mail[i])
                        iommuctl_pool_put(last, t.mail[i]);
        iommuctl_pool_cache_free(last);
        assert_int_equal(iommuctl_pool_available(t.pool), COUNT);
        assert_int_equal(iommuctl_pool_errors(t.pool), 0);
        assert_ok(b->ctx, iommuctl_pool_free(t.pool));
}

/* Caches that seldom meet, caches that always do, and more in them than there is. */
static void test_owned_once(void **state)
{
        static const unsigned int caches[] = { 1, 2, 5, 16, 150 };

        for (size_t i = 0; i < sizeof(caches) / sizeof(*caches); i++)
                run(*state, caches[i], 0);
}

static void test_owned_once_debug(void **state)
{
        run(*state, 0, IOMMUCTL_POOL_DEBUG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                { "test_owned_once", test_owned_once, bench_iommufd, bench_teardown, NULL },
                { "test_owned_once_debug", test_owned_once_debug, bench_iommufd, bench_teardown, NULL },
        };

        return run_tap_tests("pools and threads", tests);
}
