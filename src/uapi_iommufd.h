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

/* Linux 6.2. SRC_IOVA and LENGTH need not be one mapping, but there must be no hole. */
struct uapi_iommu_ioas_copy {
        uint32_t size;
        uint32_t flags;
        uint32_t dst_ioas_id;
        uint32_t src_ioas_id;
        uint64_t length __attribute__((aligned(8)));
        uint64_t dst_iova;
        uint64_t src_iova;
};
#define UAPI_IOMMU_IOAS_COPY _IO(';', 0x83)

/* Linux 6.13 for memfds; 6.19 for the dma-bufs that VFIO exports. */
struct uapi_iommu_ioas_map_file {
        uint32_t size;
        uint32_t flags;
        uint32_t ioas_id;
        int32_t fd;
        uint64_t start __attribute__((aligned(8)));
        uint64_t length;
        uint64_t iova;
};
#define UAPI_IOMMU_IOAS_MAP_FILE _IO(';', 0x8f)
