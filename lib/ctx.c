/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ctx_new_with_kernel(struct kernel *kernel, const char *root, struct iommuctl_ctx **ret_ctx)
{
        _cleanup_free_ struct iommuctl_ctx *ctx = calloc(1, sizeof(*ctx));
        _cleanup_free_ char *root_copy = NULL;

        if (!ctx)
                return -ENOMEM;
        if (root && !(root_copy = strdup(root)))
                return -ENOMEM;
        ctx->root_fd = kernel->ops->openat(kernel, AT_FDCWD, root ?: "/", O_PATH | O_DIRECTORY, 0);
        if (ctx->root_fd < 0)
                return ctx->root_fd;
        ctx->refcount = 1;
        ctx->kernel = kernel;
        ctx->root = TAKE_PTR(root_copy);
        pthread_mutex_init(&ctx->error_lock, NULL);
        *ret_ctx = TAKE_PTR(ctx);
        return 0;
}

_public_ int iommuctl_ctx_new(struct iommuctl_ctx **ret_ctx)
{
        return ctx_new_with_kernel(&kernel_real, NULL, ret_ctx);
}

_public_ int iommuctl_ctx_new_root(const char *root, struct iommuctl_ctx **ret_ctx)
{
        return ctx_new_with_kernel(&kernel_real, root, ret_ctx);
}

_public_ struct iommuctl_ctx *iommuctl_ctx_ref(struct iommuctl_ctx *ctx)
{
        if (ctx)
                __atomic_add_fetch(&ctx->refcount, 1, __ATOMIC_RELAXED);
        return ctx;
}

_public_ struct iommuctl_ctx *iommuctl_ctx_unref(struct iommuctl_ctx *ctx)
{
        if (!ctx || __atomic_sub_fetch(&ctx->refcount, 1, __ATOMIC_ACQ_REL) > 0)
                return NULL;
        ctx->kernel->ops->close(ctx->kernel, ctx->root_fd);
        pthread_mutex_destroy(&ctx->error_lock);
        free(ctx->root);
        free(ctx);
        return NULL;
}

_public_ void iommuctl_ctx_set_log(struct iommuctl_ctx *ctx, iommuctl_log_fn fn, void *userdata,
                                   enum iommuctl_log_level max_level)
{
        ctx->log_fn = fn;
        ctx->log_userdata = userdata;
        ctx->log_max = max_level;
}

_public_ const char *iommuctl_ctx_root(const struct iommuctl_ctx *ctx)
{
        return ctx->root;
}

static size_t copy_text(struct iommuctl_ctx *ctx, const char *from, char *text, size_t size)
{
        size_t length;

        pthread_mutex_lock(&ctx->error_lock);
        length = strlen(from);
        if (size > 0) {
                size_t n = MIN(length, size - 1);

                memcpy(text, from, n);
                text[n] = '\0';
        }
        pthread_mutex_unlock(&ctx->error_lock);
        return length;
}

_public_ size_t iommuctl_ctx_error(struct iommuctl_ctx *ctx, char *text, size_t size)
{
        return copy_text(ctx, ctx->error_text, text, size);
}

_public_ size_t iommuctl_ctx_error_device(struct iommuctl_ctx *ctx, char *name, size_t size)
{
        return copy_text(ctx, ctx->error_device, name, size);
}

int ctx_error(struct iommuctl_ctx *ctx, int r, const char *device, const char *format, ...)
{
        int saved_errno = errno;
        va_list ap;

        pthread_mutex_lock(&ctx->error_lock);
        va_start(ap, format);
        vsnprintf(ctx->error_text, sizeof(ctx->error_text), format, ap);
        va_end(ap);
        snprintf(ctx->error_device, sizeof(ctx->error_device), "%s", device ?: "");
        pthread_mutex_unlock(&ctx->error_lock);
        errno = saved_errno;
        return r;
}

void ctx_log(struct iommuctl_ctx *ctx, enum iommuctl_log_level level, const char *format, ...)
{
        int saved_errno = errno;
        char text[1024];
        va_list ap;

        if (!ctx->log_fn || level > ctx->log_max)
                return;
        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        ctx->log_fn(ctx->log_userdata, level, text);
        errno = saved_errno;
}

int ctx_refuse_root(struct iommuctl_ctx *ctx, const char *what)
{
        if (!ctx->root)
                return 0;
        return ctx_error(ctx, -EROFS, NULL, "%s needs the machine itself, not the captured tree %s", what,
                         ctx->root);
}
