/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "region.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

static int read_info(struct iommuctl_device *d, unsigned int index, struct vfio_region_facts *ret_facts)
{
        struct vfio_region_info fixed = { .index = index };
        struct kernel *k = container_kernel(d->container);
        struct iommuctl_ctx *ctx = d->container->ctx;
        struct vfio_info info;
        int r;

        r = device_check_here(d);
        if (r < 0)
                return r;
        r = vfio_info_get(k, d->fd, VFIO_DEVICE_GET_REGION_INFO, &fixed, sizeof(fixed), &info);
        /* vfio-pci says so of the VGA region where the device is no VGA card */
        if (r == -EINVAL)
                return ctx_error(ctx, -ENXIO, d->name, "%s has nothing behind region %u", d->name, index);
        if (r >= 0) {
                r = vfio_region_facts_parse(&info, ret_facts);
                free(info.data);
        }
        if (r < 0)
                return ctx_error(ctx, r, d->name, "region %u of %s cannot be read about: %s", index, d->name,
                                 strerror(-r));
        if (ret_facts->size == 0) {
                free(ret_facts->areas);
                return ctx_error(ctx, -ENXIO, d->name, "%s has nothing behind region %u", d->name, index);
        }
        return 0;
}

_public_ int iommuctl_region_open(struct iommuctl_device *device, unsigned int index,
                                  struct iommuctl_region **ret_region)
{
        struct vfio_region_facts facts;
        struct iommuctl_region *region;
        int r;

        if (index >= device->n_regions)
                return ctx_error(device->container->ctx, -EINVAL, device->name,
                                 "%s has %u regions, no number %u", device->name, device->n_regions, index);
        r = read_info(device, index, &facts);
        if (r < 0)
                return r;
        region = calloc(1, sizeof(*region));
        if (!region) {
                free(facts.areas);
                return ctx_error(device->container->ctx, -ENOMEM, device->name, "out of memory");
        }
        region->device = iommuctl_device_ref(device);
        region->index = index;
        region->facts = facts;
        region->ones_fd = -1;
        pthread_mutex_init(&region->lock, NULL);
        pthread_mutex_lock(&device->lock);
        region->next = device->regions;
        device->regions = region;
        pthread_mutex_unlock(&device->lock);
        *ret_region = region;
        return 0;
}

/* Whether the region says that it is of this type; what cannot be read about is of none. */
static int is_of_type(struct iommuctl_device *d, unsigned int index, uint32_t type, uint32_t subtype)
{
        struct vfio_region_facts f;
        int r;

        r = read_info(d, index, &f);
        if (r < 0)
                return r == -ENXIO ? 0 : r;
        free(f.areas);
        return f.has_type && f.type == type && f.subtype == subtype;
}

_public_ int iommuctl_region_open_type(struct iommuctl_device *device, uint32_t type, uint32_t subtype,
                                       struct iommuctl_region **ret_region)
{
        /* The first of a PCI device have their fixed meaning (enum in <linux/vfio.h>). */
        unsigned int index = device->flags & VFIO_DEVICE_FLAGS_PCI ? VFIO_PCI_NUM_REGIONS : 0;
        int r;

        for (; index < device->n_regions; index++) {
                r = is_of_type(device, index, type, subtype);
                if (r < 0)
                        return r;
                if (r > 0)
                        return iommuctl_region_open(device, index, ret_region);
        }
        return ctx_error(device->container->ctx, -ENXIO, device->name,
                         "%s has no region of type 0x%x, subtype 0x%x", device->name, type, subtype);
}

static void leave_device(struct iommuctl_region *region)
{
        struct iommuctl_device *d = region->device;

        pthread_mutex_lock(&d->lock);
        for (struct iommuctl_region **p = &d->regions; *p; p = &(*p)->next) {
                if (*p == region) {
                        *p = region->next;
                        break;
                }
        }
        pthread_mutex_unlock(&d->lock);
}

_public_ void iommuctl_region_free(struct iommuctl_region *region)
{
        if (!region)
                return;
        leave_device(region);
        while (region->maps) {
                struct region_map *map = region->maps;

                region->maps = map->next;
                sigbus_unguard(map->guard);
                region_kernel(region)->ops->munmap(region_kernel(region), map->start, map->length);
                free(map);
        }
        if (region->ones_fd >= 0)
                region_kernel(region)->ops->close(region_kernel(region), region->ones_fd);
        pthread_mutex_destroy(&region->lock);
        iommuctl_device_unref(region->device);
        free(region->facts.areas);
        free(region);
}

_public_ uint64_t iommuctl_region_size(const struct iommuctl_region *region)
{
        return region->facts.size;
}

_public_ unsigned int iommuctl_region_flags(const struct iommuctl_region *region)
{
        unsigned int flags = 0;

        if (region->facts.flags & VFIO_REGION_INFO_FLAG_READ)
                flags |= IOMMUCTL_REGION_READ;
        if (region->facts.flags & VFIO_REGION_INFO_FLAG_WRITE)
                flags |= IOMMUCTL_REGION_WRITE;
        if (region->facts.n_areas > 0)
                flags |= IOMMUCTL_REGION_MMAP;
        return flags;
}

_public_ uint64_t iommuctl_region_offset(const struct iommuctl_region *region)
{
        return region->facts.offset;
}

_public_ unsigned int iommuctl_region_index(const struct iommuctl_region *region)
{
        return region->index;
}

_public_ bool iommuctl_region_type(const struct iommuctl_region *region, uint32_t *ret_type,
                                   uint32_t *ret_subtype)
{
        if (!region->facts.has_type)
                return false;
        *ret_type = region->facts.type;
        *ret_subtype = region->facts.subtype;
        return true;
}
