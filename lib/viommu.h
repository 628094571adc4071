/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a vIOMMU. */

#include "hwpt.h"
#include "iommuctl/viommu.h"

struct iommuctl_viommu {
        struct iommufd_object object;
        struct iommuctl_hwpt *parent;     /* a reference */
        struct iommuctl_hw_queue *queues; /* with the lock of the iommufd */
};
