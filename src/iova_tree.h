/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Extents of addresses in order: a B+tree that also knows, for each subtree, the largest gap between two of
 * its extents.
 *
 * What such a tree costs is cache lines that are not there, so a node holds many extents side by side. An
 * extent keeps its slot in the node, and the order of the slots is a list of bytes: an extent knows its leaf
 * and its slot, a node its parent and its slot there. So removing begins at the leaf, without a search, and
 * goes up only as far as something changed.
 *
 * Nodes come from ever larger blocks of memory, huge pages where the kernel has some: with a million extents
 * half of what a node costs would be its page's entry in the processor's tables. The blocks go when the last
 * extent does.
 *
 * Removing needs no memory and cannot fail. Inserting splits nodes that are full from the top down, each into
 * a tree that is as valid as before, so that it may fail at any of them. Nodes that are nearly empty are
 * joined with a neighbour: with n extents the tree is O(log n) high, whatever there was before. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iova_extent {
        uint64_t start;
        uint64_t last; /* inside */
        /* The tree's pointer to it, which is of that slot of a leaf. */
        struct iova_extent **home;
        uint32_t slot;
        uint32_t tag; /* for those who use the tree */
};

struct iova_node;
struct iova_slab;

struct iova_tree {
        struct iova_node *root; /* NULL: no extents */
        size_t n;
        /* Memory for nodes: what was never used, what was given back, and the blocks that both are in. */
        struct iova_node *fresh, *free;
        struct iova_slab *slabs;
        size_t n_fresh;
        size_t n_nodes; /* in use */
        /* All starts, and all ends that are outside, that there ever were, or-ed: the tree's extents begin
         * and end at multiples of the lowest bit. */
        uint64_t boundaries;
};

/* Frees the nodes; the extents are their owners'. */
void iova_tree_destroy(struct iova_tree *t);

/* The first extent in address order whose last address is ADDRESS or higher; NULL. */
struct iova_extent *iova_tree_first_from(const struct iova_tree *t, uint64_t address);
/* The one after E; NULL. */
struct iova_extent *iova_tree_next(const struct iova_extent *e);

/* What is looked for: FITS tells whether FIRST to LAST, which lie between two extents, will do, and where in
 * there. It is asked about gaps of SIZE bytes or more that reach into LOW to LIMIT, from the lowest on. */
struct iova_search {
        uint64_t size;
        uint64_t low;
        uint64_t limit;
        bool (*fits)(const void *request, uint64_t first, uint64_t last, uint64_t *ret_start);
        const void *request;
};

/* Where in the tree a gap is; holds until the tree is changed. */
struct iova_place {
        struct iova_node *node;
        unsigned int after;
};

/* The lowest gap that will do; before the first extent and after the last there are gaps too. */
bool iova_tree_find_gap(const struct iova_tree *t, const struct iova_search *q, uint64_t *ret_start,
                        struct iova_place *ret_place);

/* Puts in E, whose start and last are set, and overlap with nothing; PLACE is where it goes, or NULL. 0 or
 * -ENOMEM. */
int iova_tree_insert(struct iova_tree *t, struct iova_extent *e, const struct iova_place *place);
void iova_tree_remove(struct iova_tree *t, struct iova_extent *e);

/* Gives NEW what OLD has, which is in the tree no more; to be settled before the next call for the tree. */
static inline void iova_tree_replace(const struct iova_extent *old, struct iova_extent *new)
{
        *new = *old;
}

static inline void iova_tree_settle(struct iova_extent *e)
{
        *e->home = e;
}
