/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a device. */

#include "container.h"
#include "group.h"
#include "iommuctl/device.h"
#include "iommuctl/irq.h"
#include "iommuctl/region.h"
#include "locate.h"
#include "vf_token.h"

/* What a device sees when it names a PASID. */
struct pasid_attachment {
        struct pasid_attachment *next;
        uint32_t pasid;
        struct iommuctl_hwpt *hwpt; /* a reference */
};

/* Its container is the one that it was opened in, which it stays in the list of. What it sees of memory may
 * be another one's, beside that: see device_attach.c. */
struct iommuctl_device {
        unsigned int refcount; /* atomic; falls to 0 only with the container's join_lock */
        struct iommuctl_container *container;
        struct iommuctl_group *group; /* NULL: opened at its own node */
        struct iommuctl_device *next; /* of the container's */
        char *name;
        int fd;
        bool given; /* another process has FD open as well: closing it gives nothing back */
        uint32_t iommufd_id;
        uint32_t flags;
        uint32_t n_regions, n_irqs;

        bool let_go; /* atomic: the descriptor stands for nothing, or is about to; see unplug.c */
        bool closed; /* it does; with lock */

        pthread_mutex_t lock; /* over irqs and regions, configuration space's read-modify-write */
        struct iommuctl_irq *irqs;
        struct iommuctl_region *regions;

        /* With the lock of the iommufd. */
        struct iommuctl_device *next_in_iommufd;
        unsigned int group_id;           /* GROUP_UNKNOWN where it was handed over */
        struct iommuctl_container *seen; /* a reference; NULL: it sees nothing */
        struct iommuctl_hwpt *hwpt;      /* a reference; NULL: a page table of the kernel's making */
        struct pasid_attachment *pasids;
};

#define GROUP_UNKNOWN (~0u)

DEFINE_CLEANUP(struct iommuctl_device *, iommuctl_device_unref)

/* Opening: device_options.c, device_open.c, device_open_fd.c. */
struct device_request {
        struct device_place place;
        bool has_token;
        struct vf_token token;
        uint32_t iommufd_id; /* 0: not bound yet */
        bool given;          /* as in the device */
};

/* Reads the options of the caller (NULL: none) into the request. 0, or -EINVAL with a text. */
int device_options_read(struct iommuctl_ctx *ctx, const struct iommuctl_device_options *options,
                        struct device_request *request);
/* A descriptor of the device's own node; or a failure with its text. */
int device_open_node(struct iommuctl_ctx *ctx, const struct device_place *place);
/* With join_lock: the container's device of that name, or NULL. */
struct iommuctl_device *device_find_locked(struct iommuctl_container *c, const char *name);
/* With join_lock: makes a device, opened at its own node, part of the container's IOAS; takes DEVICE_FD, also
 * when it fails. It is bound first unless the request has the number that binding gave. */
int device_join_iommufd(struct iommuctl_container *c, const struct device_request *request, int device_fd,
                        struct iommuctl_device **ret_device);
/* 0 where the kernel takes a VF token at the device's own node, which FD has open; else a failure with its
 * text. */
int device_check_tokens(struct iommuctl_container *c, const char *name, int fd);
/* With join_lock: a device whose descriptor is there and part of the container. On failure what it was to own
 * stays the caller's. */
int device_alloc(struct iommuctl_container *c, struct iommuctl_group *group, const char *name, int fd,
                 uint32_t iommufd_id, struct iommuctl_device **ret_device);
static inline bool device_let_go(const struct iommuctl_device *d)
{
        return __atomic_load_n(&d->let_go, __ATOMIC_SEQ_CST);
}

/* 0, or -ENODEV with its text where the device was let go of: unplug.c. */
int device_check_here(const struct iommuctl_device *d);

/* A device whose descriptor is there and part of the container; takes FD, and the reference to GROUP (or
 * NULL), also when it fails. */
int device_new_over(struct iommuctl_container *c, struct iommuctl_group *group, const char *name, int fd,
                    uint32_t iommufd_id, struct iommuctl_device **ret_device);

/* With the lock of the iommufd: the device that it knows by ID, with a reference; NULL where it is not one of
 * this library's, or on its way out. */
struct iommuctl_device *iommufd_find_device(struct iommufd_file *file, uint32_t id);

/* With join_lock: out of the lists, where it is in them; nobody finds it from here on. */
void device_unlink(struct iommuctl_device *d);
/* Before a device is closed that others may have open, which then keeps it attached: detaches it. */
void device_detach_given(struct iommuctl_device *d);
/* When a device has been closed, and nobody finds it or with the lock of the iommufd: gives back what it was
 * attached to. */
void device_drop_attachments(struct iommuctl_device *d);

/* 0 where D can be attached to C; a failure with its text where it is in another iommufd, or on type1. */
int device_check_target(struct iommuctl_device *d, struct iommuctl_container *c);
/* -EOPNOTSUPP: on type1 a device is not WHAT ("detached"). */
int device_refuse_type1(struct iommuctl_device *d, const char *what);

/* Around opening a device: locks, and at the end, where the open gave R >= 0 and OPENED, whose reference this
 * takes, the container's dirty tracking. Where its writes are to be known and cannot be, it is not let in. */
void device_open_begin(struct iommuctl_container *c);
int device_open_end(struct iommuctl_container *c, int r, struct iommuctl_device *opened,
                    struct iommuctl_device **ret_device);
