/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "device_feature.h"
#include "iommuctl/region.h"
#include "reset.h"
#include "uapi.h"

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

void device_unlink(struct iommuctl_device *d)
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
        device_detach_given(d);
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
        int r = device_check_here(d);

        if (r < 0)
                return r;
        if (!(d->flags & VFIO_DEVICE_FLAGS_RESET))
                return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name,
                                 "%s has no reset of its own; a hot reset of its bus may do "
                                 "(iommuctl_device_hot_reset)",
                                 d->name);
        r = k->ops->ioctl(k, d->fd, VFIO_DEVICE_RESET, NULL);
        if (r == -ENOTTY)
                return reset_explain_no_method(d);
        if (r == -EAGAIN) /* the device's lock, which pci_try_reset_function() does not wait for */
                return ctx_error(d->container->ctx, r, d->name,
                                 "%s was not reset: it is being used at this moment; try again", d->name);
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
