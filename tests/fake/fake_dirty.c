/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which pages devices wrote: type1's VFIO_IOMMU_DIRTY_PAGES (drivers/vfio/vfio_iommu_type1.c), and that of
 * iommufd's page tables (drivers/iommu/iommufd/hw_pagetable.c, io_pagetable.c). */
#include <errno.h>
#include <stdlib.h>

#include "fake_vfio.h"

#define PAGE 4096ull

static uint64_t n_pages(const struct fake_mapping *mapping)
{
        return mapping->size / PAGE;
}

void fake_dirty_track(struct fake_mapping *mapping)
{
        if (!mapping->written)
                mapping->written = fake_zalloc((n_pages(mapping) + 63) / 64 * 8);
}

void fake_dirty_untrack(struct fake_mapping *mapping)
{
        free(mapping->written);
        mapping->written = NULL;
}

void fake_dirty_mark(struct fake_mapping *mapping, uint64_t iova, uint64_t size)
{
        if (!mapping->written)
                return;
        for (uint64_t page = (iova - mapping->iova) / PAGE; page <= (iova + size - 1 - mapping->iova) / PAGE;
             page++)
                mapping->written[page / 64] |= 1ull << page % 64;
}

void fake_dirty_track_space(struct fake_space *s, bool on)
{
        for (struct fake_mapping *a = s->mappings; a; a = a->next) {
                if (on)
                        fake_dirty_track(a);
                else
                        fake_dirty_untrack(a);
        }
}

/* A group of anything but mediated devices: its pages are all pinned, and type1 does not know which of them
 * were written (num_non_pinned_groups). */
static bool knows_nothing(struct fake *m, const struct fake_container *c)
{
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (d->group && d->group->container == c && !streq(d->bus, "mdev"))
                        return true;
        return false;
}

/* update_user_bitmap(): what it tells replaces the bits of the pages, up to the end of the word, and of the
 * word where it begins only those before are kept. */
void fake_type1_tell(struct fake *m, struct fake_container *c, struct fake_mapping *a, uint64_t base,
                     uint64_t *bitmap)
{
        const uint64_t first = (a->iova - base) / PAGE, n = n_pages(a), end = (first + n + 63) / 64 * 64;
        const bool all = knows_nothing(m, c);

        for (uint64_t i = 0; first + i < end; i++) {
                bool dirty = i < n && (all || (a->written[i / 64] >> i % 64 & 1));

                bitmap[(first + i) / 64] &= ~(1ull << (first + i) % 64);
                bitmap[(first + i) / 64] |= (uint64_t)dirty << (first + i) % 64;
        }
        memset(a->written, 0, (n + 63) / 64 * 8);
}

/* verify_bitmap_size() */
int fake_type1_check_bitmap(const struct vfio_bitmap *bitmap, uint64_t size)
{
        uint64_t pages = size / (bitmap->pgsize & -bitmap->pgsize);

        if (!pages || !bitmap->size || bitmap->size > FAKE_DIRTY_BITMAP_MAX ||
            bitmap->size < (pages + 63) / 64 * 8)
                return -EINVAL;
        return 0;
}

/* vfio_iova_dirty_bitmap() */
static int tell_range(struct fake *m, struct fake_container *c,
                      const struct vfio_iommu_type1_dirty_bitmap_get *a)
{
        const uint64_t last = a->iova + a->size - 1;
        struct fake_mapping *hit;

        hit = fake_space_find(&c->space, a->iova, a->iova);
        if (hit && hit->iova != a->iova)
                return -EINVAL;
        hit = fake_space_find(&c->space, last, last);
        if (hit && hit->iova + (hit->size - 1) != last)
                return -EINVAL;
        for (hit = c->space.mappings; hit; hit = hit->next)
                if (hit->iova >= a->iova && hit->iova <= last)
                        fake_type1_tell(m, c, hit, a->iova, (uint64_t *)a->bitmap.data);
        return 0;
}

/* vfio_iommu_type1_dirty_pages(), test by test in its order. */
int fake_type1_dirty_pages(struct fake *m, struct fake_container *c, struct vfio_iommu_type1_dirty_bitmap *a)
{
        const uint64_t smallest = m->options.page_sizes & -m->options.page_sizes;
        const struct vfio_iommu_type1_dirty_bitmap_get *get = (const void *)(a + 1);
        int r;

        if (!c->v2)
                return -EACCES;
        if (a->argsz < sizeof(*a) || a->flags & ~7u)
                return -EINVAL;
        switch (a->flags) {
        case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
                fake_dirty_track_space(&c->space, true);
                c->tracking = true;
                return 0;
        case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
                fake_dirty_track_space(&c->space, false);
                c->tracking = false;
                return 0;
        case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
                break;
        default:
                return -EINVAL;
        }
        if (a->argsz - sizeof(*a) < sizeof(*get) || get->iova + get->size < get->iova)
                return -EINVAL;
        r = fake_type1_check_bitmap(&get->bitmap, get->size);
        if (r < 0)
                return r;
        if (get->bitmap.pgsize != smallest || get->iova & (smallest - 1) || !get->size ||
            get->size & (smallest - 1) || !c->tracking)
                return -EINVAL;
        return tell_range(m, c, get);
}

void fake_hwpt_mark(struct fake_object *hwpt, uint64_t iova, uint64_t size)
{
        if (!hwpt->tracking)
                return;
        for (uint64_t page = iova & -PAGE; page <= iova + (size - 1); page += PAGE) {
                struct fake_dirty_page *p = hwpt->written;

                while (p && p->iova != page)
                        p = p->next;
                if (p)
                        continue;
                p = fake_zalloc(sizeof(*p));
                p->iova = page;
                p->next = hwpt->written;
                hwpt->written = p;
        }
}

void fake_hwpt_forget(struct fake_object *hwpt, uint64_t first, uint64_t last)
{
        struct fake_dirty_page **p = &hwpt->written;

        while (*p) {
                struct fake_dirty_page *page = *p;

                if (page->iova < first || page->iova > last) {
                        p = &page->next;
                        continue;
                }
                *p = page->next;
                free(page);
        }
}

/* Beginning clears what was dirty (iopt_set_dirty_tracking()). */
static int set_dirty(struct fake_iommufd *i, const struct fake_iommu_hwpt_set_dirty *a)
{
        struct fake_object *hwpt = fake_find_object(i, FAKE_HWPT, a->hwpt_id);

        if (a->flags & ~1u || a->reserved)
                return -EOPNOTSUPP;
        if (!hwpt || hwpt->parent)
                return -ENOENT;
        if (!(hwpt->flags & FAKE_HWPT_DIRTY_TRACKING))
                return -EOPNOTSUPP;
        if (a->flags)
                fake_hwpt_forget(hwpt, 0, UINT64_MAX);
        hwpt->tracking = a->flags;
        return 0;
}

/* iommufd_check_iova_range(), __iommu_read_and_clear_dirty(): all of the range is mapped, and bits are only
 * set. */
static int get_dirty(struct fake_iommufd *i, const struct fake_iommu_hwpt_get_dirty *a)
{
        struct fake_object *hwpt = fake_find_object(i, FAKE_HWPT, a->hwpt_id);
        const uint64_t last = a->iova + (a->length - 1);
        uint64_t *bitmap = (uint64_t *)(uintptr_t)a->data;
        struct fake_mapping *hit;

        if (a->flags & ~1u || a->reserved)
                return -EOPNOTSUPP;
        if (!hwpt || hwpt->parent)
                return -ENOENT;
        if (!a->length || last < a->iova)
                return -EOVERFLOW;
        if (!a->page_size || (a->iova | (last + 1)) & (a->page_size - 1) ||
            (a->iova | (last + 1)) & (PAGE - 1))
                return -EINVAL;
        for (uint64_t at = a->iova;; at = hit->iova + hit->size) {
                hit = fake_space_find(&hwpt->ioas->space, at, at);
                if (!hit || !hwpt->tracking)
                        return -EINVAL;
                if (hit->iova + (hit->size - 1) >= last)
                        break;
        }
        for (struct fake_dirty_page *p = hwpt->written; p; p = p->next)
                if (p->iova >= a->iova && p->iova <= last) {
                        uint64_t bit = (p->iova - a->iova) / a->page_size;

                        bitmap[bit / 64] |= 1ull << bit % 64;
                }
        if (!a->flags)
                fake_hwpt_forget(hwpt, a->iova, last);
        return 0;
}

int fake_hwpt_dirty_ioctl(struct fake_iommufd *i, unsigned long request, void *arg)
{
        return request == FAKE_IOMMU_HWPT_SET_DIRTY ? set_dirty(i, arg) : get_dirty(i, arg);
}
