/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dirty_bitmap.h"

#include "util/macro.h"

void dirty_bitmap_or(uint64_t *to, uint64_t at, const uint64_t *from, uint64_t n)
{
        const unsigned int shift = at % 64;

        to += at / 64;
        for (uint64_t done = 0; done < n; done += 64, to++, from++) {
                uint64_t left = n - done, bits = *from;

                if (left < 64)
                        bits &= (1ull << left) - 1;
                to[0] |= bits << shift;
                /* The word behind is touched only where something of it is meant. */
                if (shift && bits >> (64 - shift))
                        to[1] |= bits >> (64 - shift);
        }
}

/* The first bit at or after AT that is VALUE, or N. */
static uint64_t find(const uint64_t *bitmap, uint64_t n, uint64_t at, bool value)
{
        while (at < n) {
                uint64_t word = (value ? bitmap[at / 64] : ~bitmap[at / 64]) >> at % 64;

                if (word)
                        return MIN(n, at + (unsigned int)__builtin_ctzll(word));
                at = (at / 64 + 1) * 64;
        }
        return n;
}

bool dirty_bitmap_next(const uint64_t *bitmap, uint64_t n, uint64_t *at, uint64_t *ret_first,
                       uint64_t *ret_length)
{
        uint64_t first = find(bitmap, n, *at, true), end;

        if (first >= n) {
                *at = n;
                return false;
        }
        end = find(bitmap, n, first, false);
        *at = end;
        *ret_first = first;
        *ret_length = end - first;
        return true;
}
