/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unmapping a range, several mappings, all; and the end of the address space, on both backends. */
#include "machines.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dma.h"
#include "fake_uapi.h"
#include "iommuctl/adopt.h"

#define PAGE 0x1000u
#define BASE 0x40000000ull
#define LAST 0xfffffffffffff000ull /* the last page of all */

static struct iommuctl_dma *map_at(struct bench *b, void *memory, size_t size, uint64_t iova,
                                   const char *name)
{
        struct iommuctl_dma_options o = {
                .struct_size = sizeof(o), .flags = IOMMUCTL_DMA_FIXED_IOVA, .iova = iova, .name = name
        };
        struct iommuctl_dma *dma = NULL;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, size, &o, &dma));
        return dma;
}

/* Gone from the kernel and from the books, and the object as it is documented. */
static void assert_gone(struct bench *b, struct iommuctl_dma *dma)
{
        struct iommuctl_span s = iommuctl_dma_span(dma);
        uint64_t iova;

        assert_false(iommuctl_dma_is_mapped(dma));
        assert_int_equal(iommuctl_translate(b->container, s.vaddr, &iova), -ENOENT);
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova, "x", 1), -EFAULT);
        *(volatile char *)s.vaddr = 1;
}

static void assert_there(struct bench *b, struct iommuctl_dma *dma)
{
        struct iommuctl_span s = iommuctl_dma_span(dma);
        uint64_t iova = 0;

        assert_true(iommuctl_dma_is_mapped(dma));
        assert_int_equal(iommuctl_translate(b->container, s.vaddr, &iova), s.size);
        assert_int_equal(iova, s.iova);
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova + s.size - 1, "x", 1), 0);
}

static void test_range_over_several(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 16 * PAGE);
        struct iommuctl_dma *one = map_at(b, memory, PAGE, BASE, "one");
        struct iommuctl_dma *two = map_at(b, memory + PAGE, 3 * PAGE, BASE + 2 * PAGE, "two");
        struct iommuctl_dma *three = map_at(b, memory + 4 * PAGE, 2 * PAGE, BASE + 8 * PAGE, "three"), *again;
        unsigned int calls;
        uint64_t n = 42;

        calls = fake_n_calls(b->m);
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, BASE, 8 * PAGE, &n));
        assert_int_equal(n, 4 * PAGE);
        assert_int_equal(fake_n_calls(b->m) - calls, 1);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_gone(b, one);
        assert_gone(b, two);
        assert_there(b, three);
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, BASE, 8 * PAGE, &n));
        assert_int_equal(n, 0);
        /* The addresses of both kinds are free again, while the old objects live. */
        again = map_at(b, memory, 6 * PAGE - 2 * PAGE, BASE, "again");
        assert_there(b, again);
        assert_fails(b->ctx, iommuctl_dma_renew(one), -ENOENT, "\"one\"");
        assert_fails(b->ctx, iommuctl_dma_copy(one, b->container, NULL, &again), -ENOENT, "not mapped");
        calls = fake_n_calls(b->m);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
        assert_int_equal(fake_n_calls(b->m), calls);
        assert_there(b, again);
        assert_ok(b->ctx, iommuctl_dma_unmap(again));
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, 0, 1ull << 39, NULL));
        assert_gone(b, three);
        assert_ok(b->ctx, iommuctl_dma_unmap(three));
}

static void test_nothing_is_cut(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 16 * PAGE);
        struct iommuctl_dma *one = map_at(b, memory, 4 * PAGE, BASE, "rx");
        struct iommuctl_dma *two = map_at(b, memory + 4 * PAGE, 4 * PAGE, BASE + 4 * PAGE, "tx");
        unsigned int calls = fake_n_calls(b->m);
        uint64_t n = 42;

        assert_fails(b->ctx, iommuctl_container_unmap(b->container, BASE + PAGE, PAGE, &n), -EINVAL,
                     "\"rx\" of 0x40000000-0x40003fff");
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, BASE, 2 * PAGE, &n), -EINVAL, "\"rx\"");
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, BASE, 5 * PAGE, &n), -EINVAL,
                     "\"tx\" of 0x40004000-0x40007fff: the kernel unmaps whole mappings only");
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, BASE + PAGE, 7 * PAGE, &n), -EINVAL,
                     "rx");
        assert_int_equal(fake_n_calls(b->m), calls);
        assert_int_equal(n, 42);
        assert_there(b, one);
        assert_there(b, two);
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, BASE, 0, &n), -EINVAL, "whole pages");
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, BASE + 1, PAGE, &n), -EINVAL,
                     "whole pages");
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, 0, UINT64_MAX, &n), -EINVAL,
                     "whole pages");
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, LAST, 2 * PAGE, &n), -EOVERFLOW,
                     "0xffffffffffffffff");
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
}

static void test_unmap_all(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 64 * PAGE);
        struct iommuctl_dma *dma[33] = { NULL }, *hole = NULL;
        unsigned int calls;
        uint64_t n = 42;

        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, 0);
        for (unsigned int i = 0; i < 32; i++)
                assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + i * PAGE, PAGE, NULL, &dma[i]));
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, 5 * PAGE, NULL, &dma[32]));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma[7]));
        dma[7] = NULL;
        calls = fake_n_calls(b->m);
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, 36 * PAGE);
        /* Type1 is asked whether it has the flag. */
        assert_int_equal(fake_n_calls(b->m) - calls, b->backend == IOMMUCTL_BACKEND_TYPE1 ? 2 : 1);
        assert_int_equal(fake_n_mappings(b->m), 0);
        for (unsigned int i = 0; i < 33; i++)
                if (dma[i])
                        assert_gone(b, dma[i]);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, 32 * PAGE, NULL, &hole));
        for (unsigned int i = 0; i < 33; i++)
                assert_ok(b->ctx, iommuctl_dma_unmap(dma[i]));
        assert_there(b, hole);
        assert_ok(b->ctx, iommuctl_dma_unmap(hole));
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, NULL));
}

/* Before 5.12 type1 has no flag for it. */
static void test_unmap_all_without_the_flag(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma *one, *two;
        uint64_t n = 42;

        bench_restart(b, &(struct fake_options){ .release = "5.10.0-fake" });
        one = map_at(b, memory, PAGE, 0, "");
        two = map_at(b, memory + PAGE, PAGE, (1ull << 39) - PAGE, "");
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, 2 * PAGE);
        assert_gone(b, one);
        assert_gone(b, two);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
}

/* Nothing has joined, or the last device left: there is nothing, and that is no failure. */
static void test_unmap_all_of_nothing(void **state)
{
        struct iommuctl_container *c = NULL;
        struct bench *b = *state;
        char *memory = bench_memory(b, PAGE);
        struct iommuctl_dma *dma;
        uint64_t n = 42;

        assert_ok(b->ctx, iommuctl_container_new(b->ctx, b->backend, &c));
        assert_ok(b->ctx, iommuctl_container_unmap_all(c, &n));
        assert_int_equal(n, 0);
        n = 42;
        assert_ok(b->ctx, iommuctl_container_unmap(c, BASE, PAGE, &n));
        assert_int_equal(n, 0);
        iommuctl_container_unref(c);
        /* The mapping keeps a type1 group in the container, and takes it along. */
        dma = map_at(b, memory, PAGE, BASE, "");
        b->device = iommuctl_device_unref(b->device);
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, PAGE);
        assert_clean(b->m, 2); /* the root and the container */
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* What was mapped by hand goes with the rest and counts, and where it sticks out of the range, only ours do.
 */
static void test_foreign_mappings(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 8 * PAGE);
        struct iommuctl_dma *one = map_at(b, memory, PAGE, BASE, "");
        struct iommuctl_dma *two;
        uint64_t n = 0;

        fake_map_behind(b->m, NIC, BASE + 2 * PAGE, memory + PAGE, 2 * PAGE);
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, BASE, 4 * PAGE, &n));
        assert_int_equal(n, 3 * PAGE);
        assert_int_equal(fake_n_mappings(b->m), 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        one = map_at(b, memory, PAGE, BASE, "");
        two = map_at(b, memory + PAGE, PAGE, BASE + PAGE, "");
        fake_map_behind(b->m, NIC, BASE + 2 * PAGE, memory + 2 * PAGE, 2 * PAGE);
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, BASE, 3 * PAGE, &n));
        assert_int_equal(n, 2 * PAGE);
        assert_gone(b, one);
        assert_gone(b, two);
        assert_int_equal(fake_n_mappings(b->m), 1);
        fake_unmap_behind(b->m, NIC, BASE + 2 * PAGE);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
}

/* The last IOVA of the last range, as the kernel's own tests have it. */
static void test_last_iova_of_a_range(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 2 * PAGE);
        struct iommuctl_range *ranges = NULL;
        struct iommuctl_dma *dma, *over = NULL;
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .flags = IOMMUCTL_DMA_FIXED_IOVA };
        uint64_t n = 0, last;
        int r = iommuctl_container_ranges(b->container, &ranges);

        assert_true(r > 0);
        last = ranges[r - 1].last;
        free(ranges);
        dma = map_at(b, memory, PAGE, last - PAGE + 1, "");
        assert_there(b, dma);
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, last - PAGE + 1, PAGE, &n));
        assert_int_equal(n, PAGE);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        dma = map_at(b, memory, PAGE, last - PAGE + 1, "");
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, PAGE);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        o.iova = last - PAGE + 1;
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, 2 * PAGE, &o, &over), -EINVAL, "outside");
        o.iova = LAST;
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, 2 * PAGE, &o, &over), -EOVERFLOW,
                     "past the last address");
        assert_null(over);
}

static void last_page(struct bench *b)
{
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = LAST };
        struct iommuctl_dma *dma, *other = NULL;
        uint64_t n = 0;

        dma = map_at(b, memory, PAGE, LAST, "end");
        assert_there(b, dma);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + PAGE, PAGE, &o, &other), -EEXIST,
                     "\"end\"");
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        dma = map_at(b, memory, 2 * PAGE, LAST - PAGE, "end");
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, LAST, PAGE, &n), -EINVAL, "\"end\"");
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, PAGE, -(uint64_t)PAGE, &n));
        assert_int_equal(n, 2 * PAGE);
        assert_gone(b, dma);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        dma = map_at(b, memory, PAGE, LAST, "end");
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, PAGE);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static void open_wide(struct bench *b)
{
        b->device = iommuctl_device_unref(b->device);
        b->container = iommuctl_container_unref(b->container);
        fake_set_aperture(b->m, 8, UINT64_MAX);
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, b->backend, &b->container));
        assert_ok(b->ctx, iommuctl_device_open(b->container, NIC, &b->device));
}

/* 2^64 - 1 itself. */
static void test_last_page_of_all(void **state)
{
        struct bench *b = *state;

        bench_restart(b, &(struct fake_options){ .release = "6.19.0-fake" });
        open_wide(b);
        last_page(b);
}

/* iommufd could always; type1 before 6.19 would never unmap it again, so it is not among the ranges. */
static void test_last_page_of_all_before_6_19(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = LAST };
        struct iommuctl_dma *dma = NULL;
        uint64_t n = 0;

        open_wide(b);
        if (b->backend == IOMMUCTL_BACKEND_IOMMUFD) {
                last_page(b);
                return;
        }
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EINVAL,
                     "0xfef00000-0xffffffffffffefff");
        assert_null(dma);
        dma = map_at(b, memory, PAGE, LAST - PAGE, "");
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, PAGE, -(uint64_t)PAGE, &n));
        assert_int_equal(n, PAGE);
        assert_int_equal(fake_n_mappings(b->m), 0);
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, LAST, PAGE, &n));
        assert_int_equal(n, 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* It would be handed over as mapped where it was. */
static void test_what_is_gone_is_not_handed_over(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .name = "rx" };
        struct iommuctl_handover *h = NULL;
        struct bench *b = *state;
        struct iommuctl_dma *dma = NULL;

        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, PAGE, &o, &dma));
        assert_ok(b->ctx, iommuctl_handover_new(b->device, &dma, 1, &h));
        iommuctl_handover_free(h);
        h = NULL;
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, NULL));
        assert_fails(b->ctx, iommuctl_handover_new(b->device, &dma, 1, &h), -EINVAL, "\"rx\" is not mapped");
        assert_null(h);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static void test_execute_is_refused(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .access = IOMMUCTL_ACCESS_READ | IOMMUCTL_ACCESS_EXEC };
        struct bench *b = *state;
        char *memory = bench_memory(b, PAGE);
        struct iommuctl_dma *dma = NULL;

        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EOPNOTSUPP, "execute");
        assert_fails(b->ctx, iommuctl_dma_map(b->container, NULL, PAGE, NULL, &dma), -EFAULT, "NULL");
        assert_null(dma);
}

/* The kernel fails: what is said is what is. */
static void test_failing_unmap(void **state)
{
        const unsigned long request = ((struct bench *)*state)->backend == IOMMUCTL_BACKEND_TYPE1
                                              ? VFIO_IOMMU_UNMAP_DMA
                                              : FAKE_IOMMU_IOAS_UNMAP;
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma *one = map_at(b, memory, PAGE, BASE, "one"),
                            *two = map_at(b, memory + PAGE, PAGE, BASE + PAGE, "two");
        uint64_t n = 42;

        /* The first call fails, and each by itself works. */
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -EIO);
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, BASE, 2 * PAGE, &n));
        assert_int_equal(n, 2 * PAGE);
        assert_int_equal(fake_n_ioctls(b->m, request), 2); /* and the one that failed */
        assert_gone(b, one);
        assert_gone(b, two);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
        /* All fail. */
        one = map_at(b, memory, PAGE, BASE, "one");
        two = map_at(b, memory + PAGE, PAGE, BASE + PAGE, "two");
        n = 42;
        fake_set_fault(b->m, FAKE_FAULT_STICKY, 1, -EIO);
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, BASE, 2 * PAGE, &n), -EIO, "0x4000");
        assert_int_equal(n, 42);
        fake_mend(b->m);
        assert_there(b, one);
        assert_there(b, two);
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, 2 * PAGE);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
        /* Nothing of ours is there, and the kernel fails. */
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -EIO);
        assert_fails(b->ctx, iommuctl_container_unmap(b->container, BASE, 2 * PAGE, &n), -EIO, "0x40000000");
}

/* A kernel that takes its time to unmap, while another thread maps. */
static struct {
        const struct kernel_ops *ops;
        struct bench *bench;
        void *memory;
        struct iommuctl_dma *dma;
        pthread_t thread;
        bool started;
        int r;
} slow;

static void *map_meanwhile(void *arg)
{
        (void)arg;
        slow.r = iommuctl_dma_map(slow.bench->container, slow.memory, PAGE, NULL, &slow.dma);
        return NULL;
}

static int slow_ioctl(struct kernel *k, int fd, unsigned long request, void *arg)
{
        if ((request == VFIO_IOMMU_UNMAP_DMA || request == FAKE_IOMMU_IOAS_UNMAP) && !slow.started) {
                slow.started = true;
                assert_int_equal(pthread_create(&slow.thread, NULL, map_meanwhile, NULL), 0);
                usleep(100000);
        }
        return slow.ops->ioctl(k, fd, request, arg);
}

/* What is mapped while all is unmapped is there afterwards, in the kernel as in the books. */
static void test_mapping_under_a_sweep(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 2 * PAGE);
        struct iommuctl_dma *dma = map_at(b, memory, PAGE, BASE, "");
        struct kernel_ops ops = *b->k->ops;
        uint64_t n = 0;

        memset(&slow, 0, sizeof(slow));
        slow.ops = b->k->ops;
        slow.bench = b;
        slow.memory = memory + PAGE;
        ops.ioctl = slow_ioctl;
        b->k->ops = &ops;
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_true(slow.started);
        pthread_join(slow.thread, NULL);
        b->k->ops = slow.ops;
        assert_int_equal(n, PAGE);
        assert_int_equal(slow.r, 0);
        assert_gone(b, dma);
        assert_there(b, slow.dma);
        assert_ok(b->ctx, iommuctl_dma_unmap(slow.dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static void *unmap_meanwhile(void *arg)
{
        slow.r = iommuctl_dma_unmap(arg);
        return NULL;
}

static int slow_ioctl_for_unmap(struct kernel *k, int fd, unsigned long request, void *arg)
{
        if ((request == VFIO_IOMMU_UNMAP_DMA || request == FAKE_IOMMU_IOAS_UNMAP) && !slow.started) {
                slow.started = true;
                assert_int_equal(pthread_create(&slow.thread, NULL, unmap_meanwhile, slow.dma), 0);
                usleep(100000);
        }
        return slow.ops->ioctl(k, fd, request, arg);
}

/* A buffer that is unmapped by itself while a sweep has it: it waits, and asks nothing of the kernel. */
static void test_unmapping_under_a_sweep(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 2 * PAGE);
        struct kernel_ops ops = *b->k->ops;
        uint64_t n = 0;

        memset(&slow, 0, sizeof(slow));
        slow.ops = b->k->ops;
        slow.dma = map_at(b, memory, PAGE, BASE, "");
        ops.ioctl = slow_ioctl_for_unmap;
        b->k->ops = &ops;
        assert_ok(b->ctx, iommuctl_container_unmap(b->container, BASE, PAGE, &n));
        pthread_join(slow.thread, NULL);
        b->k->ops = slow.ops;
        assert_int_equal(n, PAGE);
        assert_int_equal(slow.r, 0);
        assert_int_equal(fake_n_ioctls(b->m, b->backend == IOMMUCTL_BACKEND_TYPE1 ? VFIO_IOMMU_UNMAP_DMA
                                                                                  : FAKE_IOMMU_IOAS_UNMAP),
                         1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_range_over_several),
                BOTH(test_nothing_is_cut),
                BOTH(test_unmap_all),
                BOTH(test_unmap_all_of_nothing),
                BOTH(test_foreign_mappings),
                BOTH(test_last_iova_of_a_range),
                BOTH(test_last_page_of_all),
                BOTH(test_last_page_of_all_before_6_19),
                BOTH(test_what_is_gone_is_not_handed_over),
                BOTH(test_execute_is_refused),
                BOTH(test_failing_unmap),
                BOTH(test_mapping_under_a_sweep),
                BOTH(test_unmapping_under_a_sweep),
                { "test_unmap_all_without_the_flag (type1)", test_unmap_all_without_the_flag, bench_type1,
                  bench_teardown, NULL },
        };

        return run_tap_tests("dma ranges", tests);
}
