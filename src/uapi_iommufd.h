/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What we use of iommufd (Linux 6.2, <linux/iommufd.h>), under names of our own, since the oldest headers we
 * build with have none of it. uapi_check.c compares it with the system's header where there is one.
 *
 * Each structure begins with its own size; a kernel that knows a larger one takes the rest as zero, one that
 * knows a smaller one answers E2BIG where the rest is not zero. */

#include <linux/ioctl.h>
#include <stdint.h>

struct uapi_iommu_destroy {
        uint32_t size;
        uint32_t id;
};
#define UAPI_IOMMU_DESTROY _IO(';', 0x80)

struct uapi_iommu_ioas_alloc {
        uint32_t size;
        uint32_t flags;
        uint32_t out_ioas_id;
};
#define UAPI_IOMMU_IOAS_ALLOC _IO(';', 0x81)

struct uapi_iommu_iova_range {
        uint64_t start;
        uint64_t last;
};

/* EMSGSIZE, and the number there is in num_iovas, where the array is too small. */
struct uapi_iommu_ioas_iova_ranges {
        uint32_t size;
        uint32_t ioas_id;
        uint32_t num_iovas;
        uint32_t reserved;
        uint64_t allowed_iovas __attribute__((aligned(8)));
        uint64_t out_iova_alignment;
};
#define UAPI_IOMMU_IOAS_IOVA_RANGES _IO(';', 0x84)

#define UAPI_IOMMU_IOAS_MAP_FIXED_IOVA (1 << 0)
#define UAPI_IOMMU_IOAS_MAP_WRITEABLE  (1 << 1)
#define UAPI_IOMMU_IOAS_MAP_READABLE   (1 << 2)

struct uapi_iommu_ioas_map {
        uint32_t size;
        uint32_t flags;
        uint32_t ioas_id;
        uint32_t reserved;
        uint64_t user_va __attribute__((aligned(8)));
        uint64_t length;
        uint64_t iova;
};
#define UAPI_IOMMU_IOAS_MAP _IO(';', 0x85)

struct uapi_iommu_ioas_unmap {
        uint32_t size;
        uint32_t ioas_id;
        uint64_t iova __attribute__((aligned(8)));
        uint64_t length;
};
#define UAPI_IOMMU_IOAS_UNMAP _IO(';', 0x86)

/* Options of an address space and of the iommufd itself (Linux 6.2). */
struct uapi_iommu_ioas_allow_iovas {
        uint32_t size;
        uint32_t ioas_id;
        uint32_t num_iovas;
        uint32_t reserved;
        uint64_t allowed_iovas __attribute__((aligned(8)));
};
#define UAPI_IOMMU_IOAS_ALLOW_IOVAS _IO(';', 0x82)

#define UAPI_IOMMU_OPTION_RLIMIT_MODE 0 /* 0: by user, 1: by process; object_id 0 */
#define UAPI_IOMMU_OPTION_HUGE_PAGES  1 /* of the IOAS object_id */
#define UAPI_IOMMU_OPTION_OP_SET      0
#define UAPI_IOMMU_OPTION_OP_GET      1

struct uapi_iommu_option {
        uint32_t size;
        uint32_t option_id;
        uint16_t op;
        uint16_t reserved;
        uint32_t object_id;
        uint64_t val64 __attribute__((aligned(8)));
};
#define UAPI_IOMMU_OPTION _IO(';', 0x87)

/* Dirty tracking of a page table (Linux 6.7). */
#define UAPI_IOMMU_HWPT_DIRTY_TRACKING_ENABLE (1 << 0)

struct uapi_iommu_hwpt_set_dirty_tracking {
        uint32_t size;
        uint32_t flags;
        uint32_t hwpt_id;
        uint32_t reserved;
};
#define UAPI_IOMMU_HWPT_SET_DIRTY_TRACKING _IO(';', 0x8b)

#define UAPI_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR (1 << 0)

struct uapi_iommu_hwpt_get_dirty_bitmap {
        uint32_t size;
        uint32_t hwpt_id;
        uint32_t flags;
        uint32_t reserved;
        uint64_t iova __attribute__((aligned(8)));
        uint64_t length;
        uint64_t page_size;
        uint64_t data;
};
#define UAPI_IOMMU_HWPT_GET_DIRTY_BITMAP _IO(';', 0x8c)
