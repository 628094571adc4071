/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "options.h"

/* What a caller asks of a pool, checked before anything is touched. */

#define DEFAULT_ALIGN 64
#define DEFAULT_CACHE 64

int pool_options_read(struct iommuctl_container *c, const struct iommuctl_pool_options *from,
                      struct iommuctl_pool_options *ret_options)
{
        struct iommuctl_pool_options o = { .struct_size = sizeof(o) };
        int r;

        r = options_copy(c->ctx, from, &o, sizeof(o));
        if (r < 0)
                return r;
        if (o.flags & ~(unsigned int)IOMMUCTL_POOL_DEBUG)
                return ctx_error(c->ctx, -EINVAL, NULL, "there are no pool flags 0x%x", o.flags);
        if (o.name && !dma_name_is_valid(o.name))
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "a pool's name has at most %d of A-Z a-z 0-9 . _ and -, not \"%.80s\"",
                                 DMA_NAME_MAX, o.name);
        *ret_options = o;
        return 0;
}

int pool_shape_read(struct iommuctl_container *c, const struct iommuctl_pool_options *o, size_t page_size,
                    struct pool_shape *ret_shape)
{
        struct pool_shape s = { .count = o->count,
                                .size = o->size,
                                .align = o->align ?: DEFAULT_ALIGN,
                                .cache = o->cache,
                                .debug = o->flags & IOMMUCTL_POOL_DEBUG };
        size_t all;

        if (s.size == 0)
                return ctx_error(c->ctx, -EINVAL, NULL, "buffers of 0 bytes cannot be: size is not set");
        if (s.align & (s.align - 1))
                return ctx_error(c->ctx, -EINVAL, NULL, "an alignment of %zu is no power of two", s.align);
        if (page_size && s.align > page_size)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "an alignment of %zu is more than the page size, %zu: larger pages "
                                 "(page_size) give it",
                                 s.align, page_size);
        if (s.cache > IOMMUCTL_POOL_CACHE_MAX)
                return ctx_error(c->ctx, -EINVAL, NULL, "a cache of %u buffers is more than %u", s.cache,
                                 IOMMUCTL_POOL_CACHE_MAX);
        if (s.size > SIZE_MAX / 2 ||
            __builtin_mul_overflow((s.size + s.align - 1) & ~(s.align - 1), MAX(s.count, (size_t)1), &all) ||
            all > SIZE_MAX / 2)
                return ctx_error(c->ctx, -EINVAL, NULL, "%zu buffers of %zu bytes cannot be", s.count,
                                 s.size);
        s.stride = (s.size + s.align - 1) & ~(s.align - 1);
        *ret_shape = s;
        return 0;
}

int pool_shape_settle(struct iommuctl_container *c, struct pool_shape *s, size_t count)
{
        /* Addresses are kept in 32 bits: pool_shared.h. */
        if (s->stride / s->align * count > (size_t)1 << 32)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "%zu buffers of %zu bytes are more than 2^32 times the alignment, %zu: a "
                                 "larger one allows more",
                                 count, s->size, s->align);
        s->count = count;
        if (s->cache == 0)
                s->cache = (unsigned int)MIN(count / 4, (size_t)DEFAULT_CACHE);
        s->cache = MAX(s->cache, 1u);
        s->limit = s->cache + s->cache / 2;
        return 0;
}
