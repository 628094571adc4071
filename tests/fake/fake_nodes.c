/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What VFIO shows of itself: /dev/vfio/N, /dev/vfio/devices/vfioX, and their folders in sysfs. The group's
 * node is there while one of its devices is bound to a VFIO driver (vfio_device_set_group(),
 * drivers/vfio/group.c). */
#include "fake_internal.h"

#include <errno.h>

#define MAJOR_GROUP 511 /* dynamic majors: the first two free ones */
#define MAJOR_CDEV  510

/* /sys/dev/char has a link for each number. */
static void add_number(struct fake *m, unsigned int major, unsigned int minor, const char *path)
{
        char link[64];

        snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major, minor);
        fake_add_relative_link(m, link, path);
}

static void remove_number(struct fake *m, unsigned int major, unsigned int minor)
{
        char link[64];

        snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major, minor);
        fake_remove(m, link);
}

static void add_chr(struct fake *m, const char *path, unsigned int major, unsigned int minor, void *owner,
                    int (*open)(struct fake *m, struct fake_node *node, struct fake_file *file))
{
        struct fake_node *n = fake_put(m, FAKE_CHR, path);

        n->major = major;
        n->minor = minor;
        n->owner = owner;
        n->open = open;
        n->mode = 0600;
}

static const char *prefix(const struct fake_group *g)
{
        return g->noiommu ? "noiommu-" : "";
}

/* vfio_noiommu_group_alloc(): a group of its own, which taints the kernel. */
static void add_noiommu_group(struct fake *m, struct fake_device *d)
{
        unsigned int id = 0;
        char path[128];

        for (struct fake_group *g = m->groups; g; g = g->next)
                id = MAX(id, g->id + 1);
        fake_join_group(m, d, id);
        d->group->noiommu = true;
        snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/name", id);
        fake_printf_file(m, path, "vfio-noiommu\n");
}

static bool group_has_vfio(struct fake *m, const struct fake_group *g, const struct fake_device *but)
{
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (d->group == g && d->vfio_index >= 0 && d != but)
                        return true;
        return false;
}

/* The nodes in /dev, which udev or devtmpfs makes, perhaps a moment later. */
static void make_dev_nodes(struct fake *m, void *userdata)
{
        struct fake_device *d = userdata;
        char path[300];

        if (d->vfio_index < 0)
                return;
        snprintf(path, sizeof(path), "/dev/vfio/%s%u", prefix(d->group), d->group->id);
        if (!m->options.no_group && !fake_node_at(m, path))
                add_chr(m, path, MAJOR_GROUP, d->group->id, d->group, fake_group_open);
        if (!m->options.no_cdev && !m->options.no_iommufd && !d->group->noiommu) {
                snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%d", d->vfio_index);
                add_chr(m, path, MAJOR_CDEV, (unsigned int)d->vfio_index, d, fake_cdev_open);
        }
}

/* The probe's part: an ordinary header, a group; then the class devices. */
int fake_vfio_register(struct fake *m, struct fake_device *d)
{
        char path[700], link[300];

        if (!d->group && m->options.noiommu)
                add_noiommu_group(m, d);
        if (!d->group || (streq(d->bus, "pci") && d->pci.header_type != 0))
                return -EINVAL; /* vfio_pci_core_register_device(), vfio_group_find_or_alloc() */
        if (!m->options.no_group && !group_has_vfio(m, d->group, NULL)) {
                snprintf(path, sizeof(path), "/sys/devices/virtual/vfio/%s%u/dev", prefix(d->group),
                         d->group->id);
                fake_printf_file(m, path, "%u:%u\n", MAJOR_GROUP, d->group->id);
                *strrchr(path, '/') = '\0';
                snprintf(link, sizeof(link), "/sys/class/vfio/%s%u", prefix(d->group), d->group->id);
                fake_add_relative_link(m, link, path);
                add_number(m, MAJOR_GROUP, d->group->id, path);
        }
        d->vfio_index = m->next_vfio_index++;
        if (!m->options.no_cdev && !m->options.no_iommufd && !d->group->noiommu) {
                snprintf(path, sizeof(path), "%s/vfio-dev/vfio%d/dev", d->path, d->vfio_index);
                fake_printf_file(m, path, "%u:%d\n", MAJOR_CDEV, d->vfio_index);
                *strrchr(path, '/') = '\0';
                snprintf(link, sizeof(link), "/sys/class/vfio-dev/vfio%d", d->vfio_index);
                fake_add_relative_link(m, link, path);
                add_number(m, MAJOR_CDEV, (unsigned int)d->vfio_index, path);
                strcat(path, "/device");
                fake_add_relative_link(m, path, d->path);
        } else {
                /* Before 6.6 the class device was there, without a number (no "dev" file). */
                snprintf(path, sizeof(path), "%s/vfio-dev/vfio%d", d->path, d->vfio_index);
                fake_mkdirs(m, path);
        }
        if (m->node_delay)
                fake_at(m, m->node_delay, make_dev_nodes, d);
        else
                make_dev_nodes(m, d);
        return 0;
}

void fake_vfio_unregister(struct fake *m, struct fake_device *d)
{
        char path[700];

        snprintf(path, sizeof(path), "%s/vfio-dev", d->path);
        fake_remove(m, path);
        snprintf(path, sizeof(path), "/sys/class/vfio-dev/vfio%d", d->vfio_index);
        fake_remove(m, path);
        snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%d", d->vfio_index);
        fake_remove(m, path);
        remove_number(m, MAJOR_CDEV, (unsigned int)d->vfio_index);
        d->vfio_index = -1;
        if (group_has_vfio(m, d->group, d))
                return;
        snprintf(path, sizeof(path), "/dev/vfio/%s%u", prefix(d->group), d->group->id);
        fake_remove(m, path);
        remove_number(m, MAJOR_GROUP, d->group->id);
        snprintf(path, sizeof(path), "/sys/class/vfio/%s%u", prefix(d->group), d->group->id);
        fake_remove(m, path);
        snprintf(path, sizeof(path), "/sys/devices/virtual/vfio/%s%u", prefix(d->group), d->group->id);
        fake_remove(m, path);
}

void fake_set_node_delay(struct fake *m, uint64_t ns)
{
        m->node_delay = ns;
}

/* The nodes that are there before any device. */
void fake_vfio_base_nodes(struct fake *m)
{
        fake_mkdirs(m, "/dev/vfio");
        fake_mkdirs(m, "/sys/class/vfio");
        add_chr(m, "/dev/vfio/vfio", 10, 196, NULL, fake_container_open);
        fake_node_at(m, "/dev/vfio/vfio")->mode = 0666;
        if (m->options.no_iommufd)
                return;
        add_chr(m, "/dev/iommu", 10, 125, NULL, fake_iommufd_open);
        fake_add_file(m, "/sys/class/misc/iommu/dev", "10:125\n");
}
