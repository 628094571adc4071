/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a device. */

#include "container.h"
#include "group.h"
#include "iommuctl/device.h"
#include "iommuctl/irq.h"
#include "iommuctl/region.h"

struct iommuctl_device {
        unsigned int refcount; /* atomic; falls to 0 only with the container's join_lock */
        struct iommuctl_container *container;
        struct iommuctl_group *group; /* NULL: opened at its own node */
        struct iommuctl_device *next; /* of the container's */
        char *name;
        int fd;
        uint32_t iommufd_id;
        uint32_t flags;
        uint32_t n_regions, n_irqs;

        bool let_go; /* atomic: the descriptor stands for nothing, or is about to; see unplug.c */
        bool closed; /* it does; with lock */

        pthread_mutex_t lock; /* over irqs and regions, configuration space's read-modify-write */
        struct iommuctl_irq *irqs;
        struct iommuctl_region *regions;
};

DEFINE_CLEANUP(struct iommuctl_device *, iommuctl_device_unref)

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
