/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vaddr_table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/macro.h"

#define BLOCK_SIZE (UINT64_C(1) << VADDR_BLOCK_SHIFT)
#define N_BLOCKS   (UINT64_C(1) << (64 - VADDR_BLOCK_SHIFT))

/* What a block's table takes, and that of the blocks. */
#define BLOCK_BYTES (VADDR_TOP_SLOTS * sizeof(uint64_t))
#define HIGH_BYTES  (N_BLOCKS * sizeof(uint64_t *))

/* Where a writer stands: a slot that has no table below it, and what has it. */
struct place {
        uint64_t *word;
        unsigned int shift;
        unsigned int n_behind;   /* slots of the same table from this one on */
        struct vaddr_node *leaf; /* of a 4 KiB slot: the table it is in */
        uint64_t *leaf_link;     /* and the word that points there */
};

static void store(uint64_t *word, uint64_t value)
{
        __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static uint64_t slot_size(const struct place *p)
{
        return UINT64_C(1) << p->shift;
}

/* What a table has before it has anything: never written to, and so no memory. */
static uint64_t no_slots[VADDR_TOP_SLOTS];

static void step_down(struct place *p, uint64_t vaddr, struct vaddr_node *node)
{
        unsigned int slot;

        p->shift -= VADDR_LEVEL_BITS;
        if (p->shift == VADDR_PAGE_SHIFT) {
                p->leaf = node;
                p->leaf_link = p->word;
        }
        slot = (unsigned int)(vaddr >> p->shift & (VADDR_SLOTS - 1));
        p->word = &node->words[slot];
        p->n_behind = (unsigned int)VADDR_SLOTS - slot;
}

/* NULL where nothing was ever mapped there. */
static const uint64_t *block_of(const struct vaddr_table *t, uint64_t vaddr)
{
        const uint64_t *low = __atomic_load_n(&t->low, __ATOMIC_ACQUIRE);
        uint64_t *const *high = __atomic_load_n(&t->high, __ATOMIC_ACQUIRE);

        if (vaddr < BLOCK_SIZE)
                return low == no_slots ? NULL : low;
        return high ? __atomic_load_n(&high[vaddr >> VADDR_BLOCK_SHIFT], __ATOMIC_ACQUIRE) : NULL;
}

/* False where the block has no table at all. */
static bool find(const struct vaddr_table *t, uint64_t vaddr, struct place *ret_place)
{
        uint64_t *slots = (uint64_t *)block_of(t, vaddr);
        const uint64_t slot = vaddr >> VADDR_TOP_SHIFT & (VADDR_TOP_SLOTS - 1);
        uint64_t word;

        if (!slots)
                return false;
        *ret_place = (struct place){ .word = &slots[slot],
                                     .shift = VADDR_TOP_SHIFT,
                                     .n_behind = (unsigned int)(VADDR_TOP_SLOTS - slot) };
        while ((word = vaddr_load(ret_place->word)) & VADDR_TABLE)
                step_down(ret_place, vaddr, (struct vaddr_node *)(uintptr_t)vaddr_next(word));
        return true;
}

void vaddr_table_init(struct vaddr_table *t)
{
        *t = (struct vaddr_table){ .low = no_slots };
}

/* Zeroes that take memory once they are written to. Not calloc()'s: that clears large pieces itself once one
 * of them was freed (M_MMAP_THRESHOLD, mallopt(3)). Not the machine's affair either, so not in kernel.h. */
static void *new_zeroes(size_t size)
{
        void *zeroes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return zeroes == MAP_FAILED ? NULL : zeroes;
}

void vaddr_table_destroy(struct vaddr_table *t)
{
        while (t->all) {
                struct vaddr_node *node = t->all;

                t->all = node->next;
                free(node);
        }
        for (uint64_t i = 1; t->high && i < N_BLOCKS; i++)
                if (t->high[i])
                        munmap(t->high[i], BLOCK_BYTES);
        if (t->high)
                munmap(t->high, HIGH_BYTES);
        if (t->low != no_slots)
                munmap(t->low, BLOCK_BYTES);
        vaddr_table_init(t);
}

static int make_block(struct vaddr_table *t, uint64_t vaddr)
{
        uint64_t *slots;

        if (block_of(t, vaddr))
                return 0;
        if (vaddr >= BLOCK_SIZE && !t->high) {
                uint64_t **high = new_zeroes(HIGH_BYTES);

                if (!high)
                        return -ENOMEM;
                __atomic_store_n(&t->high, high, __ATOMIC_RELEASE);
        }
        slots = new_zeroes(BLOCK_BYTES);
        if (!slots)
                return -ENOMEM;
        __atomic_store_n(vaddr < BLOCK_SIZE ? &t->low : &t->high[vaddr >> VADDR_BLOCK_SHIFT], slots,
                         __ATOMIC_RELEASE);
        return 0;
}

/* Puts as many tables in stock as vaddr_table_take_any() may need, so that it cannot fail half-way. */
static int make_nodes(struct vaddr_table *t, unsigned int n)
{
        while (t->n_free < n) {
                struct vaddr_node *node = malloc(sizeof(*node));

                if (!node)
                        return -ENOMEM;
                node->n_used = 0;
                for (size_t i = 0; i < VADDR_SLOTS; i++)
                        node->words[i] = VADDR_FREE;
                node->next = t->all;
                t->all = node;
                node->next_free = t->free;
                t->free = node;
                t->n_free++;
        }
        return 0;
}

/* Tables that the piece of VADDR to LAST at AT, one of its ends, needs and that are not there: each level
 * below the slot found there, until slots lie in the range whole. */
static unsigned int n_missing(const struct vaddr_table *t, uint64_t at, uint64_t vaddr, uint64_t last)
{
        unsigned int n = 0;
        struct place p;

        if (!find(t, at, &p))
                p.shift = VADDR_TOP_SHIFT;
        for (unsigned int shift = p.shift; shift > VADDR_PAGE_SHIFT; shift -= VADDR_LEVEL_BITS) {
                const uint64_t inside = (UINT64_C(1) << shift) - 1;

                if ((at & ~inside) >= vaddr && (at | inside) <= last)
                        break;
                n++;
        }
        return n;
}

/* A table takes the place of an empty slot. */
static void split(struct vaddr_table *t, struct place *p, uint64_t vaddr)
{
        struct vaddr_node *node = t->free;

        t->free = node->next_free;
        t->n_free--;
        store(p->word, (uint64_t)(uintptr_t)node | VADDR_TABLE);
        step_down(p, vaddr, node);
}

/* The empty table goes, for use elsewhere. */
static void recycle_idle(struct vaddr_table *t)
{
        struct vaddr_node *node = t->idle;

        t->idle = NULL;
        if (!node || node->n_used > 0)
                return;
        store(t->idle_link, VADDR_FREE);
        __atomic_store_n(&t->n_recycled, t->n_recycled + 1, __ATOMIC_RELEASE);
        node->next_free = t->free;
        t->free = node;
        t->n_free++;
}

/* N slots fewer are used. A table of 4 KiB slots that nothing is in any more waits for the next buffer: where
 * there was one there will be another. */
static void unuse(struct vaddr_table *t, struct vaddr_node *leaf, uint64_t *link, unsigned int n)
{
        leaf->n_used -= n;
        if (leaf->n_used > 0 || leaf == t->idle)
                return;
        recycle_idle(t);
        t->idle = leaf;
        t->idle_link = link;
}

/* How many slots from here on lie in VADDR to LAST whole. */
static unsigned int n_whole(const struct place *p, uint64_t vaddr, uint64_t last)
{
        return (unsigned int)MIN((last - vaddr + 1) >> p->shift, (uint64_t)p->n_behind);
}

static void fill(uint64_t *words, unsigned int n, unsigned int shift, uint64_t iova, bool ends)
{
        for (unsigned int i = 0; i < n; i++) {
                const uint64_t left = n - i, run = MIN(left, VADDR_RUN_MAX);

                store(&words[i],
                      iova | run << VADDR_RUN_SHIFT | VADDR_HIDDEN | (ends && run == left ? 0 : VADDR_MORE));
                iova += UINT64_C(1) << shift;
        }
}

int vaddr_table_take_any(struct vaddr_table *t, uint64_t vaddr, uint64_t size, uint64_t iova,
                         struct vaddr_run *ret_run, uint64_t *ret_iova)
{
        const uint64_t last = vaddr + size - 1;
        struct place p;

        if (size >= BLOCK_SIZE)
                return -EFAULT;
        if (vaddr_table_overlap(t, vaddr, last, ret_iova))
                return -EEXIST;
        recycle_idle(t);
        if (make_block(t, vaddr) < 0 || make_block(t, last) < 0 ||
            make_nodes(t, n_missing(t, vaddr, vaddr, last) +
                                  (vaddr >> VADDR_LARGE_SHIFT == last >> VADDR_LARGE_SHIFT
                                           ? 0
                                           : n_missing(t, last, vaddr, last))) < 0)
                return -ENOMEM;
        ret_run->words = NULL;
        for (uint64_t at = vaddr;;) {
                unsigned int n;

                find(t, at, &p);
                while ((n = at & (slot_size(&p) - 1) ? 0 : n_whole(&p, at, last)) == 0)
                        split(t, &p, at);
                size = (uint64_t)n << p.shift;
                fill(p.word, n, p.shift, iova + (at - vaddr), size == last - at + 1);
                if (p.leaf)
                        p.leaf->n_used += n;
                if (p.leaf && n == (last - vaddr + 1) >> VADDR_PAGE_SHIFT)
                        *ret_run = (struct vaddr_run){ p.word, p.leaf_link, p.leaf, n };
                if (size == last - at + 1)
                        return 0;
                at += size;
        }
}

void vaddr_table_release_all(struct vaddr_table *t, uint64_t vaddr, uint64_t size,
                             const struct vaddr_run *run)
{
        const uint64_t last = vaddr + size - 1;
        struct place p;

        if (run->words) {
                for (unsigned int i = 0; i < run->n; i++)
                        store(&run->words[i], VADDR_FREE);
                unuse(t, run->leaf, run->link, run->n);
                return;
        }
        for (uint64_t at = vaddr; find(t, at, &p);) {
                const unsigned int n = n_whole(&p, at, last);

                for (unsigned int i = 0; i < n; i++)
                        store(&p.word[i], VADDR_FREE);
                if (p.leaf)
                        unuse(t, p.leaf, p.leaf_link, n);
                size = (uint64_t)n << p.shift;
                if (size == last - at + 1)
                        return;
                at += size;
        }
}

static void set_words(uint64_t *words, unsigned int n, bool live)
{
        for (unsigned int i = 0; i < n; i++)
                store(&words[i], (words[i] & ~VADDR_HIDDEN) | (live ? 0 : VADDR_HIDDEN));
}

void vaddr_table_set_live_all(struct vaddr_table *t, uint64_t vaddr, uint64_t size,
                              const struct vaddr_run *run, bool live)
{
        const uint64_t last = vaddr + size - 1;
        struct place p;

        if (run->words) {
                set_words(run->words, run->n, live);
                return;
        }
        for (uint64_t at = vaddr; find(t, at, &p);) {
                const unsigned int n = n_whole(&p, at, last);

                set_words(p.word, n, live);
                size = (uint64_t)n << p.shift;
                if (size == last - at + 1)
                        return;
                at += size;
        }
}

bool vaddr_table_overlap(const struct vaddr_table *t, uint64_t vaddr, uint64_t last, uint64_t *ret_iova)
{
        for (uint64_t at = vaddr;;) {
                uint64_t end = at | (BLOCK_SIZE - 1), word;
                struct place p;

                if (find(t, at, &p)) {
                        end = at | (slot_size(&p) - 1);
                        word = vaddr_load(p.word);
                        if (word & VADDR_RUN) {
                                *ret_iova = word & VADDR_IOVA;
                                return true;
                        }
                }
                if (end >= last)
                        return false;
                at = end + 1;
        }
}

/* The word that speaks for VADDR, and the size of its slot as a shift. 0: nothing is there. */
static uint64_t word_of(const struct vaddr_table *t, uint64_t vaddr, unsigned int *ret_shift)
{
        const uint64_t *slots = block_of(t, vaddr);
        unsigned int recycled;
        uint64_t word, in_leaf;

        if (!slots)
                return 0;
        *ret_shift = VADDR_TOP_SHIFT;
        word = vaddr_load(&slots[vaddr >> VADDR_TOP_SHIFT & (VADDR_TOP_SLOTS - 1)]);
        if (!(word & VADDR_TABLE))
                return word;
        slots = vaddr_next(word);
        for (;;) {
                recycled = __atomic_load_n(&t->n_recycled, __ATOMIC_ACQUIRE);
                *ret_shift = VADDR_LARGE_SHIFT;
                word = vaddr_load(&slots[vaddr >> VADDR_LARGE_SHIFT & (VADDR_SLOTS - 1)]);
                if (!(word & VADDR_TABLE))
                        return word;
                *ret_shift = VADDR_PAGE_SHIFT;
                in_leaf = vaddr_load(&vaddr_next(word)[vaddr >> VADDR_PAGE_SHIFT & (VADDR_SLOTS - 1)]);
                /* The loads above are acquires: none of them is made after this one. */
                if (__atomic_load_n(&t->n_recycled, __ATOMIC_RELAXED) == recycled)
                        return in_leaf;
        }
}

static uint64_t size_of(uint64_t word, unsigned int shift)
{
        return (word & VADDR_RUN) << (shift - VADDR_RUN_SHIFT);
}

/* Bytes from VADDR on that continue a mapping, which is at IOVA there. */
static uint64_t rest(const struct vaddr_table *t, uint64_t vaddr, uint64_t iova)
{
        uint64_t size = 0, word;
        unsigned int shift = 0;

        /* What is there need not be live yet: a mapping's words become so one after the other. */
        do {
                word = word_of(t, vaddr + size, &shift);
                if (!(word & VADDR_RUN) || (word & VADDR_IOVA) != iova + size)
                        break;
                size += size_of(word, shift);
        } while (word & VADDR_MORE);
        return size;
}

int64_t vaddr_table_find(const struct vaddr_table *t, uint64_t vaddr, uint64_t *ret_iova)
{
        unsigned int shift = 0;
        uint64_t word = word_of(t, vaddr, &shift), offset, iova, size;

        if (!(word & VADDR_RUN) || word & VADDR_HIDDEN)
                return -ENOENT;
        offset = vaddr & ((UINT64_C(1) << shift) - 1);
        iova = (word & VADDR_IOVA) + offset;
        size = size_of(word, shift) - offset;
        if (word & VADDR_MORE)
                size += rest(t, vaddr + size, iova + size);
        *ret_iova = iova;
        return (int64_t)size;
}
