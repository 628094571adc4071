/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the API tests stand on: cmocka with TAP, a context on a machine in memory, and scenarios that are run
 * again with each of their calls failing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctx.h"
#include "fake.h"

/* Runs the group with TAP on stdout: int main(void) { return run_tap_tests("topology", tests); } */
#define run_tap_tests(name, tests) \
        (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests_name((name), (tests), NULL, NULL))

struct iommuctl_ctx *new_ctx(struct fake *m);
/* The text of the context's last error, in a static buffer. */
const char *error_text(struct iommuctl_ctx *ctx);
const char *error_device(struct iommuctl_ctx *ctx);

/* The call ended in EXPECTED, and the text of the failure has WORD in it. */
#define assert_fails(ctx, expr, expected, word) \
        assert_fails_at((ctx), (expr), (expected), (word), #expr, __FILE__, __LINE__)
void assert_fails_at(struct iommuctl_ctx *ctx, int r, int expected, const char *word, const char *expr,
                     const char *file, int line);
#define assert_ok(ctx, expr) assert_ok_at((ctx), (expr), #expr, __FILE__, __LINE__)
void assert_ok_at(struct iommuctl_ctx *ctx, int r, const char *expr, const char *file, int line);
#define assert_contains(text, word) assert_contains_at((text), (word), __FILE__, __LINE__)
void assert_contains_at(const char *text, const char *word, const char *file, int line);

/* Nothing is open, mapped or in use on the machine but ALLOWED_FDS descriptors. */
void assert_clean(struct fake *m, unsigned int allowed_fds);

/* A scenario: builds a machine, and does something with the library that ends with all of it given back. */
struct scenario {
        const char *name;
        struct fake *(*machine)(void);
        /* Returns 0 or the errno of the first library call that failed, having freed what it made. It must
         * not assert that calls succeed. */
        int (*run)(struct iommuctl_ctx *ctx, struct fake *m);
        /* After the run and after the context is gone; R is what run returned. NULL: nothing beyond the
         * audit. */
        void (*check)(struct fake *m, int r);
        /* Run it with failures that last, too: an object that can never be opened, read or written. */
        bool lasting;
};

/* Runs the scenario plain, which must succeed; then with the 1st, 2nd, … call failing in each of several ways
 * until it runs through without meeting the fault; then with the 1st, 2nd, … allocation failing. After each,
 * the audit finds nothing. A run that met a failed call may succeed (the library had another way), but never
 * fail without a text. */
void each_call_failing(const struct scenario *s);
/* The same with the process killed before and after each call. RECOVER is what a new process does about it.
 */
void each_call_killed(const struct scenario *s, void (*recover)(struct fake *m));

/* Where the scenario that runs now was made to fail, for a message; "" outside of one. */
const char *scenario_where(void);

/* Allocation failure: the Nth allocation of the library from now ends in NULL; 0 ends it. Needs the wrap
 * arguments of tests/api/meson.build. */
void malloc_fail_at(unsigned int n);
bool malloc_fail_hit(void);
