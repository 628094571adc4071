/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A fuzz target: libFuzzer drives it where the option `fuzz` is on; in every other build replay.c runs it
 * over the corpus, as a test. */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
