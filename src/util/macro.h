/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* Not to be nested in one another: -Wshadow. */
#define MIN(a, b)                       \
        ({                              \
                __typeof__(a) a_ = (a); \
                __typeof__(b) b_ = (b); \
                a_ < b_ ? a_ : b_;      \
        })
#define MAX(a, b)                       \
        ({                              \
                __typeof__(a) a_ = (a); \
                __typeof__(b) b_ = (b); \
                a_ > b_ ? a_ : b_;      \
        })
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define streq(a, b)                   (strcmp((a), (b)) == 0)
#define _printf_(a, b)                __attribute__((format(printf, a, b)))
#define _public_                      __attribute__((visibility("default")))

static inline int startswith(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

static inline const char *path_basename(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}
