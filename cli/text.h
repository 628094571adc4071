/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Text that came from elsewhere: sysfs, a captured tree, a database of names. It may hold anything, and a
 * terminal obeys some of it. */

#include <stdbool.h>
#include <stddef.h>

/* Puts '?' in the place of each byte that is not of well-formed UTF-8 or of a character that controls a
 * terminal (C0, DEL, C1). With LINES, newlines and tabs stay. */
void text_clean(char *text, size_t length, bool lines);

/* Whether it is well-formed UTF-8 (RFC 3629: no surrogates, nothing longer than needed), controls or not. */
bool text_is_utf8(const char *text);

/* A copy with U+FFFD for each byte that is not of well-formed UTF-8; the caller frees it. NULL when out of
 * memory. */
char *text_to_utf8(const char *text);
