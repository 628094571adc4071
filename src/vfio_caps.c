/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio_caps.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "util/cleanup.h"
#include "util/macro.h"

/* Ranges, sparse areas and the like are a few dozen bytes each; no driver hands back near this much. */
#define INFO_MAX (1u << 20)
/* The size can grow between two calls, when a device joins meanwhile; not for ever. */
#define INFO_TRIES 8

int vfio_info_get(struct kernel *k, int fd, unsigned long request, const void *fixed_data, size_t fixed,
                  struct vfio_info *ret_info)
{
        size_t size = fixed;

        for (int i = 0; i < INFO_TRIES; i++) {
                _cleanup_free_ unsigned char *data = calloc(1, size);
                uint32_t argsz = (uint32_t)size;
                int r;

                if (!data)
                        return -ENOMEM;
                memcpy(data, fixed_data, fixed);
                memcpy(data, &argsz, sizeof(argsz));
                r = k->ops->ioctl(k, fd, request, data);
                if (r < 0)
                        return r;
                memcpy(&argsz, data, sizeof(argsz));
                if (argsz <= size) {
                        *ret_info = (struct vfio_info){ TAKE_PTR(data), size };
                        return 0;
                }
                if (argsz > INFO_MAX)
                        return -EPROTO;
                size = argsz;
        }
        return -EPROTO;
}

const void *vfio_cap_find(const struct vfio_info *info, uint32_t offset, uint16_t id, size_t min_size,
                          size_t *ret_size)
{
        struct vfio_info_cap_header header;
        /* Each capability takes at least its header: a chain with more steps goes in a circle. */
        size_t steps = info->size / sizeof(header);

        while (offset != 0 && steps-- > 0) {
                if (offset > info->size || info->size - offset < sizeof(header))
                        return NULL;
                memcpy(&header, info->data + offset, sizeof(header));
                if (header.id == id) {
                        if (info->size - offset < min_size)
                                return NULL;
                        *ret_size = info->size - offset;
                        return info->data + offset;
                }
                offset = header.next;
        }
        return NULL;
}

/* Where the capability at OFFSET ends: at the nearest one of the chain behind it, which need not be the next
 * in the chain's order. */
static size_t cap_end(const struct vfio_info *info, uint32_t first, size_t offset)
{
        struct vfio_info_cap_header header;
        size_t steps = info->size / sizeof(header), end = info->size;

        while (first != 0 && steps-- > 0) {
                if (first > info->size || info->size - first < sizeof(header))
                        break;
                if (first > offset)
                        end = MIN(end, (size_t)first);
                memcpy(&header, info->data + first, sizeof(header));
                first = header.next;
        }
        return end;
}

int vfio_cap_copy(const struct vfio_info *info, uint32_t offset, uint16_t id, void **ret_data,
                  size_t *ret_size)
{
        const unsigned char *cap;
        size_t size;
        void *copy;

        cap = vfio_cap_find(info, offset, id, sizeof(struct vfio_info_cap_header), &size);
        if (!cap)
                return -ENODATA;
        size = cap_end(info, offset, (size_t)(cap - info->data)) - (size_t)(cap - info->data);
        /* A neighbour that begins inside of this one's header: the chain is broken. */
        if (size < sizeof(struct vfio_info_cap_header))
                return -ENODATA;
        copy = malloc(size);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, cap, size);
        *ret_data = copy;
        *ret_size = size;
        return 0;
}

uint32_t vfio_iommu_cap_offset(const struct vfio_info *info)
{
        struct vfio_iommu_type1_info fixed = { 0 };

        memcpy(&fixed, info->data, MIN(info->size, sizeof(fixed)));
        return fixed.flags & VFIO_IOMMU_INFO_CAPS ? fixed.cap_offset : 0;
}

uint32_t vfio_device_cap_offset(const struct vfio_info *info)
{
        struct vfio_device_info fixed = { 0 };

        memcpy(&fixed, info->data, MIN(info->size, sizeof(fixed)));
        return fixed.flags & VFIO_DEVICE_FLAGS_CAPS ? fixed.cap_offset : 0;
}

/* N pairs of 64-bit numbers, cut to what is really there. */
static int copy_pairs(const unsigned char *from, size_t room, size_t n, bool second_is_size,
                      struct iommuctl_range **ret_ranges, size_t *ret_n)
{
        struct iommuctl_range *ranges;
        size_t kept = 0;

        n = MIN(n, room / (2 * sizeof(uint64_t)));
        ranges = calloc(n ?: 1, sizeof(*ranges));
        if (!ranges)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                uint64_t pair[2];

                memcpy(pair, from + i * sizeof(pair), sizeof(pair));
                if (second_is_size &&
                    (pair[1] == 0 || __builtin_add_overflow(pair[0], pair[1] - 1, &pair[1])))
                        continue;
                if (pair[0] > pair[1])
                        continue;
                ranges[kept++] = (struct iommuctl_range){ pair[0], pair[1] };
        }
        *ret_ranges = ranges;
        *ret_n = kept;
        return 0;
}

int vfio_iommu_facts_parse(const struct vfio_info *info, struct vfio_iommu_facts *ret_facts)
{
        struct vfio_iommu_type1_info fixed = { 0 };
        struct vfio_iommu_facts facts = { 0 };
        const unsigned char *cap;
        uint32_t offset;
        size_t size;

        memcpy(&fixed, info->data, MIN(info->size, sizeof(fixed)));
        if (fixed.flags & VFIO_IOMMU_INFO_PGSIZES)
                facts.page_sizes = fixed.iova_pgsizes;
        offset = vfio_iommu_cap_offset(info);

        cap = vfio_cap_find(info, offset, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
                            sizeof(struct vfio_iommu_type1_info_dma_avail), &size);
        if (cap) {
                memcpy(&facts.available, cap + offsetof(struct vfio_iommu_type1_info_dma_avail, avail),
                       sizeof(facts.available));
                facts.has_available = true;
        }

        cap = vfio_cap_find(info, offset, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
                            sizeof(struct vfio_iommu_type1_info_cap_migration), &size);
        if (cap) {
                struct vfio_iommu_type1_info_cap_migration migration;

                memcpy(&migration, cap, sizeof(migration));
                facts.has_migration = true;
                facts.dirty_page_sizes = migration.pgsize_bitmap;
                facts.dirty_bitmap_max = migration.max_dirty_bitmap_size;
        }

        cap = vfio_cap_find(info, offset, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
                            sizeof(struct vfio_iommu_type1_info_cap_iova_range), &size);
        if (cap) {
                const size_t begin = offsetof(struct vfio_iommu_type1_info_cap_iova_range, iova_ranges);
                uint32_t n;
                int r;

                memcpy(&n, cap + offsetof(struct vfio_iommu_type1_info_cap_iova_range, nr_iovas), sizeof(n));
                r = copy_pairs(cap + begin, size - begin, n, false, &facts.ranges, &facts.n_ranges);
                if (r < 0)
                        return r;
                facts.has_ranges = true;
        }
        *ret_facts = facts;
        return 0;
}

static int compare_areas(const void *a, const void *b)
{
        const struct iommuctl_range *x = a, *y = b;

        return x->start < y->start ? -1 : x->start > y->start;
}

/* Cuts the areas to the region and sorts them. */
static void clip_areas(struct vfio_region_facts *facts)
{
        size_t kept = 0;

        for (size_t i = 0; i < facts->n_areas; i++) {
                struct iommuctl_range a = facts->areas[i];

                if (a.start >= facts->size)
                        continue;
                a.last = MIN(a.last, facts->size - 1);
                facts->areas[kept++] = a;
        }
        facts->n_areas = kept;
        qsort(facts->areas, kept, sizeof(facts->areas[0]), compare_areas);
}

static int parse_areas(const struct vfio_info *info, uint32_t cap_offset, struct vfio_region_facts *facts)
{
        const size_t begin = offsetof(struct vfio_region_info_cap_sparse_mmap, areas);
        const unsigned char *cap;
        size_t size;
        uint32_t n;
        int r;

        if (!(facts->flags & VFIO_REGION_INFO_FLAG_MMAP) || facts->size == 0)
                return 0;
        cap = vfio_cap_find(info, cap_offset, VFIO_REGION_INFO_CAP_SPARSE_MMAP, begin, &size);
        if (!cap) {
                facts->areas = calloc(1, sizeof(facts->areas[0]));
                if (!facts->areas)
                        return -ENOMEM;
                facts->areas[0].last = facts->size - 1;
                facts->n_areas = 1;
                return 0;
        }
        memcpy(&n, cap + offsetof(struct vfio_region_info_cap_sparse_mmap, nr_areas), sizeof(n));
        r = copy_pairs(cap + begin, size - begin, n, true, &facts->areas, &facts->n_areas);
        if (r < 0)
                return r;
        clip_areas(facts);
        return 0;
}

static void parse_type(const struct vfio_info *info, uint32_t cap_offset, struct vfio_region_facts *facts)
{
        struct vfio_region_info_cap_type type;
        const void *cap;
        size_t size;

        cap = vfio_cap_find(info, cap_offset, VFIO_REGION_INFO_CAP_TYPE, sizeof(type), &size);
        if (!cap)
                return;
        memcpy(&type, cap, sizeof(type));
        facts->has_type = true;
        facts->type = type.type;
        facts->subtype = type.subtype;
}

int vfio_region_facts_parse(const struct vfio_info *info, struct vfio_region_facts *ret_facts)
{
        struct vfio_region_info fixed = { 0 };
        struct vfio_region_facts facts = { 0 };
        uint64_t end;
        int r;

        if (info->size < sizeof(fixed))
                return -EPROTO;
        memcpy(&fixed, info->data, sizeof(fixed));
        facts.size = fixed.size;
        facts.offset = fixed.offset;
        facts.flags = fixed.flags;
        /* off_t has a sign. */
        if (__builtin_add_overflow(fixed.offset, fixed.size, &end) || end > INT64_MAX)
                return -EPROTO;
        if (!(fixed.flags & VFIO_REGION_INFO_FLAG_CAPS))
                fixed.cap_offset = 0;
        parse_type(info, fixed.cap_offset, &facts);
        r = parse_areas(info, fixed.cap_offset, &facts);
        if (r < 0)
                return r;
        *ret_facts = facts;
        return 0;
}
