/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in the way of a group, as data. */
#include "machines.h"

#include <errno.h>
#include <stdlib.h>

#include "iommuctl/blocker.h"
#include "iommuctl/group.h"

static void test_kinds(void **state)
{
        struct fake *m = machine_vfio(NULL);
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_blocker *b;

        (void)state;
        assert_int_equal(iommuctl_group_blockers(ctx, 8, &b), 0);
        free(b);
        assert_int_equal(iommuctl_group_blockers(ctx, 99, &b), 1);
        assert_int_equal(b[0].kind, IOMMUCTL_BLOCKER_NO_GROUP);
        assert_null(b[0].device);
        free(b);
        assert_int_equal(iommuctl_group_blockers(ctx, 9, &b), 2);
        assert_int_equal(b[0].kind, IOMMUCTL_BLOCKER_DRIVER);
        assert_string_equal(b[0].device, DISK);
        assert_string_equal(b[0].driver, "nvme");
        assert_int_equal(b[1].kind, IOMMUCTL_BLOCKER_UNBOUND);
        assert_null(b[1].driver);
        free(b);
        fake_add_pci(m, "0000:02:00.1", &(struct fake_pci){ .driver = "e1000e", .group = 8 });
        assert_int_equal(iommuctl_group_blockers(ctx, 8, &b), 1);
        assert_int_equal(b[0].kind, IOMMUCTL_BLOCKER_DRIVER);
        assert_string_equal(b[0].device, "0000:02:00.1");
        assert_int_equal(b[0].pid, 0);
        free(b);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static void test_processes(void **state)
{
        struct fake *m = machine_vfio(NULL);
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_blocker *b;
        int n;

        (void)state;
        fake_add_process(m, 777, "qemu-system-x86",
                         (const char *[]){ "/dev/null", "/dev/vfio/7", "/dev/vfio/7", NULL });
        fake_add_process(m, 778, "vmm", (const char *[]){ "/dev/vfio/devices/vfio1", "/dev/vfio/8", NULL });
        fake_add_process(m, 779, "other", (const char *[]){ "/dev/vfio/vfio", "/dev/vfio/77", NULL });
        n = iommuctl_group_blockers(ctx, 7, &b);
        assert_int_equal(n, 2);
        for (int i = 0; i < n; i++) {
                const bool qemu = b[i].pid == 777;

                assert_int_equal(b[i].kind, IOMMUCTL_BLOCKER_PROCESS);
                assert_string_equal(b[i].process, qemu ? "qemu-system-x86" : "vmm");
                assert_string_equal(b[i].node, qemu ? "/dev/vfio/7" : "/dev/vfio/devices/vfio1");
                if (qemu)
                        assert_null(b[i].device);
                else
                        assert_string_equal(b[i].device, AUDIO);
        }
        free(b);
        fake_remove(m, "/proc/778/comm");
        assert_int_equal(iommuctl_group_blockers(ctx, 8, &b), 1);
        assert_string_equal(b[0].process, "");
        free(b);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static void test_names(void **state)
{
        (void)state;
        assert_string_equal(iommuctl_blocker_name(IOMMUCTL_BLOCKER_DRIVER), "driver");
        assert_string_equal(iommuctl_blocker_name(IOMMUCTL_BLOCKER_PROCESS), "process");
        assert_string_equal(iommuctl_blocker_name(IOMMUCTL_BLOCKER_UNBOUND), "unbound");
        assert_string_equal(iommuctl_blocker_name(IOMMUCTL_BLOCKER_NOIOMMU), "noiommu");
        assert_string_equal(iommuctl_blocker_name(IOMMUCTL_BLOCKER_NO_GROUP), "no-group");
        assert_null(iommuctl_blocker_name(0));
        assert_null(iommuctl_blocker_name(17));
}

/* What the call that fails says, the list says, too. */
static void test_same_as_the_text(void **state)
{
        struct fake *m = machine_vfio(NULL);
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_container *c;
        struct iommuctl_group *g = NULL;
        struct iommuctl_blocker *b;

        (void)state;
        fake_add_pci(m, "0000:02:00.1", &(struct fake_pci){ .driver = "e1000e", .group = 8 });
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_TYPE1, &c));
        assert_fails(ctx, iommuctl_group_open(c, 8, &g), -EBUSY, "0000:02:00.1 is bound to e1000e");
        assert_null(g);
        assert_int_equal(iommuctl_group_blockers(ctx, 8, &b), 1);
        assert_string_equal(b[0].driver, "e1000e");
        free(b);
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static struct fake *machine(void)
{
        struct fake *m = machine_vfio(NULL);

        fake_add_pci(m, "0000:02:00.1", &(struct fake_pci){ .driver = "e1000e", .group = 8 });
        fake_add_process(m, 777, "qemu-system-x86", (const char *[]){ "/dev/vfio/8", NULL });
        return m;
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_blocker *b = NULL;
        int n = iommuctl_group_blockers(ctx, 8, &b);

        (void)m;
        for (int i = 0; i < n; i++)
                assert_non_null(iommuctl_blocker_name(b[i].kind));
        free(b);
        return n < 0 ? n : 0;
}

static void test_failing(void **state)
{
        const struct scenario s = { .name = "blockers", .machine = machine, .run = run, .lasting = true };

        (void)state;
        each_call_failing(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),   cmocka_unit_test(test_processes),
                cmocka_unit_test(test_names),   cmocka_unit_test(test_same_as_the_text),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("what is in the way", tests);
}
