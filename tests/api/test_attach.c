/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several address spaces on one iommufd, and devices that move between them. */
#include "machines.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "container.h"
#include "fake_uapi.h"
#include "iommuctl/adopt.h"

static char memory[4096] __attribute__((aligned(4096)));

static void test_beside(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *second = NULL;
        struct iommuctl_dma *one = NULL, *two = NULL;
        const struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                                .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                .iova = 0x10000 };
        char byte = 0;

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        assert_int_equal(iommuctl_container_backend(second), IOMMUCTL_BACKEND_IOMMUFD);
        assert_int_equal(iommuctl_container_fd(second), iommuctl_container_fd(b->container));
        assert_int_not_equal(iommuctl_container_ioas_id(second), iommuctl_container_ioas_id(b->container));
        assert_ptr_equal(iommuctl_container_ctx(second), b->ctx);
        assert_int_equal(fake_n_fds(b->m), 3); /* root, iommufd, device */

        /* The same IOVA and the same memory in both, and the device sees but its own. */
        assert_ok(b->ctx, iommuctl_dma_map(second, memory, sizeof(memory), &o, &two));
        assert_int_equal(fake_dma_read(b->m, NIC, 0x10000, &byte, 1), -EFAULT);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, sizeof(memory), &o, &one));
        assert_int_equal(fake_dma_read(b->m, NIC, 0x10000, &byte, 1), 0);

        /* The first goes before the second does, and the mapping keeps the second. */
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        assert_null(iommuctl_container_unref(second));
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), 1);
}

static void assert_attached(struct iommuctl_device *d, struct iommuctl_container *c)
{
        struct iommuctl_container *now = iommuctl_device_attached(d);

        assert_ptr_equal(now, c);
        iommuctl_container_unref(now);
}

/* In an iommufd that another process has open, too: only what was made here goes. */
static void test_beside_a_foreign_one(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *over, *second;
        int fd = b->k->ops->dup(b->k, iommuctl_container_fd(b->container));

        assert_true(fd >= 0);
        assert_int_equal(container_new_over(b->ctx, &backend_iommufd, fd,
                                            iommuctl_container_ioas_id(b->container), true, &over),
                         0);
        assert_ok(b->ctx, iommuctl_container_new_beside(over, &second));
        iommuctl_container_unref(over);
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), 0);
        iommuctl_container_unref(second);
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), 1);
        assert_attached(b->device, b->container);
}

static void test_beside_needs_an_iommufd(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *undecided, *second = NULL;

        assert_fails(b->ctx, iommuctl_container_new_beside(b->container, &second), -EOPNOTSUPP, "type1");
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_AUTO, &undecided));
        assert_fails(b->ctx, iommuctl_container_new_beside(undecided, &second), -ENODEV, "open a device");
        iommuctl_container_unref(undecided);
        assert_null(second);
}

/* One byte of MEMORY, at the same IOVA in each container, tells which of them the device sees. */
static char pages[2][4096] __attribute__((aligned(4096)));
#define AT 0x10000

static struct iommuctl_dma *map_page(struct bench *b, struct iommuctl_container *c, int page, uint64_t iova)
{
        const struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                                .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                .iova = iova };
        struct iommuctl_dma *dma = NULL;

        pages[page][0] = (char)('A' + page);
        assert_ok(b->ctx, iommuctl_dma_map(c, pages[page], sizeof(pages[page]), &o, &dma));
        return dma;
}

static int seen(struct bench *b, const char *device)
{
        char byte = 0;
        int r = fake_dma_read(b->m, device, AT, &byte, 1);

        return r < 0 ? r : byte;
}

static uint64_t last_iova(struct iommuctl_container *c)
{
        struct iommuctl_range *ranges = NULL;
        uint64_t last;
        int n = iommuctl_container_ranges(c, &ranges);

        assert_true(n > 0);
        last = ranges[n - 1].last;
        free(ranges);
        return last;
}

static void test_a_device_moves(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *second;
        struct iommuctl_dma *one, *two;

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        one = map_page(b, b->container, 0, AT);
        two = map_page(b, second, 1, AT);
        assert_attached(b->device, b->container);
        assert_int_equal(seen(b, NIC), 'A');
        assert_int_equal(last_iova(second), UINT64_MAX);

        assert_ok(b->ctx, iommuctl_device_attach(b->device, second));
        assert_attached(b->device, second);
        assert_ptr_equal(iommuctl_device_container(b->device), b->container);
        assert_int_equal(seen(b, NIC), 'B');
        assert_int_equal(last_iova(second), (1ull << 39) - 1);
        assert_int_equal(last_iova(b->container), UINT64_MAX);

        assert_ok(b->ctx, iommuctl_device_attach(b->device, second)); /* it is there */
        assert_int_equal(seen(b, NIC), 'B');
        assert_ok(b->ctx, iommuctl_device_detach(b->device));
        assert_ok(b->ctx, iommuctl_device_detach(b->device));
        assert_attached(b->device, NULL);
        assert_int_equal(seen(b, NIC), -EFAULT);
        assert_int_equal(last_iova(second), UINT64_MAX);
        assert_ok(b->ctx, iommuctl_device_attach(b->device, b->container));
        assert_int_equal(seen(b, NIC), 'A');

        /* What it sees is kept by the device, and what it was opened in too. */
        assert_ok(b->ctx, iommuctl_device_attach(b->device, second));
        iommuctl_container_unref(second);
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
        two = map_page(b, second, 1, AT);
        assert_int_equal(seen(b, NIC), 'B');
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
}

static void test_what_a_device_cannot_reach(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *second;
        struct iommuctl_dma *far;

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        far = map_page(b, second, 0, 1ull << 40);
        assert_fails(b->ctx, iommuctl_device_attach(b->device, second), -EADDRINUSE, "cannot reach all");
        assert_string_equal(error_device(b->ctx), NIC);
        assert_attached(b->device, b->container);
        assert_int_equal(last_iova(second), UINT64_MAX);
        assert_ok(b->ctx, iommuctl_device_detach(b->device));
        assert_fails(b->ctx, iommuctl_device_attach(b->device, second), -EADDRINUSE, "cannot reach all");
        assert_attached(b->device, NULL);
        assert_ok(b->ctx, iommuctl_dma_unmap(far));
        iommuctl_container_unref(second);
}

/* What the kernel moves together is written down together. */
static void test_a_group_moves(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *second;
        struct iommuctl_device *gpu, *audio, *again = NULL;
        struct iommuctl_dma *one, *two;

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        one = map_page(b, b->container, 0, AT);
        two = map_page(b, second, 1, AT);
        assert_ok(b->ctx, iommuctl_device_open(b->container, GPU, &gpu));
        assert_fails(b->ctx, iommuctl_device_open(second, AUDIO, &again), -EINVAL,
                     "another device of group 7");
        assert_ok(b->ctx, iommuctl_device_open(b->container, AUDIO, &audio));
        assert_ok(b->ctx, iommuctl_device_attach(gpu, second));
        assert_attached(gpu, second);
        assert_attached(audio, second);
        assert_int_equal(seen(b, AUDIO), 'B');
        assert_int_equal(seen(b, NIC), 'A');

        /* One that is detached stays so, and cannot go elsewhere while the other is attached. */
        assert_ok(b->ctx, iommuctl_device_detach(audio));
        assert_fails(b->ctx, iommuctl_device_attach(audio, b->container), -EINVAL,
                     "group is attached elsewhere");
        assert_attached(audio, NULL);
        assert_ok(b->ctx, iommuctl_device_attach(gpu, b->container));
        assert_attached(audio, NULL);
        assert_ok(b->ctx, iommuctl_device_attach(audio, b->container));
        assert_int_equal(seen(b, AUDIO), 'A');

        iommuctl_device_unref(gpu);
        iommuctl_device_unref(audio);
        assert_ok(b->ctx, iommuctl_dma_unmap(one));
        assert_ok(b->ctx, iommuctl_dma_unmap(two));
        iommuctl_container_unref(second);
}

static void test_another_iommufd(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *other;

        assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_IOMMUFD, &other));
        assert_fails(b->ctx, iommuctl_device_attach(b->device, other), -EINVAL, "another iommufd");
        assert_attached(b->device, b->container);
        iommuctl_container_unref(other);
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_AUTO, &other));
        assert_fails(b->ctx, iommuctl_device_attach(b->device, other), -EINVAL, "another iommufd");
        iommuctl_container_unref(other);
}

static void test_type1_does_not_move(void **state)
{
        struct bench *b = *state;

        assert_fails(b->ctx, iommuctl_device_attach(b->device, b->container), -EOPNOTSUPP, "on type1");
        assert_fails(b->ctx, iommuctl_device_detach(b->device), -EOPNOTSUPP, "on type1");
        assert_fails(b->ctx, iommuctl_device_detach_pasid(b->device, 1), -EOPNOTSUPP, "on type1");
        assert_attached(b->device, b->container);
}

/* A buffer is handed over with the device that sees it. */
static void test_handover_follows(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *second;
        struct iommuctl_handover *h = NULL;
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .name = "rx" };
        struct iommuctl_dma *dma;
        char text[32];

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        assert_ok(b->ctx, iommuctl_dma_alloc(second, 4096, &o, &dma));
        assert_fails(b->ctx, iommuctl_handover_new(b->device, &dma, 1, &h), -EINVAL, "another container");
        assert_ok(b->ctx, iommuctl_device_attach(b->device, second));
        assert_ok(b->ctx, iommuctl_handover_new(b->device, &dma, 1, &h));
        snprintf(text, sizeof(text), "ioas=%u", iommuctl_container_ioas_id(second));
        assert_contains(iommuctl_handover_text(h), text);
        iommuctl_handover_free(h);
        assert_ok(b->ctx, iommuctl_device_detach(b->device));
        assert_fails(b->ctx, iommuctl_handover_new(b->device, NULL, 0, &h), -EINVAL, "is detached");
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        iommuctl_container_unref(second);
}

static struct fake *machine(void)
{
        return machine_vfio(NULL);
}

static int run_beside(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_container *first = NULL, *second = NULL;
        int r;

        (void)m;
        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_IOMMUFD, &first);
        if (r >= 0)
                r = iommuctl_container_new_beside(first, &second);
        iommuctl_container_unref(first);
        iommuctl_container_unref(second);
        return r;
}

static void test_beside_failing(void **state)
{
        (void)state;
        each_call_failing(&(struct scenario){ .name = "beside", .machine = machine, .run = run_beside });
}

/* Whatever fails, books and kernel agree on what the device sees, and all of it can be given back. */
static int move(struct bench *b, struct iommuctl_container *second)
{
        int r, expected;

        r = iommuctl_device_attach(b->device, second);
        if (r >= 0)
                r = iommuctl_device_detach(b->device);
        if (r >= 0)
                r = iommuctl_device_attach(b->device, b->container);
        if (r < 0 && !fake_process_is_dead(b->m)) {
                struct iommuctl_container *c = iommuctl_device_attached(b->device);

                expected = !c ? -EFAULT : c == second ? 'B' : 'A';
                assert_int_equal(seen(b, NIC), expected);
                iommuctl_container_unref(c);
        }
        return r;
}

static int run_moves(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct bench b = { .m = m, .ctx = ctx };
        struct iommuctl_container *second = NULL;
        struct iommuctl_dma *dma[2] = { NULL };
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = AT };
        int r;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_IOMMUFD, &b.container);
        if (r >= 0)
                r = iommuctl_container_new_beside(b.container, &second);
        for (int i = 0; r >= 0 && i < 2; i++) {
                pages[i][0] = (char)('A' + i);
                r = iommuctl_dma_map(i ? second : b.container, pages[i], sizeof(pages[i]), &o, &dma[i]);
        }
        if (r >= 0)
                r = iommuctl_device_open(b.container, NIC, &b.device);
        if (r >= 0)
                r = move(&b, second);
        iommuctl_container_unref(b.container);
        for (int i = 0; i < 2; i++)
                while (iommuctl_dma_unmap(dma[i]) < 0 && !fake_process_is_dead(m))
                        fake_mend(m);
        iommuctl_container_unref(second);
        iommuctl_device_unref(b.device);
        return r;
}

static void test_moves_failing(void **state)
{
        (void)state;
        each_call_failing(
                &(struct scenario){ .name = "moves", .machine = machine, .run = run_moves, .lasting = true });
}

#define ROUNDS 300

struct mover {
        struct iommuctl_device *device;
        struct iommuctl_container *to;
};

static void *move_often(void *p)
{
        struct mover *m = p;

        for (int i = 0; i < ROUNDS; i++)
                if (iommuctl_device_attach(m->device, m->to) < 0)
                        return m;
        return NULL;
}

static void *map_often(void *p)
{
        static char memory_of[2][4096] __attribute__((aligned(4096)));
        struct mover *m = p;

        for (int i = 0; i < ROUNDS; i++) {
                struct iommuctl_dma *dma;

                if (iommuctl_dma_map(m->to, memory_of[i & 1], 4096, NULL, &dma) < 0 ||
                    iommuctl_dma_unmap(dma) < 0)
                        return m;
        }
        return NULL;
}

/* A group of two, moved from both sides while memory is mapped in both: in the end books and kernel agree. */
static void test_moves_from_many_threads(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *second, *now;
        struct iommuctl_device *gpu, *audio;
        struct iommuctl_dma *dma[2];
        pthread_t threads[4];
        void *failed;

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        dma[0] = map_page(b, b->container, 0, AT);
        dma[1] = map_page(b, second, 1, AT);
        assert_ok(b->ctx, iommuctl_device_open(b->container, GPU, &gpu));
        assert_ok(b->ctx, iommuctl_device_open(b->container, AUDIO, &audio));
        {
                struct mover movers[4] = {
                        { gpu, second }, { audio, b->container }, { gpu, second }, { gpu, b->container }
                };

                for (int i = 0; i < 4; i++)
                        assert_int_equal(
                                pthread_create(&threads[i], NULL, i < 2 ? move_often : map_often, &movers[i]),
                                0);
                for (int i = 0; i < 4; i++) {
                        pthread_join(threads[i], &failed);
                        assert_null(failed);
                }
        }
        now = iommuctl_device_attached(gpu);
        assert_attached(audio, now);
        assert_int_equal(seen(b, GPU), now == second ? 'B' : 'A');
        assert_int_equal(seen(b, AUDIO), now == second ? 'B' : 'A');
        iommuctl_container_unref(now);
        iommuctl_device_unref(gpu);
        iommuctl_device_unref(audio);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma[0]));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma[1]));
        iommuctl_container_unref(second);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_beside, bench_iommufd, bench_teardown),
                cmocka_unit_test_setup_teardown(test_beside_a_foreign_one, bench_iommufd, bench_teardown),
                cmocka_unit_test_setup_teardown(test_beside_needs_an_iommufd, bench_type1, bench_teardown),
                cmocka_unit_test(test_beside_failing),
                cmocka_unit_test_setup_teardown(test_a_device_moves, bench_iommufd, bench_teardown),
                cmocka_unit_test_setup_teardown(test_what_a_device_cannot_reach, bench_iommufd,
                                                bench_teardown),
                cmocka_unit_test_setup_teardown(test_a_group_moves, bench_iommufd, bench_teardown),
                cmocka_unit_test_setup_teardown(test_another_iommufd, bench_iommufd, bench_teardown),
                cmocka_unit_test_setup_teardown(test_type1_does_not_move, bench_type1, bench_teardown),
                cmocka_unit_test_setup_teardown(test_handover_follows, bench_iommufd, bench_teardown),
                cmocka_unit_test(test_moves_failing),
                cmocka_unit_test_setup_teardown(test_moves_from_many_threads, bench_iommufd, bench_teardown),
        };

        return run_tap_tests("attach", tests);
}
