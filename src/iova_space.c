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
        for (unsigned int i = 0; i < IOVA_STACKS; i++)
                free(s->recent[i].extents);
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

bool iova_space_allows(const struct iova_space *s, uint64_t start, uint64_t last)
{
        for (size_t i = 0; i < s->n_ranges; i++)
                if (start >= s->ranges[i].start && last <= s->ranges[i].last)
                        return true;
        return false;
}

/* ---- ranges that were given back lately ---- */

/* Larger ones are taken seldom, and would be missed. */
#define KEPT_SIZE_MAX ((uint64_t)2 << 20)

/* How many of a size are kept: so few in any case, and up to a sixteenth of all over all sizes. Both the
 * search for room and merging are needed once in as many requests as a stack is deep, on the average. */
#define KEPT_FEW         32u
#define KEPT_PART_OF_ALL (16u * IOVA_STACKS)

/* Each size up to 64 pages of 4 KiB has its own. */
static unsigned int stack_number(uint64_t size)
{
        return (unsigned int)((size >> 12 ^ size >> 20) % IOVA_STACKS);
}

static struct iova_stack *stack_of(struct iova_space *s, uint64_t size)
{
        return &s->recent[stack_number(size)];
}

static bool is_kept(const struct iova_space *s, const struct iova_extent *e)
{
        const struct iova_stack *k = stack_of((struct iova_space *)s, e->last - e->start + 1);

        return (uintptr_t)e - (uintptr_t)k->extents < k->n * sizeof(*e);
}

/* What was given back last of each size was put on its stack without a word to the tree: the line to write it
 * to is not there yet, and is only asked for. It is written when the next one comes upon it, or here, before
 * anything else is done with the tree. */
static void settle_tops(const struct iova_space *s)
{
        for (uint64_t left = s->unsettled; left; left &= left - 1) {
                const struct iova_stack *k = &s->recent[__builtin_ctzll(left)];

                if (k->n > 0)
                        iova_tree_settle(&k->extents[k->n - 1]);
        }
}

static void settle(struct iova_space *s)
{
        settle_tops(s);
        s->unsettled = 0;
}

/* What was in the stack is free from now on. */
static void empty(struct iova_space *s, struct iova_stack *k)
{
        while (k->n > 0)
                iova_tree_remove(&s->tree, &k->extents[--k->n]);
}

static bool empty_all(struct iova_space *s)
{
        bool any = false;

        for (unsigned int i = 0; i < IOVA_STACKS; i++) {
                any |= s->recent[i].n > 0;
                empty(s, &s->recent[i]);
        }
        return any;
}

/* Puts what E has on top; there is room. */
static inline void push(struct iova_space *s, unsigned int i, const struct iova_extent *e)
{
        struct iova_stack *k = &s->recent[i];

        if (k->n > 0)
                iova_tree_settle(&k->extents[k->n - 1]);
        iova_tree_replace(e, &k->extents[k->n++]);
        s->unsettled |= UINT64_C(1) << i;
}

/* E, which is in a stack, is free from now on. */
static void drop_kept(struct iova_space *s, struct iova_extent *e)
{
        struct iova_stack *k = stack_of(s, e->last - e->start + 1);
        const struct iova_extent *top = &k->extents[--k->n];

        iova_tree_remove(&s->tree, e);
        if (e != top) {
                iova_tree_replace(top, e);
                iova_tree_settle(e);
        }
}

/* More room in the stack, if there may be more and there is memory for it. */
static bool grow(const struct iova_space *s, struct iova_stack *k)
{
        const size_t most = MAX(s->tree.n / KEPT_PART_OF_ALL, KEPT_FEW);
        const size_t wanted = MAX(k->room * 2u, KEPT_FEW / 4);
        const size_t room = MIN(wanted, most);
        struct iova_extent *extents;

        if (room <= k->room)
                return false;
        extents = malloc(room * sizeof(*extents));
        if (!extents)
                return false;
        for (uint32_t i = 0; i < k->n; i++) {
                iova_tree_replace(&k->extents[i], &extents[i]);
                iova_tree_settle(&extents[i]);
        }
        free(k->extents);
        k->extents = extents;
        k->room = (uint32_t)room;
        return true;
}

int iova_space_set_ranges(struct iova_space *s, const struct iommuctl_range *ranges, size_t n_ranges)
{
        struct iommuctl_range *copy = calloc(n_ranges ?: 1, sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        settle(s);
        empty_all(s); /* they may be outside of these */
        if (n_ranges > 0)
                memcpy(copy, ranges, n_ranges * sizeof(*copy));
        free(s->ranges);
        s->ranges = copy;
        s->generation++;
        s->n_ranges = normalize(copy, n_ranges);
        return 0;
}

/* ---- fixed addresses ---- */

struct iova_extent *iova_space_overlap(const struct iova_space *s, uint64_t start, uint64_t last)
{
        struct iova_extent *e;

        settle_tops(s);
        e = iova_tree_first_from(&s->tree, start);
        while (e && is_kept(s, e))
                e = iova_tree_next(e);
        return e && e->start <= last ? e : NULL;
}

int iova_space_reserve(struct iova_space *s, struct iova_extent *e, uint64_t start, uint64_t last)
{
        struct iova_extent *other;

        if (!iova_space_allows(s, start, last))
                return -ERANGE;
        settle(s);
        while ((other = iova_tree_first_from(&s->tree, start)) && other->start <= last) {
                if (!is_kept(s, other))
                        return -EEXIST;
                drop_kept(s, other);
        }
        e->start = start;
        e->last = last;
        e->tag = 0;
        return iova_tree_insert(&s->tree, e, NULL);
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
                          uint64_t *ret_start, struct iova_place *ret_place)
{
        for (size_t i = 0; i < s->n_ranges && s->ranges[i].start <= request->limit; i++) {
                struct iova_request r = *request;
                struct iova_search q;

                r.low = MAX(r.low, s->ranges[i].start);
                r.limit = MIN(r.limit, s->ranges[i].last);
                q = (struct iova_search){ size, r.low, r.limit, fits, &r };
                if (r.low <= r.limit && iova_tree_find_gap(&s->tree, &q, ret_start, ret_place))
                        return true;
        }
        return false;
}

/* A gap of ROOMY bytes has room however it lies, so the first look takes one way down the tree; only when
 * there is none are the gaps tried one by one. */
static bool search(const struct iova_space *s, const struct iova_request *q, uint64_t *ret_start,
                   struct iova_place *ret_place)
{
        uint64_t bits = s->tree.boundaries | q->offset | q->align;
        uint64_t roomy;

        if (!__builtin_add_overflow(q->size, q->align - (bits & -bits), &roomy) &&
            search_ranges(s, q, roomy, ret_start, ret_place))
                return true;
        return roomy != q->size && search_ranges(s, q, q->size, ret_start, ret_place);
}

/* ---- what is done for each mapping, and is short; the rest is kept apart from it ---- */

static int __attribute__((noinline))
allocate_from_tree(struct iova_space *s, struct iova_extent *e, const struct iova_request *q)
{
        struct iova_place place;

        if (q->size == 0)
                return -ENOSPC;
        settle(s);
        while (!search(s, q, &e->start, &place))
                if (!empty_all(s))
                        return -ENOSPC;
        e->last = e->start + q->size - 1;
        e->tag = q->size <= KEPT_SIZE_MAX ? s->generation : 0;
        return iova_tree_insert(&s->tree, e, &place);
}

int iova_space_allocate(struct iova_space *s, struct iova_extent *e, const struct iova_request *q)
{
        struct iova_stack *k = stack_of(s, q->size);
        const struct iova_extent *top;

        if (k->n == 0 || k->size != q->size)
                return allocate_from_tree(s, e, q);
        top = &k->extents[k->n - 1];
        if (top->start < q->low || top->last > q->limit || ((top->start ^ q->offset) & (q->align - 1)) != 0)
                return allocate_from_tree(s, e, q);
        k->n--;
        iova_tree_replace(top, e);
        iova_tree_settle(e);
        return 0;
}

static void __attribute__((noinline)) release_to_tree(struct iova_space *s, struct iova_extent *e)
{
        const uint64_t size = e->last - e->start + 1;
        struct iova_stack *k = stack_of(s, size);

        settle(s);
        if (e->tag == s->generation) {
                if (k->size != size)
                        empty(s, k);
                k->size = size;
                if (k->n < k->room || grow(s, k)) {
                        push(s, stack_number(size), e);
                        return;
                }
        }
        iova_tree_remove(&s->tree, e);
}

void iova_space_release(struct iova_space *s, struct iova_extent *e)
{
        const uint64_t size = e->last - e->start + 1;
        const unsigned int i = stack_number(size);
        const struct iova_stack *k = &s->recent[i];

        __builtin_prefetch(e->home, 1); /* for the next to come upon it */
        if (k->size == size && k->n < k->room && e->tag == s->generation)
                push(s, i, e);
        else
                release_to_tree(s, e);
}
