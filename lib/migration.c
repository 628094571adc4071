/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migration.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "device_feature.h"
#include "uapi.h"

_Static_assert((int)IOMMUCTL_MIGRATION_STOP == (int)VFIO_DEVICE_STATE_STOP, "numbered as the kernel does");
_Static_assert((int)IOMMUCTL_MIGRATION_RUNNING == (int)VFIO_DEVICE_STATE_RUNNING, "so");
_Static_assert((int)IOMMUCTL_MIGRATION_STOP_COPY == (int)VFIO_DEVICE_STATE_STOP_COPY, "so");
_Static_assert((int)IOMMUCTL_MIGRATION_RESUMING == (int)VFIO_DEVICE_STATE_RESUMING, "so");
_Static_assert((int)IOMMUCTL_MIGRATION_RUNNING_P2P == (int)VFIO_DEVICE_STATE_RUNNING_P2P, "so");
_Static_assert((int)IOMMUCTL_MIGRATION_CAN_STOP_COPY == (int)VFIO_MIGRATION_STOP_COPY, "so");
_Static_assert((int)IOMMUCTL_MIGRATION_CAN_P2P == (int)VFIO_MIGRATION_P2P, "so");

static const struct device_feature migration = { VFIO_DEVICE_FEATURE_MIGRATION, "migration", "Linux 5.18" };
static const struct device_feature device_state = { VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, "migration state",
                                                    "Linux 5.18" };
static const struct device_feature data_size = { UAPI_VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
                                                 "migration data size", "Linux 6.2" };

_public_ const char *iommuctl_migration_state_name(enum iommuctl_migration_state state)
{
        static const char *const names[] = { "error",    "stop",        "running",  "stop-copy",
                                             "resuming", "running-p2p", "pre-copy", "pre-copy-p2p" };

        return (unsigned int)state < ARRAY_SIZE(names) ? names[state] : NULL;
}

_public_ int iommuctl_migration_flags(struct iommuctl_device *d)
{
        struct vfio_device_feature_migration data = { 0 };
        int r;

        r = device_feature_get(d, &migration, &data, sizeof(data));
        if (r < 0)
                return r;
        if (!(data.flags & VFIO_MIGRATION_STOP_COPY))
                return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name,
                                 "%s has a migration that cannot even be stopped and copied", d->name);
        return (int)(data.flags & (IOMMUCTL_MIGRATION_CAN_STOP_COPY | IOMMUCTL_MIGRATION_CAN_P2P |
                                   IOMMUCTL_MIGRATION_CAN_PRE_COPY));
}

_public_ int iommuctl_migration_get_state(struct iommuctl_device *d)
{
        struct vfio_device_feature_mig_state data = { .data_fd = -1 };
        int r;

        r = device_feature_get(d, &device_state, &data, sizeof(data));
        if (r < 0)
                return r;
        if (data.device_state >= IOMMUCTL_MIGRATION_N_STATES)
                return ctx_error(d->container->ctx, -EPROTO, d->name,
                                 "%s is in migration state %u, which is not known here", d->name,
                                 data.device_state);
        return (int)data.device_state;
}

/* Why the kernel did not, and where the device is now. */
static int explain_set(struct iommuctl_device *d, enum iommuctl_migration_state from,
                       enum iommuctl_migration_state to, int r)
{
        struct vfio_device_feature_mig_state data = { .data_fd = -1 };
        const char *wanted = iommuctl_migration_state_name(to), *now = NULL;

        if (vfio_feature_get(container_kernel(d->container), d->fd, device_state.number, &data,
                             sizeof(data)) >= 0)
                now = iommuctl_migration_state_name((enum iommuctl_migration_state)data.device_state);
        if (now && data.device_state == IOMMUCTL_MIGRATION_ERROR)
                return ctx_error(d->container->ctx, r, d->name,
                                 "%s did not go from %s to %s (%s) and is in error now: only a reset "
                                 "(iommuctl_migration_recover) helps",
                                 d->name, iommuctl_migration_state_name(from), wanted, strerror(-r));
        if (r == -EINVAL && from == IOMMUCTL_MIGRATION_RESUMING)
                return ctx_error(d->container->ctx, r, d->name,
                                 "%s does not take what was written to it for a whole state; it is %s now",
                                 d->name, now ? now : "in a state that cannot be read");
        return ctx_error(d->container->ctx, r, d->name, "%s did not go from %s to %s: %s; it is %s now",
                         d->name, iommuctl_migration_state_name(from), wanted, strerror(-r),
                         now ? now : "in a state that cannot be read");
}

/* What it is in, and that there is a way from there. The kernel has the last word. */
static int check_path(struct iommuctl_device *d, enum iommuctl_migration_state to,
                      enum iommuctl_migration_state *ret_from)
{
        struct iommuctl_ctx *ctx = d->container->ctx;
        int flags, from;

        flags = iommuctl_migration_flags(d);
        if (flags < 0)
                return flags;
        from = iommuctl_migration_get_state(d);
        if (from < 0)
                return from;
        *ret_from = (enum iommuctl_migration_state)from;
        if (iommuctl_migration_path((unsigned int)flags, *ret_from, to, NULL) >= 0)
                return 0;
        if (!iommuctl_migration_state_name(to))
                return ctx_error(ctx, -EINVAL, d->name, "there is no migration state %d", (int)to);
        if (from == IOMMUCTL_MIGRATION_ERROR)
                return ctx_error(ctx, -EINVAL, d->name,
                                 "%s is in error: only a reset (iommuctl_migration_recover) helps", d->name);
        return ctx_error(ctx, -EINVAL, d->name, "%s cannot go from %s to %s%s", d->name,
                         iommuctl_migration_state_name(*ret_from), iommuctl_migration_state_name(to),
                         to == IOMMUCTL_MIGRATION_ERROR || *ret_from == IOMMUCTL_MIGRATION_STOP_COPY
                                 ? ""
                                 : ", a state that it does not have");
}

/* A kernel that knows of it then says when new initial bytes come up; no other minds. */
static bool ask_for_reinit(struct iommuctl_device *d, enum iommuctl_migration_state to)
{
        if (to != IOMMUCTL_MIGRATION_PRE_COPY && to != IOMMUCTL_MIGRATION_PRE_COPY_P2P)
                return false;
        return vfio_feature_set(container_kernel(d->container), d->fd,
                                UAPI_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, NULL, 0) >= 0;
}

_public_ int iommuctl_migration_set_state(struct iommuctl_device *d, enum iommuctl_migration_state state,
                                          struct iommuctl_migration_stream **ret_stream)
{
        struct vfio_device_feature_mig_state data = { .device_state = state, .data_fd = -1 };
        struct kernel *k = container_kernel(d->container);
        _cleanup_free_ struct iommuctl_migration_stream *stream = NULL;
        enum iommuctl_migration_state from;
        int r;

        r = check_path(d, state, &from);
        if (r < 0)
                return r;
        stream = calloc(1, sizeof(*stream));
        if (!stream)
                return ctx_error(d->container->ctx, -ENOMEM, d->name, "out of memory");
        stream->tells_reinit = ask_for_reinit(d, state);
        r = vfio_feature_set(k, d->fd, device_state.number, &data, sizeof(data));
        if (r < 0)
                return explain_set(d, from, state, r);
        if (data.data_fd < 0 || !ret_stream) {
                if (data.data_fd >= 0)
                        k->ops->close(k, data.data_fd);
                if (ret_stream)
                        *ret_stream = NULL;
                return 0;
        }
        stream->device = iommuctl_device_ref(d);
        stream->fd = SCOPED_FD(k, data.data_fd);
        *ret_stream = TAKE_PTR(stream);
        return 0;
}

/* A driver may take the reset without VFIO_DEVICE_FLAGS_RESET (samples/vfio-mdev/mtty.c), so it is asked. */
_public_ int iommuctl_migration_recover(struct iommuctl_device *d)
{
        struct kernel *k = container_kernel(d->container);
        int r;

        r = device_feature_require(d, &migration, VFIO_DEVICE_FEATURE_GET);
        if (r < 0)
                return r;
        r = k->ops->ioctl(k, d->fd, VFIO_DEVICE_RESET, NULL);
        if (r == -ENOTTY || (r == -EINVAL && !(d->flags & VFIO_DEVICE_FLAGS_RESET)))
                return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name, "%s has no reset of its own",
                                 d->name);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "%s was not reset: %s", d->name,
                                 strerror(-r));
        r = iommuctl_migration_get_state(d);
        if (r < 0)
                return r;
        if (r != IOMMUCTL_MIGRATION_RUNNING)
                return ctx_error(d->container->ctx, -EIO, d->name, "%s was reset, but is %s after that",
                                 d->name, iommuctl_migration_state_name((enum iommuctl_migration_state)r));
        return 0;
}

_public_ int iommuctl_migration_data_size(struct iommuctl_device *d, uint64_t *ret_size)
{
        struct uapi_vfio_device_feature_mig_data_size data = { 0 };
        int r;

        r = device_feature_get(d, &data_size, &data, sizeof(data));
        if (r < 0)
                return r;
        *ret_size = data.stop_copy_length;
        return 0;
}
