/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dirty page tracking, call by call: of a type1 container, and of a page table of iommufd's. Results are the
 * kernel's own. Bitmaps have a bit for each PAGE_SIZE bytes from IOVA on, and whole words. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

int type1_dirty_set(struct kernel *k, int container_fd, bool on);
/* Overwrites the bits of what is mapped in the range, which must cut no mapping, and clears them in the
 * kernel. */
int type1_dirty_read(struct kernel *k, int container_fd, uint64_t iova, uint64_t size, uint64_t page_size,
                     uint64_t *bitmap);
/* Unmaps as well, at one go. -ENOENT: nothing was there. */
int type1_dirty_unmap(struct kernel *k, int container_fd, uint64_t iova, uint64_t size, uint64_t page_size,
                      uint64_t *bitmap);

int hwpt_dirty_set(struct kernel *k, int iommufd, uint32_t hwpt_id, bool on);
/* Sets bits and leaves others as they are; all of the range must be mapped. KEEP: they stay set in the IOMMU.
 */
int hwpt_dirty_read(struct kernel *k, int iommufd, uint32_t hwpt_id, bool keep, uint64_t iova, uint64_t size,
                    uint64_t page_size, uint64_t *bitmap);
