/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the IOMMU says of itself, page requests, and a guest's share of an IOMMU. */
#include "machines.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "fake_uapi.h"
#include "iommuctl/fault_queue.h"
#include "iommuctl/hw_info.h"
#include "iommuctl/veventq.h"

static char page[4096] __attribute__((aligned(4096)));

static const struct iommuctl_vtd_s1 guest_table = { .address = 0x1000, .address_width = 48 };
static const struct iommuctl_arm_smmuv3_ste guest_ste = { { 1, 0 } };

static struct iommuctl_hwpt_options with_flags(unsigned int flags)
{
        return (struct iommuctl_hwpt_options){ .struct_size = sizeof(struct iommuctl_hwpt_options),
                                               .flags = flags };
}

static struct iommuctl_hwpt_options with_data(uint32_t type, const void *data, size_t size)
{
        return (struct iommuctl_hwpt_options){ .struct_size = sizeof(struct iommuctl_hwpt_options),
                                               .data_type = type,
                                               .data = data,
                                               .data_size = size };
}

static void test_hw_info(void **state)
{
        struct bench *b = *state;
        const uint32_t id = iommuctl_device_iommufd_id(b->device);
        struct iommuctl_hw_arm_smmuv3 smmu = { .aidr = 7 };
        struct iommuctl_hw_info *info = NULL;
        struct iommuctl_hw_vtd vtd;
        struct iommuctl_hw_amd amd;
        size_t size;

        assert_ok(b->ctx, iommuctl_hw_info_new(b->container, id, IOMMUCTL_HW_NONE, &info));
        assert_int_equal(iommuctl_hw_info_kind(info), IOMMUCTL_HW_INTEL_VTD);
        assert_string_equal(iommuctl_hw_kind_name(iommuctl_hw_info_kind(info)), "intel-vt-d");
        assert_int_equal(iommuctl_hw_info_capabilities(info), IOMMUCTL_HW_DIRTY_TRACKING);
        assert_int_equal(iommuctl_hw_info_pasid_bits(info), 0);
        assert_true(iommuctl_hw_info_vtd(info, &vtd));
        assert_int_equal(vtd.cap, 0xd2008c22260286);
        assert_int_equal(vtd.ecap, 0xf00f5a);
        assert_memory_equal(iommuctl_hw_info_data(info, &size), &vtd, sizeof(vtd));
        assert_int_equal(size, sizeof(vtd));
        assert_false(iommuctl_hw_info_arm_smmuv3(info, &smmu));
        assert_int_equal(smmu.aidr, 7);
        assert_false(iommuctl_hw_info_amd(info, &amd));
        iommuctl_hw_info_free(info);
        info = NULL;
        assert_fails(b->ctx, iommuctl_hw_info_new(b->container, 999, 0, &info), -ENOENT, "device 999");
        assert_fails(b->ctx, iommuctl_hw_info_new(b->container, id, IOMMUCTL_HW_TEGRA241_CMDQV, &info),
                     -EOPNOTSUPP, "6.17");
        bench_restart(b, &(struct fake_options){ .release = "6.17.1", .smmuv3 = true, .pasid_bits = 16 });
        assert_ok(b->ctx, iommuctl_hw_info_new(b->container, iommuctl_device_iommufd_id(b->device),
                                               IOMMUCTL_HW_ARM_SMMUV3, &info));
        assert_true(iommuctl_hw_info_arm_smmuv3(info, &smmu));
        assert_int_equal(smmu.aidr, 3);
        assert_int_equal(iommuctl_hw_info_pasid_bits(info), 16);
        iommuctl_hw_info_free(info);
        iommuctl_hw_info_free(NULL);
        assert_null(iommuctl_hw_kind_name(1000));
}

static void test_hw_info_needs_iommufd(void **state)
{
        struct bench *b = *state;
        struct iommuctl_fault_queue *q = NULL;
        struct iommuctl_hw_info *info = NULL;

        assert_fails(b->ctx, iommuctl_hw_info_new(b->container, 1, 0, &info), -EOPNOTSUPP, "type1");
        assert_fails(b->ctx, iommuctl_fault_queue_new(b->container, &q), -EOPNOTSUPP, "type1");
}

/* The NIC behind a nested page table with a fault queue. */
static struct fake *machine_with_faults(const struct fake_options *options)
{
        struct fake *m = fake_machine_new(options);

        fake_add_pci(m, NIC,
                     &(struct fake_pci){ .vendor = 0x8086,
                                         .device = 0x10d3,
                                         .driver = "vfio-pci",
                                         .group = 8,
                                         .page_requests = true });
        return m;
}

static void test_faults(void **state)
{
        struct iommuctl_hwpt_options parent = with_flags(IOMMUCTL_HWPT_NEST_PARENT);
        struct iommuctl_hwpt_options o = with_data(IOMMUCTL_HWPT_DATA_VTD_S1, &guest_table,
                                                   sizeof(guest_table));
        struct bench b = { .m = machine_with_faults(NULL) };
        struct iommuctl_page_request requests[4];
        struct iommuctl_page_response answers[2];
        struct iommuctl_fault_queue *q;
        struct iommuctl_hwpt *p, *h;
        uint32_t id;

        (void)state;
        b.ctx = new_ctx(b.m);
        assert_ok(b.ctx, iommuctl_container_new(b.ctx, IOMMUCTL_BACKEND_IOMMUFD, &b.container));
        assert_ok(b.ctx, iommuctl_device_open(b.container, NIC, &b.device));
        id = iommuctl_device_iommufd_id(b.device);
        assert_ok(b.ctx, iommuctl_fault_queue_new(b.container, &q));
        assert_true(iommuctl_fault_queue_id(q) > 0);
        o.faults = q;
        assert_ok(b.ctx, iommuctl_hwpt_new(b.container, id, &parent, &p));
        assert_ok(b.ctx, iommuctl_hwpt_new_nested(p, id, &o, &h));
        parent.faults = q;
        parent.flags = 0;
        assert_fails(b.ctx, iommuctl_hwpt_new(b.container, id, &parent, &h), -EOPNOTSUPP, "6.13");
        assert_ok(b.ctx, iommuctl_device_attach_hwpt(b.device, h));
        iommuctl_hwpt_unref(p);
        iommuctl_hwpt_unref(h);

        assert_int_equal(iommuctl_fault_queue_wait(q, 0), 0);
        assert_int_equal(iommuctl_fault_queue_read(q, requests, 4), 0);
        for (unsigned int i = 0; i < 3; i++)
                assert_int_equal(fake_page_request(b.m, NIC, 0x5000 + i * 0x1000, IOMMUCTL_PAGE_WRITE), 1);
        assert_int_equal(iommuctl_fault_queue_wait(q, -1), 1);
        assert_int_equal(poll(&(struct pollfd){ .fd = iommuctl_fault_queue_fd(q), .events = POLLIN }, 1, 0),
                         1);
        assert_int_equal(iommuctl_fault_queue_read(q, requests, 2), 2);
        assert_int_equal(requests[0].device_id, id);
        assert_int_equal(requests[0].address, 0x5000);
        assert_int_equal(requests[0].access, IOMMUCTL_PAGE_WRITE);
        assert_int_equal(requests[0].flags, IOMMUCTL_PAGE_REQUEST_LAST);
        assert_fails(b.ctx, iommuctl_fault_queue_read(q, requests, 0), -EINVAL, "more than 0");
        assert_int_equal(iommuctl_fault_queue_read(q, requests + 2, 2), 1);
        assert_int_equal(iommuctl_fault_queue_wait(q, 0), 0);

        answers[0] = (struct iommuctl_page_response){ requests[1].cookie, IOMMUCTL_PAGE_DONE };
        answers[1] = (struct iommuctl_page_response){ 77, IOMMUCTL_PAGE_DONE };
        assert_int_equal(iommuctl_fault_queue_respond(q, answers, 2), 1);
        assert_int_equal(fake_page_answers(b.m, NIC, IOMMUCTL_PAGE_DONE), 1);
        assert_fails(b.ctx, iommuctl_fault_queue_respond(q, answers, 1), -EINVAL, "cookie");
        answers[0] = (struct iommuctl_page_response){ requests[0].cookie, 9 };
        assert_fails(b.ctx, iommuctl_fault_queue_respond(q, answers, 1), -EINVAL, "answer 9");
        answers[0].answer = IOMMUCTL_PAGE_INVALID;
        assert_int_equal(iommuctl_fault_queue_respond(q, answers, 1), 1);
        assert_int_equal(iommuctl_fault_queue_respond(q, answers, 0), 0);

        /* The one that nobody answered is answered when the device leaves the table. The device keeps the
         * queue. */
        iommuctl_fault_queue_unref(q);
        assert_int_equal(fake_page_answers(b.m, NIC, IOMMUCTL_PAGE_INVALID), 1);
        assert_ok(b.ctx, iommuctl_device_detach(b.device));
        assert_int_equal(fake_page_answers(b.m, NIC, IOMMUCTL_PAGE_INVALID), 2);

        iommuctl_device_unref(b.device);
        iommuctl_container_unref(b.container);
        iommuctl_ctx_unref(b.ctx);
        assert_clean(b.m, 0);
        fake_machine_free(b.m);
}

static void test_faults_refused(void **state)
{
        struct bench *b = *state;
        struct iommuctl_hwpt_options parent = with_flags(IOMMUCTL_HWPT_NEST_PARENT);
        struct iommuctl_hwpt_options o = with_data(IOMMUCTL_HWPT_DATA_VTD_S1, &guest_table,
                                                   sizeof(guest_table));
        const uint32_t id = iommuctl_device_iommufd_id(b->device);
        struct iommuctl_container *other;
        struct iommuctl_fault_queue *q, *foreign;
        struct iommuctl_hwpt *p, *h = NULL;

        assert_ok(b->ctx, iommuctl_fault_queue_new(b->container, &q));
        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, id, &parent, &p));
        o.faults = q;
        assert_ok(b->ctx, iommuctl_hwpt_new_nested(p, id, &o, &h));
        assert_fails(b->ctx, iommuctl_device_attach_hwpt(b->device, h), -ENODEV, "not attached");
        iommuctl_hwpt_unref(h);
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_IOMMUFD, &other));
        assert_ok(b->ctx, iommuctl_fault_queue_new(other, &foreign));
        o.faults = foreign;
        assert_fails(b->ctx, iommuctl_hwpt_new_nested(p, id, &o, &h), -EINVAL, "another iommufd");
        iommuctl_container_unref(other);
        iommuctl_fault_queue_unref(foreign);
        iommuctl_fault_queue_unref(q);
        iommuctl_hwpt_unref(p);
        bench_restart(b, &(struct fake_options){ .release = "6.10.0" });
        assert_fails(b->ctx, iommuctl_fault_queue_new(b->container, &q), -EOPNOTSUPP, "needs Linux 6.11");
}

struct guest {
        struct iommuctl_hwpt *parent, *table;
        struct iommuctl_viommu *viommu;
        struct iommuctl_vdevice *vdevice;
        struct iommuctl_veventq *events;
};

/* The whole of a guest with one device; what fails leaves the rest NULL. */
static int guest_new(struct iommuctl_container *c, struct iommuctl_device *d, struct guest *g)
{
        struct iommuctl_hwpt_options parent = with_flags(IOMMUCTL_HWPT_NEST_PARENT);
        struct iommuctl_hwpt_options table = with_data(IOMMUCTL_HWPT_DATA_ARM_SMMUV3, &guest_ste,
                                                       sizeof(guest_ste));
        const uint32_t id = iommuctl_device_iommufd_id(d);
        int r;

        r = iommuctl_hwpt_new(c, id, &parent, &g->parent);
        if (r >= 0)
                r = iommuctl_viommu_new(g->parent, id, IOMMUCTL_VIOMMU_ARM_SMMUV3, NULL, 0, &g->viommu);
        if (r >= 0)
                r = iommuctl_vdevice_new(g->viommu, id, 0x42, &g->vdevice);
        if (r >= 0)
                r = iommuctl_viommu_new_hwpt(g->viommu, id, &table, &g->table);
        if (r >= 0)
                r = iommuctl_device_attach_hwpt(d, g->table);
        if (r >= 0)
                r = iommuctl_veventq_new(g->viommu, IOMMUCTL_VEVENTQ_ARM_SMMUV3, 2, &g->events);
        return r;
}

static void guest_free(struct guest *g)
{
        /* The roots first. */
        iommuctl_hwpt_unref(g->parent);
        iommuctl_viommu_unref(g->viommu);
        iommuctl_vdevice_unref(g->vdevice);
        iommuctl_hwpt_unref(g->table);
        iommuctl_veventq_unref(g->events);
}

static void restart_smmu(struct bench *b)
{
        bench_restart(b, &(struct fake_options){ .release = "7.2.0", .smmuv3 = true });
}

static void test_viommu(void **state)
{
        struct bench *b = *state;
        const struct iommuctl_arm_smmuv3_command commands[3] = { { { 0x10, 0 } },
                                                                 { { 0x12, 0 } },
                                                                 { { 0x3, 0 } } };
        struct guest g = { NULL };
        size_t done = 0;

        restart_smmu(b);
        assert_ok(b->ctx, guest_new(b->container, b->device, &g));
        assert_ptr_equal(iommuctl_viommu_parent(g.viommu), g.parent);
        assert_ptr_equal(iommuctl_vdevice_viommu(g.vdevice), g.viommu);
        assert_ptr_equal(iommuctl_hwpt_parent(g.table), g.parent);
        assert_int_not_equal(iommuctl_viommu_id(g.viommu), iommuctl_vdevice_id(g.vdevice));
        assert_ok(b->ctx, iommuctl_viommu_invalidate(g.viommu, IOMMUCTL_INVALIDATE_ARM_SMMUV3, commands,
                                                     sizeof(commands[0]), 2, &done));
        assert_int_equal(done, 2);
        assert_fails(b->ctx,
                     iommuctl_viommu_invalidate(g.viommu, IOMMUCTL_INVALIDATE_ARM_SMMUV3, commands,
                                                sizeof(commands[0]), 3, &done),
                     -EIO, "takes 2 of 3");
        guest_free(&g);
        assert_ok(b->ctx, iommuctl_device_detach(b->device));
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), 5);
}

static void test_viommu_refused(void **state)
{
        struct bench *b = *state;
        struct iommuctl_hwpt_options table = with_data(IOMMUCTL_HWPT_DATA_ARM_SMMUV3, &guest_ste,
                                                       sizeof(guest_ste));
        struct iommuctl_viommu *viommu = NULL;
        struct iommuctl_vdevice *again = NULL;
        struct iommuctl_veventq *events = NULL;
        struct guest g = { NULL };
        struct iommuctl_hwpt *plain, *h;
        uint32_t id;

        restart_smmu(b);
        id = iommuctl_device_iommufd_id(b->device);
        assert_ok(b->ctx, guest_new(b->container, b->device, &g));
        assert_fails(b->ctx, iommuctl_viommu_new(g.parent, id, 9, NULL, 0, &viommu), -EOPNOTSUPP, NIC);
        assert_fails(b->ctx, iommuctl_viommu_new(g.parent, 999, 1, NULL, 0, &viommu), -ENOENT, "device 999");
        assert_fails(b->ctx, iommuctl_viommu_new(g.parent, id, 1, NULL, 7, &viommu), -EINVAL, "needs both");
        assert_fails(b->ctx, iommuctl_vdevice_new(g.viommu, id, 0x43, &again), -EEXIST, NIC);
        assert_fails(b->ctx, iommuctl_veventq_new(g.viommu, 1, 2, &events), -EEXIST, "already");
        assert_fails(b->ctx, iommuctl_veventq_new(g.viommu, 2, 0, &events), -EINVAL, "refused");
        assert_fails(b->ctx, iommuctl_veventq_new(g.viommu, 2, 4, &events), -EOPNOTSUPP, "6.15");
        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, id, NULL, &plain));
        assert_fails(b->ctx, iommuctl_viommu_new(plain, id, 1, NULL, 0, &viommu), -EINVAL, "a vIOMMU");
        iommuctl_hwpt_unref(plain);

        /* Without a number in the guest there is no stream to set up. */
        assert_ok(b->ctx, iommuctl_device_attach(b->device, b->container));
        iommuctl_vdevice_unref(g.vdevice);
        g.vdevice = NULL;
        assert_ok(b->ctx, iommuctl_viommu_new_hwpt(g.viommu, id, &table, &h));
        assert_fails(b->ctx, iommuctl_device_attach_hwpt(b->device, h), -ENOENT, "not attached");
        iommuctl_hwpt_unref(h);
        guest_free(&g);
        assert_null(viommu);
        assert_null(again);
        assert_null(events);

        bench_restart(b, &(struct fake_options){ .release = "6.12.0" });
        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, iommuctl_device_iommufd_id(b->device),
                                            &(struct iommuctl_hwpt_options){
                                                    .struct_size = sizeof(struct iommuctl_hwpt_options),
                                                    .flags = IOMMUCTL_HWPT_NEST_PARENT },
                                            &plain));
        assert_fails(b->ctx, iommuctl_viommu_new(plain, 1, 1, NULL, 0, &viommu), -EOPNOTSUPP,
                     "needs Linux 6.13");
        iommuctl_hwpt_unref(plain);
}

static void test_a_guests_device_keeps_the_device(void **state)
{
        struct bench *b = *state;
        struct guest g = { NULL };

        restart_smmu(b);
        assert_ok(b->ctx, guest_new(b->container, b->device, &g));
        b->device = iommuctl_device_unref(b->device);
        assert_int_equal(fake_vevent(b->m, NIC, 1), 1);
        guest_free(&g);
}

static void test_events(void **state)
{
        struct bench *b = *state;
        struct iommuctl_vevent_arm_smmuv3 event, expected;
        struct iommuctl_vevent e = { .sequence = 77 };
        struct guest g = { NULL };
        uint8_t small[8];

        restart_smmu(b);
        assert_ok(b->ctx, guest_new(b->container, b->device, &g));
        assert_true(iommuctl_veventq_id(g.events) > 0);
        assert_int_equal(iommuctl_veventq_wait(g.events, 0), 0);
        assert_int_equal(iommuctl_veventq_read(g.events, &event, sizeof(event), &e), 0);
        assert_int_equal(e.sequence, 77);
        for (unsigned int i = 0; i < 4; i++)
                assert_int_equal(fake_vevent(b->m, NIC, (uint8_t)(0x11 * (i + 1))), i < 2);
        assert_int_equal(iommuctl_veventq_wait(g.events, -1), 1);
        assert_int_equal(
                poll(&(struct pollfd){ .fd = iommuctl_veventq_fd(g.events), .events = POLLIN }, 1, 0), 1);
        assert_fails(b->ctx, iommuctl_veventq_read(g.events, small, sizeof(small), &e), -EINVAL,
                     "more than 8");
        for (unsigned int i = 0; i < 2; i++) {
                memset(&expected, (int)(0x11 * (i + 1)), sizeof(expected));
                assert_int_equal(iommuctl_veventq_read(g.events, &event, sizeof(event), &e), 1);
                assert_memory_equal(&event, &expected, sizeof(event));
                assert_int_equal(e.sequence, i);
                assert_false(e.lost);
                assert_int_equal(e.size, sizeof(event));
        }
        assert_int_equal(iommuctl_veventq_read(g.events, &event, sizeof(event), &e), 1);
        assert_true(e.lost);
        assert_int_equal(e.size, 0);
        assert_int_equal(e.sequence, 3);
        assert_int_equal(iommuctl_veventq_read(g.events, &event, sizeof(event), &e), 0);
        assert_fails(b->ctx, iommuctl_veventq_read(g.events, &event, 5000, &e), -EINVAL, "4096");
        /* Room for more than one is no way to ask for one. */
        assert_int_equal(fake_vevent(b->m, NIC, 1), 1);
        {
                char large[64];

                assert_fails(b->ctx, iommuctl_veventq_read(g.events, large, sizeof(large), &e), -EPROTO,
                             "not 72");
        }
        guest_free(&g);
}

static void test_hw_queue(void **state)
{
        struct bench *b = *state;
        struct iommuctl_hwpt_options parent = with_flags(IOMMUCTL_HWPT_NEST_PARENT);
        const struct iommuctl_dma_options at = { .struct_size = sizeof(at),
                                                 .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                 .iova = 0x10000 };
        struct iommuctl_viommu_tegra241_cmdqv data = { 0, 0 };
        struct iommuctl_hw_queue *q = NULL, *again = NULL;
        struct iommuctl_viommu *v;
        struct iommuctl_hwpt *p;
        struct iommuctl_dma *dma;
        uint32_t id;

        restart_smmu(b);
        id = iommuctl_device_iommufd_id(b->device);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, page, sizeof(page), &at, &dma));
        assert_ok(b->ctx, iommuctl_hwpt_new(b->container, id, &parent, &p));
        assert_ok(b->ctx,
                  iommuctl_viommu_new(p, id, IOMMUCTL_VIOMMU_TEGRA241_CMDQV, &data, sizeof(data), &v));
        assert_int_equal(data.mmap_offset, 0x4000);
        assert_int_equal(data.mmap_length, 0x10000);
        assert_ok(b->ctx, iommuctl_hw_queue_new(v, IOMMUCTL_HW_QUEUE_TEGRA241_CMDQV, 0, 0x10000, 4096, &q));
        assert_true(iommuctl_hw_queue_id(q) > 0);
        assert_fails(b->ctx, iommuctl_hw_queue_new(v, 1, 0, 0x10000, 4096, &again), -EEXIST, "queue");
        assert_fails(b->ctx, iommuctl_hw_queue_new(v, 1, 1, 0x20000, 4096, &again), -ENOENT, "mapped");
        assert_fails(b->ctx, iommuctl_hw_queue_new(v, 1, 1, UINT64_MAX, 4096, &again), -EOVERFLOW, "queue");
        assert_fails(b->ctx, iommuctl_hw_queue_new(v, 9, 1, 0x10000, 4096, &again), -EOPNOTSUPP, "6.17");
        assert_fails(b->ctx, iommuctl_hw_queue_new(v, 1, 2, 0x10000, 4096, &again), -EIO, "queue");
        assert_null(again);
        assert_ok(b->ctx, iommuctl_hw_queue_new(v, 1, 1, 0x10000, 4096, &again));
        iommuctl_hwpt_unref(p);
        iommuctl_viommu_unref(v);
        assert_ptr_equal(iommuctl_hw_queue_ref(q), q);
        iommuctl_hw_queue_unref(q);
        iommuctl_hw_queue_unref(q); /* the first before the second, which the kernel does not let go */
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), 0);
        iommuctl_hw_queue_unref(again);
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), 4);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static struct fake *machine(void)
{
        return machine_with_faults(&(struct fake_options){ .release = "7.2.0", .smmuv3 = true });
}

static int run_guest(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_vevent_arm_smmuv3 event;
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct guest g = { NULL };
        struct iommuctl_vevent e;
        int r;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_IOMMUFD, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        if (r >= 0)
                r = guest_new(c, d, &g);
        if (r >= 0)
                fake_vevent(m, NIC, 1);
        if (r >= 0)
                r = iommuctl_veventq_wait(g.events, 1);
        if (r >= 0)
                r = iommuctl_veventq_read(g.events, &event, sizeof(event), &e);
        guest_free(&g);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r < 0 ? r : 0;
}

static int run_faults(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_hwpt_options o = with_flags(0);
        struct iommuctl_hw_info *info = NULL;
        struct iommuctl_page_request request;
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_hwpt *h = NULL;
        ssize_t n = 0;
        int r;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_IOMMUFD, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        if (r >= 0)
                r = iommuctl_hw_info_new(c, iommuctl_device_iommufd_id(d), 0, &info);
        if (r >= 0)
                r = iommuctl_fault_queue_new(c, &o.faults);
        if (r >= 0)
                r = iommuctl_hwpt_new(c, iommuctl_device_iommufd_id(d), &o, &h);
        if (r >= 0)
                r = iommuctl_device_attach_hwpt(d, h);
        if (r >= 0) {
                fake_page_request(m, NIC, 0x1000, 1);
                n = iommuctl_fault_queue_read(o.faults, &request, 1);
        }
        if (r >= 0 && n == 1)
                n = iommuctl_fault_queue_respond(
                        o.faults, &(struct iommuctl_page_response){ request.cookie, IOMMUCTL_PAGE_DONE }, 1);
        iommuctl_hw_info_free(info);
        iommuctl_fault_queue_unref(o.faults);
        iommuctl_hwpt_unref(h);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r < 0 ? r : n < 0 ? (int)n : 0;
}

static void test_failing(void **state)
{
        const struct scenario guest = {
                .name = "a guest", .machine = machine, .run = run_guest, .lasting = true
        };
        const struct scenario faults = {
                .name = "faults", .machine = machine, .run = run_faults, .lasting = true
        };

        (void)state;
        each_call_failing(&guest);
        each_call_killed(&guest, NULL);
        each_call_failing(&faults);
        each_call_killed(&faults, NULL);
}

#define IOMMUFD(test) cmocka_unit_test_setup_teardown(test, bench_iommufd, bench_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                IOMMUFD(test_hw_info),
                cmocka_unit_test_setup_teardown(test_hw_info_needs_iommufd, bench_type1, bench_teardown),
                cmocka_unit_test(test_faults),
                IOMMUFD(test_faults_refused),
                IOMMUFD(test_viommu),
                IOMMUFD(test_viommu_refused),
                IOMMUFD(test_a_guests_device_keeps_the_device),
                IOMMUFD(test_events),
                IOMMUFD(test_hw_queue),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("vIOMMUs", tests);
}
