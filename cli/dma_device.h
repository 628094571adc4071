/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the dma verbs begin with: one device, chosen and opened. */

#include "cli.h"

struct dma_device {
        struct iommuctl_topology *topology;
        const struct iommuctl_device_info *info; /* lives in the topology */
        struct iommuctl_container *container;
        struct iommuctl_device *device;
};

/* --backend, the same in each of them; the ids of their own options begin behind it. */
#define DMA_OPTION_BACKEND 256
#define DMA_BACKEND_HELP   "iommufd, type1 or auto (the default): iommufd where it can be used"

/* Reads the argument of --backend. An exit_status; what is wrong has been said. */
int dma_parse_backend(struct cli *cli, const char *text, enum iommuctl_backend *ret_backend);

/* Finds the one device that SELECTOR means. Opens nothing. An exit_status. */
int dma_select(struct cli *cli, const char *selector, struct dma_device *dev);

/* Opens it in a container of its own. An exit_status. */
int dma_open(struct cli *cli, enum iommuctl_backend backend, struct dma_device *dev);

/* Reports a library call that failed while a device is opened or mapped. The kernel's EPERM and EINVAL there
 * are about the machine and not about who asks or what was typed. */
int dma_error(struct cli *cli, int r);

/* Closes what is open. */
void dma_device_done(struct dma_device *dev);

/* Room for dma_size_text(). */
#define DMA_SIZE_TEXT 32
/* "4 KiB", "1 GiB", "12345 B": the largest unit in which the size is whole. Returns TEXT. */
const char *dma_size_text(uint64_t size, char text[DMA_SIZE_TEXT]);
