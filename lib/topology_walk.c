/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where groups and devices are found: /sys/kernel/iommu_groups, or, where a capture left that out, the
 * iommu_group links of the devices of every bus; and the PCI devices that no group holds. */

#include "topology.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

#define GROUPS "sys/kernel/iommu_groups"

bool topology_group_number(const char *name, uint32_t *ret_id)
{
        uint64_t id = 0;

        for (const char *p = name; *p; p++) {
                if (*p < '0' || *p > '9' || id > UINT32_MAX)
                        return false;
                id = id * 10 + (uint64_t)(*p - '0');
        }
        if (*name == '\0' || (*name == '0' && name[1]) || id >= NO_GROUP)
                return false;
        *ret_id = (uint32_t)id;
        return true;
}

int topology_add_group(struct iommuctl_topology *t, uint32_t id)
{
        int r = topology_reserve((void **)&t->groups, &t->groups_size, t->n_groups, sizeof(*t->groups));

        if (r < 0)
                return r;
        t->groups[t->n_groups++] = (struct iommuctl_group_info){ .id = id };
        return 0;
}

static int walk_group(struct iommuctl_topology *t, uint32_t id)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        char path[DEVICE_PATH];
        const char *name;
        int n, r;

        r = topology_add_group(t, id);
        if (r < 0) {
                dir.fd = -1;
                return r;
        }
        n = snprintf(path, sizeof(path), GROUPS "/%u/devices", id);
        r = sysfs_dir_open(&dir, &t->sysfs, path);
        path[n++] = '/';
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                strcpy(path + n, name);
                r = topology_add_device(t, path, name, NULL, id);
        }
        if (r >= 0 || topology_fatal(r) || r == -EIO)
                return r;
        /* On the machine itself a group without the directory is one that has gone meanwhile. */
        if (r == -ENOENT && !t->sysfs.captured) {
                t->n_groups--;
                return 0;
        }
        t->groups[t->n_groups - 1].devices_error = r;
        t->unread_groups = true;
        return 0;
}

static int walk_groups(struct iommuctl_topology *t)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *name;
        uint32_t id;
        int r;

        r = sysfs_dir_open(&dir, &t->sysfs, GROUPS);
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0)
                if (topology_group_number(name, &id))
                        r = walk_group(t, id);
        return r;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the devices found so far, in order. */
static const char **known_names(const struct iommuctl_topology *t)
{
        const char **names = calloc(t->n_devices + 1, sizeof(char *));

        for (size_t i = 0; names && i < t->n_devices; i++)
                names[i] = t->devices[i].name;
        if (names)
                qsort(names, t->n_devices, sizeof(char *), compare_names);
        return names;
}

enum walk_bus {
        WALK_LINKS = 1 << 0,     /* devices that an iommu_group link puts into a group */
        WALK_UNGROUPED = 1 << 1, /* the others */
};

/* The names in a directory, in order, ended by NULL; NULL in *RET where it cannot be read. 0, or what ends
 * the whole reading. */
static int list_names(struct iommuctl_topology *t, const char *path, const char ***ret)
{
        const char **names _cleanup_free_ = NULL;
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        size_t n = 0, size = 0;
        const char *name;
        int r;

        *ret = NULL;
        r = sysfs_dir_open(&dir, &t->sysfs, path);
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                r = topology_reserve((void **)&names, &size, n, sizeof(char *));
                if (r >= 0 && !(names[n++] = arena_strdup(&t->arena, name)))
                        r = -ENOMEM;
        }
        if (r < 0 || n == 0)
                return topology_fatal(r) ? r : 0;
        qsort(names, n, sizeof(char *), compare_names);
        *ret = arena_alloc(&t->arena, (n + 1) * sizeof(char *));
        if (!*ret)
                return -ENOMEM;
        memcpy(*ret, names, n * sizeof(char *));
        (*ret)[n] = NULL;
        return 0;
}

/* A device whose group is a directory instead of a link, in a capture that followed links. No number is told
 * there, but which devices are in the group. */
static int add_unnumbered(struct iommuctl_topology *t, const char *bus, char *path, size_t n,
                          const char *name)
{
        size_t index = t->n_devices;
        const char **names;
        int r;

        t->unnumbered = true;
        if (!(t->what & IOMMUCTL_READ_UNGROUPED))
                return 0;
        strcpy(path + n, "/iommu_group/devices");
        r = list_names(t, path, &names);
        path[n] = '\0';
        if (r >= 0)
                r = topology_add_device(t, path, name, bus, NO_GROUP);
        if (r >= 0 && t->n_devices > index) {
                t->devices[index].group_devices = names;
                t->devices[index].group_unknown = true;
        }
        return r;
}

/* One device of a bus, taken where WHAT asks for it. */
static int walk_bus_device(struct iommuctl_topology *t, const char *bus, char *path, size_t n,
                           const char *name, unsigned int what)
{
        uint32_t id = NO_GROUP;
        char group[16];
        ssize_t r;

        if (what & WALK_LINKS) {
                strcpy(path + n, "/iommu_group");
                r = sysfs_link(&t->sysfs, path, group, sizeof(group));
                path[n] = '\0';
                if (topology_fatal((int)r))
                        return (int)r;
                if (r == -EINVAL)
                        return add_unnumbered(t, bus, path, n, name);
                if (r > 0 && !topology_group_number(group, &id))
                        id = NO_GROUP;
        }
        if (id == NO_GROUP && !(what & WALK_UNGROUPED))
                return 0;
        if (id != NO_GROUP) {
                r = topology_add_group(t, id);
                if (r < 0)
                        return (int)r;
        }
        return topology_add_device(t, path, name, bus, id);
}

static int walk_bus(struct iommuctl_topology *t, const char *bus, unsigned int what)
{
        const char **known _cleanup_free_ = known_names(t);
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        size_t n, n_known = t->n_devices;
        char path[2 * DEVICE_PATH];
        const char *name;
        int r;

        dir.fd = -1;
        bus = arena_strdup(&t->arena, bus);
        if (!known || !bus)
                return -ENOMEM;
        n = (size_t)snprintf(path, sizeof(path), "sys/bus/%s/devices", bus);
        r = sysfs_dir_open(&dir, &t->sysfs, path);
        path[n++] = '/';
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                if (bsearch(&name, known, n_known, sizeof(char *), compare_names))
                        continue;
                strcpy(path + n, name);
                r = walk_bus_device(t, bus, path, n + strlen(name), name, what);
        }
        return topology_fatal(r) ? r : 0;
}

/* Groups from the links of the devices of every bus. */
static int walk_links(struct iommuctl_topology *t)
{
        bool ungrouped = t->what & IOMMUCTL_READ_UNGROUPED;
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *bus;
        int r;

        r = sysfs_dir_open(&dir, &t->sysfs, "sys/bus");
        while (r >= 0 && (r = sysfs_dir_next(&dir, &bus)) > 0)
                r = walk_bus(t, bus, WALK_LINKS | (ungrouped && streq(bus, "pci") ? WALK_UNGROUPED : 0));
        return topology_fatal(r) ? r : 0;
}

int topology_walk(struct iommuctl_topology *t)
{
        int r = walk_groups(t);

        if (topology_fatal(r) || r == -EIO)
                return r;
        /* Where the kernel has the directory, it is right, also when empty; a capture may have kept an empty
         * one. */
        t->groups_known = r >= 0 || (r == -ENOENT && !t->sysfs.captured);
        if (r < 0 || (t->n_groups == 0 && t->sysfs.captured)) {
                r = walk_links(t);
                if (t->unnumbered)
                        t->groups_known = false;
                else if (t->n_groups > 0 || acpi_without_iommu(&t->sysfs))
                        t->groups_known = true;
                return r;
        }
        if (!(t->what & IOMMUCTL_READ_UNGROUPED))
                return 0;
        /* A device in none of the lists may be in the group whose list could not be read. */
        return walk_bus(t, "pci", WALK_UNGROUPED | (t->unread_groups ? WALK_LINKS : 0));
}
