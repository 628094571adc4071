/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What it costs to map and unmap, measured: a plan of sizes, and one of them after another. */

#include "bench_stats.h"
#include "cli.h"
#include "dma_device.h"
#include "progress.h"

#define BENCH_PAGE_SIZES 3

struct bench_request {
        uint64_t min, max;                     /* sizes to map, both are inside */
        uint64_t page_sizes[BENCH_PAGE_SIZES]; /* of the memory; ascending, without a 0 between */
        size_t n_page_sizes;
        uint64_t rounds;  /* exactly as many; or 0: */
        uint64_t time_ns; /* until this much time is over, but for one round at least */
};

/* One size in memory of one page size. */
struct bench_point {
        uint64_t size;
        uint64_t page_size;
        bool not_begun; /* a signal came before */
        int error;      /* what kept it from being measured, a negative errno */
        char *why_not;  /* and as text; NULL where it was measured */
        struct bench_stats map, unmap;
};

struct bench_plan {
        struct bench_point *points; /* by page size, then by size */
        size_t n;
        int stopped_by; /* a signal's number, or 0 */
};

/* Which sizes there are to measure: from the first on each eight times the one before, so that 4 KiB, 2 MiB
 * and 1 GiB are among them, the last one, and each page size itself. 0, or -ENOMEM. */
int bench_plan_new(const struct bench_request *request, struct bench_plan *ret_plan);
void bench_plan_done(struct bench_plan *plan);

/* Measures one after the other until all are done or SIGINT, SIGTERM or SIGHUP says stop. What does not fit
 * is passed over with its reason. When it returns nothing is mapped and the memory is given back. An
 * exit_status. */
int bench_plan_run(struct cli *cli, const struct bench_request *request, struct iommuctl_container *container,
                   struct progress *progress, struct bench_plan *plan);

/* How many of the points were measured. */
size_t bench_plan_measured(const struct bench_plan *plan);

/* Writes the results to a sink: the contract's document, and tables. */
void bench_plan_put(const struct bench_plan *plan, const struct dma_device *dev, struct sink *out);
