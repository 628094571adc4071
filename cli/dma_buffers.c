/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dma_buffers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "util/cleanup.h"

static struct iommuctl_dma_options options_of(const struct buffer_spec *spec)
{
        struct iommuctl_dma_options options = { .struct_size = sizeof(options),
                                                .page_size = spec->page_size };

        options.access |= spec->read ? IOMMUCTL_ACCESS_READ : 0;
        options.access |= spec->write ? IOMMUCTL_ACCESS_WRITE : 0;
        if (spec->fixed) {
                options.flags |= IOMMUCTL_DMA_FIXED_IOVA;
                options.iova = spec->iova;
        }
        return options;
}

int dma_buffers_add(struct cli *cli, struct dma_buffers *buffers, const char *text)
{
        struct buffer_spec spec;
        struct dma_buffer *all;
        char why[512];

        if (buffer_spec_parse(text, &spec, why, sizeof(why)) < 0)
                return cli_error(cli, EXIT_USAGE, -EINVAL, NULL, "%s", why);
        if (spec.size > SIZE_MAX)
                return cli_usage_error(cli,
                                       "buffer %s: size %" PRIu64 " is more than this program can address",
                                       spec.name, spec.size);
        for (size_t i = 0; i < buffers->n; i++)
                if (streq(buffers->all[i].spec.name, spec.name))
                        return cli_error(cli, EXIT_USAGE, -EINVAL, NULL, "two buffers have the name %s",
                                         spec.name);
        all = reallocarray(buffers->all, buffers->n + 1, sizeof(*all));
        if (!all)
                return cli_error(cli, EXIT_FAILED, -ENOMEM, NULL, "out of memory");
        buffers->all = all;
        all[buffers->n++] = (struct dma_buffer){ .spec = spec, .options = options_of(&spec) };
        /* the array may have moved */
        for (size_t i = 0; i < buffers->n; i++)
                all[i].options.name = all[i].spec.name;
        return EXIT_DONE;
}

/* What is wrong on any machine is wrong usage; what this one lacks is a failure. */
static int say_shortage(struct cli *cli, const struct iommuctl_shortage *shortage, int r)
{
        switch (shortage->kind) {
        case IOMMUCTL_SHORTAGE_SIZE:
        case IOMMUCTL_SHORTAGE_ALIGNMENT:
        case IOMMUCTL_SHORTAGE_WRAP:
        case IOMMUCTL_SHORTAGE_OVERLAP:
                return cli_library_error_as(cli, EXIT_USAGE, r);
        default:
                return cli_library_error_as(cli, EXIT_FAILED, r);
        }
}

int dma_buffers_check(struct cli *cli, struct dma_buffers *buffers, const struct dma_device *dev)
{
        _cleanup_free_ struct iommuctl_budget_item *items = calloc(buffers->n, sizeof(*items));
        struct iommuctl_shortage shortage = { 0 };
        int r;

        if (!items)
                return cli_error(cli, EXIT_FAILED, -ENOMEM, NULL, "out of memory");
        for (size_t i = 0; i < buffers->n; i++) {
                struct dma_buffer *b = &buffers->all[i];

                items[i] = (struct iommuctl_budget_item){ b->spec.name, b->spec.size, &b->options };
        }
        if (!dev)
                r = iommuctl_budget_check(cli->ctx, items, buffers->n, &shortage);
        else if (!dev->container)
                r = iommuctl_budget_check_device(cli->ctx, dev->info, items, buffers->n, &shortage);
        else
                r = iommuctl_budget_check_container(dev->container, items, buffers->n, &shortage);
        return r < 0 ? say_shortage(cli, &shortage, r) : EXIT_DONE;
}

/* From here on a second thread pays, and so does memory that is near the device. */
#define LARGE ((uint64_t)64 << 20)

static int alloc(struct iommuctl_container *container, struct dma_buffer *b)
{
        if (b->spec.size < LARGE)
                return iommuctl_dma_alloc(container, b->spec.size, &b->options, &b->dma);
        return iommuctl_dma_alloc_populated(container, b->spec.size, &b->options, NULL, &b->dma);
}

int dma_buffers_map(struct cli *cli, struct dma_buffers *buffers, struct iommuctl_container *container)
{
        /* Fixed IOVAs first: an automatic one must not take what was asked for by number. */
        for (int fixed = 1; fixed >= 0; fixed--)
                for (size_t i = 0; i < buffers->n; i++) {
                        struct dma_buffer *b = &buffers->all[i];
                        int r;

                        if (b->spec.fixed != fixed)
                                continue;
                        r = alloc(container, b);
                        if (r < 0)
                                return dma_error(cli, r);
                }
        return EXIT_DONE;
}

static const char *access_text(unsigned int access)
{
        if (access == IOMMUCTL_ACCESS_READ)
                return "r";
        return access == IOMMUCTL_ACCESS_WRITE ? "w" : "rw";
}

static void put_buffer(const struct iommuctl_dma *dma, struct sink *out)
{
        struct iommuctl_span span = iommuctl_dma_span(dma);
        char size[DMA_SIZE_TEXT], page[DMA_SIZE_TEXT];

        sink_begin_object(out, NULL);
        sink_string(out, "name", iommuctl_dma_name(dma));
        sink_hex(out, "iova", span.iova, 1);
        sink_uint(out, "size", span.size);
        sink_uint(out, "page_size", iommuctl_dma_page_size(dma));
        sink_string(out, "access", access_text(iommuctl_dma_access(dma)));
        sink_end_object(out);
        sink_cell(out, STYLE_BOLD, "%s", iommuctl_dma_name(dma));
        sink_cell(out, STYLE_PLAIN, "0x%" PRIx64, span.iova);
        sink_cell(out, STYLE_PLAIN, "%s", dma_size_text(span.size, size));
        sink_cell(out, STYLE_PLAIN, "%s", dma_size_text(iommuctl_dma_page_size(dma), page));
        sink_cell(out, STYLE_PLAIN, "%s", access_text(iommuctl_dma_access(dma)));
        sink_end_row(out);
}

void dma_buffers_put(const struct dma_buffers *buffers, const struct dma_device *dev, struct sink *out)
{
        static const char *const heads[] = { "BUFFER", "IOVA", "SIZE", "PAGE SIZE", "ACCESS" };
        const char *backend = iommuctl_backend_name(iommuctl_container_backend(dev->container));

        sink_begin_document(out);
        sink_string(out, "address", iommuctl_device_name(dev->device));
        sink_string(out, "backend", backend);
        sink_styled(out, STYLE_BOLD, "%s", iommuctl_device_name(dev->device));
        sink_text(out, " by %s\n", backend);
        for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
                sink_cell(out, STYLE_DIM, "%s", heads[i]);
        sink_end_row(out);
        sink_begin_array(out, "buffers");
        for (size_t i = 0; i < buffers->n; i++)
                put_buffer(buffers->all[i].dma, out);
        sink_end_array(out);
        sink_table_end(out);
        sink_end_object(out);
}

int dma_buffers_done(struct dma_buffers *buffers)
{
        int r = 0;

        for (size_t i = 0; i < buffers->n; i++) {
                int r2 = iommuctl_dma_unmap(buffers->all[i].dma);

                r = r < 0 ? r : r2;
        }
        free(buffers->all);
        buffers->all = NULL;
        buffers->n = 0;
        return r;
}
