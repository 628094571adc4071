/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interrupts of an open device (drivers/vfio/pci/vfio_pci_intrs.c, vfio_set_irqs_validate_and_prepare() in
 * drivers/vfio/vfio_main.c). A raised vector signals the eventfd that was given for it. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_vfio.h"

static unsigned int count_of(const struct fake_device *d, unsigned int index)
{
        switch (index) {
        case VFIO_PCI_INTX_IRQ_INDEX:
                return !d->pci.no_intx;
        case VFIO_PCI_MSI_IRQ_INDEX:
                return d->pci.msi;
        case VFIO_PCI_MSIX_IRQ_INDEX:
                return d->pci.msix;
        case VFIO_PCI_ERR_IRQ_INDEX:
        case VFIO_PCI_REQ_IRQ_INDEX:
                return 1;
        default:
                return 0;
        }
}

static int get_info(const struct fake_device *d, struct vfio_irq_info *a)
{
        if (a->argsz < sizeof(*a) || a->index >= VFIO_PCI_NUM_IRQS)
                return -EINVAL;
        a->flags = VFIO_IRQ_INFO_EVENTFD;
        a->count = count_of(d, a->index);
        if (a->index == VFIO_PCI_INTX_IRQ_INDEX)
                a->flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
        else if (a->index != VFIO_PCI_MSIX_IRQ_INDEX || !d->pci.dynamic_msix)
                a->flags |= VFIO_IRQ_INFO_NORESIZE;
        return 0;
}

void fake_irq_disable(struct fake_device *d, unsigned int index)
{
        struct fake_irq *irq = &d->irq[index];

        for (unsigned int i = 0; i < irq->enabled; i++) {
                if (irq->eventfd[i] >= 0)
                        close(irq->eventfd[i]);
                irq->eventfd[i] = -1;
                irq->masked[i] = false;
                irq->held[i] = false;
        }
        irq->enabled = 0;
        if (irq->unmask)
                close(irq->unmask - 1);
        irq->unmask = 0;
}

static int signal_vector(struct fake_device *d, unsigned int index, unsigned int vector)
{
        struct fake_irq *irq = &d->irq[index];
        uint64_t one = 1;

        if (vector >= irq->enabled || irq->eventfd[vector] < 0)
                return 0;
        return write(irq->eventfd[vector], &one, sizeof(one)) == sizeof(one);
}

void fake_irq_request(struct fake_device *d)
{
        signal_vector(d, VFIO_PCI_REQ_IRQ_INDEX, 0);
}

/* INTx, MSI and MSI-X exclude one another (is_irq_none()). */
static bool other_is_on(const struct fake_device *d, unsigned int index)
{
        for (unsigned int i = VFIO_PCI_INTX_IRQ_INDEX; i <= VFIO_PCI_MSIX_IRQ_INDEX; i++)
                if (i != index && index <= VFIO_PCI_MSIX_IRQ_INDEX && d->irq[i].enabled)
                        return true;
        return false;
}

/* The kernel keeps the eventfd itself, not the number: a duplicate of our own. */
static int keep(struct fake *m, int fd)
{
        struct fake_file *f = fake_file_get(m, fd);

        if (fd < 0)
                return -1;
        if (!f)
                return -EBADF;
        if (!f->real)
                return -EINVAL;
        return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static unsigned int n_held(const struct fake_irq *irq)
{
        unsigned int n = 0;

        for (unsigned int i = 0; i < FAKE_MAX_VECTORS; i++)
                n += irq->held[i];
        return n;
}

/* vfio_msi_enable(): all vectors up to END are taken from the host. It hands on what pci_alloc_irq_vectors()
 * gave: a positive number where the host has only so many. */
static int turn_on(struct fake *m, struct fake_device *d, unsigned int index, unsigned int end)
{
        struct fake_irq *irq = &d->irq[index];

        if (m->options.host_vectors && end > m->options.host_vectors && index != VFIO_PCI_INTX_IRQ_INDEX)
                return (int)m->options.host_vectors;
        for (unsigned int i = 0; i < end; i++) {
                irq->eventfd[i] = -1;
                irq->held[i] = true;
        }
        irq->enabled = end;
        return 0;
}

/* vfio_msi_set_vector_signal(): FD is the caller's number, or -1. */
static int set_vector(struct fake *m, struct fake_device *d, unsigned int index, unsigned int vector, int fd)
{
        struct fake_irq *irq = &d->irq[index];
        int kept;

        for (; irq->enabled <= vector; irq->enabled++)
                irq->eventfd[irq->enabled] = -1;
        if (irq->eventfd[vector] >= 0)
                close(irq->eventfd[vector]);
        irq->eventfd[vector] = -1;
        if (fd < 0)
                return 0;
        if (!irq->held[vector]) {
                if (index != VFIO_PCI_MSIX_IRQ_INDEX || !d->pci.dynamic_msix)
                        return -EINVAL; /* VFIO_IRQ_INFO_NORESIZE */
                if (m->options.host_vectors && n_held(irq) >= m->options.host_vectors)
                        return -ENOSPC;
                irq->held[vector] = true; /* until the kind is off */
        }
        kept = keep(m, fd);
        if (kept < 0)
                return kept;
        irq->eventfd[vector] = kept;
        return 0;
}

/* vfio_msi_set_block(): what fails takes all of its vectors off their eventfds. */
static int set_eventfds(struct fake *m, struct fake_device *d, const struct vfio_irq_set *a,
                        const int32_t *fds)
{
        struct fake_irq *irq = &d->irq[a->index];
        bool was_off = irq->enabled == 0;
        int r = 0;

        if (a->index == VFIO_PCI_INTX_IRQ_INDEX && (a->start || a->count != 1))
                return -EINVAL;
        if (was_off)
                r = turn_on(m, d, a->index, a->start + a->count);
        if (r != 0)
                return r;
        for (unsigned int i = 0; i < a->count && r == 0; i++)
                r = set_vector(m, d, a->index, a->start + i, fds[i]);
        for (unsigned int i = 0; i < a->count && r < 0; i++)
                set_vector(m, d, a->index, a->start + i, -1);
        if (r < 0 && was_off)
                fake_irq_disable(d, a->index);
        if (a->index >= VFIO_PCI_ERR_IRQ_INDEX && fds[0] < 0)
                fake_irq_disable(d, a->index);
        return r;
}

static int trigger(struct fake *m, struct fake_device *d, const struct vfio_irq_set *a)
{
        uint32_t type = a->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
        struct fake_irq *irq = &d->irq[a->index];

        if (type == VFIO_IRQ_SET_DATA_NONE && a->count == 0) {
                if (!irq->enabled)
                        return -EINVAL;
                fake_irq_disable(d, a->index);
                return 0;
        }
        if (other_is_on(d, a->index))
                return -EINVAL;
        if (type == VFIO_IRQ_SET_DATA_EVENTFD)
                return set_eventfds(m, d, a, (const int32_t *)a->data);
        if (!irq->enabled)
                return -EINVAL;
        for (unsigned int i = 0; i < a->count; i++)
                if (type == VFIO_IRQ_SET_DATA_NONE || a->data[i])
                        signal_vector(d, a->index, a->start + i);
        return 0;
}

/* vfio_virqfd_enable(): one eventfd at a time. */
static int set_unmask(struct fake *m, struct fake_irq *irq, int fd)
{
        int kept;

        if (fd < 0) {
                if (irq->unmask)
                        close(irq->unmask - 1);
                irq->unmask = 0;
                return 0;
        }
        kept = keep(m, fd);
        if (kept < 0)
                return kept;
        if (irq->unmask) {
                close(kept);
                return -EBUSY;
        }
        irq->unmask = kept + 1;
        return 0;
}

static int mask(struct fake *m, struct fake_device *d, const struct vfio_irq_set *a, bool on)
{
        uint32_t type = a->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;

        if (a->index != VFIO_PCI_INTX_IRQ_INDEX)
                return -ENOTTY;
        if (!d->irq[a->index].enabled || a->start != 0 || a->count != 1)
                return -EINVAL;
        if (type == VFIO_IRQ_SET_DATA_EVENTFD)
                return on ? -ENOTTY : set_unmask(m, &d->irq[a->index], *(const int32_t *)a->data);
        if (type == VFIO_IRQ_SET_DATA_NONE || a->data[0])
                d->irq[a->index].masked[0] = on;
        return 0;
}

static int set_irqs(struct fake *m, struct fake_device *d, const struct vfio_irq_set *a)
{
        uint32_t type = a->flags & VFIO_IRQ_SET_DATA_TYPE_MASK, least = offsetof(struct vfio_irq_set, data);
        uint64_t size = type == VFIO_IRQ_SET_DATA_BOOL ? 1 : type == VFIO_IRQ_SET_DATA_EVENTFD ? 4 : 0;
        unsigned int max = a->argsz < least ? 0 : count_of(d, a->index);

        if (a->argsz < least || a->index >= VFIO_PCI_NUM_IRQS || a->count >= UINT32_MAX - a->start ||
            a->flags & ~(__u32)(VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK))
                return -EINVAL;
        if (a->start >= max || a->start + a->count > MIN(max, (unsigned int)FAKE_MAX_VECTORS))
                return -EINVAL;
        if (type != VFIO_IRQ_SET_DATA_NONE && !size)
                return -EINVAL;
        if (a->argsz - least < a->count * size)
                return -EINVAL;
        switch (a->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
        case VFIO_IRQ_SET_ACTION_TRIGGER:
                return trigger(m, d, a);
        case VFIO_IRQ_SET_ACTION_MASK:
                return mask(m, d, a, true);
        case VFIO_IRQ_SET_ACTION_UNMASK:
                return mask(m, d, a, false);
        default:
                return -ENOTTY;
        }
}

int fake_irq_ioctl(struct fake *m, struct fake_device *d, unsigned long request, void *arg)
{
        return request == VFIO_DEVICE_GET_IRQ_INFO ? get_info(d, arg) : set_irqs(m, d, arg);
}

bool fake_eventfd_fired(int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint64_t n;

        return poll(&p, 1, 0) == 1 && read(fd, &n, sizeof(n)) == sizeof(n);
}

static void settle_irqs(struct fake_device *d)
{
        struct fake_irq *intx = &d->irq[VFIO_PCI_INTX_IRQ_INDEX];

        if (intx->unmask && fake_eventfd_fired(intx->unmask - 1))
                intx->masked[0] = false;
}

void fake_settle(struct fake *m)
{
        pthread_mutex_lock(&m->lock);
        for (struct fake_device *d = m->devices; d; d = d->next)
                settle_irqs(d), fake_ioeventfds_settle(d);
        pthread_mutex_unlock(&m->lock);
}

/* INTx is masked as it is raised, until the user unmasks it (vfio_intx_handler()). */
int fake_raise(struct fake *m, const char *bdf, unsigned int index, unsigned int vector)
{
        struct fake_device *d;
        struct fake_irq *irq;
        int r = 0;

        pthread_mutex_lock(&m->lock);
        d = fake_find_device(m, bdf);
        if (d && index < FAKE_N_IRQS) {
                irq = &d->irq[index];
                if (vector < irq->enabled && !irq->masked[vector]) {
                        r = signal_vector(d, index, vector);
                        if (index == VFIO_PCI_INTX_IRQ_INDEX)
                                irq->masked[vector] = true;
                }
        }
        pthread_mutex_unlock(&m->lock);
        return r;
}

unsigned int fake_irq_enabled(struct fake *m, const char *bdf, unsigned int index)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d && index < FAKE_N_IRQS ? d->irq[index].enabled : 0;
}

unsigned int fake_irq_held(struct fake *m, const char *bdf, unsigned int index)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d && index < FAKE_N_IRQS ? n_held(&d->irq[index]) : 0;
}
