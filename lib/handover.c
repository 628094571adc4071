/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "dma.h"
#include "iommuctl/adopt.h"

/* The giver's side; adopt.c is the receiver's. */

struct iommuctl_handover {
        size_t n_fds;
        int *fds;
        char *fdnames;
        char *text;
};

DEFINE_CLEANUP(struct iommuctl_handover *, iommuctl_handover_free)

/* C is what the device sees. */
static int check_buffers(struct iommuctl_device *d, struct iommuctl_container *c,
                         struct iommuctl_dma *const *buffers, size_t n)
{
        struct iommuctl_ctx *ctx = d->container->ctx;

        if (!c)
                return ctx_error(ctx, -EINVAL, d->name, "%s is detached: there is nothing to hand over",
                                 d->name);
        if (n > HANDOVER_BUFFERS_MAX)
                return ctx_error(ctx, -EINVAL, d->name, "%zu buffers are more than can be handed over", n);
        for (size_t i = 0; i < n; i++) {
                const struct iommuctl_dma *b = buffers[i];

                if (b->container != c)
                        return ctx_error(ctx, -EINVAL, d->name,
                                         "buffer \"%s\" is of another container than %s sees", b->name,
                                         d->name);
                if (!b->name[0] || b->fd < 0)
                        return ctx_error(
                                ctx, -EINVAL, d->name,
                                "a buffer to be handed over needs a name and memory that dma_alloc made");
                if (!iommuctl_dma_is_mapped(b))
                        return ctx_error(ctx, -EINVAL, d->name, "buffer \"%s\" is not mapped any more",
                                         b->name);
                for (size_t j = 0; j < i; j++)
                        if (streq(buffers[j]->name, b->name))
                                return ctx_error(ctx, -EINVAL, d->name, "two buffers are named \"%s\"",
                                                 b->name);
        }
        return 0;
}

/* Descriptors and their names, in one order. */
static int gather_fds(struct iommuctl_handover *h, struct iommuctl_device *d,
                      struct iommuctl_dma *const *buffers, size_t n)
{
        size_t size;
        FILE *names;
        bool failed;

        h->fds = calloc(3 + n, sizeof(h->fds[0]));
        names = open_memstream(&h->fdnames, &size);
        if (!h->fds || !names) {
                if (names)
                        fclose(names);
                return -ENOMEM;
        }
        fputs(d->group ? "container:group:device" : "iommufd:device", names);
        h->fds[h->n_fds++] = d->container->space.fd;
        if (d->group)
                h->fds[h->n_fds++] = d->group->fd;
        h->fds[h->n_fds++] = d->fd;
        for (size_t i = 0; i < n; i++) {
                fprintf(names, ":buffer-%s", buffers[i]->name);
                h->fds[h->n_fds++] = buffers[i]->fd;
        }
        failed = ferror(names);
        return fclose(names) != 0 || failed ? -ENOMEM : 0;
}

static int write_text(struct iommuctl_handover *h, struct iommuctl_device *d, struct iommuctl_container *c,
                      struct iommuctl_dma *const *buffers, size_t n)
{
        struct handover_facts f = {
                .backend = d->group ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD,
                .ioas = c->space.ioas_id,
                .devid = d->iommufd_id,
                .group = d->group ? d->group->id : 0,
                .n_buffers = n,
        };
        int r;

        snprintf(f.device, sizeof(f.device), "%s", d->name);
        f.buffers = calloc(n ?: 1, sizeof(f.buffers[0]));
        if (!f.buffers)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                struct handover_buffer *b = &f.buffers[i];

                snprintf(b->name, sizeof(b->name), "%s", buffers[i]->name);
                b->iova = buffers[i]->span.iova;
                b->size = buffers[i]->span.size;
                b->page = buffers[i]->page_size;
                b->access = buffers[i]->access;
        }
        r = handover_format(&f, &h->text);
        free(f.buffers);
        return r;
}

_public_ int iommuctl_handover_new(struct iommuctl_device *d, struct iommuctl_dma *const *buffers,
                                   size_t n_buffers, struct iommuctl_handover **ret_handover)
{
        struct iommuctl_container *c _cleanup_(iommuctl_container_unrefp) = iommuctl_device_attached(d);
        struct iommuctl_handover *h _cleanup_(iommuctl_handover_freep) = NULL;
        int r = device_check_here(d);

        if (r < 0)
                return r;
        if (iommuctl_container_backend(d->container) == IOMMUCTL_BACKEND_NOIOMMU)
                return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name,
                                 "%s is open without an IOMMU, and is not handed to anybody", d->name);
        r = check_buffers(d, c, buffers, n_buffers);
        if (r < 0)
                return r;
        h = calloc(1, sizeof(*h));
        r = h ? gather_fds(h, d, buffers, n_buffers) : -ENOMEM;
        if (r == 0)
                r = write_text(h, d, c, buffers, n_buffers);
        if (r < 0)
                return ctx_error(d->container->ctx, r, d->name, "out of memory");
        *ret_handover = TAKE_PTR(h);
        return 0;
}

_public_ void iommuctl_handover_free(struct iommuctl_handover *h)
{
        if (!h)
                return;
        free(h->fds);
        free(h->fdnames);
        free(h->text);
        free(h);
}

_public_ size_t iommuctl_handover_n_fds(const struct iommuctl_handover *h)
{
        return h->n_fds;
}

_public_ int iommuctl_handover_fd(const struct iommuctl_handover *h, size_t i)
{
        return i < h->n_fds ? h->fds[i] : -1;
}

_public_ const char *iommuctl_handover_fdnames(const struct iommuctl_handover *h)
{
        return h->fdnames;
}

_public_ const char *iommuctl_handover_text(const struct iommuctl_handover *h)
{
        return h->text;
}
