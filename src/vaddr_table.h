/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From each page of mapped memory to its IOVA: a table by address, as a processor's page table is one.
 *
 * Three levels of 1 GiB, 2 MiB and 4 KiB a slot below blocks of 2^47 bytes, the lowest of which, where
 * programs live, is found without a look-up. A slot that lies in one mapping whole says all about it in one
 * word, so memory in large pieces takes as many steps as in a table that knows no smaller ones:
 *
 *      bit  0       TAKEN: not a pointer to the table of the next level
 *      bit  1       LIVE: the kernel has the mapping
 *      bit  2       END: the mapping ends where the run does
 *      bits 3-11    RUN: how many slots behind this one, in this table, belong to the mapping, too
 *      bits 12-63   the IOVA where the slot begins
 *
 * Words change from one moment to the next and say what is true by themselves, so vaddr_table_find() takes no
 * lock and never has to wait for a writer. Tables that became empty are used again elsewhere; the count of
 * these tells a reader that a table may have been taken from under it, and it begins again.
 *
 * All else needs the owner's lock, but for vaddr_table_set_live() of a range that this thread alone may
 * change. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VADDR_BLOCK_SHIFT 47
#define VADDR_TOP_SHIFT   30 /* the first level below a block */
#define VADDR_LEVEL_BITS  9
#define VADDR_PAGE_SHIFT  12
#define VADDR_TOP_SLOTS   (UINT64_C(1) << (VADDR_BLOCK_SHIFT - VADDR_TOP_SHIFT))
#define VADDR_SLOTS       (UINT64_C(1) << VADDR_LEVEL_BITS)

#define VADDR_TAKEN     UINT64_C(1)
#define VADDR_LIVE      UINT64_C(2)
#define VADDR_END       UINT64_C(4)
#define VADDR_RUN_SHIFT 3
#define VADDR_RUN_MAX   (VADDR_SLOTS - 1)
#define VADDR_IOVA      (~UINT64_C(0) << VADDR_PAGE_SHIFT)

/* The table of a 1 GiB or 2 MiB slot. */
struct vaddr_node {
        uint64_t words[VADDR_SLOTS];
        unsigned int n_used;
        struct vaddr_node *next_free;
        struct vaddr_node *next; /* of all there are */
};

struct vaddr_table {
        uint64_t *low;   /* the lowest block's slots; NULL */
        uint64_t **high; /* those of the others, by address >> VADDR_BLOCK_SHIFT; NULL */
        unsigned int n_recycled;
        unsigned int n_free;
        struct vaddr_node *free;
        struct vaddr_node *all;
};

void vaddr_table_destroy(struct vaddr_table *t);

/* Whether something of VADDR to LAST is taken, and an IOVA that lies in the first mapping of it. */
bool vaddr_table_overlap(const struct vaddr_table *t, uint64_t vaddr, uint64_t last, uint64_t *ret_iova);

/* Takes whole pages that are free, not live yet. 0; -ENOMEM, and then nothing is changed; -EFAULT for 2^47
 * bytes or more, which no process has in one piece. */
int vaddr_table_take(struct vaddr_table *t, uint64_t vaddr, uint64_t size, uint64_t iova);
/* Gives back what one call took. */
void vaddr_table_release(struct vaddr_table *t, uint64_t vaddr, uint64_t size);
/* Shows what one call took to vaddr_table_find(), or hides it. */
void vaddr_table_set_live(struct vaddr_table *t, uint64_t vaddr, uint64_t size, bool live);

/* Bytes from VADDR + SIZE on that continue the mapping, which is at IOVA there: what one word could not say.
 */
uint64_t vaddr_table_rest(const struct vaddr_table *t, uint64_t vaddr, uint64_t iova);

static inline uint64_t vaddr_load(const uint64_t *word)
{
        return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline const uint64_t *vaddr_table_block(const struct vaddr_table *t, uint64_t vaddr)
{
        uint64_t *const *high;

        if (__builtin_expect(vaddr >> VADDR_BLOCK_SHIFT == 0, 1))
                return __atomic_load_n(&t->low, __ATOMIC_ACQUIRE);
        high = __atomic_load_n(&t->high, __ATOMIC_ACQUIRE);
        return high ? __atomic_load_n(&high[vaddr >> VADDR_BLOCK_SHIFT], __ATOMIC_ACQUIRE) : NULL;
}

/* The word that speaks for VADDR, and the size of its slot as a shift. 0: nothing is there. */
static inline uint64_t vaddr_table_word(const struct vaddr_table *t, uint64_t vaddr, unsigned int *ret_shift)
{
        for (;;) {
                unsigned int recycled = __atomic_load_n(&t->n_recycled, __ATOMIC_ACQUIRE);
                const uint64_t *slots = vaddr_table_block(t, vaddr);
                uint64_t word;

                if (__builtin_expect(!slots, 0))
                        return 0;
                *ret_shift = 30;
                word = vaddr_load(&slots[vaddr >> 30 & (VADDR_TOP_SLOTS - 1)]);
                if (word == 0 || word & VADDR_TAKEN)
                        return word;
                *ret_shift = 21;
                word = vaddr_load(&((const uint64_t *)(uintptr_t)word)[vaddr >> 21 & (VADDR_SLOTS - 1)]);
                if (word && !(word & VADDR_TAKEN)) {
                        *ret_shift = 12;
                        word = vaddr_load(
                                &((const uint64_t *)(uintptr_t)word)[vaddr >> 12 & (VADDR_SLOTS - 1)]);
                }
                /* The loads above are acquires: none of them is made after this one. */
                if (__builtin_expect(__atomic_load_n(&t->n_recycled, __ATOMIC_RELAXED) == recycled, 1))
                        return word;
        }
}

/* Without a lock: true, the IOVA of VADDR, and how many bytes follow in the same mapping. */
static inline bool vaddr_table_find(const struct vaddr_table *t, uint64_t vaddr, uint64_t *ret_iova,
                                    uint64_t *ret_size)
{
        unsigned int shift = 0;
        uint64_t word = vaddr_table_word(t, vaddr, &shift), offset, iova, size;

        if (!(word & VADDR_LIVE))
                return false;
        offset = vaddr & ((UINT64_C(1) << shift) - 1);
        iova = (word & VADDR_IOVA) + offset;
        size = ((word >> VADDR_RUN_SHIFT & VADDR_RUN_MAX) + 1) << shift;
        size -= offset;
        if (!(word & VADDR_END))
                size += vaddr_table_rest(t, vaddr + size, iova + size);
        *ret_iova = iova;
        *ret_size = size;
        return true;
}
