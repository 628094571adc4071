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
 * iommuctl_irq_new() - make @count eventfds, non-blocking and close-on-exec, and have the vectors @first to
 * @first + @count - 1 signal them.
 *
 * Each MSI or MSI-X vector costs the host one of its own: the first object of a kind takes the vectors from 0
 * up to its last one (the kernel allocates @first + @count of them), and no more. A PCI device signals by one
 * of INTx, MSI and MSI-X at a time. A second run of MSI-X vectors beside a live one needs Linux 6.5 and a
 * device whose vectors can be added later. MSI and MSI-X are DMA writes: they need bus mastering
 * (iommuctl_device_set_bus_master()). Freeing the last object of a kind turns that kind off.
 *
 * Returns 0 and sets @ret_irq, the caller's to free with iommuctl_irq_free(); -EINVAL for a @count of 0 or an
 * index the device does not know; -ERANGE where the device has fewer vectors (the text says how many);
 * -EEXIST where one of the vectors is in use by another object; -EBUSY where another of INTx, MSI and MSI-X
 * is in use; -EOPNOTSUPP where the vectors cannot be added while others are live; -ENOSPC where the host has
 * no more vectors; -EMFILE; -ENOMEM.
 */
int iommuctl_irq_new(struct iommuctl_device *device, unsigned int kind, unsigned int first,
                     unsigned int count, struct iommuctl_irq **ret_irq);

/** iommuctl_irq_free() - stop the vectors, close the eventfds, free. NULL is let through. */
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

#ifdef __cplusplus
}
#endif

#endif
