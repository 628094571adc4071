/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of VFIO's interface that are newer than the oldest headers we build with (Linux 6.1, Debian 12),
 * under names of our own, each with the kernel that brought it. uapi_check.c compares them with the system's
 * headers wherever those have them. */

#include <linux/vfio.h>
#include <stdint.h>

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
