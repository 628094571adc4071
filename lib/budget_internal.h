/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of the budget share: budget.c looks at the memory of the machine, budget_memlock.c at what
 * may be locked, budget_cgroup.c at the control groups' limits, budget_node.c at one NUMA node, budget_iova.c
 * at addresses. */

#include <stdbool.h>
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
        bool own_only; /* what other processes have locked is not looked for: reading all of /proc takes ms */
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

/* What is left of a limit. */
static inline uint64_t budget_left(uint64_t limit, uint64_t used)
{
        return used < limit ? limit - used : 0;
}

/* Bytes of the items that ordinary pages back; all bytes, where ALL. */
uint64_t budget_bytes(const struct budget *b, bool all);

/* Huge pages of that size that the items need together; whether an item before I is of I's page size. */
uint64_t budget_pages(const struct budget *b, uint64_t page);
bool budget_seen_before(const struct budget *b, size_t i);
/* A number of the machine's pool of huge pages of that size, 0 where it is not there: "free_hugepages". */
uint64_t budget_hugepages(const struct budget *b, uint64_t page, const char *what);

/* The value of a line "Name:   123 kB" or "Name:  0000ff" of a file of such lines. */
bool budget_line(const char *text, const char *name, unsigned int base, uint64_t *ret_value);

/* As iommuctl_budget_check(); not MEMLOCK: but for what may be locked. */
int budget_check(const struct budget *b, bool memlock);

/* TOTAL bytes against what may be locked in CONTAINER; NULL: it is not known yet how they will be counted,
 * and no is said where both ways say it. */
int budget_memlock(const struct budget *b, uint64_t total, struct iommuctl_container *container);

/* The items against the limits of the process's control groups. */
int budget_cgroup_memory(const struct budget *b);
int budget_cgroup_hugepages(const struct budget *b, size_t i, uint64_t page, uint64_t n_pages);

/* Hands the shortage to the caller who wants it, and returns R. */
int budget_short(const struct budget *b, struct iommuctl_shortage shortage, int r);
