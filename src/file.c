/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* The machine itself: no captured tree is ever written to. */
#define MACHINE(k, root_fd) ((struct sysfs){ .k = (k), .root_fd = (root_fd) })

static int format_path(char path[FILE_PATH_SIZE], const char *format, va_list ap)
{
        int n = vsnprintf(path, FILE_PATH_SIZE, format, ap);

        return n < 0 || n >= FILE_PATH_SIZE ? -ENAMETOOLONG : 0;
}

#define FORMAT_PATH(path, format)                        \
        ({                                               \
                va_list ap_;                             \
                int r_;                                  \
                                                         \
                va_start(ap_, format);                   \
                r_ = format_path((path), (format), ap_); \
                va_end(ap_);                             \
                r_;                                      \
        })

ssize_t file_read(struct kernel *k, int root_fd, char *text, size_t size, const char *format, ...)
{
        char path[FILE_PATH_SIZE];
        ssize_t n;
        int r;

        r = FORMAT_PATH(path, format);
        if (r < 0)
                return r;
        n = sysfs_read(&MACHINE(k, root_fd), path, text, size);
        if (n > 0 && text[n - 1] == '\n')
                text[--n] = '\0';
        return n;
}

/* Fills TEXT as far as the file goes and no further than SIZE bytes: the kernel gives a file of /proc in
 * pieces of its own choosing. Returns how many there were. */
static ssize_t read_some(struct kernel *k, int fd, char *text, size_t size)
{
        size_t length = 0;

        while (length < size) {
                ssize_t n = k->ops->read(k, fd, text + length, size - length);

                if (n < 0)
                        return n;
                if (n == 0)
                        break;
                length += (size_t)n;
        }
        return (ssize_t)length;
}

ssize_t file_read_whole(struct kernel *k, int root_fd, size_t max, char **ret_text, const char *format, ...)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, -1);
        _cleanup_free_ char *text = NULL;
        size_t size = 4096, length = 0;
        char path[FILE_PATH_SIZE];
        int r;

        r = FORMAT_PATH(path, format);
        if (r < 0)
                return r;
        fd.fd = k->ops->openat(k, root_fd, path, O_RDONLY | O_NOCTTY, 0);
        if (fd.fd < 0)
                return fd.fd;
        for (;;) {
                char *larger = realloc(text, size + 1);
                ssize_t n;

                if (!larger)
                        return -ENOMEM;
                text = larger;
                n = read_some(k, fd.fd, text + length, size - length);
                if (n < 0)
                        return n;
                length += (size_t)n;
                if (length < size)
                        break;
                if (size >= max)
                        return -EFBIG;
                size = MIN(size * 4, max);
        }
        text[length] = '\0';
        *ret_text = TAKE_PTR(text);
        return (ssize_t)length;
}

ssize_t file_link(struct kernel *k, int root_fd, char *text, size_t size, const char *format, ...)
{
        char path[FILE_PATH_SIZE];
        ssize_t n;
        int r;

        r = FORMAT_PATH(path, format);
        if (r < 0)
                return r;
        n = k->ops->readlinkat(k, root_fd, path, text, size);
        if (n < 0)
                return n;
        if ((size_t)n >= size)
                return -EOVERFLOW;
        text[n] = '\0';
        return n;
}

int file_link_name(struct kernel *k, int root_fd, char *name, size_t size, const char *format, ...)
{
        char path[FILE_PATH_SIZE];
        int r;

        r = FORMAT_PATH(path, format);
        if (r >= 0)
                r = (int)sysfs_link(&MACHINE(k, root_fd), path, name, size);
        return r < 0 ? r : 0;
}

int file_exists(struct kernel *k, int root_fd, const char *format, ...)
{
        char path[FILE_PATH_SIZE];
        struct stat st;
        int r;

        r = FORMAT_PATH(path, format);
        if (r < 0)
                return r;
        r = k->ops->fstatat(k, root_fd, path, &st, AT_SYMLINK_NOFOLLOW);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        return r < 0 ? r : 1;
}

int dir_open(struct dir_reader *reader, struct kernel *k, int root_fd, const char *format, ...)
{
        char path[FILE_PATH_SIZE];
        int r;

        reader->dir.fd = -1;
        reader->error = 0;
        r = FORMAT_PATH(path, format);
        return r < 0 ? r : sysfs_dir_open(&reader->dir, &MACHINE(k, root_fd), path);
}

const char *dir_next(struct dir_reader *reader)
{
        const char *name;
        int r = reader->dir.fd < 0 ? 0 : sysfs_dir_next(&reader->dir, &name);

        reader->error = MIN(r, 0);
        return r > 0 ? name : NULL;
}

void dir_close(struct dir_reader *reader)
{
        sysfs_dir_close(&reader->dir);
}
