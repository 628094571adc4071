/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mapping a region into the process: which parts can be, and where, so that the processor's large pages fit.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "region.h"

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

/* Whether [START, END) holds a whole aligned block of this size. */
static bool holds_block(uint64_t start, uint64_t end, uint64_t block)
{
        uint64_t first = (start + block - 1) & ~(block - 1);

        return first >= start && first < end && end - first >= block;
}

/* The largest page of the processor that fits into [START, END) of a region: a page table's worth of small
 * pages, or of those in turn (2 MiB and 1 GiB where pages have 4 KiB); the small page where none does. */
static uint64_t block_size(uint64_t start, uint64_t end)
{
        const uint64_t page = (uint64_t)getpagesize(), entries = page / sizeof(uint64_t);

        if (holds_block(start, end, page * entries * entries))
                return page * entries * entries;
        return holds_block(start, end, page * entries) ? page * entries : page;
}

/* A BAR is as aligned as it is large, so an address that is congruent to the offset in it is congruent to the
 * physical one too, and the kernel can use large pages (vfio_pci_mmap_huge_fault(), Linux 6.12). The address
 * space is reserved, with room to move, and mapped over; what is not needed is given back. */
static int map_congruent(const struct iommuctl_region *region, uint64_t start, uint64_t length,
                         uint64_t block, int prot, void **ret_map)
{
        struct kernel *k = region_kernel(region);
        uintptr_t area, at;
        void *map;
        int r;

        r = k->ops->mmap(k, NULL, length + block, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                         0, &map);
        if (r < 0)
                return r;
        area = (uintptr_t)map;
        at = area + ((start - area) & (block - 1));
        r = k->ops->mmap(k, (void *)at, length, prot, MAP_SHARED | MAP_FIXED, region->device->fd,
                         region->facts.offset + start, &map);
        if (r < 0) {
                k->ops->munmap(k, (void *)area, length + block);
                return r;
        }
        if (at > area)
                k->ops->munmap(k, (void *)area, at - area);
        k->ops->munmap(k, (void *)(at + length), area + block - at);
        *ret_map = map;
        return 0;
}

int region_prot(const struct iommuctl_region *region)
{
        return (region->facts.flags & VFIO_REGION_INFO_FLAG_READ ? PROT_READ : 0) |
               (region->facts.flags & VFIO_REGION_INFO_FLAG_WRITE ? PROT_WRITE : 0);
}

/* With the region's lock. */
static int map_locked(struct iommuctl_region *region, uint64_t start, struct region_map *map)
{
        const uint64_t block = block_size(start, start + map->length);
        struct kernel *k = region_kernel(region);
        int r = -ENOMEM;

        if (device_let_go(region->device))
                return -ENODEV;
        if (block > (uint64_t)getpagesize())
                r = map_congruent(region, start, map->length, block, region_prot(region), &map->start);
        if (r == -ENOMEM) /* also where address space is limited: small pages do */
                r = k->ops->mmap(k, NULL, map->length, region_prot(region), MAP_SHARED, region->device->fd,
                                 region->facts.offset + start, &map->start);
        if (r >= 0 && region->guarded) {
                r = region_guard_map(region, map);
                if (r < 0)
                        k->ops->munmap(k, map->start, map->length);
        }
        return r;
}

/* Maps whole pages from START to END of the descriptor's region, and keeps them for region_free. */
static int map_pages(struct iommuctl_region *region, uint64_t start, uint64_t end, void **ret_start)
{
        struct region_map *map = calloc(1, sizeof(*map));
        int r;

        if (!map)
                return -ENOMEM;
        map->length = end - start;
        pthread_mutex_lock(&region->lock);
        r = map_locked(region, start, map);
        if (r >= 0) {
                map->next = region->maps;
                region->maps = map;
                *ret_start = map->start;
        }
        pthread_mutex_unlock(&region->lock);
        if (r < 0)
                free(map);
        return r < 0 ? r : 0;
}

_public_ int iommuctl_region_map(struct iommuctl_region *region, uint64_t offset, uint64_t size,
                                 void **ret_map)
{
        const uint64_t page = (uint64_t)getpagesize();
        const struct iommuctl_range *area;
        uint64_t start, end;
        void *map;
        int r;

        r = region_check_inside(region, offset, size ?: 1);
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
        if (r == -ENODEV && device_let_go(region->device))
                return device_check_here(region->device);
        if (r < 0)
                return ctx_error(region_ctx(region), r, region->device->name,
                                 "region %u of %s cannot be mapped: %s", region->index, region->device->name,
                                 strerror(-r));
        *ret_map = (char *)map + (offset - start);
        return 0;
}
