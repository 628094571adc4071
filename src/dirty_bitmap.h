/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bitmaps of dirty pages: bit N is bit N % 64 of word N / 64, as the kernel fills them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words for N bits. */
static inline size_t dirty_words(uint64_t n_bits)
{
        return (size_t)(n_bits / 64 + (n_bits % 64 != 0));
}

/* Sets the bits of TO, from AT on, that are set among the first N of FROM; others stay as they are. */
void dirty_bitmap_or(uint64_t *to, uint64_t at, const uint64_t *from, uint64_t n);

/* The first run of set bits at or after *AT, below N: true, where it begins and how long it is, and *AT
 * behind it. */
bool dirty_bitmap_next(const uint64_t *bitmap, uint64_t n, uint64_t *at, uint64_t *ret_first,
                       uint64_t *ret_length);
