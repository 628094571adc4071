/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault_queue.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "uapi.h"

_Static_assert(sizeof(struct iommuctl_page_request) == sizeof(struct uapi_iommu_hwpt_pgfault) &&
                       offsetof(struct iommuctl_page_request, address) ==
                               offsetof(struct uapi_iommu_hwpt_pgfault, addr) &&
                       offsetof(struct iommuctl_page_request, cookie) ==
                               offsetof(struct uapi_iommu_hwpt_pgfault, cookie),
               "the kernel writes our requests");
_Static_assert(sizeof(struct iommuctl_page_response) == sizeof(struct uapi_iommu_hwpt_page_response),
               "the kernel reads our answers");

_public_ int iommuctl_fault_queue_new(struct iommuctl_container *c, struct iommuctl_fault_queue **ret_queue)
{
        struct uapi_iommu_fault_alloc alloc = { .size = sizeof(alloc) };
        struct iommuctl_fault_queue *q;
        int r;

        r = iommufd_check(c, "a fault queue");
        if (r < 0)
                return r;
        q = calloc(1, sizeof(*q));
        if (!q)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        r = iommufd_call(c, UAPI_IOMMU_FAULT_QUEUE_ALLOC, &alloc);
        if (r < 0) {
                free(q);
                return iommufd_explain(c, 0, "a fault queue", "6.11", r);
        }
        iommufd_object_init(&q->object, c, alloc.out_fault_id);
        q->fd = (int)alloc.out_fault_fd;
        *ret_queue = q;
        return 0;
}

_public_ struct iommuctl_fault_queue *iommuctl_fault_queue_ref(struct iommuctl_fault_queue *q)
{
        if (q)
                __atomic_add_fetch(&q->object.refcount, 1, __ATOMIC_RELAXED);
        return q;
}

/* The open descriptor uses the object, so it goes first. */
_public_ struct iommuctl_fault_queue *iommuctl_fault_queue_unref(struct iommuctl_fault_queue *q)
{
        struct iommuctl_container *c;

        if (!q || !iommufd_object_unref(&q->object))
                return NULL;
        c = q->object.container;
        container_kernel(c)->ops->close(container_kernel(c), q->fd);
        iommufd_object_destroy(&q->object, "fault queue");
        free(q);
        iommuctl_container_unref(c);
        return NULL;
}

_public_ uint32_t iommuctl_fault_queue_id(const struct iommuctl_fault_queue *q)
{
        return q->object.id;
}

_public_ int iommuctl_fault_queue_fd(const struct iommuctl_fault_queue *q)
{
        return q->fd;
}

int iommufd_wait(struct iommufd_object *o, int fd, const char *what, int timeout_ms)
{
        struct kernel *k = container_kernel(o->container);
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int r;

        r = k->ops->poll(k, &p, 1, timeout_ms);
        if (r < 0)
                return ctx_error(o->container->ctx, r, NULL, "%s %u cannot be waited for: %s", what, o->id,
                                 strerror(-r));
        return r > 0;
}

_public_ int iommuctl_fault_queue_wait(struct iommuctl_fault_queue *q, int timeout_ms)
{
        return iommufd_wait(&q->object, q->fd, "fault queue", timeout_ms);
}

_public_ ssize_t iommuctl_fault_queue_read(struct iommuctl_fault_queue *q,
                                           struct iommuctl_page_request *requests, size_t n)
{
        struct iommuctl_ctx *ctx = q->object.container->ctx;
        const size_t room = MIN(n, (size_t)INT_MAX / sizeof(*requests));
        ssize_t r;

        r = ctx->kernel->ops->read(ctx->kernel, q->fd, requests, room * sizeof(*requests));
        if (r == -EAGAIN)
                return 0;
        if (r == -EINVAL)
                return ctx_error(ctx, -EINVAL, NULL,
                                 "the next group of fault queue %u has more than %zu page requests",
                                 q->object.id, n);
        if (r < 0)
                return ctx_error(ctx, (int)r, NULL, "fault queue %u cannot be read: %s", q->object.id,
                                 strerror((int)-r));
        return r / (ssize_t)sizeof(*requests);
}

_public_ ssize_t iommuctl_fault_queue_respond(struct iommuctl_fault_queue *q,
                                              const struct iommuctl_page_response *responses, size_t n)
{
        struct iommuctl_ctx *ctx = q->object.container->ctx;
        ssize_t r;

        if (n == 0)
                return 0;
        r = ctx->kernel->ops->write(ctx->kernel, q->fd, responses,
                                    MIN(n, (size_t)INT_MAX / sizeof(*responses)) * sizeof(*responses));
        if (r < 0)
                return ctx_error(ctx, (int)r, NULL, "fault queue %u does not take answer %u to cookie %u: %s",
                                 q->object.id, responses->answer, responses->cookie, strerror((int)-r));
        return r / (ssize_t)sizeof(*responses);
}
