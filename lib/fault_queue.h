/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a fault queue. */

#include "iommuctl/fault_queue.h"
#include "iommufd_object.h"

struct iommuctl_fault_queue {
        struct iommufd_object object;
        int fd;
};
