/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel hands back, right and wrong: capability chains, ranges, sparse areas, sizes that keep
 * growing. */
#include "unit.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio_caps.h"

static unsigned char buffer[512];

static struct vfio_info info_of(size_t size)
{
        /* On the heap and no larger than it says, so that a sanitizer sees a step too far. */
        unsigned char *data = malloc(size);

        memcpy(data, buffer, size);
        return (struct vfio_info){ data, size };
}

static void put_header(size_t at, uint16_t id, uint32_t next)
{
        struct vfio_info_cap_header header = { .id = id, .version = 1, .next = next };

        memcpy(buffer + at, &header, sizeof(header));
}

static int setup(void **state)
{
        (void)state;
        memset(buffer, 0, sizeof(buffer));
        return 0;
}

static void test_chain(void **state)
{
        struct vfio_info info;
        size_t size = 0;

        (void)state;
        put_header(100, 1, 40);
        put_header(40, 2, 160);
        put_header(160, 3, 0);
        info = info_of(200);
        assert_ptr_equal(vfio_cap_find(&info, 100, 3, 8, &size), info.data + 160);
        assert_int_equal(size, 40);
        assert_ptr_equal(vfio_cap_find(&info, 100, 3, 40, &size), info.data + 160);
        assert_null(vfio_cap_find(&info, 100, 3, 41, &size));
        assert_null(vfio_cap_find(&info, 100, 4, 8, &size));
        assert_null(vfio_cap_find(&info, 0, 1, 8, &size));
        assert_null(vfio_cap_find(&info, 193, 0, 8, &size));
        assert_null(vfio_cap_find(&info, 200, 0, 8, &size));
        assert_null(vfio_cap_find(&info, UINT32_MAX, 0, 8, &size));
        free(info.data);
}

static void test_a_circle_ends(void **state)
{
        struct vfio_info info;
        size_t size;

        (void)state;
        put_header(32, 1, 64);
        put_header(64, 2, 32);
        put_header(96, 1, 96);
        info = info_of(200);
        assert_null(vfio_cap_find(&info, 32, 9, 8, &size));
        assert_null(vfio_cap_find(&info, 96, 9, 8, &size));
        free(info.data);
}

static void test_copies(void **state)
{
        struct vfio_info info;
        void *data = NULL;
        size_t size = 0;

        (void)state;
        /* The chain goes backwards: what ends a capability is its neighbour, not the next of the chain. */
        put_header(160, 3, 40);
        put_header(40, 1, 100);
        put_header(100, 2, 0);
        buffer[159] = 77;
        info = info_of(200);
        assert_int_equal(vfio_cap_copy(&info, 160, 2, &data, &size), 0);
        assert_int_equal(size, 60);
        assert_int_equal(((unsigned char *)data)[59], 77);
        free(data);
        assert_int_equal(vfio_cap_copy(&info, 160, 3, &data, &size), 0);
        assert_int_equal(size, 40);
        free(data);
        data = NULL;
        assert_int_equal(vfio_cap_copy(&info, 160, 4, &data, &size), -ENODATA);
        assert_int_equal(vfio_cap_copy(&info, 0, 3, &data, &size), -ENODATA);
        free(info.data);

        put_header(40, 1, 44); /* a header inside of a header */
        info = info_of(200);
        assert_int_equal(vfio_cap_copy(&info, 160, 1, &data, &size), -ENODATA);
        assert_null(data);
        free(info.data);
}

static void put_iommu(uint32_t flags, uint32_t cap_offset)
{
        struct vfio_iommu_type1_info fixed = {
                .argsz = 200, .flags = flags, .iova_pgsizes = 0x201000, .cap_offset = cap_offset
        };

        memcpy(buffer, &fixed, sizeof(fixed));
}

static void test_iommu_facts(void **state)
{
        const uint64_t pairs[] = { 0, 0xfedfffff, 0xfef00000, 0x7fffffffff, 9, 8 };
        struct vfio_iommu_facts f;
        struct vfio_info info;
        uint32_t n = 3;

        (void)state;
        put_iommu(VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS, 32);
        put_header(32, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 48);
        buffer[40] = 77;
        put_header(48, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 0);
        memcpy(buffer + 56, &n, sizeof(n));
        memcpy(buffer + 64, pairs, sizeof(pairs));

        info = info_of(64 + sizeof(pairs));
        assert_int_equal(vfio_iommu_facts_parse(&info, &f), 0);
        assert_true(f.page_sizes == 0x201000 && f.has_available && f.available == 77 && f.has_ranges);
        assert_int_equal(f.n_ranges, 2); /* the third ends before it begins */
        assert_true(f.ranges[1].start == 0xfef00000 && f.ranges[1].last == 0x7fffffffff);
        free(f.ranges);
        free(info.data);

        n = UINT32_MAX; /* a count beyond the answer */
        memcpy(buffer + 56, &n, sizeof(n));
        info = info_of(64 + 16);
        assert_int_equal(vfio_iommu_facts_parse(&info, &f), 0);
        assert_int_equal(f.n_ranges, 1);
        free(f.ranges);
        free(info.data);

        put_iommu(0, 32); /* flags say that neither sizes nor capabilities are there */
        info = info_of(200);
        assert_int_equal(vfio_iommu_facts_parse(&info, &f), 0);
        assert_true(f.page_sizes == 0 && !f.has_available && !f.has_ranges && !f.ranges);
        free(info.data);

        put_iommu(VFIO_IOMMU_INFO_CAPS, 32); /* cut off in the middle */
        for (size_t size = 0; size < 60; size++) {
                info = info_of(size);
                assert_int_equal(vfio_iommu_facts_parse(&info, &f), 0);
                free(f.ranges);
                free(info.data);
        }
}

static void put_region(uint32_t flags, uint64_t size, uint64_t offset, uint32_t cap_offset)
{
        struct vfio_region_info fixed = {
                .argsz = 200, .flags = flags, .size = size, .offset = offset, .cap_offset = cap_offset
        };

        memcpy(buffer, &fixed, sizeof(fixed));
}

static void test_region_facts(void **state)
{
        const uint64_t areas[] = {
                0x8000, 0x8000, 0, 0x4000, 0xf000, 0x10000, 0x20000, 4, 0, 0, 5, UINT64_MAX
        };
        const uint32_t map = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_MMAP;
        struct vfio_region_facts f;
        struct vfio_info info;
        uint32_t n = 6;

        (void)state;
        put_region(map, 0x10000, 0x30000000000, 0);
        info = info_of(32);
        assert_int_equal(vfio_region_facts_parse(&info, &f), 0);
        assert_true(f.size == 0x10000 && f.offset == 0x30000000000 && f.n_areas == 1 &&
                    f.areas[0].last == 0xffff);
        free(f.areas);
        free(info.data);

        put_region(map | VFIO_REGION_INFO_FLAG_CAPS, 0x10000, 0, 32);
        put_header(32, VFIO_REGION_INFO_CAP_SPARSE_MMAP, 0);
        memcpy(buffer + 40, &n, sizeof(n));
        memcpy(buffer + 48, areas, sizeof(areas));
        info = info_of(48 + sizeof(areas));
        assert_int_equal(vfio_region_facts_parse(&info, &f), 0);
        assert_int_equal(f.n_areas, 3); /* one begins beyond the region, one is empty, one wraps around */
        assert_true(f.areas[0].start == 0 && f.areas[0].last == 0x3fff);
        assert_true(f.areas[1].start == 0x8000 && f.areas[1].last == 0xffff);
        assert_true(f.areas[2].start == 0xf000 && f.areas[2].last == 0xffff);
        free(f.areas);
        free(info.data);

        put_region(VFIO_REGION_INFO_FLAG_READ, 0x10000, 0, 0);
        info = info_of(32);
        assert_int_equal(vfio_region_facts_parse(&info, &f), 0);
        assert_true(f.n_areas == 0 && !f.areas);
        info.size = 31;
        assert_int_equal(vfio_region_facts_parse(&info, &f), -EPROTO);
        free(info.data);

        put_region(map, UINT64_MAX, 2, 0);
        info = info_of(32);
        assert_int_equal(vfio_region_facts_parse(&info, &f), -EPROTO);
        free(info.data);
        put_region(map, 0x1000, INT64_MAX, 0);
        info = info_of(32);
        assert_int_equal(vfio_region_facts_parse(&info, &f), -EPROTO);
        free(info.data);
}

/* A kernel that answers what the test says. */
static struct {
        uint32_t wants, grows;
        unsigned int calls;
} script;

static int scripted_ioctl(struct kernel *k, int fd, unsigned long request, void *arg)
{
        (void)k;
        (void)fd;
        (void)request;
        script.calls++;
        memcpy(arg, &script.wants, sizeof(script.wants));
        script.wants += script.grows;
        return 0;
}

static const struct kernel_ops scripted_ops = { .ioctl = scripted_ioctl };

static void test_sizes_that_grow(void **state)
{
        const struct vfio_region_info fixed = { .index = 5 };
        struct kernel k = { .ops = &scripted_ops };
        struct vfio_info info;
        uint32_t index;

        (void)state;
        script.wants = 100;
        script.grows = 0;
        script.calls = 0;
        assert_int_equal(vfio_info_get(&k, 3, 0, &fixed, sizeof(fixed), &info), 0);
        assert_int_equal(script.calls, 2);
        assert_int_equal(info.size, 100);
        memcpy(&index, info.data + offsetof(struct vfio_region_info, index), sizeof(index));
        assert_int_equal(index, 5);
        free(info.data);

        script.wants = 8; /* a kernel that knows less */
        assert_int_equal(vfio_info_get(&k, 3, 0, &fixed, sizeof(fixed), &info), 0);
        assert_int_equal(info.size, sizeof(fixed));
        free(info.data);

        script.grows = 16; /* never content */
        script.wants = 100;
        script.calls = 0;
        assert_int_equal(vfio_info_get(&k, 3, 0, &fixed, sizeof(fixed), &info), -EPROTO);
        assert_true(script.calls < 20);

        script.wants = UINT32_MAX;
        script.grows = 0;
        assert_int_equal(vfio_info_get(&k, 3, 0, &fixed, sizeof(fixed), &info), -EPROTO);
}

/* What a device-specific region says that it is, also behind another capability; cut off, it says nothing. */
static void test_region_type(void **state)
{
        struct vfio_region_info fixed = { .flags = VFIO_REGION_INFO_FLAG_CAPS,
                                          .cap_offset = sizeof(fixed),
                                          .size = 0x1000 };
        struct vfio_region_info_cap_type type = { .type = 0x80008086, .subtype = 3 };
        const size_t at = sizeof(fixed) + sizeof(struct vfio_info_cap_header);
        struct vfio_region_facts f;
        struct vfio_info info;

        (void)state;
        memcpy(buffer, &fixed, sizeof(fixed));
        put_header(sizeof(fixed), VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, (uint32_t)at);
        memcpy(buffer + at, &type, sizeof(type));
        put_header(at, VFIO_REGION_INFO_CAP_TYPE, 0);
        for (size_t size = at; size <= at + sizeof(type); size++) {
                info = info_of(size);
                assert_int_equal(vfio_region_facts_parse(&info, &f), 0);
                assert_int_equal(f.has_type, size == at + sizeof(type));
                free(info.data);
        }
        assert_int_equal(f.type, 0x80008086);
        assert_int_equal(f.subtype, 3);
        /* Without the flag there is no chain, whatever the offset says. */
        fixed.flags = 0;
        memcpy(buffer, &fixed, sizeof(fixed));
        info = info_of(at + sizeof(type));
        assert_int_equal(vfio_region_facts_parse(&info, &f), 0);
        assert_false(f.has_type);
        free(info.data);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_chain, setup),
                cmocka_unit_test_setup(test_a_circle_ends, setup),
                cmocka_unit_test_setup(test_copies, setup),
                cmocka_unit_test_setup(test_iommu_facts, setup),
                cmocka_unit_test_setup(test_region_facts, setup),
                cmocka_unit_test_setup(test_region_type, setup),
                cmocka_unit_test_setup(test_sizes_that_grow, setup),
        };

        return run_unit_tests("vfio_caps", tests);
}
