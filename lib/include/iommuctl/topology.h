/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_TOPOLOGY_H
#define IOMMUCTL_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <iommuctl/address.h>
#include <iommuctl/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_topology - what sysfs said at one moment: IOMMU units, groups, and devices.
 *
 * An immutable snapshot. Groups, devices and every string read from it belong to it and live until
 * iommuctl_topology_free(). It may be read from any number of threads at once. Needs no privilege: what could
 * not be read is missing, never guessed.
 */
struct iommuctl_topology;

/** struct iommuctl_group_info - one IOMMU group of a topology. */
struct iommuctl_group_info;

/** struct iommuctl_device_info - one device of a topology: PCI, platform, fsl-mc, mdev, … */
struct iommuctl_device_info;

/** struct iommuctl_reserved_region - IOVAs of a group that no mapping may use; @start and @end are both
 * inside. */
struct iommuctl_reserved_region {
        uint64_t start;
        uint64_t end;
        const char *type; /* "direct", "direct-relaxable", "reserved", "msi": the words of the kernel's own
                             file */
};

/**
 * enum iommuctl_read - what iommuctl_topology_new() reads; what is not asked for costs nothing, and its
 * getter says "unknown".
 *
 * One uevent file a device is always read: name, bus, driver, class, ids, and which group it is in.
 */
enum iommuctl_read {
        IOMMUCTL_READ_ATTRIBUTES =
                1 << 0,                /* device: revision, driver_override, iommu, numa_node, vfio nodes */
        IOMMUCTL_READ_GROUPS = 1 << 1, /* group: type, reserved regions */
        IOMMUCTL_READ_UNGROUPED = 1 << 2, /* PCI devices that no IOMMU group holds, too */
        IOMMUCTL_READ_ALL = (1 << 3) - 1,
};

/**
 * iommuctl_topology_new() - read the machine, or the captured tree, of @ctx.
 *
 * @what is a combination of enum iommuctl_read. A machine without an IOMMU gives a topology with no groups.
 * Where /sys/kernel/iommu_groups is missing, groups are gathered from the devices' iommu_group links. A
 * device that vanishes while it is read is left out.
 *
 * Returns 0 and sets @ret_topology (owned by the caller); -ENOENT where there is no sysfs at all; -EINVAL for
 * unknown bits in
 * @what; -ENOMEM; or what the kernel said (-EMFILE, -EIO). Thread-safe.
 */
int iommuctl_topology_new(struct iommuctl_ctx *ctx, unsigned int what,
                          struct iommuctl_topology **ret_topology);

/** iommuctl_topology_free() - free the snapshot and all that was read from it. NULL is let through. */
void iommuctl_topology_free(struct iommuctl_topology *topology);

/* Groups, ordered by number. */

/** Whether it is known which groups there are, or that there are none. Not so in a capture without
 * /sys/kernel/iommu_groups, without iommu_group links, and without anything else that says that the machine
 * has no IOMMU; nor where iommu_group was copied as a directory, which has no number. */
bool iommuctl_topology_groups_known(const struct iommuctl_topology *topology);

size_t iommuctl_topology_n_groups(const struct iommuctl_topology *topology);
/** Group at @index (below n_groups), or NULL beyond. */
const struct iommuctl_group_info *iommuctl_topology_group(const struct iommuctl_topology *topology,
                                                          size_t index);
/** Group numbered @id, or NULL. */
const struct iommuctl_group_info *iommuctl_topology_find_group(const struct iommuctl_topology *topology,
                                                               unsigned int id);

unsigned int iommuctl_group_info_id(const struct iommuctl_group_info *group);
/** The kernel's word for the default domain, "DMA", "DMA-FQ", "identity", …; NULL where unknown. */
const char *iommuctl_group_info_type(const struct iommuctl_group_info *group);
/** "noiommu": the group is one that VFIO made up for a device without an IOMMU: its DMA is not checked by
 * anything. */
bool iommuctl_group_info_noiommu(const struct iommuctl_group_info *group);
/**
 * Whether VFIO would give the group to a process: each of its devices is bound to a VFIO driver, to none, or
 * to one the kernel does not count: iommuctl_device_info_blocks_group() is false for all. Also false where
 * the driver of one, or which devices there are, could not be read.
 */
bool iommuctl_group_info_viable(const struct iommuctl_group_info *group);
/** Whether its devices could be listed: where not, those that it has here need not be all, and none does not
 * mean that it is empty. */
bool iommuctl_group_info_devices_known(const struct iommuctl_group_info *group);
size_t iommuctl_group_info_n_devices(const struct iommuctl_group_info *group);
const struct iommuctl_device_info *iommuctl_group_info_device(const struct iommuctl_group_info *group,
                                                              size_t index);
/** Whether reserved regions were read: without IOMMUCTL_READ_GROUPS, or where a capture lacks them, they are
 * unknown, not none. */
bool iommuctl_group_info_reserved_regions_known(const struct iommuctl_group_info *group);
size_t iommuctl_group_info_n_reserved_regions(const struct iommuctl_group_info *group);
const struct iommuctl_reserved_region *
iommuctl_group_info_reserved_region(const struct iommuctl_group_info *group, size_t index);

/* Devices, ordered by address; those that are not PCI come after, by bus and name, dev.9 before
 * dev.10. */

size_t iommuctl_topology_n_devices(const struct iommuctl_topology *topology);
const struct iommuctl_device_info *iommuctl_topology_device(const struct iommuctl_topology *topology,
                                                            size_t index);
/** Device named @name exactly as sysfs does ("0000:01:00.0", a platform device's name, an mdev's UUID), or
 * NULL. */
const struct iommuctl_device_info *iommuctl_topology_find_device(const struct iommuctl_topology *topology,
                                                                 const char *name);

/** Name in sysfs, "0000:01:00.0"; never NULL. */
const char *iommuctl_device_info_name(const struct iommuctl_device_info *device);
/** "pci", "platform", "fsl-mc", "mdev", …; NULL where it could not be read. */
const char *iommuctl_device_info_bus(const struct iommuctl_device_info *device);
/** Returns true and sets @ret_address for a PCI function, false for any other device. */
bool iommuctl_device_info_address(const struct iommuctl_device_info *device,
                                  struct iommuctl_address *ret_address);
/** The group that holds it, or NULL. */
const struct iommuctl_group_info *iommuctl_device_info_group(const struct iommuctl_device_info *device);
/** Whether it is known which group holds it, or that none does; not so in a capture that has nothing on it.
 */
bool iommuctl_device_info_group_known(const struct iommuctl_device_info *device);
/** Names of the devices in its group, itself among them, in order and ended by NULL, where a capture tells
 * them but not the group's number: its iommu_group is a directory instead of a link. NULL otherwise. */
const char *const *iommuctl_device_info_group_devices(const struct iommuctl_device_info *device);
/** Driver bound to it now, as sysfs names it ("vfio-pci"); NULL: none, or it could not be read. */
const char *iommuctl_device_info_driver(const struct iommuctl_device_info *device);
/** Tells the two apart: whether it could be read which driver is bound, or that none is. */
bool iommuctl_device_info_driver_known(const struct iommuctl_device_info *device);
/**
 * Whether its driver keeps its group from VFIO: it is bound, and to a driver that the kernel counts among
 * those that use the group for DMA of their own. VFIO drivers, pcieport and pci-stub are not (they set
 * driver_managed_dma, drivers/iommu/iommu.c since Linux 5.18).
 */
bool iommuctl_device_info_blocks_group(const struct iommuctl_device_info *device);
/** The driver is a VFIO one: vfio-pci, a vendor's variant of it, vfio-platform, vfio-fsl-mc, vfio_mdev, … */
bool iommuctl_device_info_vfio_bound(const struct iommuctl_device_info *device);
/** modalias, "pci:v000010DEd…"; NULL where the kernel gives none. */
const char *iommuctl_device_info_modalias(const struct iommuctl_device_info *device);

/** enum iommuctl_number - the numbers of a device that iommuctl_device_info_number() gives. */
enum iommuctl_number {
        IOMMUCTL_NUMBER_CLASS,               /* 24 bits: base class, sub-class, programming interface */
        IOMMUCTL_NUMBER_VENDOR_ID,           /* 16 bits */
        IOMMUCTL_NUMBER_DEVICE_ID,           /* 16 bits */
        IOMMUCTL_NUMBER_SUBSYSTEM_VENDOR_ID, /* 16 bits */
        IOMMUCTL_NUMBER_SUBSYSTEM_DEVICE_ID, /* 16 bits */
        IOMMUCTL_NUMBER_REVISION,            /* 8 bits; IOMMUCTL_READ_ATTRIBUTES */
        IOMMUCTL_NUMBER_NUMA_NODE, /* IOMMUCTL_READ_ATTRIBUTES; false where the kernel says -1, "none" */
};
/** Returns true and sets @ret_value, or false where the device has no such number or it was not or could not
 * be read. */
bool iommuctl_device_info_number(const struct iommuctl_device_info *device, enum iommuctl_number which,
                                 uint32_t *ret_value);

/* These need IOMMUCTL_READ_ATTRIBUTES and are NULL without it. */

/** driver_override, NULL where none is set. */
const char *iommuctl_device_info_driver_override(const struct iommuctl_device_info *device);
/** IOMMU that translates for it, "dmar0"; NULL where the kernel does not say. */
const char *iommuctl_device_info_iommu(const struct iommuctl_device_info *device);
/** "/dev/vfio/7", the node of its group, while the device itself is bound to a VFIO driver; else NULL. */
const char *iommuctl_device_info_vfio_node(const struct iommuctl_device_info *device);
/** "/dev/vfio/devices/vfio0", its own node (Linux 6.6 with VFIO_DEVICE_CDEV); else NULL. */
const char *iommuctl_device_info_vfio_cdev(const struct iommuctl_device_info *device);

/**
 * iommuctl_topology_select() - the devices that a selector means.
 *
 * @selector: "[DOMAIN:]BB:DD.F" (the domain may be left out where one device matches), "group:N", "VVVV:DDDD"
 * (vendor and device id, hexadecimal), "net:NAME", "block:NAME" (a disk or a partition), "drm:NAME" ("card0",
 * "renderD128"), or a device's whole name.
 * @ret_devices: array of pointers into the topology, ended by NULL; the array is the caller's to free().
 * Ordered as the topology is.
 *
 * Returns the number of devices, at least 1; -EINVAL where @selector has none of those forms; -ENODEV where
 * nothing matches (both with a text; for a near miss the text names what there is); -ENOTUNIQ where a short
 * address fits several domains; -EACCES where a group's devices may not be read; -ENOMEM.
 */
int iommuctl_topology_select(struct iommuctl_topology *topology, const char *selector,
                             const struct iommuctl_device_info ***ret_devices);

/**
 * iommuctl_topology_read_attribute() - read an attribute of a device that the topology does not hold, now:
 * "reset_method", "power_state", "resource".
 *
 * @name: one file of the device's directory in sysfs, or one link ("physfn"), of which the last component of
 * where it points is read.
 * @text: gets the text without its last newline, ended by NUL.
 *
 * Returns the length of the text; -ENOENT where the device has no such attribute, -EACCES, -EOVERFLOW where
 * it does not fit @size, -EINVAL for a @name that is a path, or what the kernel said. Thread-safe.
 */
ssize_t iommuctl_topology_read_attribute(struct iommuctl_topology *topology,
                                         const struct iommuctl_device_info *device, const char *name,
                                         char *text, size_t size);

/* IOMMU units, ordered by name. */

/** enum iommuctl_unit_kind - who made the IOMMU, by its driver's naming in /sys/class/iommu. */
enum iommuctl_unit_kind {
        IOMMUCTL_UNIT_UNKNOWN,
        IOMMUCTL_UNIT_INTEL_VT_D,
        IOMMUCTL_UNIT_AMD_VI,
        IOMMUCTL_UNIT_ARM_SMMU_V3,
        IOMMUCTL_UNIT_VIRTIO_IOMMU,
        IOMMUCTL_UNIT_RISCV_IOMMU,
};

size_t iommuctl_topology_n_units(const struct iommuctl_topology *topology);
/** Name of the unit at @index, "dmar0"; NULL beyond. */
const char *iommuctl_topology_unit_name(const struct iommuctl_topology *topology, size_t index);
enum iommuctl_unit_kind iommuctl_topology_unit_kind(const struct iommuctl_topology *topology, size_t index);

#ifdef __cplusplus
}
#endif

#endif
