/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a group. */

#include "container.h"
#include "iommuctl/group.h"

struct iommuctl_group {
        unsigned int refcount; /* atomic; falls to 0 only with join_lock */
        struct iommuctl_container *container;
        struct iommuctl_group *next; /* of the container's */
        unsigned int id;
        int fd;
        bool leave; /* someone else has FD open as well: closing ours does not take it out of the container */
};

/* With join_lock: as iommuctl_group_open(), for DEVICE (or NULL), which texts are then about. */
int group_open_locked(struct iommuctl_container *c, unsigned int id, const char *device,
                      struct iommuctl_group **ret_group);
/* With join_lock: the container's group of that number, or NULL. */
struct iommuctl_group *group_find_locked(struct iommuctl_container *c, unsigned int id);
/* With join_lock: lets an open group join, unless it is in a container already, which must be this one; the
 * container's backend is type1. Takes FD when it succeeds, and otherwise leaves the container again. */
int group_join_locked(struct iommuctl_container *c, unsigned int id, int fd, const char *device,
                      struct iommuctl_group **ret_group);
/* With join_lock: drops a reference, all but that to the container. True where it was the last and the group
 * is gone: then the caller drops the container's after the lock. */
bool group_unref_locked(struct iommuctl_group *g);
/* A group that is already in the container; takes FD, also when it fails. */
int group_new_over(struct iommuctl_container *c, unsigned int id, int fd, struct iommuctl_group **ret_group);

/* Drops a reference unless it is the last one; then takes LOCK and drops it. True where nothing is left: LOCK
 * is held then. Whoever finds an object in a list does so with LOCK, and so never finds one that is on its
 * way out. */
bool unref_and_lock(unsigned int *refcount, pthread_mutex_t *lock);
