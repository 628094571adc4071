/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of extents against a plain array: what is in it, in which order, and the lowest gap for each
 * request, with enough extents for several levels; and with memory that runs out at each of its nodes. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iova_tree.h"

/* ---- malloc() of the tree, by --wrap ---- */

static unsigned int fail_in;
static long n_blocks;

void *__real_malloc(size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void __wrap_free(void *p);

void *__wrap_malloc(size_t size)
{
        void *p;

        if (fail_in > 0 && --fail_in == 0)
                return NULL;
        p = __real_malloc(size);
        n_blocks += p != NULL;
        return p;
}

void __wrap_free(void *p)
{
        n_blocks -= p != NULL;
        __real_free(p);
}

/* ---- the model ---- */

#define UNITS   8192u
#define EXTENTS 2048u
#define UNIT    UINT64_C(16)

struct model {
        struct iova_tree tree;
        struct iova_extent extents[EXTENTS];
        bool used[EXTENTS];
        unsigned int n;
        uint64_t base;
        int owner[UNITS]; /* -1: nobody */
};

static struct model model;

static void begin(bool at_the_end)
{
        memset(&model, 0, sizeof(model));
        memset(model.owner, -1, sizeof(model.owner));
        model.base = at_the_end ? -(UNITS * UNIT) : 0;
}

static void end(void)
{
        iova_tree_destroy(&model.tree);
        assert_int_equal(n_blocks, 0);
}

static void fill(unsigned int e, int owner)
{
        const struct iova_extent *x = &model.extents[e];

        for (uint64_t u = (x->start - model.base) / UNIT; u <= (x->last - model.base) / UNIT; u++)
                model.owner[u] = owner;
}

/* 0 or -ENOMEM, or 1 where it would overlap. */
static int put(unsigned int e, unsigned int first, unsigned int count, const struct iova_place *place)
{
        struct iova_extent *x = &model.extents[e];
        int r;

        for (unsigned int u = first; u < first + count; u++)
                if (u >= UNITS || model.owner[u] >= 0)
                        return 1;
        x->start = model.base + first * UNIT;
        x->last = x->start + count * UNIT - 1;
        r = iova_tree_insert(&model.tree, x, place);
        if (r < 0)
                return r;
        model.used[e] = true;
        model.n++;
        fill(e, (int)e);
        return 0;
}

static void take_out(unsigned int e)
{
        iova_tree_remove(&model.tree, &model.extents[e]);
        fill(e, -1);
        memset(&model.extents[e], 0xa5, sizeof(model.extents[e]));
        model.used[e] = false;
        model.n--;
}

/* ---- comparing ---- */

static bool fits(const void *request, uint64_t first, uint64_t last, uint64_t *ret_start)
{
        const struct iova_search *q = request;

        first = first < q->low ? q->low : first;
        last = last > q->limit ? q->limit : last;
        if (first > last || last - first < q->size - 1)
                return false;
        *ret_start = first;
        return true;
}

/* The lowest unit from LOW on with COUNT free ones up to LIMIT; UNITS. */
static unsigned int lowest(unsigned int count, unsigned int low, unsigned int limit)
{
        unsigned int run = 0;

        for (unsigned int u = low; u <= limit; u++) {
                run = model.owner[u] < 0 ? run + 1 : 0;
                if (run == count)
                        return u + 1 - count;
        }
        return UNITS;
}

static bool find(unsigned int count, unsigned int low, unsigned int limit, struct iova_place *ret_place)
{
        struct iova_search q = { .size = count * UNIT,
                                 .low = model.base + low * UNIT,
                                 .limit = model.base + limit * UNIT + (UNIT - 1),
                                 .fits = fits };
        unsigned int expected = lowest(count, low, limit);
        uint64_t start = 0;
        bool found;

        q.request = &q;
        found = iova_tree_find_gap(&model.tree, &q, &start, ret_place);
        assert_int_equal(found, expected < UNITS);
        if (found)
                assert_int_equal(start, model.base + expected * UNIT);
        return found;
}

static void compare_order(void)
{
        const struct iova_extent *x = iova_tree_first_from(&model.tree, 0);
        int before = -1;

        assert_int_equal(model.tree.n, model.n);
        for (unsigned int u = 0; u < UNITS; u++) {
                if (model.owner[u] < 0 || model.owner[u] == before)
                        continue;
                before = model.owner[u];
                assert_ptr_equal(x, &model.extents[before]);
                x = iova_tree_next(x);
        }
        assert_null(x);
}

static void compare_first_from(unsigned int unit)
{
        const struct iova_extent *expected = NULL;

        for (unsigned int u = unit; u < UNITS && !expected; u++)
                if (model.owner[u] >= 0)
                        expected = &model.extents[model.owner[u]];
        assert_ptr_equal(iova_tree_first_from(&model.tree, model.base + unit * UNIT), expected);
}

/* ---- tests ---- */

/* Grows to about PART of a hundred extents that are to be there, and goes on there. */
static void random_steps(unsigned int steps, unsigned int part, uint64_t *seed)
{
        struct iova_place place;

        for (unsigned int i = 0; i < steps; i++) {
                unsigned int e = (unsigned int)(unit_random(seed) % EXTENTS), count, low, limit;

                if (model.used[e]) {
                        if (unit_random(seed) % 100 >= part)
                                take_out(e);
                        continue;
                }
                if (unit_random(seed) % 100 >= part)
                        continue;
                count = 1 + (unsigned int)(unit_random(seed) % 6);
                low = unit_random(seed) % 2 ? 0 : (unsigned int)(unit_random(seed) % UNITS);
                limit = unit_random(seed) % 2 ? UNITS - 1 : (unsigned int)(unit_random(seed) % UNITS);
                compare_first_from(low);
                if (unit_random(seed) % 2)
                        assert_true(put(e, low, count, NULL) >= 0);
                else if (low <= limit && find(count, low, limit, &place))
                        assert_int_equal(put(e, lowest(count, low, limit), count, &place), 0);
        }
        compare_order();
}

static void test_random(void **state)
{
        uint64_t seed = 88172645463325252;

        (void)state;
        for (unsigned int round = 0; round < 4; round++) {
                begin(round & 1);
                random_steps(6000, 90, &seed); /* many */
                random_steps(6000, 20, &seed); /* few */
                random_steps(4000, 95, &seed);
                random_steps(6000, 2, &seed);
                end();
        }
}

/* What one after the other, rising and falling, does to the nodes, and emptying from both ends. */
static void test_in_order(void **state)
{
        (void)state;
        for (unsigned int shape = 0; shape < 4; shape++) {
                begin(false);
                for (unsigned int i = 0; i < EXTENTS; i++)
                        assert_int_equal(put(i, (shape & 1 ? EXTENTS - 1 - i : i) * 3, 2, NULL), 0);
                compare_order();
                for (unsigned int i = 0; i < EXTENTS; i++) {
                        take_out(shape & 2 ? i : EXTENTS - 1 - i);
                        if (i % 128 == 0)
                                compare_order();
                }
                compare_order();
                assert_int_equal(n_blocks, 0); /* the last extent took the last node with it */
                end();
        }
}

/* With N extents left anywhere among many that went, the nodes are no more than a few for each. */
static void test_nodes_go(void **state)
{
        (void)state;
        begin(false);
        for (unsigned int i = 0; i < EXTENTS; i++)
                assert_int_equal(put(i, i * 4, 1, NULL), 0);
        for (unsigned int i = 0; i < EXTENTS; i++)
                if (i % 16)
                        take_out(i);
        compare_order();
        assert_true(model.tree.n_nodes <= model.n / 2);
        end();
}

/* The Nth node that is wanted is not to be had: nothing is lost, and once there is memory it goes on. */
static void test_no_memory(void **state)
{
        (void)state;
        for (unsigned int n = 1; n < 60; n++) {
                unsigned int failed = 0;
                uint64_t seed = n;

                begin(false);
                for (unsigned int i = 0; i < 600; i++) {
                        unsigned int first = (unsigned int)(unit_random(&seed) % UNITS);
                        int r;

                        if (i % n == 0)
                                fail_in = 1 + i % 3;
                        r = put(i, first, 3, NULL);
                        failed += r == -ENOMEM;
                        if (r == -ENOMEM) {
                                fail_in = 0;
                                compare_order();
                                assert_int_equal(put(i, first, 3, NULL), 0);
                        }
                        if (i > 300 && model.used[i - 300])
                                take_out(i - 300);
                }
                fail_in = 0;
                assert_true(failed > 0);
                compare_order();
                end();
        }
}

static void test_replace(void **state)
{
        struct iova_extent other;

        (void)state;
        begin(false);
        for (unsigned int i = 0; i < 100; i++)
                assert_int_equal(put(i, i * 2, 1, NULL), 0);
        iova_tree_replace(&model.extents[50], &other);
        iova_tree_settle(&other);
        memset(&model.extents[50], 0xa5, sizeof(model.extents[50]));
        assert_ptr_equal(iova_tree_first_from(&model.tree, 100 * UNIT), &other);
        for (unsigned int i = 0; i < 50; i++)
                take_out(i);
        iova_tree_replace(&other, &model.extents[50]);
        iova_tree_settle(&model.extents[50]);
        compare_order();
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random),   cmocka_unit_test(test_in_order),
                cmocka_unit_test(test_nodes_go), cmocka_unit_test(test_no_memory),
                cmocka_unit_test(test_replace),
        };

        return run_unit_tests("iova_tree", tests);
}
