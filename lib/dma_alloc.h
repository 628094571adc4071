/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What those who make buffers share. */

#include "dma.h"

/* The options of a buffer that is to be made, with its page size settled, and *SIZE rounded up to it. 0, or a
 * failure with its text. */
int dma_alloc_read(struct iommuctl_container *c, const struct iommuctl_dma_options *from, size_t *size,
                   struct iommuctl_dma_options *ret_options);
