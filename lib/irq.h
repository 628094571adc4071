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

/* "MSI-X", for texts. */
const char *irq_kind_name(const struct iommuctl_device *d, unsigned int kind);
