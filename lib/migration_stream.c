/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "migration.h"
#include "uapi.h"

static int stream_error(struct iommuctl_migration_stream *s, int r, const char *what)
{
        struct iommuctl_ctx *ctx = s->device->container->ctx;
        const char *name = s->device->name;

        switch (r) {
        case -ENODEV:
                return ctx_error(ctx, r, name, "the stream of %s has ended: the device left its states",
                                 name);
        case -EBADF:
                return ctx_error(ctx, r, name, "the stream of %s cannot be %s: it goes the other way", name,
                                 what);
        default:
                return ctx_error(ctx, r, name, "the stream of %s cannot be %s: %s", name, what, strerror(-r));
        }
}

_public_ int iommuctl_migration_stream_fd(const struct iommuctl_migration_stream *s)
{
        return s->fd.fd;
}

_public_ int iommuctl_migration_stream_read(struct iommuctl_migration_stream *s, void *buf, size_t size,
                                            size_t *ret_n)
{
        ssize_t n = s->fd.k->ops->read(s->fd.k, s->fd.fd, buf, size);

        if (n == -ENOMSG) /* no failure, no text: a loop that reads meets it all the time */
                return (int)n;
        if (n < 0)
                return stream_error(s, (int)n, "read");
        *ret_n = (size_t)n;
        return 0;
}

_public_ int iommuctl_migration_stream_write(struct iommuctl_migration_stream *s, const void *buf,
                                             size_t size)
{
        const char *at = buf;

        while (size > 0) {
                ssize_t n = s->fd.k->ops->write(s->fd.k, s->fd.fd, at, size);

                if (n <= 0)
                        return stream_error(s, n < 0 ? (int)n : -EIO, "written");
                at += n;
                size -= (size_t)n;
        }
        return 0;
}

_public_ int iommuctl_migration_stream_wait(struct iommuctl_migration_stream *s, int timeout_ms)
{
        struct pollfd p = { .fd = s->fd.fd, .events = POLLIN };
        int r = s->fd.k->ops->poll(s->fd.k, &p, 1, timeout_ms);

        if (r > 0)
                return 0;
        if (r == 0 && timeout_ms == 0)
                return -ETIMEDOUT; /* only looked */
        if (r == 0)
                return ctx_error(s->device->container->ctx, -ETIMEDOUT, s->device->name,
                                 "%s has nothing more to stream in %d ms", s->device->name, timeout_ms);
        return ctx_error(s->device->container->ctx, r, s->device->name,
                         "waiting for the stream of %s ended: %s", s->device->name, strerror(-r));
}

_public_ int iommuctl_migration_stream_precopy(struct iommuctl_migration_stream *s,
                                               struct iommuctl_migration_precopy *ret_precopy)
{
        struct uapi_vfio_precopy_info info = { .argsz = sizeof(info) };
        struct iommuctl_ctx *ctx = s->device->container->ctx;
        const char *name = s->device->name;
        int r;

        r = s->fd.k->ops->ioctl(s->fd.k, s->fd.fd, UAPI_VFIO_MIG_GET_PRECOPY_INFO, &info);
        switch (r) {
        case -ENOTTY:
                return ctx_error(
                        ctx, -EOPNOTSUPP, name,
                        "the stream of %s does not say what is left: it has no pre-copy (Linux 6.2), "
                        "or goes into the device",
                        name);
        case -EINVAL:
                return ctx_error(ctx, r, name, "%s is in no pre-copy state, and does not say what is left",
                                 name);
        default:
                if (r < 0)
                        return stream_error(s, r, "asked what is left");
        }
        *ret_precopy = (struct iommuctl_migration_precopy){
                .initial_bytes = info.initial_bytes,
                .dirty_bytes = info.dirty_bytes,
                .reinitialised = s->tells_reinit && info.flags & UAPI_VFIO_PRECOPY_INFO_REINIT,
        };
        return 0;
}

_public_ void iommuctl_migration_stream_free(struct iommuctl_migration_stream *s)
{
        if (!s)
                return;
        scoped_fd_close(&s->fd);
        iommuctl_device_unref(s->device);
        free(s);
}
