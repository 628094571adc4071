/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where a verb's answer goes: one sink with two sides.
 *
 * A verb says each fact once to each side: typed fields to the JSON side, words and tables to the text side.
 * The side that was not asked for ignores what it is told, so most verbs need no branch; where only one side
 * costs something to compute, ask sink_json().
 *
 * JSON: fields go into the object or array that was begun last. Ending the outermost object writes it as one
 * line and lets the next one begin, which is how streams are written; nothing of a document is written before
 * it is whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct sink;

enum style {
        STYLE_PLAIN,
        STYLE_BOLD,
        STYLE_DIM,
        STYLE_GOOD,
        STYLE_WARN,
        STYLE_BAD,
        STYLE_VFIO, /* a device in the hands of a VFIO driver */
};

/* JSON where JSON is set, else text, with escape sequences where COLOR is set. NULL when out of memory. */
struct sink *sink_new(FILE *out, bool json, bool color);
void sink_free(struct sink *sink);

/* Whether the JSON side is the one that is written. */
bool sink_json(const struct sink *sink);

/* Writes what is left. 0, or the negative errno of the first write that failed (-EPIPE, -ENOSPC), or -ENOMEM.
 */
int sink_finish(struct sink *sink);
/* Drops the JSON document begun but not ended, for an error document to take its place. */
void sink_discard(struct sink *sink);

/* The JSON side. Strings that are not UTF-8 have U+FFFD in the place of what is wrong. KEY is NULL for what
 * goes into an array and for the outermost object. */
void sink_begin_object(struct sink *sink, const char *key);
/* The outermost object of a document: begins it and says "schema_version": 1. */
void sink_begin_document(struct sink *sink);
void sink_end_object(struct sink *sink);
void sink_begin_array(struct sink *sink, const char *key);
void sink_end_array(struct sink *sink);
void sink_null(struct sink *sink, const char *key);
void sink_string(struct sink *sink, const char *key, const char *value);       /* NULL: null */
void sink_hex(struct sink *sink, const char *key, uint64_t value, int digits); /* "0x…" */
void sink_uint(struct sink *sink, const char *key, uint64_t value);
void sink_int(struct sink *sink, const char *key, int64_t value);
void sink_double(struct sink *sink, const char *key, double value, int decimals);
void sink_bool(struct sink *sink, const char *key, bool value);

/* The text side. What is printed may come from anywhere: bytes that are not UTF-8, and characters that a
 * terminal would obey, are written as '?'; only newlines and tabs go through, and not in cells. */
void sink_text(struct sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sink_styled(struct sink *sink, enum style style, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* A table: cells are given row by row and written, aligned in columns two spaces apart, by sink_table_end().
 * The last cell of a row is not padded. Rows may have fewer cells than others. Bytes of UTF-8 sequences are
 * counted as one column a character. */
void sink_cell(struct sink *sink, enum style style, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void sink_end_row(struct sink *sink);
void sink_table_end(struct sink *sink);
