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
                                             unsigned int access, const char *name)
{
        struct iommuctl_dma *dma = calloc(1, sizeof(*dma));

        if (!dma)
                return NULL;
        dma->container = iommuctl_container_ref(c);
        dma->span = (struct iommuctl_span){ .vaddr = memory->vaddr, .size = memory->size };
        dma->access = access;
        dma->page_size = memory->page_size;
        dma->fd = memory->fd;
        snprintf(dma->name, sizeof(dma->name), "%s", name ?: "");
        return dma;
}

static void dma_free_object(struct iommuctl_dma *dma)
{
        iommuctl_container_unref(dma->container);
        free(dma);
}

/* "0x1000-0x1fff" or "0x1000-0x1fff ("rx")", of a mapping's IOVAs. */
static int overlaps(struct iommuctl_container *c, const struct dma_entry *other, uint64_t start,
                    uint64_t last, const char *what)
{
        return ctx_error(c->ctx, -EEXIST, NULL,
                         "%s 0x%" PRIx64 "-0x%" PRIx64 " overlap the mapping%s%s%s of 0x%" PRIx64
                         "-0x%" PRIx64 " at IOVA 0x%" PRIx64 "-0x%" PRIx64,
                         what, start, last, other->name[0] ? " \"" : "", other->name,
                         other->name[0] ? "\"" : "", other->vaddr, other->vaddr + other->size - 1,
                         other->iova.start, other->iova.last);
}

/* With the lock: takes the fixed IOVA for E. */
static int take_fixed(struct iommuctl_container *c, struct dma_entry *e, uint64_t iova, uint64_t size)
{
        const uint64_t last = iova + size - 1;
        const struct iova_extent *other;
        char ranges[400];
        int r;

        r = iova_space_reserve(&c->map.space, &e->iova, iova, last);
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
        const uint64_t vaddr = (uint64_t)(uintptr_t)memory->vaddr, small = (uint64_t)getpagesize();
        struct iova_request q = { .size = memory->size, .low = MAX(low, small), .limit = limit };
        char ranges[400];

        for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
                uint64_t lead = -vaddr & (pages[i] - 1); /* to the first whole page */

                if (memory->size < pages[i] || memory->size - pages[i] < lead)
                        continue;
                q.align = pages[i];
                q.offset = vaddr & (pages[i] - 1);
                if (container_allocate_iova(c, &e->iova, &q) == 0)
                        return 0;
        }
        q.align = small;
        q.offset = 0;
        if (container_allocate_iova(c, &e->iova, &q) == 0)
                return 0;
        container_format_ranges(c, ranges, sizeof(ranges));
        return ctx_error(c->ctx, -ENOSPC, NULL,
                         "no 0x%zx bytes of IOVA are free up to 0x%" PRIx64
                         "; usable are %s, with %zu mappings in them%s",
                         memory->size, limit, ranges, c->map.n_entries - 1,
                         c->n_allowed ? "; automatic IOVAs keep inside of the allowed ranges" : "");
}

static int not_joined(struct iommuctl_container *c)
{
        return ctx_error(
                c->ctx, -ENODEV, NULL,
                "nothing can be mapped yet: type1 has no address space before a device is opened in the "
                "container");
}

/* Enters the buffer into the books before the kernel is asked, so that no other thread takes its addresses.
 */
static int reserve(struct iommuctl_dma *dma, const struct dma_memory *memory,
                   const struct iommuctl_dma_options *o, uint64_t low)
{
        const uint64_t vaddr = (uint64_t)(uintptr_t)memory->vaddr;
        struct iommuctl_container *c = dma->container;
        const struct dma_entry *other;
        struct dma_entry *e;
        int r;

        if (!c->joined)
                return not_joined(c);
        other = dma_map_overlap(&c->map, vaddr, memory->size);
        if (other)
                return overlaps(c, other, vaddr, vaddr + memory->size - 1, "virtual addresses");
        e = dma_map_take(&c->map);
        if (!e)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        if (o->flags & IOMMUCTL_DMA_FIXED_IOVA)
                r = take_fixed(c, e, o->iova, memory->size);
        else
                r = take_free(c, e, memory, o->iova_limit, low);
        if (r < 0) {
                dma_map_give_back(&c->map, e);
                return r;
        }
        dma_map_insert(&c->map, e, vaddr, memory->size, dma->name);
        dma->entry = e;
        dma->span.iova = e->iova.start;
        return 0;
}

/* Takes the buffer out of the books, and lets a group go that stayed only for it. */
static void forget(struct iommuctl_dma *dma)
{
        struct iommuctl_container *c = dma->container;
        bool parked;

        pthread_mutex_lock(&c->lock);
        dma_map_remove(&c->map, dma->entry);
        dma_map_give_back(&c->map, dma->entry);
        parked = c->parked && c->map.n_entries == 0;
        pthread_mutex_unlock(&c->lock);
        dma->entry = NULL;
        if (parked)
                container_release_parked(c);
}

/* Books first, invisible to translation; then the kernel; then visible. What the kernel refuses leaves the
 * books again. */
static int reserve_and_map(struct iommuctl_dma *dma, const struct dma_memory *memory,
                           const struct iommuctl_dma_options *o)
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
                r = container_backend(c)->map(&c->space, (uint64_t)(uintptr_t)memory->vaddr, dma->span.iova,
                                              memory->size, dma->access);
                if (r >= 0) {
                        pthread_mutex_lock(&c->lock);
                        dma_map_set_live(&c->map, dma->entry, true);
                        pthread_mutex_unlock(&c->lock);
                        return 0;
                }
                low = dma->span.iova + memory->size;
                forget(dma);
                if (r != -EEXIST || o->flags & IOMMUCTL_DMA_FIXED_IOVA)
                        break;
        }
        return explain_map(c, (uint64_t)(uintptr_t)memory->vaddr, dma->span.iova, memory->size, r);
}

int dma_map_memory(struct iommuctl_container *c, const struct dma_memory *memory,
                   const struct iommuctl_dma_options *o, struct iommuctl_dma **ret_dma)
{
        struct iommuctl_dma *dma;
        int r;

        r = dma_check_shape(c, memory, o);
        if (r < 0)
                return r;
        dma = dma_alloc_object(c, memory, o->access, o->name);
        if (!dma)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        r = reserve_and_map(dma, memory, o);
        if (r < 0) {
                dma_free_object(dma);
                return r;
        }
        *ret_dma = dma;
        return 0;
}

_public_ int iommuctl_dma_map(struct iommuctl_container *c, void *vaddr, size_t size,
                              const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma)
{
        const struct dma_memory memory = { vaddr, size, (size_t)getpagesize(), -1 };
        struct iommuctl_dma_options o;
        int r;

        r = dma_options_read(c, options, &o);
        if (r < 0)
                return r;
        if (o.page_size != 0)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "page_size is for memory that is made: the caller's has its pages already");
        return dma_map_memory(c, &memory, &o, ret_dma);
}

int dma_new_adopted(struct iommuctl_container *c, const struct dma_memory *memory, uint64_t iova,
                    unsigned int access, const char *name, struct iommuctl_dma **ret_dma)
{
        const struct iommuctl_dma_options o = { .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                .iova = iova,
                                                .iova_limit = UINT64_MAX };
        struct iommuctl_dma *dma;
        int r;

        r = dma_check_shape(c, memory, &o);
        if (r < 0)
                return r;
        dma = dma_alloc_object(c, memory, access, name);
        if (!dma)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        dma->adopted = true;
        pthread_mutex_lock(&c->lock);
        r = reserve(dma, memory, &o, 0);
        if (r == 0)
                dma_map_set_live(&c->map, dma->entry, true);
        pthread_mutex_unlock(&c->lock);
        if (r < 0) {
                dma_free_object(dma);
                return r;
        }
        *ret_dma = dma;
        return 0;
}

/* Translation ends before the kernel's mapping does, and the addresses are free only after it. */
static int unmap(struct iommuctl_dma *dma)
{
        struct iommuctl_container *c = dma->container;
        int r = 0;

        pthread_mutex_lock(&c->lock);
        dma_map_set_live(&c->map, dma->entry, false);
        pthread_mutex_unlock(&c->lock);
        if (!dma->adopted)
                r = container_backend(c)->unmap(&c->space, dma->span.iova, dma->span.size);
        if (r == -ENOENT) {
                ctx_log(c->ctx, IOMMUCTL_LOG_WARNING,
                        "0x%" PRIx64 " was mapped, and somebody else unmapped it through the raw descriptor",
                        dma->span.iova);
                r = 0;
        }
        if (r < 0) {
                pthread_mutex_lock(&c->lock);
                dma_map_set_live(&c->map, dma->entry, true);
                pthread_mutex_unlock(&c->lock);
                return ctx_error(c->ctx, r, NULL, "0x%zx bytes at IOVA 0x%" PRIx64 " cannot be unmapped: %s",
                                 dma->span.size, dma->span.iova, strerror(-r));
        }
        return 0;
}

_public_ int iommuctl_dma_unmap(struct iommuctl_dma *dma)
{
        int r;

        if (!dma)
                return 0;
        r = unmap(dma);
        if (r < 0)
                return r;
        forget(dma);
        if (dma->fd >= 0) {
                const struct dma_memory memory = { dma->span.vaddr, dma->span.size, dma->page_size, dma->fd };

                dma_memory_free(container_kernel(dma->container), &memory);
        }
        dma_free_object(dma);
        return 0;
}

_public_ struct iommuctl_span iommuctl_dma_span(const struct iommuctl_dma *dma)
{
        return dma->span;
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

_public_ ssize_t iommuctl_translate(struct iommuctl_container *c, const void *vaddr, uint64_t *ret_iova)
{
        uint64_t size;

        if (!dma_map_translate(&c->map, (uint64_t)(uintptr_t)vaddr, ret_iova, &size))
                return -ENOENT;
        return (ssize_t)size;
}
