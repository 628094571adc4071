/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The look-up of mappings: against a plain list under random changes, and from threads without a lock while
 * mappings come and go. */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dma_map.h"

#define PAGE    UINT64_C(4096)
#define ENTRIES 200u

static void init(struct dma_map *m)
{
        const struct iommuctl_range all = { 0, UINT64_MAX };

        dma_map_init(m);
        assert_int_equal(iova_space_set_ranges(&m->space, &all, 1), 0);
}

static struct dma_entry *add(struct dma_map *m, uint64_t vaddr, uint64_t size, uint64_t iova)
{
        struct dma_entry *e = dma_map_take(m);

        assert_non_null(e);
        assert_int_equal(iova_space_reserve(&m->space, &e->iova, iova, iova + size - 1), 0);
        dma_map_insert(m, e, vaddr, size, "");
        return e;
}

static void drop(struct dma_map *m, struct dma_entry *e)
{
        dma_map_remove(m, e);
        dma_map_give_back(m, e);
}

struct model_entry {
        struct dma_entry *entry;
        uint64_t vaddr, size, iova;
        bool live;
};

static void check_address(const struct dma_map *m, const struct model_entry *model, uint64_t vaddr)
{
        const struct model_entry *owner = NULL;
        uint64_t iova = 1, size = 2;

        for (unsigned int i = 0; i < ENTRIES; i++)
                if (model[i].entry && vaddr >= model[i].vaddr && vaddr < model[i].vaddr + model[i].size)
                        owner = &model[i];
        assert_ptr_equal(dma_map_overlap(m, vaddr, 1), owner ? owner->entry : NULL);
        if (!owner || !owner->live) {
                assert_false(dma_map_translate(m, vaddr, &iova, &size));
                assert_true(iova == 1 && size == 2);
                return;
        }
        assert_true(dma_map_translate(m, vaddr, &iova, &size));
        assert_int_equal(iova, owner->iova + (vaddr - owner->vaddr));
        assert_int_equal(size, owner->size - (vaddr - owner->vaddr));
}

static void test_random(void **state)
{
        struct model_entry model[ENTRIES] = { 0 };
        uint64_t seed = 42;
        struct dma_map m;

        (void)state;
        init(&m);
        for (int round = 0; round < 20000; round++) {
                unsigned int i = (unsigned int)(unit_random(&seed) % ENTRIES);
                struct model_entry *x = &model[i];

                if (!x->entry) {
                        x->size = (1 + unit_random(&seed) % 8) * PAGE;
                        x->vaddr = unit_random(&seed) % 4096 * PAGE;
                        x->iova = (uint64_t)(i + 1) << 32;
                        x->live = false;
                        if (!dma_map_overlap(&m, x->vaddr, x->size))
                                x->entry = add(&m, x->vaddr, x->size, x->iova);
                } else if (unit_random(&seed) % 3 == 0) {
                        drop(&m, x->entry);
                        x->entry = NULL;
                } else {
                        x->live = !x->live;
                        dma_map_set_live(&m, x->entry, x->live);
                }
                check_address(&m, model, unit_random(&seed) % (4104 * PAGE));
        }
        dma_map_destroy(&m);
}

static void test_edges_of_the_address_space(void **state)
{
        uint64_t iova, size;
        struct dma_map m;

        (void)state;
        init(&m);
        assert_false(dma_map_translate(&m, 0, &iova, &size));
        dma_map_set_live(&m, add(&m, 0, PAGE, PAGE), true);
        dma_map_set_live(&m, add(&m, (uint64_t)0 - PAGE, PAGE, 16 * PAGE), true);
        assert_true(dma_map_translate(&m, 0, &iova, &size) && iova == PAGE && size == PAGE);
        assert_true(dma_map_translate(&m, UINT64_MAX, &iova, &size) && iova == 17 * PAGE - 1 && size == 1);
        assert_false(dma_map_translate(&m, PAGE, &iova, &size));
        assert_null(dma_map_overlap(&m, PAGE, (uint64_t)0 - 2 * PAGE));
        assert_non_null(dma_map_overlap(&m, PAGE, (uint64_t)0 - 2 * PAGE + 1));
        dma_map_destroy(&m);
}

/* ---- readers beside a writer ---- */

#define BUFFERS 64u

static struct dma_map shared;
static bool stop;
static unsigned int n_hit; /* readers that have found something: a busy machine may start them late */

/* Buffer I is at (I + 1) << 30 and, whenever it is mapped, at an IOVA that says so in its upper half. */
static void *reader(void *arg)
{
        uint64_t seed = (uintptr_t)arg, hits = 0;

        while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
                uint64_t i = unit_random(&seed) % BUFFERS, offset = unit_random(&seed) % (4 * PAGE), iova,
                         size;

                if (!dma_map_translate(&shared, ((i + 1) << 30) + offset, &iova, &size))
                        continue;
                if (hits++ == 0)
                        __atomic_add_fetch(&n_hit, 1, __ATOMIC_RELAXED);
                if (iova >> 32 != i + 1 || (iova & 0xfff) != (offset & 0xfff) || size > 4 * PAGE ||
                    ((iova + size) & 0xfff) != 0)
                        return (void *)(uintptr_t)-1;
        }
        return (void *)(uintptr_t)(hits > 0);
}

static void test_readers_beside_a_writer(void **state)
{
        struct dma_entry *entries[BUFFERS] = { NULL };
        pthread_t threads[3];
        uint64_t seed = 7;

        (void)state;
        init(&shared);
        for (uintptr_t t = 0; t < 3; t++)
                pthread_create(&threads[t], NULL, reader, (void *)(t + 1));
        for (int round = 0; round < 60000 || __atomic_load_n(&n_hit, __ATOMIC_RELAXED) < 3; round++) {
                uint64_t i = unit_random(&seed) % BUFFERS;

                if (entries[i]) {
                        dma_map_set_live(&shared, entries[i], false);
                        drop(&shared, entries[i]);
                        entries[i] = NULL;
                } else {
                        uint64_t size = (1 + unit_random(&seed) % 4) * PAGE;

                        entries[i] = add(&shared, (i + 1) << 30, size,
                                         ((i + 1) << 32) + unit_random(&seed) % 1024 * PAGE);
                        dma_map_set_live(&shared, entries[i], true);
                }
        }
        __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
        for (int t = 0; t < 3; t++) {
                void *result;

                pthread_join(threads[t], &result);
                assert_int_equal((uintptr_t)result, 1);
        }
        dma_map_destroy(&shared);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random),
                cmocka_unit_test(test_edges_of_the_address_space),
                cmocka_unit_test(test_readers_beside_a_writer),
        };

        return run_unit_tests("dma_map", tests);
}
