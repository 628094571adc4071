/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#define LOCK_INTERVAL_NS (20 * 1000000ull)

static int make_dir(struct kernel *k, int root_fd, const char *path)
{
        struct stat st;
        int r;

        r = k->ops->mkdirat(k, root_fd, path, 0755);
        if (r != -EEXIST)
                return r;
        r = k->ops->fstatat(k, root_fd, path, &st, AT_SYMLINK_NOFOLLOW);
        if (r < 0)
                return r;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static pid_t lock_holder(struct kernel *k, int root_fd)
{
        char text[24];

        if (file_read(k, root_fd, text, sizeof(text), JOURNAL_LOCK) <= 0)
                return 0;
        return (pid_t)strtol(text, NULL, 10);
}

static int write_all(struct kernel *k, int fd, const char *text, size_t size)
{
        while (size > 0) {
                ssize_t n = k->ops->write(k, fd, text, size);

                if (n < 0)
                        return (int)n;
                if (n == 0)
                        return -EIO;
                text += n;
                size -= (size_t)n;
        }
        return 0;
}

int journal_lock(struct kernel *k, int root_fd, int timeout_ms, pid_t *ret_holder)
{
        uint64_t deadline = k->ops->now_ns(k) + (uint64_t)timeout_ms * 1000000u;
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, -1);
        char text[24];
        int r;

        r = make_dir(k, root_fd, "run/iommuctl");
        if (r >= 0)
                r = make_dir(k, root_fd, JOURNAL_DIR);
        if (r < 0)
                return r;
        /* 0600: who may open it may also hold it, for ever. */
        fd.fd = k->ops->openat(k, root_fd, JOURNAL_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
        if (fd.fd < 0)
                return fd.fd;
        while ((r = k->ops->flock(k, fd.fd, LOCK_EX | LOCK_NB)) == -EWOULDBLOCK) {
                if (k->ops->now_ns(k) >= deadline) {
                        *ret_holder = lock_holder(k, root_fd);
                        return -ETIMEDOUT;
                }
                k->ops->sleep_ns(k, LOCK_INTERVAL_NS);
        }
        if (r < 0)
                return r;
        snprintf(text, sizeof(text), "%ld\n", (long)k->ops->getpid(k));
        r = k->ops->ftruncate(k, fd.fd, 0);
        if (r >= 0)
                r = write_all(k, fd.fd, text, strlen(text));
        return r < 0 ? r : scoped_fd_take(&fd);
}

/* Takes the value of "KEY=value\n" into VALUE. True where this line is that key's and its value fits. */
static bool take_field(const char *line, size_t length, const char *key, char *value, size_t size)
{
        size_t n = strlen(key);

        if (length <= n || strncmp(line, key, n) != 0 || line[n] != '=' || length - n - 1 >= size)
                return false;
        memcpy(value, line + n + 1, length - n - 1);
        value[length - n - 1] = '\0';
        return true;
}

static void parse_line(struct journal_entry *entry, const char *line, size_t length, char version[8])
{
        char when[24];

#define TAKE(key, field) take_field(line, length, key, field, sizeof(field))
        if (TAKE("device", entry->device) || TAKE("bus", entry->bus) || TAKE("boot", entry->boot) ||
            TAKE("identity", entry->identity) || TAKE("driver", entry->original.driver) ||
            TAKE("driver_override", entry->original.driver_override) || TAKE("target", entry->target) ||
            take_field(line, length, "version", version, 8))
                return;
        if (TAKE("when", when))
                entry->when_s = strtoull(when, NULL, 10);
#undef TAKE
}

/* Names that came from a file become parts of paths. */
static bool name_is_sane(const char *name, bool may_be_empty)
{
        if (!*name)
                return may_be_empty;
        return !strchr(name, '/') && !streq(name, ".") && !streq(name, "..");
}

int journal_parse(const char *text, const char *device, struct journal_entry *ret_entry)
{
        struct journal_entry entry = { 0 };
        char version[8] = "";
        bool ended = false;

        for (const char *line = text; *line;) {
                size_t length = strcspn(line, "\n");

                parse_line(&entry, line, length, version);
                ended = startswith(line, "end=");
                line += length;
                line += *line == '\n';
        }
        if (!ended || strtol(version, NULL, 10) != JOURNAL_VERSION || !streq(entry.device, device) ||
            !name_is_sane(entry.device, false) || !name_is_sane(entry.bus, false) ||
            !name_is_sane(entry.original.driver, true))
                return -EBADMSG;
        *ret_entry = entry;
        return 0;
}

int journal_read(struct kernel *k, int root_fd, const char *device, struct journal_entry *ret_entry)
{
        char text[JOURNAL_ENTRY_SIZE];
        ssize_t n;

        n = file_read(k, root_fd, text, sizeof(text), JOURNAL_DIR "/%s", device);
        if (n < 0)
                return n == -EOVERFLOW ? -EBADMSG : (int)n;
        return journal_parse(text, device, ret_entry);
}

int journal_write(struct kernel *k, int root_fd, const struct journal_entry *entry)
{
        char text[JOURNAL_ENTRY_SIZE], path[FILE_PATH_SIZE], new_path[FILE_PATH_SIZE];
        int n, r, closed;
        int fd;

        n = snprintf(text, sizeof(text),
                     "version=%d\ndevice=%s\nbus=%s\nboot=%s\nidentity=%s\ndriver=%s\ndriver_override=%s\n"
                     "target=%s\nwhen=%" PRIu64 "\nend=\n",
                     JOURNAL_VERSION, entry->device, entry->bus, entry->boot, entry->identity,
                     entry->original.driver, entry->original.driver_override, entry->target, entry->when_s);
        snprintf(path, sizeof(path), JOURNAL_DIR "/%s", entry->device);
        snprintf(new_path, sizeof(new_path), JOURNAL_DIR "/.%s.new", entry->device);
        fd = k->ops->openat(k, root_fd, new_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return fd;
        r = write_all(k, fd, text, (size_t)n);
        closed = k->ops->close(k, fd);
        if (r >= 0)
                r = closed;
        if (r >= 0)
                r = k->ops->renameat(k, root_fd, new_path, path);
        if (r < 0)
                k->ops->unlinkat(k, root_fd, new_path, 0);
        return r;
}

int journal_remove(struct kernel *k, int root_fd, const char *device)
{
        char path[FILE_PATH_SIZE];
        int r;

        snprintf(path, sizeof(path), JOURNAL_DIR "/%s", device);
        r = k->ops->unlinkat(k, root_fd, path, 0);
        return r == -ENOENT ? 0 : r;
}

int journal_open(struct kernel *k, int root_fd, struct dir_reader *dir)
{
        return dir_open(dir, k, root_fd, JOURNAL_DIR);
}

bool journal_is_entry(const char *name)
{
        return name[0] != '.' && strlen(name) < DEVICE_NAME_SIZE;
}

int journal_identify(const struct bus_device *device, struct journal_entry *entry)
{
        ssize_t n;

        n = file_read(device->k, device->root_fd, entry->boot, sizeof(entry->boot),
                      "proc/sys/kernel/random/boot_id");
        if (n == -ENOENT)
                entry->boot[0] = '\0';
        else if (n < 0)
                return (int)n;
        n = file_read(device->k, device->root_fd, entry->identity, sizeof(entry->identity),
                      "sys/bus/%s/devices/%s/modalias", device->bus, device->name);
        /* A bus need not have one, and a platform device's may be very long: then the name alone counts. */
        if (n == -ENOENT || n == -EOVERFLOW)
                entry->identity[0] = '\0';
        else if (n < 0)
                return (int)n;
        snprintf(entry->device, sizeof(entry->device), "%s", device->name);
        snprintf(entry->bus, sizeof(entry->bus), "%s", device->bus);
        return 0;
}

/* What could not be read at one of both times tells of no difference. */
static bool differ(const char *a, const char *b)
{
        return *a && *b && !streq(a, b);
}

bool journal_is_of_boot(const struct journal_entry *entry, const char *boot)
{
        return !differ(entry->boot, boot);
}

enum journal_match journal_match(const struct journal_entry *entry, const struct journal_entry *now)
{
        if (!journal_is_of_boot(entry, now->boot))
                return JOURNAL_OTHER_BOOT;
        if (!streq(entry->bus, now->bus) || differ(entry->identity, now->identity))
                return JOURNAL_OTHER_DEVICE;
        return JOURNAL_SAME;
}
