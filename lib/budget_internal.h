/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two halves of the budget share: budget.c looks at memory, budget_iova.c at addresses. */

#include <unistd.h>

#include "ctx.h"
#include "iommuctl/budget.h"
#include "sysfs.h"

#define BUDGET_NAME 96

struct budget {
        struct iommuctl_ctx *ctx;
        struct sysfs fs;
        const struct iommuctl_budget_item *items;
        size_t n_items;
        struct iommuctl_shortage *ret; /* or NULL */
        uint64_t base_page;
};

static inline struct budget budget_begin(struct iommuctl_ctx *ctx, const struct iommuctl_budget_item *items,
                                         size_t n_items, struct iommuctl_shortage *ret)
{
        return (struct budget){
                .ctx = ctx,
                .fs = { .k = ctx->kernel, .root_fd = ctx->root_fd, .captured = ctx->root != NULL },
                .items = items,
                .n_items = n_items,
                .ret = ret,
                .base_page = (uint64_t)sysconf(_SC_PAGESIZE),
        };
}

static inline uint64_t budget_page_size(const struct budget *b, size_t i)
{
        const struct iommuctl_dma_options *o = b->items[i].options;

        return o && o->page_size > b->base_page ? o->page_size : b->base_page;
}

/* Whether item I has a fixed IOVA, and which. */
static inline bool budget_fixed(const struct budget *b, size_t i, uint64_t *ret_iova)
{
        const struct iommuctl_dma_options *o = b->items[i].options;

        if (!o || !(o->flags & IOMMUCTL_DMA_FIXED_IOVA))
                return false;
        *ret_iova = o->iova;
        return true;
}

/* "buffer rx", or "buffer 3" where it has no name. Returns TEXT. */
const char *budget_item_name(const struct budget *b, size_t i, char text[BUDGET_NAME]);

/* Hands the shortage to the caller who wants it, and returns R. */
int budget_short(const struct budget *b, struct iommuctl_shortage shortage, int r);
