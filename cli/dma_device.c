/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dma_device.h"

#include <inttypes.h>
#include <stdlib.h>

#include "util/cleanup.h"

int dma_parse_backend(struct cli *cli, const char *text, enum iommuctl_backend *ret_backend)
{
        for (int b = IOMMUCTL_BACKEND_AUTO; iommuctl_backend_name((enum iommuctl_backend)b); b++)
                if (streq(text, iommuctl_backend_name((enum iommuctl_backend)b))) {
                        *ret_backend = (enum iommuctl_backend)b;
                        return EXIT_DONE;
                }
        return cli_usage_error(cli, "--backend takes auto, iommufd or type1, not '%s'", text);
}

/* One device is wanted; names those that there are. */
static int say_several(struct cli *cli, const char *selector, const struct iommuctl_device_info **devices)
{
        char names[512] = "";
        size_t n = 0;

        for (; devices[n]; n++) {
                size_t used = strlen(names);

                snprintf(names + used, sizeof(names) - used, "%s%s", n ? ", " : "",
                         iommuctl_device_info_name(devices[n]));
        }
        return cli_error(cli, EXIT_USAGE, -ENOTUNIQ, NULL, "'%s' means %zu devices, one is wanted: %s",
                         selector, n, names);
}

int dma_select(struct cli *cli, const char *selector, struct dma_device *dev)
{
        _cleanup_free_ const struct iommuctl_device_info **devices = NULL;
        int r;

        r = iommuctl_topology_new(cli->ctx, IOMMUCTL_READ_ALL, &dev->topology);
        if (r == 0)
                r = iommuctl_topology_select(dev->topology, selector, &devices);
        if (r < 0)
                return cli_library_error(cli, r);
        if (r > 1)
                return say_several(cli, selector, devices);
        dev->info = devices[0];
        return EXIT_DONE;
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
