/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Names of vendors, devices and classes, for people. udev's database first: it is mapped into memory and
 * searched without being read whole; then pci.ids. Each name is looked up once. */

#include "iommuctl.h"

struct names;

/* Never fails: without memory or databases there are no names. */
struct names *names_new(void);
void names_free(struct names *names);

/* NULL where there is no name. They live as long as NAMES. */
const char *names_vendor(struct names *names, const struct iommuctl_device_info *device);
const char *names_device(struct names *names, const struct iommuctl_device_info *device);
/* "VGA compatible controller", or for a sub-class without a name the class, "Display controller". */
const char *names_class(struct names *names, const struct iommuctl_device_info *device);
