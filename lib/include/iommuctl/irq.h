/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_IRQ_H
#define IOMMUCTL_IRQ_H

#include <stdint.h>

#include <iommuctl/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_irq - a run of interrupt vectors of one kind, each with an eventfd.
 *
 * Owned by the caller, who frees it; it keeps its device. Waiting, masking and triggering may come from any
 * threads; freeing must be the last use.
 */
struct iommuctl_irq;

/** enum iommuctl_irq_kind - the interrupt indexes of a PCI device. */
enum iommuctl_irq_kind {
        IOMMUCTL_IRQ_INTX = 0,    /* a level: masked by the kernel each time it fires */
        IOMMUCTL_IRQ_MSI = 1,     /* up to 32 vectors */
        IOMMUCTL_IRQ_MSIX = 2,    /* up to 2048 vectors */
        IOMMUCTL_IRQ_ERR = 3,     /* an uncorrected PCIe error (Linux 3.10) */
        IOMMUCTL_IRQ_REQUEST = 4, /* the kernel asks for the device back (Linux 4.0) */
};

/**
 * iommuctl_irq_vectors() - how many vectors of this kind the device has.
 *
 * @kind: enum iommuctl_irq_kind; of a device that is not PCI, its own index.
 *
 * Returns the number, 0 where it has none, -EINVAL where it does not know the index at all.
 */
int iommuctl_irq_vectors(struct iommuctl_device *device, unsigned int kind);

/**
 * iommuctl_irq_can_add() - whether vectors of this kind can be added beside live ones, up to all that there
 * are: MSI-X vectors of most devices from Linux 6.5 on.
 *
 * Returns 1, 0, or as iommuctl_irq_vectors().
 */
int iommuctl_irq_can_add(struct iommuctl_device *device, unsigned int kind);

/**
 * iommuctl_irq_new() - make @count eventfds, non-blocking and close-on-exec, and have the vectors @first to
 * @first + @count - 1 signal them.
 *
 * Each MSI or MSI-X vector costs the host one of its own. Where vectors can be added
 * (iommuctl_irq_can_add()), each run costs what it has, the first one perhaps one more. Elsewhere the first
 * run of a kind takes all vectors from 0 up to its last one, and later runs must lie below that: take the
 * highest vector first. A PCI device signals by one of INTx, MSI and MSI-X at a time. MSI and MSI-X are DMA
 * writes: they need bus mastering (iommuctl_device_set_bus_master()). Freeing the last object of a kind turns
 * that kind off.
 *
 * Returns 0 and sets @ret_irq, the caller's to free with iommuctl_irq_free(); -EINVAL for a @count of 0 or an
 * index the device does not know; -ERANGE where the device has fewer vectors (the text says how many);
 * -EEXIST where one of the vectors is in use by another object; -EBUSY where another of INTx, MSI and MSI-X
 * is in use; -EOPNOTSUPP where the vectors cannot be added while others are live; -ENOSPC where the host has
 * no more vectors; -EMFILE; -ENOMEM.
 */
int iommuctl_irq_new(struct iommuctl_device *device, unsigned int kind, unsigned int first,
                     unsigned int count, struct iommuctl_irq **ret_irq);

/** iommuctl_irq_free() - stop the vectors, close the eventfds, free. It needs no memory; runs may be freed in
 * any order, and their vectors taken again. NULL is let through. */
void iommuctl_irq_free(struct iommuctl_irq *irq);

/** iommuctl_irq_count() - how many vectors it has. */
unsigned int iommuctl_irq_count(const struct iommuctl_irq *irq);

/** iommuctl_irq_fd() - the eventfd of the vector @first + @i, for poll(2) and its kin; stays the irq's. -1
 * where @i is not below the count. */
int iommuctl_irq_fd(const struct iommuctl_irq *irq, unsigned int i);

/**
 * iommuctl_irq_wait() - wait until the vector @first + @i has fired, and take the count of its firings.
 *
 * @timeout_ms: -1 for ever, 0 only to look.
 * @ret_count: how often it fired since the last wait, at least 1; may be NULL.
 *
 * INTx is masked when it has fired: quiet the device, then iommuctl_irq_unmask().
 *
 * Returns 0; -ETIMEDOUT (with a @timeout_ms of 0 it sets no text: it is no failure); -EINTR where a signal
 * handler ran; -EINVAL where @i is not below the count.
 */
int iommuctl_irq_wait(struct iommuctl_irq *irq, unsigned int i, int timeout_ms, uint64_t *ret_count);

/** iommuctl_irq_mask() - hold the vector @first + @i back. Returns 0; -EINVAL as wait; -EOPNOTSUPP where the
 * kernel cannot: it masks INTx only. */
int iommuctl_irq_mask(struct iommuctl_irq *irq, unsigned int i);

/** iommuctl_irq_unmask() - let it through again; what came meanwhile fires now. Returns as
 * iommuctl_irq_mask(). */
int iommuctl_irq_unmask(struct iommuctl_irq *irq, unsigned int i);

/** iommuctl_irq_trigger() - signal the eventfd as if the device had, to test the path. Returns 0, -EINVAL as
 * wait, or what the kernel said. */
int iommuctl_irq_trigger(struct iommuctl_irq *irq, unsigned int i);

#define IOMMUCTL_IRQ_OWN_EVENTFD (-1)
#define IOMMUCTL_IRQ_NO_EVENTFD  (-2)

/**
 * iommuctl_irq_set_eventfd() - have the vector @first + @i signal the caller's eventfd from now on, such as
 * one that KVM injects from.
 *
 * @fd: an eventfd, which stays the caller's (the kernel keeps what it needs of it); IOMMUCTL_IRQ_OWN_EVENTFD:
 * that of iommuctl_irq_fd() again; IOMMUCTL_IRQ_NO_EVENTFD: none, what the vector signals is dropped. MSI and
 * MSI-X have no other mask.
 *
 * Returns 0; -EINVAL as wait, or where @fd is no eventfd; -EBADF where it is no descriptor. After a failure
 * the vector signals its own eventfd.
 */
int iommuctl_irq_set_eventfd(struct iommuctl_irq *irq, unsigned int i, int fd);

/**
 * iommuctl_irq_set_resample() - have the kernel unmask INTx each time the caller writes to an eventfd: the
 * way back of an emulated level, as from KVM, without a call.
 *
 * @fd: an eventfd, which stays the caller's; -1: no longer. Closing it ends it too.
 *
 * Returns 0; -EOPNOTSUPP where the kind is not INTx; -EBUSY where an eventfd does so already; -EINVAL where
 * @fd is no eventfd; -EBADF where it is no descriptor. Linux 3.6.
 */
int iommuctl_irq_set_resample(struct iommuctl_irq *irq, int fd);

#ifdef __cplusplus
}
#endif

#endif
