/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Resets, power and migration on a real kernel, a backend at a time: lab-states WHAT BACKEND DEVICE… */

#include "../core/core.h"

void test_hot_reset(const char *other, bool other_is_bound);
/* Of OWNER, OTHER and the device, which share a bus, OWNER has a driver that is not VFIO's. */
void test_claims(const char *owner, const char *other, unsigned int other_group);
void test_no_hot_reset(void);
void test_reset_methods(void);
/* An e1000e that nobody else uses. */
void test_power(void);
/* Two devices of mtty, both with two ports. */
void test_migration(const char *other);
void test_no_migration(void);
/* Behind a port whose link never says that it is active again. */
void test_deaf_link(void);
