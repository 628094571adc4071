/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole drivers with each of their calls failing, being cut short, and each allocation failing: nothing is
 * leaked, and nothing is left mapped; and being killed at each call, which the kernel cleans up after. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "iommuctl/group.h"
#include "iommuctl/irq.h"
#include "iommuctl/region.h"

/* With a large BAR, a region of its own, and vectors that can be added. */
#define CARD "0000:06:00.0"

static char memory[4 * 4096] __attribute__((aligned(4096)));

static struct fake *machine(void)
{
        struct fake *m = machine_vfio(&(struct fake_options){ .hugepages_2m = 4 });

        fake_add_pci(m, CARD,
                     &(struct fake_pci){
                             .driver = "vfio-pci",
                             .group = 16,
                             .dynamic_msix = true,
                             .bar3_size = 4 << 20,
                             .regions = { { .type = VFIO_REGION_TYPE_GFX, .subtype = 1, .size = 0x1000 } } });
        return m;
}

/* The books and the kernel's side say the same of the buffer. A disagreement is a failure of the test itself.
 */
static void compare(struct iommuctl_container *c, struct fake *m, struct iommuctl_dma *dma)
{
        struct iommuctl_span s = iommuctl_dma_span(dma);
        uint64_t iova = 0, length;
        void *there;

        if (fake_process_is_dead(m))
                return;
        assert_int_equal(iommuctl_translate(c, s.vaddr, &iova), s.size);
        assert_int_equal(iova, s.iova);
        assert_int_equal(fake_lookup(m, NIC, s.iova, &there, &length), 0);
        assert_ptr_equal(there, s.vaddr);
        assert_int_equal(length, s.size);
}

/* Unmaps; where that fails, the buffer must be whole, and the second try must work. */
static int unmap(struct iommuctl_container *c, struct fake *m, struct iommuctl_dma *dma)
{
        int r;

        if (!dma)
                return 0;
        r = iommuctl_dma_unmap(dma);
        if (r == 0)
                return 0;
        compare(c, m, dma);
        fake_mend(m);
        assert_int_equal(iommuctl_dma_unmap(dma), 0);
        return r;
}

struct buffers {
        struct iommuctl_dma *mapped, *fixed, *huge;
};

static int map_all(struct iommuctl_container *c, struct fake *m, struct buffers *b)
{
        struct iommuctl_dma_options fixed = { .struct_size = sizeof(fixed),
                                              .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                              .iova = 0x40000000,
                                              .name = "fixed" };
        struct iommuctl_dma_options huge = { .struct_size = sizeof(huge), .page_size = 2 << 20 };
        int r;

        r = iommuctl_dma_map(c, memory, sizeof(memory), NULL, &b->mapped);
        if (r >= 0)
                r = iommuctl_dma_alloc(c, 5000, &fixed, &b->fixed);
        if (r >= 0)
                r = iommuctl_dma_alloc(c, 2 << 20, &huge, &b->huge);
        if (r < 0)
                return r;
        compare(c, m, b->mapped);
        compare(c, m, b->fixed);
        compare(c, m, b->huge);
        return 0;
}

static int unmap_all(struct iommuctl_container *c, struct fake *m, struct buffers *b)
{
        int r1 = unmap(c, m, b->mapped), r2 = unmap(c, m, b->fixed), r3 = unmap(c, m, b->huge);

        return r1 < 0 ? r1 : r2 < 0 ? r2 : r3;
}

static int drive(struct iommuctl_container *c, struct fake *m)
{
        struct buffers b = { NULL };
        struct iommuctl_device *device = NULL;
        struct iommuctl_range *ranges = NULL;
        uint64_t n;
        int r, r2;

        r = iommuctl_device_open(c, NIC, &device);
        if (r >= 0)
                r = iommuctl_container_ranges(c, &ranges);
        if (r >= 0)
                r = map_all(c, m, &b);
        if (r >= 0)
                iommuctl_container_available_mappings(c, &n);
        if (r >= 0)
                r = iommuctl_device_set_bus_master(device, true);
        if (r >= 0)
                r = iommuctl_device_reset(device);
        r2 = unmap_all(c, m, &b);
        free(ranges);
        iommuctl_device_unref(device);
        return r < 0 ? r : r2;
}

static int run_backend(struct iommuctl_ctx *ctx, struct fake *m, enum iommuctl_backend backend)
{
        struct iommuctl_container *c = NULL;
        int r = iommuctl_container_new(ctx, backend, &c);

        if (r >= 0)
                r = drive(c, m);
        iommuctl_container_unref(c);
        return r;
}

static int run_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run_backend(ctx, m, IOMMUCTL_BACKEND_TYPE1);
}

static int run_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run_backend(ctx, m, IOMMUCTL_BACKEND_IOMMUFD);
}

static int run_auto(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run_backend(ctx, m, IOMMUCTL_BACKEND_AUTO);
}

/* Mapped first, then the device; the device goes first. */
static int run_buffers_first(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_device *device = NULL;
        struct iommuctl_container *c = NULL;
        struct iommuctl_dma *dma = NULL;
        int r, r2 = 0;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_IOMMUFD, &c);
        if (r >= 0)
                r = iommuctl_dma_map(c, memory, sizeof(memory), NULL, &dma);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &device);
        if (r >= 0)
                compare(c, m, dma);
        iommuctl_device_unref(device);
        iommuctl_container_unref(c);
        if (dma && iommuctl_dma_unmap(dma) < 0) {
                r2 = -EIO;
                fake_mend(m);
                assert_int_equal(iommuctl_dma_unmap(dma), 0);
        }
        return r < 0 ? r : r2;
}

/* Two groups in one type1 container, a buffer that outlives both. */
static int run_groups(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_device *gpu = NULL, *audio = NULL;
        struct iommuctl_container *c = NULL;
        struct iommuctl_group *g = NULL;
        struct iommuctl_dma *dma = NULL;
        int r, r2 = 0;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_TYPE1, &c);
        if (r >= 0)
                r = iommuctl_group_open(c, 8, &g);
        if (r >= 0)
                r = iommuctl_dma_map(c, memory, sizeof(memory), NULL, &dma);
        if (r >= 0)
                r = iommuctl_device_open(c, GPU, &gpu);
        if (r >= 0)
                r = iommuctl_device_open(c, AUDIO, &audio);
        iommuctl_group_unref(g);
        iommuctl_device_unref(gpu);
        iommuctl_device_unref(audio);
        if (dma && !fake_process_is_dead(m))
                assert_int_equal(fake_n_mappings(m), 1);
        iommuctl_container_unref(c);
        if (dma && iommuctl_dma_unmap(dma) < 0) {
                r2 = -EIO;
                fake_mend(m);
                assert_int_equal(iommuctl_dma_unmap(dma), 0);
        }
        return r < 0 ? r : r2;
}

static int use_regions(struct iommuctl_device *device)
{
        struct iommuctl_region *bar = NULL, *msix = NULL, *large = NULL, *own = NULL;
        void *map;
        uint32_t value = 0;
        int r;

        r = iommuctl_region_open(device, VFIO_PCI_BAR0_REGION_INDEX, &bar);
        if (r >= 0)
                r = iommuctl_region_map(bar, 0, 0, &map);
        if (r >= 0)
                r = iommuctl_region_map(bar, 0x1000, 0x1000, &map);
        if (r >= 0)
                r = iommuctl_region_open(device, VFIO_PCI_BAR2_REGION_INDEX, &msix);
        if (r >= 0)
                r = iommuctl_region_map(msix, 0x2000, 0, &map);
        if (r >= 0)
                r = iommuctl_region_write(msix, 0x2000, &value, sizeof(value));
        if (r >= 0)
                r = iommuctl_region_read(msix, 0x2000, &value, sizeof(value));
        if (r >= 0)
                r = iommuctl_region_open(device, VFIO_PCI_BAR3_REGION_INDEX, &large);
        if (r >= 0)
                r = iommuctl_region_map(large, 0, 0, &map);
        if (r >= 0)
                r = iommuctl_region_open_type(device, VFIO_REGION_TYPE_GFX, 1, &own);
        if (r >= 0)
                r = iommuctl_region_read32(own, 0, &value);
        iommuctl_region_free(own);
        iommuctl_region_free(large);
        iommuctl_region_free(msix);
        iommuctl_region_free(bar);
        return r;
}

static int use_irqs(struct iommuctl_device *device, struct fake *m)
{
        struct iommuctl_irq *irq = NULL, *request = NULL, *far = NULL;
        struct iommuctl_region *bar = NULL;
        int r;

        r = iommuctl_irq_new(device, IOMMUCTL_IRQ_MSIX, 0, 4, &irq);
        if (r >= 0)
                r = iommuctl_irq_new(device, IOMMUCTL_IRQ_REQUEST, 0, 1, &request);
        if (r >= 0)
                fake_raise(m, CARD, VFIO_PCI_MSIX_IRQ_INDEX, 3);
        if (r >= 0 && !fake_process_is_dead(m))
                r = iommuctl_irq_wait(irq, 3, 10, NULL);
        if (r >= 0)
                r = iommuctl_irq_trigger(irq, 0);
        if (r >= 0)
                r = iommuctl_irq_set_eventfd(irq, 2, iommuctl_irq_fd(irq, 1));
        if (r >= 0)
                r = iommuctl_irq_new(device, IOMMUCTL_IRQ_MSIX, 6, 1, &far);
        if (r >= 0)
                r = iommuctl_region_open(device, VFIO_PCI_BAR0_REGION_INDEX, &bar);
        if (r >= 0)
                r = iommuctl_region_set_ioeventfd(bar, 8, 4, 1, iommuctl_irq_fd(far, 0));
        if (r >= 0)
                r = iommuctl_region_set_ioeventfd(bar, 8, 4, 1, -1);
        iommuctl_region_free(bar);
        iommuctl_irq_free(far);
        iommuctl_irq_free(request);
        iommuctl_irq_free(irq);
        irq = NULL;
        if (r >= 0)
                r = iommuctl_irq_new(device, IOMMUCTL_IRQ_INTX, 0, 1, &irq);
        if (r >= 0)
                r = iommuctl_irq_set_resample(irq, iommuctl_irq_fd(irq, 0));
        if (r >= 0)
                r = iommuctl_irq_unmask(irq, 0);
        iommuctl_irq_free(irq);
        return r;
}

static int run_registers(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_device *device = NULL;
        struct iommuctl_container *c = NULL;
        int r;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, CARD, &device);
        if (r >= 0)
                r = use_regions(device);
        if (r >= 0)
                r = use_irqs(device, m);
        iommuctl_device_unref(device);
        iommuctl_container_unref(c);
        return r;
}

static const struct scenario scenarios[] = {
        { .name = "a driver on type1", .machine = machine, .run = run_type1, .lasting = true },
        { .name = "a driver on iommufd", .machine = machine, .run = run_iommufd, .lasting = true },
        { .name = "a driver on either", .machine = machine, .run = run_auto, .lasting = true },
        { .name = "buffers before the device",
          .machine = machine,
          .run = run_buffers_first,
          .lasting = true },
        { .name = "groups that share a container", .machine = machine, .run = run_groups, .lasting = true },
        { .name = "registers and interrupts", .machine = machine, .run = run_registers, .lasting = true },
};

static void test_failing(void **state)
{
        each_call_failing(*state);
}

static void test_killed(void **state)
{
        each_call_killed(*state, NULL);
}

int main(void)
{
        struct CMUnitTest tests[2 * ARRAY_SIZE(scenarios)];
        char names[2 * ARRAY_SIZE(scenarios)][100];

        for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
                snprintf(names[2 * i], sizeof(names[0]), "%s, each call failing", scenarios[i].name);
                snprintf(names[2 * i + 1], sizeof(names[0]), "%s, killed at each call", scenarios[i].name);
                tests[2 * i] = (struct CMUnitTest){ names[2 * i], test_failing, NULL, NULL,
                                                    (void *)(uintptr_t)&scenarios[i] };
                tests[2 * i + 1] = (struct CMUnitTest){ names[2 * i + 1], test_killed, NULL, NULL,
                                                        (void *)(uintptr_t)&scenarios[i] };
        }
        return run_tap_tests("the core, with each call failing", tests);
}
