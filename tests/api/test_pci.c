/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Capabilities of an open device. */
#include "machines.h"

#include <errno.h>
#include <linux/pci_regs.h>

#include "iommuctl/pci.h"

static void put_chain(struct fake *m)
{
        uint8_t *c = fake_config(m, NIC);

        c[PCI_STATUS] = PCI_STATUS_CAP_LIST;
        c[PCI_CAPABILITY_LIST] = 0x40;
        memcpy(c + 0x40, (uint8_t[]){ PCI_CAP_ID_VNDR, 0x60 }, 2);
        memcpy(c + 0x60, (uint8_t[]){ PCI_CAP_ID_MSIX, 0x50 }, 2);
        memcpy(c + 0x50, (uint8_t[]){ PCI_CAP_ID_VNDR, 0x40 }, 2);
}

static void test_find(void **state)
{
        struct bench *b = *state;
        struct iommuctl_pci_cap caps[4];
        unsigned int problems = 0;
        uint16_t at = 7;

        assert_int_equal(iommuctl_pci_caps(b->device, NULL, 0, NULL), 0);
        put_chain(b->m);
        assert_int_equal(iommuctl_pci_caps(b->device, caps, 4, &problems), 3);
        assert_int_equal(problems, IOMMUCTL_PCI_CIRCLE);
        assert_int_equal(caps[1].id, PCI_CAP_ID_MSIX);
        assert_int_equal(iommuctl_pci_find_cap(b->device, false, PCI_CAP_ID_PM, 0, &at), -ENOENT);
        assert_int_equal(iommuctl_pci_find_cap(b->device, true, PCI_CAP_ID_MSIX, 0, &at), -ENOENT);
        assert_int_equal(at, 7);
        assert_int_equal(iommuctl_pci_find_cap(b->device, false, PCI_CAP_ID_VNDR, 0, &at), 0);
        assert_int_equal(at, 0x40);
        assert_int_equal(iommuctl_pci_find_cap(b->device, false, PCI_CAP_ID_VNDR, at, &at), 0);
        assert_int_equal(at, 0x50);
        assert_int_equal(iommuctl_pci_find_cap(b->device, false, PCI_CAP_ID_VNDR, at, &at), -ENOENT);
        fake_pull(b->m, NIC);
        assert_fails(b->ctx, iommuctl_pci_caps(b->device, caps, 4, &problems), -ENODEV, "gone");
}

static struct fake *machine(void)
{
        struct fake *m = machine_vfio(NULL);

        put_chain(m);
        return m;
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_device *device = NULL;
        struct iommuctl_container *c = NULL;
        uint16_t at;
        int r;

        (void)m;
        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &device);
        if (r >= 0)
                r = iommuctl_pci_find_cap(device, false, PCI_CAP_ID_VNDR, 0x40, &at);
        iommuctl_device_unref(device);
        iommuctl_container_unref(c);
        return r;
}

static void test_failing(void **state)
{
        const struct scenario s = { .name = "a search", .machine = machine, .run = run, .lasting = true };

        (void)state;
        each_call_failing(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_find),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("pci", tests);
}
