/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device_feature.h"

#include <errno.h>
#include <linux/vfio.h>

static int no_feature(struct iommuctl_device *d, const struct device_feature *f)
{
        return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name,
                         "%s has no %s: the device or its driver has none, or the kernel is older than %s",
                         d->name, f->what, f->since);
}

int device_feature_require(struct iommuctl_device *d, const struct device_feature *f, uint32_t ops)
{
        int r = vfio_feature_probe(container_kernel(d->container), d->fd, f->number, ops);

        if (device_let_go(d))
                return device_check_here(d);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "%s does not say whether it has %s: %s",
                                 d->name, f->what, strerror(-r));
        return r == 0 ? no_feature(d, f) : 0;
}

int device_feature_get(struct iommuctl_device *d, const struct device_feature *f, void *data, size_t size)
{
        int r = vfio_feature_get(container_kernel(d->container), d->fd, f->number, data, size);

        if (r < 0 && device_let_go(d))
                return device_check_here(d);
        if (r == -ENOTTY)
                return no_feature(d, f);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "the %s of %s cannot be read: %s", f->what,
                                 d->name, strerror(-r));
        return r;
}

int device_feature_set(struct iommuctl_device *d, const struct device_feature *f, void *data, size_t size)
{
        int r = vfio_feature_set(container_kernel(d->container), d->fd, f->number, data, size);

        if (r < 0 && device_let_go(d))
                return device_check_here(d);
        if (r == -ENOTTY)
                return no_feature(d, f);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "the %s of %s cannot be set: %s", f->what,
                                 d->name, strerror(-r));
        return r;
}

_public_ int iommuctl_device_feature_probe(struct iommuctl_device *d, unsigned int feature, unsigned int ways)
{
        const unsigned int all = IOMMUCTL_FEATURE_GET | IOMMUCTL_FEATURE_SET;
        uint32_t ops = (ways & IOMMUCTL_FEATURE_GET ? VFIO_DEVICE_FEATURE_GET : 0) |
                       (ways & IOMMUCTL_FEATURE_SET ? VFIO_DEVICE_FEATURE_SET : 0);
        int r;

        if (feature > VFIO_DEVICE_FEATURE_MASK || ways & ~all)
                return ctx_error(d->container->ctx, -EINVAL, d->name,
                                 "there is no device feature %u with ways 0x%x", feature, ways);
        r = vfio_feature_probe(container_kernel(d->container), d->fd, (uint16_t)feature, ops);
        if (device_let_go(d))
                return device_check_here(d);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name,
                                 "%s does not say whether it has feature %u: %s", d->name, feature,
                                 strerror(-r));
        return r;
}
