/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The least that a look-up of 2 MiB pieces of memory can be: a table of two levels and nothing smaller, no
 * locks, no lengths beyond a piece. A library of its own, since what it is compared with is one. */

#include <stdint.h>
#include <stdlib.h>

#define MIB2 (UINT64_C(1) << 21)

struct bare {
        uint64_t *top[UINT64_C(1) << 18];
};

struct bare *bare_new(void);
void bare_add(struct bare *b, uint64_t vaddr, uint64_t iova);
uint64_t bare_translate(const struct bare *b, const void *address, uint64_t *ret_size);

__attribute__((visibility("default"))) struct bare *bare_new(void)
{
        return calloc(1, sizeof(struct bare));
}

__attribute__((visibility("default"))) void bare_add(struct bare *b, uint64_t vaddr, uint64_t iova)
{
        uint64_t **leaf = &b->top[vaddr >> 30];

        if (!*leaf)
                *leaf = aligned_alloc(4096, 512 * sizeof(uint64_t));
        (*leaf)[vaddr >> 21 & 511] = iova;
}

__attribute__((visibility("default"))) uint64_t bare_translate(const struct bare *b, const void *address,
                                                               uint64_t *ret_size)
{
        const uint64_t vaddr = (uint64_t)(uintptr_t)address;
        const uint64_t *leaf;

        if (vaddr >> 48)
                return UINT64_MAX;
        leaf = b->top[vaddr >> 30];
        if (!leaf)
                return UINT64_MAX;
        *ret_size = MIB2 - (vaddr & (MIB2 - 1));
        return leaf[vaddr >> 21 & 511] + (vaddr & (MIB2 - 1));
}
