/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus_driver.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "file.h"

/* Tries to bind a driver that answered "later" (EPROBE_DEFER), which drivers_probe does not report. */
#define PROBE_TRIES        3
#define PROBE_INTERVAL_NS  (100 * 1000000ull)
#define SETTLE_INTERVAL_NS (50 * 1000000ull)

int driver_name_read(const struct bus_device *device, char driver[DRIVER_NAME_SIZE])
{
        int r = file_link_name(device->k, device->root_fd, driver, DRIVER_NAME_SIZE,
                               "sys/bus/%s/devices/%s/driver", device->bus, device->name);

        if (r == -ENOENT) {
                r = file_exists(device->k, device->root_fd, "sys/bus/%s/devices/%s", device->bus,
                                device->name);
                if (r == 0)
                        return -ENODEV;
                driver[0] = '\0';
                return r < 0 ? r : 0;
        }
        return r;
}

int driver_override_read(const struct bus_device *device, int timeout_ms, char override[DRIVER_NAME_SIZE],
                         struct stuck *ret_stuck)
{
        char path[FILE_PATH_SIZE];
        ssize_t n;

        memset(ret_stuck, 0, sizeof(*ret_stuck));
        snprintf(path, sizeof(path), "sys/bus/%s/devices/%s/driver_override", device->bus, device->name);
        n = device->k->ops->read_guarded(device->k, device->root_fd, path, override, DRIVER_NAME_SIZE,
                                         timeout_ms, &ret_stuck->pid);
        if (n == -ENOENT)
                return -EOPNOTSUPP;
        if (n < 0)
                return (int)n;
        if (n == DRIVER_NAME_SIZE)
                return -EOVERFLOW;
        override[n] = '\0';
        override[strcspn(override, "\n")] = '\0';
        /* What "%s" makes of a NULL pointer in the kernel. */
        if (streq(override, "(null)"))
                override[0] = '\0';
        return 0;
}

int driver_state_read(const struct bus_device *device, int timeout_ms, struct driver_state *ret_state,
                      struct stuck *ret_stuck)
{
        struct driver_state state;
        int r;

        memset(ret_stuck, 0, sizeof(*ret_stuck));
        r = driver_name_read(device, state.driver);
        if (r >= 0)
                r = driver_override_read(device, timeout_ms, state.driver_override, ret_stuck);
        if (r >= 0)
                *ret_state = state;
        return r;
}

/* The driver that the device has by its uevent, whether it is linked to or not. */
static int driver_by_uevent(const struct bus_device *device, int timeout_ms, char driver[DRIVER_NAME_SIZE],
                            struct stuck *ret_stuck)
{
        char path[FILE_PATH_SIZE], text[4096 + 1];
        ssize_t n;

        driver[0] = '\0';
        snprintf(path, sizeof(path), "sys/bus/%s/devices/%s/uevent", device->bus, device->name);
        n = device->k->ops->read_guarded(device->k, device->root_fd, path, text, sizeof(text) - 1, timeout_ms,
                                         &ret_stuck->pid);
        if (n < 0)
                return (int)n;
        text[n] = '\0';
        for (const char *line = text; *line;) {
                size_t length = strcspn(line, "\n");

                if (startswith(line, "DRIVER="))
                        snprintf(driver, DRIVER_NAME_SIZE, "%.*s", (int)length - 7, line + 7);
                line += length;
                line += *line == '\n';
        }
        return 0;
}

int driver_settle(const struct bus_device *device, int timeout_ms, int read_ms, char driver[DRIVER_NAME_SIZE],
                  struct stuck *ret_stuck)
{
        struct kernel *k = device->k;
        uint64_t deadline = k->ops->now_ns(k) + (uint64_t)timeout_ms * 1000000u;
        int r;

        memset(ret_stuck, 0, sizeof(*ret_stuck));
        for (;;) {
                r = driver_name_read(device, driver);
                if (r < 0 || *driver)
                        return r;
                r = driver_by_uevent(device, read_ms, ret_stuck->driver, ret_stuck);
                if (r < 0 || !*ret_stuck->driver)
                        return r;
                if (k->ops->now_ns(k) >= deadline)
                        return -ETIMEDOUT;
                k->ops->sleep_ns(k, SETTLE_INTERVAL_NS);
        }
}

static void add_write(struct driver_write *write, enum driver_write_kind kind, const char *value,
                      const char *format, ...) _printf_(4, 5);
static void add_write(struct driver_write *write, enum driver_write_kind kind, const char *value,
                      const char *format, ...)
{
        va_list ap;

        write->kind = kind;
        snprintf(write->value, sizeof(write->value), "%s", value);
        va_start(ap, format);
        vsnprintf(write->path, sizeof(write->path), format, ap);
        va_end(ap);
}

static void add_override(struct driver_write *write, const struct bus_device *device, const char *value)
{
        /* A lone newline clears it: a write of nothing never reaches the kernel's attribute. */
        add_write(write, DRIVER_WRITE_OVERRIDE, *value ? value : "\n",
                  "/sys/bus/%s/devices/%s/driver_override", device->bus, device->name);
}

size_t driver_writes(const struct bus_device *device, const struct driver_state *now,
                     const struct driver_state *want, struct driver_write writes[DRIVER_WRITES_MAX])
{
        const char *override = now->driver_override;
        size_t n = 0;

        if (!streq(now->driver, want->driver)) {
                /* With the override set to the driver wanted, the probe cannot pick another one, and no other
                 * can come in between. */
                if (*want->driver && !streq(override, want->driver)) {
                        add_override(&writes[n++], device, want->driver);
                        override = want->driver;
                }
                if (*now->driver)
                        add_write(&writes[n++], DRIVER_WRITE_UNBIND, device->name,
                                  "/sys/bus/%s/drivers/%s/unbind", device->bus, now->driver);
                if (*want->driver)
                        add_write(&writes[n++], DRIVER_WRITE_PROBE, device->name, "/sys/bus/%s/drivers_probe",
                                  device->bus);
        }
        if (!streq(override, want->driver_override))
                add_override(&writes[n++], device, want->driver_override);
        return n;
}

static int write_once(const struct bus_device *device, const struct driver_write *write, int timeout_ms,
                      struct stuck *ret_stuck)
{
        return device->k->ops->write_guarded(device->k, device->root_fd, write->path + 1, write->value,
                                             strlen(write->value), timeout_ms, &ret_stuck->pid);
}

int driver_write(const struct bus_device *device, const struct driver_write *write, int timeout_ms,
                 struct stuck *ret_stuck)
{
        char driver[DRIVER_NAME_SIZE] = "";
        int r;

        memset(ret_stuck, 0, sizeof(*ret_stuck));
        r = write_once(device, write, timeout_ms, ret_stuck);
        /* The driver let go of the device, or was removed whole, between our look and our write. */
        if (write->kind == DRIVER_WRITE_UNBIND && (r == -ENODEV || r == -ENOENT))
                return driver_name_read(device, driver) == 0 && !*driver ? 0 : r;
        for (int i = 1; write->kind == DRIVER_WRITE_PROBE && r == 0 && i < PROBE_TRIES; i++) {
                if (driver_name_read(device, driver) < 0 || *driver)
                        break;
                device->k->ops->sleep_ns(device->k, PROBE_INTERVAL_NS);
                r = write_once(device, write, timeout_ms, ret_stuck);
        }
        return r;
}
