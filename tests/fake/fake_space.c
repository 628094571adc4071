/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One I/O address space, of a type1 container or an IOAS: what is mapped, what is pinned, and which IOVAs the
 * groups in it leave. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fake_vfio.h"

/* The pages are there, as pin_user_pages() would find them. */
static int check_memory(uint64_t vaddr, uint64_t size)
{
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), first = vaddr & ~(page - 1);
        uint64_t n = (vaddr + size - first + page - 1) / page;
        unsigned char *in_core = fake_zalloc(n);
        int r = mincore((void *)(uintptr_t)first, n * page, in_core) < 0 ? -EFAULT : 0;

        free(in_core);
        return r;
}

struct fake_pages *fake_pages_new(uint64_t vaddr, uint64_t size)
{
        struct fake_pages *pages = fake_zalloc(sizeof(*pages));

        pages->refs = 1;
        pages->vaddr = vaddr;
        pages->size = size;
        return pages;
}

void fake_pages_put(struct fake *m, struct fake_pages *pages)
{
        if (--pages->refs > 0)
                return;
        if (pages->window)
                munmap(pages->window, pages->size);
        if (pages->dmabuf)
                fake_file_put(m, pages->dmabuf);
        free(pages);
}

/* A device's registers are nobody's memory and count for nothing. Those at an address type1 finds while the
 * device decodes (vfio_pci_mmap_page_fault()); iommufd pins memory only (pin_user_pages() on VM_PFNMAP). */
static int pin(struct fake *m, const struct fake_space *s, struct fake_pages *pages)
{
        struct fake_device *d = pages->dmabuf ? NULL : fake_registers_at(m, pages->vaddr, pages->size);
        bool registers = pages->dmabuf || d;
        int r = 0;

        if (d && (!s->by_address || !(d->memory[PCI_COMMAND] & PCI_COMMAND_MEMORY)))
                return -EFAULT;
        if (!pages->window && !pages->dmabuf)
                r = check_memory(pages->vaddr, pages->size);
        if (r < 0)
                return r;
        if (pages->pins == 0 && !registers) {
                if (m->options.memlock && m->pinned + pages->size > m->options.memlock)
                        return -ENOMEM;
                m->pinned += pages->size;
                pages->counted = true;
        }
        pages->pins++;
        return 0;
}

static void unpin(struct fake *m, struct fake_pages *pages)
{
        if (--pages->pins > 0 || !pages->counted)
                return;
        m->pinned -= pages->size;
        pages->counted = false;
}

int fake_space_insert_pages(struct fake *m, struct fake_space *s, uint64_t iova, struct fake_pages *pages,
                            uint64_t vaddr, uint64_t size, bool readable, bool writable)
{
        struct fake_mapping *a, **p = &s->mappings;
        int r = s->pinned ? pin(m, s, pages) : 0;

        if (r < 0) {
                fake_pages_put(m, pages);
                return r;
        }
        a = fake_zalloc(sizeof(*a));
        a->pages = pages;
        a->iova = iova;
        a->vaddr = vaddr;
        a->size = size;
        a->readable = readable;
        a->writable = writable;
        while (*p && (*p)->iova < iova)
                p = &(*p)->next;
        a->next = *p;
        *p = a;
        s->n_mappings++;
        return 0;
}

int fake_space_insert(struct fake *m, struct fake_space *s, uint64_t iova, uint64_t vaddr, uint64_t size,
                      bool readable, bool writable)
{
        return fake_space_insert_pages(m, s, iova, fake_pages_new(vaddr, size), vaddr, size, readable,
                                       writable);
}

/* The first mapping that has a byte in [FIRST, LAST]. */
struct fake_mapping *fake_space_find(struct fake_space *s, uint64_t first, uint64_t last)
{
        for (struct fake_mapping *a = s->mappings; a && a->iova <= last; a = a->next)
                if (a->iova + (a->size - 1) >= first)
                        return a;
        return NULL;
}

void fake_space_remove(struct fake *m, struct fake_space *s, struct fake_mapping *mapping)
{
        struct fake_mapping **p = &s->mappings;

        while (*p != mapping)
                p = &(*p)->next;
        *p = mapping->next;
        s->n_mappings--;
        if (s->pinned)
                unpin(m, mapping->pages);
        fake_dirty_untrack(mapping);
        fake_pages_put(m, mapping->pages);
        free(mapping);
}

void fake_space_clear(struct fake *m, struct fake_space *s)
{
        while (s->mappings)
                fake_space_remove(m, s, s->mappings);
}

int fake_space_pin(struct fake *m, struct fake_space *s)
{
        int r = 0;

        if (s->pinned)
                return 0;
        for (struct fake_mapping *a = s->mappings; a && r == 0; a = a->next) {
                r = pin(m, s, a->pages);
                for (struct fake_mapping *undo = s->mappings; r < 0 && undo != a; undo = undo->next)
                        unpin(m, undo->pages);
        }
        s->pinned = r == 0;
        return r;
}

void fake_space_unpin(struct fake *m, struct fake_space *s)
{
        for (struct fake_mapping *a = s->pinned ? s->mappings : NULL; a; a = a->next)
                unpin(m, a->pages);
        s->pinned = false;
}

static unsigned int exclude_one(struct fake_range *ranges, unsigned int n, uint64_t start, uint64_t last)
{
        for (unsigned int i = 0; i < n; i++) {
                struct fake_range r = ranges[i];

                if (r.last < start || r.start > last)
                        continue;
                if (r.start < start && r.last > last && n < FAKE_MAX_RANGES) {
                        memmove(ranges + i + 1, ranges + i, (n - i) * sizeof(*ranges));
                        ranges[i].last = start - 1;
                        ranges[++i].start = last + 1;
                        n++;
                } else if (r.start < start) {
                        ranges[i].last = start - 1;
                } else if (r.last > last) {
                        ranges[i].start = last + 1;
                } else {
                        memmove(ranges + i, ranges + i + 1, (n - i - 1) * sizeof(*ranges));
                        n--;
                        i--;
                }
        }
        return n;
}

/* The aperture's end and the reserved regions. Relaxable direct ones are given back to user space
 * (vfio_iommu_resv_exclude(), iopt_table_enforce_dev_resv_regions()). */
unsigned int fake_ranges_exclude(struct fake_range ranges[FAKE_MAX_RANGES], unsigned int n,
                                 const struct fake_group *g)
{
        if (g->aperture_last != UINT64_MAX)
                n = exclude_one(ranges, n, g->aperture_last + 1, UINT64_MAX);
        for (unsigned int i = 0; i < g->n_reserved; i++)
                if (!g->reserved[i].relaxable)
                        n = exclude_one(ranges, n, g->reserved[i].start, g->reserved[i].end);
        return n;
}

bool fake_ranges_hold(const struct fake_range *ranges, unsigned int n, uint64_t start, uint64_t last)
{
        for (unsigned int i = 0; i < n; i++)
                if (start >= ranges[i].start && last <= ranges[i].last)
                        return true;
        return false;
}

bool fake_space_fits(const struct fake_space *s, const struct fake_range *ranges, unsigned int n)
{
        for (struct fake_mapping *a = s->mappings; a; a = a->next)
                if (!fake_ranges_hold(ranges, n, a->iova, a->iova + (a->size - 1)))
                        return false;
        return true;
}

bool fake_group_claimable(struct fake *m, const struct fake_group *g)
{
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (d->group == g && d->driver && !d->driver->managed_dma)
                        return false;
        return true;
}

/* An RMRR that must stay mapped: EPERM when attaching until 6.5 (drivers/iommu/intel/iommu.c, "ineligible").
 * No isolated MSI: EPERM too, of vfio_iommu_type1_attach_group() and of iommufd_device_bind(). */
int fake_group_may_attach(const struct fake *m, const struct fake_group *g)
{
        if (g->ineligible)
                return -EPERM;
        if (m->options.no_interrupt_remapping && !m->options.unsafe_interrupts)
                return -EPERM;
        return 0;
}

/* The space that translates for the device now, or NULL. */
static struct fake_space *space_of(struct fake_device *d)
{
        struct fake_ioas *ioas;

        if (d->iommufd) {
                ioas = fake_find_ioas(d->iommufd, d->pt_id);
                return ioas ? &ioas->space : NULL;
        }
        return d->group && d->group->container && d->group->container->set ? &d->group->container->space
                                                                           : NULL;
}

/* The page table made by hand that it goes through; of a nested one, the one below. */
static struct fake_object *table_of(struct fake_device *d, uint32_t pasid)
{
        struct fake_object *o = pasid ? NULL : d->hwpt;

        for (size_t i = 0; pasid && i < ARRAY_SIZE(d->pasids); i++)
                if (d->pasids[i].hwpt && d->pasids[i].pasid == pasid)
                        o = d->pasids[i].hwpt;
        while (o && o->parent)
                o = o->parent;
        return o;
}

static void mark_written(struct fake_device *d, uint32_t pasid, struct fake_mapping *a, uint64_t iova,
                         uint64_t size)
{
        struct fake_object *table = d->iommufd ? table_of(d, pasid) : NULL;

        if (table)
                fake_hwpt_mark(table, iova, size);
        else
                fake_dirty_mark(a, iova, size);
}

static struct fake_space *space_of_pasid(struct fake_device *d, uint32_t pasid)
{
        for (size_t i = 0; i < ARRAY_SIZE(d->pasids); i++)
                if (d->pasids[i].hwpt && d->pasids[i].pasid == pasid)
                        return &d->pasids[i].hwpt->ioas->space;
        return NULL;
}

/* The memory is reached through the kernel, so that memory which is gone is an error and no crash. */
static int dma(struct fake *m, const char *bdf, uint32_t pasid, uint64_t iova, void *buf, size_t size,
               bool write)
{
        struct fake_device *d;
        struct fake_space *s;
        int r = 0;

        pthread_mutex_lock(&m->lock);
        fake_depth++; /* the machine's own allocations */
        d = fake_find_device(m, bdf);
        s = !d ? NULL : pasid ? space_of_pasid(d, pasid) : space_of(d);
        for (size_t done = 0; done < size && r == 0;) {
                struct fake_mapping *a = s ? fake_space_find(s, iova + done, iova + done) : NULL;
                struct iovec local, remote;
                size_t n;

                if (!a || (write ? !a->writable : !a->readable) || fake_pages_revoked(a->pages)) {
                        r = -EFAULT;
                        break;
                }
                n = (size_t)MIN(size - done, a->size - (iova + done - a->iova));
                local = (struct iovec){ (char *)buf + done, n };
                remote = (struct iovec){ (void *)(uintptr_t)(a->vaddr + (iova + done - a->iova)), n };
                if ((write ? process_vm_writev(getpid(), &local, 1, &remote, 1, 0)
                           : process_vm_readv(getpid(), &local, 1, &remote, 1, 0)) != (ssize_t)n)
                        r = -EFAULT;
                else if (write) {
                        mark_written(d, pasid, a, iova + done, n);
                        fake_dma_log_write(d, iova + done, n);
                }
                done += n;
        }
        fake_depth--;
        pthread_mutex_unlock(&m->lock);
        return r;
}

int fake_dma_write(struct fake *m, const char *bdf, uint64_t iova, const void *buf, size_t size)
{
        return dma(m, bdf, 0, iova, (void *)(uintptr_t)buf, size, true);
}

int fake_dma_read(struct fake *m, const char *bdf, uint64_t iova, void *buf, size_t size)
{
        return dma(m, bdf, 0, iova, buf, size, false);
}

int fake_dma_read_pasid(struct fake *m, const char *bdf, uint32_t pasid, uint64_t iova, void *buf,
                        size_t size)
{
        return dma(m, bdf, pasid, iova, buf, size, false);
}

int fake_lookup(struct fake *m, const char *bdf, uint64_t iova, void **ret_vaddr, uint64_t *ret_length)
{
        struct fake_device *d = fake_find_device(m, bdf);
        struct fake_space *s = d ? space_of(d) : NULL;
        struct fake_mapping *a = s ? fake_space_find(s, iova, iova) : NULL;

        if (!a)
                return -ENOENT;
        *ret_vaddr = (void *)(uintptr_t)(a->vaddr + (iova - a->iova));
        *ret_length = a->size - (iova - a->iova);
        return 0;
}

void fake_map_behind(struct fake *m, const char *bdf, uint64_t iova, void *vaddr, uint64_t size)
{
        if (fake_space_insert(m, space_of(fake_find_device(m, bdf)), iova, (uintptr_t)vaddr, size, true,
                              true) < 0)
                abort();
}

void fake_unmap_behind(struct fake *m, const char *bdf, uint64_t iova)
{
        struct fake_space *s = space_of(fake_find_device(m, bdf));

        fake_space_remove(m, s, fake_space_find(s, iova, iova));
}

static uint64_t count(struct fake *m, bool bytes)
{
        uint64_t n = 0;

        for (struct fake_container *c = m->containers; c; c = c->next)
                for (struct fake_mapping *a = c->space.mappings; a; a = a->next)
                        n += bytes ? a->size : 1;
        for (struct fake_iommufd *i = m->iommufds; i; i = i->next)
                for (struct fake_ioas *o = i->ioases; o; o = o->next)
                        for (struct fake_mapping *a = o->space.mappings; a; a = a->next)
                                n += bytes ? a->size : 1;
        return n;
}

unsigned int fake_n_mappings(struct fake *m)
{
        return (unsigned int)count(m, false);
}

uint64_t fake_mapped_bytes(struct fake *m)
{
        return count(m, true);
}
