/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hot reset: what it would hit, who may do it (drivers/vfio/pci/vfio_pci_core.c), and the methods by which
 * sysfs says a function is reset (drivers/pci/pci.c). */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "fake_vfio.h"

/* The path of the bridge above the device, "" on a root bus: that has no bridge to reset it by. */
static void bridge_of(const struct fake_device *d, char out[512])
{
        const char *slash = strrchr(d->path, '/'), *parent;

        snprintf(out, 512, "%.*s", (int)(slash - d->path), d->path);
        parent = strrchr(out, '/');
        if (!parent || startswith(parent, "/pci") || !streq(d->bus, "pci"))
                out[0] = '\0';
}

/* On the bus below the bridge, or on a bus below that (pci_walk_bus()). */
static bool is_hit(const struct fake_device *d, const char *bridge)
{
        size_t n = strlen(bridge);

        return strncmp(d->path, bridge, n) == 0 && d->path[n] == '/' && streq(d->bus, "pci");
}

static unsigned int count_hit(struct fake *m, const char *bridge)
{
        unsigned int n = 0;

        for (struct fake_device *d = m->devices; d; d = d->next)
                n += is_hit(d, bridge);
        return n;
}

static bool is_virtual(struct fake *m, const struct fake_device *d)
{
        char path[600];

        snprintf(path, sizeof(path), "%s/physfn", d->path);
        return fake_exists(m, path);
}

/* Part of the set of VFIO devices that a reset of OF hits: a VFIO driver has it, and it is on this very bus;
 * a virtual function is a set of its own (vfio_pci_core_register_device()). */
static bool in_set(struct fake *m, const struct fake_device *d, const struct fake_device *of,
                   const char *bridge)
{
        char own[512];

        if (d != of && (is_virtual(m, d) || is_virtual(m, of)))
                return false;
        bridge_of(d, own);
        return d->driver && d->driver->vfio && streq(own, bridge);
}

/* vfio_iommufd_get_dev_id(): its number in the iommufd; 0 where only its group is there; -1 where neither. */
static uint32_t devid_in(struct fake *m, const struct fake_device *d, const struct fake_device *of,
                         const char *bridge)
{
        const struct fake_iommufd *i = of->iommufd;

        if (!in_set(m, d, of, bridge))
                return FAKE_DEVID_NOT_OWNED;
        if (d->iommufd == i)
                return d->devid;
        for (struct fake_device *o = m->devices; o; o = o->next)
                if (o->group && o->group == d->group && o->iommufd == i)
                        return FAKE_DEVID_OWNED;
        return FAKE_DEVID_NOT_OWNED;
}

static int get_info(struct fake *m, struct fake_device_file *df, struct vfio_pci_hot_reset_info *a)
{
        uint32_t room;
        char bridge[512];
        unsigned int n;

        if (a->argsz < sizeof(*a))
                return -EINVAL;
        bridge_of(df->device, bridge);
        if (!bridge[0])
                return -ENODEV;
        room = (a->argsz - (uint32_t)sizeof(*a)) / (uint32_t)sizeof(a->devices[0]);
        n = count_hit(m, bridge);
        if (m->hot_reset_growth) { /* one more was plugged in since the last question */
                m->hot_reset_growth--;
                n = MAX(n, room + 1);
        }
        a->flags = 0;
        a->count = n;
        if (n > room)
                return -ENOSPC;
        a->count = 0;
        if (!df->group)
                a->flags = FAKE_HOT_RESET_DEV_ID | FAKE_HOT_RESET_DEV_ID_OWNED;
        for (struct fake_device *d = m->devices; d; d = d->next) {
                struct vfio_pci_dependent_device *to = &a->devices[a->count];
                unsigned int domain, bus, slot, function;

                if (!is_hit(d, bridge))
                        continue;
                if (sscanf(d->name, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4)
                        abort();
                to->segment = (uint16_t)domain;
                to->bus = (uint8_t)bus;
                to->devfn = (uint8_t)(slot << 3 | function);
                to->group_id = df->group ? d->group->id : devid_in(m, d, df->device, bridge);
                if (!df->group && to->group_id == FAKE_DEVID_NOT_OWNED)
                        a->flags &= ~(__u32)FAKE_HOT_RESET_DEV_ID_OWNED;
                a->count++;
        }
        return 0;
}

/* vfio_dev_in_groups() */
static int has_group(struct fake *m, const struct vfio_pci_hot_reset *a, const struct fake_device *d)
{
        for (uint32_t i = 0; i < a->count; i++)
                if (fake_group_of(fake_file_get(m, a->group_fds[i])) == d->group)
                        return 1;
        return 0;
}

static void reset_one(struct fake *m, struct fake_device *d)
{
        d->hot_resets++;
        fake_dmabufs_move(m, d, true);
        if (d->memory[PCI_COMMAND] & PCI_COMMAND_MEMORY)
                fake_dmabufs_move(m, d, false);
        fake_migration_reset(d);
        memset(d->memory + (1 << 20), 0, FAKE_BAR0_SIZE);
}

static int hot_reset(struct fake *m, struct fake_device_file *df, const struct vfio_pci_hot_reset *a)
{
        char bridge[512];

        if (a->argsz < sizeof(*a) || a->flags || !!a->count == !df->group)
                return -EINVAL;
        bridge_of(df->device, bridge);
        if (!bridge[0])
                return -ENODEV;
        if (a->count > count_hit(m, bridge))
                return -EINVAL;
        for (uint32_t i = 0; i < a->count; i++) {
                struct fake_file *f = fake_file_get(m, a->group_fds[i]);

                if (!fake_group_of(f))
                        return f ? -EINVAL : -EBADF;
        }
        for (struct fake_device *d = m->devices; d; d = d->next) {
                if (!is_hit(d, bridge))
                        continue;
                if (!in_set(m, d, df->device, bridge))
                        return -EINVAL; /* vfio_pci_dev_set_resettable() */
                if (df->group ? !has_group(m, a, d)
                              : devid_in(m, d, df->device, bridge) == FAKE_DEVID_NOT_OWNED)
                        return -EINVAL;
        }
        if (m->hot_reset_error) /* a lock that is held at this moment */
                return m->hot_reset_error;
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (is_hit(d, bridge))
                        reset_one(m, d);
        return 0;
}

int fake_hot_reset_ioctl(struct fake *m, struct fake_device_file *df, unsigned long request, void *arg)
{
        if (!streq(df->device->bus, "pci"))
                return -ENOTTY;
        return request == VFIO_DEVICE_PCI_HOT_RESET ? hot_reset(m, df, arg) : get_info(m, df, arg);
}

void fake_set_hot_reset_error(struct fake *m, int error)
{
        m->hot_reset_error = error;
}

void fake_set_hot_reset_growth(struct fake *m, unsigned int n)
{
        m->hot_reset_growth = n;
}

unsigned int fake_hot_reset_count(struct fake *m, const char *bdf)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d ? d->hot_resets : 0;
}

static const char all_methods[] = "flr pm bus";

static int methods_show(struct fake *m, struct fake_node *node, char *buf, size_t size)
{
        const struct fake_device *d = node->owner;

        (void)m;
        return d->reset_methods[0] ? snprintf(buf, size, "%s\n", d->reset_methods) : 0;
}

static bool has_method(const char *name, size_t length)
{
        for (const char *p = all_methods; *p;) {
                size_t n = strcspn(p, " ");

                if (n == length && memcmp(p, name, n) == 0)
                        return true;
                p += n + (p[n] == ' ');
        }
        return false;
}

/* reset_method_store(): all or nothing; an empty line turns them off. */
static int methods_store(struct fake *m, struct fake_node *node, const char *value)
{
        struct fake_device *d = node->owner;
        char text[sizeof(d->reset_methods)] = "";

        (void)m;
        if (streq(value, "default\n") || streq(value, "default")) {
                snprintf(d->reset_methods, sizeof(d->reset_methods), "%s", all_methods);
                return 0;
        }
        for (const char *p = value; *p;) {
                size_t n = strcspn(p, " \n");

                if (n > 0) {
                        if (!has_method(p, n) || strlen(text) + n + 2 > sizeof(text))
                                return -EINVAL;
                        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s",
                                 text[0] ? " " : "", (int)n, p);
                }
                p += n + (p[n] != '\0');
        }
        memcpy(d->reset_methods, text, sizeof(text));
        return 0;
}

void fake_add_reset_methods(struct fake *m, struct fake_device *d)
{
        static const struct fake_attribute attribute = { .show = methods_show, .store = methods_store };
        char path[600];

        snprintf(path, sizeof(path), "%s/reset_method", d->path);
        snprintf(d->reset_methods, sizeof(d->reset_methods), "flr bus");
        fake_add_attribute(m, path, &attribute, d);
}
