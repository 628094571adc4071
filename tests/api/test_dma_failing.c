/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unmapping many, mapping files and registers, copying: with each call failing, cut short, and killed, and
 * each allocation failing. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>

#include "iommuctl/region.h"

#define PAGE 0x1000u

static char memory[4 * PAGE] __attribute__((aligned(4096)));

static struct fake *machine(void)
{
        return machine_vfio(&(struct fake_options){ .release = "6.19.0-fake" });
}

static struct fake *machine_6_12(void)
{
        return machine_vfio(NULL);
}

/* What the object says is what the kernel has. */
static void compare(struct fake *m, struct iommuctl_dma *dma, const char *device)
{
        struct iommuctl_span s;
        uint64_t length;
        void *there;

        /* ENOENT of unmapping is a kernel that says nothing was there. */
        if (!dma || fake_process_is_dead(m) || (fake_fault_hit(m) && fake_fault_error(m) == -ENOENT))
                return;
        s = iommuctl_dma_span(dma);
        assert_int_equal(fake_lookup(m, device, s.iova, &there, &length) == 0, iommuctl_dma_is_mapped(dma));
}

static int unmap(struct fake *m, struct iommuctl_dma *dma)
{
        int r;

        if (!dma || iommuctl_dma_unmap(dma) == 0)
                return 0;
        r = -EIO;
        assert_true(fake_process_is_dead(m) || iommuctl_dma_is_mapped(dma));
        fake_mend(m);
        assert_int_equal(iommuctl_dma_unmap(dma), 0);
        return r;
}

static int first(int a, int b)
{
        return a < 0 ? a : b;
}

static int sweep(struct iommuctl_container *c, struct fake *m, struct iommuctl_dma *dma[4])
{
        uint64_t bytes = 42;
        int r;

        r = iommuctl_container_unmap(c, 0x40000000, 2 * PAGE, &bytes);
        if (r >= 0 && !fake_process_is_dead(m) && !fake_fault_hit(m))
                assert_int_equal(bytes, 2 * PAGE);
        for (unsigned int i = 0; i < 4; i++)
                compare(m, dma[i], NIC);
        if (r < 0)
                return r;
        r = iommuctl_container_unmap_all(c, &bytes);
        for (unsigned int i = 0; i < 4; i++)
                compare(m, dma[i], NIC);
        return r;
}

static int run_sweep(struct iommuctl_ctx *ctx, struct fake *m, enum iommuctl_backend backend)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .flags = IOMMUCTL_DMA_FIXED_IOVA };
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_dma *dma[4] = { NULL };
        int r, r2 = 0;

        r = iommuctl_container_new(ctx, backend, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &d);
        for (unsigned int i = 0; i < 4 && r >= 0; i++) {
                o.iova = 0x40000000 + (i < 2 ? i : 10 * i) * PAGE;
                r = iommuctl_dma_map(c, memory + i * PAGE, PAGE, &o, &dma[i]);
        }
        if (r >= 0)
                r = sweep(c, m, dma);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        for (unsigned int i = 0; i < 4; i++)
                r2 = first(unmap(m, dma[i]), r2);
        return first(r, r2);
}

static int run_sweep_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run_sweep(ctx, m, IOMMUCTL_BACKEND_TYPE1);
}

static int run_sweep_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run_sweep(ctx, m, IOMMUCTL_BACKEND_IOMMUFD);
}

struct two {
        struct iommuctl_container *nic, *gpu;
        struct iommuctl_device *nic_device, *gpu_device;
};

static int open_two(struct iommuctl_ctx *ctx, enum iommuctl_backend backend, struct two *two)
{
        int r = iommuctl_container_new(ctx, backend, &two->nic);

        if (r >= 0)
                r = iommuctl_device_open(two->nic, NIC, &two->nic_device);
        if (r >= 0)
                r = backend == IOMMUCTL_BACKEND_TYPE1 ? iommuctl_container_new(ctx, backend, &two->gpu)
                                                      : iommuctl_container_new_beside(two->nic, &two->gpu);
        if (r >= 0)
                r = iommuctl_device_open(two->gpu, GPU, &two->gpu_device);
        return r;
}

static void close_two(struct two *two)
{
        iommuctl_device_unref(two->gpu_device);
        iommuctl_device_unref(two->nic_device);
        iommuctl_container_unref(two->nic);
        iommuctl_container_unref(two->gpu);
}

static int map_file(struct fake *m, struct iommuctl_container *c, struct iommuctl_dma **ret_dma)
{
        struct kernel *k = fake_kernel(m);
        int fd, r;

        fd = k->ops->memfd_create(k, "test", 0);
        if (fd < 0)
                return 0; /* the test's own call: nothing to be seen */
        r = k->ops->ftruncate(k, fd, 2 * PAGE) < 0 ? 0
                                                   : iommuctl_dma_map_file(c, fd, 0, 2 * PAGE, NULL, ret_dma);
        k->ops->close(k, fd);
        return r;
}

static int map_dmabuf(struct fake *m, struct two *two, struct iommuctl_dma **ret_dma)
{
        struct kernel *k = fake_kernel(m);
        struct iommuctl_region *region = NULL;
        int fd = -1, r;

        r = iommuctl_region_open(two->nic_device, VFIO_PCI_BAR2_REGION_INDEX, &region);
        if (r >= 0)
                r = iommuctl_region_dmabuf(region, PAGE, PAGE, &fd);
        if (r >= 0)
                r = iommuctl_dma_map_dmabuf(two->gpu, fd, 0, PAGE, NULL, ret_dma);
        if (fd >= 0)
                k->ops->close(k, fd);
        iommuctl_region_free(region);
        return r;
}

static int map_region(struct two *two, struct iommuctl_dma **ret_dma)
{
        struct iommuctl_region *region = NULL;
        int r;

        r = iommuctl_region_open(two->nic_device, VFIO_PCI_BAR0_REGION_INDEX, &region);
        if (r >= 0)
                r = iommuctl_dma_map_region(two->gpu, region, 0, 0, NULL, ret_dma);
        iommuctl_region_free(region);
        return r;
}

static int run_two(struct iommuctl_ctx *ctx, struct fake *m, enum iommuctl_backend backend, bool registers)
{
        struct iommuctl_dma *dma = NULL, *copy = NULL, *file = NULL, *file_copy = NULL, *bar = NULL,
                            *buf = NULL;
        struct two two = { NULL };
        int r, r2 = 0;

        r = open_two(ctx, backend, &two);
        if (r >= 0)
                r = iommuctl_dma_map(two.nic, memory, sizeof(memory), NULL, &dma);
        if (r >= 0)
                r = iommuctl_dma_copy(dma, two.gpu, NULL, &copy);
        if (r >= 0)
                r = map_file(m, two.nic, &file);
        if (r >= 0 && file)
                r = iommuctl_dma_copy(file, two.gpu, NULL, &file_copy);
        if (r >= 0 && registers)
                r = map_region(&two, &bar);
        if (r >= 0 && registers && backend == IOMMUCTL_BACKEND_IOMMUFD)
                r = map_dmabuf(m, &two, &buf);
        if (r >= 0 && bar)
                r = iommuctl_dma_renew(bar);
        compare(m, bar, GPU);
        compare(m, copy, GPU);
        if (r >= 0)
                r = iommuctl_dma_renew(copy);
        compare(m, copy, GPU);
        r2 = first(unmap(m, file_copy), r2);
        r2 = first(unmap(m, copy), r2);
        close_two(&two);
        r2 = first(unmap(m, buf), r2);
        r2 = first(unmap(m, bar), r2);
        r2 = first(unmap(m, file), r2);
        r2 = first(unmap(m, dma), r2);
        return first(r, r2);
}

static int run_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run_two(ctx, m, IOMMUCTL_BACKEND_TYPE1, true);
}

static int run_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run_two(ctx, m, IOMMUCTL_BACKEND_IOMMUFD, true);
}

static int run_iommufd_6_12(struct iommuctl_ctx *ctx, struct fake *m)
{
        return run_two(ctx, m, IOMMUCTL_BACKEND_IOMMUFD, false);
}

static const struct scenario scenarios[] = {
        { .name = "unmapping many on type1",
          .machine = machine_6_12,
          .run = run_sweep_type1,
          .lasting = true },
        { .name = "unmapping many on iommufd",
          .machine = machine_6_12,
          .run = run_sweep_iommufd,
          .lasting = true },
        { .name = "two type1 containers", .machine = machine, .run = run_type1, .lasting = true },
        { .name = "two address spaces of an iommufd",
          .machine = machine,
          .run = run_iommufd,
          .lasting = true },
        { .name = "two of Linux 6.12", .machine = machine_6_12, .run = run_iommufd_6_12, .lasting = true },
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
        return run_tap_tests("mapping, with each call failing", tests);
}
