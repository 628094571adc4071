/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The nodes in /dev/vfio through which a device bound to a VFIO driver is opened. */

#include "bus_driver.h"

struct vfio_nodes {
        char group[40]; /* "/dev/vfio/14", "/dev/vfio/noiommu-0"; empty: none */
        char cdev[40];  /* "/dev/vfio/devices/vfio0", Linux 6.6 with VFIO_DEVICE_CDEV; empty: none */
};

/* The number of the device's IOMMU group, or -ENOENT where it has none. */
int vfio_group_number(const struct bus_device *device, unsigned int *ret_group);

/* Which nodes the kernel has announced in sysfs, whether /dev holds them yet or not. Both may be empty. */
int vfio_nodes_announced(const struct bus_device *device, struct vfio_nodes *ret_nodes);

/* Waits until the nodes announced are in /dev: devtmpfs makes them at once, but a udev rule may replace it.
 * -ENOENT: VFIO announced none; -ETIMEDOUT: one did not appear, which is then the only one left in
 * *RET_NODES. */
int vfio_nodes_wait(const struct bus_device *device, int timeout_ms, struct vfio_nodes *ret_nodes);
