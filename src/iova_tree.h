/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Extents of addresses in order: a B+tree that also knows, for each subtree, the largest gap between two of
 * its extents.
 *
 * What such a tree costs is cache lines that are not there, so a node holds many extents side by side. Within
 * a node an extent keeps its slot until it leaves; the order of the slots is a list of bytes, and inserting
 * and removing move those. So an extent knows its leaf and its slot, a node its parent and its slot there:
 * removing begins at the leaf, without a search, and goes up only as far as something changed.
 *
 * Removing needs no memory and cannot fail. Inserting splits nodes that are full from the top down, each into
 * a tree that is as valid as before, so that it may fail at any of them. Nodes that are nearly empty are
 * joined with a neighbour. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iova_node;

struct iova_extent {
        uint64_t start;
        uint64_t last; /* inside */
        /* Where the tree lists it. */
        struct iova_node *node;
        unsigned int slot;
        bool keep; /* the owner's */
};

struct iova_tree {
        struct iova_node *root; /* NULL: no extents */
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

/* Puts in E, whose start and last are set, and overlap with nothing. 0 or -ENOMEM. */
int iova_tree_insert(struct iova_tree *t, struct iova_extent *e);
void iova_tree_remove(struct iova_tree *t, struct iova_extent *e);
/* Gives NEW what OLD has, which is in the tree no more. */
void iova_tree_replace(struct iova_extent *old, struct iova_extent *new);

/* Whether FIRST to LAST, a gap between extents, will do, and where in it. */
typedef bool (*iova_tree_fits_t)(const void *request, uint64_t first, uint64_t last, uint64_t *ret_start);

/* The lowest gap of at least SIZE bytes that FITS accepts and that meets LOW to LIMIT; what lies before the
 * first extent and after the last are gaps too. */
bool iova_tree_find_gap(const struct iova_tree *t, uint64_t size, uint64_t low, uint64_t limit,
                        iova_tree_fits_t fits, const void *request, uint64_t *ret_start);
