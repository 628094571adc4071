/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left of small buffers that were unmapped is kept: their objects by the container, their IOVAs by
 * the allocator. Nobody is to notice, but by a clock: not who wants such an IOVA, nor who looks at all that
 * is mapped. */
#include "machines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 0x1000u

static struct iommuctl_dma *map(struct bench *b, void *memory, size_t size,
                                const struct iommuctl_dma_options *options)
{
        struct iommuctl_dma *dma = NULL;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, size, options, &dma));
        return dma;
}

/* Leaves N buffers of SIZE behind, the last of which was at the IOVA that is returned. */
static uint64_t leave(struct bench *b, char *memory, size_t size, unsigned int n)
{
        struct iommuctl_dma *dmas[80];
        uint64_t iova = 0;

        assert_true(n <= 80);
        for (unsigned int i = 0; i < n; i++)
                dmas[i] = map(b, memory + i * size, size, NULL);
        for (unsigned int i = 0; i < n; i++) {
                iova = iommuctl_dma_span(dmas[i]).iova;
                assert_ok(b->ctx, iommuctl_dma_unmap(dmas[i]));
        }
        assert_int_equal(fake_n_mappings(b->m), 0);
        return iova;
}

static void test_the_next_is_like_new(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .access = IOMMUCTL_ACCESS_READ,
                                          .name = "rx" };
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma *dma;
        uint64_t iova;
        char c;

        assert_ok(b->ctx, iommuctl_dma_unmap(map(b, memory, PAGE, &o)));
        dma = map(b, memory + 2 * PAGE, PAGE, NULL);
        assert_string_equal(iommuctl_dma_name(dma), "");
        assert_int_equal(iommuctl_dma_access(dma), IOMMUCTL_ACCESS_READ | IOMMUCTL_ACCESS_WRITE);
        assert_int_equal(iommuctl_dma_page_size(dma), PAGE);
        assert_int_equal(iommuctl_dma_fd(dma), -1);
        assert_true(iommuctl_dma_is_mapped(dma));
        assert_ptr_equal(iommuctl_dma_span(dma).vaddr, memory + 2 * PAGE);
        assert_int_equal(iommuctl_translate(b->container, memory + 2 * PAGE + 5, &iova), PAGE - 5);
        assert_int_equal(iova, iommuctl_dma_span(dma).iova + 5);
        assert_int_equal(iommuctl_translate(b->container, memory, &iova), -ENOENT);
        assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma).iova, "x", 1), 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        o.name = NULL;
        dma = map(b, memory, PAGE, &o);
        assert_int_equal(iommuctl_dma_access(dma), IOMMUCTL_ACCESS_READ);
        assert_int_equal(fake_dma_read(b->m, NIC, iommuctl_dma_span(dma).iova, &c, 1), 0);
        assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma).iova, "x", 1), -EFAULT);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* No two live ones ever have one address, however they come and go. */
static void test_live_iovas_are_apart(void **state)
{
        struct iommuctl_dma *live[32] = { NULL };
        struct bench *b = *state;
        char *memory = bench_memory(b, 32 * 4 * PAGE);
        uint32_t random = 1;

        for (int round = 0; round < 3000; round++) {
                unsigned int i = (random = random * 1103515245 + 12345) >> 16 & 31;

                if (live[i]) {
                        assert_ok(b->ctx, iommuctl_dma_unmap(live[i]));
                        live[i] = NULL;
                        continue;
                }
                live[i] = map(b, memory + i * 4 * PAGE, (1 + (random >> 22 & 3)) * PAGE, NULL);
                for (unsigned int k = 0; k < 32; k++) {
                        struct iommuctl_span s = iommuctl_dma_span(live[i]), o;

                        if (k == i || !live[k])
                                continue;
                        o = iommuctl_dma_span(live[k]);
                        assert_true(s.iova + s.size <= o.iova || o.iova + o.size <= s.iova);
                }
        }
        for (unsigned int i = 0; i < 32; i++)
                iommuctl_dma_unmap(live[i]);
        assert_int_equal(fake_n_mappings(b->m), 0);
}

static void test_a_fixed_iova_is_not_in_the_way(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .flags = IOMMUCTL_DMA_FIXED_IOVA };
        struct bench *b = *state;
        char *memory = bench_memory(b, 80 * PAGE);
        struct iommuctl_dma *dma;

        o.iova = leave(b, memory, PAGE, 80) - 2 * PAGE;
        dma = map(b, memory, 4 * PAGE, &o);
        assert_int_equal(iommuctl_dma_span(dma).iova, o.iova);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* All that a device can reach is free again, in one piece. */
static void test_a_full_space_is_not_full(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0x10fff };
        struct bench *b = *state;
        char *memory = bench_memory(b, 16 * PAGE);
        struct iommuctl_dma *dma;

        leave(b, memory, PAGE, 16);
        dma = map(b, memory, 16 * PAGE, &o);
        assert_int_equal(iommuctl_dma_span(dma).iova, PAGE);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static void test_a_limit_holds(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xffff };
        struct iommuctl_dma_options high = { .struct_size = sizeof(high),
                                             .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                             .iova = UINT64_C(1) << 34 };
        struct bench *b = *state;
        char *memory = bench_memory(b, PAGE);
        struct iommuctl_dma *dma;

        assert_ok(b->ctx, iommuctl_dma_unmap(map(b, memory, PAGE, &high)));
        dma = map(b, memory, PAGE, &o);
        assert_true(iommuctl_dma_span(dma).iova <= 0xffff);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* What would have been refused is refused, with the reason; nothing is lost. */
static void test_refusals_are_the_same(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma *one, *two = NULL;

        leave(b, memory, PAGE, 4);
        one = map(b, memory, PAGE, NULL);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, NULL, &two), -EEXIST, "overlap");
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + 1, PAGE, NULL, &two), -EINVAL,
                     "whole pages");
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, 0, NULL, &two), -EINVAL, "0 bytes");
        munmap(memory + 2 * PAGE, 2 * PAGE);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + 2 * PAGE, PAGE, NULL, &two), -EFAULT,
                     "not all there");
        assert_null(two);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
}

/* A buffer that wraps around lies over what begins at 0, which nothing becomes of. */
static void test_one_that_wraps_around(void **state)
{
        void *const at = (void *)UINT64_C(0x100000), *const end = (void *)-(uintptr_t)PAGE;
        struct bench *b = *state;
        char *memory = bench_memory(b, 2 * PAGE);
        struct iommuctl_dma *low, *dma = NULL;
        uint64_t iova = 0;

        if (mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                 0) != at)
                skip();
        leave(b, memory, PAGE, 2);
        low = map(b, at, PAGE, NULL);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, end, (2 << 20) - PAGE, NULL, &dma), -EOVERFLOW,
                     "wrap around");
        assert_null(dma);
        assert_int_equal(iommuctl_translate(b->container, at, &iova), PAGE);
        assert_int_equal(iova, iommuctl_dma_span(low).iova);
        assert_ok(b->ctx, iommuctl_dma_unmap(low));
        munmap(at, PAGE);
}

static void test_unmapping_all_sees_none(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 8 * PAGE);
        struct iommuctl_dma *dma;
        uint64_t bytes = 42, iova;

        iova = leave(b, memory, 2 * PAGE, 4);
        /* would cut one of them */
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, iova + PAGE, PAGE, &bytes));
        assert_int_equal(bytes, 0);
        dma = map(b, memory, PAGE, NULL);
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &bytes));
        assert_int_equal(bytes, PAGE);
        assert_false(iommuctl_dma_is_mapped(dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* A device that joins takes addresses away that were kept. */
static void test_ranges_that_shrink(void **state)
{
        struct iommuctl_dma_options high = { .struct_size = sizeof(high), .flags = IOMMUCTL_DMA_FIXED_IOVA };
        struct iommuctl_range *ranges, allowed;
        struct bench *b = *state;
        char *memory = bench_memory(b, PAGE);
        struct iommuctl_dma *dma;
        int n;

        n = iommuctl_container_ranges(b->container, &ranges);
        assert_true(n > 0);
        high.iova = (ranges[n - 1].last & ~(uint64_t)(PAGE - 1)) - PAGE;
        assert_ok(b->ctx, iommuctl_dma_unmap(map(b, memory, PAGE, &high)));
        allowed = (struct iommuctl_range){ 0x100000, 0x1fffff };
        assert_ok(b->ctx, iommuctl_container_allow(b->container, &allowed, 1));
        dma = map(b, memory, PAGE, NULL);
        assert_true(iommuctl_dma_span(dma).iova >= 0x100000 && iommuctl_dma_span(dma).iova <= 0x1fffff);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        free(ranges);
}

static char pages[4 * PAGE] __attribute__((aligned(PAGE)));

/* Twice the same, and more than are kept. */
static int again(struct iommuctl_ctx *ctx, enum iommuctl_backend backend)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *device = NULL;
        struct iommuctl_dma *dma = NULL;
        int r;

        r = iommuctl_container_new(ctx, backend, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &device);
        for (int i = 0; i < 3 && r >= 0; i++) {
                r = iommuctl_dma_map(c, pages + (size_t)i * PAGE, PAGE, NULL, &dma);
                if (r < 0)
                        break;
                r = iommuctl_dma_unmap(dma);
                if (r < 0)
                        iommuctl_dma_unmap(dma); /* one failure is what was ordered */
        }
        iommuctl_device_unref(device);
        iommuctl_container_unref(c);
        return r;
}

static struct fake *machine(void)
{
        return machine_vfio(NULL);
}

static int again_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return again(ctx, IOMMUCTL_BACKEND_TYPE1);
}

static int again_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return again(ctx, IOMMUCTL_BACKEND_IOMMUFD);
}

static void test_failing(void **state)
{
        static const struct scenario type1 = { .name = "again, type1",
                                               .machine = machine,
                                               .run = again_type1 },
                                     iommufd = { .name = "again, iommufd",
                                                 .machine = machine,
                                                 .run = again_iommufd };

        (void)state;
        each_call_failing(&type1);
        each_call_failing(&iommufd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_the_next_is_like_new),
                BOTH(test_live_iovas_are_apart),
                BOTH(test_a_fixed_iova_is_not_in_the_way),
                BOTH(test_a_full_space_is_not_full),
                BOTH(test_a_limit_holds),
                BOTH(test_refusals_are_the_same),
                BOTH(test_one_that_wraps_around),
                BOTH(test_unmapping_all_sees_none),
                { "test_ranges_that_shrink (iommufd)", test_ranges_that_shrink, bench_iommufd, bench_teardown,
                  NULL },
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("dma spare", tests);
}
