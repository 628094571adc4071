/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What translation costs: iommuctl_translate(), called in the shared library as a driver does, beside the
 * shapes that others have: a bare table of two levels for pieces of 2 MiB and nothing smaller (as in SPDK),
 * and a skip list under a lock (as in libvfn). All three are called as functions.
 *
 *      translate LIBRARY                        the figures
 *      translate LIBRARY --instructions CASE N  runs one case N times, to be counted from outside
 */

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "container.h"
#include "iommuctl/dma.h"

#define MIB2    (UINT64_C(1) << 21)
#define PAGE    UINT64_C(4096)
#define BASE    UINT64_C(0x7f0000000000)
#define LARGE   65536u
#define SMALL   262144u
#define QUERIES 65536u
#define TURNS   15

typedef ssize_t (*translate_fn)(struct iommuctl_container *, const void *, uint64_t *);

static volatile translate_fn translate;

static struct bare *bare;
static struct bare *(*bare_new)(void);
static void (*bare_add)(struct bare *, uint64_t vaddr, uint64_t iova);
static uint64_t (*volatile bare_translate)(const struct bare *, const void *, uint64_t *);
static struct iommuctl_container *large, *small;
static uint64_t random_state = 88172645463325252;

static uint64_t random_number(void)
{
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        return random_state ^= random_state << 17;
}

/* Processor time: there are more threads than processors. */
static double thread_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- a skip list under a lock ---- */

#define LEVELS 16

struct skip {
        uint64_t vaddr, size, iova;
        struct skip *next[LEVELS];
};

static struct skip head;
static pthread_rwlock_t skip_lock = PTHREAD_RWLOCK_INITIALIZER;

static void skip_add(uint64_t vaddr, uint64_t size, uint64_t iova)
{
        struct skip *s = calloc(1, sizeof(*s)), *at = &head;
        int levels = 1;

        while (levels < LEVELS && random_number() % 2)
                levels++;
        *s = (struct skip){ .vaddr = vaddr, .size = size, .iova = iova };
        for (int i = LEVELS - 1; i >= 0; i--) {
                while (at->next[i] && at->next[i]->vaddr < vaddr)
                        at = at->next[i];
                if (i < levels) {
                        s->next[i] = at->next[i];
                        at->next[i] = s;
                }
        }
}

static __attribute__((noinline)) uint64_t skip_translate(const void *address)
{
        const uint64_t vaddr = (uint64_t)(uintptr_t)address;
        uint64_t iova = UINT64_MAX;
        const struct skip *at = &head;

        pthread_rwlock_rdlock(&skip_lock);
        for (int i = LEVELS - 1; i >= 0; i--)
                while (at->next[i] && at->next[i]->vaddr <= vaddr)
                        at = at->next[i];
        if (at != &head && vaddr - at->vaddr < at->size)
                iova = at->iova + (vaddr - at->vaddr);
        pthread_rwlock_unlock(&skip_lock);
        return iova;
}

/* ---- what is looked up ---- */

static const void *queries[QUERIES], *small_queries[QUERIES];

static void die(const char *why)
{
        fprintf(stderr, "translate: %s\n", why);
        exit(1);
}

/* A buffer in the books of a container, as mapping leaves it. */
static void enter(struct iommuctl_container *c, uint64_t vaddr, uint64_t size, uint64_t iova)
{
        struct dma_entry *e = calloc(1, sizeof(*e)), *other;

        if (!e || iova_space_reserve(&c->map.space, &e->iova, iova, iova + size - 1) < 0 ||
            dma_map_insert(&c->map, e, true, vaddr, size, &other) < 0)
                die("cannot enter a mapping");
        dma_map_settle(&c->map, e, true);
}

/* One cycle through all of them, in an order that no prefetcher knows: the IOVA of each place is where the
 * chain goes next. */
static uint32_t *cycle(unsigned int n)
{
        uint32_t *order = malloc(n * sizeof(*order));

        for (uint32_t i = 0; i < n; i++)
                order[i] = i;
        for (uint32_t i = n - 1; i > 0; i--) {
                uint32_t other = (uint32_t)(random_number() % i), kept = order[i];

                order[i] = order[other];
                order[other] = kept;
        }
        return order;
}

static struct iommuctl_container *new_container(struct iommuctl_ctx *ctx)
{
        const struct iommuctl_range all = { 0, UINT64_MAX };
        struct iommuctl_container *c = container_alloc(ctx, IOMMUCTL_BACKEND_AUTO);

        if (!c || iova_space_set_ranges(&c->map.space, &all, 1) < 0)
                die("out of memory");
        return c;
}

static void set_up(struct iommuctl_ctx *ctx)
{
        uint32_t *order = cycle(LARGE);

        large = new_container(ctx);
        bare = bare_new();
        for (uint64_t i = 0; i < LARGE; i++) {
                enter(large, BASE + i * MIB2, MIB2, order[i] * MIB2);
                bare_add(bare, BASE + i * MIB2, order[i] * MIB2);
                skip_add(BASE + i * MIB2, MIB2, order[i] * MIB2);
        }
        free(order);
        order = cycle(SMALL);
        small = new_container(ctx);
        for (uint64_t i = 0; i < SMALL; i++)
                enter(small, BASE + i * PAGE, PAGE, order[i] * PAGE);
        free(order);
        for (size_t i = 0; i < QUERIES; i++) {
                queries[i] = (void *)(uintptr_t)(BASE + random_number() % (LARGE * MIB2));
                small_queries[i] = (void *)(uintptr_t)(BASE + random_number() % (SMALL * PAGE));
        }
}

/* ---- the cases: N look-ups each ---- */

static uint64_t sink;

static void ours_random(void *arg, size_t n)
{
        uint64_t iova = 0, sum = 0;

        (void)arg;
        for (size_t i = 0; i < n; i++) {
                sum += (uint64_t)translate(large, queries[i % QUERIES], &iova);
                sum += iova;
        }
        sink += sum;
}

static void bare_random(void *arg, size_t n)
{
        uint64_t size = 0, sum = 0;

        (void)arg;
        for (size_t i = 0; i < n; i++) {
                sum += bare_translate(bare, queries[i % QUERIES], &size);
                sum += size;
        }
        sink += sum;
}

static void skip_random(void *arg, size_t n)
{
        uint64_t sum = 0;

        (void)arg;
        for (size_t i = 0; i < n; i++)
                sum += skip_translate(queries[i % QUERIES]);
        sink += sum;
}

static void ours_small(void *arg, size_t n)
{
        uint64_t iova = 0, sum = 0;

        (void)arg;
        for (size_t i = 0; i < n; i++) {
                sum += (uint64_t)translate(small, small_queries[i % QUERIES], &iova);
                sum += iova;
        }
        sink += sum;
}

static void ours_chain(void *arg, size_t n)
{
        uint64_t iova = 0;

        (void)arg;
        for (size_t i = 0; i < n; i++)
                translate(large, (void *)(uintptr_t)(BASE + iova), &iova);
        sink += iova;
}

static void bare_chain(void *arg, size_t n)
{
        uint64_t iova = 0, size;

        (void)arg;
        for (size_t i = 0; i < n; i++)
                iova = bare_translate(bare, (void *)(uintptr_t)(BASE + iova), &size);
        sink += iova;
}

static void ours_small_chain(void *arg, size_t n)
{
        uint64_t iova = 0;

        (void)arg;
        for (size_t i = 0; i < n; i++)
                translate(small, (void *)(uintptr_t)(BASE + iova), &iova);
        sink += iova;
}

static const struct bench_case cases[] = {
        { "ours-random", ours_random, NULL },
        { "bare-random", bare_random, NULL },
        { "skip-random", skip_random, NULL },
        { "ours-chain", ours_chain, NULL },
        { "bare-chain", bare_chain, NULL },
        { "ours-small", ours_small, NULL },
        { "ours-small-chain", ours_small_chain, NULL },
};

static void figure(const char *what, bench_function ours, const char *peer_name, bench_function peer,
                   const char *bar, const char *how)
{
        bench_line(what, peer_name, bench_turns(TURNS, 16 * QUERIES, ours, NULL, peer, NULL), bar, how);
}

/* How many times faster. */
static void figure_of_skip_list(void)
{
        struct bench_pair pair = bench_turns(TURNS, 4 * QUERIES, ours_random, NULL, skip_random, NULL);

        pair.ratio = 1 / pair.ratio;
        bench_line("translate, 65536 x 2 MiB, random", "skip list and lock", pair, ">= 100",
                   "median of 15 turns; {ours-random} and {skip-random} instructions");
}

/* ---- readers beside a writer ---- */

#define READERS 4

static bool stop;
static uint64_t missed;

struct reader {
        pthread_t thread;
        uint64_t seed, done;
        double ns;
};

static void *read_on(void *arg)
{
        struct reader *r = arg;
        double start = thread_ns();
        uint64_t iova, lost = 0, at = r->seed;

        while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
                for (int i = 0; i < 1024; i++, at++)
                        lost += translate(large, queries[at % QUERIES], &iova) <= 0;
                r->done += 1024;
        }
        r->ns = thread_ns() - start;
        __atomic_add_fetch(&missed, lost, __ATOMIC_RELAXED);
        return NULL;
}

/* Small buffers come and go beside the large ones, so that tables do too. */
static void write_on(double until)
{
        while (bench_now_ns() < until)
                for (uint64_t i = 0; i < 64; i++) {
                        const uint64_t vaddr = BASE + (LARGE + 512 + random_number() % 4096) * MIB2;
                        struct dma_entry e = { 0 }, *other;

                        if (iova_space_reserve(&large->map.space, &e.iova, LARGE * MIB2,
                                               LARGE * MIB2 + PAGE - 1) ||
                            dma_map_insert(&large->map, &e, true, vaddr, PAGE, &other) < 0)
                                die("the writer cannot map");
                        dma_map_settle(&large->map, &e, true);
                        dma_entry_acquire(&large->map, &e, DMA_LIVE);
                        dma_map_remove(&large->map, &e);
                        iova_space_release(&large->map.space, &e.iova);
                }
}

static double readers_cost(bool beside_a_writer)
{
        struct reader readers[READERS] = { 0 };
        const double until = bench_now_ns() + 100e6;
        double ns = 0, done = 0;

        stop = false;
        for (unsigned int i = 0; i < READERS; i++) {
                readers[i].seed = random_number();
                pthread_create(&readers[i].thread, NULL, read_on, &readers[i]);
        }
        if (beside_a_writer)
                write_on(until);
        else
                while (bench_now_ns() < until)
                        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
        for (unsigned int i = 0; i < READERS; i++) {
                pthread_join(readers[i].thread, NULL);
                ns += readers[i].ns;
                done += (double)readers[i].done;
        }
        return ns / done;
}

static void figure_of_readers(void)
{
        double alone[TURNS], beside[TURNS], ratio[TURNS];

        for (int i = 0; i < TURNS; i++) {
                alone[i] = readers_cost(false);
                beside[i] = readers_cost(true);
                ratio[i] = beside[i] / alone[i];
        }
        printf("translate, 4 readers beside a writer\t%.2f ns\tthe readers alone %.2f ns\t%.2f\t<= 1.1\t"
               "%llu look-ups missed; processor time; median of %d turns\n",
               bench_median(beside, TURNS), bench_median(alone, TURNS), bench_median(ratio, TURNS),
               (unsigned long long)missed, TURNS);
}

static uintptr_t symbol(const char *path, const char *name)
{
        void *library = dlopen(path, RTLD_NOW), *found = library ? dlsym(library, name) : NULL;

        if (!found)
                die(dlerror());
        return (uintptr_t)found;
}

int main(int argc, char **argv)
{
        struct iommuctl_ctx *ctx;

        if (argc < 3)
                die("two libraries' paths are wanted");
        translate = (translate_fn)symbol(argv[1], "iommuctl_translate");
        bare_new = (struct bare * (*)(void)) symbol(argv[2], "bare_new");
        bare_add = (void (*)(struct bare *, uint64_t, uint64_t))symbol(argv[2], "bare_add");
        bare_translate = (uint64_t(*)(const struct bare *, const void *, uint64_t *))symbol(argv[2],
                                                                                            "bare_translate");
        if (iommuctl_ctx_new(&ctx) < 0)
                die("out of memory");
        set_up(ctx);
        if (bench_instructions(argc, argv, cases, ARRAY_SIZE(cases)))
                return 0;
        figure("translate, 65536 x 2 MiB, random", ours_random, "bare table", bare_random, "<= 1.2",
               "median of 15 turns; {ours-random} and {bare-random} instructions");
        figure("translate, 65536 x 2 MiB, dependent chain", ours_chain, "bare table", bare_chain, "<= 1.2",
               "median of 15 turns; {ours-chain} and {bare-chain} instructions");
        figure_of_skip_list();
        figure("translate, 262144 x 4 KiB, random", ours_small, "65536 x 2 MiB", ours_random, "<= 3",
               "median of 15 turns; {ours-small} and {ours-random} instructions");
        figure("translate, 262144 x 4 KiB, dependent chain", ours_small_chain, "65536 x 2 MiB", ours_chain,
               "<= 3", "median of 15 turns; {ours-small-chain} and {ours-chain} instructions");
        figure_of_readers();
        return 0;
}
