/* SPDX-License-Identifier: GPL-2.0-or-later */

/* iommuctl dma bench: what it costs to map and unmap, by size and by page size. */

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "buffer_spec.h"
#include "cli.h"
#include "dma_bench.h"
#include "dma_device.h"

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
/* Sizes of pages above the machine's own that memory can have. */
static const uint64_t huge_pages[] = { 2 * MIB, GIB };

/* What there is of it is measured in a few seconds: some twelve sizes. */
#define TIME_S     0.25
#define TIME_MIN_S 0.001
#define TIME_MAX_S 3600.0
#define ROUNDS_MAX 1000000

struct job {
        const char *selector;
        enum iommuctl_backend backend;
        bool has_time;
        struct bench_request request;
        struct bench_plan plan;
        struct dma_device dev;
};

enum {
        OPTION_MIN = DMA_OPTION_BACKEND + 1,
        OPTION_MAX,
        OPTION_PAGE_SIZE,
        OPTION_ROUNDS,
        OPTION_TIME,
};

static const struct cli_option options[] = {
        { "backend", DMA_OPTION_BACKEND, "NAME", DMA_BACKEND_HELP },
        { "min", OPTION_MIN, "SIZE", "the smallest mapping (4K)" },
        { "max", OPTION_MAX, "SIZE", "the largest mapping (1G)" },
        { "page-size", OPTION_PAGE_SIZE, "SIZE",
          "only memory of such pages: 4K, 2M, 1G; may be given several times" },
        { "rounds", OPTION_ROUNDS, "N", "map each size N times" },
        { "time", OPTION_TIME, "SECONDS", "map each size for so long (0.25)" },
        { 0 },
};

static uint64_t base_page(void)
{
        return (uint64_t)getpagesize();
}

static int take_size(struct cli *cli, const char *option, const char *text, uint64_t *ret_size)
{
        uint64_t size;
        int r = parse_size(text, &size);

        if (r == -ERANGE || (r == 0 && size > SIZE_MAX))
                return cli_usage_error(cli, "--%s: size %s is more than this program can address", option,
                                       text);
        if (r < 0)
                return cli_usage_error(
                        cli, "--%s: '%s' is not a size: digits or 0x…, and K, M, G or T behind them", option,
                        text);
        if (size == 0 || size % base_page())
                return cli_usage_error(cli, "--%s: size %s is no multiple of the page size %llu", option,
                                       text, (unsigned long long)base_page());
        *ret_size = size;
        return EXIT_DONE;
}

/* Keeps them in order, each once. */
static void add_page_size(struct bench_request *q, uint64_t size)
{
        size_t at = 0;

        while (at < q->n_page_sizes && q->page_sizes[at] < size)
                at++;
        if (at < q->n_page_sizes && q->page_sizes[at] == size)
                return;
        memmove(q->page_sizes + at + 1, q->page_sizes + at, (q->n_page_sizes - at) * sizeof(uint64_t));
        q->page_sizes[at] = size;
        q->n_page_sizes++;
}

static int take_page_size(struct cli *cli, const char *text, struct bench_request *q)
{
        uint64_t size;
        bool known;

        known = parse_size(text, &size) == 0;
        known = known && (size == base_page() || size == huge_pages[0] || size == huge_pages[1]);
        if (!known)
                return cli_usage_error(cli, "--page-size takes %lluK, 2M or 1G, not '%s'",
                                       (unsigned long long)(base_page() / KIB), text);
        add_page_size(q, size);
        return EXIT_DONE;
}

static int take_rounds(struct cli *cli, const char *text, struct bench_request *q)
{
        char *end;
        long rounds = strtol(text, &end, 10);

        if (end == text || *end || rounds < 1 || rounds > ROUNDS_MAX)
                return cli_usage_error(cli, "--rounds: '%s' is not a number from 1 to %d", text, ROUNDS_MAX);
        q->rounds = (uint64_t)rounds;
        return EXIT_DONE;
}

static int take_time(struct cli *cli, const char *text, struct job *job)
{
        char *end;
        double seconds = strtod(text, &end);

        if (end == text || *end || !(seconds >= TIME_MIN_S && seconds <= TIME_MAX_S))
                return cli_usage_error(cli, "--time: '%s' is not a number of seconds from %.3f to %.0f", text,
                                       TIME_MIN_S, TIME_MAX_S);
        job->request.time_ns = (uint64_t)(seconds * 1e9);
        job->has_time = true;
        return EXIT_DONE;
}

/* What only all options together tell. */
static int check(struct cli *cli, int argc, char **argv, struct job *job)
{
        struct bench_request *q = &job->request;

        if (argc - optind != 1)
                return cli_usage_error(cli, argc == optind ? "which device?" : "one SELECTOR is wanted");
        job->selector = argv[optind];
        if (q->rounds && job->has_time)
                return cli_usage_error(cli, "--rounds and --time: one of them says how often");
        if (q->min > q->max)
                return cli_usage_error(cli, "--min is more than --max");
        if (q->n_page_sizes == 0) {
                add_page_size(q, base_page());
                for (size_t i = 0; i < ARRAY_SIZE(huge_pages); i++)
                        add_page_size(q, huge_pages[i]);
        }
        if (bench_plan_new(q, &job->plan) < 0)
                return cli_error(cli, EXIT_FAILED, -ENOMEM, NULL, "out of memory");
        if (job->plan.n == 0)
                return cli_usage_error(cli, "from --min to --max there is no whole number of such pages");
        return EXIT_DONE;
}

static int parse(struct cli *cli, int argc, char **argv, struct job *job)
{
        int id, status = EXIT_DONE;
        const char *value;

        while (status == EXIT_DONE && (id = cli_option(cli, argc, argv, &value)) != -1) {
                if (id == DMA_OPTION_BACKEND)
                        status = dma_parse_backend(cli, value, &job->backend);
                else if (id == OPTION_MIN)
                        status = take_size(cli, "min", value, &job->request.min);
                else if (id == OPTION_MAX)
                        status = take_size(cli, "max", value, &job->request.max);
                else if (id == OPTION_PAGE_SIZE)
                        status = take_page_size(cli, value, &job->request);
                else if (id == OPTION_ROUNDS)
                        status = take_rounds(cli, value, &job->request);
                else if (id == OPTION_TIME)
                        status = take_time(cli, value, job);
                else
                        status = EXIT_USAGE;
        }
        return status == EXIT_DONE ? check(cli, argc, argv, job) : status;
}

static int nothing_measured(struct cli *cli, const struct job *job)
{
        const struct bench_point *first = &job->plan.points[0];
        char size[DMA_SIZE_TEXT], page[DMA_SIZE_TEXT];

        return cli_error(cli, EXIT_FAILED, first->error, iommuctl_device_name(job->dev.device),
                         "none of %zu sizes could be measured; %s in pages of %s: %s", job->plan.n,
                         dma_size_text(first->size, size), dma_size_text(first->page_size, page),
                         first->why_not);
}

static int measure(struct cli *cli, struct job *job)
{
        struct progress progress;
        int status;

        progress_begin(&progress, cli);
        status = bench_plan_run(cli, &job->request, job->dev.container, &progress, &job->plan);
        if (status != EXIT_DONE)
                return status;
        if (!job->plan.stopped_by && bench_plan_measured(&job->plan) == 0)
                return nothing_measured(cli, job);
        bench_plan_put(&job->plan, &job->dev, cli->out);
        if (!job->plan.stopped_by)
                return EXIT_DONE;
        sink_finish(cli->out);
        cli_note(cli, "iommuctl: stopped by SIG%s: %zu of %zu sizes measured, and nothing is mapped",
                 sigabbrev_np(job->plan.stopped_by), bench_plan_measured(&job->plan), job->plan.n);
        return 128 + job->plan.stopped_by;
}

static int run(struct cli *cli, int argc, char **argv)
{
        struct job job = {
                .backend = IOMMUCTL_BACKEND_AUTO,
                .request = { .min = MAX(4 * KIB, base_page()),
                             .max = GIB,
                             .time_ns = (uint64_t)(TIME_S * 1e9) },
        };
        int status;

        status = parse(cli, argc, argv, &job);
        if (status == EXIT_DONE)
                status = dma_select(cli, job.selector, &job.dev);
        if (status == EXIT_DONE)
                status = dma_open(cli, job.backend, &job.dev);
        if (status == EXIT_DONE)
                status = measure(cli, &job);
        bench_plan_done(&job.plan);
        dma_device_done(&job.dev);
        return status;
}

const struct command cmd_dma_bench = {
        .name = "dma bench",
        .arguments = "SELECTOR",
        .summary = "Measure what it costs to map and unmap memory for a device",
        .description =
                "Opens the device, which must be bound to a VFIO driver, and maps and unmaps memory that is "
                "there\n"
                "already, in sizes from 4 KiB to 1 GiB and in pages of each size that the machine has. What "
                "does\n"
                "not fit is passed over, and why is said. SIGINT, SIGTERM and SIGHUP end it sooner, with "
                "what "
                "was\n"
                "measured until then. The device does nothing, but opening resets it where that can be "
                "done.\n\n"
                "SIZE takes K, M, G and T (powers of 1024) and 0x….",
        .options = options,
        .needs_machine = true,
        .run = run,
};
