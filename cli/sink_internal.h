/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the two sides of a sink share: sink.c writes text, sink_json.c documents. */

#include "sink.h"

struct json_object;

#define TABLE_COLUMNS 16
#define JSON_DEPTH    16

struct cell {
        size_t start, length; /* in table.text */
        unsigned int columns;
        unsigned char column;
        enum style style;
        bool last;
};

struct table {
        char *text;
        size_t n_text, text_size;
        struct cell *cells;
        size_t n_cells, cells_size;
        unsigned int width[TABLE_COLUMNS];
        unsigned char column;
};

struct sink {
        FILE *out;
        bool json, color;
        int error; /* the first that happened; what follows is ignored */
        struct table table;
        struct json_object *stack[JSON_DEPTH]; /* stack[0] is owned and owns the rest */
        unsigned int depth;
};

void table_clear(struct table *table);
