/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where one device is in sysfs and /dev, without reading all the others. */

#include <stdbool.h>

#include "ctx.h"

struct device_place {
        char name[256]; /* as sysfs has it */
        unsigned int group;
        char cdev[64];   /* "dev/vfio/devices/vfio0"; "" where the kernel has none for it */
        bool cdev_asked; /* its own node was asked for by name */
};

/* NAME is a name in sysfs, the path of a device there ("/sys/bus/mdev/devices/UUID"), or that of its own node
 * ("/dev/vfio/devices/vfio0"). 0; -ENODEV with a text where there is no such device or it is in no group;
 * -EINVAL where the path is of something else. */
int device_locate(struct iommuctl_ctx *ctx, const char *name, struct device_place *ret_place);

/* The same for those who open it through its group: a cdev that was not asked for is not looked for. */
int device_locate_in_group(struct iommuctl_ctx *ctx, const char *name, struct device_place *ret_place);
