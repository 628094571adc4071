/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several threads on one container: buffers mapped, translated and unmapped, a device opened and closed
 * beside them. Run under ThreadSanitizer it also says whether the locks hold what they should. */
#include "machines.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
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

/* Buffers that one thread maps and another sweeps away. */
struct swept {
        struct bench *bench;
        char *memory;
        uint64_t waited; /* bytes that this thread saw go */
        uint64_t mapped;
        int failures;
};

static void *map_and_wait(void *arg)
{
        struct swept *w = arg;

        for (int i = 0; i < ROUNDS; i++) {
                struct iommuctl_dma *dma = NULL;
                uint64_t iova;

                if (iommuctl_dma_map(w->bench->container, w->memory, 4 * PAGE, NULL, &dma) < 0) {
                        w->failures++;
                        continue;
                }
                w->mapped += 4 * PAGE;
                if (i % 3 == 0) {
                        while (iommuctl_dma_is_mapped(dma))
                                sched_yield();
                        w->failures += iommuctl_translate(w->bench->container, w->memory, &iova) != -ENOENT;
                        w->waited += 4 * PAGE;
                } else if (i % 3 == 1) {
                        int r = iommuctl_dma_renew(dma);

                        w->failures += r < 0 && r != -ENOENT;
                }
                w->failures += iommuctl_dma_unmap(dma) < 0;
        }
        return NULL;
}

static void count_warnings(void *userdata, enum iommuctl_log_level level, const char *text)
{
        (void)text;
        *(unsigned int *)userdata += level <= IOMMUCTL_LOG_WARNING;
}

/* Nothing that comes into being under a sweep is lost to it unseen: each byte that a sweep counts is a
 * buffer's that says so, and no buffer is found gone by its own unmapping. */
static void test_sweeping_beside_others(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, THREADS * 4 * PAGE);
        unsigned int warnings = 0, running = THREADS;
        struct swept workers[THREADS];
        pthread_t threads[THREADS];
        uint64_t n = 0, bytes = 0, waited = 0, mapped = 0;

        iommuctl_ctx_set_log(b->ctx, count_warnings, &warnings, IOMMUCTL_LOG_WARNING);
        for (size_t i = 0; i < THREADS; i++) {
                workers[i] = (struct swept){ b, memory + i * 4 * PAGE, 0, 0, 0 };
                assert_int_equal(pthread_create(&threads[i], NULL, map_and_wait, &workers[i]), 0);
        }
        while (running > 0) {
                assert_ok(b->ctx, running % 2 ? iommuctl_container_unmap_all(b->container, &n)
                                              : iommuctl_container_unmap(b->container, 0, 1ull << 39, &n));
                bytes += n;
                if (pthread_tryjoin_np(threads[running - 1], NULL) == 0)
                        running--;
                sched_yield();
        }
        for (size_t i = 0; i < THREADS; i++) {
                assert_int_equal(workers[i].failures, 0);
                waited += workers[i].waited;
                mapped += workers[i].mapped;
        }
        assert_true(bytes >= waited && bytes <= mapped);
        assert_int_equal(warnings, 0);
        assert_int_equal(fake_n_mappings(b->m), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_side_by_side),
                BOTH(test_the_last_group_leaves),
                BOTH(test_sweeping_beside_others),
        };

        return run_tap_tests("core threads", tests);
}
