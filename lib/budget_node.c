/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Buffers against one NUMA node: its huge pages, and its memory. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "budget_internal.h"

#define KIB 1024

#define NODE "sys/devices/system/node/node%u"

/* Free ones of the node. What the kernel may make beyond its pool it makes on the node that is asked for
 * (alloc_surplus_hugetlb_folio(), mm/hugetlb.c); so it may be added whole. */
static uint64_t node_hugepages(const struct budget *b, unsigned int node, uint64_t page)
{
        uint64_t overcommit = budget_hugepages(b, page, "nr_overcommit_hugepages");
        uint64_t surplus = budget_hugepages(b, page, "surplus_hugepages");
        char path[128], text[32];

        snprintf(path, sizeof(path), NODE "/hugepages/hugepages-%" PRIu64 "kB/free_hugepages", node,
                 page / KIB);
        if (sysfs_attr(&b->fs, path, text, sizeof(text)) < 0)
                return budget_left(overcommit, surplus);
        return strtoull(text, NULL, 10) + budget_left(overcommit, surplus);
}

static int check_hugepages(const struct budget *b, unsigned int node, size_t i)
{
        const uint64_t page = budget_page_size(b, i);
        struct iommuctl_shortage s = {
                .kind = IOMMUCTL_SHORTAGE_NODE_HUGEPAGES, .item = i, .other = node, .page_size = page
        };

        if (page == b->base_page || budget_seen_before(b, i))
                return 0;
        s.needed = budget_pages(b, page);
        s.available = node_hugepages(b, node, page);
        if (s.needed <= s.available)
                return 0;
        return budget_short(b, s,
                            ctx_error(b->ctx, -ENOMEM, NULL,
                                      "the buffers need %" PRIu64 " hugepages of %" PRIu64
                                      " KiB on NUMA node %u and %" PRIu64 " are free there: raise /" NODE
                                      "/hugepages/hugepages-%" PRIu64 "kB/nr_hugepages by %" PRIu64,
                                      s.needed, page / KIB, node, s.available, node, page / KIB,
                                      s.needed - s.available));
}

/* What the node has free, can drop, and can swap out. */
static int check_memory(const struct budget *b, unsigned int node)
{
        static const char *const names[] = { "MemFree", "Active(file)", "Inactive(file)", "SReclaimable" };
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_NODE_MEMORY,
                                       .item = b->n_items,
                                       .other = node,
                                       .needed = budget_bytes(b, false) };
        char path[128], name[64], text[4096] = "", meminfo[4096] = "";
        uint64_t kib = 0, value;

        snprintf(path, sizeof(path), NODE "/meminfo", node);
        if (sysfs_read(&b->fs, path, text, sizeof(text)) <= 0)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                snprintf(name, sizeof(name), "Node %u %s", node, names[i]);
                if (budget_line(text, name, 10, &value))
                        kib += value;
                else if (i == 0)
                        return 0;
        }
        sysfs_read(&b->fs, "proc/meminfo", meminfo, sizeof(meminfo));
        if (budget_line(meminfo, "SwapFree", 10, &value))
                kib += value;
        s.available = kib * KIB;
        if (s.needed <= s.available)
                return 0;
        return budget_short(b, s,
                            ctx_error(b->ctx, -ENOMEM, NULL,
                                      "the buffers need %" PRIu64
                                      " KiB of memory on NUMA node %u and %" PRIu64
                                      " KiB are available there",
                                      s.needed / KIB, node, s.available / KIB));
}

_public_ int iommuctl_budget_check_node(struct iommuctl_ctx *ctx, unsigned int node,
                                        const struct iommuctl_budget_item *items, size_t n_items,
                                        struct iommuctl_shortage *ret_shortage)
{
        struct budget b = budget_begin(ctx, items, n_items, ret_shortage);
        char path[64];
        int r = 0;

        /* a kernel without CONFIG_NUMA has no such folder, and its one node is 0 */
        snprintf(path, sizeof(path), NODE, node);
        if (!sysfs_exists(&b.fs, path)) {
                if (node == 0)
                        return 0;
                return ctx_error(ctx, -EINVAL, NULL, "there is no NUMA node %u", node);
        }
        for (size_t i = 0; r == 0 && i < n_items; i++)
                r = check_hugepages(&b, node, i);
        return r < 0 ? r : check_memory(&b, node);
}
