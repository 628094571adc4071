/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Captured trees: whole, in part, and with what no kernel ever wrote. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tree.h"

#define GPU   "0000:01:00.0"
#define AUDIO "0000:01:00.1"
#define DEVS  "sys/devices/pci0000:00/"

static struct tree tree;
static struct iommuctl_ctx *ctx;
static struct iommuctl_topology *t;

static int setup(void **state)
{
        (void)state;
        tree_new(&tree);
        tree_dir(&tree, "sys/bus/pci/devices");
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        iommuctl_topology_free(t);
        t = NULL;
        ctx = iommuctl_ctx_unref(ctx);
        tree_free(&tree);
        return 0;
}

static void read_tree(void)
{
        iommuctl_topology_free(t);
        iommuctl_ctx_unref(ctx);
        t = tree_read(&tree, IOMMUCTL_READ_ALL, &ctx);
}

static const struct iommuctl_device_info *device(const char *name)
{
        const struct iommuctl_device_info *d = iommuctl_topology_find_device(t, name);

        assert_non_null(d);
        return d;
}

static int group_of(const char *name)
{
        const struct iommuctl_group_info *g = iommuctl_device_info_group(device(name));

        return g ? (int)iommuctl_group_info_id(g) : -1;
}

static void assert_number(const char *name, enum iommuctl_number which, int64_t expected)
{
        uint32_t n = 0;
        bool known = iommuctl_device_info_number(device(name), which, &n);

        assert_int_equal(known ? (int64_t)n : -1, expected);
}

static void test_without_iommu_groups(void **state)
{
        (void)state;
        tree_pci(&tree, GPU, -1, "10DE:2684", "30000", "nouveau");
        tree_link(&tree, DEVS GPU "/iommu_group", "../../../kernel/iommu_groups/14");
        tree_pci(&tree, AUDIO, -1, "10DE:22BA", "40300", NULL);
        tree_file(&tree, "sys/bus/platform/devices/fd40000.dma/uevent", "DRIVER=pl330\n");
        tree_link(&tree, "sys/bus/platform/devices/fd40000.dma/iommu_group", "../../kernel/iommu_groups/3");
        read_tree();
        assert_int_equal(iommuctl_topology_n_groups(t), 2);
        assert_int_equal(group_of(GPU), 14);
        assert_int_equal(group_of(AUDIO), -1);
        assert_int_equal(group_of("fd40000.dma"), 3);
        assert_string_equal(iommuctl_device_info_bus(device("fd40000.dma")), "platform");
}

/* A tar that followed links, or a copy: directories where the kernel has links. */
static void test_directories_for_links(void **state)
{
        (void)state;
        tree_file(&tree, "sys/kernel/iommu_groups/7/devices/" GPU "/vendor", "0x10de\n");
        tree_file(&tree, "sys/kernel/iommu_groups/7/devices/" GPU "/device", "0x2684\n");
        tree_file(&tree, "sys/kernel/iommu_groups/7/devices/" GPU "/class", "0x030000\n");
        tree_dir(&tree, "sys/kernel/iommu_groups/7/devices/" GPU "/driver");
        tree_dir(&tree, "sys/kernel/iommu_groups/7/devices/" GPU "/iommu");
        read_tree();
        assert_int_equal(group_of(GPU), 7);
        assert_string_equal(iommuctl_device_info_bus(device(GPU)), "pci");
        assert_number(GPU, IOMMUCTL_NUMBER_CLASS, 0x030000);
        assert_number(GPU, IOMMUCTL_NUMBER_DEVICE_ID, 0x2684);
        assert_null(iommuctl_device_info_driver(device(GPU)));
        assert_false(iommuctl_device_info_driver_known(device(GPU)));
        assert_false(iommuctl_group_info_viable(iommuctl_topology_find_group(t, 7)));
        assert_null(iommuctl_device_info_iommu(device(GPU)));
}

static void test_dangling_links(void **state)
{
        (void)state;
        tree_link(&tree, "sys/kernel/iommu_groups/7/devices/" GPU, "../../../../devices/gone/" GPU);
        tree_link(&tree, "sys/kernel/iommu_groups/8/devices/" AUDIO, "../../../../devices/gone/" AUDIO);
        tree_file(&tree, "sys/bus/pci/devices/" AUDIO "/uevent", "DRIVER=vfio-pci\n");
        tree_file(&tree, "sys/bus/pci/devices/" AUDIO "/vendor", "0x10de\n");
        read_tree();
        assert_int_equal(group_of(GPU), 7);
        assert_null(iommuctl_device_info_bus(device(GPU)));
        assert_false(iommuctl_device_info_driver_known(device(GPU)));
        assert_int_equal(group_of(AUDIO), 8);
        assert_string_equal(iommuctl_device_info_bus(device(AUDIO)), "pci");
        assert_number(AUDIO, IOMMUCTL_NUMBER_VENDOR_ID, 0x10de);
}

static void test_links_out_of_the_tree(void **state)
{
        char outside[80], text[512];
        FILE *f;

        (void)state;
        snprintf(outside, sizeof(outside), "%s.outside", tree.root);
        assert_int_equal(mkdir(outside, 0755), 0);
        snprintf(text, sizeof(text), "%s/uevent", outside);
        f = fopen(text, "w");
        assert_non_null(f);
        fputs("DRIVER=escaped\nPCI_CLASS=30000\n", f);
        fclose(f);
        tree_link(&tree, "sys/kernel/iommu_groups/1/devices/" GPU, outside);
        tree_link(&tree, "sys/kernel/iommu_groups/2/devices/0000:02:00.0", "../../../../../../../../..");
        tree_dir(&tree, DEVS AUDIO);
        tree_link(&tree, DEVS AUDIO "/uevent", text);
        tree_link(&tree, "sys/kernel/iommu_groups/3/devices/" AUDIO, "/sys/devices/pci0000:00/" AUDIO);
        tree_file(&tree, DEVS AUDIO "/vendor", "0x10de\n");
        read_tree();
        assert_null(iommuctl_device_info_driver(device(GPU)));
        assert_null(iommuctl_device_info_driver(device(AUDIO)));
        /* An absolute link inside the tree is followed inside it. */
        assert_number(AUDIO, IOMMUCTL_NUMBER_VENDOR_ID, 0x10de);
        assert_int_equal(remove(text), 0);
        assert_int_equal(remove(outside), 0);
}

static void test_malformed_files(void **state)
{
        static char huge[20000];
        char pipe[200];

        (void)state;
        memset(huge, 'x', sizeof(huge) - 1);
        tree_pci(&tree, "0000:01:00.0", 1, "10DE:2684", "30000", NULL);
        tree_data(&tree, DEVS "0000:01:00.0/uevent",
                  "DRIVER=nou\0veau\nPCI_ID=10DE:2684\nPCI_CLASS=zz\n=\n\n",
                  sizeof("DRIVER=nou\0veau\nPCI_ID=10DE:2684\nPCI_CLASS=zz\n=\n\n") - 1);
        tree_pci(&tree, "0000:02:00.0", 2, "10DE:2684", "30000", NULL);
        tree_remove(&tree, DEVS "0000:02:00.0/uevent");
        tree_dir(&tree, DEVS "0000:02:00.0/uevent");
        tree_pci(&tree, "0000:03:00.0", 3, "10DE:2684", "30000", NULL);
        tree_remove(&tree, DEVS "0000:03:00.0/uevent");
        snprintf(pipe, sizeof(pipe), "%s/" DEVS "0000:03:00.0/uevent", tree.root);
        assert_int_equal(mkfifo(pipe, 0644), 0);
        tree_pci(&tree, "0000:04:00.0", 4, "10DE:2684", "30000", NULL);
        tree_file(&tree, DEVS "0000:04:00.0/uevent", huge);
        tree_file(&tree, DEVS "0000:04:00.0/revision", huge);
        tree_file(&tree, DEVS "0000:04:00.0/driver_override", huge);
        tree_file(&tree, DEVS "0000:04:00.0/numa_node", "0\n1\n");
        tree_pci(&tree, "0000:05:00.0", 5, "10DE:2684", "30000", NULL);
        tree_file(&tree, DEVS "0000:05:00.0/uevent", "");
        tree_file(&tree, DEVS "0000:05:00.0/vendor", "0x10dex\n");
        tree_file(&tree, DEVS "0000:05:00.0/device", "0x\n");
        tree_file(&tree, DEVS "0000:05:00.0/revision", "0xa10\n");
        tree_data(&tree, DEVS "0000:05:00.0/driver_override", "vfio\0-pci\n", 10);
        read_tree();
        assert_null(iommuctl_device_info_driver(device("0000:01:00.0")));
        assert_number("0000:01:00.0", IOMMUCTL_NUMBER_VENDOR_ID, 0x10de);
        assert_number("0000:01:00.0", IOMMUCTL_NUMBER_CLASS, -1);
        assert_false(iommuctl_device_info_driver_known(device("0000:02:00.0")));
        assert_string_equal(iommuctl_device_info_bus(device("0000:02:00.0")), "pci");
        assert_false(iommuctl_device_info_driver_known(device("0000:03:00.0")));
        assert_false(iommuctl_device_info_driver_known(device("0000:04:00.0")));
        assert_number("0000:04:00.0", IOMMUCTL_NUMBER_REVISION, -1);
        assert_number("0000:04:00.0", IOMMUCTL_NUMBER_NUMA_NODE, -1);
        assert_null(iommuctl_device_info_driver_override(device("0000:04:00.0")));
        assert_number("0000:05:00.0", IOMMUCTL_NUMBER_VENDOR_ID, -1);
        assert_number("0000:05:00.0", IOMMUCTL_NUMBER_DEVICE_ID, -1);
        assert_number("0000:05:00.0", IOMMUCTL_NUMBER_REVISION, -1);
        assert_null(iommuctl_device_info_driver_override(device("0000:05:00.0")));
}

static void test_group_numbers(void **state)
{
        (void)state;
        tree_dir(&tree, "sys/kernel/iommu_groups/07/devices");
        tree_dir(&tree, "sys/kernel/iommu_groups/-1/devices");
        tree_dir(&tree, "sys/kernel/iommu_groups/4294967295/devices");
        tree_dir(&tree, "sys/kernel/iommu_groups/99999999999999999999/devices");
        tree_dir(&tree, "sys/kernel/iommu_groups/x/devices");
        tree_file(&tree, "sys/kernel/iommu_groups/10", "not a directory\n");
        tree_dir(&tree, "sys/kernel/iommu_groups/9/devices");
        tree_file(&tree, "sys/kernel/iommu_groups/9/type", "unknown\n");
        tree_file(&tree, "sys/kernel/iommu_groups/9/reserved_regions",
                  "0x0000000000000010 0x000000000000000f direct\n"
                  "0x00000000fee00000 0x00000000feefffff\n"
                  "0x00000000fee00000 0x00000000feefffff msi\n"
                  "0x00000000fee00000 0x00000000feefffff msi more\n"
                  "0x0 0x10000000000000000 reserved\n"
                  "0xfd00000000 0xffffffffff reserved");
        read_tree();
        assert_int_equal(iommuctl_topology_n_groups(t), 2);
        assert_int_equal(iommuctl_group_info_id(iommuctl_topology_group(t, 0)), 9);
        assert_int_equal(iommuctl_group_info_n_devices(iommuctl_topology_group(t, 0)), 0);
        assert_null(iommuctl_group_info_type(iommuctl_topology_group(t, 0)));
        assert_int_equal(iommuctl_group_info_n_reserved_regions(iommuctl_topology_group(t, 0)), 2);
}

static void test_values(void **state)
{
        (void)state;
        tree_pci(&tree, GPU, 7, "10de:2684", "30000", "vfio-pci");
        tree_file(&tree, DEVS GPU "/revision", "0xa1\n");
        tree_file(&tree, DEVS GPU "/driver_override", "(null)\n");
        tree_file(&tree, DEVS GPU "/numa_node", "-1\n");
        tree_link(&tree, DEVS GPU "/iommu", "../../virtual/iommu/dmar0");
        tree_file(&tree, DEVS GPU "/vfio-dev/vfio3/dev", "511:3\n");
        tree_pci(&tree, AUDIO, 7, "10DE:22BA", "0", "snd_hda_intel");
        tree_file(&tree, DEVS AUDIO "/driver_override", "vfio-pci\n");
        tree_file(&tree, DEVS AUDIO "/numa_node", "1\n");
        read_tree();
        assert_number(GPU, IOMMUCTL_NUMBER_REVISION, 0xa1);
        assert_number(GPU, IOMMUCTL_NUMBER_NUMA_NODE, -1);
        assert_null(iommuctl_device_info_driver_override(device(GPU)));
        assert_string_equal(iommuctl_device_info_iommu(device(GPU)), "dmar0");
        assert_string_equal(iommuctl_device_info_vfio_node(device(GPU)), "/dev/vfio/7");
        assert_string_equal(iommuctl_device_info_vfio_cdev(device(GPU)), "/dev/vfio/devices/vfio3");
        assert_number(AUDIO, IOMMUCTL_NUMBER_CLASS, 0);
        assert_number(AUDIO, IOMMUCTL_NUMBER_NUMA_NODE, 1);
        assert_string_equal(iommuctl_device_info_driver_override(device(AUDIO)), "vfio-pci");
        assert_null(iommuctl_device_info_vfio_node(device(AUDIO)));
        /* A kernel with cdevs and without groups (VFIO_GROUP off) has no node for the group. */
        tree_dir(&tree, "sys/class/vfio-dev/vfio3");
        read_tree();
        assert_null(iommuctl_device_info_vfio_node(device(GPU)));
        assert_string_equal(iommuctl_device_info_vfio_cdev(device(GPU)), "/dev/vfio/devices/vfio3");
}

static void test_noiommu(void **state)
{
        (void)state;
        tree_pci(&tree, GPU, 0, "10de:2684", "30000", "vfio-pci");
        tree_file(&tree, "sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
        tree_file(&tree, "sys/devices/virtual/mdev/83b8f4f2/uevent", "DRIVER=vfio_mdev\n");
        tree_link(&tree, "sys/devices/virtual/mdev/83b8f4f2/subsystem", "../../../bus/mdev");
        tree_link(&tree, "sys/kernel/iommu_groups/1/devices/83b8f4f2",
                  "../../../../devices/virtual/mdev/83b8f4f2");
        tree_file(&tree, "sys/kernel/iommu_groups/1/name", "vfio-noiommu\n");
        read_tree();
        assert_true(iommuctl_group_info_noiommu(iommuctl_topology_find_group(t, 0)));
        assert_string_equal(iommuctl_device_info_vfio_node(device(GPU)), "/dev/vfio/noiommu-0");
        assert_false(iommuctl_group_info_noiommu(iommuctl_topology_find_group(t, 1)));
        assert_string_equal(iommuctl_device_info_vfio_node(device("83b8f4f2")), "/dev/vfio/1");
        assert_string_equal(iommuctl_device_info_bus(device("83b8f4f2")), "mdev");
        tree_dir(&tree, "sys/class/vfio/noiommu-0");
        tree_dir(&tree, "sys/class/vfio/1");
        read_tree();
        assert_string_equal(iommuctl_device_info_vfio_node(device(GPU)), "/dev/vfio/noiommu-0");
        assert_string_equal(iommuctl_device_info_vfio_node(device("83b8f4f2")), "/dev/vfio/1");
}

/* What the links of the class point to is not in the capture: their names are enough. */
static void test_nodes_by_dangling_links(void **state)
{
        (void)state;
        tree_pci(&tree, GPU, 3, "10de:2684", "30000", "vfio-pci");
        tree_pci(&tree, AUDIO, 4, "10de:22ba", "40300", "vfio-pci");
        tree_link(&tree, "sys/class/vfio/3", "../../devices/virtual/vfio/3");
        tree_link(&tree, "sys/class/vfio/noiommu-4", "../../devices/virtual/vfio/noiommu-4");
        read_tree();
        assert_string_equal(iommuctl_device_info_vfio_node(device(GPU)), "/dev/vfio/3");
        assert_string_equal(iommuctl_device_info_vfio_node(device(AUDIO)), "/dev/vfio/noiommu-4");
}

/* Numbers in the names of devices that are not PCI count as numbers, in groups and in the whole. */
static void test_order_by_number(void **state)
{
        static const char *const order[] = { "dev.2", "dev.9", "dev.10", "dev.100" };
        const struct iommuctl_group_info *g;
        char path[128];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
                snprintf(path, sizeof(path), "sys/kernel/iommu_groups/5/devices/%s/uevent", order[i]);
                tree_file(&tree, path, "DRIVER=pl330\n");
        }
        read_tree();
        g = iommuctl_topology_find_group(t, 5);
        assert_int_equal(iommuctl_group_info_n_devices(g), ARRAY_SIZE(order));
        for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
                assert_string_equal(iommuctl_device_info_name(iommuctl_group_info_device(g, i)), order[i]);
                assert_string_equal(iommuctl_device_info_name(iommuctl_topology_device(t, i)), order[i]);
        }
}

static void test_drivers(void **state)
{
        static const struct {
                const char *driver;
                bool vfio, blocks;
        } cases[] = {
                { "vfio-pci", true, false },
                { "mlx5_vfio_pci", true, false },
                { "xe-vfio-pci", true, false },
                { "hisi_acc_vfio_pci", true, false },
                { "vfio-platform", true, false },
                { "vfio-fsl-mc", true, false },
                { "vfio-cdx", true, false },
                { "notvfio-pci-at-all", false, true },
                { "vfio", false, true },
                { "vfio-pci-lookalike", false, true },
                { "_vfio_pci", false, true },
                { "pcieport", false, false },
                { "pci-stub", false, false },
                { "nouveau", false, true },
                { "simple-framebuffer", false, true },
        };
        char address[32];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                snprintf(address, sizeof(address), "0000:%02zx:00.0", i);
                tree_pci(&tree, address, (int)i, "8086:1572", "20000", cases[i].driver);
        }
        /* An unknown name with a VFIO device below it. */
        tree_pci(&tree, "0000:40:00.0", 64, "8086:1572", "20000", "house-brand");
        tree_dir(&tree, DEVS "0000:40:00.0/vfio-dev/vfio0");
        read_tree();
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct iommuctl_device_info *d;

                snprintf(address, sizeof(address), "0000:%02zx:00.0", i);
                d = device(address);
                if (iommuctl_device_info_vfio_bound(d) != cases[i].vfio ||
                    iommuctl_device_info_blocks_group(d) != cases[i].blocks)
                        fail_msg("%s: vfio %d, blocks %d", cases[i].driver,
                                 iommuctl_device_info_vfio_bound(d), iommuctl_device_info_blocks_group(d));
        }
        assert_true(iommuctl_device_info_vfio_bound(device("0000:40:00.0")));
}

static void test_units(void **state)
{
        (void)state;
        tree_dir(&tree, "sys/class/iommu/dmar10");
        tree_dir(&tree, "sys/class/iommu/dmar2");
        tree_dir(&tree, "sys/class/iommu/dmarX");
        tree_dir(&tree, "sys/class/iommu/ivhd0");
        tree_dir(&tree, "sys/class/iommu/smmu3.0x0000000009050000");
        tree_dir(&tree, "sys/class/iommu/riscv-iommu@0000:00:01.0");
        tree_link(&tree, "sys/class/iommu/0000:00:02.0/device/driver",
                  "../../bus/virtio/drivers/virtio_iommu");
        read_tree();
        assert_int_equal(iommuctl_topology_n_units(t), 7);
        assert_string_equal(iommuctl_topology_unit_name(t, 0), "0000:00:02.0");
        assert_int_equal(iommuctl_topology_unit_kind(t, 0), IOMMUCTL_UNIT_VIRTIO_IOMMU);
        assert_string_equal(iommuctl_topology_unit_name(t, 1), "dmar2");
        assert_int_equal(iommuctl_topology_unit_kind(t, 1), IOMMUCTL_UNIT_INTEL_VT_D);
        assert_string_equal(iommuctl_topology_unit_name(t, 2), "dmar10");
        assert_int_equal(iommuctl_topology_unit_kind(t, 3), IOMMUCTL_UNIT_UNKNOWN);
        assert_int_equal(iommuctl_topology_unit_kind(t, 4), IOMMUCTL_UNIT_AMD_VI);
        assert_int_equal(iommuctl_topology_unit_kind(t, 5), IOMMUCTL_UNIT_RISCV_IOMMU);
        assert_int_equal(iommuctl_topology_unit_kind(t, 6), IOMMUCTL_UNIT_ARM_SMMU_V3);
        assert_null(iommuctl_topology_unit_name(t, 7));
}

static void test_read_attribute(void **state)
{
        char text[64];

        (void)state;
        tree_pci(&tree, GPU, 7, "10de:2684", "30000", NULL);
        tree_file(&tree, DEVS GPU "/reset_method", "flr bus\n");
        tree_link(&tree, DEVS GPU "/physfn", "../0000:01:00.7");
        read_tree();
        assert_int_equal(iommuctl_topology_read_attribute(t, device(GPU), "reset_method", text, sizeof(text)),
                         7);
        assert_string_equal(text, "flr bus");
        assert_int_equal(iommuctl_topology_read_attribute(t, device(GPU), "physfn", text, sizeof(text)), 12);
        assert_string_equal(text, "0000:01:00.7");
        assert_int_equal(iommuctl_topology_read_attribute(t, device(GPU), "none", text, sizeof(text)),
                         -ENOENT);
        assert_int_equal(iommuctl_topology_read_attribute(t, device(GPU), "reset_method", text, 7),
                         -EOVERFLOW);
        assert_int_equal(iommuctl_topology_read_attribute(t, device(GPU), "../x", text, sizeof(text)),
                         -EINVAL);
        assert_int_equal(iommuctl_topology_read_attribute(t, device(GPU), "", text, sizeof(text)), -EINVAL);
}

static void test_no_sysfs(void **state)
{
        struct iommuctl_topology *none = NULL;
        struct tree empty;

        (void)state;
        tree_new(&empty);
        assert_int_equal(iommuctl_ctx_new_root(empty.root, &ctx), 0);
        assert_fails(ctx, iommuctl_topology_new(ctx, 0, &none), -ENOENT, "no sysfs");
        assert_null(none);
        tree_free(&empty);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_without_iommu_groups),
                TEST(test_directories_for_links),
                TEST(test_dangling_links),
                TEST(test_links_out_of_the_tree),
                TEST(test_malformed_files),
                TEST(test_group_numbers),
                TEST(test_values),
                TEST(test_noiommu),
                TEST(test_nodes_by_dangling_links),
                TEST(test_order_by_number),
                TEST(test_drivers),
                TEST(test_units),
                TEST(test_read_attribute),
                TEST(test_no_sysfs),
        };

        return run_tap_tests("capture", tests);
}
