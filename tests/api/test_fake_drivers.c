/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine in memory binds and unbinds as the driver core does: what other tests stand on. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GPU    "0000:01:00.0"
#define AUDIO  "0000:01:00.1"
#define DEVICE "/sys/bus/pci/devices/"

static struct fake *m;
static struct kernel *k;

static void machine(const struct fake_options *options)
{
        m = fake_machine_new(options);
        k = fake_kernel(m);
        fake_add_pci(m, "0000:00:01.0",
                     &(struct fake_pci){ .class = 0x060400, .driver = "pcieport", .header_type = 1 });
        fake_add_pci(m, GPU,
                     &(struct fake_pci){ .vendor = 0x10de,
                                         .device = 0x2684,
                                         .class = 0x030000,
                                         .driver = "nouveau",
                                         .group = 7,
                                         .parent = "0000:00:01.0" });
        fake_add_pci(
                m, AUDIO,
                &(struct fake_pci){
                        .class = 0x040300, .driver = "snd_hda_intel", .group = 7, .parent = "0000:00:01.0" });
}

static int setup(void **state)
{
        (void)state;
        machine(NULL);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        fake_machine_free(m);
        m = NULL;
        return 0;
}

static int put(const char *path, const char *value)
{
        pid_t pid;

        return k->ops->write_guarded(k, AT_FDCWD, path, value, strlen(value), 1000, &pid);
}

static void to_vfio(const char *bdf, const char *from)
{
        char path[200];

        snprintf(path, sizeof(path), DEVICE "%s/driver_override", bdf);
        assert_int_equal(put(path, "vfio-pci"), 0);
        if (from) {
                snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/unbind", from);
                assert_int_equal(put(path, bdf), 0);
        }
        assert_int_equal(put("/sys/bus/pci/drivers_probe", bdf), 0);
}

static void test_sysfs(void **state)
{
        (void)state;
        assert_string_equal(fake_link(m, DEVICE GPU), "../../../devices/pci0000:00/0000:00:01.0/" GPU);
        assert_string_equal(fake_link(m, DEVICE GPU "/driver"), "../../../../bus/pci/drivers/nouveau");
        assert_string_equal(fake_link(m, DEVICE GPU "/iommu_group"), "../../../../kernel/iommu_groups/7");
        assert_string_equal(fake_read(m, DEVICE GPU "/driver_override"), "(null)\n");
        assert_contains(fake_read(m, DEVICE GPU "/uevent"),
                        "DRIVER=nouveau\nPCI_CLASS=30000\nPCI_ID=10DE:2684\n");
        assert_true(fake_exists(m, "/sys/kernel/iommu_groups/7/devices/" AUDIO));
        assert_true(fake_exists(m, "/sys/bus/pci/drivers/nouveau/" GPU));
        assert_null(fake_driver_of(m, "0000:02:00.0"));
}

static void test_bind_and_back(void **state)
{
        (void)state;
        to_vfio(GPU, "nouveau");
        assert_string_equal(fake_driver_of(m, GPU), "vfio-pci");
        assert_string_equal(fake_read(m, DEVICE GPU "/driver_override"), "vfio-pci\n");
        assert_contains(fake_read(m, DEVICE GPU "/uevent"), "DRIVER=vfio-pci\n");
        assert_true(fake_exists(m, "/dev/vfio/7"));
        assert_true(fake_exists(m, "/dev/vfio/devices/vfio0"));
        assert_string_equal(fake_read(m, DEVICE GPU "/vfio-dev/vfio0/dev"), "510:0\n");
        assert_string_equal(fake_read(m, "/sys/class/vfio/7/dev"), "511:7\n");
        to_vfio(AUDIO, "snd_hda_intel");
        assert_true(fake_exists(m, "/dev/vfio/devices/vfio1"));
        assert_int_equal(put("/sys/bus/pci/drivers/vfio-pci/unbind", GPU), 0);
        assert_true(fake_exists(m, "/dev/vfio/7"));
        assert_false(fake_exists(m, "/dev/vfio/devices/vfio0"));
        assert_int_equal(put("/sys/bus/pci/drivers/vfio-pci/unbind", AUDIO "\n"), 0);
        assert_false(fake_exists(m, "/dev/vfio/7"));
        assert_int_equal(put(DEVICE GPU "/driver_override", "\n"), 0);
        assert_int_equal(put("/sys/bus/pci/drivers_probe", GPU), 0);
        assert_string_equal(fake_driver_of(m, GPU), "nouveau");
        assert_null(fake_override_of(m, GPU));
        /* An override that is left behind keeps the native driver off. */
        assert_int_equal(put("/sys/bus/pci/drivers/snd_hda_intel/bind", AUDIO), -ENODEV);
}

static void test_refusals(void **state)
{
        (void)state;
        assert_int_equal(put("/sys/bus/pci/drivers_probe", "0000:09:00.0"), -ENODEV);
        assert_int_equal(put("/sys/bus/pci/drivers/nouveau/unbind", AUDIO), -ENODEV);
        assert_int_equal(put("/sys/bus/pci/drivers/nouveau/bind", GPU), -EBUSY);
        assert_int_equal(put("/sys/bus/pci/drivers/vfio-pci/bind", GPU), -ENODEV);
        assert_int_equal(put("/sys/bus/pci/drivers/none/bind", GPU), -ENOENT);
        fake_set_probe_error(m, "vfio-pci", -EINVAL);
        to_vfio(GPU, "nouveau"); /* a probe that fails is no error of drivers_probe */
        assert_null(fake_driver_of(m, GPU));
        assert_int_equal(put("/sys/bus/pci/drivers/vfio-pci/bind", GPU), -EINVAL);
}

static void test_bridge_is_refused(void **state)
{
        (void)state;
        to_vfio("0000:00:01.0", "pcieport");
        assert_null(fake_driver_of(m, "0000:00:01.0"));
}

static void test_hang(void **state)
{
        pid_t pid;

        (void)state;
        fake_set_unbind_hangs(m, "nouveau", true);
        assert_int_equal(k->ops->write_guarded(k, AT_FDCWD, "/sys/bus/pci/drivers/nouveau/unbind", GPU,
                                               strlen(GPU), 3000, &pid),
                         -ETIMEDOUT);
        assert_true(pid > 0);
        assert_null(fake_link(m, DEVICE GPU "/driver"));
        assert_int_equal(put("/sys/bus/pci/drivers_probe", GPU), -ETIMEDOUT);
        fake_release_unbind(m);
        assert_int_equal(put("/sys/bus/pci/drivers_probe", GPU), 0);
        assert_string_equal(fake_driver_of(m, GPU), "nouveau");
}

static void test_modprobe(void **state)
{
        static const char *const argv[] = { "/sbin/modprobe", "vfio-pci", NULL };

        (void)state;
        fake_machine_free(m);
        machine(&(struct fake_options){ .vfio_pci_missing = true });
        assert_false(fake_exists(m, "/sys/bus/pci/drivers/vfio-pci"));
        to_vfio(GPU, "nouveau");
        assert_null(fake_driver_of(m, GPU));
        assert_int_equal(k->ops->run(k, argv, 1000), 0);
        assert_string_equal(fake_runs(m), "/sbin/modprobe vfio-pci\n");
        assert_true(fake_exists(m, "/sys/module/vfio_pci"));
        assert_string_equal(fake_driver_of(m, GPU),
                            "vfio-pci"); /* a driver that comes takes what waits for it */
}

static void test_slow_node(void **state)
{
        (void)state;
        fake_set_node_delay(m, 700000000);
        to_vfio(GPU, "nouveau");
        assert_false(fake_exists(m, "/dev/vfio/7"));
        k->ops->sleep_ns(k, 800000000);
        assert_true(fake_exists(m, "/dev/vfio/7"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_sysfs, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bind_and_back, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bridge_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hang, setup, teardown),
                cmocka_unit_test_setup_teardown(test_modprobe, setup, teardown),
                cmocka_unit_test_setup_teardown(test_slow_node, setup, teardown),
        };

        return run_tap_tests("the machine in memory: drivers", tests);
}
