/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The line of words that goes along when a device is handed to another process (iommuctl/adopt.h): what its
 * descriptors cannot say. Written and read here, with no call to the kernel. */

#include <stddef.h>
#include <stdint.h>

#include "iommuctl/container.h"

#define HANDOVER_NAME_MAX    64
#define HANDOVER_BUFFERS_MAX 1024

struct handover_buffer {
        char name[HANDOVER_NAME_MAX + 1];
        uint64_t iova, size, page;
        unsigned int access; /* enum iommuctl_access, not 0 */
};

struct handover_facts {
        enum iommuctl_backend backend; /* not AUTO */
        uint32_t ioas, devid;          /* iommufd */
        uint32_t group;                /* type1 */
        char device[256];
        struct handover_buffer *buffers; /* to free() */
        size_t n_buffers;
};

/* 0 and a string to free(), or -ENOMEM. */
int handover_format(const struct handover_facts *facts, char **ret_text);
/* 0; -EPROTO and *ret_at, where in TEXT it makes no sense; -ENOMEM. Words of unknown keys are skipped. */
int handover_parse(const char *text, struct handover_facts *ret_facts, const char **ret_at);
