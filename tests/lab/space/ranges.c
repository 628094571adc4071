/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "space.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>

/* Unmapping many at once, and the ends of what can be mapped: what the kernel's own tests hold VFIO to
 * (tools/testing/selftests/vfio/vfio_dma_mapping_test.c). */

#define BASE ((uint64_t)0x40000000)
#define LAST (UINT64_MAX - PAGE + 1)

void test_ranges(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        char *p = pages(16);
        struct iommuctl_dma *one = map_at(c, p, PAGE, BASE);
        struct iommuctl_dma *two = map_at(c, p + PAGE, 3 * PAGE, BASE + 2 * PAGE);
        struct iommuctl_dma *three = map_at(c, p + 4 * PAGE, 4 * PAGE, BASE + 8 * PAGE), *again;
        uint64_t n = 42;

        GIVES("a part of a mapping", -EINVAL, "0x40008000-0x4000bfff",
              iommuctl_container_unmap(c, BASE + 9 * PAGE, PAGE, &n));
        GIVES("a range that ends in one", -EINVAL, "whole mappings only",
              iommuctl_container_unmap(c, BASE, 10 * PAGE, &n));
        CHECK("nothing was unmapped", n == 42 && kernel_has(c, BASE) && kernel_has(c, BASE + 2 * PAGE) &&
                                              kernel_has(c, BASE + 8 * PAGE));
        GIVES("a range over two mappings and holes", 0, "", iommuctl_container_unmap(c, BASE, 8 * PAGE, &n));
        CHECK("unmaps just their bytes", n == 4 * PAGE);
        CHECK("the kernel has neither",
              !kernel_has(c, BASE) && !kernel_has(c, BASE + 2 * PAGE) && !kernel_has(c, BASE + 4 * PAGE));
        CHECK("and the one behind it", kernel_has(c, BASE + 8 * PAGE) && kernel_has(c, BASE + 11 * PAGE));
        CHECK("the objects say so",
              !iommuctl_dma_is_mapped(one) && !iommuctl_dma_is_mapped(two) && iommuctl_dma_is_mapped(three));
        again = map_at(c, p, 4 * PAGE, BASE);
        GIVES("an object of before is freed", 0, "", iommuctl_dma_unmap(one));
        CHECK("and what is mapped there now is not", kernel_has(c, BASE) && iommuctl_dma_is_mapped(again));
        GIVES("nothing is no failure", 0, "", iommuctl_container_unmap(c, BASE + 5 * PAGE, PAGE, &n));
        CHECK("and 0 bytes", n == 0);
        GIVES("all", 0, "", iommuctl_container_unmap_all(c, &n));
        CHECK("are 8 pages", n == 8 * PAGE);
        CHECK("the kernel has nothing", !kernel_has(c, BASE) && !kernel_has(c, BASE + 8 * PAGE));
        GIVES("all of nothing", 0, "", iommuctl_container_unmap_all(c, &n));
        CHECK("is 0 bytes", n == 0);
        iommuctl_dma_unmap(two);
        iommuctl_dma_unmap(three);
        iommuctl_dma_unmap(again);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        munmap(p, 16 * PAGE);
}

static void check_page(struct iommuctl_container *c, void *p, uint64_t iova)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = LAST };
        struct iommuctl_dma *dma = map_at(c, p, PAGE, iova), *over = NULL;
        uint64_t n = 0;

        printf("#   0x%" PRIx64 "\n", iova);
        /* The probe by hand would leave a page behind where type1 cannot unmap it. */
        CHECK("the last page is mapped", kernel_has(c, iova));
        GIVES("unmapped as a range", 0, "", iommuctl_container_unmap(c, iova, PAGE, &n));
        CHECK("with its bytes", n == PAGE && !kernel_has(c, iova));
        iommuctl_dma_unmap(dma);
        dma = map_at(c, p, PAGE, iova);
        GIVES("with all", 0, "", iommuctl_container_unmap_all(c, &n));
        CHECK("with its bytes", n == PAGE && !kernel_has(c, iova));
        iommuctl_dma_unmap(dma);
        dma = map_at(c, p, PAGE, iova);
        GIVES("by its object", 0, "", iommuctl_dma_unmap(dma));
        CHECK("and is gone", !kernel_has(c, iova));
        GIVES("a buffer past the last address", -EOVERFLOW, "0xffffffffffffffff",
              iommuctl_dma_map(c, p, 2 * PAGE, &o, &over));
        GIVES("a range past it", -EOVERFLOW, "0xffffffffffffffff",
              iommuctl_container_unmap(c, LAST, 2 * PAGE, &n));
}

/* Why type1 before 6.19 is not offered the last page of all: the kernel maps it, and never finds it again. */
static void show_the_lost_page(struct iommuctl_container *c, void *p)
{
        struct vfio_iommu_type1_dma_map map = {
                .argsz = sizeof(map),
                .flags = VFIO_DMA_MAP_FLAG_READ,
                .vaddr = (uintptr_t)p,
                .iova = LAST,
                .size = PAGE,
        };
        struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = LAST, .size = PAGE };
        int r = ioctl(iommuctl_container_fd(c), VFIO_IOMMU_MAP_DMA, &map);

        CHECK("by hand the last page of all is mapped", r == 0);
        r = ioctl(iommuctl_container_fd(c), VFIO_IOMMU_UNMAP_DMA, &unmap);
        printf("#   unmapping it: %d, 0x%llx bytes\n", r, (unsigned long long)unmap.size);
        CHECK("and this kernel does not find it to unmap it", r == 0 && unmap.size == 0);
}

static uint64_t last_of(struct iommuctl_container *c)
{
        struct iommuctl_range *ranges = NULL;
        int n = iommuctl_container_ranges(c, &ranges);
        uint64_t last = n > 0 ? ranges[n - 1].last : 0;

        free(ranges);
        return last;
}

void test_last_addresses(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = NULL;
        void *p = pages(2);

        if (backend == IOMMUCTL_BACKEND_IOMMUFD) {
                CHECK("an address space without a device goes to 2^64 - 1", last_of(c) == UINT64_MAX);
                check_page(c, p, LAST);
        }
        d = open_device(c);
        check_page(c, p, last_of(c) - PAGE + 1);
        if (last_of(c) == LAST - 1)
                show_the_lost_page(c, p);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        munmap(p, 2 * PAGE);
}
