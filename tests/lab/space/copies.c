/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "space.h"

/* Several address spaces, and several groups in one. */

/* How many pages were ever pinned on this machine; each processor may keep some to itself for a while. */
static uint64_t pinned(void)
{
        FILE *f = fopen("/proc/vmstat", "re");
        unsigned long long n = 0;
        char line[128];

        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "nr_foll_pin_acquired %llu", &n) == 1)
                        break;
        if (f)
                fclose(f);
        return n;
}

/* KiB of this process's memory that its backend counts as pinned: iommufd's is VmPin, type1's VmLck. */
static uint64_t charged(void)
{
        const char *name = backend == IOMMUCTL_BACKEND_IOMMUFD ? "VmPin: %llu" : "VmLck: %llu";
        FILE *f = fopen("/proc/self/status", "re");
        unsigned long long kib = 0;
        char line[128];

        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, name, &kib) == 1)
                        break;
        if (f)
                fclose(f);
        return kib;
}

static struct iommuctl_device *open_other(struct iommuctl_container *c)
{
        struct iommuctl_device *d = NULL;

        GIVES("the other device opens", 0, "", iommuctl_device_open(c, other_name, &d));
        if (!d)
                exit(1);
        return d;
}

void test_copies(void)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = 0x1234000 };
        const bool shares = backend == IOMMUCTL_BACKEND_IOMMUFD;
        struct iommuctl_container *c = new_container(), *second = NULL;
        struct iommuctl_device *d = open_device(c), *other;
        struct iommuctl_dma *dma = NULL, *copy = NULL;
        const uint64_t others = charged();
        uint64_t before, n = 0;

        if (shares)
                GIVES("an address space beside the first", 0, "", iommuctl_container_new_beside(c, &second));
        else
                second = new_container();
        other = open_other(second);
        before = pinned();
        iommuctl_dma_alloc(c, 1024 * PAGE, NULL, &dma);
        printf("#   mapping: %" PRIu64 " pages pinned\n", pinned() - before);
        CHECK("a mapping pins its pages", pinned() - before >= 900);
        CHECK("and they are charged", charged() - others == 4096);
        before = pinned();
        GIVES("its copy", 0, "", iommuctl_dma_copy(dma, second, &o, &copy));
        printf("#   copying: %" PRIu64 " pages pinned\n", pinned() - before);
        CHECK(shares ? "pins none" : "pins them again",
              shares ? pinned() - before < 100 : pinned() - before >= 900);
        CHECK(shares ? "and charges none" : "and charges them again",
              charged() - others == (shares ? 4096 : 8192));
        CHECK("the kernel has both", kernel_has(c, iommuctl_dma_span(dma).iova) &&
                                             kernel_has(second, 0x1234000) &&
                                             kernel_has(second, 0x1234000 + 1023 * PAGE));
        GIVES("the first goes", 0, "", iommuctl_container_unmap_all(c, &n));
        CHECK("with its bytes, and the copy stays", n == 1024 * PAGE && kernel_has(second, 0x1234000));
        CHECK("charged as before, once", charged() - others == 4096);
        GIVES("a copy of what is gone", -ENOENT, "not mapped", iommuctl_dma_copy(dma, second, NULL, &dma));
        GIVES("the copy is renewed", 0, "", iommuctl_dma_renew(copy));
        GIVES("and goes", 0, "", iommuctl_dma_unmap(copy));
        CHECK("from the kernel, too", !kernel_has(second, 0x1234000));
        CHECK("and nothing is charged", charged() == others);
        iommuctl_dma_unmap(dma);
        iommuctl_device_unref(other);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        iommuctl_container_unref(second);
}

void test_devices_come_and_go(void)
{
        const struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xfffffff };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c), *other;
        struct iommuctl_dma *one = NULL, *two = NULL;
        struct iommuctl_region *region;
        uint64_t n = 0;
        char *bar;

        iommuctl_dma_alloc(c, PAGE, &o, &one);
        other = open_other(c);
        iommuctl_dma_alloc(c, PAGE, &o, &two);
        iommuctl_device_unref(d);
        CHECK("without the first device all is mapped",
              kernel_has(c, iommuctl_dma_span(one).iova) && kernel_has(c, iommuctl_dma_span(two).iova));
        d = open_device(c);
        iommuctl_device_unref(other);
        CHECK("without the other, too",
              kernel_has(c, iommuctl_dma_span(one).iova) && kernel_has(c, iommuctl_dma_span(two).iova));
        region = edu_bar(d, &bar);
        memcpy(iommuctl_dma_span(one).vaddr, "from one to two", 16);
        CHECK("and the first does DMA in it",
              edu_does(bar, iommuctl_dma_span(one).iova, 64, false) &&
                      edu_does(bar, iommuctl_dma_span(two).iova, 64, true) &&
                      !strcmp(iommuctl_dma_span(two).vaddr, "from one to two"));
        iommuctl_region_free(region);
        iommuctl_device_unref(d);
        GIVES("all goes without a device", 0, "", iommuctl_container_unmap_all(c, &n));
        CHECK("with its bytes", n == 2 * PAGE);
        iommuctl_dma_unmap(one);
        iommuctl_dma_unmap(two);
        iommuctl_container_unref(c);
}
