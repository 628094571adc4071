/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio_node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#define POLL_INTERVAL_NS (10 * 1000000ull)

int vfio_group_number(const struct bus_device *device, unsigned int *ret_group)
{
        char name[24], *end;
        unsigned long id;
        int r;

        r = file_link_name(device->k, device->root_fd, name, sizeof(name),
                           "sys/bus/%s/devices/%s/iommu_group", device->bus, device->name);
        if (r < 0)
                return r;
        id = strtoul(name, &end, 10);
        if (end == name || *end)
                return -EBADMSG;
        *ret_group = (unsigned int)id;
        return 0;
}

/* A device is announced where its class directory is there. */
static int find_group_node(const struct bus_device *device, struct vfio_nodes *nodes)
{
        static const char *const prefixes[] = { "", "noiommu-" }; /* drivers/vfio/group.c */
        unsigned int group;
        int r;

        r = vfio_group_number(device, &group);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
                r = file_exists(device->k, device->root_fd, "sys/class/vfio/%s%u", prefixes[i], group);
                if (r < 0)
                        return r;
                if (r > 0) {
                        snprintf(nodes->group, sizeof(nodes->group), "/dev/vfio/%s%u", prefixes[i], group);
                        return 0;
                }
        }
        return 0;
}

static int find_cdev(const struct bus_device *device, struct vfio_nodes *nodes)
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        const char *name;
        int r;

        r = dir_open(&dir, device->k, device->root_fd, "sys/bus/%s/devices/%s/vfio-dev", device->bus,
                     device->name);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        while ((name = dir_next(&dir))) {
                if (!startswith(name, "vfio") || strlen(name) > 12)
                        continue;
                /* Linux 6.2 to 6.5, and kernels built without cdevs, have the directory but no number in it.
                 */
                r = file_exists(device->k, device->root_fd, "sys/bus/%s/devices/%s/vfio-dev/%s/dev",
                                device->bus, device->name, name);
                if (r <= 0)
                        return r;
                snprintf(nodes->cdev, sizeof(nodes->cdev), "/dev/vfio/devices/%.12s", name);
                return 0;
        }
        return dir.error;
}

int vfio_nodes_announced(const struct bus_device *device, struct vfio_nodes *ret_nodes)
{
        struct vfio_nodes nodes = { 0 };
        int r;

        r = find_group_node(device, &nodes);
        if (r >= 0)
                r = find_cdev(device, &nodes);
        if (r < 0)
                return r;
        *ret_nodes = nodes;
        return 0;
}

/* 1 where the node is there or none is wanted. */
static int node_there(const struct bus_device *device, const char *node)
{
        return *node ? file_exists(device->k, device->root_fd, "%s", node + 1) : 1;
}

int vfio_nodes_wait(const struct bus_device *device, int timeout_ms, struct vfio_nodes *ret_nodes)
{
        struct kernel *k = device->k;
        uint64_t deadline = k->ops->now_ns(k) + (uint64_t)timeout_ms * 1000000u;
        int r;

        r = vfio_nodes_announced(device, ret_nodes);
        if (r < 0)
                return r;
        if (!*ret_nodes->group && !*ret_nodes->cdev)
                return -ENOENT;
        for (;;) {
                int group = node_there(device, ret_nodes->group);
                int cdev = node_there(device, ret_nodes->cdev);

                if (group < 0 || cdev < 0)
                        return MIN(group, cdev);
                if (group && cdev)
                        return 0;
                if (k->ops->now_ns(k) >= deadline) {
                        if (group)
                                ret_nodes->group[0] = '\0';
                        if (cdev)
                                ret_nodes->cdev[0] = '\0';
                        return -ETIMEDOUT;
                }
                k->ops->sleep_ns(k, POLL_INTERVAL_NS);
        }
}
