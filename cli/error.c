/* SPDX-License-Identifier: GPL-2.0-or-later */

/* How failures reach people and programs: one line on stderr, one document on stdout under --json. */

#include <stdarg.h>
#include <stdio.h>

#include "cli.h"
#include "text.h"

enum exit_status cli_status(int r)
{
        switch (-r) {
        case 0:
                return EXIT_DONE;
        case EINVAL:
        case ENOTUNIQ:
                return EXIT_USAGE;
        case ENODEV:
                return EXIT_NO_DEVICE;
        case EACCES:
        case EPERM:
                return EXIT_NO_PERMISSION;
        case ETIMEDOUT:
                return EXIT_TIMED_OUT;
        default:
                return EXIT_FAILED;
        }
}

void cli_error_fields(struct cli *cli, enum exit_status status, int code, const char *device,
                      const char *message)
{
        const char *name = strerrorname_np(-code);

        sink_begin_object(cli->out, "error");
        sink_string(cli->out, "code", name ?: "EIO");
        sink_int(cli->out, "status", status);
        sink_string(cli->out, "message", message);
        sink_string(cli->out, "address", device);
        sink_end_object(cli->out);
}

/* A message may quote what a captured tree, or the caller, holds: it is made fit for a terminal. */
static void report(struct cli *cli, enum exit_status status, int code, const char *device, char *message)
{
        bool early = !cli->out; /* before the options are all read there is no sink yet */

        fflush(stdout);
        text_clean(message, strlen(message), false);
        fprintf(stderr, "iommuctl: %s\n", message);
        if (!cli->json)
                return;
        if (early)
                cli->out = sink_new(stdout, true, false);
        if (!cli->out)
                return;
        sink_discard(cli->out);
        sink_begin_document(cli->out);
        cli_error_fields(cli, status, code, device, message);
        sink_end_object(cli->out);
        sink_finish(cli->out);
        if (early) {
                sink_free(cli->out);
                cli->out = NULL;
        }
}

int cli_error(struct cli *cli, enum exit_status status, int code, const char *device, const char *format, ...)
{
        char message[2048];
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        report(cli, status, code, device, message);
        return status;
}

int cli_library_error_as(struct cli *cli, enum exit_status status, int r)
{
        char message[1024] = "", device[64] = "";

        iommuctl_ctx_error_device(cli->ctx, device, sizeof(device));
        if (iommuctl_ctx_error(cli->ctx, message, sizeof(message)) == 0)
                snprintf(message, sizeof(message), "%s", strerror(-r));
        report(cli, status, r, *device ? device : NULL, message);
        return status;
}

int cli_library_error(struct cli *cli, int r)
{
        return cli_library_error_as(cli, cli_status(r), r);
}

int cli_usage_error(struct cli *cli, const char *format, ...)
{
        char message[1024];
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        report(cli, EXIT_USAGE, -EINVAL, NULL, message);
        if (cli->command)
                fprintf(stderr, "usage: iommuctl %s%s%s\nTry 'iommuctl %s --help'.\n", cli->command->name,
                        *cli->command->arguments ? " " : "", cli->command->arguments, cli->command->name);
        else
                fprintf(stderr, "Try 'iommuctl --help'.\n");
        return EXIT_USAGE;
}

void cli_note(struct cli *cli, const char *format, ...)
{
        va_list ap;

        if (cli->quiet)
                return;
        fflush(stdout); /* what was said before stays before, also where both go to one file */
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
}
