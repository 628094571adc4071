/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dirty.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "dirty_bitmap.h"
#include "dirty_calls.h"
#include "vfio_caps.h"

/* Bits for INT_MAX pages: the most that type1 takes in a call (drivers/vfio/vfio_iommu_type1.c,
 * DIRTY_BITMAP_SIZE_MAX), and enough for one of iommufd. */
#define BITMAP_MAX ((uint64_t)1 << 28)

_public_ bool iommuctl_dirty_limits(struct iommuctl_container *c, uint64_t *ret_page_sizes,
                                    uint64_t *ret_bitmap_max)
{
        const struct vfio_iommu_type1_info fixed = { 0 };
        struct vfio_iommu_facts facts;
        struct vfio_info info;
        bool joined;
        int r;

        pthread_mutex_lock(&c->lock);
        joined = c->joined;
        pthread_mutex_unlock(&c->lock);
        if (container_backend(c) != &backend_type1 || !joined ||
            vfio_info_get(container_kernel(c), c->space.fd, VFIO_IOMMU_GET_INFO, &fixed, sizeof(fixed),
                          &info) < 0)
                return false;
        r = vfio_iommu_facts_parse(&info, &facts);
        free(info.data);
        if (r < 0)
                return false;
        free(facts.ranges);
        if (!facts.has_migration)
                return false;
        *ret_page_sizes = facts.dirty_page_sizes;
        *ret_bitmap_max = facts.dirty_bitmap_max;
        return true;
}

static int explain_start(struct iommuctl_container *c, int r)
{
        switch (r) {
        case -ENOTTY:
                return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                                 "this kernel does not track what devices write: type1 does since Linux 5.8");
        case -EINVAL:
                return ctx_error(c->ctx, r, NULL,
                                 "a mapping is too large to be tracked: a bitmap has %" PRIu64
                                 " pages at most",
                                 BITMAP_MAX * 8);
        default:
                return ctx_error(c->ctx, r, NULL, "the devices' writes are not tracked: %s", strerror(-r));
        }
}

static int start_type1(struct iommuctl_dirty *d)
{
        struct iommuctl_container *c = d->container;
        uint64_t sizes, max;
        int r;

        if (!iommuctl_dirty_limits(c, &sizes, &max) || sizes == 0 || max < sizeof(uint64_t))
                return explain_start(c, -ENOTTY);
        d->page_size = sizes & -sizes;
        d->call_max = MIN(max, BITMAP_MAX);
        r = type1_dirty_set(container_kernel(c), c->space.fd, true);
        return r < 0 ? explain_start(c, r) : 0;
}

static int start(struct iommuctl_dirty *d)
{
        struct iommuctl_container *c = d->container;
        bool joined;

        if (c->dirty)
                return ctx_error(c->ctx, -EBUSY, NULL, "the container's devices are tracked already");
        pthread_mutex_lock(&c->lock);
        joined = c->joined;
        pthread_mutex_unlock(&c->lock);
        if (!joined)
                return ctx_error(c->ctx, -ENODEV, NULL,
                                 "the container has no address space yet: open a device first");
        if (container_backend(c) != &backend_type1)
                return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                                 "on iommufd it is page tables that track, of which none was made here");
        return start_type1(d);
}

_public_ int iommuctl_dirty_start(struct iommuctl_container *c, struct iommuctl_dirty **ret_dirty)
{
        struct iommuctl_dirty *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        d->container = iommuctl_container_ref(c);
        pthread_mutex_lock(&c->join_lock);
        r = start(d);
        if (r >= 0)
                c->dirty = d;
        pthread_mutex_unlock(&c->join_lock);
        if (r < 0) {
                iommuctl_container_unref(c);
                free(d);
                return r;
        }
        *ret_dirty = d;
        return 0;
}

_public_ int iommuctl_dirty_stop(struct iommuctl_dirty *d)
{
        struct iommuctl_container *c;
        int r = 0;

        if (!d)
                return 0;
        c = d->container;
        pthread_mutex_lock(&c->join_lock);
        /* With the last group the address space goes, and its tracking. */
        if (c->joined)
                r = type1_dirty_set(container_kernel(c), c->space.fd, false);
        if (r >= 0)
                c->dirty = NULL;
        pthread_mutex_unlock(&c->join_lock);
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "the tracking of the devices' writes does not stop: %s",
                                 strerror(-r));
        iommuctl_container_unref(c);
        free(d);
        return 0;
}

_public_ struct iommuctl_container *iommuctl_dirty_container(const struct iommuctl_dirty *d)
{
        return d->container;
}

_public_ uint64_t iommuctl_dirty_page_size(const struct iommuctl_dirty *d)
{
        return d->page_size;
}

_public_ size_t iommuctl_dirty_bitmap_words(const struct iommuctl_dirty *d, uint64_t size)
{
        return dirty_words(size / d->page_size + (size % d->page_size != 0));
}

_public_ bool iommuctl_dirty_next(const struct iommuctl_dirty *d, const uint64_t *bitmap, uint64_t iova,
                                  uint64_t size, uint64_t *at, struct iommuctl_range *ret_range)
{
        uint64_t bit = *at / d->page_size, first, n;
        bool found = dirty_bitmap_next(bitmap, size / d->page_size, &bit, &first, &n);

        *at = bit * d->page_size;
        if (found)
                *ret_range = (struct iommuctl_range){ iova + first * d->page_size,
                                                      iova + (first + n) * d->page_size - 1 };
        return found;
}
