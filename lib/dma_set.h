/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Buffers that are to be mapped as a set: dma_set_runs.c finds which of them touch, dma_set.c maps. */

#include "container.h"
#include "iommuctl/dma_set.h"

/* Buffers that touch, and their mapping. */
struct dma_set_run {
        uintptr_t start;
        size_t size;
        size_t first; /* a buffer of it, for texts */
        struct iommuctl_dma *dma;
};

/* A buffer while its neighbours are looked for. */
struct dma_set_piece {
        uintptr_t start;
        uintptr_t last; /* inside */
        size_t index;
};

struct dma_set_request {
        struct iommuctl_container *c;
        const struct iovec *buffers;
        size_t n;
        struct iommuctl_dma_options o; /* without our own flags */
        bool round_out;
        struct dma_set_piece *pieces;
};

/* Reads and checks the buffers, and joins those that touch: by address, or in the order of the array with a
 * fixed IOVA. PIECES are then in that order, too. RUNS has room for N; *RET_N_RUNS is how many there are. 0,
 * or a failure with its text. */
int dma_set_find_runs(struct dma_set_request *q, struct dma_set_run *runs, size_t *ret_n_runs);
