/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of explaining that looks at /proc: who has a node open, and how much memory is locked. */

#include <stdbool.h>

#include "ctx.h"

/* True and "process 1234 (qemu-system-x86)" or "this process", where one that we may look at has the node
 * (without its leading slash) open. */
bool find_holder(struct iommuctl_ctx *ctx, const char *node, char *text, size_t size);

/* "RLIMIT_MEMLOCK is 8192 KiB, of which 4096 KiB are locked", and what helps. */
void describe_locked_memory(struct iommuctl_ctx *ctx, char *text, size_t size);
