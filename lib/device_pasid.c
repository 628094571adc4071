/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which address space a device sees when it names a PASID. */
#include "device.h"

#include <errno.h>
#include <stdlib.h>

#include "hwpt.h"
#include "iommufd.h"

/* 20 bits (PCI Express Base 6.0, 6.20); 0 is what a device does without one. */
#define PASID_MAX 0xfffffu

static struct pasid_attachment **find_pasid(struct iommuctl_device *d, uint32_t pasid)
{
        struct pasid_attachment **p = &d->pasids;

        while (*p && (*p)->pasid != pasid)
                p = &(*p)->next;
        return p;
}

static int check_pasid(struct iommuctl_device *d, uint32_t pasid)
{
        if (pasid == 0 || pasid > PASID_MAX)
                return ctx_error(
                        d->container->ctx, -EINVAL, d->name,
                        "0x%x is no PASID to be attached: they are 1 to 0x%x, and what a device does without "
                        "one is iommuctl_device_attach()",
                        pasid, PASID_MAX);
        return d->group ? device_refuse_type1(d, "attached by PASID") : 0;
}

/* A kernel before 6.15 takes the flag for nonsense. One that knows it lets a PASID be detached that is not
 * attached. */
static int explain_pasid(struct iommuctl_device *d, uint32_t pasid, struct iommuctl_hwpt *h, int r)
{
        struct kernel *k = container_kernel(d->container);

        if (device_let_go(d))
                return device_check_here(d);
        if (r == -EINVAL && !*find_pasid(d, pasid) && iommufd_detach_pasid(k, d->fd, pasid) == -EINVAL)
                return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name,
                                 "%s: attaching a PASID needs Linux 6.15, and this kernel is older", d->name);
        switch (r) {
        case -EOPNOTSUPP:
                return ctx_error(d->container->ctx, r, d->name,
                                 "%s does no PASIDs here: it, its driver or its IOMMU lacks them", d->name);
        case -EINVAL:
                return ctx_error(d->container->ctx, r, d->name,
                                 "%s is not attached to page table %u by PASID 0x%x: that table, and what "
                                 "the device is "
                                 "attached to without a PASID, must be made with IOMMUCTL_HWPT_PASID, and "
                                 "the PASID be "
                                 "within the device's width",
                                 d->name, h->object.id, pasid);
        default:
                return ctx_error(d->container->ctx, r, d->name,
                                 "%s is not attached to page table %u by PASID 0x%x: %s", d->name,
                                 h->object.id, pasid, strerror(-r));
        }
}

static int attach_pasid_locked(struct iommuctl_device *d, struct pasid_attachment *fresh)
{
        struct pasid_attachment **p = find_pasid(d, fresh->pasid), *old;
        struct kernel *k = container_kernel(d->container);
        int r;

        r = iommufd_attach_pasid(k, d->fd, fresh->pasid, fresh->hwpt->object.id);
        if (r < 0) {
                r = explain_pasid(d, fresh->pasid, fresh->hwpt, r);
                iommuctl_hwpt_unref(fresh->hwpt);
                free(fresh);
                return r;
        }
        old = *p;
        if (old) {
                fresh->next = old->next;
                iommuctl_hwpt_unref(old->hwpt);
                free(old);
        }
        *p = fresh;
        return 0;
}

_public_ int iommuctl_device_attach_pasid(struct iommuctl_device *d, uint32_t pasid, struct iommuctl_hwpt *h)
{
        struct pasid_attachment *fresh;
        int r;

        r = check_pasid(d, pasid);
        if (r == 0)
                r = device_check_target(d, iommuctl_hwpt_container(h));
        if (r < 0)
                return r;
        fresh = malloc(sizeof(*fresh));
        if (!fresh)
                return ctx_error(d->container->ctx, -ENOMEM, d->name, "out of memory");
        *fresh = (struct pasid_attachment){ .pasid = pasid, .hwpt = iommuctl_hwpt_ref(h) };
        pthread_mutex_lock(&d->container->iommufd->lock);
        r = attach_pasid_locked(d, fresh);
        pthread_mutex_unlock(&d->container->iommufd->lock);
        return r;
}

static int detach_pasid_locked(struct iommuctl_device *d, uint32_t pasid)
{
        struct pasid_attachment **p = find_pasid(d, pasid), *gone = *p;
        int r;

        if (device_let_go(d)) /* its PASIDs went with it */
                return device_check_here(d);
        if (!gone)
                return ctx_error(d->container->ctx, -ENOENT, d->name, "%s is not attached by PASID 0x%x",
                                 d->name, pasid);
        r = iommufd_detach_pasid(container_kernel(d->container), d->fd, pasid);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "%s is not detached by PASID 0x%x: %s",
                                 d->name, pasid, strerror(-r));
        *p = gone->next;
        iommuctl_hwpt_unref(gone->hwpt);
        free(gone);
        return 0;
}

_public_ int iommuctl_device_detach_pasid(struct iommuctl_device *d, uint32_t pasid)
{
        int r = check_pasid(d, pasid);

        if (r < 0)
                return r;
        pthread_mutex_lock(&d->container->iommufd->lock);
        r = detach_pasid_locked(d, pasid);
        pthread_mutex_unlock(&d->container->iommufd->lock);
        return r;
}
