/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "util/macro.h"

/* A captured tree may hold a pipe in a file's place: O_NONBLOCK opens it without waiting for a writer. */
#define READ_FLAGS (O_RDONLY | O_NOCTTY | O_NONBLOCK)

int sysfs_open(const struct sysfs *s, const char *path, int flags)
{
        if (s->captured)
                return s->k->ops->open_in_root(s->k, s->root_fd, path, flags);
        return s->k->ops->openat(s->k, s->root_fd, path, flags, 0);
}

int sysfs_open_dir(const struct sysfs *s, const char *path)
{
        return sysfs_open(s, path, O_PATH | O_DIRECTORY);
}

static ssize_t read_whole(struct kernel *k, int fd, char *buf, size_t size)
{
        size_t n = 0;

        if (fd < 0)
                return fd;
        while (n < size) {
                size_t room = size - n;
                ssize_t r = k->ops->read(k, fd, buf + n, room);

                if (r < 0)
                        return r;
                n += (size_t)r;
                /* An attribute comes whole in one read and ends with its line. Less than was asked for, and
                 * the end of a line: that was all, and a second read to hear so is spared. */
                if (r == 0 || ((size_t)r < room && buf[n - 1] == '\n'))
                        break;
        }
        if (n == size) {
                buf[size - 1] = '\0';
                return -EOVERFLOW;
        }
        buf[n] = '\0';
        return (ssize_t)n;
}

ssize_t sysfs_read(const struct sysfs *s, const char *path, char *buf, size_t size)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(s->k, sysfs_open(s, path, READ_FLAGS));

        return read_whole(s->k, fd.fd, buf, size);
}

ssize_t sysfs_read_at(const struct sysfs *s, int dirfd, const char *name, char *buf, size_t size)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(
                s->k, s->k->ops->openat(s->k, dirfd, name, READ_FLAGS | O_NOFOLLOW, 0));

        return read_whole(s->k, fd.fd, buf, size);
}

/* What read_whole() gave, as the value of an attribute of one line. */
static ssize_t one_line(char *buf, ssize_t n)
{
        if (n < 0)
                return n;
        if (n > 0 && buf[n - 1] == '\n')
                buf[--n] = '\0';
        if (n == 0)
                return -ENODATA;
        if (strlen(buf) != (size_t)n || strchr(buf, '\n'))
                return -EBADMSG;
        return n;
}

ssize_t sysfs_attr(const struct sysfs *s, const char *path, char *buf, size_t size)
{
        return one_line(buf, sysfs_read(s, path, buf, size));
}

ssize_t sysfs_attr_at(const struct sysfs *s, int dirfd, const char *name, char *buf, size_t size)
{
        return one_line(buf, sysfs_read_at(s, dirfd, name, buf, size));
}

ssize_t sysfs_link_at(const struct sysfs *s, int dirfd, const char *name, char *buf, size_t size)
{
        char target[4096];
        const char *base;
        ssize_t n;
        size_t length;

        n = s->k->ops->readlinkat(s->k, dirfd, name, target, sizeof(target));
        if (n < 0)
                return n;
        if (n == sizeof(target))
                return -EOVERFLOW;
        while (n > 1 && target[n - 1] == '/')
                n--;
        target[n] = '\0';
        base = path_basename(target);
        length = strlen(base);
        if (length >= size)
                return -EOVERFLOW;
        if (length == 0 || streq(base, ".") || streq(base, ".."))
                return -ENODATA;
        memcpy(buf, base, length + 1);
        return (ssize_t)length;
}

ssize_t sysfs_link(const struct sysfs *s, const char *path, char *buf, size_t size)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(s->k, -1);

        if (!s->captured)
                return sysfs_link_at(s, s->root_fd, path, buf, size);
        /* The directories on the way may be links out of the tree: the link itself is opened first. */
        fd.fd = sysfs_open(s, path, O_PATH | O_NOFOLLOW);
        if (fd.fd < 0)
                return fd.fd;
        /* An empty path reads the link that was opened; where it is none, the kernel says ENOENT. */
        ssize_t n = sysfs_link_at(s, fd.fd, "", buf, size);
        return n == -ENOENT ? -EINVAL : n;
}

bool sysfs_exists(const struct sysfs *s, const char *path)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(s->k, sysfs_open(s, path, O_PATH));

        return fd.fd >= 0;
}

bool sysfs_has_name(const struct sysfs *s, const char *path)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(s->k, sysfs_open(s, path, O_PATH | O_NOFOLLOW));

        return fd.fd >= 0;
}

static int dir_start(struct sysfs_dir *dir, struct kernel *k, int fd)
{
        dir->k = k;
        dir->fd = fd;
        dir->at = dir->end = 0;
        return fd < 0 ? fd : 0;
}

int sysfs_dir_open(struct sysfs_dir *dir, const struct sysfs *s, const char *path)
{
        return dir_start(dir, s->k, sysfs_open(s, path, O_RDONLY | O_DIRECTORY));
}

int sysfs_dir_open_at(struct sysfs_dir *dir, const struct sysfs *s, int dirfd, const char *name)
{
        return dir_start(dir, s->k,
                         s->k->ops->openat(s->k, dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
}

int sysfs_dir_next(struct sysfs_dir *dir, const char **ret_name)
{
        for (;;) {
                const struct dirent64 *entry;

                if (dir->at == dir->end) {
                        ssize_t n = dir->k->ops->getdents(dir->k, dir->fd, dir->records,
                                                          sizeof(dir->records));

                        if (n <= 0)
                                return (int)n;
                        dir->at = 0;
                        dir->end = (size_t)n;
                }
                entry = (const struct dirent64 *)(dir->records + dir->at);
                dir->at += entry->d_reclen;
                if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                *ret_name = entry->d_name;
                return 1;
        }
}

void sysfs_dir_close(struct sysfs_dir *dir)
{
        if (dir->fd >= 0)
                dir->k->ops->close(dir->k, dir->fd);
        dir->fd = -1;
}
