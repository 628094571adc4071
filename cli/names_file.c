/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "names_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/macro.h"

void names_file_open(struct names_file *f)
{
        static const char *const paths[] = { "/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids",
                                             "/usr/share/pci.ids" };

        *f = (struct names_file){ 0 };
        for (size_t i = 0; i < ARRAY_SIZE(paths) && !f->text; i++) {
                int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
                struct stat st;
                void *map;

                if (fd < 0)
                        continue;
                if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
                        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
                        if (map != MAP_FAILED)
                                *f = (struct names_file){ map, (size_t)st.st_size };
                }
                close(fd);
        }
}

void names_file_close(struct names_file *f)
{
        if (f->text)
                munmap((void *)f->text, f->size);
        *f = (struct names_file){ 0 };
}

/* The next line at or behind FROM that is neither indented nor a remark nor empty; END where there is none.
 */
static const char *next_section(const char *from, const char *end)
{
        for (const char *p = from; p < end; p++) {
                if (*p != '\t' && *p != '#' && *p != '\n')
                        return p;
                p = memchr(p, '\n', (size_t)(end - p));
                if (!p)
                        break;
        }
        return end;
}

static const char *next_line(const char *from, const char *end)
{
        const char *newline = memchr(from, '\n', (size_t)(end - from));

        return newline ? newline + 1 : end;
}

/* Where ID is in the text of a line, "10de  NVIDIA Corporation": before it, at it, or behind it. */
static int compare_id(const char *line, const char *end, const char *id)
{
        size_t n = strlen(id);

        return (size_t)(end - line) < n ? 1 : memcmp(line, id, n);
}

/* The line of a vendor, found by halving: vendors are in order of their ids, and "C 00" of the classes comes
 * behind the last, "ffff", as letters go by their case. */
static const char *find_vendor(const struct names_file *f, const char *id)
{
        const char *low = f->text, *end = f->text + f->size, *high = end;

        while (low < high) {
                const char *middle = low + (high - low) / 2;
                const char *line;
                int order;

                /* The first that begins in the upper half. No further: a section may be long. */
                line = middle == f->text ? middle : next_line(middle - 1, high);
                line = next_section(line, high);
                order = line >= high || *line == 'C' ? 1 : compare_id(line, end, id);
                if (order == 0)
                        return line;
                if (order > 0)
                        high = middle;
                else
                        low = line + 1;
        }
        return NULL;
}

/* The line of ID among those of one tab below a section's line, which are in order, too. */
static const char *find_inside(const char *section, const char *end, const char *id)
{
        const char *line = next_line(section, end);

        for (; line < end && (*line == '\t' || *line == '#'); line = next_line(line, end)) {
                int order = line[0] == '\t' && line + 1 < end && line[1] != '\t'
                                    ? compare_id(line + 1, end, id)
                                    : -1;

                if (order >= 0)
                        return order == 0 ? line + 1 : NULL;
        }
        return NULL;
}

/* The name behind "2684  ". */
static bool copy_name(const char *line, const char *end, size_t skip, char *out, size_t size)
{
        const char *stop;
        size_t n;

        if (!line || (size_t)(end - line) <= skip)
                return false;
        line += skip;
        stop = memchr(line, '\n', (size_t)(end - line)) ?: end;
        n = MIN((size_t)(stop - line), size - 1);
        memcpy(out, line, n);
        out[n] = '\0';
        return n > 0;
}

bool names_file_vendor(const struct names_file *f, uint32_t vendor, char *out, size_t size)
{
        char id[16];

        snprintf(id, sizeof(id), "%04x  ", vendor);
        return f->text && copy_name(find_vendor(f, id), f->text + f->size, 6, out, size);
}

bool names_file_device(const struct names_file *f, uint32_t vendor, uint32_t device, char *out, size_t size)
{
        const char *section, *end = f->text + f->size;
        char id[16];

        snprintf(id, sizeof(id), "%04x  ", vendor);
        section = f->text ? find_vendor(f, id) : NULL;
        if (!section)
                return false;
        snprintf(id, sizeof(id), "%04x  ", device);
        return copy_name(find_inside(section, end, id), end, 6, out, size);
}

bool names_file_class(const struct names_file *f, uint32_t class, char *out, size_t size)
{
        const char *section, *end = f->text + f->size;
        char id[16];

        snprintf(id, sizeof(id), "\nC %02x  ", class >> 8);
        section = f->text ? memmem(f->text, f->size, id, strlen(id)) : NULL;
        if (!section)
                return false;
        section++;
        snprintf(id, sizeof(id), "%02x  ", class & 0xff);
        return copy_name(find_inside(section, end, id), end, 4, out, size) ||
               copy_name(section, end, 6, out, size);
}
