/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allocations that fail on request. The linker's --wrap turns the calls of this program's objects here;
 * libc's own stay as they are. The machine in memory is exempt: it allocates in calls of the library, but is
 * not the library. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wrap.h"

static _Thread_local unsigned int fail_in;
static _Thread_local bool hit;

void malloc_fail_at(unsigned int n)
{
        if (n)
                hit = false;
        fail_in = n;
}

bool malloc_fail_hit(void)
{
        return hit;
}

static bool fails(void)
{
        if (fake_inside() || fail_in == 0 || --fail_in > 0)
                return false;
        hit = true;
        errno = ENOMEM;
        return true;
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
        return fails() ? NULL : __real_aligned_alloc(align, size);
}

void *__wrap_malloc(size_t size)
{
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
        return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
        return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
        return fails() ? NULL : __real_strndup(s, n);
}

int __wrap_vasprintf(char **ret, const char *format, va_list ap)
{
        return fails() ? -1 : __real_vasprintf(ret, format, ap);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
        va_list ap;
        int r;

        if (fails())
                return -1;
        va_start(ap, format);
        r = __real_vasprintf(ret, format, ap);
        va_end(ap);
        return r;
}
