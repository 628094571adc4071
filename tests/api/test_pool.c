/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pools of buffers: how they are laid out, what caches hold, what is refused. */
#include "machines.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommuctl/pool.h"

#define PAGE 0x1000u
#define MOST 256

#define OPTIONS(...) \
        (&(struct iommuctl_pool_options){ .struct_size = sizeof(struct iommuctl_pool_options), __VA_ARGS__ })

static struct iommuctl_pool *new_pool(struct bench *b, const struct iommuctl_pool_options *options)
{
        struct iommuctl_pool *pool = NULL;

        assert_ok(b->ctx, iommuctl_pool_new(b->container, options, &pool));
        return pool;
}

static struct iommuctl_pool_cache *new_cache(struct bench *b, struct iommuctl_pool *pool)
{
        struct iommuctl_pool_cache *cache = NULL;

        assert_ok(b->ctx, iommuctl_pool_cache_new(pool, &cache));
        return cache;
}

static void end(struct bench *b, struct iommuctl_pool *pool, struct iommuctl_pool_cache *cache)
{
        iommuctl_pool_cache_free(cache);
        assert_int_equal(iommuctl_pool_available(pool), iommuctl_pool_count(pool));
        assert_int_equal(iommuctl_pool_errors(pool), 0);
        assert_ok(b->ctx, iommuctl_pool_free(pool));
}

/* All that the pool has, by single gets; each inside, aligned, apart from the others, and where the device
 * finds it. */
static void check_buffers(struct bench *b, struct iommuctl_pool *pool, size_t align)
{
        struct iommuctl_pool_cache *cache = new_cache(b, pool);
        const struct iommuctl_span span = iommuctl_pool_span(pool);
        const size_t n = iommuctl_pool_count(pool), stride = iommuctl_pool_stride(pool);
        bool seen[MOST] = { false };
        void *buffers[MOST];

        assert_in_range(n, 1, MOST);
        assert_int_equal(span.size, n * stride);
        for (size_t i = 0; i < n; i++) {
                char *buffer = iommuctl_pool_get(cache), byte = (char)i;
                uint64_t iova = iommuctl_pool_iova(cache, buffer);
                size_t at = (size_t)(buffer - (char *)span.vaddr);

                assert_non_null(buffer);
                assert_int_equal((uintptr_t)buffer % align, 0);
                assert_int_equal(iova % align, 0);
                assert_int_equal(iova, span.iova + at);
                assert_int_equal(at % stride, 0);
                assert_in_range(at / stride, 0, n - 1);
                assert_false(seen[at / stride]);
                seen[at / stride] = true;
                buffers[i] = buffer;
                assert_int_equal(fake_dma_write(b->m, NIC, iova + iommuctl_pool_size(pool) - 1, &byte, 1), 0);
        }
        assert_null(iommuctl_pool_get(cache));
        assert_int_equal(iommuctl_pool_available(pool), 0);
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(((char *)buffers[i])[iommuctl_pool_size(pool) - 1], (char)i);
                iommuctl_pool_put(cache, buffers[i]);
        }
        iommuctl_pool_cache_free(cache);
        assert_int_equal(iommuctl_pool_available(pool), n);
}

static void test_layout(void **state)
{
        static const struct {
                size_t size, align, stride;
        } shapes[] = { { 2048, 0, 2048 }, { 1500, 0, 1536 }, { 1, 0, 64 },         { 1, 1, 1 },
                       { 60, 4, 60 },     { 5000, 0, 5056 }, { 1514, 2048, 2048 }, { 16, 4096, 4096 } };
        struct bench *b = *state;

        for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
                struct iommuctl_pool *pool = new_pool(
                        b, OPTIONS(.count = 100, .size = shapes[i].size, .align = shapes[i].align));

                assert_int_equal(fake_n_mappings(b->m), 1);
                assert_int_equal(iommuctl_pool_count(pool), 100);
                assert_int_equal(iommuctl_pool_size(pool), shapes[i].size);
                assert_int_equal(iommuctl_pool_stride(pool), shapes[i].stride);
                check_buffers(b, pool, shapes[i].align ?: 64);
                assert_ok(b->ctx, iommuctl_pool_free(pool));
                assert_int_equal(fake_n_mappings(b->m), 0);
        }
        assert_ok(b->ctx, iommuctl_pool_free(NULL));
        iommuctl_pool_cache_free(NULL);
}

static void test_mapping_options(void **state)
{
        struct bench *b = *state;
        struct iommuctl_pool_cache *cache;
        struct iommuctl_pool *pool;
        struct iommuctl_span span;
        char byte = 1;
        void *buffer;

        bench_restart(b, &(struct fake_options){ .hugepages_2m = 2 });
        pool = new_pool(b, OPTIONS(.count = 32, .size = 0x10000, .align = 0x10000, .page_size = 2 << 20));
        check_buffers(b, pool, 0x10000);
        assert_ok(b->ctx, iommuctl_pool_free(pool));

        pool = new_pool(b, OPTIONS(.count = 4, .size = 64, .iova_limit = 0xfffff));
        span = iommuctl_pool_span(pool);
        assert_true(span.iova + span.size - 1 <= 0xfffff);
        assert_ok(b->ctx, iommuctl_pool_free(pool));

        pool = new_pool(b, OPTIONS(.count = 4, .size = 64, .access = IOMMUCTL_ACCESS_READ));
        cache = new_cache(b, pool);
        buffer = iommuctl_pool_get(cache);
        assert_int_equal(fake_dma_read(b->m, NIC, iommuctl_pool_iova(cache, buffer), &byte, 1), 0);
        assert_int_equal(byte, 0);
        assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_pool_iova(cache, buffer), &byte, 1), -EFAULT);
        iommuctl_pool_put(cache, buffer);
        end(b, pool, cache);
}

/* How many move, and when. */
static void test_caches(void **state)
{
        struct bench *b = *state;
        struct iommuctl_pool *pool = new_pool(b, OPTIONS(.count = 32, .size = 64, .cache = 8));
        struct iommuctl_pool_cache *first = new_cache(b, pool), *second = new_cache(b, pool);
        void *buffers[32];

        buffers[0] = iommuctl_pool_get(first);
        assert_ptr_equal(buffers[0], iommuctl_pool_span(pool).vaddr); /* in order, at first */
        assert_int_equal(iommuctl_pool_available(pool), 24);
        for (int i = 1; i < 8; i++)
                buffers[i] = iommuctl_pool_get(first);
        assert_int_equal(iommuctl_pool_available(pool), 24);
        buffers[8] = iommuctl_pool_get(first);
        assert_int_equal(iommuctl_pool_available(pool), 16);

        /* The one that was put last is got first. */
        iommuctl_pool_put(first, buffers[8]);
        assert_ptr_equal(iommuctl_pool_get(first), buffers[8]);

        /* Into another's, which takes 12 and then gives 8 of them away. */
        for (int i = 0; i < 9; i++)
                iommuctl_pool_put(second, buffers[i]);
        assert_int_equal(iommuctl_pool_get_bulk(first, buffers, 12), 12); /* 7 it had, 5 of 8 */
        assert_int_equal(iommuctl_pool_available(pool), 8);
        iommuctl_pool_put_bulk(second, buffers, 3);
        assert_int_equal(iommuctl_pool_available(pool), 8);
        iommuctl_pool_put(second, buffers[3]);
        assert_int_equal(iommuctl_pool_available(pool), 16);
        iommuctl_pool_put_bulk(second, buffers + 4, 7); /* as many as it has room for */
        assert_int_equal(iommuctl_pool_available(pool), 16);
        iommuctl_pool_put(second, buffers[11]);
        assert_int_equal(iommuctl_pool_available(pool), 24);

        /* What others hold is not to be had; once they end it is. */
        assert_int_equal(iommuctl_pool_get_bulk(first, buffers, 28), 0);
        assert_int_equal(iommuctl_pool_available(pool), 24);
        assert_int_equal(iommuctl_pool_get_bulk(first, buffers, 27), 27); /* 3 it had */
        assert_null(iommuctl_pool_get(first));
        assert_int_equal(iommuctl_pool_get_bulk(first, buffers, 1), 0);
        iommuctl_pool_cache_free(second);
        assert_int_equal(iommuctl_pool_available(pool), 5);
        assert_int_equal(iommuctl_pool_get_bulk(first, buffers + 27, 5), 5);
        iommuctl_pool_put_bulk(first, buffers, 32);
        assert_int_equal(iommuctl_pool_available(pool), 32);
        assert_int_equal(iommuctl_pool_get_bulk(first, buffers, 0), 0);
        iommuctl_pool_put_bulk(first, buffers, 0);
        end(b, pool, first);
}

/* Every number of buffers in every size of cache: nothing is lost or given out twice. */
static void test_bulk_sizes(void **state)
{
        struct bench *b = *state;

        for (unsigned int limit = 1; limit <= 9; limit++) {
                struct iommuctl_pool *pool = new_pool(b, OPTIONS(.count = 40, .size = 64, .cache = limit));
                struct iommuctl_pool_cache *cache = new_cache(b, pool);
                void *buffers[40];

                for (unsigned int n = 1; n <= 20; n++) {
                        unsigned int got = 0;
                        char owned[40] = { 0 };

                        while (iommuctl_pool_get_bulk(cache, buffers + got, n) == n)
                                got += n;
                        while (got < 40 && (buffers[got] = iommuctl_pool_get(cache)))
                                got++;
                        assert_int_equal(got, 40);
                        for (unsigned int i = 0; i < 40; i++) {
                                size_t at = (size_t)((char *)buffers[i] -
                                                     (char *)iommuctl_pool_span(pool).vaddr) /
                                            64;

                                assert_in_range(at, 0, 39);
                                assert_int_equal(owned[at]++, 0);
                        }
                        for (; got >= n; got -= n)
                                iommuctl_pool_put_bulk(cache, buffers + got - n, n);
                        while (got > 0)
                                iommuctl_pool_put(cache, buffers[--got]);
                        assert_in_range(iommuctl_pool_available(pool), 40 - limit - limit / 2, 40);
                }
                end(b, pool, cache);
        }
}

/* Without a number: a quarter of a small pool, so that one thread cannot keep all from another. */
static void test_default_cache(void **state)
{
        static const struct {
                size_t count;
                unsigned int limit;
        } of[] = { { 1, 1 }, { 3, 1 }, { 20, 7 }, { 256, 96 }, { 5000, 96 } };
        struct bench *b = *state;

        for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
                struct iommuctl_pool *pool = new_pool(b, OPTIONS(.count = of[i].count, .size = 64));
                struct iommuctl_pool_cache *cache = new_cache(b, pool);

                assert_int_equal(cache->limit, of[i].limit);
                end(b, pool, cache);
        }
}

static void test_new_in(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma_options low = { .struct_size = sizeof(low),
                                            .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                            .iova = 0x21000,
                                            .access = IOMMUCTL_ACCESS_READ,
                                            .name = "rx" };
        char *memory = bench_memory(b, 128 * PAGE);
        char *at = (char *)(((uintptr_t)memory + 0xffff) & ~(uintptr_t)0xffff); /* on 64 KiB */
        struct iommuctl_pool_cache *cache;
        struct iommuctl_pool *pool = NULL;
        struct iommuctl_dma *dma, *shifted, *odd;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, at, 4 * PAGE, NULL, &dma));
        assert_ok(b->ctx, iommuctl_pool_new_in(dma, OPTIONS(.size = 1000), &pool));
        assert_int_equal(iommuctl_pool_count(pool), 16);
        assert_ptr_equal(iommuctl_pool_span(pool).vaddr, at);
        assert_int_equal(iommuctl_pool_span(pool).iova, iommuctl_dma_span(dma).iova);
        check_buffers(b, pool, 64);
        assert_ok(b->ctx, iommuctl_pool_free(pool));
        assert_true(iommuctl_dma_is_mapped(dma));
        assert_ok(b->ctx, iommuctl_pool_new_in(dma, OPTIONS(.size = 1024, .count = 3), &pool));
        check_buffers(b, pool, 64);
        assert_ok(b->ctx, iommuctl_pool_free(pool));

        /* The first place where both are aligned. */
        assert_ok(b->ctx, iommuctl_dma_map(b->container, at + 0x11000, 0x10000, &low, &shifted));
        assert_ok(b->ctx, iommuctl_pool_new_in(shifted, OPTIONS(.size = 0x4000, .align = 0x4000), &pool));
        assert_ptr_equal(iommuctl_pool_span(pool).vaddr, at + 0x14000);
        assert_int_equal(iommuctl_pool_count(pool), 3);
        cache = new_cache(b, pool);
        assert_fails(b->ctx, iommuctl_pool_free(pool), -EBUSY, "pool \"rx\" of 3 buffers"); /* its name */
        end(b, pool, cache);

        pool = NULL;
        low.iova = 0x41000;
        assert_ok(b->ctx, iommuctl_dma_map(b->container, at + 0x22000, PAGE, &low, &odd));
        assert_fails(b->ctx, iommuctl_pool_new_in(odd, OPTIONS(.size = 64, .align = 0x2000), &pool), -EINVAL,
                     "no place where both");
        assert_ok(b->ctx, iommuctl_dma_unmap(odd));
        assert_fails(b->ctx, iommuctl_pool_new_in(shifted, OPTIONS(.size = 0x8000, .align = 0x10000), &pool),
                     -ENOSPC, ": 0 do");
        assert_fails(b->ctx, iommuctl_pool_new_in(dma, OPTIONS(.size = 1024, .count = 17), &pool), -ENOSPC,
                     "17 buffers of 1024 bytes, each at a multiple of 64, do not fit into the mapping's "
                     "0x4000 bytes: 16 do");
        assert_fails(b->ctx, iommuctl_pool_new_in(dma, OPTIONS(.size = 64, .page_size = 2 << 20), &pool),
                     -EINVAL, "page_size");
        assert_fails(b->ctx, iommuctl_pool_new_in(shifted, OPTIONS(.size = 64, .iova_limit = 0x30ffe), &pool),
                     -ENOSPC, "above the limit 0x30ffe");
        assert_fails(
                b->ctx,
                iommuctl_pool_new_in(shifted, OPTIONS(.size = 64, .access = IOMMUCTL_ACCESS_WRITE), &pool),
                -EPERM, "only read");
        assert_fails(b->ctx, iommuctl_pool_new_in(shifted, OPTIONS(.size = 64, .access = 8), &pool), -EINVAL,
                     "access 0x8");
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, NULL));
        assert_fails(b->ctx, iommuctl_pool_new_in(dma, OPTIONS(.size = 64), &pool), -ENOENT, "any more");
        assert_null(pool);
        assert_ok(b->ctx, iommuctl_dma_unmap(shifted));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        munmap(memory, 128 * PAGE);
}

/* A mapping that this process has no address of. */
static void test_new_in_file(void **state)
{
        struct bench *b = *state;
        struct iommuctl_pool *pool = NULL;
        struct iommuctl_dma *dma;
        int fd = b->k->ops->memfd_create(b->k, "file", 0);

        assert_int_equal(b->k->ops->ftruncate(b->k, fd, PAGE), 0);
        assert_ok(b->ctx, iommuctl_dma_map_file(b->container, fd, 0, PAGE, NULL, &dma));
        assert_fails(b->ctx, iommuctl_pool_new_in(dma, OPTIONS(.size = 64), &pool), -EINVAL, "no address");
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        b->k->ops->close(b->k, fd);
}

static void test_refused(void **state)
{
        struct bench *b = *state;
        struct {
                struct iommuctl_pool_options o;
                int error;
                const char *word;
        } of[] = {
                { { .count = 1, .size = 64 }, -EINVAL, "struct_size" },
                { *OPTIONS(.size = 64), -EINVAL, "count is not set" },
                { *OPTIONS(.count = 1), -EINVAL, "size is not set" },
                { *OPTIONS(.count = 1, .size = 64, .align = 48), -EINVAL, "no power of two" },
                { *OPTIONS(.count = 1, .size = 64, .align = 8192), -EINVAL, "more than the page size, 4096" },
                { *OPTIONS(.count = 1, .size = 64, .cache = 4097), -EINVAL, "4097 buffers" },
                { *OPTIONS(.count = 1, .size = 64, .flags = 6), -EINVAL, "flags 0x6" },
                { *OPTIONS(.count = 1, .size = 64, .name = "a b"), -EINVAL, "\"a b\"" },
                { *OPTIONS(.count = SIZE_MAX / 64, .size = 65), -EINVAL, "cannot be" },
                { *OPTIONS(.count = 1, .size = SIZE_MAX), -EINVAL, "cannot be" },
                { *OPTIONS(.count = (1ul << 32) + 1, .size = 64), -EINVAL, "2^32 times" },
                { *OPTIONS(.count = SIZE_MAX / 128 + 1, .size = 64), -EINVAL, "cannot be" },
                { *OPTIONS(.count = 1, .size = 64, .page_size = 12345), -EINVAL, "pages of 12345" },
                { *OPTIONS(.count = 1, .size = 64, .access = IOMMUCTL_ACCESS_EXEC), -EOPNOTSUPP, "execute" },
                { *OPTIONS(.count = 1, .size = 64, .page_size = 2 << 20), -ENOMEM, "pages of 2048 KiB" },
                { *OPTIONS(.count = 1, .size = 64, .iova_limit = 0xfff), -ENOSPC, "no 0x1000 bytes" },
        };
        struct iommuctl_pool *pool = NULL;

        for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++)
                assert_fails(b->ctx, iommuctl_pool_new(b->container, &of[i].o, &pool), of[i].error,
                             of[i].word);
        assert_null(pool);
        assert_int_equal(fake_n_mappings(b->m), 0);
}

static void test_busy(void **state)
{
        struct bench *b = *state;
        struct iommuctl_pool *pool = new_pool(b, OPTIONS(.count = 10, .size = 64, .cache = 2, .name = "tx"));
        struct iommuctl_pool_cache *cache = new_cache(b, pool);
        void *buffers[3];

        assert_int_equal(iommuctl_pool_get_bulk(cache, buffers, 3), 3);
        assert_fails(b->ctx, iommuctl_pool_free(pool), -EBUSY,
                     "the pool \"tx\" of 10 buffers cannot be freed: 1 of its caches are not freed, and 3 "
                     "buffers");
        iommuctl_pool_cache_free(cache);
        assert_fails(b->ctx, iommuctl_pool_free(pool), -EBUSY, "3 of them are not put back");
        cache = new_cache(b, pool);
        iommuctl_pool_put_bulk(cache, buffers, 3);
        end(b, pool, cache);
}

/* Without the debug flag only the number gives a double put away; memory beside the pool stays whole. */
static void test_too_many(void **state)
{
        struct bench *b = *state;
        struct iommuctl_pool *pool = new_pool(b, OPTIONS(.count = 10, .size = 64, .cache = 4, .name = "tx"));
        struct iommuctl_pool_cache *cache = new_cache(b, pool);
        void *buffer = iommuctl_pool_get(cache);

        for (int i = 0; i < 20; i++)
                iommuctl_pool_put(cache, buffer);
        iommuctl_pool_cache_free(cache);
        assert_int_equal(iommuctl_pool_available(pool), 10);
        assert_int_equal(iommuctl_pool_errors(pool), 19);
        assert_contains(error_text(b->ctx), "pool \"tx\": more buffers were put than it has");
        assert_ok(b->ctx, iommuctl_pool_free(pool));
}

static struct fake *machine(void)
{
        return machine_vfio(NULL);
}

/* Frees; where that fails, the pool must be whole, and the second try must work. */
static int free_pool(struct fake *m, struct iommuctl_pool *pool)
{
        int r = iommuctl_pool_free(pool);

        if (r == 0)
                return 0;
        assert_int_equal(iommuctl_pool_available(pool), iommuctl_pool_count(pool));
        fake_mend(m);
        assert_int_equal(iommuctl_pool_free(pool), 0);
        return r;
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_pool *pools[2] = { NULL, NULL };
        struct iommuctl_pool_cache *cache = NULL;
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_dma *dma = NULL;
        int r, r2;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        if (r >= 0)
                r = iommuctl_pool_new(c, OPTIONS(.count = 20, .size = 100), &pools[0]);
        if (r >= 0)
                r = iommuctl_dma_alloc(c, PAGE, NULL, &dma);
        if (r >= 0)
                r = iommuctl_pool_new_in(dma, OPTIONS(.size = 100, .flags = IOMMUCTL_POOL_DEBUG), &pools[1]);
        for (int i = 0; r >= 0 && i < 2; i++) {
                r = iommuctl_pool_cache_new(pools[i], &cache);
                if (r >= 0)
                        iommuctl_pool_put(cache, iommuctl_pool_get(cache));
                if (r >= 0)
                        iommuctl_pool_cache_free(cache);
        }
        for (int i = 0; i < 2; i++) {
                r2 = free_pool(m, pools[i]);
                r = r < 0 ? r : r2;
        }
        r2 = iommuctl_dma_unmap(dma);
        if (r2 < 0) {
                fake_mend(m);
                assert_int_equal(iommuctl_dma_unmap(dma), 0);
                r = r < 0 ? r : r2;
        }
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r;
}

static void test_failing(void **state)
{
        const struct scenario s = { .name = "pools", .machine = machine, .run = run };

        (void)state;
        each_call_failing(&s);
        each_call_killed(&s, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_layout),
                BOTH(test_mapping_options),
                BOTH(test_caches),
                BOTH(test_bulk_sizes),
                BOTH(test_default_cache),
                BOTH(test_new_in),
                BOTH(test_new_in_file),
                BOTH(test_refused),
                BOTH(test_busy),
                BOTH(test_too_many),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("pools", tests);
}
