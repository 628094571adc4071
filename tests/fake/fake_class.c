/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What devices are for: disks, network interfaces, displays; and who uses them: mounts, swap, routes,
 * processes. */
#include "fake_internal.h"

#include <stdlib.h>

static struct fake_device *device(struct fake *m, const char *name)
{
        struct fake_device *d = fake_find_device(m, name);

        if (!d)
                abort();
        return d;
}

/* A folder below a device and the link to it in its class. */
static void add_class(struct fake *m, const char *class, const char *path)
{
        char link[800], to[100];

        fake_mkdirs(m, path);
        snprintf(link, sizeof(link), "/sys/class/%s/%s", class, path_basename(path));
        fake_add_relative_link(m, link, path);
        snprintf(link, sizeof(link), "%s/subsystem", path);
        snprintf(to, sizeof(to), "/sys/class/%s", class);
        fake_add_relative_link(m, link, to);
}

static void add_block_files(struct fake *m, const char *path, const char *type, unsigned int major,
                            unsigned int minor)
{
        const char *name = path_basename(path);
        char at[800], node[300];

        snprintf(at, sizeof(at), "%s/dev", path);
        fake_printf_file(m, at, "%u:%u\n", major, minor);
        snprintf(at, sizeof(at), "%s/uevent", path);
        fake_printf_file(m, at, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\n", major, minor, name, type);
        snprintf(at, sizeof(at), "%s/holders", path);
        fake_mkdirs(m, at);
        snprintf(at, sizeof(at), "/sys/dev/block/%u:%u", major, minor);
        fake_add_relative_link(m, at, path);
        snprintf(node, sizeof(node), "/dev/%s", name);
        fake_put(m, FAKE_BLK, node)->major = major;
        fake_node_at(m, node)->minor = minor;
}

void fake_add_block(struct fake *m, const char *bdf, const char *name, unsigned int major, unsigned int minor)
{
        char path[700], link[300];

        snprintf(path, sizeof(path), "%s/block/%s", device(m, bdf)->path, name);
        add_class(m, "block", path);
        add_block_files(m, path, "disk", major, minor);
        snprintf(link, sizeof(link), "%s/slaves", path);
        fake_mkdirs(m, link);
        snprintf(link, sizeof(link), "%s/device", path);
        fake_add_relative_link(m, link, device(m, bdf)->path);
        snprintf(link, sizeof(link), "/sys/block/%s", name);
        fake_add_relative_link(m, link, path);
}

/* The real folder of a block device, from its class link. */
static void block_path(struct fake *m, const char *name, char *path, size_t size)
{
        char link[300];
        struct fake_node *node;

        snprintf(link, sizeof(link), "/sys/class/block/%s", name);
        node = fake_node_at(m, link);
        if (!node)
                abort();
        snprintf(path, size, "%s", fake_node_path(node));
}

void fake_add_partition(struct fake *m, const char *disk, const char *name, unsigned int major,
                        unsigned int minor)
{
        char path[600], part[700], at[800];

        block_path(m, disk, path, sizeof(path));
        snprintf(part, sizeof(part), "%s/%s", path, name);
        add_class(m, "block", part);
        add_block_files(m, part, "partition", major, minor);
        snprintf(at, sizeof(at), "%s/partition", part);
        fake_add_file(m, at, "1\n");
}

void fake_add_holder(struct fake *m, const char *name, const char *holder)
{
        char path[600], at[800], holder_path[300];

        snprintf(holder_path, sizeof(holder_path), "/sys/class/block/%s", holder);
        if (!fake_node_at(m, holder_path)) {
                snprintf(holder_path, sizeof(holder_path), "/sys/devices/virtual/block/%s", holder);
                add_class(m, "block", holder_path);
                add_block_files(m, holder_path, "disk", 254,
                                (unsigned int)atoi(holder + strcspn(holder, "0123456789")));
                snprintf(at, sizeof(at), "/sys/block/%s", holder);
                fake_add_relative_link(m, at, holder_path);
        }
        block_path(m, holder, holder_path, sizeof(holder_path));
        block_path(m, name, path, sizeof(path));
        snprintf(at, sizeof(at), "%s/holders/%s", path, holder);
        fake_add_relative_link(m, at, holder_path);
        snprintf(at, sizeof(at), "%s/slaves/%s", holder_path, name);
        fake_add_relative_link(m, at, path);
}

void fake_add_net(struct fake *m, const char *bdf, const char *name)
{
        char path[700], at[800];
        unsigned int index;

        if (bdf)
                snprintf(path, sizeof(path), "%s/net/%s", device(m, bdf)->path, name);
        else
                snprintf(path, sizeof(path), "/sys/devices/virtual/net/%s", name);
        add_class(m, "net", path);
        snprintf(at, sizeof(at), "%s/operstate", path);
        fake_add_file(m, at, "up\n");
        snprintf(at, sizeof(at), "%s/uevent", path);
        index = (unsigned int)m->last_ino;
        fake_printf_file(m, at, "INTERFACE=%s\nIFINDEX=%u\n", name, index);
        snprintf(at, sizeof(at), "%s/ifindex", path);
        fake_printf_file(m, at, "%u\n", index);
        if (!bdf)
                return;
        snprintf(at, sizeof(at), "%s/device", path);
        fake_add_relative_link(m, at, device(m, bdf)->path);
}

void fake_set_net_master(struct fake *m, const char *name, const char *master)
{
        char link[300], path[600], at[700], upper[700];
        struct fake_node *node;

        snprintf(link, sizeof(link), "/sys/class/net/%s", master);
        if (!fake_node_at(m, link)) {
                fake_add_net(m, NULL, master);
                snprintf(at, sizeof(at), "/sys/devices/virtual/net/%s/%s", master,
                         startswith(master, "bond") ? "bonding" : "bridge");
                fake_mkdirs(m, at);
        }
        snprintf(link, sizeof(link), "/sys/class/net/%s", name);
        node = fake_node_at(m, link);
        if (!node)
                abort();
        snprintf(path, sizeof(path), "%s", fake_node_path(node));
        snprintf(at, sizeof(at), "%s/master", path);
        snprintf(upper, sizeof(upper), "/sys/devices/virtual/net/%s", master);
        fake_add_relative_link(m, at, upper);
        snprintf(at, sizeof(at), "%s/upper_%s", path, master);
        fake_add_relative_link(m, at, upper);
}

void fake_add_drm(struct fake *m, const char *bdf, const char *name)
{
        char path[700], at[800];

        snprintf(path, sizeof(path), "%s/drm/%s", device(m, bdf)->path, name);
        add_class(m, "drm", path);
        snprintf(at, sizeof(at), "%s/device", path);
        fake_add_relative_link(m, at, device(m, bdf)->path);
}

void fake_add_process(struct fake *m, pid_t pid, const char *comm, const char *const paths[])
{
        char at[300];

        snprintf(at, sizeof(at), "/proc/%d/comm", (int)pid);
        fake_printf_file(m, at, "%s\n", comm);
        snprintf(at, sizeof(at), "/proc/%d/cmdline", (int)pid);
        fake_add_data(m, at, comm, strlen(comm) + 1);
        snprintf(at, sizeof(at), "/proc/%d/fd", (int)pid);
        fake_mkdirs(m, at);
        for (unsigned int i = 0; paths && paths[i]; i++) {
                snprintf(at, sizeof(at), "/proc/%d/fd/%u", (int)pid, i + 3);
                fake_add_link(m, at, paths[i]);
        }
}

static void append_line(struct fake *m, const char *path, const char *line)
{
        fake_printf_file(m, path, "%s%s", fake_read(m, path) ?: "", line);
}

void fake_add_mount(struct fake *m, unsigned int major, unsigned int minor, const char *where,
                    const char *source)
{
        char line[600];

        snprintf(line, sizeof(line), "%u 21 %u:%u / %s rw,relatime shared:1 - ext4 %s rw\n", 30 + minor,
                 major, minor, where, source);
        append_line(m, "/proc/self/mountinfo", line);
}

void fake_add_swap(struct fake *m, const char *name)
{
        char line[300];

        snprintf(line, sizeof(line), "%s                               partition\t1048572\t\t0\t\t-2\n",
                 name);
        append_line(m, "/proc/swaps", line);
}

void fake_add_default_route(struct fake *m, const char *interface)
{
        char line[300];

        snprintf(line, sizeof(line), "%s\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
                 interface);
        append_line(m, "/proc/net/route", line);
}
