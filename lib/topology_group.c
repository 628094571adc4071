/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A group: what its own files say, and what its devices make of it. */

#include "topology.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "uevent.h"

static int group_attr(struct iommuctl_topology *t, const struct iommuctl_group_info *g, const char *name,
                      char *text, size_t size)
{
        char path[128];

        snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/%s", g->id, name);
        return (int)sysfs_attr(&t->sysfs, path, text, size);
}

/* The names in /sys/class/vfio, "7" or "noiommu-7", are those of the groups' nodes. One listing tells of all
 * groups. */
int topology_read_noiommu(struct iommuctl_topology *t)
{
        const char *prefix = "noiommu-";
        struct iommuctl_group_info *g;
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *name;
        uint32_t id;
        int r;

        r = sysfs_dir_open(&dir, &t->sysfs, "sys/class/vfio");
        t->has_vfio_class = r >= 0;
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                if (!startswith(name, prefix) || !topology_group_number(name + strlen(prefix), &id))
                        continue;
                g = topology_find_group(t, id);
                if (g)
                        g->noiommu = true;
        }
        return topology_fatal(r) ? r : 0;
}

/* A capture may lack the class. The kernel names a group that it made up "vfio-noiommu", be it for a device
 * without an IOMMU or for a mediated device (vfio_noiommu_group_alloc() in drivers/vfio/group.c); only the
 * first is one. Such a group lives only while its device is bound. */
static int read_noiommu_name(struct iommuctl_topology *t, struct iommuctl_group_info *g)
{
        char text[64];
        bool bound = false;
        int r;

        for (size_t i = 0; i < g->n_devices; i++)
                bound |= g->devices[i]->vfio_bound &&
                         !(g->devices[i]->bus && streq(g->devices[i]->bus, "mdev"));
        if (!bound || t->has_vfio_class)
                return 0;
        r = group_attr(t, g, "name", text, sizeof(text));
        g->noiommu = r > 0 && streq(text, "vfio-noiommu");
        return topology_fatal(r) ? r : 0;
}

bool topology_parse_region(char *line, struct iommuctl_reserved_region *ret)
{
        char *rest = NULL;
        char *start = strtok_r(line, " ", &rest);
        char *end = strtok_r(NULL, " ", &rest);
        char *type = strtok_r(NULL, " ", &rest);

        if (!type || strtok_r(NULL, " ", &rest))
                return false;
        if (!hex_parse(start, 16, &ret->start) || !hex_parse(end, 16, &ret->end) || ret->end < ret->start)
                return false;
        ret->type = type;
        return true;
}

static int add_region(struct iommuctl_topology *t, struct iommuctl_group_info *g, size_t *n_allocated,
                      char *line)
{
        struct iommuctl_reserved_region region;
        int r;

        if (!topology_parse_region(line, &region))
                return 0;
        region.type = arena_strdup(&t->arena, region.type);
        if (!region.type)
                return -ENOMEM;
        r = topology_reserve((void **)&g->regions, n_allocated, g->n_regions, sizeof(region));
        if (r >= 0)
                g->regions[g->n_regions++] = region;
        return r;
}

static int read_regions(struct iommuctl_topology *t, struct iommuctl_group_info *g, char *text)
{
        char path[128], *rest = NULL;
        size_t n_allocated = 0;
        ssize_t n;
        int r = 0;

        snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/reserved_regions", g->id);
        n = sysfs_read(&t->sysfs, path, text, GROUP_TEXT);
        if (n < 0)
                return topology_fatal((int)n) ? (int)n : 0;
        g->regions_known = true;
        for (char *line = strtok_r(text, "\n", &rest); line && r >= 0; line = strtok_r(NULL, "\n", &rest))
                r = add_region(t, g, &n_allocated, line);
        return r;
}

int topology_read_group(struct iommuctl_topology *t, struct iommuctl_group_info *g, char *text)
{
        int r;

        r = read_noiommu_name(t, g);
        if (r < 0 || !(t->what & IOMMUCTL_READ_GROUPS))
                return r;
        r = group_attr(t, g, "type", text, 64);
        if (topology_fatal(r))
                return r;
        /* "unknown" is the kernel's word for a group without a default domain (iommu_group_show_type()). */
        if (r > 0 && !streq(text, "unknown") && !(g->type = arena_strdup(&t->arena, text)))
                return -ENOMEM;
        return read_regions(t, g, text);
}

_public_ unsigned int iommuctl_group_info_id(const struct iommuctl_group_info *g)
{
        return g->id;
}

_public_ const char *iommuctl_group_info_type(const struct iommuctl_group_info *g)
{
        return g->type;
}

_public_ bool iommuctl_group_info_noiommu(const struct iommuctl_group_info *g)
{
        return g->noiommu;
}

_public_ bool iommuctl_group_info_viable(const struct iommuctl_group_info *g)
{
        for (size_t i = 0; i < g->n_devices; i++)
                if (!g->devices[i]->driver_known || iommuctl_device_info_blocks_group(g->devices[i]))
                        return false;
        return g->devices_error == 0;
}

_public_ bool iommuctl_group_info_devices_known(const struct iommuctl_group_info *g)
{
        return g->devices_error == 0;
}

_public_ size_t iommuctl_group_info_n_devices(const struct iommuctl_group_info *g)
{
        return g->n_devices;
}

_public_ const struct iommuctl_device_info *iommuctl_group_info_device(const struct iommuctl_group_info *g,
                                                                       size_t index)
{
        return index < g->n_devices ? g->devices[index] : NULL;
}

_public_ bool iommuctl_group_info_reserved_regions_known(const struct iommuctl_group_info *g)
{
        return g->regions_known;
}

_public_ size_t iommuctl_group_info_n_reserved_regions(const struct iommuctl_group_info *g)
{
        return g->n_regions;
}

_public_ const struct iommuctl_reserved_region *
iommuctl_group_info_reserved_region(const struct iommuctl_group_info *g, size_t index)
{
        return index < g->n_regions ? &g->regions[index] : NULL;
}
