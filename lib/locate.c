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

static bool is_name(const char *name)
{
        size_t length = strlen(name);

        return length > 0 && length < sizeof(((struct device_place *)0)->name) && !strchr(name, '/') &&
               name[0] != '.';
}

int device_locate(struct iommuctl_ctx *ctx, const char *name, struct device_place *ret_place)
{
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        struct scoped_fd dir _cleanup_fd_ = SCOPED_FD(ctx->kernel, -1);
        struct device_place place = { .group = 0 };
        char address_text[IOMMUCTL_ADDRESS_TEXT], group[32], *end;
        struct iommuctl_address address;
        ssize_t n;

        if (iommuctl_address_parse(name, &address) == 0)
                name = iommuctl_address_format(address, address_text);
        if (!is_name(name))
                return ctx_error(ctx, -ENODEV, NULL, "there is no device of that name");
        snprintf(place.name, sizeof(place.name), "%s", name);
        dir.fd = open_device_dir(&s, name);
        if (dir.fd == -ENOENT)
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
        find_cdev(&s, dir.fd, &place);
        *ret_place = place;
        return 0;
}
