/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vectors at work: waiting, masking, triggering, and whose eventfd they signal. */
#include <errno.h>
#include <stdlib.h>

#include "irq.h"

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
        struct kernel *k = irq_kernel(irq);
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

                r = device_check_here(irq->device);
                if (r < 0)
                        return r;
                r = k->ops->poll(k, &p, 1, left);
                if (r == 0 && timeout_ms == 0)
                        return -ETIMEDOUT; /* only looked, in a polling driver's loop: no failure, no text */
                if (r == 0)
                        return ctx_error(irq->device->container->ctx, -ETIMEDOUT, irq->device->name,
                                         "no %s interrupt of %s in %d ms",
                                         irq_kind_name(irq->device, irq->kind), irq->device->name,
                                         timeout_ms);
                if (r < 0)
                        return ctx_error(irq->device->container->ctx, r, irq->device->name,
                                         "waiting for an interrupt of %s ended: %s", irq->device->name,
                                         strerror(-r));
                n = k->ops->read(k, irq->fds[i], &count, sizeof(count));
                r = device_check_here(irq->device); /* which wakes those who wait */
                if (r < 0)
                        return r;
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

/* One call for one vector, which gives an errno that callers can tell apart; FD goes with DATA_EVENTFD. */
static int set_one(struct iommuctl_irq *irq, unsigned int i, uint32_t flags, int fd)
{
        union irq_set_one one = irq_set_one(flags, irq->kind, irq->first + i, fd);
        struct kernel *k = irq_kernel(irq);
        int r = k->ops->ioctl(k, irq->device->fd, VFIO_DEVICE_SET_IRQS, &one);

        if (r < 0 && device_let_go(irq->device))
                return -ENODEV;
        return r == -ENOTTY ? -EOPNOTSUPP : r;
}

static int act_failed(const struct iommuctl_irq *irq, unsigned int i, int r, const char *what)
{
        struct iommuctl_device *d = irq->device;

        return ctx_error(d->container->ctx, r, d->name, "%s vector %u of %s cannot be %s: %s",
                         irq_kind_name(d, irq->kind), irq->first + i, d->name, what, strerror(-r));
}

static int act(struct iommuctl_irq *irq, unsigned int i, uint32_t action, const char *what)
{
        int r;

        r = check_index(irq, i);
        if (r < 0)
                return r;
        r = set_one(irq, i, VFIO_IRQ_SET_DATA_NONE | action, -1);
        return r < 0 ? act_failed(irq, i, r, what) : 0;
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

_public_ int iommuctl_irq_set_eventfd(struct iommuctl_irq *irq, unsigned int i, int fd)
{
        const uint32_t flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
        int r;

        r = check_index(irq, i);
        if (r < 0)
                return r;
        if (fd < IOMMUCTL_IRQ_NO_EVENTFD)
                return act_failed(irq, i, -EBADF, "given that eventfd");
        r = set_one(irq, i, flags,
                    fd == IOMMUCTL_IRQ_OWN_EVENTFD  ? irq->fds[i]
                    : fd == IOMMUCTL_IRQ_NO_EVENTFD ? -1
                                                    : fd);
        if (r == 0)
                return 0;
        /* A vector that could not be moved is left without an eventfd (vfio_msi_set_block()). */
        set_one(irq, i, flags, irq->fds[i]);
        return act_failed(irq, i, r, "given that eventfd");
}

_public_ int iommuctl_irq_set_resample(struct iommuctl_irq *irq, int fd)
{
        struct iommuctl_device *d = irq->device;
        int r;

        if (d->flags & VFIO_DEVICE_FLAGS_PCI && irq->kind != IOMMUCTL_IRQ_INTX)
                return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name,
                                 "%s of %s is never masked, and so has nothing to unmask: that is for INTx",
                                 irq_kind_name(d, irq->kind), d->name);
        r = set_one(irq, 0, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, fd < 0 ? -1 : fd);
        if (r == -EBUSY)
                return ctx_error(d->container->ctx, r, d->name,
                                 "an eventfd unmasks %s of %s already: take that off first",
                                 irq_kind_name(d, irq->kind), d->name);
        return r < 0 ? act_failed(irq, 0, r, "unmasked by that eventfd") : 0;
}
