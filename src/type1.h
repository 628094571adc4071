/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* VFIO's groups and type1 containers, call by call. Results are the kernel's own; descriptors are
 * close-on-exec. */

#include <stdbool.h>

#include "kernel.h"

/* Opens /dev/vfio/vfio under ROOT_FD and checks that it speaks the one version there is and has type1 v2: a
 * descriptor, what open gave, -EOPNOTSUPP, or -EPROTONOSUPPORT where it has sPAPR TCE instead. */
int type1_open_container(struct kernel *k, int root_fd);
/* Opens /dev/vfio/ID. */
int type1_open_group(struct kernel *k, int root_fd, unsigned int id);
/* VFIO_GROUP_FLAGS_VIABLE: all of the group's devices are VFIO's or nobody's; VFIO_GROUP_FLAGS_CONTAINER_SET:
 * it is in a container. Or an error. */
int type1_group_status(struct kernel *k, int group_fd);
/* Whether a container has an address space, which it gets with its first group: 1, 0, an error; -EOPNOTSUPP
 * where it has no type1 v2. */
int type1_has_space(struct kernel *k, int container_fd);
int type1_join(struct kernel *k, int group_fd, int container_fd);
/* Closing the group does so as well, where nobody else has it open. -EBUSY: a device of it is open. */
int type1_leave(struct kernel *k, int group_fd);
/* Makes the container's address space, once its first group has joined. */
int type1_set_iommu(struct kernel *k, int container_fd);
/* A descriptor of the device. -ENODEV: the group has none of that name that is bound to VFIO. */
int type1_open_device(struct kernel *k, int group_fd, const char *name);
