/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/capability.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "device.h"
#include "vfio_caps.h"

/* Takes INFO's memory. */
static int copy_out(struct iommuctl_ctx *ctx, const char *device, struct vfio_info *info, uint32_t offset,
                    unsigned int id, void **ret_data, size_t *ret_size)
{
        struct vfio_info_cap_header header;
        void *data;
        size_t size;
        int r;

        r = id > UINT16_MAX ? -ENODATA : vfio_cap_copy(info, offset, (uint16_t)id, &data, &size);
        free(info->data);
        if (r == -ENODATA)
                return ctx_error(ctx, r, device, "the kernel says nothing of capability %u of %s%s", id,
                                 device ? "device " : "the container", device ?: "");
        if (r < 0)
                return ctx_error(ctx, r, device, "out of memory");
        memcpy(&header, data, sizeof(header));
        *ret_data = data;
        *ret_size = size;
        return header.version;
}

_public_ int iommuctl_container_capability(struct iommuctl_container *c, unsigned int id, void **ret_data,
                                           size_t *ret_size)
{
        const struct vfio_iommu_type1_info fixed = { 0 };
        const struct backend *backend = container_backend(c);
        struct vfio_info info;
        bool joined;
        int r;

        if (backend && backend != &backend_type1)
                return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                                 "a container of %s has no capabilities: type1's have; its ranges are at "
                                 "iommuctl_container_ranges()",
                                 iommuctl_backend_name(backend->id));
        pthread_mutex_lock(&c->lock);
        joined = c->joined;
        pthread_mutex_unlock(&c->lock);
        if (!backend || !joined)
                return ctx_error(c->ctx, -ENODEV, NULL,
                                 "the container has no address space yet: open a device first");
        r = vfio_info_get(container_kernel(c), c->space.fd, VFIO_IOMMU_GET_INFO, &fixed, sizeof(fixed),
                          &info);
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "the kernel does not say what the container can do: %s",
                                 strerror(-r));
        return copy_out(c->ctx, NULL, &info, vfio_iommu_cap_offset(&info), id, ret_data, ret_size);
}

_public_ int iommuctl_device_capability(struct iommuctl_device *d, unsigned int id, void **ret_data,
                                        size_t *ret_size)
{
        const struct vfio_device_info fixed = { 0 };
        struct iommuctl_ctx *ctx = d->container->ctx;
        struct vfio_info info;
        int r;

        r = vfio_info_get(container_kernel(d->container), d->fd, VFIO_DEVICE_GET_INFO, &fixed, sizeof(fixed),
                          &info);
        if (r < 0 && device_let_go(d))
                return device_check_here(d);
        if (r < 0)
                return ctx_error(ctx, r, d->name, "%s does not say what it can do: %s", d->name,
                                 strerror(-r));
        return copy_out(ctx, d->name, &info, vfio_device_cap_offset(&info), id, ret_data, ret_size);
}
