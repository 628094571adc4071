/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* VFIO without an IOMMU, call by call: vfio's parameter enable_unsafe_noiommu_mode, for devices that are in
 * no group of their own. All of it needs CAP_SYS_RAWIO. */

#include "kernel.h"

/* Opens /dev/vfio/vfio: a descriptor, what open gave, or -EOPNOTSUPP where the mode is off. */
int noiommu_open_container(struct kernel *k, int root_fd);
/* Opens /dev/vfio/noiommu-ID. */
int noiommu_open_group(struct kernel *k, int root_fd, unsigned int id);
int noiommu_set_iommu(struct kernel *k, int container_fd);
