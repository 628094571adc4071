/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_DMA_LOG_H
#define IOMMUCTL_DMA_LOG_H

#include <stddef.h>
#include <stdint.h>

#include <iommuctl/container.h>
#include <iommuctl/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_dma_log - a device's own record of where it wrote to by DMA.
 *
 * The migration of a program's memory copies what the device wrote to once more; some devices note it down
 * themselves, which spares the IOMMU's page tables. Writes alone are noted, none that go on in other devices.
 * A device keeps one at a time.
 *
 * Owned by the caller, who frees it; it keeps its device. Reports may come from any threads; freeing must be
 * the last use.
 */
struct iommuctl_dma_log;

/** The most ranges that any device takes. */
#define IOMMUCTL_DMA_LOG_MAX_RANGES 256

/**
 * iommuctl_dma_log_start() - have the device note down its writes from now on.
 *
 * @ranges, @n: the IOVAs to watch, 1 to IOMMUCTL_DMA_LOG_MAX_RANGES of them, apart from each other, each
 * beginning and ending at multiples of @page_size. A driver may note down more than that, and may know fewer
 * ranges by taking near ones together.
 * @page_size: the grain wanted, a power of two; iommuctl_dma_log_page_size() is what the device has.
 *
 * Needs Linux 6.1 and a device whose driver can. Any thread.
 *
 * Returns 0 and sets @ret_log, the caller's to free with iommuctl_dma_log_free(); -EINVAL where the ranges or
 * @page_size are not as said above (the text says what is wrong), or the device keeps a log already; -E2BIG
 * for too many ranges; -EOVERFLOW where a range ends at the end of all addresses; -EOPNOTSUPP where the
 * device cannot or the kernel is older; -ENOMEM; or what the driver said.
 */
int iommuctl_dma_log_start(struct iommuctl_device *device, const struct iommuctl_range ranges[], size_t n,
                           uint64_t page_size, struct iommuctl_dma_log **ret_log);

/** iommuctl_dma_log_page_size() - the grain that the device notes down by. */
uint64_t iommuctl_dma_log_page_size(const struct iommuctl_dma_log *log);

/**
 * iommuctl_dma_log_report() - where the device wrote to since the last report, which forgets it.
 *
 * @range: which IOVAs to tell of, beginning and ending at multiples of @page_size.
 * @page_size: of what a bit stands for: a power of two from 4096; need not be the log's. Where the log is
 * coarser, all bits of a grain are set.
 * @bitmap, @n_words: bit i % 64 of word i / 64 stands for the page at @range's start + i * @page_size. Bits
 * are only ever set: clear it first, or gather several reports in one. Its bits beyond @range are left alone.
 *
 * Returns 0; -EINVAL where @range or @page_size are not as said above; -ENOSPC where @n_words are too few
 * (the text says how many are needed); -EOVERFLOW as iommuctl_dma_log_start(). After any other failure what
 * was noted may be lost: take all memory as written to, and start a new log.
 */
int iommuctl_dma_log_report(struct iommuctl_dma_log *log, struct iommuctl_range range, uint64_t page_size,
                            uint64_t bitmap[], size_t n_words);

/** iommuctl_dma_log_free() - have the device note down no more, and free. NULL is let through. */
void iommuctl_dma_log_free(struct iommuctl_dma_log *log);

#ifdef __cplusplus
}
#endif

#endif
