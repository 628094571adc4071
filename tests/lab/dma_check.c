/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lab tests of DMA need a program for: QEMU's "edu" device driven through libiommuctl's public headers.
 *
 *     dma_check round-trip BACKEND ADDRESS msi|intx
 *     dma_check outside BACKEND ADDRESS             a DMA beside the mapping reaches nothing
 *     dma_check after-unmap BACKEND ADDRESS         nor does one to where a mapping was
 *     dma_check shared BACKEND ADDRESS ADDRESS      two devices of one group in one container
 *     dma_check orders BACKEND ADDRESS              close dma, device, group, container in every order
 *
 * Exit status 0 where all is as it should be; else the line that was not is on stderr.
 */

#include <dirent.h>
#include <errno.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE        4096
#define IOVA        0x200000 /* where these tests map; below the 28 bits that edu can form */
#define EDU_MEMORY  0x40000
#define COPY_SIZE   2048
#define TO_DEVICE   0
#define FROM_DEVICE 2
#define NO_IRQ      (-1)

static struct iommuctl_ctx *ctx;

static void die(const char *expression, int line)
{
        char text[1024] = "";

        iommuctl_ctx_error(ctx, text, sizeof(text));
        fprintf(stderr, "dma_check.c:%d: not true: %s (last error: %s)\n", line, expression, text);
        exit(1);
}
#define CHECK(expression)                           \
        do {                                        \
                if (!(expression))                  \
                        die(#expression, __LINE__); \
        } while (0)

struct edu {
        struct iommuctl_device *device;
        struct iommuctl_region *bar;
        struct iommuctl_irq *irq;
        int irq_kind;
        char *registers;
};

static enum iommuctl_backend backend_named(const char *name)
{
        for (int b = 0; iommuctl_backend_name((enum iommuctl_backend)b); b++)
                if (strcmp(name, iommuctl_backend_name((enum iommuctl_backend)b)) == 0)
                        return (enum iommuctl_backend)b;
        die("a backend of this name", __LINE__);
        return IOMMUCTL_BACKEND_AUTO;
}

static struct iommuctl_container *new_container(const char *backend)
{
        struct iommuctl_container *container;

        CHECK(iommuctl_container_new(ctx, backend_named(backend), &container) == 0);
        return container;
}

static struct edu edu_open(struct iommuctl_container *container, const char *address, int irq_kind)
{
        struct edu edu = { .irq_kind = irq_kind };
        void *map;

        CHECK(iommuctl_device_open(container, address, &edu.device) == 0);
        CHECK(iommuctl_region_open(edu.device, VFIO_PCI_BAR0_REGION_INDEX, &edu.bar) == 0);
        CHECK(iommuctl_region_map(edu.bar, 0, 0, &map) == 0);
        edu.registers = map;
        CHECK((iommuctl_mmio_read32(edu.registers) & 0xffff) == 0xed);
        if (irq_kind != NO_IRQ)
                CHECK(iommuctl_irq_new(edu.device, (unsigned int)irq_kind, 0, 1, &edu.irq) == 0);
        CHECK(iommuctl_device_set_bus_master(edu.device, true) == 0);
        return edu;
}

static void edu_close(struct edu *edu)
{
        iommuctl_irq_free(edu->irq);
        iommuctl_region_free(edu->bar);
        iommuctl_device_unref(edu->device);
}

static void edu_copy(struct edu *edu, uint64_t from, uint64_t to, uint64_t direction)
{
        uint64_t fired = 0;

        iommuctl_mmio_write64(edu->registers + 0x80, from);
        iommuctl_mmio_write64(edu->registers + 0x88, to);
        iommuctl_mmio_write64(edu->registers + 0x90, COPY_SIZE);
        iommuctl_mmio_write64(edu->registers + 0x98, 1 | direction | (edu->irq ? 4 : 0));
        if (!edu->irq) {
                while (iommuctl_mmio_read64(edu->registers + 0x98) & 1)
                        ;
                return;
        }
        CHECK(iommuctl_irq_wait(edu->irq, 0, 5000, &fired) == 0);
        CHECK(fired == 1);
        CHECK(iommuctl_mmio_read32(edu->registers + 0x24) == 0x100);
        iommuctl_mmio_write32(edu->registers + 0x64, 0x100);
        if (edu->irq_kind == IOMMUCTL_IRQ_INTX)
                CHECK(iommuctl_irq_unmask(edu->irq, 0) == 0);
        /* once for each DMA, not for ever */
        CHECK(iommuctl_irq_wait(edu->irq, 0, 50, NULL) == -ETIMEDOUT);
}

static void fill(unsigned char *memory, size_t size, unsigned int seed)
{
        for (size_t i = 0; i < size; i++)
                memory[i] = (unsigned char)(i * seed + i / 256 + seed);
}

static bool holds(const unsigned char *memory, size_t size, unsigned char value)
{
        for (size_t i = 0; i < size; i++)
                if (memory[i] != value)
                        return false;
        return true;
}

/* In and back out through a mapped buffer at IOVA whose memory is MEMORY. */
static void copy_both_ways(struct edu *edu, unsigned char *memory, uint64_t iova, unsigned int seed)
{
        fill(memory, COPY_SIZE, seed);
        memset(memory + COPY_SIZE, 0, COPY_SIZE);
        edu_copy(edu, iova, EDU_MEMORY, TO_DEVICE);
        edu_copy(edu, EDU_MEMORY, iova + COPY_SIZE, FROM_DEVICE);
        CHECK(memcmp(memory, memory + COPY_SIZE, COPY_SIZE) == 0);
}

/* Three pages, of which only the middle one will be mapped. */
static unsigned char *three_pages(void)
{
        void *map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        CHECK(map != MAP_FAILED);
        memset(map, 0x5a, 3 * PAGE);
        return map;
}

static struct iommuctl_dma *map_at(struct iommuctl_container *container, void *memory, uint64_t iova)
{
        struct iommuctl_dma_options options = { .struct_size = sizeof(options),
                                                .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                                .iova = iova };
        struct iommuctl_dma *dma;

        CHECK(iommuctl_dma_map(container, memory, PAGE, &options, &dma) == 0);
        CHECK(iommuctl_dma_span(dma).iova == iova);
        return dma;
}

static void round_trip(char **argv)
{
        struct iommuctl_container *container = new_container(argv[0]);
        struct edu edu = edu_open(container, argv[1],
                                  strcmp(argv[2], "msi") == 0 ? IOMMUCTL_IRQ_MSI : IOMMUCTL_IRQ_INTX);
        unsigned char *memory = three_pages();
        struct iommuctl_dma *dma = map_at(container, memory + PAGE, IOVA);

        CHECK(iommuctl_container_backend(container) == backend_named(argv[0]));
        copy_both_ways(&edu, memory + PAGE, IOVA, 7);
        copy_both_ways(&edu, memory + PAGE, IOVA, 13);
        CHECK(holds(memory, PAGE, 0x5a) && holds(memory + 2 * PAGE, PAGE, 0x5a));
        CHECK(iommuctl_dma_unmap(dma) == 0);
        edu_close(&edu);
        iommuctl_container_unref(container);
}

static void outside(char **argv)
{
        struct iommuctl_container *container = new_container(argv[0]);
        struct edu edu = edu_open(container, argv[1], IOMMUCTL_IRQ_MSI);
        unsigned char *memory = three_pages();
        struct iommuctl_dma *dma = map_at(container, memory + PAGE, IOVA);

        copy_both_ways(&edu, memory + PAGE, IOVA, 7);
        memset(memory, 0x5a, 3 * PAGE);
        edu_copy(&edu, EDU_MEMORY, IOVA + PAGE, FROM_DEVICE); /* the page behind, in memory too */
        edu_copy(&edu, EDU_MEMORY, IOVA - PAGE, FROM_DEVICE);
        CHECK(holds(memory, 3 * PAGE, 0x5a));
        copy_both_ways(&edu, memory + PAGE, IOVA, 13); /* the next one is as good as ever */
        CHECK(holds(memory, PAGE, 0x5a) && holds(memory + 2 * PAGE, PAGE, 0x5a));
        CHECK(iommuctl_dma_unmap(dma) == 0);
        edu_close(&edu);
        iommuctl_container_unref(container);
}

static void after_unmap(char **argv)
{
        struct iommuctl_container *container = new_container(argv[0]);
        struct edu edu = edu_open(container, argv[1], IOMMUCTL_IRQ_MSI);
        unsigned char *memory = three_pages();
        struct iommuctl_dma *dma = map_at(container, memory + PAGE, IOVA);

        copy_both_ways(&edu, memory + PAGE, IOVA, 7);
        CHECK(iommuctl_dma_unmap(dma) == 0);
        memset(memory, 0x5a, 3 * PAGE);
        edu_copy(&edu, EDU_MEMORY, IOVA, FROM_DEVICE);
        CHECK(holds(memory, 3 * PAGE, 0x5a));
        edu_copy(&edu, IOVA, EDU_MEMORY, TO_DEVICE);
        dma = map_at(container, memory + PAGE, IOVA); /* the same IOVA serves again */
        edu_copy(&edu, EDU_MEMORY, IOVA, FROM_DEVICE);
        /* what the device was to read there while nothing was mapped is not what it got */
        CHECK(!holds(memory + PAGE, COPY_SIZE, 0x5a));
        copy_both_ways(&edu, memory + PAGE, IOVA, 13);
        CHECK(iommuctl_dma_unmap(dma) == 0);
        edu_close(&edu);
        iommuctl_container_unref(container);
}

static void shared(char **argv)
{
        struct iommuctl_container *container = new_container(argv[0]);
        struct edu one = edu_open(container, argv[1], NO_IRQ), two = edu_open(container, argv[2], NO_IRQ);
        unsigned char *memory = three_pages();
        struct iommuctl_dma *dma = map_at(container, memory + PAGE, IOVA);

        CHECK(iommuctl_device_container(one.device) == container);
        CHECK(iommuctl_device_container(two.device) == container);
        CHECK(iommuctl_device_group(one.device) == iommuctl_device_group(two.device));
        CHECK(iommuctl_device_fd(one.device) != iommuctl_device_fd(two.device));
        copy_both_ways(&one, memory + PAGE, IOVA, 7);
        copy_both_ways(&two, memory + PAGE, IOVA, 13);
        /* what one device was told, the other writes out: one mapping, one memory */
        fill(memory + PAGE, COPY_SIZE, 29);
        edu_copy(&one, IOVA, EDU_MEMORY, TO_DEVICE);
        edu_close(&one);
        copy_both_ways(&two, memory + PAGE, IOVA, 31); /* and goes on when the other is closed */
        CHECK(iommuctl_dma_unmap(dma) == 0);
        edu_close(&two);
        iommuctl_container_unref(container);
}

static unsigned int open_fds(void)
{
        DIR *dir = opendir("/proc/self/fd");
        unsigned int n = 0;

        CHECK(dir);
        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

/* Memory that the kernel holds in place for this process: type1 counts it as locked, iommufd as pinned. */
static unsigned long held_kib(void)
{
        FILE *f = fopen("/proc/self/status", "re");
        unsigned long sum = 0, kib;
        char line[256];

        CHECK(f);
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "VmLck: %lu kB", &kib) == 1 || sscanf(line, "VmPin: %lu kB", &kib) == 1)
                        sum += kib;
        fclose(f);
        return sum;
}

struct handles {
        struct iommuctl_container *container;
        struct iommuctl_group *group;
        struct iommuctl_device *device;
        struct iommuctl_dma *dma;
};

static void close_one(struct handles *h, int which)
{
        switch (which) {
        case 0:
                iommuctl_container_unref(h->container);
                return;
        case 1:
                iommuctl_group_unref(h->group);
                return;
        case 2:
                iommuctl_device_unref(h->device);
                return;
        default:
                CHECK(iommuctl_dma_unmap(h->dma) == 0);
        }
}

static void close_in_order(const char *backend, const char *address, const int order[4])
{
        struct handles h = { .container = new_container(backend) };
        unsigned char *memory;

        CHECK(iommuctl_device_open(h.container, address, &h.device) == 0);
        h.group = iommuctl_group_ref(iommuctl_device_group(h.device));
        CHECK(!!h.group == (backend_named(backend) == IOMMUCTL_BACKEND_TYPE1));
        CHECK(iommuctl_dma_alloc(h.container, 16 * PAGE, NULL, &h.dma) == 0);
        memory = iommuctl_dma_span(h.dma).vaddr;
        memory[0] = 1;
        CHECK(held_kib() >= 16 * PAGE / 1024);
        for (int i = 0; i < 4; i++)
                close_one(&h, order[i]);
}

static void orders(char **argv)
{
        unsigned int fds, n = 0;

        /* what the library and libc keep from a first use is no leak */
        close_in_order(argv[0], argv[1], (const int[]){ 3, 2, 1, 0 });
        fds = open_fds();
        CHECK(held_kib() == 0);
        for (int a = 0; a < 4; a++)
                for (int b = 0; b < 4; b++)
                        for (int c = 0; c < 4; c++) {
                                if (a == b || a == c || b == c)
                                        continue;
                                close_in_order(argv[0], argv[1], (const int[]){ a, b, c, 6 - a - b - c });
                                CHECK(open_fds() == fds);
                                CHECK(held_kib() == 0);
                                n++;
                        }
        CHECK(n == 24);
}

static const struct {
        const char *name;
        int n_args;
        void (*run)(char **argv);
} checks[] = {
        { "round-trip", 3, round_trip }, { "outside", 2, outside }, { "after-unmap", 2, after_unmap },
        { "shared", 3, shared },         { "orders", 2, orders },
};

int main(int argc, char **argv)
{
        for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
                if (argc != checks[i].n_args + 2 || strcmp(argv[1], checks[i].name) != 0)
                        continue;
                CHECK(iommuctl_ctx_new(&ctx) == 0);
                checks[i].run(argv + 2);
                iommuctl_ctx_unref(ctx);
                return 0;
        }
        fprintf(stderr, "dma_check: wrong arguments\n");
        return 2;
}
