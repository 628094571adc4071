/* SPDX-License-Identifier: GPL-2.0-or-later */

/* iommuctl show: all about one device. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "details.h"
#include "device_json.h"
#include "device_text.h"
#include "selection.h"
#include "util/cleanup.h"

DEFINE_CLEANUP(struct iommuctl_topology *, iommuctl_topology_free)
DEFINE_CLEANUP(struct names *, names_free)

static void group_json(struct sink *out, const struct iommuctl_group_info *g)
{
        if (!g) {
                sink_null(out, "group");
                return;
        }
        sink_begin_object(out, "group");
        sink_uint(out, "id", iommuctl_group_info_id(g));
        sink_string(out, "type", iommuctl_group_info_type(g));
        viable_json(out, g);
        sink_begin_array(out, "devices");
        for (size_t i = 0; i < iommuctl_group_info_n_devices(g); i++)
                sink_string(out, NULL, iommuctl_device_info_name(iommuctl_group_info_device(g, i)));
        sink_end_array(out);
        regions_json(out, g);
        sink_end_object(out);
}

static void show_json(struct sink *out, struct names *names, const struct iommuctl_device_info *d,
                      const struct details *details)
{
        sink_begin_document(out);
        device_json(out, "device", names, d);
        group_json(out, iommuctl_device_info_group(d));
        sink_string(out, "modalias", iommuctl_device_info_modalias(d));
        details_json(out, details);
        sink_end_object(out);
}

/* A row of label and text; the text may be left out by a NULL. */
static void row(struct sink *out, const char *label, const char *text)
{
        if (!text)
                return;
        sink_cell(out, STYLE_DIM, "  %s", label);
        sink_cell(out, STYLE_PLAIN, "%s", text);
        sink_end_row(out);
}

static void id_rows(struct sink *out, struct names *names, const struct iommuctl_device_info *d)
{
        uint32_t vendor, device, sub_vendor, sub_device, revision = 0;
        bool revised = iommuctl_device_info_number(d, IOMMUCTL_NUMBER_REVISION, &revision);
        char text[64], revision_text[32] = "";

        sink_cell(out, STYLE_DIM, "  class");
        device_class_cell(out, names, d);
        sink_end_row(out);
        if (revised)
                snprintf(revision_text, sizeof(revision_text), ", revision %02x", revision);
        if (iommuctl_device_info_number(d, IOMMUCTL_NUMBER_VENDOR_ID, &vendor) &&
            iommuctl_device_info_number(d, IOMMUCTL_NUMBER_DEVICE_ID, &device)) {
                snprintf(text, sizeof(text), "%04x:%04x%s", vendor, device, revision_text);
                row(out, "ids", text);
        }
        if (iommuctl_device_info_number(d, IOMMUCTL_NUMBER_SUBSYSTEM_VENDOR_ID, &sub_vendor) &&
            iommuctl_device_info_number(d, IOMMUCTL_NUMBER_SUBSYSTEM_DEVICE_ID, &sub_device)) {
                snprintf(text, sizeof(text), "%04x:%04x", sub_vendor, sub_device);
                row(out, "subsystem", text);
        }
}

/* Why a process would not be given the group, naming each device in the way, or that it would. */
static void viability(const struct iommuctl_group_info *g, char *text, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < iommuctl_group_info_n_devices(g) && n < size; i++) {
                const struct iommuctl_device_info *d = iommuctl_group_info_device(g, i);

                if (iommuctl_device_info_blocks_group(d))
                        n += (size_t)snprintf(text + n, size - n, "%s%s is bound to %s",
                                              n ? ", " : "not viable: ", iommuctl_device_info_name(d),
                                              iommuctl_device_info_driver(d));
        }
        if (n == 0)
                snprintf(text, size, "%s", iommuctl_group_info_viable(g) ? "viable" : "viability unreadable");
}

/* In no group that has a number here. */
static void ungrouped_rows(struct sink *out, const struct iommuctl_device_info *d)
{
        const char *const *names = iommuctl_device_info_group_devices(d);

        row(out, "group",
            iommuctl_device_info_group_known(d) ? "none: no IOMMU stands before it"
            : names ? "number unknown: this capture holds the group, not its number"
                    : "unknown: this capture holds no information on its group");
        for (; names && *names; names++)
                if (!streq(*names, iommuctl_device_info_name(d)))
                        row(out, "with", *names);
}

static void group_rows(struct sink *out, const struct iommuctl_device_info *d)
{
        const struct iommuctl_group_info *g = iommuctl_device_info_group(d);
        char text[1200], viable[1024];
        const char *type;

        if (!g) {
                ungrouped_rows(out, d);
                return;
        }
        type = iommuctl_group_info_type(g);
        viability(g, viable, sizeof(viable));
        snprintf(text, sizeof(text), "%u%s%s%s, %s", iommuctl_group_info_id(g), type ? ", " : "", type ?: "",
                 iommuctl_group_info_noiommu(g) ? ", no IOMMU" : "", viable);
        row(out, "group", text);
        for (size_t i = 0; i < iommuctl_group_info_n_devices(g); i++) {
                const struct iommuctl_device_info *other = iommuctl_group_info_device(g, i);
                const char *driver = iommuctl_device_info_driver(other);

                if (other == d)
                        continue;
                snprintf(text, sizeof(text), "%s, %s", iommuctl_device_info_name(other),
                         driver                                     ? driver
                         : iommuctl_device_info_driver_known(other) ? "no driver"
                                                                    : "driver unreadable");
                row(out, "with", text);
        }
        if (!iommuctl_group_info_devices_known(g))
                row(out, "with", "others unreadable");
        for (size_t i = 0; i < iommuctl_group_info_n_reserved_regions(g); i++) {
                const struct iommuctl_reserved_region *r = iommuctl_group_info_reserved_region(g, i);

                snprintf(text, sizeof(text), "0x%" PRIx64 "-0x%" PRIx64 ", %s", r->start, r->end, r->type);
                row(out, "reserved", text);
        }
}

static void show_text(struct sink *out, struct names *names, const struct iommuctl_device_info *d,
                      const struct details *details)
{
        uint32_t node;
        char text[16];

        sink_cell(out, STYLE_BOLD, "%s", iommuctl_device_info_name(d));
        device_name_cell(out, names, d);
        sink_end_row(out);
        id_rows(out, names, d);
        sink_cell(out, STYLE_DIM, "  driver");
        device_driver_cell(out, d);
        sink_end_row(out);
        row(out, "override", iommuctl_device_info_driver_override(d));
        group_rows(out, d);
        row(out, "IOMMU", iommuctl_device_info_iommu(d));
        row(out, "VFIO node", iommuctl_device_info_vfio_node(d));
        row(out, "VFIO cdev", iommuctl_device_info_vfio_cdev(d));
        if (iommuctl_device_info_number(d, IOMMUCTL_NUMBER_NUMA_NODE, &node)) {
                snprintf(text, sizeof(text), "%u", node);
                row(out, "NUMA node", text);
        }
        details_rows(out, details);
        sink_table_end(out);
}

static int run(struct cli *cli, int argc, char **argv)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        const struct iommuctl_device_info *device;
        struct names *names _cleanup_(names_freep) = NULL;
        struct details details;
        const char *value;
        int r;

        if (cli_option(cli, argc, argv, &value) != -1)
                return EXIT_USAGE;
        if (argc - optind != 1)
                return cli_usage_error(cli, argc == optind ? "'show' needs a selector"
                                                           : "'show' takes one selector");
        r = iommuctl_topology_new(cli->ctx, IOMMUCTL_READ_ALL, &t);
        if (r < 0)
                return cli_library_error(cli, r);
        r = selection_one(cli, t, argv[optind], &device);
        if (r != EXIT_DONE)
                return r;
        names = names_new();
        details_read(t, device, &details);
        if (cli->json)
                show_json(cli->out, names, device, &details);
        else
                show_text(cli->out, names, device, &details);
        return EXIT_DONE;
}

const struct command cmd_show = {
        .name = "show",
        .arguments = "SELECTOR",
        .summary = "Tell all about one device",
        .run = run,
};
