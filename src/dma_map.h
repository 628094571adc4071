/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The books of one I/O address space: what is mapped, by IOVA (iova_space.h) and by address (vaddr_table.h).
 *
 * Changes need the owner's lock, with three exceptions that make up what a driver does all day and take none:
 * translation, by the table, and the two steps in which an entry becomes one thread's own and ceases to be,
 * dma_entry_acquire() and dma_map_settle().
 *
 * An entry that is being mapped or unmapped is in the books, so nothing can take its addresses, but
 * translation does not see it: what translates is in the kernel. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iova_space.h"
#include "vaddr_table.h"

/* What becomes of an entry. */
enum dma_state {
        DMA_OUT,           /* not in the books */
        DMA_HIDING,        /* a thread has just taken it, and hides it from translation; for a moment */
        DMA_HIDING_WAITED, /* the same, and others wait until it is done with it */
        DMA_BUSY,          /* that thread is at the kernel with it: none but that one may touch it */
        DMA_WAITED,        /* the same, and others wait */
        DMA_LIVE,          /* in the kernel */
        DMA_IDLE,          /* not in the kernel, and keeps its addresses */
};

struct dma_entry {
        struct iova_extent iova;
        uint64_t vaddr;
        uint64_t size;
        unsigned int state; /* enum dma_state, atomic */
        struct vaddr_run run;
        bool has_vaddr; /* else translation knows nothing of it: a file's pages, a device's registers */
        /* Of an unmapping of many: the next one, and what this one was before, or is to be after it. */
        enum dma_state swept;
        struct dma_entry *next_swept;
};

struct dma_map {
        struct iova_space space;
        struct vaddr_table table;
        size_t n_entries; /* mapped, being mapped, being unmapped */
};

void dma_map_init(struct dma_map *m);
/* Frees what the books themselves hold; entries are their buffers'. */
void dma_map_destroy(struct dma_map *m);

/* The entry that IOVA lies in; NULL. */
struct dma_entry *dma_map_at(const struct dma_map *m, uint64_t iova);
/* R, the failure of taking addresses; with -EEXIST the entry that has them, which IOVA lies in. */
int dma_map_taken_by(const struct dma_map *m, uint64_t iova, int r, struct dma_entry **ret_other);

/* Enters one whose IOVA is taken: busy, and invisible to translation. 0; -EEXIST and the entry that has some
 * of its addresses; or another failure of vaddr_table_take(). Then it is in the books not, and its IOVA is
 * still taken.
 */
static inline int dma_map_insert(struct dma_map *m, struct dma_entry *e, bool has_vaddr, uint64_t vaddr,
                                 uint64_t size, struct dma_entry **ret_other)
{
        uint64_t iova = 0;
        int r;

        if (has_vaddr) {
                r = vaddr_table_take(&m->table, vaddr, size, e->iova.start, &e->run, &iova);
                if (r < 0)
                        return dma_map_taken_by(m, iova, r, ret_other);
        }
        e->vaddr = vaddr;
        e->size = size;
        e->has_vaddr = has_vaddr;
        m->n_entries++;
        __atomic_store_n(&e->state, DMA_BUSY, __ATOMIC_RELEASE);
        return 0;
}

/* The memory of a busy entry, which has an address, is at another one from now on. 0; -EEXIST and the entry
 * in the way; or as dma_map_insert(). After a failure all is as it was. */
int dma_map_move(struct dma_map *m, struct dma_entry *e, uint64_t vaddr, struct dma_entry **ret_other);
/* Takes a busy entry out. Its IOVA is its own until iova_space_release(). Returns whether others wait for it.
 */
static inline bool dma_map_remove(struct dma_map *m, struct dma_entry *e)
{
        if (e->has_vaddr)
                vaddr_table_release(&m->table, e->vaddr, e->size, &e->run);
        m->n_entries--;
        return __atomic_exchange_n(&e->state, DMA_OUT, __ATOMIC_ACQ_REL) == DMA_WAITED;
}

static inline enum dma_state dma_entry_state(const struct dma_entry *e)
{
        return (enum dma_state)__atomic_load_n(&e->state, __ATOMIC_ACQUIRE);
}

/* Whether the kernel has it, and translation knows it. */
static inline bool dma_entry_is_mapped(const struct dma_entry *e)
{
        enum dma_state state = dma_entry_state(e);

        return state == DMA_LIVE || state == DMA_HIDING || state == DMA_HIDING_WAITED;
}

static inline bool dma_entry_is_busy(const struct dma_entry *e)
{
        enum dma_state state = dma_entry_state(e);

        return state >= DMA_HIDING && state <= DMA_WAITED;
}

/* Its thread has hidden it; who waits, waits on. */
static inline void dma_entry_set_hidden(struct dma_entry *e)
{
        __atomic_add_fetch(&e->state, DMA_BUSY - DMA_HIDING, __ATOMIC_RELEASE);
}

/* Without the lock: makes an entry that was in state FROM this thread's, and hides it from translation. False
 * where it is in another state. */
static inline bool dma_entry_acquire(struct dma_map *m, struct dma_entry *e, enum dma_state from)
{
        const bool hide = from == DMA_LIVE && e->has_vaddr;
        unsigned int state = from;

        if (!__atomic_compare_exchange_n(&e->state, &state, hide ? DMA_HIDING : DMA_BUSY, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
                return false;
        if (hide) {
                vaddr_table_set_live(&m->table, e->vaddr, e->size, &e->run, false);
                dma_entry_set_hidden(e);
        }
        return true;
}

/* Without the lock: the end of that, or of dma_map_insert(). Returns whether others wait for it, who are then
 * to be told. */
static inline bool dma_map_settle(struct dma_map *m, struct dma_entry *e, bool live)
{
        if (live && e->has_vaddr)
                vaddr_table_set_live(&m->table, e->vaddr, e->size, &e->run, true);
        return __atomic_exchange_n(&e->state, live ? DMA_LIVE : DMA_IDLE, __ATOMIC_ACQ_REL) == DMA_WAITED;
}

/* With the lock, before waiting for one that was busy: true where it still is, and its thread will tell. */
bool dma_entry_ask(struct dma_entry *e);
