/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a context, for the other objects of the library. */

#include <pthread.h>

#include "iommuctl/ctx.h"
#include "kernel.h"
#include "util/cleanup.h"
#include "util/macro.h"

struct iommuctl_ctx {
        unsigned int refcount; /* atomic */
        struct kernel *kernel;
        int root_fd; /* O_PATH on the root that sysfs and /dev are read under */
        char *root;  /* NULL: the machine itself */

        iommuctl_log_fn log_fn;
        void *log_userdata;
        enum iommuctl_log_level log_max;

        pthread_mutex_t error_lock;
        char error_text[1024];
        char error_device[64];
};

/* A context over another kernel than the machine's own: how tests put a machine in memory below the library.
 * KERNEL must outlive the context. ROOT is NULL or as iommuctl_ctx_new_root() takes it. */
int ctx_new_with_kernel(struct kernel *kernel, const char *root, struct iommuctl_ctx **ret_ctx);

DEFINE_CLEANUP(struct iommuctl_ctx *, iommuctl_ctx_unref)

/* Keeps the text of a failure and returns R, so that a failure is one statement:
 *
 *         return ctx_error(ctx, -EBUSY, "0000:01:00.0", "group %u is in use", id);
 *
 * DEVICE is the name of the device that the failure is about, or NULL. */
int ctx_error(struct iommuctl_ctx *ctx, int r, const char *device, const char *format, ...) _printf_(4, 5);

void ctx_log(struct iommuctl_ctx *ctx, enum iommuctl_log_level level, const char *format, ...) _printf_(3, 4);

/* -EROFS with a text where the context reads a captured tree, else 0. What changes the machine begins with
 * it. */
int ctx_refuse_root(struct iommuctl_ctx *ctx, const char *what);
