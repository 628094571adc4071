/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory of this process that is a device's, and the SIGBUS that touching it raises while the device does not
 * answer. A handler for the whole process, there while anything is guarded, puts memory of all ones in the
 * place of what was touched, and hands every other SIGBUS to the handler that was there before.
 *
 * This is the one part of the library with state of the process: a signal handler has nobody to ask. */

#include <stdbool.h>
#include <stddef.h>

#include "kernel.h"

struct sigbus_area {
        struct kernel *k;
        void *start;
        size_t length;
        int prot;
        int ones_fd; /* a file of ones_size bytes, all ones, whole pages */
        size_t ones_size;
        bool *lost; /* set before memory is replaced */
};

struct sigbus_guard;

/* 0, -ENOMEM, or what sigaction(2) said. What AREA names must live until sigbus_unguard(). */
int sigbus_guard(const struct sigbus_area *area, struct sigbus_guard **ret_guard);
/* NULL is let through. */
void sigbus_unguard(struct sigbus_guard *guard);

/* Puts ones in the place of LENGTH bytes of the area from AT on, in as many maps as it takes. Safe in a
 * signal handler. */
int sigbus_replace(const struct sigbus_area *area, size_t at, size_t length);
