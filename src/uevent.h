/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a device's uevent file says: driver, class, ids and address in one read.
 *
 * The kernel writes it in drivers/base/core.c (DRIVER) and each bus's uevent callback; for PCI that is
 * pci_uevent() in drivers/pci/pci-driver.c: PCI_CLASS as %04X, so a class of 0x030000 is "30000" and one of
 * 0x000000 is "0000"; PCI_ID and PCI_SUBSYS_ID as %04X:%04X.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uevent {
        /* Point into the text; NULL where the key is not there. */
        const char *driver;
        const char *modalias;
        const char *pci_slot_name;
        bool has_class, has_id, has_subsystem_id;
        uint32_t class;
        uint16_t vendor, device;
        uint16_t subsystem_vendor, subsystem_device;
};

/* Takes TEXT apart, changing it, SIZE bytes with a NUL behind them. Of a key that comes twice the first
 * counts; lines with a NUL inside, without "=", or with a value that is not of the key's form are passed
 * over. A last line without newline counts: TEXT is whole. */
void uevent_parse(char *text, size_t size, struct uevent *ret);

/* Reads all of TEXT, with or without "0x", as a hexadecimal number of at most MAX_DIGITS digits. */
bool hex_parse(const char *text, int max_digits, uint64_t *ret_value);
