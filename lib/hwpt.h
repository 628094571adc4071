/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a page table. */

#include "iommuctl/hwpt.h"
#include "iommufd_object.h"
#include "util/cleanup.h"

struct iommuctl_hwpt {
        struct iommufd_object object;
        struct iommuctl_hwpt *parent;        /* a reference; NULL: made over the IOAS of the container */
        struct iommuctl_viommu *viommu;      /* a reference; NULL: in none */
        struct iommuctl_fault_queue *faults; /* a reference; NULL: none */
        unsigned int flags;
};

DEFINE_CLEANUP(struct iommuctl_hwpt *, iommuctl_hwpt_unref)

/* As iommuctl_hwpt_new() without PARENT, as iommuctl_hwpt_new_nested() with it; in VIOMMU, which PARENT is
 * of, or NULL.
 */
int hwpt_new(struct iommuctl_container *c, struct iommuctl_hwpt *parent, struct iommuctl_viommu *viommu,
             uint32_t device_id, const struct iommuctl_hwpt_options *options,
             struct iommuctl_hwpt **ret_hwpt);
