/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that replaces itself while its devices work: mappings that are let go of and taken over. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "iommuctl/adopt.h"
#include "iommuctl/takeover.h"

#define PAGE 0x1000u

static struct iommuctl_dma *alloc(struct bench *b, const char *name)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_BY_FILE,
                                          .name = name };
        struct iommuctl_dma *dma = NULL;

        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, 2 * PAGE, &o, &dma));
        return dma;
}

/* A kernel that has all of it. */
static void restart(struct bench *b)
{
        bench_restart(b, &(struct fake_options){ .release = "6.13.0" });
}

static void *map_again(struct bench *b, struct iommuctl_dma *dma)
{
        void *map;

        assert_int_equal(b->k->ops->mmap(b->k, NULL, iommuctl_dma_span(dma).size, PROT_READ | PROT_WRITE,
                                         MAP_SHARED, iommuctl_dma_fd(dma), 0, &map),
                         0);
        return map;
}

static void test_memory_moves(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *rx, *tx;
        struct iommuctl_span old, now;
        uint64_t iova = 0;
        void *map;

        restart(b);
        rx = alloc(b, "rx");
        tx = alloc(b, "tx");
        old = iommuctl_dma_span(rx);
        map = map_again(b, rx);
        if (b->backend == IOMMUCTL_BACKEND_TYPE1)
                assert_fails(b->ctx, iommuctl_dma_set_vaddr(rx, map), -EINVAL, "has not let go");
        assert_ok(b->ctx, iommuctl_container_let_go(b->container));
        if (b->backend == IOMMUCTL_BACKEND_TYPE1)
                assert_fails(b->ctx, iommuctl_container_let_go(b->container), -EALREADY, "already");
        /* DMA goes on. */
        assert_int_equal(fake_dma_write(b->m, NIC, old.iova, "meanwhile", 10), 0);
        assert_fails(b->ctx, iommuctl_dma_set_vaddr(rx, (char *)map + 1), -EINVAL, "whole pages");
        assert_fails(b->ctx, iommuctl_dma_set_vaddr(rx, iommuctl_dma_span(tx).vaddr), -EEXIST, "\"tx\"");
        assert_int_equal(iommuctl_translate(b->container, old.vaddr, &iova), 2 * PAGE);
        assert_ok(b->ctx, iommuctl_dma_set_vaddr(rx, map));
        now = iommuctl_dma_span(rx);
        assert_true(now.vaddr == map && now.iova == old.iova && now.size == old.size);
        assert_int_equal(iommuctl_translate(b->container, old.vaddr, &iova), -ENOENT);
        assert_int_equal(iommuctl_translate(b->container, map, &iova), 2 * PAGE);
        assert_int_equal(iova, old.iova);
        b->k->ops->munmap(b->k, old.vaddr, old.size);
        assert_ok(b->ctx, iommuctl_container_take_over(b->container));
        assert_string_equal(map, "meanwhile");
        assert_int_equal(fake_dma_write(b->m, NIC, old.iova, "after", 6), 0);
        assert_string_equal(map, "after");
        assert_ok(b->ctx, iommuctl_container_take_over(b->container)); /* nothing is left to be taken */
        assert_ok(b->ctx, iommuctl_dma_unmap(rx));
        assert_ok(b->ctx, iommuctl_container_let_go(b->container));
        assert_ok(b->ctx, iommuctl_dma_renew(tx));
        assert_ok(b->ctx, iommuctl_container_take_over(b->container)); /* which it needs no more */
        assert_ok(b->ctx, iommuctl_container_let_go(b->container));
        assert_ok(b->ctx, iommuctl_dma_unmap(tx)); /* also while it is let go of */
        assert_ok(b->ctx, iommuctl_container_take_over(b->container));
}

static void test_what_cannot_go(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma_options by_file = { .struct_size = sizeof(by_file),
                                                .flags = IOMMUCTL_DMA_BY_FILE };
        struct iommuctl_container *empty;
        struct iommuctl_dma *dma = NULL;

        assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_AUTO, &empty));
        assert_fails(b->ctx, iommuctl_container_let_go(empty), -ENODEV, "open a device first");
        assert_fails(b->ctx, iommuctl_container_take_over(empty), -EINVAL, "nothing");
        iommuctl_container_unref(empty);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, bench_memory(b, PAGE), PAGE, &by_file, &dma),
                     -EINVAL, "memory that is made");
        if (b->backend == IOMMUCTL_BACKEND_TYPE1) {
                bench_restart(b, &(struct fake_options){ .release = "5.10.0" });
                assert_fails(b->ctx, iommuctl_container_let_go(b->container), -EOPNOTSUPP, "5.12");
                return;
        }
        bench_restart(b, &(struct fake_options){ .release = "6.12.0" });
        assert_fails(b->ctx, iommuctl_dma_alloc(b->container, PAGE, &by_file, &dma), -EOPNOTSUPP, "6.13");
        assert_fails(b->ctx, iommuctl_container_let_go(b->container), -EOPNOTSUPP, "6.13");
        assert_null(dma);
        restart(b);
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, PAGE, NULL, &dma));
        assert_fails(b->ctx, iommuctl_container_let_go(b->container), -EINVAL, "by its address");
        assert_fails(b->ctx, iommuctl_dma_set_vaddr(dma, bench_memory(b, PAGE)), -EINVAL,
                     "goes by the address");
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

#define MDEV "c4a72b2f-4f3e-4f5a-8d3b-1c2d3e4f5a6b"

static void test_mediated_devices_are_in_the_way(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *mdev;

        fake_add_driver(b->m, "vfio-mdev", &(struct fake_driver){ .bus = "mdev", .vfio = true });
        fake_add_other(b->m, "mdev", MDEV, "vfio-mdev", 30);
        assert_ok(b->ctx, iommuctl_device_open(b->container, MDEV, &mdev));
        assert_fails(b->ctx, iommuctl_container_let_go(b->container), -EOPNOTSUPP, "mediated");
        iommuctl_device_unref(mdev);
        assert_ok(b->ctx, iommuctl_container_let_go(b->container));
        assert_ok(b->ctx, iommuctl_container_take_over(b->container));
}

/* What exec leaves: copies of the descriptors, and the environment. */
static void offer(struct bench *b, const struct iommuctl_handover *h)
{
        char names[256][40], text[256 * 41] = "", pid[16], *rest, *name, copy[1024];
        int fd, last = 3;
        size_t i = 0;

        for (fd = 0; fd < 256; fd++)
                strcpy(names[fd], "other");
        snprintf(copy, sizeof(copy), "%s", iommuctl_handover_fdnames(h));
        rest = copy;
        while ((name = strsep(&rest, ":"))) {
                fd = b->k->ops->dup(b->k, iommuctl_handover_fd(h, i++));
                assert_in_range(fd, 3, 255);
                snprintf(names[fd], sizeof(names[fd]), "%s", name);
                last = fd > last ? fd : last;
        }
        for (fd = 3; fd <= last; fd++)
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", fd > 3 ? ":" : "",
                         names[fd]);
        setenv("LISTEN_FDNAMES", text, 1);
        snprintf(pid, sizeof(pid), "%d", last - 2);
        setenv("LISTEN_FDS", pid, 1);
        snprintf(pid, sizeof(pid), "%d", (int)b->k->ops->getpid(b->k));
        setenv("LISTEN_PID", pid, 1);
        setenv("IOMMUCTL_HANDOVER", iommuctl_handover_text(h), 1);
}

/* The new program adopts, takes over, and can then unmap what the old one had mapped. */
static void test_adopted_and_taken_over(void **state)
{
        struct bench *b = *state;
        struct iommuctl_handover *h;
        struct iommuctl_adopted *a;
        struct iommuctl_dma *rx;
        struct iommuctl_span s;
        uint64_t bytes = 0;

        restart(b);
        rx = alloc(b, "rx");
        assert_ok(b->ctx, iommuctl_handover_new(b->device, &rx, 1, &h));
        offer(b, h);
        assert_ok(b->ctx, iommuctl_adopt(b->ctx, IOMMUCTL_ADOPT_UNSET_ENVIRONMENT, &a));
        if (b->backend == IOMMUCTL_BACKEND_TYPE1)
                assert_fails(b->ctx, iommuctl_container_take_over(iommuctl_adopted_container(a)), -EINVAL,
                             "has not let go");
        assert_fails(b->ctx, iommuctl_container_unmap_all(iommuctl_adopted_container(a), &bytes), -EPERM,
                     "handed it over");
        assert_ok(b->ctx, iommuctl_container_let_go(b->container));
        assert_ok(b->ctx, iommuctl_container_take_over(iommuctl_adopted_container(a)));
        s = iommuctl_dma_span(iommuctl_adopted_buffer(a, 0));
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova, "new", 4), 0);
        assert_string_equal(s.vaddr, "new");
        iommuctl_adopted_free(a);
        assert_int_equal(fake_n_mappings(b->m), 0);
        iommuctl_handover_free(h);
        assert_ok(b->ctx, iommuctl_dma_unmap(rx)); /* which is gone already */
}

static struct fake *machine(void)
{
        return machine_vfio(&(struct fake_options){ .release = "6.13.0" });
}

static int run(struct iommuctl_ctx *ctx, struct fake *m, enum iommuctl_backend backend)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .flags = IOMMUCTL_DMA_BY_FILE };
        struct iommuctl_dma *dma[2] = { NULL };
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        int r;

        r = iommuctl_container_new(ctx, backend, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        for (int i = 0; i < 2 && r >= 0; i++)
                r = iommuctl_dma_alloc(c, PAGE, &o, &dma[i]);
        if (r >= 0) {
                r = iommuctl_container_let_go(c);
                if (r >= 0)
                        r = iommuctl_container_take_over(c);
                /* Whatever failed can be done again. */
                if (r < 0 && r != -EOPNOTSUPP) {
                        int r2 = iommuctl_container_take_over(c);

                        assert_true(r2 == 0);
                }
                if (r >= 0)
                        for (int i = 0; i < 2; i++)
                                assert_int_equal(
                                        fake_dma_write(m, NIC, iommuctl_dma_span(dma[i]).iova, "x", 1), 0);
        }
        for (int i = 0; i < 2; i++)
                if (iommuctl_dma_unmap(dma[i]) < 0) {
                        fake_mend(m);
                        assert_int_equal(iommuctl_dma_unmap(dma[i]), 0);
                        r = -EIO;
                }
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
                &(struct scenario){ .name = "taking over, type1", .machine = machine, .run = run_type1 });
        each_call_failing(
                &(struct scenario){ .name = "taking over, iommufd", .machine = machine, .run = run_iommufd });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_memory_moves),
                BOTH(test_what_cannot_go),
                { "test_mediated_devices_are_in_the_way", test_mediated_devices_are_in_the_way, bench_type1,
                  bench_teardown, NULL },
                BOTH(test_adopted_and_taken_over),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("takeover", tests);
}
