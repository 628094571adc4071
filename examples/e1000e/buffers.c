/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "buffers.h"

#include <errno.h>

/* @rings: bytes to keep for rings; the rest becomes packet buffers. */
int buffers_new(struct buffers *b, struct iommuctl_dma *dma, size_t rings)
{
        struct iommuctl_span span = iommuctl_dma_span(dma);
        char *first;

        if (span.size < rings + BUFFER_SIZE)
                return -ENOMEM;
        *b = (struct buffers){
                .span = span,
                .to_iova = span.iova - (uintptr_t)span.vaddr,
                .n = (unsigned int)((span.size - rings) / BUFFER_SIZE),
        };
        b->free = calloc(b->n, sizeof(*b->free));
        if (!b->free)
                return -ENOMEM;
        first = (char *)span.vaddr + rings;
        for (unsigned int i = b->n; i > 0; i--)
                buffers_put(b, first + (size_t)(i - 1) * BUFFER_SIZE);
        return 0;
}

/* Rings come from the beginning, one after another; they are never given back. */
void *buffers_ring(struct buffers *b, size_t size)
{
        void *ring = (char *)b->span.vaddr + b->rings;

        b->rings += (size + 127) & ~(size_t)127;
        return ring;
}

void buffers_free(struct buffers *b)
{
        free(b->free);
        b->free = NULL;
}
