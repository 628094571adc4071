/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What only `show` tells of a device: attributes of its own that no topology holds. */

#include "cli.h"

#define DETAILS_BARS 7 /* six BARs and the expansion ROM */

struct bar {
        uint64_t start, end;
        uint64_t flags; /* IORESOURCE_*, include/linux/ioport.h of the kernel; 0: not there */
};

struct details {
        bool bars_known;
        struct bar bars[DETAILS_BARS];
        /* Empty where the device has no such attribute or it could not be read. */
        char reset_methods[128]; /* "flr bus" */
        char power_state[16];    /* "D0" */
        char link_speed[64], link_width[16];
        char max_link_speed[64], max_link_width[16];
        char boot_vga[8];
        char vfs[16], max_vfs[16];
        char physical_function[64];
};

void details_read(struct iommuctl_topology *topology, const struct iommuctl_device_info *device,
                  struct details *ret);
/* "memory32", "memory64", "io". */
const char *bar_kind(const struct bar *bar);
bool bar_prefetchable(const struct bar *bar);

void details_json(struct sink *out, const struct details *details);
/* Rows of a table of two columns. */
void details_rows(struct sink *out, const struct details *details);
