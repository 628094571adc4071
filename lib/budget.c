/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Buffers by themselves, and against the memory of this process and machine. What a device and its IOMMU
 * allow is in budget_iova.c. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "budget_internal.h"
#include "ctx.h"
#include "sysfs.h"

#define KIB 1024

const char *budget_item_name(const struct budget *b, size_t i, char text[BUDGET_NAME])
{
        if (b->items[i].name)
                snprintf(text, BUDGET_NAME, "buffer %.80s", b->items[i].name);
        else
                snprintf(text, BUDGET_NAME, "buffer %zu", i);
        return text;
}

int budget_short(const struct budget *b, struct iommuctl_shortage shortage, int r)
{
        if (b->ret)
                *b->ret = shortage;
        return r;
}

static int check_shape(const struct budget *b, size_t i)
{
        uint64_t size = b->items[i].size, page = budget_page_size(b, i), iova;
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_SIZE, .item = i, .page_size = page };
        char name[BUDGET_NAME];

        budget_item_name(b, i, name);
        if (size == 0 || size % page != 0) {
                char use[48] = "";

                s.available = size;
                s.needed = size < UINT64_MAX - page ? size + page - size % page : 0;
                if (s.needed > 0)
                        snprintf(use, sizeof(use), "; use %" PRIu64, s.needed);
                return budget_short(b, s,
                                    ctx_error(b->ctx, -EINVAL, NULL,
                                              "%s: size %" PRIu64 " is no multiple of its page size %" PRIu64
                                              "%s",
                                              name, size, page, use));
        }
        if (!budget_fixed(b, i, &iova))
                return 0;
        s.start = iova;
        if (iova % page != 0) {
                s.kind = IOMMUCTL_SHORTAGE_ALIGNMENT;
                s.needed = page;
                return budget_short(b, s,
                                    ctx_error(b->ctx, -EINVAL, NULL,
                                              "%s: iova 0x%" PRIx64
                                              " is no multiple of its page size %" PRIu64 "; 0x%" PRIx64
                                              " is",
                                              name, iova, page, iova - iova % page));
        }
        if (size - 1 > UINT64_MAX - iova) {
                s.kind = IOMMUCTL_SHORTAGE_WRAP;
                return budget_short(b, s,
                                    ctx_error(b->ctx, -EINVAL, NULL,
                                              "%s: iova 0x%" PRIx64 " and size %" PRIu64 " pass 2^64", name,
                                              iova, size));
        }
        return 0;
}

static int check_overlaps(const struct budget *b, size_t i)
{
        uint64_t a, c, a_last, c_last;
        char name[BUDGET_NAME], other[BUDGET_NAME];

        if (!budget_fixed(b, i, &a))
                return 0;
        a_last = a + b->items[i].size - 1;
        for (size_t j = 0; j < i; j++) {
                struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_OVERLAP, .item = i, .other = j };

                if (!budget_fixed(b, j, &c))
                        continue;
                c_last = c + b->items[j].size - 1;
                if (a > c_last || c > a_last)
                        continue;
                s.start = MAX(a, c);
                s.last = MIN(a_last, c_last);
                return budget_short(b, s,
                                    ctx_error(b->ctx, -EEXIST, NULL,
                                              "%s at iova 0x%" PRIx64 "-0x%" PRIx64
                                              " overlaps %s at 0x%" PRIx64 "-0x%" PRIx64,
                                              budget_item_name(b, i, name), a, a_last,
                                              budget_item_name(b, j, other), c, c_last));
        }
        return 0;
}

bool budget_line(const char *text, const char *name, unsigned int base, uint64_t *ret_value)
{
        for (const char *line = text; line; line = strchr(line, '\n')) {
                char *end;

                line += *line == '\n';
                if (!startswith(line, name) || line[strlen(name)] != ':')
                        continue;
                line += strlen(name) + 1;
                *ret_value = strtoull(line, &end, (int)base);
                return end != line;
        }
        return false;
}

uint64_t budget_bytes(const struct budget *b, bool all)
{
        uint64_t bytes = 0;

        for (size_t i = 0; i < b->n_items; i++)
                if (all || budget_page_size(b, i) == b->base_page)
                        bytes += b->items[i].size;
        return bytes;
}

uint64_t budget_pages(const struct budget *b, uint64_t page)
{
        uint64_t n = 0;

        for (size_t i = 0; i < b->n_items; i++)
                if (budget_page_size(b, i) == page)
                        n += b->items[i].size / page;
        return n;
}

bool budget_seen_before(const struct budget *b, size_t i)
{
        for (size_t j = 0; j < i; j++)
                if (budget_page_size(b, j) == budget_page_size(b, i))
                        return true;
        return false;
}

uint64_t budget_hugepages(const struct budget *b, uint64_t page, const char *what)
{
        char path[128], text[32];

        snprintf(path, sizeof(path), "sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/%s", page / KIB, what);
        return sysfs_attr(&b->fs, path, text, sizeof(text)) < 0 ? 0 : strtoull(text, NULL, 10);
}

/* Pages that a new memfd can have: free and not promised to a mapping already, and what the kernel may make
 * beyond its pool (Documentation/admin-guide/mm/hugetlbpage.rst). */
static uint64_t hugepages_available(const struct budget *b, uint64_t page)
{
        uint64_t free_pages = budget_hugepages(b, page, "free_hugepages");
        uint64_t reserved = budget_hugepages(b, page, "resv_hugepages");
        uint64_t overcommit = budget_hugepages(b, page, "nr_overcommit_hugepages");
        uint64_t surplus = budget_hugepages(b, page, "surplus_hugepages");

        return budget_left(free_pages, reserved) + budget_left(overcommit, surplus);
}

/* Item I, the first of its page size: enough pages for it and the later ones? */
static int check_hugepages(const struct budget *b, size_t i)
{
        uint64_t page = budget_page_size(b, i);
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_HUGEPAGES, .item = i, .page_size = page };

        if (page == b->base_page || budget_seen_before(b, i))
                return 0;
        s.needed = budget_pages(b, page);
        s.available = hugepages_available(b, page);
        if (s.needed <= s.available)
                return budget_cgroup_hugepages(b, i, page, s.needed);
        return budget_short(b, s,
                            ctx_error(b->ctx, -ENOMEM, NULL,
                                      "the buffers need %" PRIu64 " hugepages of %" PRIu64 " KiB and %" PRIu64
                                      " are free: raise "
                                      "/sys/kernel/mm/hugepages/hugepages-%" PRIu64
                                      "kB/nr_hugepages by %" PRIu64,
                                      s.needed, page / KIB, s.available, page / KIB, s.needed - s.available));
}

/* Pinned pages cannot be swapped out, but what else is in memory can: what is available and free swap are the
 * most there can be. */
static int check_memory(const struct budget *b)
{
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_MEMORY,
                                       .item = b->n_items,
                                       .needed = budget_bytes(b, false) };
        uint64_t available_kib, swap_kib = 0;
        char meminfo[4096] = "";

        if (sysfs_read(&b->fs, "proc/meminfo", meminfo, sizeof(meminfo)) <= 0 ||
            !budget_line(meminfo, "MemAvailable", 10, &available_kib))
                return 0;
        budget_line(meminfo, "SwapFree", 10, &swap_kib);
        s.available = (available_kib + swap_kib) * KIB;
        if (s.needed <= s.available)
                return 0;
        return budget_short(b, s,
                            ctx_error(b->ctx, -ENOMEM, NULL,
                                      "the buffers need %" PRIu64 " KiB of memory and %" PRIu64
                                      " KiB are available",
                                      s.needed / KIB, s.available / KIB));
}

static int check_total(const struct budget *b, uint64_t *ret_total)
{
        uint64_t total = 0;

        for (size_t i = 0; i < b->n_items; i++)
                if (__builtin_add_overflow(total, (uint64_t)b->items[i].size, &total)) {
                        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_WRAP, .item = b->n_items };

                        return budget_short(b, s,
                                            ctx_error(b->ctx, -EINVAL, NULL,
                                                      "the sizes of the buffers together pass 2^64"));
                }
        *ret_total = total;
        return 0;
}

int budget_check(const struct budget *b, bool memlock)
{
        uint64_t total = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < b->n_items; i++)
                r = check_shape(b, i);
        for (size_t i = 0; r == 0 && i < b->n_items; i++)
                r = check_overlaps(b, i);
        if (r == 0)
                r = check_total(b, &total);
        for (size_t i = 0; r == 0 && i < b->n_items; i++)
                r = check_hugepages(b, i);
        if (r == 0 && memlock)
                r = budget_memlock(b, total, NULL);
        if (r == 0)
                r = check_memory(b);
        return r < 0 ? r : budget_cgroup_memory(b);
}

_public_ int iommuctl_budget_check(struct iommuctl_ctx *ctx, const struct iommuctl_budget_item *items,
                                   size_t n_items, struct iommuctl_shortage *ret_shortage)
{
        const struct budget b = budget_begin(ctx, items, n_items, ret_shortage);

        return budget_check(&b, true);
}
