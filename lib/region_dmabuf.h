/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a region, for those who let other devices reach it. */

#include <stdbool.h>

#include "device.h"
#include "iommuctl/region.h"

/* region.c: the region's keep that. */
struct iommuctl_device *region_device(const struct iommuctl_region *region);
unsigned int region_index(const struct iommuctl_region *region);

/* Whole pages of the region at an address that only the kernel is told; the caller's to unmap. 0 or a failure
 * with its text. */
int region_window_open(struct iommuctl_region *region, uint64_t offset, size_t size, bool writable,
                       void **ret_window);
