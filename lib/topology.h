/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a topology. topology.c makes one and frees it, topology_walk.c finds groups and devices,
 * topology_device.c and topology_group.c read one of them, topology_unit.c the IOMMUs, topology_select.c
 * looks devices up. */

#include "ctx.h"
#include "iommuctl/topology.h"
#include "sysfs.h"
#include "util/arena.h"

#define NO_GROUP    UINT32_MAX
#define NUMBERS     (IOMMUCTL_NUMBER_NUMA_NODE + 1)
#define DEVICE_PATH 512 /* of a device's directory; names in sysfs are at most 255 bytes */

struct iommuctl_device_info {
        const char *name;
        const char *bus;
        const char *driver;
        const char *modalias;
        const char *driver_override;
        const char *iommu;
        const char *vfio_node;
        const char *vfio_cdev;
        struct iommuctl_group_info *group;
        const char **group_devices; /* ended by NULL; where the group has no number, or NULL */
        struct iommuctl_address address;
        uint32_t group_id; /* NO_GROUP */
        uint32_t numbers[NUMBERS];
        uint16_t known_numbers; /* a bit for each */
        bool has_address;
        bool driver_known;
        bool group_unknown; /* without a group here, and it may have one */
        bool vfio_bound;
};

struct iommuctl_group_info {
        uint32_t id;
        bool noiommu;
        int devices_error; /* why its devices could not be listed; then those there are not all */
        const char *type;
        const struct iommuctl_device_info **devices; /* a part of topology.by_group */
        size_t n_devices;
        struct iommuctl_reserved_region *regions;
        size_t n_regions;
        bool regions_known;
};

struct unit {
        const char *name;
        enum iommuctl_unit_kind kind;
};

struct iommuctl_topology {
        struct iommuctl_ctx *ctx;
        struct sysfs sysfs;
        unsigned int what;
        bool has_vfio_class; /* /sys/class/vfio is there */
        bool unread_groups;  /* the devices of one could not be listed */
        bool groups_known;   /* what was read tells which groups there are, or that there are none */
        bool unnumbered;     /* a device's iommu_group is a directory, which has no number */
        struct arena arena;

        /* As found; they move while they are gathered and stay in place from topology_link() on. */
        struct iommuctl_device_info *devices;
        size_t n_devices, devices_size;
        struct iommuctl_group_info *groups;
        size_t n_groups, groups_size;
        struct unit *units;
        size_t n_units, units_size;

        const struct iommuctl_device_info **sorted;   /* by address, then bus and name */
        const struct iommuctl_device_info **by_group; /* the same order inside each group */
};

/* Whether a failure to read one thing ends the whole reading. What is merely not there or not ours to read is
 * left out. */
bool topology_fatal(int r);

/* Makes room for one more in an array of SIZE-byte members; 0 or -ENOMEM. */
int topology_reserve(void **array, size_t *n_allocated, size_t n, size_t size);

int topology_walk(struct iommuctl_topology *t);
/* Reads the number of a group as the kernel writes it: no sign, no leading zero, below NO_GROUP. */
bool topology_group_number(const char *name, uint32_t *ret_id);
/* Once the groups are in order; NULL where there is none. */
struct iommuctl_group_info *topology_find_group(const struct iommuctl_topology *t, uint32_t id);
int topology_add_group(struct iommuctl_topology *t, uint32_t id);

/* Reads the device that DIR is the directory of and adds it. BUS is the one whose devices list it, or NULL
 * where it was found elsewhere; it must live as long as T. 0 also where the device vanished meanwhile. */
int topology_add_device(struct iommuctl_topology *t, const char *dir, const char *name, const char *bus,
                        uint32_t group_id);
/* "/dev/vfio/N" and its cdev, once its group is known. */
int topology_device_nodes(struct iommuctl_topology *t, struct iommuctl_device_info *d);

/* Which groups are VFIO's own, made up for a device without an IOMMU. */
int topology_read_noiommu(struct iommuctl_topology *t);
/* Type, reserved regions, noiommu, of a group whose devices are known. TEXT is room to read in:
 * reserved_regions is at most one page, of at most 64 KiB (iommu_group_show_resv_regions() in
 * drivers/iommu/iommu.c). */
#define GROUP_TEXT 65537
int topology_read_group(struct iommuctl_topology *t, struct iommuctl_group_info *g, char *text);
/* Takes a line apart, "0x00000000fee00000 0x00000000feefffff msi", changing it; the type points into it. */
bool topology_parse_region(char *line, struct iommuctl_reserved_region *ret);
int topology_read_units(struct iommuctl_topology *t);

int device_info_compare(const struct iommuctl_device_info *a, const struct iommuctl_device_info *b);

DEFINE_CLEANUP(struct iommuctl_topology *, iommuctl_topology_free)
