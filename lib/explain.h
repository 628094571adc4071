/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel says in one number, told apart: each of these looks at the machine once a call has failed,
 * writes the text with the cause and what helps, and returns the errno that the headers promise. They read
 * only, and only what can be read without privilege; what cannot be seen is not guessed. R is the call's
 * negative errno; DEVICE the device it was for, or NULL. */

#include <stdint.h>

#include "container.h"
#include "ctx.h"

/* /dev/vfio/vfio or /dev/iommu, given without the leading slash, did not open or does not have what is
 * needed. */
int explain_container(struct iommuctl_ctx *ctx, const char *node, int r);

/* /dev/vfio/ID did not open. */
int explain_group(struct iommuctl_ctx *ctx, unsigned int id, const char *device, int r);

/* A node that exists did not open: permission, or someone has it open. WHAT is "group 7" or "0000:01:00.0".
 */
int explain_node(struct iommuctl_ctx *ctx, const char *what, const char *node, const char *device, int r);

/* The group holds devices whose drivers are not VFIO's. */
int explain_not_viable(struct iommuctl_ctx *ctx, unsigned int id, const char *device);

/* The group or the device was refused an address space: interrupt remapping, firmware's reserved memory, a
 * conflict with what is mapped. */
int explain_join(struct iommuctl_container *c, unsigned int id, const char *device, int r);

/* The device is not to be had from VFIO: which driver it has, and the command that binds it. */
int explain_not_bound(struct iommuctl_ctx *ctx, const char *device);

/* The kernel did not map SIZE bytes at VADDR and IOVA. */
int explain_map(struct iommuctl_container *c, uint64_t vaddr, uint64_t iova, uint64_t size, int r);
