/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_DEVICE_H
#define IOMMUCTL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iommuctl/container.h>
#include <iommuctl/group.h>
#include <iommuctl/hwpt.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_device - a device that this process drives through VFIO.
 *
 * Opaque and reference-counted; it keeps its container (and its group, where the backend has groups), and its
 * regions and interrupts keep it. All calls may be made from any threads.
 */
struct iommuctl_device;

/**
 * iommuctl_device_open() - open a device and let it join the container's address space.
 *
 * @name: its name in sysfs: "0000:01:00.0" ("01:00.0" is taken to be in domain 0), an mdev's UUID, a platform
 * device's name; or the path of its directory there, "/sys/bus/mdev/devices/UUID"; or that of its own node,
 * "/dev/vfio/devices/vfio0", which insists on iommufd.
 *
 * On iommufd it opens /dev/vfio/devices/vfioN, binds that to the iommufd and attaches it to the IOAS; on
 * type1 it opens the group and asks that for the device. From then on the device sees the container's
 * mappings and no other memory. vfio-pci resets a function when it is opened, where the function can be
 * reset. Where this container holds the device already, the answer is another reference to the same object.
 *
 * The caller owns the reference in @ret_device and gives it back with iommuctl_device_unref().
 *
 * Returns 0; each failure has a text that says which, and iommuctl_ctx_error_device() gives the name:
 * -ENODEV: no such device, or it is in no IOMMU group.
 * -ENXIO: it is not bound to a VFIO driver; the text names the driver it has and the command that binds it.
 * -EACCES: its node may not be opened; the text says owner and mode. Or it is a virtual function that is not
 * opened without a VF token: see struct iommuctl_device_options.
 * -EBUSY: someone else holds it or its group (the text names the process where that can be seen), or its
 * group is not viable (the text names what is in the way).
 * -EPERM, -ENOMEM, -ENOENT: as iommuctl_group_open() says.
 * -EADDRINUSE: a mapping of the container lies where this device cannot reach; the text shows the ranges.
 * -EOPNOTSUPP: the container insists on iommufd and the kernel has no node for the device: that needs Linux
 * 6.6 with VFIO_DEVICE_CDEV.
 * -EINVAL: the kernel refused to attach it and gave no better reason; or @name is a path of something else,
 * or its own node where the container is a type1 one. -EPROTO: sysfs or the kernel said what makes no sense.
 * -EMFILE and what else opening a file gives.
 */
int iommuctl_device_open(struct iommuctl_container *container, const char *name,
                         struct iommuctl_device **ret_device);

/**
 * struct iommuctl_device_options - what opening a device may need besides its name.
 *
 * All zero but struct_size is how iommuctl_device_open() opens.
 *
 *         struct iommuctl_device_options options = { .struct_size = sizeof(options), .vf_token = uuid };
 *
 * @vf_token: a UUID, "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3", that the driver of a physical function (PF) and
 * those of its virtual functions (VFs) share, so that each knows that the other may be trusted (Linux 5.7). A
 * VF whose PF is bound to vfio-pci is opened with the token that the PF has; a PF of which VFs are open is
 * opened with that same token; opening a PF of which none is open gives it the token, as
 * iommuctl_device_set_vf_token() does. Any other device takes no token. A device's own node takes one from
 * Linux 6.17 on; before that it asks for none, and IOMMUCTL_BACKEND_AUTO becomes type1 where one is given.
 *
 * @iommufd_id: of iommuctl_device_open_fd() alone: the number that the iommufd gave the device when it was
 * bound, where the descriptor is that of a bound device.
 */
struct iommuctl_device_options {
        size_t struct_size;   /* sizeof(struct iommuctl_device_options): members may be added at the end */
        const char *vf_token; /* NULL: none */
        uint32_t iommufd_id;  /* 0: not bound */
};

/**
 * iommuctl_device_open_with() - iommuctl_device_open(), with options (NULL: none).
 *
 * Returns what iommuctl_device_open() returns, and:
 * -EACCES: the VF token is needed, or is another one than the PF has.
 * -EINVAL: struct_size is not set, or the options ask for what this version does not know; the token is no
 * UUID; the device takes no token; iommufd_id is set.
 * -EOPNOTSUPP: the container insists on iommufd, whose devices take a token from Linux 6.17 on.
 */
int iommuctl_device_open_with(struct iommuctl_container *container, const char *name,
                              const struct iommuctl_device_options *options,
                              struct iommuctl_device **ret_device);

/**
 * iommuctl_device_open_fd() - let a device join that somebody else opened.
 *
 * @fd: one of these; the kernel is asked which it is.
 *   - A device's own node, /dev/vfio/devices/vfioN, not bound yet: it is bound to the container's iommufd.
 *   - The same, bound by whoever gave it: @options has the iommufd_id that binding gave, and the container is
 *     on the same iommufd (iommuctl_container_new_fd()). An iommufd that has no device of that number is
 *     refused; one that has another device there is not found out.
 *   - A device that a group was asked for (VFIO_GROUP_GET_DEVICE_FD): the container holds that group
 *     (iommuctl_group_open_fd()).
 * @name: as iommuctl_device_open() takes it. NULL with a device's own node where sysfs can be seen, which
 * says whose node it is; there a @name of another device is refused. Where there is no sysfs it is what the
 * caller says it is.
 *
 * The device is attached to the container's address space. The library works on a copy of @fd, which stays
 * the caller's in any case: to be closed, best at once, since the kernel gives a device back when the last
 * copy is closed.
 *
 * The caller owns the reference in @ret_device and gives it back with iommuctl_device_unref().
 *
 * Returns 0, what iommuctl_device_open_with() returns, and:
 * -EBADF: nothing is open there. -ENOTTY: it is nothing of VFIO's. -EINVAL: it is a container, an iommufd or
 * a group; it is bound and there is no iommufd_id, or the other way round; the container is of the other
 * backend or does not hold the group; a name is needed, or is another device's. -EEXIST: the container has
 * the device open already.
 */
int iommuctl_device_open_fd(struct iommuctl_container *container, int fd, const char *name,
                            const struct iommuctl_device_options *options,
                            struct iommuctl_device **ret_device);

/**
 * iommuctl_device_open_node() - open a device's own node for somebody else to drive.
 *
 * What a program hands to another that binds the device itself: to QEMU, with an iommufd
 * (iommuctl_container_fd()), as `-object iommufd,id=i,fd=N -device vfio-pci,iommufd=i,fd=M`; or to a process
 * that takes it with iommuctl_device_open_fd(). Nothing can be done with the device before it is bound.
 *
 * @name: as iommuctl_device_open() takes it.
 *
 * Returns a descriptor of /dev/vfio/devices/vfioN, close-on-exec, which is the caller's to close; or -ENODEV,
 * -ENXIO, -EACCES, -EOPNOTSUPP as iommuctl_device_open() on an iommufd container, -EROFS where the context
 * reads a captured tree, -EMFILE and what else opening a file gives. Linux 6.6 with VFIO_DEVICE_CDEV.
 */
int iommuctl_device_open_node(struct iommuctl_ctx *ctx, const char *name);

/**
 * iommuctl_group_open_device() - open a device of a group that is open.
 *
 * As iommuctl_device_open_with() on the group's container, for a device of this group alone.
 *
 * Returns what that returns, and -EINVAL where the device is in another group.
 */
int iommuctl_group_open_device(struct iommuctl_group *group, const char *name,
                               const struct iommuctl_device_options *options,
                               struct iommuctl_device **ret_device);

/** iommuctl_device_ref() - take another reference. Returns @device. NULL stays NULL. */
struct iommuctl_device *iommuctl_device_ref(struct iommuctl_device *device);

/** iommuctl_device_unref() - drop a reference; the last one, of the caller's and of its regions and
 * interrupts, closes the device: the kernel turns its bus mastering and interrupts off and resets it where it
 * can. NULL is let through. Returns NULL. */
struct iommuctl_device *iommuctl_device_unref(struct iommuctl_device *device);

/** iommuctl_device_name() - its name in sysfs; lives as long as @device. */
const char *iommuctl_device_name(const struct iommuctl_device *device);

/** iommuctl_device_fd() - its VFIO descriptor, for what this library has no call for; stays the device's. */
int iommuctl_device_fd(const struct iommuctl_device *device);

/** iommuctl_device_iommufd_id() - the number that the iommufd knows it by; 0, which is no object's number, on
 * type1. */
uint32_t iommuctl_device_iommufd_id(const struct iommuctl_device *device);

/** iommuctl_device_container() - the container it was opened in; lives as long as @device. What it sees may
 * be another one's since: iommuctl_device_attached(). */
struct iommuctl_container *iommuctl_device_container(const struct iommuctl_device *device);

/** iommuctl_device_group() - the group it was opened through; NULL on iommufd. Lives as long as @device. */
struct iommuctl_group *iommuctl_device_group(const struct iommuctl_device *device);

/** iommuctl_device_flags() - what kind it is and what it can do: VFIO_DEVICE_FLAGS_… of <linux/vfio.h>. */
uint32_t iommuctl_device_flags(const struct iommuctl_device *device);

/** struct iommuctl_pci_ids - what a PCI device says it is. A value. */
struct iommuctl_pci_ids {
        uint16_t vendor, device;
        uint16_t subsystem_vendor, subsystem_device;
        uint32_t class_code; /* 0xCCSSPP: class, subclass, programming interface */
        uint8_t revision;
};

/**
 * iommuctl_device_pci_ids() - read them from its configuration space.
 *
 * Those of a virtual function are its own, which the kernel fills in where the hardware has none.
 *
 * Returns 0; -EOPNOTSUPP where it is no PCI device; -EIO where it does not answer; or as
 * iommuctl_region_read().
 */
int iommuctl_device_pci_ids(struct iommuctl_device *device, struct iommuctl_pci_ids *ret_ids);

/** enum iommuctl_atomics - widths of PCIe AtomicOps, in bits; combined. */
enum iommuctl_atomics {
        IOMMUCTL_ATOMICS_32 = 1 << 0,
        IOMMUCTL_ATOMICS_64 = 1 << 1,
        IOMMUCTL_ATOMICS_128 = 1 << 2,
};

/**
 * iommuctl_device_atomics() - which AtomicOps of a PCIe device its root port completes in memory.
 *
 * Returns a combination of enum iommuctl_atomics; 0: none, or the kernel does not say (before Linux 6.5; not
 * for virtual functions or behind some bridges). -EPROTO, -ENOMEM, or what the call gave.
 */
int iommuctl_device_atomics(struct iommuctl_device *device);

/** iommuctl_device_n_regions() - how many region indexes it has; of a PCI device the first ones are
 * VFIO_PCI_BAR0_REGION_INDEX to VFIO_PCI_VGA_REGION_INDEX, and a region behind an index may be missing. */
unsigned int iommuctl_device_n_regions(const struct iommuctl_device *device);

/** iommuctl_device_n_irqs() - how many interrupt indexes it has (kinds of interrupt, not vectors). */
unsigned int iommuctl_device_n_irqs(const struct iommuctl_device *device);

/**
 * iommuctl_device_attach() - let the device see another address space.
 *
 * @container: one beside the device's own (iommuctl_container_new_beside()), its own, or the one it sees now.
 *
 * From then on it sees the mappings of @container, and those of no other; there is no moment at which it sees
 * neither where the IOMMU can replace one by the other. The ranges of @container get smaller, and those of
 * the container that it leaves larger. Other devices of its group that are attached move with it: a group has
 * one address space. The device keeps both the container it was opened in and @container. Where the call
 * fails, it sees what it saw before.
 *
 * Returns 0; -EOPNOTSUPP on type1, where a group sees the container that it joined for as long as it is open;
 * -EINVAL: a container that is not beside the device's own, or the kernel refused it (another device of its
 * group is attached elsewhere); -EADDRINUSE: something is mapped where the device cannot reach, the text
 * shows the ranges; -ENOENT: the address space was destroyed through the raw descriptor; -ENOMEM.
 */
int iommuctl_device_attach(struct iommuctl_device *device, struct iommuctl_container *container);

/**
 * iommuctl_device_attach_hwpt() - let the device see a page table that was made by hand
 * (iommuctl_hwpt_new()).
 *
 * As iommuctl_device_attach(), with the container of @hwpt. The device keeps @hwpt.
 *
 * Returns as iommuctl_device_attach(); -EINVAL also where @hwpt is of another IOMMU, or tracks dirty pages
 * and this device's IOMMU does not; -ENODEV where it takes page faults and the device sends none.
 */
int iommuctl_device_attach_hwpt(struct iommuctl_device *device, struct iommuctl_hwpt *hwpt);

/**
 * iommuctl_device_detach() - let the device see no memory: its DMA ends in faults until it is attached again.
 *
 * Where another device of its group stays attached, it goes on seeing what that sees. A device that is not
 * attached stays so. PASIDs stay as they are.
 *
 * Returns 0, -EOPNOTSUPP on type1, or what the kernel said.
 */
int iommuctl_device_detach(struct iommuctl_device *device);

/** iommuctl_device_attached() - the container whose mappings the device sees, with a reference that is the
 * caller's to give back; NULL while it is detached, and once it was let go of on iommufd. */
struct iommuctl_container *iommuctl_device_attached(struct iommuctl_device *device);

/**
 * iommuctl_device_attach_pasid() - let what the device does with a PASID see a page table.
 *
 * @pasid: 1 to 0xfffff, within the width that iommuctl_hw_info_pasid_bits() tells. @hwpt: made with
 * IOMMUCTL_HWPT_PASID, as the one must be that the device sees without a PASID. A PASID that is attached is
 * moved. The device keeps @hwpt until the PASID is detached or moved, or the device closed.
 *
 * Returns 0; -EOPNOTSUPP on type1, on kernels before 6.15, and where the device, its driver or its IOMMU does
 * no PASIDs; -EINVAL: a number that is none, a page table that is not for PASIDs or of another iommufd;
 * -ENOMEM.
 */
int iommuctl_device_attach_pasid(struct iommuctl_device *device, uint32_t pasid, struct iommuctl_hwpt *hwpt);

/** iommuctl_device_detach_pasid() - let the PASID see nothing. Returns 0; -ENOENT where it is not attached;
 * -EINVAL and -EOPNOTSUPP as iommuctl_device_attach_pasid(). */
int iommuctl_device_detach_pasid(struct iommuctl_device *device, uint32_t pasid);

/**
 * iommuctl_device_reset() - reset this function alone.
 *
 * The kernel saves and restores its configuration space (pci_try_reset_function()): bus mastering and
 * interrupts stay as they were; its registers are as after power-on. Mapped buffers stay. Turn bus mastering
 * off first where it is to be quiet when it comes back.
 *
 * Returns 0, -EAGAIN where the device is being used at this moment, -EOPNOTSUPP where the device has no reset
 * of its own (VFIO_DEVICE_FLAGS_RESET is not set; a hot reset of its bus may do: iommuctl_device_hot_reset())
 * or its reset methods were turned off meanwhile (iommuctl_reset_methods_set()), -ETIMEDOUT where it was not
 * seen to come back, or what the kernel said.
 */
int iommuctl_device_reset(struct iommuctl_device *device);

/**
 * iommuctl_device_set_bus_master() - let a device do DMA (and signal MSI), or no longer.
 *
 * It is off when the device is opened, and the kernel turns it off when it is closed. Switching it on while
 * the device still has old addresses in its registers lets it use them: set it up first, or reset it.
 *
 * A PCI device has a bit for it in its command register; of other devices the driver is asked, which needs
 * Linux 6.10.
 *
 * Returns 0; -EOPNOTSUPP where it is no PCI device and its driver has no such switch; -EIO where the device
 * does not answer.
 */
int iommuctl_device_set_bus_master(struct iommuctl_device *device, bool on);

/**
 * iommuctl_device_set_vf_token() - set the token that virtual functions of this physical one are opened with.
 *
 * @uuid: see struct iommuctl_device_options. It holds for VFs that are opened from here on, until it is set
 * again, also after the device was closed; it cannot be read back. Linux 5.7.
 *
 * Returns 0; -EINVAL where @uuid is none; -EOPNOTSUPP where the device is no physical function with SR-IOV,
 * or is not vfio-pci's; or what the kernel said.
 */
int iommuctl_device_set_vf_token(struct iommuctl_device *device, const char *uuid);

/** enum iommuctl_feature_way - what can be done with a feature: combined. */
enum iommuctl_feature_way {
        IOMMUCTL_FEATURE_GET = 1 << 0,
        IOMMUCTL_FEATURE_SET = 1 << 1,
};

/**
 * iommuctl_device_feature_probe() - whether a device has a feature of VFIO_DEVICE_FEATURE.
 *
 * @feature: its number, VFIO_DEVICE_FEATURE_… of <linux/vfio.h>.
 * @ways: enum iommuctl_feature_way, all of which it must have; 0: whether there is the feature at all.
 *
 * Nothing happens to the device. Features are Linux 5.7's; before that a device has none.
 *
 * Returns 1, or 0 where the device, its driver or the kernel has no such feature; -EINVAL where @feature is
 * above 0xffff or @ways has other bits; or what the kernel said: -ENODEV where the device is gone.
 */
int iommuctl_device_feature_probe(struct iommuctl_device *device, unsigned int feature, unsigned int ways);

#ifdef __cplusplus
}
#endif

#endif
