/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Options of an iommufd and of its address spaces, call by call. Results are the kernel's own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommuctl/container.h"
#include "kernel.h"

/* Counts pinned memory by process instead of by user. -EPERM: needs CAP_SYS_RESOURCE. -EBUSY: the iommufd has
 * an object already. */
int iommufd_set_process_accounting(struct kernel *k, int iommufd);
/* 1: by process; 0: by user. */
int iommufd_process_accounting(struct kernel *k, int iommufd);
/* -EINVAL: a device is attached, and something is mapped. -EADDRINUSE: what is mapped is not aligned to whole
 * pages. */
int iommufd_set_huge_pages(struct kernel *k, int iommufd, uint32_t ioas_id, bool on);
/* The address space that type1's calls on the iommufd work in. -ENODEV: there is none. */
int iommufd_compat_ioas(struct kernel *k, int iommufd, uint32_t *ret_ioas_id);
/* 0: none from now on. */
int iommufd_set_compat_ioas(struct kernel *k, int iommufd, uint32_t ioas_id);
int iommufd_huge_pages(struct kernel *k, int iommufd, uint32_t ioas_id);
/* -EINVAL: two overlap, or one has less than two addresses. -EADDRINUSE: a device reserves a part of one. */
int iommufd_allow_iovas(struct kernel *k, int iommufd, uint32_t ioas_id, const struct iommuctl_range *ranges,
                        size_t n_ranges);
