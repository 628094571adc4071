/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a program that drives devices itself, with their nodes and an iommufd opened for it:
 *
 *         give_nodes DEVICE… -- PROGRAM ARG…
 *
 * In the arguments @iommufd@ becomes the number of the iommufd, @0@, @1@ … those of the devices. On the
 * public headers alone, as a management program would do it. */
#include <fcntl.h>
#include <iommuctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct iommuctl_ctx *ctx;

static int fail(const char *what)
{
        char text[1024];

        if (iommuctl_ctx_error(ctx, text, sizeof(text)) > 0)
                fprintf(stderr, "%s: %s\n", what, text);
        return 1;
}

/* A text with each @NAME@ replaced by a number. */
static char *replace(char *text, const char *name, int number)
{
        char *at, *with = NULL;

        while ((at = strstr(text, name))) {
                if (asprintf(&with, "%.*s%d%s", (int)(at - text), text, number, at + strlen(name)) < 0)
                        exit(1);
                text = with;
        }
        return text;
}

static void give(char **argv, const char *name, int fd)
{
        /* as the program inherits it */
        if (fcntl(fd, F_SETFD, 0) < 0)
                exit(1);
        for (; *argv; argv++)
                *argv = replace(*argv, name, fd);
}

int main(int argc, char **argv)
{
        struct iommuctl_container *container;
        char name[32];
        int end = 1;

        while (end < argc && strcmp(argv[end], "--") != 0)
                end++;
        if (end >= argc - 1 || iommuctl_ctx_new(&ctx) < 0) {
                fprintf(stderr, "usage: give_nodes DEVICE... -- PROGRAM ARG...\n");
                return 2;
        }
        if (iommuctl_container_new(ctx, IOMMUCTL_BACKEND_IOMMUFD, &container) < 0)
                return fail("an iommufd");
        give(argv + end + 1, "@iommufd@", iommuctl_container_fd(container));
        for (int i = 1; i < end; i++) {
                int fd = iommuctl_device_open_node(ctx, argv[i]);

                if (fd < 0)
                        return fail(argv[i]);
                snprintf(name, sizeof(name), "@%d@", i - 1);
                give(argv + end + 1, name, fd);
        }
        execvp(argv[end + 1], argv + end + 1);
        perror(argv[end + 1]);
        return 1;
}
