/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommufd.h"

#include <sys/utsname.h>

bool kernel_is(unsigned int major, unsigned int minor)
{
        unsigned int has_major = 0, has_minor = 0;
        struct utsname name;

        if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &has_major, &has_minor) != 2)
                exit(1);
        return has_major > major || (has_major == major && has_minor >= minor);
}

struct iommuctl_dma *map_at(struct iommuctl_container *c, void *page, uint64_t iova)
{
        const struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                                .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                .iova = iova };
        struct iommuctl_dma *dma = NULL;
        int r = iommuctl_dma_map(c, page, PAGE, &o, &dma);

        if (r < 0) {
                note("dma_map", r);
                exit(1);
        }
        return dma;
}

static uint64_t range_end(struct iommuctl_container *c, bool first)
{
        struct iommuctl_range *ranges = NULL;
        int n = iommuctl_container_ranges(c, &ranges);
        uint64_t end;

        if (n <= 0)
                exit(1);
        end = first ? ranges[0].start : ranges[n - 1].last;
        free(ranges);
        return end;
}

uint64_t last_iova(struct iommuctl_container *c)
{
        return range_end(c, false);
}

uint64_t first_iova(struct iommuctl_container *c)
{
        return range_end(c, true);
}

bool is_whole(struct iommuctl_container *c)
{
        struct iommuctl_range *ranges = NULL;
        int n = iommuctl_container_ranges(c, &ranges);
        bool whole = n == 1 && ranges[0].start == 0 && ranges[0].last == UINT64_MAX;

        free(ranges);
        return whole;
}

int main(int argc, char **argv)
{
        bool cloexec;
        int before;

        if (argc < 2 || iommuctl_ctx_new(&ctx) < 0) {
                fprintf(stderr, "usage: lab-iommufd mock | device EDU-DEVICE | group DEVICE DEVICE\n");
                return 2;
        }
        backend = IOMMUCTL_BACKEND_IOMMUFD;
        device_name = argc > 2 ? argv[2] : NULL;
        other_name = argc > 3 ? argv[3] : NULL;
        before = count_fds(&cloexec);
        if (streq(argv[1], "mock")) {
                test_mock();
                test_mock_viommu();
        } else if (streq(argv[1], "device") && device_name) {
                test_device();
        } else if (streq(argv[1], "group") && other_name) {
                test_group();
        } else {
                return 2;
        }
        CHECK("no descriptor is left over", count_fds(&cloexec) == before);
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed > 0;
}
