/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* iommufd and VFIO's device nodes, call by call. Results are the kernel's own; descriptors are close-on-exec.
 */

#include <stdint.h>

#include "kernel.h"

/* Opens /dev/iommu under ROOT_FD. */
int iommufd_open(struct kernel *k, int root_fd);
int iommufd_ioas_alloc(struct kernel *k, int iommufd, uint32_t *ret_ioas_id);
/* -EBUSY: another object uses it still. */
int iommufd_destroy(struct kernel *k, int iommufd, uint32_t id);
/* Gives a device, opened at its own node, to the iommufd: its number there. Closing the device takes it back.
 */
int iommufd_bind_device(struct kernel *k, int device_fd, int iommufd, uint32_t *ret_id);
/* The same with a VF token of 16 bytes. A kernel before Linux 6.17 says EINVAL. */
int iommufd_bind_device_token(struct kernel *k, int device_fd, int iommufd, const uint8_t token[16],
                              uint32_t *ret_id);
/* Whether the kernel knows of tokens there: 1, 0, or what it said. Nothing is bound. */
int iommufd_bind_knows_tokens(struct kernel *k, int device_fd);
/* Whether the iommufd has a device with that number: 1; 0 (mediated devices have objects of another kind
 * there, and count as none); or what the kernel said. */
int iommufd_has_device(struct kernel *k, int iommufd, uint32_t id);
/* Lets a bound device see what an IOAS or a page table maps, instead of what it saw. -EADDRINUSE: a mapping
 * is where it cannot reach. Devices of its group that are attached move with it. */
int iommufd_attach_device(struct kernel *k, int device_fd, uint32_t pt_id);
/* It sees nothing from then on. */
int iommufd_detach_device(struct kernel *k, int device_fd);
/* The same for what a device does with a PASID: Linux 6.15, -EINVAL before. */
int iommufd_attach_pasid(struct kernel *k, int device_fd, uint32_t pasid, uint32_t pt_id);
int iommufd_detach_pasid(struct kernel *k, int device_fd, uint32_t pasid);
