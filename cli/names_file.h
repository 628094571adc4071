/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One name out of pci.ids, found by searching the text, which is in order: microseconds for a name, where
 * reading it all into a table, as libpci does, takes 8 ms. For the ids that udev's database lacks. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names_file {
        const char *text; /* NULL: there is no such file */
        size_t size;
};

/* Maps pci.ids, where distributions keep it uncompressed. */
void names_file_open(struct names_file *f);
void names_file_close(struct names_file *f);

/* Copy the name into OUT; false where there is none. */
bool names_file_vendor(const struct names_file *f, uint32_t vendor, char *out, size_t size);
bool names_file_device(const struct names_file *f, uint32_t vendor, uint32_t device, char *out, size_t size);
/* CLASS is base class and sub-class; a sub-class without a name has that of its class. */
bool names_file_class(const struct names_file *f, uint32_t class, char *out, size_t size);
