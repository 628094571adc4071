/* SPDX-License-Identifier: GPL-2.0-or-later */

/* iommuctl dma ranges: which addresses a device's buffers may have. */

#include <inttypes.h>
#include <stdlib.h>

#include "cli.h"
#include "dma_device.h"
#include "util/cleanup.h"

static void put_page_sizes(struct sink *out, uint64_t mask)
{
        char text[DMA_SIZE_TEXT];
        bool first = true;

        sink_begin_array(out, "page_sizes");
        sink_styled(out, STYLE_DIM, "page sizes  ");
        for (uint64_t rest = mask; rest; rest &= rest - 1) {
                uint64_t size = rest & -rest;

                sink_hex(out, NULL, size, 1);
                sink_text(out, "%s%s", first ? "" : ", ", dma_size_text(size, text));
                first = false;
        }
        sink_text(out, mask ? "\n" : "unknown\n");
        sink_end_array(out);
}

static void put_ranges(struct sink *out, const struct iommuctl_range *ranges, size_t n)
{
        char text[DMA_SIZE_TEXT];

        sink_begin_array(out, "ranges");
        for (size_t i = 0; i < n; i++) {
                uint64_t size = ranges[i].last - ranges[i].start + 1;

                sink_begin_object(out, NULL);
                sink_hex(out, "start", ranges[i].start, 1);
                sink_hex(out, "end", ranges[i].last, 1);
                sink_end_object(out);
                sink_cell(out, STYLE_DIM, i == 0 ? "ranges    " : "");
                sink_cell(out, STYLE_PLAIN, "0x%" PRIx64 "-0x%" PRIx64, ranges[i].start, ranges[i].last);
                /* all 64 bits: a size that has no number */
                sink_cell(out, STYLE_DIM, "%s", size ? dma_size_text(size, text) : "16 EiB");
                sink_end_row(out);
        }
        sink_table_end(out);
        sink_end_array(out);
}

static void put_mappings(struct sink *out, struct iommuctl_container *container)
{
        uint64_t max, available;
        bool have_max = iommuctl_container_max_mappings(container, &max);
        bool have_available = iommuctl_container_available_mappings(container, &available);

        if (have_max)
                sink_uint(out, "max_mappings", max);
        else
                sink_null(out, "max_mappings");
        if (have_available)
                sink_uint(out, "available_mappings", available);
        else
                sink_null(out, "available_mappings");
        sink_styled(out, STYLE_DIM, "mappings    ");
        if (have_max && have_available)
                sink_text(out, "%" PRIu64 " of %" PRIu64 " left\n", available, max);
        else if (have_max)
                sink_text(out, "up to %" PRIu64 "\n", max);
        else
                sink_text(out, "no limit known\n");
}

static int show_ranges(struct cli *cli, const struct dma_device *dev)
{
        const char *backend = iommuctl_backend_name(iommuctl_container_backend(dev->container));
        _cleanup_free_ struct iommuctl_range *ranges = NULL;
        int n;

        n = iommuctl_container_ranges(dev->container, &ranges);
        if (n < 0)
                return dma_error(cli, n);
        sink_begin_document(cli->out);
        sink_string(cli->out, "address", iommuctl_device_name(dev->device));
        sink_string(cli->out, "backend", backend);
        sink_styled(cli->out, STYLE_BOLD, "%s", iommuctl_device_name(dev->device));
        sink_text(cli->out, " by %s\n", backend);
        put_page_sizes(cli->out, iommuctl_container_page_sizes(dev->container));
        put_ranges(cli->out, ranges, (size_t)n);
        put_mappings(cli->out, dev->container);
        sink_end_object(cli->out);
        return EXIT_DONE;
}

static const struct cli_option options[] = {
        { "backend", DMA_OPTION_BACKEND, "NAME", DMA_BACKEND_HELP },
        { 0 },
};

static int run(struct cli *cli, int argc, char **argv)
{
        enum iommuctl_backend backend = IOMMUCTL_BACKEND_AUTO;
        struct dma_device dev = { 0 };
        const char *value;
        int id, status;

        while ((id = cli_option(cli, argc, argv, &value)) != -1) {
                if (id != DMA_OPTION_BACKEND)
                        return EXIT_USAGE;
                status = dma_parse_backend(cli, value, &backend);
                if (status != EXIT_DONE)
                        return status;
        }
        if (argc - optind != 1)
                return cli_usage_error(cli, argc == optind ? "which device?" : "one SELECTOR is wanted");
        status = dma_select(cli, argv[optind], &dev);
        if (status == EXIT_DONE)
                status = dma_open(cli, backend, &dev);
        if (status == EXIT_DONE)
                status = show_ranges(cli, &dev);
        dma_device_done(&dev);
        return status;
}

const struct command cmd_dma_ranges = {
        .name = "dma ranges",
        .arguments = "SELECTOR",
        .summary = "Show which I/O addresses a device's buffers may have",
        .description = "Opens the device, which must be bound to a VFIO driver, and asks the kernel: the "
                       "IOVA ranges\n"
                       "that can be mapped (what the IOMMU translates without what is reserved), the page "
                       "sizes of the\n"
                       "IOMMU, and how many mappings there may be. Opening resets the device where that can "
                       "be done.",
        .options = options,
        .needs_machine = true,
        .run = run,
};
