/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_DMA_H
#define IOMMUCTL_DMA_H

#include <stdbool.h>
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

struct iommuctl_region; /* <iommuctl/region.h> */

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
        /* No kernel has this one for devices: it is refused with -EOPNOTSUPP. What a device executes it
           reads. */
        IOMMUCTL_ACCESS_EXEC = 1 << 2,
};

enum iommuctl_dma_flags {
        IOMMUCTL_DMA_FIXED_IOVA = 1 << 0, /* at the member iova and nowhere else */
        IOMMUCTL_DMA_BY_FILE = 1 << 1,    /* dma_alloc only: so that the mapping can go to another process
                                             (iommuctl_container_take_over()); iommufd is given the memfd and
                                             not the address: Linux 6.13, else -EOPNOTSUPP */
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
 * On type1, @vaddr may also be registers of a device that iommuctl_region_map() gave; iommufd pins memory
 * only and answers -EFAULT. iommuctl_dma_map_region() works with both.
 *
 * Returns 0 and sets @ret_dma, the caller's to unmap. On failure nothing is mapped, and the text says why:
 * -EINVAL: something is not a multiple of the page size or is 0; struct_size is not set, or
 * what lies beyond the members this library knows is not zero; unknown flags or access bits, a bad name, a
 * page_size (that is for dma_alloc); or the fixed IOVA lies above iova_limit or outside of the container's
 * ranges (the text shows them). -EOPNOTSUPP: IOMMUCTL_ACCESS_EXEC. -EOVERFLOW: @vaddr or the fixed IOVA, with
 * @size, goes beyond the last address there is, 2^64 - 1, which itself may be mapped. -EEXIST: the IOVA or
 * the virtual addresses overlap a mapping that is there; the text names it. -ENOSPC: no free IOVA of that
 * size (below the limit), or the kernel's limit of mappings is reached; the text says which and the number.
 * -ENOMEM: the memory cannot be pinned: the text says how much is needed, the limit (RLIMIT_MEMLOCK) and how
 * much is locked now. -EFAULT: @vaddr to @vaddr + @size is not all there, or not writable where devices may
 * write. -ENODEV: no device has joined the container, and it is no iommufd one.
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
 * iommuctl_dma_map_file() - let the container's devices reach a part of a file: a memfd, shared memory, a
 * file of huge pages.
 *
 * @fd: open for reading, and for writing where the devices may write; the library keeps a descriptor of its
 * own and the caller may close his.
 * @offset, @size: multiples of the system's page size, inside the file.
 *
 * The kernel finds the pages in the file (IOMMU_IOAS_MAP_FILE: iommufd, Linux 6.13), and this process needs
 * no mapping of it. On type1, on older kernels, and for a file that the kernel does not take this way, the
 * library maps the file (shared) at an address that it tells only the kernel, for as long as the dma lives.
 * In both, the span's vaddr is NULL and iommuctl_translate() knows nothing of it: the caller who wants to
 * touch the memory maps the file himself. The IOVA is congruent to @offset as it is to the address elsewhere.
 *
 * Returns as iommuctl_dma_map(); also -ERANGE where the file ends before; -EOVERFLOW where no file could be
 * as long; -EACCES where it is not open for that, which a kernel that finds the
 * pages itself does not look at (up to Linux 7.2); -ENODEV where the descriptor is of nothing that can be
 * mapped; -EFAULT where its pages cannot be pinned (a file on a disk that devices may write); -EBADF,
 * -EMFILE.
 */
int iommuctl_dma_map_file(struct iommuctl_container *container, int fd, uint64_t offset, size_t size,
                          const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma);

/**
 * iommuctl_dma_map_dmabuf() - let the container's devices reach what is behind a dma-buf: iommufd of
 * Linux 6.19, which takes those that VFIO exports (iommuctl_region_dmabuf()) and no others.
 *
 * As iommuctl_dma_map_file(); nothing is pinned and nothing is charged. The exporting device takes it back
 * when it is reset, closed, or stops to decode its memory: see iommuctl_dma_renew().
 *
 * Returns as iommuctl_dma_map(); also -EOPNOTSUPP on type1, where the kernel is older or lacks
 * VFIO_PCI_DMABUF, or where the dma-buf is another's or of several parts; -ENODEV where it is revoked now;
 * -EINVAL also where @size at @offset is not all inside of it; -EBADF, -EMFILE.
 */
int iommuctl_dma_map_dmabuf(struct iommuctl_container *container, int fd, uint64_t offset, size_t size,
                            const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma);

/**
 * iommuctl_dma_map_region() - let the container's devices reach registers or memory of another device, or of
 * the same: peer to peer, a BAR or a part of it.
 *
 * @region: stays the caller's, who may free it; its device, which may be open in any container, is kept.
 * @offset, @size: multiples of the system's page size; a @size of 0 means to the region's end.
 *
 * On type1 the library maps the registers into this process, at an address of its own, and gives that to the
 * kernel; on iommufd it exports them as a dma-buf, which takes Linux 6.19. The span's vaddr is NULL.
 *
 * On iommufd it goes when the device is reset or given back; on type1 nothing takes it away, and the peers
 * would reach whatever lies there next: whoever gives the device back unmaps this first.
 *
 * Whether what the devices send arrives is the machine's to decide: switches and root ports between them may
 * not let it through.
 *
 * Returns as iommuctl_dma_map_dmabuf(); -ERANGE where it is not all inside the region; -EOPNOTSUPP also where
 * the kernel does not let that part be mapped; -ENODEV also where nothing has joined the container, and on
 * both backends while the device does not decode its memory.
 */
int iommuctl_dma_map_region(struct iommuctl_container *container, struct iommuctl_region *region,
                            uint64_t offset, size_t size, const struct iommuctl_dma_options *options,
                            struct iommuctl_dma **ret_dma);

/**
 * iommuctl_dma_renew() - map again what is there, in the same place with the same access: after a device's
 * registers were revoked.
 *
 * A dma-buf of a device's registers is revoked when the device is reset, or stops to decode its memory
 * (PCI_COMMAND_MEMORY), or may sleep (iommuctl_power_enter(), until iommuctl_power_leave()); the kernel then
 * takes it out of every address space, and what is mapped stays dead also when the device is back. Nothing
 * tells of that; who resets a device renews what its peers have of it. Works for all that this library has
 * mapped, and also for what is mapped still: devices see the place empty for a moment.
 *
 * Returns 0. -ENODEV: it is still revoked; or another failure of iommuctl_dma_map(): then nothing is mapped,
 * iommuctl_dma_is_mapped() says so, the IOVAs stay reserved for it, and it may be renewed again or unmapped.
 * -ENOENT: it was unmapped by iommuctl_container_unmap(). -EPERM: it was handed over (its mapping is another
 * process's).
 */
int iommuctl_dma_renew(struct iommuctl_dma *dma);

/**
 * iommuctl_dma_copy() - map a buffer in another container, too.
 *
 * @options: as for iommuctl_dma_map(), but an access of 0 means that of @dma. Nothing else is taken from
 * @dma: without IOMMUCTL_DMA_FIXED_IOVA the IOVA is chosen anew.
 *
 * Inside one iommufd (iommuctl_container_new_beside()) the kernel shares the pages: they are pinned and
 * charged once (IOMMU_IOAS_COPY). Between any two other containers the buffer is mapped again, which pins and
 * charges it twice; a copy that is renewed is mapped again as well.
 *
 * The copy is a mapping of its own, but the memory of iommuctl_dma_alloc() stays with @dma and goes with it:
 * unmap the copy first. Its iommuctl_dma_fd() is -1.
 *
 * Returns as iommuctl_dma_map(); also -EPERM where more access is asked for than @dma has; -ENOENT where @dma
 * is not mapped any more; -EOPNOTSUPP for registers between type1 containers (map the region there) and for a
 * dma-buf on type1; -EMFILE.
 */
int iommuctl_dma_copy(struct iommuctl_dma *dma, struct iommuctl_container *to,
                      const struct iommuctl_dma_options *options, struct iommuctl_dma **ret_dma);

/**
 * iommuctl_dma_unmap() - take the buffer away from the devices, give memory that dma_alloc made back, and
 * free
 * @dma. NULL is let through.
 *
 * A device that still uses it faults, and nothing else happens to it. What iommuctl_container_unmap() has
 * unmapped before is freed by this just the same.
 *
 * Returns 0. On failure, which the kernel has no common reason for, the buffer is still mapped and @dma is as
 * it was.
 */
int iommuctl_dma_unmap(struct iommuctl_dma *dma);

/**
 * iommuctl_container_unmap() - unmap all that lies from @iova to @iova + @size - 1, one or many buffers, in
 * one call to the kernel.
 *
 * @iova, @size: multiples of the system's page size; the last address may be 2^64 - 1.
 * @ret_bytes: how many bytes were unmapped, as the kernel counted them; 0 where nothing was there, which is
 * no failure. May be NULL.
 *
 * Kernels unmap whole mappings only (type1 v2 and iommufd alike); a range that would cut one is refused.
 *
 * The buffers' dmas stay valid, and stay the caller's to free with iommuctl_dma_unmap(), which then asks
 * nothing of the kernel. Until then iommuctl_dma_is_mapped() is false, the span tells where the buffer was,
 * memory of iommuctl_dma_alloc() can still be touched; but the IOVAs are free again, and the virtual
 * addresses may be mapped anew. What was mapped by hand through the raw descriptor goes and counts too where
 * it lies in the range whole.
 *
 * Mapping and unmapping in other threads wait for each other; a buffer that is being mapped in the range is
 * unmapped once it is.
 *
 * Returns 0. -EINVAL: not whole pages, or a mapping would be cut (the text says which and where it lies):
 * nothing was done. -EOVERFLOW: the range would go beyond 2^64 - 1. -EPERM: a buffer in it was handed over,
 * and its mapping is another process's: nothing was done. Or what the kernel said, for which it has no common
 * reason: some of the buffers are then unmapped and some not, each as iommuctl_dma_is_mapped() says.
 */
int iommuctl_container_unmap(struct iommuctl_container *container, uint64_t iova, uint64_t size,
                             uint64_t *ret_bytes);

/**
 * iommuctl_container_unmap_all() - unmap all that is mapped in the container, as iommuctl_container_unmap().
 *
 * One call to the kernel on each backend; what it counts, @ret_bytes says.
 */
int iommuctl_container_unmap_all(struct iommuctl_container *container, uint64_t *ret_bytes);

/** iommuctl_dma_is_mapped() - whether devices reach it now. False after iommuctl_container_unmap() took it,
 * after iommuctl_dma_renew() failed, and for the moment in which another thread does these. Thread-safe. */
bool iommuctl_dma_is_mapped(const struct iommuctl_dma *dma);

/** iommuctl_dma_span() - where it is, or was; never changes. The vaddr is NULL where it was mapped by a
 * descriptor or is a device's registers. Thread-safe. */
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
 * Takes no lock and makes no system call, and so may be called from any thread beside map and unmap, which do
 * not slow it down. Takes two or three steps, however much is mapped. A driver that knows its buffer needs no call:
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
