/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cards as programs have them: opened by their address, or as they were handed over, with memory to share. */

#include "e1000e.h"

struct ports {
        struct iommuctl_ctx *ctx;
        struct iommuctl_container *container;
        struct iommuctl_adopted *adopted;
        struct iommuctl_device *devices[2];
        struct iommuctl_dma *dma; /* the adopted one's, where there is one */
        struct buffers buffers;
        struct e1000e *cards[2];
        unsigned int n;
        char error[512];
};

/* @addresses: @n of them, at most 2; 0: the one that was handed over. On failure @ports->error says why, and
 * ports_close() is still to be called. */
int ports_open(struct ports *ports, const char *const *addresses, unsigned int n,
               enum iommuctl_backend backend, const struct e1000e_options *options);
int ports_start(struct ports *ports);

/* Stops all cards first, so that none of them reaches memory that is given back. */
void ports_close(struct ports *ports);
