/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_DMA_SET_H
#define IOMMUCTL_DMA_SET_H

/* Many buffers mapped and unmapped as one. A mapping costs a call to the kernel and counts against its limit
 * (65535 on type1) however small it is; buffers that lie side by side in memory need one together. */

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <iommuctl/container.h>
#include <iommuctl/dma.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_dma_set - buffers that the devices of a container reach, mapped with as few mappings as
 * their addresses allow.
 *
 * Owned by the caller, who frees it; it keeps its container. A set never changes, so what is asked of it may
 * be asked from any threads; freeing it must be its last use.
 */
struct iommuctl_dma_set;

/** enum iommuctl_dma_set_flags - may stand in the flags of the options beside enum iommuctl_dma_flags. */
enum iommuctl_dma_set_flags {
        /* Buffers may begin and end anywhere: the pages they lie in are mapped whole. Devices then reach what
         * else lies in these pages, which an allocator of small blocks also fills with blocks of others. */
        IOMMUCTL_DMA_SET_ROUND_OUT = 1 << 16,
};

/**
 * iommuctl_dma_set_new() - let the container's devices reach memory the caller has, in many pieces.
 *
 * @buffers: @n of them, in any order, no two of which overlap; copied. Each is whole pages of the system's
 * page size, unless IOMMUCTL_DMA_SET_ROUND_OUT is set. The memory stays the caller's, is pinned while it is
 * mapped and must not be given back before it is unmapped.
 * @options: as for iommuctl_dma_map(), for all of them; or NULL for all defaults.
 *
 * Buffers that touch each other in memory make a run, however the array has them, and each run is one mapping
 * as iommuctl_dma_map() makes it: at IOVAs that let the IOMMU use large pages, wherever they are free. Inside
 * a run the IOVAs are as far apart as the addresses; runs are not in any order.
 *
 * With IOMMUCTL_DMA_FIXED_IOVA the buffers lie one directly behind the other from the member iova on, in the
 * order of the array, so that devices see one piece; only those are joined that touch in this order. Not with
 * IOMMUCTL_DMA_SET_ROUND_OUT.
 *
 * Whether all of it fits is asked before the first is mapped: the mappings that the kernel allows still
 * (iommuctl_container_available_mappings()), and what may be locked of memory, as
 * iommuctl_budget_check_container() does it; what other processes of the user have locked only for 64 MiB and
 * more, since less is tried in less time than it takes to ask. Sorting takes n log n steps, and none where
 * the array is in order.
 *
 * Returns 0 and sets @ret_set, the caller's to free. On failure nothing is mapped; the text names buffers by
 * their index. As iommuctl_dma_map(); -EINVAL also where @n is 0, or a buffer has 0 bytes or is not whole
 * pages; -EFAULT where one is at NULL; -EOVERFLOW where one ends past the last address, or all together
 * would; -EEXIST where two of them overlap, or one overlaps what is mapped; -ENOSPC also where more mappings
 * are needed than the kernel has left, -ENOMEM where more memory would be locked than may be: the text says
 * how many are needed and how many are left. Threads as iommuctl_dma_map().
 */
int iommuctl_dma_set_new(struct iommuctl_container *container, const struct iovec *buffers, size_t n,
                         const struct iommuctl_dma_options *options, struct iommuctl_dma_set **ret_set);

/**
 * iommuctl_dma_set_free() - take the buffers away from the devices, and free @set. NULL is let through.
 *
 * All mappings are tried. Those that iommuctl_container_unmap() took away before are no failure.
 *
 * Returns 0. Where the kernel refused some, which it has no common reason for, the first of its errors (see
 * iommuctl_dma_unmap()): the others are gone, @set is still there with those that are mapped
 * (iommuctl_dma_set_n_mappings()), and it may be freed again.
 */
int iommuctl_dma_set_free(struct iommuctl_dma_set *set);

/** iommuctl_dma_set_n() - how many buffers it was made of. Thread-safe. */
size_t iommuctl_dma_set_n(const struct iommuctl_dma_set *set);

/** iommuctl_dma_set_iova() - the devices' address of the first byte of buffer @i, which is below
 * iommuctl_dma_set_n(), as the array had it: a look-up in a table. 0 where there is no such buffer.
 * Thread-safe.
 */
uint64_t iommuctl_dma_set_iova(const struct iommuctl_dma_set *set, size_t i);

/** iommuctl_dma_set_span() - where buffer @i is, for the processor and for the devices; all 0 where there is
 * no such buffer. Thread-safe. */
struct iommuctl_span iommuctl_dma_set_span(const struct iommuctl_dma_set *set, size_t i);

/** iommuctl_dma_set_n_mappings() - how many mappings it took: what it counts against the kernel's limit. */
size_t iommuctl_dma_set_n_mappings(const struct iommuctl_dma_set *set);

/** iommuctl_dma_set_mapping() - where mapping @i is, which is below iommuctl_dma_set_n_mappings(): one run of
 * buffers, in the order of their addresses (with IOMMUCTL_DMA_FIXED_IOVA, of their IOVAs). All 0 where there
 * is none. */
struct iommuctl_span iommuctl_dma_set_mapping(const struct iommuctl_dma_set *set, size_t i);

#ifdef __cplusplus
}
#endif

#endif
