/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cli.h"

/* Takes the options before the verb. Returns the index of the verb (argc where there is none), 0 where all
 * that was asked for is done (--help, --version), -1 after an error that has been said. */
int options_global(struct cli *cli, int argc, char **argv);

/* Looks through the options behind the verb: takes the global ones, checks that the others are the verb's
 * own, and makes cli->out. Returns an exit_status; with EXIT_DONE and cli->out still NULL, --help has been
 * answered. The verb then takes its options with cli_option(). */
int options_scan_verb(struct cli *cli, int argc, char **argv);
