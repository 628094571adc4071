/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a selector, as people write it, to devices; and from a selector that fits nothing to a text that says
 * what there is instead. */

#include "topology_select.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "uevent.h"

#define NEAR_MAX 6

void matches_add(struct matches *m, const struct iommuctl_device_info *d)
{
        for (size_t i = 0; i < m->n; i++)
                if (m->devices[i] == d)
                        return;
        m->devices[m->n++] = d;
}

static void name_list_put(struct name_list *l, const char *before, const char *name)
{
        size_t n = strlen(l->text);

        snprintf(l->text + n, sizeof(l->text) - n, "%s%s", before, name);
}

void name_list_add(struct name_list *l, const char *name)
{
        if (l->n > 0 && l->n <= NEAR_MAX)
                name_list_put(l, l->n > 1 ? ", " : "", l->last);
        snprintf(l->last, sizeof(l->last), "%s", name);
        l->n++;
}

const char *name_list_end(struct name_list *l)
{
        if (l->n > NEAR_MAX)
                name_list_put(l, ", ", "…");
        else if (l->n > 0)
                name_list_put(l, l->n > 1 ? " and " : "", l->last);
        return l->text;
}

/* What there is close to an address that is not there: other functions, other devices of its bus, the same
 * place in another domain. */
static void list_near(const struct iommuctl_topology *t, struct iommuctl_address a, struct name_list *ret)
{
        for (int pass = 0; pass < 3 && ret->n == 0; pass++)
                for (size_t i = 0; i < t->n_devices; i++) {
                        const struct iommuctl_device_info *d = t->sorted[i];
                        bool domain = d->address.domain == a.domain, bus = d->address.bus == a.bus;
                        bool device = d->address.device == a.device;

                        if (!d->has_address)
                                break;
                        if (pass == 0   ? domain && bus && device
                            : pass == 1 ? domain && bus
                                        : bus && device && d->address.function == a.function)
                                name_list_add(ret, d->name);
                }
}

static int no_address(struct iommuctl_topology *t, struct iommuctl_address a)
{
        char name[IOMMUCTL_ADDRESS_TEXT], path[64];
        struct name_list near = { 0 };

        iommuctl_address_format(a, name);
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", name);
        if (!(t->what & IOMMUCTL_READ_UNGROUPED) && sysfs_exists(&t->sysfs, path))
                return ctx_error(t->ctx, -ENODEV, name,
                                 t->groups_known ? "%s is in no IOMMU group"
                                                 : "which IOMMU group %s is in is not known here",
                                 name);
        list_near(t, a, &near);
        if (near.n == 0)
                return ctx_error(t->ctx, -ENODEV, name, "no device %s", name);
        return ctx_error(t->ctx, -ENODEV, name, "no device %s; near it %s %s", name,
                         near.n > 1 ? "are" : "is", name_list_end(&near));
}

static int select_address(struct iommuctl_topology *t, const char *selector, struct iommuctl_address a,
                          struct matches *m)
{
        bool any_domain = strlen(selector) == strlen("00:00.0");
        struct name_list fitting = { 0 };

        for (size_t i = 0; i < t->n_devices && t->sorted[i]->has_address; i++) {
                struct iommuctl_address b = t->sorted[i]->address;

                if (any_domain)
                        b.domain = a.domain;
                if (iommuctl_address_compare(a, b) == 0)
                        matches_add(m, t->sorted[i]);
        }
        if (m->n == 0)
                return no_address(t, a);
        if (m->n == 1 || !any_domain)
                return 0;
        for (size_t i = 0; i < m->n; i++)
                name_list_add(&fitting, m->devices[i]->name);
        return ctx_error(t->ctx, -ENOTUNIQ, NULL, "%s fits %s", selector, name_list_end(&fitting));
}

static int select_group(struct iommuctl_topology *t, const char *text, struct matches *m)
{
        const struct iommuctl_group_info *g;
        unsigned long id;
        char *end;

        errno = 0;
        id = strtoul(text, &end, 10);
        if (!isdigit((unsigned char)*text) || *end || errno || id >= NO_GROUP)
                return ctx_error(t->ctx, -EINVAL, NULL, "'group:%s': a group is a number", text);
        g = iommuctl_topology_find_group(t, (unsigned int)id);
        if (!g && !t->groups_known)
                return ctx_error(t->ctx, -ENODEV, NULL,
                                 "no group %lu: the numbers of groups are unknown here", id);
        if (!g && t->n_groups == 0)
                return ctx_error(t->ctx, -ENODEV, NULL, "no group %lu: there are no IOMMU groups", id);
        if (!g)
                return ctx_error(t->ctx, -ENODEV, NULL, "no group %lu; there are %zu groups, %u to %u", id,
                                 t->n_groups, t->groups[0].id, t->groups[t->n_groups - 1].id);
        if (g->devices_error)
                return ctx_error(t->ctx, g->devices_error == -EACCES ? -EACCES : -ENODEV, NULL,
                                 "the devices of group %lu cannot be read: %s", id,
                                 strerror(-g->devices_error));
        if (g->n_devices == 0)
                return ctx_error(t->ctx, -ENODEV, NULL, "group %lu holds no devices", id);
        for (size_t i = 0; i < g->n_devices; i++)
                matches_add(m, g->devices[i]);
        return 0;
}

static bool has_id(const struct iommuctl_device_info *d, enum iommuctl_number which, uint64_t id)
{
        uint32_t value;

        return iommuctl_device_info_number(d, which, &value) && value == id;
}

/* "10de:2684" */
static bool parse_ids(const char *text, uint64_t *ret_vendor, uint64_t *ret_device)
{
        char vendor[5] = "";

        if (strlen(text) != 9 || text[4] != ':' || strpbrk(text, "xX"))
                return false;
        memcpy(vendor, text, 4);
        return hex_parse(vendor, 4, ret_vendor) && hex_parse(text + 5, 4, ret_device);
}

static int select_ids(struct iommuctl_topology *t, uint64_t vendor, uint64_t device, struct matches *m)
{
        struct name_list others = { 0 };

        for (size_t i = 0; i < t->n_devices; i++) {
                if (!has_id(t->sorted[i], IOMMUCTL_NUMBER_VENDOR_ID, vendor))
                        continue;
                if (has_id(t->sorted[i], IOMMUCTL_NUMBER_DEVICE_ID, device))
                        matches_add(m, t->sorted[i]);
                else
                        name_list_add(&others, t->sorted[i]->name);
        }
        if (m->n > 0)
                return 0;
        if (others.n == 0)
                return ctx_error(t->ctx, -ENODEV, NULL, "no device %04x:%04x, and none of vendor %04x",
                                 (unsigned int)vendor, (unsigned int)device, (unsigned int)vendor);
        return ctx_error(t->ctx, -ENODEV, NULL, "no device %04x:%04x; of vendor %04x there %s %s",
                         (unsigned int)vendor, (unsigned int)device, (unsigned int)vendor,
                         others.n > 1 ? "are" : "is", name_list_end(&others));
}

/* Neither an address nor ids nor a device: says which, as well as that can be told. */
static int not_understood(struct iommuctl_topology *t, const char *selector)
{
        bool addresslike = selector[strspn(selector, "0123456789abcdefABCDEFxX:.")] == '\0' &&
                           strchr(selector, ':');

        if (addresslike)
                return ctx_error(t->ctx, -EINVAL, NULL,
                                 "'%s' is neither an address, [DOMAIN:]BB:DD.F with a device up to 1f "
                                 "and a function up to 7, nor ids, VVVV:DDDD",
                                 selector);
        return ctx_error(t->ctx, -EINVAL, NULL,
                         "'%s' is no selector and no device's name: give an address like 0000:01:00.0, "
                         "group:7, 10de:2684, "
                         "net:NAME, block:NAME, drm:NAME or a device's name",
                         selector);
}

static int match(struct iommuctl_topology *t, const char *selector, struct matches *m)
{
        static const char *const classes[] = { "net", "block", "drm" };
        struct iommuctl_address address;
        uint64_t vendor, device;

        if (startswith(selector, "group:"))
                return select_group(t, selector + strlen("group:"), m);
        for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
                size_t n = strlen(classes[i]);

                if (startswith(selector, classes[i]) && selector[n] == ':')
                        return select_class(t, classes[i], selector + n + 1, m);
        }
        for (size_t i = 0; i < t->n_devices; i++)
                if (streq(t->sorted[i]->name, selector))
                        matches_add(m, t->sorted[i]);
        if (m->n > 0)
                return 0;
        if (iommuctl_address_parse(selector, &address) == 0)
                return select_address(t, selector, address, m);
        if (parse_ids(selector, &vendor, &device))
                return select_ids(t, vendor, device, m);
        return not_understood(t, selector);
}

static int compare_matches(const void *a, const void *b)
{
        return device_info_compare(*(const struct iommuctl_device_info *const *)a,
                                   *(const struct iommuctl_device_info *const *)b);
}

_public_ int iommuctl_topology_select(struct iommuctl_topology *t, const char *selector,
                                      const struct iommuctl_device_info ***ret_devices)
{
        const struct iommuctl_device_info **devices _cleanup_free_ = calloc(
                t->n_devices + 1, sizeof(struct iommuctl_device_info *));
        struct matches m = { .devices = devices };
        int r;

        if (!devices)
                return ctx_error(t->ctx, -ENOMEM, NULL, "out of memory");
        r = match(t, selector, &m);
        if (r < 0)
                return r;
        qsort(devices, m.n, sizeof(struct iommuctl_device_info *), compare_matches);
        *ret_devices = TAKE_PTR(devices);
        return (int)m.n;
}
