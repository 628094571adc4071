/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/veventq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "uapi.h"
#include "viommu.h"

#define EVENT_MAX 4096u

struct iommuctl_veventq {
        struct iommufd_object object;
        struct iommuctl_viommu *viommu; /* a reference */
        int fd;
};

static int explain(struct iommuctl_viommu *v, uint32_t type, int r)
{
        struct iommuctl_container *c = v->object.container;

        if (r == -EEXIST)
                return ctx_error(c->ctx, r, NULL, "vIOMMU %u has a queue of events of type 0x%x already",
                                 v->object.id, type);
        return iommufd_explain(c, 0, "a queue of a vIOMMU's events", "6.15", r);
}

_public_ int iommuctl_veventq_new(struct iommuctl_viommu *v, uint32_t type, uint32_t depth,
                                  struct iommuctl_veventq **ret_queue)
{
        struct iommuctl_container *c = v->object.container;
        struct uapi_iommu_veventq_alloc alloc = {
                .size = sizeof(alloc),
                .viommu_id = v->object.id,
                .type = type,
                .veventq_depth = depth,
        };
        struct iommuctl_veventq *q;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        r = iommufd_call(c, UAPI_IOMMU_VEVENTQ_ALLOC, &alloc);
        if (r < 0) {
                free(q);
                return explain(v, type, r);
        }
        iommufd_object_init(&q->object, c, alloc.out_veventq_id);
        q->viommu = iommuctl_viommu_ref(v);
        q->fd = (int)alloc.out_veventq_fd;
        *ret_queue = q;
        return 0;
}

_public_ struct iommuctl_veventq *iommuctl_veventq_ref(struct iommuctl_veventq *q)
{
        if (q)
                __atomic_add_fetch(&q->object.refcount, 1, __ATOMIC_RELAXED);
        return q;
}

/* The open descriptor uses the object, so it goes first. */
_public_ struct iommuctl_veventq *iommuctl_veventq_unref(struct iommuctl_veventq *q)
{
        struct iommuctl_container *c;

        if (!q || !iommufd_object_unref(&q->object))
                return NULL;
        c = q->object.container;
        container_kernel(c)->ops->close(container_kernel(c), q->fd);
        iommufd_object_destroy(&q->object, "queue of events");
        iommuctl_viommu_unref(q->viommu);
        free(q);
        iommuctl_container_unref(c);
        return NULL;
}

_public_ uint32_t iommuctl_veventq_id(const struct iommuctl_veventq *q)
{
        return q->object.id;
}

_public_ int iommuctl_veventq_fd(const struct iommuctl_veventq *q)
{
        return q->fd;
}

_public_ int iommuctl_veventq_wait(struct iommuctl_veventq *q, int timeout_ms)
{
        return iommufd_wait(&q->object, q->fd, "queue of events", timeout_ms);
}

/* The kernel does not say how long an event is, and gives as many as there is room for: one, where the room
 * is for just one (drivers/iommu/iommufd/eventq.c, iommufd_veventq_fops_read()). */
_public_ int iommuctl_veventq_read(struct iommuctl_veventq *q, void *data, size_t size,
                                   struct iommuctl_vevent *ret_event)
{
        struct iommuctl_ctx *ctx = q->object.container->ctx;
        struct {
                struct uapi_iommufd_vevent_header header;
                uint8_t data[EVENT_MAX];
        } event;
        bool lost;
        ssize_t r;

        if (size > EVENT_MAX)
                return ctx_error(ctx, -EINVAL, NULL, "an event has at most %u bytes, not %zu", EVENT_MAX,
                                 size);
        r = ctx->kernel->ops->read(ctx->kernel, q->fd, &event, sizeof(event.header) + size);
        if (r == 0 || r == -EAGAIN)
                return 0;
        if (r == -EINVAL)
                return ctx_error(ctx, -EINVAL, NULL, "an event of queue %u has more than %zu bytes",
                                 q->object.id, size);
        if (r < 0)
                return ctx_error(ctx, (int)r, NULL, "queue of events %u cannot be read: %s", q->object.id,
                                 strerror((int)-r));
        lost = r >= (ssize_t)sizeof(event.header) && event.header.flags & UAPI_IOMMU_VEVENTQ_FLAG_LOST_EVENTS;
        if (r != (ssize_t)(sizeof(event.header) + (lost ? 0 : size)))
                return ctx_error(ctx, -EPROTO, NULL,
                                 "an event of queue %u has %zd bytes with its header, not %zu", q->object.id,
                                 r, sizeof(event.header) + size);
        *ret_event = (struct iommuctl_vevent){ .sequence = event.header.sequence,
                                               .lost = lost,
                                               .size = lost ? 0 : size };
        if (!lost)
                memcpy(data, event.data, size);
        return 1;
}
