/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* On iommufd it is a page table that tracks, one that was made to. Devices see one of the kernel's making at
 * the start, so they are moved, which changes nothing that they see, and moved back at the end. */
#include "dirty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dirty_calls.h"

/* The page table that D sees, with a reference; NULL: the kernel's own. Of a nested one, the one below it. */
static struct iommuctl_hwpt *seen_by(struct iommuctl_device *device)
{
        struct iommufd_file *file = device->container->iommufd;
        struct iommuctl_hwpt *hwpt;

        pthread_mutex_lock(&file->lock);
        hwpt = device->hwpt;
        while (hwpt && iommuctl_hwpt_parent(hwpt))
                hwpt = iommuctl_hwpt_parent(hwpt);
        hwpt = iommuctl_hwpt_ref(hwpt);
        pthread_mutex_unlock(&file->lock);
        return hwpt;
}

static int set_tracking(const struct iommuctl_dirty *d, const struct iommuctl_hwpt *hwpt, bool on)
{
        struct iommuctl_container *c = d->container;
        const uint32_t id = iommuctl_hwpt_id(hwpt);
        int r;

        r = hwpt_dirty_set(container_kernel(c), c->space.fd, id, on);
        switch (r) {
        case -ENOTTY:
                return ctx_error(
                        c->ctx, -EOPNOTSUPP, NULL,
                        "this kernel does not track what devices write: iommufd does since Linux 6.7");
        case -EOPNOTSUPP:
                return ctx_error(c->ctx, r, NULL,
                                 "page table %u does not track: it was made without "
                                 "IOMMUCTL_HWPT_DIRTY_TRACKING",
                                 id);
        default:
                return r < 0 ? ctx_error(c->ctx, r, NULL, "page table %u does not %s tracking: %s", id,
                                         on ? "begin" : "end", strerror(-r))
                             : 0;
        }
}

static bool has_table(const struct iommuctl_dirty *d, const struct iommuctl_hwpt *hwpt)
{
        for (size_t i = 0; i < d->n_tables; i++)
                if (d->tables[i].hwpt == hwpt)
                        return true;
        return false;
}

int dirty_take_table(struct iommuctl_dirty *d, struct iommuctl_hwpt *hwpt, bool ours)
{
        struct iommuctl_ctx *ctx = d->container->ctx;
        struct dirty_table *tables;
        int r;

        if (has_table(d, hwpt))
                return 0;
        if (!(iommuctl_hwpt_flags(hwpt) & IOMMUCTL_HWPT_DIRTY_TRACKING))
                return ctx_error(ctx, -EOPNOTSUPP, NULL,
                                 "page table %u does not track: it was made without "
                                 "IOMMUCTL_HWPT_DIRTY_TRACKING",
                                 iommuctl_hwpt_id(hwpt));
        tables = calloc(d->n_tables + 1, sizeof(*tables));
        if (!tables)
                return ctx_error(ctx, -ENOMEM, NULL, "out of memory");
        r = set_tracking(d, hwpt, true);
        if (r < 0) {
                free(tables);
                return r;
        }
        pthread_mutex_lock(&d->tables_lock);
        if (d->n_tables > 0)
                memcpy(tables, d->tables, d->n_tables * sizeof(*tables));
        tables[d->n_tables] = (struct dirty_table){ iommuctl_hwpt_ref(hwpt), ours };
        free(d->tables);
        d->tables = tables;
        d->n_tables++;
        pthread_mutex_unlock(&d->tables_lock);
        return 0;
}

/* Devices behind one IOMMU share a page table; which do, the kernel knows. */
static int move_to_one_that_is_there(struct iommuctl_dirty *d, struct iommuctl_device *device)
{
        for (size_t i = 0; i < d->n_tables; i++)
                if (d->tables[i].ours && iommuctl_device_attach_hwpt(device, d->tables[i].hwpt) == 0)
                        return 0;
        return -ENOENT;
}

static int move_to_new(struct iommuctl_dirty *d, struct iommuctl_device *device)
{
        const struct iommuctl_hwpt_options options = { .struct_size = sizeof(options),
                                                       .flags = IOMMUCTL_HWPT_DIRTY_TRACKING };
        struct iommuctl_hwpt *hwpt;
        int r;

        r = iommuctl_hwpt_new(d->container, device->iommufd_id, &options, &hwpt);
        if (r < 0)
                return r;
        /* It tracks before the device is there, and once it is in the list its end brings the device back. */
        r = dirty_take_table(d, hwpt, true);
        if (r >= 0)
                r = iommuctl_device_attach_hwpt(device, hwpt);
        iommuctl_hwpt_unref(hwpt);
        return r;
}

int dirty_take_device(struct iommuctl_dirty *d, struct iommuctl_device *device)
{
        struct iommuctl_hwpt *hwpt = seen_by(device);
        int r;

        if (hwpt) {
                r = dirty_take_table(d, hwpt, false);
                iommuctl_hwpt_unref(hwpt);
                return r;
        }
        if (move_to_one_that_is_there(d, device) == 0)
                return 0;
        return move_to_new(d, device);
}

/* The devices that see the container, each with a reference, in an array to free(). */
static int list_devices(struct iommuctl_container *c, struct iommuctl_device ***ret_devices)
{
        struct iommufd_file *file = c->iommufd;
        struct iommuctl_device **devices;
        int n = 0;

        pthread_mutex_lock(&file->lock);
        for (struct iommuctl_device *d = file->devices; d; d = d->next_in_iommufd)
                n++;
        devices = calloc((size_t)n ?: 1, sizeof(struct iommuctl_device *));
        n = 0;
        for (struct iommuctl_device *d = file->devices; devices && d; d = d->next_in_iommufd)
                if (d->seen == c && (devices[n] = iommufd_find_device(file, d->iommufd_id)))
                        n++;
        pthread_mutex_unlock(&file->lock);
        if (!devices)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        *ret_devices = devices;
        return n;
}

static void drop_devices(struct iommuctl_device **devices, int n)
{
        for (int i = 0; i < n; i++)
                iommuctl_device_unref(devices[i]);
        free(devices);
}

int dirty_take_devices(struct iommuctl_dirty *d)
{
        struct iommuctl_device **devices;
        int n, r = 0;

        n = list_devices(d->container, &devices);
        for (int i = 0; r >= 0 && i < n; i++) {
                r = dirty_take_device(d, devices[i]);
                if (device_let_go(devices[i]))
                        r = 0; /* it writes nothing any more */
        }
        if (n >= 0)
                drop_devices(devices, n);
        return r < 0 ? r : n;
}

/* The devices that see HWPT see the kernel's own page table again. */
static int move_back(struct iommuctl_dirty *d, struct iommuctl_hwpt *hwpt)
{
        struct iommuctl_device **devices;
        int n, r = 0;

        n = list_devices(d->container, &devices);
        if (n < 0)
                return n;
        for (int i = 0; r >= 0 && i < n; i++) {
                struct iommuctl_hwpt *seen = seen_by(devices[i]);

                if (seen == hwpt)
                        r = iommuctl_device_attach(devices[i], d->container);
                if (device_let_go(devices[i]))
                        r = 0; /* it is in no page table any more */
                iommuctl_hwpt_unref(seen);
        }
        drop_devices(devices, n);
        return r;
}

int dirty_drop_tables(struct iommuctl_dirty *d)
{
        while (d->n_tables > 0) {
                struct dirty_table *t = &d->tables[d->n_tables - 1];
                int r;

                r = set_tracking(d, t->hwpt, false);
                if (r >= 0 && t->ours)
                        r = move_back(d, t->hwpt);
                if (r < 0)
                        return r;
                pthread_mutex_lock(&d->tables_lock);
                d->n_tables--;
                pthread_mutex_unlock(&d->tables_lock);
                iommuctl_hwpt_unref(t->hwpt);
        }
        return 0;
}

int dirty_device_joined(struct iommuctl_container *c, struct iommuctl_device *device)
{
        bool sees;

        if (!c->dirty || device->group)
                return 0;
        /* One that was open already may have been attached elsewhere since, or be detached. */
        pthread_mutex_lock(&c->iommufd->lock);
        sees = device->seen == c;
        pthread_mutex_unlock(&c->iommufd->lock);
        if (!sees)
                return 0;
        return dirty_take_device(c->dirty, device);
}
