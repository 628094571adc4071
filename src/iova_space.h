/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which I/O virtual addresses are taken: one ordered tree of extents for fixed and automatic addresses and
 * for the holes between the kernel's ranges, so that none of them can ever be given out twice.
 *
 * An extent lives inside the mapping that uses it, so that giving an address back needs no memory and cannot
 * fail. Nothing here takes a lock. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommuctl/container.h"
#include "util/treap.h"

struct iova_extent {
        struct treap_node node;
        uint64_t start;
        uint64_t last; /* inside */

        /* Over the subtree: where it begins and ends, and the largest gap between two neighbours in it. */
        uint64_t subtree_start;
        uint64_t subtree_last;
        uint64_t subtree_gap;
};

struct iova_space {
        struct treap tree;
        struct iommuctl_range *ranges;
        size_t n_ranges;
};

/* What an automatic address has to be: START % ALIGN == OFFSET, LOW <= START, START + SIZE - 1 <= LIMIT.
 * ALIGN is a power of two. */
struct iova_request {
        uint64_t size;
        uint64_t align;
        uint64_t offset;
        uint64_t low;
        uint64_t limit;
};

void iova_space_init(struct iova_space *s);
/* Frees what the space itself holds; the extents are their mappings'. */
void iova_space_destroy(struct iova_space *s);

/* Takes these ranges from now on, in any order; what is taken stays taken, even outside of them. 0 or
 * -ENOMEM, and then nothing is changed. Before the first call there are none. */
int iova_space_set_ranges(struct iova_space *s, const struct iommuctl_range *ranges, size_t n_ranges);

/* Whether START to LAST lies inside one of the ranges. */
bool iova_space_allows(const struct iova_space *s, uint64_t start, uint64_t last);

/* The first extent that START to LAST meets; NULL. */
struct iova_extent *iova_space_overlap(const struct iova_space *s, uint64_t start, uint64_t last);

/* Takes START to LAST. 0; -EEXIST where an extent is in the way; -ERANGE where it leaves the ranges. */
int iova_space_reserve(struct iova_space *s, struct iova_extent *e, uint64_t start, uint64_t last);

/* Takes an address as asked for. 0 or -ENOSPC. */
int iova_space_allocate(struct iova_space *s, struct iova_extent *e, const struct iova_request *request);

/* Gives the extent's addresses back. */
void iova_space_release(struct iova_space *s, struct iova_extent *e);
