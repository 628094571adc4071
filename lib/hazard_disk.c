/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hazards of disks: what is mounted on them, swapped to them, or built on top of them.
 *
 * Looked at are all disks and partitions in the device's part of the device tree, and everything stacked on
 * them (dm, LVM, md, bcache) by the links in holders/. */

#include "hazard_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

static struct disk *find(struct disks *ds, const char *name)
{
        for (size_t i = 0; i < ds->n; i++)
                if (streq(ds->list[i].name, name))
                        return &ds->list[i];
        return NULL;
}

static int add(struct disks *ds, const char *name, int below)
{
        char number[32];
        unsigned int major, minor;
        struct disk *disk;
        ssize_t n;

        if (strlen(name) >= DISK_NAME_SIZE || find(ds, name))
                return 0;
        n = file_read(ds->k, ds->root_fd, number, sizeof(number), "sys/class/block/%s/dev", name);
        if (n == -ENOENT)
                return 0; /* one path of several to an NVMe namespace: hidden, it cannot be opened */
        if (n < 0)
                return (int)n;
        if (sscanf(number, "%u:%u", &major, &minor) != 2)
                return -EBADMSG;
        disk = CHANGE_GROW(ds->list, ds->n);
        if (!disk)
                return -ENOMEM;
        strcpy(disk->name, name);
        disk->number = makedev(major, minor);
        disk->below = below;
        return 0;
}

/* An NVMe namespace that may have several paths lives under its subsystem, not under a controller
 * (drivers/nvme/host/multipath.c): "…/virtual/nvme-subsystem/nvme-subsys0/nvme0n1". It is the device's where
 * one of the subsystem's controllers is. */
static int is_multipath_below(struct disks *ds, const char *path, const char *device)
{
        static const char subsystems[] = "/nvme-subsystem/";
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        const char *subsystem = strstr(path, subsystems), *name;
        char link[1024];
        size_t length;
        int r;

        if (!subsystem)
                return 0;
        subsystem += strlen(subsystems);
        length = strcspn(subsystem, "/");
        r = dir_open(&dir, ds->k, ds->root_fd, "sys/class/nvme-subsystem/%.*s", (int)length, subsystem);
        if (r < 0)
                return r;
        while ((name = dir_next(&dir)))
                if (startswith(name, "nvme") &&
                    file_link(ds->k, ds->root_fd, link, sizeof(link), "sys/class/nvme-subsystem/%.*s/%s",
                              (int)length, subsystem, name) > 0 &&
                    hazard_path_is_below(link, device))
                        return 1;
        return dir.error;
}

static int add_own(struct disks *ds)
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        const char *name;
        char link[1024];
        ssize_t n;
        int r;

        r = dir_open(&dir, ds->k, ds->root_fd, "sys/class/block");
        if (r < 0)
                return r == -ENOENT ? 0 : r; /* a kernel without disks */
        while ((name = dir_next(&dir))) {
                /* One that just went is no danger; one that cannot be looked at may be the one. */
                n = file_link(ds->k, ds->root_fd, link, sizeof(link), "sys/class/block/%s", name);
                if (n == -ENOENT || n == -EINVAL)
                        continue;
                if (n < 0)
                        return (int)n;
                r = hazard_path_is_below(link, ds->device->name);
                if (r == 0)
                        r = is_multipath_below(ds, link, ds->device->name);
                if (r > 0)
                        r = add(ds, name, -1);
                if (r < 0)
                        return r;
        }
        return dir.error;
}

/* The list grows while it is walked, so this goes all the way up. */
static int add_stacked(struct disks *ds)
{
        for (size_t i = 0; i < ds->n; i++) {
                struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
                const char *name;
                int r;

                r = dir_open(&dir, ds->k, ds->root_fd, "sys/class/block/%s/holders", ds->list[i].name);
                if (r < 0 && r != -ENOENT)
                        return r;
                while ((name = dir_next(&dir))) {
                        r = add(ds, name, (int)i);
                        if (r < 0)
                                return r;
                }
                if (dir.error < 0)
                        return dir.error;
        }
        return 0;
}

/* "dm-0 (vg-root)": the name that people gave it, beside the kernel's. */
static const char *describe(const struct disks *ds, const struct disk *disk,
                            char text[2 * DISK_NAME_SIZE + 4])
{
        char name[DISK_NAME_SIZE];

        if (file_read(ds->k, ds->root_fd, name, sizeof(name), "sys/class/block/%s/dm/name", disk->name) > 0)
                snprintf(text, 2 * DISK_NAME_SIZE + 4, "%s (%s)", disk->name, name);
        else
                snprintf(text, 2 * DISK_NAME_SIZE + 4, "%s", disk->name);
        return text;
}

static int say_holder(struct disks *ds, const struct disk *disk)
{
        char text[2 * DISK_NAME_SIZE + 4];

        return hazard_add(ds->change, ds->device->name, IOMMUCTL_HAZARD_HOLDER, "%s is held by %s%s%s",
                          ds->list[disk->below].name, describe(ds, disk, text),
                          disk->mount ? ", mounted at " : "", disk->mount ?: "");
}

static int say_mount(struct disks *ds, const struct disk *disk)
{
        char text[2 * DISK_NAME_SIZE + 4], more[40] = "";

        if (disk->n_mounts > 1)
                snprintf(more, sizeof(more), " (and %u more)", disk->n_mounts - 1);
        return hazard_add(ds->change, ds->device->name, IOMMUCTL_HAZARD_MOUNTED, "%s is mounted at %s%s",
                          describe(ds, disk, text), disk->mount, more);
}

static int say_all(struct disks *ds)
{
        char text[2 * DISK_NAME_SIZE + 4];
        int r = 0;

        for (size_t i = 0; i < ds->n && r >= 0; i++) {
                const struct disk *disk = &ds->list[i];

                if (disk->below >= 0)
                        r = say_holder(ds, disk);
                if (r >= 0 && disk->mount)
                        r = say_mount(ds, disk);
                if (r >= 0 && disk->swap)
                        r = hazard_add(ds->change, ds->device->name, IOMMUCTL_HAZARD_SWAP,
                                       "%s holds swap in use", describe(ds, disk, text));
        }
        return r;
}

int hazard_disks(struct iommuctl_change *change, const struct bus_device *device)
{
        struct disks ds = { .change = change, .device = device, .k = change->k, .root_fd = change->root_fd };
        int r;

        r = add_own(&ds);
        if (r >= 0 && ds.n > 0)
                r = add_stacked(&ds);
        if (r >= 0 && ds.n > 0)
                r = disks_find_mounts(&ds);
        if (r >= 0 && ds.n > 0)
                r = disks_find_swap(&ds);
        if (r >= 0)
                r = say_all(&ds);
        else
                r = ctx_error(change->ctx, r, device->name, "cannot look at the disks of %s: %s",
                              device->name, strerror(-r));
        for (size_t i = 0; i < ds.n; i++)
                free(ds.list[i].mount);
        free(ds.list);
        return r;
}
