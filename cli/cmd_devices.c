/* SPDX-License-Identifier: GPL-2.0-or-later */

/* iommuctl devices: a row a device, also of those in no group. */

#include "device_json.h"
#include "device_text.h"
#include "selection.h"
#include "util/cleanup.h"

DEFINE_CLEANUP(struct iommuctl_topology *, iommuctl_topology_free)
DEFINE_CLEANUP(struct names *, names_free)

static void heading(struct sink *out)
{
        static const char *const words[] = { "", "ADDRESS", "GROUP", "IDS", "DRIVER", "CLASS", "DEVICE" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                sink_cell(out, STYLE_BOLD, "%s", words[i]);
        sink_end_row(out);
}

static void row(struct sink *out, struct names *names, const struct iommuctl_device_info *d)
{
        const struct iommuctl_group_info *g = iommuctl_device_info_group(d);

        device_mark_cell(out, d);
        sink_cell(out, STYLE_PLAIN, "%s", iommuctl_device_info_name(d));
        if (g)
                sink_cell(out, iommuctl_group_info_n_devices(g) > 1 ? STYLE_BOLD : STYLE_PLAIN, "%u",
                          iommuctl_group_info_id(g));
        else
                sink_cell(out, STYLE_DIM, "%s", iommuctl_device_info_group_known(d) ? "-" : "?");
        device_ids_cell(out, d);
        device_driver_cell(out, d);
        device_class_cell(out, names, d);
        device_name_cell(out, names, d);
        sink_end_row(out);
}

static void write_devices(struct cli *cli, const struct iommuctl_topology *t, const struct selection *s)
{
        struct names *names _cleanup_(names_freep) = names_new();
        bool marks = false;

        sink_begin_document(cli->out);
        sink_begin_array(cli->out, "devices");
        heading(cli->out);
        for (size_t i = 0; i < iommuctl_topology_n_devices(t); i++) {
                const struct iommuctl_device_info *d = iommuctl_topology_device(t, i);

                if (!selection_has(s, d))
                        continue;
                if (cli->json)
                        device_json(cli->out, NULL, names, d);
                else
                        row(cli->out, names, d);
                marks |= iommuctl_device_info_vfio_bound(d);
        }
        sink_end_array(cli->out);
        sink_end_object(cli->out);
        sink_table_end(cli->out);
        device_mark_legend(cli, marks);
}

static int run(struct cli *cli, int argc, char **argv)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        struct selection s _cleanup_(selection_free) = { 0 };
        const char *value;
        int r;

        if (cli_option(cli, argc, argv, &value) != -1)
                return EXIT_USAGE;
        r = iommuctl_topology_new(cli->ctx,
                                  IOMMUCTL_READ_UNGROUPED | (cli->json ? IOMMUCTL_READ_ATTRIBUTES : 0), &t);
        if (r < 0)
                return cli_library_error(cli, r);
        r = selection_read(cli, t, argv + optind, &s);
        if (r != EXIT_DONE)
                return r;
        write_devices(cli, t, &s);
        return EXIT_DONE;
}

const struct command cmd_devices = {
        .name = "devices",
        .arguments = "[SELECTOR…]",
        .summary = "List devices, a row each",
        .description =
                "PCI devices, also those in no IOMMU group, and devices of other buses that are in one.\n"
                "A * in front marks a device that is bound to a VFIO driver; the group ? is one that a "
                "capture\n"
                "does not tell.",
        .run = run,
};
