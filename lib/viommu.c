/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "viommu.h"

#include <errno.h>
#include <stdlib.h>

#include "uapi.h"

static int alloc_in_kernel(struct iommuctl_hwpt *parent, uint32_t device_id, uint32_t type, void *data,
                           size_t data_size, uint32_t *ret_id)
{
        struct iommuctl_container *c = iommuctl_hwpt_container(parent);
        struct uapi_iommu_viommu_alloc alloc = {
                .size = sizeof(alloc),
                .type = type,
                .dev_id = device_id,
                .hwpt_id = parent->object.id,
                .data_len = (uint32_t)data_size,
                .data_uptr = (uint64_t)(uintptr_t)data,
        };
        int r;

        r = iommufd_call(c, UAPI_IOMMU_VIOMMU_ALLOC, &alloc);
        if (r < 0)
                return iommufd_explain(c, device_id, "a vIOMMU", data ? "6.17" : "6.13", r);
        *ret_id = alloc.out_viommu_id;
        return 0;
}

_public_ int iommuctl_viommu_new(struct iommuctl_hwpt *parent, uint32_t device_id, uint32_t type, void *data,
                                 size_t data_size, struct iommuctl_viommu **ret_viommu)
{
        struct iommuctl_container *c = iommuctl_hwpt_container(parent);
        struct iommuctl_viommu *v;
        uint32_t id = 0;
        int r;

        if (!data != !data_size || data_size > UINT32_MAX)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "a vIOMMU's data is at %p and has %zu bytes: it needs both", data,
                                 data_size);
        v = calloc(1, sizeof(*v));
        if (!v)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        r = alloc_in_kernel(parent, device_id, type, data, data_size, &id);
        if (r < 0) {
                free(v);
                return r;
        }
        iommufd_object_init(&v->object, c, id);
        v->parent = iommuctl_hwpt_ref(parent);
        *ret_viommu = v;
        return 0;
}

_public_ struct iommuctl_viommu *iommuctl_viommu_ref(struct iommuctl_viommu *v)
{
        if (v)
                __atomic_add_fetch(&v->object.refcount, 1, __ATOMIC_RELAXED);
        return v;
}

_public_ struct iommuctl_viommu *iommuctl_viommu_unref(struct iommuctl_viommu *v)
{
        if (!v || !iommufd_object_unref(&v->object))
                return NULL;
        iommufd_object_destroy(&v->object, "vIOMMU");
        iommuctl_hwpt_unref(v->parent);
        iommuctl_container_unref(v->object.container);
        free(v);
        return NULL;
}

_public_ uint32_t iommuctl_viommu_id(const struct iommuctl_viommu *v)
{
        return v->object.id;
}

_public_ struct iommuctl_hwpt *iommuctl_viommu_parent(const struct iommuctl_viommu *v)
{
        return v->parent;
}

_public_ int iommuctl_viommu_new_hwpt(struct iommuctl_viommu *v, uint32_t device_id,
                                      const struct iommuctl_hwpt_options *options,
                                      struct iommuctl_hwpt **ret_hwpt)
{
        return hwpt_new(v->object.container, v->parent, v, device_id, options, ret_hwpt);
}

_public_ int iommuctl_viommu_invalidate(struct iommuctl_viommu *v, uint32_t data_type, const void *requests,
                                        size_t request_size, size_t n, size_t *ret_done)
{
        return iommufd_invalidate(&v->object, "vIOMMU", data_type, requests, request_size, n, ret_done);
}
