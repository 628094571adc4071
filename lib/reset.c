/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reset.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

/* What is in the way, device by device: "0000:01:00.1 is bound to nouveau, 0000:01:00.2 has no driver". */
static void list_in_the_way(const struct iommuctl_reset_scope *scope, char *text, size_t size)
{
        size_t at = 0;

        text[0] = '\0';
        for (size_t i = 0; i < scope->n_devices; i++) {
                const struct reset_affected *a = &scope->devices[i];
                char name[IOMMUCTL_ADDRESS_TEXT], group[32] = "";
                int n;

                if (a->claim <= IOMMUCTL_RESET_GROUP)
                        continue;
                iommuctl_address_format(a->address, name);
                if (scope->type1)
                        snprintf(group, sizeof(group), " (group %u)", a->group);
                if (a->claim == IOMMUCTL_RESET_FOREIGN)
                        n = snprintf(text + at, size - at, "%s%s%s is %s's and not open here", at ? ", " : "",
                                     name, group, a->driver[0] ? a->driver : "VFIO");
                else if (a->claim == IOMMUCTL_RESET_APART)
                        n = snprintf(text + at, size - at,
                                     "%s%s%s is ours, but virtual functions are reset with no others",
                                     at ? ", " : "", name, group);
                else
                        n = snprintf(text + at, size - at, "%s%s%s %s%s", at ? ", " : "", name, group,
                                     a->driver[0] ? "is bound to " : "has no driver", a->driver);
                if (n < 0 || (size_t)n >= size - at) {
                        text[at] = '\0';
                        return;
                }
                at += (size_t)n;
        }
}

static int refuse(struct iommuctl_device *d, const struct iommuctl_reset_scope *scope)
{
        char list[700];

        list_in_the_way(scope, list, sizeof(list));
        return ctx_error(d->container->ctx, -EBUSY, d->name,
                         "%s cannot be hot reset: it would hit %zu devices, of which %s", d->name,
                         scope->n_devices, list);
}

/* The descriptor of a group that is ours. */
static int group_fd(const struct iommuctl_container *c, struct iommuctl_group *const groups[],
                    size_t n_groups, unsigned int id)
{
        for (const struct iommuctl_group *g = c->groups; g; g = g->next)
                if (g->id == id)
                        return g->fd;
        for (size_t i = 0; i < n_groups; i++)
                if (groups[i]->id == id)
                        return groups[i]->fd;
        return -1;
}

/* The proof of ownership: each group of the scope once; the kernel takes no more of them than devices. */
static void put_groups(struct iommuctl_device *d, struct iommuctl_group *const groups[], size_t n_groups,
                       const struct iommuctl_reset_scope *scope, struct vfio_pci_hot_reset *hdr)
{
        for (size_t i = 0; i < scope->n_devices; i++) {
                int fd = group_fd(d->container, groups, n_groups, scope->devices[i].group);
                uint32_t j = 0;

                while (j < hdr->count && hdr->group_fds[j] != fd)
                        j++;
                if (j == hdr->count && fd >= 0)
                        hdr->group_fds[hdr->count++] = fd;
        }
}

static int call(struct iommuctl_device *d, struct iommuctl_group *const groups[], size_t n_groups,
                const struct iommuctl_reset_scope *scope)
{
        struct kernel *k = container_kernel(d->container);
        _cleanup_free_ struct vfio_pci_hot_reset *hdr = calloc(
                1, sizeof(*hdr) + scope->n_devices * sizeof(hdr->group_fds[0]));

        if (!hdr)
                return -ENOMEM;
        if (scope->type1)
                put_groups(d, groups, n_groups, scope, hdr);
        hdr->argsz = (uint32_t)(sizeof(*hdr) + hdr->count * sizeof(hdr->group_fds[0]));
        return k->ops->ioctl(k, d->fd, VFIO_DEVICE_PCI_HOT_RESET, hdr);
}

/* EINVAL is the kernel's word for a device that is not ours, EBUSY and EAGAIN those for locks that it does
 * not wait for (vfio_pci_dev_set_hot_reset, __pci_reset_bus). */
static int explain_hot_reset(struct iommuctl_device *d, struct iommuctl_group *const groups[],
                             size_t n_groups, int r)
{
        struct iommuctl_reset_scope *now _cleanup_(iommuctl_reset_scope_freep) = NULL;
        struct iommuctl_ctx *ctx = d->container->ctx;

        if (r == -EINVAL && reset_scope_read(d, groups, n_groups, &now) >= 0 &&
            !iommuctl_reset_scope_owned(now))
                return refuse(d, now);
        switch (r) {
        case -EINVAL:
                return ctx_error(ctx, r, d->name,
                                 "%s was not hot reset: the kernel does not take the devices on its bus for "
                                 "one whole that is ours",
                                 d->name);
        case -ENOMEM:
                return ctx_error(ctx, r, d->name, "out of memory");
        case -EBUSY:
        case -EAGAIN:
                return ctx_error(ctx, -EAGAIN, d->name,
                                 "%s was not hot reset: a device on its bus is being used at this moment; "
                                 "try again",
                                 d->name);
        case -ENOTTY: /* pci_bridge_wait_for_secondary_bus(), when the reset itself is done */
                return ctx_error(ctx, -ETIMEDOUT, d->name,
                                 "%s was hot reset, but the link to it was not seen to come back, or it did "
                                 "not answer in time; the kernel's log says which",
                                 d->name);
        case -ENODEV:
                return ctx_error(ctx, -EOPNOTSUPP, d->name,
                                 "%s cannot be hot reset: neither its slot nor its bus can be", d->name);
        default:
                return ctx_error(ctx, r, d->name, "%s was not hot reset: %s", d->name, strerror(-r));
        }
}

/* ENOTTY is what is left when each method has been tried in vain (__pci_reset_function_locked): there is
 * none, or one reset the function and then did not see it come back. */
int reset_explain_no_method(struct iommuctl_device *d)
{
        char methods[128] = "";

        if (iommuctl_reset_methods(d->container->ctx, d->name, methods, sizeof(methods)) == 0)
                return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name,
                                 "%s cannot be reset any more: its reset methods are turned off "
                                 "(iommuctl_reset_methods_set)",
                                 d->name);
        return ctx_error(d->container->ctx, -ETIMEDOUT, d->name,
                         "%s was not seen to come back from a reset by \"%s\"", d->name, methods);
}

static int hot_reset_locked(struct iommuctl_device *d, struct iommuctl_group *const groups[], size_t n_groups)
{
        struct iommuctl_reset_scope *scope _cleanup_(iommuctl_reset_scope_freep) = NULL;
        int r;

        r = reset_scope_read(d, groups, n_groups, &scope);
        if (r < 0)
                return r;
        if (!iommuctl_reset_scope_owned(scope))
                return refuse(d, scope);
        r = call(d, groups, n_groups, scope);
        return r < 0 ? explain_hot_reset(d, groups, n_groups, r) : 0;
}

_public_ int iommuctl_device_hot_reset(struct iommuctl_device *d, struct iommuctl_group *const groups[],
                                       size_t n_groups)
{
        int r;

        pthread_mutex_lock(&d->container->join_lock);
        r = hot_reset_locked(d, groups, n_groups);
        pthread_mutex_unlock(&d->container->join_lock);
        return r;
}
