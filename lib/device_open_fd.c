/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices from descriptors that somebody else opened, and through a group that is open. */
#include "device.h"

#include <errno.h>
#include <stdio.h>

#include "descriptor.h"
#include "iommufd.h"
#include "sysfs.h"

/* Where sysfs cannot be seen the name is the caller's to know; texts and look-ups have it. */
static void take_name(const char *name, struct device_place *place)
{
        memset(place, 0, sizeof(*place));
        snprintf(place->name, sizeof(place->name), "%s", path_basename(name));
}

static int locate_by_name(struct iommuctl_ctx *ctx, const char *name, struct device_place *place)
{
        if (device_locate(ctx, name, place) < 0)
                take_name(name, place);
        return place->name[0] ? 0 : ctx_error(ctx, -EINVAL, NULL, "a device's name is not empty");
}

/* The node's number says which device it is. What the caller says must not differ. */
static int locate_node(struct iommuctl_ctx *ctx, int fd, const struct descriptor *d, const char *name,
                       struct device_place *place)
{
        char found[sizeof(place->name)];
        struct device_place named;
        int r;

        if (descriptor_device(ctx, d, found, sizeof(found)) < 0) {
                if (name)
                        return locate_by_name(ctx, name, place);
                return ctx_error(ctx, -EINVAL, NULL,
                                 "descriptor %d is a device's own node, and sysfs does not say which "
                                 "device's: its name is needed",
                                 fd);
        }
        r = device_locate(ctx, found, place);
        if (r < 0 || !name)
                return r;
        r = locate_by_name(ctx, name, &named);
        if (r < 0)
                return r;
        if (!streq(named.name, place->name))
                return ctx_error(ctx, -EINVAL, named.name, "descriptor %d is the node of %s, not of %s", fd,
                                 place->name, named.name);
        return 0;
}

/* Attaching asks the iommufd that the device is bound to, and would take any IOAS of the same number in it. A
 * mediated device has no number that could be looked up. */
static int check_number(struct iommuctl_container *c, const struct device_request *request)
{
        struct sysfs s = { c->ctx->kernel, c->ctx->root_fd, false };
        const char *name = request->place.name;
        char path[300];
        int r;

        snprintf(path, sizeof(path), "sys/bus/mdev/devices/%.255s", name);
        if (!request->place.cdev[0] || sysfs_has_name(&s, path))
                return 0;
        r = iommufd_has_device(container_kernel(c), c->space.fd, request->iommufd_id);
        if (r < 0)
                return ctx_error(c->ctx, r, name, "the iommufd does not say whether it has %s: %s", name,
                                 strerror(-r));
        if (r == 0)
                return ctx_error(c->ctx, -EINVAL, name,
                                 "the container's iommufd has no device with the number %u: %s is bound to "
                                 "another one, or has another number",
                                 request->iommufd_id, name);
        return 0;
}

static int check_binding(struct iommuctl_container *c, int fd, const struct descriptor *d,
                         const struct device_request *request)
{
        const char *name = request->place.name;

        if (container_backend(c) == &backend_type1 || c->asked == IOMMUCTL_BACKEND_TYPE1 ||
            c->asked == IOMMUCTL_BACKEND_NOIOMMU)
                return ctx_error(c->ctx, -EINVAL, name,
                                 "%s cannot join by its own node: the container is a %s one", name,
                                 iommuctl_backend_name(iommuctl_container_backend(c)));
        if (d->kind == DESCRIPTOR_NODE && request->iommufd_id)
                return ctx_error(c->ctx, -EINVAL, name,
                                 "descriptor %d, of %s, is not bound: it has no iommufd_id yet", fd, name);
        if (d->kind == DESCRIPTOR_NODE)
                return request->has_token ? device_check_tokens(c, name, fd) : 0;
        if (!request->iommufd_id)
                return ctx_error(c->ctx, -EINVAL, name,
                                 "descriptor %d, of %s, is bound to an iommufd already: the iommufd_id that "
                                 "binding gave is needed, and a container on that iommufd",
                                 fd, name);
        if (request->has_token)
                return ctx_error(c->ctx, -EINVAL, name,
                                 "descriptor %d, of %s, is bound already: it takes no VF token any more", fd,
                                 name);
        if (!container_backend(c))
                return ctx_error(c->ctx, -EINVAL, name,
                                 "%s is bound to an iommufd that the container is not on: "
                                 "iommuctl_container_new_fd()",
                                 name);
        return check_number(c, request);
}

static int open_node(struct iommuctl_container *c, int fd, const struct descriptor *d,
                     struct device_request *request, struct iommuctl_device **ret_device)
{
        struct kernel *k = container_kernel(c);
        int copy, r;

        r = check_binding(c, fd, d, request);
        if (r >= 0)
                r = container_open_iommufd(c);
        if (r < 0)
                return r;
        copy = k->ops->dup(k, fd);
        if (copy < 0)
                return ctx_error(c->ctx, copy, request->place.name, "descriptor %d cannot be copied: %s", fd,
                                 strerror(-copy));
        request->given = true;
        return device_join_iommufd(c, request, copy, ret_device);
}

/* The device's group is in the container; where sysfs does not say which one that is, there must be one only.
 */
static struct iommuctl_group *find_group(struct iommuctl_container *c, const struct device_place *place,
                                         bool known)
{
        for (struct iommuctl_group *g = c->groups; g; g = g->next)
                if (g != c->parked && (known ? g->id == place->group : !c->groups->next))
                        return g;
        return NULL;
}

static int open_group_device(struct iommuctl_container *c, int fd, const struct device_request *request,
                             bool located, struct iommuctl_device **ret_device)
{
        struct iommuctl_group *group = find_group(c, &request->place, located);
        const char *name = request->place.name;
        struct kernel *k = container_kernel(c);
        int copy, r;

        if (request->has_token || request->iommufd_id)
                return ctx_error(c->ctx, -EINVAL, name,
                                 "descriptor %d, of %s, is open already: it takes neither VF token nor "
                                 "iommufd_id",
                                 fd, name);
        if (!group)
                return ctx_error(c->ctx, -EINVAL, name,
                                 "the container does not hold the group of %s, through which it was opened: "
                                 "iommuctl_group_open_fd()",
                                 name);
        copy = k->ops->dup(k, fd);
        if (copy < 0)
                return ctx_error(c->ctx, copy, name, "descriptor %d cannot be copied: %s", fd,
                                 strerror(-copy));
        r = device_alloc(c, iommuctl_group_ref(group), name, copy, 0, ret_device);
        if (r < 0) {
                k->ops->close(k, copy);
                group_unref_locked(group); /* not the last: it was in the list without ours */
                return r;
        }
        (*ret_device)->given = true;
        return r;
}

static int open_locked(struct iommuctl_container *c, int fd, const char *name, struct device_request *request,
                       struct iommuctl_device **ret_device)
{
        struct device_place *place = &request->place;
        bool located = false;
        struct descriptor d;
        int r;

        r = descriptor_look(c->ctx, fd, &d);
        if (r < 0)
                return r;
        switch (d.kind) {
        case DESCRIPTOR_NODE:
        case DESCRIPTOR_BOUND_NODE:
                r = locate_node(c->ctx, fd, &d, name, place);
                break;
        case DESCRIPTOR_GROUP_DEVICE:
                if (!name)
                        return ctx_error(c->ctx, -EINVAL, NULL,
                                         "descriptor %d is a device that a group gave: it does not say "
                                         "which, its name is needed",
                                         fd);
                located = device_locate(c->ctx, name, place) >= 0;
                r = located ? 0 : locate_by_name(c->ctx, name, place);
                break;
        default:
                return descriptor_refuse(c->ctx, fd, &d,
                                         "a device's own node (/dev/vfio/devices/vfioN) or a device that a "
                                         "group gave");
        }
        if (r < 0)
                return r;
        if (device_find_locked(c, place->name))
                return ctx_error(c->ctx, -EEXIST, place->name, "the container has %s open already",
                                 place->name);
        if (d.kind == DESCRIPTOR_GROUP_DEVICE)
                return open_group_device(c, fd, request, located, ret_device);
        return open_node(c, fd, &d, request, ret_device);
}

_public_ int iommuctl_device_open_fd(struct iommuctl_container *c, int fd, const char *name,
                                     const struct iommuctl_device_options *options,
                                     struct iommuctl_device **ret_device)
{
        struct iommuctl_device *d = NULL;
        struct device_request request = { .has_token = false };
        int r;

        r = device_options_read(c->ctx, options, &request);
        if (r < 0)
                return r;
        device_open_begin(c);
        r = open_locked(c, fd, name, &request, &d);
        return device_open_end(c, r, d, ret_device);
}

_public_ int iommuctl_device_open_node(struct iommuctl_ctx *ctx, const char *name)
{
        struct device_place place;
        int r;

        r = ctx_refuse_root(ctx, "opening a device");
        if (r >= 0)
                r = device_locate(ctx, name, &place);
        return r < 0 ? r : device_open_node(ctx, &place);
}

_public_ int iommuctl_group_open_device(struct iommuctl_group *g, const char *name,
                                        const struct iommuctl_device_options *options,
                                        struct iommuctl_device **ret_device)
{
        struct iommuctl_ctx *ctx = g->container->ctx;
        struct device_place place;
        int r;

        r = device_locate_in_group(ctx, name, &place);
        if (r < 0)
                return r;
        if (place.group != g->id)
                return ctx_error(ctx, -EINVAL, place.name, "%s is in group %u, not in group %u", place.name,
                                 place.group, g->id);
        return iommuctl_device_open_with(g->container, place.name, options, ret_device);
}
