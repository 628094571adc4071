/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A display that is shown by dma-bufs: what samples/vfio-mdev/mbochs.c of the kernel answers. */
#include "fake_internal.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <stdio.h>

#define FORMAT_XRGB8888 0x34325258u /* DRM_FORMAT_XRGB8888 */
#define PLANE_CURSOR    2u

void fake_set_display(struct fake *m, const char *bdf, unsigned int width, unsigned int height)
{
        struct fake_device *d = fake_find_device(m, bdf);

        d->display_width = width;
        d->display_height = height;
        d->display_buffer++; /* the ones before are gone */
}

static int query(const struct fake_device *d, struct vfio_device_gfx_plane_info *a)
{
        if (a->argsz < offsetof(struct vfio_device_gfx_plane_info, dmabuf_id) + sizeof(a->dmabuf_id))
                return -EINVAL;
        if (a->flags & VFIO_GFX_PLANE_TYPE_PROBE)
                return a->flags == (VFIO_GFX_PLANE_TYPE_PROBE | VFIO_GFX_PLANE_TYPE_DMABUF) ? 0 : -EINVAL;
        if (a->flags != VFIO_GFX_PLANE_TYPE_DMABUF || a->drm_plane_type > PLANE_CURSOR)
                return -EINVAL;
        a->drm_format = 0;
        if (d->display_width == 0)
                return 0; /* and the rest is left as it came */
        a->drm_format = FORMAT_XRGB8888;
        a->width = d->display_width;
        a->height = d->display_height;
        a->stride = 4 * d->display_width;
        a->size = (a->stride * a->height + 4095) & ~4095u;
        a->dmabuf_id = d->display_buffer;
        a->x_hot = a->y_hot = UINT32_MAX;
        return 0;
}

int fake_gfx_ioctl(struct fake *m, struct fake_device *d, unsigned long request, void *arg)
{
        if (!d->pci.display)
                return -ENOTTY;
        if (request == VFIO_DEVICE_QUERY_GFX_PLANE)
                return query(d, arg);
        if (*(const uint32_t *)arg != d->display_buffer || d->display_width == 0)
                return -ENOENT;
        return fake_do_memfd_create(m, "dma-buf", 0);
}
