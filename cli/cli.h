/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What every verb is given and what it exports: one const struct command. Help, usage and completions come
 * from that struct. */

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>

#include "iommuctl.h"
#include "sink.h"
#include "util/macro.h"

/* The promise of the man page: what an exit status means. */
enum exit_status {
        EXIT_DONE = 0,          /* done, or nothing to do */
        EXIT_FAILED = 1,        /* failed, all undone */
        EXIT_USAGE = 2,         /* not understood */
        EXIT_REFUSED = 3,       /* unsafe */
        EXIT_NO_DEVICE = 4,     /* no such device or group */
        EXIT_NO_PERMISSION = 5, /* needs more privilege */
        EXIT_TIMED_OUT = 6,
};

struct cli {
        bool json;
        bool quiet;
        int verbosity;
        const char *root; /* --root, or NULL */
        struct iommuctl_ctx *ctx;
        struct sink *out; /* stdout: data only; what is said to people about it goes to stderr */
        const struct command *command;
        int n_behind; /* operands behind a "--", which are the last ones; -1 without one */
};

/* An option of one verb. VALUE is the name of its argument ("NAME"), NULL where it takes none. ID is what
 * cli_option() returns: a letter for an option that also has a short form, else 256 and up. */
struct cli_option {
        const char *name;
        int id;
        const char *value;
        const char *help;
};

struct command {
        const char *name;                                   /* "bind", "dma map": one or two words */
        const char *arguments;                              /* "SELECTOR…", for the usage line */
        const char *summary;                                /* one line, no full stop */
        const char *description;                            /* a few lines for --help, or NULL */
        const struct cli_option *options;                   /* ended by a NULL name, or NULL */
        bool needs_machine;                                 /* refused with --root */
        int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the verb; returns an exit_status */
};

extern const struct command *const commands[]; /* ended by NULL */

extern const struct command cmd_bind;
extern const struct command cmd_devices;
extern const struct command cmd_dma_bench;
extern const struct command cmd_dma_map;
extern const struct command cmd_dma_ranges;
extern const struct command cmd_groups;
extern const struct command cmd_restore;
extern const struct command cmd_show;
extern const struct command cmd_status;
extern const struct command cmd_unbind;

/* Takes the next option of a verb: its id, with *ret_value set to the argument or NULL; -1 after the last
 * one, when optind stands on the first operand; '?' after an option that is not understood, which has been
 * said: return EXIT_USAGE. Global options are taken on the way. Operands may stand between options; "--" ends
 * them. */
int cli_option(struct cli *cli, int argc, char **argv, const char **ret_value);

/* Says that the call is wrong, how it should be, and returns EXIT_USAGE. */
int cli_usage_error(struct cli *cli, const char *format, ...) _printf_(2, 3);

/* Reports a failure, on stderr as text and under --json as an error document on stdout, and returns STATUS.
 * CODE is the negative errno behind it; DEVICE the name of the device it is about, or NULL. A document begun
 * is dropped. */
int cli_error(struct cli *cli, enum exit_status status, int code, const char *device, const char *format, ...)
        _printf_(5, 6);

/* The same for a library call on cli->ctx that failed with R: its text, its device, and the exit status that
 * R stands for. */
int cli_library_error(struct cli *cli, int r);
/* The same where the verb knows better than R what to exit with. */
int cli_library_error_as(struct cli *cli, enum exit_status status, int r);
/* The exit status that a negative errno stands for where a verb knows no better. */
enum exit_status cli_status(int r);

/* Writes the members of an "error" object, "error":{…}, into the document begun: for verbs whose own document
 * also tells of the failure. */
void cli_error_fields(struct cli *cli, enum exit_status status, int code, const char *device,
                      const char *message);

/* Something for a person to know that is neither data nor failure; on stderr, not under --quiet. */
void cli_note(struct cli *cli, const char *format, ...) _printf_(2, 3);
