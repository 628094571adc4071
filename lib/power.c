/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/power.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "device_feature.h"
#include "sysfs.h"

static const struct device_feature entry = { VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, "low power", "Linux 6.1" };
static const struct device_feature entry_with_wakeup = { VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
                                                         "low power with a wake-up", "Linux 6.1" };
static const struct device_feature leaving = { VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, "low power", "Linux 6.1" };

struct iommuctl_wakeup {
        struct iommuctl_device *device;
        struct scoped_fd event;
};

static const char *const state_names[] = { "unknown", "D0", "D1", "D2", "D3hot", "D3cold" };

_public_ const char *iommuctl_power_state_name(enum iommuctl_power_state state)
{
        return (unsigned int)state < ARRAY_SIZE(state_names) ? state_names[state] : NULL;
}

_public_ int iommuctl_power_state(struct iommuctl_device *d)
{
        struct iommuctl_ctx *ctx = d->container->ctx;
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        char path[300], text[32];
        ssize_t n;

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%.200s/power_state", d->name);
        n = sysfs_attr(&s, path, text, sizeof(text));
        if (n == -ENOENT)
                return ctx_error(ctx, -EOPNOTSUPP, d->name,
                                 "%s is no PCI function, or the kernel is older than Linux 5.11 and does not "
                                 "say its power state",
                                 d->name);
        if (n < 0)
                return ctx_error(ctx, (int)n, d->name, "the power state of %s cannot be read: %s", d->name,
                                 strerror((int)-n));
        for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
                if (streq(text, state_names[i]))
                        return (int)i;
        if (streq(text, "error")) /* PCI_POWER_ERROR, drivers/pci/pci.c */
                return IOMMUCTL_POWER_UNKNOWN;
        return ctx_error(ctx, -EPROTO, d->name, "%s has a power state that is none: %s", d->name, text);
}

/* EINVAL is the kernel's word for low power upon low power (vfio_pci_runtime_pm_entry), so the question
 * whether there is the feature at all comes first. */
static int enter(struct iommuctl_device *d, const struct device_feature *f, void *data, size_t size)
{
        int r;

        r = device_feature_require(d, f, VFIO_DEVICE_FEATURE_SET);
        if (r < 0)
                return r;
        r = vfio_feature_set(container_kernel(d->container), d->fd, f->number, data, size);
        if (r == -EINVAL)
                return ctx_error(d->container->ctx, -EALREADY, d->name,
                                 "%s is allowed to sleep already, or a wake-up waits for it", d->name);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "%s cannot be allowed to sleep: %s", d->name,
                                 strerror(-r));
        return 0;
}

_public_ int iommuctl_power_enter(struct iommuctl_device *d)
{
        return enter(d, &entry, NULL, 0);
}

_public_ int iommuctl_power_leave(struct iommuctl_device *d)
{
        int r;

        r = device_feature_require(d, &leaving, VFIO_DEVICE_FEATURE_SET);
        if (r < 0)
                return r;
        r = vfio_feature_set(container_kernel(d->container), d->fd, leaving.number, NULL, 0);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "%s does not wake: %s", d->name,
                                 strerror(-r));
        return 0;
}

static int enter_with(struct iommuctl_wakeup *w)
{
        struct vfio_device_low_power_entry_with_wakeup data = { .wakeup_eventfd = w->event.fd };

        return enter(w->device, &entry_with_wakeup, &data, sizeof(data));
}

_public_ int iommuctl_wakeup_new(struct iommuctl_device *d, struct iommuctl_wakeup **ret_wakeup)
{
        struct kernel *k = container_kernel(d->container);
        _cleanup_free_ struct iommuctl_wakeup *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return ctx_error(d->container->ctx, -ENOMEM, d->name, "out of memory");
        w->device = d;
        w->event = SCOPED_FD(k, k->ops->eventfd(k, 0, EFD_NONBLOCK | EFD_CLOEXEC));
        if (w->event.fd < 0)
                return ctx_error(d->container->ctx, w->event.fd, d->name,
                                 "no eventfd for the wake-up of %s: %s", d->name, strerror(-w->event.fd));
        r = enter_with(w);
        if (r < 0) {
                scoped_fd_close(&w->event);
                return r;
        }
        iommuctl_device_ref(d);
        *ret_wakeup = TAKE_PTR(w);
        return 0;
}

_public_ int iommuctl_wakeup_again(struct iommuctl_wakeup *w)
{
        struct kernel *k = w->event.k;
        uint64_t count;
        ssize_t n;

        n = k->ops->read(k, w->event.fd, &count, sizeof(count));
        if (n < 0 && n != -EAGAIN)
                return ctx_error(w->device->container->ctx, (int)n, w->device->name,
                                 "the eventfd of %s cannot be read: %s", w->device->name, strerror((int)-n));
        return enter_with(w);
}

_public_ int iommuctl_wakeup_fd(const struct iommuctl_wakeup *w)
{
        return w->event.fd;
}

static int wait_error(struct iommuctl_wakeup *w, int r, int timeout_ms)
{
        const char *name = w->device->name;

        if (r == -ETIMEDOUT)
                return ctx_error(w->device->container->ctx, r, name, "%s was not woken in %d ms", name,
                                 timeout_ms);
        return ctx_error(w->device->container->ctx, r, name, "waiting for the wake-up of %s ended: %s", name,
                         strerror(-r));
}

_public_ int iommuctl_wakeup_wait(struct iommuctl_wakeup *w, int timeout_ms)
{
        struct kernel *k = w->event.k;
        uint64_t count, deadline = 0;
        int left = timeout_ms;

        if (timeout_ms > 0)
                deadline = k->ops->now_ns(k) + (uint64_t)timeout_ms * 1000000u;
        for (;;) {
                struct pollfd p = { .fd = w->event.fd, .events = POLLIN };
                int r = k->ops->poll(k, &p, 1, left);
                ssize_t n;

                if (r == 0 && timeout_ms == 0)
                        return -ETIMEDOUT; /* only looked */
                if (r <= 0)
                        return wait_error(w, r < 0 ? r : -ETIMEDOUT, timeout_ms);
                n = k->ops->read(k, w->event.fd, &count, sizeof(count));
                if (n == sizeof(count))
                        return 0;
                if (n != -EAGAIN) /* another thread took it: wait for the next */
                        return wait_error(w, n < 0 ? (int)n : -EIO, timeout_ms);
                if (timeout_ms > 0) {
                        uint64_t now = k->ops->now_ns(k);

                        left = now < deadline ? (int)((deadline - now + 999999) / 1000000) : 0;
                }
        }
}

_public_ void iommuctl_wakeup_free(struct iommuctl_wakeup *w)
{
        struct iommuctl_device *d;
        int r;

        if (!w)
                return;
        d = w->device;
        r = vfio_feature_set(container_kernel(d->container), d->fd, leaving.number, NULL, 0);
        if (r < 0 && !device_let_go(d))
                ctx_log(d->container->ctx, IOMMUCTL_LOG_WARNING, "%s does not wake: %s", d->name,
                        strerror(-r));
        scoped_fd_close(&w->event);
        iommuctl_device_unref(d);
        free(w);
}
