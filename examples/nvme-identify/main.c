/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A driver of NVMe controllers in user space: who it is, what its namespaces are, and a block in or out.
 *
 *     cc -o nvme-identify *.c $(pkg-config --cflags --libs libiommuctl)
 *     iommuctl bind 00:05.0
 *     nvme-identify 00:05.0        or, without any privilege, with the device and memory handed to it:
 *     iommuctl dma map 00:05.0 --buffer memory:20K -- setpriv --reuid=nobody --clear-groups nvme-identify
 *
 * Reading is all it does unless it is told to write. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nvme.h"
#include "options.h"

#define CLASS_NVME 0x010802 /* mass storage, non-volatile memory, NVMe (PCI Code and ID Assignment, 1.9) */

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
        stop = signal;
}

/* What is to be held while the controller is driven. */
struct hold {
        struct iommuctl_ctx *ctx;
        struct iommuctl_adopted *adopted;
        struct iommuctl_device *device;
        struct iommuctl_dma *dma;
};

static int open_device(struct nvme *nvme, const struct options *options, struct hold *hold)
{
        struct iommuctl_dma_options memory = { .struct_size = sizeof(memory), .name = "memory" };
        struct iommuctl_container *container;
        int r;

        if (!options->address) {
                r = iommuctl_adopt(hold->ctx, IOMMUCTL_ADOPT_UNSET_ENVIRONMENT, &hold->adopted);
                if (r == -ENOENT)
                        return nvme_error(nvme, -EDESTADDRREQ,
                                          "no ADDRESS, and 'iommuctl dma map' has handed nothing over");
                if (r < 0)
                        return r;
                hold->device = iommuctl_device_ref(iommuctl_adopted_device(hold->adopted));
                hold->dma = iommuctl_adopted_find_buffer(hold->adopted, "memory");
                return 0;
        }
        r = iommuctl_container_new(hold->ctx, options->backend, &container);
        if (r < 0)
                return r;
        r = iommuctl_device_open(container, options->address, &hold->device);
        if (r == 0)
                r = iommuctl_dma_alloc(container, NVME_MEMORY, &memory, &hold->dma);
        iommuctl_container_unref(container); /* device and buffer keep it */
        return r;
}

static int take(struct nvme *nvme, const struct hold *hold)
{
        struct iommuctl_pci_ids ids;
        int r;

        nvme->device = hold->device;
        nvme->name = iommuctl_device_name(hold->device);
        r = iommuctl_device_pci_ids(hold->device, &ids);
        if (r < 0)
                return r;
        if (ids.class_code != CLASS_NVME)
                return nvme_error(nvme, -ENXIO, "this is no NVMe controller: its class is 0x%06x, %04x:%04x",
                                  ids.class_code, ids.vendor, ids.device);
        if (!hold->dma || iommuctl_dma_span(hold->dma).size < NVME_MEMORY)
                return nvme_error(nvme, -ENOENT, "a buffer 'memory' of %d bytes has to be handed over",
                                  NVME_MEMORY);
        nvme->memory = iommuctl_dma_span(hold->dma);
        return 0;
}

static int show_namespace(struct nvme *nvme, uint32_t nsid)
{
        static const char units[] = "KMGTPE";
        struct nvme_namespace ns;
        double size;
        size_t unit = 0;
        int r = nvme_identify_namespace(nvme, nsid, &ns);

        if (r < 0)
                return r;
        for (size = (double)ns.n_blocks * ns.block_size / 1024; size >= 1024 && units[unit + 1]; unit++)
                size /= 1024;
        printf("namespace %-3u %.4g %ciB: %llu blocks of %u bytes", nsid, size, units[unit],
               (unsigned long long)ns.n_blocks, ns.block_size);
        if (ns.metadata_size > 0)
                printf(" and %u of metadata", ns.metadata_size);
        putchar('\n');
        return 0;
}

static int show(struct nvme *nvme, struct iommuctl_device *device)
{
        struct nvme_controller controller;
        uint32_t nsid = 0;
        int r = nvme_identify_controller(nvme, &controller);

        if (r < 0)
                return r;
        printf("controller    %s, NVMe %u.%u, by %s, %s%s\n", nvme->name, nvme->version >> 16,
               nvme->version >> 8 & 0xff,
               iommuctl_backend_name(iommuctl_container_backend(iommuctl_device_container(device))),
               nvme->irq ? "interrupt by " : "", nvme->irq_name);
        printf("model         %s\nserial        %s\nfirmware      %s\n", controller.model, controller.serial,
               controller.firmware);
        while (r == 0 && (r = nvme_next_namespace(nvme, nsid, &nsid)) == 0 && nsid != 0)
                r = show_namespace(nvme, nsid);
        return r;
}

/* The three that touch a block. */
static int do_block(struct nvme *nvme, const struct options *options)
{
        unsigned char block[NVME_PAGE];
        struct nvme_namespace ns;
        uint32_t nsid = options->nsid;
        int r = 0;

        if (nsid == 0)
                r = nvme_next_namespace(nvme, 0, &nsid);
        if (r == 0 && nsid == 0)
                return nvme_error(nvme, -ENXIO, "it has no namespace");
        if (r == 0)
                r = nvme_identify_namespace(nvme, nsid, &ns);
        if (r == 0)
                r = nvme_create_io_queues(nvme);
        if (r < 0)
                return r;
        if (options->job == WRITE_TEST)
                r = nvme_write_test(nvme, &ns, options->lba);
        if (options->job == READ && (r = nvme_read_block(nvme, &ns, options->lba, block)) == 0)
                fwrite(block, 1, ns.block_size, stdout);
        if (options->job == WRITE) {
                if (ns.block_size > sizeof(block) || fread(block, 1, ns.block_size, stdin) != ns.block_size)
                        return stop ? -EINTR
                                    : nvme_error(nvme, -ENODATA,
                                                 "standard input ended before a block of %u bytes",
                                                 ns.block_size);
                r = nvme_write_verified(nvme, &ns, options->lba, block);
        }
        if (r == 0 && options->job != READ)
                printf("block %llu of namespace %u: %u bytes written and read back%s\n",
                       (unsigned long long)options->lba, nsid, ns.block_size,
                       options->job == WRITE_TEST ? "; what was there before is there again" : "");
        return r;
}

static int report(const struct nvme *nvme, struct iommuctl_ctx *ctx, int r)
{
        char text[512] = "";

        if (nvme->error[0])
                fprintf(stderr, "nvme-identify: %s%s%s\n", nvme->name ?: "", nvme->name ? ": " : "",
                        nvme->error);
        else
                fprintf(stderr, "nvme-identify: %s\n",
                        ctx && iommuctl_ctx_error(ctx, text, sizeof(text)) ? text : strerror(-r));
        switch (r) {
        case -EDESTADDRREQ:
                return 2;
        case -ENODEV:
                return 4;
        case -EACCES:
        case -EPERM:
                return 5;
        case -ETIMEDOUT:
                return 6;
        default:
                return 1;
        }
}

/* Those that end a program, but for what whoever started it wants ignored (nohup). A reader that went away is
 * a write error, and no end with the controller enabled. */
static void catch_signals(void)
{
        static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
        struct sigaction action = { .sa_handler = on_signal }, before;

        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
                        sigaction(numbers[i], &action, NULL);
        signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
        struct options options = { .backend = IOMMUCTL_BACKEND_AUTO };
        struct nvme nvme = { .stop = &stop };
        struct hold hold = {};
        int r, stopped, result;

        r = options_parse(argc, argv, &options);
        if (r != 0)
                return r > 0 ? r : fflush(stdout) != 0;
        catch_signals();

        r = iommuctl_ctx_new(&hold.ctx);
        if (r == 0)
                r = open_device(&nvme, &options, &hold);
        if (r == 0)
                r = take(&nvme, &hold);
        if (r == 0)
                r = nvme_start(&nvme, options.poll);
        if (r == 0)
                r = options.job == IDENTIFY ? show(&nvme, hold.device) : do_block(&nvme, &options);
        stopped = nvme_stop(&nvme);
        r = r ?: stopped;
        if (fflush(stdout) != 0 && r == 0)
                r = nvme_error(&nvme, -errno, "cannot write to standard output: %s", strerror(errno));
        if (ferror(stdout) && r == 0) /* a write before the last one */
                r = nvme_error(&nvme, -EIO, "cannot write all of it to standard output");
        result = r < 0 && !(stop && r == -EINTR) ? report(&nvme, hold.ctx, r) : 0;

        if (!hold.adopted)
                iommuctl_dma_unmap(hold.dma); /* each of these takes NULL */
        iommuctl_adopted_free(hold.adopted);
        iommuctl_device_unref(hold.device);
        iommuctl_ctx_unref(hold.ctx);
        if (stop) {
                signal(stop, SIG_DFL);
                raise(stop);
        }
        return result;
}
