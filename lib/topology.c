/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A topology as a whole: gathered, put in order, linked, freed. */

#include "topology.h"

#include <errno.h>
#include <stdlib.h>

bool topology_fatal(int r)
{
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

int topology_reserve(void **array, size_t *n_allocated, size_t n, size_t size)
{
        size_t more = MAX(n * 2, (size_t)64);
        void *grown;

        if (n < *n_allocated)
                return 0;
        grown = reallocarray(*array, more, size);
        if (!grown)
                return -ENOMEM;
        *array = grown;
        *n_allocated = more;
        return 0;
}

int device_info_compare(const struct iommuctl_device_info *a, const struct iommuctl_device_info *b)
{
        int r;

        if (a->has_address != b->has_address)
                return a->has_address ? -1 : 1;
        if (a->has_address)
                return iommuctl_address_compare(a->address, b->address);
        r = strcmp(a->bus ?: "", b->bus ?: "");
        /* dev.9 before dev.10 */
        return r != 0 ? r : strverscmp(a->name, b->name);
}

static int compare_devices(const void *a, const void *b)
{
        return device_info_compare(*(const struct iommuctl_device_info *const *)a,
                                   *(const struct iommuctl_device_info *const *)b);
}

static int compare_groups(const void *a, const void *b)
{
        const struct iommuctl_group_info *x = a, *y = b;

        return x->id < y->id ? -1 : x->id > y->id;
}

struct iommuctl_group_info *topology_find_group(const struct iommuctl_topology *t, uint32_t id)
{
        struct iommuctl_group_info key = { .id = id };

        if (t->n_groups == 0)
                return NULL;
        return bsearch(&key, t->groups, t->n_groups, sizeof(key), compare_groups);
}

/* Orders the groups; one that was found twice stays once. */
static void sort_groups(struct iommuctl_topology *t)
{
        size_t n = 0;

        if (t->n_groups == 0)
                return;
        qsort(t->groups, t->n_groups, sizeof(*t->groups), compare_groups);
        for (size_t i = 0; i < t->n_groups; i++)
                if (n == 0 || t->groups[n - 1].id != t->groups[i].id)
                        t->groups[n++] = t->groups[i];
                else if (t->groups[i].devices_error)
                        t->groups[n - 1].devices_error = t->groups[i].devices_error;
        t->n_groups = n;
}

/* Orders the devices and gives each group its part of them. */
static int link_devices(struct iommuctl_topology *t)
{
        size_t n = 0;

        t->sorted = calloc(t->n_devices + 1, sizeof(struct iommuctl_device_info *));
        t->by_group = calloc(t->n_devices + 1, sizeof(struct iommuctl_device_info *));
        if (!t->sorted || !t->by_group)
                return -ENOMEM;
        for (size_t i = 0; i < t->n_devices; i++) {
                struct iommuctl_device_info *d = &t->devices[i];

                t->sorted[i] = d;
                d->group = d->group_id == NO_GROUP ? NULL : topology_find_group(t, d->group_id);
                if (d->group)
                        d->group->n_devices++;
                else if (!t->groups_known)
                        d->group_unknown = true;
        }
        qsort(t->sorted, t->n_devices, sizeof(struct iommuctl_device_info *), compare_devices);
        for (size_t i = 0; i < t->n_groups; i++) {
                t->groups[i].devices = t->by_group + n;
                n += t->groups[i].n_devices;
                t->groups[i].n_devices = 0;
        }
        for (size_t i = 0; i < t->n_devices; i++) {
                struct iommuctl_group_info *g = t->sorted[i]->group;

                if (g)
                        g->devices[g->n_devices++] = t->sorted[i];
        }
        return 0;
}

static int read_what_hangs_together(struct iommuctl_topology *t)
{
        char *text _cleanup_free_ = malloc(GROUP_TEXT);
        int r = text ? topology_read_noiommu(t) : -ENOMEM;

        for (size_t i = 0; i < t->n_groups && r >= 0; i++)
                r = topology_read_group(t, &t->groups[i], text);
        if (t->what & IOMMUCTL_READ_ATTRIBUTES)
                for (size_t i = 0; i < t->n_devices && r >= 0; i++)
                        r = topology_device_nodes(t, &t->devices[i]);
        return r;
}

/* -ENOENT where nothing was found because there is no sysfs to find it in. */
static int check_sysfs(struct iommuctl_topology *t)
{
        static const char *const parts[] = { "sys/kernel", "sys/bus", "sys/class", "sys/devices" };
        const char *root = t->ctx->root ?: "";

        if (t->n_devices + t->n_groups + t->n_units > 0)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (sysfs_exists(&t->sysfs, parts[i]))
                        return 0;
        return ctx_error(t->ctx, -ENOENT, NULL, "no sysfs in %s/sys", streq(root, "/") ? "" : root);
}

static int topology_read(struct iommuctl_topology *t)
{
        int r;

        r = topology_walk(t);
        if (r >= 0)
                r = topology_read_units(t);
        if (r >= 0)
                r = check_sysfs(t);
        if (r < 0)
                return r;
        sort_groups(t);
        r = link_devices(t);
        return r < 0 ? r : read_what_hangs_together(t);
}

_public_ int iommuctl_topology_new(struct iommuctl_ctx *ctx, unsigned int what,
                                   struct iommuctl_topology **ret_topology)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        int r;

        if (what & ~(unsigned int)IOMMUCTL_READ_ALL)
                return ctx_error(ctx, -EINVAL, NULL, "a topology cannot read what bits 0x%x stand for",
                                 what & ~(unsigned int)IOMMUCTL_READ_ALL);
        t = calloc(1, sizeof(*t));
        if (!t)
                return ctx_error(ctx, -ENOMEM, NULL, "out of memory reading the topology");
        t->ctx = iommuctl_ctx_ref(ctx);
        t->sysfs = (struct sysfs){ ctx->kernel, ctx->root_fd, ctx->root != NULL };
        t->what = what;
        r = topology_read(t);
        if (r < 0 && r != -ENOENT)
                return ctx_error(ctx, r, NULL, "cannot read the topology: %s", strerror(-r));
        if (r < 0)
                return r;
        *ret_topology = TAKE_PTR(t);
        return 0;
}

_public_ void iommuctl_topology_free(struct iommuctl_topology *t)
{
        if (!t)
                return;
        for (size_t i = 0; i < t->n_groups; i++)
                free(t->groups[i].regions);
        free(t->devices);
        free(t->groups);
        free(t->units);
        free(t->sorted);
        free(t->by_group);
        arena_free(&t->arena);
        iommuctl_ctx_unref(t->ctx);
        free(t);
}

_public_ bool iommuctl_topology_groups_known(const struct iommuctl_topology *t)
{
        return t->groups_known;
}

_public_ size_t iommuctl_topology_n_groups(const struct iommuctl_topology *t)
{
        return t->n_groups;
}

_public_ const struct iommuctl_group_info *iommuctl_topology_group(const struct iommuctl_topology *t,
                                                                   size_t index)
{
        return index < t->n_groups ? &t->groups[index] : NULL;
}

_public_ const struct iommuctl_group_info *iommuctl_topology_find_group(const struct iommuctl_topology *t,
                                                                        unsigned int id)
{
        return topology_find_group(t, id);
}

_public_ size_t iommuctl_topology_n_devices(const struct iommuctl_topology *t)
{
        return t->n_devices;
}

_public_ const struct iommuctl_device_info *iommuctl_topology_device(const struct iommuctl_topology *t,
                                                                     size_t index)
{
        return index < t->n_devices ? t->sorted[index] : NULL;
}

_public_ const struct iommuctl_device_info *iommuctl_topology_find_device(const struct iommuctl_topology *t,
                                                                          const char *name)
{
        for (size_t i = 0; i < t->n_devices; i++)
                if (streq(t->sorted[i]->name, name))
                        return t->sorted[i];
        return NULL;
}
