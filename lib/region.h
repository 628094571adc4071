/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a region. */

#include "device.h"
#include "iommuctl/region.h"
#include "vfio_caps.h"

struct region_map {
        struct region_map *next;
        void *start;
        size_t length;
};

struct iommuctl_region {
        struct iommuctl_device *device;
        struct iommuctl_region *next; /* of the device's */
        unsigned int index;
        struct vfio_region_facts facts;
        pthread_mutex_t lock; /* over maps */
        struct region_map *maps;
};

static inline struct kernel *region_kernel(const struct iommuctl_region *region)
{
        return container_kernel(region->device->container);
}

static inline struct iommuctl_ctx *region_ctx(const struct iommuctl_region *region)
{
        return region->device->container->ctx;
}

/* 0, or -ERANGE with its text: whether SIZE bytes at OFFSET are all in the region. */
int region_check_inside(const struct iommuctl_region *region, uint64_t offset, uint64_t size);

/* The function no longer answers on its bus: its configuration space is not there, or reads as all ones. */
bool device_is_gone(struct iommuctl_device *d);
