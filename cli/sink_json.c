/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The JSON side of a sink: a document is text from the start, so that thousands of devices cost no more than
 * their bytes. RFC 8259; strings are UTF-8 whatever they were made of. */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink_internal.h"
#include "text.h"
#include "util/macro.h"

void sink_discard(struct sink *s)
{
        s->document.n = s->document.depth = 0;
        s->document.comma = false;
}

/* Room for MORE bytes; NULL, and the sink's error set, without. */
static char *reserve(struct sink *s, size_t more)
{
        struct document *d = &s->document;

        if (d->size - d->n < more) {
                size_t size = MAX(d->size * 2, d->n + more + 4096);
                char *text = realloc(d->text, size);

                if (!text) {
                        s->error = -ENOMEM;
                        return NULL;
                }
                d->text = text;
                d->size = size;
        }
        return d->text + d->n;
}

static void put(struct sink *s, const char *text, size_t n)
{
        char *to = reserve(s, n);

        if (to) {
                memcpy(to, text, n);
                s->document.n += n;
        }
}

static bool needs_escape(unsigned char c)
{
        return c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

/* A string of valid UTF-8 with its quotes. */
static void put_string(struct sink *s, const char *text)
{
        size_t length = strlen(text);
        char *to = reserve(s, 6 * length + 2), *start = to;

        if (!to)
                return;
        *to++ = '"';
        for (size_t i = 0; i < length; i++) {
                unsigned char c = (unsigned char)text[i];

                if (!needs_escape(c))
                        *to++ = (char)c;
                else if (c == '"' || c == '\\')
                        to += sprintf(to, "\\%c", c);
                else
                        to += sprintf(to, "\\u%04x", c);
        }
        *to++ = '"';
        s->document.n += (size_t)(to - start);
}

/* Begins a member of what was begun last, behind a comma where one is due; KEY is NULL in arrays. Whether
 * there is anything to write to. */
static bool member(struct sink *s, const char *key)
{
        struct document *d = &s->document;

        if (!s->json || s->error != 0)
                return false;
        if (d->comma)
                put(s, ",", 1);
        if (key) {
                put_string(s, key);
                put(s, ":", 1);
        }
        d->comma = true;
        return s->error == 0;
}

static void begin(struct sink *s, const char *key, char opening, char closing)
{
        struct document *d = &s->document;

        if (!member(s, key))
                return;
        if (d->depth == JSON_DEPTH) {
                s->error = -EOVERFLOW;
                return;
        }
        put(s, &opening, 1);
        d->closing[d->depth++] = closing;
        d->comma = false;
}

static void end(struct sink *s)
{
        struct document *d = &s->document;

        if (!s->json || s->error != 0)
                return;
        put(s, &d->closing[--d->depth], 1);
        d->comma = true;
        if (d->depth > 0 || s->error != 0)
                return;
        put(s, "\n", 1);
        if (s->error == 0 && fwrite(d->text, 1, d->n, s->out) != d->n)
                s->error = -errno;
        sink_discard(s);
}

void sink_begin_object(struct sink *s, const char *key)
{
        begin(s, key, '{', '}');
}

void sink_begin_document(struct sink *s)
{
        sink_begin_object(s, NULL);
        sink_uint(s, "schema_version", 1);
}

void sink_end_object(struct sink *s)
{
        end(s);
}

void sink_begin_array(struct sink *s, const char *key)
{
        begin(s, key, '[', ']');
}

void sink_end_array(struct sink *s)
{
        end(s);
}

void sink_null(struct sink *s, const char *key)
{
        if (member(s, key))
                put(s, "null", 4);
}

void sink_string(struct sink *s, const char *key, const char *value)
{
        char *valid;

        if (!value) {
                sink_null(s, key);
                return;
        }
        if (!member(s, key))
                return;
        if (text_is_utf8(value)) {
                put_string(s, value);
                return;
        }
        valid = text_to_utf8(value);
        if (valid)
                put_string(s, valid);
        else
                s->error = -ENOMEM;
        free(valid);
}

void sink_hex(struct sink *s, const char *key, uint64_t value, int digits)
{
        char text[2 + 2 + 16 + 1];

        if (member(s, key))
                put(s, text,
                    (size_t)snprintf(text, sizeof(text), "\"0x%0*" PRIx64 "\"", MIN(digits, 16), value));
}

void sink_uint(struct sink *s, const char *key, uint64_t value)
{
        char text[24];

        if (member(s, key))
                put(s, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, value));
}

void sink_int(struct sink *s, const char *key, int64_t value)
{
        char text[24];

        if (member(s, key))
                put(s, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, value));
}

void sink_double(struct sink *s, const char *key, double value, int decimals)
{
        char text[400]; /* the largest double has 309 digits before the point */
        int n;

        if (!isfinite(value)) {
                sink_null(s, key); /* JSON has no such numbers */
                return;
        }
        if (!member(s, key))
                return;
        n = snprintf(text, sizeof(text), "%.*f", MIN(decimals, 17), value);
        put(s, text, (size_t)n);
}

void sink_bool(struct sink *s, const char *key, bool value)
{
        if (member(s, key))
                put(s, value ? "true" : "false", value ? 4 : 5);
}
