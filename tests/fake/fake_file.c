/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors and open files: open, read, write, close. Each descriptor is a real one, of /dev/null where the
 * kernel of this process has nothing to do with it. */
#include "fake_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int fake_fd_install(struct fake *m, struct fake_file *f, int real_fd)
{
        if (real_fd < 0)
                return -errno;
        if (real_fd >= FAKE_MAX_FDS) {
                close(real_fd);
                return -EMFILE;
        }
        m->fds[real_fd] = f;
        m->n_fds++;
        return real_fd;
}

int fake_fd_new(struct fake *m, struct fake_file *f)
{
        int fd;

        f->refs = 1;
        fd = fake_fd_install(m, f, open("/dev/null", O_RDWR | O_CLOEXEC));
        if (fd < 0)
                fake_file_put(m, f);
        return fd;
}

struct fake_file *fake_file_get(struct fake *m, int fd)
{
        return fd < 0 || fd >= FAKE_MAX_FDS ? NULL : m->fds[fd];
}

void fake_file_put(struct fake *m, struct fake_file *f)
{
        if (--f->refs > 0)
                return;
        if (f->node && f->node->locked_by == f)
                f->node->locked_by = NULL;
        if (f->ops && f->ops->release)
                f->ops->release(m, f);
        free(f);
}

int fake_fd_close(struct fake *m, int fd)
{
        struct fake_file *f = fake_file_get(m, fd);

        if (!f)
                return -EBADF;
        m->fds[fd] = NULL;
        m->n_fds--;
        close(fd);
        fake_file_put(m, f);
        return 0;
}

void fake_close_all(struct fake *m)
{
        for (int fd = 0; fd < FAKE_MAX_FDS; fd++)
                if (m->fds[fd])
                        fake_fd_close(m, fd);
}

/* The directory that a relative path begins at. */
int fake_base(struct fake *m, int dirfd, struct fake_node **ret_node)
{
        struct fake_file *f;

        if (dirfd == AT_FDCWD) {
                *ret_node = m->root;
                return 0;
        }
        f = fake_file_get(m, dirfd);
        if (!f)
                return -EBADF;
        if (!f->node)
                return -ENOTDIR;
        *ret_node = f->node;
        return 0;
}

static int check_open(struct fake *m, struct fake_node *node, int flags)
{
        unsigned int shift = m->uid == node->uid ? 6 : 0;
        mode_t want = (flags & O_ACCMODE) == O_RDONLY ? 4 : (flags & O_ACCMODE) == O_WRONLY ? 2 : 6;

        if (node->type == FAKE_LINK) /* the end was not followed: O_NOFOLLOW */
                return flags & O_PATH ? 0 : -ELOOP;
        if ((flags & O_DIRECTORY) && node->type != FAKE_DIR)
                return -ENOTDIR;
        if (flags & O_PATH)
                return 0;
        if (node->type == FAKE_DIR && (flags & O_ACCMODE) != O_RDONLY)
                return -EISDIR;
        if (m->uid != 0 && ((node->mode >> shift) & want) != want)
                return -EACCES;
        if (node->attribute && (want & 2) && !node->attribute->store && m->uid != 0)
                return -EACCES;
        return 0;
}

static int open_node(struct fake *m, struct fake_node *node, int flags)
{
        struct fake_file *f;
        int r = check_open(m, node, flags);

        if (r < 0)
                return r;
        f = fake_zalloc(sizeof(*f));
        f->refs = 1;
        f->node = node;
        f->flags = flags;
        if (!(flags & O_PATH)) {
                if (node->type == FAKE_REG && (flags & O_TRUNC) && !node->attribute)
                        fake_set_data(node, "", 0);
                if (node->type == FAKE_CHR || node->type == FAKE_BLK)
                        r = node->open ? node->open(m, node, f) : -ENXIO;
                if (r < 0) {
                        free(f);
                        return r;
                }
        }
        return fake_fd_new(m, f);
}

int fake_do_openat(struct fake *m, int dirfd, const char *path, int flags, mode_t mode)
{
        struct fake_node *base, *node, *parent;
        char name[256];
        int r = 0;

        if (path[0] != '/')
                r = fake_base(m, dirfd, &base);
        else
                base = m->root;
        if (r < 0)
                return r;
        r = fake_walk(m, m->root, base, path,
                      flags & O_NOFOLLOW || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ? FAKE_NOFOLLOW
                                                                                               : 0,
                      &node, &parent, name);
        if (r == 0 && (flags & O_CREAT) && (flags & O_EXCL))
                return -EEXIST;
        if (r == -ENOENT && (flags & O_CREAT) && parent) {
                if (parent->gone)
                        return -ENOENT;
                if (m->uid != 0 && !(parent->mode & (m->uid == parent->uid ? 0200 : 02)))
                        return -EACCES;
                node = fake_node_new(m, parent, FAKE_REG, name);
                node->mode = mode & 0777;
                node->uid = m->uid;
                fake_set_data(node, "", 0);
                r = 0;
        }
        return r < 0 ? r : open_node(m, node, flags);
}

int fake_do_open_in_root(struct fake *m, int root_fd, const char *path, int flags)
{
        struct fake_node *root, *node;
        int r = fake_base(m, root_fd, &root);

        if (r == 0)
                r = fake_walk(m, root, root, path, flags & O_NOFOLLOW ? FAKE_NOFOLLOW : 0, &node, NULL, NULL);
        return r < 0 ? r : open_node(m, node, flags);
}

static ssize_t copy_out(const void *data, size_t have, void *buf, size_t size, uint64_t offset)
{
        size_t n = offset >= have ? 0 : MIN(size, have - (size_t)offset);

        memcpy(buf, (const char *)data + (n ? offset : 0), n);
        return (ssize_t)n;
}

ssize_t fake_do_pread(struct fake *m, int fd, void *buf, size_t size, uint64_t offset)
{
        struct fake_file *f = fake_file_get(m, fd);

        if (!f || f->flags & O_PATH || (f->flags & O_ACCMODE) == O_WRONLY)
                return -EBADF;
        if (f->real) {
                ssize_t n = pread(fd, buf, size, (off_t)offset);

                return n < 0 ? -errno : n;
        }
        if (f->ops)
                return f->ops->pread ? f->ops->pread(m, f, buf, size, offset) : -EINVAL;
        if (f->node->type == FAKE_DIR)
                return -EISDIR;
        if (f->node->attribute) {
                char text[8192];
                int n;

                if (f->node->gone) /* kernfs: the object behind an open file was removed */
                        return -ENODEV;
                if (!f->node->attribute->show)
                        return -EIO;
                n = f->node->attribute->show(m, f->node, text, sizeof(text));
                return n < 0 ? n : copy_out(text, (size_t)n, buf, size, offset);
        }
        return copy_out(f->node->data, f->node->size, buf, size, offset);
}

ssize_t fake_do_read(struct fake *m, int fd, void *buf, size_t size, bool one_byte)
{
        struct fake_file *f = fake_file_get(m, fd);
        ssize_t n;

        if (!f)
                return -EBADF;
        if (f->real) {
                n = read(fd, buf, size);
                return n < 0 ? -errno : n;
        }
        n = fake_do_pread(m, fd, buf, one_byte ? MIN(size, 1u) : size, f->pos);
        if (n > 0)
                f->pos += (uint64_t)n;
        return n;
}

static void log_write(struct fake *m, const struct fake_node *node, const char *value)
{
        fake_append(&m->writes, "%s ", fake_node_path(node));
        for (; *value; value++)
                fake_append(&m->writes, *value == '\n' ? "\\n" : "%c", *value);
        fake_append(&m->writes, "\n");
}

/* A write to an attribute is one whole value. sysfs hands no more than a page on (fs/kernfs/file.c). */
int fake_store(struct fake *m, struct fake_node *node, const void *buf, size_t size)
{
        char value[4097];

        size = MIN(size, sizeof(value) - 1);
        memcpy(value, buf, size);
        value[size] = '\0';
        if (node->gone)
                return -ENODEV;
        log_write(m, node, value);
        if (!node->attribute->store)
                return -EIO;
        return node->attribute->store(m, node, value);
}

static void grow(struct fake_node *node, uint64_t to)
{
        char *data = fake_zalloc((size_t)to + 1);

        if (node->size)
                memcpy(data, node->data, MIN(node->size, (size_t)to));
        free(node->data);
        node->data = data;
        node->size = (size_t)to;
}

ssize_t fake_do_pwrite(struct fake *m, int fd, const void *buf, size_t size, uint64_t offset)
{
        struct fake_file *f = fake_file_get(m, fd);
        int r;

        if (!f || f->flags & O_PATH || (f->flags & O_ACCMODE) == O_RDONLY)
                return -EBADF;
        if (f->real) {
                ssize_t n = pwrite(fd, buf, size, (off_t)offset);

                return n < 0 ? -errno : n;
        }
        if (f->ops)
                return f->ops->pwrite ? f->ops->pwrite(m, f, buf, size, offset) : -EINVAL;
        if (f->node->attribute) {
                r = fake_store(m, f->node, buf, size);
                return r < 0 ? r : (ssize_t)size;
        }
        if (offset + size > f->node->size)
                grow(f->node, offset + size);
        memcpy(f->node->data + offset, buf, size);
        return (ssize_t)size;
}

/* A write to it may move less than it was asked to: not one to an attribute, or to a device. */
static bool comes_apart(const struct fake_file *f)
{
        return f->node ? !f->node->attribute : f->ops && f->ops->stream;
}

ssize_t fake_do_write(struct fake *m, int fd, const void *buf, size_t size, bool one_byte)
{
        struct fake_file *f = fake_file_get(m, fd);
        ssize_t n;

        if (!f)
                return -EBADF;
        if (f->real) {
                n = write(fd, buf, size);
                return n < 0 ? -errno : n;
        }
        if (f->flags & O_APPEND && f->node)
                f->pos = f->node->size;
        n = fake_do_pwrite(m, fd, buf, one_byte && comes_apart(f) ? MIN(size, 1u) : size, f->pos);
        if (n > 0)
                f->pos += (uint64_t)n;
        return n;
}
