/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From what was asked for to the steps, their writes, and what stands against them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "hazard.h"
#include "module.h"

int change_out_of_memory(struct iommuctl_change *change)
{
        return ctx_error(change->ctx, -ENOMEM, NULL, "out of memory");
}

int change_add_step(struct iommuctl_change *change, enum aim aim, const char *bus, const char *name,
                    const char *driver)
{
        struct step *step = CHANGE_GROW(change->steps, change->n_steps);

        if (!step)
                return change_out_of_memory(change);
        step->device.k = change->k;
        step->device.root_fd = change->root_fd;
        snprintf(step->device.bus, sizeof(step->device.bus), "%s", bus);
        snprintf(step->device.name, sizeof(step->device.name), "%s", name);
        snprintf(step->want.driver, sizeof(step->want.driver), "%s", driver);
        step->aim = aim;
        return 0;
}

/* A bridge or the like that holds nothing of interest to VFIO: base class 06. */
static bool is_bridge_class(const struct bus_device *device)
{
        char text[16];

        if (file_read(device->k, device->root_fd, text, sizeof(text), "sys/bus/%s/devices/%s/class",
                      device->bus, device->name) < 0)
                return false;
        return strtoul(text, NULL, 16) >> 16 == 0x06;
}

/* Whether a wish for a whole group means this member. 1, 0 or a negative errno. */
static int group_takes(struct iommuctl_change *change, const struct wish *wish,
                       const struct bus_device *device, const char *target)
{
        char driver[DRIVER_NAME_SIZE];
        int r;

        if (wish->aim == AIM_RESTORE)
                return file_exists(change->k, change->root_fd, JOURNAL_DIR "/%s", device->name);
        r = hazard_is_endpoint(change, device);
        if (r <= 0)
                return r;
        r = driver_name_read(device, driver);
        if (r < 0)
                return ctx_error(change->ctx, r, device->name, "cannot read the driver of %s: %s",
                                 device->name, strerror(-r));
        if (!*driver)
                return wish->aim == AIM_BIND && !is_bridge_class(device);
        if (driver_is_vfio(driver))
                return wish->aim == AIM_UNBIND || !driver_is_vfio(target) || streq(driver, target);
        return driver_blocks_group(driver);
}

static int add_group_member(struct iommuctl_change *change, const struct wish *wish, const char *name)
{
        struct bus_device device = { .k = change->k, .root_fd = change->root_fd };
        const char *driver = wish->driver;
        int r;

        if (change_find_step(change, name) || strlen(name) >= sizeof(device.name))
                return 0;
        strcpy(device.name, name);
        r = file_link_name(change->k, change->root_fd, device.bus, sizeof(device.bus),
                           "sys/kernel/iommu_groups/%u/devices/%s/subsystem", wish->group, name);
        if (r < 0)
                return ctx_error(change->ctx, r, name, "cannot read the bus of %s: %s", name, strerror(-r));
        if (wish->aim == AIM_BIND && !*driver)
                driver = driver_vfio_of_bus(device.bus);
        if (!driver)
                return ctx_error(change->ctx, -EOPNOTSUPP, name, "%s: VFIO has no driver for the bus %s",
                                 name, device.bus);
        r = group_takes(change, wish, &device, driver);
        return r <= 0 ? r : change_add_step(change, wish->aim, device.bus, name, driver);
}

static int add_group_steps(struct iommuctl_change *change, const struct wish *wish)
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        const char *name;
        int r;

        r = dir_open(&dir, change->k, change->root_fd, "sys/kernel/iommu_groups/%u/devices", wish->group);
        if (r < 0)
                return ctx_error(change->ctx, r == -ENOENT ? -ENODEV : r, NULL, "cannot read group %u: %s",
                                 wish->group, strerror(-r));
        while ((name = dir_next(&dir))) {
                r = add_group_member(change, wish, name);
                if (r < 0)
                        return r;
        }
        return dir.error < 0 ? ctx_error(change->ctx, dir.error, NULL, "cannot read group %u: %s",
                                         wish->group, strerror(-dir.error))
                             : 0;
}

/* Devices named go before groups, so that a group takes along only the others. */
static int add_steps(struct iommuctl_change *change)
{
        int r = 0;

        for (size_t i = 0; i < change->n_wishes && r >= 0; i++) {
                const struct wish *w = &change->wishes[i];

                if (w->reach == REACH_DEVICE)
                        r = w->aim == AIM_RESTORE
                                    ? change_add_restore_step(change, w->device, false)
                                    : change_add_step(change, w->aim, w->bus, w->device, w->driver);
        }
        for (size_t i = 0; i < change->n_wishes && r >= 0; i++) {
                if (change->wishes[i].reach == REACH_GROUP)
                        r = add_group_steps(change, &change->wishes[i]);
                else if (change->wishes[i].reach == REACH_ALL)
                        r = change_add_all_noted(change);
        }
        return r;
}

static int compare_steps(const void *a, const void *b)
{
        const struct bus_device *x = &((const struct step *)a)->device,
                                *y = &((const struct step *)b)->device;
        struct iommuctl_address p, q;
        bool x_has = iommuctl_address_parse(x->name, &p) == 0,
             y_has = iommuctl_address_parse(y->name, &q) == 0;

        if (x_has && y_has)
                return iommuctl_address_compare(p, q);
        if (x_has != y_has)
                return x_has ? -1 : 1;
        return strcmp(x->name, y->name);
}

/* Whether VFIO may be given a device without an IOMMU (drivers/vfio/group.c, vfio_noiommu). */
static bool noiommu_enabled(struct iommuctl_change *change)
{
        char text[8];

        return file_read(change->k, change->root_fd, text, sizeof(text),
                         "sys/module/vfio/parameters/enable_unsafe_noiommu_mode") > 0 &&
               *text == 'Y';
}

/* What the device should be in the end; want.driver is set already where a driver is aimed at. */
static void set_want(struct step *step)
{
        switch (step->aim) {
        case AIM_BIND:
                if (streq(step->before.driver, step->want.driver))
                        step->want = step->before;
                else
                        strcpy(step->want.driver_override, step->want.driver);
                break;
        case AIM_UNBIND:
                step->want = step->before;
                step->want.driver[0] = '\0';
                break;
        case AIM_RESTORE:
                step->want = step->noted ? step->entry.original : step->before;
                break;
        }
        step->changed = !streq(step->before.driver, step->want.driver) ||
                        !streq(step->before.driver_override, step->want.driver_override);
}

static int check_group(struct iommuctl_change *change, const struct step *step)
{
        const char *name = step->device.name;

        if (step->group != NO_GROUP_ID || !step->changed || !driver_is_vfio(step->want.driver) ||
            step->aim == AIM_RESTORE || noiommu_enabled(change))
                return 0;
        return ctx_error(change->ctx, -EOPNOTSUPP, name,
                         "%s is in no IOMMU group, so VFIO cannot take it: is the IOMMU switched on, in the "
                         "firmware and in the kernel? 'iommuctl status' tells",
                         name);
}

static int plan_step(struct iommuctl_change *change, struct step *step)
{
        int r;

        r = change_read_step(change, step);
        if (r >= 0)
                r = change_read_note(change, step);
        if (r < 0)
                return r;
        set_want(step);
        return check_group(change, step);
}

static int add_module(struct iommuctl_change *change, const struct step *step)
{
        const char *driver = step->want.driver;
        char(*module)[DRIVER_NAME_SIZE];
        int r;

        if (!*driver || streq(driver, step->before.driver))
                return 0;
        r = module_driver_exists(change->k, change->root_fd, step->device.bus, driver);
        if (r < 0)
                return ctx_error(change->ctx, r, NULL, "cannot look for the driver %s: %s", driver,
                                 strerror(-r));
        for (size_t i = 0; i < change->n_modules && r == 0; i++)
                r = streq(change->modules[i], driver);
        if (r > 0)
                return 0;
        module = CHANGE_GROW(change->modules, change->n_modules);
        if (!module)
                return change_out_of_memory(change);
        strcpy(*module, driver);
        return 0;
}

/* For a plan that nobody applies: an apply would have modprobe tell, which knows the aliases in /etc, too. A
 * restore asks for its driver by the device's alias as well. */
static int check_modules(struct iommuctl_change *change)
{
        for (size_t i = 0; i < change->n_steps; i++) {
                const struct step *step = &change->steps[i];
                const char *driver = step->want.driver;
                int r;

                if (step->aim == AIM_RESTORE || !*driver || streq(driver, step->before.driver))
                        continue;
                r = module_driver_exists(change->k, change->root_fd, step->device.bus, driver);
                if (r == 0 && module_exists(change->k, change->root_fd, driver) == 0)
                        return change_fail_module(change, step, MODULE_UNKNOWN, 0);
                if (r < 0)
                        return ctx_error(change->ctx, r, NULL, "cannot look for the driver %s: %s", driver,
                                         strerror(-r));
        }
        return 0;
}

static int add_writes(struct iommuctl_change *change, const struct step *step)
{
        struct driver_write writes[DRIVER_WRITES_MAX];
        size_t n = driver_writes(&step->device, &step->before, &step->want, writes);

        for (size_t i = 0; i < n; i++) {
                struct driver_write *w = CHANGE_GROW(change->writes, change->n_writes);

                if (!w)
                        return change_out_of_memory(change);
                *w = writes[i];
        }
        return 0;
}

static int look_for_hazards(struct iommuctl_change *change)
{
        int r = 0;

        for (size_t i = 0; i < change->n_steps && r >= 0; i++) {
                const struct step *step = &change->steps[i];

                if (!streq(step->before.driver, step->want.driver))
                        r = hazard_look_at_device(change, &step->device);
        }
        if (r >= 0)
                r = hazard_groups(change);
        if (r >= 0)
                r = hazard_in_use(change);
        return r;
}

int change_make_plan(struct iommuctl_change *change)
{
        int r;

        change_clear_plan(change);
        r = add_steps(change);
        if (r >= 0 && change->n_steps > 1)
                qsort(change->steps, change->n_steps, sizeof(*change->steps), compare_steps);
        for (size_t i = 0; i < change->n_steps && r >= 0; i++) {
                r = plan_step(change, &change->steps[i]);
                if (r >= 0)
                        r = add_module(change, &change->steps[i]);
                if (r >= 0)
                        r = add_writes(change, &change->steps[i]);
        }
        if (r >= 0)
                r = look_for_hazards(change);
        if (r < 0)
                change_clear_plan(change);
        return r < 0 ? r : 0;
}

_public_ int iommuctl_change_plan(struct iommuctl_change *change)
{
        int r = change_make_plan(change);

        if (r >= 0) {
                r = check_modules(change);
                if (r < 0)
                        change_clear_plan(change);
        }
        return r < 0 ? r : change_fail_damaged(change);
}
