/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* lab-iommufd: page tables, address spaces beside each other and what stands around them, against a real
 * kernel:
 *
 *         lab-iommufd mock                    the kernel's mock devices (CONFIG_IOMMUFD_TEST)
 *         lab-iommufd device EDU-DEVICE       QEMU's teaching device, bound to vfio-pci
 *         lab-iommufd group DEVICE DEVICE     two of them, in one group
 *
 * Speaks TAP. */

#include "../core/core.h"

/* The kernel is MAJOR.MINOR or newer. */
bool kernel_is(unsigned int major, unsigned int minor);
/* A page of the container at IOVA; ends the program where it cannot be had. */
struct iommuctl_dma *map_at(struct iommuctl_container *c, void *page, uint64_t iova);
/* Every address can be mapped: no device and no page table bounds the container. */
bool is_whole(struct iommuctl_container *c);
/* The last address of the container's ranges, and the first. */
uint64_t last_iova(struct iommuctl_container *c);
uint64_t first_iova(struct iommuctl_container *c);

/* mock.c */
void test_mock(void);
/* mock_viommu.c */
void test_mock_viommu(void);
/* device.c */
void test_device(void);
void test_group(void);
