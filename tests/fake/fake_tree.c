/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of files: nodes, and the walk along a path (Documentation/filesystems/path-lookup.rst). */
#include "fake_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define MAX_LINKS 40 /* MAXSYMLINKS, include/linux/namei.h */

void *fake_zalloc(size_t size)
{
        void *p;

        fake_depth++;
        p = calloc(1, size);
        fake_depth--;
        if (!p)
                abort();
        return p;
}

char *fake_strdup(const char *s)
{
        char *copy;

        fake_depth++;
        copy = s ? strdup(s) : NULL;
        fake_depth--;
        if (s && !copy)
                abort();
        return copy;
}

void fake_append(struct fake_text *t, const char *format, ...)
{
        char line[4096];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        n = MIN(n, (int)sizeof(line) - 1);
        if (t->length + (size_t)n + 1 > t->size) {
                t->size = (t->length + (size_t)n + 1) * 2;
                fake_depth++;
                t->data = realloc(t->data, t->size);
                fake_depth--;
                if (!t->data)
                        abort();
        }
        memcpy(t->data + t->length, line, (size_t)n + 1);
        t->length += (size_t)n;
}

struct fake_node *fake_child(struct fake_node *dir, const char *name)
{
        for (struct fake_node *n = dir->children; n; n = n->next)
                if (streq(n->name, name))
                        return n;
        return NULL;
}

/* Newest first, so nothing comes in the order that a test made it in: directories on a machine are not
 * sorted. */
struct fake_node *fake_node_new(struct fake *m, struct fake_node *parent, enum fake_node_type type,
                                const char *name)
{
        struct fake_node *n = fake_zalloc(sizeof(*n));

        n->type = type;
        n->name = fake_strdup(name);
        n->ino = ++m->last_ino;
        n->mode = type == FAKE_DIR ? 0755 : type == FAKE_LINK ? 0777 : 0644;
        n->next_of_all = m->all_nodes;
        m->all_nodes = n;
        n->parent = parent ?: n;
        if (parent) {
                n->next = parent->children;
                parent->children = n;
        }
        return n;
}

void fake_node_unlink(struct fake_node *node)
{
        struct fake_node **p = &node->parent->children;

        while (node->children)
                fake_node_unlink(node->children);
        while (*p && *p != node)
                p = &(*p)->next;
        if (*p)
                *p = node->next;
        node->next = NULL;
        node->gone = true;
}

static bool may(const struct fake *m, const struct fake_node *node, mode_t bit)
{
        return m->uid == 0 || (node->mode & (m->uid == node->uid ? bit << 6 : bit));
}

struct walk {
        struct fake *m;
        struct fake_node *root;
        unsigned int links_left;
};

static int walk_path(struct walk *w, struct fake_node *at, const char *path, bool follow,
                     struct fake_node **ret_node, struct fake_node **ret_parent, char ret_name[256]);

/* One step down: NAME in *AT. LAST: it is the path's end, and the parent and name of the end are wanted. */
static int walk_one(struct walk *w, struct fake_node **at, const char *name, bool last, bool follow,
                    struct fake_node **ret_parent, char ret_name[256])
{
        struct fake_node *dir = *at, *child, *parent;
        char end[256];
        int r;

        if (dir->type != FAKE_DIR)
                return -ENOTDIR;
        if (!may(w->m, dir, 1))
                return -EACCES;
        if (last) {
                *ret_parent = dir;
                strcpy(ret_name, name);
        }
        if (streq(name, "."))
                return 0;
        if (streq(name, "..")) {
                *at = dir == w->root ? dir : dir->parent;
                return 0;
        }
        child = fake_child(dir, name);
        *at = child;
        if (!child)
                return -ENOENT;
        if (child->type != FAKE_LINK || (last && !follow))
                return 0;
        if (w->links_left-- == 0) {
                w->links_left = 0;
                return -ELOOP;
        }
        r = walk_path(w, dir, child->data, true, at, &parent, end);
        if (last) {
                *ret_parent = parent;
                strcpy(ret_name, end);
        }
        return r;
}

static int walk_path(struct walk *w, struct fake_node *at, const char *path, bool follow,
                     struct fake_node **ret_node, struct fake_node **ret_parent, char ret_name[256])
{
        bool slash_at_end = false;

        *ret_parent = NULL;
        *ret_node = NULL;
        ret_name[0] = '\0';
        if (!*path)
                return -ENOENT;
        if (*path == '/')
                at = w->root;
        while (*path == '/')
                path++;
        *ret_parent = at;
        while (*path) {
                char name[256];
                size_t n = strcspn(path, "/");
                int r;

                if (n > 255)
                        return -ENAMETOOLONG;
                memcpy(name, path, n);
                name[n] = '\0';
                slash_at_end = path[n] == '/';
                path += n + strspn(path + n, "/");
                r = walk_one(w, &at, name, !*path, follow || slash_at_end, ret_parent, ret_name);
                if (r < 0)
                        return r;
        }
        if (slash_at_end && at->type != FAKE_DIR)
                return -ENOTDIR;
        *ret_node = at;
        return 0;
}

/* Where the path ends is missing: -ENOENT, with *ret_parent and the name that a creation would use; where
 * something on the way is missing, *ret_parent is NULL. */
int fake_walk(struct fake *m, struct fake_node *root, struct fake_node *from, const char *path,
              unsigned int flags, struct fake_node **ret_node, struct fake_node **ret_parent,
              char ret_name[256])
{
        struct walk w = { .m = m, .root = root, .links_left = MAX_LINKS };
        struct fake_node *parent = NULL, *node = NULL;
        char name[256] = "";
        int r;

        if (strlen(path) >= 4096)
                return -ENAMETOOLONG;
        r = walk_path(&w, from, path, !(flags & FAKE_NOFOLLOW), &node, &parent, name);
        if (r == -ENOENT && (!name[0] || (parent && fake_child(parent, name))))
                parent = NULL;
        *ret_node = r < 0 ? NULL : node;
        if (ret_parent)
                *ret_parent = parent;
        if (ret_name)
                strcpy(ret_name, name);
        return r;
}

struct fake_node *fake_node_at(struct fake *m, const char *path)
{
        struct fake_node *node;
        uid_t uid = m->uid;

        m->uid = 0;
        fake_walk(m, m->root, m->root, path, 0, &node, NULL, NULL);
        m->uid = uid;
        return node;
}

/* The directory at PATH, made with its parents where it is missing. Links on the way are followed. */
struct fake_node *fake_mkdirs(struct fake *m, const char *path)
{
        struct fake_node *node = fake_node_at(m, path);
        char parent[4096];
        char *slash;

        if (node)
                return node;
        snprintf(parent, sizeof(parent), "%s", path);
        slash = strrchr(parent, '/');
        if (!slash)
                abort();
        *slash = '\0';
        return fake_node_new(m, slash == parent ? m->root : fake_mkdirs(m, parent), FAKE_DIR,
                             path_basename(path));
}

/* A node at PATH; what was there before is taken away. */
struct fake_node *fake_put(struct fake *m, enum fake_node_type type, const char *path)
{
        char parent[4096];
        struct fake_node *dir, *old;
        char *slash;

        snprintf(parent, sizeof(parent), "%s", path);
        slash = strrchr(parent, '/');
        if (!slash)
                abort();
        *slash = '\0';
        dir = slash == parent ? m->root : fake_mkdirs(m, parent);
        old = fake_child(dir, path_basename(path));
        if (old)
                fake_node_unlink(old);
        return fake_node_new(m, dir, type, path_basename(path));
}

void fake_set_data(struct fake_node *node, const void *data, size_t size)
{
        char *copy = fake_zalloc(size + 1);

        memcpy(copy, data, size);
        free(node->data);
        node->data = copy;
        node->size = size;
}

const char *fake_node_path(const struct fake_node *node)
{
        static _Thread_local char path[4096];
        size_t at = sizeof(path) - 1;

        path[at] = '\0';
        for (; node->parent != node; node = node->parent) {
                size_t n = strlen(node->name);

                if (at < n + 1)
                        break;
                at -= n;
                memcpy(path + at, node->name, n);
                path[--at] = '/';
        }
        return path[at] ? path + at : "/";
}
