/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cli.h"

/* Takes the options before the verb. Returns an exit_status; with EXIT_DONE, *RET_FIRST is the index of the
 * verb (ARGC where there is none), or 0 where all that was asked for is done (--help, --version). */
int options_global(struct cli *cli, int argc, char **argv, int *ret_first);

/* Flushes stdout after help and the like: EXIT_DONE, or EXIT_FAILED once the error has been said. */
int options_flush(void);

/* Looks through the options behind the verb: takes the global ones, checks that the others are the verb's
 * own, and makes cli->out. Returns an exit_status; with EXIT_DONE and cli->out still NULL, --help has been
 * answered. The verb then takes its options with cli_option(). */
int options_scan_verb(struct cli *cli, int argc, char **argv);
