/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Address spaces in an iommufd, alone or several beside each other. */
#include "container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iommufd.h"

struct iommufd_file *iommufd_file_new(struct kernel *k, int fd)
{
        struct iommufd_file *file = malloc(sizeof(*file));

        if (!file) {
                k->ops->close(k, fd);
                return NULL;
        }
        *file = (struct iommufd_file){ .refcount = 1, .k = k, .fd = fd };
        pthread_mutex_init(&file->lock, NULL);
        return file;
}

static struct iommufd_file *iommufd_file_ref(struct iommufd_file *file)
{
        __atomic_add_fetch(&file->refcount, 1, __ATOMIC_RELAXED);
        return file;
}

struct iommufd_file *iommufd_file_unref(struct iommufd_file *file)
{
        if (file && __atomic_sub_fetch(&file->refcount, 1, __ATOMIC_ACQ_REL) == 0) {
                file->k->ops->close(file->k, file->fd);
                pthread_mutex_destroy(&file->lock);
                free(file);
        }
        return NULL;
}

int container_set_iommufd(struct iommuctl_container *c, struct iommufd_file *file)
{
        uint32_t ioas_id;
        int r;

        r = iommufd_ioas_alloc(file->k, file->fd, &ioas_id);
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "/dev/iommu gives no address space: %s", strerror(-r));

        c->space.fd = file->fd;
        c->space.ioas_id = ioas_id;
        r = container_read_facts_as(c, &backend_iommufd);
        if (r < 0) {
                iommufd_destroy(file->k, file->fd, ioas_id);
                c->space.fd = -1;
                c->space.ioas_id = 0;
                return r;
        }
        /* Other threads see it when it is whole. */
        c->iommufd = file;
        __atomic_store_n(&c->backend, &backend_iommufd, __ATOMIC_RELEASE);
        container_set_joined(c, true);
        return 0;
}

/* Closing /dev/iommu takes all that is in it along; while others are in it, only what is ours goes. */
void container_leave_iommufd(struct iommuctl_container *c)
{
        if (c->space.ioas_id && !c->foreign &&
            (c->iommufd->shared || __atomic_load_n(&c->iommufd->refcount, __ATOMIC_ACQUIRE) > 1))
                iommufd_destroy(c->iommufd->k, c->iommufd->fd, c->space.ioas_id);
        c->iommufd = iommufd_file_unref(c->iommufd);
        c->space.fd = -1;
}

_public_ int iommuctl_container_new_beside(struct iommuctl_container *other,
                                           struct iommuctl_container **ret_container)
{
        const struct backend *backend = container_backend(other);
        struct iommuctl_container *c _cleanup_(iommuctl_container_unrefp) = NULL;
        struct iommufd_file *file _cleanup_(iommufd_file_unrefp) = NULL;
        int r;

        r = container_refuse_noiommu(other, "there is nothing beside it");
        if (r < 0)
                return r;
        if (backend && backend != &backend_iommufd)
                return ctx_error(other->ctx, -EOPNOTSUPP, NULL,
                                 "a type1 container has one address space: several beside each other need "
                                 "the iommufd backend (Linux 6.6)");
        if (!backend)
                return ctx_error(other->ctx, -ENODEV, NULL,
                                 "the container has no iommufd yet: open a device in it first, or make it "
                                 "with the iommufd backend");
        c = container_alloc(other->ctx, IOMMUCTL_BACKEND_IOMMUFD);
        if (!c)
                return ctx_error(other->ctx, -ENOMEM, NULL, "out of memory");
        file = iommufd_file_ref(other->iommufd);
        r = container_set_iommufd(c, file);
        if (r < 0)
                return r;
        file = NULL;
        *ret_container = TAKE_PTR(c);
        return 0;
}
