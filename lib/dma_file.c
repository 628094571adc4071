/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "explain.h"
#include "module.h"
#include "region.h"

/* Mapping what has a descriptor: files, dma-bufs and devices' registers. */

/* What a window on a file of huge pages takes whole: such a file is mapped and unmapped by its own pages,
 * which st_blksize tells (fs/hugetlbfs/inode.c). LEAD is how much of that lies before the window. */
static int whole_blocks(const struct iommuctl_dma *dma, size_t *ret_lead, size_t *ret_size)
{
        struct kernel *k = container_kernel(dma->container);
        struct stat st;
        size_t block;
        int r;

        r = k->ops->fstatat(k, dma->file, "", &st, AT_EMPTY_PATH);
        if (r < 0)
                return r;
        block = (size_t)st.st_blksize;
        if (block <= (size_t)getpagesize() || block & (block - 1))
                return -EINVAL;
        *ret_lead = dma->offset & (block - 1);
        *ret_size = (*ret_lead + dma->span.size + block - 1) & ~(block - 1);
        return 0;
}

int dma_window_open(struct iommuctl_dma *dma)
{
        size_t lead, size;
        void *blocks;
        int r;

        struct kernel *k = container_kernel(dma->container);
        /* Whom the devices may write for must be one who may, too. */
        const int prot = PROT_READ | (dma->access & IOMMUCTL_ACCESS_WRITE ? PROT_WRITE : 0);

        r = k->ops->mmap(k, NULL, dma->span.size, prot, MAP_SHARED, dma->file, dma->offset, &dma->window);
        if (r != -EINVAL || whole_blocks(dma, &lead, &size) < 0)
                return r;
        r = k->ops->mmap(k, NULL, size, prot, MAP_SHARED, dma->file, dma->offset - lead, &blocks);
        if (r == 0)
                dma->window = (char *)blocks + lead;
        return r;
}

void dma_window_close(const struct iommuctl_dma *dma)
{
        struct kernel *k = container_kernel(dma->container);
        size_t lead, size;
        int r;

        if (!dma->window)
                return;
        r = k->ops->munmap(k, dma->window, dma->span.size);
        if (r == -EINVAL && whole_blocks(dma, &lead, &size) == 0)
                k->ops->munmap(k, (char *)dma->window - lead, size);
}

static int explain_dmabuf(const struct iommuctl_dma *dma, int r)
{
        struct iommuctl_ctx *ctx = dma->container->ctx;
        char release[80];

        switch (r) {
        case -ENOTTY:
                if (module_kernel_release(ctx->kernel, ctx->root_fd, release) < 0)
                        snprintf(release, sizeof(release), "?");
                return ctx_error(ctx, -EOPNOTSUPP, NULL,
                                 "iommufd maps dma-bufs from Linux 6.19 on, and this is %s", release);
        case -EOPNOTSUPP:
                return ctx_error(
                        ctx, r, NULL,
                        "iommufd maps no dma-buf of this kind: only what VFIO exported from one part "
                        "of a BAR, with VFIO_PCI_DMABUF in the kernel");
        case -ENODEV:
                return ctx_error(
                        ctx, r, NULL,
                        "the dma-buf is revoked: its device is closed, in reset, or does not decode its "
                        "memory (PCI_COMMAND_MEMORY)");
        case -EINVAL:
                return ctx_error(ctx, r, NULL,
                                 "0x%zx bytes at 0x%" PRIx64
                                 " of the descriptor are not mapped: they are not all inside it, it is no "
                                 "dma-buf, or the kernel is older than Linux 6.19",
                                 dma->span.size, dma->offset);
        case -EBADF:
                return ctx_error(ctx, r, NULL, "%d is no open descriptor", dma->file);
        default:
                return explain_map(dma->container, dma->offset, dma->span.iova, dma->span.size, r);
        }
}

static int explain_file(const struct iommuctl_dma *dma, int r)
{
        struct iommuctl_ctx *ctx = dma->container->ctx;

        switch (r) {
        case -EACCES:
        case -EPERM:
                return ctx_error(ctx, -EACCES, NULL,
                                 "the file is not open for what the devices may do with it: %s",
                                 dma->access & IOMMUCTL_ACCESS_WRITE ? "reading and writing" : "reading");
        case -ENODEV:
                return ctx_error(ctx, r, NULL, "the descriptor is of nothing that can be mapped");
        case -EFAULT:
        case -EOPNOTSUPP:
                return ctx_error(
                        ctx, -EFAULT, NULL,
                        "the file's pages cannot be pinned: it must be shared memory (memfd, tmpfs), of "
                        "huge pages, or one that devices only read");
        default:
                return explain_map(dma->container, dma->offset, dma->span.iova, dma->span.size, r);
        }
}

int dma_explain(const struct iommuctl_dma *dma, int r)
{
        if (dma->is_dmabuf)
                return explain_dmabuf(dma, r);
        if (dma->registers && r == -EFAULT)
                return ctx_error(
                        dma->container->ctx, -ENODEV, dma->registers->device->name,
                        "the registers of %s are not there: it is in reset, in D3, or does not decode its "
                        "memory (PCI_COMMAND_MEMORY)",
                        dma->registers->device->name);
        if (dma->file >= 0)
                return explain_file(dma, r);
        if (dma->by_file && r == -ENOTTY)
                return ctx_error(
                        dma->container->ctx, -EOPNOTSUPP, NULL,
                        "this kernel's iommufd maps no files, as IOMMUCTL_DMA_BY_FILE asks for: Linux "
                        "6.13 does");
        return explain_map(dma->container, (uint64_t)(uintptr_t)(dma->span.vaddr ?: dma->window),
                           dma->span.iova, dma->span.size, r);
}

static int check_offset(struct iommuctl_container *c, uint64_t offset, size_t size)
{
        const uint64_t page = (uint64_t)getpagesize();
        uint64_t end;

        if (size == 0 || (offset | size) & (page - 1))
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "0x%zx bytes at 0x%" PRIx64 " of the file are not whole pages of 0x%" PRIx64,
                                 size, offset, page);
        if (__builtin_add_overflow(offset, size, &end) || end > INT64_MAX)
                return ctx_error(c->ctx, -EOVERFLOW, NULL,
                                 "0x%zx bytes at 0x%" PRIx64 " end past the end of any file", size, offset);
        return 0;
}

/* Memory behind a file's end would be there for nobody, and to touch it would be fatal here. */
static int check_end(struct iommuctl_container *c, int fd, uint64_t end)
{
        struct kernel *k = container_kernel(c);
        struct stat st;
        int r;

        r = k->ops->fstatat(k, fd, "", &st, AT_EMPTY_PATH);
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "the file cannot be looked at: %s", strerror(-r));
        if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size >= end)
                return 0;
        return ctx_error(c->ctx, -ERANGE, NULL, "the file ends at 0x%llx, before 0x%" PRIx64,
                         (unsigned long long)st.st_size, end);
}

/* A descriptor of our own, so that the caller may close his. */
static int map_descriptor(struct iommuctl_container *c, int fd, struct dma_memory *memory,
                          const struct iommuctl_dma_options *o, struct iommuctl_dma **ret_dma)
{
        struct kernel *k = container_kernel(c);
        int r;

        memory->file = k->ops->dup(k, fd);
        if (memory->file < 0)
                return ctx_error(c->ctx, memory->file, NULL, "descriptor %d cannot be kept: %s", fd,
                                 strerror(-memory->file));
        r = dma_map_memory(c, memory, o, NULL, ret_dma);
        if (r < 0)
                k->ops->close(k, memory->file);
        return r;
}

_public_ int iommuctl_dma_map_file(struct iommuctl_container *c, int fd, uint64_t offset, size_t size,
                                   const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma)
{
        struct dma_memory memory = DMA_MEMORY(.size = size, .offset = offset);
        struct iommuctl_dma_options o;
        int r;

        r = dma_options_read_for_present(c, options, &o);
        if (r >= 0)
                r = check_offset(c, offset, size);
        if (r >= 0)
                r = check_end(c, fd, offset + size);
        if (r < 0)
                return r;
        return map_descriptor(c, fd, &memory, &o, ret_dma);
}

static bool is_type1(const struct iommuctl_container *c)
{
        return iommuctl_container_backend(c) == IOMMUCTL_BACKEND_TYPE1;
}

_public_ int iommuctl_dma_map_dmabuf(struct iommuctl_container *c, int fd, uint64_t offset, size_t size,
                                     const struct iommuctl_dma_options *options,
                                     struct iommuctl_dma **ret_dma)
{
        struct dma_memory memory = DMA_MEMORY(.size = size, .offset = offset, .is_dmabuf = true);
        struct iommuctl_dma_options o;
        int r;

        r = dma_options_read_for_present(c, options, &o);
        if (r >= 0)
                r = check_offset(c, offset, size);
        if (r < 0)
                return r;
        if (is_type1(c))
                return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                                 "type1 maps no dma-bufs: iommufd does, from Linux 6.19 on");
        return map_descriptor(c, fd, &memory, &o, ret_dma);
}

/* By address, which type1 takes: it finds the registers behind a mapping of them (follow_fault_pfn,
 * drivers/vfio/vfio_iommu_type1.c). */
static int map_registers_by_address(struct iommuctl_container *c, struct dma_memory *memory,
                                    const struct iommuctl_dma_options *o, struct iommuctl_dma **ret_dma)
{
        int r;

        r = iommuctl_region_map(memory->registers, memory->offset, memory->size, &memory->window);
        if (r < 0)
                return r;
        return dma_map_memory(c, memory, o, NULL, ret_dma);
}

static int map_registers_by_dmabuf(struct iommuctl_container *c, struct dma_memory *memory,
                                   const struct iommuctl_dma_options *o, struct iommuctl_dma **ret_dma)
{
        struct kernel *k = container_kernel(c);
        int r;

        r = iommuctl_region_dmabuf(memory->registers, memory->offset, memory->size, &memory->file);
        if (r < 0)
                return r;
        memory->is_dmabuf = true;
        memory->offset = 0;
        r = dma_map_memory(c, memory, o, NULL, ret_dma);
        if (r < 0)
                k->ops->close(k, memory->file);
        return r;
}

/* Over a region of its own, which the caller's may go before, and which is emptied when the device is let go
 * of. */
static int map_registers(struct iommuctl_container *c, const struct iommuctl_region *region,
                         struct dma_memory *memory, const struct iommuctl_dma_options *o,
                         struct iommuctl_dma **ret_dma)
{
        int r;

        r = iommuctl_region_open(region->device, region->index, &memory->registers);
        if (r < 0)
                return r;
        r = is_type1(c) ? map_registers_by_address(c, memory, o, ret_dma)
                        : map_registers_by_dmabuf(c, memory, o, ret_dma);
        if (r < 0)
                iommuctl_region_free(memory->registers);
        return r;
}

_public_ int iommuctl_dma_map_region(struct iommuctl_container *c, struct iommuctl_region *region,
                                     uint64_t offset, size_t size, const struct iommuctl_dma_options *options,
                                     struct iommuctl_dma **ret_dma)
{
        struct dma_memory memory = DMA_MEMORY(.size = size, .offset = offset);
        struct iommuctl_dma_options o;
        int r;

        r = dma_options_read_for_present(c, options, &o);
        if (r < 0)
                return r;
        if (size == 0 && offset < iommuctl_region_size(region))
                memory.size = iommuctl_region_size(region) - offset;
        r = check_offset(c, offset, memory.size);
        if (r < 0)
                return r;
        if (!container_backend(c))
                return ctx_error(c->ctx, -ENODEV, NULL,
                                 "nothing can be mapped yet: open a device in the container first");
        return map_registers(c, region, &memory, &o, ret_dma);
}
