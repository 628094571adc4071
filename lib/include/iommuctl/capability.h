/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_CAPABILITY_H
#define IOMMUCTL_CAPABILITY_H

#include <stddef.h>
#include <stdint.h>

#include <iommuctl/container.h>
#include <iommuctl/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the kernel says about a container or a device beyond the fixed part of its answer: a chain of
 * capabilities, each a struct vfio_info_cap_header of <linux/vfio.h> and what belongs to it. Most have a call
 * of their own (iommuctl_container_ranges(), iommuctl_container_available_mappings());
 * these give the bytes of any, also of those that are newer than this library. */

/**
 * iommuctl_container_capability() - a copy of one capability of a type1 container (VFIO_IOMMU_GET_INFO).
 *
 * @id: VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE (1, Linux 5.4), VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION (2,
 * Linux 5.8), VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL (3, Linux 5.10), or a newer one.
 * @ret_data: the bytes, header included, aligned for any type; the caller's to free().
 * @ret_size: how many there are: to the next capability of the chain, or to the end of the answer. A
 * capability that holds a count (of ranges, say) may say more than there is, so check it against this.
 *
 * Asks the kernel each time. May be called from any threads.
 *
 * Returns the capability's version, 0 to 65535; -ENODATA where the kernel does not say it; -ENODEV where
 * nothing has joined the container; -EOPNOTSUPP on another backend than type1, which has no chain; -EPROTO
 * where the answer keeps growing; -ENOMEM.
 */
int iommuctl_container_capability(struct iommuctl_container *container, unsigned int id, void **ret_data,
                                  size_t *ret_size);

/**
 * iommuctl_device_capability() - a copy of one capability of a device (VFIO_DEVICE_GET_INFO), on any backend.
 *
 * @id: VFIO_DEVICE_INFO_CAP_ZPCI_BASE to VFIO_DEVICE_INFO_CAP_ZPCI_PFIP (1 to 4, of PCI on s390; Linux 5.11),
 * VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP (5, Linux 6.5), or a newer one.
 * @ret_data, @ret_size: as iommuctl_container_capability().
 *
 * Returns the capability's version, 0 to 65535; -ENODATA where the kernel does not say it, as for most
 * devices; -EPROTO; -ENOMEM; or what the call gave.
 */
int iommuctl_device_capability(struct iommuctl_device *device, unsigned int id, void **ret_data,
                               size_t *ret_size);

#ifdef __cplusplus
}
#endif

#endif
