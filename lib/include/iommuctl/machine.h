/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_MACHINE_H
#define IOMMUCTL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include <iommuctl/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_machine - what kernel and firmware offer for giving devices to user space, at one moment.
 *
 * An immutable snapshot, read without privilege from sysfs, /proc, /dev and the kernel's list of built-in
 * modules. Strings read from it live until iommuctl_machine_free(). It may be read from any number of threads
 * at once.
 */
struct iommuctl_machine;

/**
 * iommuctl_machine_new() - read the machine, or the captured tree, of @ctx.
 *
 * Returns 0 and sets @ret_machine (owned by the caller), -ENOMEM, or -EMFILE. What is missing is unknown, and
 * no failure. Thread-safe.
 */
int iommuctl_machine_new(struct iommuctl_ctx *ctx, struct iommuctl_machine **ret_machine);

/** iommuctl_machine_free() - free the snapshot and all that was read from it. NULL is let through. */
void iommuctl_machine_free(struct iommuctl_machine *machine);

/** The kernel's release, "6.12.0-1-amd64"; NULL where unknown. */
const char *iommuctl_machine_kernel(const struct iommuctl_machine *machine);

/** enum iommuctl_state - of something that may be on or off. */
enum iommuctl_state {
        IOMMUCTL_STATE_UNKNOWN,
        IOMMUCTL_STATE_OFF,
        IOMMUCTL_STATE_ON,
};

/**
 * iommuctl_machine_interrupt_remapping() - whether a device's interrupts go through a table that keeps it
 * from raising any but its own: VT-d's or AMD-Vi's interrupt remapping, or ARM's GICv3 ITS.
 *
 * Told by the interrupt controllers in use (/proc/interrupts), not by options of the kernel. Unknown where no
 * interrupt tells.
 */
enum iommuctl_state iommuctl_machine_interrupt_remapping(const struct iommuctl_machine *machine);

/** Modules of VFIO and iommufd that are loaded or built in, "vfio_pci", ordered by name. */
size_t iommuctl_machine_n_modules(const struct iommuctl_machine *machine);
/** Name of the module at @index; NULL beyond. */
const char *iommuctl_machine_module(const struct iommuctl_machine *machine, size_t index);

/** Whether iommufd (Linux 6.2) is: /dev/iommu, or the module iommufd. */
bool iommuctl_machine_has_iommufd(const struct iommuctl_machine *machine);
/** Whether containers of VFIO are: /dev/vfio/vfio, or the module vfio_iommu_type1. */
bool iommuctl_machine_has_type1(const struct iommuctl_machine *machine);

/** enum iommuctl_no_iommu - what keeps a machine from having IOMMU groups. */
enum iommuctl_no_iommu {
        IOMMUCTL_NO_IOMMU_UNKNOWN,
        /** No table of an IOMMU in ACPI, on a machine that is not virtual: off in the firmware's setup, or
         * not there. */
        IOMMUCTL_NO_IOMMU_FIRMWARE,
        /** ACPI describes an IOMMU, and the kernel makes no use of it. */
        IOMMUCTL_NO_IOMMU_KERNEL,
        /** A virtual machine that was given none. */
        IOMMUCTL_NO_IOMMU_VIRTUAL,
};
/** The likely cause, on a machine whose topology has no groups. */
enum iommuctl_no_iommu iommuctl_machine_no_iommu(const struct iommuctl_machine *machine);
/** The ACPI table that describes the IOMMU: "DMAR" (VT-d), "IVRS" (AMD-Vi), "IORT" (ARM), "VIOT" (virtio),
 * "RIMT" (RISC-V); NULL where there is none or that could not be read. */
const char *iommuctl_machine_iommu_table(const struct iommuctl_machine *machine);
/** Who made the processor, as /proc/cpuinfo names it ("GenuineIntel", "AuthenticAMD"); NULL where it does
 * not. */
const char *iommuctl_machine_cpu_vendor(const struct iommuctl_machine *machine);

/** Names of devices whose driver iommuctl changed in this boot and has not given back
 * (/run/iommuctl/devices), ordered. */
size_t iommuctl_machine_n_pending(const struct iommuctl_machine *machine);
const char *iommuctl_machine_pending(const struct iommuctl_machine *machine, size_t index);

#ifdef __cplusplus
}
#endif

#endif
