/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_POPULATE_H
#define IOMMUCTL_POPULATE_H

/* Large buffers, filled with pages by several threads before they are mapped. A buffer that is mapped as it
 * was made has the kernel find and clear its pages one after the other inside of the call that maps it, on
 * one processor, which cannot be stopped, and wherever memory is free. */

#include <stddef.h>

#include <iommuctl/container.h>
#include <iommuctl/ctx.h>
#include <iommuctl/dma.h>

#ifdef __cplusplus
extern "C" {
#endif

enum iommuctl_populate_flags {
        IOMMUCTL_POPULATE_ON_NODE = 1 << 0, /* on the NUMA node that the member numa_node names */
        IOMMUCTL_POPULATE_STRICT =
                1 << 1, /* on that node or not at all; without: elsewhere when it is full */
        IOMMUCTL_POPULATE_ANY_NODE = 1 << 2, /* not on the device's node either: as the process's policy is */
};

/**
 * iommuctl_populate_progress_fn - told how far it is: @done of @size bytes, and at the end that all is done.
 *
 * Called in the thread that called the library, never in another, and never by two at once. It may take its
 * time, and the other threads go on. Anything but 0 ends the populating with -ECANCELED.
 */
typedef int (*iommuctl_populate_progress_fn)(void *userdata, size_t done, size_t size);

/**
 * struct iommuctl_populate_options - all that may be said about populating; zero is the default of each
 * member.
 *
 *         struct iommuctl_populate_options options = { .struct_size = sizeof(options), .threads = 2 };
 */
struct iommuctl_populate_options {
        size_t struct_size;   /* sizeof(struct iommuctl_populate_options): members may be added at the end */
        unsigned int threads; /* the caller's among them; 0: as many as help: the processors that the caller
                                 may run on, one for each 64 MiB, and no more than 8 */
        unsigned int flags;   /* enum iommuctl_populate_flags */
        unsigned int numa_node;                 /* with IOMMUCTL_POPULATE_ON_NODE */
        iommuctl_populate_progress_fn progress; /* or NULL */
        void *userdata;                         /* for it */
};

/**
 * iommuctl_populate() - have all pages of memory that is there already, writable and this process's own.
 *
 * @vaddr, @size: multiples of the system's page size; memory of this process that it may write: a memfd,
 * anonymous memory, huge pages. What is in it stays as it is, also where other threads write to it meanwhile.
 * @options: or NULL for all defaults.
 *
 * The threads that help live only during the call and take no signals. Where one cannot be made, the others
 * do its share. From Linux 5.14 on the kernel fills in whole stretches (MADV_POPULATE_WRITE); before, each
 * page is touched in a way that ends in -EFAULT and never in a signal.
 *
 * With a node, the memory's policy is set to it first (mbind(2)), and stays so: pages that are there already
 * do not move.
 *
 * Returns 0. On failure the pages that came stay, and the memory is the caller's as before; the text says how
 * much is populated. -ECANCELED: the progress callback wanted no more. -EINVAL: something is not a multiple
 * of the page size or is 0, unknown or contradicting flags, IOMMUCTL_POPULATE_STRICT without a node, a node
 * that is not there, has no memory or is outside of the process's cpuset, or a part of a huge page for it,
 * more than 1024 threads; or the memory is not writable, or is no memory but a device's registers.
 * -EOVERFLOW: it would end past the last address. -ENOMEM: nothing is mapped at a part of it, or no memory is
 * left. -EFAULT: a page cannot be had: a file ends before it, or huge pages ran out. -EPERM: the policy may
 * not be set (a container's filter). -EHWPOISON: the machine found memory broken.
 * Thread-safe.
 */
int iommuctl_populate(struct iommuctl_ctx *ctx, void *vaddr, size_t size,
                      const struct iommuctl_populate_options *options);

/**
 * iommuctl_dma_alloc_populated() - make a buffer, populate it, map it: iommuctl_dma_alloc() for large ones.
 *
 * @size, @options: as for iommuctl_dma_alloc().
 * @populate_options: or NULL for all defaults. Without IOMMUCTL_POPULATE_ON_NODE and
 * IOMMUCTL_POPULATE_ANY_NODE the pages come from the NUMA node of the first of the container's devices whose
 * node the kernel knows.
 *
 * Whether it fits is asked first, as by iommuctl_budget_check(), iommuctl_budget_check_container() and, with
 * IOMMUCTL_POPULATE_STRICT, iommuctl_budget_check_node(): then nothing has been allocated.
 *
 * Returns 0 and sets @ret_dma, the caller's to unmap. On failure nothing remains, neither memory nor a
 * mapping, also when it was canceled. As iommuctl_dma_alloc() and iommuctl_populate(), and the refusals of
 * <iommuctl/budget.h>: -ENOMEM, -ENOSPC, -ERANGE; -ENODEV: nothing has joined the container, or
 * IOMMUCTL_POPULATE_STRICT where no device's node is known. Threads as iommuctl_dma_alloc().
 */
int iommuctl_dma_alloc_populated(struct iommuctl_container *container, size_t size,
                                 const struct iommuctl_dma_options *options,
                                 const struct iommuctl_populate_options *populate_options,
                                 struct iommuctl_dma **ret_dma);

#ifdef __cplusplus
}
#endif

#endif
