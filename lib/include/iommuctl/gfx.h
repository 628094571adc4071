/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_GFX_H
#define IOMMUCTL_GFX_H

#include <stdint.h>

#include <iommuctl/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The display of a virtual GPU (a mediated device): what its guest shows, as planes, for a hypervisor to put
 * on a screen of the host. Linux 4.15. Physical cards have none of this. All calls may be made from any
 * threads. */

/** enum iommuctl_gfx_way - how the pixels of a plane are reached; one device has one of them. */
enum iommuctl_gfx_way {
        IOMMUCTL_GFX_DMABUF = 1 << 1, /* a dma-buf: iommuctl_gfx_dmabuf() */
        IOMMUCTL_GFX_REGION = 1 << 2, /* a region of the device, for iommuctl_region_open() */
};

/** enum iommuctl_gfx_plane_type - as the kernel's DRM_PLANE_TYPE_…: include/drm/drm_plane.h. */
enum iommuctl_gfx_plane_type {
        IOMMUCTL_GFX_PLANE_OVERLAY = 0,
        IOMMUCTL_GFX_PLANE_PRIMARY = 1,
        IOMMUCTL_GFX_PLANE_CURSOR = 2,
};

/** struct iommuctl_gfx_plane - what a plane shows at the moment of the call: a value, all in pixels but where
 * it says. */
struct iommuctl_gfx_plane {
        uint32_t format;   /* DRM_FORMAT_… of <drm/drm_fourcc.h>; 0: the guest shows nothing */
        uint64_t modifier; /* DRM_FORMAT_MOD_…: how it is tiled */
        uint32_t width;
        uint32_t height;
        uint32_t stride;       /* bytes from a line to the next */
        uint32_t size;         /* bytes, whole pages */
        uint32_t x, y;         /* of a cursor: where it is */
        uint32_t hot_x, hot_y; /* of a cursor: its point; 0xffffffff where it is not known */
        uint32_t source; /* IOMMUCTL_GFX_REGION: the region's index; _DMABUF: the buffer's number, which stays
                            the same as long as the buffer does */
};

/**
 * iommuctl_gfx_ways() - ask whether and how the device shows its display.
 *
 * Returns a combination of enum iommuctl_gfx_way; 0 where it has no display, which is the answer of nearly
 * all devices and no failure; or what else the kernel said.
 */
int iommuctl_gfx_ways(struct iommuctl_device *device);

/**
 * iommuctl_gfx_plane() - what a plane shows now.
 *
 * @type: enum iommuctl_gfx_plane_type; @way: one that iommuctl_gfx_ways() named.
 *
 * A guest that shows nothing yet is no failure: then all of @ret_plane is 0.
 *
 * Returns 0; -EINVAL for any other @type or @way, or a plane the device does not have; -EOPNOTSUPP where the
 * device has no display; or what else the kernel said.
 */
int iommuctl_gfx_plane(struct iommuctl_device *device, enum iommuctl_gfx_plane_type type,
                       enum iommuctl_gfx_way way, struct iommuctl_gfx_plane *ret_plane);

/**
 * iommuctl_gfx_dmabuf() - a descriptor of the buffer whose number a plane gave in @source.
 *
 * Each call gives a new one, close-on-exec and the caller's to close(); it outlives the device. Between the
 * kernel's answer and the setting of close-on-exec a program that another thread starts may inherit it:
 * drivers hand it out without.
 *
 * Returns the descriptor, 0 or more; -ENOENT where there is no such buffer, or no longer: ask for the plane
 * again; -EOPNOTSUPP where the device has no display; -EMFILE.
 */
int iommuctl_gfx_dmabuf(struct iommuctl_device *device, uint32_t source);

#ifdef __cplusplus
}
#endif

#endif
