/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/address.h"

#include <errno.h>
#include <stdio.h>

#include "util/hex.h"
#include "util/macro.h"

/* Reads MIN to MAX hexadecimal digits and moves *P behind them. Returns how many there were, or 0. */
static int take_hex(const char **p, int min, int max, uint32_t *ret_value)
{
        uint32_t value = 0;
        int n = 0;

        while (n < max && hex_digit((*p)[n]) >= 0)
                value = value << 4 | (uint32_t)hex_digit((*p)[n++]);
        if (n < min)
                return 0;
        *p += n;
        *ret_value = value;
        return n;
}

static bool take_char(const char **p, char c)
{
        if (**p != c)
                return false;
        (*p)++;
        return true;
}

_public_ int iommuctl_address_parse(const char *text, struct iommuctl_address *ret_address)
{
        uint32_t domain = 0, bus, device, function;
        const char *p = text;

        /* Only a domain has four digits or more before its colon. */
        if (!(take_hex(&p, 4, 8, &domain) && take_char(&p, ':'))) {
                domain = 0;
                p = text;
        }
        if (!take_hex(&p, 2, 2, &bus) || !take_char(&p, ':') || !take_hex(&p, 2, 2, &device) ||
            !take_char(&p, '.') || !take_hex(&p, 1, 1, &function) || *p)
                return -EINVAL;
        if (device > 0x1f || function > 7)
                return -EINVAL;
        *ret_address = (struct iommuctl_address){ domain, (uint8_t)bus, (uint8_t)device, (uint8_t)function };
        return 0;
}

_public_ const char *iommuctl_address_format(struct iommuctl_address a, char text[IOMMUCTL_ADDRESS_TEXT])
{
        snprintf(text, IOMMUCTL_ADDRESS_TEXT, "%04x:%02x:%02x.%x", a.domain, a.bus, a.device,
                 a.function & 7u);
        return text;
}

_public_ int iommuctl_address_compare(struct iommuctl_address a, struct iommuctl_address b)
{
        if (a.domain != b.domain)
                return a.domain < b.domain ? -1 : 1;
        if (a.bus != b.bus)
                return a.bus < b.bus ? -1 : 1;
        if (a.device != b.device)
                return a.device < b.device ? -1 : 1;
        return a.function < b.function ? -1 : a.function > b.function;
}
