/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_POWER_H
#define IOMMUCTL_POWER_H

#include <iommuctl/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Low power: a device that is not used for a while may be put to sleep by the kernel, down to being without
 * power (D3cold), which its driver alone cannot do. Needs Linux 6.1 and vfio-pci or one of its variants. */

/** enum iommuctl_power_state - the power states of a PCI function. */
enum iommuctl_power_state {
        IOMMUCTL_POWER_UNKNOWN, /* the kernel does not know, or the function does not answer */
        IOMMUCTL_POWER_D0,      /* on */
        IOMMUCTL_POWER_D1,
        IOMMUCTL_POWER_D2,
        IOMMUCTL_POWER_D3HOT,  /* asleep; configuration space still answers */
        IOMMUCTL_POWER_D3COLD, /* without power */
};

/** iommuctl_power_state_name() - "unknown", "D0", "D1", "D2", "D3hot" or "D3cold", as sysfs has them; NULL
 * for any other value. Thread-safe. */
const char *iommuctl_power_state_name(enum iommuctl_power_state state);

/**
 * iommuctl_power_state() - which power state a PCI function is in now. Looking does not wake it.
 *
 * Needs Linux 5.11. Any thread.
 *
 * Returns enum iommuctl_power_state; -EOPNOTSUPP where the device is no PCI function or the kernel does not
 * say; -EPROTO where it says what is no power state.
 */
int iommuctl_power_state(struct iommuctl_device *device);

/**
 * iommuctl_power_enter() - allow the kernel to put the device to sleep, until iommuctl_power_leave() or the
 * device is closed.
 *
 * Whether and how deep it sleeps is the kernel's to decide: iommuctl_power_state() shows it. Each call on the
 * device, its regions and interrupts wakes it for as long as that takes, and it may sleep again behind it; so
 * does what others do to it (a reset by sysfs, "on" in its power/control there). INTx is masked while it
 * sleeps. Have it quiet beforehand, bus mastering off.
 *
 * Mapped regions are out of reach from here to iommuctl_power_leave(), asleep or not: touching one is a
 * SIGBUS. iommuctl_region_read() and iommuctl_region_write() go on working. dma-bufs of its regions are
 * revoked (Linux 6.19), and iommuctl_power_leave() alone brings them back.
 *
 * Needs Linux 6.1. Any thread.
 *
 * Returns 0; -EALREADY where it is allowed already, by this or by a wake-up; -EOPNOTSUPP where the device or
 * the kernel has no such thing (the text names the version); or what the kernel said.
 */
int iommuctl_power_enter(struct iommuctl_device *device);

/**
 * iommuctl_power_leave() - wake the device and keep it awake. Mapped regions may be touched again. Nothing
 * happens where it was not allowed to sleep.
 *
 * Returns 0; -EOPNOTSUPP as iommuctl_power_enter(); -EIO and what else the kernel said where it does not
 * wake.
 */
int iommuctl_power_leave(struct iommuctl_device *device);

/**
 * struct iommuctl_wakeup - low power that ends with the first use, and an eventfd that tells of it.
 *
 * Owned by the caller, who frees it; it keeps its device. Waiting may be done by any threads; freeing must be
 * the last use.
 */
struct iommuctl_wakeup;

/**
 * iommuctl_wakeup_new() - as iommuctl_power_enter(), but for one sleep: the first use of it, from here or
 * elsewhere, or a wake-up by the device itself, wakes the device for good and signals an eventfd, if it did
 * sleep.
 *
 * A hypervisor learns by it that its guest's sleeping device was woken behind its back. Mapped regions may be
 * touched again after the wake-up was told, or after iommuctl_power_leave().
 *
 * The kernel puts the device to sleep soon after this call; where it cannot, nothing will be told.
 *
 * Returns 0 and sets @ret_wakeup, the caller's to free with iommuctl_wakeup_free(); -EMFILE; -ENOMEM; and as
 * iommuctl_power_enter().
 */
int iommuctl_wakeup_new(struct iommuctl_device *device, struct iommuctl_wakeup **ret_wakeup);

/** iommuctl_wakeup_again() - let the device sleep once more after it was woken; the same eventfd tells. What
 * was told before and not yet waited for is forgotten. Returns as iommuctl_power_enter(). */
int iommuctl_wakeup_again(struct iommuctl_wakeup *wakeup);

/** iommuctl_wakeup_fd() - the eventfd, for poll(2) and its kin: readable once the device was woken. It is
 * non-blocking and stays the wake-up's. */
int iommuctl_wakeup_fd(const struct iommuctl_wakeup *wakeup);

/**
 * iommuctl_wakeup_wait() - wait until the device is woken.
 *
 * @timeout_ms: -1 for ever, 0 only to look.
 *
 * iommuctl_power_leave() is told as well. One wake-up is told to one waiter.
 *
 * Returns 0; -ETIMEDOUT (with a @timeout_ms of 0 it sets no text: it is no failure); -EINTR where a signal
 * handler ran.
 */
int iommuctl_wakeup_wait(struct iommuctl_wakeup *wakeup, int timeout_ms);

/** iommuctl_wakeup_free() - wake the device, as iommuctl_power_leave() does, and free. NULL is let through.
 */
void iommuctl_wakeup_free(struct iommuctl_wakeup *wakeup);

#ifdef __cplusplus
}
#endif

#endif
