/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma_map.h"

#include <errno.h>

#include "util/macro.h"

void dma_map_init(struct dma_map *m)
{
        *m = (struct dma_map){ 0 };
        iova_space_init(&m->space);
        vaddr_table_init(&m->table);
}

void dma_map_destroy(struct dma_map *m)
{
        vaddr_table_destroy(&m->table);
        iova_space_destroy(&m->space);
        dma_map_init(m);
}

struct dma_entry *dma_map_at(const struct dma_map *m, uint64_t iova)
{
        struct iova_extent *extent = iova_space_overlap(&m->space, iova, iova);

        return extent ? container_of(extent, struct dma_entry, iova) : NULL;
}

int dma_map_taken_by(const struct dma_map *m, uint64_t iova, int r, struct dma_entry **ret_other)
{
        if (r == -EEXIST)
                *ret_other = dma_map_at(m, iova);
        return r;
}

int dma_map_move(struct dma_map *m, struct dma_entry *e, uint64_t vaddr, struct dma_entry **ret_other)
{
        uint64_t iova = 0, unused;
        int r;

        /* Its own place may be in the way of its new one. */
        vaddr_table_release(&m->table, e->vaddr, e->size, &e->run);
        r = vaddr_table_take(&m->table, vaddr, e->size, e->iova.start, &e->run, &iova);
        if (r < 0) /* the tables it had before are there still */
                vaddr_table_take(&m->table, e->vaddr, e->size, e->iova.start, &e->run, &unused);
        else
                e->vaddr = vaddr;
        return dma_map_taken_by(m, iova, r, ret_other);
}

_Static_assert(DMA_HIDING_WAITED - DMA_HIDING == 1 && DMA_WAITED - DMA_BUSY == 1, "one more is waited for");

bool dma_entry_ask(struct dma_entry *e)
{
        unsigned int state = dma_entry_state(e);

        while (state == DMA_HIDING || state == DMA_BUSY)
                if (__atomic_compare_exchange_n(&e->state, &state, state + 1, false, __ATOMIC_ACQ_REL,
                                                __ATOMIC_ACQUIRE))
                        return true;
        return state == DMA_HIDING_WAITED || state == DMA_WAITED;
}
