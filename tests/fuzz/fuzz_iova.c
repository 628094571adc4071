/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The allocator of I/O virtual addresses against a model that knows each unit of a small address space: every
 * input is a list of steps. The space is scaled, so that its last unit ends at 2^64 - 1. */
#include "fuzz.h"

#include <errno.h>
#include <stdbool.h>

#include "iova_space.h"

#define UNITS   256u
#define EXTENTS 64u

struct model {
        struct iova_space space;
        struct iova_extent extents[EXTENTS];
        bool used[EXTENTS];
        int owner[UNITS]; /* -1: nobody */
        bool allowed[UNITS];
        uint64_t base; /* of the first unit */
        uint64_t unit;
};

struct input {
        const uint8_t *at, *end;
};

static uint8_t take(struct input *in)
{
        return in->at < in->end ? *in->at++ : 0;
}

static uint64_t first_of(const struct model *m, uint64_t unit)
{
        return m->base + unit * m->unit;
}

static uint64_t last_of(const struct model *m, uint64_t unit)
{
        return first_of(m, unit) + (m->unit - 1);
}

static bool is_free(const struct model *m, uint64_t first, uint64_t count)
{
        for (uint64_t u = first; u < first + count; u++)
                if (u >= UNITS || !m->allowed[u] || m->owner[u] >= 0)
                        return false;
        return true;
}

static void set_ranges(struct model *m, struct input *in)
{
        struct iommuctl_range ranges[4];
        size_t n = take(in) % 5u;

        memset(m->allowed, 0, sizeof(m->allowed));
        for (size_t i = 0; i < n; i++) {
                unsigned int first = take(in), last = take(in);

                ranges[i] = (struct iommuctl_range){ first_of(m, first), last_of(m, last) };
                for (unsigned int u = first; u <= last; u++)
                        m->allowed[u] = true;
        }
        MUST(iova_space_set_ranges(&m->space, ranges, n) == 0);
}

static void own(struct model *m, unsigned int e)
{
        const struct iova_extent *x = &m->extents[e];

        m->used[e] = true;
        for (uint64_t u = (x->start - m->base) / m->unit; u <= (x->last - m->base) / m->unit; u++) {
                MUST(m->owner[u] == -1);
                m->owner[u] = (int)e;
        }
}

static void release(struct model *m, unsigned int e)
{
        iova_space_release(&m->space, &m->extents[e]);
        memset(&m->extents[e], 0xa5, sizeof(m->extents[e])); /* nobody may look at it from now on */
        m->used[e] = false;
        for (unsigned int u = 0; u < UNITS; u++)
                if (m->owner[u] == (int)e)
                        m->owner[u] = -1;
}

static void reserve(struct model *m, unsigned int e, struct input *in)
{
        const uint64_t first = take(in), count = 1 + take(in) % 32u;
        const uint64_t last = first + count - 1 < UNITS ? first + count - 1 : UNITS - 1;
        int r = iova_space_reserve(&m->space, &m->extents[e], first_of(m, first), last_of(m, last));
        bool allowed = true;

        for (uint64_t u = first; u <= last; u++)
                allowed &= m->allowed[u];
        if (is_free(m, first, last - first + 1))
                MUST(r == 0);
        else
                MUST(r == (allowed ? -EEXIST : -ERANGE));
        if (r == 0)
                own(m, e);
}

static void allocate(struct model *m, unsigned int e, struct input *in)
{
        const uint64_t count = 1 + take(in) % 32u, units = UINT64_C(1) << take(in) % 6u;
        const uint64_t low = take(in), limit = take(in);
        struct iova_request q = {
                .size = count * m->unit,
                .align = units * m->unit,
                .low = low & 1 ? first_of(m, low) : 0,
                .limit = limit & 1 ? last_of(m, limit) : UINT64_MAX,
        };
        bool room = false;
        int r;

        q.offset = (m->base + take(in) % units * m->unit) & (q.align - 1);
        for (unsigned int u = 0; u < UNITS && !room; u++) {
                const uint64_t start = first_of(m, u);

                room = is_free(m, u, count) && (start & (q.align - 1)) == q.offset && start >= q.low &&
                       start + (q.size - 1) <= q.limit;
        }
        r = iova_space_allocate(&m->space, &m->extents[e], &q);
        MUST(r == (room ? 0 : -ENOSPC));
        if (r < 0)
                return;
        MUST(m->extents[e].last - m->extents[e].start == q.size - 1);
        MUST(m->extents[e].start >= q.low && m->extents[e].last <= q.limit);
        MUST((m->extents[e].start & (q.align - 1)) == q.offset);
        MUST(is_free(m, (m->extents[e].start - m->base) / m->unit, count));
        own(m, e);
}

static void overlap(const struct model *m, struct input *in)
{
        const unsigned int a = take(in), b = take(in), first = a < b ? a : b, last = a < b ? b : a;
        const struct iova_extent *expected = NULL;

        for (unsigned int u = first; u <= last && !expected; u++)
                if (m->owner[u] >= 0)
                        expected = &m->extents[m->owner[u]];
        MUST(iova_space_overlap(&m->space, first_of(m, first), last_of(m, last)) == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct model *m = calloc(1, sizeof(*m));
        struct input in = { data, data + size };

        MUST(m);
        m->unit = UINT64_C(1) << (take(&in) & 1 ? 12 : 40);
        m->base = take(&in) & 1 ? -(UNITS * m->unit) : 0;
        memset(m->owner, -1, sizeof(m->owner));
        iova_space_init(&m->space);
        set_ranges(m, &in);
        while (in.at < in.end) {
                const uint8_t step = take(&in);
                const unsigned int e = step % EXTENTS;

                if (step >= 0xf8)
                        set_ranges(m, &in);
                else if (step >= 0xe0)
                        overlap(m, &in);
                else if (m->used[e])
                        release(m, e);
                else if (step & 0x80)
                        reserve(m, e, &in);
                else
                        allocate(m, e, &in);
        }
        iova_space_destroy(&m->space);
        free(m);
        return 0;
}
