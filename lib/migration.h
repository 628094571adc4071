/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a migration's stream. */

#include "device.h"
#include "iommuctl/migration.h"

struct iommuctl_migration_stream {
        struct iommuctl_device *device;
        struct scoped_fd fd;
        bool tells_reinit; /* struct vfio_precopy_info's flags mean something */
};
