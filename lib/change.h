/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a change. change.c is the object, change_plan.c finds the steps, change_apply.c does them,
 * change_notes.c reads what earlier changes left, change_step.c does and undoes one, hazard*.c look for what
 * stands against them. */

#include "bus_driver.h"
#include "ctx.h"
#include "driver_names.h"
#include "iommuctl/change.h"
#include "journal.h"
#include "vfio_node.h"

#define CHANGE_TIMEOUT_MS 30000
#define NO_GROUP_ID       UINT32_MAX

enum aim {
        AIM_BIND,
        AIM_UNBIND,
        AIM_RESTORE,
};

enum wish_reach {
        REACH_DEVICE,
        REACH_GROUP,
        REACH_ALL, /* AIM_RESTORE: all that were changed */
};

/* What the caller asked for; the plan makes steps of it. */
struct wish {
        enum aim aim;
        enum wish_reach reach;
        char bus[BUS_NAME_SIZE]; /* empty for a device to restore: its note says */
        char device[DEVICE_NAME_SIZE];
        unsigned int group;
        char driver[DRIVER_NAME_SIZE]; /* empty: the VFIO driver of the bus */
};

struct step {
        struct bus_device device;
        enum aim aim;
        unsigned int group; /* NO_GROUP_ID */
        struct driver_state before, want;
        bool changed;   /* BEFORE and WANT differ */
        bool note_seen; /* the journal was seen to have an entry when the step was made */
        bool noted;     /* the journal has a valid entry */
        bool stale;     /* it has one that means nothing any more */
        struct journal_entry entry;
        struct vfio_nodes nodes;

        bool moving;       /* a driver is on its way to the device or away from it */
        bool begun;        /* a write to the device was tried */
        bool note_dropped; /* by the restore that is done with it */
        bool noted_by_us;  /* the entry was made by this apply */
        bool out_of_reach; /* a child of ours is stuck in a write to it: it can be neither read nor written */
};

struct hazard {
        char device[DEVICE_NAME_SIZE];
        enum iommuctl_hazard kind;
        char *detail;
};

struct iommuctl_change {
        struct iommuctl_ctx *ctx;
        struct kernel *k;
        int root_fd;
        unsigned int allowed;
        int timeout_ms;
        bool applied;
        bool settle; /* wait for drivers on their way: under the lock only */

        struct wish *wishes;
        size_t n_wishes;

        struct step *steps;
        size_t n_steps;
        struct hazard *hazards;
        size_t n_hazards;
        struct driver_write *writes;
        size_t n_writes;
        char (*gone)[DEVICE_NAME_SIZE]; /* noted devices that are no longer there */
        size_t n_gone;
        char (*damaged)[DEVICE_NAME_SIZE]; /* a restore of all passes over devices whose notes are damaged */
        size_t n_damaged;
        char (*modules)[DRIVER_NAME_SIZE];
        size_t n_modules;
};

/* Makes room for one more in an array of N and returns it zeroed; NULL when out of memory. */
#define CHANGE_GROW(array, n)                                                              \
        ({                                                                                 \
                __typeof__(array) grown_ = realloc((array), ((n) + 1) * sizeof(*(array))); \
                                                                                           \
                if (grown_) {                                                              \
                        (array) = grown_;                                                  \
                        memset(&grown_[n], 0, sizeof(*grown_));                            \
                        grown_ += (n)++;                                                   \
                }                                                                          \
                grown_;                                                                    \
        })

/* The plan, complete but for damaged notes, which are in the list and no failure. */
int change_make_plan(struct iommuctl_change *change);
int change_add_step(struct iommuctl_change *change, enum aim aim, const char *bus, const char *name,
                    const char *driver);
int change_out_of_memory(struct iommuctl_change *change);

/* The step that restores a device, or takes the note of one that is gone. NOTE_SEEN: the journal lists it. */
int change_add_restore_step(struct iommuctl_change *change, const char *device, bool note_seen);
/* The same for all that the journal lists. */
int change_add_all_noted(struct iommuctl_change *change);
/* What the journal has of the step's device. */
int change_read_note(struct iommuctl_change *change, struct step *step);
/* The failure that damaged notes are, once all else is done; 0 without any. */
int change_fail_damaged(struct iommuctl_change *change);

void change_clear_plan(struct iommuctl_change *change);
struct step *change_find_step(struct iommuctl_change *change, const char *device);

/* A device's own "what is there": driver, override, group, nodes; with texts. */
int change_read_step(struct iommuctl_change *change, struct step *step);

/* The driver of a step cannot be had; RESULT and STATUS are those of module_load(). */
int change_fail_module(struct iommuctl_change *change, const struct step *step, int result, int status);

/* Does one step, or undoes it. Both keep the text of their failure in the context. */
int change_do_step(struct iommuctl_change *change, struct step *step);
int change_undo_step(struct iommuctl_change *change, struct step *step);

/* Says, for a message, what keeps the kernel from ending. */
void change_describe_stuck(struct iommuctl_change *change, const struct step *step, const struct stuck *stuck,
                           char *text, size_t size);
