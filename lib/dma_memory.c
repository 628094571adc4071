/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma_alloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sysfs.h"

/* <linux/memfd.h>: the page size's logarithm above these flags (Linux 4.14). */
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

/* The names in /sys/kernel/mm/hugepages, as far as TEXT goes: "2048 KiB, 1048576 KiB". */
static void list_page_sizes(const struct sysfs *s, char *text, size_t size)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *name;
        size_t at = 0;
        int r;

        snprintf(text, size, "none");
        r = sysfs_dir_open(&dir, s, "sys/kernel/mm/hugepages");
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0 && at + 32 < size)
                if (startswith(name, "hugepages-"))
                        at += (size_t)snprintf(text + at, size - at, "%s%lu KiB", at ? ", " : "",
                                               strtoul(name + strlen("hugepages-"), NULL, 10));
}

static uint64_t hugepage_count(const struct sysfs *s, size_t page_size, const char *which)
{
        char path[128], value[32];

        snprintf(path, sizeof(path), "sys/kernel/mm/hugepages/hugepages-%zukB/%s", page_size >> 10, which);
        return sysfs_attr(s, path, value, sizeof(value)) > 0 ? strtoull(value, NULL, 10) : 0;
}

static int explain_memory(struct iommuctl_container *c, size_t size, size_t page_size, int r)
{
        struct sysfs s = { c->ctx->kernel, c->ctx->root_fd, c->ctx->root != NULL };
        uint64_t free_pages, reserved;
        char sizes[128];

        if (page_size == (size_t)getpagesize() || (r != -ENOMEM && r != -EINVAL && r != -ENODEV))
                return ctx_error(c->ctx, r, NULL, "0x%zx bytes of memory cannot be made: %s", size,
                                 strerror(-r));
        if (r != -ENOMEM) {
                list_page_sizes(&s, sizes, sizeof(sizes));
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "this machine has no pages of %zu KiB; of huge ones it has: %s",
                                 page_size >> 10, sizes);
        }
        free_pages = hugepage_count(&s, page_size, "free_hugepages");
        reserved = hugepage_count(&s, page_size, "resv_hugepages");
        return ctx_error(c->ctx, r, NULL,
                         "%zu pages of %zu KiB are needed and %" PRIu64
                         " are free (reserve more in /sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages)",
                         size / page_size, page_size >> 10, free_pages > reserved ? free_pages - reserved : 0,
                         page_size >> 10);
}

int dma_memory_new(struct iommuctl_container *c, size_t size, size_t page_size, const char *name,
                   struct dma_memory *ret_memory)
{
        struct kernel *k = container_kernel(c);
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, -1);
        unsigned int flags = 0;
        void *map;
        int r;

        if (page_size != (size_t)getpagesize())
                flags = MFD_HUGETLB | (unsigned int)__builtin_ctzl(page_size) << MFD_HUGE_SHIFT;
        fd.fd = k->ops->memfd_create(k, name && name[0] ? name : "iommuctl", flags);
        if (fd.fd < 0)
                return explain_memory(c, size, page_size, fd.fd);
        r = k->ops->ftruncate(k, fd.fd, size);
        if (r >= 0)
                r = k->ops->mmap(k, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.fd, 0, &map);
        if (r < 0)
                return explain_memory(c, size, page_size, r);
        *ret_memory = DMA_MEMORY(.vaddr = map, .size = size);
        ret_memory->page_size = page_size;
        ret_memory->fd = scoped_fd_take(&fd);
        return 0;
}

void dma_memory_free(struct kernel *k, const struct dma_memory *memory)
{
        k->ops->munmap(k, memory->vaddr, memory->size);
        k->ops->close(k, memory->fd);
}

int dma_alloc_read(struct iommuctl_container *c, const struct iommuctl_dma_options *from, size_t *size,
                   struct iommuctl_dma_options *ret_options)
{
        struct iommuctl_dma_options o;
        int r;

        r = dma_options_read(c, from, &o);
        if (r < 0)
                return r;
        o.page_size = o.page_size ?: (size_t)getpagesize();
        if (o.page_size < (size_t)getpagesize() || o.page_size & (o.page_size - 1))
                return ctx_error(c->ctx, -EINVAL, NULL, "there are no pages of %zu bytes", o.page_size);
        if (*size == 0 || *size > SIZE_MAX / 2 || *size > SIZE_MAX - (o.page_size - 1))
                return ctx_error(c->ctx, -EINVAL, NULL, "a buffer of %zu bytes cannot be", *size);
        *size = (*size + o.page_size - 1) & ~(o.page_size - 1);
        *ret_options = o;
        return 0;
}

_public_ int iommuctl_dma_alloc(struct iommuctl_container *c, size_t size,
                                const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma)
{
        struct iommuctl_dma_options o;
        struct dma_memory memory;
        int r;

        r = dma_alloc_read(c, options, &size, &o);
        if (r >= 0)
                r = dma_memory_new(c, size, o.page_size, o.name, &memory);
        if (r < 0)
                return r;
        memory.by_file = o.flags & IOMMUCTL_DMA_BY_FILE;
        r = dma_map_memory(c, &memory, &o, NULL, ret_dma);
        if (r < 0)
                dma_memory_free(container_kernel(c), &memory);
        return r;
}
