/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio_feature.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

/* The structure with its data behind it. */
union feature_call {
        struct vfio_device_feature head;
        unsigned char bytes[sizeof(struct vfio_device_feature) + VFIO_FEATURE_DATA_MAX];
};

int vfio_feature_probe(struct kernel *k, int device_fd, uint16_t feature, uint32_t ops)
{
        struct vfio_device_feature probe = {
                .argsz = sizeof(probe),
                .flags = VFIO_DEVICE_FEATURE_PROBE | ops | feature,
        };
        int r;

        r = k->ops->ioctl(k, device_fd, VFIO_DEVICE_FEATURE, &probe);
        switch (r) {
        case -ENOTTY:     /* the kernel, its driver or this device knows no such feature */
        case -EINVAL:     /* there is one, without these ways to it (vfio_check_feature()) */
        case -EOPNOTSUPP: /* the driver has it, this device cannot */
                return 0;
        default:
                return r < 0 ? r : 1;
        }
}

static int call(struct kernel *k, int device_fd, uint32_t flags, void *data, size_t size)
{
        union feature_call c;
        int r;

        if (size > VFIO_FEATURE_DATA_MAX)
                return -E2BIG;
        c.head.argsz = (uint32_t)(sizeof(c.head) + size);
        c.head.flags = flags;
        if (size > 0)
                memcpy(c.bytes + sizeof(c.head), data, size);
        r = k->ops->ioctl(k, device_fd, VFIO_DEVICE_FEATURE, &c);
        if (r >= 0 && size > 0)
                memcpy(data, c.bytes + sizeof(c.head), size);
        return r;
}

int vfio_feature_get(struct kernel *k, int device_fd, uint16_t feature, void *data, size_t size)
{
        return call(k, device_fd, VFIO_DEVICE_FEATURE_GET | feature, data, size);
}

int vfio_feature_set(struct kernel *k, int device_fd, uint16_t feature, void *data, size_t size)
{
        return call(k, device_fd, VFIO_DEVICE_FEATURE_SET | feature, data, size);
}
