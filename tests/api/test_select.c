/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Selectors: what each form means, and what is said when it means nothing. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

static struct tree tree;
static struct iommuctl_ctx *ctx;
static struct iommuctl_topology *t;

static void add_classes(void)
{
        tree_link(&tree, "sys/class/net/enp3s0", "../../devices/pci0000:00/0000:03:00.0/net/enp3s0");
        tree_link(&tree, "sys/class/net/vnet0", "../../devices/pci0000:00/0000:03:00.0/virtio0/net/vnet0");
        tree_link(&tree, "sys/class/net/br0", "../../devices/virtual/net/br0");
        tree_link(&tree, "sys/devices/virtual/net/br0/lower_enp3s0",
                  "../../../pci0000:00/0000:03:00.0/net/enp3s0");
        tree_link(&tree, "sys/devices/virtual/net/br0/lower_tap0", "../tap0");
        tree_link(&tree, "sys/class/net/lo", "../../devices/virtual/net/lo");
        tree_link(&tree, "sys/class/net/emac", "../../devices/platform/emac/net/emac");
        tree_dir(&tree, "sys/class/net/old");
        tree_link(&tree, "sys/class/net/old/device", "../../../devices/pci0000:00/0000:03:00.0");
        tree_link(&tree, "sys/class/block/nvme0n1",
                  "../../devices/pci0000:00/0000:04:00.0/nvme/nvme0/nvme0n1");
        tree_link(&tree, "sys/class/block/nvme0n1p2",
                  "../../devices/pci0000:00/0000:04:00.0/nvme/nvme0/nvme0n1/nvme0n1p2");
        tree_link(&tree, "sys/class/block/nvme1n1",
                  "../../devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1");
        tree_link(&tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1",
                  "../../../pci0000:00/0000:05:00.0/nvme/nvme1");
        tree_link(&tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme2",
                  "../../../pci0000:00/0000:06:00.0/nvme/nvme2");
        tree_dir(&tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1");
        tree_link(&tree, "sys/class/block/cciss!c0d0",
                  "../../devices/pci0000:00/0000:04:00.0/cciss0/block/cciss!c0d0");
        tree_link(&tree, "sys/class/block/dm-0", "../../devices/virtual/block/dm-0");
        tree_link(&tree, "sys/devices/virtual/block/dm-0/slaves/nvme0n1p2", "../../../x");
        tree_link(&tree, "sys/class/drm/card0", "../../devices/pci0000:00/0000:01:00.0/drm/card0");
        tree_link(&tree, "sys/class/drm/renderD128", "../../devices/pci0000:00/0000:01:00.0/drm/renderD128");
        tree_link(&tree, "sys/class/drm/card0-HDMI-A-1",
                  "../../devices/pci0000:00/0000:01:00.0/drm/card0/card0-HDMI-A-1");
}

static int setup(void **state)
{
        (void)state;
        tree_new(&tree);
        tree_pci(&tree, "0000:01:00.0", 7, "10DE:2684", "30000", "nouveau");
        tree_pci(&tree, "0000:01:00.1", 7, "10DE:22BA", "40300", "snd_hda_intel");
        tree_pci(&tree, "0000:02:00.0", 8, "10DE:2684", "30000", "vfio-pci");
        tree_pci(&tree, "0000:03:00.0", 9, "8086:1572", "20000", "i40e");
        tree_pci(&tree, "0000:04:00.0", 10, "144D:A80A", "10802", "nvme");
        tree_pci(&tree, "0000:05:00.0", 11, "144D:A80A", "10802", "nvme");
        tree_pci(&tree, "0000:06:00.0", 12, "144D:A80A", "10802", "nvme");
        tree_pci(&tree, "0000:0a:00.0", 13, "8086:0A54", "10802", "nvme");
        tree_pci(&tree, "10000:0a:00.0", 14, "8086:0A54", "10802", "nvme");
        tree_pci(&tree, "10000:e1:00.0", 15, "8086:0A54", "10802", "nvme");
        tree_pci(&tree, "0000:00:1f.0", -1, "8086:7A04", "60100", NULL);
        tree_file(&tree, "sys/devices/platform/fd40000.dma/uevent", "DRIVER=pl330\n");
        tree_link(&tree, "sys/devices/platform/fd40000.dma/subsystem", "../../../bus/platform");
        tree_link(&tree, "sys/kernel/iommu_groups/0/devices/fd40000.dma",
                  "../../../../devices/platform/fd40000.dma");
        tree_dir(&tree, "sys/kernel/iommu_groups/20/devices");
        add_classes();
        t = tree_read(&tree, 0, &ctx);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        iommuctl_topology_free(t);
        iommuctl_ctx_unref(ctx);
        tree_free(&tree);
        return 0;
}

static void test_matches(void **state)
{
        static const struct {
                const char *selector, *devices;
        } cases[] = {
                { "0000:01:00.0", "0000:01:00.0 " },
                { "01:00.1", "0000:01:00.1 " },
                { "00000000:01:00.1", "0000:01:00.1 " },
                { "e1:00.0", "10000:e1:00.0 " },
                { "10000:E1:00.0", "10000:e1:00.0 " },
                { "00010000:0a:00.0", "10000:0a:00.0 " },
                { "0000:0A:00.0", "0000:0a:00.0 " },
                { "group:7", "0000:01:00.0 0000:01:00.1 " },
                { "group:0", "fd40000.dma " },
                { "10de:2684", "0000:01:00.0 0000:02:00.0 " },
                { "10DE:22ba", "0000:01:00.1 " },
                { "fd40000.dma", "fd40000.dma " },
                { "net:enp3s0", "0000:03:00.0 " },
                { "net:vnet0", "0000:03:00.0 " },
                { "net:old", "0000:03:00.0 " },
                { "block:nvme0n1", "0000:04:00.0 " },
                { "block:nvme0n1p2", "0000:04:00.0 " },
                { "block:/dev/nvme0n1", "0000:04:00.0 " },
                { "block:cciss/c0d0", "0000:04:00.0 " },
                { "block:nvme1n1", "0000:05:00.0 0000:06:00.0 " },
                { "drm:card0", "0000:01:00.0 " },
                { "drm:renderD128", "0000:01:00.0 " },
                { "drm:card0-HDMI-A-1", "0000:01:00.0 " },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct iommuctl_device_info **devices = NULL;
                int n = iommuctl_topology_select(t, cases[i].selector, &devices);
                char text[256] = "";

                for (int j = 0; j < n; j++) {
                        strcat(text, iommuctl_device_info_name(devices[j]));
                        strcat(text, " ");
                }
                if (n < 0)
                        fail_msg("%s: %s", cases[i].selector, error_text(ctx));
                assert_null(devices[n]);
                free(devices);
                if (strcmp(text, cases[i].devices) != 0)
                        fail_msg("%s: %s, not %s", cases[i].selector, text, cases[i].devices);
        }
}

static void test_failures(void **state)
{
        static const struct {
                const char *selector;
                int r;
                const char *text;
        } cases[] = {
                { "0a:00.0", -ENOTUNIQ, "0a:00.0 fits 0000:0a:00.0 and 10000:0a:00.0" },
                { "0000:01:00.5", -ENODEV,
                  "no device 0000:01:00.5; near it are 0000:01:00.0 and 0000:01:00.1" },
                { "0000:01:01.0", -ENODEV, "near it are 0000:01:00.0" },
                { "0000:e1:00.0", -ENODEV, "no device 0000:e1:00.0; near it is 10000:e1:00.0" },
                { "99:00.0", -ENODEV, "no device 0000:99:00.0" },
                { "0000:00:1f.0", -ENODEV, "0000:00:1f.0 is in no IOMMU group" },
                { "group:99", -ENODEV, "no group 99; there are" },
                { "group:20", -ENODEV, "group 20 holds no devices" },
                { "group:", -EINVAL, "a group is a number" },
                { "group:-1", -EINVAL, "a group is a number" },
                { "group:7x", -EINVAL, "a group is a number" },
                { "group:99999999999999999999", -EINVAL, "a group is a number" },
                { "10de:9999", -ENODEV,
                  "no device 10de:9999; of vendor 10de there are 0000:01:00.0, 0000:01:00.1 and "
                  "0000:02:00.0" },
                { "dead:beef", -ENODEV, "none of vendor dead" },
                { "01:00.9", -EINVAL, "neither an address" },
                { "0000:01:20.0", -EINVAL, "neither an address" },
                { "1:2", -EINVAL, "neither an address" },
                { "0000:01:00.0 ", -EINVAL, "no selector" },
                { "fd50000.dma", -EINVAL, "no selector and no device's name" },
                { "gruop:7", -EINVAL, "group:7, 10de:2684, net:NAME" },
                { "NET:eth0", -EINVAL, "no selector" },
                { "usb:1", -EINVAL, "no selector" },
                { "vendor:10de", -EINVAL, "no selector" },
                { "01-00.0", -EINVAL, "no selector" },
                { "10de", -EINVAL, "no selector" },
                { "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", -EINVAL, "no selector" },
                { "", -EINVAL, "no selector" },
                { "nonsense", -EINVAL, "no selector" },
                { "../../etc", -EINVAL, "no selector" },
                { "net:nope", -ENODEV, "no net nope" },
                { "net:", -EINVAL, "names nothing" },
                { "net:..", -EINVAL, "names nothing" },
                { "net:lo", -ENODEV, "net:lo has no device behind it" },
                { "net:emac", -ENODEV, "net:emac: no device behind it is in an IOMMU group" },
                { "net:br0", -ENODEV, "it stands on enp3s0 and tap0" },
                { "net:../../etc", -ENODEV, "no net" },
                { "block:dm-0", -ENODEV, "it stands on nvme0n1p2" },
                { "drm:card7", -ENODEV, "no drm card7" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct iommuctl_device_info **devices = NULL;
                int r = iommuctl_topology_select(t, cases[i].selector, &devices);

                if (r != cases[i].r || !strstr(error_text(ctx), cases[i].text) || devices)
                        fail_msg("%s: %d, %s", cases[i].selector, r, error_text(ctx));
        }
}

static void test_error_names_the_device(void **state)
{
        const struct iommuctl_device_info **devices = NULL;

        (void)state;
        assert_int_equal(iommuctl_topology_select(t, "99:00.0", &devices), -ENODEV);
        assert_string_equal(error_device(ctx), "0000:99:00.0");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_matches),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_error_names_the_device),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests_name("select", tests, setup, teardown);
}
