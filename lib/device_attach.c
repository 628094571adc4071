/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which address space a device sees, after it was opened: attached to another, to a page table of one's own,
 * to none.
 *
 * The kernel moves a group as a whole: a device that is attached elsewhere takes those of its group along
 * that are attached (drivers/iommu/iommufd/device.c, iommufd_device_do_replace()). So the books of all
 * devices of an iommufd have one lock, held over the call. */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "explain_process.h"
#include "hwpt.h"
#include "iommufd.h"

struct iommuctl_device *iommufd_find_device(struct iommufd_file *file, uint32_t id)
{
        for (struct iommuctl_device *d = file->devices; d; d = d->next_in_iommufd) {
                unsigned int n = __atomic_load_n(&d->refcount, __ATOMIC_RELAXED);

                if (d->iommufd_id != id)
                        continue;
                while (n > 0)
                        if (__atomic_compare_exchange_n(&d->refcount, &n, n + 1, true, __ATOMIC_ACQ_REL,
                                                        __ATOMIC_RELAXED))
                                return d;
        }
        return NULL;
}

void device_detach_given(struct iommuctl_device *d)
{
        struct kernel *k = container_kernel(d->container);

        if (!d->given || d->group || d->closed)
                return;
        pthread_mutex_lock(&d->container->iommufd->lock);
        for (const struct pasid_attachment *p = d->pasids; p; p = p->next)
                iommufd_detach_pasid(k, d->fd, p->pasid);
        iommufd_detach_device(k, d->fd);
        pthread_mutex_unlock(&d->container->iommufd->lock);
}

void device_drop_attachments(struct iommuctl_device *d)
{
        while (d->pasids) {
                struct pasid_attachment *p = d->pasids;

                d->pasids = p->next;
                container_read_facts(iommuctl_hwpt_container(p->hwpt));
                iommuctl_hwpt_unref(p->hwpt);
                free(p);
        }
        /* Without the device more may be reachable. */
        if (d->seen && !d->group)
                container_read_facts(d->seen);
        d->hwpt = iommuctl_hwpt_unref(d->hwpt);
        d->seen = iommuctl_container_unref(d->seen);
}

int device_refuse_type1(struct iommuctl_device *d, const char *what)
{
        if (iommuctl_container_backend(d->container) == IOMMUCTL_BACKEND_NOIOMMU)
                return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name,
                                 "%s is not %s: it is open without an IOMMU (noiommu), and sees all memory",
                                 d->name, what);
        return ctx_error(
                d->container->ctx, -EOPNOTSUPP, d->name,
                "%s is not %s: on type1 its group sees the container that it joined for as long as it is "
                "open; close it and open it in the other container, or use the iommufd backend",
                d->name, what);
}

int device_check_target(struct iommuctl_device *d, struct iommuctl_container *c)
{
        if (d->group)
                return device_refuse_type1(d, "attached to another address space");
        if (container_backend(c) != &backend_iommufd || c->iommufd != d->container->iommufd)
                return ctx_error(
                        d->container->ctx, -EINVAL, d->name,
                        "%s is in another iommufd than the container: it can move between containers beside "
                        "each other (iommuctl_container_new_beside())",
                        d->name);
        return 0;
}

/* EADDRINUSE is iopt_reserve_iova()'s, of a mapping where a reserved region of the device's is. */
static int explain_attach(struct iommuctl_device *d, struct iommuctl_container *c, struct iommuctl_hwpt *h,
                          int r)
{
        char ranges[400], memory[200], what[64];
        size_t n_mapped;

        if (device_let_go(d))
                return device_check_here(d);
        if (h)
                snprintf(what, sizeof(what), "page table %u", h->object.id);
        else
                snprintf(what, sizeof(what), "address space %u", c->space.ioas_id);
        pthread_mutex_lock(&c->lock);
        n_mapped = c->map.n_entries;
        container_format_ranges(c, ranges, sizeof(ranges));
        pthread_mutex_unlock(&c->lock);
        switch (r) {
        case -EADDRINUSE:
                return ctx_error(
                        d->container->ctx, r, d->name,
                        "%s cannot reach all that is mapped in %s: its addresses end sooner or have reserved "
                        "regions where one of the %zu mappings lies; the container's ranges are %s",
                        d->name, what, n_mapped, ranges);
        case -EINVAL:
                return ctx_error(
                        d->container->ctx, r, d->name,
                        "%s is not attached to %s: that is for another IOMMU or another kind of device, or "
                        "another device of its group is attached elsewhere",
                        d->name, what);
        case -ENOENT:
                return ctx_error(d->container->ctx, r, d->name,
                                 "%s is not attached: somebody destroyed %s through the raw descriptor",
                                 d->name, what);
        case -ENOMEM:
                describe_locked_memory(d->container->ctx, memory, sizeof(memory));
                return ctx_error(d->container->ctx, r, d->name,
                                 "%s is not attached to %s for want of memory: %s", d->name, what, memory);
        default:
                return ctx_error(d->container->ctx, r, d->name, "%s is not attached to %s: %s", d->name, what,
                                 strerror(-r));
        }
}

static void see(struct iommuctl_device *d, struct iommuctl_container *c, struct iommuctl_hwpt *h)
{
        struct iommuctl_container *old_seen = d->seen;
        struct iommuctl_hwpt *old_hwpt = d->hwpt;

        d->seen = iommuctl_container_ref(c);
        d->hwpt = iommuctl_hwpt_ref(h);
        iommuctl_hwpt_unref(old_hwpt);
        if (old_seen && old_seen != c)
                container_read_facts(old_seen); /* without the device more may be reachable */
        iommuctl_container_unref(old_seen);
}

/* Writes down that D, and with it what is attached of its group, was moved. */
static void see_with_group(struct iommuctl_device *d, struct iommuctl_container *c, struct iommuctl_hwpt *h)
{
        for (struct iommuctl_device *other = d->container->iommufd->devices; other;
             other = other->next_in_iommufd)
                if (other != d && other->seen && other->group_id == d->group_id &&
                    d->group_id != GROUP_UNKNOWN)
                        see(other, c, h);
        see(d, c, h);
}

static uint32_t pt_id(const struct iommuctl_container *c, const struct iommuctl_hwpt *h)
{
        return h ? h->object.id : c->space.ioas_id;
}

/* After a move that could not be brought to its end. */
static int go_back(struct iommuctl_device *d)
{
        struct kernel *k = container_kernel(d->container);

        return d->seen ? iommufd_attach_device(k, d->fd, pt_id(d->seen, d->hwpt))
                       : iommufd_detach_device(k, d->fd);
}

static int attach_locked(struct iommuctl_device *d, struct iommuctl_container *c, struct iommuctl_hwpt *h)
{
        int r;

        r = iommufd_attach_device(container_kernel(c), d->fd, pt_id(c, h));
        if (r < 0)
                return explain_attach(d, c, h, r);
        r = container_read_facts(c);
        /* Where there is no way back, the books follow the kernel all the same. */
        if (r >= 0 || go_back(d) < 0)
                see_with_group(d, c, h);
        return r;
}

static int attach(struct iommuctl_device *d, struct iommuctl_container *c, struct iommuctl_hwpt *h)
{
        int r = device_check_target(d, c);

        if (r < 0)
                return r;
        pthread_mutex_lock(&d->container->iommufd->lock);
        r = attach_locked(d, c, h);
        pthread_mutex_unlock(&d->container->iommufd->lock);
        return r;
}

_public_ int iommuctl_device_attach(struct iommuctl_device *d, struct iommuctl_container *c)
{
        return attach(d, c, NULL);
}

_public_ int iommuctl_device_attach_hwpt(struct iommuctl_device *d, struct iommuctl_hwpt *h)
{
        return attach(d, iommuctl_hwpt_container(h), h);
}

_public_ int iommuctl_device_detach(struct iommuctl_device *d)
{
        int r;

        if (d->group)
                return device_refuse_type1(d, "detached");
        pthread_mutex_lock(&d->container->iommufd->lock);
        r = iommufd_detach_device(container_kernel(d->container), d->fd);
        if (r >= 0)
                see(d, NULL, NULL);
        else if (device_let_go(d))
                r = device_check_here(d);
        else
                ctx_error(d->container->ctx, r, d->name, "%s is not detached: %s", d->name, strerror(-r));
        pthread_mutex_unlock(&d->container->iommufd->lock);
        return r;
}

_public_ struct iommuctl_container *iommuctl_device_attached(struct iommuctl_device *d)
{
        struct iommuctl_container *c;

        if (d->group)
                return iommuctl_container_ref(d->seen);
        pthread_mutex_lock(&d->container->iommufd->lock);
        c = iommuctl_container_ref(d->seen);
        pthread_mutex_unlock(&d->container->iommufd->lock);
        return c;
}
