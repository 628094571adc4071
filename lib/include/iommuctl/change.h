/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_CHANGE_H
#define IOMMUCTL_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include <iommuctl/ctx.h>
#include <iommuctl/topology.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_change - a change of drivers, planned as one and done whole or not at all.
 *
 * Devices are added to it, iommuctl_change_plan() says what would be done and what stands against it,
 * iommuctl_change_apply() does it. Each device's driver and driver_override are noted under /run/iommuctl
 * before the first write to it; the note of the first change stays until the device is restored, so any later
 * process can give back what was there at first, also after a crash.
 *
 * Owned by the caller; not for several threads at once. Keeps its context. Strings read from it live until
 * the next plan, apply or free.
 */
struct iommuctl_change;

/**
 * enum iommuctl_hazard - why a change may hurt. Each is a bit, so that they make a mask.
 */
enum iommuctl_hazard {
        IOMMUCTL_HAZARD_MOUNTED = 1 << 0,       /* a file system on a disk of the device */
        IOMMUCTL_HAZARD_SWAP = 1 << 1,          /* swap on a disk of the device */
        IOMMUCTL_HAZARD_HOLDER = 1 << 2,        /* device mapper, md, … on top of a disk of the device */
        IOMMUCTL_HAZARD_DEFAULT_ROUTE = 1 << 3, /* a network interface that a default route leaves by */
        IOMMUCTL_HAZARD_NET_MASTER = 1 << 4,    /* a network interface in a bond, bridge or team */
        IOMMUCTL_HAZARD_NON_ENDPOINT = 1 << 5,  /* a bridge: VFIO takes only header type 0 */
        IOMMUCTL_HAZARD_IN_USE = 1 << 6,        /* a process has the device's VFIO node open */
        IOMMUCTL_HAZARD_GROUP_NOT_VIABLE =
                1 << 7, /* another device of the group keeps VFIO from giving it out */
        IOMMUCTL_HAZARD_VIRTUAL_FUNCTIONS =
                1 << 8, /* the device has virtual functions, which end with its driver */
};

/** iommuctl_hazard_name() - the hazard's word, "default-route"; NULL where @hazard is none. Thread-safe. */
const char *iommuctl_hazard_name(enum iommuctl_hazard hazard);
/** iommuctl_hazard_parse() - the hazard of a word. Returns 0, or -EINVAL. Thread-safe. */
int iommuctl_hazard_parse(const char *name, enum iommuctl_hazard *ret_hazard);

/**
 * iommuctl_change_new() - a change of nothing yet.
 *
 * Returns 0; -EROFS on the context of a captured tree; -ENOMEM.
 */
int iommuctl_change_new(struct iommuctl_ctx *ctx, struct iommuctl_change **ret_change);

/** iommuctl_change_free() - free the plan. What was applied stays applied. NULL is let through. */
void iommuctl_change_free(struct iommuctl_change *change);

/**
 * iommuctl_change_add_bind() - bind @device to @driver.
 *
 * @device is only read during the call. @driver is copied; NULL is the VFIO driver of the device's bus,
 * "vfio-pci" for PCI. A device that is added twice counts once.
 *
 * Returns 0; -EOPNOTSUPP where @driver is NULL and the bus has no VFIO driver; -EINVAL for a name that cannot
 * be a driver's, or where the device was added with another aim before; -ENOMEM.
 */
int iommuctl_change_add_bind(struct iommuctl_change *change, const struct iommuctl_device_info *device,
                             const char *driver);
/** iommuctl_change_add_unbind() - take the driver from @device. As iommuctl_change_add_bind(). */
int iommuctl_change_add_unbind(struct iommuctl_change *change, const struct iommuctl_device_info *device);

/**
 * iommuctl_change_add_group_bind() - bind all endpoints of a group.
 *
 * Which those are is found when the plan is made: not bridges, not devices whose driver the kernel does not
 * count against the group (pcieport, pci-stub).
 *
 * Returns 0 or as iommuctl_change_add_bind().
 */
int iommuctl_change_add_group_bind(struct iommuctl_change *change, const struct iommuctl_group_info *group,
                                   const char *driver);
int iommuctl_change_add_group_unbind(struct iommuctl_change *change, const struct iommuctl_group_info *group);

/**
 * iommuctl_change_add_restore() - give @device the driver and the driver_override that it had before the
 * first change.
 *
 * The device is named, "0000:01:00.0". Nothing is done to one that was never changed, or whose note is of
 * another boot or another card; the latter is logged as a warning and the note dropped. So is the note of a
 * device that is no longer there.
 *
 * Returns 0; -EINVAL where the device was added with another aim before; -ENOMEM.
 */
int iommuctl_change_add_restore(struct iommuctl_change *change, const char *device);
/** iommuctl_change_add_group_restore() - the same for the devices of a group that were changed. */
int iommuctl_change_add_group_restore(struct iommuctl_change *change,
                                      const struct iommuctl_group_info *group);
/**
 * iommuctl_change_add_restore_all() - the same for every device that was changed.
 *
 * A damaged note keeps none of the others from being planned and given back: iommuctl_change_plan() and
 * iommuctl_change_apply() then end in -EBADMSG with all else in the plan, or done. What is no note is passed
 * over.
 */
int iommuctl_change_add_restore_all(struct iommuctl_change *change);

/** iommuctl_change_allow() - go ahead in spite of the hazards in the mask @hazards, added to those before. */
void iommuctl_change_allow(struct iommuctl_change *change, unsigned int hazards);

/**
 * iommuctl_change_set_timeout() - how long each single wait may last: for the lock, for one write, for
 * loading a module, for one node. 30 seconds at the start.
 */
void iommuctl_change_set_timeout(struct iommuctl_change *change, unsigned int milliseconds);

/**
 * iommuctl_change_plan() - find out what would be done, and write nothing. Needs no privilege.
 *
 * Afterwards the steps, hazards and writes below can be read. Planning again looks afresh.
 *
 * Returns 0, also where hazards stand against the change; -ENODEV where a device is gone; -EOPNOTSUPP where a
 * device's bus has no driver_override, or VFIO could not drive it since it is in no IOMMU group; -EBADMSG
 * where a note is damaged; -ENOENT where the kernel's modules are known and have no such driver to bind to;
 * -ETIMEDOUT where a device's driver is stuck; -ENOMEM; or what reading gave.
 */
int iommuctl_change_plan(struct iommuctl_change *change);

/** iommuctl_change_refused() - whether a hazard of the plan is not allowed. */
bool iommuctl_change_refused(const struct iommuctl_change *change);

/**
 * iommuctl_change_apply() - do it, and verify it.
 *
 * Takes the lock of all changes, plans afresh, and for each device: notes what was, sets driver_override,
 * unbinds, has the kernel probe, looks at the driver it got, and for a VFIO driver waits until its nodes are
 * in /dev. Loads the driver's module where it is missing; that is not undone. After a failure everything else
 * is undone in reverse, and the text says what could not be; its note is kept for a restore. Where nothing is
 * to be done, nothing is written and no privilege is needed.
 *
 * Returns 0; -ECANCELED where hazards refuse it and nothing was written; -EACCES or -EPERM without the
 * privilege; -ETIMEDOUT where the lock, a write or a node did not come in time (the text names the process);
 * -ENOENT where there is no such driver; -EIO where the driver did not take the device; or as
 * iommuctl_change_plan() and what the kernel answered to a write.
 */
int iommuctl_change_apply(struct iommuctl_change *change);

/**
 * iommuctl_change_undo() - take back what iommuctl_change_apply() did, in reverse. Once; 0 where nothing was
 * done.
 *
 * Returns 0 or a negative errno, as iommuctl_change_apply(), after going on as far as possible.
 */
int iommuctl_change_undo(struct iommuctl_change *change);

/* Steps, ordered by address: one a device. */

size_t iommuctl_change_n_steps(const struct iommuctl_change *change);
/** Name of the device, "0000:01:00.0"; NULL beyond the last, as for all below. */
const char *iommuctl_change_step_device(const struct iommuctl_change *change, size_t index);
/** Driver before; NULL: none. */
const char *iommuctl_change_step_from(const struct iommuctl_change *change, size_t index);
/** Driver after; NULL: none. */
const char *iommuctl_change_step_to(const struct iommuctl_change *change, size_t index);
/** Whether driver or driver_override are other than before, or after a plan would be; false where the device
 * is as it should be, and after a failed iommuctl_change_apply() where the device is as it was. */
bool iommuctl_change_step_changed(const struct iommuctl_change *change, size_t index);
/** Whether iommuctl had changed the device, and has a note of what it was. */
bool iommuctl_change_step_noted(const struct iommuctl_change *change, size_t index);
/** driver_override after; NULL: none. */
const char *iommuctl_change_step_driver_override(const struct iommuctl_change *change, size_t index);
/** "/dev/vfio/14", where the device is bound to a VFIO driver and is to stay so or was bound by
 * iommuctl_change_apply(); else NULL. */
const char *iommuctl_change_step_vfio_node(const struct iommuctl_change *change, size_t index);
/** "/dev/vfio/devices/vfio0"; NULL where there is none. */
const char *iommuctl_change_step_vfio_cdev(const struct iommuctl_change *change, size_t index);

/* Hazards: of the devices that change, and of those that keep a group from being viable. */

size_t iommuctl_change_n_hazards(const struct iommuctl_change *change);
const char *iommuctl_change_hazard_device(const struct iommuctl_change *change, size_t index);
/** 0 beyond the last. */
enum iommuctl_hazard iommuctl_change_hazard_kind(const struct iommuctl_change *change, size_t index);
/** For a person: "nvme0n1p2 is mounted at /". */
const char *iommuctl_change_hazard_detail(const struct iommuctl_change *change, size_t index);
/** Whether it is among those that iommuctl_change_allow() let through. */
bool iommuctl_change_hazard_allowed(const struct iommuctl_change *change, size_t index);

/* Writes to sysfs, in their order; drivers whose modules would be loaded before. */

size_t iommuctl_change_n_writes(const struct iommuctl_change *change);
const char *iommuctl_change_write_path(const struct iommuctl_change *change, size_t index);
/** "\n" where driver_override is cleared. */
const char *iommuctl_change_write_value(const struct iommuctl_change *change, size_t index);
size_t iommuctl_change_n_modules(const struct iommuctl_change *change);
const char *iommuctl_change_module(const struct iommuctl_change *change, size_t index);

#ifdef __cplusplus
}
#endif

#endif
