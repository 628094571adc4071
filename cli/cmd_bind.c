/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "change_report.h"

static const struct cli_option options[] = {
        CHANGE_OPTIONS,
        { "driver", OPTION_DRIVER, "NAME", "bind to this driver (the VFIO driver of its bus: vfio-pci)" },
        { 0 },
};

static int add(struct iommuctl_change *change, const struct iommuctl_device_info *device,
               const struct change_request *request)
{
        return iommuctl_change_add_bind(change, device, request->driver);
}

static int add_group(struct iommuctl_change *change, const struct iommuctl_group_info *group,
                     const struct change_request *request)
{
        return iommuctl_change_add_group_bind(change, group, request->driver);
}

static int run(struct cli *cli, int argc, char **argv)
{
        static const struct change_aim aim = { .add = add, .add_group = add_group };
        struct change_request request = { 0 };
        int status;

        status = change_options(cli, argc, argv, &request);
        if (status != EXIT_DONE)
                return status;
        if (optind == argc)
                return cli_usage_error(cli, "name a device or a group to bind");
        return change_run(cli, &aim, &request, argv + optind);
}

const struct command cmd_bind = {
        .name = "bind",
        .arguments = "[OPTION…] SELECTOR…",
        .summary = "Bind devices to vfio-pci or another driver",
        .description = "All devices are bound, or none: after a failure everything is undone. What each "
                       "device was is\n"
                       "noted first, and 'iommuctl restore' gives it back. Refused where it would "
                       "hurt.\n" CHANGE_HAZARDS_HELP,
        .options = options,
        .needs_machine = true,
        .run = run,
};
