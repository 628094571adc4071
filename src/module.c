/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "module.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "util/cleanup.h"

/* modules.dep of a distribution's kernel has half a megabyte. */
#define MODULE_LIST_MAX (16u << 20)

int module_driver_exists(struct kernel *k, int root_fd, const char *bus, const char *driver)
{
        return file_exists(k, root_fd, "sys/bus/%s/drivers/%s", bus, driver);
}

int module_kernel_release(struct kernel *k, int root_fd, char release[80])
{
        ssize_t n = file_read(k, root_fd, release, 80, "proc/sys/kernel/osrelease");

        return n < 0 ? (int)n : 0;
}

int module_loader(struct kernel *k, int root_fd, char path[128])
{
        static const char *const usual[] = { "/sbin/modprobe", "/usr/sbin/modprobe", "/usr/bin/modprobe",
                                             "/bin/modprobe" };

        if (file_read(k, root_fd, path, 128, "proc/sys/kernel/modprobe") > 0 && path[0] == '/' &&
            file_exists(k, root_fd, "%s", path + 1) > 0)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
                if (file_exists(k, root_fd, "%s", usual[i] + 1) > 0) {
                        strcpy(path, usual[i]);
                        return 0;
                }
        return -ENOENT;
}

/* Module names compare equal across dashes and underscores: files have either, the kernel knows only '_'. */
static bool same_name(const char *a, const char *b, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (a[i] != b[i] && !((a[i] == '-' || a[i] == '_') && (b[i] == '-' || b[i] == '_')))
                        return false;
        return true;
}

/* Whether a list of paths, one a line ("kernel/drivers/vfio/pci/vfio-pci.ko.xz: …"), has the module. 1, 0, or
 * -ENOENT where there is no list. */
static int list_has(struct kernel *k, int root_fd, const char *release, const char *list, const char *name)
{
        _cleanup_free_ char *text = NULL;
        size_t length = strlen(name);
        ssize_t n;

        n = file_read_whole(k, root_fd, MODULE_LIST_MAX, &text, "lib/modules/%s/%s", release, list);
        if (n < 0)
                return (int)n;
        for (const char *line = text; *line;) {
                const char *end = line + strcspn(line, "\n");
                const char *stop = line + strcspn(line, ":\n");
                const char *file = memrchr(line, '/', (size_t)(stop - line));

                file = file ? file + 1 : line;
                /* ".ko", or ".ko.xz" and its like */
                if ((size_t)(stop - file) >= length + 3 && same_name(file, name, length) &&
                    startswith(file + length, ".ko"))
                        return 1;
                line = end + (*end == '\n');
        }
        return 0;
}

/* The same for "alias NAME MODULE" lines. The patterns among them, of devices' ids, are no names of drivers.
 */
static int aliases_have(struct kernel *k, int root_fd, const char *release, const char *name)
{
        _cleanup_free_ char *text = NULL;
        char *save = NULL;
        ssize_t n;

        n = file_read_whole(k, root_fd, MODULE_LIST_MAX, &text, "lib/modules/%s/modules.alias", release);
        if (n < 0)
                return (int)n;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                const char *alias = startswith(line, "alias ") ? line + strlen("alias ") : NULL;

                if (alias && strcspn(alias, " ") == strlen(name) && same_name(alias, name, strlen(name)))
                        return 1;
        }
        return 0;
}

int module_exists(struct kernel *k, int root_fd, const char *name)
{
        static const char *const lists[] = { "modules.dep", "modules.builtin" };
        char release[80];
        int r;

        r = module_kernel_release(k, root_fd, release);
        for (size_t i = 0; i < ARRAY_SIZE(lists) && r >= 0; i++) {
                r = list_has(k, root_fd, release, lists[i], name);
                if (r > 0)
                        return 1;
                /* modules.dep tells whether the tree is there; a kernel of old may lack the others. */
                if (r == -ENOENT && i > 0)
                        r = 0;
        }
        if (r < 0)
                return r;
        r = aliases_have(k, root_fd, release, name);
        return r == -ENOENT ? 0 : r;
}

int module_load(struct kernel *k, int root_fd, const char *name, int timeout_ms, int *ret_status)
{
        char loader[128], release[80];
        int r;

        *ret_status = 0;
        if (module_loader(k, root_fd, loader) < 0)
                return MODULE_NO_LOADER;
        r = k->ops->run(k, (const char *const[]){ loader, "-q", "--", name, NULL }, timeout_ms);
        if (r == -ETIMEDOUT)
                return MODULE_TIMED_OUT;
        if (r < 0)
                return r;
        *ret_status = r;
        /* What kind of failure it is takes reading long lists; modprobe is content with what is built in. */
        if (r == 0)
                return MODULE_LOADED;
        if (module_kernel_release(k, root_fd, release) >= 0) {
                if (list_has(k, root_fd, release, "modules.dep", name) == 0)
                        return MODULE_UNKNOWN;
        }
        return MODULE_FAILED;
}

int module_load_for(const struct bus_device *device, int timeout_ms)
{
        char loader[128], modalias[512];
        ssize_t n;
        int r;

        n = file_read(device->k, device->root_fd, modalias, sizeof(modalias),
                      "sys/bus/%s/devices/%s/modalias", device->bus, device->name);
        if (n <= 0)
                return n < 0 ? (int)n : -ENOENT;
        r = module_loader(device->k, device->root_fd, loader);
        if (r < 0)
                return r;
        r = device->k->ops->run(device->k, (const char *const[]){ loader, "-q", "-a", "--", modalias, NULL },
                                timeout_ms);
        return r > 0 ? -ENOENT : r;
}
