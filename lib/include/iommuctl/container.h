/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_CONTAINER_H
#define IOMMUCTL_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iommuctl/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_container - one I/O address space: a VFIO type1 container or an iommufd IOAS, with the same
 * calls for both.
 *
 * Opaque and reference-counted. Groups, devices and mapped buffers keep their container, so it may be
 * unreferenced in any order; the kernel's objects are closed with the last of them. All calls on one
 * container may be made from any threads.
 */
struct iommuctl_container;

/** enum iommuctl_backend - the kernel interface below a container. */
enum iommuctl_backend {
        IOMMUCTL_BACKEND_AUTO,    /* decided by the first device or group that joins */
        IOMMUCTL_BACKEND_IOMMUFD, /* /dev/iommu and the devices' own nodes: Linux 6.6 with VFIO_DEVICE_CDEV */
        IOMMUCTL_BACKEND_TYPE1,   /* /dev/vfio/vfio and groups: type1 v2, never v1 */
        /* No IOMMU at all, never chosen by AUTO: devices behind none are opened, with registers and
         * interrupts, and do DMA to any physical address, which nothing checks or translates. A device that
         * is told a wrong address, or that a guest or a bug has in its hands, overwrites any memory of the
         * machine, the kernel's too. It needs CAP_SYS_RAWIO and 1 in
         * /sys/module/vfio/parameters/enable_unsafe_noiommu_mode; the kernel is tainted from then on. All
         * that maps, and all that is about an address space, answers -EOPNOTSUPP. */
        IOMMUCTL_BACKEND_NOIOMMU,
};

/** struct iommuctl_range - usable addresses; @start and @last are both inside. */
struct iommuctl_range {
        uint64_t start;
        uint64_t last;
};

/** iommuctl_backend_name() - "auto", "iommufd", "type1" or "noiommu"; NULL for any other value. Thread-safe.
 */
const char *iommuctl_backend_name(enum iommuctl_backend backend);

/**
 * iommuctl_container_new() - a new, empty I/O address space.
 *
 * IOMMUCTL_BACKEND_IOMMUFD opens /dev/iommu and allocates an IOAS at once, so buffers can be mapped before a
 * device joins. IOMMUCTL_BACKEND_AUTO and IOMMUCTL_BACKEND_TYPE1 open nothing yet, and mapping answers
 * -ENODEV until a device or a group has joined: the kernel needs a group before it makes a type1 address
 * space. AUTO becomes iommufd where /dev/iommu and the node of the first device can be opened, else type1 v2;
 * a group makes it type1.
 *
 * The caller owns the one reference in @ret_container and gives it back with iommuctl_container_unref().
 *
 * Returns 0; -EINVAL for an unknown backend; -EROFS on a context of a captured tree; -ENOMEM; for IOMMUFD
 * also -EOPNOTSUPP where the kernel has no iommufd, and what opening /dev/iommu gave (-EACCES, -EMFILE).
 */
int iommuctl_container_new(struct iommuctl_ctx *ctx, enum iommuctl_backend backend,
                           struct iommuctl_container **ret_container);

/** enum iommuctl_accounting - against what the memory that is pinned for devices is counted, and limited by
 * RLIMIT_MEMLOCK. The memory of a process with CAP_IPC_LOCK is counted, but has no limit. */
enum iommuctl_accounting {
        IOMMUCTL_ACCOUNTING_DEFAULT, /* as the backend does by itself */
        IOMMUCTL_ACCOUNTING_USER,    /* all of the user's processes together: iommufd's default */
        IOMMUCTL_ACCOUNTING_PROCESS, /* each process alone: what type1 always does */
};

/**
 * struct iommuctl_container_options - all that may be said about a new container; zero is the default of each
 * member.
 *
 *         struct iommuctl_container_options options = { .struct_size = sizeof(options) };
 */
struct iommuctl_container_options {
        size_t struct_size; /* sizeof(struct iommuctl_container_options): members may be added at the end */
        enum iommuctl_backend backend;
        enum iommuctl_accounting accounting;
};

/**
 * iommuctl_container_new_with_options() - as iommuctl_container_new(), with more to say.
 *
 * The accounting is settled here, since the kernel settles it before anything is in the iommufd. By process
 * on iommufd, it needs CAP_SYS_RESOURCE; type1 knows no other, and IOMMUCTL_ACCOUNTING_USER keeps an AUTO
 * container from becoming a type1 one: the device or group that would make it one is refused with
 * -EOPNOTSUPP. Where an AUTO container may not count by process on iommufd, it becomes a type1 one.
 *
 * @options: or NULL for all defaults.
 *
 * Returns as iommuctl_container_new(); also -EINVAL where struct_size is not set, or what lies beyond the
 * members this library knows is not zero, or for an unknown accounting; -EOPNOTSUPP for
 * IOMMUCTL_ACCOUNTING_USER on IOMMUCTL_BACKEND_TYPE1; -EPERM for IOMMUCTL_ACCOUNTING_PROCESS on
 * IOMMUCTL_BACKEND_IOMMUFD without CAP_SYS_RESOURCE.
 */
int iommuctl_container_new_with_options(struct iommuctl_ctx *ctx,
                                        const struct iommuctl_container_options *options,
                                        struct iommuctl_container **ret_container);
/**
 * iommuctl_container_new_beside() - another empty I/O address space on the iommufd of @container.
 *
 * The two have one /dev/iommu open, so that devices may be moved from one to the other
 * (iommuctl_device_attach()) and mappings be copied between them; what is mapped in one is not seen in the
 * other. Each lives for as long as it has references of its own, in any order. It is an iommufd container
 * with an IOAS of its own, and can be mapped in at once.
 *
 * The caller owns the one reference in @ret_container and gives it back with iommuctl_container_unref().
 *
 * Returns 0; -EOPNOTSUPP on type1, where a container has one address space; -ENODEV while an
 * IOMMUCTL_BACKEND_AUTO container is not decided; -ENOMEM, and what else the kernel said.
 */
int iommuctl_container_new_beside(struct iommuctl_container *container,
                                  struct iommuctl_container **ret_container);

/**
 * iommuctl_container_new_fd() - a container over a type1 container or an iommufd that somebody else opened.
 *
 * @fd: of /dev/vfio/vfio or /dev/iommu; the kernel is asked which it is, and decides the backend. The library
 * works on a copy, and @fd stays the caller's in any case.
 * @ioas_id: of an iommufd: the IOAS to map in, which stays its maker's; 0: a new one, which goes with the
 * container. 0 with type1.
 *
 * The books know nothing of what others have mapped there: an IOVA that one of those has is refused when it
 * is mapped, and a type1 container is best given empty. Where groups have joined it already, they are made
 * known with iommuctl_group_open_fd().
 *
 * The caller owns the one reference in @ret_container and gives it back with iommuctl_container_unref().
 *
 * Returns 0; -EBADF: nothing is open there; -ENOTTY: it is nothing of VFIO's or iommufd's; -EINVAL: it is a
 * group or a device, or a type1 container with an IOAS; -ENOENT: the iommufd has no such IOAS; -EOPNOTSUPP:
 * the container has no type1 v2; -EROFS: the context reads a captured tree; -ENOMEM, and what the kernel
 * said.
 */
int iommuctl_container_new_fd(struct iommuctl_ctx *ctx, int fd, uint32_t ioas_id,
                              struct iommuctl_container **ret_container);

/** iommuctl_container_ref() - take another reference. Returns @container. NULL stays NULL. */
struct iommuctl_container *iommuctl_container_ref(struct iommuctl_container *container);

/** iommuctl_container_unref() - drop a reference. The last one, of the caller's and of all that joined or was
 * mapped, closes and frees. NULL is let through. Returns NULL. */
struct iommuctl_container *iommuctl_container_unref(struct iommuctl_container *container);

/** iommuctl_container_ctx() - the context it was made from; lives as long as @container. */
struct iommuctl_ctx *iommuctl_container_ctx(const struct iommuctl_container *container);

/** iommuctl_container_backend() - what is below it; IOMMUCTL_BACKEND_AUTO while that is not decided. */
enum iommuctl_backend iommuctl_container_backend(const struct iommuctl_container *container);

/**
 * iommuctl_container_fd() - the descriptor of /dev/vfio/vfio (type1) or of /dev/iommu (iommufd), for what
 * this library has no call for.
 *
 * It stays the container's: not to be closed, and what is mapped through it by hand is unknown to the
 * library. Returns -1 while nothing is open.
 */
int iommuctl_container_fd(const struct iommuctl_container *container);

/** iommuctl_container_ioas_id() - the number of the IOAS inside the iommufd; 0, which is no object's number,
 * on type1 and while nothing is open. */
uint32_t iommuctl_container_ioas_id(const struct iommuctl_container *container);

/**
 * iommuctl_container_ranges() - which IOVAs may be mapped, ascending and apart from each other.
 *
 * @ret_ranges: array, the caller's to free().
 *
 * The kernel takes the IOMMU's address width and the devices' reserved regions out of it, so the ranges get
 * smaller when a device joins; they are read again each time one does. An iommufd container without a device
 * has one range of all 64 bits. Kernels before 5.4 do not say their ranges on type1: then it is one range of
 * all 64 bits, and the kernel has the last word at each mapping. A range that ends with the last page of all
 * ends before it on type1 before Linux 6.19, which could map that page but never unmap it.
 *
 * Returns the number of ranges, -EOPNOTSUPP without an IOMMU, -ENODEV on a container of another backend than
 * iommufd that nothing has joined, or -ENOMEM. The ranges of an iommufd container grow again when a device
 * leaves.
 */
int iommuctl_container_ranges(struct iommuctl_container *container, struct iommuctl_range **ret_ranges);

/**
 * iommuctl_container_page_sizes() - the sizes of pages that the IOMMU can map, as a mask: bit 12 set means
 * 4 KiB, bit 21 2 MiB, bit 30 1 GiB.
 *
 * On iommufd the kernel tells only the smallest size, so the mask has that one bit, and larger pages are used
 * all the same. 0 while nothing has joined the container, or where the kernel does not say.
 */
uint64_t iommuctl_container_page_sizes(struct iommuctl_container *container);

/** iommuctl_container_max_mappings() - true and how many mappings the kernel allows in this container
 * (type1's dma_entry_limit, 65535 unless the module was told otherwise; Linux 5.10); false where there is no
 * limit (iommufd) or the kernel does not say. */
bool iommuctl_container_max_mappings(struct iommuctl_container *container, uint64_t *ret_max);

/** iommuctl_container_available_mappings() - true and how many more mappings the kernel allows now; false as
 * iommuctl_container_max_mappings(). Asks the kernel each time. */
bool iommuctl_container_available_mappings(struct iommuctl_container *container, uint64_t *ret_available);

/**
 * iommuctl_container_accounting() - what pinned memory is counted against.
 *
 * Returns IOMMUCTL_ACCOUNTING_USER or IOMMUCTL_ACCOUNTING_PROCESS; -ENODEV while no backend is decided; or
 * what the kernel said.
 */
int iommuctl_container_accounting(struct iommuctl_container *container);

/**
 * iommuctl_container_allow() - keep automatic IOVAs inside of these ranges (IOMMU_IOAS_ALLOW_IOVAS).
 *
 * @ranges, @n_ranges: apart from each other, of at least two addresses each, in any order; copied. None: all
 * may be used again.
 *
 * Fixed IOVAs are free to lie elsewhere in iommuctl_container_ranges(), and what is mapped stays. From now on
 * a device that reserves a part of the ranges is refused (-EADDRINUSE) when it is opened, so they hold.
 *
 * Returns 0; -EINVAL where two ranges overlap or one is too short; -EADDRINUSE where a device that is here
 * reserves a part of one; -ENODEV while no backend is decided; -EOPNOTSUPP on type1, which keeps no such
 * promise: iommuctl_dma_options has iova_limit and fixed IOVAs; -ENOMEM. On failure all is as it was.
 */
int iommuctl_container_allow(struct iommuctl_container *container, const struct iommuctl_range *ranges,
                             size_t n_ranges);

/**
 * iommuctl_container_set_huge_pages() - let the IOMMU use pages larger than the system's, or not.
 *
 * They are on at the start. Off costs memory and speed, and makes all dirty tracking and unmapping as fine as
 * the system's pages. To be set before anything is mapped.
 *
 * Returns 0; -EBUSY where devices are here and something is mapped; -EADDRINUSE where what is mapped does not
 * consist of whole pages; -ENODEV while no backend is decided; -EOPNOTSUPP on type1, where it is a parameter
 * of the module for the whole machine (disable_hugepages) that says otherwise.
 */
int iommuctl_container_set_huge_pages(struct iommuctl_container *container, bool on);

/**
 * iommuctl_container_huge_pages() - whether the IOMMU may use larger pages.
 *
 * Returns 1 or 0; -ENODEV while no backend is decided; -EOPNOTSUPP where the module's parameter cannot be
 * read (type1); or what the kernel said.
 */
int iommuctl_container_huge_pages(struct iommuctl_container *container);

/**
 * iommuctl_container_coherent() - whether the IOMMU makes every DMA of the devices coherent with the
 * processors' caches, also one that the device marks as not snooped (PCIe No Snoop).
 *
 * A hypervisor asks: where it is so, a guest's instructions that write caches back need no emulation. Where
 * it is not, a driver of a device that sends No Snoop flushes caches itself; other devices are coherent all
 * the same.
 *
 * On iommufd the kernel is asked through the address space that it keeps for type1 programs
 * (iommuctl_container_set_compat()), which is put back.
 *
 * Returns 1 or 0; -ENODEV while nothing has joined, or on iommufd none of the process's devices sees it; or
 * what the kernel said.
 */
int iommuctl_container_coherent(struct iommuctl_container *container);

/**
 * iommuctl_container_set_compat() - let code that speaks type1 work on the container's iommufd descriptor, in
 * this container's address space.
 *
 * @on: false takes that away again; groups that have joined by then stay.
 *
 * An iommufd descriptor understands VFIO's container calls too. What such code maps is the kernel's to know
 * and not the library's: a fixed IOVA that it took is refused by the kernel, and an automatic one is chosen
 * anew. Linux 6.2.
 *
 * Returns 0; -ENODEV while no backend is decided; -EOPNOTSUPP on type1, which has no other; or what the
 * kernel said.
 */
int iommuctl_container_set_compat(struct iommuctl_container *container, bool on);

#ifdef __cplusplus
}
#endif

#endif
