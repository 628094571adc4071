/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include <errno.h>
#include <linux/vfio.h>

#include "iommufd_option.h"

/* What iommufd knows of type1's calls: drivers/iommu/iommufd/vfio_compat.c. */

static bool is_seen(const struct iommuctl_container *c)
{
        for (const struct iommuctl_device *d = c->iommufd->devices; d; d = d->next_in_iommufd)
                if (d->seen == c)
                        return true;
        return false;
}

/* One place in the iommufd, whoever asks: with the iommufd's lock. Of an address space that no device sees
 * the kernel says that it is coherent. */
static int ask_through_compat(struct iommuctl_container *c, bool *ret_joined)
{
        struct kernel *k = container_kernel(c);
        uint32_t before;
        int r, told;

        *ret_joined = is_seen(c);
        if (!*ret_joined)
                return -ENODEV;

        r = told = iommufd_compat_ioas(k, c->space.fd, &before);
        if (r < 0 && r != -ENODEV)
                return r;
        r = iommufd_set_compat_ioas(k, c->space.fd, c->space.ioas_id);
        if (r < 0)
                return r;
        r = k->ops->ioctl(k, c->space.fd, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_DMA_CC_IOMMU);
        iommufd_set_compat_ioas(k, c->space.fd, told < 0 ? 0 : before);
        return r;
}

_public_ int iommuctl_container_coherent(struct iommuctl_container *c)
{
        struct kernel *k = container_kernel(c);
        const struct backend *backend;
        bool joined;
        int r;

        r = container_refuse_noiommu(c, "nothing is known of coherence");
        if (r < 0)
                return r;
        pthread_mutex_lock(&c->join_lock);
        backend = container_backend(c);
        joined = backend && (backend == &backend_iommufd || c->groups);
        if (!joined) {
                r = -ENODEV;
        } else if (backend == &backend_type1) {
                r = k->ops->ioctl(k, c->space.fd, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_DMA_CC_IOMMU);
        } else {
                pthread_mutex_lock(&c->iommufd->lock);
                r = ask_through_compat(c, &joined);
                pthread_mutex_unlock(&c->iommufd->lock);
        }
        pthread_mutex_unlock(&c->join_lock);
        if (!joined)
                return ctx_error(
                        c->ctx, r, NULL,
                        "no device has joined the container: it is a device's IOMMU that is coherent or not");
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "the kernel does not say whether DMA is coherent: %s",
                                 strerror(-r));
        return r != 0;
}

_public_ int iommuctl_container_set_compat(struct iommuctl_container *c, bool on)
{
        const struct backend *backend = container_backend(c);
        int r;

        r = container_refuse_noiommu(c, "type1's calls are not served");
        if (r < 0)
                return r;
        if (!backend)
                return container_undecided(c);
        if (backend != &backend_iommufd)
                return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                                 "a type1 container is what type1's calls work on");
        pthread_mutex_lock(&c->iommufd->lock);
        r = iommufd_set_compat_ioas(container_kernel(c), c->space.fd, on ? c->space.ioas_id : 0);
        pthread_mutex_unlock(&c->iommufd->lock);
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "iommufd does not serve type1's calls: %s", strerror(-r));
        return 0;
}
