/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The allocator of I/O virtual addresses against a model that knows each page: random fixed and automatic
 * requests, releases and changes of the ranges, with memory and without; and its edges by hand. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iova_space.h"

/* ---- malloc() and calloc() of the allocator, by --wrap ---- */

static unsigned int fail_in;    /* the Nth from now on fails */
static unsigned int fail_every; /* each Nth does */
static unsigned int calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool fails(void)
{
        if (fail_in > 0 && --fail_in == 0)
                return true;
        return fail_every > 0 && ++calls % fail_every == 0;
}

void *__wrap_malloc(size_t size)
{
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails() ? NULL : __real_calloc(n, size);
}

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
        const unsigned int failing = fail_every;

        fail_every = 0;
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
        fail_every = failing;
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
        memset(&m->extents[e], 0xa5, sizeof(m->extents[e])); /* its owner may free it */
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
        else if (r != -ENOMEM || fail_every == 0)
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
        if (r != -ENOMEM || fail_every == 0)
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

static void step_overlap(struct model *m, uint64_t *seed)
{
        uint64_t first = unit_random(seed) % PAGES, last = first + unit_random(seed) % (PAGES - first);
        const struct iova_extent *expected = NULL;

        for (uint64_t p = first; p <= last && !expected; p++)
                if (m->owner[p] >= 0)
                        expected = &m->extents[m->owner[p]];
        assert_ptr_equal(iova_space_overlap(&m->space, first * PAGE, last * PAGE + PAGE - 1), expected);
}

static void random_rounds(uint64_t n_rounds)
{
        for (uint64_t round = 1; round <= n_rounds; round++) {
                struct model *m = __real_calloc(1, sizeof(*m));
                uint64_t seed = round * 0x9e3779b97f4a7c15ull;

                iova_space_init(&m->space);
                memset(m->owner, -1, sizeof(m->owner));
                model_set_ranges(m, &seed);
                for (int i = 0; i < 3000; i++) {
                        unsigned int e = (unsigned int)(unit_random(&seed) % EXTENTS);

                        if (unit_random(&seed) % 200 == 0)
                                model_set_ranges(m, &seed);
                        step_overlap(m, &seed);
                        if (m->used[e])
                                model_give(m, e);
                        else if (unit_random(&seed) % 4 == 0)
                                step_fixed(m, e, &seed);
                        else
                                step_automatic(m, e, &seed);
                }
                iova_space_destroy(&m->space); /* in any state */
                free(m);
        }
}

static void test_random(void **state)
{
        (void)state;
        random_rounds(40);
}

static void test_random_without_memory(void **state)
{
        (void)state;
        for (fail_every = 1; fail_every <= 4; fail_every++)
                random_rounds(10);
        fail_every = 0;
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

/* ---- what was given back lately ---- */

static const struct iommuctl_range low_megabyte = { 0, 0xfffff };

static void test_given_back_is_free(void **state)
{
        struct iova_request page = { .size = PAGE, .align = PAGE, .limit = UINT64_MAX }, all = page;
        struct iova_extent e[256], whole;
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        assert_int_equal(iova_space_set_ranges(&s, &low_megabyte, 1), 0);
        for (unsigned int i = 0; i < 256; i++)
                assert_int_equal(iova_space_allocate(&s, &e[i], &page), 0);
        assert_int_equal(iova_space_allocate(&s, &whole, &page), -ENOSPC);
        for (unsigned int i = 0; i < 256; i++)
                iova_space_release(&s, &e[i]);
        assert_null(iova_space_overlap(&s, 0, UINT64_MAX));
        /* they merge for an automatic address, */
        all.size = 256 * PAGE;
        assert_int_equal(iova_space_allocate(&s, &whole, &all), 0);
        iova_space_release(&s, &whole);
        for (unsigned int i = 0; i < 256; i++)
                assert_int_equal(iova_space_allocate(&s, &e[i], &page), 0);
        for (unsigned int i = 0; i < 256; i++)
                iova_space_release(&s, &e[255 - i]);
        /* and for a fixed one. */
        assert_int_equal(iova_space_reserve(&s, &whole, 0x1800, 0xf87ff), 0);
        assert_ptr_equal(iova_space_overlap(&s, 0, UINT64_MAX), &whole);
        iova_space_destroy(&s);
}

/* Where a fixed address was, no automatic one comes to be before its turn: there may be a reason. */
static void test_fixed_is_not_handed_on(void **state)
{
        struct iova_request page = { .size = PAGE, .align = PAGE, .limit = UINT64_MAX };
        struct iova_extent a, b;
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        assert_int_equal(iova_space_set_ranges(&s, &low_megabyte, 1), 0);
        assert_int_equal(iova_space_reserve(&s, &a, 0x80000, 0x80fff), 0);
        iova_space_release(&s, &a);
        assert_int_equal(iova_space_allocate(&s, &b, &page), 0);
        assert_int_equal(b.start, 0);
        iova_space_destroy(&s);
}

/* What was given back is handed on only if it is as asked for. */
static void test_handed_on_as_asked_for(void **state)
{
        struct iova_request q = { .size = PAGE, .align = PAGE, .low = 0x5000, .limit = UINT64_MAX };
        const struct iommuctl_range shorter = { 0, 0x4fff };
        struct iova_extent a;
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        assert_int_equal(iova_space_set_ranges(&s, &low_megabyte, 1), 0);
        assert_int_equal(iova_space_allocate(&s, &a, &q), 0);
        assert_int_equal(a.start, 0x5000);
        iova_space_release(&s, &a);
        q.limit = 0x4fff;
        q.low = 0;
        assert_int_equal(iova_space_allocate(&s, &a, &q), 0);
        assert_int_equal(a.start, 0);
        iova_space_release(&s, &a);
        q.low = 0x6000;
        q.limit = UINT64_MAX;
        assert_int_equal(iova_space_allocate(&s, &a, &q), 0);
        assert_int_equal(a.start, 0x6000);
        iova_space_release(&s, &a);
        q.low = 0;
        q.align = 0x4000;
        q.offset = 0x3000;
        assert_int_equal(iova_space_allocate(&s, &a, &q), 0);
        assert_int_equal(a.start, 0x3000);
        iova_space_release(&s, &a);
        q.align = PAGE;
        q.offset = 0;
        q.low = 0x8000;
        assert_int_equal(iova_space_allocate(&s, &a, &q), 0);
        /* taken in other ranges than there are when it is given back */
        assert_int_equal(iova_space_set_ranges(&s, &shorter, 1), 0);
        iova_space_release(&s, &a);
        q.low = 0;
        assert_int_equal(iova_space_allocate(&s, &a, &q), 0);
        assert_true(a.last <= 0x4fff);
        iova_space_destroy(&s);
}

/* A taken page in each 2 MiB but the last few, or in 4 MiB twice: what is congruent has room seldom. */
static void test_congruent_among_fragments(void **state)
{
        const struct iommuctl_range range = { 0, (UINT64_C(4) << 30) - 1 };
        struct iova_request q = {
                .size = UINT64_C(2) << 20, .align = UINT64_C(2) << 20, .offset = 0x5000, .limit = UINT64_MAX
        };
        struct iova_extent *e = __real_calloc(2048, sizeof(*e)), a;
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        assert_int_equal(iova_space_set_ranges(&s, &range, 1), 0);
        for (uint64_t i = 0; i < 2048; i++) /* at 0x5000 beyond each multiple of 2 MiB, but for one */
                assert_int_equal(iova_space_reserve(&s, &e[i], (i << 21) + (i == 1500 ? 0 : 0x5000),
                                                    (i << 21) + (i == 1500 ? 0xfff : 0x5fff)),
                                 0);
        assert_int_equal(iova_space_allocate(&s, &a, &q), 0);
        assert_int_equal(a.start, (UINT64_C(1500) << 21) + 0x5000);
        iova_space_release(&s, &a);
        assert_int_equal(iova_space_reserve(&s, &a, (UINT64_C(1500) << 21) + 0x100000,
                                            (UINT64_C(1500) << 21) + 0x100fff),
                         0);
        iova_space_release(&s, &e[0]);
        assert_int_equal(iova_space_reserve(&s, &e[0], 0x6000, 0x6fff), 0);
        assert_int_equal(iova_space_allocate(&s, &e[0], &q), -ENOSPC);
        iova_space_destroy(&s);
        free(e);
}

static void test_no_memory(void **state)
{
        struct iova_request q = { .size = PAGE, .align = PAGE, .limit = UINT64_MAX };
        struct iova_extent a;
        struct iova_space s;

        (void)state;
        iova_space_init(&s);
        fail_in = 1;
        assert_int_equal(iova_space_set_ranges(&s, &low_megabyte, 1), -ENOMEM);
        assert_int_equal(s.n_ranges, 0);
        assert_int_equal(iova_space_set_ranges(&s, &low_megabyte, 1), 0);
        fail_in = 1;
        assert_int_equal(iova_space_allocate(&s, &a, &q), -ENOMEM);
        fail_in = 1;
        assert_int_equal(iova_space_reserve(&s, &a, 0, 0xfff), -ENOMEM);
        assert_int_equal(iova_space_allocate(&s, &a, &q), 0);
        fail_in = 1; /* to give it back needs none */
        iova_space_release(&s, &a);
        fail_in = 0;
        assert_null(iova_space_overlap(&s, 0, UINT64_MAX));
        assert_int_equal(iova_space_reserve(&s, &a, 0, 0xfffff), 0);
        iova_space_destroy(&s);
        iova_space_destroy(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random),
                cmocka_unit_test(test_random_without_memory),
                cmocka_unit_test(test_overlap),
                cmocka_unit_test(test_the_whole_of_64_bits),
                cmocka_unit_test(test_ranges_are_put_in_order),
                cmocka_unit_test(test_no_ranges_no_room),
                cmocka_unit_test(test_ranges_shrink_over_an_extent),
                cmocka_unit_test(test_given_back_is_free),
                cmocka_unit_test(test_fixed_is_not_handed_on),
                cmocka_unit_test(test_handed_on_as_asked_for),
                cmocka_unit_test(test_congruent_among_fragments),
                cmocka_unit_test(test_no_memory),
        };

        return run_unit_tests("iova_space", tests);
}
