/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_VEVENTQ_H
#define IOMMUCTL_VEVENTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iommuctl/viommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_veventq - what an IOMMU reports about a guest's devices and page tables (an iommufd
 * vEVENTQ).
 *
 * Opaque and reference-counted; it keeps its vIOMMU. All calls may be made from any threads; an event is read
 * by one of them. Linux 6.15.
 */
struct iommuctl_veventq;

/** enum iommuctl_veventq_type - other values go to the kernel as they are. */
enum iommuctl_veventq_type {
        IOMMUCTL_VEVENTQ_ARM_SMMUV3 = 1,     /* struct iommuctl_vevent_arm_smmuv3 */
        IOMMUCTL_VEVENTQ_TEGRA241_CMDQV = 2, /* struct iommuctl_vevent_tegra241_cmdqv: Linux 6.17 */
};

/** struct iommuctl_vevent_arm_smmuv3 - an event record, little-endian, with the guest's stream ID. */
struct iommuctl_vevent_arm_smmuv3 {
        uint64_t event[4];
};

/** struct iommuctl_vevent_tegra241_cmdqv - which queues have an error, little-endian. */
struct iommuctl_vevent_tegra241_cmdqv {
        uint64_t error_map[2];
};

/** struct iommuctl_vevent - what stands before an event. */
struct iommuctl_vevent {
        uint32_t sequence; /* counts on from event to event, also over those that were lost; after INT32_MAX
                              comes 0 */
        bool lost;   /* no event: the queue was full, and this many more were lost than the sequence tells */
        size_t size; /* bytes of data; 0 where @lost */
};

/**
 * iommuctl_veventq_new() - a queue of a vIOMMU's events; one of each type.
 *
 * @type: enum iommuctl_veventq_type. @depth: how many events it holds until some are lost; at least 1.
 *
 * The caller owns the reference in @ret_queue and gives it back with iommuctl_veventq_unref().
 *
 * Returns 0; -EOPNOTSUPP: this vIOMMU has no such events, or a kernel before 6.15; -EEXIST: it has a queue of
 * this type; -EINVAL: a depth of 0; -EMFILE; -ENOMEM and what else the kernel said.
 */
int iommuctl_veventq_new(struct iommuctl_viommu *viommu, uint32_t type, uint32_t depth,
                         struct iommuctl_veventq **ret_queue);

/** iommuctl_veventq_ref() - take another reference. Returns @queue. NULL stays NULL. */
struct iommuctl_veventq *iommuctl_veventq_ref(struct iommuctl_veventq *queue);

/** iommuctl_veventq_unref() - drop a reference; with the last one it goes, with what was not read. NULL is
 * let through. Returns NULL. */
struct iommuctl_veventq *iommuctl_veventq_unref(struct iommuctl_veventq *queue);

/** iommuctl_veventq_id() - the number that the iommufd knows it by. */
uint32_t iommuctl_veventq_id(const struct iommuctl_veventq *queue);

/** iommuctl_veventq_fd() - its descriptor, readable while there are events, for an event loop; stays the
 * queue's. */
int iommuctl_veventq_fd(const struct iommuctl_veventq *queue);

/** iommuctl_veventq_wait() - wait until there is an event. @timeout_ms: -1 waits without an end. Returns 1, 0
 * after the time, or what the kernel said. */
int iommuctl_veventq_wait(struct iommuctl_veventq *queue, int timeout_ms);

/**
 * iommuctl_veventq_read() - take one event. Does not wait.
 *
 * @data: the event, in the form of the queue's type. @size: how large one is, exactly: sizeof(struct
 * iommuctl_vevent_arm_smmuv3) and so on; at most 4096.
 *
 * Returns 1; 0 where there is none; -EINVAL: an event is larger than @size; -EPROTO: it is smaller; and what
 * else the kernel said.
 */
int iommuctl_veventq_read(struct iommuctl_veventq *queue, void *data, size_t size,
                          struct iommuctl_vevent *ret_event);

#ifdef __cplusplus
}
#endif

#endif
