/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What 4096 adjacent buffers of 4 KiB cost to map and unmap as a set, beside a call for each of them by hand:
 * calls to the kernel, which are counted, and time. The pages are there before and stay.
 *
 *         bench-coalesce type1|iommufd DEVICE
 *
 * DEVICE is bound to vfio-pci. With the library's inside, whose table of system calls counts. */

#include <errno.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "bench.h"
#include "ctx.h"
#include "kernel.h"
#include "uapi.h"

#define PAGE  ((size_t)4096)
#define N     ((size_t)4096)
#define TURNS 15
/* By hand at an address where the library, which begins with the lowest, puts nothing. */
#define BY_HAND_IOVA 0x40000000

static size_t n_ioctls;

static int count_ioctl(struct kernel *k, int fd, unsigned long request, void *arg)
{
        (void)k;
        n_ioctls++;
        return kernel_real.ops->ioctl(&kernel_real, fd, request, arg);
}

struct setting {
        struct iommuctl_container *container;
        struct iovec buffers[4096];
        char *memory;
        int fd;
        uint32_t ioas_id;
};

static void or_die(int r, const char *what)
{
        if (r >= 0)
                return;
        fprintf(stderr, "bench-coalesce: %s: %s\n", what, strerror(r == -1 ? errno : -r));
        exit(1);
}

static void by_set(void *arg, size_t n)
{
        struct setting *s = arg;
        struct iommuctl_dma_set *set;

        for (size_t i = 0; i < n; i++) {
                or_die(iommuctl_dma_set_new(s->container, s->buffers, N, NULL, &set), "iommuctl_dma_set_new");
                or_die(iommuctl_dma_set_free(set), "iommuctl_dma_set_free");
        }
}

static void type1_by_hand(void *arg, size_t n)
{
        struct setting *s = arg;

        for (size_t i = 0; i < n * N; i++) {
                struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
                                                        .flags = VFIO_DMA_MAP_FLAG_READ |
                                                                 VFIO_DMA_MAP_FLAG_WRITE,
                                                        .vaddr = (uintptr_t)(s->memory + i % N * PAGE),
                                                        .iova = BY_HAND_IOVA + i % N * PAGE,
                                                        .size = PAGE };

                or_die(ioctl(s->fd, VFIO_IOMMU_MAP_DMA, &map), "VFIO_IOMMU_MAP_DMA");
        }
        for (size_t i = 0; i < n * N; i++) {
                struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
                                                            .iova = BY_HAND_IOVA + i % N * PAGE,
                                                            .size = PAGE };

                or_die(ioctl(s->fd, VFIO_IOMMU_UNMAP_DMA, &unmap), "VFIO_IOMMU_UNMAP_DMA");
        }
}

static void iommufd_by_hand(void *arg, size_t n)
{
        struct setting *s = arg;

        for (size_t i = 0; i < n * N; i++) {
                struct uapi_iommu_ioas_map map = { .size = sizeof(map),
                                                   .ioas_id = s->ioas_id,
                                                   .flags = UAPI_IOMMU_IOAS_MAP_FIXED_IOVA |
                                                            UAPI_IOMMU_IOAS_MAP_READABLE |
                                                            UAPI_IOMMU_IOAS_MAP_WRITEABLE,
                                                   .user_va = (uintptr_t)(s->memory + i % N * PAGE),
                                                   .iova = BY_HAND_IOVA + i % N * PAGE,
                                                   .length = PAGE };

                or_die(ioctl(s->fd, UAPI_IOMMU_IOAS_MAP, &map), "IOMMU_IOAS_MAP");
        }
        for (size_t i = 0; i < n * N; i++) {
                struct uapi_iommu_ioas_unmap unmap = { .size = sizeof(unmap),
                                                       .ioas_id = s->ioas_id,
                                                       .iova = BY_HAND_IOVA + i % N * PAGE,
                                                       .length = PAGE };

                or_die(ioctl(s->fd, UAPI_IOMMU_IOAS_UNMAP, &unmap), "IOMMU_IOAS_UNMAP");
        }
}

/* A container of that backend with the device in it, over KERNEL's calls. */
static struct iommuctl_device *open_device(struct kernel *kernel, const char *backend, const char *name,
                                           struct setting *s)
{
        struct iommuctl_device *device;
        struct iommuctl_ctx *ctx;

        or_die(ctx_new_with_kernel(kernel, NULL, &ctx), "ctx_new");
        or_die(iommuctl_container_new(
                       ctx, strcmp(backend, "type1") == 0 ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD,
                       &s->container),
               "iommuctl_container_new");
        or_die(iommuctl_device_open(s->container, name, &device), "iommuctl_device_open");
        s->fd = iommuctl_container_fd(s->container);
        s->ioas_id = iommuctl_container_ioas_id(s->container);
        iommuctl_ctx_unref(ctx);
        return device;
}

/* In any order but that of the addresses. */
static void make_buffers(struct setting *s)
{
        s->memory = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (s->memory == MAP_FAILED)
                or_die(-1, "mmap");
        memset(s->memory, 1, N * PAGE);
        for (size_t i = 0; i < N; i++)
                s->buffers[i] = (struct iovec){ s->memory + i * 1021 % N * PAGE, PAGE };
}

static void say_calls(const char *backend, size_t calls)
{
        printf("map %zu adjacent buffers of 4 KiB, %s, ioctls\t%zu\tby hand %zu\t%.0f\t>= 100\tmap and "
               "unmap; "
               "counted\n",
               N, backend, calls, 2 * N, 2.0 * N / (double)calls);
}

int main(int argc, char **argv)
{
        struct kernel_ops counting = *kernel_real.ops;
        struct kernel kernel = { .ops = &counting };
        struct iommuctl_device *device;
        static struct setting s;
        struct bench_pair pair;
        char what[128];
        size_t before;

        if (argc < 3) {
                fprintf(stderr, "usage: bench-coalesce type1|iommufd DEVICE\n");
                return 2;
        }
        make_buffers(&s);
        counting.ioctl = count_ioctl;
        device = open_device(&kernel, argv[1], argv[2], &s);
        before = n_ioctls;
        by_set(&s, 1);
        say_calls(argv[1], n_ioctls - before);
        iommuctl_device_unref(device);
        iommuctl_container_unref(s.container);

        device = open_device(&kernel_real, argv[1], argv[2], &s);
        /* a speed-up: by hand stands first */
        pair = bench_turns(TURNS, 1, strcmp(argv[1], "type1") == 0 ? type1_by_hand : iommufd_by_hand, &s,
                           by_set, &s);
        snprintf(what, sizeof(what), "map %zu adjacent buffers of 4 KiB, %s", N, argv[1]);
        bench_line(what, "by hand",
                   (struct bench_pair){ .ours = pair.peer, .peer = pair.ours, .ratio = pair.ratio }, ">= 5",
                   "map and unmap, in any order; median of 15 turns; emulation");
        iommuctl_device_unref(device);
        iommuctl_container_unref(s.container);
        return 0;
}
