/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a run of interrupt vectors. */

#include <linux/vfio.h>

#include "device.h"
#include "iommuctl/irq.h"

struct iommuctl_irq {
        struct iommuctl_device *device;
        struct iommuctl_irq *next; /* of the device's */
        unsigned int kind, first, count;
        /* How many vectors of the kind the kernel holds, live or not, from number 0 on; more than that can be
         * had only where the kind is not VFIO_IRQ_INFO_NORESIZE. */
        unsigned int room;
        struct vfio_irq_set *off; /* takes all of its vectors off their eventfds: freeing needs no memory */
        int fds[];                /* -1 beyond those that are open */
};

static inline struct kernel *irq_kernel(const struct iommuctl_irq *irq)
{
        return container_kernel(irq->device->container);
}

/* What VFIO_DEVICE_SET_IRQS takes for one vector; FD goes with DATA_EVENTFD. */
union irq_set_one {
        struct vfio_irq_set set;
        char room[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
};

static inline union irq_set_one irq_set_one(uint32_t flags, unsigned int kind, unsigned int vector,
                                            int32_t fd)
{
        union irq_set_one one = {
                .set = { .argsz = sizeof(one), .flags = flags, .index = kind, .start = vector, .count = 1 }
        };

        memcpy(one.room + sizeof(one.set), &fd, sizeof(fd));
        return one;
}

/* "MSI-X", for texts. */
const char *irq_kind_name(const struct iommuctl_device *d, unsigned int kind);
