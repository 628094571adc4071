/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What bind, unbind and restore share: their options, doing or only planning the change, and telling of it.
 */

#include "cli.h"

enum change_option {
        OPTION_DRY_RUN = 300,
        OPTION_GROUP,
        OPTION_ALLOW,
        OPTION_TIMEOUT,
        OPTION_DRIVER,
        OPTION_ALL,
};

#define CHANGE_OPTIONS                                                                                      \
        { "allow", OPTION_ALLOW, "HAZARD,…", "go ahead in spite of these hazards" },                        \
                { "dry-run", OPTION_DRY_RUN, NULL, "say what would be written, and write nothing" },        \
                { "group", OPTION_GROUP, NULL, "take the other devices of the group along (not bridges)" }, \
        {                                                                                                   \
                "timeout", OPTION_TIMEOUT, "SECONDS", "give up on a write, the lock or a node after (30)"   \
        }

#define CHANGE_HAZARDS_HELP                                                                  \
        "Hazards: mounted, swap, holder, default-route, net-master, non-endpoint, in-use,\n" \
        "group-not-viable, virtual-functions."

struct change_request {
        bool dry_run, group, all;
        bool restore; /* the verb */
        unsigned int allowed;
        double timeout; /* seconds; 0: the library's */
        const char *driver;
};

/* Takes the verb's options. EXIT_DONE, with optind on the first selector. */
int change_options(struct cli *cli, int argc, char **argv, struct change_request *request);

/* Adds one device, or one group, to the change: 0 or a negative errno. */
struct change_aim {
        int (*add)(struct iommuctl_change *change, const struct iommuctl_device_info *device,
                   const struct change_request *request);
        int (*add_group)(struct iommuctl_change *change, const struct iommuctl_group_info *group,
                         const struct change_request *request);
};

/* Adds what the selectors mean, plans or applies the change, and reports. Returns an exit status. */
int change_run(struct cli *cli, const struct change_aim *aim, const struct change_request *request,
               char *const selectors[]);
