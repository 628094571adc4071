/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The object that stands for a device in every document, the same keys in each. */

#include "cli.h"
#include "names.h"

/* KEY is NULL in an array. The topology must have been made with IOMMUCTL_READ_ATTRIBUTES. */
void device_json(struct sink *out, const char *key, struct names *names,
                 const struct iommuctl_device_info *device);
/* "reserved_regions": of a group; null where they are unknown. */
void regions_json(struct sink *out, const struct iommuctl_group_info *group);
/* "viable": null where a device's driver could not be read and no other stands in the way. */
void viable_json(struct sink *out, const struct iommuctl_group_info *group);
