/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dirty tracking: which pages devices wrote. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommuctl/dirty.h"

#define PAGE 0x1000u
#define BASE 0x40000000u

static struct iommuctl_dma *map_at(struct bench *b, uint64_t iova, size_t size, const char *name)
{
        struct iommuctl_dma_options o = {
                .struct_size = sizeof(o), .flags = IOMMUCTL_DMA_FIXED_IOVA, .iova = iova, .name = name
        };
        struct iommuctl_dma *dma = NULL;

        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, size, &o, &dma));
        return dma;
}

/* The dirty runs of a range as "0-1 5-5", in pages. */
static const char *runs(const struct iommuctl_dirty *d, const uint64_t *bitmap, uint64_t iova, uint64_t size)
{
        static char text[256];
        struct iommuctl_range range;
        size_t n = 0;

        text[0] = '\0';
        for (uint64_t at = 0; iommuctl_dirty_next(d, bitmap, iova, size, &at, &range);)
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d-%d", n ? " " : "",
                                      (int)((range.start - iova) / PAGE), (int)((range.last - iova) / PAGE));
        return text;
}

/* Of devices that an IOMMU translates for type1 says that they wrote all. */
static void test_type1_tells_all_that_is_mapped(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma[3] = { map_at(b, BASE, 3 * PAGE, "a"), map_at(b, BASE + 3 * PAGE, PAGE, "b"),
                                        map_at(b, BASE + 70 * PAGE, 2 * PAGE, "c") };
        struct iommuctl_dirty *d = NULL, *second = NULL;
        uint64_t bitmap[2] = { 0 }, sizes, max;

        assert_true(iommuctl_dirty_limits(b->container, &sizes, &max));
        assert_true(sizes == PAGE && max == 1 << 28);
        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_ptr_equal(iommuctl_dirty_container(d), b->container);
        assert_int_equal(iommuctl_dirty_page_size(d), PAGE);
        assert_int_equal(iommuctl_dirty_bitmap_words(d, 64 * PAGE), 1);
        assert_int_equal(iommuctl_dirty_bitmap_words(d, 64 * PAGE + 1), 2);
        assert_int_equal(iommuctl_dirty_bitmap_words(d, 0), 0);
        assert_fails(b->ctx, iommuctl_dirty_start(b->container, &second), -EBUSY, "already");
        assert_null(second);

        assert_ok(b->ctx, iommuctl_dirty_read(d, BASE, 128 * PAGE, 0, bitmap, 2));
        assert_string_equal(runs(d, bitmap, BASE, 128 * PAGE), "0-3 70-71");
        memset(bitmap, 0, sizeof(bitmap));
        /* again, with the first bit elsewhere in its word */
        assert_ok(b->ctx, iommuctl_dirty_read(d, BASE - 9 * PAGE, 128 * PAGE, 0, bitmap, 2));
        assert_string_equal(runs(d, bitmap, BASE - 9 * PAGE, 128 * PAGE), "9-12 79-80");

        /* What is mapped later is tracked too. */
        assert_ok(b->ctx, iommuctl_dma_unmap(dma[1]));
        dma[1] = map_at(b, BASE + 100 * PAGE, PAGE, "d");
        memset(bitmap, 0, sizeof(bitmap));
        assert_ok(b->ctx, iommuctl_dirty_read(d, BASE, 128 * PAGE, 0, bitmap, 2));
        assert_string_equal(runs(d, bitmap, BASE, 128 * PAGE), "0-2 70-71 100-100");

        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        assert_ok(b->ctx, iommuctl_dirty_stop(NULL));
        for (size_t i = 0; i < 3; i++)
                assert_ok(b->ctx, iommuctl_dma_unmap(dma[i]));
}

static void test_bad_reads(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma = map_at(b, BASE, 3 * PAGE, "rx");
        uint64_t bitmap[2] = { 0x8000 };
        struct iommuctl_dirty *d;

        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_fails(b->ctx, iommuctl_dirty_read(d, BASE, 0, 0, bitmap, 2), -EINVAL, "not whole pages");
        assert_fails(b->ctx, iommuctl_dirty_read(d, BASE + 1, PAGE, 0, bitmap, 2), -EINVAL, "whole pages");
        assert_fails(b->ctx, iommuctl_dirty_read(d, -(uint64_t)PAGE, 2 * PAGE, 0, bitmap, 2), -EINVAL,
                     "wrap");
        assert_fails(b->ctx, iommuctl_dirty_read(d, BASE, 65 * PAGE, 0, bitmap, 1), -EINVAL, "it needs 2");
        assert_fails(b->ctx, iommuctl_dirty_read(d, BASE, PAGE, 0, NULL, 2), -EINVAL, "0 words");
        assert_fails(b->ctx, iommuctl_dirty_read(d, BASE, PAGE, 8, bitmap, 2), -EINVAL, "flags 0x8");
        if (b->backend == IOMMUCTL_BACKEND_TYPE1) {
                assert_fails(b->ctx, iommuctl_dirty_read(d, BASE, 3 * PAGE, IOMMUCTL_DIRTY_KEEP, bitmap, 2),
                             -EOPNOTSUPP, "iommufd");
                assert_fails(b->ctx, iommuctl_dirty_read(d, BASE, 2 * PAGE, 0, bitmap, 2), -EINVAL, "\"rx\"");
                assert_fails(b->ctx, iommuctl_dirty_read(d, BASE + PAGE, 9 * PAGE, 0, bitmap, 2), -EINVAL,
                             "\"rx\"");
        }
        assert_int_equal(bitmap[0], 0x8000);
        /* the last page of all, where nothing is */
        assert_ok(b->ctx, iommuctl_dirty_read(d, -(uint64_t)PAGE, PAGE, 0, bitmap, 2));
        assert_int_equal(bitmap[0], 0x8000);
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* The address space goes with the last device, and the tracking with it. */
static void test_the_last_device_leaves(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dirty *d;
        uint64_t bitmap = 0;

        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        iommuctl_device_unref(b->device);
        b->device = NULL;
        assert_ok(b->ctx, iommuctl_dirty_read(d, BASE, PAGE, 0, &bitmap, 1)); /* nothing is mapped */
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        assert_fails(b->ctx, iommuctl_dirty_start(b->container, &d), -ENODEV, "open a device first");
}

#define MDEV "c4a72b2f-4f3e-4f5a-8d3b-1c2d3e4f5a6b"

/* Mediated devices say which pages they use. */
static void test_mediated_devices_are_exact(void **state)
{
        struct fake *m = machine_vfio(NULL);
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct bench b = { .m = m, .ctx = ctx };
        struct iommuctl_dirty *d;
        struct iommuctl_dma *dma;
        uint64_t bitmap = 0;

        (void)state;
        fake_add_driver(m, "vfio-mdev", &(struct fake_driver){ .bus = "mdev", .vfio = true });
        fake_add_other(m, "mdev", MDEV, "vfio-mdev", 30);
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_TYPE1, &b.container));
        assert_ok(ctx, iommuctl_device_open(b.container, MDEV, &b.device));
        dma = map_at(&b, BASE, 8 * PAGE, "a");
        assert_ok(ctx, iommuctl_dirty_start(b.container, &d));
        assert_int_equal(fake_dma_write(m, MDEV, BASE + 2 * PAGE - 2, "dirty", 4), 0);
        assert_int_equal(fake_dma_write(m, MDEV, BASE + 7 * PAGE, "dirty", 4), 0);
        assert_ok(ctx, iommuctl_dirty_read(d, BASE, 8 * PAGE, 0, &bitmap, 1));
        assert_string_equal(runs(d, &bitmap, BASE, 8 * PAGE), "1-2 7-7");
        bitmap = 0;
        assert_ok(ctx, iommuctl_dirty_read(d, BASE, 8 * PAGE, 0, &bitmap, 1));
        assert_int_equal(bitmap, 0);
        assert_int_equal(fake_dma_write(m, MDEV, BASE, "dirty", 4), 0);
        assert_ok(ctx, iommuctl_dirty_read(d, BASE - 3 * PAGE, 11 * PAGE, 0, &bitmap, 1));
        assert_int_equal(bitmap, 8);
        assert_ok(ctx, iommuctl_dirty_stop(d));
        assert_ok(ctx, iommuctl_dma_unmap(dma));
        iommuctl_device_unref(b.device);
        iommuctl_container_unref(b.container);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static struct fake *machine(void)
{
        return machine_vfio(NULL);
}

static int track(struct iommuctl_container *c, struct fake *m)
{
        struct iommuctl_dirty *d = NULL;
        struct iommuctl_dma *dma = NULL;
        uint64_t bitmap = 0;
        int r, r2;

        r = iommuctl_dma_alloc(c, 3 * PAGE, NULL, &dma);
        if (r >= 0)
                r = iommuctl_dirty_start(c, &d);
        if (r >= 0)
                r = iommuctl_dirty_read(d, iommuctl_dma_span(dma).iova, 3 * PAGE, 0, &bitmap, 1);
        if (r >= 0)
                assert_int_equal(bitmap, 7);
        r2 = iommuctl_dirty_stop(d);
        if (r2 < 0) {
                fake_mend(m);
                assert_int_equal(iommuctl_dirty_stop(d), 0);
                r = r2;
        }
        r2 = iommuctl_dma_unmap(dma);
        if (r2 < 0) {
                fake_mend(m);
                assert_int_equal(iommuctl_dma_unmap(dma), 0);
                r = r2;
        }
        return r;
}

static int run_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        int r;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_TYPE1, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        if (r >= 0)
                r = track(c, m);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r;
}

static void test_failing(void **state)
{
        (void)state;
        each_call_failing(
                &(struct scenario){ .name = "dirty tracking, type1", .machine = machine, .run = run_type1 });
}

#define TYPE1(test)                                            \
        {                                                      \
#test, test, bench_type1, bench_teardown, NULL \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TYPE1(test_type1_tells_all_that_is_mapped),
                TYPE1(test_bad_reads),
                TYPE1(test_the_last_device_leaves),
                cmocka_unit_test(test_mediated_devices_are_exact),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("dirty", tests);
}
