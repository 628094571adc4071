/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Many measured times, told in a few numbers: percentiles, a histogram, and that as a line of text. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each power of two is divided into eight buckets of equal width, so that a bucket is as fine at a microsecond
 * as it is at a second: below 8 one for each value, up to 2^64. */
#define BENCH_BUCKETS 496

struct bench_stats {
        size_t n;
        /* By nearest rank: each is a value that was measured. All 0 where n is. */
        uint64_t min, median, p90, p99, max;
        /* The histogram: FIRST is the bucket of the minimum, N_BUCKETS reach to that of the maximum. */
        unsigned int first, n_buckets;
        uint64_t counts[BENCH_BUCKETS];
};

/* Sorts VALUES on the way. */
void bench_stats_make(struct bench_stats *stats, uint64_t *values, size_t n);

/* The first value of a bucket, and the one behind its last (the largest number there is, for the last
 * bucket). */
uint64_t bench_bucket_from(unsigned int bucket);
uint64_t bench_bucket_to(unsigned int bucket);

/* The most characters that bench_spark() draws, and room for them. */
#define BENCH_SPARK_COLUMNS 48
#define BENCH_SPARK_TEXT    (BENCH_SPARK_COLUMNS * 3 + 1)

/* The histogram as a line of bars, a bucket a bar, or two or more buckets where there are too many; what is
 * not empty is seen. Returns TEXT. */
const char *bench_spark(const struct bench_stats *stats, bool unicode, char text[BENCH_SPARK_TEXT]);

/* Room for bench_time_text(). */
#define BENCH_TIME_TEXT 32
/* "950 ns", "7.20 us", "12.3 ms", "1.50 s": three digits. Returns TEXT. */
const char *bench_time_text(double ns, char text[BENCH_TIME_TEXT]);
