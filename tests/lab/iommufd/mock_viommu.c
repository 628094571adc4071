/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mock.h"

#define GUEST_ID 0x42

/* What a guest has of the mock IOMMU. */
struct guest {
        struct iommuctl_container *c;
        struct mock m;
        struct iommuctl_hwpt *memory, *table;
        struct iommuctl_viommu *viommu;
        struct iommuctl_vdevice *vdevice;
};

struct viommu_data {
        uint32_t in, out;
        uint64_t mmap_offset, mmap_length;
};

struct invalidation {
        uint32_t flags, device, entry;
};

static bool cache_is(struct guest *g, uint32_t entry, uint32_t value)
{
        struct mock_command command = { .op = MOCK_OP_CHECK_CACHE,
                                        .id = g->m.device_id,
                                        .check = { entry, value } };

        return mock_call(g->c, &command) == 0;
}

static void make_viommu(struct guest *g)
{
        struct viommu_data data = { .in = 0x5a5a };
        struct iommuctl_viommu *none = NULL;

        GIVES("a vIOMMU, with data in and out", 0, "",
              iommuctl_viommu_new(g->memory, g->m.device_id, MOCK_VIOMMU, &data, sizeof(data), &g->viommu));
        CHECK("what went in came out", data.out == 0x5a5a && data.mmap_length == 2 * PAGE);
        GIVES("one of a type that the IOMMU does not have", -EOPNOTSUPP, "a vIOMMU",
              iommuctl_viommu_new(g->memory, g->m.device_id, IOMMUCTL_VIOMMU_ARM_SMMUV3, NULL, 0, &none));
        GIVES("one for no device", -ENOENT, "device 12345",
              iommuctl_viommu_new(g->memory, 12345, MOCK_VIOMMU, NULL, 0, &none));
        {
                char *page = mmap(NULL, data.mmap_length, PROT_READ | PROT_WRITE, MAP_SHARED,
                                  iommuctl_container_fd(g->c), (off_t)data.mmap_offset);

                if (CHECK("the guest's page is mapped by its offset", page != MAP_FAILED)) {
                        CHECK("and has what went in", *(uint32_t *)page == 0x5a5a);
                        munmap(page, data.mmap_length);
                }
        }
}

static void make_device(struct guest *g)
{
        uint32_t iotlb = 0x77;
        struct iommuctl_hwpt_options o = {
                .struct_size = sizeof(o), .data_type = MOCK_TABLE, .data = &iotlb, .data_size = sizeof(iotlb)
        };
        struct iommuctl_vdevice *again = NULL;

        GIVES("a guest's page table in the vIOMMU", 0, "",
              iommuctl_viommu_new_hwpt(g->viommu, g->m.device_id, &o, &g->table));
        GIVES("is for devices that the guest knows", -ENOENT, "",
              mock_replace(g->c, &g->m, iommuctl_hwpt_id(g->table)));
        GIVES("now it knows this one", 0, "",
              iommuctl_vdevice_new(g->viommu, g->m.device_id, GUEST_ID, &g->vdevice));
        GIVES("by one number", -EEXIST, "already",
              iommuctl_vdevice_new(g->viommu, g->m.device_id, 0x43, &again));
        GIVES("the device sees the guest's table", 0, "",
              mock_replace(g->c, &g->m, iommuctl_hwpt_id(g->table)));
        CHECK("as it was given", mock_iotlb_is(g->c, iommuctl_hwpt_id(g->table), 1, 0x77));
}

static void invalidate(struct guest *g)
{
        struct invalidation requests[2] = { { 0, GUEST_ID, 1 }, { 0, 0x99, 2 } };
        size_t done = 77;

        CHECK("its caches are full", cache_is(g, 0, MOCK_CACHE) && cache_is(g, 1, MOCK_CACHE));
        GIVES("a command for it, and one for a device that the guest does not have", -EINVAL, "takes 1 of 2",
              iommuctl_viommu_invalidate(g->viommu, MOCK_VIOMMU_INVALIDATE, requests, sizeof(requests[0]), 2,
                                         &done));
        CHECK("one was done", done == 1 && cache_is(g, 0, MOCK_CACHE) && cache_is(g, 1, 0));
        requests[0].flags = 1;
        GIVES("all", 0, "",
              iommuctl_viommu_invalidate(g->viommu, MOCK_VIOMMU_INVALIDATE, requests, sizeof(requests[0]), 1,
                                         &done));
        CHECK("is all", done == 1 && cache_is(g, 0, 0) && cache_is(g, 3, 0));
        GIVES("a type that is none", -EINVAL, "0xdadbeef",
              iommuctl_viommu_invalidate(g->viommu, 0xdadbeef, requests, sizeof(requests[0]), 1, &done));
}

static int event(struct guest *g)
{
        struct mock_command command = { .op = MOCK_OP_EVENT, .device_id = g->m.device_id };

        return mock_call(g->c, &command);
}

static void read_events(struct guest *g)
{
        struct iommuctl_veventq *q = NULL, *again = NULL;
        struct iommuctl_vevent e = { 0 };
        uint32_t data = 0;
        uint64_t large;

        GIVES("a queue of no events", -EINVAL, "queue",
              iommuctl_veventq_new(g->viommu, MOCK_EVENTS, 0, &again));
        GIVES("a queue of two events", 0, "", iommuctl_veventq_new(g->viommu, MOCK_EVENTS, 2, &q));
        GIVES("is the only one of its type", -EEXIST, "already",
              iommuctl_veventq_new(g->viommu, MOCK_EVENTS, 2, &again));
        CHECK("nothing is in it",
              iommuctl_veventq_wait(q, 0) == 0 && iommuctl_veventq_read(q, &data, sizeof(data), &e) == 0);
        CHECK("four events are told", event(g) == 0 && event(g) == 0 && event(g) == 0 && event(g) == 0);
        CHECK("which is seen", iommuctl_veventq_wait(q, 5000) == 1);
        GIVES("one is larger than a byte", -EINVAL, "more than 1 bytes",
              iommuctl_veventq_read(q, &data, 1, &e));
        CHECK("the first", iommuctl_veventq_read(q, &data, sizeof(data), &e) == 1 && data == GUEST_ID &&
                                   e.sequence == 0 && !e.lost && e.size == sizeof(data));
        CHECK("the second",
              iommuctl_veventq_read(q, &data, sizeof(data), &e) == 1 && e.sequence == 1 && !e.lost);
        CHECK("the others were lost",
              iommuctl_veventq_read(q, &data, sizeof(data), &e) == 1 && e.lost && e.size == 0);
        printf("#   up to sequence %u\n", e.sequence);
        CHECK("and that is all", iommuctl_veventq_read(q, &data, sizeof(data), &e) == 0);
        CHECK("one more", event(g) == 0);
        GIVES("is not as large as eight bytes", -EPROTO, "not 16",
              iommuctl_veventq_read(q, &large, sizeof(large), &e));
        iommuctl_veventq_unref(q);
        GIVES("a queue goes and comes again", 0, "", iommuctl_veventq_new(g->viommu, MOCK_EVENTS, 2, &q));
        iommuctl_veventq_unref(q);
}

static void make_queues(struct guest *g)
{
        struct iommuctl_hw_queue *first = NULL, *second = NULL, *none = NULL;
        void *page = pages(1);
        struct iommuctl_dma *dma = map_at(g->c, page, MOCK_FIRST);
        uint32_t id;

        GIVES("a hardware queue where nothing is mapped", -ENOENT, "mapped",
              iommuctl_hw_queue_new(g->viommu, MOCK_HW_QUEUE, 0, MOCK_FIRST + 16 * PAGE, PAGE, &none));
        GIVES("the second before the first", -EIO, "queue",
              iommuctl_hw_queue_new(g->viommu, MOCK_HW_QUEUE, 1, MOCK_FIRST, PAGE, &none));
        GIVES("one that does not end", -EOVERFLOW, "queue",
              iommuctl_hw_queue_new(g->viommu, MOCK_HW_QUEUE, 0, UINT64_MAX, PAGE, &none));
        GIVES("the first", 0, "",
              iommuctl_hw_queue_new(g->viommu, MOCK_HW_QUEUE, 0, MOCK_FIRST, PAGE, &first));
        GIVES("the first again", -EEXIST, "queue",
              iommuctl_hw_queue_new(g->viommu, MOCK_HW_QUEUE, 0, MOCK_FIRST, PAGE, &none));
        GIVES("the second", 0, "",
              iommuctl_hw_queue_new(g->viommu, MOCK_HW_QUEUE, 1, MOCK_FIRST, PAGE, &second));
        GIVES("what lies below them stays mapped", -EBUSY, "cannot be unmapped", iommuctl_dma_unmap(dma));
        id = iommuctl_hw_queue_id(first);
        iommuctl_hw_queue_unref(first);
        CHECK("the first is there while the second is", kernel_knows(g->c, id));
        iommuctl_hw_queue_unref(second);
        CHECK("and goes with it", !kernel_knows(g->c, id));
        GIVES("now it is unmapped", 0, "", iommuctl_dma_unmap(dma));
        munmap(page, PAGE);
}

void test_mock_viommu(void)
{
        struct iommuctl_hwpt_options parent = { .struct_size = sizeof(parent),
                                                .flags = IOMMUCTL_HWPT_NEST_PARENT };
        struct guest g = { .c = new_container() };
        uint32_t ids[3];

        g.m = mock_new(g.c);
        GIVES("a guest's memory", 0, "", iommuctl_hwpt_new(g.c, g.m.device_id, &parent, &g.memory));
        if (kernel_is(6, 17)) {
                make_viommu(&g);
                make_device(&g);
                invalidate(&g);
                read_events(&g);
                make_queues(&g);
                GIVES("the device goes back", 0, "",
                      mock_replace(g.c, &g.m, iommuctl_container_ioas_id(g.c)));
        } else {
                GIVES("a vIOMMU needs a newer kernel", -EOPNOTSUPP, "6.13",
                      iommuctl_viommu_new(g.memory, g.m.device_id, MOCK_VIOMMU, NULL, 0, &g.viommu));
        }
        /* The roots first: each stays for what was made from it. */
        ids[0] = iommuctl_hwpt_id(g.memory);
        ids[1] = g.viommu ? iommuctl_viommu_id(g.viommu) : 0;
        ids[2] = g.vdevice ? iommuctl_vdevice_id(g.vdevice) : 0;
        iommuctl_hwpt_unref(g.memory);
        iommuctl_viommu_unref(g.viommu);
        if (ids[1])
                CHECK("memory and vIOMMU are kept", kernel_knows(g.c, ids[0]) && kernel_knows(g.c, ids[1]));
        iommuctl_vdevice_unref(g.vdevice);
        iommuctl_hwpt_unref(g.table);
        for (int i = 0; i < 3; i++)
                if (ids[i])
                        CHECK("it is gone", !kernel_knows(g.c, ids[i]));
        mock_free(g.c, &g.m);
        iommuctl_container_unref(g.c);
}
