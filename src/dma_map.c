/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma_map.h"

#include <stdlib.h>

#include "util/macro.h"

/* The first slab is for a driver's few buffers, later ones for those that map by the thousand. */
#define SLAB_FIRST 16u
#define SLAB_MAX   4096u

struct dma_slab {
        struct dma_slab *next;
        size_t n_entries;
        struct dma_entry entries[];
};

static struct dma_entry *entry_of(const struct treap_node *node)
{
        return node ? container_of(node, struct dma_entry, node) : NULL;
}

/* Fields that translation reads while they are written. */
#define STORE(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELEASE)
#define LOAD(field)         __atomic_load_n(&(field), __ATOMIC_ACQUIRE)

void dma_map_init(struct dma_map *m)
{
        *m = (struct dma_map){ 0 };
        iova_space_init(&m->space);
}

void dma_map_destroy(struct dma_map *m)
{
        while (m->slabs) {
                struct dma_slab *slab = m->slabs;

                m->slabs = slab->next;
                free(slab);
        }
        iova_space_destroy(&m->space);
        dma_map_init(m);
}

struct dma_entry *dma_map_take(struct dma_map *m)
{
        struct dma_entry *e;

        if (!m->free) {
                size_t n = m->slabs ? MIN(m->slabs->n_entries * 2, SLAB_MAX) : SLAB_FIRST;
                struct dma_slab *slab = calloc(1, sizeof(*slab) + n * sizeof(slab->entries[0]));

                if (!slab)
                        return NULL;
                slab->n_entries = n;
                slab->next = m->slabs;
                m->slabs = slab;
                for (size_t i = n; i-- > 0;) {
                        slab->entries[i].next_free = m->free;
                        m->free = &slab->entries[i];
                }
        }
        e = m->free;
        m->free = e->next_free;
        m->n_entries++;
        return e;
}

void dma_map_give_back(struct dma_map *m, struct dma_entry *e)
{
        e->next_free = m->free;
        m->free = e;
        m->n_entries--;
}

struct dma_entry *dma_map_overlap(const struct dma_map *m, uint64_t vaddr, uint64_t size)
{
        struct dma_entry *e = entry_of(treap_find_last_up_to(&m->by_vaddr, vaddr));

        if (e && vaddr - e->vaddr < e->size)
                return e;
        e = entry_of(treap_find_first_from(&m->by_vaddr, vaddr));
        return e && e->vaddr - vaddr < size ? e : NULL;
}

static void begin_change(struct dma_map *m)
{
        STORE(m->sequence, m->sequence + 1);
}

static void end_change(struct dma_map *m)
{
        STORE(m->sequence, m->sequence + 1);
}

static void insert(struct dma_map *m, struct dma_entry *e, bool has_vaddr, uint64_t vaddr, uint64_t size,
                   const char *name)
{
        begin_change(m);
        STORE(e->vaddr, vaddr);
        STORE(e->size, size);
        STORE(e->address, e->iova.start);
        STORE(e->live, false);
        e->name = name;
        e->busy = true;
        e->has_vaddr = has_vaddr;
        if (has_vaddr)
                treap_insert(&m->by_vaddr, &e->node, vaddr);
        end_change(m);
}

void dma_map_insert(struct dma_map *m, struct dma_entry *e, uint64_t vaddr, uint64_t size, const char *name)
{
        insert(m, e, true, vaddr, size, name);
}

void dma_map_insert_hidden(struct dma_map *m, struct dma_entry *e, uint64_t size, const char *name)
{
        insert(m, e, false, 0, size, name);
}

void dma_map_set_live(struct dma_map *m, struct dma_entry *e, bool live)
{
        begin_change(m);
        STORE(e->live, live);
        end_change(m);
}

void dma_map_move(struct dma_map *m, struct dma_entry *e, uint64_t vaddr)
{
        begin_change(m);
        treap_remove(&m->by_vaddr, &e->node);
        STORE(e->vaddr, vaddr);
        treap_insert(&m->by_vaddr, &e->node, vaddr);
        end_change(m);
}

void dma_map_remove(struct dma_map *m, struct dma_entry *e)
{
        begin_change(m);
        if (e->has_vaddr)
                treap_remove(&m->by_vaddr, &e->node);
        end_change(m);
        iova_space_release(&m->space, &e->iova);
}

/* One walk down the tree; meaningless where the books changed meanwhile. Links that change under the walk
 * could lead it in a circle, so it ends after more steps than any tree is deep. */
static bool walk(const struct dma_map *m, uint64_t vaddr, uint64_t *ret_iova, uint64_t *ret_size)
{
        const struct treap_node *node = treap_child(&m->by_vaddr.root);

        for (int steps = 0; node && steps < 512; steps++) {
                const struct dma_entry *e = entry_of(node);
                uint64_t offset = vaddr - LOAD(e->vaddr);

                if (vaddr < LOAD(e->vaddr)) {
                        node = treap_child(&node->child[0]);
                        continue;
                }
                if (offset < LOAD(e->size)) {
                        *ret_iova = LOAD(e->address) + offset;
                        *ret_size = LOAD(e->size) - offset;
                        return LOAD(e->live);
                }
                node = treap_child(&node->child[1]);
        }
        return false;
}

bool dma_map_translate(const struct dma_map *m, uint64_t vaddr, uint64_t *ret_iova, uint64_t *ret_size)
{
        for (;;) {
                unsigned int before = LOAD(m->sequence);
                uint64_t iova = 0, size = 0;
                bool found;

                if (before & 1)
                        continue;
                found = walk(m, vaddr, &iova, &size);
                /* The loads above are acquires: none of them is made after this one. */
                if (__atomic_load_n(&m->sequence, __ATOMIC_RELAXED) != before)
                        continue;
                if (found) {
                        *ret_iova = iova;
                        *ret_size = size;
                }
                return found;
        }
}
