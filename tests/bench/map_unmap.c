/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a map and an unmap of one page cost through the library, beside the same two calls to the kernel by
 * hand in the same container: with nothing else mapped, and with 4096 pages mapped one by one.
 *
 *         map-unmap type1|iommufd DEVICE
 *
 * DEVICE is bound to vfio-pci. The page is there before and stays, so both only pin it and let it go. */

#include <errno.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "bench.h"
#include "uapi.h"
#include "util/macro.h"

#define PAGE   ((size_t)4096)
#define OTHERS ((size_t)4096)
/* Under emulation a pair takes some 15 us. */
#define PAIRS 200
#define TURNS 101
/* By hand at an address where the library, which begins with the lowest, puts nothing. */
#define BY_HAND_IOVA 0x40000000

struct setting {
        struct iommuctl_container *container;
        enum iommuctl_backend backend;
        void *page;
};

static void or_die(int r, const char *what)
{
        if (r >= 0)
                return;
        fprintf(stderr, "map-unmap: %s: %s\n", what, strerror(-r));
        exit(1);
}

static void by_library(void *arg, size_t n)
{
        struct setting *s = arg;
        struct iommuctl_dma *dma;

        for (size_t i = 0; i < n; i++) {
                or_die(iommuctl_dma_map(s->container, s->page, PAGE, NULL, &dma), "iommuctl_dma_map");
                or_die(iommuctl_dma_unmap(dma), "iommuctl_dma_unmap");
        }
}

static void by_type1(void *arg, size_t n)
{
        struct setting *s = arg;
        const int fd = iommuctl_container_fd(s->container);

        for (size_t i = 0; i < n; i++) {
                struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
                                                        .flags = VFIO_DMA_MAP_FLAG_READ |
                                                                 VFIO_DMA_MAP_FLAG_WRITE,
                                                        .vaddr = (uintptr_t)s->page,
                                                        .iova = BY_HAND_IOVA,
                                                        .size = PAGE };
                struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
                                                            .iova = BY_HAND_IOVA,
                                                            .size = PAGE };

                or_die(ioctl(fd, VFIO_IOMMU_MAP_DMA, &map) < 0 ? -errno : 0, "VFIO_IOMMU_MAP_DMA");
                or_die(ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0 ? -errno : 0, "VFIO_IOMMU_UNMAP_DMA");
        }
}

static void by_iommufd(void *arg, size_t n)
{
        struct setting *s = arg;
        const int fd = iommuctl_container_fd(s->container);
        const uint32_t ioas = iommuctl_container_ioas_id(s->container);

        for (size_t i = 0; i < n; i++) {
                struct uapi_iommu_ioas_map map = { .size = sizeof(map),
                                                   .flags = UAPI_IOMMU_IOAS_MAP_FIXED_IOVA |
                                                            UAPI_IOMMU_IOAS_MAP_READABLE |
                                                            UAPI_IOMMU_IOAS_MAP_WRITEABLE,
                                                   .ioas_id = ioas,
                                                   .user_va = (uintptr_t)s->page,
                                                   .length = PAGE,
                                                   .iova = BY_HAND_IOVA };
                struct uapi_iommu_ioas_unmap unmap = {
                        .size = sizeof(unmap), .ioas_id = ioas, .iova = BY_HAND_IOVA, .length = PAGE
                };

                or_die(ioctl(fd, UAPI_IOMMU_IOAS_MAP, &map) < 0 ? -errno : 0, "IOMMU_IOAS_MAP");
                or_die(ioctl(fd, UAPI_IOMMU_IOAS_UNMAP, &unmap) < 0 ? -errno : 0, "IOMMU_IOAS_UNMAP");
        }
}

static void measure(struct setting *s, const char *beside)
{
        bench_function by_hand = s->backend == IOMMUCTL_BACKEND_TYPE1 ? by_type1 : by_iommufd;
        char what[128], how[128];

        snprintf(what, sizeof(what), "map + unmap of 4 KiB, %s, %s mapped", iommuctl_backend_name(s->backend),
                 beside);
        snprintf(how, sizeof(how), "median of %d turns of %d pairs, in an emulated machine", TURNS, PAIRS);
        bench_line(what, "raw ioctls", bench_turns(TURNS, PAIRS, by_library, s, by_hand, s), "<= 1.05", how);
}

static void *new_pages(size_t n)
{
        void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                       0);

        or_die(p == MAP_FAILED ? -errno : 0, "mmap");
        return p;
}

int main(int argc, char **argv)
{
        static struct iommuctl_dma *others[OTHERS];
        struct iommuctl_device *device;
        struct iommuctl_ctx *ctx;
        struct setting s;
        char *memory;

        if (argc != 3) {
                fprintf(stderr, "usage: map-unmap type1|iommufd DEVICE\n");
                return 2;
        }
        s.backend = streq(argv[1], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD;
        or_die(iommuctl_ctx_new(&ctx), "iommuctl_ctx_new");
        or_die(iommuctl_container_new(ctx, s.backend, &s.container), "iommuctl_container_new");
        or_die(iommuctl_device_open(s.container, argv[2], &device), "iommuctl_device_open");
        s.page = new_pages(1);
        measure(&s, "nothing else");
        memory = new_pages(OTHERS);
        for (size_t i = 0; i < OTHERS; i++)
                or_die(iommuctl_dma_map(s.container, memory + i * PAGE, PAGE, NULL, &others[i]),
                       "iommuctl_dma_map");
        measure(&s, "4096 pages");
        for (size_t i = 0; i < OTHERS; i++)
                iommuctl_dma_unmap(others[i]);
        iommuctl_device_unref(device);
        iommuctl_container_unref(s.container);
        iommuctl_ctx_unref(ctx);
        return 0;
}
