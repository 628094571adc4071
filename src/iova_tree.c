/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iova_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/macro.h"

/* Extents of a leaf, children of an inner node: what leaves the head of a node one cache line. 16 to 31 cost
 * about the same (tests/bench/iova.c). */
#define FANOUT 22u
/* What stands before the first slot and after the last in the list of slots. */
#define EDGE FANOUT

/* With so many, a node is joined with a neighbour, if both together leave some room. */
#define FEW    (FANOUT / 4)
#define JOINED (FANOUT * 3 / 4)

union iova_below {
        struct iova_extent *extent;
        struct iova_node *child;
};

struct iova_node {
        struct iova_node *parent; /* NULL: the root. Of one that is free, the next that is. */
        uint32_t free;            /* a bit for each slot */
        uint8_t parent_slot;
        uint8_t height; /* 0: a leaf */
        uint8_t n;      /* slots that are taken */
        /* They in the order of their addresses, a circle that begins and ends at EDGE. */
        uint8_t next[FANOUT + 1];
        uint8_t prev[FANOUT + 1];
        /* Where each begins and ends, */
        uint64_t start[FANOUT];
        uint64_t last[FANOUT];
        /* the largest gap from there to the beginning of the next in this node; 0 for a free slot, */
        uint64_t room[FANOUT];
        union iova_below below[FANOUT];
        /* and of an inner node, the largest gap between two extents of the child. */
        uint64_t inside[FANOUT];
} __attribute__((aligned(64)));

#define CACHE_LINE 64u
#define HUGE_PAGE  ((uintptr_t)2 << 20)

_Static_assert(offsetof(struct iova_node, start) == CACHE_LINE, "the head of a node is a cache line");

/* A block of nodes is twice as large as the one before it, up to this. */
#define SLAB_MAX (((size_t)32 << 20) / sizeof(struct iova_node))

struct iova_slab {
        struct iova_slab *next; /* the one before it */
        size_t n;
};

/* Has all of a node, but for its INSIDE, on its way here at once, not a line after the other. */
static void fetch(const struct iova_node *n)
{
        for (size_t i = 0; i < offsetof(struct iova_node, inside); i += CACHE_LINE)
                __builtin_prefetch((const char *)n + i);
}

/* ---- what a node knows ---- */

static struct iova_node *leaf_of(const struct iova_extent *e)
{
        return container_of((union iova_below *)e->home - e->slot, struct iova_node, below[0]);
}

static uint64_t node_start(const struct iova_node *n)
{
        return n->start[n->next[EDGE]];
}

static uint64_t node_last(const struct iova_node *n)
{
        return n->last[n->prev[EDGE]];
}

/* The largest gap between two extents under the node. */
static uint64_t node_room(const struct iova_node *n)
{
        uint64_t room = 0;

        for (unsigned int i = 0; i < FANOUT; i++)
                room = MAX(room, n->room[i]);
        return room;
}

static void update_room(struct iova_node *n, unsigned int slot)
{
        unsigned int next = n->next[slot];
        uint64_t room = 0;

        if (slot == EDGE)
                return;
        if (next != EDGE)
                room = n->start[next] - n->last[slot] - 1;
        if (n->height > 0)
                room = MAX(room, n->inside[slot]);
        n->room[slot] = room;
}

/* The last slot of those that begin before ADDRESS, or EDGE. */
static unsigned int find_before(const struct iova_node *n, uint64_t address)
{
        unsigned int slot = EDGE, next;

        while ((next = n->next[slot]) != EDGE && n->start[next] < address)
                slot = next;
        return slot;
}

/* Tells the nodes above what became of N. */
static void pass_up(const struct iova_node *n)
{
        for (; n->parent; n = n->parent) {
                const uint64_t start = node_start(n), last = node_last(n), room = node_room(n);
                const unsigned int slot = n->parent_slot;
                struct iova_node *p = n->parent;

                if (p->start[slot] == start && p->last[slot] == last && p->inside[slot] == room)
                        return;
                p->start[slot] = start;
                p->last[slot] = last;
                p->inside[slot] = room;
                update_room(p, slot);
                update_room(p, p->prev[slot]);
        }
}

/* The same where nothing changed but that there is a gap of ROOM bytes now, which was made of smaller ones.
 */
static void pass_up_larger(const struct iova_node *n, uint64_t room)
{
        for (; n->parent && n->parent->inside[n->parent_slot] < room; n = n->parent) {
                struct iova_node *p = n->parent;
                const unsigned int slot = n->parent_slot;

                p->inside[slot] = room;
                p->room[slot] = MAX(p->room[slot], room);
        }
}

/* ---- nodes and slots ---- */

static int add_slab(struct iova_tree *t)
{
        const size_t wanted = t->slabs ? t->slabs->n * 2 : 1, n = MIN(wanted, SLAB_MAX);
        const size_t size = sizeof(struct iova_slab) + CACHE_LINE + n * sizeof(struct iova_node);
        struct iova_slab *slab = malloc(size);
        uintptr_t first, end;

        if (!slab)
                return -ENOMEM;
        slab->n = n;
        slab->next = t->slabs;
        t->slabs = slab;
        t->fresh = (struct iova_node *)(((uintptr_t)(slab + 1) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
        t->n_fresh = n;
        first = ((uintptr_t)slab + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        end = ((uintptr_t)slab + size) / HUGE_PAGE * HUGE_PAGE;
        if (first < end) /* it does without where there are none */
                (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
        return 0;
}

static void free_slabs(struct iova_tree *t)
{
        while (t->slabs) {
                struct iova_slab *slab = t->slabs;

                t->slabs = slab->next;
                free(slab);
        }
        t->fresh = t->free = NULL;
        t->n_fresh = 0;
}

static struct iova_node *new_node(struct iova_tree *t, unsigned int height)
{
        struct iova_node *n = t->free;

        if (n) {
                t->free = n->parent;
        } else {
                if (t->n_fresh == 0 && add_slab(t) < 0)
                        return NULL;
                n = t->fresh++;
                t->n_fresh--;
        }
        t->n_nodes++;
        n->parent = NULL;
        n->free = (UINT32_C(1) << FANOUT) - 1;
        n->height = (uint8_t)height;
        n->n = 0;
        n->next[EDGE] = n->prev[EDGE] = EDGE;
        for (unsigned int i = 0; i < FANOUT; i++)
                n->room[i] = 0;
        return n;
}

static void free_node(struct iova_tree *t, struct iova_node *n)
{
        n->parent = t->free;
        t->free = n;
        if (--t->n_nodes == 0)
                free_slabs(t);
}

void iova_tree_destroy(struct iova_tree *t)
{
        free_slabs(t);
        *t = (struct iova_tree){ 0 };
}

/* A slot behind the slot AFTER; there is one. */
static unsigned int take_slot(struct iova_node *n, unsigned int after)
{
        unsigned int slot = (unsigned int)__builtin_ctz(n->free), next = n->next[after];

        n->free &= n->free - 1;
        n->n++;
        n->prev[slot] = (uint8_t)after;
        n->next[slot] = (uint8_t)next;
        n->next[after] = n->prev[next] = (uint8_t)slot;
        return slot;
}

static void give_slot(struct iova_node *n, unsigned int slot)
{
        unsigned int prev = n->prev[slot], next = n->next[slot];

        n->free |= UINT32_C(1) << slot;
        n->n--;
        n->room[slot] = 0;
        n->next[prev] = (uint8_t)next;
        n->prev[next] = (uint8_t)prev;
        update_room(n, prev);
}

static void put_extent(struct iova_node *n, unsigned int after, struct iova_extent *e)
{
        unsigned int slot = take_slot(n, after);

        n->start[slot] = e->start;
        n->last[slot] = e->last;
        n->below[slot].extent = e;
        update_room(n, slot);
        update_room(n, after);
        e->home = &n->below[slot].extent;
        e->slot = slot;
}

static void put_child(struct iova_node *n, unsigned int after, struct iova_node *child)
{
        unsigned int slot = take_slot(n, after);

        n->start[slot] = node_start(child);
        n->last[slot] = node_last(child);
        n->inside[slot] = node_room(child);
        n->below[slot].child = child;
        update_room(n, slot);
        update_room(n, after);
        child->parent = n;
        child->parent_slot = (uint8_t)slot;
}

/* Moves COUNT slots, from SLOT on, to behind AFTER of another node of the same height. */
static void move_slots(struct iova_node *from, unsigned int slot, unsigned int count, struct iova_node *to,
                       unsigned int after)
{
        while (count-- > 0) {
                unsigned int next = from->next[slot];

                if (from->height > 0)
                        put_child(to, after, from->below[slot].child);
                else
                        put_extent(to, after, from->below[slot].extent);
                after = to->next[after];
                give_slot(from, slot);
                slot = next;
        }
}

/* ---- inserting ---- */

static int grow_root(struct iova_tree *t)
{
        struct iova_node *root = new_node(t, t->root->height + 1u);

        if (!root)
                return -ENOMEM;
        put_child(root, EDGE, t->root);
        t->root = root;
        return 0;
}

/* Gives a full node a neighbour behind it, and that one half of what it has; of the last in the tree only the
 * last, as addresses are mostly taken in rising order. -ENOMEM leaves a valid tree. */
static int split(struct iova_tree *t, struct iova_node *n)
{
        unsigned int slot = n->prev[EDGE], count = 1;
        struct iova_node *other;
        int r;

        r = n->parent ? 0 : grow_root(t);
        if (r == 0 && n->parent->n == FANOUT)
                r = split(t, n->parent);
        if (r < 0)
                return r;
        other = new_node(t, n->height);
        if (!other)
                return -ENOMEM;
        if (node_last(n) != node_last(t->root))
                for (; count < FANOUT / 2; count++)
                        slot = n->prev[slot];
        move_slots(n, slot, count, other, EDGE);
        pass_up(n);
        put_child(n->parent, n->parent_slot, other);
        pass_up(n->parent);
        return 0;
}

static struct iova_place find_place(const struct iova_tree *t, uint64_t address)
{
        struct iova_node *n = t->root;
        unsigned int slot = find_before(n, address);

        while (n->height > 0) {
                n = n->below[slot == EDGE ? n->next[EDGE] : slot].child;
                slot = find_before(n, address);
        }
        return (struct iova_place){ n, slot };
}

int iova_tree_insert(struct iova_tree *t, struct iova_extent *e, const struct iova_place *place)
{
        struct iova_place at;
        uint64_t room;

        if (!t->root) {
                t->root = new_node(t, 0);
                if (!t->root)
                        return -ENOMEM;
                at = (struct iova_place){ t->root, EDGE };
        } else {
                at = place ? *place : find_place(t, e->start);
        }
        while (at.node->n == FANOUT) {
                int r = split(t, at.node);

                if (r < 0)
                        return r;
                at = find_place(t, e->start);
        }
        t->n++;
        t->boundaries |= e->start | (e->last + 1);
        room = at.after == EDGE ? UINT64_MAX : at.node->room[at.after];
        put_extent(at.node, at.after, e);
        /* In the midst of a leaf, in a gap that was not its largest, it changes nothing above. */
        if (room == 0 || !at.node->parent || room >= at.node->parent->inside[at.node->parent_slot])
                pass_up(at.node);
        return 0;
}

/* ---- removing ---- */

static void join(struct iova_tree *t, struct iova_node *n);

/* Takes N, whose extents went elsewhere, out. */
static void drop_node(struct iova_tree *t, struct iova_node *n)
{
        struct iova_node *p = n->parent;

        if (p) {
                give_slot(p, n->parent_slot);
                join(t, p);
        } else {
                t->root = NULL;
        }
        free_node(t, n);
}

/* After N lost something: puts it together with a neighbour where both are small. */
static void join(struct iova_tree *t, struct iova_node *n)
{
        struct iova_node *p = n->parent;
        unsigned int left, right;

        if (n->n == 0) {
                drop_node(t, n);
                return;
        }
        if (!p) {
                if (n->height > 0 && n->n == 1) { /* the only child is the root now */
                        t->root = n->below[n->next[EDGE]].child;
                        t->root->parent = NULL;
                        free_node(t, n);
                }
                return;
        }
        pass_up(n);
        if (n->n > FEW)
                return;
        left = p->prev[n->parent_slot];
        right = p->next[n->parent_slot];
        if (left != EDGE && p->below[left].child->n + n->n <= JOINED) {
                struct iova_node *other = p->below[left].child;

                move_slots(n, n->next[EDGE], n->n, other, other->prev[EDGE]);
                pass_up(other);
                drop_node(t, n);
        } else if (right != EDGE && p->below[right].child->n + n->n <= JOINED) {
                struct iova_node *other = p->below[right].child;

                move_slots(n, n->next[EDGE], n->n, other, EDGE);
                pass_up(other);
                drop_node(t, n);
        }
}

void iova_tree_remove(struct iova_tree *t, struct iova_extent *e)
{
        struct iova_node *n = leaf_of(e);
        unsigned int prev, next;

        fetch(n);
        prev = n->prev[e->slot];
        next = n->next[e->slot];
        give_slot(n, e->slot);
        t->n--;
        if (prev != EDGE && next != EDGE && n->n > FEW)
                pass_up_larger(n, n->room[prev]);
        else
                join(t, n);
}

/* ---- looking ---- */

struct iova_extent *iova_tree_first_from(const struct iova_tree *t, uint64_t address)
{
        const struct iova_node *n = t->root;
        unsigned int slot;

        if (!n || node_last(n) < address)
                return NULL;
        for (;; n = n->below[slot].child) {
                slot = find_before(n, address);
                if (slot == EDGE || n->last[slot] < address)
                        slot = n->next[slot];
                if (n->height == 0)
                        return n->below[slot].extent;
        }
}

struct iova_extent *iova_tree_next(const struct iova_extent *e)
{
        const struct iova_node *n = leaf_of(e);
        unsigned int slot = n->next[e->slot];

        while (slot == EDGE) {
                if (!n->parent)
                        return NULL;
                slot = n->parent->next[n->parent_slot];
                n = n->parent;
        }
        while (n->height > 0) {
                n = n->below[slot].child;
                slot = n->next[EDGE];
        }
        return n->below[slot].extent;
}

/* Behind the last extent under N. */
static struct iova_place end_of(struct iova_node *n)
{
        while (n->height > 0)
                n = n->below[n->prev[EDGE]].child;
        return (struct iova_place){ n, n->prev[EDGE] };
}

/* Only nodes that LOW or LIMIT cuts through are looked at in vain. */
static bool search(struct iova_node *n, const struct iova_search *q, uint64_t *ret_start,
                   struct iova_place *ret_place)
{
        for (unsigned int i = n->next[EDGE]; i != EDGE && n->start[i] <= q->limit; i = n->next[i]) {
                unsigned int next = n->next[i];

                if (n->room[i] < q->size)
                        continue;
                if (n->height > 0 && n->last[i] > q->low) {
                        fetch(n->below[i].child);
                        if (n->inside[i] >= q->size && search(n->below[i].child, q, ret_start, ret_place))
                                return true;
                }
                if (next == EDGE || n->start[next] - n->last[i] - 1 < q->size || n->start[next] <= q->low ||
                    !q->fits(q->request, n->last[i] + 1, n->start[next] - 1, ret_start))
                        continue;
                *ret_place = n->height > 0 ? end_of(n->below[i].child) : (struct iova_place){ n, i };
                return true;
        }
        return false;
}

bool iova_tree_find_gap(const struct iova_tree *t, const struct iova_search *q, uint64_t *ret_start,
                        struct iova_place *ret_place)
{
        struct iova_node *n = t->root;
        uint64_t start, last;

        if (!n)
                return q->fits(q->request, 0, UINT64_MAX, ret_start);
        start = node_start(n);
        last = node_last(n);
        if (q->low < start && start >= q->size && q->fits(q->request, 0, start - 1, ret_start)) {
                *ret_place = find_place(t, start);
                return true;
        }
        if (search(n, q, ret_start, ret_place))
                return true;
        if (last >= q->limit || UINT64_MAX - last < q->size ||
            !q->fits(q->request, last + 1, UINT64_MAX, ret_start))
                return false;
        *ret_place = end_of(n);
        return true;
}
