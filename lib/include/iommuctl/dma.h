/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_DMA_H
#define IOMMUCTL_DMA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <iommuctl/container.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_dma - memory of this process that the devices of a container reach.
 *
 * Owned by the caller, who unmaps it; it keeps its container. Mapping, unmapping and translating on one
 * container may run from any threads; unmapping must be the last use of that object.
 */
struct iommuctl_dma;

/**
 * struct iommuctl_span - where a buffer is, for the processor and for the devices: a value, copied freely,
 * good until the buffer is unmapped. The device's address of (char *)vaddr + n is iova + n.
 */
struct iommuctl_span {
        void *vaddr;
        uint64_t iova;
        size_t size; /* in bytes */
};

/** enum iommuctl_access - what devices may do with a buffer. */
enum iommuctl_access {
        IOMMUCTL_ACCESS_READ = 1 << 0,  /* devices read memory */
        IOMMUCTL_ACCESS_WRITE = 1 << 1, /* devices write memory */
};

enum iommuctl_dma_flags {
        IOMMUCTL_DMA_FIXED_IOVA = 1 << 0, /* at the member iova and nowhere else */
};

/**
 * struct iommuctl_dma_options - all that may be said about a mapping; zero is the default of each member.
 *
 *         struct iommuctl_dma_options options = { .struct_size = sizeof(options), .page_size = 2 << 20 };
 */
struct iommuctl_dma_options {
        size_t struct_size;  /* sizeof(struct iommuctl_dma_options): members may be added at the end */
        unsigned int access; /* enum iommuctl_access; 0: both */
        unsigned int flags;  /* enum iommuctl_dma_flags */
        uint64_t iova;       /* with IOMMUCTL_DMA_FIXED_IOVA: a multiple of the page size */
        uint64_t iova_limit; /* the last address a device can form, 0xffffffff for 32 bits; 0: no limit */
        size_t page_size;    /* dma_alloc only: pages that back the memory, 2 MiB or 1 GiB; 0: the system's */
        const char
                *name; /* for messages, /proc/PID/maps and hand-over: up to 64 of A-Z a-z 0-9 . _ -, copied */
};

/**
 * iommuctl_dma_map() - let the container's devices reach memory the caller has.
 *
 * @vaddr, @size: multiples of the system's page size; the memory stays the caller's, is pinned while it is
 * mapped and must not be given back before it is unmapped.
 * @options: or NULL for all defaults.
 *
 * Without a fixed IOVA a free one inside the container's ranges is chosen, congruent to @vaddr modulo 2 MiB
 * or 1 GiB where the buffer holds such a page, so that the IOMMU can use large pages. One mapping is one
 * entry of the kernel's limit. What is mapped stays as it is: mapping is never a look-up.
 *
 * Returns 0 and sets @ret_dma, the caller's to unmap. On failure nothing is mapped, and the text says why:
 * -EINVAL: something is not a multiple of the page size, is 0 or wraps around; struct_size is not set, or
 * what lies beyond the members this library knows is not zero; unknown flags or access bits, a bad name, a
 * page_size (that is for dma_alloc); or the fixed IOVA lies above iova_limit or outside of the container's
 * ranges (the text shows them). -EEXIST: the IOVA or the virtual addresses overlap a mapping that is there;
 * the text names it. -ENOSPC: no free IOVA of that size (below the limit), or the kernel's limit of mappings
 * is reached; the text says which and the number. -ENOMEM: the memory cannot be pinned: the text says how
 * much is needed, the limit (RLIMIT_MEMLOCK) and how much is locked now. -EFAULT: @vaddr to @vaddr + @size is
 * not all there, or not writable where devices may write. -ENODEV: no device has joined the container, and it
 * is no iommufd one.
 */
int iommuctl_dma_map(struct iommuctl_container *container, void *vaddr, size_t size,
                     const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma);

/**
 * iommuctl_dma_alloc() - make a buffer and map it: zeroed shared memory (a memfd), of huge pages where the
 * options ask for them.
 *
 * @size: rounded up to the page size asked for. The memory is given back by iommuctl_dma_unmap().
 *
 * Returns as iommuctl_dma_map(); also -EINVAL for a page size this machine does not have, and -ENOMEM where
 * it has too few free huge pages (the text says how many are needed and how many are free), -EMFILE.
 */
int iommuctl_dma_alloc(struct iommuctl_container *container, size_t size,
                       const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma);

/**
 * iommuctl_dma_unmap() - take the buffer away from the devices, give memory that dma_alloc made back, and
 * free
 * @dma. NULL is let through.
 *
 * A device that still uses it faults, and nothing else happens to it.
 *
 * Returns 0. On failure, which the kernel has no common reason for, the buffer is still mapped and @dma is as
 * it was.
 */
int iommuctl_dma_unmap(struct iommuctl_dma *dma);

/** iommuctl_dma_span() - where it is. Thread-safe. */
struct iommuctl_span iommuctl_dma_span(const struct iommuctl_dma *dma);

/** iommuctl_dma_fd() - the memfd of memory that dma_alloc made, -1 of the caller's own; stays the dma's. */
int iommuctl_dma_fd(const struct iommuctl_dma *dma);

/** iommuctl_dma_page_size() - the size of the pages that back it, where dma_alloc made it; else the system's
 * page size. */
size_t iommuctl_dma_page_size(const struct iommuctl_dma *dma);

/** iommuctl_dma_access() - what devices may do with it: enum iommuctl_access. */
unsigned int iommuctl_dma_access(const struct iommuctl_dma *dma);

/** iommuctl_dma_name() - its name; "" where none was given. Lives as long as @dma. */
const char *iommuctl_dma_name(const struct iommuctl_dma *dma);

/** iommuctl_dma_container() - the container it is mapped in; lives as long as @dma. */
struct iommuctl_container *iommuctl_dma_container(const struct iommuctl_dma *dma);

/**
 * iommuctl_translate() - the devices' address of @vaddr.
 *
 * Knows only what is mapped: memory whose mapping is being made or unmapped at this moment is not there.
 * Takes no lock and makes no system call, and so may be called from any thread beside map and unmap; a
 * look-up that meets a change of the books begins again. A driver that knows its buffer needs no call:
 * iommuctl_dma_span().
 *
 * Returns how many bytes from @vaddr on lie at consecutive IOVAs, at least 1 (to the end of the mapping that
 * holds it), and sets @ret_iova; or -ENOENT where @vaddr is not mapped (with no text: it is no failure).
 */
ssize_t iommuctl_translate(struct iommuctl_container *container, const void *vaddr, uint64_t *ret_iova);

#ifdef __cplusplus
}
#endif

#endif
