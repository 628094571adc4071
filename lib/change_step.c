/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One device of a change: reading it, changing it, and bringing it back. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "hazard.h"

/* For a device whose lock a stuck child of ours holds, only this much more time is spent. */
#define LAST_TRY_MS 1000

#define ROUNDS 3

static int fail_stuck(struct iommuctl_change *change, struct step *step, const struct stuck *stuck,
                      const char *doing)
{
        const char *name = step->device.name;
        char why[512];

        step->out_of_reach = stuck->pid != 0 || *stuck->driver;
        change_describe_stuck(change, step, stuck, why, sizeof(why));
        if (*stuck->driver)
                return ctx_error(change->ctx, -ETIMEDOUT, name,
                                 "%s is about to let go of %s, and has not come to an end within %d.%d s%s",
                                 stuck->driver, name, change->timeout_ms / 1000,
                                 change->timeout_ms / 100 % 10, why);
        return ctx_error(change->ctx, -ETIMEDOUT, name, "%s %s did not end within %d.%d s%s", doing, name,
                         change->timeout_ms / 1000, change->timeout_ms / 100 % 10, why);
}

/* Reads the driver that is there to stay; waits for it where that is wanted. */
static int settle(struct iommuctl_change *change, struct step *step)
{
        struct stuck stuck;
        int r;

        r = driver_settle(&step->device, change->settle ? change->timeout_ms : 0, change->timeout_ms,
                          step->before.driver, &stuck);
        step->moving = r == -ETIMEDOUT;
        if (r == -ETIMEDOUT && change->settle)
                return fail_stuck(change, step, &stuck, "reading the state of");
        return r == -ETIMEDOUT ? 0 : r;
}

int change_read_step(struct iommuctl_change *change, struct step *step)
{
        const char *name = step->device.name;
        struct stuck stuck;
        int r;

        step->group = NO_GROUP_ID;
        r = vfio_group_number(&step->device, &step->group);
        if (r >= 0 || r == -ENOENT)
                r = vfio_nodes_announced(&step->device, &step->nodes);
        if (r < 0)
                return ctx_error(change->ctx, r, name, "cannot look for the group of %s: %s", name,
                                 strerror(-r));
        r = settle(change, step);
        if (r == -ETIMEDOUT)
                return r;
        if (r >= 0)
                r = driver_override_read(&step->device, change->timeout_ms, step->before.driver_override,
                                         &stuck);
        if (r == -ETIMEDOUT)
                return fail_stuck(change, step, &stuck, "reading the state of");
        if (r == -ENODEV)
                return ctx_error(change->ctx, r, name, "there is no device %s on the bus %s", name,
                                 step->device.bus);
        if (r == -EOPNOTSUPP)
                return ctx_error(change->ctx, r, name,
                                 "the bus %s of %s lets no driver be chosen for a device "
                                 "(it has no driver_override)",
                                 step->device.bus, name);
        if (r < 0)
                return ctx_error(change->ctx, r, name, "cannot read the driver of %s: %s", name,
                                 strerror(-r));
        return 0;
}

/* What a write does, for a message in which the device's name follows. */
static void say_write(const struct driver_write *write, const char *driver, char *text, size_t size)
{
        switch (write->kind) {
        case DRIVER_WRITE_OVERRIDE:
                snprintf(text, size, "setting the driver_override of");
                break;
        case DRIVER_WRITE_UNBIND:
                snprintf(text, size, "unbinding %s from", driver);
                break;
        case DRIVER_WRITE_PROBE:
                snprintf(text, size, "binding a driver to");
                break;
        }
}

static const char *hint(enum driver_write_kind kind, int r)
{
        /* What drivers_probe makes of every error (drivers/base/bus.c). */
        if (kind == DRIVER_WRITE_PROBE && r == -EINVAL)
                return " (is its group in use through VFIO?)";
        switch (r) {
        case -EROFS:
                return " (/sys is mounted read-only here)";
        case -EPERM:
        case -EACCES:
                return " (root is needed; where this is root, a container or a security module forbids it)";
        default:
                return "";
        }
}

static int make_writes(struct iommuctl_change *change, struct step *step, const struct driver_state *now,
                       const struct driver_state *want)
{
        struct driver_write writes[DRIVER_WRITES_MAX];
        const char *name = step->device.name;
        struct stuck stuck;
        char doing[192];
        size_t n;
        int r;

        n = driver_writes(&step->device, now, want, writes);
        for (size_t i = 0; i < n; i++) {
                ctx_log(change->ctx, IOMMUCTL_LOG_INFO, "%s: write '%s' to %s", name,
                        *writes[i].value == '\n' ? "" : writes[i].value, writes[i].path);
                say_write(&writes[i], now->driver, doing, sizeof(doing));
                r = driver_write(&step->device, &writes[i], change->timeout_ms, &stuck);
                if (r == -ETIMEDOUT)
                        return fail_stuck(change, step, &stuck, doing);
                if (r < 0)
                        return ctx_error(change->ctx, r, name, "%s %s failed: %s%s", doing, name,
                                         strerror(-r), hint(writes[i].kind, r));
        }
        return 0;
}

/* The driver and override now, with a text where they cannot be read. */
static int read_state(struct iommuctl_change *change, struct step *step, struct driver_state *ret_state)
{
        struct stuck stuck;
        int r;

        r = driver_state_read(&step->device, change->timeout_ms, ret_state, &stuck);
        if (r == -ETIMEDOUT)
                return fail_stuck(change, step, &stuck, "reading the state of");
        return r < 0 ? ctx_error(change->ctx, r, step->device.name, "cannot read the driver of %s: %s",
                                 step->device.name, strerror(-r))
                     : 0;
}

static int fail_mismatch(struct iommuctl_change *change, const struct step *step,
                         const struct driver_state *now, const struct driver_state *want)
{
        const char *name = step->device.name;

        if (*want->driver && !*now->driver)
                return ctx_error(change->ctx, -EIO, name,
                                 "%s did not take %s; the kernel's log says why, where the driver does",
                                 want->driver, name);
        return ctx_error(change->ctx, -EIO, name,
                         "%s is bound to %s with driver_override '%s', though %s with '%s' was asked for",
                         name, *now->driver ? now->driver : "no driver", now->driver_override,
                         *want->driver ? want->driver : "no driver", want->driver_override);
}

/* Leads the device from NOW to WANT and looks whether it got there. Someone else may have had a hand in it (a
 * udev rule, the last write of a process that was killed), so where it holds another driver it is led from
 * there. */
static int bring(struct iommuctl_change *change, struct step *step, const struct driver_state *now,
                 const struct driver_state *want)
{
        struct driver_state state = *now;
        int r;

        for (int round = 0; round < ROUNDS; round++) {
                r = make_writes(change, step, &state, want);
                if (r >= 0)
                        r = read_state(change, step, &state);
                if (r < 0)
                        return r;
                if (streq(state.driver, want->driver) && streq(state.driver_override, want->driver_override))
                        return 0;
                if (*want->driver && !*state.driver)
                        break; /* it does not want the device */
        }
        return fail_mismatch(change, step, &state, want);
}

/* Keeps what the device was, unless that is kept already. */
static int note(struct iommuctl_change *change, struct step *step)
{
        struct journal_entry *entry = &step->entry;
        const char *name = step->device.name;
        int r = 0;

        if (step->aim == AIM_RESTORE)
                return 0;
        if (!step->noted) {
                memset(entry, 0, sizeof(*entry));
                r = journal_identify(&step->device, entry);
                entry->original = step->before;
        }
        strcpy(entry->target, step->want.driver);
        entry->when_s = change->k->ops->now_ns(change->k) / 1000000000u;
        if (r >= 0)
                r = journal_write(change->k, change->root_fd, entry);
        if (r < 0)
                return ctx_error(change->ctx, r, name,
                                 "cannot keep a note of what %s was in /" JOURNAL_DIR ": %s", name,
                                 strerror(-r));
        step->noted_by_us = !step->noted;
        step->noted = true;
        step->stale = false;
        return 0;
}

static int wait_for_nodes(struct iommuctl_change *change, struct step *step)
{
        const char *name = step->device.name;
        struct vfio_nodes nodes;
        int r;

        memset(&step->nodes, 0, sizeof(step->nodes));
        if (!driver_is_vfio(step->want.driver))
                return 0;
        r = vfio_nodes_wait(&step->device, change->timeout_ms, &nodes);
        switch (r) {
        case 0:
                step->nodes = nodes;
                return 0;
        case -ENOENT:
                return ctx_error(change->ctx, -EIO, name, "%s took %s, but VFIO made no node for it",
                                 step->want.driver, name);
        case -ETIMEDOUT:
                return ctx_error(
                        change->ctx, r, name,
                        "the node %s of %s did not appear within %d.%d s: is /dev a devtmpfs, or udev "
                        "running?",
                        *nodes.group ? nodes.group : nodes.cdev, name, change->timeout_ms / 1000,
                        change->timeout_ms / 100 % 10);
        default:
                return ctx_error(change->ctx, r, name, "cannot look for the nodes of %s: %s", name,
                                 strerror(-r));
        }
}

int change_do_step(struct iommuctl_change *change, struct step *step)
{
        int r;

        r = note(change, step);
        if (r < 0)
                return r;
        step->begun = true;
        r = bring(change, step, &step->before, &step->want);
        return r < 0 ? r : wait_for_nodes(change, step);
}

/* The write that hangs holds the device's lock. Current kernels set driver_override without it, so this may
 * go through; a leftover override would keep the native driver away once the device comes free. */
static void last_try(struct iommuctl_change *change, struct step *step)
{
        struct driver_state now = step->before;
        struct driver_write writes[DRIVER_WRITES_MAX];
        struct stuck stuck;

        if (streq(step->before.driver_override, step->want.driver_override))
                return;
        strcpy(now.driver_override, step->want.driver_override);
        if (driver_writes(&step->device, &now, &step->before, writes) > 0)
                driver_write(&step->device, &writes[0], MIN(LAST_TRY_MS, change->timeout_ms), &stuck);
}

int change_undo_step(struct iommuctl_change *change, struct step *step)
{
        const char *name = step->device.name;
        struct driver_state now;
        int r;

        if (step->note_dropped) {
                r = journal_write(change->k, change->root_fd, &step->entry);
                if (r < 0)
                        return ctx_error(change->ctx, r, name, "cannot keep a note of what %s was: %s", name,
                                         strerror(-r));
                step->note_dropped = false;
        }
        if (step->begun && step->out_of_reach) {
                last_try(change, step);
                return ctx_error(change->ctx, -ETIMEDOUT, name, "%s is out of reach until its driver lets go",
                                 name);
        }
        if (step->begun) {
                r = read_state(change, step, &now);
                if (r < 0)
                        return r;
                r = bring(change, step, &now, &step->before);
                if (r < 0)
                        return r;
                step->begun = false;
                if (!driver_is_vfio(step->before.driver))
                        memset(&step->nodes, 0, sizeof(step->nodes));
        }
        if (step->noted_by_us) {
                r = journal_remove(change->k, change->root_fd, name);
                if (r < 0)
                        return ctx_error(change->ctx, r, name, "cannot remove /" JOURNAL_DIR "/%s: %s", name,
                                         strerror(-r));
                step->noted_by_us = step->noted = false;
        }
        return 0;
}
