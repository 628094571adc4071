/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_DEVICE_H
#define IOMMUCTL_DEVICE_H

#include <stdbool.h>
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
 * device's name.
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
 * -EACCES: its node may not be opened; the text says owner and mode.
 * -EBUSY: someone else holds it or its group (the text names the process where that can be seen), or its
 * group is not viable (the text names what is in the way).
 * -EPERM, -ENOMEM, -ENOENT: as iommuctl_group_open() says.
 * -EADDRINUSE: a mapping of the container lies where this device cannot reach; the text shows the ranges.
 * -EOPNOTSUPP: the container insists on iommufd and the kernel has no node for the device: that needs Linux
 * 6.6 with VFIO_DEVICE_CDEV.
 * -EINVAL: the kernel refused to attach it and gave no better reason. -EPROTO: sysfs or the kernel said what
 * makes no sense. -EMFILE and what else opening a file gives.
 */
int iommuctl_device_open(struct iommuctl_container *container, const char *name,
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
 * caller's to give back; NULL while it is detached. */
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
 * Its interrupts stay set up; its registers, and bus mastering, are as after power-on. Mapped buffers stay.
 *
 * Returns 0, -EOPNOTSUPP where the device has no reset of its own (VFIO_DEVICE_FLAGS_RESET is not set; a hot
 * reset of its bus may do: iommuctl_device_hot_reset()) or its reset methods were turned off meanwhile
 * (iommuctl_reset_methods_set()), -ETIMEDOUT where it was not seen to come back, or what the kernel said.
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
