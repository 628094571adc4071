/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include "options.h"

/* How a caller wants a device opened, checked before anything is touched. */

int device_options_read(struct iommuctl_ctx *ctx, const struct iommuctl_device_options *options,
                        struct device_request *request)
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o) };
        int r;

        r = options ? options_copy(ctx, options, &o, sizeof(o)) : 0;
        if (r < 0)
                return r;
        if (o.vf_token) {
                if (vf_token_parse(o.vf_token, &request->token) < 0)
                        return vf_token_refuse(ctx, NULL, o.vf_token);
                request->has_token = true;
        }
        request->iommufd_id = o.iommufd_id;
        return 0;
}
