/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls on one IOAS: ranges, map, copy, unmap (drivers/iommu/iommufd/ioas.c, io_pagetable.c). */
#include <errno.h>

#include "fake_vfio.h"

#define PAGE 4096ull
#define HUGE (2ull << 20)

static int iova_ranges(struct fake *m, struct fake_ioas *ioas, struct fake_iommu_ioas_iova_ranges *a)
{
        struct fake_iommu_iova_range *out = (struct fake_iommu_iova_range *)(uintptr_t)a->allowed_iovas;
        struct fake_range ranges[FAKE_MAX_RANGES];
        unsigned int n = fake_ioas_ranges(m, ioas, ranges), room = a->num_iovas;

        if (a->reserved)
                return -EOPNOTSUPP;
        a->num_iovas = n;
        a->out_iova_alignment = fake_ioas_alignment(m, ioas);
        for (unsigned int i = 0; i < MIN(n, room); i++) {
                out[i].start = ranges[i].start;
                out[i].last = ranges[i].last;
        }
        return n > room ? -EMSGSIZE : 0;
}

/* Only automatic IOVAs keep inside of what is allowed; and no device may join that reserves a part of it. */
static int allow_iovas(struct fake *m, struct fake_ioas *ioas, const struct fake_iommu_ioas_allow_iovas *a)
{
        const struct fake_iommu_iova_range *in = (const void *)(uintptr_t)a->allowed_iovas;
        struct fake_range ranges[FAKE_MAX_RANGES];
        unsigned int n = fake_ioas_ranges(m, ioas, ranges);

        if (a->reserved)
                return -EOPNOTSUPP;
        if (a->num_iovas > FAKE_MAX_RANGES)
                return -ENOMEM;
        for (unsigned int i = 0; i < a->num_iovas; i++) {
                if (in[i].start >= in[i].last)
                        return -EINVAL;
                for (unsigned int j = 0; j < i; j++)
                        if (in[i].start <= in[j].last && in[j].start <= in[i].last)
                                return -EINVAL;
        }
        for (unsigned int i = 0; i < a->num_iovas; i++)
                if (!fake_ranges_hold(ranges, n, in[i].start, in[i].last))
                        return -EADDRINUSE;
        ioas->n_allowed = a->num_iovas;
        for (unsigned int i = 0; i < a->num_iovas; i++)
                ioas->allowed[i] = (struct fake_range){ in[i].start, in[i].last };
        return 0;
}

/* The first IOVA in [FIRST, LAST] where LENGTH bytes fit between the mappings, or UINT64_MAX. */
static uint64_t first_fit(struct fake_ioas *ioas, uint64_t first, uint64_t last, uint64_t length,
                          uint64_t alignment, uint64_t offset)
{
        for (;;) {
                uint64_t at = ((first + alignment - 1) & ~(alignment - 1)) | offset;
                struct fake_mapping *hit;

                if (at < first || at >= last || last - at < length - 1)
                        return UINT64_MAX;
                hit = fake_space_find(&ioas->space, at, at + (length - 1));
                if (!hit)
                        return at;
                first = hit->iova + hit->size;
        }
}

/* iopt_alloc_iova(): as aligned as the memory is, up to a huge page; never 0. */
static int auto_iova(struct fake *m, struct fake_ioas *ioas, uint64_t vaddr, uint64_t length,
                     uint64_t *ret_iova)
{
        struct fake_range ranges[FAKE_MAX_RANGES], all = { PAGE, UINT64_MAX - PAGE };
        const struct fake_range *allowed = ioas->n_allowed ? ioas->allowed : &all;
        unsigned int n = fake_ioas_ranges(m, ioas, ranges), n_allowed = ioas->n_allowed ?: 1;
        uint64_t alignment = 1;

        if (length == 0 || length >= UINT64_MAX / 2)
                return -EOVERFLOW;
        while (alignment < length && alignment < HUGE)
                alignment <<= 1;
        if (vaddr)
                alignment = MIN(alignment, vaddr & -vaddr);
        if (alignment < fake_ioas_alignment(m, ioas))
                return -EINVAL;
        for (unsigned int i = 0; i < n_allowed; i++)
                for (unsigned int j = 0; j < n; j++) {
                        uint64_t first = MAX(allowed[i].start, ranges[j].start);
                        uint64_t last = MIN(allowed[i].last, ranges[j].last), at;

                        at = first > last ? UINT64_MAX
                                          : first_fit(ioas, first, last, length, alignment, vaddr % PAGE);
                        if (at != UINT64_MAX) {
                                *ret_iova = at;
                                return 0;
                        }
                }
        return -ENOSPC;
}

/* iopt_check_iova() */
static int check_fixed(struct fake *m, struct fake_ioas *ioas, uint64_t iova, uint64_t length)
{
        struct fake_range ranges[FAKE_MAX_RANGES];
        unsigned int n = fake_ioas_ranges(m, ioas, ranges);

        if (iova & (fake_ioas_alignment(m, ioas) - 1))
                return -EINVAL;
        if (iova + (length - 1) < iova)
                return -EOVERFLOW;
        if (!fake_ranges_hold(ranges, n, iova, iova + (length - 1)))
                return -EINVAL;
        return fake_space_find(&ioas->space, iova, iova + (length - 1)) ? -EEXIST : 0;
}

static int place(struct fake *m, struct fake_ioas *ioas, uint32_t flags, uint64_t vaddr, uint64_t length,
                 uint64_t *iova)
{
        uint64_t alignment = fake_ioas_alignment(m, ioas);

        if (!length || length & (alignment - 1))
                return -EINVAL;
        if (!(flags & FAKE_MAP_FIXED_IOVA))
                return auto_iova(m, ioas, vaddr, length, iova);
        return check_fixed(m, ioas, *iova, length);
}

static int check_flags(uint32_t flags)
{
        if (flags & ~(FAKE_MAP_FIXED_IOVA | FAKE_MAP_READABLE | FAKE_MAP_WRITEABLE))
                return -EOPNOTSUPP;
        return flags & (FAKE_MAP_READABLE | FAKE_MAP_WRITEABLE) ? 0 : -EINVAL;
}

static int map(struct fake *m, struct fake_ioas *ioas, struct fake_iommu_ioas_map *a)
{
        uint64_t iova = a->iova;
        int r = a->reserved ? -EOPNOTSUPP : check_flags(a->flags);

        if (r < 0)
                return r;
        if (a->iova == UINT64_MAX || a->length == UINT64_MAX || a->user_va + a->length < a->user_va)
                return -EOVERFLOW;
        r = place(m, ioas, a->flags, a->user_va, a->length, &iova);
        if (r == 0 && a->user_va & (fake_ioas_alignment(m, ioas) - 1))
                r = -EINVAL;
        if (r == 0)
                r = fake_space_insert(m, &ioas->space, iova, a->user_va, a->length,
                                      a->flags & FAKE_MAP_READABLE, a->flags & FAKE_MAP_WRITEABLE);
        if (r == 0)
                a->iova = iova;
        return r;
}

static int map_file(struct fake *m, struct fake_ioas *ioas, struct fake_iommu_ioas_map_file *a)
{
        struct fake_pages *pages;
        uint64_t iova = a->iova;
        int r = check_flags(a->flags);

        if (r < 0)
                return r;
        if (a->iova == UINT64_MAX || a->length == UINT64_MAX)
                return -EOVERFLOW;
        if (!a->length)
                return -EINVAL;
        if (a->start + a->length - 1 < a->start)
                return -EOVERFLOW;
        r = fake_pages_of_file(m, a->fd, a->start, a->length, &pages);
        if (r < 0)
                return r;
        r = place(m, ioas, a->flags, a->start, a->length, &iova);
        if (r == 0 && a->start & (fake_ioas_alignment(m, ioas) - 1))
                r = -EINVAL;
        if (r < 0) {
                fake_pages_put(m, pages);
                return r;
        }
        r = fake_space_insert_pages(m, &ioas->space, iova, pages, pages->vaddr, a->length,
                                    a->flags & FAKE_MAP_READABLE, a->flags & FAKE_MAP_WRITEABLE);
        if (r == 0)
                a->iova = iova;
        return r;
}

/* The source must be mapped without a hole; the destination gets the same memory. */
static int insert_copy(struct fake *m, struct fake_ioas *to, uint64_t iova, struct fake_mapping *s,
                       uint64_t at, uint64_t n, uint32_t flags)
{
        s->pages->refs++;
        return fake_space_insert_pages(m, &to->space, iova, s->pages, s->vaddr + at, n,
                                       flags & FAKE_MAP_READABLE, flags & FAKE_MAP_WRITEABLE);
}

static int copy(struct fake *m, struct fake_iommufd *i, struct fake_iommu_ioas_copy *a)
{
        struct fake_ioas *from = fake_find_ioas(i, a->src_ioas_id), *to = fake_find_ioas(i, a->dst_ioas_id);
        struct fake_mapping *s;
        uint64_t iova = a->dst_iova, done = 0;
        int r = check_flags(a->flags);

        if (r < 0)
                return r;
        if (!from || !to)
                return -ENOENT;
        if (!a->length)
                return -EINVAL;
        for (done = 0; done < a->length; done = s->iova + s->size - a->src_iova) {
                s = fake_space_find(&from->space, a->src_iova + done, a->src_iova + done);
                if (!s)
                        return -ENOENT;
        }
        s = fake_space_find(&from->space, a->src_iova, a->src_iova);
        r = place(m, to, a->flags, s->vaddr + (a->src_iova - s->iova), a->length, &iova);
        for (done = 0; r == 0 && done < a->length;) {
                uint64_t at, n;

                s = fake_space_find(&from->space, a->src_iova + done, a->src_iova + done);
                at = a->src_iova + done - s->iova;
                n = MIN(s->size - at, a->length - done);
                if (a->flags & FAKE_MAP_WRITEABLE && !s->writable)
                        r = -EPERM;
                else
                        r = insert_copy(m, to, iova + done, s, at, n, a->flags);
                done += n;
        }
        if (r == 0)
                a->dst_iova = iova;
        return r;
}

/* Areas go one after the other until one sticks out of the range: ENOENT, with those before it gone
 * (iopt_unmap_iova_range()). Nothing there is ENOENT too, but for "all". */
static int unmap(struct fake *m, struct fake_ioas *ioas, struct fake_iommu_ioas_unmap *a)
{
        bool all = a->iova == 0 && a->length == UINT64_MAX;
        uint64_t last = a->iova + (a->length - 1), unmapped = 0;
        struct fake_mapping *hit;

        if (!all && (a->iova == UINT64_MAX || a->length == UINT64_MAX))
                return -EOVERFLOW;
        if (!a->length)
                return -EINVAL;
        if (!all && last < a->iova)
                return -EOVERFLOW;
        last = all ? UINT64_MAX : last;
        while ((hit = fake_space_find(&ioas->space, a->iova, last))) {
                if (hit->iova < a->iova || hit->iova + (hit->size - 1) > last)
                        return -ENOENT;
                unmapped += hit->size;
                for (struct fake_object *o = ioas->iommufd->objects; o; o = o->next)
                        if (o->ioas == ioas)
                                fake_hwpt_forget(o, hit->iova, hit->iova + (hit->size - 1));
                fake_space_remove(m, &ioas->space, hit);
        }
        if (!unmapped && !all)
                return -ENOENT;
        a->length = unmapped;
        return 0;
}

int fake_ioas_ioctl(struct fake *m, struct fake_iommufd *i, unsigned long request, void *arg)
{
        struct fake_ioas *ioas;
        uint32_t id;

        if (request == FAKE_IOMMU_IOAS_COPY)
                return copy(m, i, arg);
        id = request == FAKE_IOMMU_IOAS_MAP || request == FAKE_IOMMU_IOAS_MAP_FILE
                     ? ((struct fake_iommu_ioas_map *)arg)->ioas_id
                     : ((uint32_t *)arg)[1];
        ioas = fake_find_ioas(i, id);
        if (!ioas || ioas->id != id)
                return -ENOENT;
        switch (request) {
        case FAKE_IOMMU_IOAS_IOVA_RANGES:
                return iova_ranges(m, ioas, arg);
        case FAKE_IOMMU_IOAS_ALLOW_IOVAS:
                return allow_iovas(m, ioas, arg);
        case FAKE_IOMMU_IOAS_MAP:
                return map(m, ioas, arg);
        case FAKE_IOMMU_IOAS_MAP_FILE:
                return map_file(m, ioas, arg);
        case FAKE_IOMMU_IOAS_UNMAP:
                return unmap(m, ioas, arg);
        default:
                return -ENOTTY;
        }
}
