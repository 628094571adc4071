/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files, links and directories of the machine itself at paths made by printf formats, for those who change
 * it: short hands over sysfs.h, which knows the particulars, and whole files as /proc has them. Paths are
 * relative to ROOT_FD.
 */

#include <stddef.h>

#include "sysfs.h"
#include "util/macro.h"

/* A path in sysfs, /proc or /run: names there are far shorter. */
#define FILE_PATH_SIZE 512

/* Reads a short file whole and cuts one newline off its end. Returns the length of the text; -EOVERFLOW where
 * it does not fit; or what the kernel said. TEXT is ended by NUL. */
ssize_t file_read(struct kernel *k, int root_fd, char *text, size_t size, const char *format, ...)
        _printf_(5, 6);

/* Reads a file of up to MAX bytes, which may come in pieces, into memory of the caller's, ended by NUL.
 * Returns its length; -EFBIG where it is longer. */
ssize_t file_read_whole(struct kernel *k, int root_fd, size_t max, char **ret_text, const char *format, ...)
        _printf_(5, 6);

/* The text of a link, ended by NUL: its length, or -EOVERFLOW where it does not fit. */
ssize_t file_link(struct kernel *k, int root_fd, char *text, size_t size, const char *format, ...)
        _printf_(5, 6);

/* The last component of a link: 0, or -ENOENT where there is no such link. */
int file_link_name(struct kernel *k, int root_fd, char *name, size_t size, const char *format, ...)
        _printf_(5, 6);

/* Whether there is such a file; a link is looked at itself, not followed. 1, 0, or what the kernel said. */
int file_exists(struct kernel *k, int root_fd, const char *format, ...) _printf_(3, 4);

/* The names in a directory, without "." and "..". A reader whose opening failed gives none. */
struct dir_reader {
        struct sysfs_dir dir;
        int error; /* 0, or what ended the reading early */
};

int dir_open(struct dir_reader *reader, struct kernel *k, int root_fd, const char *format, ...)
        _printf_(4, 5);
/* The next name, which lives until the next call; NULL at the end. */
const char *dir_next(struct dir_reader *reader);
void dir_close(struct dir_reader *reader);
#define _cleanup_dir_ __attribute__((cleanup(dir_close)))
#define DIR_CLOSED                 \
        {                          \
                .dir = {.fd = -1 } \
        }
