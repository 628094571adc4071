/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uevent.h"

#include <string.h>

#include "util/hex.h"
#include "util/macro.h"

bool hex_parse(const char *text, int max_digits, uint64_t *ret_value)
{
        uint64_t value = 0;
        int n = 0;

        if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
                text += 2;
        for (; text[n]; n++) {
                if (n == max_digits || hex_digit(text[n]) < 0)
                        return false;
                value = value << 4 | (uint64_t)hex_digit(text[n]);
        }
        if (n == 0)
                return false;
        *ret_value = value;
        return true;
}

/* "10DE:2684" */
static bool parse_pair(char *text, uint16_t *ret_first, uint16_t *ret_second)
{
        char *colon = strchr(text, ':');
        uint64_t first, second;

        if (!colon)
                return false;
        *colon = '\0';
        if (!hex_parse(text, 4, &first) || !hex_parse(colon + 1, 4, &second))
                return false;
        *ret_first = (uint16_t)first;
        *ret_second = (uint16_t)second;
        return true;
}

static void take_string(const char **field, const char *value)
{
        if (!*field && *value)
                *field = value;
}

static void take_line(char *key, char *value, struct uevent *u)
{
        uint64_t class;

        if (streq(key, "DRIVER"))
                take_string(&u->driver, value);
        else if (streq(key, "MODALIAS"))
                take_string(&u->modalias, value);
        else if (streq(key, "PCI_SLOT_NAME"))
                take_string(&u->pci_slot_name, value);
        else if (streq(key, "PCI_CLASS") && !u->has_class) {
                u->has_class = hex_parse(value, 6, &class);
                if (u->has_class)
                        u->class = (uint32_t) class;
        } else if (streq(key, "PCI_ID") && !u->has_id)
                u->has_id = parse_pair(value, &u->vendor, &u->device);
        else if (streq(key, "PCI_SUBSYS_ID") && !u->has_subsystem_id)
                u->has_subsystem_id = parse_pair(value, &u->subsystem_vendor, &u->subsystem_device);
}

void uevent_parse(char *text, size_t size, struct uevent *ret)
{
        char *end = text + size;

        memset(ret, 0, sizeof(*ret));
        for (char *line = text; line < end;) {
                char *newline = memchr(line, '\n', (size_t)(end - line));
                char *stop = newline ?: end;
                char *equals;

                *stop = '\0';
                equals = strchr(line, '=');
                if (equals && strlen(line) == (size_t)(stop - line)) {
                        *equals = '\0';
                        take_line(line, equals + 1, ret);
                }
                line = stop + 1;
        }
}
