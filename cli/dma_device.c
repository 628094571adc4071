/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dma_device.h"

#include <inttypes.h>
#include <stdlib.h>

#include "selection.h"
#include "util/cleanup.h"

int dma_parse_backend(struct cli *cli, const char *text, enum iommuctl_backend *ret_backend)
{
        for (int b = IOMMUCTL_BACKEND_AUTO; b <= IOMMUCTL_BACKEND_TYPE1; b++)
                if (streq(text, iommuctl_backend_name((enum iommuctl_backend)b))) {
                        *ret_backend = (enum iommuctl_backend)b;
                        return EXIT_DONE;
                }
        return cli_usage_error(cli, "--backend takes auto, iommufd or type1, not '%s'", text);
}

int dma_select(struct cli *cli, const char *selector, struct dma_device *dev)
{
        int r = iommuctl_topology_new(cli->ctx, IOMMUCTL_READ_ALL, &dev->topology);

        if (r < 0)
                return cli_library_error(cli, r);
        return selection_one(cli, dev->topology, selector, &dev->info);
}

int dma_open(struct cli *cli, enum iommuctl_backend backend, struct dma_device *dev)
{
        int r;

        r = iommuctl_container_new(cli->ctx, backend, &dev->container);
        if (r == 0)
                r = iommuctl_device_open(dev->container, iommuctl_device_info_name(dev->info), &dev->device);
        return r < 0 ? dma_error(cli, r) : EXIT_DONE;
}

int dma_error(struct cli *cli, int r)
{
        return cli_library_error_as(cli, r == -EPERM || r == -EINVAL ? EXIT_FAILED : cli_status(r), r);
}

void dma_device_done(struct dma_device *dev)
{
        dev->device = iommuctl_device_unref(dev->device);
        dev->container = iommuctl_container_unref(dev->container);
        iommuctl_topology_free(dev->topology);
        dev->topology = NULL;
        dev->info = NULL;
}

const char *dma_size_text(uint64_t size, char text[DMA_SIZE_TEXT])
{
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
        size_t unit = 0;

        while (unit + 1 < ARRAY_SIZE(units) && size > 0 && size % 1024 == 0) {
                size /= 1024;
                unit++;
        }
        snprintf(text, DMA_SIZE_TEXT, "%" PRIu64 " %s", size, units[unit]);
        return text;
}
