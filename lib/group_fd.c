/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups and containers from descriptors that somebody else opened. The library works on copies: what was
 * handed over stays the caller's. */
#include "group.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "descriptor.h"
#include "iommufd.h"
#include "type1.h"

static int copy_of(struct iommuctl_ctx *ctx, int fd)
{
        int copy = ctx->kernel->ops->dup(ctx->kernel, fd);

        return copy < 0
                       ? ctx_error(ctx, copy, NULL, "descriptor %d cannot be copied: %s", fd, strerror(-copy))
                       : copy;
}

/* An IOAS of the giver's, or one of our own beside it. */
static int new_on_iommufd(struct iommuctl_ctx *ctx, int fd, uint32_t ioas_id,
                          struct iommuctl_container **ret_container)
{
        struct iommuctl_container *c _cleanup_(iommuctl_container_unrefp) = NULL;
        struct iommufd_file *file _cleanup_(iommufd_file_unrefp) = NULL;
        int copy = copy_of(ctx, fd), r;

        if (copy < 0)
                return copy;
        if (ioas_id)
                return container_new_over(ctx, &backend_iommufd, copy, ioas_id, true, ret_container);
        file = iommufd_file_new(ctx->kernel, copy);
        c = file ? container_alloc(ctx, IOMMUCTL_BACKEND_IOMMUFD) : NULL;
        if (!c)
                return ctx_error(ctx, -ENOMEM, NULL, "out of memory");
        file->shared = true;
        r = container_set_iommufd(c, file);
        if (r < 0)
                return r;
        file = NULL;
        *ret_container = TAKE_PTR(c);
        return 0;
}

/* A container has an address space from its first group's VFIO_SET_IOMMU on; before that it knows no call
 * about one. */
static int new_on_type1(struct iommuctl_ctx *ctx, int fd, struct iommuctl_container **ret_container)
{
        int copy, r;

        r = type1_has_space(ctx->kernel, fd);
        if (r < 0)
                return ctx_error(ctx, r, NULL, "descriptor %d does not say whether it has type1 v2: %s", fd,
                                 strerror(-r));
        copy = copy_of(ctx, fd);
        if (copy < 0)
                return copy;
        return container_new_over(ctx, &backend_type1, copy, 0, r > 0, ret_container);
}

_public_ int iommuctl_container_new_fd(struct iommuctl_ctx *ctx, int fd, uint32_t ioas_id,
                                       struct iommuctl_container **ret_container)
{
        struct descriptor d;
        int r;

        r = ctx_refuse_root(ctx, "a container");
        if (r >= 0)
                r = descriptor_look(ctx, fd, &d);
        if (r < 0)
                return r;
        if (d.kind == DESCRIPTOR_IOMMUFD)
                return new_on_iommufd(ctx, fd, ioas_id, ret_container);
        if (d.kind != DESCRIPTOR_TYPE1_CONTAINER)
                return descriptor_refuse(ctx, fd, &d,
                                         "a type1 container (/dev/vfio/vfio) or an iommufd (/dev/iommu)");
        if (ioas_id)
                return ctx_error(ctx, -EINVAL, NULL,
                                 "descriptor %d is a type1 container: it has no IOAS number %u", fd, ioas_id);
        return new_on_type1(ctx, fd, ret_container);
}

/* The number in its name, "14"; a noiommu group is "noiommu-14". */
static int group_number(struct iommuctl_ctx *ctx, int fd, const struct descriptor *d, unsigned int *ret_id)
{
        char name[64], *end;
        ssize_t n = descriptor_name(ctx, d, name, sizeof(name));
        unsigned long id;

        if (n < 0)
                return ctx_error(ctx, (int)n, NULL,
                                 "descriptor %d is a group, and sysfs does not say which: %s", fd,
                                 strerror((int)-n));
        if (startswith(name, "noiommu-"))
                return ctx_error(ctx, -EOPNOTSUPP, NULL,
                                 "descriptor %d is %s: nothing checks its devices' DMA, and nothing maps it",
                                 fd, name);
        id = strtoul(name, &end, 10);
        if (end == name || *end || id > UINT32_MAX)
                return ctx_error(ctx, -EPROTO, NULL, "descriptor %d is a group without a number: %s", fd,
                                 name);
        *ret_id = (unsigned int)id;
        return 0;
}

static int open_locked(struct iommuctl_container *c, int fd, struct iommuctl_group **ret_group)
{
        struct kernel *k = container_kernel(c);
        struct descriptor d;
        unsigned int id = 0;
        int copy, r;

        r = descriptor_require(c->ctx, fd, DESCRIPTOR_GROUP, &d);
        if (r >= 0)
                r = group_number(c->ctx, fd, &d, &id);
        if (r < 0)
                return r;
        if (group_find_locked(c, id))
                return ctx_error(c->ctx, -EEXIST, NULL, "the container holds group %u already", id);
        r = container_open_type1(c);
        if (r == -EINVAL)
                return ctx_error(c->ctx, r, NULL, "group %u cannot join: the container's backend is %s", id,
                                 iommuctl_backend_name(iommuctl_container_backend(c)));
        if (r < 0)
                return r;
        copy = copy_of(c->ctx, fd);
        if (copy < 0)
                return copy;
        r = group_join_locked(c, id, copy, NULL, ret_group);
        if (r < 0)
                k->ops->close(k, copy);
        return r;
}

_public_ int iommuctl_group_open_fd(struct iommuctl_container *c, int fd, struct iommuctl_group **ret_group)
{
        int r;

        pthread_mutex_lock(&c->join_lock);
        r = open_locked(c, fd, ret_group);
        pthread_mutex_unlock(&c->join_lock);
        return r;
}
