/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page tables made by hand, what the IOMMU says of itself, and invalidation
 * (drivers/iommu/iommufd/hw_pagetable.c, device.c; of the driver's side drivers/iommu/intel/iommu.c and
 * nested.c). */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "fake_vfio.h"

struct fake_object *fake_find_object(struct fake_iommufd *i, enum fake_object_type type, uint32_t id)
{
        for (struct fake_object *o = i->objects; o; o = o->next)
                if (o->id == id && o->type == type)
                        return o;
        return NULL;
}

struct fake_object *fake_object_new(struct fake_iommufd *i, enum fake_object_type type,
                                    struct fake_object *parent)
{
        struct fake_object *o = fake_zalloc(sizeof(*o));

        o->iommufd = i;
        o->type = type;
        o->id = fake_new_id(i);
        o->ready = -1;
        o->parent = parent;
        if (parent)
                parent->users++;
        o->next = i->objects;
        i->objects = o;
        return o;
}

void fake_object_free(struct fake *m, struct fake_object *o)
{
        struct fake_object **p = &o->iommufd->objects;

        while (*p != o)
                p = &(*p)->next;
        *p = o->next;
        fake_eventq_clear(m, o);
        if (o->parent)
                o->parent->users--;
        else if (o->type == FAKE_HWPT)
                fake_table_remove(m, o->ioas);
        fake_hwpt_forget(o, 0, UINT64_MAX);
        if (o->faults)
                o->faults->users--;
        if (o->before)
                o->before->users--;
        fake_free_id(o->iommufd, o->id);
        free(o);
}

/* -ENOENT where the number is not one of these objects'. */
int fake_object_destroy(struct fake *m, struct fake_iommufd *i, uint32_t id)
{
        for (struct fake_object *o = i->objects; o; o = o->next) {
                if (o->id != id)
                        continue;
                if (o->users)
                        return -EBUSY;
                fake_object_free(m, o);
                return 0;
        }
        return -ENOENT;
}

/* At the end of the iommufd: those that nothing uses first. */
void fake_objects_free(struct fake *m, struct fake_iommufd *i)
{
        while (i->objects) {
                struct fake_object *o = i->objects;

                while (o && o->users)
                        o = o->next;
                if (!o)
                        abort();
                fake_object_free(m, o);
        }
}

struct fake_device *fake_iommufd_device(struct fake *m, const struct fake_iommufd *i, uint32_t id)
{
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (d->iommufd == i && d->devid == id)
                        return d;
        return NULL;
}

/* VT-d: iommu_hw_info_vtd, 24 bytes, with a capability register of 39 bits and 2 MiB and 1 GiB pages; SMMUv3:
 * iommu_hw_info_arm_smmuv3, 40 bytes. */
static int hw_info(struct fake *m, struct fake_iommufd *i, struct fake_iommu_hw_info *a)
{
        static const struct {
                uint32_t flags, reserved;
                uint64_t cap, ecap;
        } vtd = { 0, 0, 0xd2008c22260286, 0xf00f5a };
        static const uint32_t smmu[10] = { 0, 0, 0x8c1d7bf, 0x1044010, 0, 0x1714, 0, 0x174, 0x43b, 3 };
        const void *data = m->options.smmuv3 ? (const void *)smmu : &vtd;
        uint32_t kind = m->options.smmuv3 ? 2 : 1, size = m->options.smmuv3 ? sizeof(smmu) : sizeof(vtd);

        if ((a->flags && (a->flags != 1 || !fake_linux(m, 6, 17))) || a->reserved[0] || a->reserved[1] ||
            a->reserved[2])
                return -EOPNOTSUPP;
        if (!fake_iommufd_device(m, i, a->dev_id))
                return -ENOENT;
        if (a->flags && a->out_data_type && a->out_data_type != kind)
                return -EOPNOTSUPP;
        if (a->data_len) {
                memset((void *)(uintptr_t)a->data_uptr, 0, a->data_len);
                memcpy((void *)(uintptr_t)a->data_uptr, data, MIN(a->data_len, size));
        }
        a->data_len = size;
        a->out_data_type = kind;
        a->out_max_pasid_log2 = (uint8_t)m->options.pasid_bits;
        if (a->size >= sizeof(*a))
                a->out_capabilities = m->options.no_dirty_tracking ? 0 : 1;
        return 0;
}

static uint32_t flags_known(const struct fake *m)
{
        uint32_t known = (m->options.no_nesting ? 0 : FAKE_HWPT_NEST_PARENT) |
                         (m->options.no_dirty_tracking ? 0 : FAKE_HWPT_DIRTY_TRACKING);

        if (!fake_linux(m, 6, 7))
                return 0;
        return known | (m->options.pasid_bits && fake_linux(m, 6, 14) ? FAKE_HWPT_PASID : 0);
}

static int alloc_paging(struct fake *m, struct fake_ioas *ioas, struct fake_device *d,
                        const struct fake_iommu_hwpt_alloc *a, struct fake_object **ret_object)
{
        struct fake_range ranges[FAKE_MAX_RANGES];
        struct fake_object *o;
        unsigned int n;
        int r;

        /* With page faults since 6.13, but not below others. */
        if (a->flags & ~flags_known(m) & ~(fake_linux(m, 6, 13) ? FAKE_HWPT_FAULT : 0) || a->data_len)
                return -EOPNOTSUPP;
        if (a->flags & FAKE_HWPT_FAULT && a->flags & FAKE_HWPT_NEST_PARENT)
                return -EOPNOTSUPP;
        n = fake_ioas_ranges(m, ioas, ranges);
        n = fake_ranges_exclude(ranges, n, &(struct fake_group){ .aperture_last = d->group->aperture_last });
        r = fake_table_add(m, ioas, ranges, n);
        if (r < 0)
                return r;
        o = fake_object_new(ioas->iommufd, FAKE_HWPT, NULL);
        o->ioas = ioas;
        o->aperture_last = d->group->aperture_last;
        *ret_object = o;
        return 0;
}

/* Below a page table, or in a vIOMMU, which is over one. */
static int alloc_nested(struct fake *m, struct fake_object *parent, const struct fake_iommu_hwpt_alloc *a,
                        struct fake_object **ret_object)
{
        struct fake_object *table = parent->type == FAKE_VIOMMU ? parent->parent : parent;

        if (a->flags & ~(fake_linux(m, 6, 11) ? FAKE_HWPT_FAULT : 0) || !a->data_len ||
            m->options.no_nesting || !fake_linux(m, 6, 7))
                return -EOPNOTSUPP;
        if (table->parent || !(table->flags & FAKE_HWPT_NEST_PARENT))
                return -EINVAL;
        if (a->data_type != (m->options.smmuv3 ? 2 : 1))
                return -EOPNOTSUPP;
        if (a->data_len < (m->options.smmuv3 ? 16 : sizeof(struct fake_vtd_s1)))
                return -EINVAL;
        *ret_object = fake_object_new(parent->iommufd, FAKE_HWPT, parent);
        (*ret_object)->ioas = table->ioas;
        return 0;
}

static int hwpt_alloc(struct fake *m, struct fake_iommufd *i, struct fake_iommu_hwpt_alloc *a)
{
        struct fake_object *parent = fake_find_object(i, FAKE_HWPT, a->pt_id), *o = NULL, *faults;
        struct fake_device *d = fake_iommufd_device(m, i, a->dev_id);
        struct fake_ioas *ioas = fake_find_ioas(i, a->pt_id);
        int r;

        if (a->reserved)
                return -EOPNOTSUPP;
        if (!a->data_type != !a->data_len)
                return -EINVAL;
        if (!d)
                return -ENOENT;
        if (!parent)
                parent = fake_find_object(i, FAKE_VIOMMU, a->pt_id);
        faults = a->flags & FAKE_HWPT_FAULT ? fake_find_object(i, FAKE_FAULTS, a->fault_id) : NULL;
        if (ioas && ioas->id == a->pt_id)
                r = alloc_paging(m, ioas, d, a, &o);
        else
                r = parent ? alloc_nested(m, parent, a, &o) : -EINVAL;
        if (r < 0)
                return r;
        if (a->flags & FAKE_HWPT_FAULT && !faults) {
                fake_object_free(m, o);
                return -ENOENT;
        }
        o->flags = a->flags;
        o->faults = faults;
        if (faults)
                faults->users++;
        a->out_hwpt_id = o->id;
        return 0;
}

/* intel_nested_cache_invalidate_user() */
static int invalidate_vtd(struct fake_object *o, const struct fake_iommu_hwpt_invalidate *a, uint32_t *done)
{
        for (*done = 0; *done < a->entry_num; ++*done) {
                const struct fake_vtd_s1_invalidate *e =
                        (const void *)(uintptr_t)(a->data_uptr + (uint64_t)*done * a->entry_len);

                if (a->entry_len < sizeof(*e))
                        return -EINVAL;
                if (e->flags & ~1u || e->reserved)
                        return -EOPNOTSUPP;
                if (e->addr & 4095 || (e->npages == UINT64_MAX && e->addr))
                        return -EINVAL;
                o->invalidated++;
        }
        return 0;
}

/* arm_vsmmu_cache_invalidate(): TLBI_NH_ALL and its like, of which a guest may give those of 0x10 to 0x30. */
static int invalidate_smmu(struct fake_object *o, const struct fake_iommu_hwpt_invalidate *a, uint32_t *done)
{
        for (*done = 0; *done < a->entry_num; ++*done) {
                const uint64_t *command = (const void *)(uintptr_t)(a->data_uptr +
                                                                    (uint64_t)*done * a->entry_len);

                if (a->entry_len < 16)
                        return -EINVAL;
                if ((command[0] & 0xff) < 0x10 || (command[0] & 0xff) > 0x30)
                        return -EIO;
                o->invalidated++;
        }
        return 0;
}

static int invalidate(struct fake_iommufd *i, struct fake_iommu_hwpt_invalidate *a)
{
        struct fake_object *o = fake_find_object(i, FAKE_HWPT, a->hwpt_id);
        struct fake_object *v = fake_find_object(i, FAKE_VIOMMU, a->hwpt_id);
        uint32_t done = 0;
        int r;

        if (a->reserved)
                r = -EOPNOTSUPP;
        else if (a->entry_num &&
                 (!a->data_uptr || !a->entry_len || a->entry_len > 4096 || a->entry_num > 1u << 19))
                r = -EINVAL;
        else if (v)
                r = a->data_type == 1 ? invalidate_smmu(v, a, &done) : -EINVAL;
        else if (!o || !o->parent)
                r = -ENOENT;
        else
                r = a->data_type == 0 ? invalidate_vtd(o, a, &done) : -EINVAL;
        a->entry_num = done;
        return r;
}

int fake_hwpt_ioctl(struct fake *m, struct fake_iommufd *i, unsigned long request, void *arg)
{
        switch (request) {
        case FAKE_IOMMU_HWPT_ALLOC:
                return fake_linux(m, 6, 6) ? hwpt_alloc(m, i, arg) : -ENOTTY;
        case FAKE_IOMMU_GET_HW_INFO:
                return fake_linux(m, 6, 6) ? hw_info(m, i, arg) : -ENOTTY;
        case FAKE_IOMMU_HWPT_SET_DIRTY:
        case FAKE_IOMMU_HWPT_GET_DIRTY:
                return fake_linux(m, 6, 7) ? fake_hwpt_dirty_ioctl(i, request, arg) : -ENOTTY;
        case FAKE_IOMMU_HWPT_INVALIDATE:
                return fake_linux(m, 6, 8) ? invalidate(i, arg) : -ENOTTY;
        default:
                return -ENOTTY;
        }
}
