/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Structures of options, which begin with their size and grow at their end. */

#include <errno.h>
#include <stddef.h>

#include "ctx.h"

/* Copies what FROM, whose first member is its size_t struct_size, says of the KNOWN bytes of TO, which is all
 * defaults. What lies beyond must be zero: it asks for something that would not happen. 0, or -EINVAL with a
 * text. */
static inline int options_copy(struct iommuctl_ctx *ctx, const void *from, void *to, size_t known)
{
        size_t size;
        bool good;

        memcpy(&size, from, sizeof(size));
        good = size >= sizeof(size) && size <= 4096;
        for (size_t i = known; good && i < size; i++)
                good = ((const unsigned char *)from)[i] == 0;
        if (!good)
                return ctx_error(ctx, -EINVAL, NULL,
                                 "the options' struct_size is %zu: it is not set, or they ask for what this "
                                 "version does not know",
                                 size);
        memcpy(to, from, MIN(size, known));
        return 0;
}
