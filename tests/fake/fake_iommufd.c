/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /dev/iommu: objects and their numbers (drivers/iommu/iommufd/main.c). The calls on one IOAS are in
 * fake_ioas.c, attaching in fake_attach.c, page tables made by hand in fake_hwpt.c. */
#include <errno.h>
#include <stdlib.h>

#include "fake_vfio.h"

/* The lowest number that is free, from 1 (XA_FLAGS_ALLOC1). */
uint32_t fake_new_id(struct fake_iommufd *i)
{
        for (uint32_t id = 1; id < 64 * ARRAY_SIZE(i->ids); id++)
                if (!(i->ids[id / 64] >> id % 64 & 1)) {
                        i->ids[id / 64] |= 1ull << id % 64;
                        return id;
                }
        abort();
}

void fake_free_id(struct fake_iommufd *i, uint32_t id)
{
        i->ids[id / 64] &= ~(1ull << id % 64);
}

/* By its own number, or by that of the page table which attaching made for it. */
struct fake_ioas *fake_find_ioas(struct fake_iommufd *i, uint32_t id)
{
        for (struct fake_ioas *o = i->ioases; o; o = o->next)
                if (o->id == id || (o->n_attached && o->hwpt_id == id))
                        return o;
        return NULL;
}

/* The groups that a device attached to the IOAS belongs to bound its ranges; so do page tables, by what they
 * address.
 */
unsigned int fake_ioas_ranges(struct fake *m, const struct fake_ioas *ioas,
                              struct fake_range ranges[FAKE_MAX_RANGES])
{
        unsigned int n = 1;

        ranges[0] = (struct fake_range){ 0, UINT64_MAX };
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (d->iommufd == ioas->iommufd && d->pt_id == ioas->id && d->group)
                        n = fake_ranges_exclude(ranges, n, d->group);
        for (struct fake_object *o = ioas->iommufd->objects; o; o = o->next)
                if (o->type == FAKE_HWPT && o->ioas == ioas && !o->parent)
                        n = fake_ranges_exclude(ranges, n,
                                                &(struct fake_group){ .aperture_last = o->aperture_last });
        return n;
}

/* 1 without a device: nothing is put into a page table yet; then the smallest page of the IOMMU. Without
 * large pages at least the system's (iopt_calculate_iova_alignment()). */
uint64_t fake_ioas_alignment(const struct fake *m, const struct fake_ioas *ioas)
{
        uint64_t alignment = ioas->n_tables ? m->options.page_sizes & -m->options.page_sizes : 1;

        return ioas->small_pages ? MAX(alignment, 4096ull) : alignment;
}

static void free_ioas(struct fake *m, struct fake_iommufd *i, struct fake_ioas *ioas)
{
        struct fake_ioas **p = &i->ioases;

        while (*p != ioas)
                p = &(*p)->next;
        *p = ioas->next;
        fake_space_clear(m, &ioas->space);
        fake_free_id(i, ioas->id);
        free(ioas);
}

static int destroy(struct fake *m, struct fake_iommufd *i, uint32_t id)
{
        struct fake_ioas *ioas = fake_find_ioas(i, id);
        int r = fake_object_destroy(m, i, id);

        if (r != -ENOENT)
                return r;
        if (id >= 64 * ARRAY_SIZE(i->ids) || !(i->ids[id / 64] >> id % 64 & 1))
                return -ENOENT;
        if (!ioas || ioas->id != id || ioas->n_tables) /* a device, a page table in use, an IOAS in use */
                return -EBUSY;
        free_ioas(m, i, ioas);
        return 0;
}

static int alloc_ioas(struct fake_iommufd *i, struct fake_iommu_ioas_alloc *a)
{
        struct fake_ioas *ioas;

        if (a->flags)
                return -EOPNOTSUPP;
        ioas = fake_zalloc(sizeof(*ioas));
        ioas->iommufd = i;
        ioas->id = fake_new_id(i);
        ioas->next = i->ioases;
        i->ioases = ioas;
        a->out_ioas_id = ioas->id;
        return 0;
}

static bool aligned(const struct fake_ioas *ioas, uint64_t alignment)
{
        for (struct fake_mapping *a = ioas->space.mappings; a; a = a->next)
                if ((a->iova | a->vaddr | a->size) & (alignment - 1))
                        return false;
        return true;
}

/* iommufd_option_rlimit_mode(): settled before there is any object. */
static int rlimit_mode(const struct fake *m, struct fake_iommufd *i, struct fake_iommu_option *a)
{
        if (a->object_id)
                return -EOPNOTSUPP;
        if (a->op == 1) {
                a->val64 = i->process_accounting;
                return 0;
        }
        if (m->uid != 0) /* capable(CAP_SYS_RESOURCE) */
                return -EPERM;
        for (size_t n = 0; n < ARRAY_SIZE(i->ids); n++)
                if (i->ids[n])
                        return -EBUSY;
        if (a->val64 > 1)
                return -EINVAL;
        i->process_accounting = a->val64;
        return 0;
}

/* iommufd_ioas_option_huge_pages(), iopt_disable_large_pages() */
static int huge_pages(struct fake_iommufd *i, struct fake_iommu_option *a)
{
        struct fake_ioas *ioas = fake_find_ioas(i, a->object_id);

        if (!ioas || ioas->id != a->object_id)
                return -ENOENT;
        if (a->op == 1) {
                a->val64 = !ioas->small_pages;
                return 0;
        }
        if (a->val64 > 1)
                return -EINVAL;
        if (a->val64 == 0 && !ioas->small_pages) {
                if (ioas->n_tables && ioas->space.mappings)
                        return -EINVAL;
                if (!aligned(ioas, 4096))
                        return -EADDRINUSE;
        }
        ioas->small_pages = !a->val64;
        return 0;
}

static int option(const struct fake *m, struct fake_iommufd *i, struct fake_iommu_option *a)
{
        if (a->reserved || a->option_id > 1 || a->op > 1)
                return -EOPNOTSUPP;
        return a->option_id == 0 ? rlimit_mode(m, i, a) : huge_pages(i, a);
}

/* iommufd_ioas_change_process(): of everything in the iommufd, or of nothing. Here it is one process all the
 * time. */
static int change_process(const struct fake_iommufd *i, const uint32_t *arg)
{
        if (arg[1])
                return -EOPNOTSUPP;
        for (struct fake_ioas *o = i->ioases; o; o = o->next)
                for (struct fake_mapping *a = o->space.mappings; a; a = a->next)
                        if (!a->pages->window)
                                return -EINVAL;
        return 0;
}

/* The known and the least size of each call's structure. A caller's larger one must be zero where we know
 * nothing. */
static int check_size(const struct fake *m, unsigned long request, const uint32_t *arg)
{
        static const struct {
                unsigned long request;
                uint32_t least, known;
        } sizes[] = {
                { FAKE_IOMMU_DESTROY, 8, 8 },
                { FAKE_IOMMU_IOAS_ALLOC, 12, 12 },
                { FAKE_IOMMU_IOAS_ALLOW_IOVAS, 24, 24 },
                { FAKE_IOMMU_IOAS_COPY, 40, 40 },
                { FAKE_IOMMU_IOAS_IOVA_RANGES, 32, 32 },
                { FAKE_IOMMU_IOAS_MAP, 40, 40 },
                { FAKE_IOMMU_IOAS_UNMAP, 24, 24 },
                { FAKE_IOMMU_OPTION, 24, 24 },
                { FAKE_IOMMU_VFIO_IOAS, 12, 12 },
                { FAKE_IOMMU_HWPT_ALLOC, 24, 48 },
                { FAKE_IOMMU_GET_HW_INFO, 32, 40 },
                { FAKE_IOMMU_HWPT_SET_DIRTY, 16, 16 },
                { FAKE_IOMMU_HWPT_GET_DIRTY, 48, 48 },
                { FAKE_IOMMU_HWPT_INVALIDATE, 32, 32 },
                { FAKE_IOMMU_IOAS_MAP_FILE, 40, 40 },
                { FAKE_IOMMU_CHANGE_PROCESS, 8, 8 },
                { FAKE_IOMMU_FAULT_QUEUE, 16, 16 },
                { FAKE_IOMMU_VIOMMU_ALLOC, 24, 40 },
                { FAKE_IOMMU_VDEVICE_ALLOC, 24, 24 },
                { FAKE_IOMMU_VEVENTQ_ALLOC, 32, 32 },
                { FAKE_IOMMU_HW_QUEUE_ALLOC, 40, 40 },
        };

        if ((request == FAKE_IOMMU_IOAS_MAP_FILE || request == FAKE_IOMMU_CHANGE_PROCESS) &&
            !fake_kernel_is(m, 6, 13))
                return -ENOTTY;

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                if (sizes[i].request != request)
                        continue;
                if (*arg < sizes[i].least)
                        return -EINVAL;
                for (uint32_t at = sizes[i].known; at < *arg; at++)
                        if (((const uint8_t *)arg)[at])
                                return -E2BIG;
                return 0;
        }
        return -ENOTTY;
}

/* iommufd_vfio_ioas(), drivers/iommu/iommufd/vfio_compat.c */
static int compat_ioas(struct fake_iommufd *i, struct fake_iommu_vfio_ioas *a)
{
        if (a->reserved || a->op > 2)
                return -EOPNOTSUPP;
        if (a->op == 1 && !fake_find_ioas(i, a->ioas_id))
                return -ENOENT;
        if (a->op == 0) {
                if (!i->compat_ioas)
                        return -ENODEV;
                a->ioas_id = i->compat_ioas;
        } else {
                i->compat_ioas = a->op == 1 ? a->ioas_id : 0;
        }
        return 0;
}

static int compat_extension(struct fake *m, struct fake_iommufd *i, unsigned long what)
{
        if (what != VFIO_DMA_CC_IOMMU)
                return what == VFIO_TYPE1_IOMMU || what == VFIO_TYPE1v2_IOMMU || what == VFIO_UNMAP_ALL;
        return i->compat_ioas ? !m->options.no_snoop_control : -ENODEV;
}

static int iommufd_ioctl(struct fake *m, struct fake_file *f, unsigned long request, void *arg)
{
        struct fake_iommufd *i = f->priv;
        int r;

        if (request == VFIO_GET_API_VERSION) /* iommufd_vfio_ioctl(): it can stand for a container */
                return VFIO_API_VERSION;
        if (request == VFIO_CHECK_EXTENSION)
                return compat_extension(m, i, (unsigned long)arg);
        r = check_size(m, request, arg);
        if (r < 0)
                return r;
        switch (request) {
        case FAKE_IOMMU_DESTROY:
                return destroy(m, i, ((struct fake_iommu_destroy *)arg)->id);
        case FAKE_IOMMU_IOAS_ALLOC:
                return alloc_ioas(i, arg);
        case FAKE_IOMMU_HWPT_ALLOC:
        case FAKE_IOMMU_GET_HW_INFO:
        case FAKE_IOMMU_HWPT_SET_DIRTY:
        case FAKE_IOMMU_HWPT_GET_DIRTY:
        case FAKE_IOMMU_HWPT_INVALIDATE:
                return fake_hwpt_ioctl(m, i, request, arg);
        case FAKE_IOMMU_CHANGE_PROCESS:
                return change_process(i, arg);
        case FAKE_IOMMU_FAULT_QUEUE:
        case FAKE_IOMMU_VIOMMU_ALLOC:
        case FAKE_IOMMU_VDEVICE_ALLOC:
        case FAKE_IOMMU_VEVENTQ_ALLOC:
        case FAKE_IOMMU_HW_QUEUE_ALLOC:
                return fake_viommu_ioctl(m, i, request, arg);
        case FAKE_IOMMU_OPTION:
                return option(m, i, arg);
        case FAKE_IOMMU_VFIO_IOAS:
                return compat_ioas(i, arg);
        default:
                return fake_ioas_ioctl(m, i, request, arg);
        }
}

static void iommufd_release(struct fake *m, struct fake_file *f)
{
        struct fake_iommufd *i = f->priv, **p = &m->iommufds;

        fake_objects_free(m, i);
        while (i->ioases)
                free_ioas(m, i, i->ioases);
        while (*p != i)
                p = &(*p)->next;
        *p = i->next;
        free(i);
}

static const struct fake_file_ops iommufd_ops = {
        .ioctl = iommufd_ioctl,
        .release = iommufd_release,
        .what = "iommufd",
};

int fake_iommufd_open(struct fake *m, struct fake_node *node, struct fake_file *file)
{
        struct fake_iommufd *i = fake_zalloc(sizeof(*i));

        (void)node;
        i->file = file;
        i->next = m->iommufds;
        m->iommufds = i;
        file->ops = &iommufd_ops;
        file->priv = i;
        return 0;
}

struct fake_iommufd *fake_iommufd_of(const struct fake_file *f)
{
        return f && f->ops == &iommufd_ops ? f->priv : NULL;
}
