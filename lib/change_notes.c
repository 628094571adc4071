/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The notes of earlier changes, as a plan meets them: what is to be restored, and what a step's device was.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "change.h"

/* The bus that has a device of this name; PCI is asked first. */
static int find_bus(struct iommuctl_change *change, const char *device, char bus[BUS_NAME_SIZE])
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        const char *name;
        int r;

        strcpy(bus, "pci");
        r = file_exists(change->k, change->root_fd, "sys/bus/pci/devices/%s", device);
        if (r != 0)
                return r < 0 ? r : 0;
        r = dir_open(&dir, change->k, change->root_fd, "sys/bus");
        while (r >= 0 && (name = dir_next(&dir))) {
                if (strlen(name) >= BUS_NAME_SIZE)
                        continue;
                r = file_exists(change->k, change->root_fd, "sys/bus/%s/devices/%s", name, device);
                if (r > 0) {
                        strcpy(bus, name);
                        return 0;
                }
        }
        if (r < 0 || dir.error < 0)
                return r < 0 ? r : dir.error;
        return -ENODEV;
}

static int note_damaged(struct iommuctl_change *change, const char *device, size_t n_more)
{
        char more[48] = "";

        if (n_more > 0)
                snprintf(more, sizeof(more), " (and %zu more such notes)", n_more);
        return ctx_error(change->ctx, -EBADMSG, device,
                         "the note of what %s was, /" JOURNAL_DIR "/%s, is damaged: put the device right by "
                         "hand and remove it%s",
                         device, device, more);
}

int change_fail_damaged(struct iommuctl_change *change)
{
        return change->n_damaged > 0 ? note_damaged(change, change->damaged[0], change->n_damaged - 1) : 0;
}

static int add_name(struct iommuctl_change *change, char (**names)[DEVICE_NAME_SIZE], size_t *n,
                    const char *device)
{
        char(*name)[DEVICE_NAME_SIZE] = CHANGE_GROW(*names, *n);

        if (!name)
                return change_out_of_memory(change);
        strcpy(*name, device);
        return 0;
}

int change_add_restore_step(struct iommuctl_change *change, const char *device, bool note_seen)
{
        struct journal_entry entry;
        char bus[BUS_NAME_SIZE];
        int r;

        if (change_find_step(change, device))
                return 0;
        r = find_bus(change, device, bus);
        if (r == -ENODEV && journal_read(change->k, change->root_fd, device, &entry) >= 0) {
                /* Unplugged: nothing is left to give back but the note. */
                ctx_log(change->ctx, IOMMUCTL_LOG_WARNING, "%s was changed, and is no longer there", device);
                return add_name(change, &change->gone, &change->n_gone, device);
        }
        if (r < 0)
                return ctx_error(change->ctx, r, device, "no device is named %s", device);
        r = change_add_step(change, AIM_RESTORE, bus, device, "");
        if (r >= 0)
                change->steps[change->n_steps - 1].note_seen = note_seen;
        return r;
}

/* A file or directory that is no note. Where it has the name of a device it may have been one. */
static int add_no_note(struct iommuctl_change *change, const char *name, bool damaged)
{
        char bus[BUS_NAME_SIZE];
        int r = damaged ? find_bus(change, name, bus) : -ENODEV;

        if (r >= 0)
                return add_name(change, &change->damaged, &change->n_damaged, name);
        if (r != -ENODEV)
                return ctx_error(change->ctx, r, name, "cannot look for the device %s: %s", name,
                                 strerror(-r));
        ctx_log(change->ctx, IOMMUCTL_LOG_WARNING, "/" JOURNAL_DIR "/%s is no note of a device: left alone",
                name);
        return 0;
}

static int add_noted(struct iommuctl_change *change, const char *name)
{
        struct journal_entry entry;
        int r;

        if (change_find_step(change, name))
                return 0;
        r = journal_read(change->k, change->root_fd, name, &entry);
        if (r == -EBADMSG || r == -EISDIR)
                return add_no_note(change, name, r == -EBADMSG);
        /* Any other failure comes again where the step is planned. */
        return change_add_restore_step(change, name, true);
}

int change_add_all_noted(struct iommuctl_change *change)
{
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        const char *name;
        int r;

        r = journal_open(change->k, change->root_fd, &dir);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return ctx_error(change->ctx, r, NULL, "cannot read /" JOURNAL_DIR ": %s", strerror(-r));
        while ((name = dir_next(&dir)))
                if (journal_is_entry(name)) {
                        r = add_noted(change, name);
                        if (r < 0)
                                return r;
                }
        r = dir.error;
        return r < 0 ? ctx_error(change->ctx, r, NULL, "cannot read /" JOURNAL_DIR ": %s", strerror(-r)) : 0;
}

int change_read_note(struct iommuctl_change *change, struct step *step)
{
        struct journal_entry now = { 0 };
        const char *name = step->device.name;
        enum journal_match match;
        int r;

        r = journal_read(change->k, change->root_fd, name, &step->entry);
        if (r == -ENOENT && !(step->note_seen && change->settle))
                return 0;
        if (r == -EBADMSG)
                return note_damaged(change, name, 0);
        if (r >= 0)
                r = journal_identify(&step->device, &now);
        if (r < 0)
                return ctx_error(change->ctx, r, name, "cannot read the note of what %s was: %s", name,
                                 strerror(-r));
        match = journal_match(&step->entry, &now);
        step->noted = match == JOURNAL_SAME;
        step->stale = match != JOURNAL_SAME;
        if (match == JOURNAL_OTHER_DEVICE && step->aim == AIM_RESTORE)
                ctx_log(change->ctx, IOMMUCTL_LOG_WARNING,
                        "%s is another device than the one that was changed (%s, now %s): nothing to give "
                        "back",
                        name, step->entry.identity, now.identity);
        return 0;
}
