/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What devices were before their drivers were changed, one small text file a device under
 * /run/iommuctl/devices.
 *
 * An entry is written whole and put in its place before the first write to its device, so a process killed at
 * any point leaves enough to bring the device back. /run forgets with the machine, and so do drivers and
 * overrides; an entry that outlives its boot, or its card, is known by the boot and the identity in it.
 */

#include "bus_driver.h"
#include "file.h"

#define JOURNAL_DIR        "run/iommuctl/devices"
#define JOURNAL_LOCK       "run/iommuctl/lock"
#define JOURNAL_VERSION    1
#define JOURNAL_ENTRY_SIZE 2048 /* the text of the largest */

struct journal_entry {
        char device[DEVICE_NAME_SIZE];
        char bus[BUS_NAME_SIZE];
        char boot[48];                 /* /proc/sys/kernel/random/boot_id */
        char identity[256];            /* modalias: vendor, device, subsystem and class, on any bus */
        struct driver_state original;  /* before the first change */
        char target[DRIVER_NAME_SIZE]; /* the driver of the last change; empty: none */
        uint64_t when_s;               /* of the last change, in seconds since boot */
};

/* Makes the directories and takes the lock that all changes are made under, waiting up to TIMEOUT_MS. Returns
 * a descriptor to close; -ETIMEDOUT with the process that holds it in *RET_HOLDER (0 where it does not say);
 * -EACCES or -EPERM without the privilege. */
int journal_lock(struct kernel *k, int root_fd, int timeout_ms, pid_t *ret_holder);

/* The note of a device from its text: 0, or -EBADMSG where it is damaged. */
int journal_parse(const char *text, const char *device, struct journal_entry *ret_entry);
/* -ENOENT: there is none; -EBADMSG: it is damaged. */
int journal_read(struct kernel *k, int root_fd, const char *device, struct journal_entry *ret_entry);
/* Under the lock. The place is taken by the whole entry or by nothing. */
int journal_write(struct kernel *k, int root_fd, const struct journal_entry *entry);
int journal_remove(struct kernel *k, int root_fd, const char *device);

/* Opens the directory of entries, whose names are those of the devices; dir_next() gives also names that
 * journal_is_entry() denies. -ENOENT where nothing was ever changed. */
int journal_open(struct kernel *k, int root_fd, struct dir_reader *dir);
bool journal_is_entry(const char *name);

/* The boot and the identity of a device now, into an entry. */
int journal_identify(const struct bus_device *device, struct journal_entry *entry);

/* Whether it was written in this boot, as far as both are known. */
bool journal_is_of_boot(const struct journal_entry *entry, const char *boot);

enum journal_match {
        JOURNAL_SAME,
        JOURNAL_OTHER_BOOT,   /* the machine was started since: nothing of the change is left */
        JOURNAL_OTHER_DEVICE, /* another device is at the address now */
};
enum journal_match journal_match(const struct journal_entry *entry, const struct journal_entry *now);
