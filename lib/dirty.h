/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of dirty tracking. dirty.c starts and stops it, dirty_table.c has the page tables that track on
 * iommufd, dirty_read.c reads. */

#include "container.h"
#include "device.h"
#include "iommuctl/dirty.h"
#include "iommuctl/hwpt.h"

/* A page table that tracks. */
struct dirty_table {
        struct iommuctl_hwpt *hwpt; /* a reference */
        bool ours;                  /* made for this: devices go back to the kernel's own at the end */
};

struct iommuctl_dirty {
        struct iommuctl_container *container;
        uint64_t page_size;
        uint64_t call_max;          /* bytes of bitmap in a call of the kernel's */
        struct dirty_table *tables; /* iommufd; changed with tracking_lock and this one, read with either */
        size_t n_tables;
        pthread_mutex_t tables_lock;
};

/* All with the container's tracking_lock. */

/* A device sees a page table that tracks, or does so from now on: one that is here already, one made by hand
 * that it sees, or a new one. 0, or a failure with its text. */
int dirty_take_device(struct iommuctl_dirty *d, struct iommuctl_device *device);
/* The same for each device that sees the container. Returns how many there are. */
int dirty_take_devices(struct iommuctl_dirty *d);
/* Tracks HWPT, which is the caller's. */
int dirty_take_table(struct iommuctl_dirty *d, struct iommuctl_hwpt *hwpt, bool ours);
/* The tables stop, and the devices go back; what fails stays, and can be tried again. */
int dirty_drop_tables(struct iommuctl_dirty *d);

/* DEVICE was opened in C, whose devices may be tracked. */
int dirty_device_joined(struct iommuctl_container *c, struct iommuctl_device *device);
