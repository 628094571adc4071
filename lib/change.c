/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_public_ int iommuctl_change_new(struct iommuctl_ctx *ctx, struct iommuctl_change **ret_change)
{
        struct iommuctl_change *change;
        int r;

        r = ctx_refuse_root(ctx, "changing drivers");
        if (r < 0)
                return r;
        change = calloc(1, sizeof(*change));
        if (!change)
                return ctx_error(ctx, -ENOMEM, NULL, "out of memory");
        change->ctx = iommuctl_ctx_ref(ctx);
        change->k = ctx->kernel;
        change->root_fd = ctx->root_fd;
        change->timeout_ms = CHANGE_TIMEOUT_MS;
        *ret_change = change;
        return 0;
}

void change_clear_plan(struct iommuctl_change *change)
{
        for (size_t i = 0; i < change->n_hazards; i++)
                free(change->hazards[i].detail);
        free(change->steps);
        free(change->hazards);
        free(change->writes);
        free(change->modules);
        free(change->gone);
        free(change->damaged);
        change->steps = NULL;
        change->hazards = NULL;
        change->writes = NULL;
        change->modules = NULL;
        change->gone = NULL;
        change->damaged = NULL;
        change->n_steps = change->n_hazards = change->n_writes = change->n_modules = change->n_gone = 0;
        change->n_damaged = 0;
        change->applied = false;
}

_public_ void iommuctl_change_free(struct iommuctl_change *change)
{
        if (!change)
                return;
        change_clear_plan(change);
        free(change->wishes);
        iommuctl_ctx_unref(change->ctx);
        free(change);
}

struct step *change_find_step(struct iommuctl_change *change, const char *device)
{
        for (size_t i = 0; i < change->n_steps; i++)
                if (streq(change->steps[i].device.name, device))
                        return &change->steps[i];
        return NULL;
}

/* Names become parts of paths. */
static int check_name(struct iommuctl_change *change, const char *name, size_t size, const char *what)
{
        if (!*name || strlen(name) >= size || strpbrk(name, "/\n") || streq(name, ".") || streq(name, ".."))
                return ctx_error(change->ctx, -EINVAL, NULL, "'%s' cannot be the name of a %s", name, what);
        return 0;
}

static int add_wish(struct iommuctl_change *change, const struct wish *wish)
{
        struct wish *w;

        for (size_t i = 0; i < change->n_wishes; i++) {
                w = &change->wishes[i];
                if (w->reach != REACH_DEVICE || wish->reach != REACH_DEVICE ||
                    !streq(w->device, wish->device))
                        continue;
                if (w->aim == wish->aim && streq(w->driver, wish->driver))
                        return 0;
                return ctx_error(change->ctx, -EINVAL, wish->device, "%s is named twice, with two aims",
                                 wish->device);
        }
        w = CHANGE_GROW(change->wishes, change->n_wishes);
        if (!w)
                return ctx_error(change->ctx, -ENOMEM, NULL, "out of memory");
        *w = *wish;
        return 0;
}

static int add_device(struct iommuctl_change *change, const struct iommuctl_device_info *device, enum aim aim,
                      const char *driver)
{
        const char *name = iommuctl_device_info_name(device), *bus = iommuctl_device_info_bus(device);
        struct wish wish = { .aim = aim, .reach = REACH_DEVICE };
        int r;

        if (!bus)
                return ctx_error(change->ctx, -EOPNOTSUPP, name, "%s: its bus could not be read", name);
        if (aim == AIM_BIND && !driver) {
                driver = driver_vfio_of_bus(bus);
                if (!driver)
                        return ctx_error(change->ctx, -EOPNOTSUPP, name,
                                         "%s: VFIO has no driver for the bus %s; name one", name, bus);
        }
        r = check_name(change, name, sizeof(wish.device), "device");
        if (r >= 0)
                r = check_name(change, bus, sizeof(wish.bus), "bus");
        if (r >= 0 && driver)
                r = check_name(change, driver, sizeof(wish.driver), "driver");
        if (r < 0)
                return r;
        strcpy(wish.device, name);
        strcpy(wish.bus, bus);
        strcpy(wish.driver, driver ?: "");
        return add_wish(change, &wish);
}

static int add_group(struct iommuctl_change *change, const struct iommuctl_group_info *group, enum aim aim,
                     const char *driver)
{
        struct wish wish = { .aim = aim, .reach = REACH_GROUP, .group = iommuctl_group_info_id(group) };
        int r;

        if (driver) {
                r = check_name(change, driver, sizeof(wish.driver), "driver");
                if (r < 0)
                        return r;
                strcpy(wish.driver, driver);
        }
        return add_wish(change, &wish);
}

_public_ int iommuctl_change_add_bind(struct iommuctl_change *change,
                                      const struct iommuctl_device_info *device, const char *driver)
{
        return add_device(change, device, AIM_BIND, driver);
}

_public_ int iommuctl_change_add_unbind(struct iommuctl_change *change,
                                        const struct iommuctl_device_info *device)
{
        return add_device(change, device, AIM_UNBIND, NULL);
}

_public_ int iommuctl_change_add_group_bind(struct iommuctl_change *change,
                                            const struct iommuctl_group_info *group, const char *driver)
{
        return add_group(change, group, AIM_BIND, driver);
}

_public_ int iommuctl_change_add_group_unbind(struct iommuctl_change *change,
                                              const struct iommuctl_group_info *group)
{
        return add_group(change, group, AIM_UNBIND, NULL);
}

_public_ int iommuctl_change_add_restore(struct iommuctl_change *change, const char *device)
{
        struct wish wish = { .aim = AIM_RESTORE, .reach = REACH_DEVICE };
        int r;

        r = check_name(change, device, sizeof(wish.device), "device");
        if (r < 0)
                return r;
        strcpy(wish.device, device);
        return add_wish(change, &wish);
}

_public_ int iommuctl_change_add_group_restore(struct iommuctl_change *change,
                                               const struct iommuctl_group_info *group)
{
        return add_group(change, group, AIM_RESTORE, NULL);
}

_public_ int iommuctl_change_add_restore_all(struct iommuctl_change *change)
{
        return add_wish(change, &(struct wish){ .aim = AIM_RESTORE, .reach = REACH_ALL });
}

_public_ void iommuctl_change_allow(struct iommuctl_change *change, unsigned int hazards)
{
        change->allowed |= hazards;
}

_public_ void iommuctl_change_set_timeout(struct iommuctl_change *change, unsigned int milliseconds)
{
        change->timeout_ms = milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
}

_public_ bool iommuctl_change_refused(const struct iommuctl_change *change)
{
        for (size_t i = 0; i < change->n_hazards; i++)
                if (!(change->hazards[i].kind & change->allowed))
                        return true;
        return false;
}
