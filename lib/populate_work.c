/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "populate.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/cleanup.h"
#include "util/macro.h"

/* <asm-generic/mman-common.h> of Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* What a thread takes at a time: enough that the call does not count (16 MiB are 4 to 8 ms), little enough
 * that who cancels does not wait. */
#define STRETCH ((size_t)16 << 20)

/* A thread's calls are few and its frames small. */
#define STACK_SIZE ((size_t)256 << 10)

/* Each thread begins in a share of its own, in one piece, so that two never wait for the same huge page or
 * the same part of a page table; then it helps in the others'. */
struct share {
        size_t next; /* atomic: the first stretch that nobody has taken */
        size_t end;
};

struct work {
        const struct populate_job *job;
        bool in_stretches; /* the kernel has MADV_POPULATE_WRITE */
        size_t stretch;
        uintptr_t base; /* the job's start, or a multiple of the stretch before it */
        struct share *shares;
        unsigned int n_shares;
        size_t done;  /* atomic */
        int error;    /* atomic: the first; all end with it */
        char *failed; /* set before ERROR by whoever may set that */
};

struct helper {
        pthread_t thread;
        struct work *work;
        unsigned int share;
};

static void fail(struct work *w, char *where, int r)
{
        int none = 0;

        if (__atomic_compare_exchange_n(&w->error, &none, r, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
                w->failed = where; /* read after all threads have been joined */
}

static int touch_pages(const struct work *w, char *start, size_t size)
{
        struct kernel *k = w->job->k;
        int r = 0;

        for (size_t at = 0; r >= 0 && at < size; at += w->job->page_size)
                r = k->ops->touch(k, start + at);
        return r;
}

static int populate_stretch(struct work *w, size_t i)
{
        const struct populate_job *job = w->job;
        const uintptr_t begin = (uintptr_t)job->start;
        /* both are distances from the beginning: its end may be the end of all addresses */
        const size_t from = i == 0 ? 0 : w->base + i * w->stretch - begin;
        const size_t to = MIN(w->base + (i + 1) * w->stretch - begin, job->size);
        int r;

        if (w->in_stretches)
                r = job->k->ops->madvise(job->k, job->start + from, to - from, MADV_POPULATE_WRITE);
        else
                r = touch_pages(w, job->start + from, to - from);
        if (r < 0) {
                fail(w, job->start + from, r);
                return r;
        }
        __atomic_fetch_add(&w->done, to - from, __ATOMIC_RELAXED);
        return 0;
}

static void tell(struct work *w)
{
        const struct populate_job *job = w->job;

        if (job->progress &&
            job->progress(job->userdata, __atomic_load_n(&w->done, __ATOMIC_RELAXED), job->size) != 0)
                fail(w, NULL, -ECANCELED);
}

/* All there is to do, beginning with the share of number FIRST. */
static void do_shares(struct work *w, unsigned int first, bool is_caller)
{
        for (unsigned int i = 0; i < w->n_shares; i++) {
                struct share *share = &w->shares[(first + i) % w->n_shares];
                size_t stretch;

                while (__atomic_load_n(&w->error, __ATOMIC_RELAXED) == 0 &&
                       (stretch = __atomic_fetch_add(&share->next, 1, __ATOMIC_RELAXED)) < share->end) {
                        if (populate_stretch(w, stretch) < 0)
                                return;
                        if (is_caller && __atomic_load_n(&w->done, __ATOMIC_RELAXED) < w->job->size)
                                tell(w);
                }
        }
}

static void *help(void *userdata)
{
        const struct helper *helper = userdata;

        do_shares(helper->work, helper->share, false);
        return NULL;
}

/* Starts as many helpers as there are to be, or can be; they take none of the process's signals. */
static unsigned int start_helpers(struct work *w, struct helper *helpers)
{
        pthread_attr_t attr;
        sigset_t all, old;
        unsigned int n = 0;

        if (w->n_shares == 1 || pthread_attr_init(&attr) != 0)
                return 0;
        pthread_attr_setstacksize(&attr, STACK_SIZE);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        while (n + 1 < w->n_shares) {
                helpers[n].work = w;
                helpers[n].share = n + 1;
                if (pthread_create(&helpers[n].thread, &attr, help, &helpers[n]) != 0)
                        break;
                n++;
        }
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&attr);
        return n;
}

int populate_run(const struct populate_job *job, struct populate_end *ret_end)
{
        const size_t stretch = MAX(STRETCH, job->page_size);
        struct work w = { .job = job,
                          .stretch = stretch,
                          .base = (uintptr_t)job->start & ~(uintptr_t)(stretch - 1) };
        const size_t lead = (uintptr_t)job->start - w.base;
        const size_t n = (job->size - 1) / stretch + ((job->size - 1) % stretch + lead) / stretch + 1;
        _cleanup_free_ struct helper *helpers = NULL;
        _cleanup_free_ struct share *shares = NULL;
        unsigned int n_helpers;

        *ret_end = (struct populate_end){ 0 };
        w.n_shares = (unsigned int)MIN((size_t)job->threads, n);
        w.shares = shares = calloc(w.n_shares, sizeof(*shares));
        helpers = calloc(w.n_shares, sizeof(*helpers));
        if (!shares || !helpers)
                return -ENOMEM;
        for (unsigned int i = 0; i < w.n_shares; i++)
                shares[i] = (struct share){ .next = n / w.n_shares * i + MIN((size_t)i, n % w.n_shares),
                                            .end = n / w.n_shares * (i + 1) +
                                                   MIN((size_t)i + 1, n % w.n_shares) };
        /* What the kernel does not know it refuses also for no memory at all (madvise(2)). */
        w.in_stretches = job->k->ops->madvise(job->k, job->start, 0, MADV_POPULATE_WRITE) >= 0;
        n_helpers = start_helpers(&w, helpers);
        do_shares(&w, 0, true);
        for (unsigned int i = 0; i < n_helpers; i++)
                pthread_join(helpers[i].thread, NULL);
        if (w.error == 0)
                tell(&w);
        ret_end->done = w.done;
        ret_end->where = w.failed;
        return w.error;
}
