/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommufd_option.h"

#include "uapi.h"

static int set(struct kernel *k, int iommufd, uint32_t option, uint32_t object, uint64_t value)
{
        struct uapi_iommu_option o = { .size = sizeof(o),
                                       .option_id = option,
                                       .op = UAPI_IOMMU_OPTION_OP_SET,
                                       .object_id = object,
                                       .val64 = value };

        return k->ops->ioctl(k, iommufd, UAPI_IOMMU_OPTION, &o);
}

static int get(struct kernel *k, int iommufd, uint32_t option, uint32_t object)
{
        struct uapi_iommu_option o = {
                .size = sizeof(o), .option_id = option, .op = UAPI_IOMMU_OPTION_OP_GET, .object_id = object
        };
        int r;

        r = k->ops->ioctl(k, iommufd, UAPI_IOMMU_OPTION, &o);
        return r < 0 ? r : o.val64 != 0;
}

int iommufd_set_process_accounting(struct kernel *k, int iommufd)
{
        return set(k, iommufd, UAPI_IOMMU_OPTION_RLIMIT_MODE, 0, 1);
}

int iommufd_process_accounting(struct kernel *k, int iommufd)
{
        return get(k, iommufd, UAPI_IOMMU_OPTION_RLIMIT_MODE, 0);
}

int iommufd_set_huge_pages(struct kernel *k, int iommufd, uint32_t ioas_id, bool on)
{
        return set(k, iommufd, UAPI_IOMMU_OPTION_HUGE_PAGES, ioas_id, on);
}

int iommufd_huge_pages(struct kernel *k, int iommufd, uint32_t ioas_id)
{
        return get(k, iommufd, UAPI_IOMMU_OPTION_HUGE_PAGES, ioas_id);
}

int iommufd_allow_iovas(struct kernel *k, int iommufd, uint32_t ioas_id, const struct iommuctl_range *ranges,
                        size_t n_ranges)
{
        struct uapi_iommu_ioas_allow_iovas allow = {
                .size = sizeof(allow),
                .ioas_id = ioas_id,
                .num_iovas = (uint32_t)n_ranges,
                .allowed_iovas = (uint64_t)(uintptr_t)ranges,
        };

        _Static_assert(sizeof(struct iommuctl_range) == sizeof(struct uapi_iommu_iova_range),
                       "the kernel reads our ranges");
        return k->ops->ioctl(k, iommufd, UAPI_IOMMU_IOAS_ALLOW_IOVAS, &allow);
}

int iommufd_compat_ioas(struct kernel *k, int iommufd, uint32_t *ret_ioas_id)
{
        struct uapi_iommu_vfio_ioas a = { .size = sizeof(a), .op = UAPI_IOMMU_VFIO_IOAS_GET };
        int r;

        r = k->ops->ioctl(k, iommufd, UAPI_IOMMU_VFIO_IOAS, &a);
        if (r >= 0)
                *ret_ioas_id = a.ioas_id;
        return r;
}

int iommufd_set_compat_ioas(struct kernel *k, int iommufd, uint32_t ioas_id)
{
        struct uapi_iommu_vfio_ioas a = {
                .size = sizeof(a),
                .ioas_id = ioas_id,
                .op = ioas_id ? UAPI_IOMMU_VFIO_IOAS_SET : UAPI_IOMMU_VFIO_IOAS_CLEAR,
        };

        return k->ops->ioctl(k, iommufd, UAPI_IOMMU_VFIO_IOAS, &a);
}
