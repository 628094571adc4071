/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program of somebody else's, which knows of the library what pkg-config says. Also C++. */

#include <iommuctl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
        struct iommuctl_topology *topology = NULL;
        struct iommuctl_ctx *ctx = NULL;
        char text[1024] = "";
        int r;

        if (argc != 2 || iommuctl_ctx_new_root(argv[1], &ctx) < 0)
                return 2;
        r = iommuctl_topology_new(ctx, IOMMUCTL_READ_ALL, &topology);
        if (r < 0) {
                iommuctl_ctx_error(ctx, text, sizeof(text));
                printf("%d: %s\n", r, text);
        } else {
                printf("%zu groups, %zu devices\n", iommuctl_topology_n_groups(topology),
                       iommuctl_topology_n_devices(topology));
        }
        iommuctl_topology_free(topology);
        iommuctl_ctx_unref(ctx);
        return 0;
}
