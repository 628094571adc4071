/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctx.h"
#include "iommuctl/reset.h"
#include "sysfs.h"

/* Names of all methods there are, with room to spare (Linux drivers/pci/pci.c, pci_reset_fn_methods). */
#define METHODS_SIZE 256
#define TIMEOUT_MS   10000

struct iommuctl_reset_methods_change {
        struct iommuctl_ctx *ctx;
        char name[IOMMUCTL_ADDRESS_TEXT];
        char before[METHODS_SIZE];
};

static int parse_name(struct iommuctl_ctx *ctx, const char *name, char out[IOMMUCTL_ADDRESS_TEXT])
{
        struct iommuctl_address address;

        if (iommuctl_address_parse(name, &address) < 0)
                return ctx_error(ctx, -ENODEV, NULL, "there is no PCI function of that name");
        iommuctl_address_format(address, out);
        return 0;
}

/* The methods of the function NAME, whose form was checked: the text's length, or a failure with its text. */
static ssize_t read_methods(struct iommuctl_ctx *ctx, const char *name, char *text, size_t size)
{
        struct sysfs s = { ctx->kernel, ctx->root_fd, ctx->root != NULL };
        char path[80];
        ssize_t n;

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/reset_method", name);
        n = sysfs_attr(&s, path, text, size);
        if (n == -ENODATA) { /* an empty line, or nothing at all: turned off */
                text[0] = '\0';
                return 0;
        }
        if (n == -ENOENT) {
                snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", name);
                if (!sysfs_exists(&s, path))
                        return ctx_error(ctx, -ENODEV, name, "there is no device %s", name);
                return ctx_error(ctx, -EOPNOTSUPP, name,
                                 "%s has no reset of its own, or the kernel is older than Linux 5.15 and "
                                 "does not say by which methods",
                                 name);
        }
        if (n < 0)
                return ctx_error(ctx, (int)n, name, "the reset methods of %s cannot be read: %s", name,
                                 strerror((int)-n));
        return n;
}

_public_ int iommuctl_reset_methods(struct iommuctl_ctx *ctx, const char *name, char *text, size_t size)
{
        char address[IOMMUCTL_ADDRESS_TEXT], methods[METHODS_SIZE];
        ssize_t n;
        int r;

        r = parse_name(ctx, name, address);
        if (r < 0)
                return r;
        n = read_methods(ctx, address, methods, sizeof(methods));
        if (n < 0)
                return (int)n;
        if ((size_t)n >= size)
                return ctx_error(ctx, -EOVERFLOW, address,
                                 "the reset methods of %s are %zd bytes and a NUL, and there is room for %zu",
                                 address, n, size);
        memcpy(text, methods, (size_t)n + 1);
        return (int)n;
}

/* One space between the names, none around them: as the kernel says them. -EINVAL for what can be no name. */
static int normalise(const char *methods, char out[METHODS_SIZE])
{
        size_t n = 0;

        for (const char *p = methods; *p;) {
                size_t length = strcspn(p, " ");

                if (strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_-") < length)
                        return -EINVAL;
                if (length > 0) {
                        if (n + length + 2 > METHODS_SIZE)
                                return -EINVAL;
                        if (n > 0)
                                out[n++] = ' ';
                        memcpy(out + n, p, length);
                        n += length;
                }
                p += length + (p[length] == ' ');
        }
        out[n] = '\0';
        return 0;
}

static int explain_write(struct iommuctl_ctx *ctx, const char *name, const char *methods, const char *before,
                         int r, pid_t pid)
{
        switch (r) {
        case -EINVAL:
                return ctx_error(ctx, r, name,
                                 "%s cannot be reset by \"%s\": one of these is no method, or not one of its "
                                 "own; it has \"%s\" now, and all that it supports with \"default\"",
                                 name, methods, before);
        case -ETIMEDOUT:
                return ctx_error(ctx, r, name,
                                 "the kernel has not taken the reset methods of %s in %d s (process %d waits "
                                 "for it)",
                                 name, TIMEOUT_MS / 1000, (int)pid);
        default:
                return ctx_error(ctx, r, name, "the reset methods of %s cannot be set: %s", name,
                                 strerror(-r));
        }
}

static int write_line(struct iommuctl_ctx *ctx, const char *name, const char *methods, pid_t *ret_pid)
{
        char path[80], line[METHODS_SIZE + 1];
        int n;

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/reset_method", name);
        n = snprintf(line, sizeof(line), "%s\n", methods);
        return ctx->kernel->ops->write_guarded(ctx->kernel, ctx->root_fd, path, line, (size_t)n, TIMEOUT_MS,
                                               ret_pid);
}

/* Writes METHODS and looks whether they are what the kernel says then. */
static int write_methods(struct iommuctl_ctx *ctx, const char *name, const char *methods, const char *before)
{
        char now[METHODS_SIZE];
        pid_t pid = 0;
        ssize_t n;
        int r;

        r = write_line(ctx, name, methods, &pid);
        if (r < 0)
                return explain_write(ctx, name, methods, before, r, pid);
        n = read_methods(ctx, name, now, sizeof(now));
        if (n < 0)
                return (int)n;
        if (!streq(methods, "default") && !streq(methods, now))
                return ctx_error(ctx, -EIO, name,
                                 "the reset methods of %s were set to \"%s\", and the kernel says \"%s\"",
                                 name, methods, now);
        return 0;
}

_public_ int iommuctl_reset_methods_set(struct iommuctl_ctx *ctx, const char *name, const char *methods,
                                        struct iommuctl_reset_methods_change **ret_change)
{
        _cleanup_free_ struct iommuctl_reset_methods_change *change = NULL;
        char wanted[METHODS_SIZE];
        pid_t pid;
        ssize_t n;
        int r;

        r = ctx_refuse_root(ctx, "setting reset methods");
        if (r < 0)
                return r;
        change = calloc(1, sizeof(*change));
        if (!change)
                return ctx_error(ctx, -ENOMEM, NULL, "out of memory");
        r = parse_name(ctx, name, change->name);
        if (r < 0)
                return r;
        if (normalise(methods, wanted) < 0)
                return ctx_error(ctx, -EINVAL, change->name,
                                 "reset methods are names of lower-case letters with spaces between");
        n = read_methods(ctx, change->name, change->before, sizeof(change->before));
        if (n < 0)
                return (int)n;
        r = write_methods(ctx, change->name, wanted, change->before);
        if (r < 0) {
                if (r != -EINVAL)
                        write_line(ctx, change->name, change->before, &pid); /* what a failure left behind */
                return r;
        }
        if (ret_change) {
                change->ctx = iommuctl_ctx_ref(ctx);
                *ret_change = TAKE_PTR(change);
        }
        return 0;
}

_public_ int iommuctl_reset_methods_restore(struct iommuctl_reset_methods_change *change)
{
        int r;

        if (!change)
                return 0;
        r = write_methods(change->ctx, change->name, change->before, change->before);
        if (r < 0)
                return r;
        iommuctl_reset_methods_keep(change);
        return 0;
}

_public_ void iommuctl_reset_methods_keep(struct iommuctl_reset_methods_change *change)
{
        if (!change)
                return;
        iommuctl_ctx_unref(change->ctx);
        free(change);
}
