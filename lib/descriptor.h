/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a descriptor is that somebody hands over, asked of the kernel and not of paths: it may come from
 * another mount namespace, to a process that sees no sysfs. */

#include "ctx.h"

enum descriptor_kind {
        DESCRIPTOR_OTHER,
        DESCRIPTOR_TYPE1_CONTAINER, /* /dev/vfio/vfio */
        DESCRIPTOR_IOMMUFD,         /* /dev/iommu */
        DESCRIPTOR_GROUP,           /* /dev/vfio/N */
        DESCRIPTOR_NODE,            /* /dev/vfio/devices/vfioN, not bound to an iommufd */
        DESCRIPTOR_BOUND_NODE,      /* the same, bound */
        DESCRIPTOR_GROUP_DEVICE,    /* a device that a group was asked for */
};

struct descriptor {
        enum descriptor_kind kind;
        unsigned int major, minor; /* of a node */
};

/* 0, or a failure with a text: -EBADF where nothing is open, or what asking it gave. Nothing happens to what
 * is behind it. */
int descriptor_look(struct iommuctl_ctx *ctx, int fd, struct descriptor *ret_descriptor);
/* Also that it is of this KIND: else -EINVAL where it is another of VFIO's, -ENOTTY where it is none, with a
 * text that says what it is and what is WANTED. */
int descriptor_require(struct iommuctl_ctx *ctx, int fd, enum descriptor_kind kind,
                       struct descriptor *ret_descriptor);
/* -EINVAL or -ENOTTY, with the text: FD is D, and WANTED was. */
int descriptor_refuse(struct iommuctl_ctx *ctx, int fd, const struct descriptor *d, const char *wanted);
const char *descriptor_kind_text(enum descriptor_kind kind);
/* What sysfs calls the object of a node ("vfio0", "14") and, of a device's own node, the device: into BUF.
 * The length, or an errno without a text: there may be no sysfs here. */
ssize_t descriptor_name(struct iommuctl_ctx *ctx, const struct descriptor *d, char *buf, size_t size);
ssize_t descriptor_device(struct iommuctl_ctx *ctx, const struct descriptor *d, char *buf, size_t size);
