/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The buffers of one call: as asked for, as the library takes them, and mapped. */

#include "buffer_spec.h"
#include "cli.h"
#include "dma_device.h"

struct dma_buffer {
        struct buffer_spec spec;
        struct iommuctl_dma_options options; /* name points into spec */
        struct iommuctl_dma *dma;
};

struct dma_buffers {
        struct dma_buffer *all; /* in the order asked for */
        size_t n;
};

/* Takes one --buffer. An exit_status; what is wrong has been said. */
int dma_buffers_add(struct cli *cli, struct dma_buffers *buffers, const char *text);

/* Whether they can be had: by themselves and of this machine (DEV is NULL), of the device that was chosen,
 * and of the container once it is open. An exit_status. */
int dma_buffers_check(struct cli *cli, struct dma_buffers *buffers, const struct dma_device *dev);

/* Allocates and maps all or none. An exit_status. */
int dma_buffers_map(struct cli *cli, struct dma_buffers *buffers, struct iommuctl_container *container);

/* Writes them to a sink: the contract's document, and a table. */
void dma_buffers_put(const struct dma_buffers *buffers, const struct dma_device *dev, struct sink *out);

/* Unmaps and frees. 0, or the first negative errno. */
int dma_buffers_done(struct dma_buffers *buffers);
