/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which driver holds a device, and the writes that give it another one: driver_override, unbind,
 * drivers_probe.
 *
 * Works on every bus that has driver_override (pci, platform, fsl-mc, amba, …). Never new_id, which takes
 * every device with the same ids.
 */

#include <stddef.h>

#include "kernel.h"

/* Driver names come from module sources; what is longer than this is none. */
#define DRIVER_NAME_SIZE 128
/* Names of devices in sysfs. */
#define DEVICE_NAME_SIZE 128
#define BUS_NAME_SIZE    32

/* A device on its bus, and the machine that both are on. */
struct bus_device {
        struct kernel *k;
        int root_fd;
        char bus[BUS_NAME_SIZE];
        char name[DEVICE_NAME_SIZE];
};

struct driver_state {
        char driver[DRIVER_NAME_SIZE];          /* empty: none */
        char driver_override[DRIVER_NAME_SIZE]; /* empty: none */
};

/* What the kernel did not finish in time. */
struct stuck {
        pid_t pid;                     /* the child of ours that is stuck in a call, or 0 */
        char driver[DRIVER_NAME_SIZE]; /* the driver that does not finish letting the device go, or empty */
};

/* The override alone. As driver_state_read(). */
int driver_override_read(const struct bus_device *device, int timeout_ms, char override[DRIVER_NAME_SIZE],
                         struct stuck *ret_stuck);

/* Fills *RET_STATE. -ENODEV: no such device; -EOPNOTSUPP: its bus has no driver_override; -ETIMEDOUT: the
 * device's lock is held by a driver that does not end. */
int driver_state_read(const struct bus_device *device, int timeout_ms, struct driver_state *ret_state,
                      struct stuck *ret_stuck);

/* The driver, once it is there to stay: while one is on its way to the device or away from it, the link to it
 * is gone and the device still has it, as its uevent file tells. A device that a process uses through VFIO
 * stays so until the process lets go. 0; -ETIMEDOUT with an empty DRIVER and the one on its way in
 * *RET_STUCK; or as driver_name_read(). No read takes longer than READ_MS. */
int driver_settle(const struct bus_device *device, int timeout_ms, int read_ms, char driver[DRIVER_NAME_SIZE],
                  struct stuck *ret_stuck);

/* The driver alone, which is read without the device's lock. */
int driver_name_read(const struct bus_device *device, char driver[DRIVER_NAME_SIZE]);

enum driver_write_kind {
        DRIVER_WRITE_OVERRIDE,
        DRIVER_WRITE_UNBIND,
        DRIVER_WRITE_PROBE,
};

struct driver_write {
        enum driver_write_kind kind;
        char path[256]; /* absolute */
        char value[DRIVER_NAME_SIZE];
};

/* override, unbind, probe, and the override that is to stay */
#define DRIVER_WRITES_MAX 4

/* The writes that lead from NOW to WANT, in their order. No two states need more than DRIVER_WRITES_MAX; none
 * are needed where both are the same. Returns how many. */
size_t driver_writes(const struct bus_device *device, const struct driver_state *now,
                     const struct driver_state *want, struct driver_write writes[DRIVER_WRITES_MAX]);

/* Makes one of them and, after a probe, has the kernel try again a few times where no driver came: a driver
 * may ask to be probed later. 0 where the write went through: what it led to is to be read. */
int driver_write(const struct bus_device *device, const struct driver_write *write, int timeout_ms,
                 struct stuck *ret_stuck);
