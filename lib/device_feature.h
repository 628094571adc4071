/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Features of a device (src/vfio_feature.h) with the texts of the library. */

#include "device.h"
#include "vfio_feature.h"

/* What a text says of a feature: how it is called, and the kernel that brought it. */
struct device_feature {
        uint16_t number;
        const char *what;  /* "low power" */
        const char *since; /* "Linux 6.1" */
};

/* 0 where the device has the feature with these ways to it (VFIO_DEVICE_FEATURE_GET and _SET); -EOPNOTSUPP
 * with a text that names the feature and the kernel it needs; another failure of the call, with a text. */
int device_feature_require(struct iommuctl_device *d, const struct device_feature *f, uint32_t ops);
/* Read or write it: what the call gave; a failure has its text, and ENOTTY has become EOPNOTSUPP. */
int device_feature_get(struct iommuctl_device *d, const struct device_feature *f, void *data, size_t size);
int device_feature_set(struct iommuctl_device *d, const struct device_feature *f, void *data, size_t size);
