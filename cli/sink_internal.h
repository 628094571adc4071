/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the two sides of a sink share: sink.c writes text, sink_json.c documents. */

#include "sink.h"

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

/* A JSON document as far as it was told. */
struct document {
        char *text;
        size_t n, size;
        unsigned int depth;
        char closing[JSON_DEPTH]; /* of each object or array that is open */
        bool comma;               /* something stands before the next member */
};

struct sink {
        FILE *out;
        bool json, color;
        int error; /* the first that happened; what follows is ignored */
        struct table table;
        struct document document;
};

void table_clear(struct table *table);
