/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "iommuctl/gfx.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "device.h"
#include "util/macro.h"

_Static_assert(IOMMUCTL_GFX_DMABUF == VFIO_GFX_PLANE_TYPE_DMABUF &&
                       IOMMUCTL_GFX_REGION == VFIO_GFX_PLANE_TYPE_REGION,
               "our names are the kernel's numbers");

static int query(struct iommuctl_device *d, uint32_t flags, uint32_t type,
                 struct vfio_device_gfx_plane_info *ret_info)
{
        struct kernel *k = container_kernel(d->container);

        *ret_info = (struct vfio_device_gfx_plane_info){ .argsz = sizeof(*ret_info),
                                                         .flags = flags,
                                                         .drm_plane_type = type };
        return k->ops->ioctl(k, d->fd, VFIO_DEVICE_QUERY_GFX_PLANE, ret_info);
}

static int no_display(struct iommuctl_device *d)
{
        return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name, "%s has no display that its driver shows",
                         d->name);
}

_public_ int iommuctl_gfx_ways(struct iommuctl_device *d)
{
        static const uint32_t ways[] = { VFIO_GFX_PLANE_TYPE_DMABUF, VFIO_GFX_PLANE_TYPE_REGION };
        struct vfio_device_gfx_plane_info info;
        int found = 0;

        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                int r = query(d, VFIO_GFX_PLANE_TYPE_PROBE | ways[i], 0, &info);

                if (device_let_go(d))
                        return device_check_here(d);
                if (r == 0)
                        found |= (int)ways[i];
                else if (r != -EINVAL && r != -ENOTTY)
                        return ctx_error(d->container->ctx, r, d->name, "cannot ask %s for its display: %s",
                                         d->name, strerror(-r));
        }
        return found;
}

_public_ int iommuctl_gfx_plane(struct iommuctl_device *d, enum iommuctl_gfx_plane_type type,
                                enum iommuctl_gfx_way way, struct iommuctl_gfx_plane *ret_plane)
{
        struct vfio_device_gfx_plane_info info;
        int r;

        if ((way != IOMMUCTL_GFX_DMABUF && way != IOMMUCTL_GFX_REGION) ||
            (unsigned int)type > IOMMUCTL_GFX_PLANE_CURSOR)
                return ctx_error(d->container->ctx, -EINVAL, d->name,
                                 "%d is no plane type or %d no way to its pixels", (int)type, (int)way);
        r = query(d, way, type, &info);
        if (r < 0 && device_let_go(d))
                return device_check_here(d);
        if (r == -ENOTTY)
                return no_display(d);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "%s does not tell what plane %d shows: %s",
                                 d->name, (int)type, strerror(-r));
        *ret_plane = (struct iommuctl_gfx_plane){
                .format = info.drm_format,
                .modifier = info.drm_format_mod,
                .width = info.width,
                .height = info.height,
                .stride = info.stride,
                .size = info.size,
                .x = info.x_pos,
                .y = info.y_pos,
                .hot_x = info.x_hot,
                .hot_y = info.y_hot,
                .source = info.region_index,
        };
        if (info.drm_format == 0)
                *ret_plane =
                        (struct iommuctl_gfx_plane){ 0 }; /* disabled: what else is there means nothing */
        return 0;
}

_public_ int iommuctl_gfx_dmabuf(struct iommuctl_device *d, uint32_t source)
{
        struct kernel *k = container_kernel(d->container);
        int fd, r;

        fd = k->ops->ioctl(k, d->fd, VFIO_DEVICE_GET_GFX_DMABUF, &source);
        if (fd < 0 && device_let_go(d))
                return device_check_here(d);
        if (fd == -ENOTTY)
                return no_display(d);
        if (fd == -EINVAL)
                fd = -ENOENT; /* drivers say the one or the other */
        if (fd < 0)
                return ctx_error(d->container->ctx, fd, d->name, "%s gives no buffer %u: %s", d->name, source,
                                 strerror(-fd));
        r = k->ops->dup(k, fd); /* close-on-exec, which the drivers leave out */
        k->ops->close(k, fd);
        return r < 0 ? ctx_error(d->container->ctx, r, d->name, "cannot keep buffer %u of %s: %s", source,
                                 d->name, strerror(-r))
                     : r;
}
