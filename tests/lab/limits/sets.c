/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../space/space.h"
#include "limits.h"

/* Many buffers as one set: the device reaches each, the kernel has as many mappings as are told, and what is
 * left of its limit is known. */

#define N ((size_t)4096)

static uint64_t left_of(struct iommuctl_container *c)
{
        uint64_t left = 0;

        return iommuctl_container_available_mappings(c, &left) ? left : UINT64_MAX;
}

/* Has the device carry 64 bytes from one buffer to another. */
static bool carries(char *bar, struct iommuctl_span from, struct iommuctl_span to)
{
        snprintf(from.vaddr, 64, "from 0x%" PRIx64 " to 0x%" PRIx64, from.iova, to.iova);
        return edu_does(bar, from.iova, 64, false) && edu_does(bar, to.iova, 64, true) &&
               memcmp(from.vaddr, to.vaddr, 64) == 0;
}

static void test_one_run(struct iommuctl_container *c, char *bar)
{
        /* the device forms addresses of 28 bits */
        const struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xfffffff };
        struct iovec *buffers = calloc(N, sizeof(*buffers));
        struct iommuctl_dma_set *set = NULL;
        uint64_t left = left_of(c);
        char *memory = pages(N);

        for (size_t i = 0; i < N; i++)
                buffers[i] = (struct iovec){ memory + i * 1021 % N * PAGE, PAGE };
        if (!GIVES("a set of 4096 pages in any order", 0, "", iommuctl_dma_set_new(c, buffers, N, &o, &set)))
                return;
        CHECK("is one mapping", iommuctl_dma_set_n_mappings(set) == 1);
        CHECK("and one less is left", left == UINT64_MAX || left_of(c) == left - 1);
        CHECK("the kernel has its first and its last page",
              kernel_has(c, iommuctl_dma_set_mapping(set, 0).iova) &&
                      kernel_has(c, iommuctl_dma_set_mapping(set, 0).iova + (N - 1) * PAGE));
        CHECK("the device reaches the first, one in the middle, the last",
              carries(bar, iommuctl_dma_set_span(set, 0), iommuctl_dma_set_span(set, 2000)) &&
                      carries(bar, iommuctl_dma_set_span(set, 2000), iommuctl_dma_set_span(set, N - 1)));
        GIVES("it goes", 0, "", iommuctl_dma_set_free(set));
        CHECK("and all is left again", left_of(c) == left);
        munmap(memory, N * PAGE);
        free(buffers);
}

/* Every second page, and one piece of addresses for the device. */
static void test_apart(struct iommuctl_container *c, char *bar)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = 0x1000000 };
        struct iommuctl_dma_set *set = NULL;
        uint64_t left = left_of(c);
        struct iovec buffers[8];
        char *memory = pages(16);

        for (size_t i = 0; i < 8; i++)
                buffers[i] = (struct iovec){ memory + 2 * (7 - i) * PAGE, PAGE };
        GIVES("8 pages apart, at fixed addresses", 0, "", iommuctl_dma_set_new(c, buffers, 8, &o, &set));
        CHECK("are 8 mappings",
              iommuctl_dma_set_n_mappings(set) == 8 && (left == UINT64_MAX || left_of(c) == left - 8));
        CHECK("the device sees one piece",
              iommuctl_dma_set_iova(set, 7) == 0x1007000 && kernel_has(c, 0x1000000) &&
                      kernel_has(c, 0x1007000) && !kernel_has(c, 0x1008000) &&
                      carries(bar, iommuctl_dma_set_span(set, 0), iommuctl_dma_set_span(set, 7)));
        GIVES("they go", 0, "", iommuctl_dma_set_free(set));
        CHECK("all of them", left_of(c) == left && !kernel_has(c, 0x1000000) && !kernel_has(c, 0x1007000));
        /* the sixth has no memory: the five before it go again */
        munmap(buffers[5].iov_base, PAGE);
        GIVES("a set with a hole", -EFAULT, "buffer 5", iommuctl_dma_set_new(c, buffers, 8, &o, &set));
        CHECK("leaves nothing", left_of(c) == left && !kernel_has(c, 0x1000000) && !kernel_has(c, 0x1004000));
        munmap(memory, 16 * PAGE);
}

/* More than the kernel allows is refused before the first; just as many are not. */
static void test_limit(struct iommuctl_container *c)
{
        uint64_t left = left_of(c);
        struct iommuctl_dma_set *set = NULL;
        struct iovec *buffers;
        char *memory, needs[96];
        size_t n;

        if (left == UINT64_MAX) {
                printf("# no limit of mappings here\n");
                return;
        }
        n = left + 1;
        memory = pages(2 * n);
        buffers = calloc(n, sizeof(*buffers));
        for (size_t i = 0; i < n; i++)
                buffers[i] = (struct iovec){ memory + 2 * i * PAGE, PAGE };
        snprintf(needs, sizeof(needs), "%zu mappings and the kernel allows %" PRIu64 " more", n, left);
        GIVES("one mapping too many", -ENOSPC, needs, iommuctl_dma_set_new(c, buffers, n, NULL, &set));
        CHECK("and none was made", left_of(c) == left);
        GIVES("as many as there may be", 0, "", iommuctl_dma_set_new(c, buffers, left, NULL, &set));
        CHECK("none is left", left_of(c) == 0);
        GIVES("they go", 0, "", iommuctl_dma_set_free(set));
        CHECK("all are left again", left_of(c) == left);
        munmap(memory, 2 * n * PAGE);
        free(buffers);
}

void test_sets(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *region;
        char *bar;

        region = edu_bar(d, &bar);
        test_one_run(c, bar);
        test_apart(c, bar);
        test_limit(c);
        iommuctl_region_free(region);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
