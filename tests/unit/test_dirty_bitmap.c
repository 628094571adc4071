/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dirty bitmaps against an array of bools. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "dirty_bitmap.h"

#define N 400

static uint64_t seed = 88172645463325252ull;

static bool bit(const uint64_t *bitmap, uint64_t i)
{
        return bitmap[i / 64] >> i % 64 & 1;
}

static void test_or(void **state)
{
        (void)state;
        for (int round = 0; round < 3000; round++) {
                uint64_t at = unit_random(&seed) % N, n = unit_random(&seed) % (N - at + 1);
                /* No larger than it says, so that a sanitizer sees a step too far. */
                size_t to_words = dirty_words(at + n), from_words = dirty_words(n);
                uint64_t *to = calloc(to_words + 1, 8), *from = calloc(from_words + 1, 8);
                bool wanted[N] = { false };

                to = realloc(to, to_words ? to_words * 8 : 1);
                from = realloc(from, from_words ? from_words * 8 : 1);
                for (size_t i = 0; i < to_words; i++)
                        to[i] = unit_random(&seed) & unit_random(&seed) & unit_random(&seed);
                for (size_t i = 0; i < from_words; i++)
                        from[i] = unit_random(&seed) & unit_random(&seed);
                for (uint64_t i = 0; i < to_words * 64 && i < N; i++)
                        wanted[i] = bit(to, i);
                for (uint64_t i = 0; i < n; i++)
                        wanted[at + i] |= bit(from, i);
                dirty_bitmap_or(to, at, from, n);
                for (uint64_t i = 0; i < to_words * 64 && i < N; i++)
                        assert_int_equal(bit(to, i), wanted[i]);
                free(to);
                free(from);
        }
}

static void test_runs(void **state)
{
        (void)state;
        for (int round = 0; round < 3000; round++) {
                uint64_t bitmap[N / 64 + 1], n = unit_random(&seed) % (N + 1), at = 0, first, length,
                                                 seen = 0;
                int density = round % 4;

                for (size_t i = 0; i < dirty_words(N); i++)
                        bitmap[i] = density == 0 ? unit_random(&seed)
                                    : density == 1
                                            ? unit_random(&seed) & unit_random(&seed) & unit_random(&seed)
                                    : density == 2 ? UINT64_MAX
                                                   : 0;
                while (dirty_bitmap_next(bitmap, n, &at, &first, &length)) {
                        assert_true(length > 0 && first + length <= n && at == first + length);
                        for (; seen < first; seen++)
                                assert_false(bit(bitmap, seen));
                        for (; seen < first + length; seen++)
                                assert_true(bit(bitmap, seen));
                        if (seen < n)
                                assert_false(bit(bitmap, seen)); /* whole runs */
                }
                assert_int_equal(at, n);
                for (; seen < n; seen++)
                        assert_false(bit(bitmap, seen));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_or),
                cmocka_unit_test(test_runs),
        };

        return run_unit_tests("dirty_bitmap", tests);
}
