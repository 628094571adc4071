/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The library's core against a real kernel and a real (emulated) device, for one backend:
 *
 *         lab-core BACKEND EDU-DEVICE [OTHER-DEVICE]
 *
 * EDU-DEVICE is QEMU's teaching device, bound to vfio-pci; OTHER-DEVICE a device that is not bound to it.
 * Speaks TAP. What the kernel really has mapped is asked by trying to map there by hand, through the raw
 * descriptor. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uapi_iommufd.h"
#include "util/macro.h"

#define PAGE ((size_t)4096)

static struct iommuctl_ctx *ctx;
static enum iommuctl_backend backend;
static const char *device_name, *other_name;
static unsigned int n_tests, n_failed;

/* The adopting process numbers its tests on from ours. */
#define ADOPTER_TESTS 11

static void result(bool ok, const char *format, ...) _printf_(2, 3);
static void result(bool ok, const char *format, ...)
{
        va_list ap;

        printf("%sok %u - %s: ", ok ? "" : "not ", ++n_tests, iommuctl_backend_name(backend));
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        printf("\n");
        if (!ok)
                n_failed++;
        fflush(stdout);
}

static void note(const char *what, long r)
{
        char text[1024];

        iommuctl_ctx_error(ctx, text, sizeof(text));
        printf("# %s: %ld; last error: %s\n", what, r, text);
}

#define CHECK(what, expr)                \
        ({                               \
                bool ok_ = (expr);       \
                result(ok_, "%s", what); \
                if (!ok_)                \
                        note(#expr, 0);  \
                ok_;                     \
        })

/* The call gives just this result, and where it fails, a text that has HAS in it. */
#define GIVES(what, wanted, has, expr)                                                                       \
        ({                                                                                                   \
                long r_ = (expr);                                                                            \
                char text_[1024] = "";                                                                       \
                if (r_ < 0)                                                                                  \
                        iommuctl_ctx_error(ctx, text_, sizeof(text_));                                       \
                bool ok_ = r_ == (wanted) && (r_ >= 0 || strstr(text_, (has)));                              \
                result(ok_, "%s", what);                                                                     \
                printf("#   %s%s\n", r_ < 0 ? strerror((int)-r_) : "done", text_[0] ? "" : "");              \
                if (text_[0])                                                                                \
                        printf("#   %s\n", text_);                                                           \
                if (!ok_)                                                                                    \
                        printf("# %s gave %ld, wanted %ld with \"%s\"\n", #expr, r_, (long)(wanted), (has)); \
                ok_;                                                                                         \
        })

static int count_fds(bool *ret_all_cloexec)
{
        int n = 0;

        *ret_all_cloexec = true;
        for (int fd = 3; fd < 1024; fd++) {
                int flags = fcntl(fd, F_GETFD);

                if (flags < 0)
                        continue;
                n++;
                if (!(flags & FD_CLOEXEC))
                        *ret_all_cloexec = false;
        }
        return n;
}

static struct iommuctl_container *new_container(void)
{
        struct iommuctl_container *c = NULL;
        int r = iommuctl_container_new(ctx, backend, &c);

        if (r < 0) {
                note("container_new", r);
                exit(1);
        }
        return c;
}

static struct iommuctl_device *open_device(struct iommuctl_container *c)
{
        struct iommuctl_device *d = NULL;
        int r = iommuctl_device_open(c, device_name, &d);

        if (r < 0) {
                note("device_open", r);
                exit(1);
        }
        return d;
}

static void *pages(size_t n)
{
        void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? NULL : p;
}

/* By hand: is a page at IOVA taken in the kernel? */
static bool kernel_has(struct iommuctl_container *c, uint64_t iova)
{
        static void *probe;
        int fd = iommuctl_container_fd(c), r;

        if (!probe)
                probe = pages(1);
        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                struct vfio_iommu_type1_dma_map map = {
                        .argsz = sizeof(map),
                        .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                        .vaddr = (uintptr_t)probe,
                        .iova = iova,
                        .size = PAGE,
                };
                struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
                                                            .iova = iova,
                                                            .size = PAGE };

                r = ioctl(fd, VFIO_IOMMU_MAP_DMA, &map);
                if (r == 0)
                        ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
        } else {
                struct uapi_iommu_ioas_map map = {
                        .size = sizeof(map),
                        .ioas_id = iommuctl_container_ioas_id(c),
                        .flags = UAPI_IOMMU_IOAS_MAP_FIXED_IOVA | UAPI_IOMMU_IOAS_MAP_READABLE,
                        .user_va = (uintptr_t)probe,
                        .iova = iova,
                        .length = PAGE,
                };
                struct uapi_iommu_ioas_unmap unmap = {
                        .size = sizeof(unmap), .ioas_id = map.ioas_id, .iova = iova, .length = PAGE
                };

                r = ioctl(fd, UAPI_IOMMU_IOAS_MAP, &map);
                if (r == 0)
                        ioctl(fd, UAPI_IOMMU_IOAS_UNMAP, &unmap);
        }
        if (r < 0 && errno != EEXIST)
                printf("# a probe at 0x%" PRIx64 ": %s\n", iova, strerror(errno));
        return r < 0 && errno == EEXIST;
}

static void test_before_a_device(void)
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

static void test_container_facts(void)
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

/* Seen in other libraries: a mapping over another one that "works". */
static void test_overlaps(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma_options fixed = { .struct_size = sizeof(fixed),
                                              .flags = IOMMUCTL_DMA_FIXED_IOVA };
        struct iommuctl_dma_options named = { .struct_size = sizeof(named), .name = "first" };
        struct iommuctl_dma *a = NULL, *b = NULL;
        char *p = pages(16);
        uint64_t iova;

        GIVES("pages 2 and 3 are mapped", 0, "", iommuctl_dma_map(c, p + 2 * PAGE, 2 * PAGE, &named, &a));
        GIVES("pages 3 to 6 overlap them", -EEXIST, "\"first\"",
              iommuctl_dma_map(c, p + 3 * PAGE, 4 * PAGE, NULL, &b));
        CHECK("and page 4 translates to nothing", iommuctl_translate(c, p + 4 * PAGE, &iova) == -ENOENT);
        GIVES("pages 0 to 3 overlap them", -EEXIST, "\"first\"", iommuctl_dma_map(c, p, 4 * PAGE, NULL, &b));
        GIVES("the same pages overlap them", -EEXIST, "\"first\"",
              iommuctl_dma_map(c, p + 2 * PAGE, 2 * PAGE, NULL, &b));
        fixed.iova = 0x40000000;
        GIVES("a fixed IOVA for mapped memory is refused", -EEXIST, "\"first\"",
              iommuctl_dma_map(c, p + 2 * PAGE, 2 * PAGE, &fixed, &b));
        CHECK("and the kernel has nothing there", !kernel_has(c, 0x40000000));
        fixed.iova = iommuctl_dma_span(a).iova + PAGE;
        GIVES("a fixed IOVA inside another mapping is refused", -EEXIST, "\"first\"",
              iommuctl_dma_map(c, p + 8 * PAGE, 2 * PAGE, &fixed, &b));
        CHECK("and the output is untouched", b == NULL);
        CHECK("the first mapping is as it was",
              iommuctl_translate(c, p + 3 * PAGE + 5, &iova) == (ssize_t)PAGE - 5 &&
                      iova == iommuctl_dma_span(a).iova + PAGE + 5);
        iova = iommuctl_dma_span(a).iova;
        CHECK("the kernel has it", kernel_has(c, iova));
        GIVES("it is unmapped", 0, "", iommuctl_dma_unmap(a));
        CHECK("the kernel has it no longer", !kernel_has(c, iova));
        CHECK("it translates no longer", iommuctl_translate(c, p + 2 * PAGE, &iova) == -ENOENT);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        munmap(p, 16 * PAGE);
}

static void test_live_iovas_are_never_given_out_twice(void)
{
        enum { ROUNDS = 2000, SLOTS = 64 };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma *slots[SLOTS] = { NULL };
        char *p = pages(SLOTS * 4);
        bool ok = true;

        srandom(1);
        for (int i = 0; i < ROUNDS && ok; i++) {
                struct iommuctl_dma_options o = { .struct_size = sizeof(o) };
                int s = (int)(random() % SLOTS);

                if (slots[s]) {
                        ok = iommuctl_dma_unmap(slots[s]) == 0;
                        slots[s] = NULL;
                        continue;
                }
                if (random() % 2) {
                        o.flags = IOMMUCTL_DMA_FIXED_IOVA;
                        o.iova = (uint64_t)(1 + random() % 512) * PAGE;
                }
                int r = iommuctl_dma_map(c, p + (size_t)s * 4 * PAGE, (size_t)(1 + random() % 4) * PAGE, &o,
                                         &slots[s]);
                ok = r == 0 || (r == -EEXIST && o.flags);
                for (int j = 0; slots[s] && j < SLOTS; j++) {
                        struct iommuctl_span x = iommuctl_dma_span(slots[s]), y;

                        if (j == s || !slots[j])
                                continue;
                        y = iommuctl_dma_span(slots[j]);
                        ok &= x.iova >= y.iova + y.size || y.iova >= x.iova + x.size;
                }
        }
        CHECK("2000 random maps and unmaps, fixed and automatic, agree with the kernel", ok);
        for (int s = 0; s < SLOTS; s++)
                iommuctl_dma_unmap(slots[s]);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        munmap(p, SLOTS * 4 * PAGE);
}

static void test_refusals(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma_options o = { .struct_size = sizeof(o) };
        struct rlimit old, small = { 64 << 10, 64 << 10 };
        struct iommuctl_dma *dma = NULL;
        struct iommuctl_device *other = NULL;
        struct iommuctl_range *ranges = NULL;
        char *p = pages(64), *hole;
        uint64_t iova;

        GIVES("0 bytes", -EINVAL, "0 bytes", iommuctl_dma_map(c, p, 0, NULL, &dma));
        GIVES("half a page", -EINVAL, "whole pages", iommuctl_dma_map(c, p, PAGE / 2, NULL, &dma));
        GIVES("a wrap-around", -EINVAL, "wrap", iommuctl_dma_map(c, (void *)-PAGE, 2 * PAGE, NULL, &dma));
        o.struct_size = 0;
        GIVES("options without a size", -EINVAL, "struct_size", iommuctl_dma_map(c, p, PAGE, &o, &dma));
        o = (struct iommuctl_dma_options){ .struct_size = sizeof(o), .flags = IOMMUCTL_DMA_FIXED_IOVA };
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
        o = (struct iommuctl_dma_options){ .struct_size = sizeof(o), .iova_limit = 0x3fff };
        GIVES("more than there is below the limit", -ENOSPC, "0x3fff",
              iommuctl_dma_map(c, p, 8 * PAGE, &o, &dma));
        o.iova_limit = 0xffffff;
        if (GIVES("a limit of 24 bits is kept to", 0, "", iommuctl_dma_map(c, p, 8 * PAGE, &o, &dma)))
                CHECK("it is below 16 MiB", iommuctl_dma_span(dma).iova + 8 * PAGE - 1 <= 0xffffff);
        iommuctl_dma_unmap(dma);
        dma = NULL;

        hole = pages(4);
        munmap(hole + 2 * PAGE, PAGE);
        o = (struct iommuctl_dma_options){ .struct_size = sizeof(o),
                                           .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                           .iova = 0x50000000 };
        GIVES("memory that is not all there", -EFAULT, "not all there",
              iommuctl_dma_map(c, hole, 4 * PAGE, &o, &dma));
        CHECK("leaves nothing in the kernel", !kernel_has(c, o.iova) && !kernel_has(c, o.iova + PAGE));
        CHECK("and nothing in the books", iommuctl_translate(c, hole, &iova) == -ENOENT);
        GIVES("so its first page can be mapped there", 0, "", iommuctl_dma_map(c, hole, PAGE, &o, &dma));
        iommuctl_dma_unmap(dma);
        dma = NULL;

        o = (struct iommuctl_dma_options){ .struct_size = sizeof(o), .page_size = 12345 };
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
        dma = NULL;

        GIVES("a device that is not there", -ENODEV, "no device",
              iommuctl_device_open(c, "0000:7f:1f.7", &other));
        GIVES("a name that is none", -ENODEV, "no device", iommuctl_device_open(c, "../../etc", &other));
        if (other_name)
                GIVES("a device that VFIO does not have", -ENXIO, "iommuctl bind",
                      iommuctl_device_open(c, other_name, &other));
        struct iommuctl_container *second = new_container();
        GIVES("a device that this process has in another container", -EBUSY, "this process",
              iommuctl_device_open(second, device_name, &other));
        iommuctl_container_unref(second);

        /* The limit only holds without CAP_IPC_LOCK. */
        getrlimit(RLIMIT_MEMLOCK, &old);
        setrlimit(RLIMIT_MEMLOCK, &small);
        if (seteuid(65534) == 0) {
                GIVES("memory beyond RLIMIT_MEMLOCK", -ENOMEM, "RLIMIT_MEMLOCK is 64 KiB",
                      iommuctl_dma_map(c, p, 64 * PAGE, NULL, &dma));
                GIVES("memory within it", 0, "", iommuctl_dma_map(c, p, 2 * PAGE, NULL, &dma));
                iommuctl_dma_unmap(dma);
                if (seteuid(0) < 0)
                        exit(1);
        }
        setrlimit(RLIMIT_MEMLOCK, &old);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

/* QEMU's docs/specs/edu. */
enum {
        EDU_ID = 0x00,
        EDU_FACTORIAL = 0x08,
        EDU_RAISE = 0x60,
        EDU_ACK = 0x64,
        EDU_SOURCE = 0x80,
        EDU_TARGET = 0x88,
        EDU_COUNT = 0x90,
        EDU_COMMAND = 0x98,
        EDU_BUFFER = 0x40000,
        EDU_COPY = 2048 /* QEMU 7.2 ends itself at 4096, the whole buffer */
};

static void edu_copy(char *bar, uint64_t from, uint64_t to, uint64_t size, bool to_memory)
{
        iommuctl_mmio_write64(bar + EDU_SOURCE, from);
        iommuctl_mmio_write64(bar + EDU_TARGET, to);
        iommuctl_mmio_write64(bar + EDU_COUNT, size);
        iommuctl_mmio_write64(bar + EDU_COMMAND, to_memory ? 7 : 5);
}

static void test_a_device_at_work(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xfffffff, .name = "edu" };
        struct iommuctl_region *region = NULL, *config = NULL;
        struct iommuctl_irq *msi = NULL, *second = NULL;
        struct iommuctl_range *areas = NULL;
        struct iommuctl_dma *dma = NULL;
        uint32_t value = 0;
        uint16_t ids[2];
        void *bar = NULL;
        uint64_t count;
        char *memory;

        GIVES("configuration space opens", 0, "",
              iommuctl_region_open(d, VFIO_PCI_CONFIG_REGION_INDEX, &config));
        GIVES("and reads", 0, "", iommuctl_region_read(config, 0, ids, sizeof(ids)));
        CHECK("as an edu device", ids[0] == 0x1234 && ids[1] == 0x11e8);
        GIVES("beyond its end", -ERANGE, "not inside",
              iommuctl_region_read(config, iommuctl_region_size(config) - 1, ids, 2));
        GIVES("with an offset that wraps", -ERANGE, "not inside",
              iommuctl_region_read(config, UINT64_MAX - 1, ids, 4));
        GIVES("it cannot be mapped", -EOPNOTSUPP, "nothing", iommuctl_region_map(config, 0, 0, &bar));
        GIVES("a BAR that is not there", -ENXIO, "nothing behind", iommuctl_region_open(d, 3, &region));
        GIVES("an index that is not there", -EINVAL, "regions", iommuctl_region_open(d, 99, &region));
        GIVES("BAR 0 opens", 0, "", iommuctl_region_open(d, 0, &region));
        CHECK("it is 1 MiB", iommuctl_region_size(region) == 1 << 20);
        CHECK("all of it can be mapped", iommuctl_region_areas(region, &areas) == 1 && areas[0].start == 0 &&
                                                 areas[0].last == (1 << 20) - 1);
        free(areas);
        GIVES("it maps", 0, "", iommuctl_region_map(region, 0, 0, &bar));
        CHECK("and reads as edu", (iommuctl_mmio_read32((char *)bar + EDU_ID) & 0xff) == 0xed);
        GIVES("a register reads through the kernel", 0, "", iommuctl_region_read(region, EDU_ID, &value, 4));
        CHECK("as the same", (value & 0xff) == 0xed);

        GIVES("a vector too many", -ERANGE, "vectors", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSI, 0, 64, &msi));
        GIVES("MSI-X, which it has not", -ERANGE, "MSI-X",
              iommuctl_irq_new(d, IOMMUCTL_IRQ_MSIX, 0, 1, &msi));
        GIVES("MSI", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSI, 0, 1, &msi));
        GIVES("the same vector again", -EEXIST, "in use",
              iommuctl_irq_new(d, IOMMUCTL_IRQ_MSI, 0, 1, &second));
        GIVES("INTx beside it", -EBUSY, "MSI", iommuctl_irq_new(d, IOMMUCTL_IRQ_INTX, 0, 1, &second));
        GIVES("nothing fires", -ETIMEDOUT, "no MSI", iommuctl_irq_wait(msi, 0, 1, NULL));
        GIVES("masking MSI", -EOPNOTSUPP, "masked", iommuctl_irq_mask(msi, 0));
        GIVES("by software", 0, "", iommuctl_irq_trigger(msi, 0));
        CHECK("it fires once", iommuctl_irq_wait(msi, 0, 1000, &count) == 0 && count == 1);
        GIVES("bus mastering", 0, "", iommuctl_device_set_bus_master(d, true));
        iommuctl_mmio_write32((char *)bar + EDU_RAISE, 1);
        GIVES("the device raises it", 0, "", iommuctl_irq_wait(msi, 0, 2000, &count));
        iommuctl_mmio_write32((char *)bar + EDU_ACK, 1);

        GIVES("a buffer below 28 bits", 0, "", iommuctl_dma_alloc(c, 2 * PAGE, &o, &dma));
        memory = iommuctl_dma_span(dma).vaddr;
        for (size_t i = 0; i < 2 * PAGE; i++)
                memory[i] = (char)(i < PAGE ? i * 7 + i / 256 : 0);
        edu_copy(bar, iommuctl_dma_span(dma).iova, EDU_BUFFER, EDU_COPY, false);
        GIVES("the device copies it in", 0, "", iommuctl_irq_wait(msi, 0, 5000, NULL));
        iommuctl_mmio_write32((char *)bar + EDU_ACK, 0x100);
        edu_copy(bar, EDU_BUFFER, iommuctl_dma_span(dma).iova + PAGE, EDU_COPY, true);
        GIVES("and out again", 0, "", iommuctl_irq_wait(msi, 0, 5000, NULL));
        iommuctl_mmio_write32((char *)bar + EDU_ACK, 0x100);
        CHECK("and it is the same", memcmp(memory, memory + PAGE, EDU_COPY) == 0);

        /* Freed in an order of no use, each child keeping its parent. */
        iommuctl_container_unref(c);
        iommuctl_device_unref(d);
        iommuctl_irq_free(msi);
        GIVES("INTx after MSI is freed", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_INTX, 0, 1, &second));
        iommuctl_mmio_write32((char *)bar + EDU_RAISE, 1);
        GIVES("the device raises it", 0, "", iommuctl_irq_wait(second, 0, 2000, &count));
        iommuctl_mmio_write32((char *)bar + EDU_ACK, 1);
        GIVES("and it can be unmasked", 0, "", iommuctl_irq_unmask(second, 0));
        GIVES("a reset", 0, "",
              iommuctl_device_flags(d) & VFIO_DEVICE_FLAGS_RESET ? iommuctl_device_reset(d) : 0);
        iommuctl_irq_free(second);
        iommuctl_region_free(config);
        iommuctl_region_free(region);
        GIVES("the buffer outlives device and container", 0, "", iommuctl_dma_unmap(dma));
}

/* The last group of a type1 container stays as long as something is mapped. */
static void test_mappings_outlive_the_device(void)
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

struct worker {
        struct iommuctl_container *c;
        char *memory;
        int failures;
};

static void *map_and_unmap(void *arg)
{
        struct worker *w = arg;

        for (int i = 0; i < 300; i++) {
                struct iommuctl_dma *dma;
                uint64_t iova;

                if (iommuctl_dma_map(w->c, w->memory, 4 * PAGE, NULL, &dma) < 0) {
                        w->failures++;
                        continue;
                }
                if (iommuctl_translate(w->c, w->memory + PAGE, &iova) != (ssize_t)(3 * PAGE) ||
                    iova != iommuctl_dma_span(dma).iova + PAGE)
                        w->failures++;
                if (iommuctl_dma_unmap(dma) < 0)
                        w->failures++;
                if (iommuctl_translate(w->c, w->memory + PAGE, &iova) != -ENOENT)
                        w->failures++;
        }
        return NULL;
}

static void test_threads(void)
{
        enum { N = 4 };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        char *p = pages(N * 4);
        struct worker w[N];
        pthread_t t[N];
        int failures = 0;

        for (int i = 0; i < N; i++) {
                w[i] = (struct worker){ c, p + (size_t)i * 4 * PAGE, 0 };
                pthread_create(&t[i], NULL, map_and_unmap, &w[i]);
        }
        for (int i = 0; i < N; i++) {
                pthread_join(t[i], NULL);
                failures += w[i].failures;
        }
        CHECK("four threads map, translate and unmap side by side", failures == 0);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

/* Runs this program again as another user, with what is handed over and nothing else. Never returns. */
static void run_adopter(const struct iommuctl_handover *h)
{
        int n = (int)iommuctl_handover_n_fds(h), copies[16];
        char text[32];

        for (int i = 0; i < n; i++)
                copies[i] = fcntl(iommuctl_handover_fd(h, (size_t)i), F_DUPFD_CLOEXEC, 100);
        for (int i = 0; i < n; i++)
                dup2(copies[i], 3 + i);
        snprintf(text, sizeof(text), "%d", n);
        setenv("LISTEN_FDS", text, 1);
        snprintf(text, sizeof(text), "%u", n_tests);
        setenv("LAB_CORE_TESTS", text, 1);
        snprintf(text, sizeof(text), "%d", (int)getpid());
        setenv("LISTEN_PID", text, 1);
        setenv("LISTEN_FDNAMES", iommuctl_handover_fdnames(h), 1);
        setenv("IOMMUCTL_HANDOVER", iommuctl_handover_text(h), 1);
        if (setgid(65534) < 0 || setuid(65534) < 0)
                _exit(99);
        execl("/proc/self/exe", "lab-core", iommuctl_backend_name(backend), "--adopt", NULL);
        _exit(98);
}

/* The giver's side: two buffers, one of them filled by the other process through the device. */
static void test_handover(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xfffffff, .name = "rx" };
        struct iommuctl_handover *h = NULL;
        struct iommuctl_dma *buffers[3] = { NULL };
        int status = -1;
        pid_t pid;

        iommuctl_dma_alloc(c, PAGE, &o, &buffers[0]);
        o.name = "tx";
        o.access = IOMMUCTL_ACCESS_READ;
        iommuctl_dma_alloc(c, 2 * PAGE, &o, &buffers[1]);
        GIVES("a buffer twice is not handed over", -EINVAL, "two buffers",
              iommuctl_handover_new(d, (struct iommuctl_dma *[]){ buffers[0], buffers[0] }, 2, &h));
        GIVES("two buffers are", 0, "", iommuctl_handover_new(d, buffers, 2, &h));
        printf("#   %s\n#   %s\n", iommuctl_handover_fdnames(h), iommuctl_handover_text(h));
        /* The other process does not know of this one, and its books see room where it is. */
        o = (struct iommuctl_dma_options){ .struct_size = sizeof(o) };
        iommuctl_dma_alloc(c, PAGE, &o, &buffers[2]);
        strcpy(iommuctl_dma_span(buffers[1]).vaddr, "written by the giver");
        fflush(stdout);
        pid = fork();
        if (pid == 0)
                run_adopter(h);
        waitpid(pid, &status, 0);
        n_tests += ADOPTER_TESTS;
        CHECK("the adopter, another user without privilege, ends well",
              WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK("what its device copied is here",
              strcmp(iommuctl_dma_span(buffers[0]).vaddr, "written by the giver") == 0);
        CHECK("the giver's mappings are as they were",
              kernel_has(c, iommuctl_dma_span(buffers[0]).iova) &&
                      kernel_has(c, iommuctl_dma_span(buffers[2]).iova));
        iommuctl_handover_free(h);
        for (int i = 0; i < 3; i++)
                iommuctl_dma_unmap(buffers[i]);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

/* In the other process. */
static int adopt(void)
{
        struct iommuctl_adopted *a = NULL, *again = NULL;
        struct iommuctl_dma *rx, *tx, *own = NULL;
        struct iommuctl_region *bar = NULL;
        struct iommuctl_irq *irq = NULL;
        bool cloexec;
        void *map;

        n_tests = (unsigned int)strtoul(getenv("LAB_CORE_TESTS"), NULL, 10);
        if (!GIVES("what was handed over is adopted", 0, "",
                   iommuctl_adopt(ctx, IOMMUCTL_ADOPT_UNSET_ENVIRONMENT, &a)))
                return 1;
        count_fds(&cloexec);
        CHECK("its descriptors are close-on-exec", cloexec);
        GIVES("nothing is left to adopt", -ENOENT, "IOMMUCTL_HANDOVER", iommuctl_adopt(ctx, 0, &again));
        rx = iommuctl_adopted_find_buffer(a, "rx");
        tx = iommuctl_adopted_find_buffer(a, "tx");
        CHECK("both buffers came along", iommuctl_adopted_n_buffers(a) == 2 && rx && tx &&
                                                 iommuctl_dma_span(tx).size == 2 * PAGE &&
                                                 iommuctl_dma_access(tx) == IOMMUCTL_ACCESS_READ);
        GIVES("the device's BAR opens", 0, "", iommuctl_region_open(iommuctl_adopted_device(a), 0, &bar));
        GIVES("and maps", 0, "", iommuctl_region_map(bar, 0, 0, &map));
        GIVES("and interrupts", 0, "",
              iommuctl_irq_new(iommuctl_adopted_device(a), IOMMUCTL_IRQ_MSI, 0, 1, &irq));
        iommuctl_device_set_bus_master(iommuctl_adopted_device(a), true);
        edu_copy(map, iommuctl_dma_span(tx).iova, EDU_BUFFER, 64, false);
        iommuctl_irq_wait(irq, 0, 5000, NULL);
        iommuctl_mmio_write32((char *)map + EDU_ACK, 0x100);
        edu_copy(map, EDU_BUFFER, iommuctl_dma_span(rx).iova, 64, true);
        GIVES("the device copies", 0, "", iommuctl_irq_wait(irq, 0, 5000, NULL));
        GIVES("a mapping of its own finds room beside the giver's", 0, "",
              iommuctl_dma_alloc(iommuctl_adopted_container(a), PAGE, NULL, &own));
        GIVES("and goes", 0, "", iommuctl_dma_unmap(own));
        iommuctl_irq_free(irq);
        iommuctl_region_free(bar);
        iommuctl_adopted_free(a);
        CHECK("no descriptor is left over", count_fds(&cloexec) == 1);
        iommuctl_ctx_unref(ctx);
        return n_failed > 0;
}

int main(int argc, char **argv)
{
        bool cloexec;
        int before, after;

        if (argc < 3 || iommuctl_ctx_new(&ctx) < 0) {
                fprintf(stderr, "usage: lab-core type1|iommufd EDU-DEVICE [OTHER-DEVICE]\n");
                return 2;
        }
        backend = streq(argv[1], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD;
        device_name = argv[2];
        if (streq(argv[2], "--adopt"))
                return adopt();
        other_name = argc > 3 ? argv[3] : NULL;
        before = count_fds(&cloexec);
        test_before_a_device();
        test_container_facts();
        test_overlaps();
        test_live_iovas_are_never_given_out_twice();
        test_refusals();
        test_a_device_at_work();
        test_mappings_outlive_the_device();
        test_threads();
        test_handover();
        after = count_fds(&cloexec);
        CHECK("no descriptor is left over", before == after);
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed > 0;
}
