/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_FAULT_QUEUE_H
#define IOMMUCTL_FAULT_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <iommuctl/container.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_fault_queue - page requests of devices (PCI PRI), read and answered (an iommufd fault
 * queue).
 *
 * A page table that is made with one (struct iommuctl_hwpt_options, faults) sends to it what its devices do
 * not find in the table. They wait until they are answered.
 *
 * Opaque and reference-counted; it keeps its container, and page tables keep it. All calls may be made from
 * any threads; a request is read by one of them. With the last reference, requests that nobody answered are
 * answered IOMMUCTL_PAGE_INVALID by the kernel. Needs the iommufd backend and Linux 6.11.
 */
struct iommuctl_fault_queue;

enum iommuctl_page_request_flags {
        IOMMUCTL_PAGE_REQUEST_PASID = 1 << 0, /* pasid is set */
        IOMMUCTL_PAGE_REQUEST_LAST = 1 << 1,  /* of its group: answer this one, and so the group */
};

enum iommuctl_page_access {
        IOMMUCTL_PAGE_READ = 1 << 0,
        IOMMUCTL_PAGE_WRITE = 1 << 1,
        IOMMUCTL_PAGE_EXECUTE = 1 << 2,
        IOMMUCTL_PAGE_PRIVILEGED = 1 << 3,
};

/** struct iommuctl_page_request - a device asks for a page, in the kernel's form. */
struct iommuctl_page_request {
        uint32_t flags;     /* enum iommuctl_page_request_flags */
        uint32_t device_id; /* iommuctl_device_iommufd_id() */
        uint32_t pasid;
        uint32_t group;  /* the device's number for the requests that belong together */
        uint32_t access; /* enum iommuctl_page_access */
        uint32_t reserved;
        uint64_t address;
        uint32_t length; /* how much it is about to need, in bytes; 0: it does not say */
        uint32_t cookie; /* for the answer */
};

enum iommuctl_page_answer {
        IOMMUCTL_PAGE_DONE = 0,    /* the page is there now: try again */
        IOMMUCTL_PAGE_INVALID = 1, /* it will not be there */
};

/** struct iommuctl_page_response - the answer to a group of requests, in the kernel's form. */
struct iommuctl_page_response {
        uint32_t cookie; /* of the group's last request */
        uint32_t answer; /* enum iommuctl_page_answer */
};

/**
 * iommuctl_fault_queue_new() - a queue in the iommufd of the container, for page tables of any container in
 * it.
 *
 * The caller owns the reference in @ret_queue and gives it back with iommuctl_fault_queue_unref().
 *
 * Returns 0; -EOPNOTSUPP on type1 and on kernels before 6.11; -ENODEV: a container that is not decided yet;
 * -EMFILE; -ENOMEM.
 */
int iommuctl_fault_queue_new(struct iommuctl_container *container, struct iommuctl_fault_queue **ret_queue);

/** iommuctl_fault_queue_ref() - take another reference. Returns @queue. NULL stays NULL. */
struct iommuctl_fault_queue *iommuctl_fault_queue_ref(struct iommuctl_fault_queue *queue);

/** iommuctl_fault_queue_unref() - drop a reference; with the last one, of the caller's and of page tables, it
 * goes. NULL is let through. Returns NULL. */
struct iommuctl_fault_queue *iommuctl_fault_queue_unref(struct iommuctl_fault_queue *queue);

/** iommuctl_fault_queue_id() - the number that the iommufd knows it by. */
uint32_t iommuctl_fault_queue_id(const struct iommuctl_fault_queue *queue);

/** iommuctl_fault_queue_fd() - its descriptor, readable while there are requests, for an event loop; stays
 * the queue's. */
int iommuctl_fault_queue_fd(const struct iommuctl_fault_queue *queue);

/** iommuctl_fault_queue_wait() - wait until there is a request. @timeout_ms: -1 waits without an end. Returns
 * 1, 0 after the time, or what the kernel said. */
int iommuctl_fault_queue_wait(struct iommuctl_fault_queue *queue, int timeout_ms);

/**
 * iommuctl_fault_queue_read() - take requests, whole groups at a time. Does not wait.
 *
 * Returns how many were put into @requests, which has room for @n; 0 where there are none; -EINVAL: the next
 * group has more requests than @n; and what else the kernel said. What was read must be answered.
 */
ssize_t iommuctl_fault_queue_read(struct iommuctl_fault_queue *queue, struct iommuctl_page_request *requests,
                                  size_t n);

/**
 * iommuctl_fault_queue_respond() - answer groups of requests.
 *
 * Returns how many of the @n answers were taken, in their order: fewer where one makes no sense. -EINVAL: the
 * first one does not (no such cookie, or it was answered, or no such answer); and what else the kernel said.
 */
ssize_t iommuctl_fault_queue_respond(struct iommuctl_fault_queue *queue,
                                     const struct iommuctl_page_response *responses, size_t n);

#ifdef __cplusplus
}
#endif

#endif
