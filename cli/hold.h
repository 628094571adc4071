/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Staying until it is time to go: signals, the end of the input, the end of a child. */

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct hold {
        int signal_fd;
        sigset_t old_mask; /* for a child */
};

/* From here on SIGINT and SIGTERM wait to be read; with FOR_CHILD also what a child has to hear of, and its
 * end. 0 or a negative errno. */
int hold_begin(struct hold *hold, bool for_child);

/* Waits for SIGINT or SIGTERM, or with UNTIL_EOF for the end of standard input. 0 or a negative errno. */
int hold_wait(struct hold *hold, bool until_eof);

/* Waits for the end of a child and passes on the signals that it did not get itself. Its exit status, 128 + N
 * where signal N ended it, or a negative errno. */
int hold_wait_child(struct hold *hold, pid_t pid);

/* Gives the signals back; those that came meanwhile are dropped. */
void hold_end(struct hold *hold);
