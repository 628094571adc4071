/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dma.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "explain.h"

/* Processors and IOMMUs translate by pages of these sizes above the smallest. */
#define PAGE_2M ((uint64_t)2 << 20)
#define PAGE_1G ((uint64_t)1 << 30)

/* Another holder of the address space may have mapped where our books see room: how many such places are
 * passed over before it is given up. */
#define FOREIGN_MAX 64

static struct iommuctl_dma *dma_alloc_object(struct iommuctl_container *c, const struct dma_memory *memory,
                                             const struct iommuctl_dma_options *o)
{
        struct iommuctl_dma *dma = malloc(sizeof(*dma));

        if (!dma)
                return NULL;
        memset(dma, 0, offsetof(struct iommuctl_dma, name));
        dma->container = iommuctl_container_ref(c);
        dma->span.vaddr = memory->vaddr;
        dma->span.size = memory->size;
        dma->access = o->access;
        dma->page_size = memory->page_size;
        dma->fd = memory->fd;
        dma->by_file = memory->by_file;
        dma->file = memory->file;
        dma->offset = memory->offset;
        dma->is_dmabuf = memory->is_dmabuf;
        dma->window = memory->window;
        dma->registers = memory->registers;
        dma->name[0] = '\0';
        if (o->name)
                strcpy(dma->name, o->name); /* its length was checked */
        return dma;
}

/* Never mapped: what it was to own stays its maker's, but for the window that came with mapping. */
static void dma_discard(struct iommuctl_dma *dma, const struct dma_memory *memory)
{
        if (dma->window != memory->window)
                dma_window_close(dma);
        iommuctl_container_unref(dma->container);
        free(dma);
}

/* "0x1000-0x1fff" or "0x1000-0x1fff ("rx")", of a mapping's IOVAs. */
static int overlaps(struct iommuctl_container *c, const struct dma_entry *other, uint64_t start,
                    uint64_t last, const char *what)
{
        const char *name = dma_of(other)->name;

        return ctx_error(c->ctx, -EEXIST, NULL,
                         "%s 0x%" PRIx64 "-0x%" PRIx64 " overlap the mapping%s%s%s of 0x%" PRIx64
                         "-0x%" PRIx64 " at IOVA 0x%" PRIx64 "-0x%" PRIx64,
                         what, start, last, name[0] ? " \"" : "", name, name[0] ? "\"" : "", other->vaddr,
                         other->vaddr + other->size - 1, other->iova.start, other->iova.last);
}

/* With the lock: takes the fixed IOVA for E. */
static int take_fixed(struct iommuctl_container *c, struct dma_entry *e, uint64_t iova, uint64_t size)
{
        const uint64_t last = iova + size - 1;
        const struct iova_extent *other;
        char ranges[400];
        int r;

        r = iova_space_reserve(&c->map.space, &e->iova, iova, last);
        if (r == -ENOMEM)
                return ctx_error(c->ctx, r, NULL, "out of memory");
        if (r != -EEXIST && r != -ERANGE)
                return r;
        other = iova_space_overlap(&c->map.space, iova, last);
        if (other)
                return overlaps(c, container_of(other, struct dma_entry, iova), iova, last, "IOVAs");
        container_format_ranges(c, ranges, sizeof(ranges));
        return ctx_error(c->ctx, -EINVAL, NULL,
                         "0x%" PRIx64 "-0x%" PRIx64 " is outside of the usable IOVAs: %s", iova, last,
                         ranges);
}

/* With the lock: takes any IOVA for E, LOW or higher. Congruent to the address in memory modulo the largest
 * page that the buffer holds whole, so that the IOMMU can map it with such pages; else as it comes. */
static int take_free(struct iommuctl_container *c, struct dma_entry *e, const struct dma_memory *memory,
                     uint64_t limit, uint64_t low)
{
        static const uint64_t pages[] = { PAGE_1G, PAGE_2M };
        /* Large pages of a file begin at multiples of their size in it. */
        const uint64_t vaddr = memory->vaddr ? (uint64_t)(uintptr_t)memory->vaddr : memory->offset;
        const uint64_t small = c->page_size;
        struct iova_request q = { .size = memory->size, .low = MAX(low, small), .limit = limit };
        char ranges[400];
        int r = -ENOSPC;

        for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
                uint64_t lead = -vaddr & (pages[i] - 1); /* to the first whole page */

                if (memory->size < pages[i] || memory->size - pages[i] < lead)
                        continue;
                q.align = pages[i];
                q.offset = vaddr & (pages[i] - 1);
                r = container_allocate_iova(c, &e->iova, &q);
                if (r != -ENOSPC)
                        break;
        }
        q.align = small;
        q.offset = 0;
        if (r == -ENOSPC)
                r = container_allocate_iova(c, &e->iova, &q);
        if (r != -ENOSPC)
                return r < 0 ? ctx_error(c->ctx, r, NULL, "out of memory") : 0;
        container_format_ranges(c, ranges, sizeof(ranges));
        return ctx_error(c->ctx, -ENOSPC, NULL,
                         "no 0x%zx bytes of IOVA are free up to 0x%" PRIx64
                         "; usable are %s, with %zu mappings in them%s",
                         memory->size, limit, ranges, c->map.n_entries,
                         c->n_allowed ? "; automatic IOVAs keep inside of the allowed ranges" : "");
}

static int not_joined(struct iommuctl_container *c)
{
        int r = container_refuse_noiommu(c, "nothing is mapped");

        if (r < 0)
                return r;
        return ctx_error(
                c->ctx, -ENODEV, NULL,
                "nothing can be mapped yet: type1 has no address space before a device is opened in the "
                "container");
}

/* With the lock: takes an IOVA, as the options say. */
static int place(struct iommuctl_container *c, struct dma_entry *e, const struct dma_memory *memory,
                 const struct iommuctl_dma_options *o, uint64_t low)
{
        if (o->flags & IOMMUCTL_DMA_FIXED_IOVA)
                return take_fixed(c, e, o->iova, memory->size);
        return take_free(c, e, memory, o->iova_limit, low);
}

static int refuse_entry(struct iommuctl_container *c, const struct dma_memory *memory,
                        const struct dma_entry *other, int r)
{
        const uint64_t vaddr = (uint64_t)(uintptr_t)memory->vaddr;

        if (r == -EEXIST)
                return overlaps(c, other, vaddr, vaddr + memory->size - 1, "virtual addresses");
        if (r == -ENOMEM)
                return ctx_error(c->ctx, r, NULL, "out of memory");
        return ctx_error(c->ctx, r, NULL, "no memory is 0x%zx bytes long", memory->size);
}

/* Enters the buffer into the books before the kernel is asked, so that no other thread takes its addresses.
 */
static int reserve(struct iommuctl_dma *dma, const struct dma_memory *memory,
                   const struct iommuctl_dma_options *o, uint64_t low)
{
        const uint64_t vaddr = (uint64_t)(uintptr_t)memory->vaddr;
        struct iommuctl_container *c = dma->container;
        struct dma_entry *other = NULL;
        int r;

        while (c->sweeping) /* what comes into being under it would be swept away */
                pthread_cond_wait(&c->settled, &c->lock);
        if (!c->joined)
                return not_joined(c);
        r = place(c, &dma->entry, memory, o, low);
        if (r < 0)
                return r;
        r = dma_map_insert(&c->map, &dma->entry, vaddr != 0, vaddr, memory->size, &other);
        if (r < 0) {
                iova_space_release(&c->map.space, &dma->entry.iova);
                return refuse_entry(c, memory, other, r);
        }
        dma->span.iova = dma->entry.iova.start;
        return 0;
}

static int map_by_file(struct iommuctl_dma *dma)
{
        struct iommuctl_container *c = dma->container;
        const struct backend *backend = container_backend(c);
        int r = -ENOTTY;

        if (backend->map_file)
                r = backend->map_file(&c->space, dma->file, dma->offset, dma->span.iova, dma->span.size,
                                      dma->access);
        /* ENOTTY: the kernel maps no files (Linux 6.13 does). EINVAL: this one not, which is neither shared
         * memory nor of huge pages (memfd_pin_folios, mm/gup.c); or it was none of the file's fault, which
         * the second way will show. */
        if (dma->is_dmabuf || (r != -ENOTTY && r != -EINVAL))
                return r;
        r = dma_window_open(dma);
        if (r < 0)
                return r;
        return backend->map(&c->space, (uint64_t)(uintptr_t)dma->window, dma->span.iova, dma->span.size,
                            dma->access);
}

int dma_kernel_map(struct iommuctl_dma *dma, const struct iommuctl_dma *from)
{
        struct iommuctl_container *c = dma->container;
        const void *vaddr = dma->span.vaddr ?: dma->window;

        if (from)
                return container_backend(c)->copy(&c->space, &from->container->space, from->span.iova,
                                                  dma->span.iova, dma->span.size, dma->access);
        if (dma->by_file && container_backend(c)->map_file)
                return container_backend(c)->map_file(&c->space, dma->fd, 0, dma->span.iova, dma->span.size,
                                                      dma->access);
        if (vaddr)
                return container_backend(c)->map(&c->space, (uint64_t)(uintptr_t)vaddr, dma->span.iova,
                                                 dma->span.size, dma->access);
        return map_by_file(dma);
}

/* Books first, invisible to translation; then the kernel; then visible. What the kernel refuses leaves the
 * books again. */
static int reserve_and_map(struct iommuctl_dma *dma, const struct dma_memory *memory,
                           const struct iommuctl_dma_options *o, const struct iommuctl_dma *from)
{
        struct iommuctl_container *c = dma->container;
        uint64_t low = 0;
        int r;

        for (int i = 0; i < FOREIGN_MAX; i++) {
                pthread_mutex_lock(&c->lock);
                r = reserve(dma, memory, o, low);
                pthread_mutex_unlock(&c->lock);
                if (r < 0)
                        return r;
                r = dma_kernel_map(dma, from);
                if (r >= 0) {
                        dma_settle(dma, true);
                        return 0;
                }
                dma_forget(dma);
                if (r != -EEXIST || o->flags & IOMMUCTL_DMA_FIXED_IOVA ||
                    __builtin_add_overflow(dma->span.iova, memory->size, &low))
                        break;
        }
        return dma_explain(dma, r);
}

int dma_map_memory(struct iommuctl_container *c, const struct dma_memory *memory,
                   const struct iommuctl_dma_options *o, const struct iommuctl_dma *from,
                   struct iommuctl_dma **ret_dma)
{
        struct iommuctl_dma *dma;
        int r;

        r = dma_check_shape(c, memory, o);
        if (r < 0)
                return r;
        dma = dma_alloc_object(c, memory, o);
        if (!dma)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        r = reserve_and_map(dma, memory, o, from);
        if (r < 0) {
                dma_discard(dma, memory);
                return r;
        }
        *ret_dma = dma;
        return 0;
}

/* With the lock: an object at hand is in the books, with any IOVA, and nothing of what it was before. NULL
 * where there is none, or anything stands in the way. */
static struct iommuctl_dma *reserve_spare(struct iommuctl_container *c, void *vaddr, size_t size,
                                          const struct iommuctl_dma_options *o)
{
        const struct iova_request q = {
                .size = size, .align = c->page_size, .low = c->page_size, .limit = o->iova_limit
        };
        struct iommuctl_dma *dma = c->spare;
        struct dma_entry *other;

        if (!dma || !c->joined || c->sweeping || c->n_allowed > 0)
                return NULL;
        if (iova_space_allocate(&c->map.space, &dma->entry.iova, &q) < 0)
                return NULL;
        if (dma_map_insert(&c->map, &dma->entry, true, (uint64_t)(uintptr_t)vaddr, size, &other) < 0) {
                iova_space_release(&c->map.space, &dma->entry.iova);
                return NULL;
        }
        c->spare = dma->next_spare;
        c->n_spare--;
        dma->span = (struct iommuctl_span){ .vaddr = vaddr, .iova = dma->entry.iova.start, .size = size };
        dma->access = o->access;
        dma->let_go = false;
        dma->name[0] = '\0';
        return dma;
}

/* Less than 2 MiB, of whole pages, and not so far up that it could wrap around. */
static bool is_small(const struct iommuctl_container *c, const void *vaddr, size_t size)
{
        const uint64_t at = (uint64_t)(uintptr_t)vaddr;

        return size - 1 < PAGE_2M - 1 && at < -PAGE_2M && !((at | size) & (c->page_size - 1));
}

/* The short way of what a driver does for each packet: a small buffer, nothing special about it, and not the
 * first one. NULL where it is not that, or fails: the long way will say why. */
static struct iommuctl_dma *map_small(struct iommuctl_container *c, void *vaddr, size_t size,
                                      const struct iommuctl_dma_options *o)
{
        const bool locked = container_lock(c);
        struct iommuctl_dma *dma = reserve_spare(c, vaddr, size, o);

        container_unlock(c, locked);
        if (!dma)
                return NULL;
        __atomic_add_fetch(&c->refcount, 1, __ATOMIC_RELAXED);
        if (container_backend(c)->map(&c->space, (uint64_t)(uintptr_t)vaddr, dma->span.iova, size,
                                      o->access) < 0) {
                dma_forget(dma);
                dma_free(dma);
                return NULL;
        }
        dma_settle(dma, true);
        return dma;
}

_public_ int iommuctl_dma_map(struct iommuctl_container *c, void *vaddr, size_t size,
                              const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma)
{
        static const struct iommuctl_dma_options defaults = {
                .access = IOMMUCTL_ACCESS_READ | IOMMUCTL_ACCESS_WRITE, .iova_limit = UINT64_MAX
        };
        struct iommuctl_dma_options given;
        const struct iommuctl_dma_options *o = &defaults;
        struct iommuctl_dma *dma;
        int r;

        if (options) {
                r = dma_options_read_for_present(c, options, &given);
                if (r < 0)
                        return r;
                o = &given;
        }
        if (!vaddr)
                return ctx_error(c->ctx, -EFAULT, NULL, "there is no memory at NULL");
        if (o->flags == 0 && !o->name && is_small(c, vaddr, size)) {
                dma = map_small(c, vaddr, size, o);
                if (dma) {
                        *ret_dma = dma;
                        return 0;
                }
        }
        r = dma_map_memory(c, &DMA_MEMORY(.vaddr = vaddr, .size = size), o, NULL, &dma);
        if (r < 0)
                return r;
        dma->plain = true;
        *ret_dma = dma;
        return 0;
}

int dma_new_adopted(struct iommuctl_container *c, const struct dma_memory *memory, uint64_t iova,
                    unsigned int access, const char *name, struct iommuctl_dma **ret_dma)
{
        const struct iommuctl_dma_options o = { .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                .iova = iova,
                                                .iova_limit = UINT64_MAX,
                                                .access = access,
                                                .name = name };
        struct iommuctl_dma *dma;
        int r;

        r = dma_check_shape(c, memory, &o);
        if (r < 0)
                return r;
        dma = dma_alloc_object(c, memory, &o);
        if (!dma)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        dma->adopted = true;
        pthread_mutex_lock(&c->lock);
        r = reserve(dma, memory, &o, 0);
        pthread_mutex_unlock(&c->lock);
        if (r < 0) {
                dma_discard(dma, memory);
                return r;
        }
        dma_settle(dma, true);
        *ret_dma = dma;
        return 0;
}
