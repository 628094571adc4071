/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which modules of VFIO and iommufd the kernel has, loaded (/sys/module) or built in (modules.builtin). */

#include "machine.h"

#include <errno.h>
#include <stdio.h>

/* Names in /sys/module have underscores only. */
static bool concerns_vfio(const char *name)
{
        const char *ending = "_vfio_pci";
        size_t n = strlen(name);

        return streq(name, "vfio") || startswith(name, "vfio_") || streq(name, "iommufd") ||
               streq(name, "mdev") || (n > strlen(ending) && streq(name + n - strlen(ending), ending));
}

/* "kernel/drivers/vfio/pci/vfio-pci-core.ko" */
static int take_builtin(struct iommuctl_machine *m, char *line)
{
        char *name = strrchr(line, '/');
        char *dot;

        if (!name)
                return 0;
        name++;
        dot = strstr(name, ".ko");
        if (!dot)
                return 0;
        *dot = '\0';
        for (char *p = name; (p = strchr(p, '-'));)
                *p = '_';
        return concerns_vfio(name) ? strings_add(m, &m->modules, name) : 0;
}

int machine_read_modules(struct iommuctl_machine *m)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *name;
        char path[512];
        int r;

        r = sysfs_dir_open(&dir, &m->sysfs, "sys/module");
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0)
                if (concerns_vfio(name))
                        r = strings_add(m, &m->modules, name);
        if (r != -ENOMEM && m->kernel && !strchr(m->kernel, '/')) {
                snprintf(path, sizeof(path), "lib/modules/%s/modules.builtin", m->kernel);
                r = machine_lines(m, path, take_builtin);
        }
        strings_sort(&m->modules);
        return r == -ENOMEM ? r : 0;
}
