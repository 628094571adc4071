/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which I/O virtual addresses are taken: one ordered tree of extents (iova_tree.h) for fixed and automatic
 * addresses, so that none of them can ever be given out twice; what the kernel's ranges leave out is left out
 * of each search.
 *
 * An automatic address is in the lowest gap that has room for it wherever in it an aligned one begins, which
 * is found in O(log n) for n extents; where none has, in the lowest that will do. But one that was given back
 * lately comes first. Such a range stays in the tree, under an extent of the space's own, and a request of
 * the same size takes it over without looking at the tree at all: a driver that maps and unmaps one packet
 * after the other asks for what it just gave back. This is what malloc()'s thread caches do, and what the
 * kernel's own allocator does (drivers/iommu/iova.c, iova_rcache). These ranges are in nobody's way: they
 * merge with what is free beside them as soon as a fixed address needs them, or an automatic one finds no
 * room.
 *
 * Handing on touches one cache line of the tree, the leaf's pointer to the extent. With many extents it is
 * not there, and writing it would hold up what comes after; so a release only fetches it, and it is written
 * when something else becomes of the stack or of the tree. The instructions, some 80 for a release and a
 * request, are then nearly all that is paid, with a thousand extents as with a million.
 *
 * An extent lives inside the mapping that uses it, so that giving an address back needs no memory and cannot
 * fail. Nothing here takes a lock. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommuctl/container.h"
#include "iova_tree.h"

/* Extents of one size that are in the tree and that nobody owns. */
struct iova_stack {
        uint64_t size;
        struct iova_extent *extents;
        uint32_t n;
        uint32_t room;
};

#define IOVA_STACKS 64

struct iova_space {
        struct iova_tree tree;
        struct iommuctl_range *ranges;
        size_t n_ranges;
        uint32_t generation; /* of the ranges */
        struct iova_stack recent[IOVA_STACKS];
        uint64_t unsettled; /* a bit for each stack: the tree may not know of its top yet */
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

/* The first extent in address order that START to LAST meets; NULL. Needs the owner's lock as changes do. */
struct iova_extent *iova_space_overlap(const struct iova_space *s, uint64_t start, uint64_t last);

/* Takes START to LAST. 0; -EEXIST where an extent is in the way; -ERANGE where it leaves the ranges;
 * -ENOMEM. */
int iova_space_reserve(struct iova_space *s, struct iova_extent *e, uint64_t start, uint64_t last);

/* Takes an address as asked for. 0, -ENOSPC or -ENOMEM. */
int iova_space_allocate(struct iova_space *s, struct iova_extent *e, const struct iova_request *request);

/* Gives the extent's addresses back. */
void iova_space_release(struct iova_space *s, struct iova_extent *e);
