/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_BLOCKER_H
#define IOMMUCTL_BLOCKER_H

#include <sys/types.h>

#include <iommuctl/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

/** enum iommuctl_blocker_kind - what keeps a group from being opened. */
enum iommuctl_blocker_kind {
        IOMMUCTL_BLOCKER_NO_GROUP = 1, /* there is no group of that number */
        IOMMUCTL_BLOCKER_NOIOMMU = 2,  /* no IOMMU checks its devices' DMA */
        IOMMUCTL_BLOCKER_UNBOUND = 3,  /* none of its devices is bound to a VFIO driver */
        IOMMUCTL_BLOCKER_DRIVER = 4,   /* a device is bound to a driver that does DMA of its own */
        IOMMUCTL_BLOCKER_PROCESS = 5,  /* a process has the node of the group, or of a device, open */
};

/** struct iommuctl_blocker - one thing that is in the way. Texts live as long as the list that it is in. */
struct iommuctl_blocker {
        enum iommuctl_blocker_kind kind;
        pid_t pid;           /* PROCESS; else 0 */
        const char *device;  /* DRIVER, and PROCESS where it is a device's own node: its name; else NULL */
        const char *driver;  /* DRIVER: its name; else NULL */
        const char *process; /* PROCESS: its command, "" where that cannot be read; else NULL */
        const char *node;    /* PROCESS: "/dev/vfio/14", "/dev/vfio/devices/vfio0"; else NULL */
};

/**
 * iommuctl_group_blockers() - what would keep iommuctl_group_open(), or a device of the group, from opening.
 *
 * What the texts of those calls say, as data, and all of it. Nothing is opened.
 *
 * @ret_blockers: an array with its texts, to be freed as one with free(); of the caller's processes too. Not
 * NULL where there are none.
 *
 * A process whose descriptors this one may not see (others' than the caller's, without CAP_SYS_PTRACE) is not
 * found, so an empty list is no promise. Reads sysfs and /proc; of a captured tree what that has of them.
 *
 * Returns how many there are; -ENOMEM; or what reading sysfs gave, with a text. May be called from any
 * threads.
 */
int iommuctl_group_blockers(struct iommuctl_ctx *ctx, unsigned int id,
                            struct iommuctl_blocker **ret_blockers);

/** iommuctl_blocker_name() - the kind's word, "driver"; NULL where @kind is none. */
const char *iommuctl_blocker_name(enum iommuctl_blocker_kind kind);

#ifdef __cplusplus
}
#endif

#endif
