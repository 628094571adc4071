/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* iommufd as Linux 6.12 has it (include/uapi/linux/iommufd.h), and VFIO's calls for device nodes (6.6,
 * include/uapi/linux/vfio.h). Written down here a second time, apart from src/, so that a slip there does not
 * answer to itself. */

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/vfio.h>

#define FAKE_IOMMUFD(nr) _IO(';', (nr))

#define FAKE_IOMMU_DESTROY          FAKE_IOMMUFD(0x80)
#define FAKE_IOMMU_IOAS_ALLOC       FAKE_IOMMUFD(0x81)
#define FAKE_IOMMU_IOAS_ALLOW_IOVAS FAKE_IOMMUFD(0x82)
#define FAKE_IOMMU_IOAS_COPY        FAKE_IOMMUFD(0x83)
#define FAKE_IOMMU_IOAS_IOVA_RANGES FAKE_IOMMUFD(0x84)
#define FAKE_IOMMU_IOAS_MAP         FAKE_IOMMUFD(0x85)
#define FAKE_IOMMU_IOAS_UNMAP       FAKE_IOMMUFD(0x86)
#define FAKE_IOMMU_OPTION           FAKE_IOMMUFD(0x87)
#define FAKE_IOMMU_HWPT_ALLOC       FAKE_IOMMUFD(0x89)
#define FAKE_IOMMU_GET_HW_INFO      FAKE_IOMMUFD(0x8a)
#define FAKE_IOMMU_HWPT_SET_DIRTY   FAKE_IOMMUFD(0x8b)
#define FAKE_IOMMU_HWPT_GET_DIRTY   FAKE_IOMMUFD(0x8c)
#define FAKE_IOMMU_HWPT_INVALIDATE  FAKE_IOMMUFD(0x8d)
#define FAKE_IOMMU_IOAS_MAP_FILE    FAKE_IOMMUFD(0x8f) /* 6.13 */
#define FAKE_IOMMU_CHANGE_PROCESS   FAKE_IOMMUFD(0x92) /* 6.13 */
#define FAKE_IOMMU_FAULT_QUEUE      FAKE_IOMMUFD(0x8e) /* 6.11 */
#define FAKE_IOMMU_VIOMMU_ALLOC     FAKE_IOMMUFD(0x90) /* 6.13 */
#define FAKE_IOMMU_VDEVICE_ALLOC    FAKE_IOMMUFD(0x91) /* 6.13 */
#define FAKE_IOMMU_VEVENTQ_ALLOC    FAKE_IOMMUFD(0x93) /* 6.15 */
#define FAKE_IOMMU_HW_QUEUE_ALLOC   FAKE_IOMMUFD(0x94) /* 6.17 */

#define FAKE_MAP_FIXED_IOVA (1u << 0)
#define FAKE_MAP_WRITEABLE  (1u << 1)
#define FAKE_MAP_READABLE   (1u << 2)

struct fake_iommu_destroy {
        __u32 size, id;
};

struct fake_iommu_ioas_alloc {
        __u32 size, flags, out_ioas_id;
};

struct fake_iommu_iova_range {
        __aligned_u64 start, last;
};

struct fake_iommu_ioas_iova_ranges {
        __u32 size, ioas_id, num_iovas, reserved;
        __aligned_u64 allowed_iovas, out_iova_alignment;
};

struct fake_iommu_ioas_allow_iovas {
        __u32 size, ioas_id, num_iovas, reserved;
        __aligned_u64 allowed_iovas;
};

struct fake_iommu_ioas_map {
        __u32 size, flags, ioas_id, reserved;
        __aligned_u64 user_va, length, iova;
};

struct fake_iommu_ioas_copy {
        __u32 size, flags, dst_ioas_id, src_ioas_id;
        __aligned_u64 length, dst_iova, src_iova;
};

struct fake_iommu_ioas_map_file {
        __u32 size, flags, ioas_id;
        __s32 fd;
        __aligned_u64 start, length, iova;
};

struct fake_iommu_ioas_unmap {
        __u32 size, ioas_id;
        __aligned_u64 iova, length;
};

struct fake_iommu_option {
        __u32 size, option_id;
        __u16 op, reserved;
        __u32 object_id;
        __aligned_u64 val64;
};

#define FAKE_HWPT_NEST_PARENT    1u
#define FAKE_HWPT_DIRTY_TRACKING 2u
#define FAKE_HWPT_FAULT          4u
#define FAKE_HWPT_PASID          8u

struct fake_iommu_hwpt_alloc {
        __u32 size, flags, dev_id, pt_id, out_hwpt_id, reserved, data_type, data_len;
        __aligned_u64 data_uptr;
        __u32 fault_id, reserved2;
};

struct fake_iommu_hwpt_invalidate {
        __u32 size, hwpt_id;
        __aligned_u64 data_uptr;
        __u32 data_type, entry_len, entry_num, reserved;
};

/* include/uapi/linux/iommufd.h: VT-d's forms are 1 for a page table, 0 for an invalidation. */
struct fake_vtd_s1 {
        __aligned_u64 flags, pgtbl_addr;
        __u32 addr_width, reserved;
};
struct fake_vtd_s1_invalidate {
        __aligned_u64 addr, npages;
        __u32 flags, reserved;
};

struct fake_iommu_hwpt_set_dirty {
        __u32 size, flags, hwpt_id, reserved;
};

struct fake_iommu_hwpt_get_dirty {
        __u32 size, hwpt_id, flags, reserved;
        __aligned_u64 iova, length, page_size, data;
};

struct fake_iommu_fault_alloc {
        __u32 size, flags, out_fault_id, out_fault_fd;
};
struct fake_page_request_record {
        __u32 flags, dev_id, pasid, grpid, perm, reserved;
        __aligned_u64 addr;
        __u32 length, cookie;
};
struct fake_page_response_record {
        __u32 cookie, code;
};
struct fake_iommu_viommu_alloc {
        __u32 size, flags, type, dev_id, hwpt_id, out_viommu_id, data_len, reserved;
        __aligned_u64 data_uptr;
};
struct fake_iommu_vdevice_alloc {
        __u32 size, viommu_id, dev_id, out_vdevice_id;
        __aligned_u64 virt_id;
};
struct fake_iommu_veventq_alloc {
        __u32 size, flags, viommu_id, type, depth, out_veventq_id, out_veventq_fd, reserved;
};
struct fake_vevent_header {
        __u32 flags, sequence;
};
struct fake_iommu_hw_queue_alloc {
        __u32 size, flags, viommu_id, type, index, out_hw_queue_id;
        __aligned_u64 iova, length;
};

struct fake_iommu_hw_info {
        __u32 size, flags, dev_id, data_len;
        __aligned_u64 data_uptr;
        __u32 out_data_type;
        __u8 out_max_pasid_log2, reserved[3];
        __aligned_u64 out_capabilities;
};

#define FAKE_VFIO_DEVICE_BIND_IOMMUFD      _IO(VFIO_TYPE, VFIO_BASE + 18)
#define FAKE_VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#define FAKE_VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)

struct fake_vfio_bind_iommufd {
        __u32 argsz, flags;
        __s32 iommufd;
        __u32 out_devid;
        __aligned_u64 token_uuid_ptr; /* 6.17 */
};
#define FAKE_BIND_FLAG_TOKEN (1u << 0)

/* Linux 6.15 takes a PASID behind, where the flag 1 is set. */
struct fake_vfio_attach_pt {
        __u32 argsz, flags, pt_id, pasid;
};

/* VFIO_DEVICE_GET_PCI_HOT_RESET_INFO of a device that was opened at its own node (6.5). */
#define FAKE_HOT_RESET_DEV_ID       1u
#define FAKE_HOT_RESET_DEV_ID_OWNED 2u
#define FAKE_DEVID_OWNED            0u
#define FAKE_DEVID_NOT_OWNED        0xffffffffu

/* Migration: VFIO_DEVICE_STATE_… and VFIO_MIGRATION_… with what 6.2 added; 7.2 added the opt-in. */
#define FAKE_MIG_ERROR        0u
#define FAKE_MIG_STOP         1u
#define FAKE_MIG_RUNNING      2u
#define FAKE_MIG_STOP_COPY    3u
#define FAKE_MIG_RESUMING     4u
#define FAKE_MIG_RUNNING_P2P  5u
#define FAKE_MIG_PRE_COPY     6u
#define FAKE_MIG_PRE_COPY_P2P 7u

#define FAKE_FEATURE_MIG_DATA_SIZE   9
#define FAKE_FEATURE_PRECOPY_INFO_V2 12

#define FAKE_VFIO_MIG_GET_PRECOPY_INFO _IO(VFIO_TYPE, VFIO_BASE + 21)
#define FAKE_PRECOPY_INFO_REINIT       1u

struct fake_vfio_precopy_info {
        __u32 argsz, flags;
        __aligned_u64 initial_bytes, dirty_bytes;
};

struct fake_vfio_detach_pt {
        __u32 argsz, flags, pasid;
};

/* 6.19, behind struct vfio_device_feature. */
#define FAKE_VFIO_DEVICE_FEATURE_DMA_BUF 11
struct fake_vfio_feature_dma_buf {
        __u32 region_index, open_flags, flags, nr_ranges;
        struct {
                __u64 offset, length;
        } ranges[];
};

/* Linux 6.10 and 6.4 */
#define FAKE_VFIO_DEVICE_FEATURE_BUS_MASTER 10
#define FAKE_VFIO_DEVICE_FLAGS_CDX          (1 << 8)

#define FAKE_IOMMU_VFIO_IOAS FAKE_IOMMUFD(0x88)
struct fake_iommu_vfio_ioas {
        __u32 size, ioas_id;
        __u16 op, reserved;
};
