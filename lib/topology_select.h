/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The two halves of a selector's work: topology_select.c takes the selector apart and matches ids and
 * addresses, topology_class.c follows network interfaces, disks and display nodes to the device behind. */

#include "topology.h"

struct matches {
        const struct iommuctl_device_info **devices; /* ended by NULL */
        size_t n;
};

/* Adds D unless it is there. The array has room for every device of the topology. */
void matches_add(struct matches *m, const struct iommuctl_device_info *d);

/* "net", "block", "drm": the devices behind /sys/class/CLASS/NAME. 0, or a negative errno with a text. */
int select_class(struct iommuctl_topology *t, const char *class, const char *name, struct matches *m);

/* A list of names as a person writes one, "a, b and c", cut with "…" when it gets long. */
struct name_list {
        char text[256];
        char last[64];
        unsigned int n;
};
void name_list_add(struct name_list *l, const char *name);
/* The list so far, whole. */
const char *name_list_end(struct name_list *l);
