/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mapping, unmapping and translating on one container from several threads at once. */
#include "machines.h"

#include <errno.h>
#include <pthread.h>

#define PAGE    0x1000u
#define MAPPERS 4
#define ROUNDS  300

struct worker {
        struct bench *b;
        char *memory; /* one page that is mapped throughout, and eight that come and go */
        uint64_t iova;
        bool stop;
        unsigned int wrong;
};

static void *map_and_unmap(void *userdata)
{
        struct worker *w = userdata;

        for (unsigned int i = 0; i < ROUNDS; i++) {
                char *at = w->memory + (1 + i % 8) * PAGE;
                struct iommuctl_dma *dma;
                uint64_t iova;

                if (iommuctl_dma_map(w->b->container, at, PAGE, NULL, &dma) < 0) {
                        w->wrong++;
                        continue;
                }
                w->wrong += iommuctl_translate(w->b->container, at, &iova) != PAGE ||
                            iova != iommuctl_dma_span(dma).iova;
                w->wrong += iommuctl_dma_unmap(dma) < 0;
                w->wrong += iommuctl_translate(w->b->container, at, &iova) > 0;
        }
        return NULL;
}

/* What stays mapped is found in every look-up, whatever changes beside it. */
static void *translate(void *userdata)
{
        struct worker *w = userdata;

        while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
                uint64_t iova = 0;

                w->wrong += iommuctl_translate(w->b->container, w->memory, &iova) != PAGE || iova != w->iova;
        }
        return NULL;
}

static void test_map_beside_translate(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, MAPPERS * 16 * PAGE);
        struct worker w[MAPPERS + 1];
        struct iommuctl_dma *fixed;
        pthread_t threads[MAPPERS + 1];

        for (unsigned int i = 0; i < MAPPERS; i++)
                w[i] = (struct worker){ .b = b, .memory = memory + i * 16 * PAGE };
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, NULL, &fixed));
        w[MAPPERS] = (struct worker){ .b = b, .memory = memory, .iova = iommuctl_dma_span(fixed).iova };
        for (unsigned int i = 0; i <= MAPPERS; i++)
                assert_int_equal(
                        pthread_create(&threads[i], NULL, i < MAPPERS ? map_and_unmap : translate, &w[i]), 0);
        for (unsigned int i = 0; i < MAPPERS; i++)
                pthread_join(threads[i], NULL);
        __atomic_store_n(&w[MAPPERS].stop, true, __ATOMIC_RELAXED);
        pthread_join(threads[MAPPERS], NULL);
        for (unsigned int i = 0; i <= MAPPERS; i++)
                assert_int_equal(w[i].wrong, 0);
        assert_int_equal(fake_n_mappings(b->m), 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(fixed));
}

/* One page that all want: who has it is told of as it is, and not as what was there before. */
static void *map_the_same(void *userdata)
{
        struct worker *w = userdata;

        for (unsigned int i = 0; i < ROUNDS; i++) {
                struct iommuctl_dma *dma = NULL;
                int r = iommuctl_dma_map(w->b->container, w->memory, PAGE, NULL, &dma);

                if (r < 0) {
                        w->wrong += r != -EEXIST || dma;
                        continue;
                }
                w->wrong += iommuctl_dma_name(dma)[0] != '\0';
                w->wrong += iommuctl_dma_span(dma).vaddr != w->memory;
                w->wrong += iommuctl_dma_unmap(dma) < 0;
        }
        return NULL;
}

static void test_map_the_same(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .name = "before" };
        struct bench *b = *state;
        char *memory = bench_memory(b, PAGE);
        struct worker w[MAPPERS];
        struct iommuctl_dma *dma;
        pthread_t threads[MAPPERS];

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        for (unsigned int i = 0; i < MAPPERS; i++) {
                w[i] = (struct worker){ .b = b, .memory = memory };
                assert_int_equal(pthread_create(&threads[i], NULL, map_the_same, &w[i]), 0);
        }
        for (unsigned int i = 0; i < MAPPERS; i++) {
                pthread_join(threads[i], NULL);
                assert_int_equal(w[i].wrong, 0);
        }
        assert_int_equal(fake_n_mappings(b->m), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { BOTH(test_map_beside_translate), BOTH(test_map_the_same) };

        return run_tap_tests("threads", tests);
}
