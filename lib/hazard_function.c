/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hazards that lie in what the function itself is: a bridge, or the master of virtual functions. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "hazard.h"

/* PCI Local Bus Specification 3.0, 6.1: bit 7 says multi-function, the rest is the layout; 0 is an
 * endpoint's. */
#define HEADER_TYPE_OFFSET 0x0e
#define HEADER_TYPE_MASK   0x7f

/* The header type, or a negative errno where it cannot be read. */
static int header_type(const struct bus_device *device)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(device->k, -1);
        char path[FILE_PATH_SIZE];
        uint8_t value;
        ssize_t n;

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/config", device->name);
        fd.fd = device->k->ops->openat(device->k, device->root_fd, path, O_RDONLY, 0);
        if (fd.fd < 0)
                return fd.fd;
        n = device->k->ops->pread(device->k, fd.fd, &value, 1, HEADER_TYPE_OFFSET);
        if (n < 0)
                return (int)n;
        /* What a device that does not answer reads as. */
        return n == 0 || value == 0xff ? -EIO : value & HEADER_TYPE_MASK;
}

int hazard_is_endpoint(struct iommuctl_change *change, const struct bus_device *device)
{
        unsigned long class;
        char text[16];
        ssize_t n;
        int type;

        if (!streq(device->bus, "pci"))
                return 1;
        type = header_type(device);
        if (type >= 0)
                return type == 0;
        n = file_read(device->k, device->root_fd, text, sizeof(text), "sys/bus/pci/devices/%s/class",
                      device->name);
        if (n < 0)
                return ctx_error(change->ctx, (int)n, device->name, "cannot read the class of %s: %s",
                                 device->name, strerror((int)-n));
        class = strtoul(text, NULL, 16) >> 8;
        return class != 0x0604 && class != 0x0607; /* PCI and CardBus bridges have other headers */
}

int hazard_function(struct iommuctl_change *change, const struct bus_device *device)
{
        int r;

        r = hazard_is_endpoint(change, device);
        if (r == 0)
                r = hazard_add(
                        change, device->name, IOMMUCTL_HAZARD_NON_ENDPOINT,
                        "%s is a bridge: all behind it would lose its driver's services, and VFIO takes "
                        "endpoints only",
                        device->name);
        if (r < 0)
                return r;
        /* Not sriov_numvfs: reading that waits for the device's lock. */
        r = file_exists(device->k, device->root_fd, "sys/bus/%s/devices/%s/virtfn0", device->bus,
                        device->name);
        if (r < 0)
                return ctx_error(change->ctx, r, device->name, "cannot look for virtual functions of %s: %s",
                                 device->name, strerror(-r));
        return r == 0 ? 0
                      : hazard_add(change, device->name, IOMMUCTL_HAZARD_VIRTUAL_FUNCTIONS,
                                   "%s has virtual functions, which end with its driver", device->name);
}
