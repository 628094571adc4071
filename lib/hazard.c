/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hazard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        enum iommuctl_hazard hazard;
        const char *name;
} hazards[] = {
        { IOMMUCTL_HAZARD_MOUNTED, "mounted" },
        { IOMMUCTL_HAZARD_SWAP, "swap" },
        { IOMMUCTL_HAZARD_HOLDER, "holder" },
        { IOMMUCTL_HAZARD_DEFAULT_ROUTE, "default-route" },
        { IOMMUCTL_HAZARD_NET_MASTER, "net-master" },
        { IOMMUCTL_HAZARD_NON_ENDPOINT, "non-endpoint" },
        { IOMMUCTL_HAZARD_IN_USE, "in-use" },
        { IOMMUCTL_HAZARD_GROUP_NOT_VIABLE, "group-not-viable" },
        { IOMMUCTL_HAZARD_VIRTUAL_FUNCTIONS, "virtual-functions" },
};

_public_ const char *iommuctl_hazard_name(enum iommuctl_hazard hazard)
{
        for (size_t i = 0; i < ARRAY_SIZE(hazards); i++)
                if (hazards[i].hazard == hazard)
                        return hazards[i].name;
        return NULL;
}

_public_ int iommuctl_hazard_parse(const char *name, enum iommuctl_hazard *ret_hazard)
{
        for (size_t i = 0; i < ARRAY_SIZE(hazards); i++)
                if (streq(hazards[i].name, name)) {
                        *ret_hazard = hazards[i].hazard;
                        return 0;
                }
        return -EINVAL;
}

int hazard_add(struct iommuctl_change *change, const char *device, enum iommuctl_hazard kind,
               const char *format, ...)
{
        struct hazard *hazard;
        char *detail = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&detail, format, ap);
        va_end(ap);
        hazard = n < 0 ? NULL : CHANGE_GROW(change->hazards, change->n_hazards);
        if (!hazard) {
                if (n >= 0)
                        free(detail);
                return ctx_error(change->ctx, -ENOMEM, NULL, "out of memory");
        }
        snprintf(hazard->device, sizeof(hazard->device), "%s", device);
        hazard->kind = kind;
        hazard->detail = detail;
        return 0;
}

bool hazard_path_is_below(const char *path, const char *device)
{
        size_t length = strlen(device);

        for (const char *p = path; (p = strstr(p, device)); p++)
                if (p > path && p[-1] == '/' && (p[length] == '/' || p[length] == '\0'))
                        return true;
        return false;
}

int hazard_look_at_device(struct iommuctl_change *change, const struct bus_device *device)
{
        int r;

        r = hazard_function(change, device);
        if (r >= 0)
                r = hazard_disks(change, device);
        if (r >= 0)
                r = hazard_net(change, device);
        return r;
}
