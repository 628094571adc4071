/* SPDX-License-Identifier: GPL-2.0-or-later */

/* iommuctl groups: what shares an IOMMU group with what, and who drives it. */

#include <stdio.h>

#include "device_json.h"
#include "device_text.h"
#include "no_iommu.h"
#include "selection.h"
#include "util/cleanup.h"

DEFINE_CLEANUP(struct iommuctl_topology *, iommuctl_topology_free)
DEFINE_CLEANUP(struct names *, names_free)

static void group_json(struct sink *out, struct names *names, const struct iommuctl_group_info *g)
{
        sink_begin_object(out, NULL);
        sink_uint(out, "id", iommuctl_group_info_id(g));
        sink_string(out, "type", iommuctl_group_info_type(g));
        viable_json(out, g);
        sink_begin_array(out, "devices");
        for (size_t i = 0; i < iommuctl_group_info_n_devices(g); i++)
                device_json(out, NULL, names, iommuctl_group_info_device(g, i));
        sink_end_array(out);
        regions_json(out, g);
        sink_end_object(out);
}

/* "7", and for a group of several devices how many: "7 (2)". */
static void group_cell(struct sink *out, const struct iommuctl_group_info *g)
{
        size_t n = iommuctl_group_info_n_devices(g);
        const char *note = iommuctl_group_info_noiommu(g) ? " no IOMMU" : "";

        if (n == 1)
                sink_cell(out, STYLE_PLAIN, "%u%s", iommuctl_group_info_id(g), note);
        else
                sink_cell(out, STYLE_BOLD, "%u (%zu)%s", iommuctl_group_info_id(g), n, note);
}

/* Returns whether a device of it is marked. */
static bool group_rows(struct sink *out, struct names *names, const struct iommuctl_group_info *g)
{
        bool marks = false;

        if (iommuctl_group_info_n_devices(g) == 0) {
                sink_cell(out, STYLE_PLAIN, "%s", "");
                sink_cell(out, STYLE_PLAIN, "%u", iommuctl_group_info_id(g));
                sink_cell(out, STYLE_DIM, "%s",
                          iommuctl_group_info_devices_known(g) ? "(no devices)" : "unreadable");
                sink_end_row(out);
        }
        for (size_t i = 0; i < iommuctl_group_info_n_devices(g); i++) {
                const struct iommuctl_device_info *d = iommuctl_group_info_device(g, i);

                device_mark_cell(out, d);
                group_cell(out, g);
                sink_cell(out, STYLE_PLAIN, "%s", iommuctl_device_info_name(d));
                device_class_cell(out, names, d);
                device_name_cell(out, names, d);
                device_ids_cell(out, d);
                device_driver_cell(out, d);
                sink_end_row(out);
                marks |= iommuctl_device_info_vfio_bound(d);
        }
        return marks;
}

static void heading(struct sink *out)
{
        static const char *const words[] = { "", "GROUP", "ADDRESS", "CLASS", "DEVICE", "IDS", "DRIVER" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                sink_cell(out, STYLE_BOLD, "%s", words[i]);
        sink_end_row(out);
}

static void write_groups(struct cli *cli, const struct iommuctl_topology *t, const struct selection *s)
{
        struct names *names _cleanup_(names_freep) = names_new();
        bool marks = false;

        sink_begin_document(cli->out);
        sink_begin_array(cli->out, "groups");
        heading(cli->out);
        for (size_t i = 0; i < iommuctl_topology_n_groups(t); i++) {
                const struct iommuctl_group_info *g = iommuctl_topology_group(t, i);

                if (!selection_has_group(s, g))
                        continue;
                if (cli->json)
                        group_json(cli->out, names, g);
                else
                        marks |= group_rows(cli->out, names, g);
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
        r = iommuctl_topology_new(cli->ctx, cli->json ? IOMMUCTL_READ_ATTRIBUTES | IOMMUCTL_READ_GROUPS : 0,
                                  &t);
        if (r < 0)
                return cli_library_error(cli, r);
        r = selection_read(cli, t, argv + optind, &s);
        if (r != EXIT_DONE)
                return r;
        if (iommuctl_topology_n_groups(t) == 0 && !cli->json)
                return no_iommu_explain(cli, t);
        write_groups(cli, t, &s);
        return EXIT_DONE;
}

const struct command cmd_groups = {
        .name = "groups",
        .arguments = "[SELECTOR…]",
        .summary = "List IOMMU groups, their devices and drivers",
        .description = "With selectors, the groups that hold one of the devices. Devices that share a group\n"
                       "go to user space together; such groups show how many there are: 7 (2). A * in front\n"
                       "marks a device that is bound to a VFIO driver.",
        .run = run,
};
