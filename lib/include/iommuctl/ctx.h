/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_CTX_H
#define IOMMUCTL_CTX_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_ctx - what every other object hangs from: the root that sysfs is read under, the log
 * callback, and the text of the last error.
 *
 * Opaque and reference-counted; every live object keeps its context. References may be taken and dropped from
 * any thread. The library has no state outside contexts, and it never prints, exits or aborts.
 */
struct iommuctl_ctx;

/** Severities of a log message, as syslog(3) numbers them. */
enum iommuctl_log_level {
        IOMMUCTL_LOG_ERR = 3,
        IOMMUCTL_LOG_WARNING = 4,
        IOMMUCTL_LOG_INFO = 6,
        IOMMUCTL_LOG_DEBUG = 7,
};

/**
 * typedef iommuctl_log_fn - where log messages go.
 *
 * @text is one line without a newline and lives only during the call. Called on the thread that made the
 * library call, with no lock held. It may be called from several threads at once where the context is used by
 * several.
 */
typedef void (*iommuctl_log_fn)(void *userdata, enum iommuctl_log_level level, const char *text);

/**
 * iommuctl_ctx_new() - a context for the machine this process runs on.
 *
 * Opens "/" and nothing else. The caller owns the one reference in @ret_ctx and gives it back with
 * iommuctl_ctx_unref().
 *
 * Returns 0, -ENOMEM, or what opening "/" gave (-EMFILE).
 */
int iommuctl_ctx_new(struct iommuctl_ctx **ret_ctx);

/**
 * iommuctl_ctx_new_root() - a context that reads @root, a captured tree, as if it were "/".
 *
 * Only topologies can be made from it: what changes the machine or opens a device answers -EROFS. Links in
 * the tree that point outside of it are resolved inside it (Linux 5.6; before that they are followed as they
 * are).
 *
 * Returns 0, -ENOMEM, or what opening @root gave (-ENOENT, -ENOTDIR, -EACCES).
 */
int iommuctl_ctx_new_root(const char *root, struct iommuctl_ctx **ret_ctx);

/** iommuctl_ctx_ref() - take another reference. Returns @ctx. NULL stays NULL. */
struct iommuctl_ctx *iommuctl_ctx_ref(struct iommuctl_ctx *ctx);

/** iommuctl_ctx_unref() - drop a reference; the last one frees. NULL is let through. Returns NULL. */
struct iommuctl_ctx *iommuctl_ctx_unref(struct iommuctl_ctx *ctx);

/**
 * iommuctl_ctx_set_log() - send log messages of at least the severity @max_level to @fn; NULL sends them
 * nowhere, as at the start.
 *
 * Not to be called while another thread uses the context.
 */
void iommuctl_ctx_set_log(struct iommuctl_ctx *ctx, iommuctl_log_fn fn, void *userdata,
                          enum iommuctl_log_level max_level);

/** iommuctl_ctx_root() - the root that was asked for, or NULL on a context of the machine itself. Lives as
 * long as @ctx. */
const char *iommuctl_ctx_root(const struct iommuctl_ctx *ctx);

/**
 * iommuctl_ctx_error() - copy the text of the last call that failed on this context, or on an object made
 * from it.
 *
 * The text is one line that names the object and the cause: "group 14 is not viable: 0000:01:00.1 is bound to
 * snd_hda_intel". Where several threads fail at once, one of their texts is copied whole. The text is kept
 * until the next failure; success does not clear it. @text is cut to @size and always ended with NUL where
 * @size is not 0.
 *
 * Returns the length of the whole text, 0 where nothing has failed yet.
 */
size_t iommuctl_ctx_error(struct iommuctl_ctx *ctx, char *text, size_t size);

/**
 * iommuctl_ctx_error_device() - copy the name of the device that the last error is about, "0000:01:00.0".
 *
 * Returns its length, 0 where the error is about no single device. Cut and ended as iommuctl_ctx_error()
 * does.
 */
size_t iommuctl_ctx_error_device(struct iommuctl_ctx *ctx, char *name, size_t size);

#ifdef __cplusplus
}
#endif

#endif
