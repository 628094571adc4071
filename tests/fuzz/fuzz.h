/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a fuzz target has: libFuzzer calls it with bytes that it makes up (-Dfuzz=true, clang); replay.c calls
 * it with the files of its corpus, in every build. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Holds in every build, whatever NDEBUG says. */
#define MUST(condition)                   \
        do {                              \
                if (!(condition))         \
                        __builtin_trap(); \
        } while (0)

/* The input with a NUL behind it, in memory of its own length, so that reading past it is seen. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1);

        MUST(text);
        memcpy(text, data, size);
        text[size] = '\0';
        return text;
}
