/* SPDX-License-Identifier: GPL-2.0-or-later */

/* From a command line to a verb: global options, the verb's name, and what all verbs need. */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "help.h"
#include "options.h"

/* clang-format off */
const struct command *const commands[] = {
        /* in the order of the help */
        &cmd_groups,
        &cmd_devices,
        &cmd_show,
        &cmd_status,
        &cmd_bind,
        &cmd_unbind,
        &cmd_restore,
        &cmd_dma_ranges,
        &cmd_dma_map,
        &cmd_dma_bench,
        NULL,
};
/* clang-format on */

/* One or two words name a verb. Sets *RET_WORDS to how many did. */
static const struct command *find_command(int argc, char **argv, int *ret_words)
{
        for (int i = 0; commands[i]; i++) {
                const char *name = commands[i]->name;
                const char *space = strchr(name, ' ');

                if (!space && streq(name, argv[0])) {
                        *ret_words = 1;
                        return commands[i];
                }
                if (space && argc > 1 && strlen(argv[0]) == (size_t)(space - name) &&
                    startswith(name, argv[0]) && streq(space + 1, argv[1])) {
                        *ret_words = 2;
                        return commands[i];
                }
        }
        return NULL;
}

static void log_to_stderr(void *userdata, enum iommuctl_log_level level, const char *text)
{
        (void)userdata;
        fprintf(stderr, level <= IOMMUCTL_LOG_WARNING ? "iommuctl: warning: %s\n" : "iommuctl: %s\n", text);
}

static enum iommuctl_log_level log_level(const struct cli *cli)
{
        if (cli->quiet)
                return IOMMUCTL_LOG_ERR;
        if (cli->verbosity == 0)
                return IOMMUCTL_LOG_WARNING;
        return cli->verbosity == 1 ? IOMMUCTL_LOG_INFO : IOMMUCTL_LOG_DEBUG;
}

static int open_context(struct cli *cli)
{
        int r;

        if (cli->root && cli->command->needs_machine)
                return cli_error(cli, EXIT_USAGE, -EROFS, NULL,
                                 "'%s' works on the machine itself and cannot be used with --root=%s",
                                 cli->command->name, cli->root);
        r = cli->root ? iommuctl_ctx_new_root(cli->root, &cli->ctx) : iommuctl_ctx_new(&cli->ctx);
        if (r < 0)
                return cli_error(cli, EXIT_USAGE, r, NULL, "cannot read %s: %s", cli->root ?: "/",
                                 strerror(-r));
        iommuctl_ctx_set_log(cli->ctx, log_to_stderr, NULL, log_level(cli));
        return EXIT_DONE;
}

/* Writes out what is left. A reader that went away is its own business; any other write error is a failure.
 */
static int finish(struct cli *cli, int status)
{
        int r = sink_finish(cli->out);

        if (r < 0 && r != -EPIPE)
                fprintf(stderr, "iommuctl: cannot write to standard output: %s\n", strerror(-r));
        if (r < 0 && status == EXIT_DONE)
                status = EXIT_FAILED;
        sink_free(cli->out);
        iommuctl_ctx_unref(cli->ctx);
        return status;
}

/* "iommuctl help" and "iommuctl help VERB". */
static int run_help(struct cli *cli, int argc, char **argv)
{
        const struct command *command;
        int words;

        if (argc == 0) {
                help_overview(stdout);
                return options_flush();
        }
        command = find_command(argc, argv, &words);
        if (!command)
                return help_unknown_command(cli, argc, argv);
        help_command(command, stdout);
        return options_flush();
}

static int run_command(struct cli *cli, int argc, char **argv)
{
        int words, status;

        if (streq(argv[0], "help"))
                return run_help(cli, argc - 1, argv + 1);
        cli->command = find_command(argc, argv, &words);
        if (!cli->command)
                return help_unknown_command(cli, argc, argv);
        argc -= words - 1;
        argv += words - 1;
        /* Global options behind the verb decide on root, colour and JSON: they are looked at before anything
         * is opened. */
        status = options_scan_verb(cli, argc, argv);
        if (status != EXIT_DONE || cli->out == NULL)
                return status;
        status = open_context(cli);
        if (status == EXIT_DONE)
                status = cli->command->run(cli, argc, argv);
        return finish(cli, status);
}

/* Started with a standard descriptor closed, the next open would take its number, and what is printed would
 * go to a device, or a device to the program that is run. What stands there instead can be neither read nor
 * written. */
static void guard_standard_fds(void)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        open("/", O_PATH | O_CLOEXEC);
}

int main(int argc, char **argv)
{
        struct cli cli = { 0 };
        int first, status;

        guard_standard_fds();
        signal(SIGPIPE, SIG_IGN); /* a write error on stdout is reported like any other */
        status = options_global(&cli, argc, argv, &first);
        if (status != EXIT_DONE || first == 0)
                return status;
        if (first == argc && cli.json)
                return cli_usage_error(&cli, "no command is given");
        if (first == argc) {
                help_overview(stderr);
                return EXIT_USAGE;
        }
        return run_command(&cli, argc - first, argv + first);
}
