/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which disks hold a mounted file system, or swap. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "hazard_disk.h"

#define MOUNTS_MAX (64u << 20) /* container hosts have tens of thousands of mounts */

/* The kernel writes blanks and backslashes in these files as octal escapes (mangle() in fs/proc_namespace.c).
 */
static void unescape(char *text)
{
        char *to = text;

        for (const char *p = text; *p;) {
                if (p[0] == '\\' && strspn(p + 1, "01234567") >= 3) {
                        *to++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
                        p += 4;
                } else {
                        *to++ = *p++;
                }
        }
        *to = '\0';
}

/* The number of the block device at a path in /dev; false where there is none. */
static bool block_number(const struct disks *ds, const char *path, dev_t *ret_number)
{
        struct stat st;

        if (!startswith(path, "/") || ds->k->ops->fstatat(ds->k, ds->root_fd, path + 1, &st, 0) < 0 ||
            !S_ISBLK(st.st_mode))
                return false;
        *ret_number = st.st_rdev;
        return true;
}

static int add_mount(struct disk *disk, const char *where)
{
        disk->n_mounts++;
        if (!disk->mount && !(disk->mount = strdup(where)))
                return -ENOMEM;
        return 0;
}

/* One mount: "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue", proc(5). */
struct mount {
        dev_t number;
        char *where;
        const char *type;
        char *source;
};

static bool parse_mount(char *line, struct mount *ret_mount)
{
        unsigned int major, minor;
        char *fields[6], *save = NULL, *p = line, *rest;

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++, p = NULL)
                if (!(fields[i] = strtok_r(p, " ", &save)))
                        return false;
        /* Optional fields end with a lone dash. */
        do
                rest = strtok_r(NULL, " ", &save);
        while (rest && !streq(rest, "-"));
        if (!rest || sscanf(fields[2], "%u:%u", &major, &minor) != 2)
                return false;
        ret_mount->number = makedev(major, minor);
        ret_mount->where = fields[4];
        ret_mount->type = strtok_r(NULL, " ", &save);
        ret_mount->source = strtok_r(NULL, " ", &save);
        if (!ret_mount->type || !ret_mount->source)
                return false;
        unescape(ret_mount->where);
        unescape(ret_mount->source);
        return true;
}

/* Whether a mount's source, or one of several ("/dev/sda:/dev/sdb" of bcachefs), is the disk. */
static bool source_is(const struct disks *ds, const struct disk *disk, const char *source)
{
        char one[256];

        while (*source) {
                size_t length = strcspn(source, ":");
                dev_t number;

                if (length < sizeof(one) && startswith(source, "/dev/")) {
                        memcpy(one, source, length);
                        one[length] = '\0';
                        if (block_number(ds, one, &number) ? number == disk->number
                                                           : streq(path_basename(one), disk->name))
                                return true;
                }
                source += length;
                source += *source == ':';
        }
        return false;
}

/* Btrfs numbers its mounts by itself and names one disk of several as source. The directory of a mounted file
 * system in /sys/fs/btrfs lists all of them; a disk belongs to the mount whose source is in the same
 * directory. */
static int btrfs_has(const struct disks *ds, const struct disk *disk, const char *source)
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        char name[DISK_NAME_SIZE];
        const char *uuid;
        dev_t number;
        int r;

        r = dir_open(&dir, ds->k, ds->root_fd, "sys/fs/btrfs");
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (!block_number(ds, source, &number) ||
            file_link_name(ds->k, ds->root_fd, name, sizeof(name), "sys/dev/block/%u:%u", major(number),
                           minor(number)) < 0)
                snprintf(name, sizeof(name), "%s", path_basename(source));
        while ((uuid = dir_next(&dir))) {
                r = file_exists(ds->k, ds->root_fd, "sys/fs/btrfs/%s/devices/%s", uuid, disk->name);
                if (r > 0)
                        r = file_exists(ds->k, ds->root_fd, "sys/fs/btrfs/%s/devices/%s", uuid, name);
                if (r != 0)
                        return r;
        }
        return dir.error;
}

static int look_at_mount(struct disks *ds, const struct mount *mount)
{
        for (size_t i = 0; i < ds->n; i++) {
                struct disk *disk = &ds->list[i];
                int r;

                r = mount->number == disk->number || source_is(ds, disk, mount->source);
                if (r == 0 && streq(mount->type, "btrfs"))
                        r = btrfs_has(ds, disk, mount->source);
                if (r > 0)
                        r = add_mount(disk, mount->where);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int look_at_mounts(struct disks *ds, const char *process)
{
        _cleanup_free_ char *text = NULL;
        struct mount mount;
        char *save = NULL;
        ssize_t n;
        int r = 0;

        n = file_read_whole(ds->k, ds->root_fd, MOUNTS_MAX, &text, "proc/%s/mountinfo", process);
        if (n < 0)
                return (int)n;
        for (char *line = strtok_r(text, "\n", &save); line && r >= 0; line = strtok_r(NULL, "\n", &save))
                if (parse_mount(line, &mount))
                        r = look_at_mount(ds, &mount);
        return r;
}

/* A mounted btrfs whose mount is in another namespace. */
static int look_at_btrfs(struct disks *ds)
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        const char *uuid;
        int r;

        r = dir_open(&dir, ds->k, ds->root_fd, "sys/fs/btrfs");
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        while ((uuid = dir_next(&dir)))
                for (size_t i = 0; i < ds->n; i++) {
                        r = ds->list[i].mount ? 0
                                              : file_exists(ds->k, ds->root_fd, "sys/fs/btrfs/%s/devices/%s",
                                                            uuid, ds->list[i].name);
                        if (r > 0)
                                r = add_mount(&ds->list[i], "a place in another mount namespace (btrfs)");
                        if (r < 0)
                                return r;
                }
        return dir.error;
}

int disks_find_mounts(struct disks *ds)
{
        bool mounted = false;
        int r;

        /* The machine's own namespace first; ours may be another, and without privilege is the only one seen.
         */
        r = look_at_mounts(ds, "1");
        for (size_t i = 0; i < ds->n; i++)
                mounted |= ds->list[i].mount != NULL;
        if (r < 0 || !mounted)
                r = look_at_mounts(ds, "self");
        return r < 0 ? r : look_at_btrfs(ds);
}

int disks_find_swap(struct disks *ds)
{
        _cleanup_free_ char *text = NULL;
        char *save = NULL;
        ssize_t n;

        n = file_read_whole(ds->k, ds->root_fd, MOUNTS_MAX, &text, "proc/swaps");
        if (n < 0)
                return n == -ENOENT ? 0 : (int)n; /* a kernel without swap */
        /* "Filename Type Size Used Priority", then a line each. */
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                struct stat st;
                dev_t number = 0;

                line[strcspn(line, " \t")] = '\0';
                unescape(line);
                if (!startswith(line, "/"))
                        continue;
                if (ds->k->ops->fstatat(ds->k, ds->root_fd, line + 1, &st, 0) >= 0)
                        number = S_ISBLK(st.st_mode) ? st.st_rdev : S_ISREG(st.st_mode) ? st.st_dev : 0;
                for (size_t i = 0; i < ds->n; i++)
                        ds->list[i].swap |= number ? number == ds->list[i].number
                                                   : streq(path_basename(line), ds->list[i].name);
        }
        return 0;
}
