/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* lab-space: what is mapped, to the last address and by every way there is, against a real kernel and real
 * (emulated) devices, for one backend:
 *
 *         lab-space BACKEND EDU-DEVICE OTHER-DEVICE          two devices of two groups
 *         lab-space BACKEND EDU-DEVICE EDU-DEVICE --peer     two that do DMA
 *
 * All are bound to vfio-pci. Speaks TAP, as lab-core does, whose support.c it has. */

#include "../core/core.h"

/* The running kernel is MAJOR.MINOR or newer. */
bool kernel_is(unsigned int major, unsigned int minor);
/* A buffer at a fixed IOVA; ends the program where that fails. */
struct iommuctl_dma *map_at(struct iommuctl_container *c, void *p, size_t size, uint64_t iova);
/* A memfd of SIZE bytes, with FLAGS of memfd_create(2), mapped at *ret_map. */
int memfd(size_t size, unsigned int flags, char **ret_map);
/* Has the edu device copy SIZE bytes from its buffer to IOVA, or back, and waits for the end. */
bool edu_does(char *bar, uint64_t iova, uint32_t size, bool to_memory);
/* Its BAR 0, with bus mastering on. The region is to be freed. */
struct iommuctl_region *edu_bar(struct iommuctl_device *d, char **ret_bar);
/* Memory decoding of the device. */
void set_decoding(struct iommuctl_device *d, bool on);

/* ranges.c */
void test_ranges(void);
void test_last_addresses(void);
/* files.c */
void test_files(void);
void test_dmabufs(void);
/* registers.c */
void test_registers(void);
void test_reset_revokes(void);
void test_peers(void);
/* copies.c */
void test_copies(void);
void test_devices_come_and_go(void);
