/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory and huge pages against the limits of the control groups that the process is in, each up to the root
 * as far as it is mounted here (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and
 * hugetlb.rst). What the kernel does at the limit is not an error that a call gives: it ends the process, or
 * sends SIGBUS. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "budget_internal.h"
#include "ctx.h"
#include "file.h"

#define KIB 1024

/* /proc/self/mountinfo of a machine with thousands of containers. */
#define MOUNTS_MAX ((size_t)4 << 20)

/* Where a controller's limits of this process are: DIR is its group, relative to the root; what is above TOP
 * bytes of it is not mounted. */
struct place {
        char dir[1024];
        size_t top;
        bool v2;
        bool counts_hugepages; /* the memory controller does (memory_hugetlb_accounting, Linux 6.7) */
};

/* Whether the list "a,b,c" that ends at END has WORD in it. */
static bool has_word(const char *list, const char *end, const char *word)
{
        const size_t n = strlen(word);

        for (const char *at = list; at && at < end; at = memchr(at, ',', (size_t)(end - at))) {
                at += *at == ',';
                if ((size_t)(end - at) >= n && memcmp(at, word, n) == 0 && (at + n == end || at[n] == ','))
                        return true;
        }
        return false;
}

/* The process's group: "4:memory:/path" of version 1, or "0::/path" of version 2. */
static bool find_group(const struct budget *b, const char *controller, char *path, size_t size, bool *ret_v2)
{
        char text[4096] = "", *save = NULL;
        bool found = false;

        /* 13 lines at most, of which a long one may be cut */
        sysfs_read(&b->fs, "proc/self/cgroup", text, sizeof(text));
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *names = strchr(line, ':'), *end = names ? strchr(names + 1, ':') : NULL;
                bool unified = end == names + 1;

                if (!end || (!unified && !has_word(names + 1, end, controller)) || strlen(end + 1) >= size)
                        continue;
                strcpy(path, end + 1);
                *ret_v2 = unified;
                found = true;
                if (!unified)
                        return true;
        }
        return found;
}

/* The fields of a line of mountinfo that matter here; cuts the line up. */
struct mount {
        const char *root, *where, *type, *options;
};

static bool split_mount(char *line, struct mount *ret_mount)
{
        char *save = NULL, *tail = strstr(line, " - ");

        if (!tail)
                return false;
        *tail = '\0';
        for (int i = 0; i < 5; i++) {
                const char *field = strtok_r(i == 0 ? line : NULL, " ", &save);

                if (i == 3)
                        ret_mount->root = field;
                ret_mount->where = field;
        }
        ret_mount->type = strtok_r(tail + 3, " ", &save);
        strtok_r(NULL, " ", &save);
        ret_mount->options = strtok_r(NULL, " ", &save);
        return ret_mount->where && ret_mount->options;
}

/* GROUP below a mount whose root is ROOT. One that is not below it is in another namespace's part, of which
 * the mount shows the top alone. */
static void set_place(struct place *place, const struct mount *mount, const char *group)
{
        const char *root = streq(mount->root, "/") ? "" : mount->root;
        const char *below = startswith(group, root) ? group + strlen(root) : "";

        if (*below != '/' || below[1] == '\0' || strstr(below, "/.."))
                below = "";
        place->top = strlen(mount->where + 1);
        snprintf(place->dir, sizeof(place->dir), "%s%s", mount->where + 1, below);
}

static bool find_place(const struct budget *b, const char *controller, struct place *place)
{
        _cleanup_free_ char *mounts = NULL;
        char group[512], *save = NULL;

        if (!find_group(b, controller, group, sizeof(group), &place->v2) ||
            file_read_whole(b->fs.k, b->fs.root_fd, MOUNTS_MAX, &mounts, "proc/self/mountinfo") < 0)
                return false;
        for (char *line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                struct mount mount = { 0 };
                const char *end;

                if (!split_mount(line, &mount) || !streq(mount.type, place->v2 ? "cgroup2" : "cgroup") ||
                    mount.where[0] != '/' || mount.where[1] == '\0')
                        continue;
                end = mount.options + strlen(mount.options);
                if (!place->v2 && !has_word(mount.options, end, controller))
                        continue;
                place->counts_hugepages = place->v2 &&
                                          has_word(mount.options, end, "memory_hugetlb_accounting");
                set_place(place, &mount, group);
                return true;
        }
        return false;
}

/* The group above; false at the top. */
static bool go_up(struct place *place)
{
        char *slash = strlen(place->dir) > place->top ? strrchr(place->dir, '/') : NULL;

        if (!slash)
                return false;
        *slash = '\0';
        return true;
}

/* A number of the group; false where there is none, or no limit: "max", or more than there can be. */
static bool group_number(const struct budget *b, const struct place *place, const char *name,
                         uint64_t *ret_value)
{
        char path[1152], text[32], *end;

        snprintf(path, sizeof(path), "%s/%s", place->dir, name);
        if (sysfs_attr(&b->fs, path, text, sizeof(text)) < 0)
                return false;
        *ret_value = strtoull(text, &end, 10);
        return end != text && *ret_value < UINT64_C(1) << 62;
}

/* A line "inactive_file 123" of memory.stat; of version 1 with what the groups below have. */
static uint64_t stat_value(const struct place *place, const char *stat, const char *name)
{
        char wanted[64];
        size_t n = (size_t)snprintf(wanted, sizeof(wanted), "%s%s ", place->v2 ? "" : "total_", name);

        for (const char *line = stat; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (startswith(line, wanted))
                        return strtoull(line + n, NULL, 10);
        }
        return 0;
}

/* What the kernel can make of its memory to be free: clean or written back, or swapped out. All of it where
 * the group does not tell. */
static uint64_t reclaimable(const struct budget *b, const struct place *place, uint64_t used)
{
        char path[1152], stat[8192] = "", meminfo[4096] = "";
        uint64_t swap_kib = 0, swap, swap_max, swap_used = 0, anonymous, file;

        snprintf(path, sizeof(path), "%s/memory.stat", place->dir);
        if (sysfs_read(&b->fs, path, stat, sizeof(stat)) <= 0)
                return used;
        sysfs_read(&b->fs, "proc/meminfo", meminfo, sizeof(meminfo));
        budget_line(meminfo, "SwapFree", 10, &swap_kib);
        swap = swap_kib * KIB;
        if (group_number(b, place, "memory.swap.max", &swap_max)) {
                group_number(b, place, "memory.swap.current", &swap_used);
                swap = MIN(swap, budget_left(swap_max, swap_used));
        }
        anonymous = stat_value(place, stat, "inactive_anon") + stat_value(place, stat, "active_anon");
        file = stat_value(place, stat, "inactive_file") + stat_value(place, stat, "active_file") +
               stat_value(place, stat, "slab_reclaimable");
        file += MIN(anonymous, swap);
        return MIN(used, file);
}

static int refuse_memory(const struct budget *b, const struct place *place, const char *name, uint64_t needed,
                         uint64_t limit, uint64_t kept)
{
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_CGROUP_MEMORY,
                                       .item = b->n_items,
                                       .needed = needed,
                                       .available = budget_left(limit, kept) };

        return budget_short(
                b, s,
                ctx_error(b->ctx, -ENOMEM, NULL,
                          "the buffers need %" PRIu64 " KiB of memory and the cgroup /%s has room "
                          "for %" PRIu64 " KiB (%s is %" PRIu64 " KiB, %" PRIu64
                          " KiB of it cannot be given back)",
                          needed / KIB, place->dir, s.available / KIB, name, limit / KIB, kept / KIB));
}

static int check_group_memory(const struct budget *b, const struct place *place, uint64_t needed)
{
        const char *limit_name = place->v2 ? "memory.max" : "memory.limit_in_bytes";
        const char *used_name = place->v2 ? "memory.current" : "memory.usage_in_bytes";
        uint64_t limit, used = 0, kept;

        if (group_number(b, place, limit_name, &limit) && group_number(b, place, used_name, &used)) {
                kept = used - reclaimable(b, place, used);
                if (needed > budget_left(limit, kept))
                        return refuse_memory(b, place, limit_name, needed, limit, kept);
        }
        /* Not a limit that fails, but above it each page is waited for: with memory that nobody can take away
         * again, without end (mem_cgroup_handle_over_high(), mm/memcontrol.c). */
        if (place->v2 && group_number(b, place, "memory.high", &limit) && needed > limit)
                return refuse_memory(b, place, "memory.high", needed, limit, 0);
        return 0;
}

int budget_cgroup_memory(const struct budget *b)
{
        uint64_t needed = budget_bytes(b, false);
        struct place place;
        int r = 0;

        if (!find_place(b, "memory", &place))
                return 0;
        if (place.counts_hugepages)
                needed = budget_bytes(b, true);
        if (needed == 0)
                return 0;
        do
                r = check_group_memory(b, &place, needed);
        while (r == 0 && go_up(&place));
        return r;
}

/* "hugetlb.2MB.rsvd.max": the kernel names sizes so (mem_fmt(), mm/hugetlb_cgroup.c). */
static void hugepage_file(char *text, size_t size, uint64_t page, const char *suffix)
{
        const unsigned int shift = page >= UINT64_C(1) << 30 ? 30 : page >= UINT64_C(1) << 20 ? 20 : 10;

        snprintf(text, size, "hugetlb.%" PRIu64 "%cB.%s", page >> shift,
                 shift == 30   ? 'G'
                 : shift == 20 ? 'M'
                               : 'K',
                 suffix);
}

/* Pages that are taken, or promised already (rsvd). */
static int check_group_hugepages(const struct budget *b, const struct place *place, size_t i, uint64_t page,
                                 uint64_t n_pages, bool promised)
{
        static const char *const suffixes[2][2][2] = {
                { { "limit_in_bytes", "usage_in_bytes" }, { "rsvd.limit_in_bytes", "rsvd.usage_in_bytes" } },
                { { "max", "current" }, { "rsvd.max", "rsvd.current" } },
        };
        const char *const *suffix = suffixes[place->v2][promised];
        struct iommuctl_shortage s = {
                .kind = IOMMUCTL_SHORTAGE_CGROUP_HUGEPAGES, .item = i, .needed = n_pages, .page_size = page
        };
        char limit_name[64], used_name[64];
        uint64_t limit, used = 0;

        hugepage_file(limit_name, sizeof(limit_name), page, suffix[0]);
        hugepage_file(used_name, sizeof(used_name), page, suffix[1]);
        if (!group_number(b, place, limit_name, &limit))
                return 0;
        group_number(b, place, used_name, &used);
        s.available = budget_left(limit, used) / page;
        if (n_pages <= s.available)
                return 0;
        return budget_short(b, s,
                            ctx_error(b->ctx, -ENOMEM, NULL,
                                      "the buffers need %" PRIu64 " hugepages of %" PRIu64
                                      " KiB and the cgroup /%s has room for %" PRIu64 " (%s is %" PRIu64
                                      " KiB, %" PRIu64 " KiB are in use)",
                                      n_pages, page / KIB, place->dir, s.available, limit_name, limit / KIB,
                                      used / KIB));
}

int budget_cgroup_hugepages(const struct budget *b, size_t i, uint64_t page, uint64_t n_pages)
{
        struct place place;
        int r = 0;

        if (!find_place(b, "hugetlb", &place))
                return 0;
        do
                for (int promised = 1; r == 0 && promised >= 0; promised--)
                        r = check_group_hugepages(b, &place, i, page, n_pages, promised);
        while (r == 0 && go_up(&place));
        return r;
}
