/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dangers of changing drivers: each refused by name, and none overlooked, whatever cannot be read. */
#include "machines.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "iommuctl/change.h"
#include "iommuctl/topology.h"

#define DEVICES "/sys/bus/pci/devices/"
#define NOTES   "/run/iommuctl/devices/"

struct place {
        struct fake *m;
        struct iommuctl_ctx *ctx;
        struct iommuctl_topology *t;
        struct iommuctl_change *change;
};

static int setup_with(void **state, const struct fake_options *options)
{
        static struct place p;

        p = (struct place){ .m = machine_native(options) };
        p.ctx = new_ctx(p.m);
        assert_ok(p.ctx, iommuctl_topology_new(p.ctx, IOMMUCTL_READ_ALL, &p.t));
        assert_ok(p.ctx, iommuctl_change_new(p.ctx, &p.change));
        *state = &p;
        return 0;
}

static int setup(void **state)
{
        return setup_with(state, NULL);
}

static int teardown(void **state)
{
        struct place *p = *state;

        iommuctl_change_free(p->change);
        iommuctl_topology_free(p->t);
        iommuctl_ctx_unref(p->ctx);
        assert_clean(p->m, 0);
        fake_machine_free(p->m);
        return 0;
}

static void restart(struct place *p, const struct fake_options *options)
{
        void *state = p;

        teardown(&state);
        setup_with(&state, options);
}

static void add_bind(struct place *p, const char *name)
{
        assert_ok(p->ctx,
                  iommuctl_change_add_bind(p->change, iommuctl_topology_find_device(p->t, name), NULL));
}

static void add_group(struct place *p, unsigned int id)
{
        assert_ok(p->ctx,
                  iommuctl_change_add_group_bind(p->change, iommuctl_topology_find_group(p->t, id), NULL));
}

/* A change that is used up makes room for another. */
static void again(struct place *p)
{
        iommuctl_change_free(p->change);
        iommuctl_topology_free(p->t);
        assert_ok(p->ctx, iommuctl_topology_new(p->ctx, IOMMUCTL_READ_ALL, &p->t));
        assert_ok(p->ctx, iommuctl_change_new(p->ctx, &p->change));
}

static bool same(const char *a, const char *b)
{
        return a && b ? streq(a, b) : a == b;
}

/* The device is bound to DRIVER (NULL: none) with the override, and all that sysfs shows agrees. */
static void assert_bound(struct fake *m, const char *bdf, const char *driver, const char *override)
{
        const char *now = fake_driver_of(m, bdf), *now_override = fake_override_of(m, bdf), *link;
        char path[200];

        snprintf(path, sizeof(path), DEVICES "%s/driver", bdf);
        link = fake_link(m, path);
        if (same(now, driver) && same(now_override, override) &&
            same(link ? path_basename(link) : NULL, driver))
                return;
        print_error("%s: %s is bound to %s (link %s) with override %s, not to %s with %s\n", scenario_where(),
                    bdf, now ?: "nothing", link ?: "none", now_override ?: "none", driver ?: "nothing",
                    override ?: "none");
        fail();
}

static void assert_no_note(struct fake *m, const char *bdf)
{
        char path[200];

        snprintf(path, sizeof(path), NOTES "%s", bdf);
        if (!fake_exists(m, path))
                return;
        print_error("%s: the note %s is left\n", scenario_where(), path);
        fail();
}

static void assert_native(struct fake *m)
{
        assert_bound(m, GPU, "nouveau", NULL);
        assert_bound(m, AUDIO, "snd_hda_intel", "snd_hda_intel");
        assert_bound(m, NIC, "e1000e", NULL);
        assert_bound(m, BRIDGE, "pcieport", NULL);
        assert_no_note(m, GPU);
        assert_no_note(m, AUDIO);
}

/* Each danger is refused, named, and let through by its own word alone. */
static void refused_for(struct place *p, const char *name, enum iommuctl_hazard hazard, const char *word)
{
        add_bind(p, name);
        iommuctl_change_allow(p->change, ~(unsigned int)hazard);
        assert_fails(p->ctx, iommuctl_change_apply(p->change), -ECANCELED, word);
        assert_string_equal(error_device(p->ctx), name);
        assert_string_equal(fake_writes(p->m), "");
        iommuctl_change_allow(p->change, hazard);
        assert_ok(p->ctx, iommuctl_change_plan(p->change));
        assert_false(iommuctl_change_refused(p->change));
        assert_string_equal(fake_writes(p->m), "");
        again(p);
}

static void test_hazards(void **state)
{
        struct place *p = *state;

        fake_add_mount(p->m, 259, 1, "/srv", "/dev/nvme0n1p1");
        refused_for(p, DISK, IOMMUCTL_HAZARD_MOUNTED, "/srv");
        restart(p, NULL);
        fake_add_swap(p->m, "/dev/nvme0n1p1");
        refused_for(p, DISK, IOMMUCTL_HAZARD_SWAP, "nvme0n1p1");
        restart(p, NULL);
        fake_add_holder(p->m, "nvme0n1p1", "dm-0");
        refused_for(p, DISK, IOMMUCTL_HAZARD_HOLDER, "dm-0");
        restart(p, NULL);
        fake_add_default_route(p->m, "eth0");
        refused_for(p, NIC, IOMMUCTL_HAZARD_DEFAULT_ROUTE, "eth0");
        restart(p, NULL);
        fake_set_net_master(p->m, "eth0", "bond0");
        refused_for(p, NIC, IOMMUCTL_HAZARD_NET_MASTER, "bond0");
}

/* A default route over two interfaces, in a table of its own: /proc/net/route has nothing of it. */
static void test_multipath_routes(void **state)
{
        struct place *p = *state;
        const char *const interfaces[] = { "other0", "eth0", NULL }, *const others[] = { "other0", NULL };

        fake_add_net(p->m, NULL, "other0");
        fake_add_multipath_route(p->m, AF_INET6, RT_TABLE_MAIN, others);
        add_bind(p, NIC);
        assert_ok(p->ctx, iommuctl_change_plan(p->change));
        assert_int_equal(iommuctl_change_n_hazards(p->change), 0);
        fake_add_multipath_route(p->m, AF_INET, 100, interfaces);
        fake_add_multipath_route(p->m, AF_INET6, RT_TABLE_MAIN, interfaces);
        again(p);
        refused_for(p, NIC, IOMMUCTL_HAZARD_DEFAULT_ROUTE, "eth0 carries an IPv4 default route (table 100)");
        add_bind(p, NIC);
        assert_ok(p->ctx, iommuctl_change_plan(p->change));
        assert_int_equal(iommuctl_change_n_hazards(p->change), 2);
        assert_string_equal(iommuctl_change_hazard_detail(p->change, 1),
                            "eth0 carries the IPv6 default route");
}

/* The disk below a device-mapper target that is mounted: two steps away, and still in danger. */
static void test_mounted_through_holder(void **state)
{
        struct place *p = *state;

        fake_add_holder(p->m, "nvme0n1p1", "dm-7");
        fake_add_mount(p->m, 254, 7, "/home", "/dev/mapper/home");
        add_bind(p, DISK);
        iommuctl_change_allow(p->change, IOMMUCTL_HAZARD_HOLDER);
        assert_fails(p->ctx, iommuctl_change_apply(p->change), -ECANCELED, "/home");
        assert_string_equal(fake_writes(p->m), "");
}

static void test_bridge(void **state)
{
        struct place *p = *state;

        add_bind(p, BRIDGE);
        assert_fails(p->ctx, iommuctl_change_apply(p->change), -ECANCELED, BRIDGE);
        assert_string_equal(fake_writes(p->m), "");
}

/* The same on a kernel whose driver_override waits for the driver too. */
static void test_unbind_hangs_with_the_lock(void **state)
{
        struct place *p = *state;

        restart(p, &(struct fake_options){ .override_locked = true });
        fake_set_unbind_hangs(p->m, "nouveau", true);
        add_group(p, 7);
        iommuctl_change_set_timeout(p->change, 2000);
        assert_fails(p->ctx, iommuctl_change_apply(p->change), -ETIMEDOUT, GPU);
        fake_release_unbind(p->m);
        again(p);
        assert_ok(p->ctx, iommuctl_change_add_restore_all(p->change));
        assert_ok(p->ctx, iommuctl_change_apply(p->change));
        assert_bound(p->m, GPU, "nouveau", NULL);
        assert_bound(p->m, AUDIO, "snd_hda_intel", NULL);
        assert_false(fake_exists(p->m, NOTES GPU));
}

static void test_another_card_at_the_address(void **state)
{
        struct place *p = *state;

        add_bind(p, NIC);
        assert_ok(p->ctx, iommuctl_change_apply(p->change));
        fake_set_ids(p->m, NIC, 0x8086, 0xbeef);
        fake_clear_logs(p->m);
        again(p);
        assert_ok(p->ctx, iommuctl_change_add_restore(p->change, NIC));
        assert_ok(p->ctx, iommuctl_change_apply(p->change));
        assert_string_equal(fake_writes(p->m), "");
        assert_false(fake_exists(p->m, NOTES NIC));
}

/* A device that a process has open is not taken away from it. */
static void test_in_use(void **state)
{
        struct place *p = *state;

        add_bind(p, NIC);
        assert_ok(p->ctx, iommuctl_change_apply(p->change));
        fake_add_process(p->m, 900, "qemu", (const char *[]){ "/dev/vfio/8", NULL });
        again(p);
        assert_ok(p->ctx, iommuctl_change_add_restore(p->change, NIC));
        assert_fails(p->ctx, iommuctl_change_apply(p->change), -ECANCELED, "900");
        assert_bound(p->m, NIC, "vfio-pci", "vfio-pci");
}

/* Scenarios with each call failing, and killed at each call. */

static struct fake *native_machine(void)
{
        struct fake *m = machine_native(NULL);
        struct kernel *k = fake_kernel(m);
        pid_t pid;

        k->ops->write_guarded(k, AT_FDCWD, DEVICES AUDIO "/driver_override", "snd_hda_intel", 13, 1000, &pid);
        fake_clear_logs(m);
        return m;
}

static int run_bind(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_change *change = NULL;
        struct iommuctl_topology *t = NULL;
        const struct iommuctl_group_info *g;
        int r;

        (void)m;
        r = iommuctl_topology_new(ctx, IOMMUCTL_READ_ALL, &t);
        if (r >= 0)
                r = iommuctl_change_new(ctx, &change);
        if (r >= 0) {
                g = iommuctl_topology_find_group(t, 7);
                /* A device that could not be read is left out of the topology. */
                r = g ? iommuctl_change_add_group_bind(change, g, NULL)
                      : ctx_error(ctx, -ENODEV, NULL, "group 7 was not read");
        }
        if (r >= 0)
                r = iommuctl_change_apply(change);
        iommuctl_change_free(change);
        iommuctl_topology_free(t);
        return r;
}

static int run_restore(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_change *change = NULL;
        int r;

        (void)m;
        r = iommuctl_change_new(ctx, &change);
        if (r >= 0)
                r = iommuctl_change_add_restore_all(change);
        if (r >= 0)
                r = iommuctl_change_apply(change);
        iommuctl_change_free(change);
        return r;
}

static int run_undo(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_change *change = NULL;
        int r;

        (void)m;
        r = iommuctl_change_new(ctx, &change);
        if (r >= 0)
                r = iommuctl_change_add_restore_all(change);
        if (r >= 0)
                r = iommuctl_change_apply(change);
        if (r >= 0)
                r = iommuctl_change_undo(change);
        iommuctl_change_free(change);
        return r;
}

static struct fake *bound_machine(void)
{
        struct fake *m = native_machine();
        struct iommuctl_ctx *ctx = new_ctx(m);

        assert_ok(ctx, run_bind(ctx, m));
        iommuctl_ctx_unref(ctx);
        return m;
}

/* What any later process can do: all is as it was at first. */
static void recover(struct fake *m)
{
        struct iommuctl_ctx *ctx = new_ctx(m);

        assert_ok(ctx, run_restore(ctx, m));
        iommuctl_ctx_unref(ctx);
        assert_native(m);
}

/* An undo that fails says so; what is left over is still noted. */
static void check_undo(struct fake *m, int r)
{
        if (r == 0) {
                assert_bound(m, GPU, "vfio-pci", "vfio-pci");
                assert_bound(m, AUDIO, "vfio-pci", "vfio-pci");
        }
        recover(m);
}

/* A disk with a mounted file system, and a NIC with the default route: whatever cannot be read, they stay. */
static struct fake *machine_in_use(void)
{
        struct fake *m = machine_native(NULL);

        fake_add_mount(m, 259, 1, "/srv", "/dev/nvme0n1p1");
        fake_add_default_route(m, "eth0");
        return m;
}

static struct fake *machine_routed(void)
{
        struct fake *m = machine_native(NULL);

        fake_add_multipath_route(m, AF_INET, 100, (const char *const[]){ "eth0", NULL });
        fake_add_default_route(m, "eth0");
        return m;
}

static int run_refused(struct iommuctl_ctx *ctx, const char *device)
{
        struct iommuctl_change *change = NULL;
        struct iommuctl_topology *t = NULL;
        const struct iommuctl_device_info *d;
        int r;

        r = iommuctl_topology_new(ctx, IOMMUCTL_READ_ALL, &t);
        if (r >= 0)
                r = iommuctl_change_new(ctx, &change);
        if (r >= 0) {
                d = iommuctl_topology_find_device(t, device);
                r = d ? iommuctl_change_add_bind(change, d, NULL) : -ENODEV;
        }
        if (r >= 0)
                r = iommuctl_change_apply(change);
        iommuctl_change_free(change);
        iommuctl_topology_free(t);
        return r == -ECANCELED ? 0 : r < 0 ? ctx_error(ctx, r, NULL, "as it should") : -ENOTRECOVERABLE;
}

static int run_refused_disk(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return run_refused(ctx, DISK);
}

static int run_refused_nic(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return run_refused(ctx, NIC);
}

static void check_refused(struct fake *m, int r)
{
        if (r == -ENOTRECOVERABLE) {
                print_error("%s: the danger was overlooked\n", scenario_where());
                fail();
        }
        assert_bound(m, DISK, "nvme", NULL);
        assert_bound(m, NIC, "e1000e", NULL);
}

static const struct scenario disk_scenario = { "a mounted disk", machine_in_use, run_refused_disk,
                                               check_refused, true };
static const struct scenario nic_scenario = { "the default route", machine_in_use, run_refused_nic,
                                              check_refused, true };
static const struct scenario routes_scenario = { "a routing table", machine_routed, run_refused_nic,
                                                 check_refused, true };
static const struct scenario undo_scenario = { "undoing a restore", bound_machine, run_undo, check_undo };

static void test_undo_failing(void **state)
{
        (void)state;
        each_call_failing(&undo_scenario);
}

static void test_mounted_failing(void **state)
{
        (void)state;
        each_call_failing(&disk_scenario);
}

static void test_default_route_failing(void **state)
{
        (void)state;
        each_call_failing(&nic_scenario);
}

static void test_multipath_routes_failing(void **state)
{
        (void)state;
        each_call_failing(&routes_scenario);
}

static void test_undo_killed(void **state)
{
        (void)state;
        each_call_killed(&undo_scenario, recover);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_hazards),
                TEST(test_multipath_routes),
                TEST(test_mounted_through_holder),
                TEST(test_bridge),
                TEST(test_unbind_hangs_with_the_lock),
                TEST(test_another_card_at_the_address),
                TEST(test_in_use),
                cmocka_unit_test(test_undo_failing),
                cmocka_unit_test(test_mounted_failing),
                cmocka_unit_test(test_default_route_failing),
                cmocka_unit_test(test_multipath_routes_failing),
                cmocka_unit_test(test_undo_killed),
        };

        return run_tap_tests("change, dangers", tests);
}
