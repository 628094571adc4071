/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommufd.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "backend.h"
#include "iommuctl/dma.h"
#include "uapi.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* An address width's reserved holes are few; the kernel's own answer for a machine with many windows has
 * dozens. */
#define RANGES_FIRST 16u
#define RANGES_MAX   65536u
#define RANGES_TRIES 8

int iommufd_open(struct kernel *k, int root_fd)
{
        return k->ops->openat(k, root_fd, "dev/iommu", O_RDWR, 0);
}

int iommufd_ioas_alloc(struct kernel *k, int iommufd, uint32_t *ret_ioas_id)
{
        struct uapi_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
        int r;

        r = k->ops->ioctl(k, iommufd, UAPI_IOMMU_IOAS_ALLOC, &alloc);
        if (r < 0)
                return r;
        *ret_ioas_id = alloc.out_ioas_id;
        return 0;
}

int iommufd_destroy(struct kernel *k, int iommufd, uint32_t id)
{
        struct uapi_iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

        return k->ops->ioctl(k, iommufd, UAPI_IOMMU_DESTROY, &destroy);
}

int iommufd_bind_device(struct kernel *k, int device_fd, int iommufd, uint32_t *ret_id)
{
        struct uapi_vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };
        int r;

        r = k->ops->ioctl(k, device_fd, UAPI_VFIO_DEVICE_BIND_IOMMUFD, &bind);
        if (r < 0)
                return r;
        *ret_id = bind.out_devid;
        return 0;
}

int iommufd_bind_device_token(struct kernel *k, int device_fd, int iommufd, const uint8_t token[16],
                              uint32_t *ret_id)
{
        struct uapi_vfio_device_bind_iommufd_token bind = {
                .argsz = sizeof(bind),
                .flags = UAPI_VFIO_DEVICE_BIND_FLAG_TOKEN,
                .iommufd = iommufd,
                .token_uuid_ptr = (uint64_t)(uintptr_t)token,
        };
        int r;

        r = k->ops->ioctl(k, device_fd, UAPI_VFIO_DEVICE_BIND_IOMMUFD, &bind);
        if (r < 0)
                return r;
        *ret_id = bind.out_devid;
        return 0;
}

/* A structure that is larger than any kernel's so far, with something at its end, and no iommufd: E2BIG from
 * one that reads all of what it is given (copy_struct_from_user() in vfio_df_ioctl_bind_iommufd(), Linux
 * 6.17, which brought the token), EINVAL for the descriptor from one that does not. */
int iommufd_bind_knows_tokens(struct kernel *k, int device_fd)
{
        struct {
                struct uapi_vfio_device_bind_iommufd bind;
                uint8_t more[1024];
        } probe = { .bind = { .argsz = sizeof(probe), .iommufd = -1 } };
        int r;

        probe.more[sizeof(probe.more) - 1] = 1;
        r = k->ops->ioctl(k, device_fd, UAPI_VFIO_DEVICE_BIND_IOMMUFD, &probe);
        return r == -E2BIG ? 1 : r == -EINVAL ? 0 : r < 0 ? r : -EPROTO;
}

/* GET_HW_INFO of one, without room for the answer (Linux 6.6). */
int iommufd_has_device(struct kernel *k, int iommufd, uint32_t id)
{
        struct uapi_iommu_hw_info q = {
                .size = offsetof(struct uapi_iommu_hw_info, out_capabilities),
                .dev_id = id,
        };
        int r = k->ops->ioctl(k, iommufd, UAPI_IOMMU_GET_HW_INFO, &q);

        return r == -ENOENT ? 0 : r == -EOPNOTSUPP ? 1 : r < 0 ? r : 1;
}

int iommufd_attach_device(struct kernel *k, int device_fd, uint32_t pt_id)
{
        struct uapi_vfio_device_attach_iommufd_pt attach = {
                .argsz = offsetof(struct uapi_vfio_device_attach_iommufd_pt, pasid),
                .pt_id = pt_id,
        };

        return k->ops->ioctl(k, device_fd, UAPI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

int iommufd_detach_device(struct kernel *k, int device_fd)
{
        struct uapi_vfio_device_detach_iommufd_pt detach = {
                .argsz = offsetof(struct uapi_vfio_device_detach_iommufd_pt, pasid),
        };

        return k->ops->ioctl(k, device_fd, UAPI_VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
}

int iommufd_attach_pasid(struct kernel *k, int device_fd, uint32_t pasid, uint32_t pt_id)
{
        struct uapi_vfio_device_attach_iommufd_pt attach = {
                .argsz = sizeof(attach),
                .flags = UAPI_VFIO_DEVICE_ATTACH_PASID,
                .pt_id = pt_id,
                .pasid = pasid,
        };

        return k->ops->ioctl(k, device_fd, UAPI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

int iommufd_detach_pasid(struct kernel *k, int device_fd, uint32_t pasid)
{
        struct uapi_vfio_device_detach_iommufd_pt detach = {
                .argsz = sizeof(detach),
                .flags = UAPI_VFIO_DEVICE_DETACH_PASID,
                .pasid = pasid,
        };

        return k->ops->ioctl(k, device_fd, UAPI_VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
}

static uint32_t map_flags(unsigned int access)
{
        return UAPI_IOMMU_IOAS_MAP_FIXED_IOVA |
               (access & IOMMUCTL_ACCESS_READ ? UAPI_IOMMU_IOAS_MAP_READABLE : 0) |
               (access & IOMMUCTL_ACCESS_WRITE ? UAPI_IOMMU_IOAS_MAP_WRITEABLE : 0);
}

static int ioas_map(const struct address_space *s, uint64_t vaddr, uint64_t iova, uint64_t size,
                    unsigned int access)
{
        struct uapi_iommu_ioas_map map = {
                .size = sizeof(map),
                .flags = map_flags(access),
                .ioas_id = s->ioas_id,
                .user_va = vaddr,
                .length = size,
                .iova = iova,
        };

        return s->k->ops->ioctl(s->k, s->fd, UAPI_IOMMU_IOAS_MAP, &map);
}

static int ioas_unmap(const struct address_space *s, uint64_t iova, uint64_t size)
{
        struct uapi_iommu_ioas_unmap unmap = {
                .size = sizeof(unmap),
                .ioas_id = s->ioas_id,
                .iova = iova,
                .length = size,
        };

        return s->k->ops->ioctl(s->k, s->fd, UAPI_IOMMU_IOAS_UNMAP, &unmap);
}

static int ioas_unmap_range(const struct address_space *s, uint64_t start, uint64_t last, uint64_t *ret_bytes)
{
        struct uapi_iommu_ioas_unmap unmap = {
                .size = sizeof(unmap),
                .ioas_id = s->ioas_id,
                .iova = start,
                /* All is 0 and UINT64_MAX, a length that is no range's: ranges are whole pages. */
                .length = start == 0 && last == UINT64_MAX ? UINT64_MAX : last - start + 1,
        };
        int r;

        r = s->k->ops->ioctl(s->k, s->fd, UAPI_IOMMU_IOAS_UNMAP, &unmap);
        if (r < 0)
                return r;
        *ret_bytes = unmap.length;
        return 0;
}

static int ioas_map_file(const struct address_space *s, int fd, uint64_t offset, uint64_t iova, uint64_t size,
                         unsigned int access)
{
        struct uapi_iommu_ioas_map_file map = {
                .size = sizeof(map),
                .flags = map_flags(access),
                .ioas_id = s->ioas_id,
                .fd = fd,
                .start = offset,
                .length = size,
                .iova = iova,
        };

        return s->k->ops->ioctl(s->k, s->fd, UAPI_IOMMU_IOAS_MAP_FILE, &map);
}

static int ioas_copy(const struct address_space *s, const struct address_space *from, uint64_t from_iova,
                     uint64_t iova, uint64_t size, unsigned int access)
{
        struct uapi_iommu_ioas_copy copy = {
                .size = sizeof(copy),
                .flags = map_flags(access),
                .dst_ioas_id = s->ioas_id,
                .src_ioas_id = from->ioas_id,
                .length = size,
                .dst_iova = iova,
                .src_iova = from_iova,
        };

        return s->k->ops->ioctl(s->k, s->fd, UAPI_IOMMU_IOAS_COPY, &copy);
}

/* One call with room for N ranges. 1: there are *ret_n, more than that. */
static int read_ranges(const struct address_space *s, struct iommuctl_range *ranges, uint32_t n,
                       uint32_t *ret_n, uint64_t *ret_alignment)
{
        struct uapi_iommu_ioas_iova_ranges q = {
                .size = sizeof(q),
                .ioas_id = s->ioas_id,
                .num_iovas = n,
                .allowed_iovas = (uint64_t)(uintptr_t)ranges,
        };
        int r;

        _Static_assert(sizeof(struct iommuctl_range) == sizeof(struct uapi_iommu_iova_range),
                       "the kernel writes our ranges");
        r = s->k->ops->ioctl(s->k, s->fd, UAPI_IOMMU_IOAS_IOVA_RANGES, &q);
        *ret_n = q.num_iovas;
        *ret_alignment = q.out_iova_alignment;
        if (r == -EMSGSIZE || (r >= 0 && q.num_iovas > n))
                return 1;
        return r;
}

static int ioas_read_facts(const struct address_space *s, struct space_facts *ret_facts)
{
        uint32_t room = RANGES_FIRST;

        for (int i = 0; i < RANGES_TRIES; i++) {
                _cleanup_free_ struct iommuctl_range *ranges = calloc(room, sizeof(*ranges));
                uint64_t alignment;
                uint32_t n;
                int r;

                if (!ranges)
                        return -ENOMEM;
                r = read_ranges(s, ranges, room, &n, &alignment);
                if (r < 0)
                        return r;
                if (r == 0) {
                        *ret_facts = (struct space_facts){
                                .ranges = TAKE_PTR(ranges),
                                .n_ranges = n,
                                /* All it says about pages is the alignment of the smallest; 1 where no
                                 * device has brought a page table yet. */
                                .page_sizes = alignment == 1 || alignment & (alignment - 1) ? 0 : alignment,
                        };
                        return 0;
                }
                if (n > RANGES_MAX)
                        return -EPROTO;
                room = MAX(n, room);
        }
        return -EPROTO;
}

const struct backend backend_iommufd = {
        .id = IOMMUCTL_BACKEND_IOMMUFD,
        .map = ioas_map,
        .unmap = ioas_unmap,
        .unmap_range = ioas_unmap_range,
        .map_file = ioas_map_file,
        .copy = ioas_copy,
        .read_facts = ioas_read_facts,
};
