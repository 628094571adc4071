/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opening through libiommuctl. The order: devices join the container, memory is mapped in it, rings and bus
 * mastering last; and backwards. */

#include "port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VENDOR_INTEL 0x8086
#define DEVICE_82574 0x10d3
#define HUGE_PAGE    (2u << 20)
#define SPARE        256 /* buffers beyond what rings hold: bursts that are on their way */

static int failed(struct ports *ports, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int failed(struct ports *ports, int r, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(ports->error, sizeof(ports->error), format, arguments);
        va_end(arguments);
        return r;
}

/* The library's own text of what failed. */
static int library_failed(struct ports *ports, int r)
{
        if (!ports->ctx || !iommuctl_ctx_error(ports->ctx, ports->error, sizeof(ports->error)))
                return failed(ports, r, "%s", strerror(-r));
        return r;
}

static int open_devices(struct ports *ports, const char *const *addresses, unsigned int n,
                        enum iommuctl_backend backend)
{
        int r;

        if (n == 0) {
                r = iommuctl_adopt(ports->ctx, IOMMUCTL_ADOPT_UNSET_ENVIRONMENT, &ports->adopted);
                if (r == -ENOENT)
                        return failed(ports, -EINVAL,
                                      "no ADDRESS, and `iommuctl dma map` has handed nothing over");
                if (r < 0)
                        return library_failed(ports, r);
                ports->container = iommuctl_container_ref(iommuctl_adopted_container(ports->adopted));
                ports->devices[0] = iommuctl_device_ref(iommuctl_adopted_device(ports->adopted));
                ports->n = 1;
                return 0;
        }
        r = iommuctl_container_new(ports->ctx, backend, &ports->container);
        for (unsigned int i = 0; r == 0 && i < n; i++) {
                r = iommuctl_device_open(ports->container, addresses[i], &ports->devices[i]);
                ports->n += r == 0;
        }
        if (r == 0 && n == 2 && ports->devices[0] == ports->devices[1])
                return failed(ports, -EINVAL, "%s and %s are the same card", addresses[0], addresses[1]);
        return r < 0 ? library_failed(ports, r) : 0;
}

static int check_ids(struct ports *ports, struct iommuctl_device *device)
{
        struct iommuctl_pci_ids ids;
        int r = iommuctl_device_pci_ids(device, &ids);

        if (r < 0)
                return library_failed(ports, r);
        if (ids.vendor != VENDOR_INTEL || ids.device != DEVICE_82574)
                return failed(ports, -ENXIO, "%s is %04x:%04x and no Intel 82574L (8086:10d3)",
                              iommuctl_device_name(device), ids.vendor, ids.device);
        return 0;
}

/* 2 MiB pages where there are some: one entry of the IOMMU's tables for all of it. */
static int make_memory(struct ports *ports, size_t size)
{
        struct iommuctl_dma_options options = {
                .struct_size = sizeof(options),
                .page_size = HUGE_PAGE,
                .name = "e1000e",
        };
        int r;

        if (ports->adopted) {
                ports->dma = iommuctl_adopted_find_buffer(ports->adopted, "dma");
                if (!ports->dma)
                        return failed(ports, -ENOENT,
                                      "no buffer named dma was handed over: --buffer dma:%zuK",
                                      (size + 1023) >> 10);
                if (iommuctl_dma_span(ports->dma).size < size)
                        return failed(ports, -ENOMEM, "the buffer dma has %zu KiB, %zu are needed",
                                      iommuctl_dma_span(ports->dma).size >> 10, (size + 1023) >> 10);
                return 0;
        }
        r = iommuctl_dma_alloc(ports->container, size, &options, &ports->dma);
        if (r < 0) {
                options.page_size = 0;
                r = iommuctl_dma_alloc(ports->container, (size + 4095) & ~(size_t)4095, &options,
                                       &ports->dma);
        }
        return r < 0 ? library_failed(ports, r) : 0;
}

int ports_open(struct ports *ports, const char *const *addresses, unsigned int n,
               enum iommuctl_backend backend, const struct e1000e_options *options)
{
        size_t rings;
        int r = iommuctl_ctx_new(&ports->ctx);

        if (r < 0)
                return library_failed(ports, r);
        r = open_devices(ports, addresses, n, backend);
        for (unsigned int i = 0; r == 0 && i < ports->n; i++)
                r = check_ids(ports, ports->devices[i]);
        for (unsigned int i = 0; r == 0 && i < ports->n; i++) {
                const char *why;

                r = e1000e_open(ports->devices[i], options, &ports->cards[i], &why);
                if (r < 0 && why)
                        return failed(ports, r, "%s: %s", iommuctl_device_name(ports->devices[i]), why);
                if (r < 0)
                        return library_failed(ports, r);
        }
        if (r < 0)
                return r;
        rings = ports->n * e1000e_ring_bytes(options);
        r = make_memory(ports, rings + (ports->n * 2 * options->ring_size + SPARE) * (size_t)BUFFER_SIZE);
        if (r == 0 && buffers_new(&ports->buffers, ports->dma, rings) < 0)
                return failed(ports, -ENOMEM, "no memory");
        return r;
}

int ports_start(struct ports *ports)
{
        for (unsigned int i = 0; i < ports->n; i++) {
                int r = e1000e_start(ports->cards[i], &ports->buffers);

                if (r < 0)
                        return library_failed(ports, r);
        }
        return 0;
}

void ports_close(struct ports *ports)
{
        for (unsigned int i = 0; i < ports->n; i++) {
                if (ports->cards[i])
                        e1000e_stop(ports->cards[i]);
        }
        for (unsigned int i = 0; i < ports->n; i++) {
                e1000e_close(ports->cards[i]);
                iommuctl_device_unref(ports->devices[i]);
        }
        buffers_free(&ports->buffers);
        if (!ports->adopted)
                iommuctl_dma_unmap(ports->dma);
        iommuctl_adopted_free(ports->adopted);
        iommuctl_container_unref(ports->container);
        iommuctl_ctx_unref(ports->ctx);
        memset(ports, 0, sizeof(*ports));
}
