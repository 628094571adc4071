/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes to a BAR that the kernel makes when an eventfd is written to (vfio_pci_ioeventfd(),
 * drivers/vfio/pci/vfio_pci_rdwr.c). */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_vfio.h"

#define OFFSET_SHIFT   40
#define MAX_IOEVENTFDS 1000 /* VFIO_PCI_IOEVENTFD_MAX */
#define MSIX_TABLE     0x1000u
#define MSIX_END       (MSIX_TABLE + 16 * 8)

struct fake_ioeventfd {
        struct fake_ioeventfd *next;
        unsigned int bar, width;
        uint64_t pos, data;
        int fd;
};

static void drop(struct fake_ioeventfd **p)
{
        struct fake_ioeventfd *e = *p;

        *p = e->next;
        close(e->fd);
        free(e);
}

void fake_ioeventfds_free(struct fake_device *d)
{
        while (d->ioeventfds)
                drop(&d->ioeventfds);
}

static int add(struct fake *m, struct fake_device *d, const struct fake_ioeventfd *like, int fd)
{
        struct fake_file *f = fake_file_get(m, fd);
        struct fake_ioeventfd *e;

        if (!f || !f->real)
                return f ? -EINVAL : -EBADF;
        e = fake_zalloc(sizeof(*e));
        *e = *like;
        e->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        e->next = d->ioeventfds;
        d->ioeventfds = e;
        return 0;
}

int fake_ioeventfd_ioctl(struct fake *m, struct fake_device *d, struct vfio_device_ioeventfd *a)
{
        struct fake_ioeventfd like = { .bar = (unsigned int)(a->offset >> OFFSET_SHIFT),
                                       .width = a->flags,
                                       .pos = a->offset & ((1ull << OFFSET_SHIFT) - 1),
                                       .data = a->data };
        unsigned int n = 0;

        if (a->argsz < offsetof(struct vfio_device_ioeventfd, fd) + 4 || a->fd < -1 ||
            (a->flags != 1 && a->flags != 2 && a->flags != 4 && a->flags != 8))
                return -EINVAL;
        if (like.bar > VFIO_PCI_BAR5_REGION_INDEX || like.pos + like.width > fake_region_size(d, like.bar))
                return -EINVAL;
        if (like.bar == VFIO_PCI_BAR2_REGION_INDEX && d->pci.msix && like.pos < MSIX_END &&
            like.pos + like.width > MSIX_TABLE)
                return -EINVAL;
        for (struct fake_ioeventfd **p = &d->ioeventfds; *p; p = &(*p)->next, n++) {
                if ((*p)->bar != like.bar || (*p)->pos != like.pos || (*p)->data != like.data ||
                    (*p)->width != like.width)
                        continue;
                if (a->fd >= 0)
                        return -EEXIST;
                drop(p);
                return 0;
        }
        if (a->fd < 0)
                return -ENODEV;
        return n >= MAX_IOEVENTFDS ? -ENOSPC : add(m, d, &like, a->fd);
}

/* Nothing is written while memory decoding is off. */
void fake_ioeventfds_settle(struct fake_device *d)
{
        for (struct fake_ioeventfd *e = d->ioeventfds; e; e = e->next)
                if (fake_eventfd_fired(e->fd) && !d->silent && !d->pulled)
                        memcpy(d->memory + fake_region_place(e->bar) + e->pos, &e->data, e->width);
}

unsigned int fake_n_ioeventfds(struct fake *m, const char *bdf)
{
        unsigned int n = 0;

        for (struct fake_ioeventfd *e = fake_find_device(m, bdf)->ioeventfds; e; e = e->next)
                n++;
        return n;
}
