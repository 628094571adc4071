/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dma_bench.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"

/* What a size is to the one before it. */
#define STEP 8
/* More rounds tell no more. */
#define ROUNDS_MAX 65536
/* Memory is populated in pieces, between which a signal is heard. */
#define PIECE ((uint64_t)64 << 20)

/* Linux 5.14 (include/uapi/asm-generic/mman-common.h). */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static volatile sig_atomic_t stopped_by;

static void stop(int signal_number)
{
        stopped_by = signal_number;
}

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP };

/* One that the caller had ignored (nohup) stays so. */
static void hear_signals(struct sigaction old[ARRAY_SIZE(stop_signals)])
{
        const struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART };

        stopped_by = 0;
        for (size_t i = 0; i < ARRAY_SIZE(stop_signals); i++) {
                sigaction(stop_signals[i], NULL, &old[i]);
                if (old[i].sa_handler != SIG_IGN)
                        sigaction(stop_signals[i], &action, NULL);
        }
}

static void give_signals_back(const struct sigaction old[ARRAY_SIZE(stop_signals)])
{
        for (size_t i = 0; i < ARRAY_SIZE(stop_signals); i++)
                sigaction(stop_signals[i], &old[i], NULL);
}

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int add_point(struct bench_plan *plan, uint64_t size, uint64_t page_size)
{
        struct bench_point *points = reallocarray(plan->points, plan->n + 1, sizeof(*points));

        if (!points)
                return -ENOMEM;
        plan->points = points;
        points[plan->n++] = (struct bench_point){ .size = size, .page_size = page_size };
        return 0;
}

/* The size behind SIZE: on the way up from the first, or the last one, or a page where that comes sooner. */
static uint64_t next_size(const struct bench_request *q, uint64_t size, uint64_t page)
{
        uint64_t step = q->min, next = q->max;

        while (step <= size && step <= q->max / STEP)
                step *= STEP;
        if (step > size)
                next = MIN(next, step);
        if (page > size)
                next = MIN(next, page);
        return next;
}

int bench_plan_new(const struct bench_request *q, struct bench_plan *ret_plan)
{
        struct bench_plan plan = { 0 };

        for (size_t i = 0; i < q->n_page_sizes; i++) {
                const uint64_t page = q->page_sizes[i];

                for (uint64_t size = q->min; size > 0; size = size < q->max ? next_size(q, size, page) : 0)
                        if (size % page == 0 && add_point(&plan, size, page) < 0) {
                                bench_plan_done(&plan);
                                return -ENOMEM;
                        }
        }
        *ret_plan = plan;
        return 0;
}

void bench_plan_done(struct bench_plan *plan)
{
        for (size_t i = 0; i < plan->n; i++)
                free(plan->points[i].why_not);
        free(plan->points);
        *plan = (struct bench_plan){ 0 };
}

size_t bench_plan_measured(const struct bench_plan *plan)
{
        size_t n = 0;

        for (size_t i = 0; i < plan->n; i++)
                n += !plan->points[i].why_not;
        return n;
}

/* Why there is no result of the point; R is the failure. An exit_status: that goes on, out of memory does
 * not.
 */
static int pass_over(struct cli *cli, struct bench_point *p, int r, const char *what)
{
        char text[1024];

        if (what || iommuctl_ctx_error(cli->ctx, text, sizeof(text)) == 0)
                snprintf(text, sizeof(text), "%s%s%s", what ?: "", what ? ": " : "", strerror(-r));
        p->error = r;
        p->why_not = strdup(text);
        return p->why_not ? EXIT_DONE : cli_error(cli, EXIT_FAILED, -ENOMEM, NULL, "out of memory");
}

static int stopped_before(struct cli *cli, struct bench_point *p)
{
        p->not_begun = true;
        if (asprintf(&p->why_not, "stopped by SIG%s", sigabbrev_np(stopped_by)) >= 0)
                return EXIT_DONE;
        p->why_not = NULL;
        return cli_error(cli, EXIT_FAILED, -ENOMEM, NULL, "out of memory");
}

/* Whether memory and address space have room for it. Of memory that others need too an eighth more is asked
 * for: what can just be had can end in the kernel's looking for a process to kill. */
static int check_budget(struct cli *cli, const struct bench_point *p, struct iommuctl_container *c)
{
        const bool huge = p->page_size != (uint64_t)getpagesize();
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .page_size = huge ? p->page_size : 0 };
        struct iommuctl_budget_item item = { "the buffer", p->size, &o };
        struct iommuctl_shortage shortage = { 0 };
        int r;

        r = iommuctl_budget_check_container(c, &item, 1, NULL);
        if (r == 0)
                r = iommuctl_budget_check(cli->ctx, &item, 1, NULL);
        if (r < 0 || huge)
                return r;
        item.size += p->size / 8 & ~(p->page_size - 1);
        r = iommuctl_budget_check(cli->ctx, &item, 1, &shortage);
        return r < 0 && shortage.kind == IOMMUCTL_SHORTAGE_MEMORY ? r : 0;
}

static int populate_piece(char *memory, uint64_t size, uint64_t page_size)
{
        /* It also says no where touching would end in SIGBUS: a cgroup's share of the huge pages is used up.
         */
        if (madvise(memory, size, MADV_POPULATE_WRITE) == 0)
                return 0;
        if (errno != EINVAL)
                return -errno;
        for (uint64_t at = 0; at < size; at += page_size)
                *(volatile char *)(memory + at) = 0;
        return 0;
}

/* Memory of the point's page size, there before it is mapped. 0, -EINTR where a signal came, or what the
 * kernel said. */
static int new_memory(const struct bench_point *p, char **ret_memory)
{
        const bool huge = p->page_size != (uint64_t)getpagesize();
        int flags = MAP_PRIVATE | MAP_ANONYMOUS, r = 0;
        char *memory;

        if (huge) /* the size's logarithm stands in the upper bits (mmap(2)) */
                flags |= MAP_HUGETLB | __builtin_ctzll(p->page_size) << MAP_HUGE_SHIFT;
        memory = mmap(NULL, p->size, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (memory == MAP_FAILED)
                return -errno;
        if (!huge) /* nothing larger than was asked for */
                madvise(memory, p->size, MADV_NOHUGEPAGE);
        for (uint64_t at = 0; r == 0 && at < p->size; at += PIECE) {
                r = populate_piece(memory + at, MIN(PIECE, p->size - at), p->page_size);
                if (r == 0 && stopped_by)
                        r = -EINTR;
        }
        if (r < 0) {
                munmap(memory, p->size);
                return r;
        }
        *ret_memory = memory;
        return 0;
}

/* One round. What the clock costs is in it. */
static int map_and_unmap(struct iommuctl_container *c, char *memory, uint64_t size, uint64_t *ret_map_ns,
                         uint64_t *ret_unmap_ns)
{
        uint64_t begin, mapped, unmapped;
        struct iommuctl_dma *dma;
        int r;

        begin = now_ns();
        r = iommuctl_dma_map(c, memory, size, NULL, &dma);
        mapped = now_ns();
        if (r < 0)
                return r;
        r = iommuctl_dma_unmap(dma);
        unmapped = now_ns();
        if (r < 0)
                return r;
        *ret_map_ns = mapped - begin;
        *ret_unmap_ns = unmapped - mapped;
        return 0;
}

struct rounds {
        uint64_t *map, *unmap;
        size_t n, wanted; /* WANTED is the most there may be */
        uint64_t time_ns; /* 0: no other limit */
};

/* Fills ROUNDS. The first round finds page tables and caches that nobody has used and does not count, unless
 * its time is all there is. */
static int measure_rounds(struct rounds *rounds, struct iommuctl_container *c, char *memory, uint64_t size,
                          struct progress *progress, double part, const char *doing)
{
        const uint64_t begin = now_ns();
        bool first = true;
        int r;

        while (rounds->n < rounds->wanted && !stopped_by) {
                size_t i = rounds->n;
                bool over;

                r = map_and_unmap(c, memory, size, &rounds->map[i], &rounds->unmap[i]);
                if (r < 0)
                        return r;
                over = rounds->time_ns && now_ns() - begin >= rounds->time_ns;
                if (!first || over || stopped_by)
                        rounds->n++;
                if (over)
                        break;
                first = false;
                progress_show(progress, part, false, doing);
        }
        return 0;
}

static int measure_in(struct cli *cli, const struct bench_request *q, struct bench_point *p,
                      struct iommuctl_container *c, char *memory, struct progress *progress, double part,
                      const char *doing)
{
        const size_t wanted = q->rounds ? q->rounds : ROUNDS_MAX;
        _cleanup_free_ uint64_t *map = calloc(wanted, sizeof(uint64_t));
        _cleanup_free_ uint64_t *unmap = calloc(wanted, sizeof(uint64_t));
        struct rounds rounds = { map, unmap, 0, wanted, q->rounds ? 0 : q->time_ns };
        int r;

        if (!map || !unmap)
                return cli_error(cli, EXIT_FAILED, -ENOMEM, NULL, "out of memory");
        r = measure_rounds(&rounds, c, memory, p->size, progress, part, doing);
        if (r < 0)
                return pass_over(cli, p, r, NULL);
        bench_stats_make(&p->map, map, rounds.n);
        bench_stats_make(&p->unmap, unmap, rounds.n);
        return rounds.n > 0 ? EXIT_DONE : stopped_before(cli, p);
}

static int measure_point(struct cli *cli, const struct bench_request *q, struct bench_point *p,
                         struct iommuctl_container *c, struct progress *progress, double part)
{
        char size[DMA_SIZE_TEXT], page[DMA_SIZE_TEXT], doing[128], *memory = NULL;
        int r, status;

        snprintf(doing, sizeof(doing), "%s in pages of %s", dma_size_text(p->size, size),
                 dma_size_text(p->page_size, page));
        progress_show(progress, part, true, doing);
        r = check_budget(cli, p, c);
        if (r < 0)
                return pass_over(cli, p, r, NULL);
        r = new_memory(p, &memory);
        if (r == -EINTR && stopped_by)
                return stopped_before(cli, p);
        if (r < 0)
                return pass_over(cli, p, r, "cannot get the memory");
        status = measure_in(cli, q, p, c, memory, progress, part, doing);
        munmap(memory, p->size);
        return status;
}

int bench_plan_run(struct cli *cli, const struct bench_request *q, struct iommuctl_container *c,
                   struct progress *progress, struct bench_plan *plan)
{
        struct sigaction old[ARRAY_SIZE(stop_signals)];
        int status = EXIT_DONE;

        hear_signals(old);
        for (size_t i = 0; status == EXIT_DONE && i < plan->n; i++) {
                struct bench_point *p = &plan->points[i];

                if (stopped_by)
                        status = stopped_before(cli, p);
                else
                        status = measure_point(cli, q, p, c, progress, (double)i / (double)plan->n);
        }
        progress_clear(progress);
        plan->stopped_by = stopped_by;
        give_signals_back(old);
        return status;
}
