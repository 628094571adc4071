/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uapi.h"

struct iommuctl_ctx *ctx;
enum iommuctl_backend backend;
const char *device_name, *other_name;
unsigned int n_tests, n_failed;

void result(bool ok, const char *format, ...)
{
        va_list ap;

        printf("%sok %u - %s: ", ok ? "" : "not ", ++n_tests, iommuctl_backend_name(backend));
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        printf("\n");
        if (!ok)
                n_failed++;
        fflush(stdout);
}

void note(const char *what, long r)
{
        char text[1024];

        iommuctl_ctx_error(ctx, text, sizeof(text));
        printf("# %s: %ld; last error: %s\n", what, r, text);
}

int count_fds(bool *ret_all_cloexec)
{
        int n = 0;

        *ret_all_cloexec = true;
        for (int fd = 3; fd < 1024; fd++) {
                int flags = fcntl(fd, F_GETFD);

                if (flags < 0)
                        continue;
                n++;
                if (!(flags & FD_CLOEXEC))
                        *ret_all_cloexec = false;
        }
        return n;
}

struct iommuctl_container *new_container(void)
{
        struct iommuctl_container *c = NULL;
        int r = iommuctl_container_new(ctx, backend, &c);

        if (r < 0) {
                note("container_new", r);
                exit(1);
        }
        return c;
}

struct iommuctl_device *open_device(struct iommuctl_container *c)
{
        struct iommuctl_device *d = NULL;
        int r = iommuctl_device_open(c, device_name, &d);

        if (r < 0) {
                note("device_open", r);
                exit(1);
        }
        return d;
}

void *pages(size_t n)
{
        void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? NULL : p;
}

bool kernel_has(struct iommuctl_container *c, uint64_t iova)
{
        static void *probe;
        int fd = iommuctl_container_fd(c), r;

        if (!probe)
                probe = pages(1);
        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                struct vfio_iommu_type1_dma_map map = {
                        .argsz = sizeof(map),
                        .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                        .vaddr = (uintptr_t)probe,
                        .iova = iova,
                        .size = PAGE,
                };
                struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
                                                            .iova = iova,
                                                            .size = PAGE };

                r = ioctl(fd, VFIO_IOMMU_MAP_DMA, &map);
                if (r == 0)
                        ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
        } else {
                struct uapi_iommu_ioas_map map = {
                        .size = sizeof(map),
                        .ioas_id = iommuctl_container_ioas_id(c),
                        .flags = UAPI_IOMMU_IOAS_MAP_FIXED_IOVA | UAPI_IOMMU_IOAS_MAP_READABLE,
                        .user_va = (uintptr_t)probe,
                        .iova = iova,
                        .length = PAGE,
                };
                struct uapi_iommu_ioas_unmap unmap = {
                        .size = sizeof(unmap), .ioas_id = map.ioas_id, .iova = iova, .length = PAGE
                };

                r = ioctl(fd, UAPI_IOMMU_IOAS_MAP, &map);
                if (r == 0)
                        ioctl(fd, UAPI_IOMMU_IOAS_UNMAP, &unmap);
        }
        if (r < 0 && errno != EEXIST)
                printf("# a probe at 0x%" PRIx64 ": %s\n", iova, strerror(errno));
        return r < 0 && errno == EEXIST;
}

void edu_copy(char *bar, uint64_t from, uint64_t to, uint64_t size, bool to_memory)
{
        iommuctl_mmio_write64(bar + EDU_SOURCE, from);
        iommuctl_mmio_write64(bar + EDU_TARGET, to);
        iommuctl_mmio_write64(bar + EDU_COUNT, size);
        iommuctl_mmio_write64(bar + EDU_COMMAND, to_memory ? 7 : 5);
}
