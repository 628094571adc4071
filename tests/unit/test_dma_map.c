/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The look-up of mappings: against a plain list under random changes, and from threads without a lock while
 * mappings come and go. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dma_map.h"

#define PAGE    UINT64_C(4096)
#define ENTRIES 200u

static void init(struct dma_map *m)
{
        const struct iommuctl_range all = { 0, UINT64_MAX };

        dma_map_init(m);
        assert_int_equal(iova_space_set_ranges(&m->space, &all, 1), 0);
}

/* The first entry that some of VADDR to VADDR + SIZE - 1 belongs to; NULL. */
static struct dma_entry *overlap(const struct dma_map *m, uint64_t vaddr, uint64_t size)
{
        uint64_t iova;

        return vaddr_table_overlap(&m->table, vaddr, vaddr + size - 1, &iova) ? dma_map_at(m, iova) : NULL;
}

static struct dma_entry *add(struct dma_map *m, uint64_t vaddr, uint64_t size, uint64_t iova)
{
        struct dma_entry *e = calloc(1, sizeof(*e)), *other;

        assert_non_null(e);
        assert_int_equal(iova_space_reserve(&m->space, &e->iova, iova, iova + size - 1), 0);
        assert_int_equal(dma_map_insert(m, e, true, vaddr, size, &other), 0);
        assert_true(dma_entry_is_busy(e));
        return e;
}

/* A live one or a busy one. */
static void drop(struct dma_map *m, struct dma_entry *e)
{
        if (!dma_entry_is_busy(e))
                assert_true(dma_entry_acquire(m, e, dma_entry_state(e)));
        assert_false(dma_map_remove(m, e));
        assert_int_equal(dma_entry_state(e), DMA_OUT);
        iova_space_release(&m->space, &e->iova);
        free(e);
}

struct model_entry {
        struct dma_entry *entry;
        uint64_t vaddr, size, iova;
        bool live;
};

static const struct model_entry *owner_of(const struct model_entry *model, uint64_t vaddr)
{
        for (unsigned int i = 0; i < ENTRIES; i++)
                if (model[i].entry && vaddr >= model[i].vaddr && vaddr - model[i].vaddr < model[i].size)
                        return &model[i];
        return NULL;
}

/* STABLE: nobody changes it meanwhile, and the short ways have to say the same. */
static bool translates_if(bool stable, const struct dma_map *m, uint64_t vaddr, uint64_t *ret_iova,
                          uint64_t *ret_size)
{
        int64_t size = vaddr_table_find(&m->table, vaddr, ret_iova), peeked;
        uint64_t iova;

        assert_true(size > 0 || size == -ENOENT);
        if (vaddr_table_peek(&m->table, vaddr, &iova, &peeked) && stable)
                assert_true(peeked == size && iova == *ret_iova);
        if (vaddr_table_peek_page(&m->table, vaddr, &iova, &peeked) && stable)
                assert_true(peeked == size && iova == *ret_iova);
        if (size > 0)
                *ret_size = (uint64_t)size;
        return size > 0;
}

static bool translates(const struct dma_map *m, uint64_t vaddr, uint64_t *ret_iova, uint64_t *ret_size)
{
        return translates_if(true, m, vaddr, ret_iova, ret_size);
}

static void check_address(const struct dma_map *m, const struct model_entry *model, uint64_t vaddr)
{
        const struct model_entry *owner = owner_of(model, vaddr);
        uint64_t iova = 1, size = 2;

        assert_ptr_equal(overlap(m, vaddr, 1), owner ? owner->entry : NULL);
        if (!owner || !owner->live) {
                assert_false(translates(m, vaddr, &iova, &size));
                assert_true(iova == 1 && size == 2);
                return;
        }
        assert_true(translates(m, vaddr, &iova, &size));
        assert_int_equal(iova, owner->iova + (vaddr - owner->vaddr));
        assert_int_equal(size, owner->size - (vaddr - owner->vaddr));
}

static bool is_free(const struct dma_map *m, const struct model_entry *model, uint64_t vaddr, uint64_t size)
{
        bool is_free = true;

        for (unsigned int i = 0; i < ENTRIES; i++)
                if (model[i].entry && vaddr < model[i].vaddr + model[i].size && model[i].vaddr < vaddr + size)
                        is_free = false;
        assert_int_equal(overlap(m, vaddr, size) == NULL, is_free);
        return is_free;
}

/* Where buffers are put: how large pieces are, how many of them one is at most, and how many places there are
 * for it. Pages; pages and large pages; large pages and the largest; the largest only, across two blocks. */
static const struct {
        uint64_t base, unit, most, places;
} kinds[] = {
        { 0, PAGE, 8, 4096 },
        { UINT64_C(3) << 30, PAGE * 256, 9, 4096 },
        { UINT64_C(1) << 40, PAGE << 17, 9, 2048 },
        { (UINT64_C(1) << 47) - (UINT64_C(600) << 30), PAGE << 18, 1100, 2000 },
        { (UINT64_C(1) << 57) - (UINT64_C(8) << 21), PAGE, 4096, 4096 },
};

static uint64_t place(uint64_t *seed, uint64_t *ret_size)
{
        const size_t k = unit_random(seed) % (sizeof(kinds) / sizeof(kinds[0]));
        uint64_t vaddr = kinds[k].base + unit_random(seed) % kinds[k].places * kinds[k].unit;

        *ret_size = (1 + unit_random(seed) % kinds[k].most) * kinds[k].unit;
        if (unit_random(seed) % 2)
                vaddr += unit_random(seed) % 4 * PAGE;
        return vaddr;
}

static void change(struct dma_map *m, struct model_entry *model, struct model_entry *x, uint64_t *seed)
{
        struct dma_entry *other = NULL;
        uint64_t vaddr, size;

        if (!x->entry) {
                x->vaddr = place(seed, &x->size);
                x->iova = (1 + (uint64_t)(x - model)) << 52;
                x->live = false;
                if (is_free(m, model, x->vaddr, x->size))
                        x->entry = add(m, x->vaddr, x->size, x->iova);
        } else if (unit_random(seed) % 3 == 0) {
                uint64_t iova = UINT64_C(3000) << 52;
                struct dma_entry e = { 0 };

                /* Nobody gets what is taken, and is told by whom. */
                assert_int_equal(iova_space_reserve(&m->space, &e.iova, iova, iova + x->size - 1), 0);
                assert_int_equal(dma_map_insert(m, &e, true, x->vaddr, x->size, &other), -EEXIST);
                assert_ptr_equal(other, x->entry);
                iova_space_release(&m->space, &e.iova);
                drop(m, x->entry);
                x->entry = NULL;
        } else if (unit_random(seed) % 4 == 0) {
                vaddr = place(seed, &size);
                if (!dma_entry_is_busy(x->entry))
                        assert_true(dma_entry_acquire(m, x->entry, dma_entry_state(x->entry)));
                if (dma_map_move(m, x->entry, vaddr, &other) == 0)
                        x->vaddr = vaddr;
                else
                        assert_true(other && other != x->entry);
                dma_map_settle(m, x->entry, x->live);
        } else {
                x->live = !x->live;
                if (!dma_entry_is_busy(x->entry))
                        assert_true(dma_entry_acquire(m, x->entry, dma_entry_state(x->entry)));
                dma_map_settle(m, x->entry, x->live);
        }
}

static void test_random(void **state)
{
        struct model_entry model[ENTRIES] = { 0 };
        uint64_t seed = 42, size;
        struct dma_map m;

        (void)state;
        init(&m);
        for (int round = 0; round < 40000; round++) {
                struct model_entry *x = &model[unit_random(&seed) % ENTRIES];

                change(&m, model, x, &seed);
                check_address(&m, model, place(&seed, &size) + unit_random(&seed) % PAGE);
                if (x->entry) {
                        check_address(&m, model, x->vaddr);
                        check_address(&m, model, x->vaddr + x->size - 1);
                        check_address(&m, model, x->vaddr + unit_random(&seed) % x->size);
                }
        }
        for (unsigned int i = 0; i < ENTRIES; i++)
                if (model[i].entry)
                        drop(&m, model[i].entry);
        assert_int_equal(m.n_entries, 0);
        for (struct vaddr_node *node = m.table.all; node; node = node->next)
                assert_int_equal(node->n_used, 0);
        dma_map_destroy(&m);
}

static void test_edges_of_the_address_space(void **state)
{
        struct dma_entry *first, *last;
        uint64_t iova, size;
        struct dma_map m;

        (void)state;
        init(&m);
        assert_false(translates(&m, 0, &iova, &size));
        first = add(&m, 0, PAGE, PAGE);
        last = add(&m, (uint64_t)0 - PAGE, PAGE, 16 * PAGE);
        dma_map_settle(&m, first, true);
        dma_map_settle(&m, last, true);
        assert_true(translates(&m, 0, &iova, &size) && iova == PAGE && size == PAGE);
        assert_true(translates(&m, UINT64_MAX, &iova, &size) && iova == 17 * PAGE - 1 && size == 1);
        assert_false(translates(&m, PAGE, &iova, &size));
        assert_null(overlap(&m, PAGE, (uint64_t)0 - 2 * PAGE));
        assert_ptr_equal(overlap(&m, PAGE, (uint64_t)0 - 2 * PAGE + 1), last);
        drop(&m, first);
        drop(&m, last);
        dma_map_destroy(&m);
}

/* A terabyte is found to its end from anywhere in it, and takes no more than the tables of its ends. */
static void test_a_large_mapping(void **state)
{
        const uint64_t vaddr = (UINT64_C(5) << 30) - 3 * PAGE, total = (UINT64_C(1) << 40) + 8 * PAGE;
        uint64_t seed = 3, iova, size, n = 0;
        struct dma_entry *e, *other;
        struct dma_map m;

        (void)state;
        init(&m);
        e = add(&m, vaddr, total, UINT64_C(7) << 21);
        dma_map_settle(&m, e, true);
        for (int i = 0; i < 10000; i++) {
                uint64_t offset = unit_random(&seed) % total;

                assert_true(translates(&m, vaddr + offset, &iova, &size));
                assert_int_equal(iova, (UINT64_C(7) << 21) + offset);
                assert_int_equal(size, total - offset);
        }
        for (struct vaddr_node *node = m.table.all; node; node = node->next)
                n += node->n_used > 0;
        assert_int_equal(n, 2); /* the tables of pages at both ends */
        drop(&m, e);
        e = calloc(1, sizeof(*e));
        assert_int_equal(iova_space_reserve(&m.space, &e->iova, 0, (UINT64_C(1) << 47) - 1), 0);
        assert_int_equal(dma_map_insert(&m, e, true, 0, UINT64_C(1) << 47, &other), -EFAULT);
        iova_space_release(&m.space, &e->iova);
        free(e);
        dma_map_destroy(&m);
}

/* One that is another thread's is not to be had, and who asks for it is told when it is free. */
static void test_busy_entries(void **state)
{
        struct dma_entry *e;
        struct dma_map m;

        (void)state;
        init(&m);
        e = add(&m, PAGE, PAGE, PAGE);
        assert_false(dma_entry_acquire(&m, e, DMA_LIVE) || dma_entry_acquire(&m, e, DMA_IDLE));
        assert_true(dma_entry_ask(e) && dma_entry_ask(e));
        assert_true(dma_map_settle(&m, e, true));
        assert_false(dma_entry_ask(e));
        assert_true(dma_entry_acquire(&m, e, DMA_LIVE));
        assert_false(dma_map_settle(&m, e, false));
        assert_true(dma_entry_acquire(&m, e, DMA_IDLE) && dma_entry_ask(e));
        assert_true(dma_map_remove(&m, e));
        assert_false(dma_entry_ask(e));
        free(e);
        dma_map_destroy(&m);
}

/* Who asks for one that is being hidden does not have to see the end of that: the thread that hides it may
 * need this processor for it. */
static void test_hiding(void **state)
{
        struct dma_entry *e;
        struct dma_map m;

        (void)state;
        init(&m);
        e = add(&m, PAGE, PAGE, PAGE);
        dma_map_settle(&m, e, true);
        e->state = DMA_HIDING; /* as another thread leaves it when it is interrupted */
        assert_true(dma_entry_is_mapped(e) && dma_entry_is_busy(e));
        alarm(10);
        assert_true(dma_entry_ask(e) && dma_entry_ask(e));
        alarm(0);
        assert_true(dma_entry_is_mapped(e) && dma_entry_is_busy(e));
        assert_false(dma_entry_acquire(&m, e, DMA_LIVE) || dma_entry_acquire(&m, e, DMA_IDLE));
        vaddr_table_set_live(&m.table, e->vaddr, e->size, &e->run, false);
        dma_entry_set_hidden(e);
        assert_false(dma_entry_is_mapped(e));
        assert_true(dma_map_settle(&m, e, true));
        assert_false(dma_entry_ask(e));
        drop(&m, e);
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

                if (!translates_if(false, &shared, ((i + 1) << 30) + offset, &iova, &size))
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
                        drop(&shared, entries[i]);
                        entries[i] = NULL;
                } else {
                        uint64_t size = (1 + unit_random(&seed) % 4) * PAGE;

                        entries[i] = add(&shared, (i + 1) << 30, size,
                                         ((i + 1) << 32) + unit_random(&seed) % 1024 * PAGE);
                        dma_map_settle(&shared, entries[i], true);
                }
        }
        __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
        for (int t = 0; t < 3; t++) {
                void *result;

                pthread_join(threads[t], &result);
                assert_int_equal((uintptr_t)result, 1);
        }
        for (size_t i = 0; i < BUFFERS; i++)
                if (entries[i])
                        drop(&shared, entries[i]);
        dma_map_destroy(&shared);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random),          cmocka_unit_test(test_edges_of_the_address_space),
                cmocka_unit_test(test_a_large_mapping), cmocka_unit_test(test_busy_entries),
                cmocka_unit_test(test_hiding),          cmocka_unit_test(test_readers_beside_a_writer),
        };

        return run_unit_tests("dma_map", tests);
}
