/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "buffer_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/cleanup.h"
#include "util/macro.h"

static int bad(char *why, size_t why_size, const char *format, ...) _printf_(3, 4);
static int bad(char *why, size_t why_size, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(why, why_size, format, ap);
        va_end(ap);
        return -EINVAL;
}

static int suffix_shift(char c)
{
        static const char letters[] = "KMGT";
        const char *at = c ? strchr(letters, toupper((unsigned char)c)) : NULL;

        return at ? 10 * (int)(at - letters + 1) : -EINVAL;
}

int parse_size(const char *text, uint64_t *ret_size)
{
        unsigned int base = 10, digits = 0;
        uint64_t value = 0;
        int shift = 0;

        if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
                base = 16;
                text += 2;
        }
        for (; base == 16 ? isxdigit((unsigned char)*text) : isdigit((unsigned char)*text); text++) {
                unsigned int digit = isdigit((unsigned char)*text)
                                             ? (unsigned int)(*text - '0')
                                             : (unsigned int)(tolower((unsigned char)*text) - 'a') + 10;

                if (__builtin_mul_overflow(value, base, &value) ||
                    __builtin_add_overflow(value, digit, &value))
                        return -ERANGE;
                digits++;
        }
        if (digits == 0)
                return -EINVAL;
        if (*text) {
                shift = suffix_shift(*text);
                if (shift < 0 || text[1])
                        return -EINVAL;
        }
        if (value > UINT64_MAX >> shift)
                return -ERANGE;
        *ret_size = value << shift;
        return 0;
}

static int parse_name(const char *text, size_t length, struct buffer_spec *spec, char *why, size_t why_size)
{
        if (length == 0)
                return bad(why, why_size, "buffer '%s' has no name: NAME:SIZE is wanted", text);
        if (length > BUFFER_NAME_MAX)
                return bad(why, why_size, "buffer name '%.*s' has %zu characters; %d are allowed",
                           (int)length, text, length, BUFFER_NAME_MAX);
        for (size_t i = 0; i < length; i++)
                if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-", text[i]))
                        return bad(why, why_size,
                                   "buffer name '%.*s' may only hold letters, digits, '.', '_' and '-'",
                                   (int)length, text);
        memcpy(spec->name, text, length);
        spec->name[length] = '\0';
        return 0;
}

static int parse_page_size(const char *value, struct buffer_spec *spec, char *why, size_t why_size)
{
        if (streq(value, "2M"))
                spec->page_size = UINT64_C(2) << 20;
        else if (streq(value, "1G"))
                spec->page_size = UINT64_C(1) << 30;
        else
                return bad(why, why_size, "buffer %s: hugepage takes 2M or 1G, not '%s'", spec->name, value);
        return 0;
}

static int parse_iova(const char *value, struct buffer_spec *spec, char *why, size_t why_size)
{
        int r = parse_size(value, &spec->iova);

        if (r == -ERANGE)
                return bad(why, why_size, "buffer %s: iova %s does not fit into 64 bits", spec->name, value);
        if (r < 0)
                return bad(why, why_size, "buffer %s: iova takes an address (0x…), not '%s'", spec->name,
                           value);
        spec->fixed = true;
        return 0;
}

static int parse_access(const char *value, struct buffer_spec *spec, char *why, size_t why_size)
{
        if (!streq(value, "r") && !streq(value, "w") && !streq(value, "rw"))
                return bad(why, why_size, "buffer %s: access takes r, w or rw, not '%s'", spec->name, value);
        spec->read = value[0] == 'r';
        spec->write = value[0] == 'w' || value[1] == 'w';
        return 0;
}

static const struct {
        const char *key;
        int (*parse)(const char *value, struct buffer_spec *spec, char *why, size_t why_size);
} spec_options[] = {
        { "hugepage", parse_page_size },
        { "iova", parse_iova },
        { "access", parse_access },
};

/* One KEY=VALUE. SEEN keeps which keys were there already. */
static int parse_option(char *word, unsigned int *seen, struct buffer_spec *spec, char *why, size_t why_size)
{
        char *value = strchr(word, '=');

        if (value)
                *value++ = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(spec_options); i++) {
                if (!streq(word, spec_options[i].key))
                        continue;
                if (!value || !*value)
                        return bad(why, why_size, "buffer %s: %s needs a value", spec->name, word);
                if (*seen & 1u << i)
                        return bad(why, why_size, "buffer %s: %s is given twice", spec->name, word);
                *seen |= 1u << i;
                return spec_options[i].parse(value, spec, why, why_size);
        }
        return bad(why, why_size, "buffer %s: '%s' is none of hugepage, iova and access", spec->name, word);
}

static int parse_buffer_size(const char *word, struct buffer_spec *spec, char *why, size_t why_size)
{
        int r = parse_size(word, &spec->size);

        if (r == -ERANGE)
                return bad(why, why_size, "buffer %s: size %s does not fit into 64 bits", spec->name, word);
        if (r < 0)
                return bad(why, why_size,
                           "buffer %s: '%s' is not a size: digits or 0x…, with K, M, G or T behind them",
                           spec->name, word);
        if (spec->size == 0)
                return bad(why, why_size, "buffer %s: size %s holds nothing", spec->name, word);
        return 0;
}

int buffer_spec_parse(const char *text, struct buffer_spec *ret_spec, char *why, size_t why_size)
{
        struct buffer_spec spec = { .read = true, .write = true };
        const char *colon = strchr(text, ':');
        _cleanup_free_ char *copy = NULL;
        unsigned int seen = 0;
        char *rest, *word;
        int r;

        if (!colon)
                return bad(why, why_size, "buffer '%s' has no size: NAME:SIZE is wanted", text);
        r = parse_name(text, (size_t)(colon - text), &spec, why, why_size);
        if (r < 0)
                return r;
        rest = copy = strdup(colon + 1);
        if (!copy)
                return bad(why, why_size, "out of memory");
        r = parse_buffer_size(strsep(&rest, ","), &spec, why, why_size);
        while (r == 0 && (word = strsep(&rest, ",")))
                r = parse_option(word, &seen, &spec, why, why_size);
        if (r < 0)
                return r;
        *ret_spec = spec;
        return 0;
}
