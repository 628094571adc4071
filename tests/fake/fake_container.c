/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /dev/vfio/vfio and /dev/vfio/N: containers, groups, and the order they must be put together in
 * (drivers/vfio/container.c, drivers/vfio/group.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_vfio.h"

static void container_put(struct fake *m, struct fake_container *c)
{
        struct fake_container **p = &m->containers;

        if (--c->refs > 0)
                return;
        while (*p != c)
                p = &(*p)->next;
        *p = c->next;
        free(c);
}

unsigned int fake_container_ranges(struct fake *m, const struct fake_container *c,
                                   struct fake_range ranges[FAKE_MAX_RANGES])
{
        unsigned int n = 1;

        ranges[0] = (struct fake_range){ 0, UINT64_MAX };
        for (struct fake_group *g = m->groups; g; g = g->next)
                if (g->container == c)
                        n = fake_ranges_exclude(ranges, n, g);
        return n;
}

/* vfio_container_attach_group(): the group's DMA must be free to take; where the container is set up already,
 * its mappings must fit. */
int fake_container_attach(struct fake *m, struct fake_container *c, struct fake_group *g)
{
        struct fake_range ranges[FAKE_MAX_RANGES];
        unsigned int n;
        int r;

        if (!fake_group_claimable(m, g) || g->dma_owner)
                return -EPERM;
        if (g->noiommu && m->uid != 0) /* capable(CAP_SYS_RAWIO) */
                return -EPERM;
        /* with an IOMMU or without, not both */
        for (struct fake_group *o = m->groups; o; o = o->next)
                if (o->container == c && o->noiommu != g->noiommu)
                        return -EPERM;
        if (c->set && !g->noiommu) {
                r = fake_group_may_attach(m, g);
                if (r < 0)
                        return r;
                n = fake_container_ranges(m, c, ranges);
                n = fake_ranges_exclude(ranges, n, g);
                if (!fake_space_fits(&c->space, ranges, n))
                        return -EINVAL;
        }
        g->container = c;
        g->container_users = 1;
        g->dma_owner = c;
        c->refs++;
        return 0;
}

static bool has_groups(struct fake *m, const struct fake_container *c)
{
        for (struct fake_group *g = m->groups; g; g = g->next)
                if (g->container == c)
                        return true;
        return false;
}

/* The last group takes the address space with it, mappings and all. */
void fake_container_detach(struct fake *m, struct fake_group *g)
{
        struct fake_container *c = g->container;

        g->container = NULL;
        g->container_users = 0;
        g->dma_owner = NULL;
        if (c->set && !has_groups(m, c)) {
                fake_space_clear(m, &c->space);
                c->set = false;
                c->tracking = false;
        }
        container_put(m, c);
}

static bool is_noiommu(struct fake *m, const struct fake_container *c)
{
        for (struct fake_group *g = m->groups; g; g = g->next)
                if (g->container == c)
                        return g->noiommu;
        return false;
}

/* vfio_ioctl_set_iommu() */
static int set_iommu(struct fake *m, struct fake_container *c, unsigned long type)
{
        struct fake_range ranges[FAKE_MAX_RANGES];
        int r;

        if (!has_groups(m, c) || c->set)
                return -EINVAL;
        if (is_noiommu(m, c) || type == VFIO_NOIOMMU_IOMMU) {
                if (!is_noiommu(m, c) || type != VFIO_NOIOMMU_IOMMU)
                        return -EINVAL; /* vfio_iommu_driver_allowed(), vfio_noiommu_open() */
                c->set = true;
                return 0;
        }
        if (m->options.no_type1 || (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU))
                return -ENODEV;
        for (struct fake_group *g = m->groups; g; g = g->next) {
                if (g->container != c)
                        continue;
                r = fake_group_may_attach(m, g);
                if (r < 0)
                        return r;
        }
        if (fake_container_ranges(m, c, ranges) == 0)
                return -EINVAL;
        c->set = true;
        c->v2 = type == VFIO_TYPE1v2_IOMMU;
        c->space.pinned = true;
        c->space.by_address = true;
        return 0;
}

static int container_ioctl(struct fake *m, struct fake_file *f, unsigned long request, void *arg)
{
        struct fake_container *c = f->priv;
        unsigned long value = (unsigned long)(uintptr_t)arg;

        switch (request) {
        case VFIO_GET_API_VERSION:
                return VFIO_API_VERSION;
        case VFIO_CHECK_EXTENSION:
                if (value == VFIO_NOIOMMU_IOMMU)
                        return m->options.noiommu;
                if (m->options.spapr)
                        return value == VFIO_SPAPR_TCE_IOMMU || value == VFIO_SPAPR_TCE_v2_IOMMU;
                return !m->options.no_type1 &&
                       ((value == VFIO_DMA_CC_IOMMU && c->set && !m->options.no_snoop_control) ||
                        value == VFIO_TYPE1_IOMMU || value == VFIO_TYPE1v2_IOMMU ||
                        (value == VFIO_UNMAP_ALL && fake_kernel_is(m, 5, 12)) ||
                        (value == VFIO_UPDATE_VADDR && fake_type1_updates_vaddr(m, c)));
        case VFIO_SET_IOMMU:
                return set_iommu(m, c, value);
        default:
                if (c->set && is_noiommu(m, c))
                        return -ENOTTY;
                return c->set ? fake_type1_ioctl(m, c, request, arg) : -EINVAL;
        }
}

static void container_release(struct fake *m, struct fake_file *f)
{
        container_put(m, f->priv);
}

static const struct fake_file_ops container_ops = {
        .ioctl = container_ioctl,
        .release = container_release,
        .what = "container",
};

int fake_container_open(struct fake *m, struct fake_node *node, struct fake_file *file)
{
        struct fake_container *c = fake_zalloc(sizeof(*c));

        (void)node;
        c->refs = 1;
        c->next = m->containers;
        m->containers = c;
        file->ops = &container_ops;
        file->priv = c;
        return 0;
}

struct fake_container *fake_container_of(const struct fake_file *f)
{
        return f && f->ops == &container_ops ? f->priv : NULL;
}

static int get_status(struct fake *m, const struct fake_group *g, struct vfio_group_status *status)
{
        if (status->argsz < sizeof(*status))
                return -EINVAL;
        status->flags = 0;
        if (g->container)
                status->flags = VFIO_GROUP_FLAGS_CONTAINER_SET | VFIO_GROUP_FLAGS_VIABLE;
        else if (fake_group_claimable(m, g) && !g->dma_owner)
                status->flags = VFIO_GROUP_FLAGS_VIABLE;
        return 0;
}

static int set_container(struct fake *m, struct fake_group *g, int fd)
{
        struct fake_file *f = fake_file_get(m, fd);
        struct fake_container *c = fake_container_of(f);

        if (!f)
                return -EBADF;
        if (g->container)
                return -EINVAL;
        return c ? fake_container_attach(m, c, g) : -EBADFD;
}

static int unset_container(struct fake *m, struct fake_group *g)
{
        if (!g->container)
                return -EINVAL;
        if (g->container_users != 1)
                return -EBUSY;
        fake_container_detach(m, g);
        return 0;
}

static int group_ioctl(struct fake *m, struct fake_file *f, unsigned long request, void *arg)
{
        struct fake_group *g = f->priv;
        struct fake_device *d;
        char name[256];
        int length;

        switch (request) {
        case VFIO_GROUP_GET_STATUS:
                return get_status(m, g, arg);
        case VFIO_GROUP_SET_CONTAINER:
                return set_container(m, g, *(const int *)arg);
        case VFIO_GROUP_UNSET_CONTAINER:
                return unset_container(m, g);
        case VFIO_GROUP_GET_DEVICE_FD:
                length = (int)strcspn(arg, " ");
                snprintf(name, sizeof(name), "%.*s", length, (const char *)arg);
                d = fake_find_device(m, name);
                if (!d || d->group != g || d->vfio_index < 0)
                        return -ENODEV;
                return fake_device_open_by_group(m, f, d, (const char *)arg + length);
        default:
                return -ENOTTY;
        }
}

static void group_release(struct fake *m, struct fake_file *f)
{
        struct fake_group *g = f->priv;

        if (g->container)
                fake_container_detach(m, g);
        g->opened_by = NULL;
}

static const struct fake_file_ops group_ops = { .ioctl = group_ioctl,
                                                .release = group_release,
                                                .what = "group" };

struct fake_group *fake_group_of(const struct fake_file *f)
{
        return f && f->ops == &group_ops ? f->priv : NULL;
}

/* One open at a time, and none while one of its devices is open by its own node (vfio_group_fops_open()). */
int fake_group_open(struct fake *m, struct fake_node *node, struct fake_file *file)
{
        struct fake_group *g = node->owner;

        if (g->noiommu && m->uid != 0)
                return -EPERM;
        if (g->opened_by || g->cdev_users)
                return -EBUSY;
        g->opened_by = file;
        file->ops = &group_ops;
        file->priv = g;
        return 0;
}
