/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A queue in a guest's memory that the hardware reads by itself.
 *
 * Hardware may want its queues to come from index 0 upwards and to go the other way, and the kernel holds to
 * that (EBUSY; drivers/iommu/arm/arm-smmu-v3/tegra241-cmdqv.c). So each queue keeps the one before it. */
#include "viommu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "uapi.h"

struct iommuctl_hw_queue {
        struct iommufd_object object;
        struct iommuctl_viommu *viommu;   /* a reference */
        struct iommuctl_hw_queue *before; /* a reference; NULL: none of the library's */
        struct iommuctl_hw_queue *next;   /* of the vIOMMU's */
        uint32_t type, index;
};

/* Enters the queue into its vIOMMU, with a reference to the one before it. */
static void enter(struct iommuctl_hw_queue *q)
{
        pthread_mutex_lock(&q->object.container->iommufd->lock);
        for (struct iommuctl_hw_queue *o = q->viommu->queues; o && !q->before; o = o->next)
                if (o->type == q->type && o->index + 1 == q->index && iommufd_object_try_ref(&o->object))
                        q->before = o;
        q->next = q->viommu->queues;
        q->viommu->queues = q;
        pthread_mutex_unlock(&q->object.container->iommufd->lock);
}

static void leave(struct iommuctl_hw_queue *q)
{
        pthread_mutex_lock(&q->object.container->iommufd->lock);
        for (struct iommuctl_hw_queue **p = &q->viommu->queues; *p; p = &(*p)->next) {
                if (*p == q) {
                        *p = q->next;
                        break;
                }
        }
        pthread_mutex_unlock(&q->object.container->iommufd->lock);
}

_public_ int iommuctl_hw_queue_new(struct iommuctl_viommu *v, uint32_t type, uint32_t index, uint64_t iova,
                                   uint64_t length, struct iommuctl_hw_queue **ret_queue)
{
        struct iommuctl_container *c = v->object.container;
        struct uapi_iommu_hw_queue_alloc alloc = {
                .size = sizeof(alloc),
                .viommu_id = v->object.id,
                .type = type,
                .index = index,
                .nesting_parent_iova = iova,
                .length = length,
        };
        struct iommuctl_hw_queue *q;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        r = iommufd_call(c, UAPI_IOMMU_HW_QUEUE_ALLOC, &alloc);
        if (r < 0) {
                free(q);
                if (r == -ENOENT)
                        return ctx_error(c->ctx, r, NULL,
                                         "a queue at 0x%" PRIx64 "-0x%" PRIx64
                                         " cannot be read by the hardware: not all of it is mapped",
                                         iova, iova + length - 1);
                return iommufd_explain(c, 0, "a queue that the hardware reads", "6.17", r);
        }
        iommufd_object_init(&q->object, c, alloc.out_hw_queue_id);
        q->viommu = iommuctl_viommu_ref(v);
        q->type = type;
        q->index = index;
        enter(q);
        *ret_queue = q;
        return 0;
}

_public_ struct iommuctl_hw_queue *iommuctl_hw_queue_ref(struct iommuctl_hw_queue *q)
{
        if (q)
                __atomic_add_fetch(&q->object.refcount, 1, __ATOMIC_RELAXED);
        return q;
}

_public_ struct iommuctl_hw_queue *iommuctl_hw_queue_unref(struct iommuctl_hw_queue *q)
{
        if (!q || !iommufd_object_unref(&q->object))
                return NULL;
        leave(q);
        iommufd_object_destroy(&q->object, "hardware queue");
        iommuctl_hw_queue_unref(q->before);
        iommuctl_viommu_unref(q->viommu);
        iommuctl_container_unref(q->object.container);
        free(q);
        return NULL;
}

_public_ uint32_t iommuctl_hw_queue_id(const struct iommuctl_hw_queue *q)
{
        return q->object.id;
}
