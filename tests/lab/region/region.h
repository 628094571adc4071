/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* lab-region: regions, interrupts and hot-unplug against a real kernel and real (emulated) devices, one check
 * and one backend at a time:
 *
 *         lab-region BACKEND CHECK DEVICE
 *
 * DEVICE is bound to vfio-pci. Speaks TAP, with the helpers of lab-core (../core/core.h). */

#include <linux/vfio.h>

#include "../core/core.h"

/* How many lines of /proc/interrupts have this in them: what the kernel says of the vectors in use. */
unsigned int interrupts_with(const char *text);
/* 16 bits of the function's configuration space, read past VFIO. */
uint16_t sysfs_config16(unsigned int offset);
struct iommuctl_region *open_region(struct iommuctl_device *d, unsigned int index);
/* Memory decoding, through VFIO. */
void set_decoding(struct iommuctl_device *d, bool on);

/* vectors.c */
void test_msix(void);
/* edu.c */
void test_bus_master(void);
void test_widths_and_doorbells(void);
void test_resample(void);
void test_guard(void);
/* large.c */
void test_large(void);
/* vga.c */
void test_vga(void);
/* unplug.c */
void test_let_go(void);
void test_pulled(void);
