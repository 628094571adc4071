/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the well-formed character that begins here, 0 where none does. */
static size_t character(const unsigned char *p, size_t room, uint32_t *ret_code)
{
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
        uint32_t code;

        if (n == 0 || n > room)
                return 0;
        code = n == 1 ? *p : *p & (0x7fu >> n);
        for (size_t i = 1; i < n; i++) {
                if (p[i] >> 6 != 2)
                        return 0;
                code = code << 6 | (p[i] & 0x3fu);
        }
        if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                return 0;
        *ret_code = code;
        return n;
}

/* Printable ASCII, as nearly everything is. */
static bool plain(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (text[i] < 0x20 ||
                    text[i] > 0x7e) /* a byte from 0x80 on is one or the other, signed or not */
                        return false;
        return true;
}

void text_clean(char *text, size_t length, bool lines)
{
        unsigned char *p = (unsigned char *)text;

        if (plain(text, length))
                return;
        while (length > 0) {
                uint32_t code = 0;
                size_t n = character(p, length, &code);
                bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);

                if (n > 0 && control && !(lines && (code == '\n' || code == '\t'))) {
                        memset(p, '?', n);
                } else if (n == 0) {
                        *p = '?';
                        n = 1;
                }
                p += n;
                length -= n;
        }
}

bool text_is_utf8(const char *text)
{
        size_t length = strlen(text);

        if (plain(text, length))
                return true;
        for (size_t n; length > 0; text += n, length -= n) {
                uint32_t code;

                n = character((const unsigned char *)text, length, &code);
                if (n == 0)
                        return false;
        }
        return true;
}

char *text_to_utf8(const char *text)
{
        size_t length = strlen(text);
        char *copy = malloc(3 * length + 1), *to = copy;

        if (!copy)
                return NULL;
        while (length > 0) {
                uint32_t code;
                size_t n = character((const unsigned char *)text, length, &code);

                if (n > 0) {
                        to = mempcpy(to, text, n);
                } else {
                        to = mempcpy(to, "\xef\xbf\xbd", 3);
                        n = 1;
                }
                text += n;
                length -= n;
        }
        *to = '\0';
        return copy;
}
