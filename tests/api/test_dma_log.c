/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log that a device keeps of its DMA, on a machine in memory. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "machines.h"

#include "iommuctl/dma.h"
#include "iommuctl/dma_log.h"

#define LOGGER "0000:05:00.0"
#define BASE   0x100000ull
#define SIZE   0x100000ull /* 256 pages */

static struct fake *machine(void)
{
        struct fake *m = machine_vfio(NULL);

        fake_add_pci(m, LOGGER, &(struct fake_pci){ .driver = "vfio-pci", .group = 30, .dma_log = true });
        return m;
}

struct place {
        struct fake *m;
        struct iommuctl_ctx *ctx;
        struct iommuctl_container *c;
        struct iommuctl_device *d;
        struct iommuctl_dma *dma;
};

static char memory[SIZE] __attribute__((aligned(4096)));

static struct place open_place(void)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = BASE };
        struct place p = { .m = machine() };

        p.ctx = new_ctx(p.m);
        assert_ok(p.ctx, iommuctl_container_new(p.ctx, IOMMUCTL_BACKEND_AUTO, &p.c));
        assert_ok(p.ctx, iommuctl_device_open(p.c, LOGGER, &p.d));
        assert_ok(p.ctx, iommuctl_dma_map(p.c, memory, sizeof(memory), &o, &p.dma));
        return p;
}

static void close_place(struct place *p)
{
        assert_ok(p->ctx, iommuctl_dma_unmap(p->dma));
        iommuctl_device_unref(p->d);
        iommuctl_container_unref(p->c);
        iommuctl_ctx_unref(p->ctx);
        assert_clean(p->m, 0);
        fake_machine_free(p->m);
}

static const struct iommuctl_range all = { BASE, BASE + SIZE - 1 };

static void write_at(struct place *p, uint64_t offset, size_t size)
{
        static const char zeroes[0x4000];

        assert_true(size <= sizeof(zeroes));
        assert_int_equal(fake_dma_write(p->m, LOGGER, BASE + offset, zeroes, size), 0);
}

static void test_report(void **state)
{
        struct place p = open_place();
        struct iommuctl_dma_log *log = NULL;
        uint64_t bitmap[5] = { 0 };
        char byte;

        (void)state;
        write_at(&p, 0, 1); /* before: not noted */
        assert_ok(p.ctx, iommuctl_dma_log_start(p.d, &all, 1, 4096, &log));
        assert_int_equal(iommuctl_dma_log_page_size(log), 4096);
        assert_true(fake_is_logging(p.m, LOGGER));
        assert_ok(p.ctx, iommuctl_dma_log_report(log, all, 4096, bitmap, 4));
        assert_int_equal(bitmap[0] | bitmap[1] | bitmap[2] | bitmap[3], 0);

        write_at(&p, 0x1fff, 2);     /* pages 1 and 2 */
        write_at(&p, 65 * 4096, 1);  /* bit 1 of the second word */
        write_at(&p, 255 * 4096, 1); /* the last */
        assert_int_equal(fake_dma_read(p.m, LOGGER, BASE + 3 * 4096, &byte, 1), 0); /* reading is not noted */
        bitmap[0] = 1ull << 63;
        bitmap[4] = 0x1234;
        assert_ok(p.ctx, iommuctl_dma_log_report(log, all, 4096, bitmap, 5));
        assert_int_equal(bitmap[0], 1ull << 63 | 6);
        assert_int_equal(bitmap[1], 2);
        assert_int_equal(bitmap[2], 0);
        assert_int_equal(bitmap[3], 1ull << 63);
        assert_int_equal(bitmap[4], 0x1234);

        /* Told once; a part of it leaves the rest. */
        write_at(&p, 0x8000, 1);
        write_at(&p, 0x20000, 1);
        memset(bitmap, 0, sizeof(bitmap));
        assert_ok(p.ctx, iommuctl_dma_log_report(log, (struct iommuctl_range){ BASE, BASE + 0xffff }, 4096,
                                                 bitmap, 1));
        assert_int_equal(bitmap[0], 1 << 8);
        /* By larger pages than the log's. */
        memset(bitmap, 0, sizeof(bitmap));
        assert_ok(p.ctx, iommuctl_dma_log_report(log, all, 0x10000, bitmap, 1));
        assert_int_equal(bitmap[0], 1 << 2);
        iommuctl_dma_log_free(log);
        iommuctl_dma_log_free(NULL);
        assert_false(fake_is_logging(p.m, LOGGER));
        close_place(&p);
}

/* The device chooses the grain; all of it is reported then. Only the ranges are watched. */
static void test_grain(void **state)
{
        const struct iommuctl_range two[] = { { BASE + 0x20000, BASE + 0x2ffff }, { BASE, BASE + 0xffff } };
        struct place p = open_place();
        struct iommuctl_dma_log *log = NULL;
        uint64_t bitmap[4] = { 0 };

        (void)state;
        assert_ok(p.ctx, iommuctl_dma_log_start(p.d, two, 2, 0x8000, &log));
        assert_int_equal(iommuctl_dma_log_page_size(log), 0x8000);
        write_at(&p, 0x8000, 1);
        write_at(&p, 0x10000, 1); /* between the two */
        assert_ok(p.ctx, iommuctl_dma_log_report(log, all, 4096, bitmap, 4));
        assert_int_equal(bitmap[0], 0xff00);
        iommuctl_dma_log_free(log);
        assert_ok(p.ctx, iommuctl_dma_log_start(p.d, &all, 1, 1, &log));
        assert_int_equal(iommuctl_dma_log_page_size(log), 4096);
        p.d = iommuctl_device_unref(p.d);
        assert_true(fake_is_logging(p.m, LOGGER));
        iommuctl_dma_log_free(log);
        close_place(&p);
}

static void test_refused(void **state)
{
        const struct iommuctl_range overlap[] = { { 0, 0x1fff }, { 0x4000, 0x4fff }, { 0x1000, 0x2fff } };
        static struct iommuctl_range many[257];
        struct place p = open_place();
        struct iommuctl_dma_log *log = NULL, *second = NULL;
        struct iommuctl_device *nic;
        uint64_t bitmap[4];

        (void)state;
        for (unsigned int i = 0; i < 257; i++)
                many[i] = (struct iommuctl_range){ i * 0x2000ull, i * 0x2000ull + 0xfff };
        assert_fails(p.ctx, iommuctl_dma_log_start(p.d, many, 0, 4096, &log), -EINVAL, "0 ranges");
        assert_fails(p.ctx, iommuctl_dma_log_start(p.d, many, 257, 4096, &log), -E2BIG, "257 ranges");
        assert_fails(p.ctx, iommuctl_dma_log_start(p.d, many, 1, 3000, &log), -EINVAL, "no page size");
        assert_fails(p.ctx, iommuctl_dma_log_start(p.d, many, 1, 0, &log), -EINVAL, "no page size");
        assert_fails(p.ctx, iommuctl_dma_log_start(p.d, many, 1, 8192, &log), -EINVAL, "whole pages");
        assert_fails(p.ctx, iommuctl_dma_log_start(p.d, overlap, 3, 4096, &log), -EINVAL,
                     "0x0-0x1fff and 0x1000-0x2fff overlap");
        assert_fails(p.ctx,
                     iommuctl_dma_log_start(p.d, &(struct iommuctl_range){ 0, UINT64_MAX }, 1, 4096, &log),
                     -EOVERFLOW, "last page");
        assert_fails(p.ctx,
                     iommuctl_dma_log_start(p.d, &(struct iommuctl_range){ 0x1000, 0xfff }, 1, 4096, &log),
                     -EINVAL, "whole pages");
        assert_null(log);
        assert_ok(p.ctx, iommuctl_dma_log_start(p.d, many, 256, 4096, &log));
        assert_fails(p.ctx, iommuctl_dma_log_start(p.d, many, 1, 4096, &second), -EINVAL, "already");
        assert_null(second);
        assert_fails(p.ctx, iommuctl_dma_log_report(log, all, 2048, bitmap, 4), -EINVAL, "from 4096");
        assert_fails(p.ctx, iommuctl_dma_log_report(log, all, 4096, bitmap, 3), -ENOSPC, "needs 4 words");
        assert_fails(
                p.ctx,
                iommuctl_dma_log_report(log, (struct iommuctl_range){ BASE, BASE + 4096 }, 4096, bitmap, 4),
                -EINVAL, "whole pages");
        iommuctl_dma_log_free(log);
        assert_ok(p.ctx, iommuctl_device_open(p.c, NIC, &nic));
        assert_fails(p.ctx, iommuctl_dma_log_start(nic, many, 1, 4096, &log), -EOPNOTSUPP, "Linux 6.1");
        iommuctl_device_unref(nic);
        close_place(&p);
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_dma_log *log = NULL;
        uint64_t bitmap[4] = { 0 };
        int r;

        (void)m;
        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, LOGGER, &d);
        if (r >= 0)
                r = iommuctl_dma_log_start(d, &all, 1, 4096, &log);
        if (r >= 0)
                r = iommuctl_dma_log_report(log, all, 4096, bitmap, 4);
        iommuctl_dma_log_free(log);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r;
}

static void check(struct fake *m, int r)
{
        (void)r;
        assert_false(fake_is_logging(m, LOGGER));
}

static void test_failing(void **state)
{
        const struct scenario s = {
                .name = "a log of DMA", .machine = machine, .run = run, .check = check, .lasting = true
        };

        (void)state;
        each_call_failing(&s);
        each_call_killed(&s, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_report),
                cmocka_unit_test(test_grain),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("DMA logs", tests);
}
