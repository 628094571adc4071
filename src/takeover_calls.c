/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "takeover_calls.h"

#include <linux/vfio.h>

#include "uapi.h"

int type1_can_let_go(struct kernel *k, int container_fd)
{
        return k->ops->ioctl(k, container_fd, VFIO_CHECK_EXTENSION, (void *)(unsigned long)VFIO_UPDATE_VADDR);
}

int type1_let_go(struct kernel *k, int container_fd)
{
        struct vfio_iommu_type1_dma_unmap unmap = {
                .argsz = sizeof(unmap),
                .flags = VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL,
        };

        return k->ops->ioctl(k, container_fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

int type1_take_over(struct kernel *k, int container_fd, uint64_t vaddr, uint64_t iova, uint64_t size)
{
        struct vfio_iommu_type1_dma_map map = {
                .argsz = sizeof(map),
                .flags = VFIO_DMA_MAP_FLAG_VADDR,
                .vaddr = vaddr,
                .iova = iova,
                .size = size,
        };

        return k->ops->ioctl(k, container_fd, VFIO_IOMMU_MAP_DMA, &map);
}

int iommufd_take_over(struct kernel *k, int iommufd)
{
        struct uapi_iommu_ioas_change_process change = { .size = sizeof(change) };

        return k->ops->ioctl(k, iommufd, UAPI_IOMMU_IOAS_CHANGE_PROCESS, &change);
}
