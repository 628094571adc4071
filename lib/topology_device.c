/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading one device. One read of its uevent file answers most; the files and links beside it are read where
 * uevent says nothing, or where attributes are asked for. */

#include "topology.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "driver_names.h"
#include "uevent.h"

static void set_number(struct iommuctl_device_info *d, enum iommuctl_number which, uint64_t value)
{
        d->numbers[which] = (uint32_t)value;
        d->known_numbers |= (uint16_t)(1u << which);
}

static bool has_number(const struct iommuctl_device_info *d, enum iommuctl_number which)
{
        return d->known_numbers & 1u << which;
}

/* A directory that is opened when it is first needed, at DIR or where else the device may be found. */
struct source {
        struct iommuctl_topology *t;
        const char *dir;
        const char *name;
        const char *bus; /* under whose devices it was found, or NULL */
        int fd;          /* -1: not opened yet; below: why it could not be */
};

static int source_fd(struct source *s)
{
        static const char *const buses[] = { "pci", "platform", "fsl-mc", "mdev" };
        char path[DEVICE_PATH];

        if (s->fd != -1)
                return s->fd;
        s->fd = sysfs_open_dir(&s->t->sysfs, s->dir);
        /* A capture may have kept the links of the groups and not what they point to. */
        for (size_t i = 0; s->fd == -ENOENT && s->t->sysfs.captured && i < ARRAY_SIZE(buses); i++) {
                snprintf(path, sizeof(path), "sys/bus/%s/devices/%s", buses[i], s->name);
                s->fd = sysfs_open_dir(&s->t->sysfs, path);
                if (s->fd >= 0)
                        s->bus = buses[i];
        }
        if (s->fd == -1) /* -EPERM, told apart from "not yet" */
                s->fd = -EACCES;
        return s->fd;
}

static void source_close(struct source *s)
{
        if (s->fd >= 0)
                s->t->ctx->kernel->ops->close(s->t->ctx->kernel, s->fd);
}

/* The text of an attribute, in *RET, where there is one. 0, or what ends the whole reading. */
static int take_attr(struct source *s, const char *name, const char **ret)
{
        char text[1024];
        ssize_t n = source_fd(s) < 0 ? -ENOENT : sysfs_attr_at(&s->t->sysfs, s->fd, name, text, sizeof(text));

        if (n < 0)
                return topology_fatal((int)n) ? (int)n : 0;
        *ret = arena_strdup(&s->t->arena, text);
        return *ret ? 0 : -ENOMEM;
}

/* The same for the last component of a link. */
static int take_link(struct source *s, const char *name, const char **ret)
{
        char text[256];
        ssize_t n = source_fd(s) < 0 ? -ENOENT : sysfs_link_at(&s->t->sysfs, s->fd, name, text, sizeof(text));

        if (n < 0)
                return topology_fatal((int)n) ? (int)n : 0;
        *ret = arena_strdup(&s->t->arena, text);
        return *ret ? 0 : -ENOMEM;
}

static int take_hex(struct source *s, struct iommuctl_device_info *d, const char *name, int digits,
                    enum iommuctl_number which)
{
        uint64_t value;
        char text[32];
        ssize_t n;

        if (has_number(d, which) || source_fd(s) < 0)
                return 0;
        n = sysfs_attr_at(&s->t->sysfs, s->fd, name, text, sizeof(text));
        if (n > 0 && hex_parse(text, digits, &value))
                set_number(d, which, value);
        return topology_fatal((int)n) ? (int)n : 0;
}

static int take_uevent(struct iommuctl_topology *t, struct iommuctl_device_info *d, char *text, size_t size)
{
        struct uevent u;

        uevent_parse(text, size, &u);
        d->driver_known = true;
        if (u.driver && !(d->driver = arena_strdup(&t->arena, u.driver)))
                return -ENOMEM;
        if (u.modalias && !(d->modalias = arena_strdup(&t->arena, u.modalias)))
                return -ENOMEM;
        if (u.pci_slot_name || u.has_class || u.has_id)
                d->bus = "pci";
        if (u.has_class)
                set_number(d, IOMMUCTL_NUMBER_CLASS, u.class);
        if (u.has_id) {
                set_number(d, IOMMUCTL_NUMBER_VENDOR_ID, u.vendor);
                set_number(d, IOMMUCTL_NUMBER_DEVICE_ID, u.device);
        }
        if (u.has_subsystem_id) {
                set_number(d, IOMMUCTL_NUMBER_SUBSYSTEM_VENDOR_ID, u.subsystem_vendor);
                set_number(d, IOMMUCTL_NUMBER_SUBSYSTEM_DEVICE_ID, u.subsystem_device);
        }
        return 0;
}

/* uevent, by its path where nothing else is asked for. Its length, or a negative errno. */
static ssize_t read_uevent(struct source *s, char *text, size_t size)
{
        char path[DEVICE_PATH + 16];

        if (s->t->what & IOMMUCTL_READ_ATTRIBUTES)
                return source_fd(s) < 0 ? s->fd : sysfs_read_at(&s->t->sysfs, s->fd, "uevent", text, size);
        snprintf(path, sizeof(path), "%s/uevent", s->dir);
        return sysfs_read(&s->t->sysfs, path, text, size);
}

/* What uevent did not say. */
static int fill_in(struct source *s, struct iommuctl_device_info *d)
{
        static const struct {
                const char *name;
                int digits;
                enum iommuctl_number which;
        } files[] = {
                { "class", 6, IOMMUCTL_NUMBER_CLASS },
                { "vendor", 4, IOMMUCTL_NUMBER_VENDOR_ID },
                { "device", 4, IOMMUCTL_NUMBER_DEVICE_ID },
                { "subsystem_vendor", 4, IOMMUCTL_NUMBER_SUBSYSTEM_VENDOR_ID },
                { "subsystem_device", 4, IOMMUCTL_NUMBER_SUBSYSTEM_DEVICE_ID },
        };
        int r = 0;

        if (!d->bus)
                r = take_link(s, "subsystem", &d->bus);
        if (!d->bus)
                d->bus = s->bus;
        if (r >= 0 && !d->driver_known) {
                r = take_link(s, "driver", &d->driver);
                d->driver_known = d->driver != NULL;
        }
        if (r >= 0 && !d->modalias)
                r = take_attr(s, "modalias", &d->modalias);
        if (d->bus ? !streq(d->bus, "pci") : !d->has_address)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(files) && r >= 0; i++)
                r = take_hex(s, d, files[i].name, files[i].digits, files[i].which);
        if (!d->bus && has_number(d, IOMMUCTL_NUMBER_VENDOR_ID) && has_number(d, IOMMUCTL_NUMBER_CLASS))
                d->bus = "pci";
        return r;
}

static int read_attributes(struct source *s, struct iommuctl_device_info *d)
{
        const char *numa = NULL;
        int r;

        r = take_attr(s, "driver_override", &d->driver_override);
        if (r >= 0 && d->driver_override && streq(d->driver_override, "(null)"))
                d->driver_override = NULL;
        if (r >= 0)
                r = take_link(s, "iommu", &d->iommu);
        if (r >= 0)
                r = take_attr(s, "numa_node", &numa);
        if (r >= 0 && numa) {
                char *end;
                long node = strtol(numa, &end, 10);

                if (*numa >= '0' && *numa <= '9' && *end == '\0' && node <= INT32_MAX)
                        set_number(d, IOMMUCTL_NUMBER_NUMA_NODE, (uint64_t)node);
        }
        if (r >= 0 && d->has_address)
                r = take_hex(s, d, "revision", 2, IOMMUCTL_NUMBER_REVISION);
        return r;
}

/* Whether uevent left something open that another file may tell. */
static bool incomplete(const struct iommuctl_device_info *d)
{
        const uint16_t ids = 1u << IOMMUCTL_NUMBER_CLASS | 1u << IOMMUCTL_NUMBER_VENDOR_ID |
                             1u << IOMMUCTL_NUMBER_DEVICE_ID | 1u << IOMMUCTL_NUMBER_SUBSYSTEM_VENDOR_ID |
                             1u << IOMMUCTL_NUMBER_SUBSYSTEM_DEVICE_ID;

        if (!d->bus || !d->driver_known)
                return true;
        return streq(d->bus, "pci") && (d->known_numbers & ids) != ids;
}

/* A driver that is none of those known by name, but may be: the vfio-dev directory decides (Linux 6.1). */
static bool look_for_vfio(struct source *s, const struct iommuctl_device_info *d)
{
        struct kernel *k = s->t->sysfs.k;
        struct stat st;

        if (!d->driver || driver_is_vfio(d->driver))
                return d->driver != NULL;
        if (!(s->t->what & IOMMUCTL_READ_ATTRIBUTES) && !strstr(d->driver, "vfio"))
                return false;
        return source_fd(s) >= 0 && k->ops->fstatat(k, s->fd, "vfio-dev", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISDIR(st.st_mode);
}

static int read_device(struct source *s, struct iommuctl_device_info *d)
{
        /* The kernel's own buffer for it is one page; 4 KiB but where pages are larger, and then 2 KiB
         * (UEVENT_BUFFER_SIZE) still hold all keys. */
        char text[4096 + 1];
        ssize_t n;
        int r = 0;

        n = read_uevent(s, text, sizeof(text));
        if (topology_fatal((int)n))
                return (int)n;
        if ((n == -ENOENT || n == -ENODEV) && !s->t->sysfs.captured && source_fd(s) < 0)
                return topology_fatal(s->fd) ? s->fd : -ENODEV;
        if (n > 0)
                r = take_uevent(s->t, d, text, (size_t)n);
        if (r >= 0 && incomplete(d))
                r = fill_in(s, d);
        if (d->bus && !streq(d->bus, "pci"))
                d->has_address = false;
        if (r >= 0 && s->t->what & IOMMUCTL_READ_ATTRIBUTES)
                r = read_attributes(s, d);
        d->vfio_bound = look_for_vfio(s, d);
        return topology_fatal(s->fd) ? s->fd : r;
}

int topology_add_device(struct iommuctl_topology *t, const char *dir, const char *name, const char *bus,
                        uint32_t group_id)
{
        struct source s _cleanup_(source_close) = { .t = t, .dir = dir, .name = name, .bus = bus, .fd = -1 };
        struct iommuctl_device_info d = { .group_id = group_id };
        int r;

        d.name = arena_strdup(&t->arena, name);
        if (!d.name)
                return -ENOMEM;
        d.has_address = iommuctl_address_parse(name, &d.address) == 0;
        r = read_device(&s, &d);
        if (r == -ENODEV)
                return 0;
        if (r >= 0)
                r = topology_reserve((void **)&t->devices, &t->devices_size, t->n_devices,
                                     sizeof(*t->devices));
        if (r >= 0)
                t->devices[t->n_devices++] = d;
        return r;
}
