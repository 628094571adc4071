/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A whole driver in user space: QEMU's teaching device "edu" (docs/specs/edu in QEMU's manual) copies a
 * buffer into its own memory and back out, and says by interrupt when it has.
 *
 *     cc -o edu edu.c $(pkg-config --cflags --libs libiommuctl)
 *     iommuctl bind 00:04.0
 *     ./edu 00:04.0            or, without any privilege, with the device and a buffer handed to it:
 *     iommuctl dma map 00:04.0 --buffer copy:8K,iova=0x100000 -- setpriv --reuid=nobody --clear-groups ./edu
 */

#include <errno.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

enum {
        EDU_IDENTIFICATION = 0x00, /* registers in BAR 0: 0xRRrr00ed */
        EDU_IRQ_STATUS = 0x24,
        EDU_IRQ_ACKNOWLEDGE = 0x64,
        EDU_DMA_SOURCE = 0x80,
        EDU_DMA_DESTINATION = 0x88,
        EDU_DMA_COUNT = 0x90,
        EDU_DMA_COMMAND = 0x98, /* 1: start, 2: out of the device, 4: interrupt when done */
        EDU_MEMORY = 0x40000,   /* 4 KiB of the device's own, as its DMA engine numbers them */
        COPY_SIZE = 2048,
};
#define EDU_IOVA_LAST ((UINT64_C(1) << 28) - 1) /* it drops the address bits above */

static int copy(char *registers, struct iommuctl_irq *irq, uint64_t from, uint64_t to, uint64_t direction)
{
        int r;

        iommuctl_mmio_write64(registers + EDU_DMA_SOURCE, from);
        iommuctl_mmio_write64(registers + EDU_DMA_DESTINATION, to);
        iommuctl_mmio_write64(registers + EDU_DMA_COUNT, COPY_SIZE);
        iommuctl_mmio_write64(registers + EDU_DMA_COMMAND, 1 | direction | 4);
        r = iommuctl_irq_wait(irq, 0, 5000, NULL);
        iommuctl_mmio_write32(registers + EDU_IRQ_ACKNOWLEDGE,
                              iommuctl_mmio_read32(registers + EDU_IRQ_STATUS));
        return r;
}

/* Registers, interrupt, and leave to do DMA, in this order: MSI is DMA too. */
static int drive(struct iommuctl_device *device, struct iommuctl_dma *dma)
{
        struct iommuctl_span span = iommuctl_dma_span(dma);
        unsigned char *out = span.vaddr, *back = out + COPY_SIZE;
        struct iommuctl_region *bar = NULL;
        struct iommuctl_irq *irq = NULL;
        void *registers;
        int r;

        if (span.size < 2 * COPY_SIZE || span.iova + span.size - 1 > EDU_IOVA_LAST)
                return -ERANGE;
        for (int i = 0; i < COPY_SIZE; i++)
                out[i] = (unsigned char)(i * 7 + i / 256);
        memset(back, 0, COPY_SIZE);

        r = iommuctl_region_open(device, VFIO_PCI_BAR0_REGION_INDEX, &bar);
        if (r == 0)
                r = iommuctl_region_map(bar, 0, 0, &registers);
        if (r == 0 && (iommuctl_mmio_read32(registers) & 0xffff) != 0x00ed)
                r = -ENXIO;
        if (r == 0)
                r = iommuctl_irq_new(device, IOMMUCTL_IRQ_MSI, 0, 1, &irq);
        if (r == 0)
                r = iommuctl_device_set_bus_master(device, true);
        if (r == 0)
                r = copy(registers, irq, span.iova, EDU_MEMORY, 0);
        if (r == 0)
                r = copy(registers, irq, EDU_MEMORY, span.iova + COPY_SIZE, 2);
        if (r == 0 && memcmp(out, back, COPY_SIZE) != 0)
                r = -EBADMSG;
        iommuctl_irq_free(irq);
        iommuctl_region_free(bar);
        return r;
}

/* The device, and a buffer where it can reach, by our own means or as they were handed to us. */
static int open_device(struct iommuctl_ctx *ctx, char **argv, struct iommuctl_device **device,
                       struct iommuctl_dma **dma, struct iommuctl_adopted **adopted)
{
        struct iommuctl_dma_options options = { .struct_size = sizeof(options), .iova_limit = EDU_IOVA_LAST };
        struct iommuctl_container *container;
        int r;

        if (!argv[1]) {
                r = iommuctl_adopt(ctx, IOMMUCTL_ADOPT_UNSET_ENVIRONMENT, adopted);
                if (r < 0)
                        return r;
                *device = iommuctl_device_ref(iommuctl_adopted_device(*adopted));
                *dma = iommuctl_adopted_find_buffer(*adopted, "copy");
                return *dma ? 0 : -ENOENT;
        }
        r = iommuctl_container_new(ctx,
                                   !argv[2]                    ? IOMMUCTL_BACKEND_AUTO
                                   : !strcmp(argv[2], "type1") ? IOMMUCTL_BACKEND_TYPE1
                                                               : IOMMUCTL_BACKEND_IOMMUFD,
                                   &container);
        if (r < 0)
                return r;
        r = iommuctl_device_open(container, argv[1], device);
        if (r == 0)
                r = iommuctl_dma_alloc(container, 2 * COPY_SIZE, &options, dma);
        iommuctl_container_unref(container); /* device and buffer keep it */
        return r;
}

int main(int argc, char **argv)
{
        struct iommuctl_adopted *adopted = NULL;
        struct iommuctl_device *device = NULL;
        struct iommuctl_ctx *ctx = NULL;
        struct iommuctl_dma *dma = NULL;
        char text[512] = "";
        int r;

        if (argc > 3 || (argc > 1 && argv[1][0] == '-'))
                return fprintf(stderr, "usage: edu [ADDRESS [iommufd|type1]]\n"), 2;
        r = iommuctl_ctx_new(&ctx);
        if (r == 0)
                r = open_device(ctx, argv, &device, &dma, &adopted);
        if (r == 0)
                r = drive(device, dma);
        if (r == 0)
                printf("%s: %d bytes in and back out by %s, iova 0x%llx, interrupt by MSI\n",
                       iommuctl_device_name(device), COPY_SIZE,
                       iommuctl_backend_name(iommuctl_container_backend(iommuctl_device_container(device))),
                       (unsigned long long)iommuctl_dma_span(dma).iova);
        else
                fprintf(stderr, "edu: %s\n",
                        adopted && !dma ? "no buffer named copy was handed over: --buffer copy:8K"
                        : ctx && iommuctl_ctx_error(ctx, text, sizeof(text)) ? text
                                                                             : strerror(-r));

        if (!adopted)
                iommuctl_dma_unmap(dma); /* each of these takes NULL */
        iommuctl_adopted_free(adopted);
        iommuctl_device_unref(device);
        iommuctl_ctx_unref(ctx);
        return r == 0 ? 0 : 1;
}
