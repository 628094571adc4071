/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Features: which there are, and what is said of those that are missing. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "device_feature.h"

#define PF "0000:04:00.0"

static const struct device_feature token = { VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, "VF token", "Linux 5.7" };

static struct fake *machine(void)
{
        struct fake *m = machine_vfio(NULL);

        fake_add_pci(m, PF, &(struct fake_pci){ .driver = "vfio-pci", .group = 10, .sriov = true });
        return m;
}

static void test_probe(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *d = b->device;
        const unsigned int all = IOMMUCTL_FEATURE_GET | IOMMUCTL_FEATURE_SET;

        assert_int_equal(iommuctl_device_feature_probe(d, VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, 0), 0);
        assert_int_equal(iommuctl_device_feature_probe(d, 0xffff, all), 0);
        assert_fails(b->ctx, iommuctl_device_feature_probe(d, 0x10000, 0), -EINVAL,
                     "no device feature 65536");
        assert_fails(b->ctx, iommuctl_device_feature_probe(d, 0, 4), -EINVAL, "ways 0x4");
}

static void test_pf(void **state)
{
        struct iommuctl_device *d = NULL;
        struct iommuctl_container *c;
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        uint8_t uuid[16] = { 1 };

        (void)state;
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c));
        assert_ok(ctx, iommuctl_device_open(c, PF, &d));
        assert_int_equal(iommuctl_device_feature_probe(d, token.number, 0), 1);
        assert_int_equal(iommuctl_device_feature_probe(d, token.number, IOMMUCTL_FEATURE_SET), 1);
        /* "could expose the token of the previous device user" */
        assert_int_equal(iommuctl_device_feature_probe(d, token.number, IOMMUCTL_FEATURE_GET), 0);
        assert_ok(ctx, device_feature_require(d, &token, VFIO_DEVICE_FEATURE_SET));
        assert_fails(ctx, device_feature_require(d, &token, VFIO_DEVICE_FEATURE_GET), -EOPNOTSUPP,
                     "VF token");
        assert_ok(ctx, device_feature_set(d, &token, uuid, sizeof(uuid)));
        assert_fails(ctx, device_feature_set(d, &token, uuid, 15), -EINVAL, "VF token of " PF);
        assert_fails(ctx, device_feature_get(d, &token, uuid, sizeof(uuid)), -EINVAL, "cannot be read");
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static void test_missing(void **state)
{
        static const struct device_feature other = { 99, "flying", "Linux 99.9" };
        struct bench *b = *state;
        unsigned char big[VFIO_FEATURE_DATA_MAX + 1] = { 0 };

        assert_fails(b->ctx, device_feature_require(b->device, &other, 0), -EOPNOTSUPP,
                     "older than Linux 99.9");
        assert_fails(b->ctx, device_feature_set(b->device, &other, NULL, 0), -EOPNOTSUPP, "has no flying");
        assert_fails(b->ctx, device_feature_get(b->device, &other, big, 8), -EOPNOTSUPP, "has no flying");
        assert_fails(b->ctx, device_feature_get(b->device, &other, big, sizeof(big)), -E2BIG, "flying");
}

/* An error that is no answer is not taken for one. */
static void test_failing(void **state)
{
        struct bench *b = *state;

        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -ENODEV);
        assert_fails(b->ctx, iommuctl_device_feature_probe(b->device, 0, 0), -ENODEV, "feature 0");
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -EIO);
        assert_fails(b->ctx, device_feature_require(b->device, &token, 0), -EIO, "whether it has VF token");
        fake_set_fault(b->m, FAKE_FAULT_NONE, 0, 0);
}

static void test_pci_ids(void **state)
{
        struct bench *b = *state;
        struct iommuctl_pci_ids ids;

        assert_ok(b->ctx, iommuctl_device_pci_ids(b->device, &ids));
        assert_int_equal(ids.vendor, 0x8086);
        assert_int_equal(ids.device, 0x10d3);
        assert_int_equal(ids.class_code, 0x020000);
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 2, -EIO);
        assert_fails(b->ctx, iommuctl_device_pci_ids(b->device, &ids), -EIO, "");
        fake_set_fault(b->m, FAKE_FAULT_NONE, 0, 0);
}

static void atomics(enum iommuctl_backend backend)
{
        struct fake *m = machine_vfio(NULL);
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_device *with, *without;
        struct iommuctl_container *c;

        fake_add_pci(m, PF, &(struct fake_pci){ .driver = "vfio-pci", .group = 10, .atomics = true });
        assert_ok(ctx, iommuctl_container_new(ctx, backend, &c));
        assert_ok(ctx, iommuctl_device_open(c, PF, &with));
        assert_ok(ctx, iommuctl_device_open(c, NIC, &without));
        assert_int_equal(iommuctl_device_atomics(with), IOMMUCTL_ATOMICS_32 | IOMMUCTL_ATOMICS_64);
        assert_int_equal(iommuctl_device_atomics(without), 0);
        fake_set_fault(m, FAKE_FAULT_ERROR, 1, -ENODEV);
        assert_fails(ctx, iommuctl_device_atomics(with), -ENODEV, PF);
        fake_set_fault(m, FAKE_FAULT_NONE, 0, 0);
        iommuctl_device_unref(with);
        iommuctl_device_unref(without);
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static void test_atomics(void **state)
{
        (void)state;
        atomics(IOMMUCTL_BACKEND_TYPE1);
        atomics(IOMMUCTL_BACKEND_IOMMUFD);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_probe),   cmocka_unit_test(test_pf), BOTH(test_missing),
                BOTH(test_failing), BOTH(test_pci_ids),        cmocka_unit_test(test_atomics),
        };

        return run_tap_tests("device features", tests);
}
