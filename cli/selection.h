/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The devices that the operands of a verb select, all of them together. */

#include "cli.h"

struct selection {
        const struct iommuctl_device_info **devices; /* ordered by their place in memory */
        size_t n;
        bool all; /* there were no operands */
};

/* Takes SELECTORS, ended by NULL. EXIT_DONE, or the status of the error that has been said. */
int selection_read(struct cli *cli, struct iommuctl_topology *topology, char **selectors,
                   struct selection *ret);
void selection_free(struct selection *s);

/* The one device that SELECTOR means. EXIT_DONE, or the status of the error that has been said: where several
 * match, it names them. */
int selection_one(struct cli *cli, struct iommuctl_topology *topology, const char *selector,
                  const struct iommuctl_device_info **ret_device);
/* Says that SELECTOR means several devices where one is wanted, and which; DEVICES is ended by NULL. */
int selection_say_several(struct cli *cli, const char *selector,
                          const struct iommuctl_device_info *const *devices);

bool selection_has(const struct selection *s, const struct iommuctl_device_info *device);
/* Whether one of its devices, or without operands any group, is selected. */
bool selection_has_group(const struct selection *s, const struct iommuctl_group_info *group);
