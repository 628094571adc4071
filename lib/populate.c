/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "populate.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "budget_internal.h"
#include "device.h"
#include "dma.h"
#include "dma_alloc.h"
#include "options.h"
#include "sysfs.h"

/* One thread more for each so much memory: below, making the thread costs what it saves. */
#define BYTES_PER_THREAD ((size_t)64 << 20)
/* Clearing pages is bound by memory: more threads than this gain nothing on machines of one socket. */
#define AUTOMATIC_THREADS 8u

static int read_options(struct iommuctl_ctx *ctx, const struct iommuctl_populate_options *from,
                        struct iommuctl_populate_options *ret_options)
{
        const unsigned int known = IOMMUCTL_POPULATE_ON_NODE | IOMMUCTL_POPULATE_STRICT |
                                   IOMMUCTL_POPULATE_ANY_NODE;
        struct iommuctl_populate_options o = { .struct_size = sizeof(o) };
        int r;

        r = from ? options_copy(ctx, from, &o, sizeof(o)) : 0;
        if (r < 0)
                return r;
        if (o.flags & ~known)
                return ctx_error(ctx, -EINVAL, NULL, "there are no flags 0x%x for populating", o.flags);
        if (o.flags & IOMMUCTL_POPULATE_ANY_NODE &&
            o.flags & (IOMMUCTL_POPULATE_ON_NODE | IOMMUCTL_POPULATE_STRICT))
                return ctx_error(ctx, -EINVAL, NULL, "IOMMUCTL_POPULATE_ANY_NODE goes with no other node");
        if (o.threads > POPULATE_MAX_THREADS)
                return ctx_error(ctx, -EINVAL, NULL, "%u threads are more than %u", o.threads,
                                 POPULATE_MAX_THREADS);
        *ret_options = o;
        return 0;
}

static unsigned int automatic_threads(struct kernel *k, size_t size)
{
        const size_t shares = size / BYTES_PER_THREAD;
        const int cpus = k->ops->n_cpus(k);
        unsigned int threads = cpus < 1 ? 1 : (unsigned int)cpus;

        threads = MIN(threads, AUTOMATIC_THREADS);
        if (shares < threads)
                threads = (unsigned int)shares;
        return MAX(threads, 1u);
}

static int explain_node(struct iommuctl_ctx *ctx, unsigned int node, int r)
{
        const struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        char nodes[64];

        if (r == -EPERM)
                return ctx_error(
                        ctx, r, NULL,
                        "the memory cannot be kept on NUMA node %u: mbind(2) is not permitted, which "
                        "a container's filter of system calls (seccomp) does",
                        node);
        if (r != -EINVAL && r != -ENOSYS)
                return ctx_error(ctx, r, NULL, "the memory cannot be kept on NUMA node %u: %s", node,
                                 strerror(-r));
        if (sysfs_attr(&s, "sys/devices/system/node/has_memory", nodes, sizeof(nodes)) <= 0)
                snprintf(nodes, sizeof(nodes), "0");
        return ctx_error(ctx, -EINVAL, NULL,
                         "the memory cannot be kept on NUMA node %u: there is none with memory, or the "
                         "process's cpuset leaves it out, or a huge page would be cut; with memory are: %s",
                         node, nodes);
}

/* WANTED: the caller named the node, or will have no other; else it is a preference, and what stands in its
 * way is none. */
static int set_node(struct iommuctl_ctx *ctx, const struct populate_job *job, unsigned int node, bool strict,
                    bool wanted)
{
        int r;

        r = job->k->ops->mbind(job->k, job->start, job->size, strict ? MPOL_BIND : MPOL_PREFERRED, node);
        /* A kernel without CONFIG_NUMA has one node, and it is 0. */
        if (r >= 0 || (r == -ENOSYS && node == 0))
                return 0;
        if (wanted || strict)
                return explain_node(ctx, node, r);
        ctx_log(ctx, IOMMUCTL_LOG_DEBUG, "the memory is not kept on NUMA node %u: %s", node, strerror(-r));
        return 0;
}

static int explain_end(struct iommuctl_ctx *ctx, const struct populate_job *job,
                       const struct populate_end *end, int r)
{
        char so_far[80];

        snprintf(so_far, sizeof(so_far), "%zu of %zu MiB are populated", end->done >> 20, job->size >> 20);
        switch (r) {
        case -ECANCELED:
                return ctx_error(ctx, r, NULL, "populating was canceled: %s", so_far);
        case -ENOMEM:
                if (!end->where)
                        return ctx_error(ctx, r, NULL, "out of memory");
                return ctx_error(
                        ctx, r, NULL,
                        "the memory at %p cannot be populated: nothing is mapped in a part of it, or "
                        "the machine or the cgroup has none left; %s",
                        (void *)end->where, so_far);
        case -EFAULT:
                return ctx_error(
                        ctx, r, NULL,
                        "the memory at %p cannot be populated: huge pages (or the node's memory) ran "
                        "out, a file ends before it, or it may not be written; %s",
                        (void *)end->where, so_far);
        case -EINVAL:
                return ctx_error(ctx, r, NULL,
                                 "the memory at %p cannot be populated: it may not be written, or it is a "
                                 "device's registers; %s",
                                 (void *)end->where, so_far);
        default:
                return ctx_error(ctx, r, NULL, "the memory at %p cannot be populated: %s; %s",
                                 (void *)end->where, strerror(-r), so_far);
        }
}

/* What is wanted of memory that is there, with options that were read. */
static int populate(struct iommuctl_ctx *ctx, void *vaddr, size_t size, size_t page_size,
                    const struct iommuctl_populate_options *o)
{
        struct populate_job job = { .k = ctx->kernel,
                                    .start = vaddr,
                                    .size = size,
                                    .page_size = page_size,
                                    .threads = o->threads ?: automatic_threads(ctx->kernel, size),
                                    .progress = o->progress,
                                    .userdata = o->userdata };
        struct populate_end end;
        int r;

        r = populate_run(&job, &end);
        return r < 0 ? explain_end(ctx, &job, &end, r) : 0;
}

_public_ int iommuctl_populate(struct iommuctl_ctx *ctx, void *vaddr, size_t size,
                               const struct iommuctl_populate_options *options)
{
        const size_t page = (size_t)getpagesize();
        struct iommuctl_populate_options o;
        int r;

        r = read_options(ctx, options, &o);
        if (r < 0)
                return r;
        if (size == 0 || ((uintptr_t)vaddr | size) & (page - 1))
                return ctx_error(ctx, -EINVAL, NULL, "0x%zx bytes at %p are not whole pages of 0x%zx", size,
                                 vaddr, page);
        if (size - 1 > UINTPTR_MAX - (uintptr_t)vaddr)
                return ctx_error(ctx, -EOVERFLOW, NULL,
                                 "0x%zx bytes at %p end past the last address and wrap around", size, vaddr);
        if (o.flags & IOMMUCTL_POPULATE_STRICT && !(o.flags & IOMMUCTL_POPULATE_ON_NODE))
                return ctx_error(ctx, -EINVAL, NULL,
                                 "IOMMUCTL_POPULATE_STRICT wants a node: IOMMUCTL_POPULATE_ON_NODE");
        if (o.flags & IOMMUCTL_POPULATE_ON_NODE) {
                const struct populate_job job = { .k = ctx->kernel, .start = vaddr, .size = size };

                r = set_node(ctx, &job, o.numa_node, o.flags & IOMMUCTL_POPULATE_STRICT, true);
                if (r < 0)
                        return r;
        }
        return populate(ctx, vaddr, size, page, &o);
}

/* The node of a device by its name, from sysfs: -1 where the kernel knows none. */
static long node_of(struct iommuctl_ctx *ctx, const char *name)
{
        const struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        char path[128], text[16], *end;
        long node;

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%.64s/numa_node", name);
        if (sysfs_attr(&s, path, text, sizeof(text)) <= 0)
                return -1;
        node = strtol(text, &end, 10);
        return end != text && *end == '\0' && node >= 0 && node <= INT32_MAX ? node : -1;
}

/* The container's devices are a list whose last one opened is the first. */
static long node_of_devices(struct iommuctl_container *c)
{
        long found = -1;

        pthread_mutex_lock(&c->join_lock);
        for (const struct iommuctl_device *d = c->devices; d; d = d->next) {
                long node = node_of(c->ctx, d->name);

                found = node >= 0 ? node : found;
        }
        pthread_mutex_unlock(&c->join_lock);
        return found;
}

/* Settles on which node the buffer is to be: adds IOMMUCTL_POPULATE_ON_NODE to the options, where on one.
 * *RET_WANTED: see set_node(). */
static int choose_node(struct iommuctl_container *c, struct iommuctl_populate_options *o, bool *ret_wanted)
{
        long node;

        *ret_wanted = o->flags & (IOMMUCTL_POPULATE_ON_NODE | IOMMUCTL_POPULATE_STRICT);
        if (o->flags & (IOMMUCTL_POPULATE_ON_NODE | IOMMUCTL_POPULATE_ANY_NODE))
                return 0;
        node = node_of_devices(c);
        if (node >= 0) {
                o->flags |= IOMMUCTL_POPULATE_ON_NODE;
                o->numa_node = (unsigned int)node;
        } else if (o->flags & IOMMUCTL_POPULATE_STRICT) {
                return ctx_error(
                        c->ctx, -ENODEV, NULL,
                        "IOMMUCTL_POPULATE_STRICT wants the device's NUMA node, and the kernel knows "
                        "none (numa_node in sysfs is -1): name one with IOMMUCTL_POPULATE_ON_NODE");
        }
        return 0;
}

static int check_budget(struct iommuctl_container *c, size_t size, const struct iommuctl_dma_options *options,
                        const struct iommuctl_populate_options *o)
{
        const struct iommuctl_budget_item item = { options->name, size, options };
        const struct budget b = budget_begin(c->ctx, &item, 1, NULL);
        int r;

        r = iommuctl_budget_check_container(c, &item, 1, NULL);
        if (r >= 0)
                r = budget_check(&b, false); /* the container knows how what is locked is counted */
        if (r >= 0 && o->flags & IOMMUCTL_POPULATE_STRICT)
                r = iommuctl_budget_check_node(c->ctx, o->numa_node, &item, 1, NULL);
        return r;
}

static int populate_memory(struct iommuctl_container *c, const struct dma_memory *memory,
                           const struct iommuctl_populate_options *o, bool node_wanted)
{
        const struct populate_job job = { .k = container_kernel(c),
                                          .start = memory->vaddr,
                                          .size = memory->size };
        int r = 0;

        if (o->flags & IOMMUCTL_POPULATE_ON_NODE)
                r = set_node(c->ctx, &job, o->numa_node, o->flags & IOMMUCTL_POPULATE_STRICT, node_wanted);
        if (r < 0)
                return r;
        return populate(c->ctx, memory->vaddr, memory->size, memory->page_size, o);
}

_public_ int iommuctl_dma_alloc_populated(struct iommuctl_container *c, size_t size,
                                          const struct iommuctl_dma_options *options,
                                          const struct iommuctl_populate_options *populate_options,
                                          struct iommuctl_dma **ret_dma)
{
        struct iommuctl_populate_options p;
        struct iommuctl_dma_options o;
        struct dma_memory memory;
        bool node_wanted;
        int r;

        r = dma_alloc_read(c, options, &size, &o);
        if (r >= 0)
                r = read_options(c->ctx, populate_options, &p);
        if (r >= 0)
                r = choose_node(c, &p, &node_wanted);
        if (r >= 0)
                r = check_budget(c, size, &o, &p);
        if (r >= 0)
                r = dma_memory_new(c, size, o.page_size, o.name, &memory);
        if (r < 0)
                return r;
        memory.by_file = o.flags & IOMMUCTL_DMA_BY_FILE;
        r = populate_memory(c, &memory, &p, node_wanted);
        if (r >= 0)
                r = dma_map_memory(c, &memory, &o, NULL, ret_dma);
        if (r < 0)
                dma_memory_free(container_kernel(c), &memory);
        return r;
}
