/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may be locked of memory. Two ways of counting exist, each against RLIMIT_MEMLOCK of the process that
 * maps:
 *   by process  mm->locked_vm, VmLck in /proc/PID/status: type1 (vfio_lock_acct(), drivers/vfio/
 *               vfio_iommu_type1.c), iommufd where it is told to, and mlock(2);
 *   by user     user->locked_vm of the real user: iommufd (incr_user_locked_vm(), drivers/iommu/iommufd/
 *               pages.c), io_uring. No file shows it; what it is made of is in mm->pinned_vm of each process,
 *               VmPin.
 * CAP_IPC_LOCK in the first user namespace lifts both. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "budget_internal.h"
#include "ctx.h"
#include "sysfs.h"

#define KIB 1024

/* Longer by what stands behind the lines that are wanted of it, if at all. */
#define STATUS_SIZE 8192

/* Bit of CAP_IPC_LOCK in the masks of /proc/PID/status (linux/capability.h). */
#define CAP_IPC_LOCK_BIT 14

static bool can_lock_all(const char *status)
{
        uint64_t caps = 0;

        return !budget_line(status, "CapEff", 16, &caps) || caps & UINT64_C(1) << CAP_IPC_LOCK_BIT;
}

/* A user namespace has capabilities of its own, which the kernel does not ask for here (capable()). All users
 * are mapped to themselves in the first one. */
static bool in_first_namespace(const struct budget *b)
{
        unsigned long inside, outside, count;
        char map[512] = "";

        if (sysfs_read(&b->fs, "proc/self/uid_map", map, sizeof(map)) <= 0 ||
            sscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3)
                return true;
        return inside == 0 && outside == 0 && count == UINT32_MAX;
}

/* Pages that iommufd or io_uring counted for this user may be among what PID has pinned; RDMA's are counted
 * by process. One that cannot be looked at is left out: a no must be sure. */
static bool pins_by_user(const struct budget *b, const char *pid)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        char path[64], target[64];
        const char *name;
        bool found = false;
        int r;

        snprintf(path, sizeof(path), "proc/%.16s/fd", pid);
        r = sysfs_dir_open(&dir, &b->fs, path);
        while (r >= 0 && !found && sysfs_dir_next(&dir, &name) > 0)
                found = sysfs_link_at(&b->fs, dir.fd, name, target, sizeof(target)) > 0 &&
                        (streq(target, "iommu") || streq(target, "anon_inode:[io_uring]"));
        return found;
}

/* What the process PID, another one of the user UID, has had counted: in KiB. */
static uint64_t pinned_by(const struct budget *b, const char *pid, uint64_t uid)
{
        char path[64], status[STATUS_SIZE] = "";
        uint64_t its_uid, kib = 0;

        snprintf(path, sizeof(path), "proc/%.16s/status", pid);
        sysfs_read(&b->fs, path, status, sizeof(status));
        if (!budget_line(status, "Uid", 10, &its_uid) || its_uid != uid ||
            !budget_line(status, "VmPin", 10, &kib) || kib == 0 || can_lock_all(status))
                return 0;
        return pins_by_user(b, pid) ? kib : 0;
}

/* The same of all other processes of our user, as far as can be seen. */
static uint64_t pinned_by_others(const struct budget *b, uint64_t own_pid, uint64_t uid)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        uint64_t kib = 0;
        const char *name;
        int r;

        r = sysfs_dir_open(&dir, &b->fs, "proc");
        while (r >= 0 && sysfs_dir_next(&dir, &name) > 0)
                if (*name >= '1' && *name <= '9' && strtoull(name, NULL, 10) != own_pid)
                        kib += pinned_by(b, name, uid);
        return kib;
}

static uint64_t pinned_by_user(const struct budget *b, const char *own_status, uint64_t uid)
{
        uint64_t own_pid = 0, kib = 0;

        budget_line(own_status, "VmPin", 10, &kib);
        budget_line(own_status, "Pid", 10, &own_pid);
        return b->own_only ? kib : kib + pinned_by_others(b, own_pid, uid);
}

static int no_room(const struct budget *b, uint64_t total, uint64_t limit, uint64_t used_kib, const char *by)
{
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_MEMLOCK,
                                       .item = b->n_items,
                                       .needed = total,
                                       .available = budget_left(limit, used_kib * KIB) };

        return budget_short(b, s,
                            ctx_error(b->ctx, -ENOMEM, NULL,
                                      "the buffers need %" PRIu64 " KiB of locked memory and %" PRIu64
                                      " KiB may be locked (RLIMIT_MEMLOCK is %" PRIu64 " KiB, %" PRIu64
                                      " KiB are in use%s, no CAP_IPC_LOCK): raise it with 'ulimit -l' or "
                                      "LimitMEMLOCK=",
                                      total / KIB, s.available / KIB, limit / KIB, used_kib, by));
}

/* How the memory will be counted; IOMMUCTL_ACCOUNTING_DEFAULT: not known. */
static int accounting_of(const struct budget *b, struct iommuctl_container *container)
{
        int accounting = container ? iommuctl_container_accounting(container) : IOMMUCTL_ACCOUNTING_DEFAULT;

        if (accounting > IOMMUCTL_ACCOUNTING_DEFAULT)
                return accounting;
        return sysfs_has_name(&b->fs, "dev/iommu") ? IOMMUCTL_ACCOUNTING_DEFAULT
                                                   : IOMMUCTL_ACCOUNTING_PROCESS;
}

int budget_memlock(const struct budget *b, uint64_t total, struct iommuctl_container *container)
{
        uint64_t limit, process_kib = 0, user_kib = 0, uid = 0;
        struct kernel *k = b->ctx->kernel;
        char status[STATUS_SIZE] = "", by[64];
        struct rlimit rlimit;
        int accounting;

        if (k->ops->getrlimit(k, RLIMIT_MEMLOCK, &rlimit) < 0 || rlimit.rlim_cur == RLIM_INFINITY)
                return 0;
        limit = rlimit.rlim_cur;
        sysfs_read(&b->fs, "proc/self/status", status, sizeof(status));
        if (!strstr(status, "CapEff:") || (can_lock_all(status) && in_first_namespace(b)))
                return 0;
        accounting = accounting_of(b, container);
        budget_line(status, "VmLck", 10, &process_kib);
        if (accounting != IOMMUCTL_ACCOUNTING_USER) {
                if (total <= budget_left(limit, process_kib * KIB))
                        return 0;
                if (accounting == IOMMUCTL_ACCOUNTING_PROCESS)
                        return no_room(b, total, limit, process_kib, "");
        }
        if (budget_line(status, "Uid", 10, &uid))
                user_kib = pinned_by_user(b, status, uid);
        if (total <= budget_left(limit, user_kib * KIB))
                return 0;
        if (accounting == IOMMUCTL_ACCOUNTING_DEFAULT && process_kib <= user_kib)
                return no_room(b, total, limit, process_kib, "");
        snprintf(by, sizeof(by), " by the processes of user %" PRIu64 " together", uid);
        return no_room(b, total, limit, user_kib, by);
}
