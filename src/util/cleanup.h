/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Scope cleanup for memory, and the take that hands an owned pointer on. File descriptors have theirs in
 * kernel.h, since closing one is a system call like any other. */

#include <stdlib.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

static inline void freep(void *p)
{
        free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)

/* The value of a pointer, which is NULL from here on: what is taken is no longer freed at the end of the
 * scope. */
#define TAKE_PTR(p)                        \
        ({                                 \
                __typeof__(p) *pp_ = &(p); \
                __typeof__(p) v_ = *pp_;   \
                *pp_ = NULL;               \
                v_;                        \
        })

/* Defines TYPE_freep-like cleanup functions: DEFINE_CLEANUP(struct foo *, foo_unref) gives foo_unrefp. */
#define DEFINE_CLEANUP(type, fn)          \
        static inline void fn##p(type *p) \
        {                                 \
                if (*p)                   \
                        fn(*p);           \
        }
