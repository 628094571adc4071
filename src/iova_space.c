/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iova_space.h"

#include <errno.h>
#include <stdlib.h>

#include "util/macro.h"

static struct iova_extent *extent_of(const struct treap_node *node)
{
        return node ? container_of(node, struct iova_extent, node) : NULL;
}

static void extent_update(struct treap_node *node)
{
        struct iova_extent *e = extent_of(node);
        const struct iova_extent *left = extent_of(node->child[0]), *right = extent_of(node->child[1]);

        e->subtree_start = left ? left->subtree_start : e->start;
        e->subtree_last = right ? right->subtree_last : e->last;
        e->subtree_gap = 0;
        if (left) {
                uint64_t gap = e->start - left->subtree_last - 1;

                e->subtree_gap = MAX(left->subtree_gap, gap);
        }
        if (right) {
                uint64_t gap = right->subtree_start - e->last - 1;
                uint64_t larger = MAX(right->subtree_gap, gap);

                e->subtree_gap = MAX(e->subtree_gap, larger);
        }
}

void iova_space_init(struct iova_space *s)
{
        *s = (struct iova_space){ .tree = { .update = extent_update } };
}

void iova_space_destroy(struct iova_space *s)
{
        free(s->ranges);
        iova_space_init(s);
}

static int compare_ranges(const void *a, const void *b)
{
        const struct iommuctl_range *x = a, *y = b;

        return x->start < y->start ? -1 : x->start > y->start;
}

/* Sorts the ranges, joins those that touch, drops those that end before they begin. */
static size_t normalize(struct iommuctl_range *ranges, size_t n)
{
        size_t kept = 0;

        qsort(ranges, n, sizeof(*ranges), compare_ranges);
        for (size_t i = 0; i < n; i++) {
                if (ranges[i].last < ranges[i].start)
                        continue;
                if (kept > 0 &&
                    (ranges[kept - 1].last == UINT64_MAX || ranges[i].start <= ranges[kept - 1].last + 1)) {
                        ranges[kept - 1].last = MAX(ranges[kept - 1].last, ranges[i].last);
                        continue;
                }
                ranges[kept++] = ranges[i];
        }
        return kept;
}

struct iova_extent *iova_space_overlap(const struct iova_space *s, uint64_t start, uint64_t last)
{
        struct iova_extent *e = extent_of(treap_find_last_up_to(&s->tree, start));

        if (e && e->last >= start)
                return e;
        e = extent_of(treap_find_first_from(&s->tree, start));
        return e && e->start <= last ? e : NULL;
}

int iova_space_set_ranges(struct iova_space *s, const struct iommuctl_range *ranges, size_t n_ranges)
{
        struct iommuctl_range *copy = calloc(n_ranges ?: 1, sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        if (n_ranges > 0)
                memcpy(copy, ranges, n_ranges * sizeof(*copy));
        free(s->ranges);
        s->ranges = copy;
        s->n_ranges = normalize(copy, n_ranges);
        return 0;
}

bool iova_space_allows(const struct iova_space *s, uint64_t start, uint64_t last)
{
        for (size_t i = 0; i < s->n_ranges; i++)
                if (start >= s->ranges[i].start && last <= s->ranges[i].last)
                        return true;
        return false;
}

static void put(struct iova_space *s, struct iova_extent *e, uint64_t start, uint64_t last)
{
        *e = (struct iova_extent){ .start = start, .last = last };
        treap_insert(&s->tree, &e->node, start);
}

int iova_space_reserve(struct iova_space *s, struct iova_extent *e, uint64_t start, uint64_t last)
{
        if (!iova_space_allows(s, start, last))
                return -ERANGE;
        if (iova_space_overlap(s, start, last))
                return -EEXIST;
        put(s, e, start, last);
        return 0;
}

/* Whether the gap FIRST to LAST has room, and where. */
static bool fits(const struct iova_request *q, uint64_t first, uint64_t last, uint64_t *ret_start)
{
        uint64_t start, distance;

        first = MAX(first, q->low);
        last = MIN(last, q->limit);
        if (first > last)
                return false;
        distance = (q->offset - first) & (q->align - 1);
        if (distance > last - first)
                return false;
        start = first + distance;
        if (q->size - 1 > last - start)
                return false;
        *ret_start = start;
        return true;
}

/* The lowest place in a gap of at least NEED bytes between two extents of the subtree N. */
static bool search(const struct iova_extent *n, const struct iova_request *q, uint64_t need,
                   uint64_t *ret_start)
{
        while (n && n->subtree_gap >= need && n->subtree_start < q->limit && n->subtree_last > q->low) {
                const struct iova_extent *left = extent_of(n->node.child[0]);
                const struct iova_extent *right = extent_of(n->node.child[1]);

                if (search(left, q, need, ret_start))
                        return true;
                if (left && n->start - left->subtree_last > need &&
                    fits(q, left->subtree_last + 1, n->start - 1, ret_start))
                        return true;
                if (right && right->subtree_start - n->last > need &&
                    fits(q, n->last + 1, right->subtree_start - 1, ret_start))
                        return true;
                n = right;
        }
        return false;
}

static bool search_all(const struct iova_space *s, const struct iova_request *q, uint64_t need,
                       uint64_t *ret_start)
{
        const struct iova_extent *root = extent_of(s->tree.root);

        if (!root)
                return fits(q, 0, UINT64_MAX, ret_start);
        if (root->subtree_start > 0 && fits(q, 0, root->subtree_start - 1, ret_start))
                return true;
        if (search(root, q, need, ret_start))
                return true;
        return root->subtree_last < UINT64_MAX && fits(q, root->subtree_last + 1, UINT64_MAX, ret_start);
}

/* The same inside each range in turn. */
static bool search_ranges(const struct iova_space *s, const struct iova_request *request, uint64_t need,
                          uint64_t *ret_start)
{
        for (size_t i = 0; i < s->n_ranges; i++) {
                struct iova_request q = *request;

                q.low = MAX(q.low, s->ranges[i].start);
                q.limit = MIN(q.limit, s->ranges[i].last);
                if (search_all(s, &q, need, ret_start))
                        return true;
        }
        return false;
}

int iova_space_allocate(struct iova_space *s, struct iova_extent *e, const struct iova_request *request)
{
        uint64_t start, roomy;

        if (request->size == 0)
                return -ENOSPC;
        /* A gap of this size has room however it lies, so the first look takes one way down the tree; only
         * when there is none are the gaps tried one by one. */
        if (__builtin_add_overflow(request->size, request->align - 1, &roomy) ||
            !search_ranges(s, request, roomy, &start))
                if (!search_ranges(s, request, request->size, &start))
                        return -ENOSPC;
        put(s, e, start, start + request->size - 1);
        return 0;
}

void iova_space_release(struct iova_space *s, struct iova_extent *e)
{
        treap_remove(&s->tree, &e->node);
}
