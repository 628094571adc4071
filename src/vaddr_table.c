/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vaddr_table.h"

#include <errno.h>
#include <stdlib.h>

#include "util/macro.h"

/* Both ends of a range may lie inside of a 1 GiB and a 2 MiB slot that has no table yet. */
#define NODES_OF_A_RANGE 4u

#define BLOCK_SIZE (UINT64_C(1) << VADDR_BLOCK_SHIFT)
#define N_BLOCKS   (UINT64_C(1) << (64 - VADDR_BLOCK_SHIFT))

/* Where a writer stands: a slot that has no table below it, and what has it. */
struct place {
        uint64_t *word;
        unsigned int shift;
        unsigned int n_behind; /* slots of the same table from this one on */
        /* The tables above it but for the block, and the words that point to them. */
        unsigned int depth;
        struct vaddr_node *nodes[2];
        uint64_t *links[2];
};

static void store(uint64_t *word, uint64_t value)
{
        __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static uint64_t slot_size(const struct place *p)
{
        return UINT64_C(1) << p->shift;
}

static bool is_table(uint64_t word)
{
        return word != 0 && !(word & VADDR_TAKEN);
}

static void step_down(struct place *p, uint64_t vaddr, struct vaddr_node *node)
{
        unsigned int slot;

        p->nodes[p->depth] = node;
        p->links[p->depth++] = p->word;
        p->shift -= VADDR_LEVEL_BITS;
        slot = (unsigned int)(vaddr >> p->shift & (VADDR_SLOTS - 1));
        p->word = &node->words[slot];
        p->n_behind = (unsigned int)VADDR_SLOTS - slot;
}

/* False where the block has no table at all. */
static bool find(const struct vaddr_table *t, uint64_t vaddr, struct place *ret_place)
{
        uint64_t *slots = (uint64_t *)vaddr_table_block(t, vaddr);
        const uint64_t slot = vaddr >> VADDR_TOP_SHIFT & (VADDR_TOP_SLOTS - 1);

        if (!slots)
                return false;
        *ret_place = (struct place){ .word = &slots[slot],
                                     .shift = VADDR_TOP_SHIFT,
                                     .n_behind = (unsigned int)(VADDR_TOP_SLOTS - slot) };
        while (is_table(*ret_place->word))
                step_down(ret_place, vaddr, (struct vaddr_node *)(uintptr_t)*ret_place->word);
        return true;
}

void vaddr_table_destroy(struct vaddr_table *t)
{
        while (t->all) {
                struct vaddr_node *node = t->all;

                t->all = node->next;
                free(node);
        }
        for (uint64_t i = 1; t->high && i < N_BLOCKS; i++)
                free(t->high[i]);
        free(t->high);
        free(t->low);
        *t = (struct vaddr_table){ 0 };
}

static int make_block(struct vaddr_table *t, uint64_t vaddr)
{
        uint64_t *slots;

        if (vaddr_table_block(t, vaddr))
                return 0;
        if (vaddr >= BLOCK_SIZE && !t->high) {
                uint64_t **high = calloc(N_BLOCKS, sizeof(*high));

                if (!high)
                        return -ENOMEM;
                __atomic_store_n(&t->high, high, __ATOMIC_RELEASE);
        }
        slots = calloc(VADDR_TOP_SLOTS, sizeof(*slots)); /* pages that nobody writes to take no memory */
        if (!slots)
                return -ENOMEM;
        __atomic_store_n(vaddr < BLOCK_SIZE ? &t->low : &t->high[vaddr >> VADDR_BLOCK_SHIFT], slots,
                         __ATOMIC_RELEASE);
        return 0;
}

static int make_nodes(struct vaddr_table *t)
{
        while (t->n_free < NODES_OF_A_RANGE) {
                struct vaddr_node *node = calloc(1, sizeof(*node));

                if (!node)
                        return -ENOMEM;
                node->next = t->all;
                t->all = node;
                node->next_free = t->free;
                t->free = node;
                t->n_free++;
        }
        return 0;
}

/* A table takes the place of an empty slot. */
static void split(struct vaddr_table *t, struct place *p, uint64_t vaddr)
{
        struct vaddr_node *node = t->free;

        t->free = node->next_free;
        t->n_free--;
        if (p->depth > 0)
                p->nodes[p->depth - 1]->n_used++;
        store(p->word, (uint64_t)(uintptr_t)node);
        step_down(p, vaddr, node);
}

/* N slots fewer are used: tables that nothing is in any more go. */
static void unuse(struct vaddr_table *t, struct place *p, unsigned int n)
{
        while (p->depth > 0) {
                struct vaddr_node *node = p->nodes[--p->depth];

                node->n_used -= n;
                if (node->n_used > 0)
                        return;
                store(p->links[p->depth], 0);
                __atomic_store_n(&t->n_recycled, t->n_recycled + 1, __ATOMIC_RELEASE);
                node->next_free = t->free;
                t->free = node;
                t->n_free++;
                n = 1;
        }
}

/* How many slots from here on lie in VADDR to LAST whole. */
static unsigned int n_whole(const struct place *p, uint64_t vaddr, uint64_t last)
{
        return (unsigned int)MIN((last - vaddr + 1) >> p->shift, (uint64_t)p->n_behind);
}

static void fill(struct place *p, unsigned int n, uint64_t iova, bool ends)
{
        for (unsigned int i = 0; i < n; i++) {
                const uint64_t behind = n - 1 - i, run = MIN(behind, VADDR_RUN_MAX);

                store(&p->word[i],
                      iova | run << VADDR_RUN_SHIFT | (ends && run == behind ? VADDR_END : 0) | VADDR_TAKEN);
                iova += slot_size(p);
        }
        if (p->depth > 0)
                p->nodes[p->depth - 1]->n_used += n;
}

int vaddr_table_take(struct vaddr_table *t, uint64_t vaddr, uint64_t size, uint64_t iova)
{
        const uint64_t last = vaddr + size - 1;
        struct place p;

        if (size >= BLOCK_SIZE)
                return -EFAULT;
        if (make_block(t, vaddr) < 0 || make_block(t, last) < 0 || make_nodes(t) < 0)
                return -ENOMEM;
        for (uint64_t at = vaddr;;) {
                unsigned int n;

                find(t, at, &p);
                while ((n = at & (slot_size(&p) - 1) ? 0 : n_whole(&p, at, last)) == 0)
                        split(t, &p, at);
                size = (uint64_t)n << p.shift;
                fill(&p, n, iova + (at - vaddr), size == last - at + 1);
                if (size == last - at + 1)
                        return 0;
                at += size;
        }
}

void vaddr_table_release(struct vaddr_table *t, uint64_t vaddr, uint64_t size)
{
        const uint64_t last = vaddr + size - 1;
        struct place p;

        for (uint64_t at = vaddr; find(t, at, &p);) {
                const unsigned int n = n_whole(&p, at, last);

                for (unsigned int i = 0; i < n; i++)
                        store(&p.word[i], 0);
                size = (uint64_t)n << p.shift;
                unuse(t, &p, n);
                if (size == last - at + 1)
                        return;
                at += size;
        }
}

void vaddr_table_set_live(struct vaddr_table *t, uint64_t vaddr, uint64_t size, bool live)
{
        const uint64_t last = vaddr + size - 1;
        struct place p;

        for (uint64_t at = vaddr; find(t, at, &p);) {
                const unsigned int n = n_whole(&p, at, last);

                for (unsigned int i = 0; i < n; i++)
                        store(&p.word[i], (p.word[i] & ~VADDR_LIVE) | (live ? VADDR_LIVE : 0));
                size = (uint64_t)n << p.shift;
                if (size == last - at + 1)
                        return;
                at += size;
        }
}

bool vaddr_table_overlap(const struct vaddr_table *t, uint64_t vaddr, uint64_t last, uint64_t *ret_iova)
{
        for (uint64_t at = vaddr;;) {
                uint64_t end = at | (BLOCK_SIZE - 1);
                struct place p;

                if (find(t, at, &p)) {
                        end = at | (slot_size(&p) - 1);
                        if (*p.word != 0) {
                                *ret_iova = *p.word & VADDR_IOVA;
                                return true;
                        }
                }
                if (end >= last)
                        return false;
                at = end + 1;
        }
}

uint64_t vaddr_table_rest(const struct vaddr_table *t, uint64_t vaddr, uint64_t iova)
{
        uint64_t size = 0, word;
        unsigned int shift;

        /* What is there need not be live yet: a mapping's words become so one after the other. */
        do {
                word = vaddr_table_word(t, vaddr + size, &shift);
                if (!(word & VADDR_TAKEN) || (word & VADDR_IOVA) != iova + size)
                        break;
                size += ((word >> VADDR_RUN_SHIFT & VADDR_RUN_MAX) + 1) << shift;
        } while (!(word & VADDR_END));
        return size;
}
