/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include <errno.h>

/* How a caller wants a device opened, checked before anything is touched. */

/* Members this version does not know must be zero: they ask for something that would not happen. */
static bool known_only(const struct iommuctl_device_options *o)
{
        if (o->struct_size < sizeof(o->struct_size) || o->struct_size > 4096)
                return false;
        for (size_t i = sizeof(*o); i < o->struct_size; i++)
                if (((const unsigned char *)o)[i])
                        return false;
        return true;
}

int device_options_read(struct iommuctl_ctx *ctx, const struct iommuctl_device_options *options,
                        struct device_request *request)
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o) };

        if (!options)
                return 0;
        if (!known_only(options))
                return ctx_error(ctx, -EINVAL, NULL,
                                 "the options' struct_size is %zu: it is not set, or they ask for what this "
                                 "version does not know",
                                 options->struct_size);
        memcpy(&o, options, MIN(options->struct_size, sizeof(o)));
        if (o.vf_token) {
                if (vf_token_parse(o.vf_token, &request->token) < 0)
                        return vf_token_refuse(ctx, NULL, o.vf_token);
                request->has_token = true;
        }
        request->iommufd_id = o.iommufd_id;
        return 0;
}
