/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iova_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

/* Extents of a leaf, children of an inner node: measured, see tests/bench/iova.c. */
#define FANOUT 16u

/* Under so many, a node is joined with a neighbour, if both together leave some room. */
#define FEW    (FANOUT / 4)
#define JOINED (FANOUT * 3 / 4)

struct iova_node {
        struct iova_node *parent; /* NULL: the root */
        uint8_t parent_slot;
        uint8_t height; /* 0: a leaf */
        uint8_t n;
        uint32_t free;         /* a bit for each slot */
        uint8_t order[FANOUT]; /* the N slots that are taken, by address */
        uint64_t start[FANOUT];
        uint64_t last[FANOUT];
        union {
                struct iova_extent *extent;
                struct iova_node *child;
        } below[FANOUT];
        uint64_t inside[]; /* of an inner node: the largest gap between two extents of the child */
};

/* ---- what a node knows ---- */

/* The slot of the K-th. */
static unsigned int slot_at(const struct iova_node *n, unsigned int k)
{
        return n->order[k];
}

static uint64_t node_start(const struct iova_node *n)
{
        return n->start[slot_at(n, 0)];
}

static uint64_t node_last(const struct iova_node *n)
{
        return n->last[slot_at(n, n->n - 1u)];
}

/* How many of the node's end before ADDRESS. */
static unsigned int count_before(const struct iova_node *n, uint64_t address)
{
        unsigned int k = 0;

        for (unsigned int i = 0; i < n->n; i++)
                k += n->last[slot_at(n, i)] < address;
        return k;
}

/* The place of SLOT in the order. */
static unsigned int position_of(const struct iova_node *n, unsigned int slot)
{
        unsigned int k = 0;

        while (n->order[k] != slot)
                k++;
        return k;
}

/* The largest gap between two extents under the node. */
static uint64_t node_gap(const struct iova_node *n)
{
        uint64_t gap = 0;

        for (unsigned int k = 1; k < n->n; k++) {
                uint64_t between = n->start[slot_at(n, k)] - n->last[slot_at(n, k - 1)] - 1;

                gap = MAX(gap, between);
        }
        if (n->height > 0)
                for (unsigned int k = 0; k < n->n; k++)
                        gap = MAX(gap, n->inside[slot_at(n, k)]);
        return gap;
}

/* Tells the nodes above what became of N. */
static void pass_up(const struct iova_node *n)
{
        for (; n->parent; n = n->parent) {
                struct iova_node *p = n->parent;
                unsigned int slot = n->parent_slot;
                uint64_t start = node_start(n), last = node_last(n), gap = node_gap(n);

                if (p->start[slot] == start && p->last[slot] == last && p->inside[slot] == gap)
                        return;
                p->start[slot] = start;
                p->last[slot] = last;
                p->inside[slot] = gap;
        }
}

/* ---- nodes ---- */

static struct iova_node *new_node(unsigned int height)
{
        struct iova_node *n = malloc(sizeof(*n) + (height > 0 ? FANOUT * sizeof(n->inside[0]) : 0));

        if (n) {
                n->parent = NULL;
                n->height = (uint8_t)height;
                n->n = 0;
                n->free = (uint32_t)((UINT64_C(1) << FANOUT) - 1);
        }
        return n;
}

static void free_nodes(struct iova_node *n)
{
        if (n->height > 0)
                for (unsigned int k = 0; k < n->n; k++)
                        free_nodes(n->below[slot_at(n, k)].child);
        free(n);
}

void iova_tree_destroy(struct iova_tree *t)
{
        if (t->root)
                free_nodes(t->root);
        *t = (struct iova_tree){ 0 };
}

/* A slot for the K-th from now on, which there is room for. */
static unsigned int take_slot(struct iova_node *n, unsigned int k)
{
        unsigned int slot = (unsigned int)__builtin_ctz(n->free);

        n->free &= n->free - 1;
        memmove(&n->order[k + 1], &n->order[k], n->n - k);
        n->order[k] = (uint8_t)slot;
        n->n++;
        return slot;
}

static void give_slot(struct iova_node *n, unsigned int k)
{
        n->free |= UINT32_C(1) << n->order[k];
        n->n--;
        memmove(&n->order[k], &n->order[k + 1], n->n - k);
}

static void set_extent(struct iova_node *n, unsigned int slot, struct iova_extent *e)
{
        n->start[slot] = e->start;
        n->last[slot] = e->last;
        n->below[slot].extent = e;
        e->node = n;
        e->slot = slot;
}

static void set_child(struct iova_node *n, unsigned int slot, struct iova_node *child)
{
        n->start[slot] = node_start(child);
        n->last[slot] = node_last(child);
        n->inside[slot] = node_gap(child);
        n->below[slot].child = child;
        child->parent = n;
        child->parent_slot = (uint8_t)slot;
}

/* Moves the K-th and those after it to a node of the same height, as its AT-th and after. */
static void move_slots(struct iova_node *from, unsigned int k, struct iova_node *to, unsigned int at)
{
        for (unsigned int i = k; i < from->n; i++) {
                unsigned int old = slot_at(from, i), slot = take_slot(to, at++);

                if (from->height > 0)
                        set_child(to, slot, from->below[old].child);
                else
                        set_extent(to, slot, from->below[old].extent);
                from->free |= UINT32_C(1) << old;
        }
        from->n = (uint8_t)k;
}

/* ---- inserting ---- */

static int grow_root(struct iova_tree *t)
{
        struct iova_node *root = new_node(t->root->height + 1u);

        if (!root)
                return -ENOMEM;
        set_child(root, take_slot(root, 0), t->root);
        t->root = root;
        return 0;
}

/* Gives a full node a neighbour behind it, and that one half of what it has; or of the last in the tree only
 * the last, as addresses are mostly taken in rising order. -ENOMEM leaves a valid tree. */
static int split(struct iova_tree *t, struct iova_node *n)
{
        struct iova_node *other;
        unsigned int k;
        int r;

        r = n->parent ? 0 : grow_root(t);
        if (r == 0 && n->parent->n == FANOUT)
                r = split(t, n->parent);
        if (r < 0)
                return r;
        other = new_node(n->height);
        if (!other)
                return -ENOMEM;
        move_slots(n, node_last(n) == node_last(t->root) ? FANOUT - 1 : FANOUT / 2, other, 0);
        k = position_of(n->parent, n->parent_slot);
        set_child(n->parent, take_slot(n->parent, k + 1), other);
        pass_up(n);
        return 0;
}

int iova_tree_insert(struct iova_tree *t, struct iova_extent *e)
{
        struct iova_node *n;
        unsigned int k;

        if (!t->root) {
                t->root = new_node(0);
                if (!t->root)
                        return -ENOMEM;
        }
again:
        n = t->root;
        k = count_before(n, e->start);
        while (n->height > 0) {
                n = n->below[slot_at(n, MIN(k, n->n - 1u))].child;
                k = count_before(n, e->start);
        }
        if (n->n == FANOUT) {
                int r = split(t, n);

                if (r < 0)
                        return r;
                goto again;
        }
        set_extent(n, take_slot(n, k), e);
        t->boundaries |= e->start | (e->last + 1);
        pass_up(n);
        return 0;
}

/* ---- removing ---- */

static void join(struct iova_tree *t, struct iova_node *n);

/* Takes N, whose extents went elsewhere, out. */
static void drop_node(struct iova_tree *t, struct iova_node *n)
{
        struct iova_node *p = n->parent;

        if (p) {
                give_slot(p, position_of(p, n->parent_slot));
                join(t, p);
        } else {
                t->root = NULL;
        }
        free(n);
}

/* After N lost something: puts it together with a neighbour where both are small. */
static void join(struct iova_tree *t, struct iova_node *n)
{
        struct iova_node *p = n->parent, *left, *right;
        unsigned int k;

        if (n->n == 0) {
                drop_node(t, n);
                return;
        }
        if (n->n > FEW) {
                pass_up(n);
                return;
        }
        if (!p) {
                if (n->height > 0 && n->n == 1) { /* the only child is the root now */
                        t->root = n->below[slot_at(n, 0)].child;
                        t->root->parent = NULL;
                        free(n);
                }
                return;
        }
        k = position_of(p, n->parent_slot);
        left = k > 0 ? p->below[slot_at(p, k - 1)].child : NULL;
        right = k + 1 < p->n ? p->below[slot_at(p, k + 1)].child : NULL;
        if (left && left->n + n->n <= JOINED) {
                move_slots(n, 0, left, left->n);
                pass_up(left);
                drop_node(t, n);
        } else if (right && right->n + n->n <= JOINED) {
                move_slots(n, 0, right, 0);
                pass_up(right);
                drop_node(t, n);
        } else {
                pass_up(n);
        }
}

void iova_tree_remove(struct iova_tree *t, struct iova_extent *e)
{
        struct iova_node *n = e->node;

        give_slot(n, position_of(n, e->slot));
        join(t, n);
}

void iova_tree_replace(struct iova_extent *old, struct iova_extent *new)
{
        *new = *old;
        new->node->below[new->slot].extent = new;
}

/* ---- looking ---- */

struct iova_extent *iova_tree_first_from(const struct iova_tree *t, uint64_t address)
{
        const struct iova_node *n = t->root;
        unsigned int k;

        if (!n || node_last(n) < address)
                return NULL;
        for (;;) {
                k = count_before(n, address);
                if (n->height == 0)
                        return n->below[slot_at(n, k)].extent;
                n = n->below[slot_at(n, k)].child;
        }
}

struct iova_extent *iova_tree_next(const struct iova_extent *e)
{
        const struct iova_node *n = e->node;
        unsigned int k = position_of(n, e->slot) + 1;

        while (k == n->n) {
                if (!n->parent)
                        return NULL;
                k = position_of(n->parent, n->parent_slot) + 1;
                n = n->parent;
        }
        while (n->height > 0) {
                n = n->below[slot_at(n, k)].child;
                k = 0;
        }
        return n->below[slot_at(n, k)].extent;
}

struct search {
        uint64_t size, low, limit;
        iova_tree_fits_t fits;
        const void *request;
};

/* The gaps between the extents under N, which has one that is large enough. */
static bool search(const struct iova_node *n, const struct search *q, uint64_t *ret_start)
{
        for (unsigned int k = 0; k < n->n; k++) {
                unsigned int slot = slot_at(n, k);
                uint64_t first, last;

                if (n->start[slot] > q->limit)
                        return false;
                if (n->height > 0 && n->inside[slot] >= q->size && n->last[slot] > q->low &&
                    search(n->below[slot].child, q, ret_start))
                        return true;
                if (k + 1u == n->n)
                        return false;
                first = n->last[slot] + 1;
                last = n->start[slot_at(n, k + 1)] - 1;
                if (last - first + 1 >= q->size && last >= q->low &&
                    q->fits(q->request, first, last, ret_start))
                        return true;
        }
        return false;
}

bool iova_tree_find_gap(const struct iova_tree *t, uint64_t size, uint64_t low, uint64_t limit,
                        iova_tree_fits_t fits, const void *request, uint64_t *ret_start)
{
        const struct search q = { size, low, limit, fits, request };
        uint64_t start, last;

        if (!t->root)
                return fits(request, 0, UINT64_MAX, ret_start);
        start = node_start(t->root);
        last = node_last(t->root);
        if (start > 0 && fits(request, 0, start - 1, ret_start))
                return true;
        if (search(t->root, &q, ret_start))
                return true;
        return last < UINT64_MAX && fits(request, last + 1, UINT64_MAX, ret_start);
}
