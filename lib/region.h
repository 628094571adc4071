/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a region. */

#include "device.h"
#include "iommuctl/region.h"
#include "sigbus.h"
#include "vfio_caps.h"

struct region_map {
        struct region_map *next;
        void *start;
        size_t length;
        struct sigbus_guard *guard; /* NULL: touching it while the device does not answer ends the process */
};

struct iommuctl_region {
        struct iommuctl_device *device;
        struct iommuctl_region *next; /* of the device's */
        unsigned int index;
        struct vfio_region_facts facts;
        pthread_mutex_t lock; /* over all below but lost */
        struct region_map *maps;
        bool guarded;
        int ones_fd; /* what takes the place of lost maps; -1 until it is made */
        size_t ones_size;
        bool lost; /* atomic; set in a signal handler too */
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

/* PROT_… of its maps. */
int region_prot(const struct iommuctl_region *region);

/* With the region's lock: makes the file that takes the place of lost maps, once; guards one map. */
int region_make_ones(struct iommuctl_region *region);
int region_guard_map(struct iommuctl_region *region, struct region_map *map);
struct sigbus_area region_area(struct iommuctl_region *region, const struct region_map *map);

/* The function no longer answers on its bus: its configuration space is not there, or reads as all ones. */
bool device_is_gone(struct iommuctl_device *d);
