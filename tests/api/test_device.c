/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers, groups and devices: what opens, in which order it may be closed, and what each refusal says. */
#include "machines.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "iommuctl/group.h"

/* A machine, a context and an empty container, for tests in which opening is what is tested. */
struct place {
        struct fake *m;
        struct iommuctl_ctx *ctx;
        struct iommuctl_container *c;
};

static struct place place_new(const struct fake_options *options, enum iommuctl_backend backend)
{
        struct place p = { .m = machine_vfio(options) };

        p.ctx = new_ctx(p.m);
        assert_ok(p.ctx, iommuctl_container_new(p.ctx, backend, &p.c));
        return p;
}

static void place_free(struct place *p)
{
        iommuctl_container_unref(p->c);
        iommuctl_ctx_unref(p->ctx);
        assert_clean(p->m, 0);
        fake_machine_free(p->m);
}

static void test_container_before_a_device(void **state)
{
        struct place p = place_new(NULL, IOMMUCTL_BACKEND_AUTO);
        struct iommuctl_range *ranges = (void *)-1;
        struct iommuctl_dma *dma = NULL;
        uint64_t n;

        (void)state;
        assert_int_equal(iommuctl_container_fd(p.c), -1);
        assert_int_equal(iommuctl_container_backend(p.c), IOMMUCTL_BACKEND_AUTO);
        assert_int_equal(iommuctl_container_page_sizes(p.c), 0);
        assert_int_equal(iommuctl_container_ioas_id(p.c), 0);
        assert_false(iommuctl_container_max_mappings(p.c, &n));
        assert_fails(p.ctx, iommuctl_container_ranges(p.c, &ranges), -ENODEV, "open a device first");
        assert_ptr_equal(ranges, (void *)-1);
        assert_fails(p.ctx, iommuctl_dma_alloc(p.c, 4096, NULL, &dma), -ENODEV, "before a device is opened");
        assert_null(dma);
        assert_int_equal(fake_n_fds(p.m), 1); /* the context's root */
        place_free(&p);
}

static void test_iommufd_maps_before_a_device(void **state)
{
        struct place p = place_new(NULL, IOMMUCTL_BACKEND_IOMMUFD);
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = 0xfee00000 };
        struct iommuctl_device *device = NULL;
        struct iommuctl_range *ranges;
        struct iommuctl_dma *dma;

        (void)state;
        assert_int_equal(iommuctl_container_ranges(p.c, &ranges), 1);
        assert_int_equal(ranges[0].last, UINT64_MAX);
        free(ranges);
        assert_int_equal(iommuctl_container_page_sizes(p.c) & 0xfff, 0);
        /* Where the NIC has its interrupts nothing may be mapped. */
        assert_ok(p.ctx, iommuctl_dma_alloc(p.c, 4096, &o, &dma));
        assert_fails(p.ctx, iommuctl_device_open(p.c, NIC, &device), -EADDRINUSE, "ranges");
        assert_null(device);
        assert_string_equal(error_device(p.ctx), NIC);
        assert_int_equal(iommuctl_container_ranges(p.c, &ranges), 1);
        free(ranges);
        assert_ok(p.ctx, iommuctl_dma_unmap(dma));
        assert_ok(p.ctx, iommuctl_dma_alloc(p.c, 4096, NULL, &dma));
        assert_ok(p.ctx, iommuctl_device_open(p.c, NIC, &device));
        assert_int_equal(fake_dma_write(p.m, NIC, iommuctl_dma_span(dma).iova, "x", 1), 0);
        assert_int_equal(iommuctl_container_ranges(p.c, &ranges), 2);
        assert_int_equal(ranges[0].last, 0xfedfffff);
        assert_int_equal(ranges[1].last, 0x7fffffffff);
        free(ranges);
        iommuctl_device_unref(device);
        assert_int_equal(iommuctl_container_ranges(p.c, &ranges), 1);
        free(ranges);
        assert_ok(p.ctx, iommuctl_dma_unmap(dma));
        place_free(&p);
}

/* Which backend AUTO becomes, on which machine. */
static void auto_becomes(const struct fake_options *options, enum iommuctl_backend expected)
{
        struct place p = place_new(options, IOMMUCTL_BACKEND_AUTO);
        struct iommuctl_device *device;

        assert_ok(p.ctx, iommuctl_device_open(p.c, NIC, &device));
        assert_int_equal(iommuctl_container_backend(p.c), expected);
        assert_int_equal(!iommuctl_device_group(device), expected == IOMMUCTL_BACKEND_IOMMUFD);
        assert_int_equal(iommuctl_device_iommufd_id(device) != 0, expected == IOMMUCTL_BACKEND_IOMMUFD);
        assert_int_equal(iommuctl_container_ioas_id(p.c) != 0, expected == IOMMUCTL_BACKEND_IOMMUFD);
        assert_true(iommuctl_container_fd(p.c) >= 0);
        assert_string_equal(iommuctl_device_name(device), NIC);
        assert_ptr_equal(iommuctl_device_container(device), p.c);
        iommuctl_device_unref(device);
        place_free(&p);
}

static void test_auto(void **state)
{
        (void)state;
        auto_becomes(NULL, IOMMUCTL_BACKEND_IOMMUFD);
        auto_becomes(&(struct fake_options){ .release = "6.1.0", .no_iommufd = true },
                     IOMMUCTL_BACKEND_TYPE1);
        auto_becomes(&(struct fake_options){ .no_cdev = true }, IOMMUCTL_BACKEND_TYPE1);
        auto_becomes(&(struct fake_options){ .no_group = true, .no_type1 = true }, IOMMUCTL_BACKEND_IOMMUFD);
}

static void test_iommufd_is_missing(void **state)
{
        struct place p = place_new(&(struct fake_options){ .no_iommufd = true }, IOMMUCTL_BACKEND_AUTO);
        struct iommuctl_container *c = NULL;

        (void)state;
        assert_fails(p.ctx, iommuctl_container_new(p.ctx, IOMMUCTL_BACKEND_IOMMUFD, &c), -EOPNOTSUPP,
                     "/dev/iommu");
        assert_fails(p.ctx, iommuctl_container_new(p.ctx, 17, &c), -EINVAL, "17");
        assert_null(c);
        place_free(&p);
}

static void test_no_cdev(void **state)
{
        struct place p = place_new(&(struct fake_options){ .no_cdev = true }, IOMMUCTL_BACKEND_IOMMUFD);
        struct iommuctl_device *device = NULL;

        (void)state;
        assert_fails(p.ctx, iommuctl_device_open(p.c, NIC, &device), -EOPNOTSUPP, "VFIO_DEVICE_CDEV");
        assert_null(device);
        place_free(&p);
}

static void test_no_type1(void **state)
{
        struct place p = place_new(&(struct fake_options){ .no_type1 = true }, IOMMUCTL_BACKEND_TYPE1);
        struct iommuctl_device *device = NULL;

        (void)state;
        assert_fails(p.ctx, iommuctl_device_open(p.c, NIC, &device), -EOPNOTSUPP, "vfio_iommu_type1");
        fake_remove(p.m, "/dev/vfio/vfio");
        assert_fails(p.ctx, iommuctl_device_open(p.c, NIC, &device), -ENOENT, "modprobe");
        assert_null(device);
        place_free(&p);
}

/* The refusals that every backend has. */
static void refusals(enum iommuctl_backend backend)
{
        struct place p = place_new(NULL, backend);
        struct iommuctl_device *device = NULL;

        fake_add_pci(p.m, "0000:04:00.0", &(struct fake_pci){ .no_group = true });
        fake_add_pci(p.m, "0000:05:00.0", &(struct fake_pci){ .group = 15 });
        assert_fails(p.ctx, iommuctl_device_open(p.c, "0000:09:00.0", &device), -ENODEV, "0000:09:00.0");
        assert_fails(p.ctx, iommuctl_device_open(p.c, "../../etc", &device), -ENODEV, "");
        assert_fails(p.ctx, iommuctl_device_open(p.c, "0000:04:00.0", &device), -ENODEV, "no IOMMU group");
        assert_string_equal(error_device(p.ctx), "0000:04:00.0");
        assert_fails(p.ctx, iommuctl_device_open(p.c, "0000:05:00.0", &device), -ENXIO, "has no driver");
        assert_fails(p.ctx, iommuctl_device_open(p.c, DISK, &device), -ENXIO, "bound to nvme");
        assert_contains(error_text(p.ctx), "iommuctl bind " DISK);
        assert_null(device);
        place_free(&p);
}

static void test_refusals(void **state)
{
        (void)state;
        refusals(IOMMUCTL_BACKEND_TYPE1);
        refusals(IOMMUCTL_BACKEND_IOMMUFD);
        refusals(IOMMUCTL_BACKEND_AUTO);
}

/* A neighbour in the group is bound to its own driver: each backend finds it out in its own way. */
static void not_viable(enum iommuctl_backend backend)
{
        struct place p = place_new(NULL, backend);
        struct iommuctl_device *device = NULL;

        fake_add_pci(p.m, "0000:02:00.1", &(struct fake_pci){ .driver = "e1000e", .group = 8 });
        assert_fails(p.ctx, iommuctl_device_open(p.c, NIC, &device), -EBUSY,
                     "0000:02:00.1 is bound to e1000e");
        assert_contains(error_text(p.ctx), "group 8 is not viable");
        assert_null(device);
        place_free(&p);
}

static void test_not_viable_type1(void **state)
{
        (void)state;
        not_viable(IOMMUCTL_BACKEND_TYPE1);
}

static void test_not_viable_iommufd(void **state)
{
        (void)state;
        not_viable(IOMMUCTL_BACKEND_IOMMUFD);
}

static void no_remapping(enum iommuctl_backend backend)
{
        struct place p = place_new(&(struct fake_options){ .no_interrupt_remapping = true }, backend);
        struct iommuctl_device *device = NULL;

        assert_fails(p.ctx, iommuctl_device_open(p.c, NIC, &device), -EPERM, "allow_unsafe_interrupts");
        assert_string_equal(error_device(p.ctx), NIC);
        assert_null(device);
        place_free(&p);

        p = place_new(&(struct fake_options){ .no_interrupt_remapping = true, .unsafe_interrupts = true },
                      backend);
        assert_ok(p.ctx, iommuctl_device_open(p.c, NIC, &device));
        iommuctl_device_unref(device);
        place_free(&p);
}

static void test_no_interrupt_remapping(void **state)
{
        (void)state;
        no_remapping(IOMMUCTL_BACKEND_TYPE1);
        no_remapping(IOMMUCTL_BACKEND_IOMMUFD);
}

static void rmrr(enum iommuctl_backend backend)
{
        struct place p = place_new(NULL, backend);
        struct iommuctl_device *device = NULL;

        fake_add_reserved(p.m, 8, 0x7d000000, 0x7d7fffff, "direct");
        fake_set_group_ineligible(p.m, 8);
        assert_fails(p.ctx, iommuctl_device_open(p.c, NIC, &device), -EPERM, "0x7d000000-0x7d7fffff");
        assert_contains(error_text(p.ctx), "RMRR");
        assert_null(device);
        place_free(&p);
}

static void test_rmrr(void **state)
{
        (void)state;
        rmrr(IOMMUCTL_BACKEND_TYPE1);
        rmrr(IOMMUCTL_BACKEND_IOMMUFD);
}

static void test_permission(void **state)
{
        struct place p = place_new(NULL, IOMMUCTL_BACKEND_TYPE1);
        struct iommuctl_device *device = NULL;
        struct iommuctl_container *c = NULL;

        (void)state;
        fake_set_uid(p.m, 1000);
        assert_fails(p.ctx, iommuctl_device_open(p.c, NIC, &device), -EACCES, "/dev/vfio/8");
        assert_contains(error_text(p.ctx), "mode 0600");
        assert_fails(p.ctx, iommuctl_container_new(p.ctx, IOMMUCTL_BACKEND_IOMMUFD, &c), -EACCES,
                     "/dev/iommu");
        fake_chmod(p.m, "/dev/vfio/8", 0660, 1000);
        assert_ok(p.ctx, iommuctl_device_open(p.c, NIC, &device));
        iommuctl_device_unref(device);
        assert_null(c);
        place_free(&p);
}

static void in_use(enum iommuctl_backend backend, enum iommuctl_backend other, const char *node)
{
        struct place p = place_new(NULL, backend);
        struct iommuctl_device *held, *device = NULL;
        struct iommuctl_container *c;

        assert_ok(p.ctx, iommuctl_container_new(p.ctx, other, &c));
        assert_ok(p.ctx, iommuctl_device_open(c, NIC, &held));
        fake_add_process(p.m, 777, "qemu-system-x86", (const char *[]){ "/dev/null", node, NULL });
        assert_fails(p.ctx, iommuctl_device_open(p.c, NIC, &device), -EBUSY, "777 (qemu-system-x86)");
        assert_contains(error_text(p.ctx), node);
        assert_null(device);
        iommuctl_device_unref(held);
        iommuctl_container_unref(c);
        assert_ok(p.ctx, iommuctl_device_open(p.c, NIC, &device));
        iommuctl_device_unref(device);
        place_free(&p);
}

static void test_in_use(void **state)
{
        const enum iommuctl_backend type1 = IOMMUCTL_BACKEND_TYPE1, iommufd = IOMMUCTL_BACKEND_IOMMUFD;

        (void)state;
        in_use(type1, type1, "/dev/vfio/8");
        in_use(iommufd, type1, "/dev/vfio/8");
        in_use(iommufd, iommufd, "/dev/vfio/devices/vfio2");
}

/* The other way round it is the device's own node that is open, while it is the group's that says EBUSY. */
static void test_in_use_by_own_node(void **state)
{
        (void)state;
        in_use(IOMMUCTL_BACKEND_TYPE1, IOMMUCTL_BACKEND_IOMMUFD, "/dev/vfio/devices/vfio2");
}

/* Another process has the GPU by its own node: its group cannot be taken by a second iommufd, nor its
 * neighbour. */
static void test_neighbour_in_use(void **state)
{
        struct place p = place_new(NULL, IOMMUCTL_BACKEND_IOMMUFD);
        struct iommuctl_device *held, *device = NULL;
        struct iommuctl_container *c;

        (void)state;
        assert_ok(p.ctx, iommuctl_container_new(p.ctx, IOMMUCTL_BACKEND_IOMMUFD, &c));
        assert_ok(p.ctx, iommuctl_device_open(c, GPU, &held));
        fake_add_process(p.m, 778, "vmm", (const char *[]){ "/dev/vfio/devices/vfio0", NULL });
        assert_fails(p.ctx, iommuctl_device_open(p.c, AUDIO, &device), -EBUSY, "778 (vmm)");
        assert_null(device);
        iommuctl_device_unref(held);
        iommuctl_container_unref(c);
        place_free(&p);
}

static void test_groups(void **state)
{
        struct place p = place_new(NULL, IOMMUCTL_BACKEND_AUTO);
        struct iommuctl_group *g = NULL, *again, *other;
        struct iommuctl_device *gpu, *audio;
        struct iommuctl_container *iommufd;

        (void)state;
        assert_fails(p.ctx, iommuctl_group_open(p.c, 99, &g), -ENODEV, "no group 99");
        assert_fails(p.ctx, iommuctl_group_open(p.c, 9, &g), -ENODEV, DISK " is bound to nvme");
        assert_null(g);
        assert_ok(p.ctx, iommuctl_group_open(p.c, 7, &g));
        assert_int_equal(iommuctl_container_backend(p.c), IOMMUCTL_BACKEND_TYPE1);
        assert_int_equal(iommuctl_group_id(g), 7);
        assert_true(iommuctl_group_fd(g) >= 0);
        assert_ptr_equal(iommuctl_group_container(g), p.c);
        assert_ok(p.ctx, iommuctl_group_open(p.c, 7, &again));
        assert_ptr_equal(g, again);
        iommuctl_group_unref(again);
        assert_ok(p.ctx, iommuctl_group_open(p.c, 8, &other));
        assert_ok(p.ctx, iommuctl_device_open(p.c, GPU, &gpu));
        assert_ok(p.ctx, iommuctl_device_open(p.c, AUDIO, &audio));
        assert_ptr_equal(iommuctl_device_group(gpu), g);
        assert_int_equal(fake_n_fds(p.m), 6); /* root, container, two groups, two devices */
        iommuctl_group_unref(g);
        iommuctl_group_unref(other);
        iommuctl_device_unref(gpu);
        iommuctl_device_unref(audio);
        assert_ok(p.ctx, iommuctl_container_new(p.ctx, IOMMUCTL_BACKEND_IOMMUFD, &iommufd));
        g = NULL;
        assert_fails(p.ctx, iommuctl_group_open(iommufd, 7, &g), -EINVAL, "iommufd");
        assert_null(g);
        iommuctl_container_unref(iommufd);
        place_free(&p);
}

static void test_same_device_twice(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *again;
        unsigned int fds = fake_n_fds(b->m);

        assert_ok(b->ctx, iommuctl_device_open(b->container, NIC, &again));
        assert_ptr_equal(again, b->device);
        assert_int_equal(fake_n_fds(b->m), fds);
        iommuctl_device_unref(again);
        assert_ok(b->ctx, iommuctl_device_open(b->container, "02:00.0", &again));
        assert_ptr_equal(again, b->device);
        iommuctl_device_unref(again);
        assert_int_equal(fake_n_fds(b->m), fds);
}

/* Three devices, a buffer, and their references dropped in every order. */
static void test_any_order_of_closing(void **state)
{
        struct bench *b = *state;

        for (unsigned int order = 0; order < 120; order++) {
                struct iommuctl_device *d[3] = { NULL };
                struct iommuctl_container *c;
                struct iommuctl_dma *dma;
                unsigned int left = order, gone = 0;

                b->device = iommuctl_device_unref(b->device);
                assert_ok(b->ctx, iommuctl_container_new(b->ctx, b->backend, &c));
                assert_ok(b->ctx, iommuctl_device_open(c, GPU, &d[0]));
                assert_ok(b->ctx, iommuctl_device_open(c, AUDIO, &d[1]));
                assert_ok(b->ctx, iommuctl_device_open(c, NIC, &d[2]));
                assert_ok(b->ctx, iommuctl_dma_alloc(c, 8192, NULL, &dma));
                for (unsigned int n = 5; n > 0; n--) {
                        unsigned int pick = left % n, i = 0;

                        left /= n;
                        while (gone >> i & 1 || pick-- > 0)
                                i++;
                        gone |= 1u << i;
                        if (i < 3)
                                iommuctl_device_unref(d[i]);
                        else if (i == 3)
                                iommuctl_container_unref(c);
                        else
                                assert_ok(b->ctx, iommuctl_dma_unmap(dma));
                        assert_int_equal(fake_n_mappings(b->m), !(gone >> 4 & 1));
                }
        }
        b->container = iommuctl_container_unref(b->container);
        assert_clean(b->m, 1);
}

static void test_device_facts_and_reset(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *gpu = NULL;

        assert_true(iommuctl_device_flags(b->device) & VFIO_DEVICE_FLAGS_PCI);
        assert_int_equal(iommuctl_device_n_regions(b->device), VFIO_PCI_NUM_REGIONS);
        assert_int_equal(iommuctl_device_n_irqs(b->device), VFIO_PCI_NUM_IRQS);
        assert_true(iommuctl_device_fd(b->device) >= 0);
        assert_ok(b->ctx, iommuctl_device_reset(b->device));
        assert_int_equal(fake_reset_count(b->m, NIC), 1);
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -EIO);
        assert_fails(b->ctx, iommuctl_device_reset(b->device), -EIO, NIC);
        fake_add_pci(b->m, "0000:06:00.0",
                     &(struct fake_pci){ .driver = "vfio-pci", .group = 16, .no_reset = true });
        assert_ok(b->ctx, iommuctl_device_open(b->container, "0000:06:00.0", &gpu));
        assert_fails(b->ctx, iommuctl_device_reset(gpu), -EOPNOTSUPP, "0000:06:00.0");
        iommuctl_device_unref(gpu);
}

static void test_bus_master(void **state)
{
        struct bench *b = *state;
        uint8_t *command = fake_config(b->m, NIC) + PCI_COMMAND, before = *command;

        assert_false(before & PCI_COMMAND_MASTER);
        assert_ok(b->ctx, iommuctl_device_set_bus_master(b->device, true));
        assert_int_equal(*command, before | PCI_COMMAND_MASTER);
        assert_ok(b->ctx, iommuctl_device_set_bus_master(b->device, true));
        assert_ok(b->ctx, iommuctl_device_set_bus_master(b->device, false));
        assert_int_equal(*command, before);
        assert_ok(b->ctx, iommuctl_device_set_bus_master(b->device, true));
        b->device = iommuctl_device_unref(b->device);
        assert_int_equal(*command, before);
}

static void test_bus_master_by_feature(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *d;
        uint8_t *command;

        fake_add_pci(b->m, "0000:06:00.0",
                     &(struct fake_pci){ .driver = "vfio-pci", .group = 16, .cdx = true });
        command = fake_config(b->m, "0000:06:00.0") + PCI_COMMAND;
        assert_ok(b->ctx, iommuctl_device_open(b->container, "0000:06:00.0", &d));
        assert_ok(b->ctx, iommuctl_device_set_bus_master(d, true));
        assert_true(*command & PCI_COMMAND_MASTER);
        assert_ok(b->ctx, iommuctl_device_set_bus_master(d, false));
        assert_false(*command & PCI_COMMAND_MASTER);
        fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -ENOTTY); /* a kernel before 6.10 */
        assert_fails(b->ctx, iommuctl_device_set_bus_master(d, true), -EOPNOTSUPP, "Linux 6.10");
        iommuctl_device_unref(d);
}

static void test_captured_tree(void **state)
{
        struct iommuctl_container *c = NULL;
        struct fake *m = machine_vfio(NULL);
        struct iommuctl_ctx *ctx;

        (void)state;
        fake_add_dir(m, "/capture/sys");
        assert_int_equal(ctx_new_with_kernel(fake_kernel(m), "/capture", &ctx), 0);
        assert_fails(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c), -EROFS, "/capture");
        assert_null(c);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

/* NULL is let through where the headers say so. */
static void test_null(void **state)
{
        (void)state;
        assert_null(iommuctl_container_unref(NULL));
        assert_null(iommuctl_container_ref(NULL));
        assert_null(iommuctl_group_unref(NULL));
        assert_null(iommuctl_group_ref(NULL));
        assert_null(iommuctl_device_unref(NULL));
        assert_null(iommuctl_device_ref(NULL));
        assert_null(iommuctl_backend_name(17));
        assert_string_equal(iommuctl_backend_name(IOMMUCTL_BACKEND_TYPE1), "type1");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_container_before_a_device),
                cmocka_unit_test(test_iommufd_maps_before_a_device),
                cmocka_unit_test(test_auto),
                cmocka_unit_test(test_iommufd_is_missing),
                cmocka_unit_test(test_no_cdev),
                cmocka_unit_test(test_no_type1),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_not_viable_type1),
                cmocka_unit_test(test_not_viable_iommufd),
                cmocka_unit_test(test_no_interrupt_remapping),
                cmocka_unit_test(test_rmrr),
                cmocka_unit_test(test_permission),
                cmocka_unit_test(test_in_use),
                cmocka_unit_test(test_in_use_by_own_node),
                cmocka_unit_test(test_neighbour_in_use),
                cmocka_unit_test(test_groups),
                BOTH(test_same_device_twice),
                BOTH(test_any_order_of_closing),
                BOTH(test_device_facts_and_reset),
                BOTH(test_bus_master),
                BOTH(test_bus_master_by_feature),
                cmocka_unit_test(test_captured_tree),
                cmocka_unit_test(test_null),
        };

        return run_tap_tests("container, group, device", tests);
}
