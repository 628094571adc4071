/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices without an IOMMU, when they are asked for by name; and containers that are not type1's. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommuctl/adopt.h"
#include "iommuctl/blocker.h"
#include "iommuctl/capability.h"
#include "iommuctl/dirty.h"
#include "iommuctl/group.h"
#include "iommuctl/hwpt.h"
#include "iommuctl/region.h"
#include "iommuctl/takeover.h"

#define LONER "0000:05:00.0"

static struct fake *machine_of(bool noiommu)
{
        struct fake *m = machine_vfio(&(struct fake_options){ .noiommu = noiommu });

        fake_add_pci(m, LONER, &(struct fake_pci){ .driver = "vfio-pci", .no_group = true });
        return m;
}

static struct fake *machine(void)
{
        return machine_of(true);
}

static char log_text[1024];

static void keep_log(void *userdata, enum iommuctl_log_level level, const char *text)
{
        (void)userdata;
        if (level == IOMMUCTL_LOG_WARNING)
                strncat(log_text, text, sizeof(log_text) - strlen(log_text) - 1);
}

static void test_only_when_asked_by_name(void **state)
{
        const enum iommuctl_backend others[] = { IOMMUCTL_BACKEND_AUTO, IOMMUCTL_BACKEND_TYPE1,
                                                 IOMMUCTL_BACKEND_IOMMUFD };
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_device *d = NULL;
        struct iommuctl_container *c;

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                assert_ok(ctx, iommuctl_container_new(ctx, others[i], &c));
                assert_true(iommuctl_device_open(c, LONER, &d) < 0);
                assert_null(d);
                assert_contains(error_text(ctx), "IOMMUCTL_BACKEND_NOIOMMU");
                iommuctl_container_unref(c);
        }
        /* and one with an IOMMU is not opened without it */
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_NOIOMMU, &c));
        assert_fails(ctx, iommuctl_device_open(c, NIC, &d), -ENXIO, NIC);
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

/* Its group's node has a name of its own. */
static void test_who_has_it_open(void **state)
{
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_container *c;
        struct iommuctl_blocker *b;
        struct iommuctl_device *d;
        char node[40];
        unsigned int id;

        (void)state;
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_NOIOMMU, &c));
        assert_ok(ctx, iommuctl_device_open(c, LONER, &d));
        id = iommuctl_group_id(iommuctl_device_group(d));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        snprintf(node, sizeof(node), "/dev/vfio/noiommu-%u", id);
        fake_add_process(m, 777, "dpdk", (const char *[]){ node, NULL });
        assert_int_equal(iommuctl_group_blockers(ctx, id, &b), 2);
        assert_int_equal(b[0].kind, IOMMUCTL_BLOCKER_NOIOMMU);
        assert_int_equal(b[1].kind, IOMMUCTL_BLOCKER_PROCESS);
        assert_string_equal(b[1].node, node);
        assert_int_equal(b[1].pid, 777);
        free(b);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static void test_a_device_without_an_iommu(void **state)
{
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        const struct iommuctl_range range = { 0, 0xffff };
        struct iommuctl_range *ranges;
        struct iommuctl_container *second;
        struct iommuctl_handover *h;
        struct iommuctl_hwpt *hwpt;
        struct iommuctl_region *config;
        struct iommuctl_container *c;
        struct iommuctl_dma *dma = NULL;
        struct iommuctl_dirty *dirty;
        struct iommuctl_device *d;
        uint16_t vendor = 0;
        uint64_t n;
        size_t size;
        void *data;

        (void)state;
        log_text[0] = '\0';
        iommuctl_ctx_set_log(ctx, keep_log, NULL, IOMMUCTL_LOG_WARNING);
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_NOIOMMU, &c));
        assert_int_equal(iommuctl_container_backend(c), IOMMUCTL_BACKEND_NOIOMMU);
        assert_string_equal(iommuctl_backend_name(IOMMUCTL_BACKEND_NOIOMMU), "noiommu");
        assert_int_equal(iommuctl_container_fd(c), -1);
        assert_ok(ctx, iommuctl_device_open(c, LONER, &d));
        assert_contains(log_text, "without an IOMMU");
        assert_ok(ctx, iommuctl_region_open(d, VFIO_PCI_CONFIG_REGION_INDEX, &config));
        assert_ok(ctx, iommuctl_region_read(config, 0, &vendor, 2));
        assert_int_equal(vendor, 0x1af4);
        iommuctl_region_free(config);
        assert_ok(ctx, iommuctl_device_set_bus_master(d, true));

        assert_fails(ctx, iommuctl_dma_alloc(c, 4096, NULL, &dma), -EOPNOTSUPP, "physical addresses");
        assert_fails(ctx, iommuctl_container_ranges(c, &ranges), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_allow(c, &range, 1), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_huge_pages(c), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_set_huge_pages(c, false), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_accounting(c), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_capability(c, 1, &data, &size), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_coherent(c), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_set_compat(c, true), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_device_attach(d, c), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_device_detach(d), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_new_beside(c, &second), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_hwpt_new(c, 1, NULL, &hwpt), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_let_go(c), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_container_take_over(c), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_dirty_start(c, &dirty), -EOPNOTSUPP, "noiommu");
        assert_fails(ctx, iommuctl_handover_new(d, NULL, 0, &h), -EOPNOTSUPP, "without an IOMMU");
        assert_int_equal(iommuctl_container_page_sizes(c), 0);
        assert_false(iommuctl_container_max_mappings(c, &n));
        assert_false(iommuctl_container_available_mappings(c, &n));
        iommuctl_device_unref(d);
        /* again, after the last one has left */
        assert_ok(ctx, iommuctl_device_open(c, LONER, &d));
        iommuctl_container_unref(c);
        iommuctl_device_unref(d);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static void test_refusals(void **state)
{
        struct fake *m = machine_of(false);
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_device *d = NULL;
        struct iommuctl_container *c;
        struct iommuctl_group *g = NULL;

        (void)state;
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_NOIOMMU, &c));
        assert_fails(ctx, iommuctl_device_open(c, LONER, &d), -ENODEV, "no IOMMU group");
        assert_fails(ctx, iommuctl_group_open(c, 8, &g), -EOPNOTSUPP, "enable_unsafe_noiommu_mode");
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        fake_machine_free(m);

        m = machine();
        ctx = new_ctx(m);
        fake_chmod(m, "/dev/vfio/vfio", 0666, 0);
        fake_set_uid(m, 1000);
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_NOIOMMU, &c));
        assert_fails(ctx, iommuctl_device_open(c, LONER, &d), -EACCES, "noiommu");
        assert_null(d);
        iommuctl_container_unref(c);
        fake_set_uid(m, 0);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static void test_spapr_is_refused(void **state)
{
        struct fake *m = machine_vfio(
                &(struct fake_options){ .spapr = true, .no_iommufd = true, .no_cdev = true });
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_device *d = NULL;
        struct iommuctl_container *c;

        (void)state;
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c));
        assert_fails(ctx, iommuctl_device_open(c, NIC, &d), -EOPNOTSUPP, "sPAPR TCE");
        assert_null(d);
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_region *config = NULL;
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        uint32_t ids;
        int r;

        (void)m;
        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_NOIOMMU, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, LONER, &d);
        if (r >= 0)
                r = iommuctl_region_open(d, VFIO_PCI_CONFIG_REGION_INDEX, &config);
        if (r >= 0)
                r = (int)iommuctl_region_read(config, 0, &ids, 4);
        iommuctl_region_free(config);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r < 0 ? r : 0;
}

static void test_failing(void **state)
{
        (void)state;
        each_call_failing(&(struct scenario){ .name = "noiommu", .machine = machine, .run = run });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_only_when_asked_by_name),
                cmocka_unit_test(test_a_device_without_an_iommu),
                cmocka_unit_test(test_who_has_it_open),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_spapr_is_refused),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("noiommu", tests);
}
