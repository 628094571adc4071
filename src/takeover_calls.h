/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mappings that go from one process to another, call by call. Results are the kernel's own. */

#include <stdint.h>

#include "kernel.h"

/* 1: the kernel can let go of addresses, 0: not. */
int type1_can_let_go(struct kernel *k, int container_fd);
/* The kernel forgets the address of every mapping, and keeps the mapping. */
int type1_let_go(struct kernel *k, int container_fd);
/* The mapping at IOVA, all SIZE bytes, is this process's at VADDR from now on. -EINVAL: nobody let go of it.
 */
int type1_take_over(struct kernel *k, int container_fd, uint64_t vaddr, uint64_t iova, uint64_t size);
/* All that is mapped in the iommufd is this process's. -EINVAL: something is mapped by address. -ENOTTY:
 * before Linux 6.13. */
int iommufd_take_over(struct kernel *k, int iommufd);
