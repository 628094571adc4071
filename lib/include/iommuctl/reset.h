/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_RESET_H
#define IOMMUCTL_RESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iommuctl/address.h>
#include <iommuctl/ctx.h>
#include <iommuctl/device.h>
#include <iommuctl/group.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Resets beyond that of one function, which iommuctl_device_reset() is: a hot reset takes a whole slot or bus
 * with it, and first says what that is; and the methods by which the kernel resets a function. */

/**
 * enum iommuctl_reset_claim - what we have of a device that a hot reset would hit. Only of the first two may
 * it be done.
 */
enum iommuctl_reset_claim {
        IOMMUCTL_RESET_OPEN,     /* open in the container (iommufd: bound to its iommufd) */
        IOMMUCTL_RESET_GROUP,    /* not open there, but its group is ours */
        IOMMUCTL_RESET_FOREIGN,  /* bound to a VFIO driver, but neither it nor its group is ours */
        IOMMUCTL_RESET_NOT_VFIO, /* bound to another driver, or to none */
        IOMMUCTL_RESET_APART, /* ours, but it or the one asked about is a virtual function: no hot reset takes
                                 such a one together with others */
};

/** iommuctl_reset_claim_name() - "open", "group", "foreign", "not-vfio" or "apart"; NULL for any other value.
 * Thread-safe. */
const char *iommuctl_reset_claim_name(enum iommuctl_reset_claim claim);

/**
 * struct iommuctl_reset_scope - the devices that a hot reset of one of them would hit, as it was when asked.
 *
 * A snapshot, immutable: all reading calls may come from any threads. It keeps nothing alive.
 */
struct iommuctl_reset_scope;

/**
 * iommuctl_reset_scope_new() - ask which devices a hot reset would hit, without doing it.
 *
 * @groups, @n_groups: more groups that this process holds, beside those of the device's container: those of
 * its other type1 containers. They count as ours. NULL and 0 on iommufd, where all devices must be open in
 * one iommufd.
 *
 * Any Linux with vfio-pci (3.9); on iommufd 6.6. Any thread.
 *
 * Returns 0 and sets @ret_scope, the caller's to free with iommuctl_reset_scope_free(); -EOPNOTSUPP where
 * neither the slot nor the bus can be reset (a device on a root bus), or the device is no PCI device of
 * vfio-pci or one of its variants; -EINVAL for @groups on iommufd; -EAGAIN where devices came and went all
 * the while; -ENOMEM; or what sysfs said about a driver.
 */
int iommuctl_reset_scope_new(struct iommuctl_device *device, struct iommuctl_group *const groups[],
                             size_t n_groups, struct iommuctl_reset_scope **ret_scope);

/** iommuctl_reset_scope_free() - free it. NULL is let through. */
void iommuctl_reset_scope_free(struct iommuctl_reset_scope *scope);

/** iommuctl_reset_scope_n_devices() - how many devices, the one that was asked about among them. */
size_t iommuctl_reset_scope_n_devices(const struct iommuctl_reset_scope *scope);

/** iommuctl_reset_scope_address() - where the device @i is; all zeroes where @i is not below the number. */
struct iommuctl_address iommuctl_reset_scope_address(const struct iommuctl_reset_scope *scope, size_t i);

/** iommuctl_reset_scope_claim() - what we have of the device @i; IOMMUCTL_RESET_NOT_VFIO where @i is not
 * below the number. */
enum iommuctl_reset_claim iommuctl_reset_scope_claim(const struct iommuctl_reset_scope *scope, size_t i);

/** iommuctl_reset_scope_driver() - the driver of the device @i, NULL where it has none or @i is not below the
 * number. Lives as long as @scope. */
const char *iommuctl_reset_scope_driver(const struct iommuctl_reset_scope *scope, size_t i);

/** iommuctl_reset_scope_group() - true and the IOMMU group of the device @i; false on iommufd, where the
 * kernel gives the device's number instead, and where @i is not below the number of devices. */
bool iommuctl_reset_scope_group(const struct iommuctl_reset_scope *scope, size_t i, unsigned int *ret_group);

/** iommuctl_reset_scope_iommufd_id() - the number that the iommufd knows the device @i by; 0, which is no
 * object's number, where it is not bound to that, on type1, and where @i is not below the number. */
uint32_t iommuctl_reset_scope_iommufd_id(const struct iommuctl_reset_scope *scope, size_t i);

/** iommuctl_reset_scope_owned() - whether all devices are ours, so that the hot reset may be done. */
bool iommuctl_reset_scope_owned(const struct iommuctl_reset_scope *scope);

/**
 * iommuctl_device_hot_reset() - reset the slot or bus of the device, and all devices on it.
 *
 * @groups, @n_groups: as iommuctl_reset_scope_new() takes them.
 *
 * The scope is asked first, and where a device of it is not ours nothing is reset and the text names each.
 * On type1 the kernel wants a descriptor of each group as the proof (those of the container and of @groups);
 * on iommufd it looks itself. It saves and restores the devices' configuration space; their registers are as
 * after power-on, their interrupts stay set up, and mapped buffers stay. Quiet the devices first.
 *
 * Any Linux with vfio-pci (3.9); on iommufd 6.6. Any thread; nothing joins or leaves the container meanwhile.
 *
 * Returns 0; -EBUSY where a device of the scope is not ours; -EAGAIN where another thread is using one of the
 * devices at this moment, or devices came and went: try again; -ETIMEDOUT where the reset was done, but the
 * link did not come back within the kernel's time, or a device did not answer (older kernels
 * do not look); and as iommuctl_reset_scope_new().
 */
int iommuctl_device_hot_reset(struct iommuctl_device *device, struct iommuctl_group *const groups[],
                              size_t n_groups);

/**
 * iommuctl_reset_methods() - by which methods the kernel resets a function, in the order it tries them: "flr
 * pm bus".
 *
 * @name: a PCI function, as iommuctl_device_open() takes it; it need not be open or bound.
 * @text: room for @size bytes, NUL included; 128 are enough for all methods there are.
 *
 * Known are "device_specific", "acpi", "flr", "af_flr", "pm", "bus" and, newest of them, "cxl_bus". All of
 * them reset one function alone; "bus" is there where the function is the only one on its bus. This is what
 * iommuctl_device_reset() and the opening of the device use. Needs Linux 5.15. Any thread.
 *
 * Returns the length of the text, 0 where all methods are turned off; -EOPNOTSUPP where the function has no
 * method or the kernel does not say; -ENODEV where there is no such device; -EOVERFLOW where @size is too
 * small.
 */
int iommuctl_reset_methods(struct iommuctl_ctx *ctx, const char *name, char *text, size_t size);

/**
 * struct iommuctl_reset_methods_change - that the reset methods of a function were changed, and what they
 * were. Owned by the caller; it keeps its context.
 */
struct iommuctl_reset_methods_change;

/**
 * iommuctl_reset_methods_set() - choose by which methods, in which order, the kernel resets a function.
 *
 * @methods: names with spaces between; "default" for all that the function supports; "" for none, and then it
 * cannot be reset.
 * @ret_change: what undoes it, the caller's: iommuctl_reset_methods_restore() gives back what was,
 * iommuctl_reset_methods_keep() leaves it so. NULL: it is left so.
 *
 * This changes the machine for everybody, and until it is restarted: no process's end undoes it. It is
 * checked: after success the kernel says the methods that were asked for. Needs Linux 5.15 and root. Not to
 * be called for one device from two threads at a time.
 *
 * Returns 0; -EINVAL where @methods names one that there is not or the function does not have (the text says
 * which it has), and then nothing is changed; -EOPNOTSUPP, -ENODEV as iommuctl_reset_methods(); -EACCES;
 * -EROFS on a context of a captured tree; -ETIMEDOUT where the kernel did not answer for 10 s; -EIO where
 * they are not as asked for afterwards; -ENOMEM.
 */
int iommuctl_reset_methods_set(struct iommuctl_ctx *ctx, const char *name, const char *methods,
                               struct iommuctl_reset_methods_change **ret_change);

/** iommuctl_reset_methods_restore() - set the methods to what they were before the change. Returns 0, and
 * @change is freed; or as iommuctl_reset_methods_set(), and it is not: try again, or keep. NULL is let
 * through. */
int iommuctl_reset_methods_restore(struct iommuctl_reset_methods_change *change);

/** iommuctl_reset_methods_keep() - leave them as they are, and free. NULL is let through. */
void iommuctl_reset_methods_keep(struct iommuctl_reset_methods_change *change);

#ifdef __cplusplus
}
#endif

#endif
