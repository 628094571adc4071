/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The hazard of a group that VFIO would not give out after the change. */

#include <errno.h>
#include <string.h>

#include "file.h"
#include "hazard.h"

static bool binds_to_vfio(const struct step *step)
{
        return step->changed && step->group != NO_GROUP_ID && driver_is_vfio(step->want.driver);
}

/* The driver that a member of the group will have. */
static int driver_after(struct iommuctl_change *change, unsigned int group, const char *name,
                        struct bus_device *ret_device, char driver[DRIVER_NAME_SIZE])
{
        struct bus_device device = { .k = change->k, .root_fd = change->root_fd };
        const struct step *step = change_find_step(change, name);
        int r;

        if (step) {
                strcpy(driver, step->want.driver);
                *ret_device = step->device;
                return 0;
        }
        if (strlen(name) >= sizeof(device.name))
                return -ENAMETOOLONG;
        strcpy(device.name, name);
        r = file_link_name(change->k, change->root_fd, device.bus, sizeof(device.bus),
                           "sys/kernel/iommu_groups/%u/devices/%s/subsystem", group, name);
        if (r >= 0)
                r = driver_name_read(&device, driver);
        *ret_device = device;
        return r;
}

static int look_at_member(struct iommuctl_change *change, unsigned int group, const char *name)
{
        char driver[DRIVER_NAME_SIZE];
        struct bus_device device;
        int r;

        r = driver_after(change, group, name, &device, driver);
        if (r == -ENOENT || r == -ENODEV)
                return 0; /* unplugged meanwhile */
        if (r < 0 || !*driver || !driver_blocks_group(driver))
                return r;
        r = hazard_add(change, name, IOMMUCTL_HAZARD_GROUP_NOT_VIABLE,
                       "group %u would not be viable: %s is bound to %s", group, name, driver);
        /* What stands against taking it along, so that all is said at once. */
        if (r >= 0 && !(change->allowed & IOMMUCTL_HAZARD_GROUP_NOT_VIABLE) &&
            !change_find_step(change, name))
                r = hazard_look_at_device(change, &device);
        return r;
}

static int look_at_group(struct iommuctl_change *change, unsigned int group)
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        const char *name;
        int r;

        r = dir_open(&dir, change->k, change->root_fd, "sys/kernel/iommu_groups/%u/devices", group);
        while (r >= 0 && (name = dir_next(&dir)))
                r = look_at_member(change, group, name);
        if (r >= 0)
                r = dir.error;
        return r < 0 ? ctx_error(change->ctx, r, NULL, "cannot look at the devices of group %u: %s", group,
                                 strerror(-r))
                     : 0;
}

int hazard_groups(struct iommuctl_change *change)
{
        for (size_t i = 0; i < change->n_steps; i++) {
                const struct step *step = &change->steps[i];
                bool seen = false;
                int r;

                if (!binds_to_vfio(step))
                        continue;
                for (size_t j = 0; j < i; j++)
                        seen |= binds_to_vfio(&change->steps[j]) && change->steps[j].group == step->group;
                r = seen ? 0 : look_at_group(change, step->group);
                if (r < 0)
                        return r;
        }
        return 0;
}
