/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The capability chains of containers and devices. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "iommuctl/capability.h"

static void test_container_chain(void **state)
{
        struct bench *b = *state;
        struct vfio_iommu_type1_info_cap_migration *migration;
        struct vfio_iommu_type1_info_cap_iova_range *ranges;
        struct vfio_iommu_type1_info_dma_avail *avail;
        struct iommuctl_range *known;
        void *data = (void *)-1;
        size_t size = 0;
        int n;

        if (b->backend != IOMMUCTL_BACKEND_TYPE1) {
                assert_fails(b->ctx, iommuctl_container_capability(b->container, 1, &data, &size),
                             -EOPNOTSUPP, "iommufd");
                assert_true(data == (void *)-1 && size == 0);
                return;
        }
        assert_int_equal(iommuctl_container_capability(b->container, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
                                                       &data, &size),
                         1);
        migration = data;
        assert_int_equal(size, sizeof(*migration));
        assert_int_equal(migration->pgsize_bitmap, 4096);
        assert_int_equal(migration->max_dirty_bitmap_size, 1 << 28);
        free(data);

        assert_int_equal(
                iommuctl_container_capability(b->container, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, &data, &size),
                1);
        avail = data;
        assert_int_equal(avail->avail, 65535);
        free(data);

        assert_int_equal(iommuctl_container_capability(b->container, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
                                                       &data, &size),
                         1);
        ranges = data;
        n = iommuctl_container_ranges(b->container, &known);
        assert_int_equal(ranges->nr_iovas, n);
        assert_int_equal(size, sizeof(*ranges) + (size_t)n * sizeof(ranges->iova_ranges[0]));
        assert_int_equal(ranges->iova_ranges[n - 1].end, known[n - 1].last);
        free(known);
        free(data);

        assert_fails(b->ctx, iommuctl_container_capability(b->container, 9, &data, &size), -ENODATA,
                     "capability 9");
        assert_fails(b->ctx, iommuctl_container_capability(b->container, 0x10001, &data, &size), -ENODATA,
                     "capability 65537");
}

static void test_container_before_a_device(void **state)
{
        struct fake *m = machine_vfio(NULL);
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_container *c;
        void *data;
        size_t size;

        (void)state;
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c));
        assert_fails(ctx, iommuctl_container_capability(c, 1, &data, &size), -ENODEV, "open a device first");
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        fake_machine_free(m);
}

static void test_device_without(void **state)
{
        struct bench *b = *state;
        void *data;
        size_t size;

        assert_fails(b->ctx, iommuctl_device_capability(b->device, 5, &data, &size), -ENODATA, NIC);
        assert_string_equal(error_device(b->ctx), NIC);
}

static struct fake *machine(void)
{
        struct fake *m = machine_vfio(NULL);

        fake_add_pci(m, "0000:04:00.0",
                     &(struct fake_pci){ .driver = "vfio-pci", .group = 20, .atomics = true });
        return m;
}

static int run(struct iommuctl_ctx *ctx, enum iommuctl_backend backend)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        void *data = NULL, *migration = NULL;
        size_t size;
        int r;

        r = iommuctl_container_new(ctx, backend, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, "0000:04:00.0", &d);
        if (r >= 0)
                r = iommuctl_device_capability(d, 5, &data, &size);
        if (r >= 0) {
                const struct {
                        struct vfio_info_cap_header header;
                        uint32_t flags, reserved;
                } *cap = data;

                assert_int_equal(r, 1);
                assert_int_equal(size, sizeof(*cap));
                assert_int_equal(cap->header.id, 5);
                assert_int_equal(cap->flags, 3);
        }
        if (r >= 0 && backend == IOMMUCTL_BACKEND_TYPE1)
                r = iommuctl_container_capability(c, 2, &migration, &size);
        free(data);
        free(migration);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r < 0 ? r : 0;
}

static int run_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return run(ctx, IOMMUCTL_BACKEND_TYPE1);
}

static int run_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return run(ctx, IOMMUCTL_BACKEND_IOMMUFD);
}

static void test_failing(void **state)
{
        (void)state;
        each_call_failing(
                &(struct scenario){ .name = "capabilities, type1", .machine = machine, .run = run_type1 });
        each_call_failing(&(struct scenario){
                .name = "capabilities, iommufd", .machine = machine, .run = run_iommufd });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_container_chain),
                cmocka_unit_test(test_container_before_a_device),
                BOTH(test_device_without),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("capability", tests);
}
