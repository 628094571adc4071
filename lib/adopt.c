/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/adopt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "device.h"
#include "dma.h"
#include "handover_text.h"

/* The first descriptor of sd_listen_fds(3). */
#define FIRST_FD 3

struct iommuctl_adopted {
        struct iommuctl_container *container;
        struct iommuctl_device *device;
        struct iommuctl_dma **buffers;
        size_t n_buffers;
};

DEFINE_CLEANUP(struct iommuctl_adopted *, iommuctl_adopted_free)

/* What the environment says. */
struct offer {
        unsigned int n_fds;
        const char *names; /* "iommufd:device:buffer-rx" */
        struct handover_facts facts;
};

static int nothing_here(struct iommuctl_ctx *ctx, const char *why)
{
        return ctx_error(ctx, -ENOENT, NULL, "no device was handed to this process: %s", why);
}

static int read_offer(struct iommuctl_ctx *ctx, struct offer *ret_offer)
{
        const char *text = getenv("IOMMUCTL_HANDOVER"), *pid = getenv("LISTEN_PID"),
                   *fds = getenv("LISTEN_FDS");
        const char *names = getenv("LISTEN_FDNAMES"), *at;
        unsigned long n;
        char *end;
        int r;

        if (!text || !pid || !fds)
                return nothing_here(ctx, "IOMMUCTL_HANDOVER, LISTEN_PID or LISTEN_FDS is not set");
        if (strtol(pid, &end, 10) != ctx->kernel->ops->getpid(ctx->kernel) || *end)
                return nothing_here(ctx, "LISTEN_PID is another process");
        n = strtoul(fds, &end, 10);
        if (*end || end == fds || n > HANDOVER_BUFFERS_MAX)
                return ctx_error(ctx, -EPROTO, NULL, "LISTEN_FDS is no number of descriptors: %.40s", fds);
        r = handover_parse(text, &ret_offer->facts, &at);
        if (r == -EPROTO)
                return ctx_error(ctx, r, NULL, "IOMMUCTL_HANDOVER makes no sense at \"%.60s\"", at);
        if (r < 0)
                return ctx_error(ctx, r, NULL, "out of memory");
        ret_offer->n_fds = (unsigned int)n;
        ret_offer->names = names ?: "";
        return 0;
}

/* The number of the descriptor that LISTEN_FDNAMES gives this name; -EPROTO where there is none, or two. */
static int find_fd(struct iommuctl_ctx *ctx, const struct offer *o, const char *name)
{
        const char *at = o->names;
        size_t length = strlen(name);
        int found = -1;

        for (unsigned int i = 0; i < o->n_fds; i++) {
                size_t n = strcspn(at, ":");

                if (n == length && memcmp(at, name, n) == 0) {
                        if (found >= 0)
                                return ctx_error(ctx, -EPROTO, NULL,
                                                 "LISTEN_FDNAMES names two descriptors %s", name);
                        found = FIRST_FD + (int)i;
                }
                at += n;
                if (*at == ':')
                        at++;
        }
        if (found < 0)
                return ctx_error(ctx, -EPROTO, NULL, "LISTEN_FDNAMES names no descriptor %s", name);
        return found;
}

/* A copy of that descriptor, close-on-exec. The ones we were started with are closed when all has succeeded,
 * so that a failure leaves them as they were. */
static int take_fd(struct iommuctl_ctx *ctx, const struct offer *o, const char *name)
{
        int fd, copy;

        fd = find_fd(ctx, o, name);
        if (fd < 0)
                return fd;
        copy = ctx->kernel->ops->dup(ctx->kernel, fd);
        if (copy < 0)
                return ctx_error(ctx, copy, NULL, "descriptor %d, the %s, cannot be taken: %s", fd, name,
                                 strerror(-copy));
        return copy;
}

static int adopt_container(struct iommuctl_ctx *ctx, const struct offer *o, struct iommuctl_adopted *a)
{
        const bool iommufd = o->facts.backend == IOMMUCTL_BACKEND_IOMMUFD;
        int fd = take_fd(ctx, o, iommufd ? "iommufd" : "container");

        if (fd < 0)
                return fd;
        return container_new_over(ctx, iommufd ? &backend_iommufd : &backend_type1, fd,
                                  iommufd ? o->facts.ioas : 0, true, &a->container);
}

static int adopt_device(struct iommuctl_ctx *ctx, const struct offer *o, struct iommuctl_adopted *a)
{
        struct iommuctl_group *group = NULL;
        int fd, r;

        if (o->facts.backend == IOMMUCTL_BACKEND_TYPE1) {
                fd = take_fd(ctx, o, "group");
                if (fd < 0)
                        return fd;
                r = group_new_over(a->container, o->facts.group, fd, &group);
                if (r < 0)
                        return r;
        }
        fd = take_fd(ctx, o, "device");
        if (fd < 0) {
                iommuctl_group_unref(group);
                return fd;
        }
        return device_new_over(a->container, group, o->facts.device, fd, group ? 0 : o->facts.devid,
                               &a->device);
}

static int map_memory(struct iommuctl_ctx *ctx, const struct handover_buffer *b, int fd, void **ret_map)
{
        struct kernel *k = ctx->kernel;
        struct stat st;
        int r;

        r = k->ops->fstatat(k, fd, "", &st, AT_EMPTY_PATH);
        if (r < 0)
                return ctx_error(ctx, r, NULL, "buffer \"%s\" cannot be looked at: %s", b->name,
                                 strerror(-r));
        if ((uint64_t)st.st_size < b->size)
                return ctx_error(ctx, -EPROTO, NULL,
                                 "buffer \"%s\" has %lld bytes, not the %llu that were announced", b->name,
                                 (long long)st.st_size, (unsigned long long)b->size);
        r = k->ops->mmap(k, NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0, ret_map);
        if (r < 0)
                return ctx_error(ctx, r, NULL, "buffer \"%s\" cannot be mapped here: %s", b->name,
                                 strerror(-r));
        return 0;
}

static int adopt_buffer(struct iommuctl_ctx *ctx, const struct offer *o, const struct handover_buffer *b,
                        struct iommuctl_adopted *a)
{
        char name[sizeof("buffer-") + HANDOVER_NAME_MAX];
        struct dma_memory memory = DMA_MEMORY(.size = b->size);
        int r;

        memory.page_size = b->page;
        if (!dma_name_is_valid(b->name))
                return ctx_error(ctx, -EPROTO, NULL, "IOMMUCTL_HANDOVER has a buffer whose name cannot be");
        snprintf(name, sizeof(name), "buffer-%s", b->name);
        memory.fd = take_fd(ctx, o, name);
        if (memory.fd < 0)
                return memory.fd;
        r = map_memory(ctx, b, memory.fd, &memory.vaddr);
        if (r < 0) {
                ctx->kernel->ops->close(ctx->kernel, memory.fd);
                return r;
        }
        r = dma_new_adopted(a->container, &memory, b->iova, b->access, b->name, &a->buffers[a->n_buffers]);
        if (r < 0) {
                dma_memory_free(ctx->kernel, &memory);
                return r == -ENOMEM ? r : -EPROTO;
        }
        a->n_buffers++;
        return 0;
}

static int adopt_all(struct iommuctl_ctx *ctx, const struct offer *o, struct iommuctl_adopted *a)
{
        int r;

        a->buffers = calloc(o->facts.n_buffers ?: 1, sizeof(a->buffers[0]));
        if (!a->buffers)
                return ctx_error(ctx, -ENOMEM, NULL, "out of memory");
        r = adopt_container(ctx, o, a);
        if (r >= 0)
                r = adopt_device(ctx, o, a);
        for (size_t i = 0; r >= 0 && i < o->facts.n_buffers; i++)
                r = adopt_buffer(ctx, o, &o->facts.buffers[i], a);
        if (r < 0)
                return r;
        /* The limit was read before the buffers were in the books, which are in it. */
        a->container->max_mappings += a->n_buffers;
        return 0;
}

static void close_original(struct iommuctl_ctx *ctx, const struct offer *o, const char *name)
{
        int fd = find_fd(ctx, o, name);

        if (fd >= 0)
                ctx->kernel->ops->close(ctx->kernel, fd);
}

/* The descriptors that were adopted; others that came along are someone else's. */
static void close_originals(struct iommuctl_ctx *ctx, const struct offer *o)
{
        const bool iommufd = o->facts.backend == IOMMUCTL_BACKEND_IOMMUFD;

        close_original(ctx, o, iommufd ? "iommufd" : "container");
        if (!iommufd)
                close_original(ctx, o, "group");
        close_original(ctx, o, "device");
        for (size_t i = 0; i < o->facts.n_buffers; i++) {
                char name[sizeof("buffer-") + HANDOVER_NAME_MAX];

                snprintf(name, sizeof(name), "buffer-%s", o->facts.buffers[i].name);
                close_original(ctx, o, name);
        }
}

static void clear_environment(void)
{
        unsetenv("LISTEN_PID");
        unsetenv("LISTEN_FDS");
        unsetenv("LISTEN_FDNAMES");
        unsetenv("IOMMUCTL_HANDOVER");
        unsetenv("IOMMUCTL_DMA");
}

_public_ int iommuctl_adopt(struct iommuctl_ctx *ctx, unsigned int flags,
                            struct iommuctl_adopted **ret_adopted)
{
        struct iommuctl_adopted *a _cleanup_(iommuctl_adopted_freep) = NULL;
        struct offer o;
        int r;

        if (flags & ~(unsigned int)IOMMUCTL_ADOPT_UNSET_ENVIRONMENT)
                return ctx_error(ctx, -EINVAL, NULL, "there are no flags 0x%x", flags);
        r = ctx_refuse_root(ctx, "adopting a device");
        if (r < 0)
                return r;
        r = read_offer(ctx, &o);
        if (r < 0)
                return r;
        a = calloc(1, sizeof(*a));
        r = a ? adopt_all(ctx, &o, a) : ctx_error(ctx, -ENOMEM, NULL, "out of memory");
        if (r >= 0)
                close_originals(ctx, &o);
        free(o.facts.buffers);
        if (r < 0)
                return r;
        if (flags & IOMMUCTL_ADOPT_UNSET_ENVIRONMENT)
                clear_environment();
        *ret_adopted = TAKE_PTR(a);
        return 0;
}

_public_ void iommuctl_adopted_free(struct iommuctl_adopted *a)
{
        if (!a)
                return;
        for (size_t i = 0; i < a->n_buffers; i++)
                iommuctl_dma_unmap(a->buffers[i]);
        free(a->buffers);
        iommuctl_device_unref(a->device);
        iommuctl_container_unref(a->container);
        free(a);
}

_public_ struct iommuctl_container *iommuctl_adopted_container(const struct iommuctl_adopted *a)
{
        return a->container;
}

_public_ struct iommuctl_device *iommuctl_adopted_device(const struct iommuctl_adopted *a)
{
        return a->device;
}

_public_ size_t iommuctl_adopted_n_buffers(const struct iommuctl_adopted *a)
{
        return a->n_buffers;
}

_public_ struct iommuctl_dma *iommuctl_adopted_buffer(const struct iommuctl_adopted *a, size_t i)
{
        return i < a->n_buffers ? a->buffers[i] : NULL;
}

_public_ struct iommuctl_dma *iommuctl_adopted_find_buffer(const struct iommuctl_adopted *a, const char *name)
{
        for (size_t i = 0; i < a->n_buffers; i++)
                if (streq(iommuctl_dma_name(a->buffers[i]), name))
                        return a->buffers[i];
        return NULL;
}
