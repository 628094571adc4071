/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/irq.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "device.h"

_Static_assert((int)IOMMUCTL_IRQ_INTX == (int)VFIO_PCI_INTX_IRQ_INDEX, "numbered as the kernel does");
_Static_assert((int)IOMMUCTL_IRQ_MSI == (int)VFIO_PCI_MSI_IRQ_INDEX, "numbered as the kernel does");
_Static_assert((int)IOMMUCTL_IRQ_MSIX == (int)VFIO_PCI_MSIX_IRQ_INDEX, "numbered as the kernel does");
_Static_assert((int)IOMMUCTL_IRQ_ERR == (int)VFIO_PCI_ERR_IRQ_INDEX, "numbered as the kernel does");
_Static_assert((int)IOMMUCTL_IRQ_REQUEST == (int)VFIO_PCI_REQ_IRQ_INDEX, "numbered as the kernel does");

struct iommuctl_irq {
        struct iommuctl_device *device;
        struct iommuctl_irq *next; /* of the device's */
        unsigned int kind, first, count;
        int fds[]; /* -1 beyond those that are open */
};

static struct kernel *device_kernel(const struct iommuctl_device *d)
{
        return container_kernel(d->container);
}

static const char *kind_name(const struct iommuctl_device *d, unsigned int kind)
{
        static const char *const names[] = { "INTx", "MSI", "MSI-X", "error", "request" };

        return d->flags & VFIO_DEVICE_FLAGS_PCI && kind < ARRAY_SIZE(names) ? names[kind] : "interrupt";
}

static int irq_info(struct iommuctl_device *d, unsigned int kind, struct vfio_irq_info *ret_info)
{
        struct kernel *k = device_kernel(d);
        int r;

        *ret_info = (struct vfio_irq_info){ .argsz = sizeof(*ret_info), .index = kind };
        r = k->ops->ioctl(k, d->fd, VFIO_DEVICE_GET_IRQ_INFO, ret_info);
        /* vfio-pci answers EINVAL also for a kind that this device lacks, such as ERR where it is not PCIe.
         */
        if (r == -EINVAL && kind < d->n_irqs) {
                ret_info->count = 0;
                return 0;
        }
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "%s has no interrupt index %u", d->name,
                                 kind);
        return 0;
}

_public_ int iommuctl_irq_vectors(struct iommuctl_device *d, unsigned int kind)
{
        struct vfio_irq_info info;
        int r;

        r = irq_info(d, kind, &info);
        if (r < 0)
                return r;
        return info.count > INT32_MAX ? INT32_MAX : (int)info.count;
}

/* One call to VFIO_DEVICE_SET_IRQS; FDS for DATA_EVENTFD, else NULL. */
static int set_irqs(struct iommuctl_device *d, uint32_t flags, unsigned int kind, unsigned int first,
                    unsigned int count, const int *fds)
{
        size_t data = fds ? count * sizeof(fds[0]) : 0;
        _cleanup_free_ struct vfio_irq_set *set = calloc(1, sizeof(*set) + data);
        struct kernel *k = device_kernel(d);

        if (!set)
                return -ENOMEM;
        set->argsz = (uint32_t)(sizeof(*set) + data);
        set->flags = flags;
        set->index = kind;
        set->start = first;
        set->count = count;
        if (fds)
                memcpy(set->data, fds, data);
        return k->ops->ioctl(k, d->fd, VFIO_DEVICE_SET_IRQS, set);
}

/* With the device's lock: whether another object stands in the way of these vectors. */
static int check_others(struct iommuctl_device *d, unsigned int kind, unsigned int first, unsigned int count,
                        bool noresize)
{
        for (const struct iommuctl_irq *o = d->irqs; o; o = o->next) {
                if (o->kind != kind) {
                        if (d->flags & VFIO_DEVICE_FLAGS_PCI && o->kind <= IOMMUCTL_IRQ_MSIX &&
                            kind <= IOMMUCTL_IRQ_MSIX)
                                return ctx_error(d->container->ctx, -EBUSY, d->name,
                                                 "%s signals by %s now; %s can be used once that is freed",
                                                 d->name, kind_name(d, o->kind), kind_name(d, kind));
                        continue;
                }
                if (first < o->first + o->count && o->first < first + count)
                        return ctx_error(d->container->ctx, -EEXIST, d->name,
                                         "%s vectors %u to %u of %s are in use already", kind_name(d, kind),
                                         o->first, o->first + o->count - 1, d->name);
                if (noresize)
                        return ctx_error(
                                d->container->ctx, -EOPNOTSUPP, d->name,
                                "%s vectors of %s cannot be added while others are in use: take all at once",
                                kind_name(d, kind), d->name);
        }
        return 0;
}

static void close_fds(struct iommuctl_irq *irq)
{
        struct kernel *k = device_kernel(irq->device);

        for (unsigned int i = 0; i < irq->count; i++)
                if (irq->fds[i] >= 0)
                        k->ops->close(k, irq->fds[i]);
}

static int open_fds(struct iommuctl_irq *irq)
{
        struct kernel *k = device_kernel(irq->device);

        for (unsigned int i = 0; i < irq->count; i++)
                irq->fds[i] = -1;
        for (unsigned int i = 0; i < irq->count; i++) {
                irq->fds[i] = k->ops->eventfd(k, 0, EFD_NONBLOCK);
                if (irq->fds[i] < 0)
                        return irq->fds[i];
        }
        return 0;
}

/* R is a negative errno, or the number of vectors that the host could give instead (pci_alloc_irq_vectors()).
 */
static int irq_failed(const struct iommuctl_irq *irq, int r)
{
        struct iommuctl_device *d = irq->device;
        char why[64];

        if (r > 0)
                snprintf(why, sizeof(why), "the host has only %d left to give", r);
        else
                snprintf(why, sizeof(why), "%s",
                         r == -ENOSPC ? "the host has no vectors left" : strerror(-r));
        return ctx_error(d->container->ctx, r > 0 ? -ENOSPC : r, d->name,
                         "%s vectors %u to %u of %s cannot be set up: %s", kind_name(d, irq->kind),
                         irq->first, irq->first + irq->count - 1, d->name, why);
}

/* Connects the eventfds, and puts the object into the device's list. */
static int enable(struct iommuctl_irq *irq, const struct vfio_irq_info *info)
{
        struct iommuctl_device *d = irq->device;
        int r;

        pthread_mutex_lock(&d->lock);
        r = check_others(d, irq->kind, irq->first, irq->count, info->flags & VFIO_IRQ_INFO_NORESIZE);
        if (r == 0) {
                r = set_irqs(d, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, irq->kind,
                             irq->first, irq->count, irq->fds);
                if (r != 0)
                        r = irq_failed(irq, r);
        }
        if (r == 0) {
                irq->next = d->irqs;
                d->irqs = irq;
        }
        pthread_mutex_unlock(&d->lock);
        return r;
}

_public_ int iommuctl_irq_new(struct iommuctl_device *d, unsigned int kind, unsigned int first,
                              unsigned int count, struct iommuctl_irq **ret_irq)
{
        struct iommuctl_irq *irq;
        struct vfio_irq_info info;
        int r;

        if (count == 0)
                return ctx_error(d->container->ctx, -EINVAL, d->name, "%s: 0 vectors were asked for",
                                 d->name);
        r = irq_info(d, kind, &info);
        if (r < 0)
                return r;
        if (first >= info.count || count > info.count - first)
                return ctx_error(d->container->ctx, -ERANGE, d->name,
                                 "%s has %u %s vectors: %u from number %u on are not there", d->name,
                                 info.count, kind_name(d, kind), count, first);
        irq = calloc(1, sizeof(*irq) + count * sizeof(irq->fds[0]));
        if (!irq)
                return ctx_error(d->container->ctx, -ENOMEM, d->name, "out of memory");
        irq->device = d;
        irq->kind = kind;
        irq->first = first;
        irq->count = count;
        r = open_fds(irq);
        if (r < 0)
                r = irq_failed(irq, r);
        else
                r = enable(irq, &info);
        if (r < 0) {
                close_fds(irq);
                free(irq);
                return r;
        }
        iommuctl_device_ref(d);
        *ret_irq = irq;
        return 0;
}

/* The kernel turns a whole index off in one form only: no data, no vectors, trigger. While other vectors of
 * the index are live, these are taken off their eventfds instead. */
static void disable(struct iommuctl_irq *irq)
{
        struct iommuctl_device *d = irq->device;
        bool others = false;
        int r;

        pthread_mutex_lock(&d->lock);
        for (struct iommuctl_irq **p = &d->irqs; *p;) {
                if (*p == irq) {
                        *p = irq->next;
                        continue;
                }
                others |= (*p)->kind == irq->kind;
                p = &(*p)->next;
        }
        if (others) {
                close_fds(irq);
                for (unsigned int i = 0; i < irq->count; i++)
                        irq->fds[i] = -1;
                r = set_irqs(d, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, irq->kind,
                             irq->first, irq->count, irq->fds);
        } else {
                r = set_irqs(d, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, irq->kind, 0, 0, NULL);
        }
        pthread_mutex_unlock(&d->lock);
        if (r < 0)
                ctx_log(d->container->ctx, IOMMUCTL_LOG_WARNING,
                        "%s interrupts of %s cannot be turned off: %s", kind_name(d, irq->kind), d->name,
                        strerror(-r));
}

_public_ void iommuctl_irq_free(struct iommuctl_irq *irq)
{
        if (!irq)
                return;
        disable(irq);
        close_fds(irq);
        iommuctl_device_unref(irq->device);
        free(irq);
}

_public_ unsigned int iommuctl_irq_count(const struct iommuctl_irq *irq)
{
        return irq->count;
}

_public_ int iommuctl_irq_fd(const struct iommuctl_irq *irq, unsigned int i)
{
        return i < irq->count ? irq->fds[i] : -1;
}

static int check_index(const struct iommuctl_irq *irq, unsigned int i)
{
        if (i < irq->count)
                return 0;
        return ctx_error(irq->device->container->ctx, -EINVAL, irq->device->name,
                         "there are %u vectors, no number %u", irq->count, i);
}

_public_ int iommuctl_irq_wait(struct iommuctl_irq *irq, unsigned int i, int timeout_ms, uint64_t *ret_count)
{
        struct kernel *k = device_kernel(irq->device);
        uint64_t count, deadline = 0;
        int r, left = timeout_ms;
        ssize_t n;

        r = check_index(irq, i);
        if (r < 0)
                return r;
        if (timeout_ms > 0)
                deadline = k->ops->now_ns(k) + (uint64_t)timeout_ms * 1000000;
        for (;;) {
                struct pollfd p = { .fd = irq->fds[i], .events = POLLIN };

                r = k->ops->poll(k, &p, 1, left);
                if (r == 0 && timeout_ms == 0)
                        return -ETIMEDOUT; /* only looked, in a polling driver's loop: no failure, no text */
                if (r == 0)
                        return ctx_error(irq->device->container->ctx, -ETIMEDOUT, irq->device->name,
                                         "no %s interrupt of %s in %d ms", kind_name(irq->device, irq->kind),
                                         irq->device->name, timeout_ms);
                if (r < 0)
                        return ctx_error(irq->device->container->ctx, r, irq->device->name,
                                         "waiting for an interrupt of %s ended: %s", irq->device->name,
                                         strerror(-r));
                n = k->ops->read(k, irq->fds[i], &count, sizeof(count));
                if (n == sizeof(count))
                        break;
                if (n != -EAGAIN) /* another thread took it: wait for the next */
                        return ctx_error(irq->device->container->ctx, n < 0 ? (int)n : -EIO,
                                         irq->device->name, "the eventfd of %s cannot be read",
                                         irq->device->name);
                if (timeout_ms > 0) {
                        uint64_t now = k->ops->now_ns(k);

                        left = now < deadline ? (int)((deadline - now + 999999) / 1000000) : 0;
                }
        }
        if (ret_count)
                *ret_count = count;
        return 0;
}

static int act(struct iommuctl_irq *irq, unsigned int i, uint32_t action, const char *what)
{
        struct iommuctl_device *d = irq->device;
        int r;

        r = check_index(irq, i);
        if (r < 0)
                return r;
        r = set_irqs(d, VFIO_IRQ_SET_DATA_NONE | action, irq->kind, irq->first + i, 1, NULL);
        if (r == -ENOTTY)
                r = -EOPNOTSUPP;
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "%s vector %u of %s cannot be %s: %s",
                                 kind_name(d, irq->kind), irq->first + i, d->name, what, strerror(-r));
        return 0;
}

_public_ int iommuctl_irq_mask(struct iommuctl_irq *irq, unsigned int i)
{
        return act(irq, i, VFIO_IRQ_SET_ACTION_MASK, "masked");
}

_public_ int iommuctl_irq_unmask(struct iommuctl_irq *irq, unsigned int i)
{
        return act(irq, i, VFIO_IRQ_SET_ACTION_UNMASK, "unmasked");
}

_public_ int iommuctl_irq_trigger(struct iommuctl_irq *irq, unsigned int i)
{
        return act(irq, i, VFIO_IRQ_SET_ACTION_TRIGGER, "triggered");
}
