/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the name of a driver tells. */

#include <stdbool.h>

/* Whether the driver is one of VFIO's. Those of the kernel and those known from out of its tree have "vfio"
 * in their names: vfio-pci, mlx5_vfio_pci, hisi-acc-vfio-pci, vfio-platform, vfio_mdev, nvidia-vgpu-vfio. */
bool driver_is_vfio(const char *driver);

/* Whether a device bound to the driver keeps VFIO from giving its group out. That is every driver but VFIO's
 * own and those that leave DMA alone. */
bool driver_blocks_group(const char *driver);

/* The VFIO driver for any device of the bus: vfio-pci, vfio-platform, …; NULL where there is none. */
const char *driver_vfio_of_bus(const char *bus);
