/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's mock devices: drivers/iommu/iommufd/iommufd_test.h, of 6.12 and 7.2. */

#include <linux/ioctl.h>
#include <stdint.h>

#include "iommufd.h"

enum {
        MOCK_OP_DOMAIN = 2,
        MOCK_OP_REPLACE = 10,
        MOCK_OP_CHECK_IOTLB = 14,
        MOCK_OP_PAGE_REQUEST = 15,
        MOCK_OP_CHECK_CACHE = 16,
        MOCK_OP_EVENT = 17,
};

struct mock_command {
        uint32_t size, op, id, reserved;
        union {
                struct {
                        uint32_t selftest_id, hwpt_id, device_id;
                } domain;
                uint32_t pt_id;
                struct {
                        uint32_t id, value;
                } check;
                struct {
                        uint32_t device_id, pasid, group, access;
                        uint64_t address;
                } page_request;
                uint32_t device_id;
                uint64_t room[6];
        };
        uint32_t last;
};
#define MOCK_COMMAND _IO(';', 0xa0)

#define MOCK_HW_INFO           0xfeedbeefu
#define MOCK_HW_REGISTER       0xdeadbeefu
#define MOCK_TABLE             0xdeadu
#define MOCK_INVALIDATE        0xdeadbeefu
#define MOCK_VIOMMU            0xdeadbeefu
#define MOCK_VIOMMU_INVALIDATE 0xdeadbeefu
#define MOCK_EVENTS            0xbeefbeefu
#define MOCK_HW_QUEUE          0xdeadbeefu
#define MOCK_CACHE             0xbaddadu
/* What a mock IOMMU addresses. */
#define MOCK_FIRST 0x1000000u
#define MOCK_LAST  0x7fffffffu

struct mock {
        uint32_t selftest_id, hwpt_id, device_id;
};

/* A mock device on the address space of C; ends the program where it cannot be had. */
struct mock mock_new(struct iommuctl_container *c);
void mock_free(struct iommuctl_container *c, const struct mock *m);
/* The device now sees that page table or address space: 0 or a negative errno. */
int mock_replace(struct iommuctl_container *c, const struct mock *m, uint32_t pt_id);
int mock_call(struct iommuctl_container *c, struct mock_command *command);
/* What a nested page table has in one of its four entries. */
bool mock_iotlb_is(struct iommuctl_container *c, uint32_t hwpt_id, uint32_t entry, uint32_t value);
/* Asked by destroying it: only of objects that are in use, or gone. */
bool kernel_knows(struct iommuctl_container *c, uint32_t id);
