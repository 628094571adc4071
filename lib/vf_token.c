/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vf_token.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>

#include "device_feature.h"
#include "sysfs.h"

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

int vf_token_parse(const char *text, struct vf_token *ret_token)
{
        struct vf_token token;
        const char *at = text;

        if (strlen(text) != VF_TOKEN_TEXT - 1)
                return -EINVAL;
        for (size_t i = 0; i < sizeof(token.bytes); i++) {
                int high, low;

                if ((i == 4 || i == 6 || i == 8 || i == 10) && *at++ != '-')
                        return -EINVAL;
                high = hex_digit(at[0]);
                low = high < 0 ? -1 : hex_digit(at[1]);
                if (low < 0)
                        return -EINVAL;
                token.bytes[i] = (uint8_t)(high << 4 | low);
                at += 2;
        }
        memcpy(token.text, text, sizeof(token.text));
        *ret_token = token;
        return 0;
}

int vf_token_refuse(struct iommuctl_ctx *ctx, const char *device, const char *text)
{
        return ctx_error(ctx, -EINVAL, device,
                         "a VF token is a UUID such as bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3, not \"%.80s\"",
                         text);
}

static bool device_has(struct iommuctl_ctx *ctx, const char *device, const char *what)
{
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        char path[400];

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", device, what);
        return sysfs_has_name(&s, path);
}

/* What vfio_pci_core_match_token_uuid() of drivers/vfio/pci/vfio_pci_core.c refuses: a VF whose PF is bound
 * to vfio-pci is EACCES without the PF's token, and so is a PF with VFs in use; a token that nothing asks for
 * is EINVAL. */
int vf_token_explain(struct iommuctl_ctx *ctx, const char *device, const struct vf_token *token, int r)
{
        const bool vf = device_has(ctx, device, "physfn"),
                   pf = !vf && device_has(ctx, device, "sriov_totalvfs");

        if (r == -EACCES && !token)
                return ctx_error(ctx, r, device,
                                 pf ? "%s has virtual functions in use: the VF token that was set for them "
                                      "is needed to open it"
                                    : "%s is a virtual function of a device that is VFIO's: the VF token "
                                      "that was set there is needed to open it",
                                 device);
        if (r == -EACCES)
                return ctx_error(ctx, r, device, "the VF token is not the one that was set for %s",
                                 pf ? "the virtual functions in use" : "the physical function");
        if (r != -EINVAL || !token)
                return 0;
        if (vf && !device_has(ctx, device, "physfn/vfio-dev"))
                return ctx_error(ctx, r, device,
                                 "%s takes no VF token: its physical function is not bound to a VFIO driver",
                                 device);
        if (!vf && !pf)
                return ctx_error(ctx, r, device,
                                 "%s takes no VF token: it is no virtual function, nor does it have any",
                                 device);
        return 0;
}

static const struct device_feature feature = { VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, "VF token to set",
                                               "Linux 5.7" };

_public_ int iommuctl_device_set_vf_token(struct iommuctl_device *d, const char *text)
{
        struct vf_token token;

        if (vf_token_parse(text, &token) < 0)
                return vf_token_refuse(d->container->ctx, d->name, text);
        return device_feature_set(d, &feature, token.bytes, sizeof(token.bytes));
}
