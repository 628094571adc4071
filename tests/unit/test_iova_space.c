/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The allocator of I/O virtual addresses against a model that knows each page: random fixed and automatic
 * requests, releases and changes of the ranges; and its edges by hand. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iova_space.h"

/* ---- the model: a small space of pages, each taken or not, allowed or not ---- */

#define PAGES   512u
#define EXTENTS 64u
#define PAGE    UINT64_C(4096)

struct model {
        struct iova_space space;
        struct iova_extent extents[EXTENTS];
        bool used[EXTENTS];
        int owner[PAGES]; /* -1: nobody */
        bool allowed[PAGES];
};

static void model_set_ranges(struct model *m, uint64_t *seed)
{
        struct iommuctl_range ranges[8];
        size_t n = 1 + unit_random(seed) % 8;

        memset(m->allowed, 0, sizeof(m->allowed));
        for (size_t i = 0; i < n; i++) {
                uint64_t first = unit_random(seed) % PAGES, count = 1 + unit_random(seed) % (PAGES / 2);

                if (first + count > PAGES)
                        count = PAGES - first;
                ranges[i] = (struct iommuctl_range){ first * PAGE, (first + count) * PAGE - 1 };
                for (uint64_t p = first; p < first + count; p++)
                        m->allowed[p] = true;
        }
        assert_int_equal(iova_space_set_ranges(&m->space, ranges, n), 0);
}

static bool model_free(const struct model *m, uint64_t first, uint64_t count)
{
        for (uint64_t p = first; p < first + count; p++)
                if (p >= PAGES || !m->allowed[p] || m->owner[p] >= 0)
                        return false;
        return true;
}

/* Whether the model has a place for the request at all. */
static bool model_has_room(const struct model *m, const struct iova_request *q)
{
        for (uint64_t first = 0; first < PAGES; first++)
                if (first * PAGE >= q->low && first * PAGE % q->align == q->offset &&
                    first * PAGE + q->size - 1 <= q->limit && model_free(m, first, q->size / PAGE))
                        return true;
        return false;
}

static void model_take(struct model *m, unsigned int e)
{
        const struct iova_extent *x = &m->extents[e];

        m->used[e] = true;
        for (uint64_t p = x->start / PAGE; p <= x->last / PAGE; p++) {
                assert_int_equal(m->owner[p], -1);
                m->owner[p] = (int)e;
        }
}

static void model_give(struct model *m, unsigned int e)
{
        iova_space_release(&m->space, &m->extents[e]);
        m->used[e] = false;
        for (unsigned int p = 0; p < PAGES; p++)
                if (m->owner[p] == (int)e)
                        m->owner[p] = -1;
}

static void step_fixed(struct model *m, unsigned int e, uint64_t *seed)
{
        uint64_t first = unit_random(seed) % PAGES, count = 1 + unit_random(seed) % 16;
        int r = iova_space_reserve(&m->space, &m->extents[e], first * PAGE, (first + count) * PAGE - 1);

        if (r == 0)
                assert_true(model_free(m, first, count));
        else
                assert_false(model_free(m, first, count));
        if (r == 0)
                model_take(m, e);
}

static void step_automatic(struct model *m, unsigned int e, uint64_t *seed)
{
        struct iova_request q = {
                .size = (1 + unit_random(seed) % 24) * PAGE,
                .align = PAGE << unit_random(seed) % 6,
                .low = unit_random(seed) % 3 ? 0 : unit_random(seed) % PAGES * PAGE,
                .limit = unit_random(seed) % 3 ? UINT64_MAX : unit_random(seed) % PAGES * PAGE + PAGE - 1,
        };
        bool room;
        int r;

        q.offset = unit_random(seed) % (q.align / PAGE) * PAGE;
        room = model_has_room(m, &q);
        r = iova_space_allocate(&m->space, &m->extents[e], &q);
        assert_int_equal(r, room ? 0 : -ENOSPC);
        if (r < 0)
                return;
        assert_true(m->extents[e].start >= q.low && m->extents[e].last <= q.limit);
        assert_int_equal(m->extents[e].last - m->extents[e].start + 1, q.size);
        assert_int_equal(m->extents[e].start % q.align, q.offset);
        for (uint64_t p = m->extents[e].start / PAGE; p <= m->extents[e].last / PAGE; p++)
                assert_true(m->allowed[p]);
        model_take(m, e);
}

static void test_random(void **state)
{
        (void)state;
        for (uint64_t round = 1; round <= 40; round++) {
                struct model *m = calloc(1, sizeof(*m));
                uint64_t seed = round * 0x9e3779b97f4a7c15ull;

                iova_space_init(&m->space);
                memset(m->owner, -1, sizeof(m->owner));
                model_set_ranges(m, &seed);
                for (int i = 0; i < 3000; i++) {
                        unsigned int e = (unsigned int)(unit_random(&seed) % EXTENTS);

                        if (unit_random(&seed) % 200 == 0)
                                model_set_ranges(m, &seed);
                        if (m->used[e])
                                model_give(m, e);
                        else if (unit_random(&seed) % 2)
                                step_fixed(m, e, &seed);
                        else
                                step_automatic(m, e, &seed);
                }
                iova_space_destroy(&m->space);
                free(m);
        }
}

/* ---- edges ---- */

static void test_overlap(void **state)
{
        const struct iommuctl_range all = { 0, UINT64_MAX };
        struct iova_extent a, b;
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        assert_int_equal(iova_space_reserve(&s, &a, 0, 0), -ERANGE);
        assert_int_equal(iova_space_set_ranges(&s, &all, 1), 0);
        assert_int_equal(iova_space_reserve(&s, &a, 0, 0), 0);
        assert_int_equal(iova_space_reserve(&s, &b, UINT64_MAX, UINT64_MAX), 0);
        assert_ptr_equal(iova_space_overlap(&s, 0, UINT64_MAX), &a);
        assert_ptr_equal(iova_space_overlap(&s, 1, UINT64_MAX), &b);
        assert_null(iova_space_overlap(&s, 1, UINT64_MAX - 1));
        iova_space_destroy(&s);
}

static void test_the_whole_of_64_bits(void **state)
{
        const struct iommuctl_range all = { 0, UINT64_MAX };
        struct iova_request q = { .size = PAGE, .align = PAGE, .limit = UINT64_MAX };
        struct iova_extent e[3];
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        assert_int_equal(iova_space_set_ranges(&s, &all, 1), 0);
        assert_int_equal(iova_space_reserve(&s, &e[0], 0, UINT64_MAX - PAGE), 0);
        assert_int_equal(iova_space_allocate(&s, &e[1], &q), 0);
        assert_int_equal(e[1].last, UINT64_MAX);
        assert_int_equal(iova_space_allocate(&s, &e[2], &q), -ENOSPC);
        iova_space_release(&s, &e[0]);
        q.size = UINT64_MAX - PAGE + 1;
        assert_int_equal(iova_space_allocate(&s, &e[2], &q), 0);
        assert_int_equal(e[2].start, 0);
        iova_space_destroy(&s);
}

static void test_ranges_are_put_in_order(void **state)
{
        const struct iommuctl_range ranges[] = {
                { 0x9000, 0x9fff }, { 0x1000, 0x2fff }, { 5, 4 }, { 0x3000, 0x3fff }, { 0x2000, 0x27ff },
        };
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        assert_int_equal(iova_space_set_ranges(&s, ranges, 5), 0);
        assert_int_equal(s.n_ranges, 2);
        assert_int_equal(s.ranges[0].start, 0x1000);
        assert_int_equal(s.ranges[0].last, 0x3fff);
        assert_true(iova_space_allows(&s, 0x1000, 0x3fff));
        assert_false(iova_space_allows(&s, 0x3000, 0x4000));
        assert_false(iova_space_allows(&s, 0x3000, 0x9000));
        iova_space_destroy(&s);
}

static void test_no_ranges_no_room(void **state)
{
        struct iova_request q = { .size = PAGE, .align = PAGE, .limit = UINT64_MAX };
        struct iova_extent e;
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        assert_int_equal(iova_space_set_ranges(&s, NULL, 0), 0);
        assert_int_equal(iova_space_allocate(&s, &e, &q), -ENOSPC);
        assert_int_equal(iova_space_reserve(&s, &e, 0, 0), -ERANGE);
        iova_space_destroy(&s);
}

/* A device joined and its ranges end before what is mapped, which the kernel would not have allowed: what is
 * taken stays taken, and is given back whole. */
static void test_ranges_shrink_over_an_extent(void **state)
{
        const struct iommuctl_range wide = { 0, 0xffff }, narrow = { 0, 0x7fff };
        struct iova_extent e, other;
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        assert_int_equal(iova_space_set_ranges(&s, &wide, 1), 0);
        assert_int_equal(iova_space_reserve(&s, &e, 0x6000, 0x9fff), 0);
        assert_int_equal(iova_space_set_ranges(&s, &narrow, 1), 0);
        assert_int_equal(iova_space_reserve(&s, &other, 0x7000, 0x7fff), -EEXIST);
        iova_space_release(&s, &e);
        assert_int_equal(iova_space_reserve(&s, &other, 0x7000, 0x7fff), 0);
        assert_int_equal(iova_space_reserve(&s, &e, 0x8000, 0x8fff), -ERANGE);
        iova_space_destroy(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random),
                cmocka_unit_test(test_overlap),
                cmocka_unit_test(test_the_whole_of_64_bits),
                cmocka_unit_test(test_ranges_are_put_in_order),
                cmocka_unit_test(test_no_ranges_no_room),
                cmocka_unit_test(test_ranges_shrink_over_an_extent),
        };

        return run_unit_tests("iova_space", tests);
}
