/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_DIRTY_H
#define IOMMUCTL_DIRTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iommuctl/container.h>
#include <iommuctl/dma.h>
#include <iommuctl/hwpt.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_dirty - tracking which pages of a container's mappings its devices write: what a migration
 * copies again.
 *
 * Owned by the caller, who stops it; it keeps its container. Reading may run from any threads, beside mapping
 * and unmapping of what is not read; stopping must be the last use of that object.
 *
 * What the processor writes is not in it (for that there is userfaultfd(2) or soft-dirty), nor what devices
 * write that are not behind this container.
 */
struct iommuctl_dirty;

/**
 * iommuctl_dirty_limits() - how finely the kernel tells, and how much at a time, on type1
 * (VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION).
 *
 * @ret_page_sizes: mask of the sizes that one bit can stand for; kernels to 7.2 offer the IOMMU's smallest.
 * @ret_bitmap_max: bytes of bitmap in one call of the kernel's. A single mapping beyond it (8 TiB of 4 KiB
 * pages) cannot be tracked.
 *
 * Returns true and sets both; false where the kernel does not say: on iommufd, before Linux 5.8, and while
 * nothing has joined.
 */
bool iommuctl_dirty_limits(struct iommuctl_container *container, uint64_t *ret_page_sizes,
                           uint64_t *ret_bitmap_max);

/**
 * iommuctl_dirty_start() - from now on, writes of the container's devices are kept track of.
 *
 * On type1 it is the container that tracks (VFIO_IOMMU_DIRTY_PAGES, Linux 5.8). Type1 does not ask the IOMMU:
 * of devices that an IOMMU translates for, it reports every mapped page dirty, at each reading, and so tells
 * only what has to be copied and not what was written. It knows better of mediated devices alone, whose
 * drivers pin the pages that they use. What is mapped later is tracked too.
 *
 * On iommufd it is the IOMMU that tracks, exactly, where it can (Linux 6.7), in page tables that are made for
 * it. Devices that see one of the kernel's making are moved into such a one, with no gap in what they see,
 * and moved back at the end; those in a page table made by hand stay there, which must have been made with
 * IOMMUCTL_HWPT_DIRTY_TRACKING. A device that is opened in the container later is tracked too, or refused
 * with -EOPNOTSUPP. Devices must not be attached elsewhere meanwhile.
 *
 * A container is tracked once at a time.
 *
 * Returns 0 and sets @ret_dirty, the caller's to stop; -EBUSY where it is tracked already; -EOPNOTSUPP where
 * the kernel or the IOMMU cannot (the text says which); -EINVAL where a mapping is too large for a bitmap;
 * -ENODEV where nothing has joined the container, or no device sees it (iommufd); -ENOMEM. On failure all is
 * as it was.
 */
int iommuctl_dirty_start(struct iommuctl_container *container, struct iommuctl_dirty **ret_dirty);

/**
 * iommuctl_dirty_start_hwpts() - the same for page tables that were made by hand, whoever is in them.
 *
 * @hwpts, @n: of one container, made with IOMMUCTL_HWPT_DIRTY_TRACKING, not nested (of a nested one it is the
 * parent that tracks). They are kept until the end. No device is moved.
 *
 * Returns as iommuctl_dirty_start(); -EINVAL also for no page tables, one of another container, or a nested
 * one; -EOPNOTSUPP for one that does not track.
 */
int iommuctl_dirty_start_hwpts(struct iommuctl_hwpt *const *hwpts, size_t n,
                               struct iommuctl_dirty **ret_dirty);

/**
 * iommuctl_dirty_stop() - stop it and free @dirty. NULL is let through.
 *
 * Returns 0, or what the kernel said: then it is as it was, and stop may be called again.
 */
int iommuctl_dirty_stop(struct iommuctl_dirty *dirty);

/** iommuctl_dirty_container() - the container that is tracked; lives as long as @dirty. */
struct iommuctl_container *iommuctl_dirty_container(const struct iommuctl_dirty *dirty);

/** iommuctl_dirty_page_size() - how many bytes a bit stands for. Iovas and sizes below are multiples of it.
 */
uint64_t iommuctl_dirty_page_size(const struct iommuctl_dirty *dirty);

/** iommuctl_dirty_bitmap_words() - how many 64-bit words a bitmap for @size bytes has. */
size_t iommuctl_dirty_bitmap_words(const struct iommuctl_dirty *dirty, uint64_t size);

enum iommuctl_dirty_flags {
        IOMMUCTL_DIRTY_KEEP = 1 << 0, /* the next reading tells these pages again */
};

/**
 * iommuctl_dirty_read() - which pages from @iova to @iova + @size were written since the last reading.
 *
 * @flags: enum iommuctl_dirty_flags. KEEP needs iommufd.
 * @bitmap, @n_words: the caller's, of iommuctl_dirty_bitmap_words() or more, native 64-bit words. Bit 0 of
 * the first word is the page at @iova. Bits of pages that were written are set and all others left as they
 * are, so one bitmap can gather several readings; zero it to begin with.
 *
 * The range may have holes and hold many mappings; what is not mapped is not dirty. On type1 it must not cut
 * a mapping in two. A page that is written while this runs is told now or the next time.
 *
 * Returns 0. A failure after some of it was read leaves in @bitmap what was read, so nothing gets lost.
 * -EINVAL: no multiple of the page size, 0 or wrapping around, a bitmap too small, unknown flags, a mapping
 * cut (the text names it); or mappings were unmapped meanwhile. -EOPNOTSUPP: KEEP on type1. -ENODEV: on
 * type1, the address space is gone since the last device left. -ENOMEM.
 */
int iommuctl_dirty_read(struct iommuctl_dirty *dirty, uint64_t iova, uint64_t size, unsigned int flags,
                        uint64_t *bitmap, size_t n_words);

/**
 * iommuctl_dirty_next() - the next run of dirty pages in a bitmap.
 *
 * @iova, @size: what the bitmap was read for. @at: an offset in it, 0 to begin with; moves behind the run.
 *
 *         for (uint64_t at = 0; iommuctl_dirty_next(dirty, bitmap, iova, size, &at, &range);)
 *                 copy(range.start, range.last);
 *
 * Asks no kernel. Returns true and sets @ret_range, as IOVAs; false at the end.
 */
bool iommuctl_dirty_next(const struct iommuctl_dirty *dirty, const uint64_t *bitmap, uint64_t iova,
                         uint64_t size, uint64_t *at, struct iommuctl_range *ret_range);

/**
 * iommuctl_dirty_unmap() - iommuctl_dma_unmap(), and which of the buffer's pages were written before it was
 * gone.
 *
 * @bitmap, @n_words: as iommuctl_dirty_read(); bit 0 is the buffer's first page.
 *
 * On type1 reading and unmapping are one, and nothing gets lost; on iommufd they are two, so the devices must
 * leave the buffer alone by then.
 *
 * Returns 0, and @dma is gone. On failure it is mapped as it was: -EINVAL where the bitmap is too small, or
 * the buffer is of another container or another process's; -ENOMEM; or what the kernel said.
 */
int iommuctl_dirty_unmap(struct iommuctl_dirty *dirty, struct iommuctl_dma *dma, uint64_t *bitmap,
                         size_t n_words);

#ifdef __cplusplus
}
#endif

#endif
