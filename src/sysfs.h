/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading sysfs and other small text files, of the machine or of a captured tree.
 *
 * Paths are relative to the root ("sys/bus/pci"), without a leading slash. In a captured tree every link is
 * resolved inside of it. Nothing here trusts what it reads: a capture may hold directories where files
 * belong, files without end, pipes, bytes of any value.
 */

#include "kernel.h"
#include "util/cleanup.h"

struct sysfs {
        struct kernel *k;
        int root_fd;
        bool captured; /* the root is a captured tree, and links must stay inside it */
};

/* Opens a path below the root: a descriptor, or a negative errno. Never waits on a pipe. */
int sysfs_open(const struct sysfs *s, const char *path, int flags);
/* Opens the directory of a device, to read its attributes one after the other. */
int sysfs_open_dir(const struct sysfs *s, const char *path);

/* Reads a whole file into BUF and ends it with NUL. Returns its length; -EOVERFLOW where it does not fit
 * (then BUF holds its first SIZE - 1 bytes), or what the kernel said (-ENOENT, -EACCES, -EISDIR). NULs in the
 * text stay. */
ssize_t sysfs_read(const struct sysfs *s, const char *path, char *buf, size_t size);
/* The same for a file in an open directory. NAME is one component, and no link in its place is followed. */
ssize_t sysfs_read_at(const struct sysfs *s, int dirfd, const char *name, char *buf, size_t size);

/* Reads an attribute of one line, without its newline. Returns its length; -ENODATA for an empty one;
 * -EBADMSG for one that holds a NUL or a second line; else as sysfs_read(). */
ssize_t sysfs_attr(const struct sysfs *s, const char *path, char *buf, size_t size);
ssize_t sysfs_attr_at(const struct sysfs *s, int dirfd, const char *name, char *buf, size_t size);

/* Reads the last component of where a link points ("vfio-pci"), also where it dangles. Returns its length;
 * -EINVAL where NAME is no link; -EOVERFLOW; or what the kernel said. */
ssize_t sysfs_link(const struct sysfs *s, const char *path, char *buf, size_t size);
ssize_t sysfs_link_at(const struct sysfs *s, int dirfd, const char *name, char *buf, size_t size);

/* Whether something is there; a dangling link is not. */
bool sysfs_exists(const struct sysfs *s, const char *path);

/* Whether the name is there, also where it is a link that dangles. */
bool sysfs_has_name(const struct sysfs *s, const char *path);

/* A directory, entry by entry, without "." and "..":
 *
 *         struct sysfs_dir dir _cleanup_(sysfs_dir_close);
 *
 *         r = sysfs_dir_open(&dir, s, "sys/class/iommu");
 *         while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0)
 *                 …
 */
struct sysfs_dir {
        struct kernel *k;
        int fd;
        size_t at, end;
        char records[8192] __attribute__((aligned(8)));
};

int sysfs_dir_open(struct sysfs_dir *dir, const struct sysfs *s, const char *path);
int sysfs_dir_open_at(struct sysfs_dir *dir, const struct sysfs *s, int dirfd, const char *name);
/* 1 and the next name, which lives until the next call; 0 at the end; or a negative errno. */
int sysfs_dir_next(struct sysfs_dir *dir, const char **ret_name);
void sysfs_dir_close(struct sysfs_dir *dir);
