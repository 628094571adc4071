/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/blocker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctx.h"
#include "sysfs.h"
#include "topology.h"

/* A blocker while they are gathered: with room for its texts. */
struct found {
        enum iommuctl_blocker_kind kind;
        pid_t pid;
        char device[256], driver[64], process[64], node[80];
};

struct list {
        struct found *items;
        size_t n;
};

_public_ const char *iommuctl_blocker_name(enum iommuctl_blocker_kind kind)
{
        switch (kind) {
        case IOMMUCTL_BLOCKER_NO_GROUP:
                return "no-group";
        case IOMMUCTL_BLOCKER_NOIOMMU:
                return "noiommu";
        case IOMMUCTL_BLOCKER_UNBOUND:
                return "unbound";
        case IOMMUCTL_BLOCKER_DRIVER:
                return "driver";
        case IOMMUCTL_BLOCKER_PROCESS:
                return "process";
        }
        return NULL;
}

/* NULL without memory. */
static struct found *add(struct list *l, enum iommuctl_blocker_kind kind, const char *device)
{
        struct found *items = reallocarray(l->items, l->n + 1, sizeof(*items)), *f;

        if (!items)
                return NULL;
        l->items = items;
        f = &items[l->n++];
        memset(f, 0, sizeof(*f));
        f->kind = kind;
        if (device)
                snprintf(f->device, sizeof(f->device), "%s", device);
        return f;
}

static int find_drivers(const struct iommuctl_group_info *g, struct list *l)
{
        bool bound = false;

        for (size_t i = 0; i < iommuctl_group_info_n_devices(g); i++) {
                const struct iommuctl_device_info *d = iommuctl_group_info_device(g, i);
                struct found *f;

                bound |= iommuctl_device_info_vfio_bound(d);
                if (!iommuctl_device_info_blocks_group(d))
                        continue;
                f = add(l, IOMMUCTL_BLOCKER_DRIVER, iommuctl_device_info_name(d));
                if (!f)
                        return -ENOMEM;
                snprintf(f->driver, sizeof(f->driver), "%s", iommuctl_device_info_driver(d) ?: "");
        }
        return bound || add(l, IOMMUCTL_BLOCKER_UNBOUND, NULL) ? 0 : -ENOMEM;
}

/* Whether TARGET is a node of the group: *ret_device is the device whose own it is, or NULL. */
static bool is_node(const struct iommuctl_group_info *g, const char *target, const char **ret_device)
{
        char node[40];

        snprintf(node, sizeof(node), "/dev/vfio/%s%u", iommuctl_group_info_noiommu(g) ? "noiommu-" : "",
                 iommuctl_group_info_id(g));
        *ret_device = NULL;
        if (streq(target, node))
                return true;
        for (size_t i = 0; i < iommuctl_group_info_n_devices(g); i++) {
                const struct iommuctl_device_info *d = iommuctl_group_info_device(g, i);
                const char *cdev = iommuctl_device_info_vfio_cdev(d);

                if (!cdev || !streq(target, cdev))
                        continue;
                *ret_device = iommuctl_device_info_name(d);
                return true;
        }
        return false;
}

static bool has(const struct list *l, pid_t pid, const char *node)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].pid == pid && streq(l->items[i].node, node))
                        return true;
        return false;
}

/* One process that may be looked at; each node of it once. */
static int look_at(const struct sysfs *s, const char *pid, const struct iommuctl_group_info *g,
                   struct list *l)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const pid_t number = (pid_t)strtol(pid, NULL, 10);
        char path[64], target[sizeof(((struct found *)0)->node)];
        const char *name, *device;
        int r;

        snprintf(path, sizeof(path), "proc/%.16s/fd", pid);
        r = sysfs_dir_open(&dir, s, path);
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                ssize_t n = s->k->ops->readlinkat(s->k, dir.fd, name, target, sizeof(target) - 1);
                struct found *f;

                if (n <= 0)
                        continue;
                target[n] = '\0';
                if (!is_node(g, target, &device) || has(l, number, target))
                        continue;
                f = add(l, IOMMUCTL_BLOCKER_PROCESS, device);
                if (!f)
                        return -ENOMEM;
                f->pid = number;
                snprintf(f->node, sizeof(f->node), "%s", target);
                snprintf(path, sizeof(path), "proc/%.16s/comm", pid);
                if (sysfs_attr(s, path, f->process, sizeof(f->process)) < 0)
                        f->process[0] = '\0';
        }
        return 0;
}

static int find_processes(struct iommuctl_ctx *ctx, const struct iommuctl_group_info *g, struct list *l)
{
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *pid;
        int r;

        r = sysfs_dir_open(&dir, &s, "proc");
        while (r >= 0 && (r = sysfs_dir_next(&dir, &pid)) > 0)
                if (pid[0] >= '0' && pid[0] <= '9' && look_at(&s, pid, g, l) < 0)
                        return -ENOMEM;
        return 0; /* where /proc is hidden nobody is seen */
}

static int find_all(struct iommuctl_ctx *ctx, const struct iommuctl_topology *t, unsigned int id,
                    struct list *l)
{
        const struct iommuctl_group_info *g = iommuctl_topology_find_group(t, id);
        int r;

        if (!g)
                return add(l, IOMMUCTL_BLOCKER_NO_GROUP, NULL) ? 0 : -ENOMEM;
        if (iommuctl_group_info_noiommu(g) && !add(l, IOMMUCTL_BLOCKER_NOIOMMU, NULL))
                return -ENOMEM;
        r = find_drivers(g, l);
        return r < 0 ? r : find_processes(ctx, g, l);
}

static const char *keep(char **at, const char *text)
{
        const char *kept = *at;
        size_t size = strlen(text) + 1;

        memcpy(*at, text, size);
        *at += size;
        return kept;
}

/* One block: the array, then the texts. */
static struct iommuctl_blocker *pack(const struct list *l)
{
        struct iommuctl_blocker *blockers;
        size_t size = 1;
        char *at;

        for (size_t i = 0; i < l->n; i++)
                size += sizeof(*blockers) + strlen(l->items[i].device) + strlen(l->items[i].driver) +
                        strlen(l->items[i].process) + strlen(l->items[i].node) + 4;
        blockers = calloc(1, size);
        if (!blockers)
                return NULL;
        at = (char *)(blockers + l->n);
        for (size_t i = 0; i < l->n; i++) {
                const struct found *f = &l->items[i];
                const bool process = f->kind == IOMMUCTL_BLOCKER_PROCESS;

                blockers[i] = (struct iommuctl_blocker){
                        .kind = f->kind,
                        .pid = f->pid,
                        .device = f->device[0] ? keep(&at, f->device) : NULL,
                        .driver = f->kind == IOMMUCTL_BLOCKER_DRIVER ? keep(&at, f->driver) : NULL,
                        .process = process ? keep(&at, f->process) : NULL,
                        .node = process ? keep(&at, f->node) : NULL,
                };
        }
        return blockers;
}

_public_ int iommuctl_group_blockers(struct iommuctl_ctx *ctx, unsigned int id,
                                     struct iommuctl_blocker **ret_blockers)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        struct iommuctl_blocker *blockers;
        struct list l = { NULL, 0 };
        int r;

        r = iommuctl_topology_new(ctx, IOMMUCTL_READ_ATTRIBUTES | IOMMUCTL_READ_GROUPS, &t);
        if (r < 0)
                return r;
        r = find_all(ctx, t, id, &l);
        blockers = r >= 0 ? pack(&l) : NULL;
        free(l.items);
        if (!blockers)
                return ctx_error(ctx, -ENOMEM, NULL, "out of memory");
        *ret_blockers = blockers;
        return (int)l.n;
}
