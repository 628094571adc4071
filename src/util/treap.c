/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/treap.h"

static uint32_t next_priority(struct treap *t)
{
        /* xorshift64* (Vigna 2016); the seed only has to differ from zero. */
        uint64_t x = t->random ?: (uint64_t)(uintptr_t)t | 1;

        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        t->random = x;
        return (uint32_t)((x * 0x2545f4914f6cdd1dull) >> 32);
}

static void set_link(struct treap_node **link, struct treap_node *node)
{
        __atomic_store_n(link, node, __ATOMIC_RELEASE);
}

static void update(const struct treap *t, struct treap_node *node)
{
        if (node && t->update)
                t->update(node);
}

/* Cuts the subtree N into keys below KEY and the others. */
static void split(const struct treap *t, struct treap_node *n, uint64_t key, struct treap_node **below,
                  struct treap_node **rest)
{
        if (!n) {
                set_link(below, NULL);
                set_link(rest, NULL);
        } else if (n->key < key) {
                struct treap_node *right = n->child[1];

                set_link(below, n);
                split(t, right, key, &n->child[1], rest);
                update(t, n);
        } else {
                struct treap_node *left = n->child[0];

                set_link(rest, n);
                split(t, left, key, below, &n->child[0]);
                update(t, n);
        }
}

/* Joins two subtrees, each key in A being smaller than each in B. */
static struct treap_node *join(const struct treap *t, struct treap_node *a, struct treap_node *b)
{
        if (!a || !b)
                return a ?: b;
        if (a->priority > b->priority) {
                set_link(&a->child[1], join(t, a->child[1], b));
                update(t, a);
                return a;
        }
        set_link(&b->child[0], join(t, a, b->child[0]));
        update(t, b);
        return b;
}

static void insert_at(const struct treap *t, struct treap_node **link, struct treap_node *node)
{
        struct treap_node *n = *link;

        if (!n || n->priority < node->priority) {
                split(t, n, node->key, &node->child[0], &node->child[1]);
                set_link(link, node);
                update(t, node);
                return;
        }
        insert_at(t, &n->child[node->key > n->key], node);
        update(t, n);
}

void treap_insert(struct treap *t, struct treap_node *node, uint64_t key)
{
        node->key = key;
        node->priority = next_priority(t);
        insert_at(t, &t->root, node);
}

static void remove_at(const struct treap *t, struct treap_node **link, struct treap_node *node)
{
        struct treap_node *n = *link;

        if (n == node) {
                set_link(link, join(t, n->child[0], n->child[1]));
                return;
        }
        remove_at(t, &n->child[node->key > n->key], node);
        update(t, n);
}

void treap_remove(struct treap *t, struct treap_node *node)
{
        remove_at(t, &t->root, node);
        set_link(&node->child[0], NULL);
        set_link(&node->child[1], NULL);
}

struct treap_node *treap_find_last_up_to(const struct treap *t, uint64_t key)
{
        struct treap_node *best = NULL;

        for (struct treap_node *n = t->root; n;) {
                if (n->key <= key) {
                        best = n;
                        n = n->child[1];
                } else {
                        n = n->child[0];
                }
        }
        return best;
}

struct treap_node *treap_find_first_from(const struct treap *t, uint64_t key)
{
        struct treap_node *best = NULL;

        for (struct treap_node *n = t->root; n;) {
                if (n->key >= key) {
                        best = n;
                        n = n->child[0];
                } else {
                        n = n->child[1];
                }
        }
        return best;
}
