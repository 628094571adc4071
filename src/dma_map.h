/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The books of one I/O address space: what is mapped, by virtual address and by IOVA.
 *
 * Changes need the owner's lock. dma_map_translate() needs none and runs beside them: entries are never freed
 * before the whole map is, so a reader that comes upon one that is being changed reads valid memory, and the
 * sequence number tells it to begin again.
 *
 * An entry that is being mapped or unmapped is in the books, so nothing can take its addresses, but
 * translation does not see it: what translates is in the kernel. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iova_space.h"
#include "util/treap.h"

struct iommuctl_dma;

struct dma_entry {
        struct iova_extent iova; /* in the space */
        struct treap_node node;  /* in the tree by virtual address */
        bool has_vaddr;          /* else it is in that tree not: a file's pages, a device's registers */
        uint64_t vaddr;
        uint64_t size;
        uint64_t address; /* iova.start once more, which translation reads without the lock */
        bool live;        /* in the kernel */
        bool busy;        /* a thread is at the kernel with it: none but that one may touch it */
        struct iommuctl_dma *owner;
        const char *name; /* for messages; the owner's */
        /* Of an unmapping of many: the next one, and whether this one was mapped before. */
        struct dma_entry *next_swept;
        bool swept_live;
        struct dma_entry *next_free;
};

struct dma_slab;

struct dma_map {
        struct iova_space space;
        struct treap by_vaddr;
        unsigned int sequence; /* odd while the tree by virtual address or an entry in it is being changed */
        struct dma_slab *slabs;
        struct dma_entry *free;
        size_t n_entries; /* taken: mapped, being mapped, being unmapped */
};

void dma_map_init(struct dma_map *m);
/* All entries go with it. */
void dma_map_destroy(struct dma_map *m);

/* A blank entry that is in no tree yet, or NULL without memory. */
struct dma_entry *dma_map_take(struct dma_map *m);
/* Gives back an entry that is in no tree. */
void dma_map_give_back(struct dma_map *m, struct dma_entry *e);

/* The entry that some of VADDR to VADDR + SIZE - 1 belongs to; NULL. */
struct dma_entry *dma_map_overlap(const struct dma_map *m, uint64_t vaddr, uint64_t size);
/* Puts an entry, whose IOVA is taken, into the tree by virtual address, invisible to translation, and busy.
 */
void dma_map_insert(struct dma_map *m, struct dma_entry *e, uint64_t vaddr, uint64_t size, const char *name);
/* One that has no virtual address, and so is never translated. */
void dma_map_insert_hidden(struct dma_map *m, struct dma_entry *e, uint64_t size, const char *name);
void dma_map_set_live(struct dma_map *m, struct dma_entry *e, bool live);
/* The memory of an entry that has a virtual address is at another one, which is free, from now on. */
void dma_map_move(struct dma_map *m, struct dma_entry *e, uint64_t vaddr);
/* Takes an entry out of the tree by virtual address and gives its IOVA back. */
void dma_map_remove(struct dma_map *m, struct dma_entry *e);

/* Without a lock: true, the IOVA of VADDR, and how many bytes follow in the same mapping. */
bool dma_map_translate(const struct dma_map *m, uint64_t vaddr, uint64_t *ret_iova, uint64_t *ret_size);
