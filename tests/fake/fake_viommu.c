/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vIOMMUs and what is made in them (drivers/iommu/iommufd/viommu.c, eventq.c), as an SMMUv3 has them. */
#include <errno.h>
#include <stdlib.h>

#include "fake_vfio.h"

static int viommu_alloc(struct fake *m, struct fake_iommufd *i, struct fake_iommu_viommu_alloc *a)
{
        struct fake_object *parent = fake_find_object(i, FAKE_HWPT, a->hwpt_id), *o;

        if (a->flags || a->type == 0)
                return -EOPNOTSUPP;
        if (!fake_iommufd_device(m, i, a->dev_id))
                return -ENOENT;
        if (!m->options.smmuv3 || a->type > (fake_linux(m, 6, 17) ? 2 : 1))
                return -EOPNOTSUPP;
        if (!parent)
                return -ENOENT;
        if (!(parent->flags & FAKE_HWPT_NEST_PARENT))
                return -EINVAL;
        if (a->data_len && (a->type != 2 || a->data_len < 16))
                return -EINVAL;
        o = fake_object_new(i, FAKE_VIOMMU, parent);
        o->kind = a->type;
        if (a->data_len)
                memcpy((void *)(uintptr_t)a->data_uptr, &(const uint64_t[2]){ 0x4000, 0x10000 }, 16);
        a->out_viommu_id = o->id;
        return 0;
}

static int vdevice_alloc(struct fake *m, struct fake_iommufd *i, struct fake_iommu_vdevice_alloc *a)
{
        struct fake_object *viommu = fake_find_object(i, FAKE_VIOMMU, a->viommu_id), *o;
        struct fake_device *d = fake_iommufd_device(m, i, a->dev_id);

        if (!viommu || !d)
                return -ENOENT;
        for (o = i->objects; o; o = o->next)
                if (o->type == FAKE_VDEVICE &&
                    (o->device == d || (o->parent == viommu && o->virtual_id == a->virt_id)))
                        return -EEXIST;
        o = fake_object_new(i, FAKE_VDEVICE, viommu);
        o->device = d;
        o->virtual_id = a->virt_id;
        a->out_vdevice_id = o->id;
        return 0;
}

void fake_vdevice_gone(struct fake *m, struct fake_device *d)
{
        for (struct fake_object *o = d->iommufd->objects; o; o = o->next)
                if (o->type == FAKE_VDEVICE && o->device == d) {
                        fake_object_free(m, o);
                        return;
                }
}

static int veventq_alloc(struct fake *m, struct fake_iommufd *i, struct fake_iommu_veventq_alloc *a)
{
        struct fake_object *viommu = fake_find_object(i, FAKE_VIOMMU, a->viommu_id), *o;
        int fd;

        if (a->flags || a->reserved || a->type == 0)
                return -EOPNOTSUPP;
        if (!a->depth)
                return -EINVAL;
        if (!viommu)
                return -ENOENT;
        for (o = i->objects; o; o = o->next)
                if (o->type == FAKE_VEVENTQ && o->parent == viommu && o->kind == a->type)
                        return -EEXIST;
        if (a->type != viommu->kind)
                return -EOPNOTSUPP;
        o = fake_object_new(i, FAKE_VEVENTQ, viommu);
        o->kind = a->type;
        o->depth = a->depth;
        fd = fake_eventq_open(m, o);
        if (fd < 0) {
                fake_object_free(m, o);
                return fd;
        }
        a->out_veventq_id = o->id;
        a->out_veventq_fd = (uint32_t)fd;
        return 0;
}

static int hw_queue_alloc(struct fake *m, struct fake_iommufd *i, struct fake_iommu_hw_queue_alloc *a)
{
        struct fake_object *viommu = fake_find_object(i, FAKE_VIOMMU, a->viommu_id), *o, *before;
        struct fake_mapping *mapping;

        (void)m;
        if (a->flags || a->type == 0)
                return -EOPNOTSUPP;
        if (!a->length)
                return -EINVAL;
        if (a->iova + (a->length - 1) < a->iova)
                return -EOVERFLOW;
        if (!viommu)
                return -ENOENT;
        if (viommu->kind != 2 || a->type != 1)
                return -EOPNOTSUPP;
        for (o = i->objects; o; o = o->next)
                if (o->type == FAKE_HW_QUEUE && o->parent == viommu && o->index == a->index)
                        return -EEXIST;
        for (before = i->objects; before; before = before->next)
                if (before->type == FAKE_HW_QUEUE && before->parent == viommu &&
                    before->index + 1 == a->index)
                        break;
        if (a->index && !before)
                return -EIO; /* from 0 upwards */
        mapping = fake_space_find(&viommu->parent->ioas->space, a->iova, a->iova);
        if (!mapping || mapping->iova + mapping->size - a->iova < a->length)
                return -ENOENT; /* iopt_pin_pages() */
        o = fake_object_new(i, FAKE_HW_QUEUE, viommu);
        o->before = before; /* which goes after this one: iommufd_hw_queue_depend() */
        if (before)
                before->users++;
        o->index = a->index;
        a->out_hw_queue_id = o->id;
        return 0;
}

int fake_viommu_ioctl(struct fake *m, struct fake_iommufd *i, unsigned long request, void *arg)
{
        switch (request) {
        case FAKE_IOMMU_FAULT_QUEUE:
                return fake_linux(m, 6, 11) ? fake_faults_alloc(m, i, arg) : -ENOTTY;
        case FAKE_IOMMU_VIOMMU_ALLOC:
                return fake_linux(m, 6, 13) ? viommu_alloc(m, i, arg) : -ENOTTY;
        case FAKE_IOMMU_VDEVICE_ALLOC:
                return fake_linux(m, 6, 13) ? vdevice_alloc(m, i, arg) : -ENOTTY;
        case FAKE_IOMMU_VEVENTQ_ALLOC:
                return fake_linux(m, 6, 15) ? veventq_alloc(m, i, arg) : -ENOTTY;
        case FAKE_IOMMU_HW_QUEUE_ALLOC:
                return fake_linux(m, 6, 17) ? hw_queue_alloc(m, i, arg) : -ENOTTY;
        default:
                return -ENOTTY;
        }
}
