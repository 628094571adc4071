/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Doing a change whole, or not at all. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "module.h"

static int fail_lock(struct iommuctl_change *change, int r, pid_t holder)
{
        char who[48] = "";

        if (holder > 0)
                snprintf(who, sizeof(who), ", process %ld,", (long)holder);
        switch (r) {
        case -ETIMEDOUT:
                return ctx_error(
                        change->ctx, r, NULL,
                        "another iommuctl%s has been changing drivers for %d.%d s (it holds /" JOURNAL_LOCK
                        ")",
                        who, change->timeout_ms / 1000, change->timeout_ms / 100 % 10);
        case -EACCES:
        case -EPERM:
                return ctx_error(change->ctx, r, NULL,
                                 "changing drivers needs root: it writes below /sys and /run/iommuctl");
        default:
                return ctx_error(change->ctx, r, NULL, "cannot take the lock /" JOURNAL_LOCK ": %s",
                                 strerror(-r));
        }
}

static int lock(struct iommuctl_change *change, struct scoped_fd *ret_fd)
{
        pid_t holder = 0;
        int r;

        r = journal_lock(change->k, change->root_fd, change->timeout_ms, &holder);
        if (r < 0)
                return fail_lock(change, r, holder);
        *ret_fd = SCOPED_FD(change->k, r);
        return 0;
}

static int refuse(struct iommuctl_change *change)
{
        const struct hazard *first = NULL;
        size_t n = 0;

        for (size_t i = 0; i < change->n_hazards; i++)
                if (!(change->hazards[i].kind & change->allowed) && n++ == 0)
                        first = &change->hazards[i];
        if (!first)
                return 0;
        if (n == 1)
                return ctx_error(change->ctx, -ECANCELED, first->device, "%s: %s", first->device,
                                 first->detail);
        return ctx_error(change->ctx, -ECANCELED, first->device, "%s: %s (and %zu more)", first->device,
                         first->detail, n - 1);
}

/* Why a driver could not be had, for a message that names the device. */
static void say_module(struct iommuctl_change *change, const char *driver, int result, int status, char *text,
                       size_t size)
{
        char release[80];

        if (module_kernel_release(change->k, change->root_fd, release) < 0)
                strcpy(release, "?");
        switch (result) {
        case MODULE_NO_LOADER:
                snprintf(text, size, "the driver %s is not loaded, and there is no modprobe to load it with",
                         driver);
                break;
        case MODULE_UNKNOWN:
                snprintf(text, size, "kernel %s has no driver %s: it is neither built in nor a module",
                         release, driver);
                break;
        case MODULE_TIMED_OUT:
                snprintf(text, size, "loading the module %s did not end within %d.%d s", driver,
                         change->timeout_ms / 1000, change->timeout_ms / 100 % 10);
                break;
        case MODULE_FAILED:
                snprintf(text, size, "the driver %s is not loaded, and 'modprobe %s' ended with status %d",
                         driver, driver, status);
                break;
        case MODULE_LOADED:
                snprintf(text, size, "the module %s is loaded, but kernel %s has no driver of this name",
                         driver, release);
                break;
        default:
                snprintf(text, size, "cannot run modprobe: %s", strerror(-result));
        }
}

int change_fail_module(struct iommuctl_change *change, const struct step *step, int result, int status)
{
        const char *driver = step->want.driver, *name = step->device.name;
        int r = result < 0 ? result : result == MODULE_TIMED_OUT ? -ETIMEDOUT : -ENOENT;
        char why[400];

        say_module(change, driver, result, status, why, sizeof(why));
        if (step->aim != AIM_RESTORE)
                return ctx_error(change->ctx, r, name, "%s: %s", name, why);
        return ctx_error(change->ctx, r, name,
                         "%s had the driver %s, which cannot be given back: %s; load what has it and restore "
                         "again, or give the device another with 'iommuctl bind --driver' (what it was stays "
                         "noted)",
                         name, driver, why);
}

/* Sees to it that the step's driver is registered. */
static int load_driver(struct iommuctl_change *change, const struct step *step)
{
        const char *driver = step->want.driver;
        int status, result, r;

        if (!*driver || streq(driver, step->before.driver))
                return 0;
        r = module_driver_exists(change->k, change->root_fd, step->device.bus, driver);
        if (r < 0)
                return ctx_error(change->ctx, r, NULL, "cannot look for the driver %s: %s", driver,
                                 strerror(-r));
        if (r > 0)
                return 0;
        ctx_log(change->ctx, IOMMUCTL_LOG_INFO, "loading the module %s", driver);
        result = module_load(change->k, change->root_fd, driver, change->timeout_ms, &status);
        if (result != MODULE_TIMED_OUT &&
            module_driver_exists(change->k, change->root_fd, step->device.bus, driver) > 0)
                return 0;
        /* A native driver's module may have another name than the driver (xhci_hcd is in xhci-pci). */
        if (step->aim == AIM_RESTORE && module_load_for(&step->device, change->timeout_ms) >= 0 &&
            module_driver_exists(change->k, change->root_fd, step->device.bus, driver) > 0)
                return 0;
        return change_fail_module(change, step, result, status);
}

/* Undoes all steps begun, in reverse, and goes on past one that cannot be. The text of the first such is left
 * in the context. Returns how many could not. */
static unsigned int undo_steps(struct iommuctl_change *change, int *ret_first)
{
        char text[512], device[DEVICE_NAME_SIZE];
        unsigned int failed = 0;

        for (size_t i = change->n_steps; i-- > 0;) {
                struct step *step = &change->steps[i];
                int r = change_undo_step(change, step);

                if (r >= 0)
                        continue;
                if (failed++ > 0)
                        continue;
                *ret_first = r;
                iommuctl_ctx_error(change->ctx, text, sizeof(text));
                strcpy(device, step->device.name);
        }
        if (failed > 0)
                ctx_error(change->ctx, *ret_first, device, "%s", text);
        return failed;
}

/* After a failure R, whose text is in the context: undoes the rest and completes the text. */
static int fail_and_undo(struct iommuctl_change *change, int r)
{
        char text[700], device[DEVICE_NAME_SIZE], why[512];
        bool begun = false;
        int first = 0;

        for (size_t i = 0; i < change->n_steps; i++)
                begun |= change->steps[i].begun;
        iommuctl_ctx_error(change->ctx, text, sizeof(text));
        iommuctl_ctx_error_device(change->ctx, device, sizeof(device));
        if (undo_steps(change, &first) == 0)
                return ctx_error(change->ctx, r, *device ? device : NULL, "%s%s", text,
                                 begun ? "; all is as before" : "");
        iommuctl_ctx_error(change->ctx, why, sizeof(why));
        return ctx_error(change->ctx, r, *device ? device : NULL,
                         "%s; not all could be undone: %s; what was is still noted for a restore", text, why);
}

static int drop_note(struct iommuctl_change *change, const char *device)
{
        int r = journal_remove(change->k, change->root_fd, device);

        return r < 0 ? ctx_error(change->ctx, r, device,
                                 "all is given back, but the note /" JOURNAL_DIR "/%s cannot be removed: %s",
                                 device, strerror(-r))
                     : 0;
}

/* The notes that a restore has done with. A note too many is harmless, so this goes on past one. */
static int drop_notes(struct iommuctl_change *change)
{
        int r, result = 0;

        for (size_t i = 0; i < change->n_steps; i++) {
                struct step *step = &change->steps[i];

                if (step->aim != AIM_RESTORE || (!step->noted && !step->stale))
                        continue;
                r = drop_note(change, step->device.name);
                step->note_dropped = r >= 0 && step->noted;
                result = MIN(result, r);
        }
        for (size_t i = 0; i < change->n_gone; i++) {
                r = drop_note(change, change->gone[i]);
                result = MIN(result, r);
        }
        return result;
}

static bool nothing_to_do(const struct iommuctl_change *change)
{
        for (size_t i = 0; i < change->n_steps; i++) {
                const struct step *step = &change->steps[i];

                if (step->changed || step->moving ||
                    (step->aim == AIM_RESTORE && (step->noted || step->stale)))
                        return false;
        }
        return change->n_gone == 0;
}

static int do_steps(struct iommuctl_change *change)
{
        int r = 0;

        for (size_t i = 0; i < change->n_steps && r >= 0; i++)
                r = load_driver(change, &change->steps[i]);
        for (size_t i = 0; i < change->n_steps && r >= 0; i++)
                if (change->steps[i].changed)
                        r = change_do_step(change, &change->steps[i]);
        return r;
}

/* What was refused, or undone, is not changed; what could not be undone is. */
static int fail_unchanged(struct iommuctl_change *change, int r)
{
        for (size_t i = 0; i < change->n_steps; i++)
                change->steps[i].changed = change->steps[i].begun;
        return r;
}

_public_ int iommuctl_change_apply(struct iommuctl_change *change)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(change->k, -1);
        int r;

        r = change_make_plan(change);
        if (r < 0)
                return r;
        if (nothing_to_do(change))
                return change_fail_damaged(change);
        r = refuse(change);
        if (r >= 0)
                r = lock(change, &fd);
        if (r < 0)
                return fail_unchanged(change, r);
        /* Who held the lock may have changed what was planned for. */
        change->settle = true;
        r = change_make_plan(change);
        change->settle = false;
        if (r >= 0)
                r = refuse(change);
        if (r < 0)
                return fail_unchanged(change, r);
        r = do_steps(change);
        if (r < 0)
                return fail_unchanged(change, fail_and_undo(change, r));
        change->applied = true;
        r = drop_notes(change);
        return r < 0 ? r : change_fail_damaged(change);
}

_public_ int iommuctl_change_undo(struct iommuctl_change *change)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(change->k, -1);
        int r, first = 0;

        if (!change->applied)
                return 0;
        r = lock(change, &fd);
        if (r < 0)
                return r;
        change->applied = false;
        undo_steps(change, &first);
        return fail_unchanged(change, first);
}
