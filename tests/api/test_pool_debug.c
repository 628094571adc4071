/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pool with IOMMUCTL_POOL_DEBUG: each mistake is found, told of, and does no harm. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>

#include "iommuctl/pool.h"

#define N 8

struct pool {
        struct bench *b;
        struct iommuctl_pool *pool;
        struct iommuctl_pool_cache *cache;
        struct iommuctl_span span;
        unsigned int told; /* lines in the log */
        char log[512];     /* the last */
};

static void keep(void *userdata, enum iommuctl_log_level level, const char *text)
{
        struct pool *p = userdata;

        if (level != IOMMUCTL_LOG_ERR)
                return;
        p->told++;
        snprintf(p->log, sizeof(p->log), "%s", text);
}

static void start(struct pool *p, struct bench *b, size_t size)
{
        const struct iommuctl_pool_options o = {
                .struct_size = sizeof(o), .count = N, .size = size, .flags = IOMMUCTL_POOL_DEBUG, .name = "rx"
        };

        *p = (struct pool){ .b = b };
        iommuctl_ctx_set_log(b->ctx, keep, p, IOMMUCTL_LOG_ERR);
        assert_ok(b->ctx, iommuctl_pool_new(b->container, &o, &p->pool));
        assert_ok(b->ctx, iommuctl_pool_cache_new(p->pool, &p->cache));
        p->span = iommuctl_pool_span(p->pool);
}

/* ERRORS were found in all. */
static void end(struct pool *p, uint64_t errors)
{
        assert_int_equal(iommuctl_pool_errors(p->pool), errors);
        iommuctl_pool_cache_free(p->cache);
        assert_ok(p->b->ctx, iommuctl_pool_free(p->pool));
        assert_int_equal(p->told, errors);
        iommuctl_ctx_set_log(p->b->ctx, NULL, NULL, IOMMUCTL_LOG_ERR);
}

static void assert_told(struct pool *p, uint64_t errors, const char *word)
{
        assert_int_equal(iommuctl_pool_errors(p->pool), errors);
        assert_int_equal(p->told, errors);
        assert_contains(p->log, "pool \"rx\": ");
        assert_contains(p->log, word);
        assert_string_equal(error_text(p->b->ctx), p->log);
}

/* No mistakes: nothing is told, all is as in any pool; what was freed longest ago comes first. */
static void test_nothing_wrong(void **state)
{
        void *buffers[N], *again[N];
        struct pool p;

        start(&p, *state, 100);
        assert_int_equal(iommuctl_pool_get_bulk(p.cache, buffers, N), N);
        for (int i = 0; i < N; i++) {
                assert_ptr_equal(buffers[i], (char *)p.span.vaddr + i * 128);
                assert_int_equal(*(unsigned char *)buffers[i], 0xdb);
                memset(buffers[i], i, 100);
        }
        assert_null(iommuctl_pool_get(p.cache));
        assert_int_equal(iommuctl_pool_available(p.pool), 0);
        iommuctl_pool_put_bulk(p.cache, buffers, N - 1);
        assert_int_equal(iommuctl_pool_available(p.pool), N - 1);
        assert_int_equal(iommuctl_pool_get_bulk(p.cache, again, N), 0); /* all or nothing */
        assert_int_equal(iommuctl_pool_available(p.pool), N - 1);
        assert_fails(p.b->ctx, iommuctl_pool_free(p.pool), -EBUSY, "1 of its caches");
        iommuctl_pool_put(p.cache, buffers[N - 1]);
        assert_int_equal(iommuctl_pool_get_bulk(p.cache, again, N), N);
        iommuctl_pool_put_bulk(p.cache, again, N);
        end(&p, 0);
}

static void test_put_twice(void **state)
{
        void *first, *second;
        char word[80];
        struct pool p;

        start(&p, *state, 128);
        first = iommuctl_pool_get(p.cache);
        second = iommuctl_pool_get(p.cache);
        iommuctl_pool_put(p.cache, second);
        iommuctl_pool_put(p.cache, second);
        snprintf(word, sizeof(word), "buffer 1 (IOVA 0x%lx) was put, but is free already",
                 (unsigned long)p.span.iova + 128);
        assert_told(&p, 1, word);
        assert_int_equal(iommuctl_pool_available(p.pool), N - 1);
        iommuctl_pool_put_bulk(p.cache, (void *[]){ second, first, second }, 3);
        assert_told(&p, 3, "buffer 1 ");
        assert_int_equal(iommuctl_pool_available(p.pool), N);
        end(&p, 3);
}

static void test_foreign(void **state)
{
        char elsewhere[64], *buffer;
        struct pool p;

        start(&p, *state, 100);
        buffer = iommuctl_pool_get(p.cache);
        iommuctl_pool_put(p.cache, elsewhere);
        assert_told(&p, 1, "is not of this pool");
        iommuctl_pool_put(p.cache, NULL);
        assert_told(&p, 2, "is not of this pool");
        iommuctl_pool_put(p.cache, (char *)p.span.vaddr - 1);
        assert_told(&p, 3, "is not of this pool");
        iommuctl_pool_put(p.cache, (char *)p.span.vaddr + p.span.size);
        assert_told(&p, 4, "is not of this pool");
        iommuctl_pool_put(p.cache, buffer + 60);
        assert_told(&p, 5, "60 bytes into buffer 0 ");
        iommuctl_pool_put(p.cache, (char *)p.span.vaddr + p.span.size - 1);
        assert_told(&p, 6, "127 bytes into buffer 7 ");
        assert_int_equal(iommuctl_pool_available(p.pool), N - 1);
        iommuctl_pool_put(p.cache, buffer);
        assert_int_equal(iommuctl_pool_available(p.pool), N);
        end(&p, 6);
}

/* By this process, and by a device: the buffer is never given out again. */
static void test_written_while_free(void **state)
{
        void *buffers[N];
        char word[120];
        struct pool p;

        start(&p, *state, 100);
        buffers[0] = iommuctl_pool_get(p.cache);
        iommuctl_pool_put(p.cache, buffers[0]);
        ((char *)buffers[0])[3] = 0x42;
        assert_int_equal(fake_dma_write(p.b->m, NIC, p.span.iova + 2 * 128 + 99, "\x11", 1), 0);
        assert_int_equal(iommuctl_pool_get_bulk(p.cache, buffers, N), 0);
        assert_int_equal(iommuctl_pool_errors(p.pool), 2);
        assert_int_equal(p.told, 2);
        snprintf(word, sizeof(word),
                 "buffer 0 (IOVA 0x%lx) was written to while it was free: byte 3 is 0x42 and was 0xdb",
                 (unsigned long)p.span.iova);
        assert_contains(p.log, word); /* the second: of a ring it is the last */
        assert_int_equal(iommuctl_pool_available(p.pool), N - 2);
        assert_int_equal(iommuctl_pool_get_bulk(p.cache, buffers, N - 2), N - 2);
        for (int i = 0; i < N - 2; i++) {
                assert_ptr_not_equal(buffers[i], p.span.vaddr);
                assert_ptr_not_equal(buffers[i], (char *)p.span.vaddr + 2 * 128);
        }
        assert_null(iommuctl_pool_get(p.cache));
        iommuctl_pool_put(p.cache, p.span.vaddr); /* it is nobody's */
        assert_told(&p, 3, "buffer 0 ");
        assert_int_equal(iommuctl_pool_available(p.pool), 0);
        iommuctl_pool_put_bulk(p.cache, buffers, N - 2);
        end(&p, 3);
}

/* The device was not stopped: seen when the pool ends, where its buffers are free. */
static void test_written_at_the_end(void **state)
{
        struct pool p;

        start(&p, *state, 128);
        iommuctl_pool_cache_free(p.cache);
        assert_int_equal(fake_dma_write(p.b->m, NIC, p.span.iova + p.span.size - 1, "\x11", 1), 0);
        assert_ok(p.b->ctx, iommuctl_pool_free(p.pool));
        assert_int_equal(p.told, 1);
        assert_contains(p.log, "buffer 7 ");
        iommuctl_ctx_set_log(p.b->ctx, NULL, NULL, IOMMUCTL_LOG_ERR);
}

static void test_past_the_end(void **state)
{
        struct pool p;
        char *buffer;

        start(&p, *state, 100);
        buffer = iommuctl_pool_get(p.cache);
        memset(buffer, 0, 100);
        iommuctl_pool_put(p.cache, buffer);
        assert_int_equal(iommuctl_pool_errors(p.pool), 0);
        buffer = iommuctl_pool_get(p.cache);
        buffer[101] = 7;
        iommuctl_pool_put(p.cache, buffer);
        assert_told(&p, 1, "past its end: byte 101 of 100 is 0x07");
        assert_int_equal(iommuctl_pool_available(p.pool), N); /* taken back all the same */
        for (int i = 0; i < 2 * N; i++)
                iommuctl_pool_put(p.cache, iommuctl_pool_get(p.cache));
        end(&p, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_nothing_wrong),      BOTH(test_put_twice),          BOTH(test_foreign),
                BOTH(test_written_while_free), BOTH(test_written_at_the_end), BOTH(test_past_the_end),
        };

        return run_tap_tests("pools that find mistakes", tests);
}
