/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "explain_process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sysfs.h"

static bool has_open(const struct sysfs *s, const char *pid, const char *node)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        char path[64], target[256];
        const char *name;
        int r;

        snprintf(path, sizeof(path), "proc/%.16s/fd", pid);
        r = sysfs_dir_open(&dir, s, path);
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                ssize_t n = s->k->ops->readlinkat(s->k, dir.fd, name, target, sizeof(target) - 1);

                if (n <= 0)
                        continue;
                target[n] = '\0';
                if (target[0] == '/' && streq(target + 1, node))
                        return true;
        }
        return false;
}

bool find_holder(struct iommuctl_ctx *ctx, const char *node, char *text, size_t size)
{
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *pid;
        int r;

        r = sysfs_dir_open(&dir, &s, "proc");
        while (r >= 0 && (r = sysfs_dir_next(&dir, &pid)) > 0) {
                char path[64], comm[64];

                if (pid[0] < '0' || pid[0] > '9' || !has_open(&s, pid, node))
                        continue;
                if (strtol(pid, NULL, 10) == ctx->kernel->ops->getpid(ctx->kernel)) {
                        snprintf(text, size, "this process");
                        return true;
                }
                snprintf(path, sizeof(path), "proc/%.16s/comm", pid);
                if (sysfs_attr(&s, path, comm, sizeof(comm)) < 0)
                        snprintf(comm, sizeof(comm), "unknown");
                snprintf(text, size, "process %s (%s)", pid, comm);
                return true;
        }
        return false;
}

/* "VmLck:      132 kB" in the text of /proc/self/status. */
static uint64_t status_kib(const char *status, const char *key)
{
        const char *line = strstr(status, key);

        return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

void describe_locked_memory(struct iommuctl_ctx *ctx, char *text, size_t size)
{
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        struct rlimit limit;
        char status[4096];
        uint64_t locked;
        ssize_t n;

        /* What matters is in the first lines, should the rest not fit. */
        n = sysfs_read(&s, "proc/self/status", status, sizeof(status));
        if (n < 0 && n != -EOVERFLOW)
                status[0] = '\0';
        /* type1 counts as locked (VmLck), iommufd as pinned (VmPin). */
        locked = status_kib(status, "\nVmLck:") + status_kib(status, "\nVmPin:");
        if (ctx->kernel->ops->getrlimit(ctx->kernel, RLIMIT_MEMLOCK, &limit) < 0 ||
            limit.rlim_cur == RLIM_INFINITY)
                snprintf(text, size,
                         "RLIMIT_MEMLOCK sets no limit, %" PRIu64
                         " KiB are locked now: the kernel is out of memory",
                         locked);
        else
                snprintf(text, size,
                         "RLIMIT_MEMLOCK is %" PRIu64 " KiB and %" PRIu64
                         " KiB are locked now (raise it with ulimit -l, LimitMEMLOCK= or CAP_IPC_LOCK)",
                         (uint64_t)limit.rlim_cur >> 10, locked);
}
