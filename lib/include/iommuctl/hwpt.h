/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_HWPT_H
#define IOMMUCTL_HWPT_H

#include <stddef.h>
#include <stdint.h>

#include <iommuctl/container.h>
#include <iommuctl/fault_queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_hwpt - a page table of the IOMMU's, made by hand (an iommufd HWPT).
 *
 * A device that joins a container gets a page table of the kernel's making. One is made by hand for what that
 * does not have: dirty tracking, PASIDs, page faults, or guests' own page tables below it. What is mapped in
 * the container is in each of its page tables.
 *
 * Opaque and reference-counted. It keeps its container, the page table that it is nested in, and so on; a
 * device that is attached to it keeps it. So all of them may be unreferenced in any order. All calls may be
 * made from any threads. Needs the iommufd backend.
 */
struct iommuctl_hwpt;

enum iommuctl_hwpt_flags {
        IOMMUCTL_HWPT_NEST_PARENT = 1 << 0,    /* others can be nested in it: Linux 6.7 */
        IOMMUCTL_HWPT_DIRTY_TRACKING = 1 << 1, /* only for devices whose IOMMU does it: Linux 6.7 */
        IOMMUCTL_HWPT_PASID = 1 << 3,          /* can be attached to PASIDs, and beside them: Linux 6.14 */
};

/** enum iommuctl_hwpt_data - the form of the data that a nested page table is made from. Other values go to
 * the kernel as they are. */
enum iommuctl_hwpt_data {
        IOMMUCTL_HWPT_DATA_NONE = 0,
        IOMMUCTL_HWPT_DATA_VTD_S1 = 1,     /* struct iommuctl_vtd_s1: Linux 6.7 */
        IOMMUCTL_HWPT_DATA_ARM_SMMUV3 = 2, /* struct iommuctl_arm_smmuv3_ste: Linux 6.13 */
        IOMMUCTL_HWPT_DATA_AMD_GUEST = 3,  /* struct iommuctl_amd_guest: Linux 7.0 */
};

/** struct iommuctl_vtd_s1 - a guest's first-stage page table on Intel VT-d, IOMMUCTL_HWPT_DATA_VTD_S1. */
struct iommuctl_vtd_s1 {
        uint64_t flags;   /* bit 0: supervisor requests; 1: extended access flag; 2: write protection */
        uint64_t address; /* of the table, in the address space of the parent */
        uint32_t address_width;
        uint32_t reserved; /* 0 */
};

/** struct iommuctl_arm_smmuv3_ste - the first two words of a guest's stream table entry, little-endian,
 * IOMMUCTL_HWPT_DATA_ARM_SMMUV3. */
struct iommuctl_arm_smmuv3_ste {
        uint64_t ste[2];
};

/** struct iommuctl_amd_guest - a guest's device table entry on AMD-Vi, IOMMUCTL_HWPT_DATA_AMD_GUEST. */
struct iommuctl_amd_guest {
        uint64_t dte[4];
};

/** struct iommuctl_hwpt_options - how a page table is made; zero is the default of each member. */
struct iommuctl_hwpt_options {
        size_t struct_size; /* sizeof(struct iommuctl_hwpt_options): members may be added at the end */
        unsigned int flags; /* enum iommuctl_hwpt_flags */
        uint32_t data_type; /* enum iommuctl_hwpt_data */
        const void *data;   /* in the form of data_type; read during the call */
        size_t data_size;   /* in bytes */
        struct iommuctl_fault_queue
                *faults; /* where its devices' page requests go; NULL: nowhere. Linux 6.11 */
};

/**
 * iommuctl_hwpt_new() - a page table with all that is mapped in the container, now and later.
 *
 * @device_id: the device whose IOMMU it is made for: iommuctl_device_iommufd_id(), or the number of a device
 * that was bound to the container's iommufd by other means. It is not attached: iommuctl_device_attach_hwpt()
 * does that, and other devices behind the same IOMMU may be attached to it too.
 * @options: NULL for a plain page table.
 *
 * What this IOMMU cannot address goes from the container's ranges for as long as the page table lives.
 *
 * The caller owns the reference in @ret_hwpt and gives it back with iommuctl_hwpt_unref().
 *
 * Returns 0; each failure has a text:
 * -EINVAL: options that make no sense, or the kernel says so.
 * -EOPNOTSUPP: a container of type1; the IOMMU does not do what the flags ask for; a kernel before 6.6, or
 * before the one that a flag needs (the text names it). -ENODEV: a container that is not decided yet.
 * -ENOENT: there is no such device in the iommufd.
 * -EADDRINUSE: something is mapped where this IOMMU cannot address it.
 * -ENOMEM and what else the kernel said.
 */
int iommuctl_hwpt_new(struct iommuctl_container *container, uint32_t device_id,
                      const struct iommuctl_hwpt_options *options, struct iommuctl_hwpt **ret_hwpt);

/**
 * iommuctl_hwpt_new_nested() - a page table of a guest's own, whose output goes through @parent.
 *
 * @parent: made with IOMMUCTL_HWPT_NEST_PARENT.
 * @options: data_type and data say where the guest's table is; they are needed.
 *
 * The guest's table is used as it is in memory; once it changes, iommuctl_hwpt_invalidate() tells the IOMMU.
 *
 * Returns as iommuctl_hwpt_new(); -EINVAL also where @parent is no such page table, or is for another IOMMU.
 * Linux 6.7.
 */
int iommuctl_hwpt_new_nested(struct iommuctl_hwpt *parent, uint32_t device_id,
                             const struct iommuctl_hwpt_options *options, struct iommuctl_hwpt **ret_hwpt);

/** iommuctl_hwpt_ref() - take another reference. Returns @hwpt. NULL stays NULL. */
struct iommuctl_hwpt *iommuctl_hwpt_ref(struct iommuctl_hwpt *hwpt);

/** iommuctl_hwpt_unref() - drop a reference; with the last one, of the caller's, of devices attached to it
 * and of what is nested in it, the page table goes. NULL is let through. Returns NULL. */
struct iommuctl_hwpt *iommuctl_hwpt_unref(struct iommuctl_hwpt *hwpt);

/** iommuctl_hwpt_id() - the number that the iommufd knows it by. */
uint32_t iommuctl_hwpt_id(const struct iommuctl_hwpt *hwpt);

/** iommuctl_hwpt_container() - the container whose mappings are in it, or in the one that it is nested in;
 * lives as long as @hwpt. */
struct iommuctl_container *iommuctl_hwpt_container(const struct iommuctl_hwpt *hwpt);

/** iommuctl_hwpt_parent() - the page table that it is nested in; NULL where it is not. Lives as long as
 * @hwpt. */
struct iommuctl_hwpt *iommuctl_hwpt_parent(const struct iommuctl_hwpt *hwpt);

/** iommuctl_hwpt_flags() - the flags that it was made with, enum iommuctl_hwpt_flags. */
unsigned int iommuctl_hwpt_flags(const struct iommuctl_hwpt *hwpt);

/** enum iommuctl_invalidate_data - the form of invalidation requests. Other values go to the kernel as they
 * are. */
enum iommuctl_invalidate_data {
        IOMMUCTL_INVALIDATE_VTD_S1 = 0,     /* struct iommuctl_vtd_s1_invalidate: a page table, Linux 6.8 */
        IOMMUCTL_INVALIDATE_ARM_SMMUV3 = 1, /* struct iommuctl_arm_smmuv3_command: a vIOMMU, Linux 6.13 */
};

/** struct iommuctl_vtd_s1_invalidate - what a guest's invalidation on Intel VT-d comes to. All of a page
 * table: address 0 and n_pages UINT64_MAX. */
struct iommuctl_vtd_s1_invalidate {
        uint64_t address; /* a multiple of 4096 */
        uint64_t n_pages; /* of 4096 bytes */
        uint32_t flags;   /* bit 0: only the last level */
        uint32_t reserved;
};

/** struct iommuctl_arm_smmuv3_command - a command of a guest's SMMUv3 queue, little-endian. */
struct iommuctl_arm_smmuv3_command {
        uint64_t command[2];
};

/**
 * iommuctl_hwpt_invalidate() - tell the IOMMU what changed in a guest's page table.
 *
 * @hwpt: a nested one. @data_type: enum iommuctl_invalidate_data. @requests: @n of them, @request_size bytes
 * each, one behind the other; at most 524288 of at most 4096 bytes in a call. @ret_done: how many were done,
 * in their order; set also where the call fails, so that the caller knows which request was refused. May be
 * NULL.
 *
 * No requests at all are allowed, and tell whether the kernel knows @data_type.
 *
 * Returns 0; -EINVAL: a request that makes no sense, a type that @hwpt does not take, or it is not nested;
 * -EOPNOTSUPP: a flag or a command that it does not know, or a kernel before 6.8; and what else the kernel
 * said.
 */
int iommuctl_hwpt_invalidate(struct iommuctl_hwpt *hwpt, uint32_t data_type, const void *requests,
                             size_t request_size, size_t n, size_t *ret_done);

#ifdef __cplusplus
}
#endif

#endif
