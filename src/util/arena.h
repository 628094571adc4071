/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory for strings that live and die together. Pieces never move. */

#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK 32768

struct arena_chunk {
        struct arena_chunk *next;
        size_t used, size;
        char bytes[] __attribute__((aligned(8)));
};

struct arena {
        struct arena_chunk *chunks;
};

/* SIZE bytes, aligned to 8, not cleared; NULL when out of memory. */
static inline void *arena_alloc(struct arena *a, size_t size)
{
        struct arena_chunk *chunk = a->chunks;
        void *piece;

        size = (size + 7) & ~(size_t)7;
        if (!chunk || chunk->size - chunk->used < size) {
                size_t room = size > ARENA_CHUNK ? size : ARENA_CHUNK;

                chunk = malloc(sizeof(*chunk) + room);
                if (!chunk)
                        return NULL;
                *chunk = (struct arena_chunk){ .next = a->chunks, .size = room };
                a->chunks = chunk;
        }
        piece = chunk->bytes + chunk->used;
        chunk->used += size;
        return piece;
}

static inline char *arena_strdup(struct arena *a, const char *s)
{
        size_t size = strlen(s) + 1;
        char *copy = arena_alloc(a, size);

        return copy ? memcpy(copy, s, size) : NULL;
}

static inline void arena_free(struct arena *a)
{
        while (a->chunks) {
                struct arena_chunk *next = a->chunks->next;

                free(a->chunks);
                a->chunks = next;
        }
}
