/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A balanced tree of nodes that live inside other structures: a binary search tree by key that is a heap by a
 * random priority, so its depth stays near 2 ln n whatever order keys come and go in.
 *
 * Links are written with release stores and may be read with treap_child() while another thread changes the
 * tree: such a reader never sees a torn pointer, but it may see the tree between two states, so it has to
 * bound its steps and check afterwards that nothing changed (dma_map.c does). All other use needs a lock. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct treap_node {
        struct treap_node *child[2]; /* smaller keys, larger keys */
        uint64_t key;
        uint32_t priority;
};

struct treap {
        struct treap_node *root;
        /* Makes what a node sums up over its subtree right again after its children changed; may be NULL. */
        void (*update)(struct treap_node *node);
        uint64_t random; /* state of the generator of priorities */
};

/* Puts NODE in under KEY, which must not be there yet. */
void treap_insert(struct treap *t, struct treap_node *node, uint64_t key);
/* Takes NODE out, which must be in. */
void treap_remove(struct treap *t, struct treap_node *node);
/* The node with the largest key that is KEY or less; NULL. */
struct treap_node *treap_find_last_up_to(const struct treap *t, uint64_t key);
/* The node with the smallest key that is KEY or more; NULL. */
struct treap_node *treap_find_first_from(const struct treap *t, uint64_t key);

static inline struct treap_node *treap_child(struct treap_node *const *link)
{
        return __atomic_load_n(link, __ATOMIC_ACQUIRE);
}
