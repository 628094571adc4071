/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "group.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "explain.h"
#include "noiommu.h"
#include "type1.h"

/* A type1 container loses its address space, and all that is mapped in it, when its last group leaves (Linux
 * drivers/vfio/container.c, vfio_container_detach_group). So while buffers are mapped, the last group stays
 * in the container after its last reference is gone: it is parked. It can be opened again, and leaves with
 * the last buffer. */

bool unref_and_lock(unsigned int *refcount, pthread_mutex_t *lock)
{
        unsigned int n = __atomic_load_n(refcount, __ATOMIC_RELAXED);

        while (n > 1)
                if (__atomic_compare_exchange_n(refcount, &n, n - 1, true, __ATOMIC_ACQ_REL,
                                                __ATOMIC_RELAXED))
                        return false;
        pthread_mutex_lock(lock);
        if (__atomic_sub_fetch(refcount, 1, __ATOMIC_ACQ_REL) == 0)
                return true;
        pthread_mutex_unlock(lock);
        return false;
}

static int group_alloc(struct iommuctl_container *c, unsigned int id, int fd,
                       struct iommuctl_group **ret_group)
{
        struct iommuctl_group *g = calloc(1, sizeof(*g));

        if (!g)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        g->refcount = 1;
        g->container = iommuctl_container_ref(c);
        g->id = id;
        g->fd = fd;
        g->next = c->groups;
        c->groups = g;
        *ret_group = g;
        return 0;
}

/* Takes it out of the container, which it leaves when its descriptor is closed. Its reference to the
 * container is left to the caller. */
static void group_leave(struct iommuctl_group *g)
{
        struct iommuctl_container *c = g->container;
        struct kernel *k = container_kernel(c);

        for (struct iommuctl_group **p = &c->groups; *p; p = &(*p)->next) {
                if (*p == g) {
                        *p = g->next;
                        break;
                }
        }
        if (g->leave)
                type1_leave(k, g->fd); /* -EBUSY where the other has a device of it open: it stays */
        k->ops->close(k, g->fd);
        free(g);
        /* Another process may have groups in a container that it gave us. */
        if (!c->groups && (!c->foreign || type1_has_space(k, c->space.fd) <= 0))
                container_set_joined(c, false);
        else
                container_read_facts(c);
}

struct iommuctl_group *group_find_locked(struct iommuctl_container *c, unsigned int id)
{
        for (struct iommuctl_group *g = c->groups; g; g = g->next)
                if (g->id == id)
                        return g;
        return NULL;
}

/* 1 where the group is not in a container yet and can join; 0 where it is in this one. */
static int check_status(struct iommuctl_container *c, unsigned int id, int fd, const char *device)
{
        int r = type1_group_status(container_kernel(c), fd);

        if (r < 0)
                return ctx_error(c->ctx, r, device, "the state of group %u cannot be read: %s", id,
                                 strerror(-r));
        if ((r & VFIO_GROUP_FLAGS_CONTAINER_SET) && c->foreign && c->joined)
                return 0;
        if (r & VFIO_GROUP_FLAGS_CONTAINER_SET)
                return ctx_error(c->ctx, -EINVAL, device,
                                 "group %u is in a container already: that one's descriptor comes first "
                                 "(iommuctl_container_new_fd())",
                                 id);
        if (!(r & VFIO_GROUP_FLAGS_VIABLE))
                return explain_not_viable(c->ctx, id, device);
        return 1;
}

/* Makes the address space with the first group. That is not to be mapped in before all has succeeded. */
static int join(struct iommuctl_container *c, unsigned int id, int fd, const char *device)
{
        struct kernel *k = container_kernel(c);
        int r;

        r = type1_join(k, fd, c->space.fd);
        if (r < 0)
                return explain_join(c, id, device, r);
        if (c->backend == &backend_noiommu)
                r = c->groups ? 0 : noiommu_set_iommu(k, c->space.fd);
        else
                r = c->joined ? 0 : type1_set_iommu(k, c->space.fd);
        if (r < 0)
                r = explain_join(c, id, device, r);
        if (r >= 0)
                r = container_read_facts(c);
        if (r < 0)
                type1_leave(k, fd);
        return r;
}

int group_join_locked(struct iommuctl_container *c, unsigned int id, int fd, const char *device,
                      struct iommuctl_group **ret_group)
{
        bool joined;
        int r;

        r = check_status(c, id, fd, device);
        if (r < 0)
                return r;
        joined = r > 0;
        r = joined ? join(c, id, fd, device) : container_read_facts(c);
        if (r < 0)
                return r;
        r = group_alloc(c, id, fd, ret_group);
        if (r < 0) {
                if (joined)
                        type1_leave(container_kernel(c), fd);
                return r;
        }
        (*ret_group)->leave = joined;
        container_set_joined(c, true);
        return 0;
}

/* A descriptor, or a failure with its text. */
static int open_noiommu_group(struct iommuctl_container *c, unsigned int id, const char *device)
{
        char what[48], node[64];
        int fd;

        fd = noiommu_open_group(container_kernel(c), c->ctx->root_fd, id);
        snprintf(what, sizeof(what), "noiommu group %u", id);
        snprintf(node, sizeof(node), "dev/vfio/noiommu-%u", id);
        if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
                return ctx_error(
                        c->ctx, -ENODEV, device,
                        "group %u is no noiommu group: an IOMMU translates for its devices, or they are "
                        "not bound to a VFIO driver",
                        id);
        if (fd < 0)
                return explain_node(c->ctx, what, node, device, fd);
        return fd;
}

int group_open_locked(struct iommuctl_container *c, unsigned int id, const char *device,
                      struct iommuctl_group **ret_group)
{
        struct kernel *k = container_kernel(c);
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, -1);
        struct iommuctl_group *g;
        int r;

        r = container_open_type1(c);
        if (r == -EINVAL)
                return ctx_error(c->ctx, r, device, "group %u cannot join: the container is an iommufd one",
                                 id);
        if (r < 0)
                return r;
        g = group_find_locked(c, id);
        if (g) {
                pthread_mutex_lock(&c->lock);
                if (c->parked == g) {
                        c->parked = NULL;
                        iommuctl_container_ref(c);
                }
                pthread_mutex_unlock(&c->lock);
                __atomic_add_fetch(&g->refcount, 1, __ATOMIC_RELAXED);
                *ret_group = g;
                return 0;
        }
        if (c->backend == &backend_noiommu)
                fd.fd = open_noiommu_group(c, id, device);
        else
                fd.fd = type1_open_group(k, c->ctx->root_fd, id);
        if (fd.fd < 0)
                return c->backend == &backend_noiommu ? fd.fd : explain_group(c->ctx, id, device, fd.fd);
        r = group_join_locked(c, id, fd.fd, device, ret_group);
        if (r < 0)
                return r;
        scoped_fd_take(&fd);
        (*ret_group)->leave = false; /* closing it is enough */
        return 0;
}

int group_new_over(struct iommuctl_container *c, unsigned int id, int fd, struct iommuctl_group **ret_group)
{
        int r;

        pthread_mutex_lock(&c->join_lock);
        r = group_alloc(c, id, fd, ret_group);
        pthread_mutex_unlock(&c->join_lock);
        if (r < 0)
                container_kernel(c)->ops->close(container_kernel(c), fd);
        return r;
}

_public_ int iommuctl_group_open(struct iommuctl_container *c, unsigned int id,
                                 struct iommuctl_group **ret_group)
{
        int r;

        pthread_mutex_lock(&c->join_lock);
        r = group_open_locked(c, id, NULL, ret_group);
        pthread_mutex_unlock(&c->join_lock);
        return r;
}

_public_ struct iommuctl_group *iommuctl_group_ref(struct iommuctl_group *g)
{
        if (g)
                __atomic_add_fetch(&g->refcount, 1, __ATOMIC_RELAXED);
        return g;
}

/* The last reference is gone. The group's reference to the container is the caller's to drop, after the lock:
 * a parked group has none, and the buffers it waits for have theirs. */
static void leave_or_park(struct iommuctl_group *g)
{
        struct iommuctl_container *c = g->container;
        bool last = c->groups == g && !g->next, park;

        pthread_mutex_lock(&c->lock);
        park = last && c->map.n_entries > 0;
        if (park)
                c->parked = g;
        pthread_mutex_unlock(&c->lock);
        if (!park)
                group_leave(g);
}

bool group_unref_locked(struct iommuctl_group *g)
{
        if (__atomic_sub_fetch(&g->refcount, 1, __ATOMIC_ACQ_REL) > 0)
                return false;
        leave_or_park(g);
        return true;
}

_public_ struct iommuctl_group *iommuctl_group_unref(struct iommuctl_group *g)
{
        struct iommuctl_container *c;

        if (!g)
                return NULL;
        c = g->container;
        if (!unref_and_lock(&g->refcount, &c->join_lock))
                return NULL;
        leave_or_park(g);
        pthread_mutex_unlock(&c->join_lock);
        iommuctl_container_unref(c);
        return NULL;
}

void container_release_parked(struct iommuctl_container *c)
{
        struct iommuctl_group *g;

        pthread_mutex_lock(&c->join_lock);
        pthread_mutex_lock(&c->lock);
        g = c->map.n_entries == 0 ? c->parked : NULL;
        if (g)
                c->parked = NULL;
        pthread_mutex_unlock(&c->lock);
        if (g)
                group_leave(g);
        pthread_mutex_unlock(&c->join_lock);
}

_public_ unsigned int iommuctl_group_id(const struct iommuctl_group *g)
{
        return g->id;
}

_public_ int iommuctl_group_fd(const struct iommuctl_group *g)
{
        return g->fd;
}

_public_ struct iommuctl_container *iommuctl_group_container(const struct iommuctl_group *g)
{
        return g->container;
}
