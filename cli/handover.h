/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Runs a program that gets the device and its buffers by LISTEN_FDS, and waits for it. */

#include "cli.h"
#include "hold.h"

/* ARGV is the program, looked for in PATH, and its arguments. JSON is the value of IOMMUCTL_DMA. HOLD was
 * begun for a child. Returns the program's status as a shell would: its own, 128 + N for signal N, 127 where
 * it is not found, 126 where it cannot be run; or EXIT_FAILED. */
int handover_run(struct cli *cli, struct hold *hold, const struct iommuctl_handover *handover,
                 const char *json, char **argv);
