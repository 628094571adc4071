/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories and names: getdents, readlink, stat, mkdir, rename, unlink; and flock. */
#include "fake_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sysmacros.h>

/* What getdents64(2) fills its buffer with (include/linux/dirent.h). */
struct record {
        uint64_t ino;
        int64_t offset;
        unsigned short length;
        unsigned char type;
        char name[];
} __attribute__((packed));

static size_t put_record(char *buf, size_t left, const struct fake_node *node, const char *name,
                         uint64_t next)
{
        static const unsigned char types[] = { DT_DIR, DT_REG, DT_LNK, DT_CHR, DT_BLK };
        size_t length = (offsetof(struct record, name) + strlen(name) + 1 + 7) & ~(size_t)7;
        struct record *r = (struct record *)buf;

        if (length > left)
                return 0;
        memset(buf, 0, length);
        r->ino = node->ino;
        r->offset = (int64_t)next;
        r->length = (unsigned short)length;
        r->type = types[node->type];
        strcpy(r->name, name);
        return length;
}

/* The position is 0 for ".", 1 for "..", then the inode number that was given out last: children come by
 * falling inode number, so one that is removed on the way upsets nothing. */
ssize_t fake_do_getdents(struct fake *m, int fd, void *buf, size_t size)
{
        struct fake_file *f = fake_file_get(m, fd);
        size_t used = 0, n;

        if (!f || f->flags & O_PATH)
                return -EBADF;
        if (!f->node || f->node->type != FAKE_DIR)
                return -ENOTDIR;
        if (f->node->gone)
                return -ENOENT;
        if (f->pos == 0) {
                n = put_record((char *)buf + used, size - used, f->node, ".", 1);
                if (!n)
                        return -EINVAL;
                used += n;
                f->pos = 1;
        }
        if (f->pos == 1) {
                n = put_record((char *)buf + used, size - used, f->node->parent, "..", UINT64_MAX);
                if (!n)
                        return used ? (ssize_t)used : -EINVAL;
                used += n;
                f->pos = UINT64_MAX;
        }
        for (struct fake_node *c = f->node->children; c; c = c->next) {
                if (c->ino >= f->pos)
                        continue;
                n = put_record((char *)buf + used, size - used, c, c->name, c->ino);
                if (!n)
                        return used ? (ssize_t)used : -EINVAL;
                used += n;
                f->pos = c->ino;
        }
        return (ssize_t)used;
}

ssize_t fake_do_readlinkat(struct fake *m, int dirfd, const char *path, char *buf, size_t size)
{
        struct fake_node *base = m->root, *node;
        size_t n;
        int r;

        if (path[0] != '/' && (r = fake_base(m, dirfd, &base)) < 0)
                return r;
        if (!*path) { /* the link that an O_PATH | O_NOFOLLOW descriptor stands for */
                node = base;
                if (node->type != FAKE_LINK)
                        return -ENOENT;
        } else if ((r = fake_walk(m, m->root, base, path, FAKE_NOFOLLOW, &node, NULL, NULL)) < 0) {
                return r;
        }
        if (node->type != FAKE_LINK)
                return -EINVAL;
        if (size == 0)
                return -EINVAL;
        n = MIN(strlen(node->data), size);
        memcpy(buf, node->data, n);
        return (ssize_t)n;
}

int fake_do_fstatat(struct fake *m, int dirfd, const char *path, struct stat *ret_st, int flags)
{
        static const mode_t types[] = { S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR, S_IFBLK };
        struct fake_node *base = m->root, *node;
        const struct fake_file *f;
        int r;

        if (!*path && (flags & AT_EMPTY_PATH) && (f = fake_file_get(m, dirfd)) && f->real) {
                if (fstat(dirfd, ret_st) < 0)
                        return -errno;
                if (f->huge_size) /* s_blocksize, fs/hugetlbfs/inode.c */
                        ret_st->st_blksize = (blksize_t)f->huge_size;
                return 0;
        }
        if (!*path && (flags & AT_EMPTY_PATH) && (f = fake_file_get(m, dirfd)) && !f->node) {
                memset(ret_st, 0, sizeof(*ret_st)); /* of no type (anon_inode_getattr()) */
                ret_st->st_mode = 0600;
                return 0;
        }
        if (path[0] != '/' && (r = fake_base(m, dirfd, &base)) < 0)
                return r;
        if (!*path && (flags & AT_EMPTY_PATH))
                node = base;
        else if ((r = fake_walk(m, m->root, base, path, flags & AT_SYMLINK_NOFOLLOW ? FAKE_NOFOLLOW : 0,
                                &node, NULL, NULL)) < 0)
                return r;
        memset(ret_st, 0, sizeof(*ret_st));
        ret_st->st_mode = types[node->type] | node->mode;
        ret_st->st_uid = node->uid;
        ret_st->st_ino = node->ino;
        ret_st->st_dev = 1;
        ret_st->st_nlink = node->gone ? 0 : 1;
        ret_st->st_size = node->attribute ? 4096 : (off_t)node->size;
        if (node->type == FAKE_CHR || node->type == FAKE_BLK)
                ret_st->st_rdev = makedev(node->major, node->minor);
        return 0;
}

/* The parent and the last name of PATH, and what is there (NULL: nothing). */
static int look(struct fake *m, int dirfd, const char *path, struct fake_node **ret_node,
                struct fake_node **ret_parent, char name[256])
{
        struct fake_node *base = m->root;
        int r;

        *ret_node = NULL;
        if (path[0] != '/' && (r = fake_base(m, dirfd, &base)) < 0)
                return r;
        r = fake_walk(m, m->root, base, path, FAKE_NOFOLLOW, ret_node, ret_parent, name);
        if (r == -ENOENT && *ret_parent)
                r = 0;
        if (r < 0)
                return r;
        if ((*ret_parent)->gone)
                return -ENOENT;
        if (m->uid != 0 && !((*ret_parent)->mode & (m->uid == (*ret_parent)->uid ? 0200 : 02)))
                return -EACCES;
        return 0;
}

int fake_do_mkdirat(struct fake *m, int dirfd, const char *path, mode_t mode)
{
        struct fake_node *node, *parent;
        char name[256];
        int r = look(m, dirfd, path, &node, &parent, name);

        if (r < 0)
                return r;
        if (node)
                return -EEXIST;
        node = fake_node_new(m, parent, FAKE_DIR, name);
        node->mode = mode & 0777;
        node->uid = m->uid;
        return 0;
}

int fake_do_renameat(struct fake *m, int dirfd, const char *from, const char *to)
{
        struct fake_node *node, *parent, *old, *new_parent;
        char name[256], new_name[256];
        int r = look(m, dirfd, from, &node, &parent, name);

        if (r < 0)
                return r;
        if (!node)
                return -ENOENT;
        r = look(m, dirfd, to, &old, &new_parent, new_name);
        if (r < 0)
                return r;
        if (old == node)
                return 0;
        if (old) {
                if (old->type == FAKE_DIR && node->type != FAKE_DIR)
                        return -EISDIR;
                if (old->type != FAKE_DIR && node->type == FAKE_DIR)
                        return -ENOTDIR;
                if (old->children)
                        return -ENOTEMPTY;
                fake_node_unlink(old);
        }
        for (struct fake_node **p = &parent->children; *p; p = &(*p)->next)
                if (*p == node) {
                        *p = node->next;
                        break;
                }
        free(node->name);
        node->name = fake_strdup(new_name);
        node->parent = new_parent;
        node->next = new_parent->children;
        node->ino = ++m->last_ino; /* keeps children by falling inode number, see getdents */
        new_parent->children = node;
        return 0;
}

int fake_do_unlinkat(struct fake *m, int dirfd, const char *path, int flags)
{
        struct fake_node *node, *parent;
        char name[256];
        int r = look(m, dirfd, path, &node, &parent, name);

        if (r < 0)
                return r;
        if (!node)
                return -ENOENT;
        if (flags & AT_REMOVEDIR) {
                if (node->type != FAKE_DIR)
                        return -ENOTDIR;
                if (node->children)
                        return -ENOTEMPTY;
        } else if (node->type == FAKE_DIR) {
                return -EISDIR;
        }
        fake_node_unlink(node);
        return 0;
}

/* Exclusive locks; a shared one is counted as exclusive, which is stricter. A wait that nothing on the
 * machine could end is -EDEADLK here, where a real process would hang. */
int fake_do_flock(struct fake *m, int fd, int operation)
{
        struct fake_file *f = fake_file_get(m, fd);

        if (!f || f->flags & O_PATH || !f->node)
                return -EBADF;
        if ((operation & ~LOCK_NB) == LOCK_UN) {
                if (f->node->locked_by == f)
                        f->node->locked_by = NULL;
                return 0;
        }
        while (f->node->locked_by && f->node->locked_by != f) {
                if (operation & LOCK_NB)
                        return -EWOULDBLOCK;
                if (!fake_next_event(m, UINT64_MAX))
                        return -EDEADLK;
        }
        f->node->locked_by = f;
        return 0;
}
