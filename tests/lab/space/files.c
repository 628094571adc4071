/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "space.h"

#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Mapping files, by the kernel that finds them itself and by those that need an address. */

/* How many mappings of memfds this process has. */
static unsigned int count_maps(void)
{
        FILE *f = fopen("/proc/self/maps", "re");
        unsigned int n = 0;
        char line[512];

        while (f && fgets(line, sizeof(line), f))
                n += strstr(line, "/memfd:lab") != NULL;
        if (f)
                fclose(f);
        return n;
}

static bool found_by_the_kernel(void)
{
        return backend == IOMMUCTL_BACKEND_IOMMUFD && kernel_is(6, 13);
}

static void check_file(struct iommuctl_container *c, char *bar, const char *what, size_t size,
                       unsigned int flags)
{
        const struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xfffffff };
        struct iommuctl_dma *dma = NULL;
        size_t at = size / 2;
        char *map;
        int fd = memfd(size, flags, &map);

        memcpy(map + at, "what the processor wrote", 25);
        GIVES(what, 0, "", iommuctl_dma_map_file(c, fd, at, size - at, &o, &dma));
        close(fd);
        if (!dma)
                return;
        CHECK("it has no address here",
              !iommuctl_dma_span(dma).vaddr && count_maps() == (found_by_the_kernel() ? 1 : 2));
        CHECK("the device reads it", edu_does(bar, iommuctl_dma_span(dma).iova, 64, false));
        CHECK("and writes it", edu_does(bar, iommuctl_dma_span(dma).iova + PAGE, 64, true));
        CHECK("and it is in the file", memcmp(map + at + PAGE, "what the processor wrote", 25) == 0);
        GIVES("it is renewed", 0, "", iommuctl_dma_renew(dma));
        memset(map + at + PAGE, 0, 64);
        edu_does(bar, iommuctl_dma_span(dma).iova + PAGE, 64, true);
        CHECK("and is there again", memcmp(map + at + PAGE, "what the processor wrote", 25) == 0);
        GIVES("it is unmapped", 0, "", iommuctl_dma_unmap(dma));
        CHECK("and nothing of it is left here", count_maps() == 1);
        munmap(map, size);
}

static void check_refusals(struct iommuctl_container *c)
{
        struct iommuctl_dma *dma = NULL;
        int fd, no_memory = eventfd(0, EFD_CLOEXEC), read_only;
        char *map, path[64];

        fd = memfd(2 * PAGE, 0, &map);
        GIVES("a part that ends behind the file", -ERANGE, "0x2000",
              iommuctl_dma_map_file(c, fd, PAGE, 2 * PAGE, NULL, &dma));
        GIVES("an eventfd", -ENODEV, "nothing that can be mapped",
              iommuctl_dma_map_file(c, no_memory, 0, PAGE, NULL, &dma));
        CHECK("neither is mapped", !dma);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        read_only = open(path, O_RDONLY | O_CLOEXEC);
        if (found_by_the_kernel())
                GIVES("a file that is open for reading: the kernel does not look", 0, "",
                      iommuctl_dma_map_file(c, read_only, 0, PAGE, NULL, &dma));
        else
                GIVES("a file that is open for reading", -EACCES, "reading and writing",
                      iommuctl_dma_map_file(c, read_only, 0, PAGE, NULL, &dma));
        iommuctl_dma_unmap(dma);
        close(read_only);
        close(no_memory);
        close(fd);
        munmap(map, 2 * PAGE);
}

void test_files(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *region;
        char *bar;

        region = edu_bar(d, &bar);
        check_file(c, bar, "half of a memfd", 8 * PAGE, 0);
        check_file(c, bar, "half of a memfd of huge pages", 4 << 20, MFD_HUGETLB);
        check_refusals(c);
        iommuctl_region_free(region);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

/* A dma-buf of memory, which no kernel takes: as root there is one to be made where udmabuf is. */
void test_dmabufs(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = PAGE };
        struct iommuctl_dma *dma = NULL;
        int fd, dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
        char *map;

        if (dev >= 0) {
                create.memfd = (unsigned int)memfd_create("lab", MFD_ALLOW_SEALING | MFD_CLOEXEC);
                if (ftruncate((int)create.memfd, (off_t)PAGE) < 0 ||
                    fcntl((int)create.memfd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
                        exit(1);
                fd = ioctl(dev, UDMABUF_CREATE, &create);
                CHECK("a dma-buf of memory is there", fd >= 0);
                GIVES("which is mapped by no kernel", -EOPNOTSUPP,
                      backend == IOMMUCTL_BACKEND_TYPE1 ? "type1 maps no dma-bufs"
                      : kernel_is(6, 19)                ? "what VFIO exported"
                                                        : "from Linux 6.19 on, and this is",
                      iommuctl_dma_map_dmabuf(c, fd, 0, PAGE, NULL, &dma));
                close(fd);
                close((int)create.memfd);
                close(dev);
        }
        fd = memfd(PAGE, 0, &map);
        if (backend == IOMMUCTL_BACKEND_IOMMUFD && kernel_is(6, 13))
                GIVES("a part that is not inside", -EINVAL, "not all inside it",
                      iommuctl_dma_map_dmabuf(c, fd, 0, 2 * PAGE, NULL, &dma));
        else
                GIVES("a dma-buf here", -EOPNOTSUPP, "6.19",
                      iommuctl_dma_map_dmabuf(c, fd, 0, PAGE, NULL, &dma));
        close(fd);
        munmap(map, PAGE);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
