/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What may be hurt when a device changes its driver. Each look adds what it finds to the change; 0, or a
 * negative errno where it could not look, with a text: not knowing is no reason to go ahead. */

#include "change.h"

int hazard_add(struct iommuctl_change *change, const char *device, enum iommuctl_hazard kind,
               const char *format, ...) _printf_(4, 5);

/* All that are about one device. */
int hazard_look_at_device(struct iommuctl_change *change, const struct bus_device *device);

int hazard_disks(struct iommuctl_change *change, const struct bus_device *device);
int hazard_net(struct iommuctl_change *change, const struct bus_device *device);
int hazard_function(struct iommuctl_change *change, const struct bus_device *device);

/* Those that are about the steps as a whole. */
int hazard_groups(struct iommuctl_change *change);
int hazard_in_use(struct iommuctl_change *change);

/* Whether a path in sysfs leads through the directory of a device, so that what it names is the device's own.
 */
bool hazard_path_is_below(const char *path, const char *device);

/* Whether VFIO could drive it at all: 1 for header type 0 and for what is not PCI, 0 for a bridge. */
int hazard_is_endpoint(struct iommuctl_change *change, const struct bus_device *device);
