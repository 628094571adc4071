/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hazards of network interfaces: a default route, and membership in a bond or bridge. */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "file.h"
#include "hazard.h"
#include "routes.h"

#define ROUTES_MAX     (64u << 20) /* a full BGP table has a million routes */
#define INTERFACE_SIZE 32
#define ROUTE_UP       0x0001 /* RTF_UP, include/uapi/linux/route.h */
#define ROUTE_REJECT   0x0200 /* RTF_REJECT */
#define INTERFACES_MAX 256    /* on one device, and stacked on it */

/* An interface of the device, or one stacked on it (VLAN, bond, bridge, macvlan). */
struct interface {
        char name[INTERFACE_SIZE];
        int below;             /* index of what it is stacked on, -1: it is the device's own */
        unsigned int number;   /* the kernel's ifindex; 0: it has just gone */
        bool said_v4, said_v6; /* that a default route leaves by it */
};

struct interfaces {
        struct iommuctl_change *change;
        const struct bus_device *device;
        struct interface list[INTERFACES_MAX];
        size_t n;
};

static struct interface *find(struct interfaces *is, const char *name)
{
        for (size_t i = 0; i < is->n; i++)
                if (streq(is->list[i].name, name))
                        return &is->list[i];
        return NULL;
}

static int add(struct interfaces *is, const char *name, int below)
{
        char number[16];
        ssize_t r;

        if (strlen(name) >= INTERFACE_SIZE || find(is, name))
                return 0;
        if (is->n == INTERFACES_MAX)
                return -E2BIG;
        r = file_read(is->device->k, is->device->root_fd, number, sizeof(number), "sys/class/net/%s/ifindex",
                      name);
        /* EINVAL: unregistered, with its attributes still there (net/core/net-sysfs.c) */
        if (r < 0 && r != -ENOENT && r != -ENODEV && r != -EINVAL)
                return (int)r;
        is->list[is->n].number = r < 0 ? 0 : (unsigned int)strtoul(number, NULL, 10);
        strcpy(is->list[is->n].name, name);
        is->list[is->n++].below = below;
        return 0;
}

static int add_own(struct interfaces *is)
{
        struct kernel *k = is->device->k;
        struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
        const char *name;
        char link[1024];
        ssize_t n;
        int r;

        r = dir_open(&dir, k, is->device->root_fd, "sys/class/net");
        if (r < 0)
                return r == -ENOENT ? 0 : r; /* a kernel without networking */
        while ((name = dir_next(&dir))) {
                n = file_link(k, is->device->root_fd, link, sizeof(link), "sys/class/net/%s", name);
                /* "bonding_masters" is a file among the links. One that just went is no danger; one that
                 * cannot be looked at may be the one. */
                if (n == -ENOENT || n == -EINVAL)
                        continue;
                if (n < 0)
                        return (int)n;
                if (!hazard_path_is_below(link, is->device->name))
                        continue;
                r = add(is, name, -1);
                if (r < 0)
                        return r;
        }
        return dir.error;
}

/* The list grows while it is walked, so this goes all the way up. */
static int add_stacked(struct interfaces *is)
{
        for (size_t i = 0; i < is->n; i++) {
                struct dir_reader dir _cleanup_dir_ = DIR_CLOSED;
                const char *name;
                int r;

                r = dir_open(&dir, is->device->k, is->device->root_fd, "sys/class/net/%s", is->list[i].name);
                if (r < 0 && r != -ENOENT)
                        return r;
                while ((name = dir_next(&dir)))
                        if (startswith(name, "upper_")) {
                                r = add(is, name + strlen("upper_"), (int)i);
                                if (r < 0)
                                        return r;
                        }
                if (dir.error < 0)
                        return dir.error;
        }
        return 0;
}

/* The device's own interface below one stacked on it. */
static const char *own(const struct interfaces *is, const struct interface *i)
{
        while (i->below >= 0)
                i = &is->list[i->below];
        return i->name;
}

/* Says it once of each interface and family. */
static int say_route(struct interfaces *is, struct interface *i, bool v6, unsigned int table)
{
        const char *article = table == RT_TABLE_MAIN ? "the" : "an", *family = v6 ? "IPv6" : "IPv4";
        bool *said = v6 ? &i->said_v6 : &i->said_v4;
        char where[32] = "", above[INTERFACE_SIZE + 16] = "";

        if (*said)
                return 0;
        *said = true;
        if (table != RT_TABLE_MAIN)
                snprintf(where, sizeof(where), " (table %u)", table);
        if (i->below >= 0)
                snprintf(above, sizeof(above), ", on top of %s,", own(is, i));
        return hazard_add(is->change, is->device->name, IOMMUCTL_HAZARD_DEFAULT_ROUTE,
                          "%s%s carries %s %s default route%s", i->name, above, article, family, where);
}

/* A line of /proc/net/route: "eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t…", after a heading. */
static bool is_default_v4(char *line, const char **ret_interface)
{
        char *fields[8], *save = NULL, *p = line;
        size_t n = 0;

        while (n < ARRAY_SIZE(fields) && (fields[n] = strtok_r(p, " \t", &save))) {
                p = NULL;
                n++;
        }
        if (n < ARRAY_SIZE(fields) || !streq(fields[1], "00000000") || !streq(fields[7], "00000000") ||
            (strtoul(fields[3], NULL, 16) & (ROUTE_UP | ROUTE_REJECT)) != ROUTE_UP)
                return false;
        *ret_interface = fields[0];
        return true;
}

/* A line of /proc/net/ipv6_route: destination, its prefix length, source, its length, next hop, metric, two
 * counts, flags, interface. */
static bool is_default_v6(char *line, const char **ret_interface)
{
        char *fields[10], *save = NULL, *p = line;
        size_t n = 0;

        while (n < ARRAY_SIZE(fields) && (fields[n] = strtok_r(p, " \t", &save))) {
                p = NULL;
                n++;
        }
        if (n < ARRAY_SIZE(fields) || strspn(fields[0], "0") != strlen(fields[0]) ||
            !streq(fields[1], "00") || (strtoul(fields[8], NULL, 16) & (ROUTE_UP | ROUTE_REJECT)) != ROUTE_UP)
                return false;
        *ret_interface = fields[9];
        return true;
}

static int look_at_file(struct interfaces *is, const char *file, bool v6,
                        bool (*is_default)(char *line, const char **ret_interface))
{
        _cleanup_free_ char *text = NULL;
        char *save = NULL;
        ssize_t n;

        n = file_read_whole(is->device->k, is->device->root_fd, ROUTES_MAX, &text, "%s", file);
        if (n < 0)
                return n == -ENOENT ? 0 : (int)n; /* a kernel without this family */
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                const char *name;
                struct interface *i;
                int r;

                if (!is_default(line, &name) || !(i = find(is, name)))
                        continue;
                r = say_route(is, i, v6, RT_TABLE_MAIN);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int look_at_tables(struct interfaces *is)
{
        struct default_routes routes _cleanup_routes_ = { 0 };
        int r;

        r = default_routes_read(is->device->k, &routes);
        for (size_t i = 0; i < routes.n && r >= 0; i++)
                for (size_t n = 0; n < is->n && r >= 0; n++)
                        if (is->list[n].number != 0 && is->list[n].number == routes.list[i].interface)
                                r = say_route(is, &is->list[n], routes.list[i].family == AF_INET6,
                                              routes.list[i].table);
        return r;
}

/* The files are read in any case: they have what rtnetlink leaves out where net.ipv4.nexthop_compat_mode is
 * off, and are all there is where there are no such sockets. */
static int look_at_routes(struct interfaces *is)
{
        int r;

        r = look_at_tables(is);
        if (r < 0 && r != -EAFNOSUPPORT)
                return r;
        r = look_at_file(is, "proc/net/route", false, is_default_v4);
        if (r >= 0)
                r = look_at_file(is, "proc/net/ipv6_route", true, is_default_v6);
        return r;
}

static int look_at_masters(struct interfaces *is)
{
        const struct bus_device *d = is->device;

        for (size_t i = 0; i < is->n && is->list[i].below < 0; i++) {
                const char *name = is->list[i].name, *kind = "";
                char master[INTERFACE_SIZE];
                int r;

                r = file_link_name(d->k, d->root_fd, master, sizeof(master), "sys/class/net/%s/master", name);
                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return r;
                if (file_exists(d->k, d->root_fd, "sys/class/net/%s/bonding", master) > 0)
                        kind = "bond ";
                else if (file_exists(d->k, d->root_fd, "sys/class/net/%s/bridge", master) > 0)
                        kind = "bridge ";
                r = hazard_add(is->change, d->name, IOMMUCTL_HAZARD_NET_MASTER, "%s belongs to the %s%s",
                               name, kind, master);
                if (r < 0)
                        return r;
        }
        return 0;
}

int hazard_net(struct iommuctl_change *change, const struct bus_device *device)
{
        _cleanup_free_ struct interfaces *is = calloc(1, sizeof(*is));
        int r;

        if (!is)
                return ctx_error(change->ctx, -ENOMEM, NULL, "out of memory");
        is->change = change;
        is->device = device;
        r = add_own(is);
        if (r >= 0 && is->n > 0)
                r = look_at_masters(is);
        if (r >= 0 && is->n > 0)
                r = add_stacked(is);
        if (r >= 0 && is->n > 0)
                r = look_at_routes(is);
        return r < 0 ? ctx_error(change->ctx, r, device->name,
                                 "cannot look at the network interfaces of %s: %s", device->name,
                                 strerror(-r))
                     : 0;
}
