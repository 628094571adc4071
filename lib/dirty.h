/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of dirty tracking. dirty.c starts and stops it, dirty_read.c reads. */

#include "container.h"
#include "iommuctl/dirty.h"

struct iommuctl_dirty {
        struct iommuctl_container *container;
        uint64_t page_size;
        uint64_t call_max; /* bytes of bitmap in a call of the kernel's */
};
