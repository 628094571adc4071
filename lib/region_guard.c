/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/region_guard.h"

#include <errno.h>
#include <linux/vfio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "region.h"

/* One map replaces so much at a time: few maps for a large BAR, and not much memory. */
#define ONES_MAX ((size_t)2 << 20)

int region_make_ones(struct iommuctl_region *region)
{
        const size_t page = (size_t)getpagesize();
        struct kernel *k = region_kernel(region);
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, -1);
        size_t size = (size_t)MIN((uint64_t)ONES_MAX, region->facts.size);
        void *map;
        int r;

        if (region->ones_fd >= 0)
                return 0;
        size = (size + page - 1) & ~(page - 1);
        fd.fd = k->ops->memfd_create(k, "all ones", 0);
        if (fd.fd < 0)
                return fd.fd;
        r = k->ops->ftruncate(k, fd.fd, size);
        if (r >= 0)
                r = k->ops->mmap(k, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.fd, 0, &map);
        if (r < 0)
                return r;
        memset(map, 0xff, size);
        k->ops->munmap(k, map, size);
        region->ones_size = size;
        region->ones_fd = scoped_fd_take(&fd);
        return 0;
}

struct sigbus_area region_area(struct iommuctl_region *region, const struct region_map *map)
{
        return (struct sigbus_area){
                .k = region_kernel(region),
                .start = map->start,
                .length = map->length,
                .prot = region_prot(region),
                .ones_fd = region->ones_fd,
                .ones_size = region->ones_size,
                .lost = &region->lost,
        };
}

int region_guard_map(struct iommuctl_region *region, struct region_map *map)
{
        struct sigbus_area area = region_area(region, map);

        return map->guard ? 0 : sigbus_guard(&area, &map->guard);
}

_public_ int iommuctl_region_guard(struct iommuctl_region *region)
{
        int r;

        pthread_mutex_lock(&region->lock);
        r = region_make_ones(region);
        for (struct region_map *map = region->maps; map && r >= 0; map = map->next)
                r = region_guard_map(region, map);
        if (r >= 0)
                region->guarded = true;
        pthread_mutex_unlock(&region->lock);
        if (r < 0)
                return ctx_error(region_ctx(region), r, region->device->name,
                                 "region %u of %s cannot be guarded: %s", region->index, region->device->name,
                                 strerror(-r));
        return 0;
}

_public_ bool iommuctl_region_lost(const struct iommuctl_region *region)
{
        return __atomic_load_n(&region->lost, __ATOMIC_ACQUIRE);
}
