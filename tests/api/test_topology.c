/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A topology of the machine in memory: what it tells, in which order, and with every call failing in turn. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iommuctl.h"

#define BRIDGE "0000:00:01.0"
#define GPU    "0000:01:00.0"
#define AUDIO  "0000:01:00.1"
#define NIC    "0000:02:00.0"
#define FAR    "10000:01:00.0"

static struct fake *machine(void)
{
        struct fake *m = fake_machine_new(NULL);

        fake_add_pci(m, FAR, &(struct fake_pci){ .vendor = 0x8086, .device = 0x0a54, .group = 12 });
        fake_add_pci(
                m, BRIDGE,
                &(struct fake_pci){ .class = 0x060400, .driver = "pcieport", .header_type = 1, .group = 7 });
        fake_add_pci(m, AUDIO, &(struct fake_pci){ .class = 0x040300, .driver = "vfio-pci", .group = 7 });
        fake_add_pci(m, GPU,
                     &(struct fake_pci){ .vendor = 0x10de,
                                         .device = 0x2684,
                                         .class = 0x030000,
                                         .revision = 0xa1,
                                         .driver = "nouveau",
                                         .group = 7 });
        fake_add_pci(m, NIC, &(struct fake_pci){ .driver = "e1000e", .no_group = true });
        fake_add_other(m, "platform", "fd40000.dma", "dma-driver", 3);
        fake_add_reserved(m, 7, 0x8d800000, 0x8fffffff, "direct-relaxable");
        return m;
}

/* The names of the topology's devices in its order, with a space behind each. */
static const char *order(const struct iommuctl_topology *t)
{
        static char text[1024];

        *text = '\0';
        for (size_t i = 0; i < iommuctl_topology_n_devices(t); i++) {
                strcat(text, iommuctl_device_info_name(iommuctl_topology_device(t, i)));
                strcat(text, " ");
        }
        return text;
}

static void test_order(void **state)
{
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_topology *t = NULL;
        const struct iommuctl_reserved_region *r;
        const struct iommuctl_group_info *g;
        bool found = false;

        (void)state;
        assert_ok(ctx, iommuctl_topology_new(ctx, IOMMUCTL_READ_ALL, &t));
        assert_string_equal(order(t), BRIDGE " " GPU " " AUDIO " " NIC " " FAR " fd40000.dma ");
        assert_int_equal(iommuctl_topology_n_groups(t), 3);
        assert_int_equal(iommuctl_group_info_id(iommuctl_topology_group(t, 0)), 3);
        assert_int_equal(iommuctl_group_info_id(iommuctl_topology_group(t, 1)), 7);
        assert_int_equal(iommuctl_group_info_id(iommuctl_topology_group(t, 2)), 12);
        assert_null(iommuctl_topology_group(t, 3));
        assert_null(iommuctl_topology_find_group(t, 8));
        g = iommuctl_topology_find_group(t, 7);
        assert_int_equal(iommuctl_group_info_n_devices(g), 3);
        assert_string_equal(iommuctl_device_info_name(iommuctl_group_info_device(g, 1)), GPU);
        assert_null(iommuctl_group_info_device(g, 3));
        assert_null(iommuctl_device_info_group(iommuctl_topology_find_device(t, NIC)));
        assert_true(iommuctl_group_info_reserved_regions_known(g));
        for (size_t i = 0; (r = iommuctl_group_info_reserved_region(g, i)); i++)
                found |= r->start == 0x8d800000 && r->end == 0x8fffffff &&
                         strcmp(r->type, "direct-relaxable") == 0;
        assert_true(found);
        iommuctl_topology_free(t);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static void test_device(void **state)
{
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_topology *t = NULL;
        const struct iommuctl_device_info *d;
        struct iommuctl_address address;
        uint32_t n;

        (void)state;
        assert_ok(ctx, iommuctl_topology_new(ctx, IOMMUCTL_READ_ALL, &t));
        d = iommuctl_topology_find_device(t, GPU);
        assert_string_equal(iommuctl_device_info_bus(d), "pci");
        assert_string_equal(iommuctl_device_info_driver(d), "nouveau");
        assert_false(iommuctl_device_info_vfio_bound(d));
        assert_true(iommuctl_device_info_blocks_group(d));
        assert_null(iommuctl_device_info_driver_override(d));
        assert_null(iommuctl_device_info_vfio_node(d));
        assert_true(iommuctl_device_info_number(d, IOMMUCTL_NUMBER_CLASS, &n) && n == 0x030000);
        assert_true(iommuctl_device_info_number(d, IOMMUCTL_NUMBER_VENDOR_ID, &n) && n == 0x10de);
        assert_true(iommuctl_device_info_number(d, IOMMUCTL_NUMBER_DEVICE_ID, &n) && n == 0x2684);
        assert_true(iommuctl_device_info_number(d, IOMMUCTL_NUMBER_REVISION, &n) && n == 0xa1);
        assert_false(iommuctl_device_info_number(d, (enum iommuctl_number)99, &n));
        assert_true(iommuctl_device_info_address(d, &address));
        assert_int_equal(address.bus, 1);

        d = iommuctl_topology_find_device(t, AUDIO);
        assert_true(iommuctl_device_info_vfio_bound(d));
        assert_false(iommuctl_device_info_blocks_group(d));
        assert_string_equal(iommuctl_device_info_vfio_node(d), "/dev/vfio/7");
        assert_contains(iommuctl_device_info_vfio_cdev(d), "/dev/vfio/devices/vfio");

        d = iommuctl_topology_find_device(t, BRIDGE);
        assert_false(iommuctl_device_info_blocks_group(d));
        assert_false(iommuctl_group_info_viable(iommuctl_topology_find_group(t, 7)));
        assert_true(iommuctl_group_info_viable(iommuctl_topology_find_group(t, 12)));

        d = iommuctl_topology_find_device(t, "fd40000.dma");
        assert_string_equal(iommuctl_device_info_bus(d), "platform");
        assert_false(iommuctl_device_info_address(d, &address));
        assert_false(iommuctl_device_info_number(d, IOMMUCTL_NUMBER_VENDOR_ID, &n));
        iommuctl_topology_free(t);
        iommuctl_ctx_unref(ctx);
        fake_machine_free(m);
}

static void test_what_is_not_asked_for_is_not_read(void **state)
{
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_topology *t = NULL;
        unsigned int before = fake_n_calls(m), plain;
        uint32_t n;

        (void)state;
        assert_ok(ctx, iommuctl_topology_new(ctx, 0, &t));
        plain = fake_n_calls(m) - before;
        assert_null(iommuctl_topology_find_device(t, NIC));
        assert_false(iommuctl_device_info_number(iommuctl_topology_find_device(t, GPU),
                                                 IOMMUCTL_NUMBER_REVISION, &n));
        assert_null(iommuctl_group_info_type(iommuctl_topology_find_group(t, 7)));
        assert_false(iommuctl_group_info_reserved_regions_known(iommuctl_topology_find_group(t, 7)));
        assert_string_equal(iommuctl_device_info_driver(iommuctl_topology_find_device(t, GPU)), "nouveau");
        iommuctl_topology_free(t);
        before = fake_n_calls(m);
        assert_ok(ctx, iommuctl_topology_new(ctx, IOMMUCTL_READ_ALL, &t));
        assert_true(fake_n_calls(m) - before > plain + 20);
        iommuctl_topology_free(t);
        assert_fails(ctx, iommuctl_topology_new(ctx, 64, &t), -EINVAL, "0x40");
        iommuctl_ctx_unref(ctx);
        fake_machine_free(m);
}

static void test_noiommu(void **state)
{
        struct fake *m = fake_machine_new(&(struct fake_options){ .no_iommu = true });
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_topology *t = NULL;

        (void)state;
        assert_ok(ctx, iommuctl_topology_new(ctx, 0, &t));
        assert_int_equal(iommuctl_topology_n_groups(t), 0);
        assert_int_equal(iommuctl_topology_n_units(t), 0);
        iommuctl_topology_free(t);
        iommuctl_ctx_unref(ctx);
        fake_machine_free(m);
}

static int scenario_read(struct iommuctl_ctx *ctx, struct fake *m)
{
        const struct iommuctl_device_info **devices = NULL;
        struct iommuctl_topology *t = NULL;
        int r;

        (void)m;
        r = iommuctl_topology_new(ctx, IOMMUCTL_READ_ALL, &t);
        if (r < 0)
                return r;
        r = iommuctl_topology_select(t, "group:7", &devices);
        free(devices);
        iommuctl_topology_free(t);
        return r < 0 ? r : 0;
}

static int scenario_machine(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_machine *machine = NULL;
        int r;

        (void)m;
        r = iommuctl_machine_new(ctx, &machine);
        iommuctl_machine_free(machine);
        return r;
}

static void test_each_call_failing(void **state)
{
        static const struct scenario topology = { "topology", machine, scenario_read, NULL };
        static const struct scenario whole = { "machine", machine, scenario_machine, NULL };

        (void)state;
        each_call_failing(&topology);
        each_call_failing(&whole);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_device),
                cmocka_unit_test(test_what_is_not_asked_for_is_not_read),
                cmocka_unit_test(test_noiommu),
                cmocka_unit_test(test_each_call_failing),
        };

        return run_tap_tests("topology", tests);
}
