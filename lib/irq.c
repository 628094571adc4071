/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "irq.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

_Static_assert((int)IOMMUCTL_IRQ_INTX == (int)VFIO_PCI_INTX_IRQ_INDEX, "numbered as the kernel does");
_Static_assert((int)IOMMUCTL_IRQ_MSI == (int)VFIO_PCI_MSI_IRQ_INDEX, "numbered as the kernel does");
_Static_assert((int)IOMMUCTL_IRQ_MSIX == (int)VFIO_PCI_MSIX_IRQ_INDEX, "numbered as the kernel does");
_Static_assert((int)IOMMUCTL_IRQ_ERR == (int)VFIO_PCI_ERR_IRQ_INDEX, "numbered as the kernel does");
_Static_assert((int)IOMMUCTL_IRQ_REQUEST == (int)VFIO_PCI_REQ_IRQ_INDEX, "numbered as the kernel does");

static struct kernel *device_kernel(const struct iommuctl_device *d)
{
        return container_kernel(d->container);
}

const char *irq_kind_name(const struct iommuctl_device *d, unsigned int kind)
{
        static const char *const names[] = { "INTx", "MSI", "MSI-X", "error", "request" };

        return d->flags & VFIO_DEVICE_FLAGS_PCI && kind < ARRAY_SIZE(names) ? names[kind] : "interrupt";
}

static int irq_info(struct iommuctl_device *d, unsigned int kind, struct vfio_irq_info *ret_info)
{
        struct kernel *k = device_kernel(d);
        int r;

        r = device_check_here(d);
        if (r < 0)
                return r;
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

_public_ int iommuctl_irq_can_add(struct iommuctl_device *d, unsigned int kind)
{
        struct vfio_irq_info info;
        int r;

        r = irq_info(d, kind, &info);
        if (r < 0)
                return r;
        return info.count > 1 && !(info.flags & VFIO_IRQ_INFO_NORESIZE);
}

/* What VFIO_DEVICE_SET_IRQS takes to have COUNT vectors signal as many eventfds. */
static struct vfio_irq_set *new_set(unsigned int kind, unsigned int first, unsigned int count)
{
        const size_t size = sizeof(struct vfio_irq_set) + count * sizeof(int32_t);
        struct vfio_irq_set *set = calloc(1, size);

        if (!set)
                return NULL;
        set->argsz = (uint32_t)size;
        set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
        set->index = kind;
        set->start = first;
        set->count = count;
        return set;
}

/* A whole kind is turned off in this one form only (vfio_pci_set_irqs_ioctl(), drivers/vfio/pci). */
static int turn_off(struct iommuctl_device *d, unsigned int kind)
{
        struct vfio_irq_set set = { .argsz = sizeof(set),
                                    .flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
                                    .index = kind };

        return device_kernel(d)->ops->ioctl(device_kernel(d), d->fd, VFIO_DEVICE_SET_IRQS, &set);
}

/* With the device's lock: whether another object stands in the way of these vectors; and how many the kernel
 * holds of the kind. */
static int check_others(struct iommuctl_irq *irq, bool noresize)
{
        struct iommuctl_device *d = irq->device;
        struct iommuctl_ctx *ctx = d->container->ctx;
        const unsigned int kind = irq->kind, last = irq->first + irq->count - 1;

        irq->room = 0;
        for (const struct iommuctl_irq *o = d->irqs; o; o = o->next) {
                if (o->kind != kind) {
                        if (d->flags & VFIO_DEVICE_FLAGS_PCI && o->kind <= IOMMUCTL_IRQ_MSIX &&
                            kind <= IOMMUCTL_IRQ_MSIX)
                                return ctx_error(ctx, -EBUSY, d->name,
                                                 "%s signals by %s now; %s can be used once that is freed",
                                                 d->name, irq_kind_name(d, o->kind), irq_kind_name(d, kind));
                        continue;
                }
                if (irq->first < o->first + o->count && o->first <= last)
                        return ctx_error(ctx, -EEXIST, d->name,
                                         "%s vectors %u to %u of %s are in use already",
                                         irq_kind_name(d, kind), o->first, o->first + o->count - 1, d->name);
                irq->room = MAX(irq->room, o->room);
        }
        if (irq->room > 0 && noresize && last >= irq->room)
                return ctx_error(ctx, -EOPNOTSUPP, d->name,
                                 "%s vector %u of %s cannot be added while others are in use: there are %u "
                                 "until those are freed (Linux 6.5 adds MSI-X vectors to most devices)",
                                 irq_kind_name(d, kind), last, d->name, irq->room);
        return 0;
}

static void close_fds(struct iommuctl_irq *irq)
{
        struct kernel *k = irq_kernel(irq);

        for (unsigned int i = 0; i < irq->count; i++)
                if (irq->fds[i] >= 0)
                        k->ops->close(k, irq->fds[i]);
}

static int open_fds(struct iommuctl_irq *irq)
{
        struct kernel *k = irq_kernel(irq);

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
                         "%s vectors %u to %u of %s cannot be set up: %s", irq_kind_name(d, irq->kind),
                         irq->first, irq->first + irq->count - 1, d->name, why);
}

/* Turning a kind on takes all of the host's vectors from 0 up to the run's last one (vfio_msi_enable()).
 * Where the kernel can add vectors, the kind is turned on with vector 0 alone, silent, so that the run costs
 * one vector more than it has and not all of those before it. */
static int turn_on_sparsely(struct iommuctl_irq *irq)
{
        union irq_set_one zero = irq_set_one(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
                                             irq->kind, 0, -1);

        return irq_kernel(irq)->ops->ioctl(irq_kernel(irq), irq->device->fd, VFIO_DEVICE_SET_IRQS, &zero);
}

/* With the device's lock: the kernel connects the eventfds. */
static int connect_fds(struct iommuctl_irq *irq, bool noresize)
{
        struct kernel *k = irq_kernel(irq);
        const bool sparse = irq->device->flags & VFIO_DEVICE_FLAGS_PCI && irq->kind == IOMMUCTL_IRQ_MSIX &&
                            irq->room == 0 && !noresize && irq->first > 1;
        _cleanup_free_ struct vfio_irq_set *set = new_set(irq->kind, irq->first, irq->count);
        int r = 0;

        if (!set)
                return -ENOMEM;
        memcpy(set->data, irq->fds, irq->count * sizeof(irq->fds[0]));
        if (sparse)
                r = turn_on_sparsely(irq);
        if (r == 0)
                r = k->ops->ioctl(k, irq->device->fd, VFIO_DEVICE_SET_IRQS, set);
        if (r != 0 && sparse)
                turn_off(irq->device, irq->kind);
        return r;
}

/* Connects the eventfds, and puts the object into the device's list. */
static int enable(struct iommuctl_irq *irq, const struct vfio_irq_info *info)
{
        const bool noresize = info->flags & VFIO_IRQ_INFO_NORESIZE;
        struct iommuctl_device *d = irq->device;
        int r;

        pthread_mutex_lock(&d->lock);
        r = device_check_here(d); /* it may have been let go of since it was asked */
        if (r == 0)
                r = check_others(irq, noresize);
        if (r == 0) {
                r = connect_fds(irq, noresize);
                if (r != 0)
                        r = irq_failed(irq, r);
        }
        if (r == 0) {
                irq->room = MAX(irq->room, irq->first + irq->count);
                irq->next = d->irqs;
                d->irqs = irq;
        }
        pthread_mutex_unlock(&d->lock);
        return r;
}

static struct iommuctl_irq *irq_alloc(struct iommuctl_device *d, unsigned int kind, unsigned int first,
                                      unsigned int count)
{
        struct iommuctl_irq *irq = calloc(1, sizeof(*irq) + count * sizeof(irq->fds[0]));

        if (!irq)
                return NULL;
        irq->off = new_set(kind, first, count);
        if (!irq->off) {
                free(irq);
                return NULL;
        }
        irq->device = d;
        irq->kind = kind;
        irq->first = first;
        irq->count = count;
        for (unsigned int i = 0; i < count; i++)
                irq->fds[i] = -1;
        memset(irq->off->data, 0xff, count * sizeof(int32_t)); /* each -1 */
        return irq;
}

static void irq_release(struct iommuctl_irq *irq)
{
        close_fds(irq);
        free(irq->off);
        free(irq);
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
                                 info.count, irq_kind_name(d, kind), count, first);
        irq = irq_alloc(d, kind, first, count);
        if (!irq)
                return ctx_error(d->container->ctx, -ENOMEM, d->name, "out of memory");
        r = open_fds(irq);
        if (r < 0)
                r = irq_failed(irq, r);
        else
                r = enable(irq, &info);
        if (r < 0) {
                irq_release(irq);
                return r;
        }
        iommuctl_device_ref(d);
        *ret_irq = irq;
        return 0;
}

/* The last run of a kind turns the kind off. While others are live, its vectors are taken off their eventfds
 * instead; the kernel keeps them until the kind is off. */
static void disable(struct iommuctl_irq *irq)
{
        struct iommuctl_device *d = irq->device;
        struct iommuctl_irq *other = NULL;
        int r;

        pthread_mutex_lock(&d->lock);
        for (struct iommuctl_irq **p = &d->irqs; *p;) {
                if (*p == irq) {
                        *p = irq->next;
                        continue;
                }
                if ((*p)->kind == irq->kind)
                        other = *p;
                p = &(*p)->next;
        }
        if (device_let_go(d)) {
                r = 0; /* they went with the device */
        } else if (other) {
                other->room = MAX(other->room, irq->room);
                r = irq_kernel(irq)->ops->ioctl(irq_kernel(irq), d->fd, VFIO_DEVICE_SET_IRQS, irq->off);
        } else {
                r = turn_off(d, irq->kind);
        }
        pthread_mutex_unlock(&d->lock);
        if (r < 0)
                ctx_log(d->container->ctx, IOMMUCTL_LOG_WARNING,
                        "%s interrupts of %s cannot be turned off: %s", irq_kind_name(d, irq->kind), d->name,
                        strerror(-r));
}

_public_ void iommuctl_irq_free(struct iommuctl_irq *irq)
{
        struct iommuctl_device *d;

        if (!irq)
                return;
        d = irq->device;
        disable(irq);
        irq_release(irq);
        iommuctl_device_unref(d);
}
