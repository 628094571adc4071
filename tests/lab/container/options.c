/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container.h"

#include <linux/vfio.h>

static void test_allowed(struct iommuctl_container *c)
{
        const struct iommuctl_range window = { 0x700000, 0x701fff }, msi = { 0xfee00000, 0xfee00fff };
        struct iommuctl_dma *dma[3] = { NULL };

        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                GIVES("type1 keeps no ranges for automatic IOVAs", -EOPNOTSUPP, "iova_limit",
                      iommuctl_container_allow(c, &window, 1));
                return;
        }
        GIVES("no range is allowed where the device has its interrupts", -EADDRINUSE, "usable are",
              iommuctl_container_allow(c, &msi, 1));
        GIVES("a range is", 0, "", iommuctl_container_allow(c, &window, 1));
        iommuctl_dma_alloc(c, PAGE, NULL, &dma[0]);
        iommuctl_dma_alloc(c, PAGE, NULL, &dma[1]);
        CHECK("and automatic IOVAs are in it", iommuctl_dma_span(dma[0]).iova >= window.start &&
                                                       iommuctl_dma_span(dma[1]).iova >= window.start &&
                                                       iommuctl_dma_span(dma[0]).iova < window.last &&
                                                       iommuctl_dma_span(dma[1]).iova < window.last);
        GIVES("until it is full", -ENOSPC, "allowed", iommuctl_dma_alloc(c, PAGE, NULL, &dma[2]));
        GIVES("all are allowed again", 0, "", iommuctl_container_allow(c, NULL, 0));
        GIVES("and given", 0, "", iommuctl_dma_alloc(c, PAGE, NULL, &dma[2]));
        for (int i = 0; i < 3; i++)
                iommuctl_dma_unmap(dma[i]);
}

static void test_huge_pages(struct iommuctl_container *c)
{
        struct iommuctl_dma *dma = NULL;

        CHECK("large pages are on", iommuctl_container_huge_pages(c) == 1);
        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                GIVES("type1 has them for the whole machine", -EOPNOTSUPP, "disable_hugepages",
                      iommuctl_container_set_huge_pages(c, false));
                return;
        }
        iommuctl_dma_alloc(c, PAGE, NULL, &dma);
        GIVES("they stay while something is mapped", -EBUSY, "1 mapping",
              iommuctl_container_set_huge_pages(c, false));
        iommuctl_dma_unmap(dma);
        GIVES("they go", 0, "", iommuctl_container_set_huge_pages(c, false));
        CHECK("and are off", iommuctl_container_huge_pages(c) == 0);
        GIVES("and come back", 0, "", iommuctl_container_set_huge_pages(c, true));
}

void test_options(void)
{
        struct iommuctl_container_options o = { .struct_size = sizeof(o),
                                                .backend = backend,
                                                .accounting = IOMMUCTL_ACCOUNTING_PROCESS };
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d;

        GIVES("pinned memory is counted by process where that is asked for", 0, "",
              iommuctl_container_new_with_options(ctx, &o, &c));
        GIVES("a device joins", 0, "", iommuctl_device_open(c, device_name, &d));
        CHECK("and it is", iommuctl_container_accounting(c) == IOMMUCTL_ACCOUNTING_PROCESS);
        test_allowed(c);
        test_huge_pages(c);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        o.accounting = IOMMUCTL_ACCOUNTING_USER;
        c = NULL;
        GIVES("by user only on iommufd", backend == IOMMUCTL_BACKEND_TYPE1 ? -EOPNOTSUPP : 0, "by process",
              iommuctl_container_new_with_options(ctx, &o, &c));
        CHECK("which says so", !c || iommuctl_container_accounting(c) == IOMMUCTL_ACCOUNTING_USER);
        iommuctl_container_unref(c);
}

void test_capabilities(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        uint64_t sizes = 0, max = 0;
        void *data = NULL;
        size_t size;

        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                struct vfio_iommu_type1_info_cap_migration migration;

                GIVES("the container's migration capability can be read", 1, "",
                      iommuctl_container_capability(c, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, &data, &size));
                memcpy(&migration, data, MIN(size, sizeof(migration)));
                CHECK("and is what the library says",
                      size == sizeof(migration) && iommuctl_dirty_limits(c, &sizes, &max) &&
                              sizes == migration.pgsize_bitmap && max == migration.max_dirty_bitmap_size);
                printf("#   page sizes 0x%" PRIx64 ", bitmap 0x%" PRIx64 "\n", sizes, max);
                free(data);
        } else {
                GIVES("an iommufd container has no capabilities", -EOPNOTSUPP, "type1",
                      iommuctl_container_capability(c, 1, &data, &size));
        }
        GIVES("the device has none", -ENODATA, device_name, iommuctl_device_capability(d, 5, &data, &size));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
