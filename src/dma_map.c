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

struct dma_entry *dma_map_overlap(const struct dma_map *m, uint64_t vaddr, uint64_t size)
{
        uint64_t iova;

        if (!vaddr_table_overlap(&m->table, vaddr, vaddr + size - 1, &iova))
                return NULL;
        return dma_map_at(m, iova);
}

int dma_map_insert(struct dma_map *m, struct dma_entry *e, bool has_vaddr, uint64_t vaddr, uint64_t size)
{
        int r = has_vaddr ? vaddr_table_take(&m->table, vaddr, size, e->iova.start) : 0;

        if (r < 0)
                return r;
        e->vaddr = vaddr;
        e->size = size;
        e->has_vaddr = has_vaddr;
        m->n_entries++;
        __atomic_store_n(&e->state, DMA_BUSY, __ATOMIC_RELEASE);
        return 0;
}

int dma_map_move(struct dma_map *m, struct dma_entry *e, uint64_t vaddr, struct dma_entry **ret_other)
{
        struct dma_entry *other;
        int r = -EEXIST;

        /* Its own place may be in the way of its new one. */
        vaddr_table_release(&m->table, e->vaddr, e->size);
        other = dma_map_overlap(m, vaddr, e->size);
        if (other)
                *ret_other = other;
        else
                r = vaddr_table_take(&m->table, vaddr, e->size, e->iova.start);
        if (r < 0) /* the tables it had before are there still */
                vaddr_table_take(&m->table, e->vaddr, e->size, e->iova.start);
        else
                e->vaddr = vaddr;
        return r;
}

bool dma_map_remove(struct dma_map *m, struct dma_entry *e)
{
        if (e->has_vaddr)
                vaddr_table_release(&m->table, e->vaddr, e->size);
        iova_space_release(&m->space, &e->iova);
        m->n_entries--;
        return __atomic_exchange_n(&e->state, DMA_OUT, __ATOMIC_ACQ_REL) == DMA_WAITED;
}

bool dma_entry_acquire(struct dma_map *m, struct dma_entry *e, enum dma_state from)
{
        unsigned int state = from;

        if (!__atomic_compare_exchange_n(&e->state, &state, DMA_BUSY, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED))
                return false;
        if (from == DMA_LIVE && e->has_vaddr)
                vaddr_table_set_live(&m->table, e->vaddr, e->size, false);
        return true;
}

bool dma_map_settle(struct dma_map *m, struct dma_entry *e, bool live)
{
        if (live && e->has_vaddr)
                vaddr_table_set_live(&m->table, e->vaddr, e->size, true);
        return __atomic_exchange_n(&e->state, live ? DMA_LIVE : DMA_IDLE, __ATOMIC_ACQ_REL) == DMA_WAITED;
}

bool dma_entry_ask(struct dma_entry *e)
{
        unsigned int state = DMA_BUSY;

        return __atomic_compare_exchange_n(&e->state, &state, DMA_WAITED, false, __ATOMIC_ACQ_REL,
                                           __ATOMIC_ACQUIRE) ||
               state == DMA_WAITED;
}
