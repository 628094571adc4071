/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink_internal.h"
#include "text.h"
#include "util/macro.h"

struct sink *sink_new(FILE *out, bool json, bool color)
{
        static char buffer[65536]; /* stdio keeps it until the process ends */
        struct sink *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        /* Of stdout alone: a stream in memory has a buffer that must stay its own, and there is one of this.
         */
        if (out == stdout && !isatty(STDOUT_FILENO))
                setvbuf(out, buffer, _IOFBF, sizeof(buffer)); /* whole tables in few writes */
        s->out = out;
        s->json = json;
        s->color = color;
        return s;
}

void sink_free(struct sink *s)
{
        if (!s)
                return;
        sink_discard(s);
        table_clear(&s->table);
        free(s->table.cells);
        free(s->table.text);
        free(s);
}

bool sink_json(const struct sink *s)
{
        return s->json;
}

int sink_finish(struct sink *s)
{
        if (fflush(s->out) != 0 && s->error == 0)
                s->error = -errno;
        if (ferror(s->out) && s->error == 0)
                s->error = -EIO;
        return s->error;
}

static const char *style_code(enum style style)
{
        switch (style) {
        case STYLE_BOLD:
                return "\033[1m";
        case STYLE_DIM:
                return "\033[2m";
        case STYLE_GOOD:
                return "\033[32m";
        case STYLE_WARN:
                return "\033[33m";
        case STYLE_BAD:
                return "\033[31m";
        case STYLE_VFIO:
                return "\033[1;36m";
        default:
                return "";
        }
}

static void write_styled(struct sink *s, enum style style, const char *text, size_t length)
{
        bool styled = s->color && style != STYLE_PLAIN && length > 0;

        if (styled)
                fputs(style_code(style), s->out);
        if (fwrite_unlocked(text, 1, length, s->out) != length && s->error == 0)
                s->error = -errno;
        if (styled)
                fputs("\033[0m", s->out);
}

/* Writes what a format made, with what a terminal would obey taken out. */
static void write_formatted(struct sink *s, enum style style, const char *format, va_list ap)
{
        char small[1024], *text = small;
        va_list again;
        int n;

        va_copy(again, ap);
        n = vsnprintf(small, sizeof(small), format, ap);
        if (n >= (int)sizeof(small)) {
                text = malloc((size_t)n + 1);
                if (text)
                        vsnprintf(text, (size_t)n + 1, format, again);
        }
        va_end(again);
        if (n < 0 || !text) {
                s->error = s->error ?: -ENOMEM;
                return;
        }
        text_clean(text, (size_t)n, true);
        write_styled(s, style, text, (size_t)n);
        if (text != small)
                free(text);
}

void sink_text(struct sink *s, const char *format, ...)
{
        va_list ap;

        if (s->json)
                return;
        va_start(ap, format);
        write_formatted(s, STYLE_PLAIN, format, ap);
        va_end(ap);
}

void sink_styled(struct sink *s, enum style style, const char *format, ...)
{
        va_list ap;

        if (s->json)
                return;
        va_start(ap, format);
        write_formatted(s, style, format, ap);
        va_end(ap);
}

/* Columns that TEXT takes on a terminal: one for each character, of however many bytes. */
static unsigned int text_columns(const char *text, size_t length)
{
        unsigned int n = 0;

        for (size_t i = 0; i < length; i++)
                n += ((unsigned char)text[i] & 0xc0) != 0x80;
        return n;
}

/* Room for MORE bytes of text and one more cell. */
static int table_reserve(struct table *t, size_t more)
{
        if (t->n_text + more > t->text_size) {
                size_t size = MAX(t->text_size * 2, t->n_text + more + 4096);
                char *text = realloc(t->text, size);

                if (!text)
                        return -ENOMEM;
                t->text = text;
                t->text_size = size;
        }
        if (t->n_cells == t->cells_size) {
                size_t size = MAX(t->cells_size * 2, (size_t)256);
                struct cell *cells = realloc(t->cells, size * sizeof(*cells));

                if (!cells)
                        return -ENOMEM;
                t->cells = cells;
                t->cells_size = size;
        }
        return 0;
}

static void table_add(struct sink *s, struct cell cell)
{
        struct table *t = &s->table;

        cell.column = t->column;
        t->cells[t->n_cells++] = cell;
        t->n_text += cell.length;
        if (t->column < TABLE_COLUMNS - 1)
                t->column++;
}

/* vsnprintf(), quicker for the format that most cells of a long table have. */
static int print_cell(char *to, size_t size, const char *format, va_list ap)
{
        const char *text;
        size_t n;

        if (!streq(format, "%s"))
                return vsnprintf(to, size, format, ap);
        text = va_arg(ap, const char *);
        n = strlen(text);
        if (n < size)
                memcpy(to, text, n);
        return (int)MIN(n, (size_t)INT_MAX);
}

void sink_cell(struct sink *s, enum style style, const char *format, ...)
{
        struct table *t = &s->table;
        struct cell cell = { .style = style };
        va_list ap;
        int n;

        if (s->json || s->error < 0)
                return;
        /* Most cells fit what is there; a longer one is printed again into the room it needs. */
        s->error = table_reserve(t, 256);
        if (s->error < 0)
                return;
        va_start(ap, format);
        n = print_cell(t->text + t->n_text, 256, format, ap);
        va_end(ap);
        if (n >= 256) {
                s->error = table_reserve(t, (size_t)n + 1);
                if (s->error < 0)
                        return;
                va_start(ap, format);
                n = vsnprintf(t->text + t->n_text, (size_t)n + 1, format, ap);
                va_end(ap);
        }
        cell.start = t->n_text;
        cell.length = (size_t)MAX(n, 0);
        text_clean(t->text + cell.start, cell.length, false);
        cell.columns = text_columns(t->text + cell.start, cell.length);
        if (cell.columns > t->width[t->column])
                t->width[t->column] = cell.columns;
        table_add(s, cell);
}

void sink_end_row(struct sink *s)
{
        struct table *t = &s->table;

        if (s->json || s->error < 0)
                return;
        if (t->n_cells > 0)
                t->cells[t->n_cells - 1].last = true;
        t->column = 0;
}

static void write_blanks(FILE *out, unsigned int n)
{
        static const char blanks[] = "                                                                ";

        for (; n >= sizeof(blanks); n -= (unsigned int)sizeof(blanks) - 1)
                fwrite_unlocked(blanks, 1, sizeof(blanks) - 1, out);
        fwrite_unlocked(blanks, 1, n, out);
}

void sink_table_end(struct sink *s)
{
        struct table *t = &s->table;

        for (size_t i = 0; i < t->n_cells; i++) {
                const struct cell *c = &t->cells[i];

                write_styled(s, c->style, t->text + c->start, c->length);
                if (c->last)
                        putc_unlocked('\n', s->out);
                else
                        write_blanks(s->out, t->width[c->column] - c->columns + 2);
        }
        table_clear(t);
}

void table_clear(struct table *t)
{
        t->n_cells = t->n_text = 0;
        t->column = 0;
        memset(t->width, 0, sizeof(t->width));
}
