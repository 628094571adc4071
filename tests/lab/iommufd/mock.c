/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mock.h"

#include <sys/ioctl.h>

#include "uapi.h"

int mock_call(struct iommuctl_container *c, struct mock_command *command)
{
        command->size = sizeof(*command);
        return ioctl(iommuctl_container_fd(c), MOCK_COMMAND, command) < 0 ? -errno : 0;
}

struct mock mock_new(struct iommuctl_container *c)
{
        struct mock_command command = { .op = MOCK_OP_DOMAIN, .id = iommuctl_container_ioas_id(c) };
        int r = mock_call(c, &command);

        if (r < 0) {
                printf("Bail out! no mock device: %s\n", strerror(-r));
                exit(1);
        }
        return (struct mock){ command.domain.selftest_id, command.domain.hwpt_id, command.domain.device_id };
}

void mock_free(struct iommuctl_container *c, const struct mock *m)
{
        struct uapi_iommu_destroy destroy = { .size = sizeof(destroy), .id = m->selftest_id };

        CHECK("the mock device goes", ioctl(iommuctl_container_fd(c), UAPI_IOMMU_DESTROY, &destroy) == 0);
}

int mock_replace(struct iommuctl_container *c, const struct mock *m, uint32_t pt_id)
{
        struct mock_command command = { .op = MOCK_OP_REPLACE, .id = m->selftest_id, .pt_id = pt_id };

        return mock_call(c, &command);
}

bool mock_iotlb_is(struct iommuctl_container *c, uint32_t hwpt_id, uint32_t entry, uint32_t value)
{
        struct mock_command command = { .op = MOCK_OP_CHECK_IOTLB, .id = hwpt_id, .check = { entry, value } };

        return mock_call(c, &command) == 0;
}

bool kernel_knows(struct iommuctl_container *c, uint32_t id)
{
        struct uapi_iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

        return ioctl(iommuctl_container_fd(c), UAPI_IOMMU_DESTROY, &destroy) == 0 || errno != ENOENT;
}

static struct iommuctl_hwpt_options nested_options(uint32_t *iotlb)
{
        return (struct iommuctl_hwpt_options){ .struct_size = sizeof(struct iommuctl_hwpt_options),
                                               .data_type = MOCK_TABLE,
                                               .data = iotlb,
                                               .data_size = sizeof(*iotlb) };
}

static struct iommuctl_hwpt_options flag_options(unsigned int flags)
{
        return (struct iommuctl_hwpt_options){ .struct_size = sizeof(struct iommuctl_hwpt_options),
                                               .flags = flags };
}

static void test_hw_info(struct iommuctl_container *c, const struct mock *m)
{
        struct iommuctl_hw_info *info = NULL;
        struct iommuctl_hw_vtd vtd;
        const uint32_t *data;
        size_t size = 0;

        GIVES("the mock IOMMU describes itself", 0, "", iommuctl_hw_info_new(c, m->device_id, 0, &info));
        data = iommuctl_hw_info_data(info, &size);
        CHECK("its kind, its register, its size",
              iommuctl_hw_info_kind(info) == MOCK_HW_INFO && size == 8 && data[1] == MOCK_HW_REGISTER);
        CHECK("it sees dirty pages", iommuctl_hw_info_capabilities(info) & IOMMUCTL_HW_DIRTY_TRACKING);
        CHECK("it is no VT-d, and has no name",
              !iommuctl_hw_info_vtd(info, &vtd) && !iommuctl_hw_kind_name(iommuctl_hw_info_kind(info)));
        iommuctl_hw_info_free(info);
        info = NULL;
        GIVES("a device that is not there", -ENOENT, "device 12345",
              iommuctl_hw_info_new(c, 12345, 0, &info));
        GIVES("an IOMMU of a kind that it is not", -EOPNOTSUPP, "6.17",
              iommuctl_hw_info_new(c, m->device_id, IOMMUCTL_HW_AMD, &info));
}

/* The device is on another address space of the iommufd, so that what a page table does to the ranges is seen
 * alone. */
static void test_ranges(struct iommuctl_container *c, const struct mock *m)
{
        struct iommuctl_container *second = NULL;
        struct iommuctl_hwpt *h = NULL;
        struct iommuctl_dma *far;
        void *page = pages(1);

        GIVES("an address space beside", 0, "", iommuctl_container_new_beside(c, &second));
        CHECK("with all addresses", is_whole(second));
        GIVES("a page table over it", 0, "", iommuctl_hwpt_new(second, m->device_id, NULL, &h));
        CHECK("bounds it", first_iova(second) == MOCK_FIRST && last_iova(second) == MOCK_LAST);
        iommuctl_hwpt_unref(h);
        h = NULL;
        CHECK("for as long as it is there", is_whole(second));
        far = map_at(second, page, 0x100000000);
        GIVES("a page table that cannot address what is mapped", -EADDRINUSE, "refused",
              iommuctl_hwpt_new(second, m->device_id, NULL, &h));
        GIVES("the mock device goes nowhere else", -EADDRINUSE, "",
              mock_replace(c, m, iommuctl_container_ioas_id(second)));
        iommuctl_dma_unmap(far);
        iommuctl_container_unref(second);
        munmap(page, PAGE);
}

static void test_kinds(struct iommuctl_container *c, const struct mock *m)
{
        struct iommuctl_hwpt_options o = flag_options(IOMMUCTL_HWPT_DIRTY_TRACKING);
        struct iommuctl_hwpt *h = NULL;

        GIVES("a page table with dirty tracking", 0, "", iommuctl_hwpt_new(c, m->device_id, &o, &h));
        GIVES("the device sees it", 0, "", mock_replace(c, m, iommuctl_hwpt_id(h)));
        CHECK("the kernel keeps it while it does", kernel_knows(c, iommuctl_hwpt_id(h)));
        GIVES("and sees its own again", 0, "", mock_replace(c, m, iommuctl_container_ioas_id(c)));
        iommuctl_hwpt_unref(h);
        h = NULL;
        o = flag_options(IOMMUCTL_HWPT_PASID);
        if (kernel_is(6, 14)) {
                GIVES("a page table for PASIDs", 0, "", iommuctl_hwpt_new(c, m->device_id, &o, &h));
        } else {
                GIVES("a page table for PASIDs, of a kernel without", -EOPNOTSUPP, "6.14",
                      iommuctl_hwpt_new(c, m->device_id, &o, &h));
        }
        iommuctl_hwpt_unref(h);
        h = NULL;
        GIVES("a page table for no device", -ENOENT, "device 12345", iommuctl_hwpt_new(c, 12345, NULL, &h));
}

struct invalidation {
        uint32_t flags, entry;
};

static void test_invalidate(struct iommuctl_container *c, struct iommuctl_hwpt *h)
{
        const uint32_t id = iommuctl_hwpt_id(h);
        struct invalidation requests[3] = { { 0, 0 }, { 0, 2 }, { 0, 9 } };
        size_t done = 77;

        CHECK("the guest's table is as it was given",
              mock_iotlb_is(c, id, 0, 0x1234) && mock_iotlb_is(c, id, 3, 0x1234));
        GIVES("nothing is invalidated", 0, "",
              iommuctl_hwpt_invalidate(h, MOCK_INVALIDATE, NULL, 0, 0, &done));
        CHECK("that is: none", done == 0);
        GIVES("three are, the last of which is none", -EINVAL, "takes 2 of 3",
              iommuctl_hwpt_invalidate(h, MOCK_INVALIDATE, requests, sizeof(requests[0]), 3, &done));
        CHECK("two were done, and no other", done == 2 && mock_iotlb_is(c, id, 0, 0) &&
                                                     mock_iotlb_is(c, id, 1, 0x1234) &&
                                                     mock_iotlb_is(c, id, 2, 0));
        requests[0].flags = 8;
        GIVES("a flag that is none", -EOPNOTSUPP, "takes 0 of 1",
              iommuctl_hwpt_invalidate(h, MOCK_INVALIDATE, requests, sizeof(requests[0]), 1, &done));
        GIVES("a type that is none", -EINVAL, "0xdadbeef",
              iommuctl_hwpt_invalidate(h, 0xdadbeef, requests, sizeof(requests[0]), 1, &done));
        GIVES("requests that are too large", -EINVAL, "4097",
              iommuctl_hwpt_invalidate(h, MOCK_INVALIDATE, requests, 4097, 1, &done));
        requests[0].flags = 1;
        GIVES("all", 0, "",
              iommuctl_hwpt_invalidate(h, MOCK_INVALIDATE, requests, sizeof(requests[0]), 1, &done));
        CHECK("is all", done == 1 && mock_iotlb_is(c, id, 1, 0) && mock_iotlb_is(c, id, 3, 0));
}

static void test_nested(struct iommuctl_container *c, const struct mock *m)
{
        struct iommuctl_hwpt_options parent = flag_options(IOMMUCTL_HWPT_NEST_PARENT);
        struct iommuctl_hwpt *p = NULL, *h = NULL, *none = NULL, *plain = NULL;
        uint32_t iotlb = 0x1234, id;
        struct iommuctl_hwpt_options o = nested_options(&iotlb);

        GIVES("a page table to nest others in", 0, "", iommuctl_hwpt_new(c, m->device_id, &parent, &p));
        GIVES("a plain one", 0, "", iommuctl_hwpt_new(c, m->device_id, NULL, &plain));
        GIVES("nothing is nested in the plain one", -EINVAL, "nested page table",
              iommuctl_hwpt_new_nested(plain, m->device_id, &o, &none));
        o.data_type = 0xbad;
        GIVES("nor in a form that the IOMMU does not know", -EOPNOTSUPP, "nested page table",
              iommuctl_hwpt_new_nested(p, m->device_id, &o, &none));
        o.data_type = MOCK_TABLE;
        GIVES("one is nested", 0, "", iommuctl_hwpt_new_nested(p, m->device_id, &o, &h));
        GIVES("but nothing in that", -EINVAL, "nested page table",
              iommuctl_hwpt_new_nested(h, m->device_id, &o, &none));
        GIVES("the device sees it", 0, "", mock_replace(c, m, iommuctl_hwpt_id(h)));
        test_invalidate(c, h);
        GIVES("a plain one is not invalidated", -EINVAL, "not a guest's",
              iommuctl_hwpt_invalidate(plain, MOCK_INVALIDATE, NULL, 0, 0, NULL));
        GIVES("the device goes back", 0, "", mock_replace(c, m, iommuctl_container_ioas_id(c)));

        /* The parent first: it stays for the other. */
        id = iommuctl_hwpt_id(p);
        iommuctl_hwpt_unref(p);
        CHECK("the parent is kept", kernel_knows(c, id));
        iommuctl_hwpt_unref(h);
        CHECK("and goes with what was nested in it", !kernel_knows(c, id));
        iommuctl_hwpt_unref(plain);
}

static int ask_for_page(struct iommuctl_container *c, const struct mock *m, uint32_t group, uint64_t address)
{
        struct mock_command command = { .op = MOCK_OP_PAGE_REQUEST,
                                        .page_request = { m->device_id, 0, group, IOMMUCTL_PAGE_WRITE,
                                                          address } };

        return mock_call(c, &command);
}

static void answer_pages(struct iommuctl_container *c, const struct mock *m, struct iommuctl_fault_queue *q)
{
        struct iommuctl_page_request requests[4] = { { 0 } };
        struct iommuctl_page_response answers[2];

        CHECK("nobody waits yet",
              iommuctl_fault_queue_wait(q, 0) == 0 && iommuctl_fault_queue_read(q, requests, 4) == 0);
        GIVES("the device asks for two pages", 0, "",
              ask_for_page(c, m, 1, 0x5000) ?: ask_for_page(c, m, 2, 0x6000));
        CHECK("which is seen", iommuctl_fault_queue_wait(q, 5000) == 1);
        CHECK("both are read", iommuctl_fault_queue_read(q, requests, 4) == 2);
        CHECK("with all that they say",
              requests[0].device_id == m->device_id && requests[0].address == 0x5000 &&
                      requests[0].group == 1 && requests[0].access == IOMMUCTL_PAGE_WRITE &&
                      requests[0].flags == IOMMUCTL_PAGE_REQUEST_LAST && requests[1].address == 0x6000);
        answers[0] = (struct iommuctl_page_response){ requests[0].cookie, 7 };
        GIVES("an answer that is none", -EINVAL, "answer 7", iommuctl_fault_queue_respond(q, answers, 1));
        answers[0].answer = IOMMUCTL_PAGE_DONE;
        answers[1] = (struct iommuctl_page_response){ 0x7777, IOMMUCTL_PAGE_DONE };
        CHECK("one answer is taken, and not the other", iommuctl_fault_queue_respond(q, answers, 2) == 1);
        GIVES("nor the first one again", -EINVAL, "cookie", iommuctl_fault_queue_respond(q, answers, 1));
        answers[0] = (struct iommuctl_page_response){ requests[1].cookie, IOMMUCTL_PAGE_INVALID };
        CHECK("the other is answered", iommuctl_fault_queue_respond(q, answers, 1) == 1);
        GIVES("a third page", 0, "", ask_for_page(c, m, 3, 0x7000));
        GIVES("has no place in nothing", -EINVAL, "more than 0", iommuctl_fault_queue_read(q, requests, 0));
}

static void test_faults(struct iommuctl_container *c, const struct mock *m)
{
        struct iommuctl_hwpt_options parent = flag_options(IOMMUCTL_HWPT_NEST_PARENT);
        struct iommuctl_hwpt *p = NULL, *h = NULL, *paging = NULL;
        uint32_t iotlb = 0, id;
        struct iommuctl_hwpt_options o = nested_options(&iotlb);

        GIVES("a fault queue", 0, "", iommuctl_fault_queue_new(c, &o.faults));
        iommuctl_hwpt_new(c, m->device_id, &parent, &p);
        GIVES("a nested page table with it", 0, "", iommuctl_hwpt_new_nested(p, m->device_id, &o, &h));
        GIVES("the device sees that", 0, "", mock_replace(c, m, iommuctl_hwpt_id(h)));
        answer_pages(c, m, o.faults);
        /* The queue goes last, whoever is freed first; what is unanswered goes with it. */
        id = iommuctl_fault_queue_id(o.faults);
        parent = flag_options(0);
        parent.faults = o.faults;
        if (kernel_is(6, 13)) {
                GIVES("a page table of the container with it", 0, "",
                      iommuctl_hwpt_new(c, m->device_id, &parent, &paging));
        } else {
                GIVES("a page table of the container with it, on an older kernel", -EOPNOTSUPP, "6.13",
                      iommuctl_hwpt_new(c, m->device_id, &parent, &paging));
        }
        iommuctl_hwpt_unref(paging);
        iommuctl_fault_queue_unref(o.faults);
        CHECK("the page table keeps the queue", kernel_knows(c, id));
        GIVES("the device goes back", 0, "", mock_replace(c, m, iommuctl_container_ioas_id(c)));
        iommuctl_hwpt_unref(p);
        iommuctl_hwpt_unref(h);
        CHECK("and both go", !kernel_knows(c, id));
}

void test_mock(void)
{
        struct iommuctl_container *c = new_container();
        struct mock m = mock_new(c);

        test_hw_info(c, &m);
        test_ranges(c, &m);
        test_kinds(c, &m);
        test_nested(c, &m);
        test_faults(c, &m);
        mock_free(c, &m);
        iommuctl_container_unref(c);
}
