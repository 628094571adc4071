/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a device of a topology tells, and the nodes that VFIO made for it. */

#include "topology.h"

#include <errno.h>
#include <stdio.h>

#include "driver_names.h"

/* /dev/vfio/N exists where the kernel has VFIO groups (CONFIG_VFIO_GROUP), and then so does the class "vfio".
 * A capture that left all of /sys/class out still tells the node by the group's number. */
static bool has_group_node(struct iommuctl_topology *t, const struct iommuctl_group_info *g)
{
        char path[64];

        if (!t->has_vfio_class)
                return !sysfs_exists(&t->sysfs, "sys/class/vfio-dev");
        snprintf(path, sizeof(path), "sys/class/vfio/%s%u", g->noiommu ? "noiommu-" : "", g->id);
        /* The name is what counts: a capture may lack what the link points to. */
        return sysfs_has_name(&t->sysfs, path);
}

/* The directory of a device, wherever the machine or the capture has it. */
static void device_path(struct iommuctl_topology *t, const struct iommuctl_device_info *d,
                        char path[DEVICE_PATH])
{
        if (d->group) {
                snprintf(path, DEVICE_PATH, "sys/kernel/iommu_groups/%u/devices/%s", d->group->id, d->name);
                if (!d->bus || !t->sysfs.captured || sysfs_exists(&t->sysfs, path))
                        return;
        }
        snprintf(path, DEVICE_PATH, "sys/bus/%.64s/devices/%s", d->bus ?: "pci", d->name);
}

/* The device's own node: vfio-dev/vfio0, where it is one that can be opened (CONFIG_VFIO_DEVICE_CDEV gives it
 * a number, in "dev"; never without an IOMMU: vfio_device_add() in drivers/vfio/vfio.h). */
static int find_cdev(struct iommuctl_topology *t, struct iommuctl_device_info *d, const char *dir_path)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        char path[2 * DEVICE_PATH];
        const char *name;
        int r;

        snprintf(path, sizeof(path), "%s/vfio-dev", dir_path);
        r = sysfs_dir_open(&dir, &t->sysfs, path);
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                if (!startswith(name, "vfio"))
                        continue;
                snprintf(path, sizeof(path), "%s/vfio-dev/%s/dev", dir_path, name);
                if (!sysfs_exists(&t->sysfs, path))
                        continue;
                snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
                d->vfio_cdev = arena_strdup(&t->arena, path);
                return d->vfio_cdev ? 0 : -ENOMEM;
        }
        return topology_fatal(r) ? r : 0;
}

int topology_device_nodes(struct iommuctl_topology *t, struct iommuctl_device_info *d)
{
        char path[DEVICE_PATH];

        if (!d->vfio_bound || !d->group)
                return 0;
        if (has_group_node(t, d->group)) {
                snprintf(path, sizeof(path), "/dev/vfio/%s%u", d->group->noiommu ? "noiommu-" : "",
                         d->group->id);
                d->vfio_node = arena_strdup(&t->arena, path);
                if (!d->vfio_node)
                        return -ENOMEM;
        }
        if (d->group->noiommu)
                return 0;
        device_path(t, d, path);
        return find_cdev(t, d, path);
}

_public_ const char *iommuctl_device_info_name(const struct iommuctl_device_info *d)
{
        return d->name;
}

_public_ const char *iommuctl_device_info_bus(const struct iommuctl_device_info *d)
{
        return d->bus;
}

_public_ bool iommuctl_device_info_address(const struct iommuctl_device_info *d,
                                           struct iommuctl_address *ret_address)
{
        if (d->has_address)
                *ret_address = d->address;
        return d->has_address;
}

_public_ const struct iommuctl_group_info *iommuctl_device_info_group(const struct iommuctl_device_info *d)
{
        return d->group;
}

_public_ bool iommuctl_device_info_group_known(const struct iommuctl_device_info *d)
{
        return !d->group_unknown;
}

_public_ const char *const *iommuctl_device_info_group_devices(const struct iommuctl_device_info *d)
{
        return d->group_devices;
}

_public_ const char *iommuctl_device_info_driver(const struct iommuctl_device_info *d)
{
        return d->driver;
}

_public_ bool iommuctl_device_info_driver_known(const struct iommuctl_device_info *d)
{
        return d->driver_known;
}

_public_ bool iommuctl_device_info_vfio_bound(const struct iommuctl_device_info *d)
{
        return d->vfio_bound;
}

/* Mediated devices have no bus whose dma_configure() would take part in the ownership of a group's DMA. */
_public_ bool iommuctl_device_info_blocks_group(const struct iommuctl_device_info *d)
{
        if (!d->driver || d->vfio_bound || (d->bus && streq(d->bus, "mdev")))
                return false;
        return driver_blocks_group(d->driver);
}

_public_ const char *iommuctl_device_info_modalias(const struct iommuctl_device_info *d)
{
        return d->modalias;
}

_public_ bool iommuctl_device_info_number(const struct iommuctl_device_info *d, enum iommuctl_number which,
                                          uint32_t *ret_value)
{
        if ((unsigned int)which >= NUMBERS || !(d->known_numbers & 1u << which))
                return false;
        *ret_value = d->numbers[which];
        return true;
}

_public_ const char *iommuctl_device_info_driver_override(const struct iommuctl_device_info *d)
{
        return d->driver_override;
}

_public_ const char *iommuctl_device_info_iommu(const struct iommuctl_device_info *d)
{
        return d->iommu;
}

_public_ const char *iommuctl_device_info_vfio_node(const struct iommuctl_device_info *d)
{
        return d->vfio_node;
}

_public_ const char *iommuctl_device_info_vfio_cdev(const struct iommuctl_device_info *d)
{
        return d->vfio_cdev;
}

_public_ ssize_t iommuctl_topology_read_attribute(struct iommuctl_topology *t,
                                                  const struct iommuctl_device_info *d, const char *name,
                                                  char *text, size_t size)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(t->sysfs.k, -1);
        char path[DEVICE_PATH];
        ssize_t n;

        if (!*name || strchr(name, '/') || streq(name, ".") || streq(name, ".."))
                return -EINVAL;
        device_path(t, d, path);
        fd.fd = sysfs_open_dir(&t->sysfs, path);
        if (fd.fd < 0)
                return fd.fd;
        n = sysfs_read_at(&t->sysfs, fd.fd, name, text, size);
        if (n == -ELOOP)
                return sysfs_link_at(&t->sysfs, fd.fd, name, text, size);
        if (n > 0 && text[n - 1] == '\n')
                text[--n] = '\0';
        return n < 0 ? n : (ssize_t)strlen(text);
}
