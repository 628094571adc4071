/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of the kernel's interface that are newer than the oldest headers we build with (Linux 6.1, Debian
 * 12), under names of our own, each with the kernel that brought it. uapi_check.c compares them with the
 * system's headers wherever those have them. */

#include <linux/ioctl.h>
#include <linux/vfio.h>
#include <stdint.h>

/* ---- <linux/vfio.h> ---- */

/* Linux 6.6, with CONFIG_VFIO_DEVICE_CDEV. */
struct uapi_vfio_device_bind_iommufd {
        uint32_t argsz;
        uint32_t flags;
        int32_t iommufd;
        uint32_t out_devid;
};
#define UAPI_VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)

/* Linux 6.17: the VF token. A kernel that knows of it answers E2BIG where a larger structure is not zero at
 * its end; older ones look at the first four members and no further. */
struct uapi_vfio_device_bind_iommufd_token {
        uint32_t argsz;
        uint32_t flags;
        int32_t iommufd;
        uint32_t out_devid;
        uint64_t token_uuid_ptr __attribute__((aligned(8))); /* to 16 bytes */
};
#define UAPI_VFIO_DEVICE_BIND_FLAG_TOKEN (1 << 0)

/* Linux 6.6; 6.15 added the PASID behind it, with a flag that says so. argsz ends before it without. */
struct uapi_vfio_device_attach_iommufd_pt {
        uint32_t argsz;
        uint32_t flags;
        uint32_t pt_id;
        uint32_t pasid;
};
#define UAPI_VFIO_DEVICE_ATTACH_PASID      (1 << 0)
#define UAPI_VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)

struct uapi_vfio_device_detach_iommufd_pt {
        uint32_t argsz;
        uint32_t flags;
        uint32_t pasid;
};
#define UAPI_VFIO_DEVICE_DETACH_PASID      (1 << 0)
#define UAPI_VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)

/* Linux 6.19, with CONFIG_VFIO_PCI_DMABUF: VFIO_DEVICE_FEATURE_GET gives a dma-buf's descriptor. */
struct uapi_vfio_region_dma_range {
        uint64_t offset __attribute__((aligned(8)));
        uint64_t length;
};
struct uapi_vfio_device_feature_dma_buf {
        uint32_t region_index;
        uint32_t open_flags;
        uint32_t flags;
        uint32_t nr_ranges;
        struct uapi_vfio_region_dma_range dma_ranges[];
};
#define UAPI_VFIO_DEVICE_FEATURE_DMA_BUF 11

/* Linux 6.10: bus mastering of devices that have no register for it, CDX today. */
struct uapi_vfio_device_feature_bus_master {
        uint32_t op;
};
#define UAPI_VFIO_DEVICE_FEATURE_CLEAR_MASTER 0
#define UAPI_VFIO_DEVICE_FEATURE_SET_MASTER   1
#define UAPI_VFIO_DEVICE_FEATURE_BUS_MASTER   10

/* Linux 6.5: a capability of VFIO_DEVICE_GET_INFO. */
#define UAPI_VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP 5
struct uapi_vfio_device_info_cap_pci_atomic_comp {
        uint16_t id;
        uint16_t version;
        uint32_t next;
        uint32_t flags;
        uint32_t reserved;
};
#define UAPI_VFIO_PCI_ATOMIC_COMP32  (1 << 0)
#define UAPI_VFIO_PCI_ATOMIC_COMP64  (1 << 1)
#define UAPI_VFIO_PCI_ATOMIC_COMP128 (1 << 2)

/* Linux 6.5: the answer of VFIO_DEVICE_GET_PCI_HOT_RESET_INFO for a device that was opened at its own node,
 * with the iommufd's numbers where group_id was. */
#define UAPI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID       (1u << 0)
#define UAPI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED (1u << 1)
#define UAPI_VFIO_PCI_DEVID_OWNED                 0u
#define UAPI_VFIO_PCI_DEVID_NOT_OWNED             0xffffffffu

/* Linux 6.2: migration with a phase while the device runs, and how much there is to copy. */
#define UAPI_VFIO_MIGRATION_PRE_COPY           (1u << 2)
#define UAPI_VFIO_DEVICE_STATE_PRE_COPY        6
#define UAPI_VFIO_DEVICE_STATE_PRE_COPY_P2P    7
#define UAPI_VFIO_DEVICE_FEATURE_MIG_DATA_SIZE 9
struct uapi_vfio_device_feature_mig_data_size {
        uint64_t stop_copy_length;
};
struct uapi_vfio_precopy_info {
        uint32_t argsz;
        uint32_t flags;
        uint64_t initial_bytes;
        uint64_t dirty_bytes;
};
#define UAPI_VFIO_MIG_GET_PRECOPY_INFO _IO(VFIO_TYPE, VFIO_BASE + 21)

/* Linux 7.2: the flags above are filled in for a device that was asked to. */
#define UAPI_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 12
#define UAPI_VFIO_PRECOPY_INFO_REINIT               (1u << 0)

/* ---- <linux/iommufd.h>: Linux 6.2 where nothing else is said ----
 *
 * Each structure begins with its own size; a kernel that knows a larger one takes the rest as zero, one that
 * knows a smaller one answers E2BIG where the rest is not zero. */

struct uapi_iommu_destroy {
        uint32_t size;
        uint32_t id;
};
#define UAPI_IOMMU_DESTROY _IO(';', 0x80)

/* Page tables, and what stands around them: hwpt.c, hw_info.c, fault_queue.c, viommu.c, veventq.c of lib/. */

#define UAPI_IOMMU_HWPT_ALLOC_NEST_PARENT    (1 << 0) /* Linux 6.7 */
#define UAPI_IOMMU_HWPT_ALLOC_DIRTY_TRACKING (1 << 1) /* 6.7 */
#define UAPI_IOMMU_HWPT_FAULT_ID_VALID       (1 << 2) /* 6.11 */
#define UAPI_IOMMU_HWPT_ALLOC_PASID          (1 << 3) /* 6.14 */

/* Linux 6.6; data of a driver's own since 6.7, fault_id since 6.11. */
struct uapi_iommu_hwpt_alloc {
        uint32_t size;
        uint32_t flags;
        uint32_t dev_id;
        uint32_t pt_id;
        uint32_t out_hwpt_id;
        uint32_t reserved;
        uint32_t data_type;
        uint32_t data_len;
        uint64_t data_uptr __attribute__((aligned(8)));
        uint32_t fault_id;
        uint32_t reserved2;
};
#define UAPI_IOMMU_HWPT_ALLOC _IO(';', 0x89)

#define UAPI_IOMMU_HW_INFO_FLAG_INPUT_TYPE (1 << 0) /* Linux 6.17 */

/* Linux 6.6; capabilities since 6.7, the width of PASIDs since 6.15. */
struct uapi_iommu_hw_info {
        uint32_t size;
        uint32_t flags;
        uint32_t dev_id;
        uint32_t data_len;
        uint64_t data_uptr __attribute__((aligned(8)));
        uint32_t data_type; /* in and out */
        uint8_t out_max_pasid_log2;
        uint8_t reserved[3];
        uint64_t out_capabilities __attribute__((aligned(8)));
};
#define UAPI_IOMMU_GET_HW_INFO _IO(';', 0x8a)

/* Linux 6.8; on a vIOMMU since 6.13. */
struct uapi_iommu_hwpt_invalidate {
        uint32_t size;
        uint32_t hwpt_id;
        uint64_t data_uptr __attribute__((aligned(8)));
        uint32_t data_type;
        uint32_t entry_len;
        uint32_t entry_num; /* in: how many; out: how many were done */
        uint32_t reserved;
};
#define UAPI_IOMMU_HWPT_INVALIDATE _IO(';', 0x8d)

/* Linux 6.11. */
struct uapi_iommu_fault_alloc {
        uint32_t size;
        uint32_t flags;
        uint32_t out_fault_id;
        uint32_t out_fault_fd;
};
#define UAPI_IOMMU_FAULT_QUEUE_ALLOC _IO(';', 0x8e)

/* What is read from the descriptor of a fault queue, and written to it. */
struct uapi_iommu_hwpt_pgfault {
        uint32_t flags;
        uint32_t dev_id;
        uint32_t pasid;
        uint32_t grpid;
        uint32_t perm;
        uint32_t reserved;
        uint64_t addr __attribute__((aligned(8)));
        uint32_t length;
        uint32_t cookie;
};
struct uapi_iommu_hwpt_page_response {
        uint32_t cookie;
        uint32_t code;
};

/* Linux 6.13; data of a driver's own since 6.17. */
struct uapi_iommu_viommu_alloc {
        uint32_t size;
        uint32_t flags;
        uint32_t type;
        uint32_t dev_id;
        uint32_t hwpt_id;
        uint32_t out_viommu_id;
        uint32_t data_len;
        uint32_t reserved;
        uint64_t data_uptr __attribute__((aligned(8)));
};
#define UAPI_IOMMU_VIOMMU_ALLOC _IO(';', 0x90)

/* Linux 6.13. */
struct uapi_iommu_vdevice_alloc {
        uint32_t size;
        uint32_t viommu_id;
        uint32_t dev_id;
        uint32_t out_vdevice_id;
        uint64_t virt_id __attribute__((aligned(8)));
};
#define UAPI_IOMMU_VDEVICE_ALLOC _IO(';', 0x91)

/* Linux 6.15. */
struct uapi_iommu_veventq_alloc {
        uint32_t size;
        uint32_t flags;
        uint32_t viommu_id;
        uint32_t type;
        uint32_t veventq_depth;
        uint32_t out_veventq_id;
        uint32_t out_veventq_fd;
        uint32_t reserved;
};
#define UAPI_IOMMU_VEVENTQ_ALLOC _IO(';', 0x93)

/* Before each event that is read from the descriptor of a vEVENTQ. */
struct uapi_iommufd_vevent_header {
        uint32_t flags;
        uint32_t sequence;
};
#define UAPI_IOMMU_VEVENTQ_FLAG_LOST_EVENTS (1u << 0)

/* Linux 6.17. */
struct uapi_iommu_hw_queue_alloc {
        uint32_t size;
        uint32_t flags;
        uint32_t viommu_id;
        uint32_t type;
        uint32_t index;
        uint32_t out_hw_queue_id;
        uint64_t nesting_parent_iova __attribute__((aligned(8)));
        uint64_t length;
};
#define UAPI_IOMMU_HW_QUEUE_ALLOC _IO(';', 0x94)

/* Address spaces. */

struct uapi_iommu_ioas_alloc {
        uint32_t size;
        uint32_t flags;
        uint32_t out_ioas_id;
};
#define UAPI_IOMMU_IOAS_ALLOC _IO(';', 0x81)

struct uapi_iommu_iova_range {
        uint64_t start;
        uint64_t last;
};

/* EMSGSIZE, and the number there is in num_iovas, where the array is too small. */
struct uapi_iommu_ioas_iova_ranges {
        uint32_t size;
        uint32_t ioas_id;
        uint32_t num_iovas;
        uint32_t reserved;
        uint64_t allowed_iovas __attribute__((aligned(8)));
        uint64_t out_iova_alignment;
};
#define UAPI_IOMMU_IOAS_IOVA_RANGES _IO(';', 0x84)

#define UAPI_IOMMU_IOAS_MAP_FIXED_IOVA (1 << 0)
#define UAPI_IOMMU_IOAS_MAP_WRITEABLE  (1 << 1)
#define UAPI_IOMMU_IOAS_MAP_READABLE   (1 << 2)

struct uapi_iommu_ioas_map {
        uint32_t size;
        uint32_t flags;
        uint32_t ioas_id;
        uint32_t reserved;
        uint64_t user_va __attribute__((aligned(8)));
        uint64_t length;
        uint64_t iova;
};
#define UAPI_IOMMU_IOAS_MAP _IO(';', 0x85)

struct uapi_iommu_ioas_unmap {
        uint32_t size;
        uint32_t ioas_id;
        uint64_t iova __attribute__((aligned(8)));
        uint64_t length;
};
#define UAPI_IOMMU_IOAS_UNMAP _IO(';', 0x86)

/* Options of an address space and of the iommufd itself (Linux 6.2). */
struct uapi_iommu_ioas_allow_iovas {
        uint32_t size;
        uint32_t ioas_id;
        uint32_t num_iovas;
        uint32_t reserved;
        uint64_t allowed_iovas __attribute__((aligned(8)));
};
#define UAPI_IOMMU_IOAS_ALLOW_IOVAS _IO(';', 0x82)

#define UAPI_IOMMU_OPTION_RLIMIT_MODE 0 /* 0: by user, 1: by process; object_id 0 */
#define UAPI_IOMMU_OPTION_HUGE_PAGES  1 /* of the IOAS object_id */
#define UAPI_IOMMU_OPTION_OP_SET      0
#define UAPI_IOMMU_OPTION_OP_GET      1

struct uapi_iommu_option {
        uint32_t size;
        uint32_t option_id;
        uint16_t op;
        uint16_t reserved;
        uint32_t object_id;
        uint64_t val64 __attribute__((aligned(8)));
};
#define UAPI_IOMMU_OPTION _IO(';', 0x87)

/* Linux 6.13. */
struct uapi_iommu_ioas_change_process {
        uint32_t size;
        uint32_t reserved;
};
#define UAPI_IOMMU_IOAS_CHANGE_PROCESS _IO(';', 0x92)

/* Dirty tracking of a page table (Linux 6.7). */
#define UAPI_IOMMU_HWPT_DIRTY_TRACKING_ENABLE (1 << 0)

struct uapi_iommu_hwpt_set_dirty_tracking {
        uint32_t size;
        uint32_t flags;
        uint32_t hwpt_id;
        uint32_t reserved;
};
#define UAPI_IOMMU_HWPT_SET_DIRTY_TRACKING _IO(';', 0x8b)

#define UAPI_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR (1 << 0)

struct uapi_iommu_hwpt_get_dirty_bitmap {
        uint32_t size;
        uint32_t hwpt_id;
        uint32_t flags;
        uint32_t reserved;
        uint64_t iova __attribute__((aligned(8)));
        uint64_t length;
        uint64_t page_size;
        uint64_t data;
};
#define UAPI_IOMMU_HWPT_GET_DIRTY_BITMAP _IO(';', 0x8c)

/* Linux 6.2. SRC_IOVA and LENGTH need not be one mapping, but there must be no hole. */
struct uapi_iommu_ioas_copy {
        uint32_t size;
        uint32_t flags;
        uint32_t dst_ioas_id;
        uint32_t src_ioas_id;
        uint64_t length __attribute__((aligned(8)));
        uint64_t dst_iova;
        uint64_t src_iova;
};
#define UAPI_IOMMU_IOAS_COPY _IO(';', 0x83)

/* Linux 6.13 for memfds; 6.19 for the dma-bufs that VFIO exports. */
struct uapi_iommu_ioas_map_file {
        uint32_t size;
        uint32_t flags;
        uint32_t ioas_id;
        int32_t fd;
        uint64_t start __attribute__((aligned(8)));
        uint64_t length;
        uint64_t iova;
};
#define UAPI_IOMMU_IOAS_MAP_FILE _IO(';', 0x8f)

/* The address space that VFIO's container calls on an iommufd work in. */
struct uapi_iommu_vfio_ioas {
        uint32_t size;
        uint32_t ioas_id;
        uint16_t op;
        uint16_t reserved;
};
#define UAPI_IOMMU_VFIO_IOAS_GET   0
#define UAPI_IOMMU_VFIO_IOAS_SET   1
#define UAPI_IOMMU_VFIO_IOAS_CLEAR 2
#define UAPI_IOMMU_VFIO_IOAS       _IO(';', 0x88)
