/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a pool of buffers. pool_options.c says what it is to be like, pool.c makes and frees it,
 * pool_shared.c is what its threads share, pool_cache.c moves buffers between that and each thread's cache,
 * pool_debug.c finds mistakes. */

#include <stdbool.h>

#include "dma.h"
#include "iommuctl/pool.h"
#include "pool_shared.h"

/* Where a buffer is, as a pool with IOMMUCTL_POOL_DEBUG keeps it. */
enum pool_state {
        POOL_FREE, /* in the shared part, or on its way there */
        POOL_OUT,
        POOL_LOST, /* written to while it was free: never given out again */
};

/* What the options ask for, in numbers that are checked. */
struct pool_shape {
        size_t count;
        size_t size;
        size_t stride;
        size_t align;
        unsigned int cache; /* how many move between a cache and the shared part: a batch */
        unsigned int limit; /* how many a cache holds at most */
        bool debug;
};

struct iommuctl_pool {
        struct iommuctl_dma *dma;
        bool owns_dma;
        struct pool_shape shape;
        char *base; /* the first buffer */
        uint64_t iova_offset;
        char name[DMA_NAME_MAX + 1];
        unsigned int n_caches; /* not freed yet; atomic */
        uint64_t errors;       /* atomic */

        /* Only with IOMMUCTL_POOL_DEBUG, and with the shared part's lock. */
        unsigned char *state; /* enum pool_state of each buffer */
        void **ring;          /* the free ones, from HEAD on; the shared part counts them */
        size_t head;
        size_t n_lost;

        struct pool_shared shared;
};

static inline struct iommuctl_ctx *pool_ctx(const struct iommuctl_pool *pool)
{
        return pool->dma->container->ctx;
}

static inline size_t pool_index(const struct iommuctl_pool *pool, const void *buffer)
{
        return (size_t)((const char *)buffer - pool->base) / pool->shape.stride;
}

static inline void *pool_buffer(const struct iommuctl_pool *pool, size_t index)
{
        return pool->base + index * pool->shape.stride;
}

static inline uint64_t pool_iova(const struct iommuctl_pool *pool, const void *buffer)
{
        return (uint64_t)(uintptr_t)buffer + pool->iova_offset;
}

/* The options as this version knows them and what they come to. 0 or a failure with its text.
 * PAGE_SIZE: what the memory is going to be aligned to; 0: it is there. */
int pool_options_read(struct iommuctl_container *c, const struct iommuctl_pool_options *from,
                      struct iommuctl_pool_options *ret_options);
int pool_shape_read(struct iommuctl_container *c, const struct iommuctl_pool_options *o, size_t page_size,
                    struct pool_shape *ret_shape);
/* What follows from how many buffers there are. 0 or a failure with its text. */
int pool_shape_settle(struct iommuctl_container *c, struct pool_shape *shape, size_t count);

/* "pool "rx"" and the like, for texts; in a static-sized buffer of the caller's. */
struct pool_name {
        char text[DMA_NAME_MAX + 16];
};
struct pool_name pool_name(const struct iommuctl_pool *pool);
/* Counts N mistakes, and tells of them by the log and the error text. Without the lock. */
void pool_report(struct iommuctl_pool *pool, size_t n, const char *format, ...) _printf_(3, 4);

/* As the functions of the header without "debug_", for a pool that has the flag. */
void *pool_debug_get(struct iommuctl_pool *pool);
void pool_debug_put(struct iommuctl_pool *pool, void *buffer);
unsigned int pool_debug_get_bulk(struct iommuctl_pool *pool, void **buffers, unsigned int n);
/* Makes all buffers free; and at the end, whether those that are hold what they were filled with. */
int pool_debug_init(struct iommuctl_pool *pool);
void pool_debug_fill(struct iommuctl_pool *pool);
void pool_debug_end(struct iommuctl_pool *pool);
