/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "iommuctl/dma.h"
#include "util/cleanup.h"
#include "util/macro.h"

static const char *access_word(unsigned int access)
{
        switch (access) {
        case IOMMUCTL_ACCESS_READ:
                return "r";
        case IOMMUCTL_ACCESS_WRITE:
                return "w";
        default:
                return "rw";
        }
}

int handover_format(const struct handover_facts *f, char **ret_text)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        bool failed;

        if (!out)
                return -ENOMEM;
        if (f->backend == IOMMUCTL_BACKEND_IOMMUFD)
                fprintf(out, "1 backend=iommufd ioas=%" PRIu32 " device=%s devid=%" PRIu32, f->ioas,
                        f->device, f->devid);
        else
                fprintf(out, "1 backend=type1 group=%" PRIu32 " device=%s", f->group, f->device);
        for (size_t i = 0; i < f->n_buffers; i++) {
                const struct handover_buffer *b = &f->buffers[i];

                fprintf(out, " buffer=%s,iova=0x%" PRIx64 ",size=0x%" PRIx64 ",page=0x%" PRIx64 ",access=%s",
                        b->name, b->iova, b->size, b->page, access_word(b->access));
        }
        failed = ferror(out);
        if (fclose(out) != 0 || failed)
                return -ENOMEM;
        *ret_text = TAKE_PTR(text);
        return 0;
}

/* A piece of the line, not ended by NUL. */
struct piece {
        const char *at;
        size_t length;
};

/* Takes what stands before the next SEPARATOR off REST. False at the end. */
static bool next_piece(struct piece *rest, char separator, struct piece *ret_piece)
{
        const char *end;

        while (rest->length > 0 && *rest->at == separator) {
                rest->at++;
                rest->length--;
        }
        if (rest->length == 0)
                return false;
        end = memchr(rest->at, separator, rest->length);
        *ret_piece = (struct piece){ rest->at, end ? (size_t)(end - rest->at) : rest->length };
        rest->at += ret_piece->length;
        rest->length -= ret_piece->length;
        return true;
}

/* "KEY=VALUE" with just this key. */
static bool has_key(const struct piece *word, const char *key, struct piece *ret_value)
{
        size_t length = strlen(key);

        if (word->length <= length || memcmp(word->at, key, length) != 0 || word->at[length] != '=')
                return false;
        *ret_value = (struct piece){ word->at + length + 1, word->length - length - 1 };
        return true;
}

static bool is(const struct piece *p, const char *text)
{
        return p->length == strlen(text) && memcmp(p->at, text, p->length) == 0;
}

static bool copy(const struct piece *p, char *to, size_t size)
{
        if (p->length == 0 || p->length >= size)
                return false;
        memcpy(to, p->at, p->length);
        to[p->length] = '\0';
        return true;
}

/* A whole number, decimal or with 0x, of at most MAX. */
static bool number(const struct piece *p, uint64_t max, uint64_t *ret_value)
{
        char text[24], *end;
        uint64_t value;

        if (!copy(p, text, sizeof(text)) || text[0] < '0' || text[0] > '9')
                return false;
        errno = 0;
        value = strtoull(text, &end, text[1] == 'x' ? 16 : 10);
        if (*end || errno || value > max)
                return false;
        *ret_value = value;
        return true;
}

static bool number32(const struct piece *p, uint32_t *ret_value)
{
        uint64_t value;

        if (!number(p, UINT32_MAX, &value))
                return false;
        *ret_value = (uint32_t)value;
        return true;
}

/* "rx,iova=0x0,size=0x1000,page=0x1000,access=rw" */
static bool parse_buffer(const struct piece *text, struct handover_buffer *b)
{
        struct piece rest = *text, word, value;

        *b = (struct handover_buffer){ .iova = UINT64_MAX };
        if (!next_piece(&rest, ',', &word) || !copy(&word, b->name, sizeof(b->name)))
                return false;
        while (next_piece(&rest, ',', &word)) {
                bool good = true;

                if (has_key(&word, "iova", &value))
                        good = number(&value, UINT64_MAX - 1, &b->iova);
                else if (has_key(&word, "size", &value))
                        good = number(&value, SIZE_MAX / 2, &b->size);
                else if (has_key(&word, "page", &value))
                        good = number(&value, SIZE_MAX / 2, &b->page);
                else if (has_key(&word, "access", &value)) {
                        b->access = is(&value, "r")    ? IOMMUCTL_ACCESS_READ
                                    : is(&value, "w")  ? IOMMUCTL_ACCESS_WRITE
                                    : is(&value, "rw") ? IOMMUCTL_ACCESS_READ | IOMMUCTL_ACCESS_WRITE
                                                       : 0;
                        good = b->access != 0;
                }
                if (!good)
                        return false;
        }
        return b->iova != UINT64_MAX && b->size > 0 && b->page > 0 && b->access != 0;
}

static int add_buffer(struct handover_facts *f, const struct piece *text)
{
        struct handover_buffer *buffers, b;

        if (f->n_buffers >= HANDOVER_BUFFERS_MAX || !parse_buffer(text, &b))
                return -EPROTO;
        for (size_t i = 0; i < f->n_buffers; i++)
                if (streq(f->buffers[i].name, b.name))
                        return -EPROTO;
        buffers = reallocarray(f->buffers, f->n_buffers + 1, sizeof(*buffers));
        if (!buffers)
                return -ENOMEM;
        buffers[f->n_buffers++] = b;
        f->buffers = buffers;
        return 0;
}

static int parse_word(struct handover_facts *f, const struct piece *word)
{
        struct piece value;
        bool good = true;

        if (has_key(word, "backend", &value)) {
                f->backend = is(&value, "iommufd") ? IOMMUCTL_BACKEND_IOMMUFD
                             : is(&value, "type1") ? IOMMUCTL_BACKEND_TYPE1
                                                   : IOMMUCTL_BACKEND_AUTO;
                good = f->backend != IOMMUCTL_BACKEND_AUTO;
        } else if (has_key(word, "ioas", &value)) {
                good = number32(&value, &f->ioas);
        } else if (has_key(word, "devid", &value)) {
                good = number32(&value, &f->devid);
        } else if (has_key(word, "group", &value)) {
                good = number32(&value, &f->group);
        } else if (has_key(word, "device", &value)) {
                good = copy(&value, f->device, sizeof(f->device));
        } else if (has_key(word, "buffer", &value)) {
                return add_buffer(f, &value);
        }
        return good ? 0 : -EPROTO;
}

int handover_parse(const char *text, struct handover_facts *ret_facts, const char **ret_at)
{
        struct piece rest = { text, strlen(text) }, word = { text, 0 };
        struct handover_facts f = { .backend = IOMMUCTL_BACKEND_AUTO };
        int r = -EPROTO;

        if (next_piece(&rest, ' ', &word) && is(&word, "1"))
                r = 0;
        while (r == 0 && next_piece(&rest, ' ', &word))
                r = parse_word(&f, &word);
        if (r == 0 && (f.backend == IOMMUCTL_BACKEND_AUTO || !f.device[0]))
                r = -EPROTO;
        if (r < 0) {
                free(f.buffers);
                *ret_at = word.at;
                return r;
        }
        *ret_facts = f;
        return 0;
}
