/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The disks of one device, between hazard_disk.c, which gathers them, and hazard_mount.c, which finds out
 * what uses them. */

#include "file.h"
#include "hazard.h"

#define DISK_NAME_SIZE 64

/* A disk or partition of the device, or a block device stacked on one. */
struct disk {
        char name[DISK_NAME_SIZE]; /* in /sys/class/block */
        dev_t number;
        int below;   /* index of what it is stacked on; -1: it is the device's own */
        char *mount; /* where it is mounted first; NULL: nowhere */
        unsigned int n_mounts;
        bool swap;
};

struct disks {
        struct iommuctl_change *change;
        const struct bus_device *device;
        struct kernel *k;
        int root_fd;
        struct disk *list;
        size_t n;
};

int disks_find_mounts(struct disks *ds);
int disks_find_swap(struct disks *ds);
