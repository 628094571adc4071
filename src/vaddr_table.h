/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From each page of mapped memory to its IOVA: a table by address, as a processor's page table is one.
 *
 * Three levels of 1 GiB, 2 MiB and 4 KiB a slot below blocks of 2^47 bytes, the lowest of which, where
 * programs live, is found without a look-up. A slot that lies in one mapping whole says all about it in one
 * word, so memory in large pieces takes as many steps as in a table that knows no smaller ones:
 *
 *      bit  0       TABLE: the others are the address of the next level's table
 *      bit  1       HIDDEN: the kernel does not have the mapping (yet, or any more)
 *      bit  2       MORE: the mapping goes on behind the run
 *      bits 4-11    RUN: how many slots from this one on, in this table, belong to the mapping; 0: it is free
 *      bits 12-63   the IOVA where the slot begins
 *
 * so that what is asked for most has none of the three and takes one test.
 *
 * Words change from one moment to the next and say what is true by themselves, so vaddr_table_find() takes no
 * lock and never has to wait for a writer. Tables of 4 KiB slots that became empty are used again elsewhere;
 * the count of these tells a reader that one may have been taken from under it, and it begins again. Tables
 * of 2 MiB slots stay where they are, 4 KiB for each GiB of addresses that was ever used in pieces.
 *
 * All else needs the owner's lock, but for vaddr_table_set_live() of a range that this thread alone may
 * change. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VADDR_BLOCK_SHIFT 47
#define VADDR_TOP_SHIFT   30 /* the first level below a block */
#define VADDR_LARGE_SHIFT 21 /* the second */
#define VADDR_LEVEL_BITS  9
#define VADDR_PAGE_SHIFT  12
#define VADDR_TOP_SLOTS   (UINT64_C(1) << (VADDR_BLOCK_SHIFT - VADDR_TOP_SHIFT))
#define VADDR_SLOTS       (UINT64_C(1) << VADDR_LEVEL_BITS)

#define VADDR_TABLE     UINT64_C(1)
#define VADDR_HIDDEN    UINT64_C(2)
#define VADDR_MORE      UINT64_C(4)
#define VADDR_RUN_SHIFT 4
#define VADDR_RUN_MAX   UINT64_C(255)
#define VADDR_RUN       (VADDR_RUN_MAX << VADDR_RUN_SHIFT)
#define VADDR_IOVA      (~UINT64_C(0) << VADDR_PAGE_SHIFT)
#define VADDR_FREE      VADDR_HIDDEN

/* The table of a 1 GiB or 2 MiB slot. */
struct vaddr_node {
        uint64_t words[VADDR_SLOTS];
        unsigned int n_used; /* of 4 KiB slots */
        struct vaddr_node *next_free;
        struct vaddr_node *next; /* of all there are */
};

struct vaddr_table {
        uint64_t *low;           /* the lowest block's slots */
        uint64_t **high;         /* those of the others, by address >> VADDR_BLOCK_SHIFT; NULL */
        struct vaddr_node *idle; /* the last of them that became empty: still in its place */
        uint64_t *idle_link;
        unsigned int n_recycled;
        unsigned int n_free;
        struct vaddr_node *free;
        struct vaddr_node *all;
};

/* Of a mapping in one table of 4 KiB slots, as a driver's small buffers are: where it is, so that nobody
 * looks for it again. */
struct vaddr_run {
        uint64_t *words; /* NULL: elsewhere */
        uint64_t *link;  /* the word that points to the table */
        struct vaddr_node *leaf;
        unsigned int n;
};

static inline uint64_t vaddr_load(const uint64_t *word)
{
        return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline const uint64_t *vaddr_next(uint64_t word)
{
        return (const uint64_t *)(uintptr_t)(word - VADDR_TABLE);
}

void vaddr_table_init(struct vaddr_table *t);
void vaddr_table_destroy(struct vaddr_table *t);

/* Whether something of VADDR to LAST is taken, and an IOVA that lies in the first mapping of it. */
bool vaddr_table_overlap(const struct vaddr_table *t, uint64_t vaddr, uint64_t last, uint64_t *ret_iova);

/* Takes whole pages, hidden still. 0; -EEXIST where some are taken and *RET_IOVA is in the first mapping of
 * these; -ENOMEM; -EFAULT for 2^47 bytes or more, which no process has in one piece. After a failure nothing
 * is changed.
 */
int vaddr_table_take_any(struct vaddr_table *t, uint64_t vaddr, uint64_t size, uint64_t iova,
                         struct vaddr_run *ret_run, uint64_t *ret_iova);
/* For a page of a table that is there. */
static inline int vaddr_table_take(struct vaddr_table *t, uint64_t vaddr, uint64_t size, uint64_t iova,
                                   struct vaddr_run *ret_run, uint64_t *ret_iova)
{
        uint64_t top = vaddr >> VADDR_BLOCK_SHIFT == 0 ? t->low[vaddr >> VADDR_TOP_SHIFT] : 0, *link, *word;
        struct vaddr_node *leaf;

        if (size != UINT64_C(1) << VADDR_PAGE_SHIFT || !(top & VADDR_TABLE))
                return vaddr_table_take_any(t, vaddr, size, iova, ret_run, ret_iova);
        link = (uint64_t *)vaddr_next(top) + (vaddr >> VADDR_LARGE_SHIFT & (VADDR_SLOTS - 1));
        if (!(*link & VADDR_TABLE))
                return vaddr_table_take_any(t, vaddr, size, iova, ret_run, ret_iova);
        leaf = (struct vaddr_node *)vaddr_next(*link);
        word = &leaf->words[vaddr >> VADDR_PAGE_SHIFT & (VADDR_SLOTS - 1)];
        if (vaddr_load(word) != VADDR_FREE)
                return vaddr_table_take_any(t, vaddr, size, iova, ret_run, ret_iova);
        __atomic_store_n(word, iova | UINT64_C(1) << VADDR_RUN_SHIFT | VADDR_HIDDEN, __ATOMIC_RELEASE);
        leaf->n_used++;
        *ret_run = (struct vaddr_run){ word, link, leaf, 1 };
        return 0;
}

/* Gives back what one call took. */
void vaddr_table_release_all(struct vaddr_table *t, uint64_t vaddr, uint64_t size,
                             const struct vaddr_run *run);

/* For a page of a table that has others, or was waiting for it. */
static inline void vaddr_table_release(struct vaddr_table *t, uint64_t vaddr, uint64_t size,
                                       const struct vaddr_run *run)
{
        if (run->words && run->n == 1 && (run->leaf->n_used > 1 || run->leaf == t->idle)) {
                __atomic_store_n(run->words, VADDR_FREE, __ATOMIC_RELEASE);
                run->leaf->n_used--;
        } else {
                vaddr_table_release_all(t, vaddr, size, run);
        }
}

/* Shows what one call took to vaddr_table_find(), or hides it. */
void vaddr_table_set_live_all(struct vaddr_table *t, uint64_t vaddr, uint64_t size,
                              const struct vaddr_run *run, bool live);

static inline void vaddr_table_set_live(struct vaddr_table *t, uint64_t vaddr, uint64_t size,
                                        const struct vaddr_run *run, bool live)
{
        if (run->words && run->n == 1)
                __atomic_store_n(run->words, *run->words ^ VADDR_HIDDEN, __ATOMIC_RELEASE);
        else
                vaddr_table_set_live_all(t, vaddr, size, run, live);
}

/* Without a lock: the IOVA of VADDR, and how many bytes follow in the same mapping; or -ENOENT. */
int64_t vaddr_table_find(const struct vaddr_table *t, uint64_t vaddr, uint64_t *ret_iova);

/* What a word that has none of the three bits says of an address OFFSET bytes into its slot. */
static inline int64_t vaddr_answer(uint64_t word, unsigned int shift, uint64_t offset, uint64_t *ret_iova)
{
        *ret_iova = (word & VADDR_IOVA) + offset;
        return (int64_t)(((word & VADDR_RUN) << (shift - VADDR_RUN_SHIFT)) - offset);
}

/* The same for the most common case, memory in large pieces, in as few instructions as will do. False where
 * it is another one. */
static inline bool vaddr_table_peek(const struct vaddr_table *t, uint64_t vaddr, uint64_t *ret_iova,
                                    int64_t *ret_size)
{
        const uint64_t slot = vaddr >> VADDR_TOP_SHIFT;
        uint64_t word;

        if (__builtin_expect(slot >= VADDR_TOP_SLOTS, 0))
                return false;
        word = vaddr_load(&__atomic_load_n(&t->low, __ATOMIC_ACQUIRE)[slot]);
        if (__builtin_expect(!(word & VADDR_TABLE), 0))
                return false;
        word = vaddr_load(&vaddr_next(word)[vaddr >> VADDR_LARGE_SHIFT & (VADDR_SLOTS - 1)]);
        if (__builtin_expect(word & (VADDR_TABLE | VADDR_HIDDEN | VADDR_MORE), 0))
                return false;
        *ret_size = vaddr_answer(word, VADDR_LARGE_SHIFT, vaddr & ((UINT64_C(1) << VADDR_LARGE_SHIFT) - 1),
                                 ret_iova);
        return true;
}

/* The same for the next, a buffer's end or all of it in a table of 4 KiB slots. */
static inline bool vaddr_table_peek_page(const struct vaddr_table *t, uint64_t vaddr, uint64_t *ret_iova,
                                         int64_t *ret_size)
{
        const unsigned int recycled = __atomic_load_n(&t->n_recycled, __ATOMIC_ACQUIRE);
        const uint64_t slot = vaddr >> VADDR_TOP_SHIFT;
        uint64_t word;

        if (slot >= VADDR_TOP_SLOTS)
                return false;
        word = vaddr_load(&__atomic_load_n(&t->low, __ATOMIC_ACQUIRE)[slot]);
        if (!(word & VADDR_TABLE))
                return false;
        word = vaddr_load(&vaddr_next(word)[vaddr >> VADDR_LARGE_SHIFT & (VADDR_SLOTS - 1)]);
        if (!(word & VADDR_TABLE))
                return false;
        word = vaddr_load(&vaddr_next(word)[vaddr >> VADDR_PAGE_SHIFT & (VADDR_SLOTS - 1)]);
        /* The loads above are acquires: none of them is made after this one. */
        if (__atomic_load_n(&t->n_recycled, __ATOMIC_RELAXED) != recycled)
                return false;
        if (word & (VADDR_HIDDEN | VADDR_MORE))
                return false;
        *ret_size = vaddr_answer(word, VADDR_PAGE_SHIFT, vaddr & ((UINT64_C(1) << VADDR_PAGE_SHIFT) - 1),
                                 ret_iova);
        return true;
}
