/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dirty tracking: which pages devices wrote. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommuctl/dirty.h"
#include "iommuctl/unplug.h"

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

static void assert_told(struct bench *b, struct iommuctl_dirty *d, unsigned int flags, const char *wanted)
{
        uint64_t bitmap[2] = { 0 };

        assert_ok(b->ctx, iommuctl_dirty_read(d, BASE, 128 * PAGE, flags, bitmap, 2));
        assert_string_equal(runs(d, bitmap, BASE, 128 * PAGE), wanted);
}

/* The IOMMU knows what was written; the device goes there and back, and sees the same all the time. */
static void test_iommufd_is_exact(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma[3] = { map_at(b, BASE, 3 * PAGE, "a"), map_at(b, BASE + 3 * PAGE, PAGE, "b"),
                                        map_at(b, BASE + 70 * PAGE, 2 * PAGE, "c") };
        struct iommuctl_dirty *d = NULL, *second = NULL;
        uint64_t sizes, max, bitmap = 0;

        assert_false(iommuctl_dirty_limits(b->container, &sizes, &max));
        assert_int_equal(fake_dma_write(b->m, NIC, BASE, "before", 6), 0);
        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_fails(b->ctx, iommuctl_dirty_start(b->container, &second), -EBUSY, "already");
        assert_int_equal(iommuctl_dirty_page_size(d), PAGE);
        assert_told(b, d, 0, "");
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + 3 * PAGE - 1, "xy", 2), 0);
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + 71 * PAGE, "x", 1), 0);
        assert_told(b, d, IOMMUCTL_DIRTY_KEEP, "2-3 71-71");
        assert_told(b, d, 0, "2-3 71-71");
        assert_told(b, d, 0, "");

        /* a part of a mapping; the rest is told later */
        assert_int_equal(fake_dma_write(b->m, NIC, BASE, "x", 1), 0);
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + 2 * PAGE, "x", 1), 0);
        assert_ok(b->ctx, iommuctl_dirty_read(d, BASE + 2 * PAGE, PAGE, 0, &bitmap, 1));
        assert_int_equal(bitmap, 1);
        assert_told(b, d, 0, "0-0");

        /* what is mapped anew, and what is gone */
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + 70 * PAGE, "x", 1), 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma[2]));
        dma[2] = map_at(b, BASE + 70 * PAGE, 4 * PAGE, "d");
        assert_told(b, d, 0, "");
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + 73 * PAGE, "x", 1), 0);
        assert_told(b, d, 0, "73-73");

        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        assert_int_equal(fake_dma_write(b->m, NIC, BASE, "after", 5), 0);
        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_told(b, d, 0, "");
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        for (size_t i = 0; i < 3; i++)
                assert_ok(b->ctx, iommuctl_dma_unmap(dma[i]));
}

/* A device that comes later is tracked, and one that leaves is not missed. */
static void test_devices_come_and_go(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma = map_at(b, BASE, 8 * PAGE, "a");
        struct iommuctl_device *gpu;
        struct iommuctl_dirty *d;

        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_ok(b->ctx, iommuctl_device_open(b->container, GPU, &gpu));
        assert_int_equal(fake_dma_write(b->m, GPU, BASE + PAGE, "x", 1), 0);
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + 5 * PAGE, "x", 1), 0);
        assert_told(b, d, 0, "1-1 5-5");
        assert_int_equal(fake_dma_write(b->m, NIC, BASE, "x", 1), 0);
        iommuctl_device_unref(b->device);
        b->device = NULL;
        assert_told(b, d, 0, "0-0");
        iommuctl_device_unref(gpu);
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        assert_fails(b->ctx, iommuctl_dirty_start(b->container, &d), -ENODEV, "no device sees");
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* A device that was given back to the kernel is in nobody's way, neither at the end nor at the next start. */
static void test_a_device_is_let_go(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma = map_at(b, BASE, 8 * PAGE, "a");
        struct iommuctl_device *gpu;
        struct iommuctl_dirty *d;

        assert_ok(b->ctx, iommuctl_device_open(b->container, GPU, &gpu));
        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_ok(b->ctx, iommuctl_unplug_let_go(gpu));
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + PAGE, "x", 1), 0);
        assert_told(b, d, 0, "1-1");
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + 2 * PAGE, "x", 1), 0);
        assert_told(b, d, 0, "2-2");
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        iommuctl_device_unref(gpu);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* Opening a device again gives the one that is there, and moves it nowhere. */
static void test_open_again_elsewhere(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *gpu, *again;
        struct iommuctl_container *second, *seen;
        struct iommuctl_dirty *d;

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        assert_ok(b->ctx, iommuctl_device_open(b->container, GPU, &gpu));
        assert_ok(b->ctx, iommuctl_device_attach(gpu, second));
        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_ok(b->ctx, iommuctl_device_open(b->container, GPU, &again));
        assert_ptr_equal(again, gpu);
        iommuctl_device_unref(again);
        seen = iommuctl_device_attached(gpu);
        assert_ptr_equal(seen, second);
        iommuctl_container_unref(seen);
        assert_ok(b->ctx, iommuctl_device_detach(gpu));
        assert_ok(b->ctx, iommuctl_device_open(b->container, GPU, &again));
        iommuctl_device_unref(again);
        assert_null(iommuctl_device_attached(gpu));
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        iommuctl_device_unref(gpu);
        iommuctl_container_unref(second);
}

/* The buffer goes, and the last of what is known of it is told. */
static void test_unmap_tells(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma = map_at(b, BASE, 3 * PAGE, "a"), *other;
        struct iommuctl_container *second;
        struct iommuctl_dirty *d;
        uint64_t bitmap = 0x100;

        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + 2 * PAGE, "x", 1), 0);
        assert_fails(b->ctx, iommuctl_dirty_unmap(d, dma, &bitmap, 0), -EINVAL, "needs 1");
        assert_ok(b->ctx, iommuctl_dirty_unmap(d, dma, &bitmap, 1));
        assert_int_equal(bitmap, b->backend == IOMMUCTL_BACKEND_TYPE1 ? 0x107 : 0x104);
        assert_int_equal(fake_n_mappings(b->m), 0);
        if (b->backend == IOMMUCTL_BACKEND_IOMMUFD) {
                assert_ok(b->ctx, iommuctl_container_new(b->ctx, b->backend, &second));
                assert_ok(b->ctx, iommuctl_dma_alloc(second, PAGE, NULL, &other));
                assert_fails(b->ctx, iommuctl_dirty_unmap(d, other, &bitmap, 1), -EINVAL,
                             "another container");
                assert_ok(b->ctx, iommuctl_dma_unmap(other));
                iommuctl_container_unref(second);
        }
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
}

static void test_tables_made_by_hand(void **state)
{
        struct bench *b = *state;
        const struct iommuctl_hwpt_options tracks = { .struct_size = sizeof(tracks),
                                                      .flags = IOMMUCTL_HWPT_DIRTY_TRACKING };
        struct iommuctl_dma *dma = map_at(b, BASE, 8 * PAGE, "a");
        struct iommuctl_hwpt *plain, *good, *both[2];
        struct iommuctl_dirty *d = NULL;

        assert_ok(b->ctx,
                  iommuctl_hwpt_new(b->container, iommuctl_device_iommufd_id(b->device), NULL, &plain));
        assert_ok(b->ctx,
                  iommuctl_hwpt_new(b->container, iommuctl_device_iommufd_id(b->device), &tracks, &good));
        assert_int_equal(iommuctl_dirty_start_hwpts(NULL, 0, &d), -EINVAL);
        both[0] = good;
        both[1] = plain;
        assert_fails(b->ctx, iommuctl_dirty_start_hwpts(both, 2, &d), -EOPNOTSUPP, "does not track");
        assert_null(d);
        assert_ok(b->ctx, iommuctl_dirty_start_hwpts(both, 1, &d));
        assert_ok(b->ctx, iommuctl_device_attach_hwpt(b->device, good));
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + PAGE, "x", 1), 0);
        assert_told(b, d, 0, "1-1");
        assert_ok(b->ctx, iommuctl_dirty_stop(d));

        /* one that the device is in already stays */
        assert_ok(b->ctx, iommuctl_dirty_start(b->container, &d));
        assert_int_equal(fake_dma_write(b->m, NIC, BASE + 2 * PAGE, "x", 1), 0);
        assert_told(b, d, 0, "2-2");
        assert_ok(b->ctx, iommuctl_dirty_stop(d));
        assert_ok(b->ctx, iommuctl_device_attach_hwpt(b->device, plain));
        d = NULL;
        assert_fails(b->ctx, iommuctl_dirty_start(b->container, &d), -EOPNOTSUPP, "without");
        assert_null(d);
        iommuctl_hwpt_unref(good);
        iommuctl_hwpt_unref(plain);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static void test_iommus_that_cannot(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dirty *d = NULL;

        if (b->backend == IOMMUCTL_BACKEND_TYPE1) {
                bench_restart(b, &(struct fake_options){ .release = "5.7.0" });
                assert_fails(b->ctx, iommuctl_dirty_start(b->container, &d), -EOPNOTSUPP, "5.8");
                assert_null(d);
                return;
        }
        bench_restart(b, &(struct fake_options){ .no_dirty_tracking = true });
        assert_fails(b->ctx, iommuctl_dirty_start(b->container, &d), -EOPNOTSUPP, "dirty tracking");
        assert_contains(error_text(b->ctx), NIC);
        bench_restart(b, &(struct fake_options){ .release = "6.6.0" });
        assert_fails(b->ctx, iommuctl_dirty_start(b->container, &d), -EOPNOTSUPP, "6.7");
        assert_null(d);
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
        if (r >= 0) {
                fake_dma_write(m, NIC, iommuctl_dma_span(dma).iova, "xyz", 3);
                r = iommuctl_dirty_read(d, iommuctl_dma_span(dma).iova, 3 * PAGE, 0, &bitmap, 1);
        }
        if (r >= 0)
                assert_int_equal(bitmap, iommuctl_container_backend(c) == IOMMUCTL_BACKEND_TYPE1 ? 7 : 1);
        if (r >= 0) {
                r = iommuctl_dirty_unmap(d, dma, &bitmap, 1);
                if (r >= 0)
                        dma = NULL;
        }
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

static int run(struct iommuctl_ctx *ctx, struct fake *m, enum iommuctl_backend backend)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        int r;

        r = iommuctl_container_new(ctx, backend, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        if (r >= 0)
                r = track(c, m);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r;
}

static int run_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run(ctx, m, IOMMUCTL_BACKEND_TYPE1);
}

static int run_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run(ctx, m, IOMMUCTL_BACKEND_IOMMUFD);
}

static void test_failing(void **state)
{
        (void)state;
        each_call_failing(
                &(struct scenario){ .name = "dirty tracking, type1", .machine = machine, .run = run_type1 });
        each_call_failing(&(struct scenario){
                .name = "dirty tracking, iommufd", .machine = machine, .run = run_iommufd });
}

#define TYPE1(test)                                            \
        {                                                      \
#test, test, bench_type1, bench_teardown, NULL \
        }

#define IOMMUFD(test)                                            \
        {                                                        \
#test, test, bench_iommufd, bench_teardown, NULL \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TYPE1(test_type1_tells_all_that_is_mapped),
                BOTH(test_bad_reads),
                BOTH(test_unmap_tells),
                IOMMUFD(test_iommufd_is_exact),
                IOMMUFD(test_devices_come_and_go),
                IOMMUFD(test_a_device_is_let_go),
                IOMMUFD(test_open_again_elsewhere),
                IOMMUFD(test_tables_made_by_hand),
                BOTH(test_iommus_that_cannot),
                TYPE1(test_the_last_device_leaves),
                cmocka_unit_test(test_mediated_devices_are_exact),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("dirty", tests);
}
