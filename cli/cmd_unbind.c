/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "change_report.h"

static const struct cli_option options[] = {
        CHANGE_OPTIONS,
        { 0 },
};

static int add(struct iommuctl_change *change, const struct iommuctl_device_info *device,
               const struct change_request *request)
{
        (void)request;
        return iommuctl_change_add_unbind(change, device);
}

static int add_group(struct iommuctl_change *change, const struct iommuctl_group_info *group,
                     const struct change_request *request)
{
        (void)request;
        return iommuctl_change_add_group_unbind(change, group);
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
                return cli_usage_error(cli, "name a device or a group to unbind");
        return change_run(cli, &aim, &request, argv + optind);
}

const struct command cmd_unbind = {
        .name = "unbind",
        .arguments = "[OPTION…] SELECTOR…",
        .summary = "Take devices from their drivers",
        .description = "The devices are left without a driver; 'iommuctl restore' gives them back theirs. "
                       "Refused where it\n"
                       "would hurt.\n" CHANGE_HAZARDS_HELP,
        .options = options,
        .needs_machine = true,
        .run = run,
};
