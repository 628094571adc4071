/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The two chains of capabilities in PCI configuration space (PCI Express Base Specification, 7.5.1.1.11 and
 * 7.6.3), read header by header through a function, so that nothing else of a device is touched. */

#include "iommuctl/pci.h"

/* Reads SIZE bytes at OFFSET: 0, -ERANGE where configuration space ends before that, or a failure that ends
 * the walk. */
typedef int (*pci_read_fn)(void *userdata, unsigned int offset, unsigned int size, void *ret_bytes);

/* The number of capabilities, of which up to MAX are in RET_CAPS, or the reader's failure. */
int pci_caps_walk(pci_read_fn read, void *userdata, struct iommuctl_pci_cap *ret_caps, unsigned int max,
                  unsigned int *ret_problems);
