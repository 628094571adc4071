/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* cmocka with TAP, for tests of one file of src/ or lib/ with no kernel below it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define run_unit_tests(name, tests) \
        (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests_name((name), (tests), NULL, NULL))

/* A generator with a known sequence (xorshift64), so that a failure comes again. */
static inline uint64_t unit_random(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}
