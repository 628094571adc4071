/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "type1.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

/* What POWER machines have in the place of type1 (drivers/vfio/vfio_iommu_spapr_tce.c). */
static bool has_spapr(struct kernel *k, int fd)
{
        return k->ops->ioctl(k, fd, VFIO_CHECK_EXTENSION, number(VFIO_SPAPR_TCE_v2_IOMMU)) > 0 ||
               k->ops->ioctl(k, fd, VFIO_CHECK_EXTENSION, number(VFIO_SPAPR_TCE_IOMMU)) > 0;
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
                return has_spapr(k, fd.fd) ? -EPROTONOSUPPORT : -EOPNOTSUPP;
        return scoped_fd_take(&fd);
}

int type1_open_group(struct kernel *k, int root_fd, unsigned int id)
{
        char path[64];

        snprintf(path, sizeof(path), "dev/vfio/%u", id);
        return k->ops->openat(k, root_fd, path, O_RDWR, 0);
}

int type1_group_status(struct kernel *k, int group_fd)
{
        struct vfio_group_status status = { .argsz = sizeof(status) };
        int r;

        r = k->ops->ioctl(k, group_fd, VFIO_GROUP_GET_STATUS, &status);
        return r < 0 ? r : (int)(status.flags & (VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET));
}

int type1_has_space(struct kernel *k, int container_fd)
{
        struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
        int r;

        r = k->ops->ioctl(k, container_fd, VFIO_CHECK_EXTENSION, number(VFIO_TYPE1v2_IOMMU));
        if (r <= 0)
                return r < 0 ? r : -EOPNOTSUPP;
        /* A container without a driver answers no other call (drivers/vfio/container.c). */
        r = k->ops->ioctl(k, container_fd, VFIO_IOMMU_GET_INFO, &info);
        return r == -EINVAL ? 0 : r < 0 ? r : 1;
}

int type1_join(struct kernel *k, int group_fd, int container_fd)
{
        int fd = container_fd;

        return k->ops->ioctl(k, group_fd, VFIO_GROUP_SET_CONTAINER, &fd);
}

int type1_leave(struct kernel *k, int group_fd)
{
        return k->ops->ioctl(k, group_fd, VFIO_GROUP_UNSET_CONTAINER, NULL);
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

static int type1_unmap(const struct address_space *s, uint64_t iova, uint64_t size)
{
        struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = iova, .size = size };
        int r;

        /* v2 takes whole mappings only, answers EINVAL where the range cuts one, and succeeds with a size of
         * 0 where there is none. */
        r = s->k->ops->ioctl(s->k, s->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
        if (r < 0)
                return r;
        return unmap.size == 0 ? -ENOENT : 0;
}

/* A call, for after the last page of all, which changes nothing: kernels whose arithmetic holds up to 2^64 -
 * 1 (Linux 6.19) answer EOVERFLOW. Those before do map the last page, and then never find the mapping again
 * (vfio_find_dma: start >= iova + size, which is 0), so it could not be unmapped. */
static bool holds_the_last_page(const struct address_space *s, uint64_t page)
{
        struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = -page, .size = 2 * page };

        return s->k->ops->ioctl(s->k, s->fd, VFIO_IOMMU_UNMAP_DMA, &unmap) == -EOVERFLOW;
}

static int type1_unmap_range(const struct address_space *s, uint64_t start, uint64_t last,
                             uint64_t *ret_bytes)
{
        struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = start };
        const uint64_t page = (uint64_t)getpagesize();
        int r;

        if (start != 0 && last == UINT64_MAX && !holds_the_last_page(s, page))
                last -= page;
        *ret_bytes = 0;
        if (start > last)
                return 0;
        unmap.size = last - start + 1;
        if (start == 0 && last == UINT64_MAX) {
                /* VFIO_UNMAP_ALL: Linux 5.12. Without it, all but the last page, which read_facts never
                 * offered there. */
                if (s->k->ops->ioctl(s->k, s->fd, VFIO_CHECK_EXTENSION, number(VFIO_UNMAP_ALL)) > 0)
                        unmap.flags = VFIO_DMA_UNMAP_FLAG_ALL;
                else
                        unmap.size = -page;
        }
        r = s->k->ops->ioctl(s->k, s->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
        if (r < 0)
                return r;
        *ret_bytes = unmap.size;
        return 0;
}

/* Takes the last page out of the ranges where the kernel cannot unmap it. */
static void cut_the_last_page(const struct address_space *s, struct vfio_iommu_facts *facts)
{
        const uint64_t page = (uint64_t)getpagesize();

        for (size_t i = 0; i < facts->n_ranges; i++)
                if (facts->ranges[i].last == UINT64_MAX && !holds_the_last_page(s, page))
                        facts->ranges[i].last -= page;
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
        cut_the_last_page(s, &facts);
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
        .unmap_range = type1_unmap_range,
        .read_facts = type1_read_facts,
};
