/* SPDX-License-Identifier: GPL-2.0-or-later */

/* iommuctl dma map: buffers that a device reaches, held for as long as someone needs them. */

#include <stdlib.h>

#include "cli.h"
#include "dma_buffers.h"
#include "handover.h"
#include "hold.h"
#include "notify.h"
#include "util/cleanup.h"

struct job {
        enum iommuctl_backend backend;
        bool until_eof;
        const char *selector;
        char **program; /* what stands behind "--", or NULL */
        struct dma_buffers buffers;
        struct dma_device dev;
};

enum {
        OPTION_BUFFER = DMA_OPTION_BACKEND + 1,
        OPTION_UNTIL_EOF,
};

static const struct cli_option options[] = {
        { "buffer", OPTION_BUFFER, "NAME:SIZE",
          "a buffer, with options behind commas; may be given several times" },
        { "backend", DMA_OPTION_BACKEND, "NAME", DMA_BACKEND_HELP },
        { "until-eof", OPTION_UNTIL_EOF, NULL, "end also at the end of standard input" },
        { 0 },
};

static int take_operands(struct cli *cli, int argc, char **argv, struct job *job)
{
        int n = argc - optind - MAX(cli->n_behind, 0);

        if (n == 0)
                return cli_usage_error(cli, "which device?");
        job->selector = argv[optind];
        if (n > 1)
                return cli_usage_error(cli, "'%s' is one too many: a program to run stands behind '--'",
                                       argv[optind + 1]);
        if (cli->n_behind == 0)
                return cli_usage_error(cli, "which program? None stands behind '--'");
        if (cli->n_behind > 0)
                job->program = argv + optind + 1;
        if (job->program && job->until_eof)
                return cli_usage_error(cli, "--until-eof does not go with a program: its end ends all");
        if (job->buffers.n == 0)
                return cli_usage_error(cli, "no --buffer is given");
        return EXIT_DONE;
}

static int parse(struct cli *cli, int argc, char **argv, struct job *job)
{
        int id, status = EXIT_DONE;
        const char *value;

        while (status == EXIT_DONE && (id = cli_option(cli, argc, argv, &value)) != -1) {
                if (id == OPTION_BUFFER)
                        status = dma_buffers_add(cli, &job->buffers, value);
                else if (id == DMA_OPTION_BACKEND)
                        status = dma_parse_backend(cli, value, &job->backend);
                else if (id == OPTION_UNTIL_EOF)
                        job->until_eof = true;
                else
                        status = EXIT_USAGE;
        }
        return status == EXIT_DONE ? take_operands(cli, argc, argv, job) : status;
}

/* Each question is asked as early as it can be: nothing is opened for what cannot be. */
static int map(struct cli *cli, struct job *job)
{
        int status;

        status = dma_buffers_check(cli, &job->buffers, NULL);
        if (status == EXIT_DONE)
                status = dma_select(cli, job->selector, &job->dev);
        if (status == EXIT_DONE)
                status = dma_buffers_check(cli, &job->buffers, &job->dev);
        if (status == EXIT_DONE)
                status = dma_open(cli, job->backend, &job->dev);
        if (status == EXIT_DONE)
                status = dma_buffers_check(cli, &job->buffers, &job->dev);
        if (status == EXIT_DONE)
                status = dma_buffers_map(cli, &job->buffers, job->dev.container);
        return status;
}

/* The contract's line, as a string the caller frees; NULL when out of memory. */
static char *json_line(const struct job *job)
{
        char *text = NULL;
        size_t size;
        FILE *memory = open_memstream(&text, &size);
        struct sink *sink = memory ? sink_new(memory, true, false) : NULL;
        int r = -ENOMEM;

        if (sink) {
                dma_buffers_put(&job->buffers, &job->dev, sink);
                r = sink_finish(sink);
        }
        sink_free(sink);
        if (memory && fclose(memory) != 0)
                r = -ENOMEM;
        if (r < 0) {
                free(text);
                return NULL;
        }
        text[strcspn(text, "\n")] = '\0';
        return text;
}

static void tell_manager(struct cli *cli, const struct job *job)
{
        char text[256];
        int r;

        snprintf(text, sizeof(text), "READY=1\nSTATUS=%zu buffers mapped for %s by %s", job->buffers.n,
                 iommuctl_device_name(job->dev.device),
                 iommuctl_backend_name(iommuctl_container_backend(job->dev.container)));
        r = notify_manager(text);
        if (r < 0)
                cli_note(cli, "iommuctl: warning: cannot tell NOTIFY_SOCKET=%s: %s", getenv("NOTIFY_SOCKET"),
                         strerror(-r));
}

/* Says where the buffers are, at once, whatever is behind stdout. With a program, stdout is the program's,
 * and only JSON that was asked for goes before it. */
static int announce(struct cli *cli, const struct job *job)
{
        if (!job->program || cli->json) {
                dma_buffers_put(&job->buffers, &job->dev, cli->out);
                if (sink_finish(cli->out) < 0)
                        return EXIT_FAILED;
        }
        tell_manager(cli, job);
        return EXIT_DONE;
}

static int run_program(struct cli *cli, const struct job *job, struct hold *hold)
{
        _cleanup_free_ struct iommuctl_dma **dmas = calloc(job->buffers.n, sizeof(struct iommuctl_dma *));
        _cleanup_free_ char *json = json_line(job);
        struct iommuctl_handover *handover = NULL;
        int r, status;

        if (!dmas || !json)
                return cli_error(cli, EXIT_FAILED, -ENOMEM, NULL, "out of memory");
        for (size_t i = 0; i < job->buffers.n; i++)
                dmas[i] = job->buffers.all[i].dma;
        r = iommuctl_handover_new(job->dev.device, dmas, job->buffers.n, &handover);
        if (r < 0)
                return dma_error(cli, r);
        status = handover_run(cli, hold, handover, json, job->program);
        iommuctl_handover_free(handover);
        return status;
}

/* While all is mapped. */
static int hold_mapped(struct cli *cli, const struct job *job)
{
        struct hold hold;
        int r, status;

        r = hold_begin(&hold, job->program != NULL);
        if (r < 0)
                return cli_error(cli, EXIT_FAILED, r, NULL, "cannot wait for signals: %s", strerror(-r));
        status = announce(cli, job);
        if (status == EXIT_DONE && job->program) {
                status = run_program(cli, job, &hold);
        } else if (status == EXIT_DONE) {
                r = hold_wait(&hold, job->until_eof);
                if (r < 0)
                        status = cli_error(cli, EXIT_FAILED, r, NULL, "cannot wait: %s", strerror(-r));
        }
        notify_manager("STOPPING=1");
        hold_end(&hold);
        return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
        struct job job = { .backend = IOMMUCTL_BACKEND_AUTO };
        int status, r;

        status = parse(cli, argc, argv, &job);
        if (status == EXIT_DONE)
                status = map(cli, &job);
        if (status == EXIT_DONE)
                status = hold_mapped(cli, &job);
        r = dma_buffers_done(&job.buffers);
        if (r < 0 && status == EXIT_DONE)
                status = dma_error(cli, r);
        dma_device_done(&job.dev);
        return status;
}

const struct command cmd_dma_map = {
        .name = "dma map",
        .arguments = "SELECTOR --buffer=NAME:SIZE[,hugepage=2M|1G][,iova=0x…][,access=r|w|rw]… [-- CMD…]",
        .summary = "Map DMA buffers for a device and hold them, or run a program with them",
        .description =
                "Opens the device, which must be bound to a VFIO driver, maps zeroed shared memory, prints "
                "where\n"
                "it is, and holds it until SIGINT or SIGTERM; NOTIFY_SOCKET is told when all is mapped.\n\n"
                "SIZE takes K, M, G and T (powers of 1024) and 0x…. hugepage= backs a buffer with such "
                "pages,\n"
                "iova= puts it there and nowhere else, access= is what the device may do (rw where it is "
                "not\n"
                "given).\n\n"
                "CMD runs with the descriptors of LISTEN_FDS, named iommufd or container and group, device, "
                "and\n"
                "buffer-NAME in LISTEN_FDNAMES, and with no others; IOMMUCTL_DMA holds the JSON line and\n"
                "IOMMUCTL_HANDOVER what iommuctl_adopt(3) reads. Standard output is CMD's. The exit status "
                "is\n"
                "CMD's: 128+N when signal N ended it, 127 when it was not found, 126 when it could not be "
                "run.",
        .options = options,
        .needs_machine = true,
        .run = run,
};
