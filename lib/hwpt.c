/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hwpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault_queue.h"
#include "options.h"
#include "uapi.h"
#include "viommu.h"

#define FLAGS_KNOWN (IOMMUCTL_HWPT_NEST_PARENT | IOMMUCTL_HWPT_DIRTY_TRACKING | IOMMUCTL_HWPT_PASID)

_Static_assert(IOMMUCTL_HWPT_NEST_PARENT == UAPI_IOMMU_HWPT_ALLOC_NEST_PARENT &&
                       IOMMUCTL_HWPT_DIRTY_TRACKING == UAPI_IOMMU_HWPT_ALLOC_DIRTY_TRACKING &&
                       IOMMUCTL_HWPT_PASID == UAPI_IOMMU_HWPT_ALLOC_PASID,
               "the flags are the kernel's");

/* How many requests one call takes, and how large one may be (drivers/iommu/iommufd/hw_pagetable.c). */
#define REQUESTS_MAX     (1u << 19)
#define REQUEST_SIZE_MAX 4096u

static int read_options(struct iommuctl_container *c, const struct iommuctl_hwpt_options *from, bool nested,
                        struct iommuctl_hwpt_options *ret_options)
{
        struct iommuctl_hwpt_options o = { .struct_size = sizeof(o) };
        int r;

        if (from) {
                r = options_copy(c->ctx, from, &o, sizeof(o));
                if (r < 0)
                        return r;
        }
        if (o.flags & ~(unsigned int)FLAGS_KNOWN)
                return ctx_error(c->ctx, -EINVAL, NULL, "there are no page table flags 0x%x", o.flags);
        if (o.data_size > UINT32_MAX || (o.data_size > 0) != (o.data != NULL) ||
            (o.data_size > 0) != (o.data_type != IOMMUCTL_HWPT_DATA_NONE))
                return ctx_error(
                        c->ctx, -EINVAL, NULL,
                        "a page table's data needs a type, an address and a size: they are 0x%x, %p and %zu",
                        o.data_type, o.data, o.data_size);
        if (o.faults && o.faults->object.container->iommufd != c->iommufd)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "the fault queue is in another iommufd than the page table's container");
        if (nested && o.data_size == 0)
                return ctx_error(c->ctx, -EINVAL, NULL,
                                 "a nested page table needs data that says where the guest's table is");
        *ret_options = o;
        return 0;
}

/* What is asked for, in words, and the kernel that has it. */
static const char *describe(const struct iommuctl_hwpt_options *o, bool nested, const char **ret_since)
{
        if (o->faults && !nested) {
                *ret_since = "6.13";
                return "a page table of a container with page faults";
        }
        if (o->faults) {
                *ret_since = "6.11";
                return "a nested page table with page faults";
        }
        *ret_since = "6.7";
        if (o->flags & IOMMUCTL_HWPT_PASID) {
                *ret_since = "6.14";
                return "a page table for PASIDs";
        }
        if (nested)
                return "a nested page table";
        if (o->flags & IOMMUCTL_HWPT_NEST_PARENT)
                return "a page table to nest others in";
        if (o->flags & IOMMUCTL_HWPT_DIRTY_TRACKING)
                return "a page table with dirty tracking";
        *ret_since = "6.6";
        return "a page table";
}

/* One that is not nested is mapped whole at once, and so bounds what can be mapped. */
static int alloc_in_kernel(struct iommuctl_hwpt *h, uint32_t device_id, uint32_t over_id,
                           const struct iommuctl_hwpt_options *o)
{
        struct iommuctl_container *c = h->object.container;
        struct uapi_iommu_hwpt_alloc alloc = {
                .size = sizeof(alloc),
                .flags = o->flags | (o->faults ? UAPI_IOMMU_HWPT_FAULT_ID_VALID : 0u),
                .dev_id = device_id,
                .pt_id = over_id,
                .data_type = o->data_type,
                .data_len = (uint32_t)o->data_size,
                .data_uptr = (uint64_t)(uintptr_t)o->data,
                .fault_id = o->faults ? o->faults->object.id : 0,
        };
        const char *what, *since;
        int r;

        r = iommufd_call(c, UAPI_IOMMU_HWPT_ALLOC, &alloc);
        if (r < 0) {
                what = describe(o, h->parent != NULL, &since);
                return iommufd_explain(c, device_id, what, since, r);
        }
        h->object.id = alloc.out_hwpt_id;
        h->flags = o->flags;
        r = h->parent ? 0 : container_read_facts(c);
        if (r < 0)
                iommufd_object_destroy(&h->object, "page table");
        return r;
}

static void hwpt_free(struct iommuctl_hwpt *h)
{
        iommuctl_fault_queue_unref(h->faults);
        iommuctl_viommu_unref(h->viommu);
        iommuctl_hwpt_unref(h->parent);
        iommuctl_container_unref(h->object.container);
        free(h);
}

int hwpt_new(struct iommuctl_container *c, struct iommuctl_hwpt *parent, struct iommuctl_viommu *viommu,
             uint32_t device_id, const struct iommuctl_hwpt_options *options, struct iommuctl_hwpt **ret_hwpt)
{
        struct iommuctl_hwpt_options o = { .struct_size = 0 };
        uint32_t over;
        struct iommuctl_hwpt *h;
        int r;

        r = iommufd_check(c, "a page table of one's own");
        if (r == 0)
                r = read_options(c, options, parent != NULL, &o);
        if (r < 0)
                return r;
        h = calloc(1, sizeof(*h));
        if (!h)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        iommufd_object_init(&h->object, c, 0);
        h->parent = iommuctl_hwpt_ref(parent);
        h->viommu = iommuctl_viommu_ref(viommu);
        h->faults = iommuctl_fault_queue_ref(o.faults);
        over = viommu ? viommu->object.id : parent ? parent->object.id : c->space.ioas_id;
        r = alloc_in_kernel(h, device_id, over, &o);
        if (r < 0) {
                hwpt_free(h);
                return r;
        }
        *ret_hwpt = h;
        return 0;
}

_public_ int iommuctl_hwpt_new(struct iommuctl_container *c, uint32_t device_id,
                               const struct iommuctl_hwpt_options *options, struct iommuctl_hwpt **ret_hwpt)
{
        return hwpt_new(c, NULL, NULL, device_id, options, ret_hwpt);
}

_public_ int iommuctl_hwpt_new_nested(struct iommuctl_hwpt *parent, uint32_t device_id,
                                      const struct iommuctl_hwpt_options *options,
                                      struct iommuctl_hwpt **ret_hwpt)
{
        return hwpt_new(parent->object.container, parent, NULL, device_id, options, ret_hwpt);
}

_public_ struct iommuctl_hwpt *iommuctl_hwpt_ref(struct iommuctl_hwpt *h)
{
        if (h)
                __atomic_add_fetch(&h->object.refcount, 1, __ATOMIC_RELAXED);
        return h;
}

_public_ struct iommuctl_hwpt *iommuctl_hwpt_unref(struct iommuctl_hwpt *h)
{
        if (!h || !iommufd_object_unref(&h->object))
                return NULL;
        iommufd_object_destroy(&h->object, "page table");
        if (!h->parent)
                container_read_facts(h->object.container); /* without it more may be reachable */
        hwpt_free(h);
        return NULL;
}

_public_ uint32_t iommuctl_hwpt_id(const struct iommuctl_hwpt *h)
{
        return h->object.id;
}

_public_ struct iommuctl_container *iommuctl_hwpt_container(const struct iommuctl_hwpt *h)
{
        return h->object.container;
}

_public_ struct iommuctl_hwpt *iommuctl_hwpt_parent(const struct iommuctl_hwpt *h)
{
        return h->parent;
}

_public_ unsigned int iommuctl_hwpt_flags(const struct iommuctl_hwpt *h)
{
        return h->flags;
}

int iommufd_invalidate(struct iommufd_object *o, const char *what, uint32_t data_type, const void *requests,
                       size_t request_size, size_t n, size_t *ret_done)
{
        struct iommuctl_container *c = o->container;
        struct uapi_iommu_hwpt_invalidate invalidate = {
                .size = sizeof(invalidate),
                .hwpt_id = o->id,
                .data_uptr = (uint64_t)(uintptr_t)requests,
                .data_type = data_type,
                .entry_len = (uint32_t)request_size,
                .entry_num = (uint32_t)n,
        };
        int r;

        if (ret_done)
                *ret_done = 0;
        if (n > REQUESTS_MAX ||
            (n > 0 && (!requests || request_size == 0 || request_size > REQUEST_SIZE_MAX)))
                return ctx_error(
                        c->ctx, -EINVAL, NULL,
                        "%zu invalidations of %zu bytes are more than one call takes: %u of 1 to %u bytes", n,
                        request_size, REQUESTS_MAX, REQUEST_SIZE_MAX);
        r = iommufd_call(c, UAPI_IOMMU_HWPT_INVALIDATE, &invalidate);
        if (r == -ENOTTY)
                return iommufd_explain(c, 0, "invalidation", "6.8", r);
        if (ret_done && invalidate.entry_num <= n)
                *ret_done = invalidate.entry_num;
        if (r < 0)
                return ctx_error(c->ctx, r, NULL,
                                 "%s %u takes %u of %zu invalidations of type 0x%x and refuses the next: %s",
                                 what, o->id, invalidate.entry_num, n, data_type, strerror(-r));
        return 0;
}

_public_ int iommuctl_hwpt_invalidate(struct iommuctl_hwpt *h, uint32_t data_type, const void *requests,
                                      size_t request_size, size_t n, size_t *ret_done)
{
        if (!h->parent)
                return ctx_error(
                        h->object.container->ctx, -EINVAL, NULL,
                        "page table %u is not a guest's: what is mapped in a container is invalidated by "
                        "unmapping it",
                        h->object.id);
        return iommufd_invalidate(&h->object, "page table", data_type, requests, request_size, n, ret_done);
}
