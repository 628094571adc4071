/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing drivers on a machine in memory: what is planned, done, noted, refused, undone and given back. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "iommuctl/change.h"
#include "iommuctl/topology.h"

#define NOTE(device) "/run/iommuctl/devices/" device

static struct fake *m;
static struct iommuctl_ctx *ctx;
static struct iommuctl_topology *topology;
static struct iommuctl_change *change;

static void renew(void)
{
        iommuctl_change_free(change);
        iommuctl_topology_free(topology);
        change = NULL;
        topology = NULL;
        assert_ok(ctx, iommuctl_topology_new(ctx, IOMMUCTL_READ_UNGROUPED, &topology));
        assert_ok(ctx, iommuctl_change_new(ctx, &change));
}

static int start(const struct fake_options *options)
{
        m = machine_native(options);
        ctx = new_ctx(m);
        renew();
        return 0;
}

static int setup(void **state)
{
        (void)state;
        return start(NULL);
}

static int teardown(void **state)
{
        (void)state;
        iommuctl_change_free(change);
        iommuctl_topology_free(topology);
        iommuctl_ctx_unref(ctx);
        change = NULL;
        topology = NULL;
        assert_clean(m, 0);
        fake_machine_free(m);
        return 0;
}

static void restart(const struct fake_options *options)
{
        teardown(NULL);
        start(options);
}

static const struct iommuctl_device_info *device(const char *name)
{
        return iommuctl_topology_find_device(topology, name);
}

static void bind(const char *name)
{
        assert_ok(ctx, iommuctl_change_add_bind(change, device(name), NULL));
}

static void assert_is(const char *name, const char *driver, const char *driver_override)
{
        const char *d = fake_driver_of(m, name), *o = fake_override_of(m, name);

        assert_string_equal(d ?: "none", driver ?: "none");
        assert_string_equal(o ?: "none", driver_override ?: "none");
}

static void assert_native(void)
{
        assert_is(GPU, "nouveau", NULL);
        assert_is(AUDIO, "snd_hda_intel", NULL);
        assert_is(NIC, "e1000e", NULL);
        assert_false(fake_exists(m, NOTE(GPU)));
        assert_false(fake_exists(m, NOTE(AUDIO)));
        assert_false(fake_exists(m, NOTE(NIC)));
}

static void bind_gpu(void)
{
        assert_ok(ctx, iommuctl_change_add_group_bind(change, iommuctl_device_info_group(device(GPU)), NULL));
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_is(GPU, "vfio-pci", "vfio-pci");
        assert_is(AUDIO, "vfio-pci", "vfio-pci");
        renew();
}

static void restore_all(void)
{
        assert_ok(ctx, iommuctl_change_add_restore_all(change));
        assert_ok(ctx, iommuctl_change_apply(change));
        renew();
}

static void test_bind_and_restore(void **state)
{
        (void)state;
        bind(NIC);
        fake_clear_logs(m);
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_int_equal(iommuctl_change_n_steps(change), 1);
        assert_string_equal(iommuctl_change_step_device(change, 0), NIC);
        assert_string_equal(iommuctl_change_step_from(change, 0), "e1000e");
        assert_string_equal(iommuctl_change_step_to(change, 0), "vfio-pci");
        assert_true(iommuctl_change_step_changed(change, 0));
        assert_string_equal(iommuctl_change_step_vfio_node(change, 0), "/dev/vfio/8");
        assert_string_equal(iommuctl_change_step_vfio_cdev(change, 0), "/dev/vfio/devices/vfio0");
        assert_contains(fake_read(m, NOTE(NIC)), "\ndriver=e1000e\ndriver_override=\ntarget=vfio-pci\n");
        renew();
        assert_ok(ctx, iommuctl_change_add_restore(change, NIC));
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_true(iommuctl_change_step_noted(change, 0));
        assert_null(iommuctl_change_step_vfio_node(change, 0));
        assert_native();
}

static void test_nothing_beyond_the_last(void **state)
{
        (void)state;
        bind(NIC);
        assert_ok(ctx, iommuctl_change_plan(change));
        assert_null(iommuctl_change_step_device(change, 1));
        assert_null(iommuctl_change_step_from(change, 1));
        assert_null(iommuctl_change_step_to(change, 1));
        assert_false(iommuctl_change_step_changed(change, 1));
        assert_null(iommuctl_change_write_path(change, 3));
        assert_null(iommuctl_change_write_value(change, 3));
        assert_null(iommuctl_change_hazard_device(change, 0));
        assert_null(iommuctl_change_hazard_detail(change, 0));
        assert_int_equal(iommuctl_change_hazard_kind(change, 0), 0);
        assert_null(iommuctl_change_module(change, 0));
        iommuctl_change_free(NULL);
}

static void test_order_of_writes(void **state)
{
        static const char expected[] = "/sys/bus/pci/devices/" NIC "/driver_override vfio-pci|"
                                       "/sys/bus/pci/drivers/e1000e/unbind " NIC "|"
                                       "/sys/bus/pci/drivers_probe " NIC "|";
        char text[1024] = "";

        (void)state;
        bind(NIC);
        fake_clear_logs(m);
        assert_ok(ctx, iommuctl_change_plan(change));
        assert_string_equal(fake_writes(m) ?: "", "");
        for (size_t i = 0; i < iommuctl_change_n_writes(change); i++)
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %s|",
                         iommuctl_change_write_path(change, i), iommuctl_change_write_value(change, i));
        assert_string_equal(text, expected);
}

static void test_bind_what_is_bound(void **state)
{
        (void)state;
        bind_gpu();
        fake_clear_logs(m);
        fake_set_uid(m, 1000); /* needs no privilege, either */
        bind(GPU);
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_false(iommuctl_change_step_changed(change, 0));
        assert_string_equal(iommuctl_change_step_vfio_node(change, 0), "/dev/vfio/7");
        assert_string_equal(fake_writes(m) ?: "", "");
        fake_set_uid(m, 0);
        renew();
        restore_all();
}

static void test_group_not_viable(void **state)
{
        (void)state;
        bind(GPU);
        assert_ok(ctx, iommuctl_change_plan(change));
        assert_true(iommuctl_change_refused(change));
        assert_int_equal(iommuctl_change_n_hazards(change), 1);
        assert_int_equal(iommuctl_change_hazard_kind(change, 0), IOMMUCTL_HAZARD_GROUP_NOT_VIABLE);
        assert_string_equal(iommuctl_change_hazard_device(change, 0), AUDIO);
        assert_contains(iommuctl_change_hazard_detail(change, 0), "group 7 would not be viable");
        assert_contains(iommuctl_change_hazard_detail(change, 0), "bound to snd_hda_intel");
        assert_true(iommuctl_change_step_changed(change, 0));
        assert_fails(ctx, iommuctl_change_apply(change), -ECANCELED, "snd_hda_intel");
        assert_false(iommuctl_change_step_changed(change, 0));
        assert_native();
        iommuctl_change_allow(change, IOMMUCTL_HAZARD_GROUP_NOT_VIABLE);
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_true(iommuctl_change_hazard_allowed(change, 0));
        assert_is(GPU, "vfio-pci", "vfio-pci");
        assert_is(AUDIO, "snd_hda_intel", NULL);
}

static void test_group_takes_no_bridge(void **state)
{
        (void)state;
        bind_gpu();
        assert_is(BRIDGE, "pcieport", NULL);
        restore_all();
        assert_native();
        bind(BRIDGE);
        assert_fails(ctx, iommuctl_change_apply(change), -ECANCELED, "bridge");
        assert_is(BRIDGE, "pcieport", NULL);
}

static void test_twice_counts_once(void **state)
{
        (void)state;
        bind(NIC);
        bind(NIC);
        assert_ok(ctx, iommuctl_change_plan(change));
        assert_int_equal(iommuctl_change_n_steps(change), 1);
        assert_fails(ctx, iommuctl_change_add_unbind(change, device(NIC)), -EINVAL, "two aims");
}

static void test_unbind(void **state)
{
        (void)state;
        assert_ok(ctx, iommuctl_change_add_unbind(change, device(NIC)));
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_is(NIC, NULL, NULL);
        renew();
        bind(NIC);
        assert_ok(ctx, iommuctl_change_apply(change));
        renew();
        restore_all(); /* to the first state, over two changes */
        assert_native();
}

static void test_restores_what_was_not_native(void **state)
{
        (void)state;
        assert_ok(ctx, iommuctl_change_add_unbind(change, device(NIC)));
        assert_ok(ctx, iommuctl_change_apply(change));
        fake_remove(m, NOTE(NIC)); /* as if someone else had done it */
        renew();
        bind(NIC);
        assert_ok(ctx, iommuctl_change_apply(change));
        renew();
        restore_all();
        assert_is(NIC, NULL, NULL);
}

static void test_undo(void **state)
{
        (void)state;
        bind(NIC);
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_ok(ctx, iommuctl_change_undo(change));
        assert_native();
        assert_false(iommuctl_change_step_changed(change, 0));
        assert_ok(ctx, iommuctl_change_undo(change));
        bind_gpu();
        assert_ok(ctx, iommuctl_change_add_restore_all(change));
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_false(fake_exists(m, NOTE(GPU)));
        assert_ok(ctx, iommuctl_change_undo(change));
        assert_is(GPU, "vfio-pci", "vfio-pci");
        assert_true(fake_exists(m, NOTE(GPU)));
        renew();
        restore_all();
        assert_native();
}

static void test_all_or_nothing(void **state)
{
        (void)state;
        fake_add_driver(m, "picky", &(struct fake_driver){ .probe_error = -EINVAL });
        bind(GPU);
        bind(AUDIO);
        assert_ok(ctx, iommuctl_change_add_bind(change, device(NIC), "picky"));
        assert_fails(ctx, iommuctl_change_apply(change), -EIO, "picky did not take " NIC);
        assert_contains(error_text(ctx), "all is as before");
        assert_string_equal(error_device(ctx), NIC);
        assert_native();
        for (size_t i = 0; i < 3; i++) {
                assert_false(iommuctl_change_step_changed(change, i));
                assert_null(iommuctl_change_step_vfio_node(change, i));
        }
}

static void test_no_such_driver(void **state)
{
        (void)state;
        assert_ok(ctx, iommuctl_change_add_bind(change, device(NIC), "nosuch"));
        fake_set_modprobe_status(m, 1);
        assert_fails(ctx, iommuctl_change_apply(change), -ENOENT, "nosuch");
        assert_native();
        assert_fails(ctx, iommuctl_change_add_bind(change, device(GPU), "../../x"), -EINVAL,
                     "name of a driver");
}

static void test_loads_vfio_pci(void **state)
{
        (void)state;
        restart(&(struct fake_options){ .vfio_pci_missing = true });
        bind(NIC);
        assert_fails(ctx, iommuctl_change_apply(change), -ENOENT, "there is no modprobe");
        fake_add_file(m, "/sbin/modprobe", "");
        assert_ok(ctx, iommuctl_change_plan(change));
        assert_int_equal(iommuctl_change_n_modules(change), 1);
        assert_string_equal(iommuctl_change_module(change, 0), "vfio-pci");
        assert_string_equal(fake_runs(m) ?: "", "");
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_contains(fake_runs(m), "modprobe");
        assert_is(NIC, "vfio-pci", "vfio-pci");
        renew();
        restore_all();
        assert_native();
}

static void test_slow_nodes(void **state)
{
        (void)state;
        fake_set_node_delay(m, 3 * 1000000000ull);
        bind(NIC);
        iommuctl_change_set_timeout(change, 1000);
        assert_fails(ctx, iommuctl_change_apply(change), -ETIMEDOUT, "did not appear within 1.0 s");
        assert_native();
        iommuctl_change_set_timeout(change, 5000);
        assert_ok(ctx, iommuctl_change_apply(change));
        renew();
        restore_all();
}

static void release_lock(struct fake *machine, void *userdata)
{
        struct kernel *k = fake_kernel(machine);

        k->ops->close(k, *(int *)userdata);
}

static void test_lock(void **state)
{
        struct kernel *k = fake_kernel(m);
        pid_t holder;
        int fd;

        (void)state;
        fd = journal_lock(k, ctx->root_fd, 1000, &holder);
        assert_true(fd >= 0);
        bind(NIC);
        iommuctl_change_set_timeout(change, 500);
        assert_fails(ctx, iommuctl_change_apply(change), -ETIMEDOUT, "another iommuctl, process");
        assert_native();
        fake_at(m, 1000000000ull, release_lock, &fd);
        iommuctl_change_set_timeout(change, 5000);
        assert_ok(ctx, iommuctl_change_apply(change));
        renew();
        restore_all();
}

static void test_without_privilege(void **state)
{
        (void)state;
        fake_set_uid(m, 1000);
        bind(NIC);
        assert_ok(ctx, iommuctl_change_plan(change));
        assert_int_equal(iommuctl_change_n_writes(change), 3);
        fake_clear_logs(m);
        assert_fails(ctx, iommuctl_change_apply(change), -EACCES, "needs root");
        assert_false(iommuctl_change_step_changed(change, 0));
        assert_string_equal(fake_writes(m) ?: "", "");
        fake_set_uid(m, 0);
        assert_native();
}

static void test_hanging_unbind(void **state)
{
        (void)state;
        fake_set_unbind_hangs(m, "e1000e", true);
        bind(GPU);
        bind(AUDIO);
        bind(NIC);
        iommuctl_change_set_timeout(change, 2000);
        assert_fails(ctx, iommuctl_change_apply(change), -ETIMEDOUT, "unbinding e1000e from " NIC);
        assert_contains(error_text(ctx), "not all could be undone");
        assert_false(iommuctl_change_step_changed(change, 0));
        assert_true(iommuctl_change_step_changed(change, 2));
        assert_is(GPU, "nouveau", NULL);
        assert_is(AUDIO, "snd_hda_intel", NULL);
        assert_true(fake_exists(m, NOTE(NIC)));
        renew();
        fake_release_unbind(m);
        restore_all();
        assert_native();
}

static void test_restore_of_nothing(void **state)
{
        (void)state;
        fake_clear_logs(m);
        assert_ok(ctx, iommuctl_change_add_restore(change, NIC));
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_false(iommuctl_change_step_changed(change, 0));
        assert_false(iommuctl_change_step_noted(change, 0));
        renew();
        restore_all();
        assert_string_equal(fake_writes(m) ?: "", "");
        assert_fails(ctx,
                     (iommuctl_change_add_restore(change, "0000:42:00.0"), iommuctl_change_apply(change)),
                     -ENODEV, "0000:42:00.0");
}

static void test_restore_of_a_group(void **state)
{
        (void)state;
        bind_gpu();
        bind(NIC);
        assert_ok(ctx, iommuctl_change_apply(change));
        renew();
        assert_ok(ctx, iommuctl_change_add_group_restore(change, iommuctl_device_info_group(device(GPU))));
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_int_equal(iommuctl_change_n_steps(change), 2);
        assert_is(GPU, "nouveau", NULL);
        assert_is(NIC, "vfio-pci", "vfio-pci");
        renew();
        restore_all();
        assert_native();
}

/* The note of NIC with another line in it. */
static void forge(const char *from, const char *to)
{
        char text[4096], *at;
        char rest[4096];

        snprintf(text, sizeof(text), "%s", fake_read(m, NOTE(NIC)));
        at = strstr(text, from);
        assert_non_null(at);
        snprintf(rest, sizeof(rest), "%s", at + strcspn(at, "\n"));
        strcpy(at, to);
        strcat(text, rest);
        fake_add_file(m, NOTE(NIC), text);
}

static void test_stale_notes(void **state)
{
        (void)state;
        fake_add_file(m, "/proc/sys/kernel/random/boot_id", "3f7bc984-c425-4cf2-8ff9-c5435bd7ff25\n");
        bind(NIC);
        assert_ok(ctx, iommuctl_change_apply(change));
        forge("boot=", "boot=another");
        renew();
        restore_all();
        assert_is(NIC, "vfio-pci", "vfio-pci");
        assert_false(fake_exists(m, NOTE(NIC)));
        assert_ok(ctx, iommuctl_change_add_unbind(change, device(NIC)));
        assert_ok(ctx, iommuctl_change_apply(change));
        forge("identity=", "identity=pci:vDEAD");
        renew();
        restore_all();
        assert_is(NIC, NULL, "vfio-pci");
        assert_false(fake_exists(m, NOTE(NIC)));
}

static void test_hostile_notes(void **state)
{
        static const char *const lines[][2] = {
                { "version=", "version=2" },
                { "device=", "device=" GPU },
                { "bus=", "bus=../../../tmp" },
                { "driver=", "driver=../../x" },
                { "end=", "" },
        };
        char *huge;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                bind(NIC);
                assert_ok(ctx, iommuctl_change_apply(change));
                renew();
                assert_ok(ctx, iommuctl_change_add_restore_all(change));
                forge(lines[i][0], lines[i][1]);
                assert_fails(ctx, iommuctl_change_apply(change), -EBADMSG, "damaged");
                assert_is(NIC, "vfio-pci", "vfio-pci");
                fake_remove(m, NOTE(NIC));
                renew();
                assert_ok(ctx, iommuctl_change_add_bind(change, device(NIC), "e1000e"));
                assert_ok(ctx, iommuctl_change_apply(change));
                fake_remove(m, NOTE(NIC));
                renew();
        }
        huge = malloc(100000);
        memset(huge, 'x', 99999);
        huge[99999] = '\0';
        fake_add_file(m, NOTE(NIC), huge);
        free(huge);
        assert_fails(ctx, (iommuctl_change_add_restore(change, NIC), iommuctl_change_plan(change)), -EBADMSG,
                     "damaged");
}

/* One damaged note, and things that are none, among two good ones. */
static void test_restore_all_past_a_damaged_note(void **state)
{
        (void)state;
        bind_gpu();
        bind(NIC);
        assert_ok(ctx, iommuctl_change_apply(change));
        fake_add_file(m, NOTE(NIC), "version=1\n");
        fake_add_file(m, "/run/iommuctl/devices/README", "no note\n");
        fake_add_dir(m, "/run/iommuctl/devices/old");
        renew();
        assert_ok(ctx, iommuctl_change_add_restore_all(change));
        assert_fails(ctx, iommuctl_change_plan(change), -EBADMSG,
                     "/run/iommuctl/devices/" NIC ", is damaged");
        assert_int_equal(iommuctl_change_n_steps(change), 2);
        assert_is(GPU, "vfio-pci", "vfio-pci");
        assert_fails(ctx, iommuctl_change_apply(change), -EBADMSG,
                     "/run/iommuctl/devices/" NIC ", is damaged");
        assert_string_equal(error_device(ctx), NIC);
        assert_int_equal(iommuctl_change_n_steps(change), 2);
        assert_true(iommuctl_change_step_changed(change, 0) && iommuctl_change_step_changed(change, 1));
        assert_is(GPU, "nouveau", NULL);
        assert_is(AUDIO, "snd_hda_intel", NULL);
        assert_is(NIC, "vfio-pci", "vfio-pci");
        assert_false(fake_exists(m, NOTE(GPU)));
        /* Nothing but the damaged one is left; it is still said. */
        assert_fails(ctx, iommuctl_change_apply(change), -EBADMSG, "is damaged");
        fake_remove(m, NOTE(NIC));
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_true(fake_exists(m, "/run/iommuctl/devices/README"));
        assert_true(fake_exists(m, "/run/iommuctl/devices/old"));
}

static void test_restore_of_the_unplugged(void **state)
{
        (void)state;
        bind(NIC);
        assert_ok(ctx, iommuctl_change_apply(change));
        renew();
        fake_remove(m, "/sys/bus/pci/devices/" NIC);
        assert_ok(ctx, iommuctl_change_add_restore(change, NIC));
        assert_ok(ctx, iommuctl_change_apply(change));
        assert_int_equal(iommuctl_change_n_steps(change), 0);
        assert_false(fake_exists(m, NOTE(NIC)));
        assert_fails(ctx, iommuctl_change_apply(change), -ENODEV, NIC);
}

/* The native driver's module was taken away since. */
static void test_restore_to_a_driver_that_is_gone(void **state)
{
        (void)state;
        bind(NIC);
        assert_ok(ctx, iommuctl_change_apply(change));
        renew();
        fake_remove(m, "/sys/bus/pci/drivers/e1000e");
        assert_ok(ctx, iommuctl_change_add_restore(change, NIC));
        assert_fails(ctx, iommuctl_change_apply(change), -ENOENT, NIC " had the driver e1000e");
        assert_contains(error_text(ctx), "bind --driver");
        assert_string_equal(error_device(ctx), NIC);
        assert_true(fake_exists(m, NOTE(NIC)));
        assert_is(NIC, "vfio-pci", "vfio-pci");
}

static void test_plan_of_no_such_driver(void **state)
{
        static const char dep[] = "kernel/drivers/net/some-nic.ko.xz: kernel/drivers/net/lib.ko.xz\n";

        (void)state;
        assert_ok(ctx, iommuctl_change_add_bind(change, device(NIC), "nosuch"));
        assert_ok(ctx, iommuctl_change_plan(change)); /* without lists of modules, who knows */
        assert_int_equal(iommuctl_change_n_modules(change), 1);
        fake_add_file(m, "/lib/modules/6.12.0-fake/modules.dep", dep);
        assert_fails(ctx, iommuctl_change_plan(change), -ENOENT, "has no driver nosuch");
        assert_string_equal(error_device(ctx), NIC);
        assert_int_equal(iommuctl_change_n_steps(change), 0);
        fake_add_file(m, "/lib/modules/6.12.0-fake/modules.alias",
                      "alias pci:v1* some_nic\nalias nosuch some_nic\n");
        assert_ok(ctx, iommuctl_change_plan(change));
        fake_remove(m, "/lib/modules/6.12.0-fake/modules.alias");
        assert_fails(ctx, iommuctl_change_plan(change), -ENOENT, "has no driver nosuch");
        fake_add_file(m, "/lib/modules/6.12.0-fake/modules.builtin", "kernel/drivers/net/nosuch.ko\n");
        assert_ok(ctx, iommuctl_change_plan(change));
        renew();
        assert_ok(ctx, iommuctl_change_add_bind(change, device(NIC), "some_nic"));
        assert_ok(ctx, iommuctl_change_plan(change));
        assert_string_equal(iommuctl_change_module(change, 0), "some_nic");
}

static void test_captured_tree(void **state)
{
        struct iommuctl_ctx *captured;
        struct iommuctl_change *none = NULL;

        (void)state;
        assert_ok(ctx, ctx_new_with_kernel(fake_kernel(m), "/", &captured));
        assert_fails(captured, iommuctl_change_new(captured, &none), -EROFS, "captured tree");
        assert_null(none);
        iommuctl_ctx_unref(captured);
}

static void test_no_group(void **state)
{
        (void)state;
        fake_add_pci(m, "0000:09:00.0", &(struct fake_pci){ .driver = "e1000e", .no_group = true });
        renew();
        bind("0000:09:00.0");
        assert_fails(ctx, iommuctl_change_apply(change), -EOPNOTSUPP, "'iommuctl status' tells");
        assert_is("0000:09:00.0", "e1000e", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(bind_and_restore),
                TEST(nothing_beyond_the_last),
                TEST(order_of_writes),
                TEST(bind_what_is_bound),
                TEST(group_not_viable),
                TEST(group_takes_no_bridge),
                TEST(twice_counts_once),
                TEST(unbind),
                TEST(restores_what_was_not_native),
                TEST(undo),
                TEST(all_or_nothing),
                TEST(no_such_driver),
                TEST(loads_vfio_pci),
                TEST(slow_nodes),
                TEST(lock),
                TEST(without_privilege),
                TEST(hanging_unbind),
                TEST(restore_of_nothing),
                TEST(restore_of_a_group),
                TEST(stale_notes),
                TEST(hostile_notes),
                TEST(restore_all_past_a_damaged_note),
                TEST(restore_of_the_unplugged),
                TEST(restore_to_a_driver_that_is_gone),
                TEST(plan_of_no_such_driver),
                TEST(captured_tree),
                TEST(no_group),
        };

        return run_tap_tests("change", tests);
}
