/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Low power and wake-ups, on a machine in memory. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "machines.h"

#include "iommuctl/power.h"
#include "iommuctl/region.h"

static void test_state_names(void **state)
{
        (void)state;
        assert_string_equal(iommuctl_power_state_name(IOMMUCTL_POWER_UNKNOWN), "unknown");
        assert_string_equal(iommuctl_power_state_name(IOMMUCTL_POWER_D3COLD), "D3cold");
        assert_null(iommuctl_power_state_name((enum iommuctl_power_state)6));
}

static void test_sleep(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *bar;
        uint32_t value = 7;

        assert_int_equal(iommuctl_power_state(b->device), IOMMUCTL_POWER_D0);
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &bar));
        assert_ok(b->ctx, iommuctl_power_enter(b->device));
        assert_int_equal(iommuctl_power_state(b->device), IOMMUCTL_POWER_D3HOT);
        assert_true(fake_is_asleep(b->m, NIC));
        /* A use wakes it for as long as it takes, looking at the state does not. */
        assert_int_equal(fake_wake_count(b->m, NIC), 0);
        assert_ok(b->ctx, iommuctl_region_write(bar, 0, &value, sizeof(value)));
        assert_int_equal(fake_wake_count(b->m, NIC), 1);
        assert_int_equal(iommuctl_power_state(b->device), IOMMUCTL_POWER_D3HOT);
        assert_fails(b->ctx, iommuctl_power_enter(b->device), -EALREADY, "allowed to sleep already");
        assert_ok(b->ctx, iommuctl_power_leave(b->device));
        assert_int_equal(iommuctl_power_state(b->device), IOMMUCTL_POWER_D0);
        assert_ok(b->ctx, iommuctl_power_leave(b->device));
        /* Left asleep: closing it ends that. */
        assert_ok(b->ctx, iommuctl_power_enter(b->device));
        iommuctl_region_free(bar);
}

static void touch(struct fake *m, void *userdata)
{
        (void)userdata;
        fake_touch(m, NIC);
}

static void test_wakeup(void **state)
{
        struct bench *b = *state;
        struct iommuctl_wakeup *w = NULL;

        assert_ok(b->ctx, iommuctl_wakeup_new(b->device, &w));
        assert_true(iommuctl_wakeup_fd(w) >= 0);
        assert_true(fake_is_asleep(b->m, NIC));
        assert_int_equal(iommuctl_wakeup_wait(w, 0), -ETIMEDOUT);
        assert_fails(b->ctx, iommuctl_wakeup_wait(w, 20), -ETIMEDOUT, "not woken in 20 ms");
        fake_at(b->m, 5000000, touch, NULL);
        assert_ok(b->ctx, iommuctl_wakeup_wait(w, 20));
        assert_false(fake_is_asleep(b->m, NIC));
        assert_int_equal(iommuctl_wakeup_wait(w, 0), -ETIMEDOUT);

        /* It is awake for good, until it may sleep again. */
        fake_touch(b->m, NIC);
        assert_false(fake_is_asleep(b->m, NIC));
        assert_ok(b->ctx, iommuctl_wakeup_again(w));
        assert_true(fake_is_asleep(b->m, NIC));
        fake_touch(b->m, NIC);
        assert_int_equal(fake_wake_count(b->m, NIC), 2);
        /* What was not waited for is forgotten. */
        assert_ok(b->ctx, iommuctl_wakeup_again(w));
        assert_int_equal(iommuctl_wakeup_wait(w, 0), -ETIMEDOUT);
        /* Any call wakes it, this one, too. */
        assert_ok(b->ctx, iommuctl_power_enter(b->device));
        assert_ok(b->ctx, iommuctl_wakeup_wait(w, 0));
        iommuctl_wakeup_free(w);
        iommuctl_wakeup_free(NULL);
        assert_false(fake_is_asleep(b->m, NIC));
}

static void test_wakeup_keeps_its_device(void **state)
{
        struct bench *b = *state;
        struct iommuctl_wakeup *w = NULL;

        assert_ok(b->ctx, iommuctl_wakeup_new(b->device, &w));
        b->device = iommuctl_device_unref(b->device);
        assert_true(fake_is_asleep(b->m, NIC));
        fake_touch(b->m, NIC);
        assert_ok(b->ctx, iommuctl_wakeup_wait(w, -1));
        iommuctl_wakeup_free(w);
}

static void test_not_there(void **state)
{
        struct fake *m = fake_machine_new(&(struct fake_options){ .release = "6.0.0" });
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_container *c;
        struct iommuctl_device *d;
        struct iommuctl_wakeup *w = NULL;

        (void)state;
        fake_add_pci(m, NIC, &(struct fake_pci){ .driver = "vfio-pci", .group = 1, .no_low_power = true });
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c));
        assert_ok(ctx, iommuctl_device_open(c, NIC, &d));
        assert_fails(ctx, iommuctl_power_enter(d), -EOPNOTSUPP, "older than Linux 6.1");
        assert_fails(ctx, iommuctl_power_leave(d), -EOPNOTSUPP, "older than Linux 6.1");
        assert_fails(ctx, iommuctl_wakeup_new(d, &w), -EOPNOTSUPP, "older than Linux 6.1");
        fake_remove(m, "/sys/bus/pci/devices/" NIC "/power_state");
        assert_fails(ctx, iommuctl_power_state(d), -EOPNOTSUPP, "5.11");
        fake_add_file(m, "/sys/bus/pci/devices/" NIC "/power_state", "D7\n");
        assert_fails(ctx, iommuctl_power_state(d), -EPROTO, "D7");
        fake_add_file(m, "/sys/bus/pci/devices/" NIC "/power_state", "error\n");
        assert_int_equal(iommuctl_power_state(d), IOMMUCTL_POWER_UNKNOWN);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

/* A device that never sleeps tells nothing. */
static void test_never_asleep(void **state)
{
        struct fake *m = fake_machine_new(NULL);
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_container *c;
        struct iommuctl_device *d;
        struct iommuctl_wakeup *w;

        (void)state;
        fake_add_pci(m, NIC, &(struct fake_pci){ .driver = "vfio-pci", .group = 1, .no_pm = true });
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c));
        assert_ok(ctx, iommuctl_device_open(c, NIC, &d));
        assert_ok(ctx, iommuctl_wakeup_new(d, &w));
        assert_int_equal(iommuctl_power_state(d), IOMMUCTL_POWER_D0);
        fake_touch(m, NIC);
        assert_int_equal(iommuctl_wakeup_wait(w, 0), -ETIMEDOUT);
        assert_fails(ctx, iommuctl_wakeup_again(w), -EALREADY, "wake-up waits");
        iommuctl_wakeup_free(w);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static struct fake *machine(void)
{
        return machine_vfio(NULL);
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_wakeup *w = NULL;
        int r;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        if (r >= 0)
                r = iommuctl_power_enter(d);
        if (r >= 0)
                r = iommuctl_power_state(d);
        if (r >= 0)
                r = iommuctl_power_leave(d);
        if (r >= 0)
                r = iommuctl_wakeup_new(d, &w);
        if (r >= 0)
                fake_touch(m, NIC);
        if (r >= 0)
                r = iommuctl_wakeup_wait(w, 10);
        if (r >= 0)
                r = iommuctl_wakeup_again(w);
        iommuctl_wakeup_free(w);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r < 0 ? r : 0;
}

static void check(struct fake *m, int r)
{
        (void)r;
        assert_false(fake_is_asleep(m, NIC));
}

static void test_failing(void **state)
{
        const struct scenario s = {
                .name = "sleep and wake-up", .machine = machine, .run = run, .check = check, .lasting = true
        };

        (void)state;
        each_call_failing(&s);
        each_call_killed(&s, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_state_names),
                cmocka_unit_test_setup_teardown(test_sleep, bench_type1, bench_teardown),
                cmocka_unit_test_setup_teardown(test_sleep, bench_iommufd, bench_teardown),
                cmocka_unit_test_setup_teardown(test_wakeup, bench_type1, bench_teardown),
                cmocka_unit_test_setup_teardown(test_wakeup, bench_iommufd, bench_teardown),
                cmocka_unit_test_setup_teardown(test_wakeup_keeps_its_device, bench_iommufd, bench_teardown),
                cmocka_unit_test(test_not_there),
                cmocka_unit_test(test_never_asleep),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("power", tests);
}
