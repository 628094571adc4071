/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may be said about a container: how pinned memory is counted, where automatic IOVAs lie, large pages.
 */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_uapi.h"
#include "iommuctl/group.h"

#define PAGE 0x1000u

/* A machine and a context, for tests in which making the container is what is tested. */
struct place {
        struct fake *m;
        struct iommuctl_ctx *ctx;
};

static struct place place_new(const struct fake_options *options)
{
        struct place p = { .m = machine_vfio(options) };

        p.ctx = new_ctx(p.m);
        return p;
}

static void place_free(struct place *p)
{
        iommuctl_ctx_unref(p->ctx);
        assert_clean(p->m, 0);
        fake_machine_free(p->m);
}

static struct iommuctl_container_options options_of(enum iommuctl_backend backend,
                                                    enum iommuctl_accounting accounting)
{
        return (struct iommuctl_container_options){ .struct_size = sizeof(struct iommuctl_container_options),
                                                    .backend = backend,
                                                    .accounting = accounting };
}

static void test_bad_options(void **state)
{
        struct place p = place_new(NULL);
        struct iommuctl_container_options o = options_of((enum iommuctl_backend)77, 0);
        struct {
                struct iommuctl_container_options known;
                uint64_t newer;
        } newer = { { sizeof(newer), 0, 0 }, 0 };
        struct iommuctl_container *c = NULL;

        (void)state;
        assert_fails(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c), -EINVAL, "77");
        o = options_of(IOMMUCTL_BACKEND_AUTO, (enum iommuctl_accounting)9);
        assert_fails(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c), -EINVAL,
                     "accounting number 9");
        o.struct_size = 0;
        assert_fails(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c), -EINVAL, "struct_size is 0");
        newer.newer = 1;
        assert_fails(p.ctx, iommuctl_container_new_with_options(p.ctx, &newer.known, &c), -EINVAL,
                     "does not know");
        assert_null(c);
        newer.newer = 0;
        assert_ok(p.ctx, iommuctl_container_new_with_options(p.ctx, &newer.known, &c));
        iommuctl_container_unref(c);
        assert_ok(p.ctx, iommuctl_container_new_with_options(p.ctx, NULL, &c));
        assert_int_equal(iommuctl_container_backend(c), IOMMUCTL_BACKEND_AUTO);
        assert_fails(p.ctx, iommuctl_container_accounting(c), -ENODEV, "no backend yet");
        assert_fails(p.ctx, iommuctl_container_huge_pages(c), -ENODEV, "no backend yet");
        assert_fails(p.ctx, iommuctl_container_set_huge_pages(c, false), -ENODEV, "no backend yet");
        assert_fails(p.ctx, iommuctl_container_allow(c, NULL, 0), -ENODEV, "no backend yet");
        iommuctl_container_unref(c);
        place_free(&p);
}

static void test_accounting_iommufd(void **state)
{
        struct place p = place_new(NULL);
        struct iommuctl_container_options o = options_of(IOMMUCTL_BACKEND_IOMMUFD, 0);
        struct iommuctl_device *d;
        struct iommuctl_container *c = NULL;

        (void)state;
        assert_ok(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c));
        assert_int_equal(iommuctl_container_accounting(c), IOMMUCTL_ACCOUNTING_USER);
        iommuctl_container_unref(c);
        o.accounting = IOMMUCTL_ACCOUNTING_USER;
        assert_ok(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c));
        assert_int_equal(iommuctl_container_accounting(c), IOMMUCTL_ACCOUNTING_USER);
        iommuctl_container_unref(c);
        o.accounting = IOMMUCTL_ACCOUNTING_PROCESS;
        assert_ok(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c));
        assert_int_equal(iommuctl_container_accounting(c), IOMMUCTL_ACCOUNTING_PROCESS);
        assert_ok(p.ctx, iommuctl_device_open(c, NIC, &d));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);

        /* Who may open /dev/iommu need not have CAP_SYS_RESOURCE. */
        c = NULL;
        fake_chmod(p.m, "/dev/iommu", 0666, 0);
        fake_set_uid(p.m, 1000);
        assert_fails(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c), -EPERM, "CAP_SYS_RESOURCE");
        assert_null(c);
        fake_set_uid(p.m, 0);
        place_free(&p);
}

static void test_accounting_type1(void **state)
{
        struct place p = place_new(&(struct fake_options){ .no_iommufd = true, .no_cdev = true });
        struct iommuctl_container_options o = options_of(IOMMUCTL_BACKEND_TYPE1, IOMMUCTL_ACCOUNTING_PROCESS);
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g = NULL;
        struct iommuctl_container *c;

        (void)state;
        assert_ok(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c));
        assert_ok(p.ctx, iommuctl_device_open(c, NIC, &d));
        assert_int_equal(iommuctl_container_accounting(c), IOMMUCTL_ACCOUNTING_PROCESS);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);

        o.accounting = IOMMUCTL_ACCOUNTING_USER;
        c = NULL;
        assert_fails(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c), -EOPNOTSUPP, "by process");
        assert_null(c);
        o.backend = IOMMUCTL_BACKEND_AUTO;
        assert_ok(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c));
        d = NULL;
        assert_fails(p.ctx, iommuctl_device_open(c, NIC, &d), -EOPNOTSUPP, "by process");
        assert_fails(p.ctx, iommuctl_group_open(c, 8, &g), -EOPNOTSUPP, "by process");
        assert_true(!d && !g);
        iommuctl_container_unref(c);
        place_free(&p);
}

/* An AUTO container is type1's where iommufd may not count as asked. */
static void test_accounting_chooses(void **state)
{
        struct place p = place_new(NULL);
        struct iommuctl_container_options o = options_of(IOMMUCTL_BACKEND_AUTO, IOMMUCTL_ACCOUNTING_PROCESS);
        struct iommuctl_container *c;
        struct iommuctl_device *d;

        (void)state;
        fake_set_fault(p.m, FAKE_FAULT_NONE, 0, 0);
        assert_ok(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c));
        assert_ok(p.ctx, iommuctl_device_open(c, NIC, &d));
        assert_int_equal(iommuctl_container_backend(c), IOMMUCTL_BACKEND_IOMMUFD);
        assert_int_equal(iommuctl_container_accounting(c), IOMMUCTL_ACCOUNTING_PROCESS);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);

        fake_chmod(p.m, "/dev/iommu", 0666, 0);
        fake_chmod(p.m, "/dev/vfio/vfio", 0666, 0);
        fake_chmod(p.m, "/dev/vfio/8", 0666, 0);
        for (int i = 0; i < 8; i++) {
                char node[64];

                snprintf(node, sizeof(node), "/dev/vfio/devices/vfio%d", i);
                if (fake_exists(p.m, node))
                        fake_chmod(p.m, node, 0666, 0);
        }
        fake_set_uid(p.m, 1000);
        assert_ok(p.ctx, iommuctl_container_new_with_options(p.ctx, &o, &c));
        assert_ok(p.ctx, iommuctl_device_open(c, NIC, &d));
        assert_int_equal(iommuctl_container_backend(c), IOMMUCTL_BACKEND_TYPE1);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        fake_set_uid(p.m, 0);
        place_free(&p);
}

static void test_coherent(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *c;

        assert_int_equal(iommuctl_container_coherent(b->container), 1);
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, b->backend, &c));
        assert_fails(b->ctx, iommuctl_container_coherent(c), -ENODEV, "no device has joined");
        iommuctl_container_unref(c);
        bench_restart(b, &(struct fake_options){ .no_snoop_control = true });
        assert_int_equal(iommuctl_container_coherent(b->container), 0);
        if (b->backend != IOMMUCTL_BACKEND_IOMMUFD)
                return;
        /* It is a matter of what sees the address space, not of what was opened in it. */
        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &c));
        assert_ok(b->ctx, iommuctl_device_attach(b->device, c));
        assert_int_equal(iommuctl_container_coherent(c), 0);
        assert_fails(b->ctx, iommuctl_container_coherent(b->container), -ENODEV, "no device");
        iommuctl_container_unref(c);
}

static void test_compat(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *c;
        int fd = iommuctl_container_fd(b->container);

        if (b->backend == IOMMUCTL_BACKEND_TYPE1) {
                assert_fails(b->ctx, iommuctl_container_set_compat(b->container, true), -EOPNOTSUPP, "type1");
                return;
        }
        assert_ok(b->ctx, iommuctl_container_set_compat(b->container, true));
        assert_int_equal(
                b->k->ops->ioctl(b->k, fd, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_DMA_CC_IOMMU), 1);
        /* to ask leaves it as it was, for another address space of the iommufd too */
        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &c));
        assert_fails(b->ctx, iommuctl_container_coherent(c), -ENODEV, "no device");
        iommuctl_container_unref(c);
        assert_int_equal(iommuctl_container_coherent(b->container), 1);
        assert_int_equal(
                b->k->ops->ioctl(b->k, fd, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_DMA_CC_IOMMU), 1);
        assert_ok(b->ctx, iommuctl_container_set_compat(b->container, false));
        assert_int_equal(
                b->k->ops->ioctl(b->k, fd, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_DMA_CC_IOMMU),
                -ENODEV);
        assert_int_equal(iommuctl_container_coherent(b->container), 1);
        assert_int_equal(
                b->k->ops->ioctl(b->k, fd, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_DMA_CC_IOMMU),
                -ENODEV);
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_AUTO, &c));
        assert_fails(b->ctx, iommuctl_container_set_compat(c, true), -ENODEV, "no backend");
        iommuctl_container_unref(c);
}

static void test_allow(void **state)
{
        struct bench *b = *state;
        const struct iommuctl_range overlap[] = { { 0x1000, 0x2fff }, { 0x2000, 0x3fff } },
                                    reserved[] = { { 0xfee00000, 0xfee00fff } },
                                    narrow[] = { { 0x80000000, 0x80001fff }, { 0x10000, 0x10fff } };
        struct iommuctl_dma_options fixed = { .struct_size = sizeof(fixed),
                                              .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                              .iova = 0x40000000 };
        struct iommuctl_dma *dma[4] = { NULL };
        uint64_t iova;

        if (b->backend == IOMMUCTL_BACKEND_TYPE1) {
                assert_fails(b->ctx, iommuctl_container_allow(b->container, narrow, 2), -EOPNOTSUPP,
                             "iova_limit");
                return;
        }
        assert_fails(b->ctx, iommuctl_container_allow(b->container, overlap, 2), -EINVAL, "overlap");
        assert_fails(b->ctx, iommuctl_container_allow(b->container, reserved, 1), -EADDRINUSE, "usable are");
        assert_fails(b->ctx, iommuctl_container_allow(b->container, narrow, 1u << 20), -EINVAL, "1048576");
        assert_ok(b->ctx, iommuctl_container_allow(b->container, narrow, 2));

        /* Refused lists change nothing. */
        assert_fails(b->ctx, iommuctl_container_allow(b->container, overlap, 2), -EINVAL, "overlap");
        for (int i = 0; i < 3; i++) {
                assert_ok(b->ctx, iommuctl_dma_alloc(b->container, PAGE, NULL, &dma[i]));
                iova = iommuctl_dma_span(dma[i]).iova;
                assert_true((iova >= 0x80000000 && iova <= 0x80001fff) || iova == 0x10000);
        }
        assert_fails(b->ctx, iommuctl_dma_alloc(b->container, PAGE, NULL, &dma[3]), -ENOSPC, "allowed");
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, PAGE, &fixed, &dma[3]));
        assert_int_equal(iommuctl_dma_span(dma[3]).iova, 0x40000000);
        iommuctl_dma_unmap(dma[3]);
        assert_ok(b->ctx, iommuctl_container_allow(b->container, NULL, 0));
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, PAGE, NULL, &dma[3]));
        for (int i = 0; i < 4; i++)
                assert_ok(b->ctx, iommuctl_dma_unmap(dma[i]));
}

/* What was promised holds against devices that come later. */
static void test_allowed_ranges_keep_devices_out(void **state)
{
        struct place p = place_new(NULL);
        const struct iommuctl_range msi = { 0xfee00000, 0xfee00fff };
        struct iommuctl_container *c;
        struct iommuctl_device *d = NULL;

        (void)state;
        assert_ok(p.ctx, iommuctl_container_new(p.ctx, IOMMUCTL_BACKEND_IOMMUFD, &c));
        assert_ok(p.ctx, iommuctl_container_allow(c, &msi, 1));
        assert_fails(p.ctx, iommuctl_device_open(c, NIC, &d), -EADDRINUSE, "iommuctl_container_allow");
        assert_null(d);
        assert_ok(p.ctx, iommuctl_container_allow(c, NULL, 0));
        assert_ok(p.ctx, iommuctl_device_open(c, NIC, &d));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        place_free(&p);
}

static void test_huge_pages(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma;

        assert_int_equal(iommuctl_container_huge_pages(b->container), 1);
        assert_ok(b->ctx, iommuctl_container_set_huge_pages(b->container, true));
        if (b->backend == IOMMUCTL_BACKEND_TYPE1) {
                assert_fails(b->ctx, iommuctl_container_set_huge_pages(b->container, false), -EOPNOTSUPP,
                             "disable_hugepages is N");
                fake_add_file(b->m, "/sys/module/vfio_iommu_type1/parameters/disable_hugepages", "Y\n");
                assert_int_equal(iommuctl_container_huge_pages(b->container), 0);
                assert_ok(b->ctx, iommuctl_container_set_huge_pages(b->container, false));
                fake_remove(b->m, "/sys/module/vfio_iommu_type1/parameters/disable_hugepages");
                assert_fails(b->ctx, iommuctl_container_huge_pages(b->container), -EOPNOTSUPP,
                             "cannot be read");
                return;
        }
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, PAGE, NULL, &dma));
        assert_fails(b->ctx, iommuctl_container_set_huge_pages(b->container, false), -EBUSY, "1 mappings");
        assert_int_equal(iommuctl_container_huge_pages(b->container), 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_ok(b->ctx, iommuctl_container_set_huge_pages(b->container, false));
        assert_int_equal(iommuctl_container_huge_pages(b->container), 0);
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, PAGE, NULL, &dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_ok(b->ctx, iommuctl_container_set_huge_pages(b->container, true));
        assert_int_equal(iommuctl_container_huge_pages(b->container), 1);
}

static struct fake *machine(void)
{
        return machine_vfio(NULL);
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        const struct iommuctl_container_options o = options_of(IOMMUCTL_BACKEND_IOMMUFD,
                                                               IOMMUCTL_ACCOUNTING_PROCESS);
        const struct iommuctl_range range = { 0x10000, 0x1ffff };
        struct iommuctl_container *c = NULL;
        struct iommuctl_dma *dma = NULL;
        int r;

        (void)m;
        r = iommuctl_container_new_with_options(ctx, &o, &c);
        if (r >= 0)
                r = iommuctl_container_accounting(c);
        if (r >= 0)
                r = iommuctl_container_set_huge_pages(c, false);
        if (r >= 0)
                r = iommuctl_container_huge_pages(c);
        if (r >= 0)
                r = iommuctl_container_allow(c, &range, 1);
        if (r >= 0)
                r = iommuctl_dma_alloc(c, PAGE, NULL, &dma);
        if (r >= 0)
                assert_in_range(iommuctl_dma_span(dma).iova, 0x10000, 0x1f000);
        if (iommuctl_dma_unmap(dma) < 0) {
                fake_mend(m);
                assert_int_equal(iommuctl_dma_unmap(dma), 0);
                r = -EIO;
        }
        iommuctl_container_unref(c);
        return r;
}

static void test_failing(void **state)
{
        (void)state;
        each_call_failing(&(struct scenario){ .name = "options", .machine = machine, .run = run });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bad_options),
                cmocka_unit_test(test_accounting_iommufd),
                cmocka_unit_test(test_accounting_type1),
                cmocka_unit_test(test_accounting_chooses),
                BOTH(test_allow),
                cmocka_unit_test(test_allowed_ranges_keep_devices_out),
                BOTH(test_coherent),
                BOTH(test_compat),
                BOTH(test_huge_pages),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("container_options", tests);
}
