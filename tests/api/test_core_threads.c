/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several threads on one container: buffers mapped, translated and unmapped, a device opened and closed
 * beside them. Run under ThreadSanitizer it also says whether the locks hold what they should. */
#include "machines.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define PAGE    ((size_t)4096)
#define THREADS 4
#define ROUNDS  400

struct worker {
        struct bench *bench;
        char *memory; /* four pages of its own */
        uint64_t fixed;
        int failures;
};

static bool one_round(struct worker *w, bool fixed)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o) };
        struct iommuctl_container *c = w->bench->container;
        struct iommuctl_dma *dma = NULL;
        uint64_t iova = 0;
        bool good;

        if (fixed) {
                o.flags = IOMMUCTL_DMA_FIXED_IOVA;
                o.iova = w->fixed;
        }
        if (iommuctl_dma_map(c, w->memory, 4 * PAGE, &o, &dma) < 0)
                return false;
        good = iommuctl_translate(c, w->memory + PAGE, &iova) == (ssize_t)(3 * PAGE) &&
               iova == iommuctl_dma_span(dma).iova + PAGE && (!fixed || iova == w->fixed + PAGE);
        good &= iommuctl_dma_unmap(dma) == 0;
        return good && iommuctl_translate(c, w->memory + PAGE, &iova) == -ENOENT;
}

static void *map_and_unmap(void *arg)
{
        struct worker *w = arg;

        for (int i = 0; i < ROUNDS; i++)
                w->failures += !one_round(w, i % 2);
        return NULL;
}

static void *open_and_close(void *arg)
{
        struct worker *w = arg;

        for (int i = 0; i < ROUNDS / 4; i++) {
                struct iommuctl_device *d = NULL;

                if (iommuctl_device_open(w->bench->container, i % 2 ? GPU : NIC, &d) < 0)
                        w->failures++;
                iommuctl_device_unref(d);
        }
        return NULL;
}

static void test_side_by_side(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, THREADS * 4 * PAGE);
        struct worker workers[THREADS + 2];
        pthread_t threads[THREADS + 2];

        for (size_t i = 0; i < THREADS + 2; i++) {
                workers[i] = (struct worker){ b, memory + i % THREADS * 4 * PAGE, (i + 1) << 32, 0 };
                assert_int_equal(pthread_create(&threads[i], NULL,
                                                i < THREADS ? map_and_unmap : open_and_close, &workers[i]),
                                 0);
        }
        for (size_t i = 0; i < THREADS + 2; i++) {
                pthread_join(threads[i], NULL);
                assert_int_equal(workers[i].failures, 0);
        }
        assert_int_equal(fake_n_mappings(b->m), 0);
}

/* The device that joined is the only one, and goes while buffers come and go: on type1 its group waits for
 * them. */
static void test_the_last_group_leaves(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 4 * PAGE);
        struct worker w = { b, memory, (uint64_t)1 << 32, 0 };
        struct iommuctl_dma *keep;
        pthread_t thread;

        for (int i = 0; i < 50; i++) {
                assert_ok(b->ctx, iommuctl_dma_alloc(b->container, PAGE, NULL, &keep));
                assert_int_equal(pthread_create(&thread, NULL, open_and_close, &w), 0);
                b->device = iommuctl_device_unref(b->device);
                assert_ok(b->ctx, iommuctl_dma_unmap(keep));
                pthread_join(thread, NULL);
                assert_int_equal(w.failures, 0);
                assert_ok(b->ctx, iommuctl_device_open(b->container, NIC, &b->device));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_side_by_side),
                BOTH(test_the_last_group_leaves),
        };

        return run_tap_tests("core threads", tests);
}
