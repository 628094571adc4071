/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `iommuctl dma bench` makes of its measurements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bench_stats.h"

static void test_percentiles(void **state)
{
        uint64_t values[1000];
        struct bench_stats s;

        (void)state;
        /* 1 to 100, not in order: the Nth percentile is N */
        for (size_t i = 0; i < 100; i++)
                values[i] = (i * 37) % 100 + 1;
        bench_stats_make(&s, values, 100);
        assert_int_equal(s.n, 100);
        assert_int_equal(s.min, 1);
        assert_int_equal(s.median, 50);
        assert_int_equal(s.p90, 90);
        assert_int_equal(s.p99, 99);
        assert_int_equal(s.max, 100);
        /* 1 to 1000 */
        for (size_t i = 0; i < 1000; i++)
                values[i] = 1000 - i;
        bench_stats_make(&s, values, 1000);
        assert_int_equal(s.median, 500);
        assert_int_equal(s.p90, 900);
        assert_int_equal(s.p99, 990);
        /* one outlier of five is the 99th percentile, and not the 50th */
        memcpy(values, (uint64_t[]){ 7, 7, 1000000, 7, 7 }, 5 * sizeof(uint64_t));
        bench_stats_make(&s, values, 5);
        assert_int_equal(s.median, 7);
        assert_int_equal(s.p90, 1000000);
        assert_int_equal(s.p99, 1000000);
        /* of an even number, the lower one in the middle: a value that was measured */
        memcpy(values, (uint64_t[]){ 40, 10, 30, 20 }, 4 * sizeof(uint64_t));
        bench_stats_make(&s, values, 4);
        assert_int_equal(s.median, 20);
        assert_int_equal(s.p90, 40);
}

static void test_few(void **state)
{
        uint64_t one = 123;
        char text[BENCH_SPARK_TEXT];
        struct bench_stats s;

        (void)state;
        memset(&s, 0xff, sizeof(s));
        bench_stats_make(&s, NULL, 0);
        assert_int_equal(s.n | s.min | s.median | s.p90 | s.p99 | s.max, 0);
        assert_int_equal(s.n_buckets, 0);
        assert_string_equal(bench_spark(&s, true, text), "");
        bench_stats_make(&s, &one, 1);
        assert_int_equal(s.min, 123);
        assert_int_equal(s.median, 123);
        assert_int_equal(s.p90, 123);
        assert_int_equal(s.p99, 123);
        assert_int_equal(s.max, 123);
        assert_int_equal(s.n_buckets, 1);
        assert_string_equal(bench_spark(&s, true, text), "█");
        assert_string_equal(bench_spark(&s, false, text), "@");
}

static void test_buckets(void **state)
{
        static const uint64_t values[] = { 0, 1, 3, 4, 7, 8, 9, 10, 1023, 1024, 1279, 1280, UINT64_MAX };
        struct bench_stats s;

        (void)state;
        assert_int_equal(bench_bucket_from(0), 0);
        for (unsigned int i = 0; i + 1 < BENCH_BUCKETS; i++) {
                assert_true(bench_bucket_from(i) < bench_bucket_from(i + 1));
                assert_int_equal(bench_bucket_to(i), bench_bucket_from(i + 1));
        }
        assert_true(bench_bucket_to(BENCH_BUCKETS - 1) == UINT64_MAX);
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                uint64_t value = values[i];

                bench_stats_make(&s, &value, 1);
                assert_true(bench_bucket_from(s.first) <= value);
                assert_true(value < bench_bucket_to(s.first) || value == UINT64_MAX);
                assert_int_equal(s.counts[s.first], 1);
        }
        /* an eighth of a power of two each */
        assert_int_equal(bench_bucket_from(72), 2048);
        assert_int_equal(bench_bucket_from(73), 2048 + 256);
}

static void test_histogram(void **state)
{
        /* eight from 1024 on, four from 1152, none from 1280, one from 1408 */
        uint64_t values[] = { 1408, 1152, 1152, 1152, 1152, 1024, 1030, 1151, 1024, 1024, 1024, 1024, 1024 };
        char text[BENCH_SPARK_TEXT];
        struct bench_stats s;
        uint64_t sum = 0;

        (void)state;
        bench_stats_make(&s, values, 13);
        assert_int_equal(s.n_buckets, 4);
        assert_int_equal(bench_bucket_from(s.first), 1024);
        for (unsigned int i = 0; i < s.n_buckets; i++)
                sum += s.counts[s.first + i];
        assert_int_equal(sum, 13);
        assert_string_equal(bench_spark(&s, true, text), "█▄ ▁");
        assert_string_equal(bench_spark(&s, false, text), "@= .");
}

static void test_wide_histogram(void **state)
{
        uint64_t values[] = { 1, UINT64_MAX };
        char text[BENCH_SPARK_TEXT];
        struct bench_stats s;
        size_t length;

        (void)state;
        bench_stats_make(&s, values, 2);
        length = strlen(bench_spark(&s, false, text));
        assert_true(length > 16 && length <= BENCH_SPARK_COLUMNS);
        assert_int_equal(text[0], '@');
        assert_int_equal(text[length - 1], '@');
        assert_true(strlen(bench_spark(&s, true, text)) < BENCH_SPARK_TEXT);
}

static void test_times(void **state)
{
        char text[BENCH_TIME_TEXT];

        (void)state;
        assert_string_equal(bench_time_text(0, text), "0 ns");
        assert_string_equal(bench_time_text(999, text), "999 ns");
        assert_string_equal(bench_time_text(999.7, text), "1.00 us");
        assert_string_equal(bench_time_text(7204, text), "7.20 us");
        assert_string_equal(bench_time_text(9996, text), "10.0 us");
        assert_string_equal(bench_time_text(12340000, text), "12.3 ms");
        assert_string_equal(bench_time_text(99960000, text), "100 ms");
        assert_string_equal(bench_time_text(1.5e9, text), "1.50 s");
        assert_string_equal(bench_time_text(4.2e12, text), "4200 s");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_percentiles),    cmocka_unit_test(test_few),
                cmocka_unit_test(test_buckets),        cmocka_unit_test(test_histogram),
                cmocka_unit_test(test_wide_histogram), cmocka_unit_test(test_times),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests_name("bench_stats", tests, NULL, NULL);
}
