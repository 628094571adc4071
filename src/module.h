/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a bus has a driver of a name, and loading the module that brings it. */

#include "bus_driver.h"

/* 1 where the driver is registered, 0 where not. */
int module_driver_exists(struct kernel *k, int root_fd, const char *bus, const char *driver);

enum module_result {
        MODULE_LOADED,    /* modprobe went through, which it also does for what is built in */
        MODULE_NO_LOADER, /* there is no modprobe */
        MODULE_UNKNOWN,   /* the running kernel has no such module */
        MODULE_FAILED,    /* modprobe ended with *RET_STATUS */
        MODULE_TIMED_OUT,
};

/* Whether the running kernel's modules have one of this name, or an alias, or have it built in. 1, 0, or
 * -ENOENT where there are no lists of them. */
int module_exists(struct kernel *k, int root_fd, const char *name);

/* The program that loads modules: what the kernel itself calls, else modprobe where distributions have it.
 * -ENOENT where there is none. */
int module_loader(struct kernel *k, int root_fd, char path[128]);

/* Loads the module named NAME, with dashes or underscores. A MODULE_* or a negative errno. */
int module_load(struct kernel *k, int root_fd, const char *name, int timeout_ms, int *ret_status);

/* Loads what the device's modalias asks for, as the kernel does when a device appears. */
int module_load_for(const struct bus_device *device, int timeout_ms);

/* The release of the running kernel. */
int module_kernel_release(struct kernel *k, int root_fd, char release[80]);
