/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* VFIO_DEVICE_FEATURE (Linux 5.7): what a device can do beyond regions and interrupts, by number, each with
 * data of its own shape that is read (GET) or written (SET). */

#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

/* The largest data of a call: what is longer is handed over by address inside it. */
#define VFIO_FEATURE_DATA_MAX 4096u

/* OPS is VFIO_DEVICE_FEATURE_GET and VFIO_DEVICE_FEATURE_SET, or 0 for whether there is the feature at all.
 * 1: the device has the feature with all of these; 0: it has not, or the kernel knows no such feature; or an
 * errno that is no answer. Nothing happens to the device. */
int vfio_feature_probe(struct kernel *k, int device_fd, uint16_t feature, uint32_t ops);
/* Fills DATA, which also goes in as it is: some features read members of it first. What the call gave:
 * -ENOTTY where there is no such feature, often -EINVAL where it cannot be read. 0, or, for features that
 * hand out a descriptor as the call's result (DMA_BUF), that. */
int vfio_feature_get(struct kernel *k, int device_fd, uint16_t feature, void *data, size_t size);
/* DATA, which may be NULL with a SIZE of 0, is given back as the kernel left it: some features answer in it.
 */
int vfio_feature_set(struct kernel *k, int device_fd, uint16_t feature, void *data, size_t size);
