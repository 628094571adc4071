/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the objects inside an iommufd have in common: a number, by which the kernel knows them, and their
 * container, whose iommufd they are in. The kernel destroys none that another object uses (EBUSY), so each
 * object keeps those that it was made from. */

#include <stdint.h>

#include "container.h"

struct iommufd_object {
        unsigned int refcount;                /* atomic */
        struct iommuctl_container *container; /* a reference */
        uint32_t id;
};

/* A call on the iommufd of a container that has one. */
int iommufd_call(struct iommuctl_container *c, unsigned long request, void *arg);

/* 0 where the container has an iommufd; -EOPNOTSUPP on type1, -ENODEV where that is not decided, with a text
 * that says that it is WHAT which needs one. */
int iommufd_check(struct iommuctl_container *c, const char *what);

/* "0000:01:00.0 (device 2 of the iommufd)", or only the number where the device is not one of this library's.
 * Keeps the name alone in NAME, for the context's error_device(). */
struct iommufd_device_text {
        char text[128];
        char name[64]; /* "" where it has none */
};
void iommufd_describe_device(struct iommuctl_container *c, uint32_t id, struct iommufd_device_text *ret_text);

/* Writes the text of a call on the iommufd that failed with R: WHAT it is about ("a fault queue"), SINCE the
 * kernel that has it ("6.11"), DEVICE_ID the device that it was for, or 0. Returns what the call is to
 * return: -EOPNOTSUPP where the kernel does not know it. */
int iommufd_explain(struct iommuctl_container *c, uint32_t device_id, const char *what, const char *since,
                    int r);

/* The object has its first reference from here on, and one of the container. */
void iommufd_object_init(struct iommufd_object *o, struct iommuctl_container *c, uint32_t id);

/* Another reference, of an object that was found in a list: false where it has none left, and is on its way
 * out. */
bool iommufd_object_try_ref(struct iommufd_object *o);

/* True where that was the last reference. */
bool iommufd_object_unref(struct iommufd_object *o);

/* At the end of an object: the kernel's goes. A failure is logged, as there is nobody to take it. */
void iommufd_object_destroy(struct iommufd_object *o, const char *what);

/* Tells the IOMMU what changed, on a nested page table or a vIOMMU (WHAT says which): hwpt.c. */
int iommufd_invalidate(struct iommufd_object *o, const char *what, uint32_t data_type, const void *requests,
                       size_t request_size, size_t n, size_t *ret_done);

/* Waits until the descriptor of an object can be read: 1, 0 after the time, or a failure with its text:
 * fault_queue.c. */
int iommufd_wait(struct iommufd_object *o, int fd, const char *what, int timeout_ms);
