/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "noiommu.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>

#include "backend.h"

int noiommu_open_container(struct kernel *k, int root_fd)
{
        void *type = (void *)(unsigned long)VFIO_NOIOMMU_IOMMU;
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k,
                                                     k->ops->openat(k, root_fd, "dev/vfio/vfio", O_RDWR, 0));

        if (fd.fd < 0)
                return fd.fd;
        if (k->ops->ioctl(k, fd.fd, VFIO_GET_API_VERSION, NULL) != VFIO_API_VERSION ||
            k->ops->ioctl(k, fd.fd, VFIO_CHECK_EXTENSION, type) <= 0)
                return -EOPNOTSUPP;
        return scoped_fd_take(&fd);
}

int noiommu_open_group(struct kernel *k, int root_fd, unsigned int id)
{
        char path[64];

        snprintf(path, sizeof(path), "dev/vfio/noiommu-%u", id);
        return k->ops->openat(k, root_fd, path, O_RDWR, 0);
}

int noiommu_set_iommu(struct kernel *k, int container_fd)
{
        return k->ops->ioctl(k, container_fd, VFIO_SET_IOMMU, (void *)(unsigned long)VFIO_NOIOMMU_IOMMU);
}

/* The container never gets an address space, so nobody comes here; and if, nothing happens. */

static int noiommu_map(const struct address_space *s, uint64_t vaddr, uint64_t iova, uint64_t size,
                       unsigned int access)
{
        (void)s, (void)vaddr, (void)iova, (void)size, (void)access;
        return -EOPNOTSUPP;
}

static int noiommu_unmap(const struct address_space *s, uint64_t iova, uint64_t size)
{
        (void)s, (void)iova, (void)size;
        return -EOPNOTSUPP;
}

static int noiommu_unmap_range(const struct address_space *s, uint64_t start, uint64_t last,
                               uint64_t *ret_bytes)
{
        (void)s, (void)start, (void)last, (void)ret_bytes;
        return -EOPNOTSUPP;
}

static int noiommu_read_facts(const struct address_space *s, struct space_facts *ret_facts)
{
        (void)s;
        *ret_facts = (struct space_facts){ .n_ranges = 0 };
        return 0;
}

const struct backend backend_noiommu = {
        .id = IOMMUCTL_BACKEND_NOIOMMU,
        .map = noiommu_map,
        .unmap = noiommu_unmap,
        .unmap_range = noiommu_unmap_range,
        .read_facts = noiommu_read_facts,
};
