/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages that have a descriptor: memfds, and the dma-bufs that VFIO makes of a BAR's parts
 * (drivers/iommu/iommufd/pages.c, drivers/vfio/pci/vfio_pci_dmabuf.c of Linux 7.2). */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fake_vfio.h"

#define PAGE 4096u

struct fake_dmabuf {
        struct fake_dmabuf *next;
        struct fake_device *device; /* NULL: it was closed */
        uint64_t vaddr, size;
        unsigned int n_ranges;
        bool revoked;
        unsigned int revocations;
};

static void dmabuf_release(struct fake *m, struct fake_file *f)
{
        struct fake_dmabuf **p = &m->dmabufs;

        while (*p != f->priv)
                p = &(*p)->next;
        *p = (*p)->next;
        free(f->priv);
}

static const struct fake_file_ops dmabuf_ops = { .release = dmabuf_release, .what = "dma-buf" };

bool fake_kernel_is(const struct fake *m, unsigned int major, unsigned int minor)
{
        unsigned int has_major = 0, has_minor = 0;

        sscanf(m->release, "%u.%u", &has_major, &has_minor);
        return has_major > major || (has_major == major && has_minor >= minor);
}

/* As revoked as it was told, or more often since. */
bool fake_pages_revoked(const struct fake_pages *pages)
{
        const struct fake_dmabuf *b = pages->dmabuf ? pages->dmabuf->priv : NULL;

        return b && b->revocations != pages->revocations;
}

void fake_dmabufs_move(struct fake *m, const struct fake_device *d, bool revoked)
{
        for (struct fake_dmabuf *b = m->dmabufs; b; b = b->next) {
                if (b->device != d || b->revoked == revoked)
                        continue;
                b->revoked = revoked;
                b->revocations += revoked;
        }
}

void fake_dmabufs_close(struct fake *m, const struct fake_device *d)
{
        fake_dmabufs_move(m, d, true);
        for (struct fake_dmabuf *b = m->dmabufs; b; b = b->next)
                if (b->device == d)
                        b->device = NULL;
}

static int pages_of_dmabuf(struct fake *m, struct fake_file *f, uint64_t start, uint64_t length,
                           struct fake_pages **ret_pages)
{
        const struct fake_dmabuf *b = f->priv;
        struct fake_pages *pages;

        if (!fake_kernel_is(m, 6, 19)) /* a file like others: no shared memory */
                return -EINVAL;
        if (b->size <= start + length - 1)
                return -EINVAL;
        if (b->revoked)
                return -ENODEV;
        if (b->n_ranges != 1)
                return -EOPNOTSUPP;
        pages = fake_pages_new(b->vaddr + start, length);
        pages->dmabuf = f;
        pages->revocations = b->revocations;
        f->refs++;
        *ret_pages = pages;
        return 0;
}

/* memfd_pin_folios(): shared memory and huge pages, inside the file. */
int fake_pages_of_file(struct fake *m, int fd, uint64_t start, uint64_t length, struct fake_pages **ret_pages)
{
        struct fake_file *f = fake_file_get(m, fd);
        struct fake_pages *pages;
        struct statfs fs;
        struct stat st;
        void *window;

        if (!f)
                return -EBADF;
        if (f->ops == &dmabuf_ops)
                return pages_of_dmabuf(m, f, start, length, ret_pages);
        if (!f->real || fstatfs(fd, &fs) < 0 || fs.f_type != 0x01021994 /* TMPFS_MAGIC */ ||
            fstat(fd, &st) < 0 || start + length > (uint64_t)st.st_size)
                return -EINVAL;
        window = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)start);
        if (window == MAP_FAILED)
                abort();
        pages = fake_pages_new((uintptr_t)window, length);
        pages->window = window;
        *ret_pages = pages;
        return 0;
}

static uint64_t bar_size(const struct fake_device *d, uint32_t index)
{
        struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

        return fake_region_info(d, &info) < 0 ? 0 : info.size;
}

static int add_ranges(const struct fake_vfio_feature_dma_buf *a, uint64_t have, uint64_t *ret_size)
{
        uint64_t size = 0;

        for (uint32_t i = 0; i < a->nr_ranges; i++) {
                uint64_t offset = a->ranges[i].offset, length = a->ranges[i].length;

                if (!length || (offset | length) & (PAGE - 1))
                        return -EINVAL;
                if (offset + length < offset)
                        return -EOVERFLOW;
                if (offset + length > have)
                        return -EINVAL;
                size += length;
        }
        *ret_size = size;
        return 0;
}

int fake_feature_dmabuf(struct fake *m, struct fake_device *d, uint32_t flags, const void *data, size_t argsz)
{
        const struct fake_vfio_feature_dma_buf *a = data;
        struct fake_dmabuf *b;
        struct fake_file *f;
        uint64_t size;
        int r;

        if (!fake_kernel_is(m, 6, 19))
                return -ENOTTY;
        r = fake_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET, sizeof(*a));
        if (r != 1)
                return r;
        if (!a->nr_ranges || a->flags)
                return -EINVAL;
        if (a->region_index >= VFIO_PCI_ROM_REGION_INDEX || !bar_size(d, a->region_index))
                return -ENODEV;
        r = add_ranges(a, bar_size(d, a->region_index), &size);
        if (r < 0)
                return r;
        b = fake_zalloc(sizeof(*b));
        b->device = d;
        b->vaddr = (uint64_t)(uintptr_t)d->memory + ((uint64_t)(a->region_index + 1) << 20) +
                   a->ranges[0].offset;
        b->size = size;
        b->n_ranges = a->nr_ranges;
        b->revoked = !(d->memory[PCI_COMMAND] & PCI_COMMAND_MEMORY);
        b->next = m->dmabufs;
        m->dmabufs = b;
        f = fake_zalloc(sizeof(*f));
        f->flags = O_RDWR;
        f->ops = &dmabuf_ops;
        f->priv = b;
        return fake_fd_new(m, f);
}
