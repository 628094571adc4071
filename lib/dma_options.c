/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma.h"

#include <errno.h>
#include <inttypes.h>

#include "options.h"

/* What a caller asks for, checked before anything is touched. */

bool dma_name_is_valid(const char *name)
{
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

        return strspn(name, allowed) == strlen(name) && strlen(name) <= DMA_NAME_MAX;
}

int dma_options_read(struct iommuctl_container *c, const struct iommuctl_dma_options *from,
                     struct iommuctl_dma_options *ret_options)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o) };
        int r;

        r = from ? options_copy(c->ctx, from, &o, sizeof(o)) : 0;
        if (r < 0)
                return r;
        if (o.access == 0)
                o.access = IOMMUCTL_ACCESS_READ | IOMMUCTL_ACCESS_WRITE;
        if (o.access & IOMMUCTL_ACCESS_EXEC)
                return ctx_error(
                        c->ctx, -EOPNOTSUPP, NULL,
                        "no kernel has a permission to execute for devices: to IOMMUs that is reading "
                        "(IOMMUCTL_ACCESS_READ)");
        if (o.access & ~(unsigned int)(IOMMUCTL_ACCESS_READ | IOMMUCTL_ACCESS_WRITE))
                return ctx_error(c->ctx, -EINVAL, NULL, "there is no access 0x%x", o.access);
        if (o.flags & ~(unsigned int)(IOMMUCTL_DMA_FIXED_IOVA | IOMMUCTL_DMA_BY_FILE))
                return ctx_error(c->ctx, -EINVAL, NULL, "there are no mapping flags 0x%x", o.flags);
        if (o.name && !dma_name_is_valid(o.name))
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "a buffer's name has at most %d of A-Z a-z 0-9 . _ and -, not \"%.80s\"",
                                 DMA_NAME_MAX, o.name);
        if (o.iova_limit == 0)
                o.iova_limit = UINT64_MAX;
        *ret_options = o;
        return 0;
}

int dma_options_read_for_present(struct iommuctl_container *c, const struct iommuctl_dma_options *from,
                                 struct iommuctl_dma_options *ret_options)
{
        struct iommuctl_dma_options o;
        int r;

        r = dma_options_read(c, from, &o);
        if (r < 0)
                return r;
        if (o.page_size != 0)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "page_size is for memory that is made: what is there has its pages already");
        if (o.flags & IOMMUCTL_DMA_BY_FILE)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "IOMMUCTL_DMA_BY_FILE is for memory that is made; a file is mapped with "
                                 "iommuctl_dma_map_file()");
        *ret_options = o;
        return 0;
}

int dma_check_shape(struct iommuctl_container *c, const struct dma_memory *memory,
                    const struct iommuctl_dma_options *o)
{
        const uint64_t page = c->page_size, vaddr = (uint64_t)(uintptr_t)memory->vaddr;
        uint64_t last;

        if (memory->size == 0)
                return ctx_error(c->ctx, -EINVAL, NULL, "0 bytes cannot be mapped");
        if ((vaddr | memory->size) & (page - 1))
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "0x%zx bytes at 0x%" PRIx64 " are not whole pages of 0x%" PRIx64,
                                 memory->size, vaddr, page);
        if (__builtin_add_overflow(vaddr, memory->size - 1, &last))
                return ctx_error(c->ctx, -EOVERFLOW, NULL,
                                 "0x%zx bytes at 0x%" PRIx64 " end past the last address and wrap around",
                                 memory->size, vaddr);
        if (!(o->flags & IOMMUCTL_DMA_FIXED_IOVA))
                return 0;
        if (o->iova & (page - 1))
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "IOVA 0x%" PRIx64 " is no multiple of the page size 0x%" PRIx64, o->iova,
                                 page);
        if (__builtin_add_overflow(o->iova, memory->size - 1, &last))
                return ctx_error(c->ctx, -EOVERFLOW, NULL,
                                 "0x%zx bytes at IOVA 0x%" PRIx64 " end past the last address, 0x%" PRIx64
                                 ", and wrap around",
                                 memory->size, o->iova, UINT64_MAX);
        if (last > o->iova_limit)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "0x%zx bytes at IOVA 0x%" PRIx64 " end above the limit 0x%" PRIx64,
                                 memory->size, o->iova, o->iova_limit);
        return 0;
}
