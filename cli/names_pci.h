/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Names from libpci, which reads all of pci.ids at the first question, 8 ms: for machines without udev's
 * database. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names_pci;

void names_pci_free(struct names_pci *names);
/* Copy the name into TEXT; false where there is none. *NAMES is made at the first call and then kept. */
bool names_pci_vendor(struct names_pci **names, uint32_t vendor, char *text, size_t size);
bool names_pci_device(struct names_pci **names, uint32_t vendor, uint32_t device, char *text, size_t size);
/* CLASS is base class and sub-class. */
bool names_pci_class(struct names_pci **names, uint32_t class, char *text, size_t size);
