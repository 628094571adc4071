/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A captured tree: a directory in the test's own temporary one, read through iommuctl_ctx_new_root(). Paths
 * are relative to it; missing directories are made. */

#include <stddef.h>

#include "iommuctl.h"

struct tree {
        char root[64];
};

void tree_new(struct tree *t);
void tree_free(struct tree *t);
void tree_dir(const struct tree *t, const char *path);
void tree_file(const struct tree *t, const char *path, const char *text);
void tree_data(const struct tree *t, const char *path, const void *data, size_t size);
void tree_link(const struct tree *t, const char *path, const char *target);
void tree_remove(const struct tree *t, const char *path);

/* A PCI function as the kernel shows it: a directory below sys/devices, links from the bus and, unless GROUP
 * is negative, from its group. DRIVER may be NULL. */
void tree_pci(const struct tree *t, const char *address, int group, const char *ids, const char *class,
              const char *driver);

/* Reads it all. The context is freed with iommuctl_ctx_unref(), the topology with iommuctl_topology_free().
 */
struct iommuctl_topology *tree_read(const struct tree *t, unsigned int what, struct iommuctl_ctx **ret_ctx);
