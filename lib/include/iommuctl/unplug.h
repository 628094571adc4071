/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_UNPLUG_H
#define IOMMUCTL_UNPLUG_H

#include <iommuctl/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_unplug - an ear for the kernel's request to give a device back: it is being removed, or its
 * driver unbound, and that waits until every user has closed it.
 *
 * Owned by the caller, who frees it; it keeps its device. For one thread at a time.
 */
struct iommuctl_unplug;

/** enum iommuctl_unplug_state - what has come of it. */
enum iommuctl_unplug_state {
        IOMMUCTL_UNPLUG_IDLE = 0,    /* nobody wants the device back */
        IOMMUCTL_UNPLUG_ASKED = 1,   /* someone does: quiet the device and close what is open of it */
        IOMMUCTL_UNPLUG_OVERDUE = 2, /* the time for that is over: iommuctl_unplug_let_go() */
};

/**
 * iommuctl_unplug_new() - listen for the request (the interrupt IOMMUCTL_IRQ_REQUEST, Linux 4.0).
 *
 * @timeout_ms: how long the owner has until it is overdue, from the call of iommuctl_unplug_check() or
 * iommuctl_unplug_wait() on that first sees the request; nothing happens by itself then. The kernel waits as
 * long as it takes, and asks again every 10 seconds.
 *
 * Returns 0 and sets @ret_unplug, the caller's to free with iommuctl_unplug_free(); -EOPNOTSUPP where the
 * device's driver has no such request; -EEXIST where the request has a listener already; -ENODEV where the
 * device was let go of; -EMFILE; -ENOMEM.
 */
int iommuctl_unplug_new(struct iommuctl_device *device, unsigned int timeout_ms,
                        struct iommuctl_unplug **ret_unplug);

/** iommuctl_unplug_free() - listen no more, free. NULL is let through. */
void iommuctl_unplug_free(struct iommuctl_unplug *unplug);

/** iommuctl_unplug_fd() - becomes readable when the request comes, for poll(2) and its kin; stays the
 * object's. Call iommuctl_unplug_check() then. */
int iommuctl_unplug_fd(const struct iommuctl_unplug *unplug);

/**
 * iommuctl_unplug_check() - look, without waiting; a request that came is never forgotten. The descriptor is
 * not readable then until the kernel asks again.
 *
 * Returns enum iommuctl_unplug_state; -ENODEV where the device was let go of; or what reading the eventfd
 * gave.
 */
int iommuctl_unplug_check(struct iommuctl_unplug *unplug);

/** iommuctl_unplug_left() - milliseconds until it is overdue, a timeout for poll(2): 0 where it is, -1 while
 * no request was seen. */
int iommuctl_unplug_left(const struct iommuctl_unplug *unplug);

/** iommuctl_unplug_wait() - wait up to @timeout_ms (-1: for ever) for the request, for those with a thread
 * for it; once asked, it waits no more. Returns as iommuctl_unplug_check(), IOMMUCTL_UNPLUG_IDLE where no
 * request came in time; -EINTR where a signal handler ran. */
int iommuctl_unplug_wait(struct iommuctl_unplug *unplug, int timeout_ms);

/**
 * iommuctl_unplug_let_go() - give the device back to the kernel now, whoever still has handles of it.
 *
 * Its interrupts are off from here on, its DMA stops (the kernel turns bus mastering off and resets it where
 * it can), it leaves the container's address space. Maps of its regions become memory of all ones, so that
 * threads that still touch them go on (iommuctl_region_lost()); what they write stays in this process. Those
 * who wait for its interrupts are woken. Its descriptor's number stays taken, and stands for nothing. Every
 * later call on the device, its regions and its interrupts ends in -ENODEV, and all of them are freed as
 * ever, in any order. The container and its mappings stay; opening the device again gives a new object.
 *
 * A copy of the descriptor elsewhere, by dup(2), in a child, in another process, keeps the device.
 *
 * Returns 0, also where it was let go of before; -ENOMEM or -EMFILE, and then it may be called again: before
 * the first map was replaced nothing has changed. May be called from any threads.
 */
int iommuctl_unplug_let_go(struct iommuctl_device *device);

#ifdef __cplusplus
}
#endif

#endif
