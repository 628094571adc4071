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
#define PAGE         4096
#define SPARE        256 /* buffers beyond what the cards hold: bursts that are on their way */
#define CACHE        256 /* what this thread has of them at hand */

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
                        return failed(ports, -EDESTADDRREQ,
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
                return failed(ports, -EDESTADDRREQ, "%s and %s are the same card", addresses[0],
                              addresses[1]);
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

/* 2 MiB pages where there are some: few entries of the IOMMU's tables for all of it. */
static int make_pool(struct ports *ports, struct iommuctl_pool_options *options)
{
        struct iommuctl_dma *dma;
        int r;

        if (!ports->adopted) {
                options->page_size = HUGE_PAGE;
                r = iommuctl_pool_new(ports->container, options, &ports->pool);
                if (r == 0)
                        return 0;
                options->page_size = 0;
                return iommuctl_pool_new(ports->container, options, &ports->pool);
        }
        dma = iommuctl_adopted_find_buffer(ports->adopted, "dma");
        if (!dma)
                return failed(ports, -ENOENT, "no buffer named dma was handed over: --buffer dma:%zuK",
                              (options->count * options->size + 1023) >> 10);
        /* Who had it before may have left anything in it. */
        memset(iommuctl_dma_span(dma).vaddr, 0, iommuctl_dma_span(dma).size);
        return iommuctl_pool_new_in(dma, options, &ports->pool);
}

static int make_memory(struct ports *ports, bool check, const struct e1000e_options *card)
{
        struct iommuctl_pool_options options = {
                .struct_size = sizeof(options),
                .cache = CACHE,
                .flags = check ? IOMMUCTL_POOL_DEBUG : 0,
                .name = "e1000e",
        };
        int r;

        e1000e_pool_needs(card, &options.size, &options.count);
        options.count = ports->n * options.count + SPARE;
        /* No frame crosses a page: cards need one transfer less for it, and QEMU's sends none whose pages do
         * not lie together (net_tx_pkt_add_raw_fragment()). */
        options.align = options.size < PAGE ? options.size : PAGE;
        r = make_pool(ports, &options);
        if (r == 0)
                r = iommuctl_pool_cache_new(ports->pool, &ports->cache);
        return r < 0 && !*ports->error ? library_failed(ports, r) : r;
}

int ports_open(struct ports *ports, const char *const *addresses, unsigned int n,
               enum iommuctl_backend backend, bool check, const struct e1000e_options *options)
{
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
        return r < 0 ? r : make_memory(ports, check, options);
}

int ports_start(struct ports *ports)
{
        for (unsigned int i = 0; i < ports->n; i++) {
                int r = e1000e_start(ports->cards[i], ports->cache);

                if (r < 0)
                        return library_failed(ports, r);
        }
        return 0;
}

int ports_close(struct ports *ports)
{
        int r = 0;

        for (unsigned int i = 0; i < ports->n; i++) {
                if (ports->cards[i])
                        e1000e_stop(ports->cards[i]);
        }
        for (unsigned int i = 0; i < ports->n; i++) {
                e1000e_close(ports->cards[i]);
                iommuctl_device_unref(ports->devices[i]);
        }
        iommuctl_pool_cache_free(ports->cache);
        if (ports->pool) {
                r = iommuctl_pool_errors(ports->pool) ? -EFAULT : 0;
                if (r == 0)
                        r = iommuctl_pool_free(ports->pool);
                if (r < 0)
                        library_failed(ports, r);
        }
        iommuctl_adopted_free(ports->adopted);
        iommuctl_container_unref(ports->container);
        iommuctl_ctx_unref(ports->ctx);
        return r;
}
