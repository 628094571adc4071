/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "locate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "iommuctl/address.h"
#include "sysfs.h"

/* The directory of NAME below any bus; a descriptor, or -ENOENT. */
static int open_on_any_bus(const struct sysfs *s, const char *name)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close) = { .fd = -1 };
        char path[600];
        const char *bus;
        int r;

        r = sysfs_dir_open(&dir, s, "sys/bus");
        while (r >= 0 && (r = sysfs_dir_next(&dir, &bus)) > 0) {
                int fd;

                snprintf(path, sizeof(path), "sys/bus/%.255s/devices/%.255s", bus, name);
                fd = sysfs_open_dir(s, path);
                if (fd != -ENOENT && fd != -ENOTDIR)
                        return fd;
        }
        return r < 0 ? r : -ENOENT;
}

static int open_device_dir(const struct sysfs *s, const char *name)
{
        char path[600];
        int fd;

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", name);
        fd = sysfs_open_dir(s, path);
        return fd == -ENOENT ? open_on_any_bus(s, name) : fd;
}

/* vfio-dev/vfioN/dev is there where the kernel makes a node for the device itself (VFIO_DEVICE_CDEV). */
static void find_cdev(const struct sysfs *s, int device_dir, struct device_place *place)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *name;
        int r;

        r = sysfs_dir_open_at(&dir, s, device_dir, "vfio-dev");
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                struct stat st;
                char path[300];

                snprintf(path, sizeof(path), "%.255s/dev", name);
                if (strlen(name) > 32 || !startswith(name, "vfio") ||
                    s->k->ops->fstatat(s->k, dir.fd, path, &st, 0) < 0)
                        continue;
                snprintf(place->cdev, sizeof(place->cdev), "dev/vfio/devices/%.32s", name);
                return;
        }
}

/* The device of /dev/vfio/devices/vfioN. */
static int name_of_node(struct iommuctl_ctx *ctx, const struct sysfs *s, const char *node, char *buf,
                        size_t size)
{
        char path[120];
        ssize_t n;

        snprintf(path, sizeof(path), "sys/class/vfio-dev/%.64s/device", path_basename(node));
        n = sysfs_link(s, path, buf, size);
        return n < 0 ? ctx_error(ctx, n == -ENOENT ? -ENODEV : (int)n, NULL, "%s is no device's node: %s",
                                 node, strerror((int)-n))
                     : 0;
}

/* A path below /sys or /dev: the directory of the device, and its name. */
static int open_path(struct iommuctl_ctx *ctx, const struct sysfs *s, const char *path,
                     struct device_place *place)
{
        char at[sizeof(place->name) + 256];
        size_t length = strlen(path);
        int r;

        if (startswith(path, "/dev/vfio/devices/")) {
                r = name_of_node(ctx, s, path, place->name, sizeof(place->name));
                if (r < 0)
                        return r;
                place->cdev_asked = true;
                return open_device_dir(s, place->name);
        }
        if (startswith(path, "/dev/vfio/"))
                return ctx_error(ctx, -EINVAL, NULL, "%s is a group or a container, not a device", path);
        while (length > 1 && path[length - 1] == '/')
                length--;
        if (!startswith(path, "/sys/") || length >= sizeof(at))
                return ctx_error(ctx, -EINVAL, NULL,
                                 "%.200s is neither a device's directory below /sys nor its node below "
                                 "/dev/vfio/devices",
                                 path);
        snprintf(at, sizeof(at), "%.*s", (int)length - 1, path + 1);
        snprintf(place->name, sizeof(place->name), "%.255s", path_basename(at));
        return sysfs_open_dir(s, at);
}

static bool is_name(const char *name)
{
        size_t length = strlen(name);

        return length > 0 && length < sizeof(((struct device_place *)0)->name) && !strchr(name, '/') &&
               name[0] != '.';
}

static int locate(struct iommuctl_ctx *ctx, const char *name, bool with_cdev, struct device_place *ret_place)
{
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        struct scoped_fd dir _cleanup_fd_ = SCOPED_FD(ctx->kernel, -1);
        struct device_place place = { .group = 0 };
        char address_text[IOMMUCTL_ADDRESS_TEXT], group[32], *end;
        struct iommuctl_address address;
        ssize_t n;

        if (name[0] == '/') {
                dir.fd = open_path(ctx, &s, name, &place);
                if (!place.name[0])
                        return dir.fd;
                name = place.name;
        } else {
                if (iommuctl_address_parse(name, &address) == 0)
                        name = iommuctl_address_format(address, address_text);
                if (!is_name(name))
                        return ctx_error(ctx, -ENODEV, NULL, "there is no device of that name");
                snprintf(place.name, sizeof(place.name), "%s", name);
                dir.fd = open_device_dir(&s, name);
        }
        if (dir.fd == -ENOENT || dir.fd == -ENOTDIR)
                return ctx_error(ctx, -ENODEV, name, "there is no device %s", name);
        if (dir.fd < 0)
                return ctx_error(ctx, dir.fd, name, "%s cannot be read in sysfs: %s", name,
                                 strerror(-dir.fd));

        n = sysfs_link_at(&s, dir.fd, "iommu_group", group, sizeof(group));
        if (n == -ENOENT)
                return ctx_error(ctx, -ENODEV, name,
                                 "%s is in no IOMMU group: no IOMMU translates for it (iommuctl status)",
                                 name);
        if (n < 0)
                return ctx_error(ctx, (int)n, name, "the group of %s cannot be read: %s", name,
                                 strerror((int)-n));
        place.group = (unsigned int)strtoul(group, &end, 10);
        if (*end)
                return ctx_error(ctx, -EPROTO, name, "%s has a group that is no number: %s", name, group);
        if (with_cdev || place.cdev_asked)
                find_cdev(&s, dir.fd, &place);
        *ret_place = place;
        return 0;
}

int device_locate(struct iommuctl_ctx *ctx, const char *name, struct device_place *ret_place)
{
        return locate(ctx, name, true, ret_place);
}

int device_locate_in_group(struct iommuctl_ctx *ctx, const char *name, struct device_place *ret_place)
{
        return locate(ctx, name, false, ret_place);
}
