/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several address spaces, and buffers in more than one: pinned once inside one iommufd, twice elsewhere.
 * Several groups and devices in one container, which come and go while buffers stay. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "dma.h"
#include "fake_uapi.h"
#include "iommuctl/region.h"

#define PAGE 0x1000u

static bool is_type1(const struct bench *b)
{
        return b->backend == IOMMUCTL_BACKEND_TYPE1;
}

/* The GPU in a container beside the NIC's; on type1 there is only another one. */
struct beside {
        struct iommuctl_container *container;
        struct iommuctl_device *gpu;
};

static struct beside open_beside(struct bench *b)
{
        struct beside x = { NULL };

        if (is_type1(b))
                assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_TYPE1, &x.container));
        else
                assert_ok(b->ctx, iommuctl_container_new_beside(b->container, &x.container));
        assert_ok(b->ctx, iommuctl_device_open(x.container, GPU, &x.gpu));
        return x;
}

static void close_beside(struct beside *x)
{
        iommuctl_device_unref(x->gpu);
        iommuctl_container_unref(x->container);
}

static void test_copy(void **state)
{
        struct bench *b = *state;
        struct beside x = open_beside(b);
        char *memory = bench_memory(b, 4 * PAGE), text[3] = "";
        struct iommuctl_dma *dma = NULL, *copy = NULL;
        struct iommuctl_span s;
        uint64_t iova = 0;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, 4 * PAGE, NULL, &dma));
        assert_ok(b->ctx, iommuctl_dma_copy(dma, x.container, NULL, &copy));
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_IOAS_COPY), is_type1(b) ? 0 : 1);
        s = iommuctl_dma_span(copy);
        assert_ptr_equal(s.vaddr, memory);
        assert_int_equal(s.size, 4 * PAGE);
        assert_ptr_equal(iommuctl_dma_container(copy), x.container);
        assert_int_equal(iommuctl_dma_access(copy), IOMMUCTL_ACCESS_READ | IOMMUCTL_ACCESS_WRITE);
        assert_int_equal(iommuctl_translate(x.container, memory + PAGE, &iova), 3 * PAGE);
        assert_int_equal(iova, s.iova + PAGE);
        assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma).iova, "ab", 2), 0);
        assert_int_equal(fake_dma_read(b->m, GPU, s.iova, text, 2), 0);
        assert_string_equal(text, "ab");
        /* Each is a mapping of its own. */
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_int_equal(fake_dma_write(b->m, GPU, s.iova, "cd", 2), 0);
        assert_memory_equal(memory, "cd", 2);
        assert_ok(b->ctx, iommuctl_dma_renew(copy));
        assert_int_equal(fake_dma_write(b->m, GPU, s.iova, "ef", 2), 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(copy));
        assert_int_equal(fake_n_mappings(b->m), 0);
        close_beside(&x);
}

/* 48 KiB twice are too much for 64 KiB, but not where they are the same pages. */
static void test_copies_are_charged_once(void **state)
{
        struct iommuctl_dma *dma = NULL, *copy = NULL, *third = NULL;
        struct bench *b = *state;
        struct beside x;

        bench_restart(b, &(struct fake_options){ .memlock = 64 << 10 });
        x = open_beside(b);
        assert_ok(b->ctx, iommuctl_dma_alloc(b->container, 48 << 10, NULL, &dma));
        if (is_type1(b)) {
                assert_fails(b->ctx, iommuctl_dma_copy(dma, x.container, NULL, &copy), -ENOMEM, "64 KiB");
                assert_null(copy);
        } else {
                struct iommuctl_container *other = NULL;
                struct iommuctl_device *d = NULL;

                assert_ok(b->ctx, iommuctl_dma_copy(dma, x.container, NULL, &copy));
                /* In another iommufd they are pinned anew. */
                iommuctl_device_unref(x.gpu);
                x.gpu = NULL;
                assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_IOMMUFD, &other));
                assert_ok(b->ctx, iommuctl_device_open(other, GPU, &d));
                assert_fails(b->ctx, iommuctl_dma_copy(dma, other, NULL, &third), -ENOMEM, "64 KiB");
                assert_null(third);
                iommuctl_device_unref(d);
                iommuctl_container_unref(other);
        }
        assert_ok(b->ctx, iommuctl_dma_unmap(copy));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        close_beside(&x);
}

static void test_copy_options(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .access = IOMMUCTL_ACCESS_READ };
        struct bench *b = *state;
        struct beside x = open_beside(b);
        char *memory = bench_memory(b, 4 * PAGE);
        struct iommuctl_dma *dma = NULL, *copy = NULL, *more = NULL;
        uint64_t n = 0;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma));
        assert_ok(b->ctx, iommuctl_dma_copy(dma, x.container, NULL, &copy));
        assert_int_equal(iommuctl_dma_access(copy), IOMMUCTL_ACCESS_READ);
        assert_int_equal(fake_dma_write(b->m, GPU, iommuctl_dma_span(copy).iova, "x", 1), -EFAULT);
        assert_ok(b->ctx, iommuctl_dma_unmap(copy));
        copy = NULL;
        o.access = IOMMUCTL_ACCESS_WRITE;
        assert_fails(b->ctx, iommuctl_dma_copy(dma, x.container, &o, &copy), -EPERM, "only read");
        o.access = 0;
        o.page_size = 2 << 20;
        assert_fails(b->ctx, iommuctl_dma_copy(dma, x.container, &o, &copy), -EINVAL, "page_size");
        o.page_size = 0;
        o.flags = IOMMUCTL_DMA_FIXED_IOVA;
        o.iova = 0x1234000;
        o.name = "copy";
        assert_ok(b->ctx, iommuctl_dma_copy(dma, x.container, &o, &copy));
        assert_int_equal(iommuctl_dma_span(copy).iova, 0x1234000);
        assert_string_equal(iommuctl_dma_name(copy), "copy");
        assert_fails(b->ctx, iommuctl_dma_copy(dma, x.container, &o, &more), -EEXIST, "\"copy\"");
        assert_fails(b->ctx, iommuctl_dma_copy(dma, b->container, NULL, &more), -EEXIST, "overlap");
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, PAGE);
        assert_fails(b->ctx, iommuctl_dma_copy(dma, x.container, NULL, &more), -ENOENT, "not mapped");
        assert_null(more);
        assert_true(iommuctl_dma_is_mapped(copy));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(copy));
        close_beside(&x);
}

static void test_copy_of_a_file(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma = NULL, *copy = NULL;
        struct beside x;
        int fd;

        for (unsigned int i = 0; i < 2; i++) {
                bench_restart(b, &(struct fake_options){ .release = i ? "6.13.0-fake" : "6.12.0-fake" });
                x = open_beside(b);
                fd = b->k->ops->memfd_create(b->k, "test", 0);
                assert_int_equal(b->k->ops->ftruncate(b->k, fd, 4 * PAGE), 0);
                assert_ok(b->ctx, iommuctl_dma_map_file(b->container, fd, PAGE, 2 * PAGE, NULL, &dma));
                b->k->ops->close(b->k, fd);
                assert_ok(b->ctx, iommuctl_dma_copy(dma, x.container, NULL, &copy));
                assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma).iova, "one", 3), 0);
                assert_ok(b->ctx, iommuctl_dma_unmap(dma));
                assert_ok(b->ctx, iommuctl_dma_renew(copy));
                char text[4] = "";
                assert_int_equal(fake_dma_read(b->m, GPU, iommuctl_dma_span(copy).iova, text, 3), 0);
                assert_string_equal(text, "one");
                assert_ok(b->ctx, iommuctl_dma_unmap(copy));
                close_beside(&x);
        }
}

static void test_copy_of_registers(void **state)
{
        struct iommuctl_dma *dma = NULL, *copy = NULL;
        struct iommuctl_region *region = NULL;
        struct bench *b = *state;
        struct beside x;

        bench_restart(b, &(struct fake_options){ .release = "6.19.0-fake" });
        x = open_beside(b);
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &region));
        assert_ok(b->ctx, iommuctl_dma_map_region(b->container, region, 0, 0, NULL, &dma));
        iommuctl_region_free(region);
        if (is_type1(b)) {
                assert_fails(b->ctx, iommuctl_dma_copy(dma, x.container, NULL, &copy), -EOPNOTSUPP,
                             "map the region in the other");
        } else {
                assert_ok(b->ctx, iommuctl_dma_copy(dma, x.container, NULL, &copy));
                assert_int_equal(fake_dma_write(b->m, GPU, iommuctl_dma_span(copy).iova, "gpu", 3), 0);
                assert_memory_equal(fake_bar(b->m, NIC, 0), "gpu", 3);
                assert_ok(b->ctx, iommuctl_device_reset(b->device));
                assert_int_equal(fake_dma_write(b->m, GPU, iommuctl_dma_span(copy).iova, "gpu", 3), -EFAULT);
                assert_ok(b->ctx, iommuctl_dma_renew(copy));
                assert_int_equal(fake_dma_write(b->m, GPU, iommuctl_dma_span(copy).iova, "gpu", 3), 0);
        }
        assert_ok(b->ctx, iommuctl_dma_unmap(copy));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        close_beside(&x);
}

/* Groups and devices come and go; what is mapped stays, for all of them. */
static void test_devices_come_and_go(void **state)
{
        struct bench *b = *state;
        char *memory = bench_memory(b, 8 * PAGE);
        struct iommuctl_device *gpu = NULL, *audio = NULL;
        struct iommuctl_dma *dma[3] = { NULL };
        uint64_t n = 0;

        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, NULL, &dma[0]));
        assert_ok(b->ctx, iommuctl_device_open(b->container, GPU, &gpu));
        assert_ok(b->ctx, iommuctl_device_open(b->container, AUDIO, &audio));
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + PAGE, PAGE, NULL, &dma[1]));
        for (unsigned int i = 0; i < 2; i++) {
                assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma[i]).iova, "n", 1), 0);
                assert_int_equal(fake_dma_write(b->m, GPU, iommuctl_dma_span(dma[i]).iova, "g", 1), 0);
                assert_int_equal(fake_dma_write(b->m, AUDIO, iommuctl_dma_span(dma[i]).iova, "a", 1), 0);
        }
        b->device = iommuctl_device_unref(b->device);
        iommuctl_device_unref(gpu);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory + 2 * PAGE, PAGE, NULL, &dma[2]));
        assert_int_equal(fake_dma_write(b->m, AUDIO, iommuctl_dma_span(dma[0]).iova, "a", 1), 0);
        assert_int_equal(fake_dma_write(b->m, AUDIO, iommuctl_dma_span(dma[2]).iova, "a", 1), 0);
        iommuctl_device_unref(audio);
        assert_int_equal(fake_n_mappings(b->m), 3);
        assert_ok(b->ctx, iommuctl_device_open(b->container, NIC, &b->device));
        for (unsigned int i = 0; i < 3; i++)
                assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma[i]).iova, "n", 1), 0);
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, 3 * PAGE);
        for (unsigned int i = 0; i < 3; i++)
                assert_ok(b->ctx, iommuctl_dma_unmap(dma[i]));
}

/* A device that cannot reach what is mapped does not join, and nothing is lost by its trying. */
static void test_device_that_cannot_reach(void **state)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = 1ull << 33 };
        struct bench *b = *state;
        char *memory = bench_memory(b, PAGE);
        struct iommuctl_device *gpu = NULL;
        struct iommuctl_range *ranges = NULL;
        struct iommuctl_dma *dma = NULL;
        int n;

        fake_set_aperture(b->m, 7, UINT32_MAX);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma));
        assert_fails(b->ctx, iommuctl_device_open(b->container, GPU, &gpu), -EADDRINUSE, "cannot reach");
        assert_null(gpu);
        assert_int_equal(fake_dma_write(b->m, NIC, o.iova, "n", 1), 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_ok(b->ctx, iommuctl_device_open(b->container, GPU, &gpu));
        n = iommuctl_container_ranges(b->container, &ranges);
        assert_true(n > 0);
        assert_int_equal(ranges[n - 1].last, UINT32_MAX);
        free(ranges);
        assert_fails(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma), -EINVAL, "0xffffffff");
        iommuctl_device_unref(gpu);
        assert_ok(b->ctx, iommuctl_dma_map(b->container, memory, PAGE, &o, &dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_copy),
                BOTH(test_copies_are_charged_once),
                BOTH(test_copy_options),
                BOTH(test_copy_of_a_file),
                BOTH(test_copy_of_registers),
                BOTH(test_devices_come_and_go),
                BOTH(test_device_that_cannot_reach),
        };

        return run_tap_tests("dma in several address spaces", tests);
}
