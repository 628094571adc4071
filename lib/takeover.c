/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/takeover.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "dma.h"
#include "explain_process.h"
#include "takeover_calls.h"

static int explain_iommufd(struct iommuctl_container *c, int r)
{
        char memory[200];

        switch (r) {
        case -ENOTTY:
                return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                                 "this kernel's iommufd leaves mappings to the process that made them: Linux "
                                 "6.13 can hand them on");
        case -EINVAL:
                return ctx_error(
                        c->ctx, r, NULL,
                        "something in the iommufd is mapped by its address, and stays this process's: "
                        "map files, or with IOMMUCTL_DMA_BY_FILE");
        case -ENOMEM:
                describe_locked_memory(c->ctx, memory, sizeof(memory));
                return ctx_error(c->ctx, r, NULL, "the mappings cannot be taken over for want of memory: %s",
                                 memory);
        default:
                return ctx_error(c->ctx, r, NULL, "the mappings cannot be taken over: %s", strerror(-r));
        }
}

/* The first mapping of the container at or above AT, once nobody is at the kernel with it; NULL. */
static struct iommuctl_dma *next_dma(struct iommuctl_container *c, uint64_t at)
{
        const struct iova_extent *extent;
        struct iommuctl_dma *dma = NULL;

        pthread_mutex_lock(&c->lock);
        while ((extent = iova_space_overlap(&c->map.space, at, UINT64_MAX))) {
                struct iommuctl_dma *there = dma_of_extent(extent);

                if (!dma_entry_is_busy(&there->entry)) {
                        dma = there;
                        break;
                }
                if (dma_entry_ask(&there->entry))
                        pthread_cond_wait(&c->settled, &c->lock);
        }
        pthread_mutex_unlock(&c->lock);
        return dma;
}

static bool step(const struct iommuctl_dma *dma, uint64_t *at)
{
        return !__builtin_add_overflow(dma->span.iova, dma->span.size, at);
}

static int let_go_type1(struct iommuctl_container *c)
{
        struct kernel *k = container_kernel(c);
        struct iommuctl_dma *dma;
        uint64_t at = 0;
        int r;

        r = type1_can_let_go(k, c->space.fd);
        if (r <= 0)
                return ctx_error(
                        c->ctx, -EOPNOTSUPP, NULL,
                        "this kernel's type1 does not let go of addresses: that needs Linux 5.12, and "
                        "no mediated device in the container");
        r = type1_let_go(k, c->space.fd);
        if (r == -EBUSY)
                return ctx_error(
                        c->ctx, r, NULL,
                        "a mediated device uses the container: type1 cannot let go of its addresses");
        if (r == -EINVAL)
                return ctx_error(c->ctx, -EALREADY, NULL, "type1 has let go of a mapping's address already");
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "type1 does not let go of the addresses: %s", strerror(-r));
        for (bool more = true; more && (dma = next_dma(c, at)); more = step(dma, &at))
                dma->let_go = true;
        return 0;
}

_public_ int iommuctl_container_let_go(struct iommuctl_container *c)
{
        const struct backend *backend = container_backend(c);
        bool joined;
        int r;

        r = container_refuse_noiommu(c, "there are no mappings to let go of");
        if (r < 0)
                return r;
        pthread_mutex_lock(&c->lock);
        joined = c->joined;
        pthread_mutex_unlock(&c->lock);
        if (!backend || !joined)
                return ctx_error(c->ctx, -ENODEV, NULL,
                                 "the container has no address space yet: open a device first");
        if (backend == &backend_type1)
                return let_go_type1(c);
        /* What it already is it can be made again: the one way to ask. */
        r = iommufd_take_over(container_kernel(c), c->space.fd);
        return r < 0 ? explain_iommufd(c, r) : 0;
}

static int check_vaddr(const struct iommuctl_dma *dma, uint64_t vaddr)
{
        struct iommuctl_container *c = dma->container;
        const bool by_file = dma->by_file || dma->file >= 0;
        uint64_t last;

        if (vaddr & ((uint64_t)getpagesize() - 1) ||
            __builtin_add_overflow(vaddr, (uint64_t)dma->span.size - 1, &last))
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "0x%zx bytes at 0x%" PRIx64 " are not whole pages, or wrap around",
                                 dma->span.size, vaddr);
        if (!dma->span.vaddr)
                return ctx_error(c->ctx, -EPERM, NULL, "the mapping has no address in this process");
        if (container_backend(c) == &backend_type1 ? !dma->let_go && !dma->adopted
                                                   : !by_file && !dma->adopted)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "the kernel goes by the address of the mapping at IOVA 0x%" PRIx64
                                 ": it has not let go of it",
                                 dma->span.iova);
        return 0;
}

_public_ int iommuctl_dma_set_vaddr(struct iommuctl_dma *dma, void *vaddr)
{
        struct iommuctl_container *c = dma->container;
        const uint64_t to = (uint64_t)(uintptr_t)vaddr;
        struct dma_entry *other;
        const char *name;
        bool live;
        int r;

        r = check_vaddr(dma, to);
        if (r < 0)
                return r;
        if (!dma_acquire(dma, &live))
                return ctx_error(c->ctx, -ENOENT, NULL, "the mapping is gone: it was unmapped with others");
        pthread_mutex_lock(&c->lock);
        r = dma_map_move(&c->map, &dma->entry, to, &other);
        if (r == -EEXIST) {
                name = dma_of(other)->name;
                ctx_error(c->ctx, r, NULL,
                          "0x%zx bytes at 0x%" PRIx64 " overlap the mapping%s%s%s at IOVA 0x%" PRIx64,
                          dma->span.size, to, name[0] ? " \"" : "", name, name[0] ? "\"" : "",
                          other->iova.start);
        } else if (r < 0) {
                ctx_error(c->ctx, r, NULL, "out of memory");
        }
        pthread_mutex_unlock(&c->lock);
        if (r == 0)
                dma->span.vaddr = vaddr;
        dma_settle(dma, live);
        return r;
}

static int explain_type1(const struct iommuctl_dma *dma, int r)
{
        struct iommuctl_container *c = dma->container;
        char memory[200];

        switch (r) {
        case -EINVAL:
                return ctx_error(c->ctx, r, NULL,
                                 "type1 has not let go of the mapping%s%s%s at IOVA 0x%" PRIx64
                                 ", or has another there: iommuctl_container_let_go() comes first",
                                 dma->name[0] ? " \"" : "", dma->name, dma->name[0] ? "\"" : "",
                                 dma->span.iova);
        case -ENOMEM:
                describe_locked_memory(c->ctx, memory, sizeof(memory));
                return ctx_error(c->ctx, r, NULL,
                                 "0x%zx bytes at IOVA 0x%" PRIx64 " cannot be taken over: %s", dma->span.size,
                                 dma->span.iova, memory);
        default:
                return ctx_error(c->ctx, r, NULL,
                                 "0x%zx bytes at IOVA 0x%" PRIx64 " cannot be taken over: %s", dma->span.size,
                                 dma->span.iova, strerror(-r));
        }
}

static int take_over_one(struct iommuctl_dma *dma)
{
        struct iommuctl_container *c = dma->container;
        const void *vaddr = dma->span.vaddr ?: dma->window;
        bool live;
        int r;

        if ((!dma->let_go && !dma->adopted) || !dma_acquire(dma, &live))
                return 0;
        r = type1_take_over(container_kernel(c), c->space.fd, (uint64_t)(uintptr_t)vaddr, dma->span.iova,
                            dma->span.size);
        if (r >= 0) {
                dma->let_go = false;
                dma->adopted = false;
        }
        dma_settle(dma, live);
        return r < 0 ? explain_type1(dma, r) : 0;
}

_public_ int iommuctl_container_take_over(struct iommuctl_container *c)
{
        const struct backend *backend = container_backend(c);
        struct iommuctl_dma *dma;
        uint64_t at = 0;
        int r;

        r = container_refuse_noiommu(c, "there are no mappings to take over");
        if (r < 0)
                return r;
        if (!backend)
                return ctx_error(c->ctx, -EINVAL, NULL, "the container has nothing to take over");
        if (backend == &backend_iommufd) {
                r = iommufd_take_over(container_kernel(c), c->space.fd);
                if (r < 0)
                        return explain_iommufd(c, r);
        }
        for (bool more = true; r >= 0 && more && (dma = next_dma(c, at)); more = step(dma, &at)) {
                if (backend == &backend_type1) {
                        r = take_over_one(dma);
                        continue;
                }
                dma->by_file |= dma->adopted; /* or the kernel had refused */
                dma->adopted = false;
        }
        return r < 0 ? r : 0;
}
