/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_ADDRESS_H
#define IOMMUCTL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_address - where a PCI function sits: a value, copied freely.
 *
 * @domain:   PCI domain, 32 bits wide: Intel VMD and some ARM hosts number beyond 0xffff.
 * @bus:      0 to 255
 * @device:   0 to 31
 * @function: 0 to 7
 */
struct iommuctl_address {
        uint32_t domain;
        uint8_t bus;
        uint8_t device;
        uint8_t function;
};

/** Room for the text of any address, "ffffffff:ff:1f.7", and its NUL. */
#define IOMMUCTL_ADDRESS_TEXT 17

/**
 * iommuctl_address_parse() - read "DDDD:BB:DD.F" (domain of 4 to 8 hexadecimal digits) or "BB:DD.F" (domain
 * 0).
 *
 * Returns 0 and sets @ret_address, or -EINVAL where @text is anything else: a device above 1f, a function
 * above 7, trailing characters. Thread-safe.
 */
int iommuctl_address_parse(const char *text, struct iommuctl_address *ret_address);

/**
 * iommuctl_address_format() - write the address as sysfs names it, at least four digits of domain.
 *
 * Returns @text. Thread-safe.
 */
const char *iommuctl_address_format(struct iommuctl_address address, char text[IOMMUCTL_ADDRESS_TEXT]);

/**
 * iommuctl_address_compare() - order by domain, bus, device, function.
 *
 * Returns less than, equal to, or greater than 0, as memcmp() does. Thread-safe.
 */
int iommuctl_address_compare(struct iommuctl_address a, struct iommuctl_address b);

#ifdef __cplusplus
}
#endif

#endif
