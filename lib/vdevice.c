/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device as a guest knows it. */
#include "viommu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "device.h"
#include "uapi.h"

struct iommuctl_vdevice {
        struct iommufd_object object;
        struct iommuctl_viommu *viommu; /* a reference */
        struct iommuctl_device *device; /* a reference; NULL: not one of this library's */
};

static int explain(struct iommuctl_viommu *v, uint32_t device_id, uint64_t virtual_id, int r)
{
        struct iommuctl_container *c = v->object.container;
        struct iommufd_device_text d;

        if (r != -EEXIST)
                return iommufd_explain(c, device_id, "a guest's number for a device", "6.13", r);
        iommufd_describe_device(c, device_id, &d);
        return ctx_error(c->ctx, r, d.name,
                         "%s has a number in a vIOMMU already, or vIOMMU %u a device of number 0x%" PRIx64,
                         d.text, v->object.id, virtual_id);
}

_public_ int iommuctl_vdevice_new(struct iommuctl_viommu *v, uint32_t device_id, uint64_t virtual_id,
                                  struct iommuctl_vdevice **ret_vdevice)
{
        struct iommuctl_container *c = v->object.container;
        struct uapi_iommu_vdevice_alloc alloc = {
                .size = sizeof(alloc),
                .viommu_id = v->object.id,
                .dev_id = device_id,
                .virt_id = virtual_id,
        };
        struct iommuctl_device *device;
        struct iommuctl_vdevice *d;
        int r;

        d = calloc(1, sizeof(*d));
        if (!d)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        pthread_mutex_lock(&c->iommufd->lock);
        device = iommufd_find_device(c->iommufd, device_id);
        pthread_mutex_unlock(&c->iommufd->lock);
        r = iommufd_call(c, UAPI_IOMMU_VDEVICE_ALLOC, &alloc);
        if (r < 0) {
                r = explain(v, device_id, virtual_id, r);
                iommuctl_device_unref(device);
                free(d);
                return r;
        }
        iommufd_object_init(&d->object, c, alloc.out_vdevice_id);
        d->viommu = iommuctl_viommu_ref(v);
        d->device = device;
        *ret_vdevice = d;
        return 0;
}

_public_ struct iommuctl_vdevice *iommuctl_vdevice_ref(struct iommuctl_vdevice *d)
{
        if (d)
                __atomic_add_fetch(&d->object.refcount, 1, __ATOMIC_RELAXED);
        return d;
}

_public_ struct iommuctl_vdevice *iommuctl_vdevice_unref(struct iommuctl_vdevice *d)
{
        if (!d || !iommufd_object_unref(&d->object))
                return NULL;
        iommufd_object_destroy(&d->object, "guest's device");
        iommuctl_viommu_unref(d->viommu);
        iommuctl_device_unref(d->device);
        iommuctl_container_unref(d->object.container);
        free(d);
        return NULL;
}

_public_ uint32_t iommuctl_vdevice_id(const struct iommuctl_vdevice *d)
{
        return d->object.id;
}

_public_ struct iommuctl_viommu *iommuctl_vdevice_viommu(const struct iommuctl_vdevice *d)
{
        return d->viommu;
}
