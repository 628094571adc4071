/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/unplug.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "irq.h"
#include "region.h"

struct iommuctl_unplug {
        struct iommuctl_device *device;
        struct iommuctl_irq *irq;
        uint64_t timeout_ns, due_ns;
        bool asked;
};

int device_check_here(const struct iommuctl_device *d)
{
        if (!device_let_go(d))
                return 0;
        return ctx_error(d->container->ctx, -ENODEV, d->name, "%s was given back to the kernel", d->name);
}

_public_ int iommuctl_unplug_new(struct iommuctl_device *device, unsigned int timeout_ms,
                                 struct iommuctl_unplug **ret_unplug)
{
        struct iommuctl_unplug *u;
        int r;

        r = iommuctl_irq_vectors(device, IOMMUCTL_IRQ_REQUEST);
        if (r == 0 || r == -EINVAL || (r > 0 && !(device->flags & VFIO_DEVICE_FLAGS_PCI)))
                return ctx_error(device->container->ctx, -EOPNOTSUPP, device->name,
                                 "the driver of %s does not ask for it back (vfio-pci does since Linux 4.0)",
                                 device->name);
        if (r < 0)
                return r;
        u = calloc(1, sizeof(*u));
        if (!u)
                return ctx_error(device->container->ctx, -ENOMEM, device->name, "out of memory");
        r = iommuctl_irq_new(device, IOMMUCTL_IRQ_REQUEST, 0, 1, &u->irq);
        if (r < 0) {
                free(u);
                return r;
        }
        u->device = device; /* which the interrupt keeps */
        u->timeout_ns = (uint64_t)timeout_ms * 1000000;
        *ret_unplug = u;
        return 0;
}

_public_ void iommuctl_unplug_free(struct iommuctl_unplug *u)
{
        if (!u)
                return;
        iommuctl_irq_free(u->irq);
        free(u);
}

_public_ int iommuctl_unplug_fd(const struct iommuctl_unplug *u)
{
        return iommuctl_irq_fd(u->irq, 0);
}

static uint64_t now(const struct iommuctl_unplug *u)
{
        struct kernel *k = container_kernel(u->device->container);

        return k->ops->now_ns(k);
}

_public_ int iommuctl_unplug_wait(struct iommuctl_unplug *u, int timeout_ms)
{
        int r;

        r = iommuctl_irq_wait(u->irq, 0, u->asked ? 0 : timeout_ms, NULL);
        if (r < 0 && r != -ETIMEDOUT)
                return r;
        if (r == 0 && !u->asked) {
                u->asked = true;
                u->due_ns = now(u) + u->timeout_ns;
        }
        return !u->asked            ? IOMMUCTL_UNPLUG_IDLE
               : now(u) < u->due_ns ? IOMMUCTL_UNPLUG_ASKED
                                    : IOMMUCTL_UNPLUG_OVERDUE;
}

_public_ int iommuctl_unplug_check(struct iommuctl_unplug *u)
{
        return iommuctl_unplug_wait(u, 0);
}

_public_ int iommuctl_unplug_left(const struct iommuctl_unplug *u)
{
        uint64_t t = now(u);

        if (!u->asked)
                return -1;
        return t < u->due_ns ? (int)MIN((u->due_ns - t + 999999) / 1000000, (uint64_t)INT_MAX) : 0;
}

/* With the device's lock: what takes the place of the maps of all regions is there. */
static int prepare(struct iommuctl_device *d)
{
        int r = 0;

        for (struct iommuctl_region *region = d->regions; region && r >= 0; region = region->next) {
                pthread_mutex_lock(&region->lock);
                if (region->maps)
                        r = region_make_ones(region);
                pthread_mutex_unlock(&region->lock);
        }
        return r;
}

/* With the device's lock, after which nobody maps any more: a map keeps the device open. */
static int replace_maps(struct iommuctl_region *region)
{
        int r = 0;

        pthread_mutex_lock(&region->lock);
        if (region->maps) {
                __atomic_store_n(&region->lost, true, __ATOMIC_RELEASE);
                r = region_make_ones(region); /* where a map came in between */
        }
        for (struct region_map *map = region->maps; map && r >= 0; map = map->next) {
                struct sigbus_area area = region_area(region, map);

                r = sigbus_replace(&area, 0, map->length);
        }
        pthread_mutex_unlock(&region->lock);
        return r;
}

static void wake_waiters(struct iommuctl_device *d)
{
        struct kernel *k = container_kernel(d->container);
        const uint64_t one = 1;

        for (const struct iommuctl_irq *irq = d->irqs; irq; irq = irq->next)
                for (unsigned int i = 0; i < irq->count; i++)
                        k->ops->write(k, irq->fds[i], &one, sizeof(one));
}

/* With the device's lock. */
static int let_go_locked(struct iommuctl_device *d)
{
        struct kernel *k = container_kernel(d->container);
        int r;

        r = prepare(d);
        if (r < 0)
                return r;
        __atomic_store_n(&d->let_go, true, __ATOMIC_SEQ_CST);
        for (struct iommuctl_region *region = d->regions; region && r >= 0; region = region->next)
                r = replace_maps(region);
        wake_waiters(d);
        if (r < 0)
                return r;
        device_detach_given(d);
        /* Other threads may be in a call with the number: it must not become another file's. */
        return k->ops->replace_fd(k, d->fd, d->container->ctx->root_fd);
}

/* It is found by nobody from here on, and sees nothing: what it was attached to must not wait for its last
 * reference. */
static void leave_container(struct iommuctl_device *d)
{
        struct iommufd_file *file = d->container->iommufd;

        device_unlink(d);
        if (d->group)
                return;
        pthread_mutex_lock(&file->lock);
        device_drop_attachments(d);
        pthread_mutex_unlock(&file->lock);
}

_public_ int iommuctl_unplug_let_go(struct iommuctl_device *d)
{
        struct iommuctl_container *c = d->container;
        int r;

        pthread_mutex_lock(&c->join_lock);
        pthread_mutex_lock(&d->lock);
        r = d->closed ? 0 : let_go_locked(d);
        if (r >= 0 && !d->closed) {
                d->closed = true;
                leave_container(d);
        }
        pthread_mutex_unlock(&d->lock);
        pthread_mutex_unlock(&c->join_lock);
        if (r < 0)
                return ctx_error(c->ctx, r, d->name, "%s cannot be given back: %s", d->name, strerror(-r));
        return 0;
}
