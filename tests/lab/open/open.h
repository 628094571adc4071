/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* lab-open: the ways to a device, against a real kernel. Speaks TAP, with numbers of its own.
 *
 *         lab-open given BACKEND EDU-DEVICE       descriptors that somebody else opened
 *         lab-open mdev BACKEND UUID              the kernel's sample serial card
 *         lab-open token BACKEND PF VF OTHER      VF tokens; OTHER is neither PF nor VF */

#include "../core/core.h"

/* The descriptor of a node opened by hand; ends the program where it cannot be opened. */
int open_by_hand(const char *path);
/* "/dev/vfio/devices/vfio0", in a static buffer; NULL where the kernel has none. */
const char *node_of(const char *device);
/* The number of the device's group. */
unsigned int group_of(const char *device);

void test_given(void);
void test_mdev(void);
void test_tokens(const char *pf, const char *vf, const char *other);
