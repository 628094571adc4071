/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an automatic IOVA costs. With so many live ones, one is given back and one of a random size is taken,
 * beside malloc() and free() doing the same with as many live blocks, in turns: a figure is the median of the
 * turns, a ratio the median of the turns' ratios.
 *
 * An extent lies in its owner's object, and a block is its owner's. Whoever frees one has just used it: the
 * mapping was unmapped, the packet was read. So the victims of a batch are touched first, ours and
 * malloc()'s, and the batch is timed after that; "cold" is the same without, where one cache line that is
 * not there is the price of the victim alone.
 *
 * A page for us is 16 bytes for malloc(), its unit, with which it is at its best: its caches take sizes up to
 * 1 KiB. Blocks as large as the mappings cost it ten times as much. None is written.
 *
 * Of sizes of 1 to 64 pages both of them keep some for the next request of the same size; of 1 to 4096 pages
 * there are so many that nearly each request is a search, and each release a merge.
 */

#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "iova_space.h"
#include "util/macro.h"

#define PAGE       UINT64_C(4096)
#define UNIT       16u
#define CACHE_LINE 64u
#define TURNS      15u
#define BATCH      64u
#define BATCHES    1024u
#define WARMUP     8u /* pairs a live one before the first turn */
#define FEW        1024u
#define MANY       65536u
#define MOST       (UINT64_C(1) << 20)

/* The usable IOVAs behind most VT-d units: 48 bits but for where interrupts go. */
static const struct iommuctl_range ranges[] = { { 0, 0xfedfffff }, { 0xfef00000, (UINT64_C(1) << 48) - 1 } };

enum order { RANDOM, RANDOM_COLD, LAST };

struct run {
        size_t n;
        uint64_t sizes; /* 1 to so many units */
        uint64_t seed;
        struct iova_space space;
        struct iova_extent *extents;
        void **blocks;
        uint64_t touched;
};

static uint64_t next_random(uint64_t *seed)
{
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        return *seed;
}

static void check(bool done, const char *what)
{
        if (done)
                return;
        fprintf(stderr, "iova: %s\n", what);
        exit(1);
}

/* ---- one of each ---- */

static uint64_t size_of(const struct run *r, uint64_t random)
{
        return 1 + (random & 0xffffff) % r->sizes;
}

static void take_extent(struct run *r, size_t i, uint64_t size)
{
        const struct iova_request q = {
                .size = size * PAGE, .align = PAGE, .low = PAGE, .limit = UINT64_MAX
        };

        check(iova_space_allocate(&r->space, &r->extents[i], &q) == 0, "no IOVA");
}

static void give_extent(struct run *r, size_t i)
{
        iova_space_release(&r->space, &r->extents[i]);
}

static void touch_extent(struct run *r, size_t i)
{
        r->touched += r->extents[i].start;
}

static void take_block(struct run *r, size_t i, uint64_t size)
{
        r->blocks[i] = malloc(size * UNIT);
        check(r->blocks[i], "no memory");
}

static void give_block(struct run *r, size_t i)
{
        free(r->blocks[i]);
}

static void touch_block(struct run *r, size_t i)
{
        /* Not what is in it, which nobody wrote; the line. */
        __builtin_prefetch(r->blocks[i]);
}

/* Inlined for each of the two, so that neither pays for a call through a pointer. */
struct subject {
        void (*take)(struct run *r, size_t i, uint64_t size);
        void (*give)(struct run *r, size_t i);
        void (*touch)(struct run *r, size_t i);
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE double one_batch(struct run *r, enum order order, const struct subject *s)
{
        uint64_t random[BATCH];
        double begin;
        size_t victim[BATCH];

        for (unsigned int i = 0; i < BATCH; i++) {
                random[i] = next_random(&r->seed);
                victim[i] = order == LAST ? i % r->n : (size_t)((random[i] >> 32) * r->n >> 32);
                if (order != RANDOM_COLD)
                        s->touch(r, victim[i]);
        }
        begin = bench_now_ns();
        for (unsigned int i = 0; i < BATCH; i++) {
                s->give(r, victim[i]);
                s->take(r, victim[i], size_of(r, random[i]));
        }
        return bench_now_ns() - begin;
}

/* Nanoseconds for a pair: the mean of the batches but for those that took over four times as long as the
 * median, when somebody else had the processor. */
ALWAYS_INLINE double one_turn(struct run *r, enum order order, const struct subject *s)
{
        double ns[BATCHES], sum = 0;
        unsigned int n = 0;

        for (unsigned int i = 0; i < BATCHES; i++)
                ns[i] = one_batch(r, order, s) / BATCH;
        qsort(ns, BATCHES, sizeof(ns[0]), bench_compare);
        for (; n < BATCHES && ns[n] <= 4 * ns[BATCHES / 2]; n++)
                sum += ns[n];
        return sum / n;
}

static double turn_of_ours(struct run *r, enum order order)
{
        const struct subject s = { take_extent, give_extent, touch_extent };

        return one_turn(r, order, &s);
}

static double turn_of_malloc(struct run *r, enum order order)
{
        const struct subject s = { take_block, give_block, touch_block };

        return one_turn(r, order, &s);
}

/* ---- requests that most places do not suit ---- */

#define LARGE (UINT64_C(2) << 20)

static void put_page(struct run *r, size_t i, uint64_t start)
{
        check(iova_space_reserve(&r->space, &r->extents[i], start, start + PAGE - 1) == 0, "no room");
}

/* Pages with gaps of almost 3 MiB between them, in each of which 2 MiB would fit, but at no address that is
 * congruent to 1 MiB. */
static struct run *new_fragments(size_t n)
{
        struct run *r = calloc(1, sizeof(*r));

        check(r, "no memory");
        r->n = n;
        r->extents = calloc(n + 1, sizeof(*r->extents));
        iova_space_init(&r->space);
        check(r->extents && iova_space_set_ranges(&r->space, ranges, 2) == 0, "no memory");
        for (size_t i = 0; i < n; i++)
                put_page(r, i, (UINT64_C(4) << 30) + i * 2 * LARGE + (i & 1 ? LARGE / 2 : 0));
        return r;
}

/* As it comes; congruent to an address in memory; only behind a device of 32 bits, whose addresses are half
 * taken by pages. */
static double turn_of_large(struct run *r, uint64_t align, uint64_t limit)
{
        const struct iova_request q = {
                .size = LARGE + PAGE, /* not one of those that are kept */
                .align = align,
                .offset = align > PAGE ? LARGE / 4 : 0,
                .low = limit == UINT64_MAX ? UINT64_C(4) << 30 : PAGE,
                .limit = limit,
        };
        struct iova_extent *e = &r->extents[r->n];
        const uint64_t begin = bench_now_ns();

        for (unsigned int i = 0; i < BATCHES; i++) {
                check(iova_space_allocate(&r->space, e, &q) == 0, "no IOVA");
                iova_space_release(&r->space, e);
        }
        return (bench_now_ns() - begin) / BATCHES;
}

static double turn_of_congruent(struct run *r, enum order order)
{
        (void)order;
        return turn_of_large(r, LARGE, UINT64_MAX);
}

static double turn_of_limited(struct run *r, enum order order)
{
        (void)order;
        return turn_of_large(r, PAGE, UINT32_MAX);
}

/* ---- figures ---- */

typedef double (*turn_t)(struct run *r, enum order order);

static void compare(const char *what, turn_t ours, struct run *a, const char *peer, turn_t theirs,
                    struct run *b, enum order order, const char *bar, const char *how)
{
        double x[TURNS], y[TURNS], ratios[TURNS];

        for (unsigned int i = 0; i < TURNS; i++) {
                if (i % 2)
                        y[i] = theirs(b, order);
                x[i] = ours(a, order);
                if (i % 2 == 0)
                        y[i] = theirs(b, order);
                ratios[i] = x[i] / y[i];
        }
        bench_line(what, peer,
                   (struct bench_pair){ bench_median(x, TURNS), bench_median(y, TURNS),
                                        bench_median(ratios, TURNS) },
                   bar, how);
}

static struct run *new_run(size_t n, uint64_t sizes, bool blocks)
{
        struct run *r = calloc(1, sizeof(*r));

        check(r, "no memory");
        r->n = n;
        r->sizes = sizes;
        r->seed = UINT64_C(0x9e3779b97f4a7c15);
        if (blocks) {
                r->blocks = calloc(n, sizeof(*r->blocks));
                check(r->blocks, "no memory");
        } else {
                r->extents = aligned_alloc(CACHE_LINE, n * sizeof(*r->extents)); /* two a line */
                iova_space_init(&r->space);
                check(r->extents && iova_space_set_ranges(&r->space, ranges, 2) == 0, "no memory");
        }
        for (size_t i = 0; i < n; i++) {
                uint64_t size = size_of(r, next_random(&r->seed));

                if (blocks)
                        take_block(r, i, size);
                else
                        take_extent(r, i, size);
        }
        for (size_t i = 0; i < n * WARMUP; i += BATCH * BATCHES)
                (blocks ? turn_of_malloc : turn_of_ours)(r, RANDOM_COLD);
        return r;
}

/* Half of the addresses below 4 GiB are taken, and all of the extents that are left lie above. */
static struct run *new_limited(size_t n)
{
        struct run *r = new_fragments(n);

        for (size_t i = 0; i < FEW / 2; i++) {
                iova_space_release(&r->space, &r->extents[i]);
                put_page(r, i, i * LARGE);
        }
        return r;
}

/* ---- instructions of a pair ---- */

struct shape {
        size_t n;
        uint64_t sizes;
};

static void count_ours(void *arg, size_t n)
{
        const struct shape *shape = arg;
        struct run *r = new_run(shape->n, shape->sizes, false);

        for (size_t i = 0; i < n; i++) {
                const uint64_t random = next_random(&r->seed);
                const size_t victim = (size_t)((random >> 32) * r->n >> 32);

                give_extent(r, victim);
                take_extent(r, victim, size_of(r, random));
        }
}

static void count_malloc(void *arg, size_t n)
{
        const struct shape *shape = arg;
        struct run *r = new_run(shape->n, shape->sizes, true);

        for (size_t i = 0; i < n; i++) {
                const uint64_t random = next_random(&r->seed);
                const size_t victim = (size_t)((random >> 32) * r->n >> 32);

                give_block(r, victim);
                take_block(r, victim, size_of(r, random));
        }
}

static struct shape shapes[] = { { 1, 64 }, { FEW, 64 }, { MANY, 64 }, { FEW, 4096 }, { MANY, 4096 } };

static const struct bench_case cases[] = {
        { "one", count_ours, &shapes[0] },        { "few", count_ours, &shapes[1] },
        { "many", count_ours, &shapes[2] },       { "few-mixed", count_ours, &shapes[3] },
        { "many-mixed", count_ours, &shapes[4] }, { "malloc-many", count_malloc, &shapes[2] },
};

/* ---- the table ---- */

static void print_beside_malloc(void)
{
        struct run *ours = new_run(MANY, 64, false), *blocks = new_run(MANY, 64, true);

        compare("IOVA, 65536 live, 1-64 pages", turn_of_ours, ours, "malloc", turn_of_malloc, blocks, RANDOM,
                "<= 3", "a random one; {many} and {malloc-many} instructions; with one live {one}");
        compare("IOVA, 65536 live, 1-64 pages, cold", turn_of_ours, ours, "malloc", turn_of_malloc, blocks,
                RANDOM_COLD, "<= 3", "the same, the victims in no cache");
        compare("IOVA, 65536 live, 1-64 pages, same one", turn_of_ours, ours, "malloc", turn_of_malloc,
                blocks, LAST, "<= 3", "64 of them in turn");
}

static void print_mixed_beside_malloc(void)
{
        compare("IOVA, 65536 live, 1-4096 pages", turn_of_ours, new_run(MANY, 4096, false), "malloc",
                turn_of_malloc, new_run(MANY, 4096, true), RANDOM, "<= 3",
                "nearly each is a search and a merge; {many-mixed} instructions");
}

static void print_growth(void)
{
        struct run *few = new_run(FEW, 64, false), *most = new_run(MOST, 64, false);

        compare("IOVA, 1M live, 1-64 pages", turn_of_ours, most, "1024 live", turn_of_ours, few, RANDOM,
                "<= 2", "a random one; with 1024 {few} instructions");
        compare("IOVA, 1M live, 1-64 pages, cold", turn_of_ours, most, "1024 live", turn_of_ours, few,
                RANDOM_COLD, "-", "the same, the victims in no cache");
        compare("IOVA, 1M live, 1-4096 pages", turn_of_ours, new_run(MOST, 4096, false), "1024 live",
                turn_of_ours, new_run(FEW, 4096, false), RANDOM, "-",
                "nearly each is a search and a merge; with 1024 {few-mixed} instructions");
}

static void print_growth_of_malloc(void)
{
        struct run *few = new_run(FEW, 64, true);

        compare("malloc, 1M live, 1-64 units", turn_of_malloc, new_run(MOST, 64, true), "1024 live",
                turn_of_malloc, few, RANDOM, "-", "what malloc itself makes of it");
}

static void print_requests(void)
{
        compare("IOVA, congruent modulo 2 MiB, 65536 fragments", turn_of_congruent, new_fragments(MANY),
                "1024", turn_of_congruent, new_fragments(FEW), LAST, "-",
                "gaps hold 2 MiB, though not where they should begin");
        compare("IOVA, below 4 GiB, 65536 live", turn_of_limited, new_limited(MANY), "1024 live",
                turn_of_limited, new_limited(FEW), LAST, "-", "2 MiB; 512 pages are in the way");
}

/* In a process of its own, so that malloc() has nothing there but what is measured. */
static int in_child(void (*print)(void))
{
        int status = 1;
        pid_t child = fork();

        if (child == 0) {
                print();
                exit(0);
        }
        return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
        void (*const parts[])(void) = { print_beside_malloc, print_mixed_beside_malloc, print_growth,
                                        print_growth_of_malloc, print_requests };
        int failed = 0;

        if (bench_instructions(argc, argv, cases, ARRAY_SIZE(cases)))
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                failed |= in_child(parts[i]);
        return failed;
}
