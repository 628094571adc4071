/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A whole driver in user space: QEMU's teaching device "edu" (docs/specs/edu in QEMU's manual) copies a
 * buffer into its own memory and back out, and says by interrupt when it has.
 *
 *     cc -o edu edu.c $(pkg-config --cflags --libs libiommuctl)
 *     iommuctl bind 00:04.0
 *     ./edu 00:04.0
 *
 * Started by iommuctl it needs no privilege: the device and a buffer are handed to it.
 *
 *     iommuctl dma map 00:04.0 --buffer copy:8K,iova=0x100000 -- setpriv --reuid=nobody --clear-groups ./edu
 * --adopt
 */

#include <errno.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

/* Registers in BAR 0, and what is behind them. */
enum {
        EDU_IDENTIFICATION = 0x00, /* 0xRRrr00ed */
        EDU_IRQ_STATUS = 0x24,
        EDU_IRQ_ACKNOWLEDGE = 0x64,
        EDU_DMA_SOURCE = 0x80,
        EDU_DMA_DESTINATION = 0x88,
        EDU_DMA_COUNT = 0x90,
        EDU_DMA_COMMAND = 0x98, /* 1: start, 2: out of the device, 4: interrupt when done */

        EDU_MEMORY = 0x40000, /* 4 KiB of the device's own, as its DMA engine numbers them */
        EDU_DMA_BITS = 28,    /* it drops the address bits above, unless QEMU was told another dma_mask */
        COPY_SIZE = 2048,
};

struct edu {
        struct iommuctl_ctx *ctx;
        struct iommuctl_container *container;
        struct iommuctl_device *device;
        struct iommuctl_adopted *adopted; /* NULL: opened by ourselves */
        struct iommuctl_dma *dma;
        struct iommuctl_region *bar;
        struct iommuctl_irq *irq;
        unsigned int irq_kind;
        char *registers;
};

static int open_by_name(struct edu *edu, const char *name, enum iommuctl_backend backend)
{
        struct iommuctl_dma_options options = { .struct_size = sizeof(options),
                                                .name = "copy",
                                                .iova_limit = (UINT64_C(1) << EDU_DMA_BITS) - 1 };
        int r;

        r = iommuctl_container_new(edu->ctx, backend, &edu->container);
        if (r == 0)
                r = iommuctl_device_open(edu->container, name, &edu->device);
        if (r == 0)
                r = iommuctl_dma_alloc(edu->container, 2 * COPY_SIZE, &options, &edu->dma);
        return r;
}

static int adopt(struct edu *edu)
{
        int r = iommuctl_adopt(edu->ctx, IOMMUCTL_ADOPT_UNSET_ENVIRONMENT, &edu->adopted);

        if (r < 0)
                return r;
        edu->container = iommuctl_container_ref(iommuctl_adopted_container(edu->adopted));
        edu->device = iommuctl_device_ref(iommuctl_adopted_device(edu->adopted));
        edu->dma = iommuctl_adopted_find_buffer(edu->adopted, "copy");
        return edu->dma ? 0 : -ENOENT;
}

/* Registers, interrupt, and leave to do DMA, in this order: MSI is DMA too. */
static int start(struct edu *edu)
{
        void *map;
        int r;

        r = iommuctl_region_open(edu->device, VFIO_PCI_BAR0_REGION_INDEX, &edu->bar);
        if (r == 0)
                r = iommuctl_region_map(edu->bar, 0, 0, &map);
        if (r < 0)
                return r;
        edu->registers = map;
        if ((iommuctl_mmio_read32(edu->registers + EDU_IDENTIFICATION) & 0xffff) != 0x00ed)
                return -ENXIO;
        edu->irq_kind = iommuctl_irq_vectors(edu->device, IOMMUCTL_IRQ_MSI) > 0 ? IOMMUCTL_IRQ_MSI
                                                                                : IOMMUCTL_IRQ_INTX;
        r = iommuctl_irq_new(edu->device, edu->irq_kind, 0, 1, &edu->irq);
        return r < 0 ? r : iommuctl_device_set_bus_master(edu->device, true);
}

static int copy(struct edu *edu, uint64_t from, uint64_t to, uint64_t direction)
{
        int r;

        iommuctl_mmio_write64(edu->registers + EDU_DMA_SOURCE, from);
        iommuctl_mmio_write64(edu->registers + EDU_DMA_DESTINATION, to);
        iommuctl_mmio_write64(edu->registers + EDU_DMA_COUNT, COPY_SIZE);
        iommuctl_mmio_write64(edu->registers + EDU_DMA_COMMAND, 1 | direction | 4);
        r = iommuctl_irq_wait(edu->irq, 0, 5000, NULL);
        if (r < 0)
                return r;
        iommuctl_mmio_write32(edu->registers + EDU_IRQ_ACKNOWLEDGE,
                              iommuctl_mmio_read32(edu->registers + EDU_IRQ_STATUS));
        /* a level interrupt was masked when it fired */
        return edu->irq_kind == IOMMUCTL_IRQ_INTX ? iommuctl_irq_unmask(edu->irq, 0) : 0;
}

static int round_trip(struct edu *edu)
{
        struct iommuctl_span span = iommuctl_dma_span(edu->dma);
        unsigned char *out = span.vaddr, *back = out + COPY_SIZE;
        int r;

        if (span.size < 2 * COPY_SIZE || span.iova + span.size > UINT64_C(1) << EDU_DMA_BITS)
                return -ERANGE;
        for (int i = 0; i < COPY_SIZE; i++)
                out[i] = (unsigned char)(i * 7 + i / 256);
        memset(back, 0, COPY_SIZE);
        r = copy(edu, span.iova, EDU_MEMORY, 0);
        if (r == 0)
                r = copy(edu, EDU_MEMORY, span.iova + COPY_SIZE, 2);
        if (r < 0)
                return r;
        return memcmp(out, back, COPY_SIZE) == 0 ? 0 : -EBADMSG;
}

/* In reverse; each of these takes NULL, so it serves however far we came. */
static void done(struct edu *edu)
{
        iommuctl_irq_free(edu->irq);
        iommuctl_region_free(edu->bar);
        if (!edu->adopted)
                iommuctl_dma_unmap(edu->dma);
        iommuctl_adopted_free(edu->adopted);
        iommuctl_device_unref(edu->device);
        iommuctl_container_unref(edu->container);
        iommuctl_ctx_unref(edu->ctx);
}

int main(int argc, char **argv)
{
        enum iommuctl_backend backend = IOMMUCTL_BACKEND_AUTO;
        const char *name = argc > 1 ? argv[argc - 1] : "--help";
        struct edu edu = { 0 };
        char text[512];
        int r;

        if (argc == 3 && strcmp(argv[1], "--backend=iommufd") == 0)
                backend = IOMMUCTL_BACKEND_IOMMUFD;
        else if (argc == 3 && strcmp(argv[1], "--backend=type1") == 0)
                backend = IOMMUCTL_BACKEND_TYPE1;
        else if (argc != 2 || strcmp(name, "--help") == 0)
                return fprintf(stderr, "usage: edu [--backend=iommufd|type1] ADDRESS | edu --adopt\n"), 2;
        r = iommuctl_ctx_new(&edu.ctx);
        if (r < 0)
                return fprintf(stderr, "edu: %s\n", strerror(-r)), 1;
        r = strcmp(name, "--adopt") == 0 ? adopt(&edu) : open_by_name(&edu, name, backend);
        if (r == 0)
                r = start(&edu);
        if (r == 0)
                r = round_trip(&edu);
        if (r == 0)
                printf("%s: %d bytes in and back out by %s, iova 0x%llx, interrupt by %s\n",
                       iommuctl_device_name(edu.device), COPY_SIZE,
                       iommuctl_backend_name(iommuctl_container_backend(edu.container)),
                       (unsigned long long)iommuctl_dma_span(edu.dma).iova,
                       edu.irq_kind == IOMMUCTL_IRQ_MSI ? "MSI" : "INTx");
        else
                fprintf(stderr, "edu: %s\n",
                        iommuctl_ctx_error(edu.ctx, text, sizeof(text)) ? text : strerror(-r));
        done(&edu);
        return r == 0 ? 0 : 1;
}
