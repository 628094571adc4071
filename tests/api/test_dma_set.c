/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many buffers as few mappings: which are joined, where each lies, what is refused before the first is
 * mapped, and that nothing stays of a set that failed. */
#include "machines.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_uapi.h"
#include "iommuctl/dma_set.h"

#define PAGE 4096u

static struct iommuctl_dma_options options(unsigned int flags, uint64_t iova)
{
        return (struct iommuctl_dma_options){ .struct_size = sizeof(struct iommuctl_dma_options),
                                              .flags = flags,
                                              .iova = iova };
}

static unsigned int n_map_calls(struct bench *b)
{
        return fake_n_ioctls(b->m, VFIO_IOMMU_MAP_DMA) + fake_n_ioctls(b->m, FAKE_IOMMU_IOAS_MAP);
}

static unsigned int n_unmap_calls(struct bench *b)
{
        return fake_n_ioctls(b->m, VFIO_IOMMU_UNMAP_DMA) + fake_n_ioctls(b->m, FAKE_IOMMU_IOAS_UNMAP);
}

/* The device reaches this buffer of the set, and both see the same byte at its ends. */
static void assert_reaches(struct bench *b, const struct iommuctl_dma_set *set, size_t i,
                           const struct iovec *buffer)
{
        const struct iommuctl_span span = iommuctl_dma_set_span(set, i);
        unsigned char value = (unsigned char)(i * 7 + 1), *last;

        last = (unsigned char *)buffer->iov_base + buffer->iov_len - 1;
        assert_ptr_equal(span.vaddr, buffer->iov_base);
        assert_int_equal(span.size, buffer->iov_len);
        assert_int_equal(span.iova, iommuctl_dma_set_iova(set, i));
        assert_int_equal(fake_dma_write(b->m, NIC, span.iova + buffer->iov_len - 1, &value, 1), 0);
        assert_int_equal(*last, value);
        assert_int_equal(fake_dma_write(b->m, NIC, span.iova, &value, 1), 0);
        assert_int_equal(*(unsigned char *)buffer->iov_base, value);
}

/* 4096 pages in a random order: one mapping, one call; and one call less. */
static void test_adjacent_is_one(void **state)
{
        enum { N = 4096 };
        struct bench *b = *state;
        char *memory = bench_memory(b, (size_t)N * PAGE);
        static struct iovec buffers[N];
        struct iommuctl_dma_set *set;
        struct iommuctl_span run;
        unsigned int seed = 1;

        for (size_t i = 0; i < N; i++)
                buffers[i] = (struct iovec){ memory + i * PAGE, PAGE };
        for (size_t i = N - 1; i > 0; i--) {
                size_t j = (seed = seed * 1103515245 + 12345) / 65536 % (i + 1);
                struct iovec kept = buffers[i];

                buffers[i] = buffers[j];
                buffers[j] = kept;
        }
        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, N, NULL, &set));
        assert_int_equal(iommuctl_dma_set_n(set), N);
        assert_int_equal(iommuctl_dma_set_n_mappings(set), 1);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_int_equal(n_map_calls(b), 1);
        run = iommuctl_dma_set_mapping(set, 0);
        assert_ptr_equal(run.vaddr, memory);
        assert_int_equal(run.size, (size_t)N * PAGE);
        assert_int_equal(run.iova % (2 << 20), (uintptr_t)memory % (2 << 20));
        for (size_t i = 0; i < N; i++)
                assert_int_equal(iommuctl_dma_set_iova(set, i),
                                 run.iova + (uint64_t)((char *)buffers[i].iov_base - memory));
        assert_reaches(b, set, 0, &buffers[0]);
        assert_reaches(b, set, N - 1, &buffers[N - 1]);
        assert_int_equal(iommuctl_dma_set_iova(set, N), 0);
        assert_null(iommuctl_dma_set_span(set, N).vaddr);
        assert_null(iommuctl_dma_set_mapping(set, 1).vaddr);
        assert_ok(b->ctx, iommuctl_dma_set_free(set));
        assert_int_equal(n_unmap_calls(b), 1);
        assert_int_equal(fake_n_mappings(b->m), 0);
        assert_int_equal(iommuctl_dma_set_free(NULL), 0);
}

static void test_runs(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 16 * PAGE);
        const struct iovec buffers[] = {
                { memory + 9 * PAGE, 2 * PAGE }, { memory + 1 * PAGE, PAGE }, { memory + 0, PAGE },
                { memory + 4 * PAGE, 3 * PAGE }, { memory + 2 * PAGE, PAGE }, { memory + 11 * PAGE, PAGE },
                { memory + 15 * PAGE, PAGE },
        };
        struct iommuctl_dma_set *set;
        void *vaddr;
        uint64_t length;

        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, ARRAY_SIZE(buffers), NULL, &set));
        assert_int_equal(iommuctl_dma_set_n_mappings(set), 4);
        assert_ptr_equal(iommuctl_dma_set_mapping(set, 0).vaddr, memory);
        assert_int_equal(iommuctl_dma_set_mapping(set, 0).size, 3 * PAGE);
        assert_ptr_equal(iommuctl_dma_set_mapping(set, 1).vaddr, memory + 4 * PAGE);
        assert_ptr_equal(iommuctl_dma_set_mapping(set, 2).vaddr, memory + 9 * PAGE);
        assert_int_equal(iommuctl_dma_set_mapping(set, 2).size, 3 * PAGE);
        assert_ptr_equal(iommuctl_dma_set_mapping(set, 3).vaddr, memory + 15 * PAGE);
        for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
                assert_reaches(b, set, i, &buffers[i]);
        /* what is between them is nobody's */
        for (size_t i = 0; i < 4; i++) {
                struct iommuctl_span run = iommuctl_dma_set_mapping(set, i);

                assert_int_equal(fake_lookup(b->m, NIC, run.iova, &vaddr, &length), 0);
                assert_int_equal(length, run.size);
        }
        assert_ok(b->ctx, iommuctl_dma_set_free(set));
        assert_int_equal(fake_n_mappings(b->m), 0);
}

/* With a fixed IOVA devices see one piece, in the order of the array. */
static void test_fixed(void **state)
{
        struct bench *b = *state;
        const struct iommuctl_dma_options o = options(IOMMUCTL_DMA_FIXED_IOVA, 0x1000000);
        char *memory = bench_memory(b, 16 * PAGE);
        const struct iovec buffers[] = {
                { memory + 8 * PAGE, PAGE },      { memory + 9 * PAGE, PAGE }, { memory + 0, 4 * PAGE },
                { memory + 7 * PAGE, PAGE }, /* before the first, and not joined with it */
                { memory + 12 * PAGE, 2 * PAGE },
        };
        struct iommuctl_dma_set *set;
        struct iommuctl_dma *dma;
        uint64_t at = o.iova;

        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, ARRAY_SIZE(buffers), &o, &set));
        assert_int_equal(iommuctl_dma_set_n_mappings(set), 4);
        for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
                assert_int_equal(iommuctl_dma_set_iova(set, i), at);
                assert_reaches(b, set, i, &buffers[i]);
                at += buffers[i].iov_len;
        }
        assert_ok(b->ctx, iommuctl_dma_set_free(set));
        /* something is in the way of the third mapping: all goes */
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + 15 * PAGE, PAGE,
                                           &(struct iommuctl_dma_options){ .struct_size = sizeof(o),
                                                                           .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                                           .iova = 0x1006000 },
                                           &dma));
        set = (void *)1;
        assert_fails(b->ctx, iommuctl_dma_set_new(b->container, buffers, ARRAY_SIZE(buffers), &o, &set),
                     -EEXIST, "buffer 3 and what adjoins it: IOVAs 0x1006000-0x1006fff overlap the mapping");
        assert_ptr_equal(set, (void *)1);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_fails(b->ctx,
                     iommuctl_dma_set_new(b->container, buffers, ARRAY_SIZE(buffers),
                                          &(struct iommuctl_dma_options){ .struct_size = sizeof(o),
                                                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                                          .iova = UINT64_MAX - 0xfff },
                                          &set),
                     -EOVERFLOW, "0x9000 bytes at IOVA 0xfffffffffffff000");
}

static void test_round_out(void **state)
{
        struct bench *b = *state;
        const struct iommuctl_dma_options o = options(IOMMUCTL_DMA_SET_ROUND_OUT, 0);
        char *memory = bench_memory(b, 16 * PAGE);
        const struct iovec buffers[] = {
                { memory + 100, 200 },            /* three in one page */
                { memory + 3000, PAGE },          /* reaches into the next */
                { memory + 300, 1 },              /* touches the first */
                { memory + 2 * PAGE + 8, 16 },    /* the next page */
                { memory + 8 * PAGE + 4000, 96 }, /* the last bytes of a page */
                { memory + 9 * PAGE, 1 },         /* and the first of the next */
                { memory + 12 * PAGE + 1, 3 * PAGE },
        };
        struct iommuctl_dma_set *set;

        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, ARRAY_SIZE(buffers), &o, &set));
        assert_int_equal(iommuctl_dma_set_n_mappings(set), 3);
        assert_int_equal(iommuctl_dma_set_mapping(set, 0).size, 3 * PAGE);
        assert_int_equal(iommuctl_dma_set_mapping(set, 1).size, 2 * PAGE);
        assert_int_equal(iommuctl_dma_set_mapping(set, 2).size, 4 * PAGE);
        assert_ptr_equal(iommuctl_dma_set_mapping(set, 2).vaddr, memory + 12 * PAGE);
        for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
                assert_reaches(b, set, i, &buffers[i]);
        assert_ok(b->ctx, iommuctl_dma_set_free(set));
        assert_fails(
                b->ctx,
                iommuctl_dma_set_new(b->container, buffers, 1,
                                     &(struct iommuctl_dma_options){ .struct_size = sizeof(o),
                                                                     .flags = IOMMUCTL_DMA_SET_ROUND_OUT |
                                                                              IOMMUCTL_DMA_FIXED_IOVA },
                                     &set),
                -EINVAL, "no whole pages cannot lie one behind the other");
}

static void refuses(struct bench *b, const struct iovec *buffers, size_t n,
                    const struct iommuctl_dma_options *o, int error, const char *word)
{
        unsigned int before = n_map_calls(b);
        struct iommuctl_dma_set *set = (void *)1;

        assert_fails(b->ctx, iommuctl_dma_set_new(b->container, buffers, n, o, &set), error, word);
        assert_ptr_equal(set, (void *)1);
        assert_int_equal(n_map_calls(b), before);
}

static void test_refusals(void **state)
{
        struct bench *b = *state;
        const struct iommuctl_dma_options round = options(IOMMUCTL_DMA_SET_ROUND_OUT, 0),
                                          unknown = options(1 << 20, 0), unset = { 0 };
        char *memory = bench_memory(b, 16 * PAGE);
        const struct iovec same[] = { { memory, PAGE }, { memory + 4 * PAGE, PAGE }, { memory, PAGE } };
        const struct iovec meet[] = { { memory + 2 * PAGE, 2 * PAGE }, { memory, 3 * PAGE } };
        const struct iovec bytes[] = { { memory + 10, 10 }, { memory + 19, 10 } };
        const struct iovec odd[] = { { memory, PAGE }, { memory + PAGE, 100 } };
        const struct iovec none[] = { { memory, PAGE }, { memory + PAGE, 0 } };
        const struct iovec null[] = { { memory, PAGE }, { NULL, PAGE } };
        const struct iovec wrap[] = { { (void *)(UINTPTR_MAX - PAGE + 1), 2 * PAGE } };
        struct iommuctl_dma *dma;

        refuses(b, same, 0, NULL, -EINVAL, "a set of 0 buffers");
        refuses(b, same, 3, NULL, -EEXIST, "buffer 2 at 0x");
        assert_contains(error_text(b->ctx), "overlaps buffer 0 at 0x");
        refuses(b, meet, 2, NULL, -EEXIST, "buffer 1 at 0x");
        refuses(b, bytes, 2, &round, -EEXIST, "buffer 1 at 0x");
        refuses(b, odd, 2, NULL, -EINVAL, "buffer 1: 0x64 bytes at 0x");
        assert_contains(error_text(b->ctx), "IOMMUCTL_DMA_SET_ROUND_OUT");
        refuses(b, none, 2, NULL, -EINVAL, "buffer 1 has 0 bytes");
        refuses(b, null, 2, NULL, -EFAULT, "buffer 1: there is no memory at NULL");
        refuses(b, wrap, 1, NULL, -EOVERFLOW, "buffer 0: 0x2000 bytes");
        refuses(b, same, 2, &unknown, -EINVAL, "there are no mapping flags 0x100000");
        refuses(b, same, 2, &unset, -EINVAL, "struct_size");
        /* what is mapped already */
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + 4 * PAGE, PAGE, NULL, &dma));
        assert_fails(b->ctx,
                     iommuctl_dma_set_new(b->container, same, 2, NULL, &(struct iommuctl_dma_set *){ 0 }),
                     -EEXIST, "buffer 1 and what adjoins it: virtual addresses");
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* Memory that is not all there: the kernel refuses the third run, and the first two go. */
static void test_all_or_nothing(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 8 * PAGE);
        struct iovec buffers[] = { { memory, PAGE },
                                   { memory + 2 * PAGE, PAGE },
                                   { memory + 4 * PAGE, PAGE } };
        struct iommuctl_dma_set *set;

        munmap(memory + 4 * PAGE, PAGE);
        assert_fails(b->ctx, iommuctl_dma_set_new(b->container, buffers, 3, NULL, &set), -EFAULT,
                     "buffer 2 and what adjoins it");
        assert_int_equal(fake_n_mappings(b->m), 0);
        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, 2, NULL, &set));
        assert_int_equal(fake_n_mappings(b->m), 2);
        assert_ok(b->ctx, iommuctl_dma_set_free(set));
}

/* A set of more mappings than are left is refused before the first; one of less counts for what it is. */
static void test_limit(void **state)
{
        struct bench *b = *state;
        struct iovec buffers[8];
        struct iommuctl_dma_set *set, *joined;
        uint64_t left = 0;
        char *memory;

        bench_restart(b, &(struct fake_options){ .dma_entry_limit = 5 });
        memory = bench_memory(b, 64 * PAGE);
        for (size_t i = 0; i < 8; i++)
                buffers[i] = (struct iovec){ memory + 2 * i * PAGE, PAGE };
        refuses(b, buffers, 6, NULL, -ENOSPC, "6 buffers need 6 mappings and the kernel allows 5 more");
        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, 3, NULL, &set));
        assert_true(iommuctl_container_available_mappings(b->container, &left));
        assert_int_equal(left, 2);
        refuses(b, buffers + 3, 3, NULL, -ENOSPC, "3 buffers need 3 mappings and the kernel allows 2 more");
        for (size_t i = 0; i < 8; i++)
                buffers[i] = (struct iovec){ memory + (32 + i) * PAGE, PAGE };
        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, 8, NULL, &joined));
        assert_true(iommuctl_container_available_mappings(b->container, &left));
        assert_int_equal(left, 1);
        assert_ok(b->ctx, iommuctl_dma_set_free(joined));
        assert_ok(b->ctx, iommuctl_dma_set_free(set));
        assert_true(iommuctl_container_available_mappings(b->container, &left));
        assert_int_equal(left, 5);
}

static void test_memlock(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma_set *set;
        struct iovec buffers[2];
        char *memory;

        bench_restart(b, &(struct fake_options){ .memlock = 16 * PAGE });
        fake_add_file(
                b->m, "/proc/self/status",
                "Name:\tdriver\nPid:\t4242\nUid:\t0\t0\t0\t0\nVmPin:\t       8 kB\nVmLck:\t      16 kB\n"
                "CapEff:\t0000000000000001\n");
        memory = bench_memory(b, 32 * PAGE);
        buffers[0] = (struct iovec){ memory, 8 * PAGE };
        buffers[1] = (struct iovec){ memory + 16 * PAGE, 7 * PAGE };
        refuses(b, buffers, 2, NULL, -ENOMEM, "need 60 KiB of locked memory and");
        assert_contains(error_text(b->ctx),
                        b->backend == IOMMUCTL_BACKEND_TYPE1 ? "and 48 KiB may be" : "and 56 KiB may be");
        buffers[1].iov_len = 4 * PAGE;
        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, 2, NULL, &set));
        assert_ok(b->ctx, iommuctl_dma_set_free(set));
}

/* What other processes of the user have locked: told before where it is much, and where it is little when the
 * kernel has said no. */
static void test_memlock_of_others(void **state)
{
        static const char *const has_iommufd[] = { "/dev/iommu", NULL };
        const size_t large = (size_t)64 << 20;
        struct bench *b = *state;
        struct iommuctl_dma_set *set;
        struct iommuctl_dma *dma;
        struct iovec buffers[2];
        char *memory;

        bench_restart(b, &(struct fake_options){ .memlock = 100 << 20 });
        fake_add_file(b->m, "/proc/self/status",
                      "Pid:\t4242\nUid:\t7\t7\t7\t7\nVmPin:\t0 kB\nVmLck:\t0 kB\nCapEff:\t0\n");
        fake_add_process(b->m, 501, "vmm", has_iommufd);
        fake_add_file(b->m, "/proc/501/status",
                      "Pid:\t501\nUid:\t7\t7\t7\t7\nVmPin:\t40960 kB\nCapEff:\t0\n");
        memory = bench_memory(b, 2 * large);
        buffers[0] = (struct iovec){ memory, large };
        refuses(b, buffers, 1, NULL, -ENOMEM, "need 65536 KiB of locked memory and 61440 KiB may be locked");
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + large, 40 << 20, NULL, &dma)); /* theirs */
        buffers[0] = (struct iovec){ memory, 32 << 20 };
        buffers[1] = (struct iovec){ memory + (33 << 20), 30 << 20 };
        assert_fails(
                b->ctx, iommuctl_dma_set_new(b->container, buffers, 2, NULL, &set), -ENOMEM,
                "need 63488 KiB of locked memory and 61440 KiB may be locked (RLIMIT_MEMLOCK is 102400 KiB, "
                "40960 KiB are in use by the processes of user 7 together");
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* The kernel does not let one go: the others do, and it can be tried again. */
static void test_free_fails(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 8 * PAGE);
        struct iovec buffers[] = { { memory, PAGE },
                                   { memory + 2 * PAGE, PAGE },
                                   { memory + 4 * PAGE, PAGE } };
        struct iommuctl_dma_set *set;
        uint64_t iova, n;

        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, 3, NULL, &set));
        iova = iommuctl_dma_set_iova(set, 1);
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 2, -EIO);
        assert_fails(b->ctx, iommuctl_dma_set_free(set), -EIO, "cannot be unmapped");
        assert_int_equal(iommuctl_dma_set_n_mappings(set), 1);
        assert_int_equal(iommuctl_dma_set_mapping(set, 0).iova, iova);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_dma_set_free(set));
        assert_int_equal(fake_n_mappings(b->m), 0);
        /* what went by range is no failure */
        assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, 3, NULL, &set));
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, 3 * PAGE);
        assert_ok(b->ctx, iommuctl_dma_set_free(set));
}

/* 100000 buffers of every kind of order. */
static void test_many(void **state)
{
        enum { N = 100000 };
        struct bench *b = *state;
        struct iovec *buffers = calloc(N, sizeof(*buffers));
        char *memory = bench_memory(b, (size_t)N * PAGE);
        struct iommuctl_dma_set *set;

        for (int order = 0; order < 3; order++) {
                for (size_t i = 0; i < N; i++) {
                        size_t at = order == 0 ? i : order == 1 ? N - 1 - i : i % 2 ? N - 1 - i / 2 : i / 2;

                        buffers[i] = (struct iovec){ memory + at * PAGE, PAGE };
                }
                assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, N, NULL, &set));
                assert_int_equal(iommuctl_dma_set_n_mappings(set), 1);
                for (size_t i = 0; i < N; i += 997)
                        assert_int_equal(iommuctl_dma_set_iova(set, i) -
                                                 iommuctl_dma_set_mapping(set, 0).iova,
                                         (uint64_t)((char *)buffers[i].iov_base - memory));
                assert_ok(b->ctx, iommuctl_dma_set_free(set));
        }
        free(buffers);
}

/* Random sets against a slow look at what should touch. */
static void test_random(void **state)
{
        enum { PAGES = 64, ROUNDS = 200 };
        struct bench *b = *state;
        char *memory = bench_memory(b, PAGES * PAGE);
        unsigned int seed = 7;

        for (int round = 0; round < ROUNDS; round++) {
                struct iovec buffers[PAGES];
                struct iommuctl_dma_set *set;
                size_t n = 0, runs = 0;
                bool used[PAGES + 1] = { false };

                for (int i = 0; i < PAGES; i++)
                        used[i] = (seed = seed * 1103515245 + 12345) >> 16 & 1;
                for (int i = 0; i < PAGES; i++) {
                        runs += used[i] && (i == 0 || !used[i - 1]);
                        if (used[i])
                                buffers[n++] = (struct iovec){ memory + i * PAGE, PAGE };
                }
                for (size_t i = n; i > 1; i--) {
                        size_t j = (seed = seed * 1103515245 + 12345) / 65536 % i;
                        struct iovec kept = buffers[i - 1];

                        buffers[i - 1] = buffers[j];
                        buffers[j] = kept;
                }
                if (n == 0)
                        continue;
                assert_ok(b->ctx, iommuctl_dma_set_new(b->container, buffers, n, NULL, &set));
                assert_int_equal(iommuctl_dma_set_n_mappings(set), runs);
                assert_int_equal(fake_n_mappings(b->m), runs);
                assert_int_equal(fake_mapped_bytes(b->m), n * PAGE);
                for (size_t i = 0; i < n; i++)
                        assert_reaches(b, set, i, &buffers[i]);
                assert_ok(b->ctx, iommuctl_dma_set_free(set));
        }
}

static int use_sets(struct iommuctl_container *container, char *memory)
{
        /* out of order, three runs */
        const struct iovec buffers[] = { { memory + 6 * PAGE, PAGE },
                                         { memory + 1 * PAGE, PAGE },
                                         { memory, PAGE },
                                         { memory + 3 * PAGE, PAGE } };
        struct iommuctl_dma_set *set;
        int r, r2;

        r = iommuctl_dma_set_new(container, buffers, ARRAY_SIZE(buffers), NULL, &set);
        if (r < 0)
                return r;
        if (iommuctl_dma_set_n_mappings(set) != 3)
                return -EBADE;
        r = iommuctl_dma_set_free(set);
        if (r < 0) { /* it is there still */
                r2 = iommuctl_dma_set_free(set);
                return r2 < 0 ? r2 : r;
        }
        return 0;
}

static int run_failing(struct iommuctl_ctx *ctx, enum iommuctl_backend backend)
{
        struct iommuctl_container *container = NULL;
        struct iommuctl_device *device = NULL;
        char *memory = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int r;

        r = iommuctl_container_new(ctx, backend, &container);
        if (r >= 0)
                r = iommuctl_device_open(container, NIC, &device);
        if (r >= 0)
                r = use_sets(container, memory);
        iommuctl_device_unref(device);
        iommuctl_container_unref(container);
        munmap(memory, 8 * PAGE);
        return r;
}

static int run_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return run_failing(ctx, IOMMUCTL_BACKEND_TYPE1);
}

static int run_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return run_failing(ctx, IOMMUCTL_BACKEND_IOMMUFD);
}

static struct fake *machine_limited(void)
{
        struct fake *m = machine_vfio(&(struct fake_options){ .memlock = 1 << 20 });

        fake_add_file(
                m, "/proc/self/status",
                "Pid:\t4242\nUid:\t0\t0\t0\t0\nVmPin:\t0 kB\nVmLck:\t0 kB\nCapEff:\t0000000000000001\n");
        return m;
}

static void test_failing(void **state)
{
        (void)state;
        each_call_failing(&(struct scenario){ "a set, type1", machine_limited, run_type1, NULL, false });
        each_call_failing(&(struct scenario){ "a set, iommufd", machine_limited, run_iommufd, NULL, false });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_adjacent_is_one),
                BOTH(test_runs),
                BOTH(test_fixed),
                BOTH(test_round_out),
                BOTH(test_refusals),
                BOTH(test_all_or_nothing),
                BOTH(test_memlock),
                BOTH(test_free_fails),
                BOTH(test_many),
                BOTH(test_random),
                cmocka_unit_test_setup_teardown(test_limit, bench_type1, bench_teardown),
                cmocka_unit_test_setup_teardown(test_memlock_of_others, bench_iommufd, bench_teardown),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("dma_set", tests);
}
