/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many buffers as few mappings. */

#include "dma_set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "budget_internal.h"
#include "options.h"

/* Where pinning takes longer than to read of all processes what they have locked, and so to be told before is
 * worth the time: 10 ms and more. */
#define LARGE ((uint64_t)64 << 20)

struct iommuctl_dma_set {
        struct iommuctl_container *container;
        size_t n_runs;
        struct dma_set_run *runs;
        size_t n;
        struct iommuctl_span spans[];
};

static int read_options(struct dma_set_request *q, const struct iommuctl_dma_options *from)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o) };
        int r;

        r = from ? options_copy(q->c->ctx, from, &o, sizeof(o)) : 0;
        if (r < 0)
                return r;
        o.struct_size = sizeof(o);
        q->round_out = o.flags & IOMMUCTL_DMA_SET_ROUND_OUT;
        o.flags &= ~(unsigned int)IOMMUCTL_DMA_SET_ROUND_OUT;
        if (q->round_out && o.flags & IOMMUCTL_DMA_FIXED_IOVA)
                return ctx_error(q->c->ctx, -EINVAL, NULL,
                                 "buffers that are no whole pages cannot lie one behind the other: "
                                 "IOMMUCTL_DMA_SET_ROUND_OUT and IOMMUCTL_DMA_FIXED_IOVA");
        q->o = o;
        return 0;
}

/* They lie in one address space and do not overlap. */
static uint64_t total(const struct iommuctl_dma_set *set)
{
        uint64_t bytes = 0;

        for (size_t i = 0; i < set->n_runs; i++)
                bytes += set->runs[i].size;
        return bytes;
}

static int check_memlock(const struct dma_set_request *q, uint64_t bytes, bool own_only)
{
        struct budget b = budget_begin(q->c->ctx, NULL, 0, NULL);

        b.own_only = own_only;
        return container_backend(q->c) ? budget_memlock(&b, bytes, q->c) : 0;
}

static int check_budget(const struct dma_set_request *q, const struct iommuctl_dma_set *set)
{
        uint64_t left, bytes = total(set);

        if (q->o.flags & IOMMUCTL_DMA_FIXED_IOVA && bytes - 1 > UINT64_MAX - q->o.iova)
                return ctx_error(q->c->ctx, -EOVERFLOW, NULL,
                                 "0x%" PRIx64 " bytes at IOVA 0x%" PRIx64
                                 " end past the last address and wrap around",
                                 bytes, q->o.iova);
        /* iommufd has no limit, and a single mapping finds out by itself */
        if (set->n_runs > 1 && iommuctl_container_max_mappings(q->c, &left) &&
            iommuctl_container_available_mappings(q->c, &left) && set->n_runs > left)
                return ctx_error(q->c->ctx, -ENOSPC, NULL,
                                 "%zu buffers need %zu mappings and the kernel allows %" PRIu64
                                 " more in this container (vfio_iommu_type1.dma_entry_limit)",
                                 q->n, set->n_runs, left);
        return check_memlock(q, bytes, bytes < LARGE);
}

/* Unmaps all that can be; the first error. What is left moves to the front. */
static int unmap_runs(struct iommuctl_dma_set *set)
{
        size_t left = 0;
        int r = 0;

        for (size_t i = 0; i < set->n_runs; i++) {
                int r2 = iommuctl_dma_unmap(set->runs[i].dma);

                if (r2 >= 0)
                        continue;
                r = r < 0 ? r : r2;
                set->runs[left++] = set->runs[i];
        }
        set->n_runs = left;
        return r;
}

/* The text of the run that failed, with the buffer that it begins with. */
static int explain_run(const struct dma_set_request *q, const struct dma_set_run *run, int r)
{
        char text[900] = "";

        iommuctl_ctx_error(q->c->ctx, text, sizeof(text));
        return ctx_error(q->c->ctx, r, NULL, "buffer %zu and what adjoins it: %s", run->first, text);
}

static int map_runs(const struct dma_set_request *q, struct iommuctl_dma_set *set)
{
        struct iommuctl_dma_options o = q->o;
        const size_t n_runs = set->n_runs;
        int r;

        for (set->n_runs = 0; set->n_runs < n_runs; set->n_runs++) {
                struct dma_set_run *run = &set->runs[set->n_runs];

                r = iommuctl_dma_map(q->c, (void *)run->start, run->size, &o, &run->dma);
                if (r < 0) {
                        r = n_runs > 1 ? explain_run(q, run, r) : r;
                        if (unmap_runs(set) < 0)
                                ctx_log(q->c->ctx, IOMMUCTL_LOG_ERR,
                                        "%zu mappings of a set that failed stay: the kernel does not unmap "
                                        "them",
                                        set->n_runs);
                        return r;
                }
                o.iova += run->size; /* of use with a fixed one alone */
        }
        return 0;
}

/* Where each buffer has come to lie. */
static void place(const struct dma_set_request *q, struct iommuctl_dma_set *set)
{
        const struct dma_set_run *run = set->runs;
        struct iommuctl_span span = iommuctl_dma_span(run->dma);

        for (size_t i = 0; i < q->n; i++) {
                const struct dma_set_piece *p = &q->pieces[i];

                if (p->start < run->start || p->start - run->start >= run->size) {
                        run++;
                        span = iommuctl_dma_span(run->dma);
                }
                set->spans[p->index] = (struct iommuctl_span){
                        .vaddr = (void *)p->start,
                        .iova = span.iova + (p->start - run->start),
                        .size = p->last - p->start + 1,
                };
        }
}

/* Joined, asked for, mapped; PIECES and SET are the caller's to free. */
static int make(struct dma_set_request *q, struct iommuctl_dma_set *set)
{
        struct dma_set_run *runs;
        uint64_t bytes;
        int r;

        r = dma_set_find_runs(q, set->runs, &set->n_runs);
        if (r < 0)
                return r;
        runs = reallocarray(set->runs, set->n_runs, sizeof(*runs));
        set->runs = runs ?: set->runs; /* what was larger is large enough */
        r = check_budget(q, set);
        if (r < 0)
                return r;
        bytes = total(set);
        r = map_runs(q, set);
        if (r == -ENOMEM && bytes < LARGE)
                check_memlock(q, bytes, false); /* it may have the better text */
        if (r >= 0)
                place(q, set);
        return r;
}

static void free_set(struct iommuctl_dma_set *set)
{
        if (!set)
                return;
        iommuctl_container_unref(set->container);
        free(set->runs);
        free(set);
}

_public_ int iommuctl_dma_set_new(struct iommuctl_container *c, const struct iovec *buffers, size_t n,
                                  const struct iommuctl_dma_options *options,
                                  struct iommuctl_dma_set **ret_set)
{
        struct dma_set_request q = { .c = c, .buffers = buffers, .n = n };
        struct iommuctl_dma_set *set = NULL;
        int r;

        r = read_options(&q, options);
        if (r < 0)
                return r;
        if (n == 0)
                return ctx_error(c->ctx, -EINVAL, NULL, "a set of 0 buffers cannot be mapped");
        if (n <= (SIZE_MAX - sizeof(*set)) / sizeof(set->spans[0]))
                set = calloc(1, sizeof(*set) + n * sizeof(set->spans[0]));
        if (set) {
                set->container = iommuctl_container_ref(c);
                set->n = n;
                set->runs = calloc(n, sizeof(*set->runs));
                q.pieces = calloc(n, sizeof(*q.pieces));
        }
        if (!set || !set->runs || !q.pieces)
                r = ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        else
                r = make(&q, set);
        free(q.pieces);
        if (r < 0) {
                free_set(set);
                return r;
        }
        *ret_set = set;
        return 0;
}

_public_ int iommuctl_dma_set_free(struct iommuctl_dma_set *set)
{
        int r;

        if (!set)
                return 0;
        r = unmap_runs(set);
        if (r < 0)
                return r;
        free_set(set);
        return 0;
}

_public_ size_t iommuctl_dma_set_n(const struct iommuctl_dma_set *set)
{
        return set->n;
}

_public_ uint64_t iommuctl_dma_set_iova(const struct iommuctl_dma_set *set, size_t i)
{
        return i < set->n ? set->spans[i].iova : 0;
}

_public_ struct iommuctl_span iommuctl_dma_set_span(const struct iommuctl_dma_set *set, size_t i)
{
        return i < set->n ? set->spans[i] : (struct iommuctl_span){ 0 };
}

_public_ size_t iommuctl_dma_set_n_mappings(const struct iommuctl_dma_set *set)
{
        return set->n_runs;
}

_public_ struct iommuctl_span iommuctl_dma_set_mapping(const struct iommuctl_dma_set *set, size_t i)
{
        return i < set->n_runs ? iommuctl_dma_span(set->runs[i].dma) : (struct iommuctl_span){ 0 };
}
