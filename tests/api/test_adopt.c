/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device and its buffers handed over and adopted again, in one process: right, contradicting itself, and
 * with each call failing, after which the descriptors are as they were. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "iommuctl/adopt.h"

/* Descriptors 3 to LAST are named in LISTEN_FDNAMES; those that are not ours are called "other". */
#define LAST 200

struct offer {
        struct iommuctl_dma *buffers[2];
        struct iommuctl_handover *handover;
        int copies[8]; /* what the receiver finds: duplicates, as after an exec */
        size_t n_copies;
};

static void drop_copies(struct kernel *k, struct offer *o)
{
        while (o->n_copies > 0)
                k->ops->close(k, o->copies[--o->n_copies]);
}

static void take_back(struct offer *o)
{
        iommuctl_handover_free(o->handover);
        for (size_t i = 0; i < 2; i++)
                if (iommuctl_dma_unmap(o->buffers[i]) < 0) /* the fault; the buffer is whole */
                        assert_int_equal(iommuctl_dma_unmap(o->buffers[i]), 0);
        unsetenv("IOMMUCTL_HANDOVER");
        unsetenv("LISTEN_FDS");
        unsetenv("LISTEN_PID");
        unsetenv("LISTEN_FDNAMES");
}

/* "other:other:iommufd:…", each name where its duplicate is. */
static void set_names(const struct offer *o)
{
        static char text[LAST * 80];
        char names[1024], *rest = names;
        size_t at = 0;

        text[0] = '\0';
        for (int fd = 3; fd <= LAST; fd++) {
                const char *name = "other", *mine;

                snprintf(names, sizeof(names), "%s", iommuctl_handover_fdnames(o->handover));
                rest = names;
                for (size_t i = 0; (mine = strsep(&rest, ":")) != NULL; i++)
                        if (i < o->n_copies && o->copies[i] == fd)
                                name = mine;
                at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", fd > 3 ? ":" : "", name);
        }
        setenv("LISTEN_FDNAMES", text, 1);
}

/* Two buffers, and the environment of a process that they were handed to. 0, or the first failure. */
static int offer(struct kernel *k, struct iommuctl_container *c, struct iommuctl_device *d, struct offer *o)
{
        struct iommuctl_dma_options options = { .struct_size = sizeof(options), .name = "rx" };
        char text[32];
        int r;

        *o = (struct offer){ .n_copies = 0 };
        r = iommuctl_dma_alloc(c, 8192, &options, &o->buffers[0]);
        options.name = "tx";
        options.access = IOMMUCTL_ACCESS_READ;
        if (r >= 0)
                r = iommuctl_dma_alloc(c, 4096, &options, &o->buffers[1]);
        if (r >= 0)
                r = iommuctl_handover_new(d, o->buffers, 2, &o->handover);
        if (r < 0)
                return r;
        for (size_t i = 0; i < iommuctl_handover_n_fds(o->handover); i++) {
                int copy = k->ops->dup(k, iommuctl_handover_fd(o->handover, i));

                if (copy < 0)
                        return ctx_error(c->ctx, copy, NULL, "the test's own call met the fault");
                o->copies[o->n_copies++] = copy;
        }
        set_names(o);
        setenv("IOMMUCTL_HANDOVER", iommuctl_handover_text(o->handover), 1);
        snprintf(text, sizeof(text), "%d", LAST - 2);
        setenv("LISTEN_FDS", text, 1);
        snprintf(text, sizeof(text), "%d", (int)k->ops->getpid(k));
        setenv("LISTEN_PID", text, 1);
        return 0;
}

static void test_there_and_back(void **state)
{
        struct bench *b = *state;
        struct iommuctl_adopted *a;
        struct iommuctl_dma *rx, *own;
        struct iommuctl_span given, got;
        struct offer o;
        uint64_t iova;

        assert_ok(b->ctx, offer(b->k, b->container, b->device, &o));
        assert_ok(b->ctx, iommuctl_adopt(b->ctx, 0, &a));
        assert_int_equal(iommuctl_adopted_n_buffers(a), 2);
        assert_null(iommuctl_adopted_buffer(a, 2));
        assert_null(iommuctl_adopted_find_buffer(a, "nothing"));
        rx = iommuctl_adopted_find_buffer(a, "rx");
        given = iommuctl_dma_span(o.buffers[0]);
        got = iommuctl_dma_span(rx);
        assert_true(got.iova == given.iova && got.size == given.size && got.vaddr != given.vaddr);
        strcpy(given.vaddr, "the same memory");
        assert_string_equal(got.vaddr, "the same memory");
        assert_int_equal(iommuctl_translate(iommuctl_adopted_container(a), (char *)got.vaddr + 1, &iova),
                         8191);
        assert_int_equal(iova, given.iova + 1);
        assert_string_equal(iommuctl_device_name(iommuctl_adopted_device(a)), NIC);
        assert_int_equal(iommuctl_container_backend(iommuctl_adopted_container(a)), b->backend);

        /* The giver maps one more, of which the receiver's books know nothing. */
        struct iommuctl_dma *later;
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, 4096, NULL, &later));
        assert_ok(b->ctx, iommuctl_dma_alloc(iommuctl_adopted_container(a), 4096, NULL, &own));
        assert_int_not_equal(iommuctl_dma_span(own).iova, iommuctl_dma_span(later).iova);
        assert_ok(b->ctx, iommuctl_dma_unmap(own));
        assert_ok(b->ctx, iommuctl_dma_unmap(later));

        iommuctl_adopted_free(a);
        /* The giver's mappings are the giver's. */
        assert_int_equal(fake_n_mappings(b->m), 2);
        take_back(&o);
        assert_int_equal(fake_n_mappings(b->m), 0);
}

/* One thing wrong at a time; nothing is taken. */
static void test_contradictions(void **state)
{
        static const struct {
                const char *variable, *value;
                int expected;
                const char *word;
        } wrong[] = {
                { "LISTEN_PID", "1", -ENOENT, "another process" },
                { "LISTEN_PID", NULL, -ENOENT, "not set" },
                { "LISTEN_FDS", "x", -EPROTO, "LISTEN_FDS" },
                { "LISTEN_FDS", "0", -EPROTO, "names no descriptor" },
                { "LISTEN_FDNAMES", NULL, -EPROTO, "names no descriptor" },
                { "LISTEN_FDNAMES", "device:device:device", -EPROTO, "names no descriptor" },
                { "IOMMUCTL_HANDOVER", NULL, -ENOENT, "not set" },
                { "IOMMUCTL_HANDOVER", "2", -EPROTO, "IOMMUCTL_HANDOVER" },
                { "IOMMUCTL_HANDOVER", "1 backend=type1 device=x group=1x", -EPROTO, "group=1x" },
        };
        struct bench *b = *state;
        struct iommuctl_adopted *a = NULL;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                unsigned int fds;
                struct offer o;

                assert_ok(b->ctx, offer(b->k, b->container, b->device, &o));
                if (wrong[i].value)
                        setenv(wrong[i].variable, wrong[i].value, 1);
                else
                        unsetenv(wrong[i].variable);
                fds = fake_n_fds(b->m);
                assert_fails(b->ctx, iommuctl_adopt(b->ctx, 0, &a), wrong[i].expected, wrong[i].word);
                assert_null(a);
                assert_int_equal(fake_n_fds(b->m), fds);
                drop_copies(b->k, &o);
                take_back(&o);
        }
        assert_fails(b->ctx, iommuctl_adopt(b->ctx, 4, &a), -EINVAL, "flags");
}

/* A buffer that is smaller than its line says would end in SIGBUS. */
static void test_a_buffer_that_is_too_small(void **state)
{
        struct bench *b = *state;
        struct iommuctl_adopted *a = NULL;
        char text[1024], *size;
        struct offer o;

        assert_ok(b->ctx, offer(b->k, b->container, b->device, &o));
        snprintf(text, sizeof(text), "%s", getenv("IOMMUCTL_HANDOVER"));
        size = strstr(text, "size=0x2000");
        assert_non_null(size);
        memcpy(size, "size=0x3000", strlen("size=0x3000"));
        setenv("IOMMUCTL_HANDOVER", text, 1);
        assert_fails(b->ctx, iommuctl_adopt(b->ctx, 0, &a), -EPROTO, "8192 bytes");
        drop_copies(b->k, &o);
        take_back(&o);
}

static int hand_over_and_adopt(struct iommuctl_ctx *ctx, struct fake *m, enum iommuctl_backend backend)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_adopted *a = NULL;
        struct kernel *k = fake_kernel(m);
        struct offer o = { .n_copies = 0 };
        int r;

        r = iommuctl_container_new(ctx, backend, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        if (r >= 0)
                r = offer(k, c, d, &o);
        if (r >= 0)
                r = iommuctl_adopt(ctx, 0, &a);
        /* They are the library's once it has succeeded, and only then. */
        if (r >= 0)
                o.n_copies = 0;
        drop_copies(k, &o);
        iommuctl_adopted_free(a);
        take_back(&o);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r;
}

static int adopt_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        return hand_over_and_adopt(ctx, m, IOMMUCTL_BACKEND_TYPE1);
}

static int adopt_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        return hand_over_and_adopt(ctx, m, IOMMUCTL_BACKEND_IOMMUFD);
}

static struct fake *machine(void)
{
        return machine_vfio(NULL);
}

static void test_each_call_failing(void **state)
{
        const struct scenario type1 = { "hand over and adopt, type1", machine, adopt_type1, NULL };
        const struct scenario iommufd = { "hand over and adopt, iommufd", machine, adopt_iommufd, NULL };

        (void)state;
        each_call_failing(&type1);
        each_call_failing(&iommufd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_there_and_back),
                BOTH(test_contradictions),
                BOTH(test_a_buffer_that_is_too_small),
                cmocka_unit_test(test_each_call_failing),
        };

        return run_tap_tests("adopt", tests);
}
