/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dirty.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <unistd.h>

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

static int start_iommufd(struct iommuctl_dirty *d, struct iommuctl_hwpt *const *hwpts, size_t n)
{
        struct iommuctl_container *c = d->container;
        const uint64_t sizes = iommuctl_container_page_sizes(c);
        int r = 0;

        d->page_size = MAX((uint64_t)getpagesize(), sizes & -sizes);
        d->call_max = BITMAP_MAX;
        for (size_t i = 0; r >= 0 && i < n; i++) {
                if (iommuctl_hwpt_container(hwpts[i]) != c || iommuctl_hwpt_parent(hwpts[i]))
                        return ctx_error(c->ctx, -EINVAL, NULL,
                                         "page table %u is of another container, or nested in another one: "
                                         "that one tracks",
                                         iommuctl_hwpt_id(hwpts[i]));
                r = dirty_take_table(d, hwpts[i], false);
        }
        if (n > 0)
                return r;
        r = dirty_take_devices(d);
        if (r == 0)
                return ctx_error(c->ctx, -ENODEV, NULL,
                                 "no device sees the container, and it is their IOMMU that tracks: open one "
                                 "first");
        return r;
}

/* With tracking_lock. */
static int start(struct iommuctl_dirty *d, struct iommuctl_hwpt *const *hwpts, size_t n)
{
        struct iommuctl_container *c = d->container;
        bool joined;

        int r;

        r = container_refuse_noiommu(c, "writes are not tracked");
        if (r < 0)
                return r;
        if (c->dirty)
                return ctx_error(c->ctx, -EBUSY, NULL, "the container's devices are tracked already");
        pthread_mutex_lock(&c->lock);
        joined = c->joined;
        pthread_mutex_unlock(&c->lock);
        if (!joined)
                return ctx_error(c->ctx, -ENODEV, NULL,
                                 "the container has no address space yet: open a device first");
        if (container_backend(c) == &backend_type1)
                return start_type1(d);
        return start_iommufd(d, hwpts, n);
}

static void dirty_free(struct iommuctl_dirty *d)
{
        iommuctl_container_unref(d->container);
        pthread_mutex_destroy(&d->tables_lock);
        free(d->tables);
        free(d);
}

static int dirty_new(struct iommuctl_container *c, struct iommuctl_hwpt *const *hwpts, size_t n,
                     struct iommuctl_dirty **ret_dirty)
{
        struct iommuctl_dirty *d = calloc(1, sizeof(*d));
        bool stuck = false;
        char text[1024];
        int r;

        if (!d)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        d->container = iommuctl_container_ref(c);
        pthread_mutex_init(&d->tables_lock, NULL);
        pthread_mutex_lock(&c->tracking_lock);
        r = start(d, hwpts, n);
        if (r >= 0) {
                c->dirty = d;
        } else if (d->n_tables > 0) {
                /* What has begun ends; the text is the first failure's. */
                iommuctl_ctx_error(c->ctx, text, sizeof(text));
                stuck = dirty_drop_tables(d) < 0;
                r = ctx_error(c->ctx, r, NULL, "%s", text);
                for (size_t i = 0; i < d->n_tables; i++)
                        iommuctl_hwpt_unref(d->tables[i].hwpt);
        }
        pthread_mutex_unlock(&c->tracking_lock);
        if (stuck)
                ctx_log(c->ctx, IOMMUCTL_LOG_WARNING,
                        "a device stays in a page table that was made to track its writes");
        if (r < 0) {
                dirty_free(d);
                return r;
        }
        *ret_dirty = d;
        return 0;
}

_public_ int iommuctl_dirty_start(struct iommuctl_container *c, struct iommuctl_dirty **ret_dirty)
{
        return dirty_new(c, NULL, 0, ret_dirty);
}

_public_ int iommuctl_dirty_start_hwpts(struct iommuctl_hwpt *const *hwpts, size_t n,
                                        struct iommuctl_dirty **ret_dirty)
{
        if (n == 0)
                return -EINVAL;
        return dirty_new(iommuctl_hwpt_container(hwpts[0]), hwpts, n, ret_dirty);
}

static int stop_type1(struct iommuctl_dirty *d)
{
        struct iommuctl_container *c = d->container;
        bool joined;
        int r;

        pthread_mutex_lock(&c->lock);
        joined = c->joined;
        pthread_mutex_unlock(&c->lock);
        if (!joined)
                return 0; /* the address space went with the last group, and its tracking */
        r = type1_dirty_set(container_kernel(c), c->space.fd, false);
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "the tracking of the devices' writes does not stop: %s",
                                 strerror(-r));
        return 0;
}

_public_ int iommuctl_dirty_stop(struct iommuctl_dirty *d)
{
        struct iommuctl_container *c;
        int r;

        if (!d)
                return 0;
        c = d->container;
        pthread_mutex_lock(&c->tracking_lock);
        r = container_backend(c) == &backend_type1 ? stop_type1(d) : dirty_drop_tables(d);
        if (r >= 0)
                c->dirty = NULL;
        pthread_mutex_unlock(&c->tracking_lock);
        if (r < 0)
                return r;
        dirty_free(d);
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
