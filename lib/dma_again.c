/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "region.h"

/* What is mapped, once more: in another address space, or in its own after the kernel took it away. */

/* Whether both lie in one iommufd, inside of which the kernel copies. */
static bool may_copy(const struct iommuctl_container *from, const struct iommuctl_container *to)
{
        const struct backend *backend = container_backend(to);

        return backend && backend->copy && backend == container_backend(from) && from->iommufd == to->iommufd;
}

static int read_copy_options(struct iommuctl_dma *dma, struct iommuctl_container *to,
                             const struct iommuctl_dma_options *options,
                             struct iommuctl_dma_options *ret_options)
{
        bool all = !options || options->access == 0;
        int r;

        r = dma_options_read_for_present(to, options, ret_options);
        if (r < 0)
                return r;
        if (all)
                ret_options->access = dma->access;
        if (ret_options->access & ~dma->access)
                return ctx_error(to->ctx, -EPERM, NULL,
                                 "the copy of a buffer that devices may only %s cannot let them %s it",
                                 dma->access == IOMMUCTL_ACCESS_READ ? "read" : "write",
                                 dma->access == IOMMUCTL_ACCESS_READ ? "write" : "read");
        return 0;
}

static int not_mapped(const struct iommuctl_dma *dma)
{
        return ctx_error(dma->container->ctx, -ENOENT, NULL,
                         "the buffer%s%s%s of IOVA 0x%" PRIx64 " is not mapped any more",
                         dma->name[0] ? " \"" : "", dma->name, dma->name[0] ? "\"" : "", dma->span.iova);
}

static int copy_with_file(struct iommuctl_dma *dma, struct iommuctl_container *to, struct dma_memory *memory,
                          const struct iommuctl_dma_options *o, struct iommuctl_dma **ret_dma)
{
        const struct iommuctl_dma *from = may_copy(dma->container, to) ? dma : NULL;
        struct kernel *k = container_kernel(to);
        int r;

        if (dma->file >= 0) {
                memory->file = k->ops->dup(k, dma->file);
                if (memory->file < 0)
                        return ctx_error(to->ctx, memory->file, NULL, "the file cannot be kept: %s",
                                         strerror(-memory->file));
        }
        r = dma_map_memory(to, memory, o, from, ret_dma);
        if (r == -ENOENT && from)
                r = not_mapped(dma);
        if (r < 0 && memory->file >= 0)
                k->ops->close(k, memory->file);
        return r;
}

static int copy(struct iommuctl_dma *dma, struct iommuctl_container *to, const struct iommuctl_dma_options *o,
                struct iommuctl_dma **ret_dma)
{
        struct dma_memory memory = DMA_MEMORY(.vaddr = dma->span.vaddr, .size = dma->span.size,
                                              .offset = dma->offset, .is_dmabuf = dma->is_dmabuf);
        int r;

        if (dma->registers) {
                r = iommuctl_region_open(dma->registers->device, dma->registers->index, &memory.registers);
                if (r < 0)
                        return r;
        }
        r = copy_with_file(dma, to, &memory, o, ret_dma);
        if (r < 0)
                iommuctl_region_free(memory.registers);
        return r;
}

_public_ int iommuctl_dma_copy(struct iommuctl_dma *dma, struct iommuctl_container *to,
                               const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma)
{
        struct iommuctl_dma_options o;
        int r;

        r = read_copy_options(dma, to, options, &o);
        if (r < 0)
                return r;
        if (!iommuctl_dma_is_mapped(dma))
                return not_mapped(dma);
        if (!dma->span.vaddr && dma->file < 0)
                return ctx_error(to->ctx, -EOPNOTSUPP, NULL,
                                 "a device's registers are not copied on type1: map the region in the other "
                                 "container");
        if (dma->is_dmabuf && iommuctl_container_backend(to) == IOMMUCTL_BACKEND_TYPE1)
                return ctx_error(to->ctx, -EOPNOTSUPP, NULL, "type1 maps no dma-bufs");
        return copy(dma, to, &o, ret_dma);
}

/* At the same place, under the same entry of the books: nobody can come between. */
_public_ int iommuctl_dma_renew(struct iommuctl_dma *dma)
{
        struct iommuctl_container *c = dma->container;
        bool live;
        int r = 0;

        if (dma->adopted)
                return ctx_error(c->ctx, -EPERM, NULL,
                                 "the mapping \"%s\" is the process's that handed it over", dma->name);
        if (dma->registers)
                r = device_check_here(dma->registers->device);
        if (r < 0)
                return r;
        if (!dma_acquire(dma, &live))
                return not_mapped(dma);
        if (live)
                r = container_backend(c)->unmap(&c->space, dma->span.iova, dma->span.size);
        if (r < 0 && r != -ENOENT) {
                dma_settle(dma, live);
                return ctx_error(c->ctx, r, NULL, "0x%zx bytes at IOVA 0x%" PRIx64 " cannot be unmapped: %s",
                                 dma->span.size, dma->span.iova, strerror(-r));
        }
        r = dma_kernel_map(dma, NULL);
        if (r >= 0)
                dma->let_go = false; /* it has an address again */
        dma_settle(dma, r >= 0);
        return r < 0 ? dma_explain(dma, r) : 0;
}
