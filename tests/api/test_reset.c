/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hot reset with its scope, and reset methods, on a machine in memory. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "machines.h"

#include "iommuctl/group.h"
#include "iommuctl/reset.h"

/* A switch's port below BRIDGE2 with three functions in two groups. */
#define BRIDGE2 "0000:00:02.0"
#define ONE     "0000:04:00.0"
#define TWO     "0000:04:00.1"
#define THREE   "0000:04:00.2"

static struct fake *machine_with(const char *third)
{
        struct fake *m = machine_vfio(NULL);

        fake_add_driver(m, "e1000e", NULL);
        fake_add_pci(
                m, BRIDGE2,
                &(struct fake_pci){ .class = 0x060400, .driver = "pcieport", .group = 20, .header_type = 1 });
        fake_add_pci(m, ONE, &(struct fake_pci){ .driver = "vfio-pci", .group = 21, .parent = BRIDGE2 });
        fake_add_pci(m, TWO, &(struct fake_pci){ .driver = "vfio-pci", .group = 21, .parent = BRIDGE2 });
        fake_add_pci(m, THREE, &(struct fake_pci){ .driver = third, .group = 22, .parent = BRIDGE2 });
        return m;
}

static struct fake *machine(void)
{
        return machine_with("vfio-pci");
}

/* The machine, with ONE open in a container of the backend. */
struct place {
        struct fake *m;
        struct iommuctl_ctx *ctx;
        struct iommuctl_container *c;
        struct iommuctl_device *one;
};

static struct place open_one(struct fake *m, enum iommuctl_backend backend)
{
        struct place p = { .m = m, .ctx = new_ctx(m) };

        assert_ok(p.ctx, iommuctl_container_new(p.ctx, backend, &p.c));
        assert_ok(p.ctx, iommuctl_device_open(p.c, ONE, &p.one));
        return p;
}

static void close_one(struct place *p)
{
        iommuctl_device_unref(p->one);
        iommuctl_container_unref(p->c);
        iommuctl_ctx_unref(p->ctx);
        assert_clean(p->m, 0);
        fake_machine_free(p->m);
}

/* The index of the function in the scope. */
static size_t find(const struct iommuctl_reset_scope *scope, unsigned int function)
{
        for (size_t i = 0; i < iommuctl_reset_scope_n_devices(scope); i++) {
                struct iommuctl_address a = iommuctl_reset_scope_address(scope, i);

                assert_int_equal(a.domain, 0);
                assert_int_equal(a.bus, 4);
                assert_int_equal(a.device, 0);
                if (a.function == function)
                        return i;
        }
        fail();
        return 0;
}

#define CLAIM(scope, function) iommuctl_reset_scope_claim((scope), find((scope), (function)))

static void test_scope_type1(void **state)
{
        struct place p = open_one(machine(), IOMMUCTL_BACKEND_TYPE1);
        struct iommuctl_reset_scope *scope = NULL;
        unsigned int group = 0;

        (void)state;
        assert_ok(p.ctx, iommuctl_reset_scope_new(p.one, NULL, 0, &scope));
        assert_int_equal(iommuctl_reset_scope_n_devices(scope), 3);
        assert_int_equal(CLAIM(scope, 0), IOMMUCTL_RESET_OPEN);
        assert_int_equal(CLAIM(scope, 1), IOMMUCTL_RESET_GROUP);
        assert_int_equal(CLAIM(scope, 2), IOMMUCTL_RESET_FOREIGN);
        assert_false(iommuctl_reset_scope_owned(scope));
        assert_true(iommuctl_reset_scope_group(scope, find(scope, 2), &group));
        assert_int_equal(group, 22);
        assert_string_equal(iommuctl_reset_scope_driver(scope, find(scope, 2)), "vfio-pci");
        assert_int_equal(iommuctl_reset_scope_iommufd_id(scope, find(scope, 0)), 0);
        assert_int_equal(iommuctl_reset_scope_claim(scope, 3), IOMMUCTL_RESET_NOT_VFIO);
        assert_null(iommuctl_reset_scope_driver(scope, 3));
        assert_false(iommuctl_reset_scope_group(scope, 3, &group));
        assert_int_equal(iommuctl_reset_scope_address(scope, 3).bus, 0);
        iommuctl_reset_scope_free(scope);
        iommuctl_reset_scope_free(NULL);
        close_one(&p);
}

static void test_scope_iommufd(void **state)
{
        struct place p = open_one(machine(), IOMMUCTL_BACKEND_IOMMUFD);
        struct iommuctl_reset_scope *scope = NULL;
        unsigned int group;

        (void)state;
        assert_ok(p.ctx, iommuctl_reset_scope_new(p.one, NULL, 0, &scope));
        assert_int_equal(CLAIM(scope, 0), IOMMUCTL_RESET_OPEN);
        assert_int_equal(CLAIM(scope, 1), IOMMUCTL_RESET_GROUP);
        assert_int_equal(CLAIM(scope, 2), IOMMUCTL_RESET_FOREIGN);
        assert_int_equal(iommuctl_reset_scope_iommufd_id(scope, find(scope, 0)),
                         iommuctl_device_iommufd_id(p.one));
        assert_int_equal(iommuctl_reset_scope_iommufd_id(scope, find(scope, 1)), 0);
        assert_false(iommuctl_reset_scope_group(scope, 0, &group));
        iommuctl_reset_scope_free(scope);
        close_one(&p);
}

/* Refused, then with the third open, too, done; all three are reset by it. */
static void hot_reset(enum iommuctl_backend backend)
{
        struct place p = open_one(machine(), backend);
        struct iommuctl_reset_scope *scope = NULL;
        struct iommuctl_device *three;

        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0), -EBUSY, "is vfio-pci's and not open");
        assert_contains(error_text(p.ctx), THREE);
        assert_null(strstr(error_text(p.ctx), TWO));
        assert_string_equal(error_device(p.ctx), ONE);
        assert_int_equal(fake_n_ioctls(p.m, VFIO_DEVICE_PCI_HOT_RESET), 0);

        assert_ok(p.ctx, iommuctl_device_open(p.c, THREE, &three));
        assert_ok(p.ctx, iommuctl_reset_scope_new(three, NULL, 0, &scope));
        assert_int_equal(CLAIM(scope, 2), IOMMUCTL_RESET_OPEN);
        assert_true(iommuctl_reset_scope_owned(scope));
        iommuctl_reset_scope_free(scope);
        memset(fake_bar(p.m, TWO, 0), 0xaa, 16);
        assert_ok(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0));
        assert_int_equal(fake_hot_reset_count(p.m, ONE), 1);
        assert_int_equal(fake_hot_reset_count(p.m, TWO), 1);
        assert_int_equal(fake_hot_reset_count(p.m, THREE), 1);
        assert_int_equal(fake_hot_reset_count(p.m, NIC), 0);
        assert_int_equal(((char *)fake_bar(p.m, TWO, 0))[0], 0);

        fake_set_hot_reset_error(p.m, -EBUSY);
        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0), -EAGAIN, "at this moment");
        fake_set_hot_reset_error(p.m, -EAGAIN);
        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0), -EAGAIN, "at this moment");
        fake_set_hot_reset_error(p.m, -ENOTTY);
        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0), -ETIMEDOUT, "was hot reset, but");
        fake_set_hot_reset_error(p.m, -EIO);
        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0), -EIO, "was not hot reset");
        iommuctl_device_unref(three);
        close_one(&p);
}

static void test_hot_reset_type1(void **state)
{
        (void)state;
        hot_reset(IOMMUCTL_BACKEND_TYPE1);
}

static void test_hot_reset_iommufd(void **state)
{
        (void)state;
        hot_reset(IOMMUCTL_BACKEND_IOMMUFD);
}

/* A group in another container of the process is as good a proof; iommufd takes none. */
static void test_groups_of_another_container(void **state)
{
        struct place p = open_one(machine(), IOMMUCTL_BACKEND_TYPE1);
        struct iommuctl_reset_scope *scope = NULL;
        struct iommuctl_container *other;
        struct iommuctl_group *group;

        (void)state;
        assert_ok(p.ctx, iommuctl_container_new(p.ctx, IOMMUCTL_BACKEND_TYPE1, &other));
        assert_ok(p.ctx, iommuctl_group_open(other, 22, &group));
        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0), -EBUSY, "(group 22)");
        assert_ok(p.ctx, iommuctl_reset_scope_new(p.one, &group, 1, &scope));
        assert_int_equal(CLAIM(scope, 2), IOMMUCTL_RESET_GROUP);
        iommuctl_reset_scope_free(scope);
        assert_ok(p.ctx, iommuctl_device_hot_reset(p.one, &group, 1));
        assert_int_equal(fake_hot_reset_count(p.m, THREE), 1);
        iommuctl_group_unref(group);
        iommuctl_container_unref(other);
        close_one(&p);

        p = open_one(machine(), IOMMUCTL_BACKEND_IOMMUFD);
        assert_ok(p.ctx, iommuctl_container_new(p.ctx, IOMMUCTL_BACKEND_TYPE1, &other));
        assert_ok(p.ctx, iommuctl_group_open(other, 22, &group));
        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, &group, 1), -EINVAL, "takes no groups");
        iommuctl_group_unref(group);
        iommuctl_container_unref(other);
        close_one(&p);
}

static void no_vfio_driver(enum iommuctl_backend backend, const char *driver, const char *word)
{
        struct place p = open_one(machine_with(driver), backend);
        struct iommuctl_reset_scope *scope = NULL;

        assert_ok(p.ctx, iommuctl_reset_scope_new(p.one, NULL, 0, &scope));
        assert_int_equal(CLAIM(scope, 2), IOMMUCTL_RESET_NOT_VFIO);
        if (driver)
                assert_string_equal(iommuctl_reset_scope_driver(scope, find(scope, 2)), driver);
        else
                assert_null(iommuctl_reset_scope_driver(scope, find(scope, 2)));
        iommuctl_reset_scope_free(scope);
        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0), -EBUSY, word);
        assert_contains(error_text(p.ctx), "3 devices, of which " THREE);
        assert_int_equal(fake_hot_reset_count(p.m, ONE), 0);
        close_one(&p);
}

static void test_in_the_way(void **state)
{
        (void)state;
        no_vfio_driver(IOMMUCTL_BACKEND_TYPE1, NULL, "has no driver");
        no_vfio_driver(IOMMUCTL_BACKEND_IOMMUFD, NULL, "has no driver");
        no_vfio_driver(IOMMUCTL_BACKEND_TYPE1, "e1000e", "is bound to e1000e");
        no_vfio_driver(IOMMUCTL_BACKEND_IOMMUFD, "pci-stub", "is bound to pci-stub");
}

/* On a root bus nothing can be reset. */
static void test_no_scope(void **state)
{
        struct bench *b = *state;
        struct iommuctl_reset_scope *scope = NULL;

        assert_fails(b->ctx, iommuctl_reset_scope_new(b->device, NULL, 0, &scope), -EOPNOTSUPP,
                     "neither its slot nor its bus");
        assert_fails(b->ctx, iommuctl_device_hot_reset(b->device, NULL, 0), -EOPNOTSUPP, "hot reset");
        assert_null(scope);
}

/* More devices than there was room for, and more again at the second question. */
static void test_growing_scope(void **state)
{
        struct place p = open_one(machine(), IOMMUCTL_BACKEND_TYPE1);
        struct iommuctl_reset_scope *scope = NULL;
        char bdf[16];

        (void)state;
        for (unsigned int i = 1; i < 20; i++) {
                snprintf(bdf, sizeof(bdf), "0000:04:%02x.0", i);
                fake_add_pci(p.m, bdf,
                             &(struct fake_pci){ .driver = "vfio-pci", .group = 30 + i, .parent = BRIDGE2 });
        }
        assert_ok(p.ctx, iommuctl_reset_scope_new(p.one, NULL, 0, &scope));
        assert_int_equal(iommuctl_reset_scope_n_devices(scope), 22);
        iommuctl_reset_scope_free(scope);
        scope = NULL;
        fake_set_hot_reset_growth(p.m, 3);
        assert_ok(p.ctx, iommuctl_reset_scope_new(p.one, NULL, 0, &scope));
        assert_int_equal(iommuctl_reset_scope_n_devices(scope), 22);
        iommuctl_reset_scope_free(scope);
        scope = NULL;
        fake_set_hot_reset_growth(p.m, 1000);
        assert_fails(p.ctx, iommuctl_reset_scope_new(p.one, NULL, 0, &scope), -EAGAIN, "come and go");
        fake_set_hot_reset_growth(p.m, 0);
        assert_null(scope);
        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0), -EBUSY, "would hit 22 devices");
        close_one(&p);
}

/* All is ours, but one of them is a virtual function: the kernel says no, and so do we, with the reason. */
static void virtual_function(enum iommuctl_backend backend)
{
        struct place p = open_one(machine(), backend);
        struct iommuctl_reset_scope *scope = NULL;
        struct iommuctl_device *three;

        fake_add_link(p.m, "/sys/bus/pci/devices/" THREE "/physfn", "../0000:04:00.0");
        assert_ok(p.ctx, iommuctl_device_open(p.c, THREE, &three));
        assert_ok(p.ctx, iommuctl_reset_scope_new(p.one, NULL, 0, &scope));
        assert_int_equal(CLAIM(scope, 1), IOMMUCTL_RESET_GROUP);
        assert_int_equal(CLAIM(scope, 2), IOMMUCTL_RESET_APART);
        assert_false(iommuctl_reset_scope_owned(scope));
        iommuctl_reset_scope_free(scope);
        assert_fails(p.ctx, iommuctl_device_hot_reset(p.one, NULL, 0), -EBUSY, "reset with no others");
        assert_ok(p.ctx, iommuctl_reset_scope_new(three, NULL, 0, &scope));
        assert_int_equal(CLAIM(scope, 0), IOMMUCTL_RESET_APART);
        assert_int_equal(CLAIM(scope, 2), IOMMUCTL_RESET_OPEN);
        iommuctl_reset_scope_free(scope);
        iommuctl_device_unref(three);
        close_one(&p);
}

static void test_virtual_functions(void **state)
{
        (void)state;
        virtual_function(IOMMUCTL_BACKEND_TYPE1);
        virtual_function(IOMMUCTL_BACKEND_IOMMUFD);
}

static void test_claim_names(void **state)
{
        (void)state;
        assert_string_equal(iommuctl_reset_claim_name(IOMMUCTL_RESET_OPEN), "open");
        assert_string_equal(iommuctl_reset_claim_name(IOMMUCTL_RESET_NOT_VFIO), "not-vfio");
        assert_null(iommuctl_reset_claim_name((enum iommuctl_reset_claim)5));
}

static void test_methods(void **state)
{
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_reset_methods_change *change = NULL, *second = NULL;
        char text[64];

        (void)state;
        assert_int_equal(iommuctl_reset_methods(ctx, "04:00.0", text, sizeof(text)), 7);
        assert_string_equal(text, "flr bus");
        assert_fails(ctx, iommuctl_reset_methods(ctx, ONE, text, 7), -EOVERFLOW, "7 bytes and a NUL");
        assert_ok(ctx, iommuctl_reset_methods_set(ctx, ONE, " pm  flr", &change));
        assert_int_equal(iommuctl_reset_methods(ctx, ONE, text, sizeof(text)), 6);
        assert_string_equal(text, "pm flr");
        assert_ok(ctx, iommuctl_reset_methods_set(ctx, ONE, "", &second));
        assert_int_equal(iommuctl_reset_methods(ctx, ONE, text, sizeof(text)), 0);
        assert_string_equal(text, "");
        assert_ok(ctx, iommuctl_reset_methods_restore(second));
        assert_ok(ctx, iommuctl_reset_methods(ctx, ONE, text, sizeof(text)));
        assert_string_equal(text, "pm flr");
        assert_ok(ctx, iommuctl_reset_methods_restore(change));
        assert_ok(ctx, iommuctl_reset_methods(ctx, ONE, text, sizeof(text)));
        assert_string_equal(text, "flr bus");
        assert_ok(ctx, iommuctl_reset_methods_set(ctx, ONE, "default", NULL));
        assert_ok(ctx, iommuctl_reset_methods(ctx, ONE, text, sizeof(text)));
        assert_string_equal(text, "flr pm bus");
        assert_ok(ctx, iommuctl_reset_methods_set(ctx, ONE, "", &change));
        iommuctl_reset_methods_keep(change);
        iommuctl_reset_methods_keep(NULL);
        assert_ok(ctx, iommuctl_reset_methods_restore(NULL));
        assert_int_equal(iommuctl_reset_methods(ctx, ONE, text, sizeof(text)), 0);
        /* Turned off, and given back as that. */
        assert_ok(ctx, iommuctl_reset_methods_set(ctx, ONE, "bus", &change));
        assert_ok(ctx, iommuctl_reset_methods_restore(change));
        assert_int_equal(iommuctl_reset_methods(ctx, ONE, text, sizeof(text)), 0);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

/* Turned off under an open device. */
static void test_methods_of_an_open_device(void **state)
{
        struct place p = open_one(machine(), IOMMUCTL_BACKEND_AUTO);
        struct iommuctl_reset_methods_change *change;

        (void)state;
        assert_ok(p.ctx, iommuctl_device_reset(p.one));
        assert_ok(p.ctx, iommuctl_reset_methods_set(p.ctx, ONE, "", &change));
        assert_fails(p.ctx, iommuctl_device_reset(p.one), -EOPNOTSUPP, "turned off");
        assert_ok(p.ctx, iommuctl_reset_methods_restore(change));
        assert_ok(p.ctx, iommuctl_device_reset(p.one));
        fake_set_fault(p.m, FAKE_FAULT_ERROR, 1, -ENOTTY);
        assert_fails(p.ctx, iommuctl_device_reset(p.one), -ETIMEDOUT,
                     "come back from a reset by \"flr bus\"");
        assert_int_equal(fake_reset_count(p.m, ONE), 2);
        close_one(&p);
}

static void test_methods_refused(void **state)
{
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_reset_methods_change *change = NULL;
        char text[64], longer[400];

        (void)state;
        fake_add_pci(m, "0000:05:00.0", &(struct fake_pci){ .no_reset = true, .group = 40 });
        assert_fails(ctx, iommuctl_reset_methods(ctx, "0000:05:00.0", text, sizeof(text)), -EOPNOTSUPP,
                     "5.15");
        assert_fails(ctx, iommuctl_reset_methods_set(ctx, "0000:05:00.0", "flr", &change), -EOPNOTSUPP,
                     "5.15");
        assert_fails(ctx, iommuctl_reset_methods(ctx, "0000:09:00.0", text, sizeof(text)), -ENODEV,
                     "no device 0000:09:00.0");
        assert_fails(ctx, iommuctl_reset_methods(ctx, "../x", text, sizeof(text)), -ENODEV, "of that name");
        fake_clear_logs(m);
        assert_fails(ctx, iommuctl_reset_methods_set(ctx, ONE, "flr\nbus", &change), -EINVAL, "lower-case");
        memset(longer, 'a', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = '\0';
        assert_fails(ctx, iommuctl_reset_methods_set(ctx, ONE, longer, &change), -EINVAL, "lower-case");
        assert_string_equal(fake_writes(m), "");
        assert_fails(ctx, iommuctl_reset_methods_set(ctx, ONE, "flr acpi", &change), -EINVAL, "\"flr bus\"");
        assert_ok(ctx, iommuctl_reset_methods(ctx, ONE, text, sizeof(text)));
        assert_string_equal(text, "flr bus");
        fake_set_uid(m, 1000);
        assert_fails(ctx, iommuctl_reset_methods_set(ctx, ONE, "flr", &change), -EACCES, "cannot be set");
        fake_set_uid(m, 0);
        assert_null(change);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

/* Scenarios with each call failing. */

static int run_hot_reset(struct iommuctl_ctx *ctx, enum iommuctl_backend backend)
{
        struct iommuctl_device *one = NULL, *three = NULL;
        struct iommuctl_reset_scope *scope = NULL;
        struct iommuctl_container *c = NULL;
        int r;

        r = iommuctl_container_new(ctx, backend, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, ONE, &one);
        if (r >= 0)
                r = iommuctl_device_open(c, THREE, &three);
        if (r >= 0)
                r = iommuctl_reset_scope_new(one, NULL, 0, &scope);
        if (r >= 0)
                r = iommuctl_device_hot_reset(one, NULL, 0);
        iommuctl_reset_scope_free(scope);
        iommuctl_device_unref(three);
        iommuctl_device_unref(one);
        iommuctl_container_unref(c);
        return r;
}

static int run_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return run_hot_reset(ctx, IOMMUCTL_BACKEND_TYPE1);
}

static int run_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return run_hot_reset(ctx, IOMMUCTL_BACKEND_IOMMUFD);
}

static void check_hot_reset(struct fake *m, int r)
{
        assert_int_equal(fake_hot_reset_count(m, TWO), r == 0);
}

static int run_methods(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_reset_methods_change *change = NULL;
        char text[64];
        int r, r2;

        r = iommuctl_reset_methods(ctx, ONE, text, sizeof(text));
        if (r >= 0)
                r = iommuctl_reset_methods_set(ctx, ONE, "pm", &change);
        r2 = iommuctl_reset_methods_restore(change);
        if (r2 < 0) {
                fake_mend(m);
                assert_int_equal(iommuctl_reset_methods_restore(change), 0);
        }
        return r < 0 ? r : r2;
}

/* Whatever failed, they are what they were. */
static void check_methods(struct fake *m, int r)
{
        (void)r;
        assert_string_equal(fake_read(m, "/sys/bus/pci/devices/" ONE "/reset_method"), "flr bus\n");
}

static const struct scenario scenarios[] = {
        { .name = "a hot reset on type1",
          .machine = machine,
          .run = run_type1,
          .check = check_hot_reset,
          .lasting = true },
        { .name = "a hot reset on iommufd",
          .machine = machine,
          .run = run_iommufd,
          .check = check_hot_reset,
          .lasting = true },
        { .name = "reset methods set and given back",
          .machine = machine,
          .run = run_methods,
          .check = check_methods },
};

static void test_failing(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
                each_call_failing(&scenarios[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_scope_type1),
                cmocka_unit_test(test_scope_iommufd),
                cmocka_unit_test(test_hot_reset_type1),
                cmocka_unit_test(test_hot_reset_iommufd),
                cmocka_unit_test(test_groups_of_another_container),
                cmocka_unit_test(test_in_the_way),
                cmocka_unit_test_setup_teardown(test_no_scope, bench_type1, bench_teardown),
                cmocka_unit_test_setup_teardown(test_no_scope, bench_iommufd, bench_teardown),
                cmocka_unit_test(test_growing_scope),
                cmocka_unit_test(test_virtual_functions),
                cmocka_unit_test(test_claim_names),
                cmocka_unit_test(test_methods),
                cmocka_unit_test(test_methods_of_an_open_device),
                cmocka_unit_test(test_methods_refused),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("resets", tests);
}
