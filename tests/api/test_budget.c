/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Will these buffers fit? Each kind of shortage as data and as a text with both numbers. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "iommuctl/budget.h"
#include "iommuctl/device.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static struct fake *m;
static struct iommuctl_ctx *ctx;
static struct iommuctl_shortage s;

/* A process without CAP_IPC_LOCK (bit 14) that has 64 KiB locked. */
static const char status_plain[] =
        "Name:\tdriver\nUid:\t7\t7\t7\t7\nVmPin:\t     128 kB\nVmLck:\t      64 kB\n"
        "CapInh:\t0000000000000000\nCapEff:\t0000000000000001\n";
static const char status_capable[] = "Name:\tdriver\nVmLck:\t      64 kB\nCapEff:\t0000000000004000\n";

static void start(const struct fake_options *options)
{
        m = fake_machine_new(options);
        ctx = new_ctx(m);
        memset(&s, 0, sizeof(s));
}

static void stop(void)
{
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static struct iommuctl_dma_options fixed(uint64_t iova)
{
        return (struct iommuctl_dma_options){ .struct_size = sizeof(struct iommuctl_dma_options),
                                              .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                              .iova = iova };
}

static struct iommuctl_dma_options huge(size_t page_size)
{
        return (struct iommuctl_dma_options){ .struct_size = sizeof(struct iommuctl_dma_options),
                                              .page_size = page_size };
}

static int check(const struct iommuctl_budget_item *items, size_t n)
{
        return iommuctl_budget_check(ctx, items, n, &s);
}

static void test_shape(void **state)
{
        struct iommuctl_dma_options pages = huge(2 * MIB), odd = fixed(0x1001),
                                    high = fixed(UINT64_MAX - 4095);

        (void)state;
        start(NULL);
        assert_ok(ctx, check(NULL, 0));
        assert_ok(ctx, check(&(struct iommuctl_budget_item){ "a", 4096, NULL }, 1));
        assert_fails(ctx, check(&(struct iommuctl_budget_item){ "a", 5000, NULL }, 1), -EINVAL,
                     "buffer a: size 5000 is no multiple of its page size 4096; use 8192");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_SIZE);
        assert_int_equal(s.needed, 8192);
        assert_int_equal(s.available, 5000);
        assert_int_equal(s.page_size, 4096);
        assert_fails(ctx, check(&(struct iommuctl_budget_item){ NULL, 0, NULL }, 1), -EINVAL,
                     "buffer 0: size 0");
        assert_fails(ctx, check(&(struct iommuctl_budget_item){ "a", 3 * MIB, &pages }, 1), -EINVAL,
                     "2097152; use 4194304");
        assert_fails(ctx, check(&(struct iommuctl_budget_item){ "a", SIZE_MAX, NULL }, 1), -EINVAL,
                     "page size 4096");
        assert_int_equal(s.needed, 0);
        assert_fails(ctx, check(&(struct iommuctl_budget_item){ "a", 4096, &odd }, 1), -EINVAL,
                     "iova 0x1001");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_ALIGNMENT);
        assert_ok(ctx, check(&(struct iommuctl_budget_item){ "a", 4096, &high }, 1));
        assert_fails(ctx, check(&(struct iommuctl_budget_item){ "a", 8192, &high }, 1), -EINVAL, "pass 2^64");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_WRAP);
        /* the caller need not want the data */
        assert_int_equal(iommuctl_budget_check(ctx, &(struct iommuctl_budget_item){ "a", 1, NULL }, 1, NULL),
                         -EINVAL);
        stop();
}

static void test_overlap(void **state)
{
        struct iommuctl_dma_options at_1 = fixed(0x1000), at_2 = fixed(0x2000),
                                    at_top = fixed(UINT64_MAX - 4095);
        struct iommuctl_budget_item items[] = { { "a", 4096, &at_2 },
                                                { "b", 4096, &at_1 },
                                                { "c", 4096, &at_top } };

        (void)state;
        start(NULL);
        assert_ok(ctx, check(items, 3));
        items[1].size = 8192;
        assert_fails(ctx, check(items, 3), -EEXIST,
                     "buffer b at iova 0x1000-0x2fff overlaps buffer a at 0x2000-0x2fff");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_OVERLAP);
        assert_int_equal(s.item, 1);
        assert_int_equal(s.other, 0);
        assert_int_equal(s.start, 0x2000);
        assert_int_equal(s.last, 0x2fff);
        stop();
}

static void test_memlock(void **state)
{
        struct iommuctl_budget_item items[] = { { "a", 512 * KIB, NULL }, { "b", 512 * KIB, NULL } };

        (void)state;
        start(&(struct fake_options){ .memlock = 1 * MIB });
        fake_add_file(m, "/proc/self/status", status_plain);
        assert_fails(ctx, check(items, 2), -ENOMEM, "need 1024 KiB of locked memory and 960 KiB may be");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_MEMLOCK);
        assert_int_equal(s.item, 2);
        assert_int_equal(s.needed, 1 * MIB);
        assert_int_equal(s.available, 960 * KIB);
        items[1].size = 448 * KIB;
        assert_ok(ctx, check(items, 2));
        items[1].size = 512 * KIB;
        fake_remove(m, "/proc/self/status");
        fake_add_file(m, "/proc/self/status", status_capable);
        assert_ok(ctx, check(items, 2));
        /* who cannot read it cannot say no */
        fake_remove(m, "/proc/self/status");
        assert_ok(ctx, check(items, 2));
        stop();
}

static void hugepages(const char *dir, const char *free_pages, const char *reserved, const char *overcommit,
                      const char *surplus)
{
        const char *const names[] = { "free_hugepages", "resv_hugepages", "nr_overcommit_hugepages",
                                      "surplus_hugepages" };
        const char *const values[] = { free_pages, reserved, overcommit, surplus };
        char path[128];

        for (size_t i = 0; i < 4; i++) {
                snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s/%s", dir, names[i]);
                if (fake_exists(m, path))
                        fake_remove(m, path);
                fake_add_file(m, path, values[i]);
        }
}

static void test_hugepages(void **state)
{
        struct iommuctl_dma_options small = huge(2 * MIB), big = huge(1 * GIB);
        struct iommuctl_budget_item items[] = { { "a", 4 * MIB, &small },
                                                { "plain", 4096, NULL },
                                                { "b", 2 * MIB, &small } };

        (void)state;
        start(NULL);
        hugepages("hugepages-2048kB", "5\n", "3\n", "0\n", "0\n");
        assert_fails(ctx, check(items, 3), -ENOMEM, "need 3 hugepages of 2048 KiB and 2 are free");
        assert_contains(error_text(ctx), "hugepages-2048kB/nr_hugepages by 1");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_HUGEPAGES);
        assert_int_equal(s.needed, 3);
        assert_int_equal(s.available, 2);
        assert_int_equal(s.page_size, 2 * MIB);
        hugepages("hugepages-2048kB", "5\n", "3\n", "2\n", "1\n"); /* one more can be made */
        assert_ok(ctx, check(items, 3));
        hugepages("hugepages-2048kB", "5\n", "2\n", "0\n", "0\n");
        assert_ok(ctx, check(items, 3));
        assert_fails(ctx, check(&(struct iommuctl_budget_item){ "big", 1 * GIB, &big }, 1), -ENOMEM,
                     "need 1 hugepages of 1048576 KiB and 0 are free");
        stop();
}

static void test_memory(void **state)
{
        struct iommuctl_budget_item item = { "a", 3 * MIB, NULL };

        (void)state;
        start(NULL);
        fake_add_file(m, "/proc/meminfo",
                      "MemTotal:    9000 kB\nMemFree:      10 kB\nMemAvailable:   2048 kB\nSwapFree: 0 kB\n");
        assert_fails(ctx, check(&item, 1), -ENOMEM, "need 3072 KiB of memory and 2048 KiB are available");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_MEMORY);
        fake_remove(m, "/proc/meminfo");
        fake_add_file(m, "/proc/meminfo", "MemAvailable:   2048 kB\nSwapFree:   1024 kB\n");
        assert_ok(ctx, check(&item, 1));
        stop();
}

static int check_device(const struct iommuctl_device_info *device, uint64_t iova, size_t size)
{
        struct iommuctl_dma_options options = fixed(iova);

        return iommuctl_budget_check_device(ctx, device,
                                            &(struct iommuctl_budget_item){ "a", size, &options }, 1, &s);
}

static void test_device(void **state)
{
        const struct iommuctl_device_info *device;
        struct iommuctl_topology *topology;

        (void)state;
        start(NULL);
        fake_add_pci(m, "0000:01:00.0", &(struct fake_pci){ .group = 7 });
        fake_add_reserved(m, 7, 0x0, 0xffffff, "direct-relaxable");
        fake_add_reserved(m, 7, 0xfee00000, 0xfeefffff, "msi");
        if (fake_exists(m, "/sys/class/iommu/dmar0/intel-iommu/cap"))
                fake_remove(m, "/sys/devices/virtual/iommu/dmar0/intel-iommu/cap");
        fake_add_file(m, "/sys/devices/virtual/iommu/dmar0/intel-iommu/cap",
                      "d2008c22260286\n"); /* 39 bits */
        assert_ok(ctx, iommuctl_topology_new(ctx, IOMMUCTL_READ_ALL, &topology));
        device = iommuctl_topology_find_device(topology, "0000:01:00.0");
        assert_non_null(device);
        assert_ok(ctx, check_device(device, 0x0, 4096)); /* the kernel lets a relaxable region go */
        assert_ok(ctx, check_device(device, 0xfedff000, 4096));
        assert_ok(ctx, check_device(device, 0xfef00000, 4096));
        assert_fails(ctx, check_device(device, 0xfedff000, 8192), -ERANGE,
                     "meets the reserved region 0xfee00000-0xfeefffff (msi) of group 7");
        assert_string_equal(error_device(ctx), "0000:01:00.0");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_RESERVED);
        assert_int_equal(s.start, 0xfee00000);
        assert_int_equal(s.last, 0xfeefffff);
        assert_fails(ctx, check_device(device, 0xfeeff000, 4096), -ERANGE, "(msi)");
        assert_ok(ctx, check_device(device, 0x7ffffff000, 4096));
        assert_fails(ctx, check_device(device, 0x7ffffff000, 8192), -ERANGE,
                     "beyond 0x7fffffffff, the last address that dmar0 translates");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_WIDTH);
        assert_int_equal(s.needed, 0x8000000fff);
        assert_int_equal(s.available, 0x7fffffffff);
        assert_fails(ctx, check_device(device, 0x7ffffff000, SIZE_MAX - 4095), -ERANGE,
                     "beyond 0x7fffffffff");
        assert_int_equal(s.needed, UINT64_MAX); /* it would wrap around, to where all is free */
        iommuctl_topology_free(topology);
        stop();
}

/* A container with one device of an IOMMU of 32 bits, and the interrupt window in it. */
static struct iommuctl_device *open_device(const struct fake_options *options, enum iommuctl_backend backend,
                                           struct iommuctl_container **ret_container)
{
        struct iommuctl_device *device;

        start(options);
        fake_add_driver(m, "vfio-pci", &(struct fake_driver){ .vfio = true });
        fake_add_pci(m, "0000:01:00.0", &(struct fake_pci){ .group = 7, .driver = "vfio-pci" });
        fake_add_reserved(m, 7, 0xfee00000, 0xfeefffff, "msi");
        fake_set_aperture(m, 7, 0xffffffff);
        assert_ok(ctx, iommuctl_container_new(ctx, backend, ret_container));
        assert_ok(ctx, iommuctl_device_open(*ret_container, "0000:01:00.0", &device));
        return device;
}

static void test_container(void **state)
{
        struct iommuctl_container *container;
        struct iommuctl_device *device = open_device(NULL, IOMMUCTL_BACKEND_IOMMUFD, &container);
        struct iommuctl_dma_options top = fixed(0xfffff000), window = fixed(0xfedff000), low = { 0 };
        struct iommuctl_budget_item item = { "a", 4096, &top };

        (void)state;
        assert_ok(ctx, iommuctl_budget_check_container(container, &item, 1, &s));
        item.size = 8192;
        assert_fails(ctx, iommuctl_budget_check_container(container, &item, 1, &s), -ERANGE,
                     "buffer a: iova 0xfffff000-0x100000fff is in none of the usable ranges; the nearest is "
                     "0xfef00000-0xffffffff");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_RANGE);
        assert_int_equal(s.start, 0xfef00000);
        assert_int_equal(s.last, 0xffffffff);
        item.size = SIZE_MAX - 4095; /* wraps around, and would end where it began */
        assert_fails(ctx, iommuctl_budget_check_container(container, &item, 1, &s), -ERANGE,
                     "buffer a: iova 0xfffff000-0xffffffffffffffff is in none of the usable ranges");
        item.size = 8192;
        item.options = &window;
        assert_fails(ctx, iommuctl_budget_check_container(container, &item, 1, &s), -ERANGE,
                     "the nearest is 0x0-0xfedfffff");
        /* anywhere: the largest range is what counts, and what the device can form */
        item = (struct iommuctl_budget_item){ "b", 0xfee00000, NULL };
        assert_ok(ctx, iommuctl_budget_check_container(container, &item, 1, &s));
        item.size += 4096;
        assert_fails(ctx, iommuctl_budget_check_container(container, &item, 1, &s), -ERANGE,
                     "no usable range holds 4276097024 bytes; the largest is 0x0-0xfedfffff");
        assert_int_equal(s.needed, 4276097024u);
        low.struct_size = sizeof(low);
        low.iova_limit = 0xffff;
        item = (struct iommuctl_budget_item){ "c", 0x10000, &low };
        assert_ok(ctx, iommuctl_budget_check_container(container, &item, 1, &s));
        item.size = 0x11000;
        assert_fails(ctx, iommuctl_budget_check_container(container, &item, 1, &s), -ERANGE,
                     "the largest is 0x0-0xffff");
        iommuctl_device_unref(device);
        iommuctl_container_unref(container);
        stop();
}

static void test_mappings(void **state)
{
        struct iommuctl_container *container;
        struct iommuctl_device *device = open_device(&(struct fake_options){ .dma_entry_limit = 2 },
                                                     IOMMUCTL_BACKEND_TYPE1, &container);
        struct iommuctl_budget_item items[] = { { "a", 4096, NULL },
                                                { "b", 4096, NULL },
                                                { "c", 4096, NULL } };

        (void)state;
        assert_ok(ctx, iommuctl_budget_check_container(container, items, 2, &s));
        assert_fails(ctx, iommuctl_budget_check_container(container, items, 3, &s), -ENOSPC,
                     "3 mappings are needed and the kernel allows 2 more");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_MAPPINGS);
        assert_int_equal(s.needed, 3);
        assert_int_equal(s.available, 2);
        iommuctl_device_unref(device);
        iommuctl_container_unref(container);
        stop();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shape),     cmocka_unit_test(test_overlap),
                cmocka_unit_test(test_memlock),   cmocka_unit_test(test_hugepages),
                cmocka_unit_test(test_memory),    cmocka_unit_test(test_device),
                cmocka_unit_test(test_container), cmocka_unit_test(test_mappings),
        };

        return run_tap_tests("budget", tests);
}
