/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reset.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "driver_names.h"
#include "sysfs.h"
#include "uapi.h"

/* Devices on one bus and below it; the kernel sizes its answer itself. This only bounds what we believe. */
#define MAX_AFFECTED 65536u

/* How often the devices may change between the question for their number and that for themselves. */
#define TRIES 8

_public_ const char *iommuctl_reset_claim_name(enum iommuctl_reset_claim claim)
{
        static const char *const names[] = { "open", "group", "foreign", "not-vfio", "apart" };

        return (unsigned int)claim < ARRAY_SIZE(names) ? names[claim] : NULL;
}

static int ask(struct iommuctl_device *d, uint32_t room, struct vfio_pci_hot_reset_info **ret_info)
{
        size_t size = sizeof(**ret_info) + room * sizeof((*ret_info)->devices[0]);
        _cleanup_free_ struct vfio_pci_hot_reset_info *info = calloc(1, size);
        struct kernel *k = container_kernel(d->container);
        int r;

        if (!info)
                return -ENOMEM;
        info->argsz = (uint32_t)size;
        r = k->ops->ioctl(k, d->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
        if (r >= 0 && info->count > room)
                r = -EPROTO;
        if (r >= 0 || r == -ENOSPC)
                *ret_info = TAKE_PTR(info);
        return r;
}

/* The first question has room for a few, and ENOSPC says how many there are. */
static int ask_all(struct iommuctl_device *d, struct vfio_pci_hot_reset_info **ret_info)
{
        uint32_t room = 8;
        int r = -EAGAIN;

        for (unsigned int tries = 0; tries < TRIES && (r == -EAGAIN || r == -ENOSPC); tries++) {
                r = ask(d, room, ret_info);
                if (r != -ENOSPC)
                        continue;
                room = (*ret_info)->count;
                free(TAKE_PTR(*ret_info));
                if (room == 0 || room > MAX_AFFECTED)
                        return -EPROTO;
        }
        return r == -ENOSPC ? -EAGAIN : r;
}

static int explain_no_scope(struct iommuctl_device *d, int r)
{
        struct iommuctl_ctx *ctx = d->container->ctx;

        switch (r) {
        case -ENODEV:
                return ctx_error(ctx, -EOPNOTSUPP, d->name,
                                 "%s cannot be hot reset: neither its slot nor its bus can be", d->name);
        case -ENOTTY:
        case -EOPNOTSUPP:
                return ctx_error(ctx, -EOPNOTSUPP, d->name,
                                 "%s cannot be hot reset: that is for PCI devices of vfio-pci and its "
                                 "variants",
                                 d->name);
        case -ENOMEM:
                return ctx_error(ctx, r, d->name, "out of memory");
        case -EAGAIN:
                return ctx_error(ctx, r, d->name, "the devices on the bus of %s come and go: try again",
                                 d->name);
        default:
                return ctx_error(ctx, r, d->name, "what a hot reset of %s would hit cannot be known: %s",
                                 d->name, strerror(-r));
        }
}

static bool holds_group(const struct iommuctl_container *c, struct iommuctl_group *const groups[],
                        size_t n_groups, unsigned int id)
{
        for (const struct iommuctl_group *g = c->groups; g; g = g->next)
                if (g->id == id)
                        return true;
        for (size_t i = 0; i < n_groups; i++)
                if (groups[i]->id == id)
                        return true;
        return false;
}

static bool holds_device(const struct iommuctl_container *c, const char *name)
{
        for (const struct iommuctl_device *d = c->devices; d; d = d->next)
                if (streq(d->name, name))
                        return true;
        return false;
}

/* VFIO keeps each virtual function in a set of its own, and resets a bus only where all on it are of one set
 * (vfio_pci_core_register_device, vfio_pci_dev_set_resettable). */
static bool is_virtual(struct iommuctl_device *d, const char *name)
{
        struct iommuctl_ctx *ctx = d->container->ctx;
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        char path[300];

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%.200s/physfn", name);
        return sysfs_has_name(&s, path);
}

/* The device's driver, "" for none, and whether it is one of VFIO's. */
static int read_driver(struct iommuctl_device *d, const char *name, char *driver, size_t size, bool *ret_vfio)
{
        struct iommuctl_ctx *ctx = d->container->ctx;
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        char path[64];
        ssize_t n;

        *ret_vfio = false;
        driver[0] = '\0';
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", name);
        n = sysfs_link(&s, path, driver, size);
        if (n == -ENOENT)
                return 0;
        if (n < 0)
                return ctx_error(ctx, (int)n, name, "the driver of %s cannot be read: %s", name,
                                 strerror((int)-n));
        /* A variant whose name does not say so has the directory (Linux 6.1). */
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/vfio-dev", name);
        *ret_vfio = driver_is_vfio(driver) || sysfs_exists(&s, path);
        return 0;
}

/* One device of the kernel's answer. In the form with groups the kernel leaves it to us to tell which are
 * ours; in the form with numbers it says so. Either way a device that no VFIO driver has is in the way. */
static int take(struct iommuctl_device *d, struct iommuctl_group *const groups[], size_t n_groups,
                const struct vfio_pci_dependent_device *from, bool numbers, struct reset_affected *to)
{
        char name[IOMMUCTL_ADDRESS_TEXT];
        bool vfio, ours, open;
        int r;

        to->address = (struct iommuctl_address){ .domain = from->segment,
                                                 .bus = from->bus,
                                                 .device = from->devfn >> 3,
                                                 .function = from->devfn & 7 };
        iommuctl_address_format(to->address, name);
        r = read_driver(d, name, to->driver, sizeof(to->driver), &vfio);
        if (r < 0)
                return r;
        if (!numbers) {
                to->group = from->group_id;
                ours = holds_group(d->container, groups, n_groups, to->group);
                open = ours && holds_device(d->container, name);
        } else if (from->group_id == UAPI_VFIO_PCI_DEVID_NOT_OWNED) {
                open = ours = holds_device(d->container, name);
        } else {
                ours = true;
                open = from->group_id != UAPI_VFIO_PCI_DEVID_OWNED;
                to->iommufd_id = open ? from->group_id : 0;
        }
        to->claim = !vfio  ? IOMMUCTL_RESET_NOT_VFIO
                    : open ? IOMMUCTL_RESET_OPEN
                    : ours ? IOMMUCTL_RESET_GROUP
                           : IOMMUCTL_RESET_FOREIGN;
        if (to->claim <= IOMMUCTL_RESET_GROUP && !streq(name, d->name) &&
            (is_virtual(d, d->name) || is_virtual(d, name)))
                to->claim = IOMMUCTL_RESET_APART;
        else if (to->claim <= IOMMUCTL_RESET_GROUP && numbers &&
                 from->group_id == UAPI_VFIO_PCI_DEVID_NOT_OWNED)
                to->claim = IOMMUCTL_RESET_FOREIGN; /* the kernel's word counts */
        return 0;
}

int reset_scope_read(struct iommuctl_device *d, struct iommuctl_group *const groups[], size_t n_groups,
                     struct iommuctl_reset_scope **ret_scope)
{
        struct iommuctl_reset_scope *scope _cleanup_(iommuctl_reset_scope_freep) = NULL;
        _cleanup_free_ struct vfio_pci_hot_reset_info *info = NULL;
        bool numbers;
        int r = device_check_here(d);

        if (r < 0)
                return r;
        if (n_groups > 0 && !d->group)
                return ctx_error(d->container->ctx, -EINVAL, d->name,
                                 "%s is open on iommufd: its hot reset takes no groups", d->name);
        r = d->flags & VFIO_DEVICE_FLAGS_PCI ? ask_all(d, &info) : -ENOTTY;
        if (r < 0)
                return explain_no_scope(d, r);
        scope = calloc(1, sizeof(*scope) + info->count * sizeof(scope->devices[0]));
        if (!scope)
                return explain_no_scope(d, -ENOMEM);
        numbers = info->flags & UAPI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID;
        scope->type1 = !numbers;
        scope->n_devices = info->count;
        for (size_t i = 0; i < scope->n_devices; i++) {
                r = take(d, groups, n_groups, &info->devices[i], numbers, &scope->devices[i]);
                if (r < 0)
                        return r;
        }
        *ret_scope = TAKE_PTR(scope);
        return 0;
}

_public_ int iommuctl_reset_scope_new(struct iommuctl_device *d, struct iommuctl_group *const groups[],
                                      size_t n_groups, struct iommuctl_reset_scope **ret_scope)
{
        int r;

        pthread_mutex_lock(&d->container->join_lock);
        r = reset_scope_read(d, groups, n_groups, ret_scope);
        pthread_mutex_unlock(&d->container->join_lock);
        return r;
}

_public_ void iommuctl_reset_scope_free(struct iommuctl_reset_scope *scope)
{
        free(scope);
}

_public_ size_t iommuctl_reset_scope_n_devices(const struct iommuctl_reset_scope *scope)
{
        return scope->n_devices;
}

_public_ struct iommuctl_address iommuctl_reset_scope_address(const struct iommuctl_reset_scope *scope,
                                                              size_t i)
{
        return i < scope->n_devices ? scope->devices[i].address : (struct iommuctl_address){ 0 };
}

_public_ enum iommuctl_reset_claim iommuctl_reset_scope_claim(const struct iommuctl_reset_scope *scope,
                                                              size_t i)
{
        return i < scope->n_devices ? scope->devices[i].claim : IOMMUCTL_RESET_NOT_VFIO;
}

_public_ const char *iommuctl_reset_scope_driver(const struct iommuctl_reset_scope *scope, size_t i)
{
        return i < scope->n_devices && scope->devices[i].driver[0] ? scope->devices[i].driver : NULL;
}

_public_ bool iommuctl_reset_scope_group(const struct iommuctl_reset_scope *scope, size_t i,
                                         unsigned int *ret_group)
{
        if (!scope->type1 || i >= scope->n_devices)
                return false;
        *ret_group = scope->devices[i].group;
        return true;
}

_public_ uint32_t iommuctl_reset_scope_iommufd_id(const struct iommuctl_reset_scope *scope, size_t i)
{
        return i < scope->n_devices ? scope->devices[i].iommufd_id : 0;
}

_public_ bool iommuctl_reset_scope_owned(const struct iommuctl_reset_scope *scope)
{
        for (size_t i = 0; i < scope->n_devices; i++)
                if (scope->devices[i].claim > IOMMUCTL_RESET_GROUP)
                        return false;
        return true;
}
