/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Binds and restores with each call failing, each allocation failing, and the process killed at each call:
 * all or nothing, and a restore by another process brings everything back. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "iommuctl/change.h"
#include "iommuctl/topology.h"

#define NOTE(device) "/run/iommuctl/devices/" device

static bool is(struct fake *m, const char *name, const char *driver, const char *driver_override)
{
        const char *d = fake_driver_of(m, name), *o = fake_override_of(m, name);

        return strcmp(d ?: "none", driver ?: "none") == 0 &&
               strcmp(o ?: "none", driver_override ?: "none") == 0;
}

static bool all_native(struct fake *m)
{
        return is(m, GPU, "nouveau", NULL) && is(m, AUDIO, "snd_hda_intel", NULL) &&
               is(m, NIC, "e1000e", NULL);
}

static bool all_vfio(struct fake *m)
{
        return is(m, GPU, "vfio-pci", "vfio-pci") && is(m, AUDIO, "vfio-pci", "vfio-pci") &&
               is(m, NIC, "vfio-pci", "vfio-pci");
}

/* The fault of the run and what it led to, for a message: the harness takes them away before the check. */
static char fault[256], ending[1024];

static int keep(struct iommuctl_ctx *ctx, struct fake *m, int r)
{
        if (!fake_fault_hit(m))
                return r;
        snprintf(fault, sizeof(fault), "%s", fake_fault_where(m));
        iommuctl_ctx_error(ctx, ending, sizeof(ending));
        return r;
}

/* Says what is there, where it is not what it should be. */
static bool say(struct fake *m, bool good)
{
        static const char *const names[] = { GPU, AUDIO, NIC };

        for (size_t i = 0; i < ARRAY_SIZE(names) && !good; i++)
                print_error("%s: driver %s, override %s\n", names[i], fake_driver_of(m, names[i]) ?: "none",
                            fake_override_of(m, names[i]) ?: "none");
        if (!good)
                print_error("fault: %s; %s\n", fault, ending);
        return good;
}

static bool any_note(struct fake *m)
{
        return fake_exists(m, NOTE(GPU)) || fake_exists(m, NOTE(AUDIO)) || fake_exists(m, NOTE(NIC));
}

static bool all_notes(struct fake *m)
{
        return fake_exists(m, NOTE(GPU)) && fake_exists(m, NOTE(AUDIO)) && fake_exists(m, NOTE(NIC));
}

static struct fake *native(void)
{
        return machine_native(NULL);
}

static struct fake *native_without_module(void)
{
        struct fake *m = machine_native(&(struct fake_options){ .vfio_pci_missing = true });

        fake_add_file(m, "/sbin/modprobe", "");
        return m;
}

static int bind_all(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_topology *t = NULL;
        struct iommuctl_change *c = NULL;
        const struct iommuctl_device_info *gpu, *nic;
        int r;

        r = iommuctl_topology_new(ctx, 0, &t);
        if (r >= 0)
                r = iommuctl_change_new(ctx, &c);
        if (r >= 0) {
                gpu = iommuctl_topology_find_device(t, GPU);
                nic = iommuctl_topology_find_device(t, NIC);
                /* A device that could not be read is left out of a topology. */
                if (!gpu || !nic || !iommuctl_device_info_group(gpu) || !iommuctl_device_info_bus(nic))
                        r = -ENOMEM;
                if (r >= 0)
                        r = iommuctl_change_add_group_bind(c, iommuctl_device_info_group(gpu), NULL);
                if (r >= 0)
                        r = iommuctl_change_add_bind(c, nic, NULL);
        }
        if (r >= 0)
                r = iommuctl_change_apply(c);
        iommuctl_change_free(c);
        iommuctl_topology_free(t);
        return keep(ctx, m, r);
}

static int restore_all(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_change *c = NULL;
        int r;

        r = iommuctl_change_new(ctx, &c);
        if (r >= 0)
                r = iommuctl_change_add_restore_all(c);
        if (r >= 0)
                r = iommuctl_change_apply(c);
        iommuctl_change_free(c);
        return keep(ctx, m, r);
}

static struct fake *bound(void)
{
        struct fake *m = machine_native(NULL);
        struct iommuctl_ctx *ctx = new_ctx(m);

        assert_ok(ctx, bind_all(ctx, m));
        iommuctl_ctx_unref(ctx);
        assert_true(all_vfio(m) && all_notes(m));
        return m;
}

/* A new process. */
static void recover(struct fake *m)
{
        struct iommuctl_ctx *ctx = new_ctx(m);

        assert_ok(ctx, restore_all(ctx, m));
        iommuctl_ctx_unref(ctx);
}

static void check_bind(struct fake *m, int r)
{
        if (r >= 0) {
                assert_true(all_vfio(m));
                assert_true(all_notes(m));
                recover(m);
        }
        assert_true(say(m, all_native(m)));
        assert_false(any_note(m));
}

/* A restore has either done nothing, or all but perhaps taking the notes away. */
static void check_restore(struct fake *m, int r)
{
        (void)r;
        /* A kernel that denies the notes their place has nothing restored, either. */
        if (all_vfio(m))
                assert_true(all_notes(m));
        else
                assert_true(say(m, all_native(m)));
        recover(m);
        assert_true(say(m, all_native(m)));
        assert_false(any_note(m));
}

static void test_bind(void **state)
{
        (void)state;
        each_call_failing(&(struct scenario){ "bind", native, bind_all, check_bind });
}

static void test_bind_loading(void **state)
{
        (void)state;
        each_call_failing(
                &(struct scenario){ "bind with a module", native_without_module, bind_all, check_bind });
}

static void test_restore(void **state)
{
        (void)state;
        each_call_failing(&(struct scenario){ "restore", bound, restore_all, check_restore });
}

static void test_killed_bind(void **state)
{
        (void)state;
        each_call_killed(&(struct scenario){ "bind", native, bind_all, check_bind }, recover);
}

static void test_killed_restore(void **state)
{
        (void)state;
        each_call_killed(&(struct scenario){ "restore", bound, restore_all, check_bind }, recover);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bind),           cmocka_unit_test(test_bind_loading),
                cmocka_unit_test(test_restore),        cmocka_unit_test(test_killed_bind),
                cmocka_unit_test(test_killed_restore),
        };

        return run_tap_tests("change failing", tests);
}
