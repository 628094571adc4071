/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an automatic IOVA costs: with so many live ones, a random one is given back and one of a random size
 * is taken, beside malloc() doing the same with as many live blocks, in turns; a figure is the median of the
 * turns, a ratio the median of the turns' ratios.
 *
 * An extent lies in its owner's object, and a block is its owner's. Whoever frees one has just used it: the
 * mapping was unmapped, the block was written. So the victims of a batch are touched first, ours and
 * malloc()'s, and the batch is timed after that. Beside this, "nothing touched" times the same with victims
 * that are in no cache.
 *
 * Blocks are a page for us and 16 bytes for malloc(), which is its unit and where it is at its best; blocks of
 * 4 KiB and more cost it several times as much. None is written. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "iova_space.h"

#define PAGE   UINT64_C(4096)
#define UNIT   16u
#define TURNS  15u
#define BATCH  64u
#define PAIRS  65536u
#define WARMUP 8u /* pairs a live one before the first turn */
#define FEW    1024u
#define MANY   65536u
#define MOST   (UINT64_C(1) << 20)

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

static uint64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

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
        const struct iova_request q = { .size = size * PAGE, .align = PAGE, .low = PAGE, .limit = UINT64_MAX };

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

ALWAYS_INLINE uint64_t one_batch(struct run *r, enum order order, const struct subject *s)
{
        uint64_t random[BATCH], begin;
        size_t victim[BATCH];

        for (unsigned int i = 0; i < BATCH; i++) {
                random[i] = next_random(&r->seed);
                victim[i] = order == LAST ? i % r->n : (size_t)((random[i] >> 32) * r->n >> 32);
                if (order != RANDOM_COLD)
                        s->touch(r, victim[i]);
        }
        begin = now();
        for (unsigned int i = 0; i < BATCH; i++) {
                s->give(r, victim[i]);
                s->take(r, victim[i], size_of(r, random[i]));
        }
        return now() - begin;
}

/* Nanoseconds for a pair. */
ALWAYS_INLINE double one_turn(struct run *r, enum order order, size_t pairs, const struct subject *s)
{
        uint64_t ns = 0;

        for (size_t i = 0; i < pairs; i += BATCH)
                ns += one_batch(r, order, s);
        return (double)ns / (double)((pairs + BATCH - 1) / BATCH * BATCH);
}

static double turn_of_ours(struct run *r, enum order order, size_t pairs)
{
        const struct subject s = { take_extent, give_extent, touch_extent };

        return one_turn(r, order, pairs, &s);
}

static double turn_of_malloc(struct run *r, enum order order, size_t pairs)
{
        const struct subject s = { take_block, give_block, touch_block };

        return one_turn(r, order, pairs, &s);
}

/* ---- figures ---- */

typedef double (*turn_t)(struct run *r, enum order order, size_t pairs);

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return x < y ? -1 : x > y;
}

static double median(double *values)
{
        qsort(values, TURNS, sizeof(*values), compare);
        return values[TURNS / 2];
}

static void print(const char *what, turn_t ours, struct run *a, turn_t theirs, struct run *b, enum order order,
                  const char *peer, const char *bar, const char *how)
{
        double x[TURNS], y[TURNS], ratio[TURNS];

        for (unsigned int i = 0; i < TURNS; i++) {
                x[i] = ours(a, order, PAIRS);
                y[i] = theirs(b, order, PAIRS);
                ratio[i] = x[i] / y[i];
        }
        printf("%s\t%.1f ns\t%s %.1f ns\t%.2f\t%s\t%s\n", what, median(x), peer, median(y), median(ratio), bar,
               how);
        fflush(stdout);
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
                r->extents = calloc(n, sizeof(*r->extents));
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
        if (blocks)
                turn_of_malloc(r, RANDOM_COLD, n * WARMUP);
        else
                turn_of_ours(r, RANDOM_COLD, n * WARMUP);
        return r;
}

int main(void)
{
        struct run *few = new_run(FEW, 64, false), *many = new_run(MANY, 64, false),
                   *most = new_run(MOST, 64, false), *blocks = new_run(MANY, 64, true);

        print("IOVA allocate + free", turn_of_ours, many, turn_of_malloc, blocks, RANDOM, "malloc + free", "<= 3","");
        print("cold IOVA allocate + free", turn_of_ours, many, turn_of_malloc, blocks, RANDOM_COLD, "malloc + free", "<= 3","");
        print("1M", turn_of_ours, most, turn_of_ours, few, RANDOM, "1024 live", "<= 2", "");
        print("cold 1M", turn_of_ours, most, turn_of_ours, few, RANDOM_COLD, "1024 live", "<= 2", "");
        return 0;
}
