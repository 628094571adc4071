/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A buffer that begins somewhere inside huge pages, for tests/lab/t/large-pages-*.sh to look at in the
 * IOMMU's table. Uses the public headers alone.
 *
 *         pages_check BACKEND DEVICE PAGE-SIZE PAGES HEAD TAIL [IOVA|file]
 *
 * Takes PAGES huge pages of PAGE-SIZE and maps all but the first HEAD and the last TAIL bytes of them, by
 * their address or by their file. Prints the IOVA, the size, and where it begins in a page of 1 GiB in memory
 * or in the file, and holds it until standard input ends. */

#include <errno.h>
#include <inttypes.h>
#include <iommuctl.h>
#include <linux/memfd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct iommuctl_ctx *ctx;

/* A file's window is the library's, and goes with the buffer. */
static bool file_is_mapped(void)
{
        FILE *maps = fopen("/proc/self/maps", "re");
        bool found = false;
        char line[4096];

        while (maps && fgets(line, sizeof(line), maps))
                found |= strstr(line, "memfd:pages") != NULL;
        return !maps || fclose(maps) != 0 || found;
}

static void or_die(int r, const char *what)
{
        char text[1024] = "";

        if (r >= 0)
                return;
        if (ctx)
                iommuctl_ctx_error(ctx, text, sizeof(text));
        fprintf(stderr, "pages_check: %s: %s %s\n", what, strerror(-r), text);
        exit(1);
}

int main(int argc, char **argv)
{
        struct iommuctl_dma_options options = { .struct_size = sizeof(options) };
        uint64_t page, head, size, total;
        struct iommuctl_container *c;
        struct iommuctl_device *device;
        struct iommuctl_span span;
        struct iommuctl_dma *dma;
        char *memory, byte;
        bool by_file;
        int fd, r;

        if (argc < 7 || argc > 8) {
                fprintf(stderr, "usage: pages_check BACKEND DEVICE PAGE-SIZE PAGES HEAD TAIL [IOVA|file]\n");
                return 2;
        }
        by_file = argc == 8 && strcmp(argv[7], "file") == 0;
        if (argc == 8 && !by_file) {
                options.flags = IOMMUCTL_DMA_FIXED_IOVA;
                options.iova = strtoull(argv[7], NULL, 0);
        }
        page = strtoull(argv[3], NULL, 0);
        total = page * strtoull(argv[4], NULL, 0);
        head = strtoull(argv[5], NULL, 0);
        size = total - head - strtoull(argv[6], NULL, 0);
        fd = memfd_create("pages",
                          MFD_CLOEXEC | MFD_HUGETLB | (unsigned int)__builtin_ctzll(page) << MFD_HUGE_SHIFT);
        if (fd < 0 || ftruncate(fd, (off_t)total) < 0) {
                perror("pages_check: memfd");
                return 1;
        }
        memory = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED) {
                perror("pages_check: mmap");
                return 1;
        }
        or_die(iommuctl_ctx_new(&ctx), "ctx_new");
        or_die(iommuctl_container_new(
                       ctx, strcmp(argv[1], "type1") == 0 ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD,
                       &c),
               "container_new");
        or_die(iommuctl_device_open(c, argv[2], &device), "device_open");
        r = by_file ? iommuctl_dma_map_file(c, fd, head, size, &options, &dma)
                    : iommuctl_dma_map(c, memory + head, size, &options, &dma);
        or_die(r, "dma_map");
        span = iommuctl_dma_span(dma);
        printf("0x%" PRIx64 " 0x%zx 0x%" PRIx64 "\n", span.iova, span.size,
               (by_file ? head : (uint64_t)(uintptr_t)span.vaddr) % ((uint64_t)1 << 30));
        fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) > 0)
                ;
        or_die(iommuctl_dma_unmap(dma), "dma_unmap");
        munmap(memory, total);
        or_die(file_is_mapped() ? -EBUSY : 0, "the file is still mapped");
        iommuctl_device_unref(device);
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        return 0;
}
