/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* VF tokens: the UUID that the driver of a PF and those of its VFs share (Linux 5.7). */

#include "ctx.h"

#define VF_TOKEN_TEXT 37 /* bytes, with the NUL: 8-4-4-4-12 */

struct vf_token {
        uint8_t bytes[16]; /* in the order of the text */
        char text[VF_TOKEN_TEXT];
};

/* -EINVAL where TEXT is no UUID. */
int vf_token_parse(const char *text, struct vf_token *ret_token);
/* -EINVAL with the text that says so. */
int vf_token_refuse(struct iommuctl_ctx *ctx, const char *device, const char *text);

/* Opening DEVICE with TOKEN (NULL: none) ended in R, -EACCES or -EINVAL: returns R with a text where that may
 * be the token's fault, and 0 where it is not. */
int vf_token_explain(struct iommuctl_ctx *ctx, const char *device, const struct vf_token *token, int r);
