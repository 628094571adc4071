/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <time.h>

#include "uapi.h"

/* What a map and an unmap of one page cost through the library beside the same two calls to the kernel by
 * hand, in turns, so that both meet the same machine. Says so in a comment; a figure from emulation is not
 * judged. */

#define ROUNDS 20
#define PAIRS  200

static double now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void by_hand(struct iommuctl_container *c, void *page)
{
        const int fd = iommuctl_container_fd(c);

        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
                                                        .flags = VFIO_DMA_MAP_FLAG_READ |
                                                                 VFIO_DMA_MAP_FLAG_WRITE,
                                                        .vaddr = (uintptr_t)page,
                                                        .iova = 0x10000000,
                                                        .size = PAGE };
                struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
                                                            .iova = map.iova,
                                                            .size = PAGE };

                if (ioctl(fd, VFIO_IOMMU_MAP_DMA, &map) < 0 || ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0)
                        exit(1);
        } else {
                struct uapi_iommu_ioas_map map = { .size = sizeof(map),
                                                   .ioas_id = iommuctl_container_ioas_id(c),
                                                   .flags = UAPI_IOMMU_IOAS_MAP_FIXED_IOVA |
                                                            UAPI_IOMMU_IOAS_MAP_READABLE |
                                                            UAPI_IOMMU_IOAS_MAP_WRITEABLE,
                                                   .user_va = (uintptr_t)page,
                                                   .iova = 0x10000000,
                                                   .length = PAGE };
                struct uapi_iommu_ioas_unmap unmap = {
                        .size = sizeof(unmap), .ioas_id = map.ioas_id, .iova = map.iova, .length = PAGE
                };

                if (ioctl(fd, UAPI_IOMMU_IOAS_MAP, &map) < 0 || ioctl(fd, UAPI_IOMMU_IOAS_UNMAP, &unmap) < 0)
                        exit(1);
        }
}

static void by_library(struct iommuctl_container *c, void *page)
{
        struct iommuctl_dma *dma;

        if (iommuctl_dma_map(c, page, PAGE, NULL, &dma) < 0 || iommuctl_dma_unmap(dma) < 0)
                exit(1);
}

static double time_pairs(void (*pair)(struct iommuctl_container *, void *), struct iommuctl_container *c,
                         void *page)
{
        double start = now_us();

        for (int i = 0; i < PAIRS; i++)
                pair(c, page);
        return (now_us() - start) / PAIRS;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return x < y ? -1 : x > y;
}

static void measure(struct iommuctl_container *c, const char *what)
{
        double hand[ROUNDS], library[ROUNDS];
        void *page = pages(1);

        for (int i = 0; i < ROUNDS; i++) {
                hand[i] = time_pairs(by_hand, c, page);
                library[i] = time_pairs(by_library, c, page);
        }
        qsort(hand, ROUNDS, sizeof(hand[0]), compare);
        qsort(library, ROUNDS, sizeof(library[0]), compare);
        printf("# %s, %s: map + unmap of a page: by hand %.2f us, by the library %.2f us, ratio %.2f "
               "(medians)\n",
               iommuctl_backend_name(backend), what, hand[ROUNDS / 2], library[ROUNDS / 2],
               library[ROUNDS / 2] / hand[ROUNDS / 2]);
        munmap(page, PAGE);
}

void measure_cost(void)
{
        enum { OTHERS = 4096 };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        static struct iommuctl_dma *others[OTHERS];
        char *memory = pages(OTHERS);

        measure(c, "nothing else mapped");
        for (size_t i = 0; i < OTHERS; i++)
                if (iommuctl_dma_map(c, memory + i * PAGE, PAGE, NULL, &others[i]) < 0)
                        exit(1);
        measure(c, "4096 pages mapped one by one");
        for (size_t i = 0; i < OTHERS; i++)
                iommuctl_dma_unmap(others[i]);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
