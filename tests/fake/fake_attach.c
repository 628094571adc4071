/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a device of an iommufd is attached to (drivers/vfio/device_cdev.c, drivers/vfio/iommufd.c,
 * drivers/iommu/iommufd/device.c). */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "fake_vfio.h"

/* An IOAS, whose page table attaching makes, or a page table made by hand. */
struct target {
        struct fake_ioas *ioas;
        struct fake_object *hwpt;
};

static bool aligned(const struct fake_ioas *ioas, uint64_t alignment)
{
        for (struct fake_mapping *a = ioas->space.mappings; a; a = a->next)
                if ((a->iova | a->vaddr | a->size) & (alignment - 1))
                        return false;
        return true;
}

static bool allowed_fit(const struct fake_ioas *ioas, const struct fake_range *ranges, unsigned int n)
{
        for (unsigned int i = 0; i < ioas->n_allowed; i++)
                if (!fake_ranges_hold(ranges, n, ioas->allowed[i].start, ioas->allowed[i].last))
                        return false;
        return true;
}

/* What is mapped, and what was promised by ALLOW_IOVAS, must fit the ranges: EADDRINUSE of
 * iopt_reserve_iova(). */
static bool fits(const struct fake *m, const struct fake_ioas *ioas, const struct fake_range *ranges,
                 unsigned int n)
{
        return fake_space_fits(&ioas->space, ranges, n) && allowed_fit(ioas, ranges, n) &&
               aligned(ioas, m->options.page_sizes & -m->options.page_sizes);
}

/* The first table makes that the pages are pinned. */
int fake_table_add(struct fake *m, struct fake_ioas *ioas, const struct fake_range *ranges, unsigned int n)
{
        int r;

        if (!fits(m, ioas, ranges, n))
                return -EADDRINUSE;
        r = fake_space_pin(m, &ioas->space);
        if (r == 0)
                ioas->n_tables++;
        return r;
}

void fake_table_remove(struct fake *m, struct fake_ioas *ioas)
{
        if (--ioas->n_tables == 0)
                fake_space_unpin(m, &ioas->space);
}

static int find_target(struct fake_iommufd *i, uint32_t id, struct target *ret_target)
{
        struct fake_object *hwpt = fake_find_object(i, FAKE_HWPT, id);
        struct fake_ioas *ioas = hwpt ? hwpt->ioas : fake_find_ioas(i, id);

        if (ioas) {
                *ret_target = (struct target){ ioas, hwpt };
                return 0;
        }
        return id < 64 * ARRAY_SIZE(i->ids) && i->ids[id / 64] >> id % 64 & 1 ? -EINVAL : -ENOENT;
}

static bool is_at(const struct fake_device *d, const struct target *t)
{
        return d->pt_id == t->ioas->id && d->hwpt == t->hwpt;
}

static bool fake_has_vdevice(const struct fake_object *viommu, const struct fake_device *d)
{
        for (struct fake_object *o = viommu->iommufd->objects; o; o = o->next)
                if (o->type == FAKE_VDEVICE && o->parent == viommu && o->device == d)
                        return true;
        return false;
}

static int attach_one(struct fake *m, struct fake_device *d, const struct target *t)
{
        struct fake_range ranges[FAKE_MAX_RANGES];
        unsigned int n;
        int r;

        if (t->hwpt && t->hwpt->flags & FAKE_HWPT_DIRTY_TRACKING && m->options.no_dirty_tracking)
                return -EINVAL;
        /* iommufd_fault_iopf_enable(), intel_iommu_enable_iopf() */
        if (t->hwpt && t->hwpt->faults && !d->pci.page_requests)
                return -ENODEV;
        /* A guest's table on an SMMUv3 needs the guest's stream ID. */
        if (t->hwpt && t->hwpt->parent && t->hwpt->parent->type == FAKE_VIOMMU &&
            !fake_has_vdevice(t->hwpt->parent, d))
                return -ENOENT;
        n = fake_ioas_ranges(m, t->ioas, ranges);
        n = fake_ranges_exclude(ranges, n, d->group);
        if (!fits(m, t->ioas, ranges, n))
                return -EADDRINUSE;
        if (t->hwpt) {
                t->hwpt->users++;
        } else {
                if (t->ioas->n_attached == 0) {
                        r = fake_table_add(m, t->ioas, ranges, n);
                        if (r < 0)
                                return r;
                        t->ioas->hwpt_id = fake_new_id(t->ioas->iommufd);
                }
                t->ioas->n_attached++;
        }
        d->pt_id = t->ioas->id;
        d->hwpt = t->hwpt;
        return 0;
}

static void detach_one(struct fake *m, struct fake_device *d)
{
        struct fake_ioas *ioas = d->pt_id ? fake_find_ioas(d->iommufd, d->pt_id) : NULL;

        if (!ioas)
                return;
        d->pt_id = 0;
        if (d->hwpt) {
                if (d->hwpt->faults)
                        fake_faults_give_up(d->hwpt->faults, d);
                d->hwpt->users--;
                d->hwpt = NULL;
        } else if (--ioas->n_attached == 0) {
                fake_free_id(ioas->iommufd, ioas->hwpt_id);
                fake_table_remove(m, ioas);
        }
}

/* The devices of D's group that are attached in its iommufd. */
static unsigned int attached_mates(struct fake *m, const struct fake_device *d, struct fake_device *mates[16])
{
        unsigned int n = 0;

        for (struct fake_device *o = m->devices; o && n < 16; o = o->next)
                if (o->group == d->group && o->iommufd == d->iommufd && o->pt_id)
                        mates[n++] = o;
        return n;
}

/* The group moves as one; where it is refused, all stays (iommufd_device_do_replace()). The new table is
 * there before the old one goes. */
static int replace(struct fake *m, struct fake_device *d, const struct target *t)
{
        struct target old = { fake_find_ioas(d->iommufd, d->pt_id), d->hwpt };
        struct fake_device *mates[16];
        unsigned int n = attached_mates(m, d, mates);
        int r;

        for (unsigned int i = 0; i < n; i++)
                detach_one(m, mates[i]);
        for (unsigned int i = 0; i < n; i++) {
                r = attach_one(m, mates[i], t);
                if (r == 0)
                        continue;
                for (unsigned int j = 0; j < i; j++)
                        detach_one(m, mates[j]);
                for (unsigned int j = 0; j < n; j++)
                        if (attach_one(m, mates[j], &old) < 0)
                                abort();
                return r;
        }
        return 0;
}

/* iommufd_hwpt_pasid_compat(): what stands beside PASIDs must be made for them. */
static bool beside_pasids(const struct fake_device *d, const struct target *t)
{
        if (t->hwpt && t->hwpt->flags & FAKE_HWPT_PASID)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(d->pasids); i++)
                if (d->pasids[i].hwpt)
                        return false;
        return true;
}

static void drop_pasid(struct fake_device *d, uint32_t pasid)
{
        for (size_t i = 0; i < ARRAY_SIZE(d->pasids); i++)
                if (d->pasids[i].hwpt && d->pasids[i].pasid == pasid) {
                        d->pasids[i].hwpt->users--;
                        d->pasids[i].hwpt = NULL;
                }
}

static int attach_pasid(struct fake *m, struct fake_device *d, uint32_t pasid, const struct target *t)
{
        if (!t->hwpt || !(t->hwpt->flags & FAKE_HWPT_PASID) ||
            (d->pt_id && (!d->hwpt || !(d->hwpt->flags & FAKE_HWPT_PASID))))
                return -EINVAL;
        if (!m->options.pasid_bits)
                return -EOPNOTSUPP;
        if (pasid >= 1u << m->options.pasid_bits)
                return -EINVAL;
        t->hwpt->users++;
        drop_pasid(d, pasid);
        for (size_t i = 0; i < ARRAY_SIZE(d->pasids); i++)
                if (!d->pasids[i].hwpt) {
                        d->pasids[i].pasid = pasid;
                        d->pasids[i].hwpt = t->hwpt;
                        return 0;
                }
        abort();
}

int fake_attach_pt(struct fake *m, struct fake_device *d, struct fake_vfio_attach_pt *a)
{
        const bool by_pasid = a->flags & 1;
        struct fake_device *mates[16];
        struct target t;
        int r;

        if (a->argsz < offsetof(struct fake_vfio_attach_pt, pasid) || a->flags & ~1u ||
            (by_pasid && (!fake_linux(m, 6, 15) || a->argsz < sizeof(*a))))
                return -EINVAL;
        r = find_target(d->iommufd, a->pt_id, &t);
        if (r < 0)
                return r;
        if (by_pasid)
                return attach_pasid(m, d, a->pasid, &t);
        if (!beside_pasids(d, &t))
                return -EINVAL;
        if (d->pt_id)
                r = is_at(d, &t) ? 0 : replace(m, d, &t);
        else if (attached_mates(m, d, mates) > 0 && !is_at(mates[0], &t))
                r = -EINVAL;
        else
                r = attach_one(m, d, &t);
        if (r == 0)
                a->pt_id = t.hwpt ? t.hwpt->id : t.ioas->hwpt_id;
        return r;
}

int fake_detach_pt(struct fake *m, struct fake_device *d, const struct fake_vfio_detach_pt *a)
{
        const bool by_pasid = a->flags & 1;

        if (a->argsz < offsetof(struct fake_vfio_detach_pt, pasid) || a->flags & ~1u ||
            (by_pasid && (!fake_linux(m, 6, 15) || a->argsz < sizeof(*a))))
                return -EINVAL;
        if (by_pasid)
                drop_pasid(d, a->pasid);
        else
                detach_one(m, d);
        return 0;
}

void fake_detach_all(struct fake *m, struct fake_device *d)
{
        for (size_t i = 0; i < ARRAY_SIZE(d->pasids); i++)
                if (d->pasids[i].hwpt)
                        drop_pasid(d, d->pasids[i].pasid);
        detach_one(m, d);
}
