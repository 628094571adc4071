/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "descriptor.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "sysfs.h"
#include "uapi.h"

/* The calls below are read-only, and no other driver has their numbers: ';' with 0x64 to 0x7f is VFIO's,
 * with 0x80 to 0x8f iommufd's (Linux Documentation/userspace-api/ioctl/ioctl-number.rst). */

/* Whether the descriptor answers the call: 1; 0 where it knows no such call (ENOTTY), or not in its state
 * (EINVAL); or a failure that says nothing about its kind. */
static int answers(struct kernel *k, int fd, unsigned long request, void *arg)
{
        int r = k->ops->ioctl(k, fd, request, arg);

        return r == -ENOTTY || r == -EINVAL ? 0 : r < 0 ? r : 1;
}

/* iommufd answers this one as a container does; only it has objects. There is none with the number 0. */
static int ask_container(struct kernel *k, int fd, enum descriptor_kind *ret_kind)
{
        struct uapi_iommu_destroy destroy = { .size = sizeof(destroy) };
        int r = k->ops->ioctl(k, fd, VFIO_GET_API_VERSION, NULL);

        if (r == -ENOTTY || r == -EINVAL)
                return 0;
        if (r != VFIO_API_VERSION)
                return r < 0 ? r : 0;
        r = answers(k, fd, UAPI_IOMMU_DESTROY, &destroy);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret_kind = r == -ENOENT ? DESCRIPTOR_IOMMUFD : DESCRIPTOR_TYPE1_CONTAINER;
        return 1;
}

static int ask_group(struct kernel *k, int fd)
{
        struct vfio_group_status status = { .argsz = sizeof(status) };

        return answers(k, fd, VFIO_GROUP_GET_STATUS, &status);
}

/* A node that is not bound yet refuses every call but BIND with EINVAL (drivers/vfio/vfio_main.c,
 * vfio_device_fops_unl_ioctl()), where what is none of VFIO's knows no such call. */
static int ask_device(struct kernel *k, int fd, bool node, enum descriptor_kind *ret_kind)
{
        struct vfio_device_info info = { .argsz = sizeof(info) };
        int r = k->ops->ioctl(k, fd, VFIO_DEVICE_GET_INFO, &info);

        if (r >= 0)
                *ret_kind = node ? DESCRIPTOR_BOUND_NODE : DESCRIPTOR_GROUP_DEVICE;
        else if (r == -EINVAL && node)
                *ret_kind = DESCRIPTOR_NODE;
        return r == -ENOTTY || r == -EINVAL ? 0 : r;
}

static int find_kind(struct kernel *k, int fd, bool node, enum descriptor_kind *ret_kind)
{
        int r;

        *ret_kind = DESCRIPTOR_OTHER;
        r = ask_container(k, fd, ret_kind);
        if (r != 0)
                return r;
        r = ask_group(k, fd);
        if (r != 0) {
                *ret_kind = DESCRIPTOR_GROUP;
                return r;
        }
        return ask_device(k, fd, node, ret_kind);
}

int descriptor_look(struct iommuctl_ctx *ctx, int fd, struct descriptor *ret_descriptor)
{
        struct kernel *k = ctx->kernel;
        struct descriptor d = { DESCRIPTOR_OTHER, 0, 0 };
        struct stat st;
        int r;

        r = fd < 0 ? -EBADF : k->ops->fstatat(k, fd, "", &st, AT_EMPTY_PATH);
        if (r < 0)
                return ctx_error(ctx, r, NULL, "descriptor %d cannot be used: %s", fd, strerror(-r));
        if (S_ISCHR(st.st_mode)) {
                d.major = major(st.st_rdev);
                d.minor = minor(st.st_rdev);
        }
        /* Files, pipes and sockets are not asked; a device that a group gave has no type of file at all. */
        if (S_ISCHR(st.st_mode) || !(st.st_mode & S_IFMT)) {
                r = find_kind(k, fd, S_ISCHR(st.st_mode), &d.kind);
                if (r < 0)
                        return ctx_error(ctx, r, NULL, "descriptor %d does not say what it is: %s", fd,
                                         strerror(-r));
        }
        *ret_descriptor = d;
        return 0;
}

const char *descriptor_kind_text(enum descriptor_kind kind)
{
        switch (kind) {
        case DESCRIPTOR_OTHER:
                break;
        case DESCRIPTOR_TYPE1_CONTAINER:
                return "a type1 container (/dev/vfio/vfio)";
        case DESCRIPTOR_IOMMUFD:
                return "an iommufd (/dev/iommu)";
        case DESCRIPTOR_GROUP:
                return "a group (/dev/vfio/N)";
        case DESCRIPTOR_NODE:
                return "a device's own node (/dev/vfio/devices/vfioN) that is not bound";
        case DESCRIPTOR_BOUND_NODE:
                return "a device's own node (/dev/vfio/devices/vfioN) that is bound to an iommufd";
        case DESCRIPTOR_GROUP_DEVICE:
                return "a device that a group gave";
        }
        return "nothing of VFIO's";
}

int descriptor_refuse(struct iommuctl_ctx *ctx, int fd, const struct descriptor *d, const char *wanted)
{
        return ctx_error(ctx, d->kind == DESCRIPTOR_OTHER ? -ENOTTY : -EINVAL, NULL,
                         "descriptor %d is %s; wanted is %s", fd, descriptor_kind_text(d->kind), wanted);
}

int descriptor_require(struct iommuctl_ctx *ctx, int fd, enum descriptor_kind kind,
                       struct descriptor *ret_descriptor)
{
        struct descriptor d;
        int r;

        r = descriptor_look(ctx, fd, &d);
        if (r < 0)
                return r;
        if (d.kind != kind)
                return descriptor_refuse(ctx, fd, &d, descriptor_kind_text(kind));
        *ret_descriptor = d;
        return 0;
}

ssize_t descriptor_name(struct iommuctl_ctx *ctx, const struct descriptor *d, char *buf, size_t size)
{
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        char path[80];

        snprintf(path, sizeof(path), "sys/dev/char/%u:%u", d->major, d->minor);
        return sysfs_link(&s, path, buf, size);
}

ssize_t descriptor_device(struct iommuctl_ctx *ctx, const struct descriptor *d, char *buf, size_t size)
{
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        char path[80];

        snprintf(path, sizeof(path), "sys/dev/char/%u:%u/device", d->major, d->minor);
        return sysfs_link(&s, path, buf, size);
}
