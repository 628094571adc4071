/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Our names for the kernel's interface against the system's headers, at compile time; nothing at run time. */

#include "uapi.h"

#include <stddef.h>

#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>

#define SAME_SIZE(ours, theirs)                                                                       \
        _Static_assert(sizeof(struct ours) == sizeof(struct theirs), #ours " is not as large as the " \
                                                                           "system's")
#define SAME_PLACE(ours, our_member, theirs, their_member)                                         \
        _Static_assert(offsetof(struct ours, our_member) == offsetof(struct theirs, their_member), \
                       #ours "." #our_member " is not where the system's is")

/* Page tables and what stands around them: where the system's headers have all of them (Linux 6.17). */
#ifdef IOMMU_HW_QUEUE_ALLOC
SAME_SIZE(uapi_iommu_hwpt_alloc, iommu_hwpt_alloc);
SAME_SIZE(uapi_iommu_hw_info, iommu_hw_info);
SAME_SIZE(uapi_iommu_hwpt_invalidate, iommu_hwpt_invalidate);
SAME_SIZE(uapi_iommu_fault_alloc, iommu_fault_alloc);
SAME_SIZE(uapi_iommu_hwpt_pgfault, iommu_hwpt_pgfault);
SAME_SIZE(uapi_iommu_hwpt_page_response, iommu_hwpt_page_response);
SAME_SIZE(uapi_iommu_viommu_alloc, iommu_viommu_alloc);
SAME_SIZE(uapi_iommu_vdevice_alloc, iommu_vdevice_alloc);
SAME_SIZE(uapi_iommu_veventq_alloc, iommu_veventq_alloc);
SAME_SIZE(uapi_iommufd_vevent_header, iommufd_vevent_header);
SAME_SIZE(uapi_iommu_hw_queue_alloc, iommu_hw_queue_alloc);
SAME_PLACE(uapi_iommu_hwpt_alloc, data_uptr, iommu_hwpt_alloc, data_uptr);
SAME_PLACE(uapi_iommu_hwpt_alloc, fault_id, iommu_hwpt_alloc, fault_id);
SAME_PLACE(uapi_iommu_hw_info, data_type, iommu_hw_info, out_data_type);
SAME_PLACE(uapi_iommu_hw_info, out_max_pasid_log2, iommu_hw_info, out_max_pasid_log2);
SAME_PLACE(uapi_iommu_hw_info, out_capabilities, iommu_hw_info, out_capabilities);
SAME_PLACE(uapi_iommu_hwpt_invalidate, entry_num, iommu_hwpt_invalidate, entry_num);
SAME_PLACE(uapi_iommu_hwpt_pgfault, addr, iommu_hwpt_pgfault, addr);
SAME_PLACE(uapi_iommu_hwpt_pgfault, cookie, iommu_hwpt_pgfault, cookie);
SAME_PLACE(uapi_iommu_viommu_alloc, data_uptr, iommu_viommu_alloc, data_uptr);
SAME_PLACE(uapi_iommu_vdevice_alloc, virt_id, iommu_vdevice_alloc, virt_id);
SAME_PLACE(uapi_iommu_veventq_alloc, out_veventq_fd, iommu_veventq_alloc, out_veventq_fd);
SAME_PLACE(uapi_iommu_hw_queue_alloc, length, iommu_hw_queue_alloc, length);
_Static_assert(UAPI_IOMMU_HWPT_ALLOC == IOMMU_HWPT_ALLOC, "IOMMU_HWPT_ALLOC");
_Static_assert(UAPI_IOMMU_GET_HW_INFO == IOMMU_GET_HW_INFO, "IOMMU_GET_HW_INFO");
_Static_assert(UAPI_IOMMU_HWPT_INVALIDATE == IOMMU_HWPT_INVALIDATE, "IOMMU_HWPT_INVALIDATE");
_Static_assert(UAPI_IOMMU_FAULT_QUEUE_ALLOC == IOMMU_FAULT_QUEUE_ALLOC, "IOMMU_FAULT_QUEUE_ALLOC");
_Static_assert(UAPI_IOMMU_VIOMMU_ALLOC == IOMMU_VIOMMU_ALLOC, "IOMMU_VIOMMU_ALLOC");
_Static_assert(UAPI_IOMMU_VDEVICE_ALLOC == IOMMU_VDEVICE_ALLOC, "IOMMU_VDEVICE_ALLOC");
_Static_assert(UAPI_IOMMU_VEVENTQ_ALLOC == IOMMU_VEVENTQ_ALLOC, "IOMMU_VEVENTQ_ALLOC");
_Static_assert(UAPI_IOMMU_HW_QUEUE_ALLOC == IOMMU_HW_QUEUE_ALLOC, "IOMMU_HW_QUEUE_ALLOC");
_Static_assert(UAPI_IOMMU_HWPT_ALLOC_NEST_PARENT == IOMMU_HWPT_ALLOC_NEST_PARENT,
               "IOMMU_HWPT_ALLOC_NEST_PARENT");
_Static_assert(UAPI_IOMMU_HWPT_ALLOC_DIRTY_TRACKING == IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
               "IOMMU_HWPT_ALLOC_DIRTY_TRACKING");
_Static_assert(UAPI_IOMMU_HWPT_FAULT_ID_VALID == IOMMU_HWPT_FAULT_ID_VALID, "IOMMU_HWPT_FAULT_ID_VALID");
_Static_assert(UAPI_IOMMU_HWPT_ALLOC_PASID == IOMMU_HWPT_ALLOC_PASID, "IOMMU_HWPT_ALLOC_PASID");
_Static_assert(UAPI_IOMMU_HW_INFO_FLAG_INPUT_TYPE == IOMMU_HW_INFO_FLAG_INPUT_TYPE,
               "IOMMU_HW_INFO_FLAG_INPUT_TYPE");
_Static_assert(UAPI_IOMMU_VEVENTQ_FLAG_LOST_EVENTS == IOMMU_VEVENTQ_FLAG_LOST_EVENTS,
               "IOMMU_VEVENTQ_FLAG_LOST_EVENTS");
#endif

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
/* since Linux 6.7, as the flag */
#ifdef IOMMU_HWPT_SET_DIRTY_TRACKING
SAME_SIZE(uapi_iommu_hwpt_set_dirty_tracking, iommu_hwpt_set_dirty_tracking);
SAME_SIZE(uapi_iommu_hwpt_get_dirty_bitmap, iommu_hwpt_get_dirty_bitmap);
SAME_PLACE(uapi_iommu_hwpt_set_dirty_tracking, hwpt_id, iommu_hwpt_set_dirty_tracking, hwpt_id);
SAME_PLACE(uapi_iommu_hwpt_get_dirty_bitmap, iova, iommu_hwpt_get_dirty_bitmap, iova);
SAME_PLACE(uapi_iommu_hwpt_get_dirty_bitmap, data, iommu_hwpt_get_dirty_bitmap, data);
_Static_assert(UAPI_IOMMU_HWPT_SET_DIRTY_TRACKING == IOMMU_HWPT_SET_DIRTY_TRACKING,
               "IOMMU_HWPT_SET_DIRTY_TRACKING");
_Static_assert(UAPI_IOMMU_HWPT_GET_DIRTY_BITMAP == IOMMU_HWPT_GET_DIRTY_BITMAP,
               "IOMMU_HWPT_GET_DIRTY_BITMAP");
_Static_assert(UAPI_IOMMU_HWPT_DIRTY_TRACKING_ENABLE == IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
               "IOMMU_HWPT_DIRTY_TRACKING_ENABLE");
_Static_assert(UAPI_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR == IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR,
               "IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR");
#endif
#ifdef IOMMU_IOAS_CHANGE_PROCESS
SAME_SIZE(uapi_iommu_ioas_change_process, iommu_ioas_change_process);
_Static_assert(UAPI_IOMMU_IOAS_CHANGE_PROCESS == IOMMU_IOAS_CHANGE_PROCESS, "IOMMU_IOAS_CHANGE_PROCESS");
#endif
SAME_SIZE(uapi_iommu_ioas_allow_iovas, iommu_ioas_allow_iovas);
SAME_SIZE(uapi_iommu_option, iommu_option);
SAME_PLACE(uapi_iommu_ioas_allow_iovas, allowed_iovas, iommu_ioas_allow_iovas, allowed_iovas);
SAME_PLACE(uapi_iommu_option, object_id, iommu_option, object_id);
SAME_PLACE(uapi_iommu_option, val64, iommu_option, val64);
_Static_assert(UAPI_IOMMU_IOAS_ALLOW_IOVAS == IOMMU_IOAS_ALLOW_IOVAS, "IOMMU_IOAS_ALLOW_IOVAS");
_Static_assert(UAPI_IOMMU_OPTION == IOMMU_OPTION, "IOMMU_OPTION");
_Static_assert(UAPI_IOMMU_OPTION_RLIMIT_MODE == IOMMU_OPTION_RLIMIT_MODE, "IOMMU_OPTION_RLIMIT_MODE");
_Static_assert(UAPI_IOMMU_OPTION_HUGE_PAGES == IOMMU_OPTION_HUGE_PAGES, "IOMMU_OPTION_HUGE_PAGES");
_Static_assert(UAPI_IOMMU_OPTION_OP_SET == IOMMU_OPTION_OP_SET, "IOMMU_OPTION_OP_SET");
_Static_assert(UAPI_IOMMU_OPTION_OP_GET == IOMMU_OPTION_OP_GET, "IOMMU_OPTION_OP_GET");
SAME_SIZE(uapi_iommu_ioas_copy, iommu_ioas_copy);
SAME_PLACE(uapi_iommu_ioas_copy, dst_iova, iommu_ioas_copy, dst_iova);
SAME_PLACE(uapi_iommu_ioas_copy, src_iova, iommu_ioas_copy, src_iova);
_Static_assert(UAPI_IOMMU_IOAS_COPY == IOMMU_IOAS_COPY, "IOMMU_IOAS_COPY");
#ifdef IOMMU_IOAS_MAP_FILE
SAME_SIZE(uapi_iommu_ioas_map_file, iommu_ioas_map_file);
SAME_PLACE(uapi_iommu_ioas_map_file, fd, iommu_ioas_map_file, fd);
SAME_PLACE(uapi_iommu_ioas_map_file, start, iommu_ioas_map_file, start);
SAME_PLACE(uapi_iommu_ioas_map_file, iova, iommu_ioas_map_file, iova);
_Static_assert(UAPI_IOMMU_IOAS_MAP_FILE == IOMMU_IOAS_MAP_FILE, "IOMMU_IOAS_MAP_FILE");
#endif
_Static_assert(UAPI_IOMMU_DESTROY == IOMMU_DESTROY, "IOMMU_DESTROY");
_Static_assert(UAPI_IOMMU_IOAS_ALLOC == IOMMU_IOAS_ALLOC, "IOMMU_IOAS_ALLOC");
_Static_assert(UAPI_IOMMU_IOAS_IOVA_RANGES == IOMMU_IOAS_IOVA_RANGES, "IOMMU_IOAS_IOVA_RANGES");
_Static_assert(UAPI_IOMMU_IOAS_MAP == IOMMU_IOAS_MAP, "IOMMU_IOAS_MAP");
_Static_assert(UAPI_IOMMU_IOAS_UNMAP == IOMMU_IOAS_UNMAP, "IOMMU_IOAS_UNMAP");
_Static_assert(UAPI_IOMMU_IOAS_MAP_FIXED_IOVA == IOMMU_IOAS_MAP_FIXED_IOVA, "IOMMU_IOAS_MAP_FIXED_IOVA");
_Static_assert(UAPI_IOMMU_IOAS_MAP_WRITEABLE == IOMMU_IOAS_MAP_WRITEABLE, "IOMMU_IOAS_MAP_WRITEABLE");
_Static_assert(UAPI_IOMMU_IOAS_MAP_READABLE == IOMMU_IOAS_MAP_READABLE, "IOMMU_IOAS_MAP_READABLE");
#endif

#ifdef VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP
_Static_assert(UAPI_VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP == VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP,
               "VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP");
_Static_assert(offsetof(struct uapi_vfio_device_info_cap_pci_atomic_comp, flags) ==
                       offsetof(struct vfio_device_info_cap_pci_atomic_comp, flags),
               "struct vfio_device_info_cap_pci_atomic_comp");
_Static_assert(UAPI_VFIO_PCI_ATOMIC_COMP32 == VFIO_PCI_ATOMIC_COMP32 &&
                       UAPI_VFIO_PCI_ATOMIC_COMP64 == VFIO_PCI_ATOMIC_COMP64 &&
                       UAPI_VFIO_PCI_ATOMIC_COMP128 == VFIO_PCI_ATOMIC_COMP128,
               "VFIO_PCI_ATOMIC_COMP");
#endif

#ifdef VFIO_DEVICE_BIND_FLAG_TOKEN
_Static_assert(UAPI_VFIO_DEVICE_BIND_FLAG_TOKEN == VFIO_DEVICE_BIND_FLAG_TOKEN,
               "VFIO_DEVICE_BIND_FLAG_TOKEN");
_Static_assert(offsetof(struct uapi_vfio_device_bind_iommufd_token, token_uuid_ptr) ==
                       offsetof(struct vfio_device_bind_iommufd, token_uuid_ptr),
               "struct vfio_device_bind_iommufd");
SAME_SIZE(uapi_iommu_vfio_ioas, iommu_vfio_ioas);
SAME_PLACE(uapi_iommu_vfio_ioas, op, iommu_vfio_ioas, op);
_Static_assert(UAPI_IOMMU_VFIO_IOAS == IOMMU_VFIO_IOAS, "IOMMU_VFIO_IOAS");
_Static_assert((int)UAPI_IOMMU_VFIO_IOAS_GET == (int)IOMMU_VFIO_IOAS_GET, "IOMMU_VFIO_IOAS_GET");
_Static_assert((int)UAPI_IOMMU_VFIO_IOAS_SET == (int)IOMMU_VFIO_IOAS_SET, "IOMMU_VFIO_IOAS_SET");
_Static_assert((int)UAPI_IOMMU_VFIO_IOAS_CLEAR == (int)IOMMU_VFIO_IOAS_CLEAR, "IOMMU_VFIO_IOAS_CLEAR");
#endif

#ifdef VFIO_DEVICE_BIND_IOMMUFD
_Static_assert(UAPI_VFIO_DEVICE_BIND_IOMMUFD == VFIO_DEVICE_BIND_IOMMUFD, "VFIO_DEVICE_BIND_IOMMUFD");
/* Structs that tell their size in argsz grow at the end: see the one with the token above. */
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
_Static_assert(UAPI_VFIO_DEVICE_DETACH_IOMMUFD_PT == VFIO_DEVICE_DETACH_IOMMUFD_PT,
               "VFIO_DEVICE_DETACH_IOMMUFD_PT");
#endif

#ifdef VFIO_DEVICE_ATTACH_PASID
_Static_assert(UAPI_VFIO_DEVICE_ATTACH_PASID == VFIO_DEVICE_ATTACH_PASID, "VFIO_DEVICE_ATTACH_PASID");
_Static_assert(UAPI_VFIO_DEVICE_DETACH_PASID == VFIO_DEVICE_DETACH_PASID, "VFIO_DEVICE_DETACH_PASID");
_Static_assert(offsetof(struct uapi_vfio_device_attach_iommufd_pt, pasid) ==
                       offsetof(struct vfio_device_attach_iommufd_pt, pasid),
               "struct vfio_device_attach_iommufd_pt of Linux 6.15");
_Static_assert(offsetof(struct uapi_vfio_device_detach_iommufd_pt, pasid) ==
                       offsetof(struct vfio_device_detach_iommufd_pt, pasid),
               "struct vfio_device_detach_iommufd_pt of Linux 6.15");
#endif

#ifdef VFIO_DEVICE_FEATURE_DMA_BUF
_Static_assert(UAPI_VFIO_DEVICE_FEATURE_DMA_BUF == VFIO_DEVICE_FEATURE_DMA_BUF,
               "VFIO_DEVICE_FEATURE_DMA_BUF");
_Static_assert(sizeof(struct uapi_vfio_device_feature_dma_buf) == sizeof(struct vfio_device_feature_dma_buf),
               "struct vfio_device_feature_dma_buf");
_Static_assert(sizeof(struct uapi_vfio_region_dma_range) == sizeof(struct vfio_region_dma_range),
               "struct vfio_region_dma_range");
#endif
_Static_assert(sizeof(struct uapi_vfio_device_feature_dma_buf) == 16,
               "struct vfio_device_feature_dma_buf of Linux 6.19");

_Static_assert(sizeof(struct uapi_iommu_ioas_copy) == 40, "struct iommu_ioas_copy of Linux 6.2");
_Static_assert(sizeof(struct uapi_iommu_ioas_map_file) == 40, "struct iommu_ioas_map_file of Linux 6.13");
#ifdef VFIO_DEVICE_FEATURE_BUS_MASTER
_Static_assert(UAPI_VFIO_DEVICE_FEATURE_BUS_MASTER == VFIO_DEVICE_FEATURE_BUS_MASTER,
               "VFIO_DEVICE_FEATURE_BUS_MASTER");
_Static_assert(UAPI_VFIO_DEVICE_FEATURE_CLEAR_MASTER == VFIO_DEVICE_FEATURE_CLEAR_MASTER &&
                       UAPI_VFIO_DEVICE_FEATURE_SET_MASTER == VFIO_DEVICE_FEATURE_SET_MASTER,
               "the operations of VFIO_DEVICE_FEATURE_BUS_MASTER");
_Static_assert(sizeof(struct uapi_vfio_device_feature_bus_master) ==
                       sizeof(struct vfio_device_feature_bus_master),
               "struct vfio_device_feature_bus_master");
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
