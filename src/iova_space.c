/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iova_space.h"

#include <errno.h>
#include <stdlib.h>

#include "util/macro.h"

void iova_space_init(struct iova_space *s)
{
        *s = (struct iova_space){ 0 };
}

void iova_space_destroy(struct iova_space *s)
{
        free(s->ranges);
        iova_tree_destroy(&s->tree);
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

/* ---- ranges that were given back lately ---- */

/* Sizes up to 64 pages of 4 KiB have a stack of their own each, and so have 2 MiB. */
static unsigned int bucket(uint64_t size)
{
        return (unsigned int)((size >> 12 ^ size >> 20) % IOVA_RECENT_SIZES);
}

static bool is_recent(const struct iova_space *s, const struct iova_extent *e)
{
        return (uintptr_t)e - (uintptr_t)s->recent < sizeof(s->recent);
}

/* Empties the stack, so that what was in it is free. */
static void forget_bucket(struct iova_space *s, unsigned int b)
{
        while (s->n_recent[b] > 0)
                iova_tree_remove(&s->tree, &s->recent[b][--s->n_recent[b]]);
}

static bool forget_all(struct iova_space *s)
{
        bool any = false;

        for (unsigned int b = 0; b < IOVA_RECENT_SIZES; b++) {
                any |= s->n_recent[b] > 0;
                forget_bucket(s, b);
        }
        return any;
}

/* Takes E, one of them, out of its stack and out of the tree. */
static void forget(struct iova_space *s, struct iova_extent *e)
{
        unsigned int b = bucket(e->last - e->start + 1);
        struct iova_extent *top = &s->recent[b][--s->n_recent[b]];

        iova_tree_remove(&s->tree, e);
        if (e != top)
                iova_tree_replace(top, e);
}

/* Keeps what E has. */
static bool remember(struct iova_space *s, struct iova_extent *e)
{
        const uint64_t reach = e->last - e->start;
        const unsigned int b = bucket(reach + 1);
        struct iova_extent *stack = s->recent[b];

        if (!e->keep)
                return false;
        if (s->n_recent[b] > 0 && stack->last - stack->start != reach)
                forget_bucket(s, b); /* of another size */
        if (s->n_recent[b] == IOVA_RECENT_EACH)
                return false;
        iova_tree_replace(e, &stack[s->n_recent[b]++]);
        return true;
}

/* Hands over the last of that size that was given back, if it is as asked for. */
static bool take_recent(struct iova_space *s, struct iova_extent *e, const struct iova_request *q)
{
        unsigned int b = bucket(q->size);
        struct iova_extent *top;

        if (s->n_recent[b] == 0)
                return false;
        top = &s->recent[b][s->n_recent[b] - 1];
        if (top->last - top->start != q->size - 1 || top->start < q->low || top->last > q->limit ||
            (top->start - q->offset) & (q->align - 1) || !iova_space_allows(s, top->start, top->last))
                return false;
        s->n_recent[b]--;
        iova_tree_replace(top, e);
        return true;
}

/* ---- fixed addresses ---- */

struct iova_extent *iova_space_overlap(const struct iova_space *s, uint64_t start, uint64_t last)
{
        struct iova_extent *e = iova_tree_first_from(&s->tree, start);

        while (e && is_recent(s, e))
                e = iova_tree_next(e);
        return e && e->start <= last ? e : NULL;
}

int iova_space_reserve(struct iova_space *s, struct iova_extent *e, uint64_t start, uint64_t last)
{
        struct iova_extent *other;

        if (!iova_space_allows(s, start, last))
                return -ERANGE;
        while ((other = iova_tree_first_from(&s->tree, start)) && other->start <= last) {
                if (!is_recent(s, other))
                        return -EEXIST;
                forget(s, other);
        }
        e->start = start;
        e->last = last;
        e->keep = false;
        return iova_tree_insert(&s->tree, e);
}

/* ---- automatic ones ---- */

/* Whether the gap FIRST to LAST has room, and where. */
static bool fits(const void *request, uint64_t first, uint64_t last, uint64_t *ret_start)
{
        const struct iova_request *q = request;
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

/* The lowest place in a gap of at least SIZE bytes, in each range in turn. */
static bool search_ranges(const struct iova_space *s, const struct iova_request *request, uint64_t size,
                          uint64_t *ret_start)
{
        for (size_t i = 0; i < s->n_ranges; i++) {
                struct iova_request q = *request;

                q.low = MAX(q.low, s->ranges[i].start);
                q.limit = MIN(q.limit, s->ranges[i].last);
                if (q.low <= q.limit &&
                    iova_tree_find_gap(&s->tree, size, q.low, q.limit, fits, &q, ret_start))
                        return true;
        }
        return false;
}

/* A gap of ROOMY bytes has room however it lies, so the first look takes one way down the tree; only when
 * there is none are the gaps tried one by one. */
static bool search(const struct iova_space *s, const struct iova_request *q, uint64_t *ret_start)
{
        uint64_t bits = s->tree.boundaries | q->offset | q->align;
        uint64_t roomy;

        if (!__builtin_add_overflow(q->size, q->align - (bits & -bits), &roomy) &&
            search_ranges(s, q, roomy, ret_start))
                return true;
        return roomy != q->size && search_ranges(s, q, q->size, ret_start);
}

int iova_space_allocate(struct iova_space *s, struct iova_extent *e, const struct iova_request *request)
{
        if (request->size == 0)
                return -ENOSPC;
        if (take_recent(s, e, request))
                return 0;
        while (!search(s, request, &e->start))
                if (!forget_all(s))
                        return -ENOSPC;
        e->last = e->start + request->size - 1;
        e->keep = request->size <= IOVA_RECENT_MAX;
        return iova_tree_insert(&s->tree, e);
}

void iova_space_release(struct iova_space *s, struct iova_extent *e)
{
        if (!remember(s, e))
                iova_tree_remove(&s->tree, e);
}
