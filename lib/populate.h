/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory that gets its pages from several threads. populate.c says what is wanted and what went wrong,
 * populate_work.c does it. */

#include <stdbool.h>
#include <stddef.h>

#include "iommuctl/populate.h"
#include "kernel.h"

#define POPULATE_MAX_THREADS 1024u

struct populate_job {
        struct kernel *k;
        char *start;
        size_t size;
        size_t page_size; /* the smallest that may back it */
        unsigned int threads;
        iommuctl_populate_progress_fn progress;
        void *userdata;
};

/* How it ended. */
struct populate_end {
        size_t done; /* bytes that are populated */
        char *where; /* a failure: the stretch it came in */
};

/* 0, -ECANCELED, what the kernel said, or -ENOMEM with a WHERE of NULL where its own books found no room. */
int populate_run(const struct populate_job *job, struct populate_end *ret_end);
