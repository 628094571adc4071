/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "module.h"
#include "uapi.h"

static int check_part(const struct iommuctl_region *region, uint64_t offset, uint64_t size)
{
        struct iommuctl_device *d = region->device;
        const uint64_t page = (uint64_t)getpagesize();

        if (size == 0 || (offset | size) & (page - 1))
                return ctx_error(d->container->ctx, -EINVAL, d->name,
                                 "0x%" PRIx64 " bytes at 0x%" PRIx64
                                 " of region %u of %s are not whole pages of 0x%" PRIx64,
                                 size, offset, region->index, d->name, page);
        return region_check_inside(region, offset, size);
}

static int explain_export(const struct iommuctl_region *region, int r)
{
        struct iommuctl_device *d = region->device;
        struct iommuctl_ctx *ctx = d->container->ctx;
        char release[80];

        switch (r) {
        case -ENOTTY:
        case -EOPNOTSUPP:
                if (module_kernel_release(ctx->kernel, ctx->root_fd, release) < 0)
                        snprintf(release, sizeof(release), "?");
                return ctx_error(ctx, -EOPNOTSUPP, d->name,
                                 "region %u of %s cannot be exported: that takes Linux 6.19 with "
                                 "VFIO_PCI_DMABUF, and this is %s (a type1 container maps it on any)",
                                 region->index, d->name, release);
        case -ENODEV:
                return ctx_error(ctx, r, d->name,
                                 "region %u of %s cannot be exported: it is no BAR, or the device is gone",
                                 region->index, d->name);
        default:
                return ctx_error(ctx, r, d->name, "region %u of %s cannot be exported: %s", region->index,
                                 d->name, strerror(-r));
        }
}

_public_ int iommuctl_region_dmabuf(struct iommuctl_region *region, uint64_t offset, uint64_t size,
                                    int *ret_fd)
{
        uint64_t words[(sizeof(struct vfio_device_feature) + sizeof(struct uapi_vfio_device_feature_dma_buf) +
                        sizeof(struct uapi_vfio_region_dma_range)) /
                       sizeof(uint64_t)] = { 0 };
        struct vfio_device_feature *get = (void *)words;
        struct uapi_vfio_device_feature_dma_buf *dma_buf = (void *)get->data;
        struct iommuctl_device *d = region->device;
        struct kernel *k = container_kernel(d->container);
        int r;

        r = device_check_here(d);
        if (r >= 0)
                r = check_part(region, offset, size);
        if (r < 0)
                return r;
        get->argsz = sizeof(words);
        get->flags = VFIO_DEVICE_FEATURE_GET | UAPI_VFIO_DEVICE_FEATURE_DMA_BUF;
        dma_buf->region_index = region->index;
        dma_buf->open_flags = O_CLOEXEC | O_RDWR;
        dma_buf->nr_ranges = 1;
        dma_buf->dma_ranges[0].offset = offset;
        dma_buf->dma_ranges[0].length = size;
        r = k->ops->ioctl(k, d->fd, VFIO_DEVICE_FEATURE, get);
        if (r < 0)
                return explain_export(region, r);
        *ret_fd = r;
        return 0;
}
