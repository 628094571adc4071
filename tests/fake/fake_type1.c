/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* type1's calls: VFIO_IOMMU_GET_INFO, MAP_DMA, UNMAP_DMA; DIRTY_PAGES is in fake_dirty.c
 * (drivers/vfio/vfio_iommu_type1.c). */
#include <errno.h>

#include "fake_vfio.h"

static uint64_t smallest_page(const struct fake *m)
{
        return m->options.page_sizes & -m->options.page_sizes;
}

/* Linux 6.19 reckons with last addresses; before, with ends, and the end of the last page is 0. */
static bool reckons_with_last(const struct fake *m)
{
        return fake_kernel_is(m, 6, 19);
}

/* vfio_find_dma(), which before 6.19 never finds a mapping that ends with the last page. */
static struct fake_mapping *find(struct fake *m, struct fake_container *c, uint64_t first, uint64_t last)
{
        struct fake_mapping *hit = fake_space_find(&c->space, first, last);

        return hit && !reckons_with_last(m) && (last == UINT64_MAX || hit->iova + hit->size == 0) ? NULL
                                                                                                  : hit;
}

static bool has_mdev(struct fake *m, const struct fake_container *c)
{
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (d->group && d->group->container == c && streq(d->bus, "mdev"))
                        return true;
        return false;
}

bool fake_type1_updates_vaddr(struct fake *m, const struct fake_container *c)
{
        return c->set && fake_kernel_is(m, 5, 12) && !has_mdev(m, c);
}

static int set_vaddr(struct fake_mapping *hit, const struct vfio_iommu_type1_dma_map *a)
{
        if (!hit)
                return -ENOENT;
        if (!hit->vaddr_gone || hit->iova != a->iova || hit->size != a->size)
                return -EINVAL;
        hit->vaddr = a->vaddr;
        hit->vaddr_gone = false;
        return 0;
}

/* All or none: where one was let go of already it is none, and those before are back. */
static int let_go(struct fake_space *s, uint64_t first, uint64_t last, uint64_t *ret_bytes)
{
        struct fake_mapping *hit;

        *ret_bytes = 0;
        for (hit = s->mappings; hit; hit = hit->next)
                if (hit->iova >= first && hit->iova <= last && hit->vaddr_gone)
                        return -EINVAL;
        for (hit = s->mappings; hit; hit = hit->next)
                if (hit->iova >= first && hit->iova <= last) {
                        hit->vaddr_gone = true;
                        *ret_bytes += hit->size;
                }
        return 0;
}

/* vfio_dma_do_map(), test by test in its order. */
static int map_dma(struct fake *m, struct fake_container *c, const struct vfio_iommu_type1_dma_map *a)
{
        struct fake_range ranges[FAKE_MAX_RANGES];
        unsigned int n;
        int r;

        if (a->argsz < sizeof(*a) ||
            a->flags & ~(__u32)(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE | VFIO_DMA_MAP_FLAG_VADDR))
                return -EINVAL;
        if (!a->flags || (a->flags & VFIO_DMA_MAP_FLAG_VADDR && a->flags != VFIO_DMA_MAP_FLAG_VADDR))
                return -EINVAL;
        if (!a->size || (a->size | a->iova | a->vaddr) & (smallest_page(m) - 1))
                return -EINVAL;
        if (a->iova + a->size - 1 < a->iova || a->vaddr + a->size - 1 < a->vaddr)
                return reckons_with_last(m) ? -EOVERFLOW : -EINVAL;
        if (a->flags & VFIO_DMA_MAP_FLAG_VADDR)
                return set_vaddr(find(m, c, a->iova, a->iova + a->size - 1), a);
        if (find(m, c, a->iova, a->iova + a->size - 1))
                return -EEXIST;
        if (c->space.n_mappings >= m->options.dma_entry_limit)
                return -ENOSPC;
        n = fake_container_ranges(m, c, ranges);
        if (!fake_ranges_hold(ranges, n, a->iova, a->iova + a->size - 1))
                return -EINVAL;
        r = fake_space_insert(m, &c->space, a->iova, a->vaddr, a->size, a->flags & VFIO_DMA_MAP_FLAG_READ,
                              a->flags & VFIO_DMA_MAP_FLAG_WRITE);
        if (r == 0 && c->tracking)
                fake_dirty_track(fake_space_find(&c->space, a->iova, a->iova));
        return r;
}

/* v2: the range must not cut a mapping in two; v1: from the first mapping that begins inside. Always says how
 * much came off: 0 and no error where nothing was there. */
static int unmap_dma(struct fake *m, struct fake_container *c, struct vfio_iommu_type1_dma_unmap *a)
{
        bool all = a->flags & VFIO_DMA_UNMAP_FLAG_ALL, tell = a->flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
        const struct vfio_bitmap *bitmap = (const void *)a->data;
        uint64_t size = a->size, first = a->iova, last, unmapped = 0;
        struct fake_mapping *hit;
        bool vaddr = a->flags & VFIO_DMA_UNMAP_FLAG_VADDR;

        if (a->argsz < offsetof(struct vfio_iommu_type1_dma_unmap, data) ||
            a->flags & ~(__u32)(VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
                                VFIO_DMA_UNMAP_FLAG_VADDR))
                return -EINVAL;
        if (tell) {
                int r;

                if (all || vaddr ||
                    a->argsz < offsetof(struct vfio_iommu_type1_dma_unmap, data) + sizeof(*bitmap))
                        return -EINVAL;
                r = fake_type1_check_bitmap(bitmap, a->size);
                if (r < 0)
                        return r;
                if (!c->tracking || bitmap->pgsize != smallest_page(m))
                        return -EINVAL;
        }
        if (vaddr && has_mdev(m, c))
                return -EBUSY;
        if (first & (smallest_page(m) - 1))
                return -EINVAL;
        if (all ? first || size : !size || size & (smallest_page(m) - 1))
                return -EINVAL;
        if (!all && first + size - 1 < first)
                return reckons_with_last(m) ? -EOVERFLOW : -EINVAL;
        last = all ? UINT64_MAX - 1 : first + size - 1;
        if (c->v2 && !all) {
                hit = find(m, c, first, first);
                if (hit && hit->iova != first)
                        return -EINVAL;
                hit = find(m, c, last, last);
                if (hit && hit->iova + (hit->size - 1) != last)
                        return -EINVAL;
        }
        if (vaddr)
                return let_go(&c->space, first, last, (uint64_t *)&a->size);
        while ((hit = find(m, c, first, last))) {
                if (!c->v2 && hit->iova < first)
                        break;
                unmapped += hit->size;
                if (tell)
                        fake_type1_tell(m, c, hit, first, (uint64_t *)bitmap->data);
                fake_space_remove(m, &c->space, hit);
        }
        a->size = unmapped;
        return 0;
}

/* A chain of capabilities behind the structure: each knows its id, its version and where the next begins,
 * counted from the structure's start (struct vfio_info_cap_header). */
struct chain {
        uint8_t data[4096];
        uint32_t size, last;
};

static void *chain_add(struct chain *c, uint16_t id, uint32_t size)
{
        struct vfio_info_cap_header *h = (struct vfio_info_cap_header *)(c->data + c->size);

        if (c->size)
                ((struct vfio_info_cap_header *)(c->data + c->last))->next =
                        (__u32)sizeof(struct vfio_iommu_type1_info) + c->size;
        c->last = c->size;
        memset(h, 0, size);
        h->id = id;
        h->version = 1;
        c->size += (size + 7) & ~7u;
        return h;
}

/* vfio_iommu_type1_get_info(): migration, dma_avail, iova_range, in this order. Where argsz is too small for
 * the chain only argsz is raised. */
static int get_info(struct fake *m, struct fake_container *c, struct vfio_iommu_type1_info *arg)
{
        struct vfio_iommu_type1_info_cap_iova_range *iova;
        struct vfio_iommu_type1_info_cap_migration *migration;
        struct vfio_iommu_type1_info_dma_avail *avail;
        struct vfio_iommu_type1_info info = { .flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
                                              .iova_pgsizes = m->options.page_sizes };
        struct fake_range ranges[FAKE_MAX_RANGES];
        struct chain chain = { .size = 0 };
        uint32_t argsz = arg->argsz;
        unsigned int n;

        if (argsz < offsetof(struct vfio_iommu_type1_info, cap_offset))
                return -EINVAL;
        if (fake_kernel_is(m, 5, 8)) {
                migration = chain_add(&chain, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, sizeof(*migration));
                migration->pgsize_bitmap = smallest_page(m);
                migration->max_dirty_bitmap_size = FAKE_DIRTY_BITMAP_MAX;
        }
        avail = chain_add(&chain, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, sizeof(*avail));
        avail->avail = m->options.dma_entry_limit - c->space.n_mappings;
        n = fake_container_ranges(m, c, ranges);
        iova = chain_add(&chain, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
                         (uint32_t)(sizeof(*iova) + n * sizeof(iova->iova_ranges[0])));
        iova->nr_iovas = n;
        for (unsigned int i = 0; i < n; i++) {
                iova->iova_ranges[i].start = ranges[i].start;
                iova->iova_ranges[i].end = ranges[i].last;
        }
        info.argsz = argsz;
        if (argsz < sizeof(info) + chain.size) {
                info.argsz = (__u32)sizeof(info) + chain.size;
        } else {
                memcpy(arg + 1, chain.data, chain.size);
                info.cap_offset = sizeof(info);
        }
        memcpy(arg, &info, MIN(argsz, (uint32_t)sizeof(info)));
        return 0;
}

int fake_type1_ioctl(struct fake *m, struct fake_container *c, unsigned long request, void *arg)
{
        switch (request) {
        case VFIO_IOMMU_GET_INFO:
                return get_info(m, c, arg);
        case VFIO_IOMMU_MAP_DMA:
                return map_dma(m, c, arg);
        case VFIO_IOMMU_UNMAP_DMA:
                return unmap_dma(m, c, arg);
        case VFIO_IOMMU_DIRTY_PAGES:
                return fake_kernel_is(m, 5, 8) ? fake_type1_dirty_pages(m, c, arg) : -ENOTTY;
        default:
                return -ENOTTY;
        }
}
