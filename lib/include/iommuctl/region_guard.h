/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_REGION_GUARD_H
#define IOMMUCTL_REGION_GUARD_H

#include <stdbool.h>

#include <iommuctl/region.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Mapped registers of a device that does not answer.
 *
 * While memory decoding is off, in a low power state, or during some resets, touching a mapped BAR raises
 * SIGBUS, which ends the process. A guard turns that into what a bus gives: reads of all ones, writes that go
 * nowhere. It is for those who ask, because it takes a signal handler for the whole process:
 *
 * - It is put in with the first guarded map, and taken out with the last. A SIGBUS that is not about a
 * guarded map goes to the handler that was there before, or does what it did before.
 * - A handler that is put in over it must hand on what it does not know to the one that sigaction(2) gave it,
 *   and then stays over it. It is no place for SA_RESETHAND.
 * - SIGBUS must not be blocked in threads that touch registers: a blocked one ends the process.
 * - It works in any thread, takes no lock, allocates nothing, and keeps errno. It runs on the alternate stack
 *   where there is one. A forked child has it, too.
 */

/**
 * iommuctl_region_guard() - guard what is mapped of the region, and what will be, until it is freed.
 *
 * Where a guarded map is touched and the device does not answer, up to 2 MiB around the place become memory
 * of all ones, for good: registers read as all ones, writes stay in this process. The region is lost then
 * (iommuctl_region_lost()), also where the device answers again: free it, and open it anew.
 *
 * Costs up to 2 MiB of memory for a region. Guarding a guarded one does nothing.
 *
 * Returns 0; -ENOMEM; -EMFILE; or what memfd_create(2) and sigaction(2) said. May be called from any threads.
 */
int iommuctl_region_guard(struct iommuctl_region *region);

/** iommuctl_region_lost() - whether memory of all ones took the place of some of its registers: a guarded map
 * was touched in vain, or the device was let go of (iommuctl_unplug_let_go()). Look after a read of all ones.
 * May be called from any threads, also in signal handlers. */
bool iommuctl_region_lost(const struct iommuctl_region *region);

#ifdef __cplusplus
}
#endif

#endif
