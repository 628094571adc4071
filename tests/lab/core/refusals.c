/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

#include <sys/resource.h>
#include <unistd.h>

/* What is refused, with which errno and which words, and that nothing of it stays behind. */

static void refuse_shapes(struct iommuctl_container *c, char *p)
{
        struct iommuctl_dma_options o = { .struct_size = 0 };
        struct iommuctl_dma *dma = NULL;

        GIVES("0 bytes", -EINVAL, "0 bytes", iommuctl_dma_map(c, p, 0, NULL, &dma));
        GIVES("half a page", -EINVAL, "whole pages", iommuctl_dma_map(c, p, PAGE / 2, NULL, &dma));
        GIVES("a wrap-around", -EOVERFLOW, "wrap", iommuctl_dma_map(c, (void *)-PAGE, 2 * PAGE, NULL, &dma));
        GIVES("options without a size", -EINVAL, "struct_size", iommuctl_dma_map(c, p, PAGE, &o, &dma));
        o.struct_size = sizeof(o);
        o.access = 1u << 31;
        GIVES("an access that is none", -EINVAL, "access", iommuctl_dma_map(c, p, PAGE, &o, &dma));
        o.access = 0;
        o.flags = 1u << 31;
        GIVES("a flag that is none", -EINVAL, "flags", iommuctl_dma_map(c, p, PAGE, &o, &dma));
        o.flags = 0;
        o.name = "a name";
        GIVES("a name with a blank", -EINVAL, "a name", iommuctl_dma_map(c, p, PAGE, &o, &dma));
        CHECK("no output was set", dma == NULL);
}

static void refuse_iovas(struct iommuctl_container *c, char *p)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .flags = IOMMUCTL_DMA_FIXED_IOVA };
        struct iommuctl_range *ranges = NULL;
        struct iommuctl_dma *dma = NULL;

        if (iommuctl_container_ranges(c, &ranges) > 0)
                o.iova = ranges[0].last + 1 - PAGE;
        free(ranges);
        GIVES("an IOVA that leaves the ranges", -EINVAL, "outside of the usable",
              iommuctl_dma_map(c, p, 2 * PAGE, &o, &dma));
        o.iova = 0xfee00000;
        GIVES("an IOVA in the interrupt window", -EINVAL, "outside of the usable",
              iommuctl_dma_map(c, p, PAGE, &o, &dma));
        o.iova = 123;
        GIVES("a crooked IOVA", -EINVAL, "multiple", iommuctl_dma_map(c, p, PAGE, &o, &dma));
        o.iova = UINT64_MAX - PAGE + 1;
        GIVES("an IOVA that wraps around", -EOVERFLOW, "wrap", iommuctl_dma_map(c, p, 2 * PAGE, &o, &dma));
        o = (struct iommuctl_dma_options){ .struct_size = sizeof(o), .iova_limit = 0x3fff };
        GIVES("more than there is below the limit", -ENOSPC, "0x3fff",
              iommuctl_dma_map(c, p, 8 * PAGE, &o, &dma));
        o.iova_limit = 0xffffff;
        if (GIVES("a limit of 24 bits is kept to", 0, "", iommuctl_dma_map(c, p, 8 * PAGE, &o, &dma)))
                CHECK("it is below 16 MiB", iommuctl_dma_span(dma).iova + 8 * PAGE - 1 <= 0xffffff);
        iommuctl_dma_unmap(dma);
}

/* The kernel finds out only after it has mapped a part. */
static void refuse_missing_memory(struct iommuctl_container *c)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = 0x50000000 };
        struct iommuctl_dma *dma = NULL;
        char *hole = pages(4);
        uint64_t iova;

        munmap(hole + 2 * PAGE, PAGE);
        GIVES("memory that is not all there", -EFAULT, "not all there",
              iommuctl_dma_map(c, hole, 4 * PAGE, &o, &dma));
        CHECK("leaves nothing in the kernel", !kernel_has(c, o.iova) && !kernel_has(c, o.iova + PAGE));
        CHECK("and nothing in the books", iommuctl_translate(c, hole, &iova) == -ENOENT);
        GIVES("so its first page can be mapped there", 0, "", iommuctl_dma_map(c, hole, PAGE, &o, &dma));
        iommuctl_dma_unmap(dma);
        munmap(hole, 4 * PAGE);
}

static void refuse_pages(struct iommuctl_container *c)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .page_size = 12345 };
        struct iommuctl_dma *dma = NULL;

        GIVES("pages of an impossible size", -EINVAL, "12345", iommuctl_dma_alloc(c, PAGE, &o, &dma));
        o.page_size = (size_t)1 << 40;
        GIVES("pages this machine does not have", -EINVAL, "2048 KiB", iommuctl_dma_alloc(c, PAGE, &o, &dma));
        o.page_size = 2 << 20;
        GIVES("more huge pages than there are", -ENOMEM, "are needed and",
              iommuctl_dma_alloc(c, (size_t)1 << 30, &o, &dma));
        if (GIVES("a huge page", 0, "", iommuctl_dma_alloc(c, 12345, &o, &dma)))
                CHECK("lies at an IOVA for huge pages",
                      iommuctl_dma_span(dma).size == 2 << 20 &&
                              iommuctl_dma_span(dma).iova % (2 << 20) == 0 &&
                              iommuctl_dma_page_size(dma) == 2 << 20);
        iommuctl_dma_unmap(dma);
}

static unsigned int group_of(const char *device)
{
        char path[128], target[256] = "";

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", device);
        if (readlink(path, target, sizeof(target) - 1) <= 0)
                exit(1);
        return (unsigned int)strtoul(path_basename(target), NULL, 10);
}

static void refuse_devices(struct iommuctl_container *c)
{
        struct iommuctl_container *second = new_container();
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g = NULL;

        GIVES("a device that is not there", -ENODEV, "no device",
              iommuctl_device_open(c, "0000:7f:1f.7", &d));
        GIVES("a name that is none", -ENODEV, "no device", iommuctl_device_open(c, "../../etc", &d));
        if (other_name)
                GIVES("a device that VFIO does not have", -ENXIO, "iommuctl bind",
                      iommuctl_device_open(c, other_name, &d));
        GIVES("a device that this process has in another container", -EBUSY, "this process",
              iommuctl_device_open(second, device_name, &d));
        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                GIVES("a group that is not there", -ENODEV, "no group", iommuctl_group_open(c, 9999, &g));
                if (other_name)
                        GIVES("a group that VFIO does not have", -ENODEV, "is bound to",
                              iommuctl_group_open(c, group_of(other_name), &g));
        } else {
                GIVES("a group in an iommufd container", -EINVAL, "iommufd", iommuctl_group_open(c, 0, &g));
        }
        iommuctl_container_unref(second);
}

/* The limit only holds without CAP_IPC_LOCK, which another user does not have. */
static void refuse_locked_memory(struct iommuctl_container *c, char *p)
{
        struct rlimit old, small = { 64 << 10, 64 << 10 };
        struct iommuctl_dma *dma = NULL;

        getrlimit(RLIMIT_MEMLOCK, &old);
        setrlimit(RLIMIT_MEMLOCK, &small);
        if (!CHECK("this can be another user", seteuid(65534) == 0))
                return;
        GIVES("memory beyond RLIMIT_MEMLOCK", -ENOMEM, "RLIMIT_MEMLOCK is 64 KiB",
              iommuctl_dma_map(c, p, 64 * PAGE, NULL, &dma));
        GIVES("memory within it", 0, "", iommuctl_dma_map(c, p, 2 * PAGE, NULL, &dma));
        iommuctl_dma_unmap(dma);
        if (seteuid(0) < 0)
                exit(1);
        setrlimit(RLIMIT_MEMLOCK, &old);
}

void test_refusals(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        char *p = pages(64);

        refuse_shapes(c, p);
        refuse_iovas(c, p);
        refuse_missing_memory(c);
        refuse_pages(c);
        refuse_devices(c);
        refuse_locked_memory(c, p);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        munmap(p, 64 * PAGE);
}
