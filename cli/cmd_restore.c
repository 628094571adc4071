/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "change_report.h"

static const struct cli_option options[] = {
        { "all", OPTION_ALL, NULL, "every device that iommuctl changed" },
        CHANGE_OPTIONS,
        { 0 },
};

static int add(struct iommuctl_change *change, const struct iommuctl_device_info *device,
               const struct change_request *request)
{
        (void)request;
        return iommuctl_change_add_restore(change, iommuctl_device_info_name(device));
}

static int add_group(struct iommuctl_change *change, const struct iommuctl_group_info *group,
                     const struct change_request *request)
{
        (void)request;
        return iommuctl_change_add_group_restore(change, group);
}

static int run(struct cli *cli, int argc, char **argv)
{
        static const struct change_aim aim = { .add = add, .add_group = add_group };
        struct change_request request = { .restore = true };
        int status;

        status = change_options(cli, argc, argv, &request);
        if (status != EXIT_DONE)
                return status;
        if (request.all && optind < argc)
                return cli_usage_error(cli, "--all stands for every device: name none beside it");
        if (!request.all && optind == argc)
                return cli_usage_error(cli, "name a device or a group to restore, or give --all");
        return change_run(cli, &aim, &request, argv + optind);
}

const struct command cmd_restore = {
        .name = "restore",
        .arguments = "[OPTION…] SELECTOR… | --all",
        .summary = "Give devices back the drivers they had",
        .description = "Driver and driver_override become what they were before iommuctl first changed them, "
                       "also where it was\n"
                       "interrupted. A device that it did not change is left as it is.\n" CHANGE_HAZARDS_HELP,
        .options = options,
        .needs_machine = true,
        .run = run,
};
