/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The machines that several tests use, and tests that run on both backends. */

#include "harness.h"

#include "iommuctl/container.h"
#include "iommuctl/device.h"
#include "iommuctl/dma.h"

/* A GPU of two functions below a bridge in group 7, a NIC in group 8, a disk in group 9. */
#define BRIDGE "0000:00:01.0"
#define GPU    "0000:01:00.0"
#define AUDIO  "0000:01:00.1"
#define NIC    "0000:02:00.0"
#define DISK   "0000:03:00.0"

/* All bound to their native drivers. */
struct fake *machine_native(const struct fake_options *options);
/* GPU, AUDIO and NIC bound to vfio-pci. */
struct fake *machine_vfio(const struct fake_options *options);

/* What a test on an open device has: the machine, a context, a container of the backend with the NIC open in
 * it. */
struct bench {
        struct fake *m;
        struct kernel *k;
        struct iommuctl_ctx *ctx;
        struct iommuctl_container *container;
        struct iommuctl_device *device;
        enum iommuctl_backend backend;
};
/* Set-up functions of cmocka; *state is the bench. */
int bench_type1(void **state);
int bench_iommufd(void **state);
/* Closes, audits and frees. */
int bench_teardown(void **state);
/* The same machine with other options, instead of the one that the set-up made. */
void bench_restart(struct bench *b, const struct fake_options *options);
/* Memory of the process, page-aligned, that bench_teardown() does not count. */
void *bench_memory(struct bench *b, size_t size);

/* One test on each backend. */
#define BOTH(test)                                                            \
        { #test " (type1)", test, bench_type1, bench_teardown, NULL },        \
        {                                                                     \
#test " (iommufd)", test, bench_iommufd, bench_teardown, NULL \
        }
