/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The JSON side of a sink: the one file that knows json-c. Keys are literals: json-c keeps them by address.
 */

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink_internal.h"
#include "text.h"
#include "util/macro.h"

void sink_discard(struct sink *s)
{
        if (s->depth > 0)
                json_object_put(s->stack[0]);
        s->depth = 0;
}

/* Puts VALUE, which is ours until then, into what was begun last. A NULL VALUE is JSON's null. */
static void add(struct sink *s, const char *key, struct json_object *value)
{
        struct json_object *parent = s->stack[s->depth - 1];
        int r;

        if (json_object_is_type(parent, json_type_array))
                r = json_object_array_add(parent, value);
        else
                r = json_object_object_add_ex(parent, key, value, JSON_C_OBJECT_ADD_CONSTANT_KEY);
        if (r < 0) {
                json_object_put(value);
                s->error = -ENOMEM;
        }
}

/* Adds what may not be NULL: json-c answers NULL when it is out of memory. */
static void add_new(struct sink *s, const char *key, struct json_object *value)
{
        if (!value)
                s->error = -ENOMEM;
        else
                add(s, key, value);
}

static bool active(struct sink *s)
{
        return s->json && s->error == 0;
}

static void begin(struct sink *s, const char *key, struct json_object *value)
{
        if (s->depth == JSON_DEPTH) {
                json_object_put(value);
                s->error = -EOVERFLOW;
                return;
        }
        if (s->depth > 0)
                add_new(s, key, value);
        else if (!value)
                s->error = -ENOMEM;
        if (s->error == 0)
                s->stack[s->depth++] = value;
}

static void end(struct sink *s)
{
        const char *text;
        size_t length;

        if (--s->depth > 0)
                return;
        text = json_object_to_json_string_length(
                s->stack[0], JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
        if (!text)
                s->error = -ENOMEM;
        else if (fwrite(text, 1, length, s->out) != length || fputc('\n', s->out) == EOF)
                s->error = -errno;
        json_object_put(s->stack[0]);
}

void sink_begin_object(struct sink *s, const char *key)
{
        if (active(s))
                begin(s, key, json_object_new_object());
}

void sink_begin_document(struct sink *s)
{
        sink_begin_object(s, NULL);
        sink_uint(s, "schema_version", 1);
}

void sink_end_object(struct sink *s)
{
        if (active(s))
                end(s);
}

void sink_begin_array(struct sink *s, const char *key)
{
        if (active(s))
                begin(s, key, json_object_new_array());
}

void sink_end_array(struct sink *s)
{
        if (active(s))
                end(s);
}

void sink_null(struct sink *s, const char *key)
{
        if (active(s))
                add(s, key, NULL);
}

void sink_string(struct sink *s, const char *key, const char *value)
{
        char *valid;

        if (!value) {
                sink_null(s, key);
                return;
        }
        if (!active(s))
                return;
        /* json-c passes bytes on as they are. */
        if (text_is_utf8(value)) {
                add_new(s, key, json_object_new_string(value));
                return;
        }
        valid = text_to_utf8(value);
        add_new(s, key, valid ? json_object_new_string(valid) : NULL);
        free(valid);
}

void sink_hex(struct sink *s, const char *key, uint64_t value, int digits)
{
        char text[2 + 16 + 1];

        if (!active(s))
                return;
        snprintf(text, sizeof(text), "0x%0*" PRIx64, MIN(digits, 16), value);
        add_new(s, key, json_object_new_string(text));
}

void sink_uint(struct sink *s, const char *key, uint64_t value)
{
        if (active(s))
                add_new(s, key, json_object_new_uint64(value));
}

void sink_int(struct sink *s, const char *key, int64_t value)
{
        if (active(s))
                add_new(s, key, json_object_new_int64(value));
}

void sink_double(struct sink *s, const char *key, double value, int decimals)
{
        char text[400]; /* the largest double has 309 digits before the point */

        if (!active(s))
                return;
        if (!isfinite(value)) {
                sink_null(s, key); /* JSON has no such numbers */
                return;
        }
        snprintf(text, sizeof(text), "%.*f", MIN(decimals, 17), value);
        add_new(s, key, json_object_new_double_s(value, text));
}

void sink_bool(struct sink *s, const char *key, bool value)
{
        if (active(s))
                add_new(s, key, json_object_new_boolean(value));
}
