/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Migration: states, the ways between them, streams; on a machine in memory. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "machines.h"

#include "iommuctl/migration.h"

#define FROM "0000:05:00.0"
#define TO   "0000:06:00.0"
#define ALL  (FAKE_MIG_CAN_STOP_COPY | FAKE_MIG_CAN_P2P | FAKE_MIG_CAN_PRE_COPY)

static unsigned int flags_now = ALL;
static bool old;

static struct fake *machine(void)
{
        struct fake *m = machine_vfio(NULL);

        fake_add_pci(
                m, FROM,
                &(struct fake_pci){
                        .driver = "vfio-pci", .group = 30, .migration = flags_now, .migration_old = old });
        fake_add_pci(
                m, TO,
                &(struct fake_pci){
                        .driver = "vfio-pci", .group = 31, .migration = flags_now, .migration_old = old });
        return m;
}

struct pair {
        struct fake *m;
        struct iommuctl_ctx *ctx;
        struct iommuctl_container *c;
        struct iommuctl_device *from, *to;
};

static struct pair open_pair(void)
{
        struct pair p = { .m = machine() };

        p.ctx = new_ctx(p.m);
        assert_ok(p.ctx, iommuctl_container_new(p.ctx, IOMMUCTL_BACKEND_AUTO, &p.c));
        assert_ok(p.ctx, iommuctl_device_open(p.c, FROM, &p.from));
        assert_ok(p.ctx, iommuctl_device_open(p.c, TO, &p.to));
        return p;
}

static void close_pair(struct pair *p)
{
        iommuctl_device_unref(p->to);
        iommuctl_device_unref(p->from);
        iommuctl_container_unref(p->c);
        iommuctl_ctx_unref(p->ctx);
        assert_clean(p->m, 0);
        fake_machine_free(p->m);
}

static void test_names(void **state)
{
        (void)state;
        assert_string_equal(iommuctl_migration_state_name(IOMMUCTL_MIGRATION_ERROR), "error");
        assert_string_equal(iommuctl_migration_state_name(IOMMUCTL_MIGRATION_PRE_COPY_P2P), "pre-copy-p2p");
        assert_null(iommuctl_migration_state_name((enum iommuctl_migration_state)8));
}

/* The ways that the kernel's own table (vfio_mig_get_next_state()) has for a device that can do all, for one
 * without P2P, one without pre-copy and one with neither; "-" where there is none. */
static const struct {
        unsigned int flags;
        const char *from, *way;
} ways[] = {
        { ALL, "pre-copy", "pre-copy-p2p stop-copy" },
        { ALL, "pre-copy", "running running-p2p" },
        { ALL, "pre-copy", "running running-p2p stop" },
        { ALL, "pre-copy", "running running-p2p stop resuming" },
        { ALL, "pre-copy-p2p", "running-p2p running" },
        { ALL, "pre-copy-p2p", "running-p2p stop resuming" },
        { ALL, "pre-copy-p2p", "stop-copy" },
        { ALL, "resuming", "stop running-p2p running pre-copy" },
        { ALL, "resuming", "stop running-p2p pre-copy-p2p" },
        { ALL, "resuming", "stop stop-copy" },
        { ALL, "running", "running-p2p pre-copy-p2p" },
        { ALL, "running", "running-p2p stop stop-copy" },
        { ALL, "running", "pre-copy" },
        { ALL, "running-p2p", "running pre-copy" },
        { ALL, "running-p2p", "stop resuming" },
        { ALL, "stop", "running-p2p running pre-copy" },
        { ALL, "stop-copy", "stop running-p2p running" },
        { ALL, "stop-copy", "stop resuming" },
        { ALL, "stop-copy", "-pre-copy" },
        { ALL, "stop-copy", "-pre-copy-p2p" },
        { ALL, "error", "-running" },
        { ALL, "running", "-error" },
        { 5, "pre-copy", "stop-copy" },
        { 5, "pre-copy", "running stop" },
        { 5, "resuming", "stop running pre-copy" },
        { 5, "running", "-running-p2p" },
        { 5, "running", "-pre-copy-p2p" },
        { 3, "running", "running-p2p stop resuming" },
        { 3, "running", "-pre-copy" },
        { 1, "running", "stop stop-copy" },
        { 1, "resuming", "stop running" },
        { 1, "stop-copy", "stop running" },
};

static enum iommuctl_migration_state state_of(const char *name, size_t length)
{
        for (unsigned int i = 0; i < IOMMUCTL_MIGRATION_N_STATES; i++) {
                const char *other = iommuctl_migration_state_name((enum iommuctl_migration_state)i);

                if (strlen(other) == length && memcmp(other, name, length) == 0)
                        return (enum iommuctl_migration_state)i;
        }
        fail();
        return IOMMUCTL_MIGRATION_ERROR;
}

static void test_ways(void **state)
{
        enum iommuctl_migration_state path[IOMMUCTL_MIGRATION_N_STATES];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                const char *last = strrchr(ways[i].way, ' ');
                const char *to = last ? last + 1 : ways[i].way + (ways[i].way[0] == '-');
                enum iommuctl_migration_state from = state_of(ways[i].from, strlen(ways[i].from));
                char text[200] = "";
                int n = iommuctl_migration_path(ways[i].flags, from, state_of(to, strlen(to)), path);

                if (ways[i].way[0] == '-') {
                        assert_int_equal(n, -EINVAL);
                        continue;
                }
                for (int k = 0; k < n; k++)
                        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", k ? " " : "",
                                 iommuctl_migration_state_name(path[k]));
                assert_string_equal(text, ways[i].way);
        }
        assert_int_equal(iommuctl_migration_path(ALL, IOMMUCTL_MIGRATION_STOP, IOMMUCTL_MIGRATION_STOP, path),
                         0);
        assert_int_equal(iommuctl_migration_path(ALL, IOMMUCTL_MIGRATION_STOP,
                                                 (enum iommuctl_migration_state)99, path),
                         -EINVAL);
}

/* From each state to each other one, for each kind of device: the library's answer beforehand is the
 * kernel's. */
static void test_every_way(void **state)
{
        static const unsigned int kinds[] = { 1, 3, 5, 7 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                struct pair p;

                flags_now = kinds[i];
                p = open_pair();
                assert_int_equal(iommuctl_migration_flags(p.from), (int)kinds[i]);
                for (unsigned int pair = 0; pair < 64; pair++) {
                        enum iommuctl_migration_state a = (enum iommuctl_migration_state)(pair >> 3);
                        enum iommuctl_migration_state b = (enum iommuctl_migration_state)(pair & 7);
                        struct vfio_device_feature_mig_state *data;
                        struct {
                                struct vfio_device_feature head;
                                struct vfio_device_feature_mig_state data;
                        } call = { .head = { .argsz = sizeof(call),
                                             .flags = VFIO_DEVICE_FEATURE_SET |
                                                      VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE },
                                   .data = { .device_state = b } };
                        int way = iommuctl_migration_path(kinds[i], a, b, NULL), r;

                        data = &call.data;
                        assert_ok(p.ctx, iommuctl_migration_recover(p.from));
                        if (iommuctl_migration_set_state(p.from, a, NULL) < 0) {
                                assert_int_equal(way, -EINVAL);
                                continue;
                        }
                        if (a == IOMMUCTL_MIGRATION_RESUMING)
                                continue; /* its end wants data: test_save_and_load */
                        r = fake_kernel(p.m)->ops->ioctl(fake_kernel(p.m), iommuctl_device_fd(p.from),
                                                         VFIO_DEVICE_FEATURE, &call);
                        if (r == 0 && data->data_fd >= 0)
                                fake_kernel(p.m)->ops->close(fake_kernel(p.m), data->data_fd);
                        assert_int_equal(r < 0, way < 0);
                }
                close_pair(&p);
        }
        flags_now = ALL;
}

/* Reads to the end, in pieces of N. */
static size_t read_all(struct pair *p, struct iommuctl_migration_stream *s, char *buf, size_t size, size_t n)
{
        size_t at = 0, got = 1;

        while (got > 0) {
                assert_true(at + n <= size);
                assert_ok(p->ctx, iommuctl_migration_stream_read(s, buf + at, n, &got));
                at += got;
        }
        return at;
}

static void test_save_and_load(void **state)
{
        struct pair p = open_pair();
        struct iommuctl_migration_stream *out = NULL, *in = NULL;
        static char buf[1 << 18];
        uint64_t guess = 0;
        size_t size;

        (void)state;
        memset(fake_bar(p.m, FROM, 0), 0x5a, FAKE_BAR0_SIZE);
        assert_int_equal(iommuctl_migration_get_state(p.from), IOMMUCTL_MIGRATION_RUNNING);
        assert_ok(p.ctx, iommuctl_migration_data_size(p.from, &guess));
        assert_ok(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_STOP_COPY, &out));
        assert_non_null(out);
        assert_true(iommuctl_migration_stream_fd(out) >= 0);
        size = read_all(&p, out, buf, sizeof(buf), 1000);
        assert_int_equal(size, guess);
        assert_fails(p.ctx, iommuctl_migration_stream_write(out, buf, 1), -EBADF, "goes the other way");

        assert_ok(p.ctx, iommuctl_migration_set_state(p.to, IOMMUCTL_MIGRATION_RESUMING, &in));
        assert_ok(p.ctx, iommuctl_migration_stream_write(in, buf, 100));
        assert_ok(p.ctx, iommuctl_migration_stream_write(in, buf + 100, size - 100));
        assert_ok(p.ctx, iommuctl_migration_stream_write(in, buf, 0));
        assert_fails(p.ctx, iommuctl_migration_stream_read(in, buf, 1, &size), -EBADF, "goes the other way");
        iommuctl_migration_stream_free(in); /* what was written stays written */
        in = out;
        assert_ok(p.ctx, iommuctl_migration_set_state(p.to, IOMMUCTL_MIGRATION_RUNNING, &in));
        assert_null(in);
        assert_int_equal(((char *)fake_bar(p.m, TO, 0))[77], 0x5a);
        assert_int_equal(iommuctl_migration_get_state(p.to), IOMMUCTL_MIGRATION_RUNNING);

        /* Out of its states a stream is at its end. */
        assert_ok(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_STOP, NULL));
        assert_fails(p.ctx, iommuctl_migration_stream_read(out, buf, 1, &size), -ENODEV, "left its states");
        iommuctl_migration_stream_free(out);
        iommuctl_migration_stream_free(NULL);
        close_pair(&p);
}

static void test_pre_copy(void **state)
{
        struct pair p = open_pair();
        struct iommuctl_migration_precopy left;
        struct iommuctl_migration_stream *out = NULL, *none;
        static char buf[1 << 18];
        size_t n, first;

        (void)state;
        assert_ok(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_PRE_COPY, &out));
        assert_ok(p.ctx, iommuctl_migration_stream_precopy(out, &left));
        first = left.initial_bytes;
        assert_true(first > FAKE_BAR0_SIZE);
        assert_int_equal(left.dirty_bytes, 0);
        assert_false(left.reinitialised);
        assert_ok(p.ctx, iommuctl_migration_stream_read(out, buf, 1000, &n));
        assert_ok(p.ctx, iommuctl_migration_stream_precopy(out, &left));
        assert_int_equal(left.initial_bytes, first - 1000);
        assert_ok(p.ctx, iommuctl_migration_stream_read(out, buf + n, sizeof(buf) - n, &n));
        n = 99;
        assert_int_equal(iommuctl_migration_stream_read(out, buf, 10, &n), -ENOMSG);
        assert_int_equal(n, 99);
        /* It runs on, and changes. */
        ((char *)fake_bar(p.m, FROM, 0))[9] = 1;
        fake_set_migration_reinit(p.m, FROM);
        assert_ok(p.ctx, iommuctl_migration_stream_precopy(out, &left));
        assert_int_equal(left.initial_bytes, 0);
        assert_int_equal(left.dirty_bytes, first);
        assert_true(left.reinitialised);
        assert_ok(p.ctx, iommuctl_migration_stream_wait(out, 10));
        assert_ok(p.ctx, iommuctl_migration_stream_read(out, buf, sizeof(buf), &n));
        assert_int_equal(n, first);

        /* The same stream to the end. */
        ((char *)fake_bar(p.m, FROM, 0))[9] = 2;
        none = out;
        assert_ok(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_STOP_COPY, &none));
        assert_null(none);
        assert_fails(p.ctx, iommuctl_migration_stream_precopy(out, &left), -EINVAL, "no pre-copy state");
        assert_int_equal(read_all(&p, out, buf, sizeof(buf), 5000), first);
        assert_int_equal(buf[16 + 9], 2);
        none = out;
        assert_fails(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_PRE_COPY, &none), -EINVAL,
                     "cannot go from stop-copy to pre-copy");
        assert_ptr_equal(none, out);
        assert_ok(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_RUNNING, &none));
        assert_fails(p.ctx, iommuctl_migration_stream_precopy(out, &left), -ENODEV, "left its states");
        iommuctl_migration_stream_free(out);

        /* One into the device has no such question. */
        assert_ok(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_RESUMING, &out));
        assert_fails(p.ctx, iommuctl_migration_stream_precopy(out, &left), -EOPNOTSUPP,
                     "goes into the device");
        iommuctl_migration_stream_free(out);
        close_pair(&p);
}

/* A kernel that was never asked to leaves anything in the flags. */
static void test_pre_copy_of_an_old_kernel(void **state)
{
        struct iommuctl_migration_precopy left;
        struct iommuctl_migration_stream *out = NULL;
        struct pair p;
        uint64_t size = 7;

        (void)state;
        old = true;
        p = open_pair();
        old = false;
        assert_ok(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_PRE_COPY_P2P, &out));
        fake_set_migration_reinit(p.m, FROM);
        assert_ok(p.ctx, iommuctl_migration_stream_precopy(out, &left));
        assert_false(left.reinitialised);
        assert_fails(p.ctx, iommuctl_migration_data_size(p.from, &size), -EOPNOTSUPP, "Linux 6.2");
        assert_int_equal(size, 7);
        iommuctl_migration_stream_free(out);
        close_pair(&p);
}

static void test_failures(void **state)
{
        struct pair p = open_pair();
        struct iommuctl_migration_stream *s = NULL;

        (void)state;
        /* Half way: it stands where it got to. */
        fake_fail_migration(p.m, FROM, IOMMUCTL_MIGRATION_STOP_COPY, -EIO, false);
        assert_fails(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_STOP_COPY, &s), -EIO,
                     "from running to stop-copy: Input/output error; it is stop now");
        assert_null(s);
        assert_int_equal(iommuctl_migration_get_state(p.from), IOMMUCTL_MIGRATION_STOP);
        assert_ok(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_RUNNING, &s));

        /* For good. */
        fake_fail_migration(p.m, FROM, IOMMUCTL_MIGRATION_STOP, -EIO, true);
        assert_fails(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_STOP_COPY, &s), -EIO,
                     "is in error now");
        assert_int_equal(iommuctl_migration_get_state(p.from), IOMMUCTL_MIGRATION_ERROR);
        assert_fails(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_RUNNING, &s), -EINVAL,
                     "only a reset");
        assert_ok(p.ctx, iommuctl_migration_recover(p.from));
        assert_int_equal(iommuctl_migration_get_state(p.from), IOMMUCTL_MIGRATION_RUNNING);

        /* What was written is no state: it goes on resuming, and a reset gives that up. */
        assert_ok(p.ctx, iommuctl_migration_set_state(p.to, IOMMUCTL_MIGRATION_RESUMING, &s));
        assert_ok(p.ctx, iommuctl_migration_stream_write(s, "nothing", 7));
        assert_fails(p.ctx, iommuctl_migration_set_state(p.to, IOMMUCTL_MIGRATION_RUNNING, NULL), -EINVAL,
                     "for a whole state; it is resuming now");
        assert_ok(p.ctx, iommuctl_migration_recover(p.to));
        assert_fails(p.ctx, iommuctl_migration_stream_write(s, "x", 1), -ENODEV, "left its states");
        iommuctl_migration_stream_free(s);
        s = NULL;

        assert_fails(p.ctx, iommuctl_migration_set_state(p.from, (enum iommuctl_migration_state)8, &s),
                     -EINVAL, "no migration state 8");
        assert_fails(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_ERROR, &s), -EINVAL,
                     "cannot go from running to error");
        assert_null(s);
        close_pair(&p);
}

static void test_not_there(void **state)
{
        struct bench *b = *state;
        struct iommuctl_migration_stream *s = NULL;
        uint64_t size;

        assert_fails(b->ctx, iommuctl_migration_flags(b->device), -EOPNOTSUPP, "Linux 5.18");
        assert_fails(b->ctx, iommuctl_migration_get_state(b->device), -EOPNOTSUPP, "Linux 5.18");
        assert_fails(b->ctx, iommuctl_migration_set_state(b->device, IOMMUCTL_MIGRATION_STOP, &s),
                     -EOPNOTSUPP, "no migration");
        assert_fails(b->ctx, iommuctl_migration_recover(b->device), -EOPNOTSUPP, "no migration");
        assert_int_equal(fake_reset_count(b->m, NIC), 0);
        assert_fails(b->ctx, iommuctl_migration_data_size(b->device, &size), -EOPNOTSUPP, "Linux 6.2");
}

static void test_stream_keeps_its_device(void **state)
{
        struct pair p = open_pair();
        struct iommuctl_migration_stream *s;
        char buf[16];
        size_t n;

        (void)state;
        assert_ok(p.ctx, iommuctl_migration_set_state(p.from, IOMMUCTL_MIGRATION_STOP_COPY, &s));
        p.from = iommuctl_device_unref(p.from);
        assert_ok(p.ctx, iommuctl_migration_stream_read(s, buf, sizeof(buf), &n));
        assert_int_equal(n, 16);
        iommuctl_migration_stream_free(s);
        /* Closed, it runs. */
        assert_int_equal(fake_migration_state(p.m, FROM), IOMMUCTL_MIGRATION_RUNNING);
        close_pair(&p);
}

/* Copies one stream into the other until there is no more. */
static int copy(struct iommuctl_migration_stream *out, struct iommuctl_migration_stream *in)
{
        char buf[6000];
        size_t n = 1;
        int r = 0;

        while (r >= 0 && n > 0) {
                r = iommuctl_migration_stream_read(out, buf, sizeof(buf), &n);
                if (r == -ENOMSG)
                        return 0;
                if (r >= 0)
                        r = iommuctl_migration_stream_write(in, buf, n);
        }
        return r;
}

static int migrate(struct iommuctl_device *from, struct iommuctl_device *to)
{
        struct iommuctl_migration_stream *out = NULL, *in = NULL;
        struct iommuctl_migration_precopy left;
        uint64_t size;
        int r;

        r = iommuctl_migration_data_size(from, &size);
        if (r >= 0)
                r = iommuctl_migration_set_state(from, IOMMUCTL_MIGRATION_PRE_COPY, &out);
        if (r >= 0)
                r = iommuctl_migration_set_state(to, IOMMUCTL_MIGRATION_RESUMING, &in);
        if (r >= 0)
                r = iommuctl_migration_stream_precopy(out, &left);
        if (r >= 0)
                r = copy(out, in);
        if (r >= 0)
                r = iommuctl_migration_set_state(from, IOMMUCTL_MIGRATION_STOP_COPY, NULL);
        if (r >= 0)
                r = copy(out, in);
        iommuctl_migration_stream_free(in);
        iommuctl_migration_stream_free(out);
        if (r >= 0)
                r = iommuctl_migration_set_state(to, IOMMUCTL_MIGRATION_RUNNING, NULL);
        if (r >= 0)
                r = iommuctl_migration_recover(from);
        return r;
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_device *from = NULL, *to = NULL;
        struct iommuctl_container *c = NULL;
        int r;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, FROM, &from);
        if (r >= 0)
                r = iommuctl_device_open(c, TO, &to);
        memset(fake_bar(m, FROM, 0), 0x77, 32);
        if (r >= 0)
                r = migrate(from, to);
        iommuctl_device_unref(to);
        iommuctl_device_unref(from);
        iommuctl_container_unref(c);
        return r;
}

static void check(struct fake *m, int r)
{
        if (r == 0)
                assert_int_equal(((char *)fake_bar(m, TO, 0))[31], 0x77);
}

static void test_failing(void **state)
{
        const struct scenario s = {
                .name = "a migration", .machine = machine, .run = run, .check = check, .lasting = true
        };

        (void)state;
        each_call_failing(&s);
        each_call_killed(&s, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_ways),
                cmocka_unit_test(test_every_way),
                cmocka_unit_test(test_save_and_load),
                cmocka_unit_test(test_pre_copy),
                cmocka_unit_test(test_pre_copy_of_an_old_kernel),
                cmocka_unit_test(test_failures),
                cmocka_unit_test_setup_teardown(test_not_there, bench_type1, bench_teardown),
                cmocka_unit_test_setup_teardown(test_not_there, bench_iommufd, bench_teardown),
                cmocka_unit_test(test_stream_keeps_its_device),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("migration", tests);
}
