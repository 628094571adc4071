/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page tables made by hand: made, nested, attached, invalidated, given back in any order. */
#include "machines.h"

#include <errno.h>
#include <stdlib.h>

#include "fake_uapi.h"
#include "iommuctl/hwpt.h"

static char page[4096] __attribute__((aligned(4096)));
#define AT 0x10000

static struct iommuctl_hwpt_options with_flags(unsigned int flags)
{
        return (struct iommuctl_hwpt_options){ .struct_size = sizeof(struct iommuctl_hwpt_options),
                                               .flags = flags };
}

static const struct iommuctl_vtd_s1 guest_table = { .address = 0x1000, .address_width = 48 };
static const struct iommuctl_hwpt_options nested = { .struct_size = sizeof(nested),
                                                     .data_type = IOMMUCTL_HWPT_DATA_VTD_S1,
                                                     .data = &guest_table,
                                                     .data_size = sizeof(guest_table) };

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

static void test_a_device_in_a_table(void **state)
{
        struct bench *b = *state;
        const uint32_t id = iommuctl_device_iommufd_id(b->device);
        struct iommuctl_hwpt_options dirty = with_flags(IOMMUCTL_HWPT_DIRTY_TRACKING);
        struct iommuctl_container *second;
        struct iommuctl_hwpt *h, *plain;
        struct iommuctl_dma *dma;
        char byte;

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        assert_ok(b->ctx, iommuctl_hwpt_new(second, id, &dirty, &h));
        assert_ptr_equal(iommuctl_hwpt_container(h), second);
        assert_null(iommuctl_hwpt_parent(h));
        assert_int_equal(iommuctl_hwpt_flags(h), IOMMUCTL_HWPT_DIRTY_TRACKING);
        assert_true(iommuctl_hwpt_id(h) > 0);
        assert_int_equal(last_iova(second), (1ull << 39) - 1); /* of the table alone */

        assert_ok(b->ctx, iommuctl_dma_map(second, page, sizeof(page),
                                           &(struct iommuctl_dma_options){
                                                   .struct_size = sizeof(struct iommuctl_dma_options),
                                                   .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                   .iova = AT },
                                           &dma));
        assert_int_equal(fake_dma_read(b->m, NIC, AT, &byte, 1), -EFAULT);
        assert_ok(b->ctx, iommuctl_device_attach_hwpt(b->device, h));
        assert_int_equal(fake_dma_read(b->m, NIC, AT, &byte, 1), 0);

        /* The device keeps it, and it its container. */
        iommuctl_hwpt_unref(h);
        iommuctl_container_unref(second);
        assert_int_equal(fake_dma_read(b->m, NIC, AT, &byte, 1), 0);
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_ok(b->ctx, iommuctl_device_attach(b->device, b->container));
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), 2); /* the table, the IOAS */

        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, id, NULL, &plain));
        assert_ok(b->ctx, iommuctl_device_attach_hwpt(b->device, plain));
        iommuctl_hwpt_unref(plain);
}

static void test_ranges_come_back(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *second;
        struct iommuctl_hwpt *h = NULL;
        struct iommuctl_dma *far;

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        assert_ok(b->ctx, iommuctl_hwpt_new(second, iommuctl_device_iommufd_id(b->device), NULL, &h));
        iommuctl_hwpt_unref(h);
        h = NULL;
        assert_int_equal(last_iova(second), UINT64_MAX);
        assert_ok(b->ctx, iommuctl_dma_map(second, page, sizeof(page),
                                           &(struct iommuctl_dma_options){
                                                   .struct_size = sizeof(struct iommuctl_dma_options),
                                                   .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                   .iova = 1ull << 40 },
                                           &far));
        assert_fails(b->ctx, iommuctl_hwpt_new(second, iommuctl_device_iommufd_id(b->device), NULL, &h),
                     -EADDRINUSE, NIC);
        assert_null(h);
        assert_ok(b->ctx, iommuctl_dma_unmap(far));
        iommuctl_container_unref(second);
}

static void test_nested(void **state)
{
        struct bench *b = *state;
        const uint32_t id = iommuctl_device_iommufd_id(b->device);
        struct iommuctl_hwpt_options parent = with_flags(IOMMUCTL_HWPT_NEST_PARENT);
        struct iommuctl_hwpt *p, *plain, *child, *other = NULL;

        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, id, &parent, &p));
        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, id, NULL, &plain));
        assert_fails(b->ctx, iommuctl_hwpt_new_nested(p, id, NULL, &other), -EINVAL, "needs data");
        assert_fails(b->ctx, iommuctl_hwpt_new_nested(plain, id, &nested, &other), -EINVAL,
                     "nested page table");
        assert_ok(b->ctx, iommuctl_hwpt_new_nested(p, id, &nested, &child));
        assert_ptr_equal(iommuctl_hwpt_parent(child), p);
        assert_ptr_equal(iommuctl_hwpt_container(child), b->container);
        assert_fails(b->ctx, iommuctl_hwpt_new_nested(child, id, &nested, &other), -EINVAL,
                     "nested page table");
        assert_ok(b->ctx, iommuctl_device_attach_hwpt(b->device, child));
        /* The wrong way round. */
        iommuctl_hwpt_unref(p);
        iommuctl_hwpt_unref(plain);
        iommuctl_hwpt_unref(child);
        assert_null(other);
        assert_ok(b->ctx, iommuctl_device_detach(b->device));
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), 3);
}

static void test_invalidate(void **state)
{
        struct bench *b = *state;
        const uint32_t id = iommuctl_device_iommufd_id(b->device);
        struct iommuctl_hwpt_options parent = with_flags(IOMMUCTL_HWPT_NEST_PARENT);
        struct iommuctl_vtd_s1_invalidate requests[3] = { { .address = 0x1000, .n_pages = 1 },
                                                          { .address = 0x2000, .n_pages = 2, .flags = 1 },
                                                          { .n_pages = UINT64_MAX } };
        struct iommuctl_hwpt *p, *h;
        size_t done = 7;

        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, id, &parent, &p));
        assert_ok(b->ctx, iommuctl_hwpt_new_nested(p, id, &nested, &h));
        assert_ok(b->ctx, iommuctl_hwpt_invalidate(h, IOMMUCTL_INVALIDATE_VTD_S1, requests,
                                                   sizeof(requests[0]), 3, &done));
        assert_int_equal(done, 3);
        assert_ok(b->ctx, iommuctl_hwpt_invalidate(h, IOMMUCTL_INVALIDATE_VTD_S1, NULL, 0, 0, &done));
        assert_int_equal(done, 0);
        requests[1].address = 0x2001;
        assert_fails(b->ctx, iommuctl_hwpt_invalidate(h, 0, requests, sizeof(requests[0]), 3, &done), -EINVAL,
                     "takes 1 of 3");
        assert_int_equal(done, 1);
        requests[1].address = 0x2000;
        requests[1].flags = 2;
        assert_fails(b->ctx, iommuctl_hwpt_invalidate(h, 0, requests, sizeof(requests[0]), 3, &done),
                     -EOPNOTSUPP, "takes 1 of 3");
        assert_fails(b->ctx, iommuctl_hwpt_invalidate(h, 5, requests, sizeof(requests[0]), 1, NULL), -EINVAL,
                     "type 0x5");
        assert_fails(b->ctx, iommuctl_hwpt_invalidate(h, 0, requests, 0, 1, &done), -EINVAL, "0 bytes");
        assert_fails(b->ctx, iommuctl_hwpt_invalidate(h, 0, NULL, 24, 1, &done), -EINVAL,
                     "than one call takes");
        assert_fails(b->ctx, iommuctl_hwpt_invalidate(h, 0, requests, 24, (1 << 19) + 1, &done), -EINVAL,
                     "524288");
        assert_fails(b->ctx, iommuctl_hwpt_invalidate(p, 0, requests, 24, 1, &done), -EINVAL,
                     "not a guest's");
        iommuctl_hwpt_unref(p);
        iommuctl_hwpt_unref(h);
}

static void test_refusals(void **state)
{
        struct bench *b = *state;
        const uint32_t id = iommuctl_device_iommufd_id(b->device);
        struct iommuctl_hwpt_options o = with_flags(1 << 7);
        struct iommuctl_hwpt *h = NULL;

        assert_fails(b->ctx, iommuctl_hwpt_new(b->container, id, &o, &h), -EINVAL, "flags 0x80");
        o = with_flags(0);
        o.data_type = 1;
        assert_fails(b->ctx, iommuctl_hwpt_new(b->container, id, &o, &h), -EINVAL, "data needs");
        o = (struct iommuctl_hwpt_options){ .flags = 0 };
        assert_fails(b->ctx, iommuctl_hwpt_new(b->container, id, &o, &h), -EINVAL, "struct_size");
        assert_fails(b->ctx, iommuctl_hwpt_new(b->container, 999, NULL, &h), -ENOENT, "device 999");
        o = with_flags(IOMMUCTL_HWPT_PASID);
        assert_fails(b->ctx, iommuctl_hwpt_new(b->container, id, &o, &h), -EOPNOTSUPP, "6.14");
        assert_string_equal(error_device(b->ctx), NIC);
        assert_null(h);
}

static void test_what_a_machine_lacks(void **state)
{
        struct bench *b = *state;
        struct iommuctl_hwpt_options o = with_flags(IOMMUCTL_HWPT_DIRTY_TRACKING);
        struct iommuctl_hwpt *h = NULL;

        bench_restart(b, &(struct fake_options){ .no_dirty_tracking = true, .no_nesting = true });
        assert_fails(b->ctx, iommuctl_hwpt_new(b->container, iommuctl_device_iommufd_id(b->device), &o, &h),
                     -EOPNOTSUPP, "dirty tracking");
        o.flags = IOMMUCTL_HWPT_NEST_PARENT;
        assert_fails(b->ctx, iommuctl_hwpt_new(b->container, iommuctl_device_iommufd_id(b->device), &o, &h),
                     -EOPNOTSUPP, "nest others in");
        bench_restart(b, &(struct fake_options){ .release = "6.2.0" });
        assert_fails(b->ctx, iommuctl_hwpt_new(b->container, iommuctl_device_iommufd_id(b->device), NULL, &h),
                     -EOPNOTSUPP, "needs Linux 6.6");
}

static void test_needs_iommufd(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *c;
        struct iommuctl_hwpt *h = NULL;

        assert_fails(b->ctx, iommuctl_hwpt_new(b->container, 1, NULL, &h), -EOPNOTSUPP, "type1");
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_AUTO, &c));
        assert_fails(b->ctx, iommuctl_hwpt_new(c, 1, NULL, &h), -ENODEV, "none yet");
        iommuctl_container_unref(c);
}

static void test_pasids(void **state)
{
        struct bench *b = *state;
        struct iommuctl_hwpt_options o = with_flags(IOMMUCTL_HWPT_PASID);
        struct iommuctl_container *second;
        struct iommuctl_hwpt *h, *own, *plain;
        struct iommuctl_dma *dma;
        uint32_t id;
        char byte;

        bench_restart(b, &(struct fake_options){ .release = "6.15.0", .pasid_bits = 16 });
        id = iommuctl_device_iommufd_id(b->device);
        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        assert_ok(b->ctx, iommuctl_hwpt_new(second, id, &o, &h));
        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, id, &o, &own));
        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, id, NULL, &plain));
        assert_ok(b->ctx, iommuctl_dma_map(second, page, sizeof(page),
                                           &(struct iommuctl_dma_options){
                                                   .struct_size = sizeof(struct iommuctl_dma_options),
                                                   .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                   .iova = AT },
                                           &dma));
        /* The table without a PASID must be made for PASIDs, too. */
        assert_fails(b->ctx, iommuctl_device_attach_pasid(b->device, 5, h), -EINVAL, "IOMMUCTL_HWPT_PASID");
        assert_ok(b->ctx, iommuctl_device_attach_hwpt(b->device, own));
        assert_ok(b->ctx, iommuctl_device_attach_pasid(b->device, 5, h));
        assert_int_equal(fake_dma_read_pasid(b->m, NIC, 5, AT, &byte, 1), 0);
        assert_int_equal(fake_dma_read(b->m, NIC, AT, &byte, 1), -EFAULT);
        assert_fails(b->ctx, iommuctl_device_attach_pasid(b->device, 6, plain), -EINVAL,
                     "IOMMUCTL_HWPT_PASID");
        assert_fails(b->ctx, iommuctl_device_attach_pasid(b->device, 0x10000, h), -EINVAL, "width");
        assert_fails(b->ctx, iommuctl_device_attach_pasid(b->device, 0, h), -EINVAL, "no PASID");
        assert_fails(b->ctx, iommuctl_device_attach_pasid(b->device, 0x100000, h), -EINVAL, "no PASID");
        assert_fails(b->ctx, iommuctl_device_detach_pasid(b->device, 6), -ENOENT, "PASID 0x6");
        assert_fails(b->ctx, iommuctl_device_attach_hwpt(b->device, plain), -EINVAL, "not attached");

        assert_ok(b->ctx, iommuctl_device_attach_pasid(b->device, 5, own)); /* moves */
        assert_int_equal(fake_dma_read_pasid(b->m, NIC, 5, AT, &byte, 1), -EFAULT);
        assert_ok(b->ctx, iommuctl_device_attach_pasid(b->device, 5, h));
        assert_ok(b->ctx, iommuctl_device_attach_pasid(b->device, 6, h));
        assert_ok(b->ctx, iommuctl_device_detach_pasid(b->device, 5));
        assert_int_equal(fake_dma_read_pasid(b->m, NIC, 5, AT, &byte, 1), -EFAULT);
        iommuctl_hwpt_unref(h);
        assert_int_equal(fake_dma_read_pasid(b->m, NIC, 6, AT, &byte, 1), 0);
        iommuctl_hwpt_unref(own);
        iommuctl_hwpt_unref(plain);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        iommuctl_container_unref(second);
}

static void test_pasids_need_a_new_kernel(void **state)
{
        struct bench *b = *state;
        struct iommuctl_hwpt_options o = with_flags(IOMMUCTL_HWPT_PASID);
        struct iommuctl_hwpt *h;

        bench_restart(b, &(struct fake_options){ .release = "6.14.0", .pasid_bits = 16 });
        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, iommuctl_device_iommufd_id(b->device), &o, &h));
        assert_fails(b->ctx, iommuctl_device_attach_pasid(b->device, 5, h), -EOPNOTSUPP, "6.15");
        iommuctl_hwpt_unref(h);
}

static struct fake *machine(void)
{
        return machine_vfio(&(struct fake_options){ .release = "6.15.0", .pasid_bits = 16 });
}

static int use_tables(struct iommuctl_container *c, struct iommuctl_device *d)
{
        struct iommuctl_hwpt_options parent = with_flags(IOMMUCTL_HWPT_NEST_PARENT),
                                     pasid = with_flags(IOMMUCTL_HWPT_PASID);
        const struct iommuctl_vtd_s1_invalidate all = { .n_pages = UINT64_MAX };
        struct iommuctl_hwpt *p = NULL, *child = NULL, *own = NULL;
        const uint32_t id = iommuctl_device_iommufd_id(d);
        int r;

        r = iommuctl_hwpt_new(c, id, &parent, &p);
        if (r >= 0)
                r = iommuctl_hwpt_new_nested(p, id, &nested, &child);
        if (r >= 0)
                r = iommuctl_device_attach_hwpt(d, child);
        if (r >= 0)
                r = iommuctl_hwpt_invalidate(child, IOMMUCTL_INVALIDATE_VTD_S1, &all, sizeof(all), 1, NULL);
        if (r >= 0)
                r = iommuctl_hwpt_new(c, id, &pasid, &own);
        if (r >= 0)
                r = iommuctl_device_attach_hwpt(d, own);
        if (r >= 0)
                r = iommuctl_device_attach_pasid(d, 7, own);
        if (r >= 0)
                r = iommuctl_device_detach_pasid(d, 7);
        iommuctl_hwpt_unref(p);
        iommuctl_hwpt_unref(child);
        iommuctl_hwpt_unref(own);
        return r;
}

static int run_tables(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        int r;

        (void)m;
        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_IOMMUFD, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        if (r >= 0)
                r = use_tables(c, d);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r;
}

static void test_failing(void **state)
{
        const struct scenario s = {
                .name = "page tables", .machine = machine, .run = run_tables, .lasting = true
        };

        (void)state;
        each_call_failing(&s);
        each_call_killed(&s, NULL);
}

#define IOMMUFD(test) cmocka_unit_test_setup_teardown(test, bench_iommufd, bench_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                IOMMUFD(test_a_device_in_a_table),
                IOMMUFD(test_ranges_come_back),
                IOMMUFD(test_nested),
                IOMMUFD(test_invalidate),
                IOMMUFD(test_refusals),
                IOMMUFD(test_what_a_machine_lacks),
                cmocka_unit_test_setup_teardown(test_needs_iommufd, bench_type1, bench_teardown),
                IOMMUFD(test_pasids),
                IOMMUFD(test_pasids_need_a_new_kernel),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("page tables", tests);
}
