/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_VIOMMU_H
#define IOMMUCTL_VIOMMU_H

#include <stddef.h>
#include <stdint.h>

#include <iommuctl/hwpt.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_viommu - a guest's share of one IOMMU: its page tables, its devices' numbers, its commands
 * and events (an iommufd vIOMMU).
 *
 * Opaque and reference-counted; it keeps the page table it is made over, and what is made in it keeps it. So
 * all may be unreferenced in any order. All calls may be made from any threads. Linux 6.13.
 */
struct iommuctl_viommu;

/** struct iommuctl_vdevice - a device as the guest knows it. Keeps its vIOMMU, and the device where that is
 * one of this library's. Linux 6.13. */
struct iommuctl_vdevice;

/** struct iommuctl_hw_queue - a queue in the guest's memory that the hardware reads by itself. Keeps its
 * vIOMMU. Linux 6.17. */
struct iommuctl_hw_queue;

/** enum iommuctl_viommu_type - other values go to the kernel as they are. */
enum iommuctl_viommu_type {
        IOMMUCTL_VIOMMU_ARM_SMMUV3 = 1,     /* Linux 6.13 */
        IOMMUCTL_VIOMMU_TEGRA241_CMDQV = 2, /* Linux 6.17; with struct iommuctl_viommu_tegra241_cmdqv */
};

/** struct iommuctl_viommu_tegra241_cmdqv - what the kernel tells of a new one: a page of registers for the
 * guest, by where mmap(2) on iommuctl_container_fd() finds it. */
struct iommuctl_viommu_tegra241_cmdqv {
        uint64_t mmap_offset;
        uint64_t mmap_length;
};

/**
 * iommuctl_viommu_new() - a guest's share of the IOMMU behind a device.
 *
 * @parent: made with IOMMUCTL_HWPT_NEST_PARENT: the guest's memory. @device_id: iommuctl_device_iommufd_id(),
 * or the number of a device that was bound to the iommufd by other means. @type: enum iommuctl_viommu_type.
 * @data: in the form of the type, read and written during the call (Linux 6.17); NULL where it has none.
 * @data_size: in bytes.
 *
 * The caller owns the reference in @ret_viommu and gives it back with iommuctl_viommu_unref().
 *
 * Returns 0; -EOPNOTSUPP: this IOMMU has no such share, or a kernel before 6.13; -EINVAL: @parent is none, or
 * is for another IOMMU; -ENOENT: there is no such device in the iommufd; -ENOMEM and what else the kernel
 * said.
 */
int iommuctl_viommu_new(struct iommuctl_hwpt *parent, uint32_t device_id, uint32_t type, void *data,
                        size_t data_size, struct iommuctl_viommu **ret_viommu);

/** iommuctl_viommu_ref() - take another reference. Returns @viommu. NULL stays NULL. */
struct iommuctl_viommu *iommuctl_viommu_ref(struct iommuctl_viommu *viommu);

/** iommuctl_viommu_unref() - drop a reference; with the last one, of the caller's and of what is made in it,
 * it goes. NULL is let through. Returns NULL. */
struct iommuctl_viommu *iommuctl_viommu_unref(struct iommuctl_viommu *viommu);

/** iommuctl_viommu_id() - the number that the iommufd knows it by. */
uint32_t iommuctl_viommu_id(const struct iommuctl_viommu *viommu);

/** iommuctl_viommu_parent() - the page table it is made over; lives as long as @viommu. */
struct iommuctl_hwpt *iommuctl_viommu_parent(const struct iommuctl_viommu *viommu);

/**
 * iommuctl_viommu_new_hwpt() - a guest's page table in its share.
 *
 * As iommuctl_hwpt_new_nested(), whose parent the vIOMMU's is. The page table keeps @viommu. To attach a
 * device, it may need an iommuctl_vdevice first: SMMUv3 does.
 */
int iommuctl_viommu_new_hwpt(struct iommuctl_viommu *viommu, uint32_t device_id,
                             const struct iommuctl_hwpt_options *options, struct iommuctl_hwpt **ret_hwpt);

/** iommuctl_viommu_invalidate() - hand a guest's invalidation commands to the IOMMU: as
 * iommuctl_hwpt_invalidate(), with the types that are for a vIOMMU, IOMMUCTL_INVALIDATE_ARM_SMMUV3. -EIO: a
 * command that a guest may not give. */
int iommuctl_viommu_invalidate(struct iommuctl_viommu *viommu, uint32_t data_type, const void *requests,
                               size_t request_size, size_t n, size_t *ret_done);

/**
 * iommuctl_vdevice_new() - tell by which number the guest knows a device.
 *
 * @virtual_id: a stream ID on SMMUv3, a device ID on AMD-Vi, a requester ID on VT-d; one device each.
 *
 * It keeps the device, too, where this library opened it: a device that is closed first would take its number
 * in the kernel along for as long as the iommufd is open.
 *
 * Returns 0; -EEXIST: the device has a number already, or the number a device; -EINVAL: the device is behind
 * another IOMMU than @viommu; -ENOENT: there is no such device in the iommufd; -EOPNOTSUPP: a kernel
 * before 6.13; -ENOMEM.
 */
int iommuctl_vdevice_new(struct iommuctl_viommu *viommu, uint32_t device_id, uint64_t virtual_id,
                         struct iommuctl_vdevice **ret_vdevice);

/** iommuctl_vdevice_ref() - take another reference. Returns @vdevice. NULL stays NULL. */
struct iommuctl_vdevice *iommuctl_vdevice_ref(struct iommuctl_vdevice *vdevice);

/** iommuctl_vdevice_unref() - drop a reference; with the last one it goes. NULL is let through. Returns NULL.
 */
struct iommuctl_vdevice *iommuctl_vdevice_unref(struct iommuctl_vdevice *vdevice);

/** iommuctl_vdevice_id() - the number that the iommufd knows it by, which is not the guest's. */
uint32_t iommuctl_vdevice_id(const struct iommuctl_vdevice *vdevice);

/** iommuctl_vdevice_viommu() - the vIOMMU it is in; lives as long as @vdevice. */
struct iommuctl_viommu *iommuctl_vdevice_viommu(const struct iommuctl_vdevice *vdevice);

/** enum iommuctl_hw_queue_type - other values go to the kernel as they are. */
enum iommuctl_hw_queue_type {
        IOMMUCTL_HW_QUEUE_TEGRA241_CMDQV = 1, /* indexes from 0 upwards */
};

/**
 * iommuctl_hw_queue_new() - let the hardware read a queue of the guest's by itself.
 *
 * @type: enum iommuctl_hw_queue_type. @index: which of the vIOMMU's queues. @iova: where the queue lies in
 * the guest's memory, the parent's address space, mapped before. @length: in bytes.
 *
 * What lies there cannot be unmapped while the queue is there (-EBUSY).
 *
 * Returns 0; -EOPNOTSUPP: this IOMMU has no such queues, or a kernel before 6.17; -EINVAL: nothing is mapped
 * there, or an index, an address or a length that it does not take; -EEXIST; -EOVERFLOW: it does not end
 * within the address space; -ENOMEM and what else the kernel said.
 */
int iommuctl_hw_queue_new(struct iommuctl_viommu *viommu, uint32_t type, uint32_t index, uint64_t iova,
                          uint64_t length, struct iommuctl_hw_queue **ret_queue);

/** iommuctl_hw_queue_ref() - take another reference. Returns @queue. NULL stays NULL. */
struct iommuctl_hw_queue *iommuctl_hw_queue_ref(struct iommuctl_hw_queue *queue);

/** iommuctl_hw_queue_unref() - drop a reference; with the last one it goes. NULL is let through. Returns
 * NULL. */
struct iommuctl_hw_queue *iommuctl_hw_queue_unref(struct iommuctl_hw_queue *queue);

/** iommuctl_hw_queue_id() - the number that the iommufd knows it by. */
uint32_t iommuctl_hw_queue_id(const struct iommuctl_hw_queue *queue);

#ifdef __cplusplus
}
#endif

#endif
