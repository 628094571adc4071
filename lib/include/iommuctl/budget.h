/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_BUDGET_H
#define IOMMUCTL_BUDGET_H

/* Will these buffers fit? Asked before anything is allocated or opened, so that a driver can say what is
 * missing instead of what the kernel answers in the middle: ENOMEM for a limit, ENOSPC for a table, EINVAL
 * for an address. */

#include <stddef.h>
#include <stdint.h>

#include <iommuctl/container.h>
#include <iommuctl/ctx.h>
#include <iommuctl/dma.h>
#include <iommuctl/topology.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct iommuctl_budget_item - a buffer as it would be given to iommuctl_dma_alloc(). */
struct iommuctl_budget_item {
        const char *name; /* how error texts call it; NULL: by its index */
        size_t size;
        const struct iommuctl_dma_options *options; /* NULL: the defaults */
};

/** enum iommuctl_shortage_kind - what does not fit, with the negative errno that goes with it. */
enum iommuctl_shortage_kind {
        IOMMUCTL_SHORTAGE_NONE,
        IOMMUCTL_SHORTAGE_SIZE, /* -EINVAL: the size is no multiple of the page size; needed: the next size
                                   that is, available: the size */
        IOMMUCTL_SHORTAGE_ALIGNMENT, /* -EINVAL: the fixed IOVA is no multiple of the page size; needed: the
                                        page size, start: the IOVA */
        IOMMUCTL_SHORTAGE_WRAP,      /* -EINVAL: IOVA and size, or all sizes together, pass 2^64 */
        IOMMUCTL_SHORTAGE_OVERLAP,   /* -EEXIST: two fixed IOVAs overlap; other: the second item; start, last:
                                        what   both claim */
        IOMMUCTL_SHORTAGE_MEMLOCK,   /* -ENOMEM: RLIMIT_MEMLOCK; needed, available: bytes */
        IOMMUCTL_SHORTAGE_HUGEPAGES, /* -ENOMEM: needed, available: pages of page_size */
        IOMMUCTL_SHORTAGE_MEMORY,    /* -ENOMEM: memory of the machine; needed, available: bytes */
        IOMMUCTL_SHORTAGE_RESERVED,  /* -ERANGE: the fixed IOVA is in a reserved region; start, last: the
                                        region */
        IOMMUCTL_SHORTAGE_WIDTH, /* -ERANGE: beyond what the IOMMU translates; needed: the last address asked
                                    for, available: the last there is */
        IOMMUCTL_SHORTAGE_RANGE, /* -ERANGE: outside the container's ranges; start, last: the range that is
                                    nearest; for a buffer without a fixed IOVA the largest */
        IOMMUCTL_SHORTAGE_MAPPINGS,         /* -ENOSPC: needed, available: mappings */
        IOMMUCTL_SHORTAGE_CGROUP_MEMORY,    /* -ENOMEM: a cgroup's limit; needed, available: bytes */
        IOMMUCTL_SHORTAGE_CGROUP_HUGEPAGES, /* -ENOMEM: the same; needed, available: pages of page_size */
        IOMMUCTL_SHORTAGE_NODE_HUGEPAGES,   /* -ENOMEM: of NUMA node other; needed, available: pages of
                                               page_size */
        IOMMUCTL_SHORTAGE_NODE_MEMORY,      /* -ENOMEM: of NUMA node other; needed, available: bytes */
};

/** struct iommuctl_shortage - the first thing that does not fit, as data. What a kind does not name is 0. */
struct iommuctl_shortage {
        enum iommuctl_shortage_kind kind;
        size_t item;  /* index of the item; where all are meant together, the number of items */
        size_t other; /* IOMMUCTL_SHORTAGE_OVERLAP: index of the other item; IOMMUCTL_SHORTAGE_NODE_…: the
                         node */
        uint64_t needed;
        uint64_t available;
        uint64_t start; /* both are inside */
        uint64_t last;
        uint64_t page_size;
};

/**
 * iommuctl_budget_check() - the buffers by themselves, and against the memory of this process and machine.
 *
 * Sizes and fixed IOVAs are multiples of their page size; no two fixed IOVAs overlap; all together stay below
 * RLIMIT_MEMLOCK, less what is locked already; there are free hugepages of each size wanted; there is memory
 * (with swap that what is in it now could move to); and the process's cgroups, of version 1 or 2, each up to
 * the root, have room for the memory (memory.max, less what the kernel could reclaim there; memory.high,
 * which makes a process wait and not fail, where the buffers alone are more) and the hugepages
 * (hugetlb.SIZE.max and hugetlb.SIZE.rsvd.max).
 *
 * What is locked already is counted by process (type1) or by user (iommufd), and no is said where both ways
 * of counting say so: iommuctl_budget_check_container() knows which it is. A process with CAP_IPC_LOCK has no
 * limit, as the kernel has none for it.
 *
 * Says no only where the kernel would: other processes may take in the meantime what is there now.
 *
 * @ret_shortage: may be NULL. Set on the errors that enum iommuctl_shortage_kind lists, untouched else.
 *
 * Returns 0 where all fits; an error of the enum with a text that names the item, what is needed and what is
 * there; -ENOMEM without a shortage where it could not be checked for lack of memory. What cannot be read is
 * taken to fit. Thread-safe.
 */
int iommuctl_budget_check(struct iommuctl_ctx *ctx, const struct iommuctl_budget_item *items, size_t n_items,
                          struct iommuctl_shortage *ret_shortage);

/**
 * iommuctl_budget_check_device() - fixed IOVAs against what sysfs says of the device: its group's reserved
 * regions and its IOMMU's address width (Intel's, which alone are in sysfs).
 *
 * The topology of @device must have been read with IOMMUCTL_READ_ATTRIBUTES and IOMMUCTL_READ_GROUPS; what is
 * missing is taken to fit. Needs no privilege.
 *
 * Returns 0 or -ERANGE; @ret_shortage as in iommuctl_budget_check(). Thread-safe.
 */
int iommuctl_budget_check_device(struct iommuctl_ctx *ctx, const struct iommuctl_device_info *device,
                                 const struct iommuctl_budget_item *items, size_t n_items,
                                 struct iommuctl_shortage *ret_shortage);

/**
 * iommuctl_budget_check_node() - the buffers against one NUMA node: whether its free hugepages of each size
 * wanted, and its memory, are enough. For memory that is to be on that node and no other
 * (IOMMUCTL_POPULATE_STRICT); what is not bound to a node comes from another where this one is full.
 *
 * Returns 0; -ENOMEM; -EINVAL without a shortage where there is no such node; @ret_shortage as in
 * iommuctl_budget_check(). Thread-safe.
 */
int iommuctl_budget_check_node(struct iommuctl_ctx *ctx, unsigned int node,
                               const struct iommuctl_budget_item *items, size_t n_items,
                               struct iommuctl_shortage *ret_shortage);

/**
 * iommuctl_budget_check_container() - the buffers against the ranges, page sizes and number of mappings that
 * the kernel gives for @container, whose devices have been opened, and against what may be locked, counted as
 * the container counts it (iommuctl_container_accounting()). Before the first of the items is mapped.
 *
 * By user, all processes of the real user count. No file tells how much that is, so it is put together: the
 * process's own VmPin in /proc/PID/status, and that of each other process of the user that has no
 * CAP_IPC_LOCK and has an iommufd or an io_uring open, as far as /proc shows them. What a process has pinned
 * for RDMA beside those is counted with it.
 *
 * Returns 0, -EINVAL, -ERANGE, -ENOSPC or -ENOMEM (IOMMUCTL_SHORTAGE_MEMLOCK); -EOPNOTSUPP without an IOMMU,
 * -ENODEV where nothing has joined; @ret_shortage as in iommuctl_budget_check(). Thread-safe.
 */
int iommuctl_budget_check_container(struct iommuctl_container *container,
                                    const struct iommuctl_budget_item *items, size_t n_items,
                                    struct iommuctl_shortage *ret_shortage);

#ifdef __cplusplus
}
#endif

#endif
