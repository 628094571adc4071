/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "limits.h"

/* Two NUMA nodes of 512 MiB. The device is on node 1; all 2 MiB pages are on node 0: 8 of them. */

#define MIB ((size_t)1 << 20)

/* How many of its pages are on the node, as the kernel counts them ("N0=16" in /proc/self/numa_maps). */
static uint64_t pages_on(const void *vaddr, unsigned int node)
{
        FILE *f = fopen("/proc/self/numa_maps", "re");
        char line[1024], start[32], word[16];
        uint64_t n = 0;

        snprintf(start, sizeof(start), "%lx ", (unsigned long)(uintptr_t)vaddr);
        snprintf(word, sizeof(word), " N%u=", node);
        while (f && fgets(line, sizeof(line), f)) {
                const char *at = strncmp(line, start, strlen(start)) == 0 ? strstr(line, word) : NULL;

                if (at)
                        n = strtoull(at + strlen(word), NULL, 10);
        }
        if (f)
                fclose(f);
        return n;
}

static bool lies_on(struct iommuctl_dma *dma, unsigned int node)
{
        const struct iommuctl_span span = iommuctl_dma_span(dma);
        const uint64_t here = pages_on(span.vaddr, node), there = pages_on(span.vaddr, !node);

        printf("#   %" PRIu64 " of its pages are on node %u, %" PRIu64 " on the other\n", here, node, there);
        return here == span.size / iommuctl_dma_page_size(dma) && there == 0;
}

static void alloc(struct iommuctl_container *c, const char *what, size_t size, size_t page_size,
                  const struct iommuctl_populate_options *o, unsigned int node)
{
        const struct iommuctl_dma_options huge = { .struct_size = sizeof(huge), .page_size = page_size };
        struct iommuctl_dma *dma = NULL;

        if (GIVES(what, 0, "", iommuctl_dma_alloc_populated(c, size, &huge, o, &dma)))
                CHECK(node ? "lies on node 1" : "lies on node 0", lies_on(dma, node));
        iommuctl_dma_unmap(dma);
}

void test_nodes(void)
{
        const struct iommuctl_dma_options huge = { .struct_size = sizeof(huge), .page_size = 2 * MIB };
        struct iommuctl_populate_options o = { .struct_size = sizeof(o) };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma *dma = NULL;

        alloc(c, "a buffer without a word on nodes", 32 * MIB, 0, NULL, 1);
        o.flags = IOMMUCTL_POPULATE_ON_NODE;
        alloc(c, "one on the other node", 32 * MIB, 0, &o, 0);
        o.flags = IOMMUCTL_POPULATE_STRICT;
        alloc(c, "one on the device's node or not at all", 32 * MIB, 0, &o, 1);
        GIVES("more than that node has", -ENOMEM, "of memory on NUMA node 1 and",
              iommuctl_dma_alloc_populated(c, 600 * MIB, NULL, &o, &dma));
        GIVES("hugepages that node does not have", -ENOMEM,
              "need 4 hugepages of 2048 KiB on NUMA node 1 and 0 are free there",
              iommuctl_dma_alloc_populated(c, 8 * MIB, &huge, &o, &dma));
        alloc(c, "without that, they come from the other", 8 * MIB, 2 * MIB, NULL, 0);
        o.flags |= IOMMUCTL_POPULATE_ON_NODE;
        o.numa_node = 0;
        alloc(c, "as they do when they are to", 16 * MIB, 2 * MIB, &o, 0);
        GIVES("one too many", -ENOMEM, "need 9 hugepages of 2048 KiB and 8 are free",
              iommuctl_dma_alloc_populated(c, 18 * MIB, &huge, &o, &dma));
        o.numa_node = 2;
        GIVES("a node that is not there", -EINVAL, "no NUMA node 2",
              iommuctl_dma_alloc_populated(c, MIB, NULL, &o, &dma));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
