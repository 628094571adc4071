/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/hw_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iommufd_object.h"
#include "uapi.h"
#include "util/cleanup.h"

/* The largest known is 40 bytes. A kernel that has more is asked again, within reason. */
#define DATA_FIRST 256u
#define DATA_MAX   65536u

struct iommuctl_hw_info {
        uint32_t kind;
        uint64_t capabilities;
        unsigned int pasid_bits;
        size_t size;
        uint8_t data[] __attribute__((aligned(8)));
};

static int ask(struct iommuctl_container *c, uint32_t device_id, uint32_t kind, struct iommuctl_hw_info *info,
               uint32_t *size)
{
        struct uapi_iommu_hw_info q = {
                .size = sizeof(q),
                .flags = kind ? UAPI_IOMMU_HW_INFO_FLAG_INPUT_TYPE : 0,
                .dev_id = device_id,
                .data_len = *size,
                .data_uptr = (uint64_t)(uintptr_t)info->data,
                .data_type = kind,
        };
        int r;

        r = iommufd_call(c, UAPI_IOMMU_GET_HW_INFO, &q);
        if (r < 0)
                return iommufd_explain(c, device_id,
                                       kind ? "this kind of IOMMU" : "the description of an IOMMU",
                                       kind ? "6.17" : "6.6", r);
        info->kind = q.data_type;
        info->capabilities = q.out_capabilities;
        info->pasid_bits = q.out_max_pasid_log2;
        info->size = q.data_len;
        *size = q.data_len;
        return 0;
}

_public_ int iommuctl_hw_info_new(struct iommuctl_container *c, uint32_t device_id, uint32_t kind,
                                  struct iommuctl_hw_info **ret_info)
{
        uint32_t room = DATA_FIRST;
        int r;

        r = iommufd_check(c, "the description of an IOMMU");
        if (r < 0)
                return r;
        for (;;) {
                _cleanup_free_ struct iommuctl_hw_info *info = calloc(1, sizeof(*info) + room);
                uint32_t size = room;

                if (!info)
                        return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
                r = ask(c, device_id, kind, info, &size);
                if (r < 0)
                        return r;
                if (size <= room) {
                        *ret_info = TAKE_PTR(info);
                        return 0;
                }
                if (size > DATA_MAX || room != DATA_FIRST)
                        return ctx_error(
                                c->ctx, -EPROTO, NULL,
                                "the IOMMU of device %u describes itself in %u bytes, which makes no sense",
                                device_id, size);
                room = size;
        }
}

_public_ void iommuctl_hw_info_free(struct iommuctl_hw_info *info)
{
        free(info);
}

_public_ uint32_t iommuctl_hw_info_kind(const struct iommuctl_hw_info *info)
{
        return info->kind;
}

_public_ const char *iommuctl_hw_kind_name(uint32_t kind)
{
        switch (kind) {
        case IOMMUCTL_HW_NONE:
                return "none";
        case IOMMUCTL_HW_INTEL_VTD:
                return "intel-vt-d";
        case IOMMUCTL_HW_ARM_SMMUV3:
                return "arm-smmu-v3";
        case IOMMUCTL_HW_TEGRA241_CMDQV:
                return "tegra241-cmdqv";
        case IOMMUCTL_HW_AMD:
                return "amd-vi";
        }
        return NULL;
}

_public_ uint64_t iommuctl_hw_info_capabilities(const struct iommuctl_hw_info *info)
{
        return info->capabilities;
}

_public_ unsigned int iommuctl_hw_info_pasid_bits(const struct iommuctl_hw_info *info)
{
        return info->pasid_bits;
}

_public_ const void *iommuctl_hw_info_data(const struct iommuctl_hw_info *info, size_t *ret_size)
{
        *ret_size = info->size;
        return info->data;
}

/* What an older kernel does not say is zero. */
static bool copy_data(const struct iommuctl_hw_info *info, uint32_t kind, void *to, size_t size)
{
        if (info->kind != kind)
                return false;
        memset(to, 0, size);
        memcpy(to, info->data, MIN(info->size, size));
        return true;
}

_public_ bool iommuctl_hw_info_vtd(const struct iommuctl_hw_info *info, struct iommuctl_hw_vtd *ret_vtd)
{
        return copy_data(info, IOMMUCTL_HW_INTEL_VTD, ret_vtd, sizeof(*ret_vtd));
}

_public_ bool iommuctl_hw_info_arm_smmuv3(const struct iommuctl_hw_info *info,
                                          struct iommuctl_hw_arm_smmuv3 *ret_smmu)
{
        return copy_data(info, IOMMUCTL_HW_ARM_SMMUV3, ret_smmu, sizeof(*ret_smmu));
}

_public_ bool iommuctl_hw_info_amd(const struct iommuctl_hw_info *info, struct iommuctl_hw_amd *ret_amd)
{
        return copy_data(info, IOMMUCTL_HW_AMD, ret_amd, sizeof(*ret_amd));
}
