/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "selection.h"

#include <stdlib.h>

#include "util/cleanup.h"

static int compare(const void *a, const void *b)
{
        uintptr_t x = (uintptr_t) * (const struct iommuctl_device_info *const *)a;
        uintptr_t y = (uintptr_t) * (const struct iommuctl_device_info *const *)b;

        return x < y ? -1 : x > y;
}

static int add(struct selection *s, const struct iommuctl_device_info **devices, size_t n)
{
        const struct iommuctl_device_info **grown = reallocarray(s->devices, s->n + n, sizeof(*devices));

        if (!grown)
                return -ENOMEM;
        s->devices = grown;
        memcpy(s->devices + s->n, devices, n * sizeof(*devices));
        s->n += n;
        return 0;
}

int selection_read(struct cli *cli, struct iommuctl_topology *topology, char **selectors,
                   struct selection *ret)
{
        *ret = (struct selection){ .all = !*selectors };
        for (; *selectors; selectors++) {
                const struct iommuctl_device_info **devices _cleanup_free_ = NULL;
                int r = iommuctl_topology_select(topology, *selectors, &devices);

                if (r < 0)
                        return cli_library_error(cli, r);
                if (add(ret, devices, (size_t)r) < 0)
                        return cli_error(cli, EXIT_FAILED, -ENOMEM, NULL, "out of memory");
        }
        if (ret->n > 0)
                qsort(ret->devices, ret->n, sizeof(*ret->devices), compare);
        return EXIT_DONE;
}

int selection_say_several(struct cli *cli, const char *selector,
                          const struct iommuctl_device_info *const *devices)
{
        char list[1024] = "";
        size_t n = 0, used = 0;

        for (; devices[n]; n++)
                if (used < sizeof(list) - 128)
                        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%.100s", n ? ", " : "",
                                                 iommuctl_device_info_name(devices[n]));
        return cli_error(cli, EXIT_USAGE, -ENOTUNIQ, NULL, "%s means %zu devices, and one is wanted: %s",
                         selector, n, list);
}

int selection_one(struct cli *cli, struct iommuctl_topology *topology, const char *selector,
                  const struct iommuctl_device_info **ret_device)
{
        const struct iommuctl_device_info **devices _cleanup_free_ = NULL;
        int r = iommuctl_topology_select(topology, selector, &devices);

        if (r < 0)
                return cli_library_error(cli, r);
        if (r > 1)
                return selection_say_several(cli, selector, devices);
        *ret_device = devices[0];
        return EXIT_DONE;
}

void selection_free(struct selection *s)
{
        free(s->devices);
        *s = (struct selection){ 0 };
}

bool selection_has(const struct selection *s, const struct iommuctl_device_info *device)
{
        if (s->all || s->n == 0)
                return s->all;
        return bsearch(&device, s->devices, s->n, sizeof(*s->devices), compare);
}

bool selection_has_group(const struct selection *s, const struct iommuctl_group_info *group)
{
        if (s->all)
                return true;
        for (size_t i = 0; i < iommuctl_group_info_n_devices(group); i++)
                if (selection_has(s, iommuctl_group_info_device(group, i)))
                        return true;
        return false;
}
