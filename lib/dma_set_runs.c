/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which buffers of a set touch each other. */

#include "dma_set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static int read_buffer(struct dma_set_request *q, size_t i)
{
        const uintptr_t page = (uintptr_t)getpagesize(), start = (uintptr_t)q->buffers[i].iov_base;
        const size_t size = q->buffers[i].iov_len;
        struct iommuctl_ctx *ctx = q->c->ctx;

        if (size == 0)
                return ctx_error(ctx, -EINVAL, NULL, "buffer %zu has 0 bytes", i);
        if (start == 0)
                return ctx_error(ctx, -EFAULT, NULL, "buffer %zu: there is no memory at NULL", i);
        if (!q->round_out && (start | size) & (page - 1))
                return ctx_error(ctx, -EINVAL, NULL,
                                 "buffer %zu: 0x%zx bytes at 0x%" PRIxPTR
                                 " are not whole pages of 0x%" PRIxPTR
                                 "; IOMMUCTL_DMA_SET_ROUND_OUT maps the pages they lie in, whole",
                                 i, size, start, page);
        if (size - 1 > UINTPTR_MAX - start)
                return ctx_error(ctx, -EOVERFLOW, NULL,
                                 "buffer %zu: 0x%zx bytes at 0x%" PRIxPTR
                                 " end past the last address and wrap around",
                                 i, size, start);
        q->pieces[i] = (struct dma_set_piece){ start, start + size - 1, i };
        return 0;
}

/* Merges the sorted [A, MIDDLE) and [MIDDLE, END) into OUT. */
static void merge(const struct dma_set_piece *a, const struct dma_set_piece *middle,
                  const struct dma_set_piece *end, struct dma_set_piece *out)
{
        const struct dma_set_piece *b = middle;

        while (a < middle || b < end)
                *out++ = b == end || (a < middle && a->start <= b->start) ? *a++ : *b++;
}

/* By address: bottom-up, so that any order costs the same n log n and no stack. *PIECES may be exchanged for
 * another array of as many. */
static int sort(struct dma_set_piece **pieces, size_t n)
{
        struct dma_set_piece *from = *pieces, *to, *other;
        bool sorted = true;

        for (size_t i = 1; sorted && i < n; i++)
                sorted = from[i - 1].start <= from[i].start;
        if (sorted)
                return 0;
        other = reallocarray(NULL, n, sizeof(*other));
        if (!other)
                return -ENOMEM;
        to = other;
        for (size_t width = 1; width < n; width *= 2) {
                struct dma_set_piece *turned = from;

                for (size_t i = 0; i < n; i += 2 * width)
                        merge(from + i, from + MIN(i + width, n), from + MIN(i + 2 * width, n), to + i);
                from = to;
                to = turned;
        }
        *pieces = from;
        free(to);
        return 0;
}

static int check_overlaps(const struct dma_set_request *q)
{
        for (size_t i = 1; i < q->n; i++) {
                const struct dma_set_piece *a = &q->pieces[i - 1], *b = &q->pieces[i];

                if (b->start > a->last)
                        continue;
                return ctx_error(q->c->ctx, -EEXIST, NULL,
                                 "buffer %zu at 0x%" PRIxPTR "-0x%" PRIxPTR
                                 " overlaps buffer %zu at 0x%" PRIxPTR "-0x%" PRIxPTR,
                                 MAX(a->index, b->index), a->index > b->index ? a->start : b->start,
                                 a->index > b->index ? a->last : b->last, MIN(a->index, b->index),
                                 a->index > b->index ? b->start : a->start,
                                 a->index > b->index ? b->last : a->last);
        }
        return 0;
}

/* Back to the order of the array: by the index that each has. */
static void restore_order(struct dma_set_request *q)
{
        for (size_t i = 0; i < q->n; i++)
                q->pieces[i] = (struct dma_set_piece){
                        (uintptr_t)q->buffers[i].iov_base,
                        (uintptr_t)q->buffers[i].iov_base + (q->buffers[i].iov_len - 1),
                        i,
                };
}

/* Joins what touches, in the order of the pieces. Returns how many runs there are; RUNS has room for all. */
static size_t join(const struct dma_set_request *q, struct dma_set_run *runs)
{
        const uintptr_t inside = (uintptr_t)getpagesize() - 1;
        size_t n = 0;

        for (size_t i = 0; i < q->n; i++) {
                const struct dma_set_piece *p = &q->pieces[i];
                const uintptr_t start = p->start & ~inside, last = p->last | inside;
                struct dma_set_run *run = n > 0 ? &runs[n - 1] : NULL;

                /* rounded out, it may begin in the run's last page */
                if (run && start >= run->start && start - run->start <= run->size) {
                        run->size = MAX(run->size, last - run->start + 1);
                        continue;
                }
                runs[n++] =
                        (struct dma_set_run){ .start = start, .size = last - start + 1, .first = p->index };
        }
        return n;
}

int dma_set_find_runs(struct dma_set_request *q, struct dma_set_run *runs, size_t *ret_n_runs)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < q->n; i++)
                r = read_buffer(q, i);
        if (r < 0)
                return r;
        if (sort(&q->pieces, q->n) < 0)
                return ctx_error(q->c->ctx, -ENOMEM, NULL, "out of memory");
        r = check_overlaps(q);
        if (r < 0)
                return r;
        if (q->o.flags & IOMMUCTL_DMA_FIXED_IOVA)
                restore_order(q);
        *ret_n_runs = join(q, runs);
        return 0;
}
