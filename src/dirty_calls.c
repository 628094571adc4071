/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dirty_calls.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "dirty_bitmap.h"
#include "uapi.h"

int type1_dirty_set(struct kernel *k, int container_fd, bool on)
{
        struct vfio_iommu_type1_dirty_bitmap dirty = {
                .argsz = sizeof(dirty),
                .flags = on ? VFIO_IOMMU_DIRTY_PAGES_FLAG_START : VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP,
        };

        return k->ops->ioctl(k, container_fd, VFIO_IOMMU_DIRTY_PAGES, &dirty);
}

static struct vfio_bitmap bitmap_of(uint64_t size, uint64_t page_size, uint64_t *bitmap)
{
        return (struct vfio_bitmap){
                .pgsize = page_size,
                .size = dirty_words(size / page_size) * sizeof(*bitmap),
                .data = (__u64 *)bitmap,
        };
}

/* In both calls what the flags ask for lies behind the fixed part, as the kernel's headers have it: data[].
 */

int type1_dirty_read(struct kernel *k, int container_fd, uint64_t iova, uint64_t size, uint64_t page_size,
                     uint64_t *bitmap)
{
        struct {
                struct vfio_iommu_type1_dirty_bitmap fixed;
                struct vfio_iommu_type1_dirty_bitmap_get get;
        } dirty = {
                .fixed = { .argsz = sizeof(dirty), .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP },
                .get = { .iova = iova, .size = size, .bitmap = bitmap_of(size, page_size, bitmap) },
        };

        _Static_assert(offsetof(__typeof__(dirty), get) ==
                               offsetof(struct vfio_iommu_type1_dirty_bitmap, data),
                       "no hole before what is asked for");
        return k->ops->ioctl(k, container_fd, VFIO_IOMMU_DIRTY_PAGES, &dirty);
}

int type1_dirty_unmap(struct kernel *k, int container_fd, uint64_t iova, uint64_t size, uint64_t page_size,
                      uint64_t *bitmap)
{
        struct {
                struct vfio_iommu_type1_dma_unmap fixed;
                struct vfio_bitmap bitmap;
        } unmap = {
                .fixed = { .argsz = sizeof(unmap),
                           .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
                           .iova = iova,
                           .size = size },
                .bitmap = bitmap_of(size, page_size, bitmap),
        };
        int r;

        _Static_assert(offsetof(__typeof__(unmap), bitmap) ==
                               offsetof(struct vfio_iommu_type1_dma_unmap, data),
                       "no hole before the bitmap");
        r = k->ops->ioctl(k, container_fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
        if (r < 0)
                return r;
        return unmap.fixed.size == 0 ? -ENOENT : 0;
}

int hwpt_dirty_set(struct kernel *k, int iommufd, uint32_t hwpt_id, bool on)
{
        struct uapi_iommu_hwpt_set_dirty_tracking set = {
                .size = sizeof(set),
                .flags = on ? UAPI_IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
                .hwpt_id = hwpt_id,
        };

        return k->ops->ioctl(k, iommufd, UAPI_IOMMU_HWPT_SET_DIRTY_TRACKING, &set);
}

int hwpt_dirty_read(struct kernel *k, int iommufd, uint32_t hwpt_id, bool keep, uint64_t iova, uint64_t size,
                    uint64_t page_size, uint64_t *bitmap)
{
        struct uapi_iommu_hwpt_get_dirty_bitmap get = {
                .size = sizeof(get),
                .hwpt_id = hwpt_id,
                .flags = keep ? UAPI_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR : 0,
                .iova = iova,
                .length = size,
                .page_size = page_size,
                .data = (uint64_t)(uintptr_t)bitmap,
        };

        return k->ops->ioctl(k, iommufd, UAPI_IOMMU_HWPT_GET_DIRTY_BITMAP, &get);
}
