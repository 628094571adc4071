/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

void tree_new(struct tree *t)
{
        strcpy(t->root, "/tmp/iommuctl-tree-XXXXXX");
        assert_non_null(mkdtemp(t->root));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)ftw;
        if (flag == FTW_DNR)
                chmod(path, 0700);
        return remove(path);
}

void tree_free(struct tree *t)
{
        nftw(t->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* PATH below the root, with its parents made. */
static const char *full(const struct tree *t, const char *path, char out[512])
{
        assert_true(snprintf(out, 512, "%s/%s", t->root, path) < 512);
        for (char *p = out + strlen(t->root) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                if (mkdir(out, 0755) < 0)
                        assert_int_equal(errno, EEXIST);
                *p = '/';
        }
        return out;
}

void tree_dir(const struct tree *t, const char *path)
{
        char out[512];

        if (mkdir(full(t, path, out), 0755) < 0)
                assert_int_equal(errno, EEXIST);
}

void tree_data(const struct tree *t, const char *path, const void *data, size_t size)
{
        char out[512];
        FILE *f = fopen(full(t, path, out), "w");

        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
}

void tree_file(const struct tree *t, const char *path, const char *text)
{
        tree_data(t, path, text, strlen(text));
}

void tree_link(const struct tree *t, const char *path, const char *target)
{
        char out[512];

        assert_int_equal(symlink(target, full(t, path, out)), 0);
}

void tree_remove(const struct tree *t, const char *path)
{
        char out[512];

        nftw(full(t, path, out), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_pci(const struct tree *t, const char *address, int group, const char *ids, const char *class,
              const char *driver)
{
        char path[256], text[512], target[256];

        snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/uevent", address);
        snprintf(text, sizeof(text),
                 "%s%s%sPCI_CLASS=%s\nPCI_ID=%s\nPCI_SUBSYS_ID=1043:88E2\nPCI_SLOT_NAME=%s\n",
                 driver ? "DRIVER=" : "", driver ?: "", driver ? "\n" : "", class, ids, address);
        tree_file(t, path, text);
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", address);
        snprintf(target, sizeof(target), "../../../devices/pci0000:00/%s", address);
        tree_link(t, path, target);
        snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/subsystem", address);
        tree_link(t, path, "../../../bus/pci");
        if (group < 0)
                return;
        snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices/%s", group, address);
        snprintf(target, sizeof(target), "../../../../devices/pci0000:00/%s", address);
        tree_link(t, path, target);
        snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/iommu_group", address);
        snprintf(target, sizeof(target), "../../../kernel/iommu_groups/%d", group);
        tree_link(t, path, target);
}

struct iommuctl_topology *tree_read(const struct tree *t, unsigned int what, struct iommuctl_ctx **ret_ctx)
{
        struct iommuctl_topology *topology = NULL;

        assert_int_equal(iommuctl_ctx_new_root(t->root, ret_ctx), 0);
        assert_ok(*ret_ctx, iommuctl_topology_new(*ret_ctx, what, &topology));
        return topology;
}
