/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What a container says and keeps, before, with and after a device. */

void test_before_a_device(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_dma *dma = NULL;
        struct iommuctl_range *ranges;
        void *p = pages(1);

        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                GIVES("mapping before a device is refused", -ENODEV, "device",
                      iommuctl_dma_map(c, p, PAGE, NULL, &dma));
                GIVES("ranges before a device are unknown", -ENODEV, "device",
                      iommuctl_container_ranges(c, &ranges));
                CHECK("nothing is open yet", iommuctl_container_fd(c) == -1);
        } else {
                GIVES("mapping before a device works", 0, "", iommuctl_dma_map(c, p, PAGE, NULL, &dma));
                CHECK("ranges before a device are known", iommuctl_container_ranges(c, &ranges) == 1);
                free(ranges);
                struct iommuctl_device *d = open_device(c);
                int n = iommuctl_container_ranges(c, &ranges);

                CHECK("ranges shrink when a device joins", n > 0 && (n > 1 || ranges[0].last < UINT64_MAX));
                free(ranges);
                iommuctl_device_unref(d);
                CHECK("and grow when it leaves",
                      iommuctl_container_ranges(c, &ranges) == 1 && ranges[0].last == UINT64_MAX);
                free(ranges);
        }
        GIVES("unmapping works without a device", 0, "", iommuctl_dma_unmap(dma));
        iommuctl_container_unref(c);
        munmap(p, PAGE);
}

/* Code that speaks type1 on our iommufd, and we, in one address space. */
static void test_compat(struct iommuctl_container *c)
{
        struct iommuctl_dma_options fixed = { .struct_size = sizeof(fixed),
                                              .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                              .iova = 0x800000 };
        void *theirs = pages(1), *ours = pages(1);
        struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
                                                .flags = VFIO_DMA_MAP_FLAG_READ,
                                                .vaddr = (uintptr_t)theirs,
                                                .iova = 0x800000,
                                                .size = PAGE };
        struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = 0x800000, .size = PAGE };
        struct iommuctl_dma *dma = NULL;
        int fd = iommuctl_container_fd(c);

        CHECK("type1's calls find no address space at first", ioctl(fd, VFIO_IOMMU_MAP_DMA, &map) < 0);
        GIVES("they are let in", 0, "", iommuctl_container_set_compat(c, true));
        CHECK("what they map is in ours", ioctl(fd, VFIO_IOMMU_MAP_DMA, &map) == 0);
        GIVES("its IOVA is refused to us", -EEXIST, "0x800000",
              iommuctl_dma_map(c, ours, PAGE, &fixed, &dma));
        CHECK("it is unmapped", ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap) == 0 && unmap.size == PAGE);
        GIVES("and ours to use", 0, "", iommuctl_dma_map(c, ours, PAGE, &fixed, &dma));
        iommuctl_dma_unmap(dma);
        GIVES("they are locked out", 0, "", iommuctl_container_set_compat(c, false));
        CHECK("and find no address space again", ioctl(fd, VFIO_IOMMU_MAP_DMA, &map) < 0);
        munmap(theirs, PAGE);
        munmap(ours, PAGE);
}

void test_container_facts(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_range *ranges = NULL;
        uint64_t max = 0, available = 0, before = 0;
        struct iommuctl_dma *dma;
        struct iommuctl_device *again = NULL;
        bool cloexec;
        int n;

        CHECK("the container's backend is the one asked for", iommuctl_container_backend(c) == backend);
        n = iommuctl_container_ranges(c, &ranges);
        CHECK("there are ranges", n > 0);
        for (int i = 0; i < n; i++)
                printf("#   0x%" PRIx64 "-0x%" PRIx64 "\n", ranges[i].start, ranges[i].last);
        free(ranges);
        printf("#   page sizes 0x%" PRIx64 "\n", iommuctl_container_page_sizes(c));
        CHECK("4 KiB pages can be mapped", iommuctl_container_page_sizes(c) & PAGE);
        n = iommuctl_container_coherent(c);
        printf("#   coherent: %d\n", n);
        /* QEMU's VT-d has no snoop control, nor has virtio-iommu; its AMD-Vi needs none */
        CHECK("whether DMA is always coherent is known, the same way on each backend",
              n == (access("/sys/class/iommu/ivhd0", F_OK) == 0 ? 1 : 0));
        if (backend == IOMMUCTL_BACKEND_IOMMUFD)
                test_compat(c);
        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                CHECK("the limit of mappings is known",
                      iommuctl_container_max_mappings(c, &max) && max == 65535);
                iommuctl_container_available_mappings(c, &before);
                iommuctl_dma_alloc(c, PAGE, NULL, &dma);
                CHECK("a mapping takes one of what is available",
                      iommuctl_container_available_mappings(c, &available) && available == before - 1);
                iommuctl_dma_unmap(dma);
        } else {
                CHECK("there is no limit of mappings",
                      !iommuctl_container_max_mappings(c, &max) &&
                              !iommuctl_container_available_mappings(c, &available));
                CHECK("the device has a number", iommuctl_device_iommufd_id(d) != 0);
        }
        CHECK("the device has a group just on type1",
              (backend == IOMMUCTL_BACKEND_TYPE1) == (iommuctl_device_group(d) != NULL));
        CHECK("a second open gives the same device",
              iommuctl_device_open(c, device_name, &again) == 0 && again == d);
        iommuctl_device_unref(again);
        count_fds(&cloexec);
        CHECK("all descriptors are close-on-exec", cloexec);
        iommuctl_container_unref(c);
        iommuctl_device_unref(d);
}

/* The last group of a type1 container stays as long as something is mapped. */
void test_mappings_outlive_the_device(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma *dma = NULL;
        uint64_t iova;

        iommuctl_dma_alloc(c, PAGE, NULL, &dma);
        iommuctl_device_unref(d);
        CHECK("a mapping outlives the device",
              kernel_has(c, iommuctl_dma_span(dma).iova) &&
                      iommuctl_translate(c, iommuctl_dma_span(dma).vaddr, &iova) > 0);
        GIVES("the device opens again", 0, "", iommuctl_device_open(c, device_name, &d));
        CHECK("with the mapping", kernel_has(c, iommuctl_dma_span(dma).iova));
        iommuctl_device_unref(d);
        GIVES("the mapping goes", 0, "", iommuctl_dma_unmap(dma));
        dma = NULL;
        if (backend == IOMMUCTL_BACKEND_TYPE1)
                GIVES("and with it the group", -ENODEV, "device", iommuctl_dma_alloc(c, PAGE, NULL, &dma));
        struct iommuctl_container *second = new_container();
        GIVES("so another container can have it", 0, "", iommuctl_device_open(second, device_name, &d));
        iommuctl_device_unref(d);
        GIVES("and the first again", 0, "", iommuctl_device_open(c, device_name, &d));
        GIVES("and map", 0, "", iommuctl_dma_alloc(c, PAGE, NULL, &dma));
        iommuctl_dma_unmap(dma);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        iommuctl_container_unref(second);
}

/* Decided by the first device: iommufd where the kernel has what it takes. */
void test_the_backend_is_chosen(void)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        bool cdev = access("/dev/vfio/devices", F_OK) == 0 && access("/dev/iommu", F_OK) == 0;

        iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        CHECK("a container of no backend is undecided",
              iommuctl_container_backend(c) == IOMMUCTL_BACKEND_AUTO);
        GIVES("the first device decides", 0, "", iommuctl_device_open(c, device_name, &d));
        CHECK("for iommufd where it can be had",
              iommuctl_container_backend(c) == (cdev ? IOMMUCTL_BACKEND_IOMMUFD : IOMMUCTL_BACKEND_TYPE1));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        if (!cdev)
                GIVES("iommufd cannot be insisted on here", -EOPNOTSUPP, "iommufd",
                      iommuctl_container_new(ctx, IOMMUCTL_BACKEND_IOMMUFD, &c));
}
