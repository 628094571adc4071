/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dma.h"
#include "explain.h"
#include "group.h"
#include "iommufd.h"
#include "noiommu.h"
#include "type1.h"

_public_ const char *iommuctl_backend_name(enum iommuctl_backend backend)
{
        switch (backend) {
        case IOMMUCTL_BACKEND_AUTO:
                return "auto";
        case IOMMUCTL_BACKEND_IOMMUFD:
                return "iommufd";
        case IOMMUCTL_BACKEND_TYPE1:
                return "type1";
        case IOMMUCTL_BACKEND_NOIOMMU:
                return "noiommu";
        }
        return NULL;
}

struct iommuctl_container *container_alloc(struct iommuctl_ctx *ctx, enum iommuctl_backend asked)
{
        struct iommuctl_container *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        c->refcount = 1;
        c->ctx = iommuctl_ctx_ref(ctx);
        c->asked = asked;
        c->page_size = (uint64_t)getpagesize();
        c->space = (struct address_space){ .k = ctx->kernel, .fd = -1 };
        pthread_mutex_init(&c->tracking_lock, NULL);
        pthread_mutex_init(&c->join_lock, NULL);
        pthread_mutex_init(&c->facts_lock, NULL);
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->settled, NULL);
        dma_map_init(&c->map);
        return c;
}

void container_free(struct iommuctl_container *c)
{
        struct kernel *k = container_kernel(c);

        if (c->iommufd)
                container_leave_iommufd(c);
        else if (c->space.fd >= 0)
                k->ops->close(k, c->space.fd);
        while (c->spare) {
                struct iommuctl_dma *dma = c->spare;

                c->spare = dma->next_spare;
                free(dma);
        }
        dma_map_destroy(&c->map);
        free(c->allowed);
        pthread_cond_destroy(&c->settled);
        pthread_mutex_destroy(&c->lock);
        pthread_mutex_destroy(&c->facts_lock);
        pthread_mutex_destroy(&c->join_lock);
        pthread_mutex_destroy(&c->tracking_lock);
        iommuctl_ctx_unref(c->ctx);
        free(c);
}

_public_ int iommuctl_container_new(struct iommuctl_ctx *ctx, enum iommuctl_backend backend,
                                    struct iommuctl_container **ret_container)
{
        const struct iommuctl_container_options options = { .struct_size = sizeof(options),
                                                            .backend = backend };

        return iommuctl_container_new_with_options(ctx, &options, ret_container);
}

_public_ int iommuctl_container_new_with_options(struct iommuctl_ctx *ctx,
                                                 const struct iommuctl_container_options *options,
                                                 struct iommuctl_container **ret_container)
{
        struct iommuctl_container *c _cleanup_(iommuctl_container_unrefp) = NULL;
        struct iommuctl_container_options o;
        int r;

        r = container_options_read(ctx, options, &o);
        if (r < 0)
                return r;
        r = ctx_refuse_root(ctx, "a container");
        if (r < 0)
                return r;
        c = container_alloc(ctx, o.backend);
        if (!c)
                return ctx_error(ctx, -ENOMEM, NULL, "out of memory");
        c->accounting = o.accounting;
        if (o.backend == IOMMUCTL_BACKEND_IOMMUFD)
                r = container_open_iommufd(c);
        else if (o.backend == IOMMUCTL_BACKEND_TYPE1)
                r = container_accept_type1(c);
        else if (o.backend == IOMMUCTL_BACKEND_NOIOMMU)
                ctx_log(ctx, IOMMUCTL_LOG_WARNING,
                        "a container without an IOMMU was asked for: nothing keeps the devices that are "
                        "opened in "
                        "it from any memory of this machine, and the kernel is tainted by them");
        if (r < 0)
                return r;
        *ret_container = TAKE_PTR(c);
        return 0;
}

int container_new_over(struct iommuctl_ctx *ctx, const struct backend *backend, int fd, uint32_t ioas_id,
                       bool joined, struct iommuctl_container **ret_container)
{
        struct iommuctl_container *c = container_alloc(ctx, backend->id);
        int r;

        if (!c) {
                ctx->kernel->ops->close(ctx->kernel, fd);
                return ctx_error(ctx, -ENOMEM, NULL, "out of memory");
        }
        if (backend == &backend_iommufd) {
                c->iommufd = iommufd_file_new(ctx->kernel, fd);
                if (!c->iommufd) {
                        container_free(c);
                        return ctx_error(ctx, -ENOMEM, NULL, "out of memory");
                }
                c->iommufd->shared = true;
        }
        c->space.fd = fd;
        c->space.ioas_id = ioas_id;
        c->foreign = true;
        c->backend = backend;
        c->joined = joined;
        r = joined ? container_read_facts(c) : 0;
        if (r < 0) {
                container_free(c);
                return r;
        }
        *ret_container = c;
        return 0;
}

_public_ struct iommuctl_container *iommuctl_container_ref(struct iommuctl_container *c)
{
        if (c)
                __atomic_add_fetch(&c->refcount, 1, __ATOMIC_RELAXED);
        return c;
}

_public_ struct iommuctl_container *iommuctl_container_unref(struct iommuctl_container *c)
{
        if (c)
                container_drop(c);
        return NULL;
}

_public_ struct iommuctl_ctx *iommuctl_container_ctx(const struct iommuctl_container *c)
{
        return c->ctx;
}

_public_ enum iommuctl_backend iommuctl_container_backend(const struct iommuctl_container *c)
{
        const struct backend *backend = container_backend(c);

        return backend ? backend->id : c->asked;
}

_public_ int iommuctl_container_fd(const struct iommuctl_container *c)
{
        return container_backend(c) ? c->space.fd : -1;
}

_public_ uint32_t iommuctl_container_ioas_id(const struct iommuctl_container *c)
{
        return container_backend(c) ? c->space.ioas_id : 0;
}

int container_refuse_noiommu(struct iommuctl_container *c, const char *what)
{
        if (iommuctl_container_backend(c) != IOMMUCTL_BACKEND_NOIOMMU)
                return 0;
        return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                         "%s: the container is a noiommu one, which has no address space; its devices use "
                         "physical addresses",
                         what);
}

static int open_noiommu(struct iommuctl_container *c)
{
        int fd = noiommu_open_container(container_kernel(c), c->ctx->root_fd);

        if (fd == -EOPNOTSUPP)
                return ctx_error(c->ctx, fd, NULL,
                                 "VFIO does not open devices without an IOMMU: "
                                 "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode is not Y (or this "
                                 "kernel was built without VFIO_NOIOMMU)");
        if (fd < 0)
                return explain_container(c->ctx, "dev/vfio/vfio", fd);
        c->space.fd = fd;
        __atomic_store_n(&c->backend, &backend_noiommu, __ATOMIC_RELEASE);
        return 0;
}

int container_open_type1(struct iommuctl_container *c)
{
        int fd, r;

        if (c->backend || c->asked == IOMMUCTL_BACKEND_IOMMUFD)
                return c->backend && c->backend != &backend_iommufd ? 0 : -EINVAL;
        if (c->asked == IOMMUCTL_BACKEND_NOIOMMU)
                return open_noiommu(c);
        r = container_accept_type1(c);
        if (r < 0)
                return r;
        fd = type1_open_container(container_kernel(c), c->ctx->root_fd);
        if (fd < 0)
                return explain_container(c->ctx, "dev/vfio/vfio", fd);
        c->space.fd = fd;
        __atomic_store_n(&c->backend, &backend_type1, __ATOMIC_RELEASE);
        return 0;
}

int container_open_iommufd(struct iommuctl_container *c)
{
        struct iommufd_file *file _cleanup_(iommufd_file_unrefp) = NULL;
        struct kernel *k = container_kernel(c);
        int fd, r;

        if (c->backend || c->asked == IOMMUCTL_BACKEND_TYPE1)
                return c->backend == &backend_iommufd ? 0 : -EINVAL;
        fd = iommufd_open(k, c->ctx->root_fd);
        if (fd < 0)
                return explain_container(c->ctx, "dev/iommu", fd);
        file = iommufd_file_new(k, fd);
        if (!file)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        r = container_prepare_iommufd(c, fd);
        if (r >= 0)
                r = container_set_iommufd(c, file);
        if (r < 0)
                return r;
        file = NULL;
        return 0;
}

void container_set_joined(struct iommuctl_container *c, bool joined)
{
        pthread_mutex_lock(&c->lock);
        c->joined = joined && c->backend != &backend_noiommu; /* which has no address space */
        if (!joined)
                c->has_max_mappings = false;
        pthread_mutex_unlock(&c->lock);
}

int container_read_facts(struct iommuctl_container *c)
{
        return container_read_facts_as(c, c->backend);
}

int container_read_facts_as(struct iommuctl_container *c, const struct backend *backend)
{
        struct space_facts facts;
        int r;

        pthread_mutex_lock(&c->facts_lock);
        r = backend->read_facts(&c->space, &facts);
        if (r < 0) {
                pthread_mutex_unlock(&c->facts_lock);
                return ctx_error(c->ctx, r, NULL, "the kernel does not say which addresses can be mapped: %s",
                                 strerror(-r));
        }
        pthread_mutex_lock(&c->lock);
        r = iova_space_set_ranges(&c->map.space, facts.ranges, facts.n_ranges);
        if (r == 0) {
                c->page_sizes = facts.page_sizes;
                if (facts.has_available && !c->has_max_mappings) {
                        /* First asked when nothing is mapped yet but what was there when it was adopted. */
                        c->max_mappings = facts.available + c->map.n_entries;
                        c->has_max_mappings = true;
                }
        }
        pthread_mutex_unlock(&c->lock);
        pthread_mutex_unlock(&c->facts_lock);
        free(facts.ranges);
        return r < 0 ? ctx_error(c->ctx, r, NULL, "out of memory") : 0;
}

_public_ int iommuctl_container_ranges(struct iommuctl_container *c, struct iommuctl_range **ret_ranges)
{
        struct iommuctl_range *ranges = NULL;
        size_t n = 0;
        bool joined;
        int r;

        r = container_refuse_noiommu(c, "there are no IOVAs");
        if (r < 0)
                return r;
        pthread_mutex_lock(&c->lock);
        joined = c->joined;
        if (joined) {
                n = c->map.space.n_ranges;
                ranges = calloc(n ?: 1, sizeof(*ranges));
                if (ranges && n > 0)
                        memcpy(ranges, c->map.space.ranges, n * sizeof(*ranges));
        }
        pthread_mutex_unlock(&c->lock);
        if (!joined)
                return ctx_error(c->ctx, -ENODEV, NULL,
                                 "the container has no address space yet: open a device first");
        if (!ranges)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        *ret_ranges = ranges;
        return (int)n;
}

_public_ uint64_t iommuctl_container_page_sizes(struct iommuctl_container *c)
{
        uint64_t sizes;

        pthread_mutex_lock(&c->lock);
        sizes = c->joined ? c->page_sizes : 0;
        pthread_mutex_unlock(&c->lock);
        return sizes;
}

_public_ bool iommuctl_container_max_mappings(struct iommuctl_container *c, uint64_t *ret_max)
{
        bool known;

        pthread_mutex_lock(&c->lock);
        known = c->joined && c->has_max_mappings;
        if (known)
                *ret_max = c->max_mappings;
        pthread_mutex_unlock(&c->lock);
        return known;
}

_public_ bool iommuctl_container_available_mappings(struct iommuctl_container *c, uint64_t *ret_available)
{
        const struct backend *backend = container_backend(c);
        struct space_facts facts;

        if (!backend || backend->read_facts(&c->space, &facts) < 0)
                return false;
        free(facts.ranges);
        if (facts.has_available)
                *ret_available = facts.available;
        return facts.has_available;
}

void container_format_ranges(const struct iommuctl_container *c, char *text, size_t size)
{
        const struct iova_space *s = &c->map.space;
        size_t at = 0;

        snprintf(text, size, "none");
        for (size_t i = 0; i < s->n_ranges; i++) {
                int n = snprintf(text + at, size - at, "%s0x%" PRIx64 "-0x%" PRIx64, i ? ", " : "",
                                 s->ranges[i].start, s->ranges[i].last);

                if (n < 0 || (size_t)n >= size - at - sizeof(", …")) {
                        snprintf(text + at, size - at, ", …");
                        return;
                }
                at += (size_t)n;
        }
}
