/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mapping what has a descriptor: files, dma-bufs, a device's registers; and again after these were revoked.
 */
#include "machines.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dma.h"
#include "fake_uapi.h"
#include "iommuctl/power.h"
#include "iommuctl/region.h"
#include "iommuctl/unplug.h"

#define PAGE 0x1000u

static bool is_type1(const struct bench *b)
{
        return b->backend == IOMMUCTL_BACKEND_TYPE1;
}

/* A memfd as the machine knows it. */
static int memfd(struct bench *b, size_t size)
{
        int fd = b->k->ops->memfd_create(b->k, "test", 0);

        assert_true(fd >= 0);
        assert_int_equal(b->k->ops->ftruncate(b->k, fd, size), 0);
        return fd;
}

static void close_fd(struct bench *b, int fd)
{
        assert_int_equal(b->k->ops->close(b->k, fd), 0);
}

static void check_file(struct bench *b)
{
        int fd = memfd(b, 8 * PAGE), mine = dup(fd);
        struct iommuctl_dma *dma = NULL;
        struct iommuctl_span s;
        char text[6] = "", *map;

        map = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mine, 0);
        assert_ok(b->ctx, iommuctl_dma_map_file(b->container, fd, 2 * PAGE, 4 * PAGE, NULL, &dma));
        close_fd(b, fd);
        s = iommuctl_dma_span(dma);
        assert_null(s.vaddr);
        assert_int_equal(s.size, 4 * PAGE);
        assert_int_equal(iommuctl_dma_fd(dma), -1);
        assert_true(iommuctl_dma_is_mapped(dma));
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova + PAGE - 2, "hello", 5), 0);
        assert_memory_equal(map + 3 * PAGE - 2, "hello", 5);
        memcpy(map + 5 * PAGE, "world", 5);
        assert_int_equal(fake_dma_read(b->m, NIC, s.iova + 3 * PAGE, text, 5), 0);
        assert_string_equal(text, "world");
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova + 4 * PAGE, "x", 1), -EFAULT);
        assert_ok(b->ctx, iommuctl_dma_renew(dma));
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova, "again", 5), 0);
        assert_memory_equal(map + 2 * PAGE, "again", 5);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova, "x", 1), -EFAULT);
        munmap(map, 8 * PAGE);
        close(mine);
}

/* 6.12: the library maps it for the kernel. */
static void test_file_by_a_window(void **state)
{
        struct bench *b = *state;

        check_file(b);
        assert_int_equal(fake_n_ioctls(b->m, FAKE_IOMMU_IOAS_MAP_FILE), is_type1(b) ? 0 : 1);
}

/* A window takes whole pages of the file, more than what is mapped, and all of it goes again. */
static void test_file_of_huge_pages(void **state)
{
        static const struct {
                uint64_t offset;
                size_t size;
        } parts[] = { { 3 * PAGE, (8u << 20) - 8 * PAGE }, { 2u << 20, PAGE }, { (2u << 20) + PAGE, PAGE } };
        struct bench *b = *state;
        int fd;

        bench_restart(b, &(struct fake_options){ .hugepages_2m = 8 });
        fd = b->k->ops->memfd_create(b->k, "huge", MFD_HUGETLB);
        assert_true(fd >= 0);
        assert_int_equal(b->k->ops->ftruncate(b->k, fd, 8u << 20), 0);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                struct iommuctl_dma *dma = NULL;
                struct iommuctl_span s;
                char text[6] = "";

                assert_ok(b->ctx, iommuctl_dma_map_file(b->container, fd, parts[i].offset, parts[i].size,
                                                        NULL, &dma));
                s = iommuctl_dma_span(dma);
                if (i == 0)
                        assert_int_equal(s.iova % (2u << 20), 3 * PAGE);
                assert_int_equal(fake_dma_write(b->m, NIC, s.iova, "hello", 5), 0);
                assert_int_equal(pread(fd, text, 5, (off_t)parts[i].offset), 5);
                assert_string_equal(text, "hello");
                assert_ok(b->ctx, iommuctl_dma_unmap(dma));
                assert_int_equal(fake_n_mmaps(b->m), 0);
        }
        close_fd(b, fd);
}

/* 6.13: iommufd finds it itself, and this process has no mapping of it. */
static void test_file_by_the_kernel(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma = NULL;
        int fd;

        bench_restart(b, &(struct fake_options){ .release = "6.13.0-fake" });
        check_file(b);
        fd = memfd(b, PAGE);
        assert_ok(b->ctx, iommuctl_dma_map_file(b->container, fd, 0, PAGE, NULL, &dma));
        assert_int_equal(fake_n_mmaps(b->m), is_type1(b) ? 1 : 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        close_fd(b, fd);
}

static void test_file_refusals(void **state)
{
        struct iommuctl_dma_options huge = { .struct_size = sizeof(huge), .page_size = 2 << 20 };
        struct bench *b = *state;
        struct iommuctl_dma *dma = NULL;
        int fd = memfd(b, 4 * PAGE);

        assert_fails(b->ctx, iommuctl_dma_map_file(b->container, fd, 0, 5 * PAGE, NULL, &dma), -ERANGE,
                     "ends at 0x4000, before 0x5000");
        assert_fails(b->ctx, iommuctl_dma_map_file(b->container, fd, 4 * PAGE, PAGE, NULL, &dma), -ERANGE,
                     "0x4000");
        assert_fails(b->ctx, iommuctl_dma_map_file(b->container, fd, 1, PAGE, NULL, &dma), -EINVAL,
                     "whole pages");
        assert_fails(b->ctx, iommuctl_dma_map_file(b->container, fd, 0, 0, NULL, &dma), -EINVAL,
                     "whole pages");
        assert_fails(b->ctx, iommuctl_dma_map_file(b->container, fd, -(uint64_t)PAGE, 2 * PAGE, NULL, &dma),
                     -EOVERFLOW, "past the end of any file");
        assert_fails(b->ctx, iommuctl_dma_map_file(b->container, 999, 0, PAGE, NULL, &dma), -EBADF, "file");
        assert_fails(b->ctx, iommuctl_dma_map_file(b->container, fd, 0, PAGE, &huge, &dma), -EINVAL,
                     "page_size");
        assert_null(dma);
        assert_int_equal(fake_n_mappings(b->m), 0);
        close_fd(b, fd);
}

/* Buffers without a virtual address do not stand in each other's way, and are never what an address is. */
static void test_files_have_no_address(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma[3] = { NULL };
        int fd = memfd(b, 4 * PAGE);
        uint64_t iova, n = 0;

        for (unsigned int i = 0; i < 3; i++)
                assert_ok(b->ctx, iommuctl_dma_map_file(b->container, fd, 0, 4 * PAGE, NULL, &dma[i]));
        assert_int_equal(iommuctl_translate(b->container, NULL, &iova), -ENOENT);
        assert_int_equal(iommuctl_translate(b->container, (void *)(uintptr_t)PAGE, &iova), -ENOENT);
        assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
        assert_int_equal(n, 12 * PAGE);
        for (unsigned int i = 0; i < 3; i++)
                assert_ok(b->ctx, iommuctl_dma_unmap(dma[i]));
        close_fd(b, fd);
}

static struct iommuctl_region *bar0(struct bench *b)
{
        struct iommuctl_region *region = NULL;

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR0_REGION_INDEX, &region));
        return region;
}

/* By address: whole, in part, at any address; iommufd pins memory only. */
static void test_registers_by_address(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *region = bar0(b);
        struct iommuctl_dma *dma = NULL;
        void *map = NULL;

        assert_ok(b->ctx, iommuctl_region_map(region, 0, 0, &map));
        if (is_type1(b)) {
                assert_ok(b->ctx, iommuctl_dma_map(b->container, map, FAKE_BAR0_SIZE, NULL, &dma));
                assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma).iova + PAGE, "peer", 4), 0);
                assert_memory_equal((char *)fake_bar(b->m, NIC, 0) + PAGE, "peer", 4);
                assert_ok(b->ctx, iommuctl_dma_unmap(dma));
                assert_ok(b->ctx, iommuctl_dma_map(b->container, (char *)map + PAGE, PAGE, NULL, &dma));
                assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        } else {
                assert_fails(b->ctx, iommuctl_dma_map(b->container, map, FAKE_BAR0_SIZE, NULL, &dma), -EFAULT,
                             "map their region");
                assert_fails(b->ctx, iommuctl_dma_map(b->container, (char *)map + PAGE, PAGE, NULL, &dma),
                             -EFAULT, "map their region");
                assert_null(dma);
        }
        iommuctl_region_free(region);
}

static void check_region(struct bench *b, uint64_t offset, size_t size, size_t is)
{
        struct iommuctl_region *region = bar0(b);
        unsigned int fds = fake_n_fds(b->m);
        struct iommuctl_dma *dma = NULL;
        struct iommuctl_span s;

        assert_ok(b->ctx, iommuctl_dma_map_region(b->container, region, offset, size, NULL, &dma));
        iommuctl_region_free(region);
        s = iommuctl_dma_span(dma);
        assert_null(s.vaddr);
        assert_int_equal(s.size, is);
        assert_int_equal(fake_dma_write(b->m, NIC, s.iova + is - 4, "peer", 4), 0);
        assert_memory_equal((char *)fake_bar(b->m, NIC, 0) + offset + is - 4, "peer", 4);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_int_equal(fake_n_fds(b->m), fds);
}

static void test_region(void **state)
{
        struct bench *b = *state;

        bench_restart(b, &(struct fake_options){ .release = "6.19.0-fake" });
        check_region(b, 0, 0, FAKE_BAR0_SIZE);
        check_region(b, 0, FAKE_BAR0_SIZE, FAKE_BAR0_SIZE);
        check_region(b, PAGE, PAGE, PAGE);
        check_region(b, PAGE, 0, FAKE_BAR0_SIZE - PAGE);
}

static void test_region_refusals(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *region, *config = NULL;
        struct iommuctl_dma *dma = NULL;
        struct iommuctl_container *c = NULL;
        int fd = -5;

        region = bar0(b);
        if (!is_type1(b))
                assert_fails(b->ctx, iommuctl_dma_map_region(b->container, region, 0, 0, NULL, &dma),
                             -EOPNOTSUPP, "Linux 6.19 with VFIO_PCI_DMABUF, and this is 6.12.0-fake");
        assert_fails(b->ctx, iommuctl_region_dmabuf(region, 0, PAGE, &fd), -EOPNOTSUPP, "6.12.0-fake");
        iommuctl_region_free(region);
        bench_restart(b, &(struct fake_options){ .release = "7.2.0-fake" });
        region = bar0(b);
        assert_fails(b->ctx, iommuctl_dma_map_region(b->container, region, 1, PAGE, NULL, &dma), -EINVAL,
                     "whole pages");
        assert_fails(b->ctx, iommuctl_dma_map_region(b->container, region, PAGE, FAKE_BAR0_SIZE, NULL, &dma),
                     -ERANGE, "which has 0x4000");
        assert_fails(b->ctx, iommuctl_dma_map_region(b->container, region, FAKE_BAR0_SIZE, 0, NULL, &dma),
                     -EINVAL, "whole pages");
        assert_fails(b->ctx, iommuctl_region_dmabuf(region, 0, PAGE + 1, &fd), -EINVAL, "whole pages");
        assert_fails(b->ctx, iommuctl_region_dmabuf(region, 3 * PAGE, 2 * PAGE, &fd), -ERANGE, "0x4000");
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, IOMMUCTL_BACKEND_AUTO, &c));
        assert_fails(b->ctx, iommuctl_dma_map_region(c, region, 0, 0, NULL, &dma), -ENODEV, "device");
        iommuctl_container_unref(c);
        iommuctl_region_free(region);
        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_BAR4_REGION_INDEX, &config));
        assert_fails(b->ctx, iommuctl_dma_map_region(b->container, config, 0, 0, NULL, &dma), -EINVAL,
                     "0x100");
        iommuctl_region_free(config);
        assert_null(dma);
        assert_int_equal(fd, -5);
}

/* The registers of a device in one container, for a device in another. */
static void test_peer(void **state)
{
        struct bench *b = *state;
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *gpu = NULL;
        struct iommuctl_region *region = NULL;
        struct iommuctl_dma *dma = NULL;

        bench_restart(b, &(struct fake_options){ .release = "6.19.0-fake" });
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, b->backend, &c));
        assert_ok(b->ctx, iommuctl_device_open(c, GPU, &gpu));
        assert_ok(b->ctx, iommuctl_region_open(gpu, VFIO_PCI_BAR0_REGION_INDEX, &region));
        assert_ok(b->ctx, iommuctl_dma_map_region(b->container, region, 0, 0, NULL, &dma));
        iommuctl_region_free(region);
        iommuctl_device_unref(gpu);
        iommuctl_container_unref(c);
        assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma).iova, "nic to gpu", 10), 0);
        assert_memory_equal(fake_bar(b->m, GPU, 0), "nic to gpu", 10);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

static void set_memory_decoding(struct bench *b, bool on)
{
        struct iommuctl_region *config = NULL;
        uint16_t command = 0;

        assert_ok(b->ctx, iommuctl_region_open(b->device, VFIO_PCI_CONFIG_REGION_INDEX, &config));
        assert_ok(b->ctx, iommuctl_region_read(config, PCI_COMMAND, &command, sizeof(command)));
        command = (uint16_t)(on ? command | PCI_COMMAND_MEMORY : command & ~PCI_COMMAND_MEMORY);
        assert_ok(b->ctx, iommuctl_region_write(config, PCI_COMMAND, &command, sizeof(command)));
        iommuctl_region_free(config);
}

static void test_again_after_revocation(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *region;
        struct iommuctl_dma *dma = NULL, *other = NULL;
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .flags = IOMMUCTL_DMA_FIXED_IOVA };
        uint64_t iova, n = 0;

        bench_restart(b, &(struct fake_options){ .release = "6.19.0-fake" });
        region = bar0(b);
        assert_ok(b->ctx, iommuctl_dma_map_region(b->container, region, 0, 0, NULL, &dma));
        iova = iommuctl_dma_span(dma).iova;
        assert_int_equal(fake_dma_write(b->m, NIC, iova, "x", 1), 0);
        assert_ok(b->ctx, iommuctl_device_reset(b->device));
        assert_int_equal(fake_dma_write(b->m, NIC, iova, "x", 1), is_type1(b) ? 0 : -EFAULT);
        assert_ok(b->ctx, iommuctl_dma_renew(dma));
        assert_int_equal(fake_dma_write(b->m, NIC, iova, "x", 1), 0);
        if (is_type1(b)) {
                set_memory_decoding(b, false);
                assert_fails(b->ctx, iommuctl_dma_map_region(b->container, region, 0, 0, NULL, &other),
                             -ENODEV, "registers of " NIC " are not there");
                assert_null(other);
                assert_fails(b->ctx, iommuctl_dma_renew(dma), -ENODEV, "does not decode");
                assert_false(iommuctl_dma_is_mapped(dma));
                set_memory_decoding(b, true);
                assert_ok(b->ctx, iommuctl_dma_renew(dma));
        } else {
                set_memory_decoding(b, false);
                assert_int_equal(fake_dma_write(b->m, NIC, iova, "x", 1), -EFAULT);
                assert_fails(b->ctx, iommuctl_dma_renew(dma), -ENODEV, "revoked");
                assert_false(iommuctl_dma_is_mapped(dma));
                /* Its place is kept. */
                o.iova = iova;
                assert_fails(b->ctx, iommuctl_dma_map(b->container, bench_memory(b, PAGE), PAGE, &o, &other),
                             -EEXIST, "overlap");
                assert_fails(b->ctx, iommuctl_dma_renew(dma), -ENODEV, "revoked");
                assert_fails(b->ctx, iommuctl_dma_copy(dma, b->container, NULL, &other), -ENOENT,
                             "not mapped");
                set_memory_decoding(b, true);
                assert_ok(b->ctx, iommuctl_dma_renew(dma));
                assert_true(iommuctl_dma_is_mapped(dma));
                assert_int_equal(fake_dma_write(b->m, NIC, iova, "x", 1), 0);
                assert_ok(b->ctx, iommuctl_power_enter(b->device));
                assert_fails(b->ctx, iommuctl_dma_renew(dma), -ENODEV, "revoked");
                assert_ok(b->ctx, iommuctl_power_leave(b->device));
                assert_ok(b->ctx, iommuctl_dma_renew(dma));
                assert_int_equal(fake_dma_write(b->m, NIC, iova, "x", 1), 0);
                /* One that is reserved only goes with all, and counts for nothing, also where the kernel
                 * refuses to do it in one call. */
                set_memory_decoding(b, false);
                assert_fails(b->ctx, iommuctl_dma_renew(dma), -ENODEV, "revoked");
                fake_set_fault(b->m, FAKE_FAULT_ERROR, 1, -EIO);
                assert_ok(b->ctx, iommuctl_container_unmap_all(b->container, &n));
                assert_int_equal(n, 0);
                assert_fails(b->ctx, iommuctl_dma_renew(dma), -ENOENT, "not mapped");
                set_memory_decoding(b, true);
        }
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        iommuctl_region_free(region);
}

/* The device is given back while a peer has its registers: they do not hold it, and are not to be had again.
 */
static void test_registers_of_what_is_let_go(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *region;
        struct iommuctl_dma *dma = NULL, *other = NULL;
        struct iommuctl_device *again = NULL;
        int fd = -1;

        bench_restart(b, &(struct fake_options){ .release = "6.19.0-fake" });
        region = bar0(b);
        assert_ok(b->ctx, iommuctl_dma_map_region(b->container, region, 0, 0, NULL, &dma));
        assert_ok(b->ctx, iommuctl_unplug_let_go(b->device));
        assert_fails(b->ctx, iommuctl_dma_renew(dma), -ENODEV, "given back");
        assert_true(iommuctl_dma_is_mapped(dma));
        assert_fails(b->ctx, iommuctl_dma_map_region(b->container, region, 0, 0, NULL, &other), -ENODEV,
                     "given back");
        assert_fails(b->ctx, iommuctl_region_dmabuf(region, 0, PAGE, &fd), -ENODEV, "given back");
        assert_null(other);
        assert_ok(b->ctx, iommuctl_device_open(b->container, NIC, &again));
        assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma).iova, "x", 1),
                         is_type1(b) ? 0 : -EFAULT);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_int_equal(fake_n_mappings(b->m), 0);
        iommuctl_device_unref(again);
        iommuctl_region_free(region);
}

/* The dma-buf by itself, as another process would pass it. */
static void test_dmabuf(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *region;
        struct iommuctl_dma *dma = NULL;
        int fd = -1, file;

        bench_restart(b, &(struct fake_options){ .release = "6.19.0-fake" });
        region = bar0(b);
        assert_ok(b->ctx, iommuctl_region_dmabuf(region, PAGE, 2 * PAGE, &fd));
        iommuctl_region_free(region);
        if (is_type1(b)) {
                assert_fails(b->ctx, iommuctl_dma_map_dmabuf(b->container, fd, 0, PAGE, NULL, &dma),
                             -EOPNOTSUPP, "type1 maps no dma-bufs");
                close_fd(b, fd);
                return;
        }
        assert_ok(b->ctx, iommuctl_dma_map_dmabuf(b->container, fd, PAGE, PAGE, NULL, &dma));
        assert_int_equal(fake_dma_write(b->m, NIC, iommuctl_dma_span(dma).iova, "there", 5), 0);
        assert_memory_equal((char *)fake_bar(b->m, NIC, 0) + 2 * PAGE, "there", 5);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        dma = NULL;
        assert_fails(b->ctx, iommuctl_dma_map_dmabuf(b->container, fd, PAGE, 2 * PAGE, NULL, &dma), -EINVAL,
                     "not all inside it");
        assert_fails(b->ctx, iommuctl_dma_map_dmabuf(b->container, 999, 0, PAGE, NULL, &dma), -EBADF, "999");
        set_memory_decoding(b, false);
        assert_fails(b->ctx, iommuctl_dma_map_dmabuf(b->container, fd, 0, PAGE, NULL, &dma), -ENODEV,
                     "revoked");
        set_memory_decoding(b, true);
        close_fd(b, fd);
        file = memfd(b, PAGE);
        bench_memory(b, PAGE);
        assert_fails(b->ctx, iommuctl_dma_map_dmabuf(b->container, file, 0, 2 * PAGE, NULL, &dma), -EINVAL,
                     "no dma-buf");
        close_fd(b, file);
        assert_null(dma);
}

/* Kernels that have no such call, and kernels that have it for memory only. */
static void test_dmabuf_on_older_kernels(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma = NULL;
        int fd = memfd(b, PAGE);

        assert_fails(b->ctx, iommuctl_dma_map_dmabuf(b->container, fd, 0, PAGE, NULL, &dma), -EOPNOTSUPP,
                     "from Linux 6.19 on, and this is 6.12.0-fake");
        close_fd(b, fd);
        assert_null(dma);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_file_by_a_window),
                BOTH(test_file_of_huge_pages),
                BOTH(test_file_by_the_kernel),
                BOTH(test_file_refusals),
                BOTH(test_files_have_no_address),
                BOTH(test_registers_by_address),
                BOTH(test_region),
                BOTH(test_region_refusals),
                BOTH(test_peer),
                BOTH(test_again_after_revocation),
                BOTH(test_registers_of_what_is_let_go),
                BOTH(test_dmabuf),
                { "test_dmabuf_on_older_kernels (iommufd)", test_dmabuf_on_older_kernels, bench_iommufd,
                  bench_teardown, NULL },
        };

        return run_tap_tests("dma of files and registers", tests);
}
