/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One line on a terminal that tells how far something is, drawn over itself and gone at the end. */

#include "cli.h"

struct progress {
        bool shown; /* else all of this does nothing */
        uint64_t drawn_ns;
};

/* Shown where stderr is a terminal that can draw over a line, and neither --quiet nor --json is given. */
void progress_begin(struct progress *progress, const struct cli *cli);

/* PART of 1 is done, and DOING is what goes on. Draws a few times a second and not more; with NOW at once. */
void progress_show(struct progress *progress, double part, bool now, const char *doing);

/* Takes the line away, for something else to stand there. */
void progress_clear(struct progress *progress);
