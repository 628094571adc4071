/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_TAKEOVER_H
#define IOMMUCTL_TAKEOVER_H

#include <iommuctl/container.h>
#include <iommuctl/dma.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A program that replaces itself while its devices work: a hypervisor that is updated by exec(2). Mappings
 * stay in the IOMMU, so DMA goes on all the time; but the kernel keeps with each mapping whose it is and at
 * which address.
 *
 * The old program lets go, and passes its descriptors on (iommuctl_handover_new()); the new one adopts them
 * (iommuctl_adopt()) and takes over. From then on the mappings are its own, to unmap too. Where exec fails,
 * the old one takes over again. No other thread may map or unmap in the container between the two. */

/**
 * iommuctl_container_let_go() - the container's mappings can go to another process.
 *
 * On type1 the kernel forgets at which addresses the memory is (VFIO_DMA_UNMAP_FLAG_VADDR), until somebody
 * takes over. That is there since Linux 5.12, and not with mediated devices. On iommufd nothing changes: it
 * is checked that all can be taken over, which holds for what is mapped by a file: iommuctl_dma_map_file(),
 * and iommuctl_dma_alloc() with IOMMUCTL_DMA_BY_FILE. It needs Linux 6.13, and all address spaces of the
 * iommufd are meant.
 *
 * Returns 0; -EINVAL on iommufd, where something is mapped by address; -EALREADY on type1, where the kernel
 * was made to let go already; -EBUSY for mediated devices on type1; -EOPNOTSUPP where the kernel cannot;
 * -ENODEV where nothing has joined the container.
 */
int iommuctl_container_let_go(struct iommuctl_container *container);

/**
 * iommuctl_dma_set_vaddr() - where the memory of a mapping is in this process now.
 *
 * Between letting go and taking over, and only then on type1; on iommufd at any time for what is mapped by a
 * file. The same memory must be there: the same memfd mapped again, or moved by mremap(2). Of a buffer that
 * iommuctl_dma_alloc() made, unmapping the old place is up to the caller, and the new one goes with the
 * buffer.
 *
 * Returns 0; -EINVAL where @vaddr is no multiple of the page size or wraps around, or the kernel has not let
 * go of the mapping; -EEXIST where the addresses overlap another mapping's; -EPERM where it has no address (a
 * file alone, a device's registers); -ENOENT where it was unmapped with others.
 */
int iommuctl_dma_set_vaddr(struct iommuctl_dma *dma, void *vaddr);

/**
 * iommuctl_container_take_over() - the container's mappings are this process's from now on: counted as its
 * locked memory, and its own to unmap, also those that were adopted.
 *
 * On type1 mapping by mapping (VFIO_DMA_MAP_FLAG_VADDR), on iommufd all of the iommufd at once
 * (IOMMU_IOAS_CHANGE_PROCESS, Linux 6.13).
 *
 * Returns 0; -EINVAL where the kernel did not let go of a mapping before (type1), or has some by address
 * (iommufd): the text says which; -ENOMEM where RLIMIT_MEMLOCK is too small; -EOPNOTSUPP where the kernel
 * cannot. After a failure on type1 some mappings may be taken over; a second call goes on with the rest.
 */
int iommuctl_container_take_over(struct iommuctl_container *container);

#ifdef __cplusplus
}
#endif

#endif
