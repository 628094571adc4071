/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma.h"

#include <errno.h>

/* What a mapped buffer tells about itself. */

_public_ struct iommuctl_span iommuctl_dma_span(const struct iommuctl_dma *dma)
{
        return dma->span;
}

_public_ bool iommuctl_dma_is_mapped(const struct iommuctl_dma *dma)
{
        return dma_entry_is_mapped(&dma->entry);
}

_public_ int iommuctl_dma_fd(const struct iommuctl_dma *dma)
{
        return dma->fd;
}

_public_ size_t iommuctl_dma_page_size(const struct iommuctl_dma *dma)
{
        return dma->page_size;
}

_public_ unsigned int iommuctl_dma_access(const struct iommuctl_dma *dma)
{
        return dma->access;
}

_public_ const char *iommuctl_dma_name(const struct iommuctl_dma *dma)
{
        return dma->name;
}

_public_ struct iommuctl_container *iommuctl_dma_container(const struct iommuctl_dma *dma)
{
        return dma->container;
}

/* Not in line, so that the common case below needs no stack. */
static __attribute__((noinline)) ssize_t translate(struct iommuctl_container *c, const void *vaddr,
                                                   uint64_t *ret_iova)
{
        int64_t size;

        if (vaddr_table_peek_page(&c->map.table, (uint64_t)(uintptr_t)vaddr, ret_iova, &size))
                return size;
        return vaddr_table_find(&c->map.table, (uint64_t)(uintptr_t)vaddr, ret_iova);
}

_public_ ssize_t iommuctl_translate(struct iommuctl_container *c, const void *vaddr, uint64_t *ret_iova)
{
        int64_t size;

        if (vaddr_table_peek(&c->map.table, (uint64_t)(uintptr_t)vaddr, ret_iova, &size))
                return size;
        return translate(c, vaddr, ret_iova);
}
