/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Our names for the kernel's interface against the system's headers, at compile time; nothing at run time. */

#include "uapi_iommufd.h"
#include "uapi_vfio.h"

#include <stddef.h>

#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>

#define SAME_SIZE(ours, theirs)                                                                       \
        _Static_assert(sizeof(struct ours) == sizeof(struct theirs), #ours " is not as large as the " \
                                                                           "system's")
#define SAME_PLACE(ours, our_member, theirs, their_member)                                         \
        _Static_assert(offsetof(struct ours, our_member) == offsetof(struct theirs, their_member), \
                       #ours "." #our_member " is not where the system's is")

SAME_SIZE(uapi_iommu_destroy, iommu_destroy);
SAME_SIZE(uapi_iommu_ioas_alloc, iommu_ioas_alloc);
SAME_SIZE(uapi_iommu_iova_range, iommu_iova_range);
SAME_SIZE(uapi_iommu_ioas_iova_ranges, iommu_ioas_iova_ranges);
SAME_SIZE(uapi_iommu_ioas_map, iommu_ioas_map);
SAME_SIZE(uapi_iommu_ioas_unmap, iommu_ioas_unmap);
SAME_PLACE(uapi_iommu_ioas_iova_ranges, allowed_iovas, iommu_ioas_iova_ranges, allowed_iovas);
SAME_PLACE(uapi_iommu_ioas_map, user_va, iommu_ioas_map, user_va);
SAME_PLACE(uapi_iommu_ioas_map, iova, iommu_ioas_map, iova);
SAME_PLACE(uapi_iommu_ioas_unmap, length, iommu_ioas_unmap, length);
_Static_assert(UAPI_IOMMU_DESTROY == IOMMU_DESTROY, "IOMMU_DESTROY");
_Static_assert(UAPI_IOMMU_IOAS_ALLOC == IOMMU_IOAS_ALLOC, "IOMMU_IOAS_ALLOC");
_Static_assert(UAPI_IOMMU_IOAS_IOVA_RANGES == IOMMU_IOAS_IOVA_RANGES, "IOMMU_IOAS_IOVA_RANGES");
_Static_assert(UAPI_IOMMU_IOAS_MAP == IOMMU_IOAS_MAP, "IOMMU_IOAS_MAP");
_Static_assert(UAPI_IOMMU_IOAS_UNMAP == IOMMU_IOAS_UNMAP, "IOMMU_IOAS_UNMAP");
_Static_assert(UAPI_IOMMU_IOAS_MAP_FIXED_IOVA == IOMMU_IOAS_MAP_FIXED_IOVA, "IOMMU_IOAS_MAP_FIXED_IOVA");
_Static_assert(UAPI_IOMMU_IOAS_MAP_WRITEABLE == IOMMU_IOAS_MAP_WRITEABLE, "IOMMU_IOAS_MAP_WRITEABLE");
_Static_assert(UAPI_IOMMU_IOAS_MAP_READABLE == IOMMU_IOAS_MAP_READABLE, "IOMMU_IOAS_MAP_READABLE");
#endif

#ifdef VFIO_DEVICE_BIND_IOMMUFD
_Static_assert(UAPI_VFIO_DEVICE_BIND_IOMMUFD == VFIO_DEVICE_BIND_IOMMUFD, "VFIO_DEVICE_BIND_IOMMUFD");
/* Structs that tell their size in argsz grow at the end: to 24 bytes in Linux 6.18, for the token. */
_Static_assert(sizeof(struct uapi_vfio_device_bind_iommufd) <= sizeof(struct vfio_device_bind_iommufd),
               "struct vfio_device_bind_iommufd");
_Static_assert(offsetof(struct uapi_vfio_device_bind_iommufd, out_devid) ==
                       offsetof(struct vfio_device_bind_iommufd, out_devid),
               "struct vfio_device_bind_iommufd");
_Static_assert(UAPI_VFIO_DEVICE_ATTACH_IOMMUFD_PT == VFIO_DEVICE_ATTACH_IOMMUFD_PT,
               "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
_Static_assert(offsetof(struct uapi_vfio_device_attach_iommufd_pt, pt_id) ==
                       offsetof(struct vfio_device_attach_iommufd_pt, pt_id),
               "struct vfio_device_attach_iommufd_pt");
#endif

#ifdef VFIO_MIG_GET_PRECOPY_INFO
_Static_assert(UAPI_VFIO_MIGRATION_PRE_COPY == VFIO_MIGRATION_PRE_COPY, "VFIO_MIGRATION_PRE_COPY");
_Static_assert(UAPI_VFIO_DEVICE_STATE_PRE_COPY == (int)VFIO_DEVICE_STATE_PRE_COPY, "STATE_PRE_COPY");
_Static_assert(UAPI_VFIO_DEVICE_STATE_PRE_COPY_P2P == (int)VFIO_DEVICE_STATE_PRE_COPY_P2P,
               "STATE_PRE_COPY_P2P");
_Static_assert(UAPI_VFIO_DEVICE_FEATURE_MIG_DATA_SIZE == VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, "MIG_DATA_SIZE");
_Static_assert(sizeof(struct uapi_vfio_device_feature_mig_data_size) ==
                       sizeof(struct vfio_device_feature_mig_data_size),
               "struct vfio_device_feature_mig_data_size");
_Static_assert(sizeof(struct uapi_vfio_precopy_info) == sizeof(struct vfio_precopy_info),
               "struct vfio_precopy_info");
_Static_assert(offsetof(struct uapi_vfio_precopy_info, dirty_bytes) ==
                       offsetof(struct vfio_precopy_info, dirty_bytes),
               "struct vfio_precopy_info");
_Static_assert(UAPI_VFIO_MIG_GET_PRECOPY_INFO == VFIO_MIG_GET_PRECOPY_INFO, "VFIO_MIG_GET_PRECOPY_INFO");
#endif
#ifdef VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2
_Static_assert(UAPI_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 == VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2,
               "MIG_PRECOPY_INFOv2");
_Static_assert(UAPI_VFIO_PRECOPY_INFO_REINIT == VFIO_PRECOPY_INFO_REINIT, "VFIO_PRECOPY_INFO_REINIT");
#endif

#ifdef VFIO_PCI_HOT_RESET_FLAG_DEV_ID
_Static_assert(UAPI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID == VFIO_PCI_HOT_RESET_FLAG_DEV_ID, "FLAG_DEV_ID");
_Static_assert(UAPI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED == VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED,
               "FLAG_DEV_ID_OWNED");
_Static_assert(UAPI_VFIO_PCI_DEVID_OWNED == VFIO_PCI_DEVID_OWNED, "VFIO_PCI_DEVID_OWNED");
_Static_assert(UAPI_VFIO_PCI_DEVID_NOT_OWNED == (uint32_t)VFIO_PCI_DEVID_NOT_OWNED,
               "VFIO_PCI_DEVID_NOT_OWNED");
#endif

_Static_assert(sizeof(struct uapi_iommu_ioas_map) == 40, "struct iommu_ioas_map of Linux 6.2");
_Static_assert(sizeof(struct uapi_iommu_ioas_iova_ranges) == 32,
               "struct iommu_ioas_iova_ranges of Linux 6.2");
_Static_assert(sizeof(struct uapi_iommu_ioas_unmap) == 24, "struct iommu_ioas_unmap of Linux 6.2");
