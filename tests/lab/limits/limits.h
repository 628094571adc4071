/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* lab-limits: many buffers and large ones, and what limits them, against a real kernel.
 *
 *         lab-limits sets BACKEND EDU-DEVICE
 *         lab-limits charged BACKEND EDU-DEVICE OTHER-DEVICE    with RLIMIT_MEMLOCK of 6 MiB, no CAP_IPC_LOCK
 *         lab-limits populate BACKEND EDU-DEVICE
 *         lab-limits nodes BACKEND EDU-DEVICE                   which is on node 1 of two
 *
 * All are bound to vfio-pci. Speaks TAP, as lab-core does, whose support.c it has. */

#include "../core/core.h"

/* A number of a line "Name:   123 kB" of /proc/self/status, in KiB. */
uint64_t status_kib(const char *name);

/* sets.c */
void test_sets(void);
/* charged.c */
void test_charged_once(void);
/* populate.c */
void test_populate(void);
/* nodes.c */
void test_nodes(void);
