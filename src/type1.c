/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "type1.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend.h"
#include "iommuctl/dma.h"
#include "util/cleanup.h"
#include "util/macro.h"
#include "vfio_caps.h"

/* The argument of a call that takes a number, not a pointer. */
static void *number(unsigned long value)
{
        return (void *)value;
}

int type1_open_container(struct kernel *k, int root_fd)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k,
                                                     k->ops->openat(k, root_fd, "dev/vfio/vfio", O_RDWR, 0));

        if (fd.fd < 0)
                return fd.fd;
        if (k->ops->ioctl(k, fd.fd, VFIO_GET_API_VERSION, NULL) != VFIO_API_VERSION)
                return -EOPNOTSUPP;
        if (k->ops->ioctl(k, fd.fd, VFIO_CHECK_EXTENSION, number(VFIO_TYPE1v2_IOMMU)) <= 0)
                return -EOPNOTSUPP;
        return scoped_fd_take(&fd);
}

int type1_open_group(struct kernel *k, int root_fd, unsigned int id)
{
        char path[64];

        snprintf(path, sizeof(path), "dev/vfio/%u", id);
        return k->ops->openat(k, root_fd, path, O_RDWR, 0);
}

int type1_group_viable(struct kernel *k, int group_fd)
{
        struct vfio_group_status status = { .argsz = sizeof(status) };
        int r;

        r = k->ops->ioctl(k, group_fd, VFIO_GROUP_GET_STATUS, &status);
        return r < 0 ? r : !!(status.flags & VFIO_GROUP_FLAGS_VIABLE);
}

int type1_join(struct kernel *k, int group_fd, int container_fd)
{
        int fd = container_fd;

        return k->ops->ioctl(k, group_fd, VFIO_GROUP_SET_CONTAINER, &fd);
}

int type1_set_iommu(struct kernel *k, int container_fd)
{
        return k->ops->ioctl(k, container_fd, VFIO_SET_IOMMU, number(VFIO_TYPE1v2_IOMMU));
}

int type1_open_device(struct kernel *k, int group_fd, const char *name)
{
        return k->ops->ioctl(k, group_fd, VFIO_GROUP_GET_DEVICE_FD, (void *)name);
}

static int type1_map(const struct address_space *s, uint64_t vaddr, uint64_t iova, uint64_t size,
                     unsigned int access)
{
        struct vfio_iommu_type1_dma_map map = {
                .argsz = sizeof(map),
                .flags = (access & IOMMUCTL_ACCESS_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
                         (access & IOMMUCTL_ACCESS_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0),
                .vaddr = vaddr,
                .iova = iova,
                .size = size,
        };

        return s->k->ops->ioctl(s->k, s->fd, VFIO_IOMMU_MAP_DMA, &map);
}

/* Where the last device of the last group is removed, the kernel takes the group out of the container by
 * itself, and with it go all mappings (vfio_device_remove_group()). Nothing answers in a container without
 * groups. */
static bool is_abandoned(const struct address_space *s)
{
        struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

        return s->k->ops->ioctl(s->k, s->fd, VFIO_IOMMU_GET_INFO, &info) == -EINVAL;
}

static int type1_unmap(const struct address_space *s, uint64_t iova, uint64_t size)
{
        struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = iova, .size = size };
        int r;

        /* v2 takes whole mappings only, answers EINVAL where the range cuts one, and succeeds with a size of
         * 0 where there is none. */
        r = s->k->ops->ioctl(s->k, s->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
        if (r == -EINVAL && is_abandoned(s))
                return 0;
        if (r < 0)
                return r;
        return unmap.size == 0 ? -ENOENT : 0;
}

static int type1_read_facts(const struct address_space *s, struct space_facts *ret_facts)
{
        struct vfio_iommu_type1_info fixed = { 0 };
        struct vfio_iommu_facts facts;
        struct vfio_info info;
        int r;

        r = vfio_info_get(s->k, s->fd, VFIO_IOMMU_GET_INFO, &fixed, sizeof(fixed), &info);
        if (r < 0)
                return r;
        r = vfio_iommu_facts_parse(&info, &facts);
        free(info.data);
        if (r < 0)
                return r;
        if (!facts.has_ranges) {
                /* Before Linux 5.4, and in a container of mediated devices only: nothing is said, and nothing
                 * is known to be forbidden. */
                facts.ranges = calloc(1, sizeof(facts.ranges[0]));
                if (!facts.ranges)
                        return -ENOMEM;
                facts.ranges[0].last = UINT64_MAX;
                facts.n_ranges = 1;
        }
        *ret_facts = (struct space_facts){
                .ranges = facts.ranges,
                .n_ranges = facts.n_ranges,
                .page_sizes = facts.page_sizes,
                .has_available = facts.has_available,
                .available = facts.available,
        };
        return 0;
}

const struct backend backend_type1 = {
        .id = IOMMUCTL_BACKEND_TYPE1,
        .map = type1_map,
        .unmap = type1_unmap,
        .read_facts = type1_read_facts,
};
