/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a device on the backend that its container has, or gets with it. */
#include "device.h"

#include <errno.h>
#include <stdio.h>

#include "dirty.h"
#include "explain.h"
#include "iommufd.h"
#include "type1.h"

/* BIND says EINVAL where the device is open already, and EBUSY where its group is open at /dev/vfio/N. */
static int explain_bind(struct iommuctl_container *c, const struct device_request *request, int r)
{
        const struct device_place *place = &request->place;
        char group[32];
        int told = vf_token_explain(c->ctx, place->name, request->has_token ? &request->token : NULL, r);

        if (told < 0)
                return told;
        switch (r) {
        case -EINVAL:
                return explain_node(c->ctx, place->name, place->cdev, place->name, -EBUSY);
        case -EBUSY:
                snprintf(group, sizeof(group), "dev/vfio/%u", place->group);
                return explain_node(c->ctx, place->name, group, place->name, r);
        default:
                return explain_join(c, place->group, place->name, r);
        }
}

static int bind_node(struct iommuctl_container *c, const struct device_request *request, int device_fd,
                     uint32_t *ret_id)
{
        struct kernel *k = container_kernel(c);

        if (request->iommufd_id) {
                *ret_id = request->iommufd_id;
                return 0;
        }
        if (request->has_token)
                return iommufd_bind_device_token(k, device_fd, c->space.fd, request->token.bytes, ret_id);
        return iommufd_bind_device(k, device_fd, c->space.fd, ret_id);
}

/* Where sysfs cannot be seen the place has only a name. */
static unsigned int known_group(const struct device_place *place)
{
        return place->cdev[0] ? place->group : GROUP_UNKNOWN;
}

/* A group has one address space (drivers/iommu/iommufd/device.c, iommufd_hw_pagetable_attach(): EINVAL). */
static bool group_is_elsewhere(const struct iommuctl_container *c, unsigned int group)
{
        for (const struct iommuctl_device *d = c->iommufd->devices; d; d = d->next_in_iommufd)
                if (d->group_id == group && group != GROUP_UNKNOWN && d->seen && (d->seen != c || d->hwpt))
                        return true;
        return false;
}

/* With the lock of the iommufd, which so knows a device from the moment that it is attached. */
static int attach_and_alloc(struct iommuctl_container *c, const struct device_request *request,
                            struct scoped_fd *fd, uint32_t id, struct iommuctl_device **ret_device)
{
        const struct device_place *place = &request->place;
        int r;

        r = iommufd_attach_device(container_kernel(c), fd->fd, c->space.ioas_id);
        if (r < 0) {
                scoped_fd_close(fd);
                if (r == -EINVAL && group_is_elsewhere(c, known_group(place)))
                        return ctx_error(
                                c->ctx, r, place->name,
                                "another device of group %u is attached elsewhere in this iommufd, and a "
                                "group has one address space: attach that one here, or open %s there",
                                place->group, place->name);
                return explain_join(c, place->group, place->name, r);
        }
        r = container_read_facts(c);
        if (r >= 0)
                r = device_alloc(c, NULL, place->name, fd->fd, id, ret_device);
        if (r < 0) {
                if (request->given)
                        iommufd_detach_device(container_kernel(c), fd->fd);
                scoped_fd_close(fd);
                container_read_facts(c); /* the ranges are as they were; the text is the failure's */
                return r;
        }
        scoped_fd_take(fd);
        (*ret_device)->group_id = known_group(place);
        (*ret_device)->given = request->given;
        return 0;
}

/* What failed is explained after the descriptor is closed, or it would be found open in this process. */
int device_join_iommufd(struct iommuctl_container *c, const struct device_request *request, int device_fd,
                        struct iommuctl_device **ret_device)
{
        struct kernel *k = container_kernel(c);
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, device_fd);
        uint32_t id;
        int r;

        r = bind_node(c, request, fd.fd, &id);
        if (r < 0) {
                scoped_fd_close(&fd);
                return explain_bind(c, request, r);
        }
        pthread_mutex_lock(&c->iommufd->lock);
        r = attach_and_alloc(c, request, &fd, id, ret_device);
        pthread_mutex_unlock(&c->iommufd->lock);
        return r;
}

int device_check_tokens(struct iommuctl_container *c, const char *name, int fd)
{
        int r = iommufd_bind_knows_tokens(container_kernel(c), fd);

        if (r < 0)
                return ctx_error(c->ctx, r, name, "%s does not say whether it takes a VF token: %s", name,
                                 strerror(-r));
        if (r == 0)
                return ctx_error(c->ctx, -EOPNOTSUPP, name,
                                 "the VF token of %s cannot be given: at a device's own node that needs "
                                 "Linux 6.17 (the type1 backend takes one on any)",
                                 name);
        return 0;
}

int device_open_node(struct iommuctl_ctx *ctx, const struct device_place *place)
{
        struct kernel *k = ctx->kernel;
        struct stat st;
        char node[32];
        int fd;

        if (!place->cdev[0]) {
                /* A device without an IOMMU has no node of its own (vfio_device_add(), Linux 6.6). */
                snprintf(node, sizeof(node), "dev/vfio/noiommu-%u", place->group);
                if (k->ops->fstatat(k, ctx->root_fd, node, &st, 0) >= 0)
                        return explain_group(ctx, place->group, place->name, -ENOENT);
                snprintf(node, sizeof(node), "dev/vfio/%u", place->group);
                if (k->ops->fstatat(k, ctx->root_fd, node, &st, 0) < 0)
                        return explain_not_bound(ctx, place->name);
                return ctx_error(ctx, -EOPNOTSUPP, place->name,
                                 "%s has no node in /dev/vfio/devices, which iommufd needs: Linux 6.6 with "
                                 "VFIO_DEVICE_CDEV (or use the type1 backend)",
                                 place->name);
        }
        fd = k->ops->openat(k, ctx->root_fd, place->cdev, O_RDWR, 0);
        return fd < 0 ? explain_node(ctx, place->name, place->cdev, place->name, fd) : fd;
}

/* Devices' own nodes are nothing to it. Once so, it stays so. */
static bool opens_groups(const struct iommuctl_container *c)
{
        return container_backend(c) == &backend_type1 || c->asked == IOMMUCTL_BACKEND_TYPE1 ||
               c->asked == IOMMUCTL_BACKEND_NOIOMMU;
}

/* Whether the container is, or now becomes, an iommufd one for this device: its descriptor, -1 for type1, or
 * a failure with its text. */
static int choose_iommufd(struct iommuctl_container *c, const struct device_request *request, int *ret_fd)
{
        const struct device_place *place = &request->place;
        const bool insist = c->backend == &backend_iommufd || c->asked == IOMMUCTL_BACKEND_IOMMUFD ||
                            place->cdev_asked;
        struct kernel *k = container_kernel(c);
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, -1);
        int r;

        *ret_fd = -1;
        if (opens_groups(c))
                return place->cdev_asked
                               ? ctx_error(c->ctx, -EINVAL, place->name,
                                           "/%s cannot join: the container is a %s one, which "
                                           "takes groups",
                                           place->cdev, iommuctl_backend_name(iommuctl_container_backend(c)))
                               : 0;
        if (!place->cdev[0] && !insist)
                return 0;
        fd.fd = device_open_node(c->ctx, place);
        if (fd.fd < 0)
                return insist ? fd.fd : 0;
        if (request->has_token) {
                r = device_check_tokens(c, place->name, fd.fd);
                if (r < 0)
                        return insist ? r : 0;
        }
        r = container_open_iommufd(c);
        if (r < 0)
                return insist ? r : 0;
        *ret_fd = scoped_fd_take(&fd);
        return 0;
}

/* "0000:03:10.0 vf_token=…" where there is one (drivers/vfio/pci/vfio_pci_core.c, vfio_pci_core_match()). */
static int ask_group(struct iommuctl_container *c, const struct iommuctl_group *group,
                     const struct device_request *request)
{
        char name[sizeof(request->place.name) + sizeof(" vf_token=") + VF_TOKEN_TEXT];

        snprintf(name, sizeof(name), "%s%s%s", request->place.name, request->has_token ? " vf_token=" : "",
                 request->has_token ? request->token.text : "");
        return type1_open_device(container_kernel(c), group->fd, name);
}

static int explain_asking(struct iommuctl_container *c, const struct device_request *request, int r)
{
        const struct device_place *place = &request->place;
        int told = vf_token_explain(c->ctx, place->name, request->has_token ? &request->token : NULL, r);

        if (told < 0)
                return told;
        if (r == -ENODEV)
                return explain_not_bound(c->ctx, place->name);
        return ctx_error(c->ctx, r, place->name, "%s cannot be opened through group %u: %s", place->name,
                         place->group, strerror(-r));
}

static int open_type1(struct iommuctl_container *c, const struct device_request *request,
                      struct iommuctl_device **ret_device)
{
        const struct device_place *place = &request->place;
        struct kernel *k = container_kernel(c);
        struct iommuctl_group *group;
        int fd, r;

        r = group_open_locked(c, place->group, place->name, &group);
        if (r == -ENODEV)
                return explain_not_bound(c->ctx, place->name);
        if (r < 0)
                return r;
        fd = ask_group(c, group, request);
        if (fd < 0)
                r = explain_asking(c, request, fd);
        else
                r = device_alloc(c, group, place->name, fd, 0, ret_device);
        if (r < 0) {
                if (fd >= 0)
                        k->ops->close(k, fd);
                if (group_unref_locked(group))
                        iommuctl_container_unref(c); /* not the last: the caller has one */
        }
        return r;
}

struct iommuctl_device *device_find_locked(struct iommuctl_container *c, const char *name)
{
        for (struct iommuctl_device *d = c->devices; d; d = d->next)
                if (streq(d->name, name))
                        return d;
        return NULL;
}

static int open_locked(struct iommuctl_container *c, const struct device_request *request,
                       struct iommuctl_device **ret_device)
{
        struct iommuctl_device *d = device_find_locked(c, request->place.name);
        int fd, r;

        if (d) {
                *ret_device = iommuctl_device_ref(d);
                return 0;
        }
        r = choose_iommufd(c, request, &fd);
        if (r < 0)
                return r;
        if (fd < 0)
                return open_type1(c, request, ret_device);
        return device_join_iommufd(c, request, fd, ret_device);
}

void device_open_begin(struct iommuctl_container *c)
{
        pthread_mutex_lock(&c->tracking_lock);
        pthread_mutex_lock(&c->join_lock);
}

int device_open_end(struct iommuctl_container *c, int r, struct iommuctl_device *opened,
                    struct iommuctl_device **ret_device)
{
        struct iommuctl_device *d _cleanup_(iommuctl_device_unrefp) = opened;

        pthread_mutex_unlock(&c->join_lock);
        if (r >= 0)
                r = dirty_device_joined(c, d);
        pthread_mutex_unlock(&c->tracking_lock);
        if (r < 0)
                return r;
        *ret_device = TAKE_PTR(d);
        return 0;
}

_public_ int iommuctl_device_open_with(struct iommuctl_container *c, const char *name,
                                       const struct iommuctl_device_options *options,
                                       struct iommuctl_device **ret_device)
{
        struct iommuctl_device *d = NULL;
        struct device_request request = { .has_token = false };
        int r;

        r = device_options_read(c->ctx, options, &request);
        if (r < 0)
                return r;
        if (request.iommufd_id)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "an iommufd_id is of a device that is bound already: "
                                 "iommuctl_device_open_fd()");
        if (opens_groups(c))
                r = device_locate_in_group(c->ctx, name, &request.place);
        else
                r = device_locate(c->ctx, name, &request.place);
        if (r < 0)
                return r;
        device_open_begin(c);
        r = open_locked(c, &request, &d);
        return device_open_end(c, r, d, ret_device);
}

_public_ int iommuctl_device_open(struct iommuctl_container *c, const char *name,
                                  struct iommuctl_device **ret_device)
{
        return iommuctl_device_open_with(c, name, NULL, ret_device);
}
