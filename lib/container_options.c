/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "iommufd_option.h"
#include "options.h"
#include "sysfs.h"

/* What may be said about a container beyond what is mapped in it. iommufd keeps these wishes, type1 mostly
 * has one answer to each for the whole machine. */

#define NO_HUGE_PAGES "sys/module/vfio_iommu_type1/parameters/disable_hugepages"

/* The kernel takes 32 bits of them; a machine has some dozens of windows. */
#define ALLOWED_MAX 65536u

int container_options_read(struct iommuctl_ctx *ctx, const struct iommuctl_container_options *from,
                           struct iommuctl_container_options *ret_options)
{
        struct iommuctl_container_options o = { .struct_size = sizeof(o) };
        int r;

        r = from ? options_copy(ctx, from, &o, sizeof(o)) : 0;
        if (r < 0)
                return r;
        if (!iommuctl_backend_name(o.backend))
                return ctx_error(ctx, -EINVAL, NULL, "there is no backend number %d", (int)o.backend);
        if ((unsigned int)o.accounting > IOMMUCTL_ACCOUNTING_PROCESS)
                return ctx_error(ctx, -EINVAL, NULL, "there is no accounting number %d", (int)o.accounting);
        *ret_options = o;
        return 0;
}

int container_accept_type1(struct iommuctl_container *c)
{
        if (c->accounting != IOMMUCTL_ACCOUNTING_USER)
                return 0;
        return ctx_error(
                c->ctx, -EOPNOTSUPP, NULL,
                "type1 counts pinned memory by process, not by user: that is iommufd's (or leave the "
                "accounting to the backend)");
}

int container_prepare_iommufd(struct iommuctl_container *c, int iommufd)
{
        int r;

        if (c->accounting != IOMMUCTL_ACCOUNTING_PROCESS)
                return 0; /* by user is what it does by itself */
        r = iommufd_set_process_accounting(container_kernel(c), iommufd);
        if (r == -EPERM)
                return ctx_error(c->ctx, r, NULL,
                                 "iommufd counts pinned memory by process only for a caller with "
                                 "CAP_SYS_RESOURCE; for others it counts by user");
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "iommufd does not count pinned memory by process: %s",
                                 strerror(-r));
        return 0;
}

int container_undecided(struct iommuctl_container *c)
{
        return ctx_error(c->ctx, -ENODEV, NULL,
                         "the container has no backend yet: open a device first, or ask for one by name");
}

_public_ int iommuctl_container_accounting(struct iommuctl_container *c)
{
        const struct backend *backend = container_backend(c);
        int r;

        if (!backend)
                return container_undecided(c);
        r = container_refuse_noiommu(c, "no memory is pinned");
        if (r < 0)
                return r;
        if (backend == &backend_type1)
                return IOMMUCTL_ACCOUNTING_PROCESS;
        r = iommufd_process_accounting(container_kernel(c), c->space.fd);
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "iommufd does not say how it counts pinned memory: %s",
                                 strerror(-r));
        return r ? IOMMUCTL_ACCOUNTING_PROCESS : IOMMUCTL_ACCOUNTING_USER;
}

static int explain_allow(struct iommuctl_container *c, int r)
{
        char ranges[400];

        switch (r) {
        case -EINVAL:
                return ctx_error(c->ctx, r, NULL,
                                 "two of the allowed ranges overlap, or one has less than two addresses");
        case -EADDRINUSE:
                pthread_mutex_lock(&c->lock);
                container_format_ranges(c, ranges, sizeof(ranges));
                pthread_mutex_unlock(&c->lock);
                return ctx_error(c->ctx, r, NULL,
                                 "a device reserves a part of the allowed ranges; usable are %s", ranges);
        default:
                return ctx_error(c->ctx, r, NULL, "the kernel does not take the allowed ranges: %s",
                                 strerror(-r));
        }
}

_public_ int iommuctl_container_allow(struct iommuctl_container *c, const struct iommuctl_range *ranges,
                                      size_t n_ranges)
{
        const struct backend *backend = container_backend(c);
        _cleanup_free_ struct iommuctl_range *copy = NULL;
        int r;

        if (!backend)
                return container_undecided(c);
        r = container_refuse_noiommu(c, "there are no IOVAs");
        if (r < 0)
                return r;
        if (backend != &backend_iommufd)
                return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                                 "%s keeps no ranges for automatic IOVAs: a mapping's options have "
                                 "iova_limit, and a fixed IOVA",
                                 iommuctl_backend_name(backend->id));
        if (n_ranges > ALLOWED_MAX)
                return ctx_error(c->ctx, -EINVAL, NULL, "%zu allowed ranges are more than %u", n_ranges,
                                 ALLOWED_MAX);
        copy = calloc(n_ranges ?: 1, sizeof(*copy));
        if (!copy)
                return ctx_error(c->ctx, -ENOMEM, NULL, "out of memory");
        if (n_ranges > 0)
                memcpy(copy, ranges, n_ranges * sizeof(*copy));
        /* One at a time, so that our list is the kernel's. */
        pthread_mutex_lock(&c->join_lock);
        r = iommufd_allow_iovas(container_kernel(c), c->space.fd, c->space.ioas_id, copy, n_ranges);
        if (r >= 0) {
                struct iommuctl_range *old;

                pthread_mutex_lock(&c->lock);
                old = c->allowed;
                c->allowed = copy;
                c->n_allowed = n_ranges;
                pthread_mutex_unlock(&c->lock);
                copy = old;
        }
        pthread_mutex_unlock(&c->join_lock);
        return r < 0 ? explain_allow(c, r) : 0;
}

int container_allocate_iova(struct iommuctl_container *c, struct iova_extent *e,
                            const struct iova_request *request)
{
        if (c->n_allowed == 0)
                return iova_space_allocate(&c->map.space, e, request);
        for (size_t i = 0; i < c->n_allowed; i++) {
                struct iova_request q = *request;
                int r;

                q.low = MAX(q.low, c->allowed[i].start);
                q.limit = MIN(q.limit, c->allowed[i].last);
                r = q.low <= q.limit ? iova_space_allocate(&c->map.space, e, &q) : -ENOSPC;
                if (r != -ENOSPC)
                        return r;
        }
        return -ENOSPC;
}

/* type1's parameter: 1 for Y, 0 for N. */
static int type1_disables_huge_pages(struct iommuctl_container *c)
{
        const struct sysfs s = { container_kernel(c), c->ctx->root_fd, c->ctx->root != NULL };
        char value[8];

        if (sysfs_attr(&s, NO_HUGE_PAGES, value, sizeof(value)) <= 0)
                return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                                 "type1 has large pages for the whole machine, and /%s cannot be read",
                                 NO_HUGE_PAGES);
        return value[0] == 'Y';
}

_public_ int iommuctl_container_huge_pages(struct iommuctl_container *c)
{
        const struct backend *backend = container_backend(c);
        int r;

        if (!backend)
                return container_undecided(c);
        r = container_refuse_noiommu(c, "there are no pages");
        if (r < 0)
                return r;
        if (backend != &backend_iommufd) {
                r = type1_disables_huge_pages(c);
                return r < 0 ? r : !r;
        }
        r = iommufd_huge_pages(container_kernel(c), c->space.fd, c->space.ioas_id);
        if (r < 0)
                return ctx_error(c->ctx, r, NULL, "iommufd does not say whether it uses large pages: %s",
                                 strerror(-r));
        return r;
}

static int set_type1_huge_pages(struct iommuctl_container *c, bool on)
{
        int r;

        r = type1_disables_huge_pages(c);
        if (r < 0)
                return r;
        if (on == !r)
                return 0;
        return ctx_error(
                c->ctx, -EOPNOTSUPP, NULL,
                "type1 has large pages on or off for the whole machine: /%s is %c, and root may change "
                "it (or use iommufd)",
                NO_HUGE_PAGES, r ? 'Y' : 'N');
}

_public_ int iommuctl_container_set_huge_pages(struct iommuctl_container *c, bool on)
{
        const struct backend *backend = container_backend(c);
        size_t n_mapped;
        int r;

        if (!backend)
                return container_undecided(c);
        r = container_refuse_noiommu(c, "there are no pages");
        if (r < 0)
                return r;
        if (backend != &backend_iommufd)
                return set_type1_huge_pages(c, on);
        pthread_mutex_lock(&c->lock);
        n_mapped = c->map.n_entries;
        pthread_mutex_unlock(&c->lock);
        r = iommufd_set_huge_pages(container_kernel(c), c->space.fd, c->space.ioas_id, on);
        switch (r) {
        case -EINVAL:
                return ctx_error(c->ctx, -EBUSY, NULL,
                                 "large pages can be turned off only before anything is mapped, or before a "
                                 "device joins: %zu mappings are there",
                                 n_mapped);
        case -EADDRINUSE:
                return ctx_error(c->ctx, r, NULL,
                                 "large pages cannot be turned off: what is mapped is not whole pages");
        default:
                return r < 0 ? ctx_error(c->ctx, r, NULL, "large pages cannot be turned %s: %s",
                                         on ? "on" : "off", strerror(-r))
                             : 0;
        }
}
