/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The memory that cards and processor share: rings at its beginning, packet buffers of one size behind them.
 * A buffer's address for the card is its address here and a constant: no look-up. For one thread. */

#include <iommuctl.h>
#include <stdint.h>
#include <stdlib.h>

#define BUFFER_SIZE 2048 /* a frame of up to 1522 bytes, as RCTL.BSIZE tells the card */

struct buffers {
        struct iommuctl_span span;
        uint64_t to_iova; /* what to add to an address */
        size_t rings;     /* bytes given to rings */
        unsigned int n, n_free;
        void **free; /* a stack: the one given back last is taken first, and still in the cache */
};

static inline uint64_t buffers_iova(const struct buffers *b, const void *p)
{
        return (uintptr_t)p + b->to_iova;
}

/* NULL: none left. */
static inline void *buffers_get(struct buffers *b)
{
        return b->n_free ? b->free[--b->n_free] : NULL;
}

static inline void buffers_put(struct buffers *b, void *buffer)
{
        b->free[b->n_free++] = buffer;
}

int buffers_new(struct buffers *b, struct iommuctl_dma *dma, size_t rings);
void *buffers_ring(struct buffers *b, size_t size);
void buffers_free(struct buffers *b);
