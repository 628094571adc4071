/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_GROUP_H
#define IOMMUCTL_GROUP_H

#include <iommuctl/container.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_group - an IOMMU group that this process holds through /dev/vfio/N.
 *
 * Opaque and reference-counted; it keeps its container, and its devices keep it. Most programs need none of
 * this: iommuctl_device_open() opens the group of a device where the backend has groups. All calls may be
 * made from any threads.
 */
struct iommuctl_group;

/**
 * iommuctl_group_open() - open /dev/vfio/@id and let the group join the container's address space.
 *
 * A container that was IOMMUCTL_BACKEND_AUTO becomes a type1 one. Where this container holds the group
 * already, the answer is another reference to the same object. A group can be held by one process at a time.
 *
 * The caller owns the reference in @ret_group and gives it back with iommuctl_group_unref().
 *
 * Returns 0; each failure has a text that says which:
 * -ENODEV: no such group, or none of its devices is bound to a VFIO driver; the text names their drivers.
 * -EACCES: /dev/vfio/@id or /dev/vfio/vfio may not be opened; the text says owner and mode.
 * -EBUSY: someone else holds the group (the text names the process where that can be seen), or the group is
 * not viable: the text names each device that is in the way and its driver.
 * -EPERM: the kernel refused it an address space: no interrupt remapping, or firmware keeps memory reserved
 * for one of the devices; the text says which and what can be done.
 * -ENOMEM: the kernel is out of memory, or RLIMIT_MEMLOCK is too small.
 * -EINVAL: @container is an iommufd one.
 * -EADDRINUSE: a mapping of the container lies where the group's devices cannot reach; the text shows the
 * ranges. -EOPNOTSUPP: a noiommu group, whose DMA nothing checks; or no type1 v2 in this kernel. -ENOENT:
 * VFIO's modules are not loaded.
 */
int iommuctl_group_open(struct iommuctl_container *container, unsigned int id,
                        struct iommuctl_group **ret_group);

/**
 * iommuctl_group_open_fd() - let a group join that somebody else opened.
 *
 * @fd: of /dev/vfio/N; the library works on a copy, and @fd stays the caller's in any case. Where the group
 * is in a container already, that must be this one, made by iommuctl_container_new_fd(); the kernel does not
 * tell whether it is. Else it joins, and leaves with the last reference, though @fd be open.
 *
 * Returns what iommuctl_group_open() returns, and:
 * -EBADF: nothing is open there. -ENOTTY: it is nothing of VFIO's. -EINVAL: it is no group but another of
 * VFIO's; or it is in a container, and this one was not given. -EEXIST: the container holds it already.
 * -ENOENT: sysfs, which knows its number, cannot be seen.
 */
int iommuctl_group_open_fd(struct iommuctl_container *container, int fd, struct iommuctl_group **ret_group);

/** iommuctl_group_ref() - take another reference. Returns @group. NULL stays NULL. */
struct iommuctl_group *iommuctl_group_ref(struct iommuctl_group *group);

/** iommuctl_group_unref() - drop a reference; the last one, of the caller's and of the devices', takes the
 * group out of the container and closes it. NULL is let through. Returns NULL. */
struct iommuctl_group *iommuctl_group_unref(struct iommuctl_group *group);

/** iommuctl_group_id() - its number. */
unsigned int iommuctl_group_id(const struct iommuctl_group *group);

/** iommuctl_group_fd() - the descriptor of /dev/vfio/N; stays the group's. */
int iommuctl_group_fd(const struct iommuctl_group *group);

/** iommuctl_group_container() - the container it joined; lives as long as @group. */
struct iommuctl_container *iommuctl_group_container(const struct iommuctl_group *group);

#ifdef __cplusplus
}
#endif

#endif
