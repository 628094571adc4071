/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From nothing to the first DMA of a device, through the library and by hand.
 *
 *         first-dma type1|iommufd DEVICE         the figure
 *         first-dma type1|iommufd DEVICE WHO     once, WHO being ours or raw, between two calls of
 * getppid(2): what lies between them under strace(1) is what it takes
 *
 * DEVICE is QEMU's edu, bound to vfio-pci. The clock stops at the register write that starts the copy, which
 * is then waited for and compared: QEMU's edu takes 100 ms for it (hw/misc/edu.c, dma_timer). Both sides open
 * the kernel's nodes, ask what a careful driver asks (the interface's version, that the group is viable, the
 * ranges of IOVAs, the regions), map a page of their own memory and the registers, and switch bus mastering
 * on. Both
 * begin with the device's address, and find its group or its node in sysfs. */

#include <errno.h>
#include <fcntl.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "first_dma_raw.h"
#include "util/macro.h"

#define TURNS 61

/* docs/specs/edu in QEMU's manual; its addresses have 28 bits */
enum {
        EDU_SOURCE = 0x80,
        EDU_DESTINATION = 0x88,
        EDU_COUNT = 0x90,
        EDU_COMMAND = 0x98,
        EDU_MEMORY = 0x40000
};
#define EDU_IOVA_LAST ((UINT64_C(1) << 28) - 1)
#define COPY_SIZE     ((size_t)2048)

static const char *device_name;
static enum iommuctl_backend backend;
static bool once;

static void or_die(int r, const char *what)
{
        if (r >= 0)
                return;
        fprintf(stderr, "first-dma: %s: %s\n", what, strerror(-r));
        exit(1);
}

static void start_copy(char *registers, uint64_t from, uint64_t to, uint64_t command)
{
        iommuctl_mmio_write64(registers + EDU_SOURCE, from);
        iommuctl_mmio_write64(registers + EDU_DESTINATION, to);
        iommuctl_mmio_write64(registers + EDU_COUNT, COPY_SIZE);
        iommuctl_mmio_write64(registers + EDU_COMMAND, command | 1);
}

static void await_copy(const char *registers)
{
        for (int i = 0; iommuctl_mmio_read64(registers + EDU_COMMAND) & 1; i++) {
                or_die(i < 5000 ? 0 : -ETIMEDOUT, "the copy");
                usleep(1000);
        }
}

/* The first copy was timed; now it is seen to have been one. */
static void finish(char *registers, char *page, uint64_t iova)
{
        await_copy(registers);
        if (once)
                return;
        memset(page, 0, COPY_SIZE);
        start_copy(registers, EDU_MEMORY, iova, 2);
        await_copy(registers);
        for (size_t i = 0; i < COPY_SIZE; i++)
                or_die(page[i] == (char)(i * 7) ? 0 : -EBADMSG, "what came back");
}

static double begin(char *page)
{
        for (size_t i = 0; i < COPY_SIZE; i++)
                page[i] = (char)(i * 7);
        if (once)
                (void)getppid();
        return bench_now_ns();
}

static double end(double start)
{
        double now = bench_now_ns();

        if (once)
                (void)getppid();
        return now - start;
}

static double ours(char *page)
{
        struct iommuctl_dma_options options = { .struct_size = sizeof(options), .iova_limit = EDU_IOVA_LAST };
        struct iommuctl_container *container;
        struct iommuctl_region *bar;
        struct iommuctl_device *device;
        struct iommuctl_ctx *ctx;
        struct iommuctl_dma *dma;
        uint64_t iova;
        void *registers;
        double start = begin(page), took;

        or_die(iommuctl_ctx_new(&ctx), "iommuctl_ctx_new");
        or_die(iommuctl_container_new(ctx, backend, &container), "iommuctl_container_new");
        or_die(iommuctl_device_open(container, device_name, &device), "iommuctl_device_open");
        or_die(iommuctl_dma_map(container, page, RAW_PAGE, &options, &dma), "iommuctl_dma_map");
        or_die(iommuctl_region_open(device, VFIO_PCI_BAR0_REGION_INDEX, &bar), "iommuctl_region_open");
        or_die(iommuctl_region_map(bar, 0, 0, &registers), "iommuctl_region_map");
        or_die(iommuctl_device_set_bus_master(device, true), "iommuctl_device_set_bus_master");
        iova = iommuctl_dma_span(dma).iova;
        start_copy(registers, iova, EDU_MEMORY, 0);
        took = end(start);

        finish(registers, page, iova);
        iommuctl_region_free(bar);
        or_die(iommuctl_dma_unmap(dma), "iommuctl_dma_unmap");
        iommuctl_device_unref(device);
        iommuctl_container_unref(container);
        iommuctl_ctx_unref(ctx);
        return took;
}

static double raw(char *page)
{
        struct raw_device d = {};
        double start = begin(page), took;

        or_die(backend == IOMMUCTL_BACKEND_TYPE1 ? raw_open_type1(&d, device_name)
                                                 : raw_open_iommufd(&d, device_name),
               "opening by hand");
        or_die(backend == IOMMUCTL_BACKEND_TYPE1 ? raw_map_type1(&d, page) : raw_map_iommufd(&d, page),
               "mapping by hand");
        or_die(raw_map_registers(&d), "registers by hand");
        or_die(raw_set_bus_master(&d), "bus mastering by hand");
        start_copy(d.registers, d.iova, EDU_MEMORY, 0);
        took = end(start);

        finish(d.registers, page, d.iova);
        raw_close(&d);
        return took;
}

static struct bench_pair measure(char *page)
{
        double a[TURNS], b[TURNS], ratios[TURNS];

        ours(page);
        raw(page);
        for (size_t i = 0; i < TURNS; i++) {
                if (i % 2)
                        b[i] = raw(page);
                a[i] = ours(page);
                if (i % 2 == 0)
                        b[i] = raw(page);
                ratios[i] = a[i] / b[i];
        }
        return (struct bench_pair){ bench_median(a, TURNS), bench_median(b, TURNS),
                                    bench_median(ratios, TURNS) };
}

int main(int argc, char **argv)
{
        void *volatile begun;
        char what[64], how[128];
        char *page;

        if (argc < 3 || argc > 5) {
                fprintf(stderr, "usage: first-dma type1|iommufd DEVICE [ours|raw]\n");
                return 2;
        }
        backend = streq(argv[1], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD;
        device_name = argv[2];
        page = mmap(NULL, RAW_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                    0);
        or_die(page == MAP_FAILED ? -errno : 0, "mmap");
        if (argv[3]) {
                once = true;
                begun = malloc(1); /* the first one of all asks the kernel */
                free(begun);
                streq(argv[3], "ours") ? ours(page) : raw(page);
                return 0;
        }
        snprintf(what, sizeof(what), "open to first DMA, %s", argv[1]);
        snprintf(how, sizeof(how), "median of %d turns, @HOW@; @N@ system calls", TURNS);
        bench_line(what, "raw ioctls", measure(page), "<= 1.05", how);
        return 0;
}
