/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Making and freeing pools, and what they tell of themselves. */

static void pool_discard(struct iommuctl_pool *pool)
{
        pool_shared_done(&pool->shared);
        free(pool->state);
        free(pool->ring);
        free(pool);
}

static struct iommuctl_pool *pool_alloc(const struct pool_shape *shape, const char *name)
{
        struct iommuctl_pool *pool = aligned_alloc(POOL_APART, sizeof(*pool));

        if (!pool)
                return NULL;
        memset(pool, 0, sizeof(*pool));
        pool->shape = *shape;
        snprintf(pool->name, sizeof(pool->name), "%s", name ?: "");
        if (pool_shared_init(&pool->shared, shape->count, shape->cache) < 0) {
                free(pool);
                return NULL;
        }
        if (shape->debug && pool_debug_init(pool) < 0) {
                pool_discard(pool);
                return NULL;
        }
        return pool;
}

/* Puts the pool into the mapping, OFFSET bytes from its beginning. */
static void pool_settle(struct iommuctl_pool *pool, struct iommuctl_dma *dma, bool owns, size_t offset)
{
        void *buffer;

        pool->dma = dma;
        pool->owns_dma = owns;
        pool->base = (char *)dma->span.vaddr + offset;
        pool->iova_offset = dma->span.iova - (uint64_t)(uintptr_t)dma->span.vaddr;
        pool->shared.base = (uint64_t)(uintptr_t)pool->base;
        pool->shared.unit = (unsigned int)__builtin_ctzl(pool->shape.align);
        if (pool->shape.debug) {
                pool_debug_fill(pool);
                return;
        }
        /* What comes in last goes out first: the first buffer is the first that is got. */
        for (size_t i = pool->shape.count; i-- > 0;) {
                buffer = pool_buffer(pool, i);
                pool_shared_give(&pool->shared, &buffer, 1);
        }
}

_public_ int iommuctl_pool_new(struct iommuctl_container *c, const struct iommuctl_pool_options *options,
                               struct iommuctl_pool **ret_pool)
{
        struct iommuctl_dma_options d = { .struct_size = sizeof(d) };
        struct iommuctl_pool_options o;
        struct iommuctl_pool *pool;
        struct iommuctl_dma *dma;
        struct pool_shape shape;
        int r;

        r = pool_options_read(c, options, &o);
        if (r < 0)
                return r;
        r = pool_shape_read(c, &o, o.page_size ?: (size_t)getpagesize(), &shape);
        if (r < 0)
                return r;
        if (shape.count == 0)
                return ctx_error(c->ctx, -EINVAL, NULL, "a pool of 0 buffers cannot be: count is not set");
        r = pool_shape_settle(c, &shape, shape.count);
        if (r < 0)
                return r;
        pool = pool_alloc(&shape, o.name);
        if (!pool)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        d.access = o.access;
        d.iova_limit = o.iova_limit;
        d.page_size = o.page_size;
        d.name = o.name;
        r = iommuctl_dma_alloc(c, shape.stride * shape.count, &d, &dma);
        if (r < 0) {
                pool_discard(pool);
                return r;
        }
        /* Pages of 2 MiB and more are placed at such IOVAs while there is room for that, and only then. */
        if (dma->span.iova & (shape.align - 1)) {
                r = ctx_error(c->ctx, -ENOSPC, NULL,
                              "no 0x%zx bytes of IOVA are free at a multiple of the alignment, 0x%zx",
                              dma->span.size, shape.align);
                iommuctl_dma_unmap(dma);
                pool_discard(pool);
                return r;
        }
        pool_settle(pool, dma, true, 0);
        *ret_pool = pool;
        return 0;
}

/* How many buffers fit into the mapping, and where the first one is. */
static int fit(struct iommuctl_dma *dma, struct pool_shape *shape, size_t *ret_offset)
{
        struct iommuctl_ctx *ctx = dma->container->ctx;
        const struct iommuctl_span span = dma->span;
        const uint64_t vaddr = (uint64_t)(uintptr_t)span.vaddr;
        size_t offset, fits;

        if ((vaddr ^ span.iova) & (shape->align - 1))
                return ctx_error(ctx, -EINVAL, NULL,
                                 "the mapping at 0x%" PRIx64 " with IOVA 0x%" PRIx64
                                 " has no place where both are multiples of 0x%zx",
                                 vaddr, span.iova, shape->align);
        offset = (size_t)(-vaddr & (shape->align - 1));
        fits = offset < span.size ? (span.size - offset) / shape->stride : 0;
        if (fits < MAX(shape->count, (size_t)1))
                return ctx_error(ctx, -ENOSPC, NULL,
                                 "%zu buffers of %zu bytes, each at a multiple of %zu, do not fit into the "
                                 "mapping's 0x%zx bytes: %zu do",
                                 MAX(shape->count, (size_t)1), shape->size, shape->align, span.size, fits);
        *ret_offset = offset;
        return pool_shape_settle(dma->container, shape, shape->count ?: fits);
}

static int check_mapping(const struct iommuctl_dma *dma, const struct iommuctl_pool_options *o)
{
        struct iommuctl_ctx *ctx = dma->container->ctx;

        if (o->page_size)
                return ctx_error(ctx, -EINVAL, NULL,
                                 "page_size is for memory that is made: what is there has its pages already");
        if (!dma->span.vaddr)
                return ctx_error(ctx, -EINVAL, NULL,
                                 "the mapping of IOVA 0x%" PRIx64
                                 " was made by a descriptor and has no address here",
                                 dma->span.iova);
        if (!iommuctl_dma_is_mapped(dma))
                return ctx_error(ctx, -ENOENT, NULL,
                                 "the buffer of IOVA 0x%" PRIx64 " is not mapped any more", dma->span.iova);
        if (o->access & ~(unsigned int)(IOMMUCTL_ACCESS_READ | IOMMUCTL_ACCESS_WRITE))
                return ctx_error(ctx, -EINVAL, NULL, "there is no access 0x%x", o->access);
        if (o->access & ~dma->access)
                return ctx_error(ctx, -EPERM, NULL, "devices may only %s the mapping of IOVA 0x%" PRIx64,
                                 dma->access == IOMMUCTL_ACCESS_READ ? "read" : "write", dma->span.iova);
        if (o->iova_limit && dma->span.iova + (dma->span.size - 1) > o->iova_limit)
                return ctx_error(ctx, -ENOSPC, NULL,
                                 "the mapping of 0x%zx bytes at IOVA 0x%" PRIx64
                                 " ends above the limit 0x%" PRIx64,
                                 dma->span.size, dma->span.iova, o->iova_limit);
        return 0;
}

_public_ int iommuctl_pool_new_in(struct iommuctl_dma *dma, const struct iommuctl_pool_options *options,
                                  struct iommuctl_pool **ret_pool)
{
        struct iommuctl_pool_options o;
        struct iommuctl_pool *pool;
        struct pool_shape shape;
        size_t offset = 0;
        int r;

        r = pool_options_read(dma->container, options, &o);
        if (r >= 0)
                r = check_mapping(dma, &o);
        if (r >= 0)
                r = pool_shape_read(dma->container, &o, 0, &shape);
        if (r >= 0)
                r = fit(dma, &shape, &offset);
        if (r < 0)
                return r;
        pool = pool_alloc(&shape, o.name ?: dma->name);
        if (!pool)
                return ctx_error(dma->container->ctx, -ENOMEM, NULL, "out of memory");
        pool_settle(pool, dma, false, offset);
        *ret_pool = pool;
        return 0;
}

struct pool_name pool_name(const struct iommuctl_pool *pool)
{
        const char *quote = pool->name[0] ? "\"" : "";
        struct pool_name name;

        snprintf(name.text, sizeof(name.text), "pool%s%s%s%s", pool->name[0] ? " " : "", quote, pool->name,
                 quote);
        return name;
}

void pool_report(struct iommuctl_pool *pool, size_t n, const char *format, ...)
{
        char text[400];
        va_list ap;

        __atomic_add_fetch(&pool->errors, n, __ATOMIC_RELAXED);
        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        ctx_error(pool_ctx(pool), 0, NULL, "%s: %s", pool_name(pool).text, text);
        ctx_log(pool_ctx(pool), IOMMUCTL_LOG_ERR, "%s: %s", pool_name(pool).text, text);
}

/* With the lock. */
static int refuse_to_free(const struct iommuctl_pool *pool)
{
        const size_t out = pool->shape.count - pool->n_lost - pool->shared.n_free;
        const unsigned int n_caches = __atomic_load_n(&pool->n_caches, __ATOMIC_ACQUIRE);

        if (n_caches > 0)
                return ctx_error(pool_ctx(pool), -EBUSY, NULL,
                                 "the %s of %zu buffers cannot be freed: %u of its caches are not freed, and "
                                 "%zu buffers are in them or in use",
                                 pool_name(pool).text, pool->shape.count, n_caches, out);
        if (out > 0)
                return ctx_error(pool_ctx(pool), -EBUSY, NULL,
                                 "the %s of %zu buffers cannot be freed: %zu of them are not put back",
                                 pool_name(pool).text, pool->shape.count, out);
        return 0;
}

_public_ int iommuctl_pool_free(struct iommuctl_pool *pool)
{
        int r;

        if (!pool)
                return 0;
        pthread_mutex_lock(&pool->shared.lock);
        r = refuse_to_free(pool);
        pthread_mutex_unlock(&pool->shared.lock);
        if (r < 0)
                return r;
        if (pool->shape.debug)
                pool_debug_end(pool);
        if (pool->owns_dma)
                r = iommuctl_dma_unmap(pool->dma);
        if (r < 0)
                return r;
        pool_discard(pool);
        return 0;
}

_public_ size_t iommuctl_pool_available(const struct iommuctl_pool *pool)
{
        return __atomic_load_n(&pool->shared.n_free, __ATOMIC_RELAXED);
}

_public_ size_t iommuctl_pool_size(const struct iommuctl_pool *pool)
{
        return pool->shape.size;
}

_public_ size_t iommuctl_pool_count(const struct iommuctl_pool *pool)
{
        return pool->shape.count;
}

_public_ size_t iommuctl_pool_stride(const struct iommuctl_pool *pool)
{
        return pool->shape.stride;
}

_public_ struct iommuctl_span iommuctl_pool_span(const struct iommuctl_pool *pool)
{
        return (struct iommuctl_span){ .vaddr = pool->base,
                                       .iova = pool_iova(pool, pool->base),
                                       .size = pool->shape.stride * pool->shape.count };
}

_public_ uint64_t iommuctl_pool_errors(const struct iommuctl_pool *pool)
{
        return __atomic_load_n(&pool->errors, __ATOMIC_RELAXED);
}
