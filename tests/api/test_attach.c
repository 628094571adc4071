/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several address spaces on one iommufd. */
#include "machines.h"

#include <errno.h>

#include "fake_uapi.h"

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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_beside, bench_iommufd, bench_teardown),
                cmocka_unit_test_setup_teardown(test_beside_needs_an_iommufd, bench_type1, bench_teardown),
                cmocka_unit_test(test_beside_failing),
        };

        return run_tap_tests("attach", tests);
}
