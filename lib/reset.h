/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a reset's scope. */

#include "device.h"
#include "iommuctl/reset.h"

struct reset_affected {
        struct iommuctl_address address;
        enum iommuctl_reset_claim claim;
        unsigned int group;  /* type1 */
        uint32_t iommufd_id; /* 0: none */
        char driver[64];     /* "": none */
};

struct iommuctl_reset_scope {
        bool type1;
        size_t n_devices;
        struct reset_affected devices[];
};

DEFINE_CLEANUP(struct iommuctl_reset_scope *, iommuctl_reset_scope_free)

/* The text for a reset of the one function that ended in ENOTTY. */
int reset_explain_no_method(struct iommuctl_device *d);
/* With join_lock: as iommuctl_reset_scope_new(). */
int reset_scope_read(struct iommuctl_device *d, struct iommuctl_group *const groups[], size_t n_groups,
                     struct iommuctl_reset_scope **ret_scope);
