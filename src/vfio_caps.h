/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading what VFIO's information calls hand back: a structure that begins with argsz and flags, grows until
 * it fits, and ends in a chain of capabilities (struct vfio_info_cap_header of <linux/vfio.h>).
 *
 * Nothing of it is believed: offsets are checked against the buffer, counts against what is left of it, and a
 * chain that goes in a circle ends. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommuctl/container.h"
#include "kernel.h"

/* An answer of the kernel, of at least the size that was asked for, the rest zero. */
struct vfio_info {
        unsigned char *data; /* to free() */
        size_t size;
};

/* Calls REQUEST with a structure of FIXED bytes that begins as the FILLED bytes at FIXED_DATA (index members
 * and the like; argsz is set here), and again with more room while the kernel asks for it, at most up to 1
 * MiB. 0, what the call gave, -EPROTO where the kernel keeps asking for more, or -ENOMEM. */
int vfio_info_get(struct kernel *k, int fd, unsigned long request, const void *fixed_data, size_t fixed,
                  struct vfio_info *ret_info);

/* The capability ID in the chain that begins at OFFSET (0: none), at least MIN_SIZE bytes of it, and how many
 * bytes there are to the end of the answer; NULL. */
const void *vfio_cap_find(const struct vfio_info *info, uint32_t offset, uint16_t id, size_t min_size,
                          size_t *ret_size);

/* A copy of the capability ID, its header included, to where the next one of the chain begins, or the answer
 * ends: its bytes, the caller's to free(). -ENODATA: it is not there. -ENOMEM. */
int vfio_cap_copy(const struct vfio_info *info, uint32_t offset, uint16_t id, void **ret_data,
                  size_t *ret_size);

/* What a type1 container says (VFIO_IOMMU_GET_INFO). */
struct vfio_iommu_facts {
        uint64_t page_sizes;           /* 0: unknown */
        bool has_available;            /* Linux 5.10 */
        uint32_t available;            /* mappings that may still be made */
        bool has_ranges;               /* Linux 5.4 */
        struct iommuctl_range *ranges; /* to free() */
        size_t n_ranges;
        bool has_migration;        /* Linux 5.8 */
        uint64_t dirty_page_sizes; /* mask of what a bit of a dirty bitmap can stand for */
        uint64_t dirty_bitmap_max; /* bytes of bitmap in one call */
};
/* 0, or -ENOMEM. An answer that makes no sense says nothing. */
int vfio_iommu_facts_parse(const struct vfio_info *info, struct vfio_iommu_facts *ret_facts);

/* Where the chain of an answer of VFIO_IOMMU_GET_INFO, or of VFIO_DEVICE_GET_INFO, begins; 0: it has none. */
uint32_t vfio_iommu_cap_offset(const struct vfio_info *info);
uint32_t vfio_device_cap_offset(const struct vfio_info *info);

/* What a region says (VFIO_DEVICE_GET_REGION_INFO). */
struct vfio_region_facts {
        uint64_t size;
        uint64_t offset;              /* in the device's descriptor */
        uint32_t flags;               /* VFIO_REGION_INFO_FLAG_… */
        struct iommuctl_range *areas; /* parts that can be mapped, as offsets in the region; to free() */
        size_t n_areas;
        bool has_type; /* device-specific (Linux 4.6) */
        uint32_t type, subtype;
};
/* 0; -ENOMEM; -EPROTO where the answer is too short or the region does not fit into the descriptor's offsets.
 */
int vfio_region_facts_parse(const struct vfio_info *info, struct vfio_region_facts *ret_facts);
