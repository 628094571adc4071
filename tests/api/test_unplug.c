/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel wants a device back. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "fake_uapi.h"
#include "iommuctl/adopt.h"
#include "iommuctl/capability.h"
#include "iommuctl/gfx.h"
#include "iommuctl/hwpt.h"
#include "iommuctl/irq.h"
#include "iommuctl/migration.h"
#include "iommuctl/pci.h"
#include "iommuctl/power.h"
#include "iommuctl/region_guard.h"
#include "iommuctl/reset.h"
#include "iommuctl/unplug.h"

static void ask_back(struct fake *m, void *userdata)
{
        fake_ask_back(m, userdata);
}

static void test_states(void **state)
{
        struct bench *b = *state;
        struct iommuctl_unplug *u = NULL, *second = NULL;
        struct pollfd p;

        assert_ok(b->ctx, iommuctl_unplug_new(b->device, 5000, &u));
        assert_fails(b->ctx, iommuctl_unplug_new(b->device, 0, &second), -EEXIST, "request");
        assert_null(second);
        p = (struct pollfd){ .fd = iommuctl_unplug_fd(u), .events = POLLIN };
        assert_int_equal(poll(&p, 1, 0), 0);
        assert_int_equal(iommuctl_unplug_check(u), IOMMUCTL_UNPLUG_IDLE);
        assert_int_equal(iommuctl_unplug_left(u), -1);
        assert_int_equal(iommuctl_unplug_wait(u, 100), IOMMUCTL_UNPLUG_IDLE);

        fake_at(b->m, 1000000000, ask_back, (void *)NIC);
        assert_int_equal(iommuctl_unplug_wait(u, 2000), IOMMUCTL_UNPLUG_ASKED);
        assert_string_equal(fake_driver_of(b->m, NIC), "vfio-pci"); /* it waits */
        assert_int_equal(poll(&p, 1, 0), 0);
        assert_int_equal(iommuctl_unplug_check(u), IOMMUCTL_UNPLUG_ASKED);
        assert_in_range(iommuctl_unplug_left(u), 4990, 5000);
        b->k->ops->sleep_ns(b->k, 4000000000);
        assert_in_range(iommuctl_unplug_left(u), 990, 1000);
        b->k->ops->sleep_ns(b->k, 1000000000);
        assert_int_equal(iommuctl_unplug_left(u), 0);
        assert_int_equal(iommuctl_unplug_wait(u, -1), IOMMUCTL_UNPLUG_OVERDUE);
        /* Its owner lets go in the ordinary way. */
        iommuctl_unplug_free(u);
        iommuctl_unplug_free(NULL);
        assert_string_equal(fake_driver_of(b->m, NIC), "vfio-pci");
        b->device = iommuctl_device_unref(b->device);
        assert_null(fake_driver_of(b->m, NIC));
}

/* All that there can be of a device. */
struct handles {
        struct iommuctl_region *bar, *config, *msix;
        struct iommuctl_irq *irq;
        struct iommuctl_unplug *unplug;
        struct iommuctl_dma *dma;
        char *map, *apart;
};

static void open_all(struct bench *b, struct handles *h)
{
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &h->bar));
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_CONFIG_REGION_INDEX, &h->config));
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR2_REGION_INDEX, &h->msix));
        assert_ok(b->ctx, iommuctl_region_map(h->bar, 0, 0, (void **)&h->map));
        assert_ok(b->ctx, iommuctl_region_map(h->msix, 0x2000, 0, (void **)&h->apart));
        assert_ok(b->ctx, iommuctl_region_guard(h->msix));
        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSIX, 0, 2, &h->irq));
        assert_ok(b->ctx, iommuctl_unplug_new(b->device, 100, &h->unplug));
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, 4096, NULL, &h->dma));
        assert_ok(b->ctx, iommuctl_device_set_bus_master(b->device, true));
}

static void free_all(struct handles *h)
{
        assert_int_equal(iommuctl_dma_unmap(h->dma), 0);
        iommuctl_region_free(h->bar);
        iommuctl_irq_free(h->irq);
        iommuctl_region_free(h->config);
        iommuctl_unplug_free(h->unplug);
        iommuctl_region_free(h->msix);
}

/* What needs neither a region nor an interrupt. */
static void assert_device_gone(struct bench *b)
{
        const bool iommufd = b->backend == IOMMUCTL_BACKEND_IOMMUFD;
        struct iommuctl_container *attached;
        struct iommuctl_handover *handover = NULL;
        struct iommuctl_reset_scope *scope = NULL;
        struct iommuctl_gfx_plane plane;
        void *data = NULL;
        size_t size = 7;

        assert_fails(b->ctx, iommuctl_device_reset(b->device), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_device_hot_reset(b->device, NULL, 0), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_reset_scope_new(b->device, NULL, 0, &scope), -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_device_feature_probe(b->device, 0, IOMMUCTL_FEATURE_GET), -ENODEV,
                     "given back");
        assert_fails(b->ctx, iommuctl_migration_flags(b->device), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_power_enter(b->device), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_device_capability(b->device, 1, &data, &size), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_gfx_ways(b->device), -ENODEV, "given back");
        assert_fails(b->ctx,
                     iommuctl_gfx_plane(b->device, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_DMABUF, &plane),
                     -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_gfx_dmabuf(b->device, 1), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_handover_new(b->device, NULL, 0, &handover), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_device_attach(b->device, b->container), iommufd ? -ENODEV : -EOPNOTSUPP,
                     iommufd ? "given back" : "type1");
        assert_fails(b->ctx, iommuctl_device_detach(b->device), iommufd ? -ENODEV : -EOPNOTSUPP,
                     iommufd ? "given back" : "type1");
        attached = iommuctl_device_attached(b->device);
        assert_ptr_equal(attached, iommufd ? NULL : b->container);
        iommuctl_container_unref(attached);
        assert_null(scope);
        assert_null(data);
        assert_null(handover);
        assert_int_equal(size, 7);
}

/* Every call on what was given back says so, and memory stays memory. */
static void test_let_go(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *none = NULL;
        struct iommuctl_irq *no_irq = NULL;
        struct iommuctl_unplug *no_unplug = NULL;
        struct iommuctl_pci_cap cap;
        struct handles h = { NULL };
        uint32_t value = 7;
        void *map = NULL;

        open_all(b, &h);
        fake_ask_back(b->m, NIC);
        assert_int_equal(iommuctl_unplug_check(h.unplug), IOMMUCTL_UNPLUG_ASKED);
        assert_ok(b->ctx, iommuctl_unplug_let_go(b->device));
        assert_null(fake_driver_of(b->m, NIC)); /* the removal went through */
        assert_int_equal(fake_irq_enabled(b->m, NIC, VFIO_PCI_MSIX_IRQ_INDEX), 0);
        assert_int_equal(fake_config(b->m, NIC)[4] & 4, 0); /* bus mastering */
        assert_ok(b->ctx, iommuctl_unplug_let_go(b->device));

        assert_int_equal(iommuctl_mmio_read32(h.map + 0x10), UINT32_MAX);
        assert_true(iommuctl_region_lost(h.bar));
        iommuctl_mmio_write32(h.apart + 0x10, 1);
        assert_true(iommuctl_region_lost(h.msix));
        assert_fails(b->ctx, iommuctl_region_read32(h.bar, 0, &value), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_region_write32(h.config, 4, 0), -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_region_map(h.bar, 0, 0, &map), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_region_open(b->device, 0, &none), -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_region_set_ioeventfd(h.bar, 0, 4, 0, iommuctl_irq_fd(h.irq, 0)),
                     -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_irq_wait(h.irq, 0, -1, NULL), -ENODEV, "given back");
        assert_fails(b->ctx, iommuctl_irq_trigger(h.irq, 0), -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_irq_set_eventfd(h.irq, 0, IOMMUCTL_IRQ_NO_EVENTFD), -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_INTX, 0, 1, &no_irq), -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_unplug_check(h.unplug), -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_unplug_new(b->device, 1, &no_unplug), -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_pci_caps(b->device, &cap, 1, NULL), -ENODEV, NIC);
        assert_fails(b->ctx, iommuctl_device_set_bus_master(b->device, true), -ENODEV, NIC);
        assert_device_gone(b);
        assert_int_equal(value, 7);
        assert_null(map);
        assert_null(none);
        free_all(&h);
        assert_int_equal(iommuctl_mmio_read8(memset(&value, 1, 1)), 1);
}

/* The container goes on, and the device can be had again beside what is left of the old one. */
static void test_again(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *again = NULL;
        struct handles h = { NULL };
        struct iommuctl_region *r;
        uint16_t id;

        open_all(b, &h);
        assert_ok(b->ctx, iommuctl_unplug_let_go(b->device));
        assert_ok(b->ctx, iommuctl_device_open(b->container, NIC, &again));
        assert_ptr_not_equal(again, b->device);
        assert_ok(b->ctx, iommuctl_region_open(again, VFIO_PCI_CONFIG_REGION_INDEX, &r));
        assert_ok(b->ctx, iommuctl_region_read16(r, 0, &id));
        assert_int_equal(id, 0x8086);
        iommuctl_region_free(r);
        free_all(&h);
        b->device = iommuctl_device_unref(b->device);
        assert_int_equal(fake_irq_enabled(b->m, NIC, VFIO_PCI_MSIX_IRQ_INDEX), 0);
        iommuctl_device_unref(again);
}

/* A page table of its own goes with it, and what it saw beside the container; so does a PASID. */
static void test_attached_elsewhere(void **state)
{
        struct bench *b = *state;
        const unsigned int before = fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY);
        struct iommuctl_container *second;
        struct iommuctl_hwpt *hwpt;

        assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &second));
        assert_ok(b->ctx, iommuctl_hwpt_new(second, iommuctl_device_iommufd_id(b->device), NULL, &hwpt));
        assert_ok(b->ctx, iommuctl_device_attach_hwpt(b->device, hwpt));
        iommuctl_hwpt_unref(hwpt);
        iommuctl_container_unref(second);
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), before);
        assert_ok(b->ctx, iommuctl_unplug_let_go(b->device));
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_DESTROY), before + 2);
}

/* A descriptor that others have as well keeps a device bound, but it sees nothing of this process's. */
static void test_given(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *gpu;
        struct iommuctl_dma *dma;
        uint64_t iova;
        char byte = 0;
        int fd;

        fd = iommuctl_device_open_node(b->ctx, GPU);
        assert_true(fd >= 0);
        assert_ok(b->ctx, iommuctl_device_open_fd(b->container, fd, NULL, NULL, &gpu));
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, 4096, NULL, &dma));
        iova = iommuctl_dma_span(dma).iova;
        assert_int_equal(fake_dma_read(b->m, GPU, iova, &byte, 1), 0);
        assert_ok(b->ctx, iommuctl_unplug_let_go(gpu));
        assert_int_not_equal(fake_dma_read(b->m, GPU, iova, &byte, 1), 0);
        iommuctl_device_unref(gpu);
        assert_int_equal(b->k->ops->close(b->k, fd), 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static void *wait_for_ever(void *irq)
{
        return (void *)(intptr_t)iommuctl_irq_wait(irq, 1, -1, NULL);
}

static void *read_for_ever(void *region)
{
        uint32_t value;
        int r;

        do
                r = iommuctl_region_read32(region, 0, &value);
        while (r == 0);
        return (void *)(intptr_t)r;
}

static void *touch_for_ever(void *h)
{
        while (!iommuctl_region_lost(((struct handles *)h)->bar))
                iommuctl_mmio_write32(((struct handles *)h)->map, 5);
        return (void *)(intptr_t)-ENODEV;
}

/* Threads in the middle of it all get their error. */
static void test_threads(void **state)
{
        struct bench *b = *state;
        struct handles h = { NULL };
        pthread_t threads[3];

        open_all(b, &h);
        assert_int_equal(pthread_create(&threads[0], NULL, wait_for_ever, h.irq), 0);
        assert_int_equal(pthread_create(&threads[1], NULL, read_for_ever, h.bar), 0);
        assert_int_equal(pthread_create(&threads[2], NULL, touch_for_ever, &h), 0);
        poll(NULL, 0, 20);
        assert_ok(b->ctx, iommuctl_unplug_let_go(b->device));
        for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
                void *r;

                pthread_join(threads[i], &r);
                assert_int_equal((intptr_t)r, -ENODEV);
        }
        free_all(&h);
}

static struct fake *machine(void)
{
        return machine_vfio(NULL);
}

static int use(struct iommuctl_device *device, struct fake *m)
{
        struct iommuctl_unplug *u = NULL;
        struct iommuctl_region *bar = NULL;
        struct iommuctl_irq *irq = NULL;
        void *map;
        int r;

        r = iommuctl_unplug_new(device, 100, &u);
        if (r >= 0)
                r = iommuctl_irq_new(device, IOMMUCTL_IRQ_MSIX, 0, 1, &irq);
        if (r >= 0)
                r = iommuctl_region_open(device, VFIO_PCI_BAR0_REGION_INDEX, &bar);
        if (r >= 0)
                r = iommuctl_region_map(bar, 0, 0, &map);
        if (r >= 0 && !fake_process_is_dead(m))
                fake_ask_back(m, NIC);
        if (r >= 0)
                r = iommuctl_unplug_check(u);
        if (r >= 0)
                r = iommuctl_unplug_let_go(device);
        if (r == 0 && !fake_process_is_dead(m)) {
                assert_null(fake_driver_of(m, NIC));
                assert_int_equal(*(uint8_t *)map, 0xff);
        }
        iommuctl_irq_free(irq);
        iommuctl_unplug_free(u);
        iommuctl_region_free(bar);
        return r < 0 ? r : 0;
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_device *device = NULL;
        struct iommuctl_container *c = NULL;
        int r;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &device);
        if (r >= 0)
                r = use(device, m);
        iommuctl_device_unref(device);
        iommuctl_container_unref(c);
        return r;
}

static void test_failing(void **state)
{
        const struct scenario s = { .name = "letting go", .machine = machine, .run = run, .lasting = true };

        (void)state;
        each_call_failing(&s);
        each_call_killed(&s, NULL);
}

#define IOMMUFD(test)                                            \
        {                                                        \
#test, test, bench_iommufd, bench_teardown, NULL \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_states),
                BOTH(test_let_go),
                BOTH(test_again),
                IOMMUFD(test_attached_elsewhere),
                IOMMUFD(test_given),
                BOTH(test_threads),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("unplug", tests);
}
