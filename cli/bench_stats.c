/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static unsigned int bucket_of(uint64_t value)
{
        unsigned int exponent;

        if (value < 8)
                return (unsigned int)value;
        exponent = 63 - (unsigned int)__builtin_clzll(value);
        return 8 * (exponent - 2) + (unsigned int)(value >> (exponent - 3) & 7);
}

uint64_t bench_bucket_from(unsigned int bucket)
{
        if (bucket < 8)
                return bucket;
        return (uint64_t)(8 + bucket % 8) << (bucket / 8 - 1);
}

uint64_t bench_bucket_to(unsigned int bucket)
{
        return bucket + 1 < BENCH_BUCKETS ? bench_bucket_from(bucket + 1) : UINT64_MAX;
}

/* Of sorted values: the smallest that PERCENT of them do not exceed. */
static uint64_t nearest_rank(const uint64_t *values, size_t n, unsigned int percent)
{
        size_t rank = (n * percent + 99) / 100;

        return values[MAX(rank, (size_t)1) - 1];
}

void bench_stats_make(struct bench_stats *stats, uint64_t *values, size_t n)
{
        *stats = (struct bench_stats){ .n = n };
        if (n == 0)
                return;
        qsort(values, n, sizeof(*values), compare);
        stats->min = values[0];
        stats->median = nearest_rank(values, n, 50);
        stats->p90 = nearest_rank(values, n, 90);
        stats->p99 = nearest_rank(values, n, 99);
        stats->max = values[n - 1];
        stats->first = bucket_of(stats->min);
        stats->n_buckets = bucket_of(stats->max) - stats->first + 1;
        for (size_t i = 0; i < n; i++)
                stats->counts[bucket_of(values[i])]++;
}

const char *bench_spark(const struct bench_stats *stats, bool unicode, char text[BENCH_SPARK_TEXT])
{
        static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
        static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "#", "@" };
        const unsigned int together = (stats->n_buckets + BENCH_SPARK_COLUMNS - 1) / BENCH_SPARK_COLUMNS;
        uint64_t bars[BENCH_SPARK_COLUMNS] = { 0 }, highest = 1;
        size_t n = 0, at = 0;

        for (unsigned int i = 0; i < stats->n_buckets; i++) {
                n = i / together + 1;
                bars[n - 1] += stats->counts[stats->first + i];
                highest = MAX(highest, bars[n - 1]);
        }
        for (size_t i = 0; i < n; i++) {
                /* rounded up: what is there is at least the lowest bar */
                size_t level = (size_t)((bars[i] * 8 + highest - 1) / highest);
                const char *bar = unicode ? blocks[level] : ascii[level];

                memcpy(text + at, bar, strlen(bar));
                at += strlen(bar);
        }
        text[at] = '\0';
        return text;
}

const char *bench_time_text(double ns, char text[BENCH_TIME_TEXT])
{
        static const char *const units[] = { "ns", "us", "ms", "s" };
        size_t unit = 0;

        /* 999.5 would be written as 1000 */
        while (unit + 1 < ARRAY_SIZE(units) && ns >= 999.5) {
                ns /= 1000;
                unit++;
        }
        snprintf(text, BENCH_TIME_TEXT, "%.*f %s",
                 unit == 0 || ns >= 99.95 ? 0
                 : ns >= 9.995            ? 1
                                          : 2,
                 ns, units[unit]);
        return text;
}
