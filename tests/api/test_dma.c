/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mapping, translating and unmapping: what the books say is what the kernel has, on both backends. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 0x1000u

static struct iommuctl_dma_options at(uint64_t iova)
{
        return (struct iommuctl_dma_options){ .struct_size = sizeof(struct iommuctl_dma_options),
                                              .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                              .iova = iova };
}

/* The kernel maps the span for the device, all of it and to that memory. */
static void assert_mapped(struct bench *b, struct iommuctl_span s)
{
        for (size_t done = 0; done < s.size;) {
                uint64_t length;
                void *there;

                assert_int_equal(fake_lookup(b->m, NIC, s.iova + done, &there, &length), 0);
                assert_ptr_equal(there, (char *)s.vaddr + done);
                done += (size_t)length;
        }
}

static void assert_translates(struct bench *b, struct iommuctl_span s)
{
        uint64_t iova = 0;

        assert_int_equal(iommuctl_translate(b->container, s.vaddr, &iova), s.size);
        assert_int_equal(iova, s.iova);
        assert_int_equal(iommuctl_translate(b->container, (char *)s.vaddr + s.size - 1, &iova), 1);
        assert_int_equal(iova, s.iova + s.size - 1);
}

static void test_map_and_unmap(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE), text[6] = "";
        struct iommuctl_dma *dma;
        struct iommuctl_span s;
        uint64_t iova = 42;

        assert_int_equal(iommuctl_translate(b->container, memory, &iova), -ENOENT);
        assert_int_equal(iova, 42);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, 4 * PAGE, NULL, &dma));
        s = iommuctl_dma_span(dma);
        assert_ptr_equal(s.vaddr, memory);
        assert_int_equal(s.size, 4 * PAGE);
        assert_mapped(b, s);
        assert_translates(b, s);
        assert_int_equal(iommuctl_translate(b->container, memory + 4 * PAGE, &iova), -ENOENT);
        assert_int_equal(iommuctl_dma_fd(dma), -1);
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova + 2 * PAGE - 2, "hello", 5), 0);
        assert_memory_equal(memory + 2 * PAGE - 2, "hello", 5);
        assert_int_equal(fake_dma_read(b->m, NIC, s.iova + 2 * PAGE - 2, text, 5), 0);
        assert_string_equal(text, "hello");
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova, "x", 1), -EFAULT);
        assert_int_equal(iommuctl_translate(b->container, memory, &iova), -ENOENT);
        assert_int_equal(fake_n_mappings(b->m), 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(NULL));
}

static void test_access(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .access = IOMMUCTL_ACCESS_READ,
                                          .name = "tx" };
        struct bench *b = *state;
        void *memory = bench_memory(b, PAGE);
        struct iommuctl_dma *dma;
        char c;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma));
        assert_int_equal(iommuctl_dma_access(dma), IOMMUCTL_ACCESS_READ);
        assert_string_equal(iommuctl_dma_name(dma), "tx");
        assert_int_equal(fake_dma_read(b->m, NIC, iommuctl_dma_span(dma).iova, &c, 1), 0);
        assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma).iova, "x", 1), -EFAULT);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* The six defects of the closest peer. */

/* Part of the buffer is mapped: an error that names it, and no ioctl; not a silent success with pages left
 * out. */
static void test_defect_1_partly_mapped_tail(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .name = "first" };
        struct bench *b = *state;
        char *memory = bench_memory(b, 8 * PAGE);
        struct iommuctl_dma *one, *two = (void *)-1;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + 2 * PAGE, 2 * PAGE, &o, &one));
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + 3 * PAGE, 4 * PAGE, NULL, &two), -EEXIST,
                     "\"first\"");
        assert_ptr_equal(two, (void *)-1);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + 4 * PAGE, 3 * PAGE, NULL, &two));
        assert_mapped(b, iommuctl_dma_span(two));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
}

/* The buffer holds one that is mapped: no second, overlapping entry. */
static void test_defect_2_overlapping_entries(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma *one, *two = NULL;
        char range[64];

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + 2 * PAGE, PAGE, NULL, &one));
        snprintf(range, sizeof(range), "0x%lx-0x%lx", (unsigned long)memory + 2 * PAGE,
                 (unsigned long)memory + 3 * PAGE - 1);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, 4 * PAGE, NULL, &two), -EEXIST, range);
        assert_null(two);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_translates(b, iommuctl_dma_span(one));
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, 4 * PAGE, NULL, &two));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
}

/* A fixed IOVA for memory that is mapped elsewhere is refused, not answered with the other IOVA. */
static void test_defect_3_fixed_iova_of_mapped_memory(void **state)
{
        struct iommuctl_dma_options o = at(0x40000000);
        struct bench *b = *state;
        void *memory = bench_memory(b, PAGE);
        struct iommuctl_dma *one, *two = NULL;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, NULL, &one));
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &two), -EEXIST, "overlap");
        assert_null(two);
        assert_int_equal(fake_dma_write(b->m, NIC, 0x40000000, "x", 1), -EFAULT);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
}

/* A fixed mapping that goes away gives its IOVA back once, and no live IOVA is ever handed out twice. */
static void test_defect_4_live_iova_twice(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 64 * PAGE);
        struct iommuctl_dma *dma[64] = { NULL }, *fixed;
        struct iommuctl_dma_options o;
        struct iommuctl_span s;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, NULL, &dma[0]));
        s = iommuctl_dma_span(dma[0]);
        /* The place right behind it, which an automatic one would take next. */
        o = at(s.iova + PAGE);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + PAGE, PAGE, &o, &fixed));
        assert_ok(b->ctx, iommuctl_dma_unmap(fixed));
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + PAGE, PAGE, &o, &fixed));
        for (int i = 2; i < 64; i++)
                assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + (unsigned int)i * PAGE, PAGE, NULL,
                                                   &dma[i]));
        dma[1] = fixed;
        for (int i = 0; i < 64; i++)
                for (int j = 0; j < i; j++)
                        assert_int_not_equal(iommuctl_dma_span(dma[i]).iova, iommuctl_dma_span(dma[j]).iova);
        assert_int_equal(fake_n_mappings(b->m), 64);
        for (int i = 0; i < 64; i++)
                assert_ok(b->ctx, iommuctl_dma_unmap(dma[i]));
}

static void test_fixed_iova_overlaps(void **state)
{
        struct iommuctl_dma_options o = at(0x10000000);
        struct bench *b = *state;
        char *memory = bench_memory(b, 8 * PAGE);
        struct iommuctl_dma *one, *two = NULL;

        o.name = "ring";
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, 4 * PAGE, &o, &one));
        assert_int_equal(iommuctl_dma_span(one).iova, 0x10000000);
        o = at(0x10003000);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + 4 * PAGE, 2 * PAGE, &o, &two), -EEXIST,
                     "\"ring\"");
        o = at(0xfffe000);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + 4 * PAGE, 3 * PAGE, &o, &two), -EEXIST,
                     "0x10000000-0x10003fff");
        assert_null(two);
        o = at(0x10004000);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + 4 * PAGE, 2 * PAGE, &o, &two));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
}

/* No memory for the books is found out before the kernel maps, or undone: each_call_failing() below fails
 * every call and every allocation of it. Here: what the kernel refused is not left in the books. */
static void test_defect_5_books_and_kernel_agree(void **state)
{
        struct iommuctl_dma_options o = at(0x10000000);
        struct bench *b = *state;
        void *memory = bench_memory(b, PAGE);
        struct iommuctl_dma *dma = NULL;
        uint64_t iova;

        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -ENOMEM);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -ENOMEM, "pinned");
        assert_true(fake_fault_hit(b->m));
        assert_null(dma);
        assert_int_equal(iommuctl_translate(b->container, memory, &iova), -ENOENT);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma));
        /* And an unmap that the kernel refuses leaves all of it. */
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -EIO);
        assert_fails(b->ctx, iommuctl_dma_unmap(dma), -EIO, "0x10000000");
        assert_mapped(b, iommuctl_dma_span(dma));
        assert_translates(b, iommuctl_dma_span(dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* All of many mappings go, entries and all (the sanitizer counts the memory), in any order. */
static void test_defect_6_unmap_all(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 512 * PAGE);
        struct iommuctl_dma *dma[512];

        for (unsigned int round = 0; round < 3; round++) {
                for (unsigned int i = 0; i < 512; i++)
                        assert_ok(b->ctx,
                                  iommuctl_dma_map(b->container, memory + i * PAGE, PAGE, NULL, &dma[i]));
                assert_int_equal(fake_n_mappings(b->m), 512);
                for (unsigned int i = 0; i < 512; i++)
                        assert_ok(b->ctx, iommuctl_dma_unmap(dma[(i * 181 + round) % 512]));
                assert_int_equal(fake_n_mappings(b->m), 0);
        }
}

static void test_shapes_refused(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o) };
        struct bench *b = *state;
        char *memory = bench_memory(b, 2 * PAGE);
        struct iommuctl_dma *dma = NULL;

        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, 0, NULL, &dma), -EINVAL, "0 bytes");
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + 1, PAGE, NULL, &dma), -EINVAL,
                     "whole pages");
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE + 1, NULL, &dma), -EINVAL, "0x1001");
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, SIZE_MAX & ~0xfffull, NULL, &dma),
                     -EOVERFLOW, "wrap");
        o.flags = 1u << 7;
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EINVAL, "0x80");
        o = at(0x1001);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EINVAL, "0x1001");
        o = at(0x1000);
        o.access = 8;
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EINVAL, "access");
        o = at(0x1000);
        o.name = "a b";
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EINVAL, "a b");
        o = at(0x1000);
        o.struct_size = 0;
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EINVAL, "struct_size");
        o = at(0xfee00000);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EINVAL, "0xfef00000");
        o = at(1ull << 39);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EINVAL, "0x7fffffffff");
        o = at(UINT64_MAX & ~0xfffull);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, 2 * PAGE, &o, &dma), -EOVERFLOW,
                     "0xffffffffffffffff");
        o = at(0x2000);
        o.iova_limit = 0x2fff;
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, 2 * PAGE, &o, &dma), -EINVAL, "0x2fff");
        assert_null(dma);
        assert_int_equal(fake_n_mappings(b->m), 0);
}

/* Memory that is not there: the kernel says so, and nothing stays behind. */
static void test_memory_not_there(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma *dma = NULL;

        munmap(memory + 2 * PAGE, 2 * PAGE);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, 4 * PAGE, NULL, &dma), -EFAULT,
                     "not all there");
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, 2 * PAGE, NULL, &dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static void test_iova_limit(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0x3fff };
        struct bench *b = *state;
        char *memory = bench_memory(b, 16 * PAGE);
        struct iommuctl_dma *one, *two = NULL;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, 2 * PAGE, &o, &one));
        assert_true(iommuctl_dma_span(one).iova + 2 * PAGE - 1 <= 0x3fff);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + 2 * PAGE, 4 * PAGE, &o, &two), -ENOSPC,
                     "0x3fff");
        assert_null(two);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
}

static void test_memlock_limit(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 32 * PAGE);
        struct iommuctl_dma *one, *two = NULL;

        bench_restart(b, &(struct fake_options){ .memlock = 64 << 10 });
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, 12 * PAGE, NULL, &one));
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + 12 * PAGE, 8 * PAGE, NULL, &two),
                     -ENOMEM, "RLIMIT_MEMLOCK is 64 KiB and 48 KiB");
        assert_contains(error_text(b->ctx), "32 KiB");
        assert_null(two);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
}

static void test_large_pages(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .page_size = 2 << 20, .name = "rx" };
        struct bench *b = *state;
        struct iommuctl_dma *dma = NULL, *two = NULL;
        struct iommuctl_span s;

        assert_fails(b->ctx, iommuctl_dma_alloc(b->container, 2 << 20, &o, &dma), -ENOMEM,
                     "1 pages of 2048 KiB are needed and 0 are free");
        bench_restart(b, &(struct fake_options){ .hugepages_2m = 3 });
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, (2 << 20) + 1, &o, &dma));
        s = iommuctl_dma_span(dma);
        assert_int_equal(s.size, 4 << 20);
        assert_int_equal(iommuctl_dma_page_size(dma), 2 << 20);
        assert_int_equal((uintptr_t)s.vaddr % (2 << 20), s.iova % (2 << 20));
        assert_true(iommuctl_dma_fd(dma) >= 0);
        assert_mapped(b, s);
        assert_fails(b->ctx, iommuctl_dma_alloc(b->container, 4 << 20, &o, &two), -ENOMEM,
                     "2 pages of 2048 KiB are needed and 1 are free");
        o.page_size = 64 << 10;
        assert_fails(b->ctx, iommuctl_dma_alloc(b->container, 4 << 20, &o, &two), -EINVAL, "2048 KiB");
        o.page_size = 12345;
        assert_fails(b->ctx, iommuctl_dma_alloc(b->container, 4 << 20, &o, &two), -EINVAL, "12345");
        assert_null(two);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* A buffer of the caller's that holds whole large pages lies at IOVAs that let the IOMMU use them. */
static void test_congruent_iova(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 8 << 20), *inside;
        struct iommuctl_dma *dma;

        inside = (char *)((((uintptr_t)memory + (2 << 20)) & ~(uintptr_t)((2 << 20) - 1)) + 5 * PAGE);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, inside, 4 << 20, NULL, &dma));
        assert_int_equal(iommuctl_dma_span(dma).iova % (2 << 20), 5 * PAGE);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* Buffers outlive the device and the caller's references: the kernel keeps them mapped until they are
 * unmapped. */
static void test_buffer_keeps_container(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma;

        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, 3 * PAGE, NULL, &dma));
        b->device = iommuctl_device_unref(b->device);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_device_open(b->container, NIC, &b->device));
        assert_mapped(b, iommuctl_dma_span(dma));
        b->device = iommuctl_device_unref(b->device);
        b->container = iommuctl_container_unref(b->container);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_clean(b->m, 1);
}

/* Somebody maps through the raw descriptor what our books think is free. */
static void test_foreign_mapping(void **state)
{
        struct iommuctl_dma_options o;
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma *dma = NULL;
        struct iommuctl_span s;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, NULL, &dma));
        s = iommuctl_dma_span(dma);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        fake_map_behind(b->m, NIC, s.iova, memory + PAGE, PAGE);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, NULL, &dma));
        assert_int_not_equal(iommuctl_dma_span(dma).iova, s.iova);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        o = at(s.iova);
        dma = NULL;
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EEXIST,
                     "another holder");
        assert_null(dma);
        fake_unmap_behind(b->m, NIC, s.iova);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma));
        fake_unmap_behind(b->m, NIC, s.iova);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static void test_entry_limit(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma *dma[3] = { NULL };
        uint64_t n = 0;

        bench_restart(b, &(struct fake_options){ .dma_entry_limit = 2 });
        assert_true(iommuctl_container_max_mappings(b->container, &n));
        assert_int_equal(n, 2);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, NULL, &dma[0]));
        assert_true(iommuctl_container_available_mappings(b->container, &n));
        assert_int_equal(n, 1);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + PAGE, PAGE, NULL, &dma[1]));
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory + 2 * PAGE, PAGE, NULL, &dma[2]), -ENOSPC,
                     "limit of 2 mappings");
        assert_null(dma[2]);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma[0]));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma[1]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_map_and_unmap),
                BOTH(test_access),
                BOTH(test_defect_1_partly_mapped_tail),
                BOTH(test_defect_2_overlapping_entries),
                BOTH(test_defect_3_fixed_iova_of_mapped_memory),
                BOTH(test_defect_4_live_iova_twice),
                BOTH(test_defect_5_books_and_kernel_agree),
                BOTH(test_defect_6_unmap_all),
                BOTH(test_fixed_iova_overlaps),
                BOTH(test_shapes_refused),
                BOTH(test_memory_not_there),
                BOTH(test_iova_limit),
                BOTH(test_memlock_limit),
                BOTH(test_large_pages),
                BOTH(test_congruent_iova),
                BOTH(test_buffer_keeps_container),
                BOTH(test_foreign_mapping),
                { "test_entry_limit (type1)", test_entry_limit, bench_type1, bench_teardown, NULL },
        };

        return run_tap_tests("dma", tests);
}
