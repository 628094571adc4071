/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a network interface, a disk or a display node to the device of the topology behind it. */

#include "topology_select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TARGET_MAX 4096

/* Where a link points, as it is written. */
static ssize_t read_target(struct iommuctl_topology *t, const char *path, char target[TARGET_MAX])
{
        struct kernel *k = t->sysfs.k;
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, sysfs_open(&t->sysfs, path, O_PATH | O_NOFOLLOW));
        ssize_t n;

        if (fd.fd < 0)
                return fd.fd;
        n = k->ops->readlinkat(k, fd.fd, "", target, TARGET_MAX);
        if (n == TARGET_MAX)
                return -EOVERFLOW;
        if (n == -ENOENT)
                return -EINVAL; /* what was opened is no link */
        if (n >= 0)
                target[n] = '\0';
        return n;
}

/* The nearest device of the topology on the way up. /sys/class/net/eth0 points to
 * ../../devices/pci0000:00/0000:00:03.0/virtio0/net/eth0: the components name every device above it, so no
 * link has to be followed and a capture need not hold what it points to. */
static const struct iommuctl_device_info *nearest_above(struct iommuctl_topology *t, char *target)
{
        char *slash;

        while ((slash = strrchr(target, '/'))) {
                const struct iommuctl_device_info *d = iommuctl_topology_find_device(t, slash + 1);

                if (d)
                        return d;
                *slash = '\0';
        }
        return iommuctl_topology_find_device(t, target);
}

/* The devices that an entry of /sys points up to. 0, or why it could not be read. */
static int add_above(struct iommuctl_topology *t, const char *path, struct matches *m)
{
        const struct iommuctl_device_info *d;
        char target[TARGET_MAX];
        ssize_t n;

        n = read_target(t, path, target);
        if (n < 0)
                return (int)n;
        d = nearest_above(t, target);
        if (d)
                matches_add(m, d);
        return 0;
}

/* The disk of an NVMe subsystem with several paths hangs from /sys/devices/virtual/nvme-subsystem/…, not from
 * a controller; the subsystem's directory links to its controllers, nvme0, nvme1. */
static void add_nvme_controllers(struct iommuctl_topology *t, const char *name, struct matches *m)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close) = { .fd = -1 };
        char target[TARGET_MAX], path[TARGET_MAX + 512];
        char *subsystem, *end;
        const char *entry;

        snprintf(path, sizeof(path), "sys/class/block/%s", name);
        if (read_target(t, path, target) < 0 || !(subsystem = strstr(target, "/nvme-subsystem/")))
                return;
        end = strchr(subsystem + strlen("/nvme-subsystem/"), '/');
        if (end)
                *end = '\0';
        snprintf(path, sizeof(path), "sys/devices/virtual%s", subsystem);
        if (sysfs_dir_open(&dir, &t->sysfs, path) < 0)
                return;
        while (sysfs_dir_next(&dir, &entry) > 0) {
                const char *digits = entry + strlen("nvme");

                if (!startswith(entry, "nvme") || !*digits || digits[strspn(digits, "0123456789")])
                        continue;
                snprintf(path, sizeof(path), "sys/devices/virtual%s/%s", subsystem, entry);
                add_above(t, path, m);
        }
}

/* What a thing without a device of its own is made of: a bridge's ports, the disks below a volume. */
static void list_lower(struct iommuctl_topology *t, const char *class, const char *name,
                       struct name_list *ret)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close) = { .fd = -1 };
        const char *prefix, *entry;
        char path[512];

        snprintf(path, sizeof(path), "sys/class/%s/%s", class, name);
        if (streq(class, "block"))
                strcat(path, "/slaves");
        prefix = streq(class, "net") ? "lower_" : "";
        if (streq(class, "drm") || sysfs_dir_open(&dir, &t->sysfs, path) < 0)
                return;
        while (sysfs_dir_next(&dir, &entry) > 0)
                if (startswith(entry, prefix))
                        name_list_add(ret, entry + strlen(prefix));
}

/* Whether the entry hangs from a device at all, one that the topology does not hold: not from
 * /sys/devices/virtual. */
static bool has_device(struct iommuctl_topology *t, const char *class, const char *name)
{
        char target[TARGET_MAX], path[512];

        snprintf(path, sizeof(path), "sys/class/%s/%s", class, name);
        if (read_target(t, path, target) >= 0)
                return !strstr(target, "/devices/virtual/");
        strcat(path, "/device");
        return sysfs_has_name(&t->sysfs, path);
}

static int no_device_behind(struct iommuctl_topology *t, const char *class, const char *name)
{
        struct name_list lower = { 0 };

        list_lower(t, class, name, &lower);
        if (lower.n == 0 && !has_device(t, class, name))
                return ctx_error(t->ctx, -ENODEV, NULL, "%s:%s has no device behind it", class, name);
        if (lower.n == 0 && t->what & IOMMUCTL_READ_UNGROUPED)
                return ctx_error(t->ctx, -ENODEV, NULL,
                                 "%s:%s: behind it is no PCI device and none that is in an IOMMU group",
                                 class, name);
        if (lower.n == 0)
                return ctx_error(t->ctx, -ENODEV, NULL, "%s:%s: no device behind it is in an IOMMU group",
                                 class, name);
        return ctx_error(t->ctx, -ENODEV, NULL, "%s:%s has no device of its own; it stands on %s", class,
                         name, name_list_end(&lower));
}

int select_class(struct iommuctl_topology *t, const char *class, const char *name, struct matches *m)
{
        char path[512], plain[256];
        int r;

        if (streq(class, "block") && startswith(name, "/dev/"))
                name += strlen("/dev/");
        if (!*name || strlen(name) >= sizeof(plain) || streq(name, ".") || streq(name, ".."))
                return ctx_error(t->ctx, -EINVAL, NULL, "'%s:%s' names nothing", class, name);
        strcpy(plain, name);
        /* sysfs writes the slash of names like cciss/c0d0 as "!". */
        for (char *p = plain; (p = strchr(p, '/'));)
                *p = '!';
        snprintf(path, sizeof(path), "sys/class/%s/%s", class, plain);
        r = add_above(t, path, m);
        if (r == -ENOENT)
                return ctx_error(t->ctx, -ENODEV, NULL, "no %s %s", class, name);
        if (m->n == 0) {
                strcat(path, "/device");
                add_above(t, path, m);
        }
        if (m->n == 0 && streq(class, "block"))
                add_nvme_controllers(t, plain, m);
        return m->n > 0 ? 0 : no_device_behind(t, class, plain);
}
