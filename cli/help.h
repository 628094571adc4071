/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "cli.h"

void help_overview(FILE *out);
void help_command(const struct command *command, FILE *out);
/* Says that there is no such verb and which one may have been meant. Returns EXIT_USAGE. */
int help_unknown_command(struct cli *cli, int argc, char **argv);
