/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chains of PCI capabilities, right and wrong. */
#include "unit.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "iommuctl/pci.h"

static uint8_t config[4096];
static struct iommuctl_pci_cap caps[IOMMUCTL_PCI_CAPS_MAX];
static unsigned int problems;

static int setup(void **state)
{
        (void)state;
        memset(config, 0, sizeof(config));
        memset(caps, 0xee, sizeof(caps));
        config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
        problems = 99;
        return 0;
}

static void conventional(unsigned int at, uint8_t id, uint8_t next)
{
        config[at] = id;
        config[at + 1] = next;
}

static void extended(unsigned int at, uint16_t id, unsigned int version, unsigned int next)
{
        config[at] = (uint8_t)id;
        config[at + 1] = (uint8_t)(id >> 8);
        config[at + 2] = (uint8_t)(version | (next & 0xf) << 4);
        config[at + 3] = (uint8_t)(next >> 4);
}

static int parse(size_t size)
{
        return iommuctl_pci_caps_parse(config, size, caps, IOMMUCTL_PCI_CAPS_MAX, &problems);
}

static void is(unsigned int i, uint16_t id, uint16_t offset, uint8_t version, bool ext)
{
        assert_int_equal(caps[i].id, id);
        assert_int_equal(caps[i].offset, offset);
        assert_int_equal(caps[i].version, version);
        assert_int_equal(caps[i].extended, ext);
}

static void test_both_chains(void **state)
{
        (void)state;
        config[PCI_CAPABILITY_LIST] = 0xc8;
        conventional(0xc8, PCI_CAP_ID_PM, 0x40);
        conventional(0x40, PCI_CAP_ID_VNDR, 0x50);
        conventional(0x50, PCI_CAP_ID_VNDR, 0xfc);
        conventional(0xfc, PCI_CAP_ID_MSIX, 0);
        extended(0x100, PCI_EXT_CAP_ID_ERR, 2, 0xffc);
        extended(0xffc, PCI_EXT_CAP_ID_PASID, 1, 0x140);
        extended(0x140, PCI_EXT_CAP_ID_DVSEC, 15, 0);
        assert_int_equal(parse(4096), 7);
        assert_int_equal(problems, 0);
        is(0, PCI_CAP_ID_PM, 0xc8, 0, false);
        is(3, PCI_CAP_ID_MSIX, 0xfc, 0, false);
        is(4, PCI_EXT_CAP_ID_ERR, 0x100, 2, true);
        is(5, PCI_EXT_CAP_ID_PASID, 0xffc, 1, true);
        is(6, PCI_EXT_CAP_ID_DVSEC, 0x140, 15, true);
        /* A conventional device has no second chain, and that is no problem. */
        assert_int_equal(parse(256), 4);
        assert_int_equal(problems, 0);
        /* More than there is room for is counted, not written. */
        memset(caps, 0, sizeof(caps));
        assert_int_equal(iommuctl_pci_caps_parse(config, 4096, caps, 2, NULL), 7);
        is(1, PCI_CAP_ID_VNDR, 0x40, 0, false);
        is(2, 0, 0, 0, false);
}

static void test_none(void **state)
{
        (void)state;
        config[PCI_CAPABILITY_LIST] = 0x40;
        config[PCI_STATUS] = 0; /* the pointer means nothing then */
        assert_int_equal(parse(4096), 0);
        assert_int_equal(problems, 0);
        assert_int_equal(parse(0), 0);
        assert_int_equal(problems, IOMMUCTL_PCI_CUT_OFF);
        memset(config, 0xff, sizeof(config)); /* nobody there */
        assert_int_equal(parse(4096), 0);
        assert_int_equal(problems, IOMMUCTL_PCI_ALL_ONES);
}

static void test_cardbus(void **state)
{
        (void)state;
        config[PCI_HEADER_TYPE] = 0x80 | PCI_HEADER_TYPE_CARDBUS;
        config[0x14] = 0xa0;
        config[PCI_CAPABILITY_LIST] = 0x40; /* something else there */
        conventional(0xa0, PCI_CAP_ID_PM, 0);
        assert_int_equal(parse(256), 1);
        is(0, PCI_CAP_ID_PM, 0xa0, 0, false);
}

static void test_circles(void **state)
{
        (void)state;
        config[PCI_CAPABILITY_LIST] = 0x40;
        conventional(0x40, 1, 0x48);
        conventional(0x48, 5, 0x40);
        extended(0x100, 1, 1, 0x100);
        assert_int_equal(parse(4096), 3);
        assert_int_equal(problems, IOMMUCTL_PCI_CIRCLE);
        /* As long as it can be without one. */
        for (unsigned int at = 0x40; at < 0x100; at += 4)
                conventional(at, 9, (uint8_t)(at + 4 < 0x100 ? at + 4 : 0));
        for (unsigned int at = 0x100; at < 0x1000; at += 4)
                extended(at, 0xb, 1, at + 4 < 0x1000 ? at + 4 : 0);
        assert_int_equal(parse(4096), IOMMUCTL_PCI_CAPS_MAX);
        assert_int_equal(problems, 0);
}

static void test_outside(void **state)
{
        (void)state;
        config[PCI_CAPABILITY_LIST] = 0x40;
        conventional(0x40, 1, 0x3c);
        extended(0x100, 1, 1, 0xfc);
        assert_int_equal(parse(4096), 2);
        assert_int_equal(problems, IOMMUCTL_PCI_OUTSIDE);
        config[PCI_CAPABILITY_LIST] = 0x10;
        extended(0x100, 0, 0, 0);
        assert_int_equal(parse(4096), 0);
        assert_int_equal(problems, IOMMUCTL_PCI_OUTSIDE);
}

static void test_cut_off(void **state)
{
        (void)state;
        config[PCI_CAPABILITY_LIST] = 0x40;
        conventional(0x40, 1, 0x50);
        conventional(0x50, 5, 0);
        assert_int_equal(parse(64), 0); /* what sysfs gives to those who are not root */
        assert_int_equal(problems, IOMMUCTL_PCI_CUT_OFF);
        assert_int_equal(parse(0x51), 1);
        assert_int_equal(problems, IOMMUCTL_PCI_CUT_OFF);
        assert_int_equal(parse(0x52), 2);
        assert_int_equal(problems, 0);
        extended(0x100, 1, 1, 0x200);
        extended(0x200, 3, 1, 0);
        assert_int_equal(parse(0x203), 3);
        assert_int_equal(problems, IOMMUCTL_PCI_CUT_OFF);
}

static void test_odd_pointers(void **state)
{
        (void)state;
        config[PCI_CAPABILITY_LIST] = 0x42;
        conventional(0x40, 1, 0x51);
        conventional(0x50, 5, 3); /* 0 with reserved bits is the end */
        extended(0x100, 1, 1, 0x202);
        extended(0x200, 3, 1, 0);
        assert_int_equal(parse(4096), 4);
        assert_int_equal(problems, IOMMUCTL_PCI_UNALIGNED);
        is(1, 5, 0x50, 0, false);
        is(3, 3, 0x200, 1, true);
}

static void test_hidden_and_silent(void **state)
{
        (void)state;
        /* VFIO's way to hide the first one. */
        extended(0x100, 0, 0, 0x150);
        extended(0x150, PCI_EXT_CAP_ID_ACS, 1, 0x200);
        memset(config + 0x200, 0xff, 4);
        assert_int_equal(parse(4096), 1);
        is(0, PCI_EXT_CAP_ID_ACS, 0x150, 1, true);
        assert_int_equal(problems, IOMMUCTL_PCI_ALL_ONES);
        memset(config + 0x100, 0xff, 4); /* no second chain */
        config[PCI_CAPABILITY_LIST] = 0x40;
        memset(config + 0x40, 0xff, 2);
        assert_int_equal(parse(4096), 0);
        assert_int_equal(problems, IOMMUCTL_PCI_ALL_ONES);
}

static void test_names(void **state)
{
        (void)state;
        assert_string_equal(iommuctl_pci_cap_name(false, PCI_CAP_ID_MSIX), "MSI-X");
        assert_string_equal(iommuctl_pci_cap_name(false, PCI_CAP_ID_EXP), "PCI Express");
        assert_string_equal(iommuctl_pci_cap_name(true, PCI_EXT_CAP_ID_ACS), "Access Control Services");
        assert_string_equal(iommuctl_pci_cap_name(true, PCI_EXT_CAP_ID_PASID), "PASID");
        assert_null(iommuctl_pci_cap_name(true, 0));
        assert_null(iommuctl_pci_cap_name(true, 0x14));
        assert_null(iommuctl_pci_cap_name(false, 0xff));
        assert_null(iommuctl_pci_cap_name(true, 0xffff));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_both_chains, setup),
                cmocka_unit_test_setup(test_none, setup),
                cmocka_unit_test_setup(test_cardbus, setup),
                cmocka_unit_test_setup(test_circles, setup),
                cmocka_unit_test_setup(test_outside, setup),
                cmocka_unit_test_setup(test_cut_off, setup),
                cmocka_unit_test_setup(test_odd_pointers, setup),
                cmocka_unit_test_setup(test_hidden_and_silent, setup),
                cmocka_unit_test(test_names),
        };

        return run_unit_tests("pci capabilities", tests);
}
