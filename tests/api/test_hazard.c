/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands against a change of drivers: disks, network interfaces, users of VFIO nodes, on a machine in
 * memory. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hazard.h"
#include "iommuctl/topology.h"

static struct fake *m;
static struct iommuctl_ctx *ctx;

static int setup(void **state)
{
        (void)state;
        m = machine_native(NULL);
        ctx = new_ctx(m);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
        return 0;
}

/* "mounted swap: nvme0n1 is mounted at /|…" for a bind of the device: each hazard's word, then each detail.
 */
static const char *look(const char *name)
{
        static char text[2048];
        struct iommuctl_topology *t;
        struct iommuctl_change *c;
        char details[1024] = "";

        text[0] = '\0';
        assert_ok(ctx, iommuctl_topology_new(ctx, 0, &t));
        assert_ok(ctx, iommuctl_change_new(ctx, &c));
        assert_ok(ctx, iommuctl_change_add_bind(c, iommuctl_topology_find_device(t, name), "pci-stub"));
        assert_ok(ctx, iommuctl_change_plan(c));
        for (size_t i = 0; i < iommuctl_change_n_hazards(c); i++) {
                assert_string_equal(iommuctl_change_hazard_device(c, i), name);
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
                         iommuctl_hazard_name(iommuctl_change_hazard_kind(c, i)));
                snprintf(details + strlen(details), sizeof(details) - strlen(details), "%s|",
                         iommuctl_change_hazard_detail(c, i));
        }
        strcat(text, details);
        iommuctl_change_free(c);
        iommuctl_topology_free(t);
        return text;
}

static void test_none(void **state)
{
        (void)state;
        assert_string_equal(look(DISK), "");
        assert_string_equal(look(NIC), "");
}

static void test_mounted(void **state)
{
        (void)state;
        fake_add_mount(m, 259, 1, "/", "/dev/root");
        fake_add_mount(m, 259, 1, "/mnt\\040x", "/dev/root");
        fake_add_mount(m, 8, 1, "/other", "/dev/sda1");
        assert_string_equal(look(DISK), "mounted nvme0n1p1 is mounted at / (and 1 more)|");
        assert_string_equal(look(NIC), "");
}

static void test_mounted_by_source(void **state)
{
        (void)state;
        fake_add_mount(m, 0, 40, "/srv/a\\040b",
                       "/dev/sda:/dev/nvme0n1p1"); /* bcachefs has numbers of its own */
        assert_string_equal(look(DISK), "mounted nvme0n1p1 is mounted at /srv/a b|");
}

/* Two disks of one btrfs, of which the mount names the other. */
static void test_mounted_btrfs(void **state)
{
        (void)state;
        fake_add_dir(m, "/sys/fs/btrfs/0123/devices/sda1");
        fake_add_dir(m, "/sys/fs/btrfs/0123/devices/nvme0n1p1");
        fake_add_file(m, "/proc/self/mountinfo", "30 1 0:29 / /home rw - btrfs /dev/sda1 rw\n");
        assert_string_equal(look(DISK), "mounted nvme0n1p1 is mounted at /home|");
        fake_add_file(m, "/proc/self/mountinfo", "30 1 0:29 / /home rw - btrfs /dev/sdz rw\n");
        assert_contains(look(DISK), "another mount namespace");
}

static void test_holders(void **state)
{
        (void)state;
        fake_add_holder(m, "nvme0n1p1", "dm-0");
        fake_add_file(m, "/sys/class/block/dm-0/dm/name", "vg-root\n");
        fake_add_holder(m, "dm-0", "dm-1");
        fake_add_mount(m, 0, 99, "/data", "/dev/dm-1");
        assert_string_equal(look(DISK), "holder holder mounted nvme0n1p1 is held by dm-0 (vg-root)|"
                                        "dm-0 is held by dm-1, mounted at /data|dm-1 is mounted at /data|");
}

static void test_swap(void **state)
{
        (void)state;
        fake_add_swap(m, "/dev/nvme0n1p1");
        assert_string_equal(look(DISK), "swap nvme0n1p1 holds swap in use|");
}

/* drivers/nvme/host/multipath.c: the disk hangs on the subsystem, and only the controller on the device. */
static void test_nvme_multipath(void **state)
{
        (void)state;
        fake_add_file(m, "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme1n1/dev", "259:8\n");
        fake_add_link(m, "/sys/class/block/nvme1n1",
                      "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme1n1");
        fake_add_link(m, "/sys/class/nvme-subsystem/nvme-subsys0",
                      "../../devices/virtual/nvme-subsystem/nvme-subsys0");
        fake_add_link(m, "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme1",
                      "../../../pci0000:00/" DISK "/nvme/nvme1");
        fake_add_mount(m, 259, 8, "/var", "/dev/nvme1n1");
        assert_string_equal(look(DISK), "mounted nvme1n1 is mounted at /var|");
        assert_string_equal(look(NIC), "");
}

static void test_default_route(void **state)
{
        (void)state;
        fake_add_default_route(m, "eth0");
        assert_string_equal(look(NIC), "default-route eth0 carries the IPv4 default route|");
}

static void test_default_route_v6(void **state)
{
        static const char zeros[] = "00000000000000000000000000000000";
        char line[512];

        (void)state;
        /* the kernel's own entry that rejects everything is no route */
        snprintf(line, sizeof(line),
                 "%s 00 %s 00 %s ffffffff 00000001 00000000 00200200 eth0\n"
                 "fe800000000000000000000000000000 40 %s 00 %s 00000100 00000001 00000000 00000001 eth0\n",
                 zeros, zeros, zeros, zeros, zeros);
        fake_add_file(m, "/proc/net/ipv6_route", line);
        assert_string_equal(look(NIC), "");
        snprintf(
                line, sizeof(line),
                "%s 00 %s 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n",
                zeros, zeros);
        fake_add_file(m, "/proc/net/ipv6_route", line);
        assert_string_equal(look(NIC), "default-route eth0 carries the IPv6 default route|");
}

/* Another process has just unbound the driver: the interface is unregistered and its attributes are still
 * there for a moment. */
static void test_interface_goes(void **state)
{
        int r;

        (void)state;
        for (unsigned int n = 1;
             strncmp(fake_fault_where(m), "read /", 6) || !strstr(fake_fault_where(m), "/eth0/ifindex");
             n++) {
                struct iommuctl_topology *t;
                struct iommuctl_change *c;

                fake_set_fault(m, FAKE_FAULT_NONE, 0, 0);
                assert_ok(ctx, iommuctl_topology_new(ctx, 0, &t));
                assert_ok(ctx, iommuctl_change_new(ctx, &c));
                assert_ok(ctx, iommuctl_change_add_bind(c, iommuctl_topology_find_device(t, NIC), "pci-stub"));
                fake_set_fault(m, FAKE_FAULT_ERROR, n, -EINVAL);
                r = iommuctl_change_plan(c);
                assert_true(fake_fault_hit(m));
                iommuctl_change_free(c);
                iommuctl_topology_free(t);
        }
        fake_set_fault(m, FAKE_FAULT_NONE, 0, 0);
        assert_int_equal(r, 0);
}

static void test_bond(void **state)
{
        (void)state;
        fake_set_net_master(m, "eth0", "bond0");
        fake_set_net_master(m, "bond0", "br0");
        fake_add_default_route(m, "br0");
        assert_string_equal(look(NIC), "net-master default-route eth0 belongs to the bond bond0|"
                                       "br0, on top of eth0, carries the IPv4 default route|");
}

static void test_bridge(void **state)
{
        (void)state;
        assert_contains(look(BRIDGE), "non-endpoint");
}

static void test_virtual_functions(void **state)
{
        (void)state;
        fake_add_link(m, "/sys/devices/pci0000:00/" NIC "/virtfn0", "../0000:02:10.0");
        assert_contains(look(NIC), "virtual-functions");
}

static void test_in_use(void **state)
{
        static const char *const files[] = { "/dev/null", "/dev/vfio/8", "/dev/vfio/8", NULL };
        static const char *const others[] = { "/dev/vfio/80", "/dev/vfio/vfio", NULL };

        (void)state;
        teardown(NULL);
        m = machine_vfio(NULL);
        ctx = new_ctx(m);
        fake_add_process(m, 4711, "qemu-system-x86", files);
        fake_add_process(m, 4712, "other", others);
        assert_string_equal(look(NIC), "in-use process 4711 (qemu-system-x86) has /dev/vfio/8 open|");
        assert_string_equal(look(GPU), "");
}

static void test_names(void **state)
{
        enum iommuctl_hazard hazard;
        unsigned int n = 0;

        (void)state;
        for (unsigned int bit = 1; iommuctl_hazard_name(bit); bit <<= 1, n++) {
                assert_int_equal(iommuctl_hazard_parse(iommuctl_hazard_name(bit), &hazard), 0);
                assert_int_equal(hazard, bit);
        }
        assert_int_equal(n, 9);
        assert_null(iommuctl_hazard_name(3));
        assert_int_equal(iommuctl_hazard_parse("mount", &hazard), -EINVAL);
        assert_true(hazard_path_is_below("../../devices/pci0000:00/0000:02:00.0/net/eth0", "0000:02:00.0"));
        assert_false(hazard_path_is_below("../../devices/pci0000:00/10000:02:00.0/net/eth0", "0000:02:00.0"));
        assert_false(hazard_path_is_below("../../devices/pci0000:00/0000:02:00.01/net/eth0", "0000:02:00.0"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(none),
                TEST(mounted),
                TEST(mounted_by_source),
                TEST(mounted_btrfs),
                TEST(holders),
                TEST(swap),
                TEST(nvme_multipath),
                TEST(default_route),
                TEST(default_route_v6),
                TEST(interface_goes),
                TEST(bond),
                TEST(bridge),
                TEST(virtual_functions),
                TEST(in_use),
                TEST(names),
        };

        return run_tap_tests("hazard", tests);
}
