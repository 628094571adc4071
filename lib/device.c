/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "device_feature.h"
#include "dirty.h"
#include "explain.h"
#include "iommuctl/region.h"
#include "iommufd.h"
#include "locate.h"
#include "type1.h"
#include "uapi_vfio.h"

/* Makes the object and puts it into the container's list, and with its lock held into the iommufd's; on
 * failure what it was to own stays the caller's. */
int device_alloc(struct iommuctl_container *c, struct iommuctl_group *group, const char *name, int fd,
                 uint32_t iommufd_id, struct iommuctl_device **ret_device)
{
        struct vfio_device_info info = { .argsz = sizeof(info) };
        struct kernel *k = container_kernel(c);
        struct iommuctl_device *d;
        int r;

        r = k->ops->ioctl(k, fd, VFIO_DEVICE_GET_INFO, &info);
        if (r < 0)
                return ctx_error(c->ctx, r, name, "%s does not say what it is: %s", name, strerror(-r));
        d = calloc(1, sizeof(*d));
        if (!d || !(d->name = strdup(name))) {
                free(d);
                return ctx_error(c->ctx, -ENOMEM, name, "out of memory");
        }
        d->refcount = 1;
        d->container = iommuctl_container_ref(c);
        d->group = group;
        d->fd = fd;
        d->iommufd_id = iommufd_id;
        d->flags = info.flags;
        d->n_regions = info.num_regions;
        d->n_irqs = info.num_irqs;
        pthread_mutex_init(&d->lock, NULL);
        d->group_id = GROUP_UNKNOWN;
        d->seen = iommuctl_container_ref(c);
        d->next = c->devices;
        c->devices = d;
        if (c->iommufd) {
                d->next_in_iommufd = c->iommufd->devices;
                c->iommufd->devices = d;
        }
        *ret_device = d;
        return 0;
}

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

/* A group has one address space (drivers/iommu/iommufd/device.c, iommufd_hw_pagetable_attach(): EINVAL). */
static bool group_is_elsewhere(const struct iommuctl_container *c, unsigned int group)
{
        for (const struct iommuctl_device *d = c->iommufd->devices; d; d = d->next_in_iommufd)
                if (d->group_id == group && d->seen && (d->seen != c || d->hwpt))
                        return true;
        return false;
}

/* With the lock of the iommufd, which so knows a device from the moment that it is attached. */
static int attach_and_alloc(struct iommuctl_container *c, const struct device_place *place,
                            struct scoped_fd *fd, uint32_t id, struct iommuctl_device **ret_device)
{
        int r;

        r = iommufd_attach_device(container_kernel(c), fd->fd, c->space.ioas_id);
        if (r < 0) {
                scoped_fd_close(fd);
                if (r == -EINVAL && group_is_elsewhere(c, place->group))
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
                scoped_fd_close(fd);
                container_read_facts(c); /* the ranges are as they were; the text is the failure's */
                return r;
        }
        scoped_fd_take(fd);
        (*ret_device)->group_id = place->group;
        return 0;
}

static int bind(struct iommuctl_container *c, const struct device_request *request, int device_fd,
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

/* What failed is explained after the descriptor is closed, or it would be found open in this process. */
int device_join_iommufd(struct iommuctl_container *c, const struct device_request *request, int device_fd,
                        struct iommuctl_device **ret_device)
{
        const struct device_place *place = &request->place;
        struct kernel *k = container_kernel(c);
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, device_fd);
        uint32_t id;
        int r;

        r = bind(c, request, fd.fd, &id);
        if (r < 0) {
                scoped_fd_close(&fd);
                return explain_bind(c, request, r);
        }
        pthread_mutex_lock(&c->iommufd->lock);
        r = attach_and_alloc(c, place, &fd, id, ret_device);
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
        if (c->backend == &backend_type1 || c->asked == IOMMUCTL_BACKEND_TYPE1)
                return place->cdev_asked ? ctx_error(c->ctx, -EINVAL, place->name,
                                                     "/%s cannot join: the container is a type1 one, which "
                                                     "takes groups",
                                                     place->cdev)
                                         : 0;
        if (!place->cdev[0]) {
                struct stat st;
                char node[32];

                snprintf(node, sizeof(node), "dev/vfio/%u", place->group);
                if (!insist)
                        return 0;
                if (k->ops->fstatat(k, c->ctx->root_fd, node, &st, 0) < 0)
                        return explain_not_bound(c->ctx, place->name);
                return ctx_error(c->ctx, -EOPNOTSUPP, place->name,
                                 "%s has no node in /dev/vfio/devices, which iommufd needs: Linux 6.6 with "
                                 "VFIO_DEVICE_CDEV (or use the type1 backend)",
                                 place->name);
        }
        fd.fd = k->ops->openat(k, c->ctx->root_fd, place->cdev, O_RDWR, 0);
        if (fd.fd < 0)
                return insist ? explain_node(c->ctx, place->name, place->cdev, place->name, fd.fd) : 0;
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

int device_open_end(struct iommuctl_container *c, int r, struct iommuctl_device *d)
{
        pthread_mutex_unlock(&c->join_lock);
        if (r >= 0)
                r = dirty_device_joined(c, d);
        pthread_mutex_unlock(&c->tracking_lock);
        return r;
}

_public_ int iommuctl_device_open_with(struct iommuctl_container *c, const char *name,
                                       const struct iommuctl_device_options *options,
                                       struct iommuctl_device **ret_device)
{
        struct iommuctl_device *d _cleanup_(iommuctl_device_unrefp) = NULL;
        struct device_request request = { .has_token = false };
        int r;

        r = device_options_read(c->ctx, options, &request);
        if (r < 0)
                return r;
        if (request.iommufd_id)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "an iommufd_id is of a device that is bound already: "
                                 "iommuctl_device_open_fd()");
        r = device_locate(c->ctx, name, &request.place);
        if (r < 0)
                return r;
        device_open_begin(c);
        r = open_locked(c, &request, &d);
        r = device_open_end(c, r, d);
        if (r < 0)
                return r;
        *ret_device = TAKE_PTR(d);
        return 0;
}

_public_ int iommuctl_device_open(struct iommuctl_container *c, const char *name,
                                  struct iommuctl_device **ret_device)
{
        return iommuctl_device_open_with(c, name, NULL, ret_device);
}

int device_new_over(struct iommuctl_container *c, struct iommuctl_group *group, const char *name, int fd,
                    uint32_t iommufd_id, struct iommuctl_device **ret_device)
{
        int r;

        pthread_mutex_lock(&c->join_lock);
        if (c->iommufd)
                pthread_mutex_lock(&c->iommufd->lock);
        r = device_alloc(c, group, name, fd, iommufd_id, ret_device);
        if (c->iommufd)
                pthread_mutex_unlock(&c->iommufd->lock);
        pthread_mutex_unlock(&c->join_lock);
        if (r < 0) {
                container_kernel(c)->ops->close(container_kernel(c), fd);
                iommuctl_group_unref(group);
        }
        return r;
}

_public_ struct iommuctl_device *iommuctl_device_ref(struct iommuctl_device *d)
{
        if (d)
                __atomic_add_fetch(&d->refcount, 1, __ATOMIC_RELAXED);
        return d;
}

/* Out of the lists: nobody finds it from here on. */
static void device_unlink(struct iommuctl_device *d)
{
        struct iommuctl_container *c = d->container;

        for (struct iommuctl_device **p = &c->devices; *p; p = &(*p)->next) {
                if (*p == d) {
                        *p = d->next;
                        break;
                }
        }
        if (!c->iommufd)
                return;
        pthread_mutex_lock(&c->iommufd->lock);
        for (struct iommuctl_device **p = &c->iommufd->devices; *p; p = &(*p)->next_in_iommufd) {
                if (*p == d) {
                        *p = d->next_in_iommufd;
                        break;
                }
        }
        pthread_mutex_unlock(&c->iommufd->lock);
}

_public_ struct iommuctl_device *iommuctl_device_unref(struct iommuctl_device *d)
{
        struct iommuctl_container *c;
        bool group_gone = false;

        if (!d)
                return NULL;
        c = d->container;
        if (!unref_and_lock(&d->refcount, &c->join_lock))
                return NULL;
        device_unlink(d);
        container_kernel(c)->ops->close(container_kernel(c), d->fd);
        if (d->group)
                group_gone = group_unref_locked(d->group);
        pthread_mutex_unlock(&c->join_lock);

        device_drop_attachments(d);
        pthread_mutex_destroy(&d->lock);
        free(d->name);
        free(d);
        if (group_gone)
                iommuctl_container_unref(c);
        iommuctl_container_unref(c);
        return NULL;
}

_public_ const char *iommuctl_device_name(const struct iommuctl_device *d)
{
        return d->name;
}

_public_ int iommuctl_device_fd(const struct iommuctl_device *d)
{
        return d->fd;
}

_public_ uint32_t iommuctl_device_iommufd_id(const struct iommuctl_device *d)
{
        return d->iommufd_id;
}

_public_ struct iommuctl_container *iommuctl_device_container(const struct iommuctl_device *d)
{
        return d->container;
}

_public_ struct iommuctl_group *iommuctl_device_group(const struct iommuctl_device *d)
{
        return d->group;
}

_public_ uint32_t iommuctl_device_flags(const struct iommuctl_device *d)
{
        return d->flags;
}

_public_ unsigned int iommuctl_device_n_regions(const struct iommuctl_device *d)
{
        return d->n_regions;
}

_public_ unsigned int iommuctl_device_n_irqs(const struct iommuctl_device *d)
{
        return d->n_irqs;
}

_public_ int iommuctl_device_reset(struct iommuctl_device *d)
{
        struct kernel *k = container_kernel(d->container);
        int r;

        if (!(d->flags & VFIO_DEVICE_FLAGS_RESET))
                return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name, "%s has no reset of its own",
                                 d->name);
        r = k->ops->ioctl(k, d->fd, VFIO_DEVICE_RESET, NULL);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "%s was not reset: %s", d->name,
                                 strerror(-r));
        return 0;
}

/* Where there is no command register, as on CDX. */
static int set_bus_master_by_feature(struct iommuctl_device *d, bool on)
{
        static const struct device_feature feature = { .number = UAPI_VFIO_DEVICE_FEATURE_BUS_MASTER,
                                                       .what = "bus mastering",
                                                       .since = "Linux 6.10" };
        struct uapi_vfio_device_feature_bus_master a = {
                .op = on ? UAPI_VFIO_DEVICE_FEATURE_SET_MASTER : UAPI_VFIO_DEVICE_FEATURE_CLEAR_MASTER,
        };

        return device_feature_set(d, &feature, &a, sizeof(a));
}

_public_ int iommuctl_device_set_bus_master(struct iommuctl_device *d, bool on)
{
        struct iommuctl_region *config;
        uint16_t command;
        int r;

        if (!(d->flags & VFIO_DEVICE_FLAGS_PCI))
                return set_bus_master_by_feature(d, on);
        r = iommuctl_region_open(d, VFIO_PCI_CONFIG_REGION_INDEX, &config);
        if (r < 0)
                return r;
        pthread_mutex_lock(&d->lock);
        r = iommuctl_region_read(config, PCI_COMMAND, &command, sizeof(command));
        if (r >= 0) {
                command = le16toh(command);
                command = (uint16_t)(on ? command | PCI_COMMAND_MASTER : command & ~PCI_COMMAND_MASTER);
                command = htole16(command);
                r = iommuctl_region_write(config, PCI_COMMAND, &command, sizeof(command));
        }
        pthread_mutex_unlock(&d->lock);
        iommuctl_region_free(config);
        return r;
}
