/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the name of a driver tells. */

#include <stdbool.h>

/* Whether the driver is one of VFIO's that say so by their name. The variants of vfio-pci are
 * drivers/vfio/pci/<vendor>: most are named after their module, mlx5_vfio_pci, some with dashes, xe-vfio-pci.
 */
bool driver_is_vfio(const char *driver);

/* Whether a device bound to the driver keeps VFIO from giving its group out. That is every driver but VFIO's
 * own and those that leave DMA alone. */
bool driver_blocks_group(const char *driver);

/* The VFIO driver for any device of the bus: vfio-pci, vfio-platform, …; NULL where there is none. */
const char *driver_vfio_of_bus(const char *bus);
