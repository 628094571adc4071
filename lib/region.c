/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/region.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "region_dmabuf.h"
#include "vfio_caps.h"

struct region_map {
        struct region_map *next;
        void *start;
        size_t length;
};

struct iommuctl_region {
        struct iommuctl_device *device;
        unsigned int index;
        struct vfio_region_facts facts;
        pthread_mutex_t lock; /* over maps */
        struct region_map *maps;
};

static struct kernel *region_kernel(const struct iommuctl_region *region)
{
        return container_kernel(region->device->container);
}

static struct iommuctl_ctx *region_ctx(const struct iommuctl_region *region)
{
        return region->device->container->ctx;
}

static int read_info(struct iommuctl_device *d, unsigned int index, struct vfio_region_facts *ret_facts)
{
        struct vfio_region_info fixed = { .index = index };
        struct kernel *k = container_kernel(d->container);
        struct iommuctl_ctx *ctx = d->container->ctx;
        struct vfio_info info;
        int r;

        r = vfio_info_get(k, d->fd, VFIO_DEVICE_GET_REGION_INFO, &fixed, sizeof(fixed), &info);
        if (r == -EINVAL)
                return ctx_error(ctx, r, d->name, "%s has no region %u", d->name, index);
        if (r >= 0) {
                r = vfio_region_facts_parse(&info, ret_facts);
                free(info.data);
        }
        if (r < 0)
                return ctx_error(ctx, r, d->name, "region %u of %s cannot be read about: %s", index, d->name,
                                 strerror(-r));
        if (ret_facts->size == 0) {
                free(ret_facts->areas);
                return ctx_error(ctx, -ENXIO, d->name, "%s has nothing behind region %u", d->name, index);
        }
        return 0;
}

_public_ int iommuctl_region_open(struct iommuctl_device *device, unsigned int index,
                                  struct iommuctl_region **ret_region)
{
        struct vfio_region_facts facts;
        struct iommuctl_region *region;
        int r;

        if (index >= device->n_regions)
                return ctx_error(device->container->ctx, -EINVAL, device->name,
                                 "%s has %u regions, no number %u", device->name, device->n_regions, index);
        r = read_info(device, index, &facts);
        if (r < 0)
                return r;
        region = calloc(1, sizeof(*region));
        if (!region) {
                free(facts.areas);
                return ctx_error(device->container->ctx, -ENOMEM, device->name, "out of memory");
        }
        region->device = iommuctl_device_ref(device);
        region->index = index;
        region->facts = facts;
        pthread_mutex_init(&region->lock, NULL);
        *ret_region = region;
        return 0;
}

_public_ void iommuctl_region_free(struct iommuctl_region *region)
{
        if (!region)
                return;
        while (region->maps) {
                struct region_map *map = region->maps;

                region->maps = map->next;
                region_kernel(region)->ops->munmap(region_kernel(region), map->start, map->length);
                free(map);
        }
        pthread_mutex_destroy(&region->lock);
        iommuctl_device_unref(region->device);
        free(region->facts.areas);
        free(region);
}

_public_ uint64_t iommuctl_region_size(const struct iommuctl_region *region)
{
        return region->facts.size;
}

_public_ unsigned int iommuctl_region_flags(const struct iommuctl_region *region)
{
        unsigned int flags = 0;

        if (region->facts.flags & VFIO_REGION_INFO_FLAG_READ)
                flags |= IOMMUCTL_REGION_READ;
        if (region->facts.flags & VFIO_REGION_INFO_FLAG_WRITE)
                flags |= IOMMUCTL_REGION_WRITE;
        if (region->facts.n_areas > 0)
                flags |= IOMMUCTL_REGION_MMAP;
        return flags;
}

_public_ uint64_t iommuctl_region_offset(const struct iommuctl_region *region)
{
        return region->facts.offset;
}

static int check_inside(const struct iommuctl_region *region, uint64_t offset, uint64_t size)
{
        if (offset <= region->facts.size && size <= region->facts.size - offset)
                return 0;
        return ctx_error(region_ctx(region), -ERANGE, region->device->name,
                         "0x%" PRIx64 " bytes at 0x%" PRIx64
                         " are not inside region %u of %s, which has 0x%" PRIx64,
                         size, offset, region->index, region->device->name, region->facts.size);
}

/* Checks an access of one DIRECTION (a flag) before any of it is made. */
static int check_access(const struct iommuctl_region *region, unsigned int direction, uint64_t offset,
                        size_t size)
{
        const bool write = direction == IOMMUCTL_REGION_WRITE;

        if (!(iommuctl_region_flags(region) & direction))
                return ctx_error(region_ctx(region), -EACCES, region->device->name,
                                 "region %u of %s cannot be %s", region->index, region->device->name,
                                 write ? "written" : "read");
        return check_inside(region, offset, size);
}

static int io_failed(const struct iommuctl_region *region, ssize_t n)
{
        int r = n < 0 && n != -EINTR ? (int)n : -EIO;

        return ctx_error(region_ctx(region), r, region->device->name, "region %u of %s does not answer: %s",
                         region->index, region->device->name, strerror(-r));
}

_public_ int iommuctl_region_read(struct iommuctl_region *region, uint64_t offset, void *buf, size_t size)
{
        struct kernel *k = region_kernel(region);
        char *at = buf;
        int r;

        r = check_access(region, IOMMUCTL_REGION_READ, offset, size);
        if (r < 0)
                return r;
        while (size > 0) {
                ssize_t n = k->ops->pread(k, region->device->fd, at, size, region->facts.offset + offset);

                if (n <= 0 || (size_t)n > size)
                        return io_failed(region, n);
                at += n;
                offset += (size_t)n;
                size -= (size_t)n;
        }
        return 0;
}

_public_ int iommuctl_region_write(struct iommuctl_region *region, uint64_t offset, const void *buf,
                                   size_t size)
{
        struct kernel *k = region_kernel(region);
        const char *at = buf;
        int r;

        r = check_access(region, IOMMUCTL_REGION_WRITE, offset, size);
        if (r < 0)
                return r;
        while (size > 0) {
                ssize_t n = k->ops->pwrite(k, region->device->fd, at, size, region->facts.offset + offset);

                if (n <= 0 || (size_t)n > size)
                        return io_failed(region, n);
                at += n;
                offset += (size_t)n;
                size -= (size_t)n;
        }
        return 0;
}

_public_ int iommuctl_region_areas(const struct iommuctl_region *region, struct iommuctl_range **ret_areas)
{
        const struct vfio_region_facts *f = &region->facts;
        struct iommuctl_range *areas = calloc(f->n_areas ?: 1, sizeof(*areas));

        if (!areas)
                return ctx_error(region_ctx(region), -ENOMEM, region->device->name, "out of memory");
        if (f->n_areas > 0)
                memcpy(areas, f->areas, f->n_areas * sizeof(*areas));
        *ret_areas = areas;
        return (int)f->n_areas;
}

static const struct iommuctl_range *find_area(const struct iommuctl_region *region, uint64_t offset)
{
        for (size_t i = 0; i < region->facts.n_areas; i++)
                if (offset >= region->facts.areas[i].start && offset <= region->facts.areas[i].last)
                        return &region->facts.areas[i];
        return NULL;
}

static int not_mappable(const struct iommuctl_region *region, uint64_t offset)
{
        char list[300] = "";
        size_t at = 0;

        for (size_t i = 0; i < region->facts.n_areas && at < sizeof(list) - 64; i++)
                at += (size_t)snprintf(list + at, sizeof(list) - at, "%s0x%" PRIx64 "-0x%" PRIx64,
                                       i ? ", " : "", region->facts.areas[i].start,
                                       region->facts.areas[i].last);
        return ctx_error(region_ctx(region), -EOPNOTSUPP, region->device->name,
                         "region %u of %s cannot be mapped at 0x%" PRIx64 "; what can be mapped: %s",
                         region->index, region->device->name, offset, list[0] ? list : "nothing");
}

/* Maps whole pages from START to END of the descriptor's region, and keeps them for region_free. */
static int map_pages(struct iommuctl_region *region, uint64_t start, uint64_t end, void **ret_start)
{
        struct kernel *k = region_kernel(region);
        struct region_map *map = calloc(1, sizeof(*map));
        int prot = 0, r;

        if (!map)
                return -ENOMEM;
        if (region->facts.flags & VFIO_REGION_INFO_FLAG_READ)
                prot |= PROT_READ;
        if (region->facts.flags & VFIO_REGION_INFO_FLAG_WRITE)
                prot |= PROT_WRITE;
        map->length = end - start;
        r = k->ops->mmap(k, NULL, map->length, prot, MAP_SHARED, region->device->fd,
                         region->facts.offset + start, &map->start);
        if (r < 0) {
                free(map);
                return r;
        }
        pthread_mutex_lock(&region->lock);
        map->next = region->maps;
        region->maps = map;
        pthread_mutex_unlock(&region->lock);
        *ret_start = map->start;
        return 0;
}

_public_ int iommuctl_region_map(struct iommuctl_region *region, uint64_t offset, uint64_t size,
                                 void **ret_map)
{
        const uint64_t page = (uint64_t)getpagesize();
        const struct iommuctl_range *area;
        uint64_t start, end;
        void *map;
        int r;

        r = check_inside(region, offset, size ?: 1);
        if (r < 0)
                return r;
        area = find_area(region, offset);
        if (!area)
                return not_mappable(region, offset);
        if (size == 0)
                size = area->last - offset + 1;
        if (size - 1 > area->last - offset)
                return not_mappable(region, area->last + 1);
        /* A BAR smaller than a page has the page to itself where the kernel lets it be mapped. */
        start = offset & ~(page - 1);
        end = (offset + size + page - 1) & ~(page - 1);
        r = map_pages(region, start, end, &map);
        if (r < 0)
                return ctx_error(region_ctx(region), r, region->device->name,
                                 "region %u of %s cannot be mapped: %s", region->index, region->device->name,
                                 strerror(-r));
        *ret_map = (char *)map + (offset - start);
        return 0;
}

struct iommuctl_device *region_device(const struct iommuctl_region *region)
{
        return region->device;
}

unsigned int region_index(const struct iommuctl_region *region)
{
        return region->index;
}
