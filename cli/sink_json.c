/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The JSON side of a sink: the one file that knows json-c. Keys are literals: json-c keeps them by address.
 */

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink_internal.h"
#include "text.h"
#include "util/macro.h"

/* Puts VALUE, which is ours until then, into what was begun last. A NULL VALUE is JSON's null. */
static void add(struct sink *s, const char *key, struct json_object *value)
{
        struct json_object *parent = s->stack[s->depth - 1];
        int r;

        if (json_object_is_type(parent, json_type_array))
                r = json_object_array_add(parent, value);
        else
                r = json_object_object_add_ex(parent, key, value,
                                              JSON_C_OBJECT_ADD_CONSTANT_KEY | JSON_C_OBJECT_ADD_KEY_IS_NEW);
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

/* Whether what stands, or is about to stand, on the stack above DEPTH others is an element of a list of the
 * document: groups and devices come by the thousand. Each is built apart from the document, and becomes text
 * as soon as it is whole, so that its tree's memory serves the next one. */
static bool is_element(const struct sink *s, unsigned int depth)
{
        return depth == 2 && json_object_is_type(s->stack[1], json_type_array);
}

static const char *serialise(struct json_object *value, size_t *ret_length)
{
        return json_object_to_json_string_length(
                value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, ret_length);
}

void sink_discard(struct sink *s)
{
        if (s->depth > 2 && is_element(s, 2))
                json_object_put(s->stack[2]);
        if (s->depth > 0)
                json_object_put(s->stack[0]);
        s->depth = 0;
}

static void begin(struct sink *s, const char *key, struct json_object *value)
{
        if (!value) {
                s->error = -ENOMEM;
        } else if (s->depth == JSON_DEPTH) {
                json_object_put(value);
                s->error = -EOVERFLOW;
        } else if (s->depth == 0) {
                json_global_set_string_hash(
                        JSON_C_STR_HASH_PERLLIKE); /* the keys are ours: no need of a keyed hash */
        } else if (!is_element(s, s->depth)) {
                add(s, key, value);
        }
        if (s->error == 0)
                s->stack[s->depth++] = value;
}

static void end_element(struct sink *s, struct json_object *element)
{
        struct json_object *written = json_object_new_boolean(true); /* of any type: its text is given */
        const char *text;
        size_t length;
        char *copy;

        text = serialise(element, &length);
        copy = text ? strdup(text) : NULL;
        json_object_put(element);
        if (!written || !copy) {
                json_object_put(written);
                free(copy);
                s->error = -ENOMEM;
                return;
        }
        json_object_set_serializer(written, json_object_userdata_to_json_string, copy,
                                   json_object_free_userdata);
        add(s, NULL, written);
}

static void end_document(struct sink *s)
{
        const char *text;
        size_t length;

        text = serialise(s->stack[0], &length);
        if (!text)
                s->error = -ENOMEM;
        else if (fwrite(text, 1, length, s->out) != length || fputc('\n', s->out) == EOF)
                s->error = -errno;
        json_object_put(s->stack[0]);
}

static void end(struct sink *s)
{
        s->depth--;
        if (s->depth == 0)
                end_document(s);
        else if (is_element(s, s->depth))
                end_element(s, s->stack[s->depth]);
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

/* By hand: a listing has ten for each device, and snprintf() was a tenth of all its instructions. */
void sink_hex(struct sink *s, const char *key, uint64_t value, int digits)
{
        char text[2 + 16], *p = text + sizeof(text);

        if (!active(s))
                return;
        for (int n = MIN(digits, 16); n > 0 || value != 0; n--, value >>= 4)
                *--p = "0123456789abcdef"[value & 0xf];
        *--p = 'x';
        *--p = '0';
        add_new(s, key, json_object_new_string_len(p, (int)(text + sizeof(text) - p)));
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
