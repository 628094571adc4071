/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a page table. */

#include "iommuctl/hwpt.h"
#include "iommufd_object.h"
#include "util/cleanup.h"

struct iommuctl_hwpt {
        struct iommufd_object object;
        struct iommuctl_hwpt *parent; /* a reference; NULL: made over the IOAS of the container */
        unsigned int flags;
};

DEFINE_CLEANUP(struct iommuctl_hwpt *, iommuctl_hwpt_unref)
