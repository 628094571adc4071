/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's beginning and end, and the files that a test puts on it. */
#include "fake_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

void fake_add_dir(struct fake *m, const char *path)
{
        fake_mkdirs(m, path);
}

void fake_add_data(struct fake *m, const char *path, const void *data, size_t size)
{
        fake_set_data(fake_put(m, FAKE_REG, path), data, size);
}

void fake_add_file(struct fake *m, const char *path, const char *text)
{
        fake_add_data(m, path, text, strlen(text));
}

void fake_printf_file(struct fake *m, const char *path, const char *format, ...)
{
        char text[16384];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        fake_add_file(m, path, text);
}

void fake_add_link(struct fake *m, const char *path, const char *target)
{
        fake_set_data(fake_put(m, FAKE_LINK, path), target, strlen(target));
}

/* sysfs's links are relative, and programs read their text. Both paths are absolute. */
void fake_add_relative_link(struct fake *m, const char *path, const char *target)
{
        char text[4096] = "";
        size_t common = 0;

        for (size_t i = 0; path[i] && path[i] == target[i]; i++)
                if (path[i] == '/')
                        common = i;
        for (const char *p = strchr(path + common + 1, '/'); p; p = strchr(p + 1, '/'))
                strcat(text, "../");
        strncat(text, target + common + 1, sizeof(text) - strlen(text) - 1);
        fake_add_link(m, path, text);
}

struct fake_node *fake_add_attribute(struct fake *m, const char *path, const struct fake_attribute *attribute,
                                     void *owner)
{
        struct fake_node *n = fake_put(m, FAKE_REG, path);

        n->attribute = attribute;
        n->owner = owner;
        n->mode = attribute->store ? 0644 : 0444;
        return n;
}

void fake_remove(struct fake *m, const char *path)
{
        struct fake_node *node;

        fake_walk(m, m->root, m->root, path, FAKE_NOFOLLOW, &node, NULL, NULL);
        if (node)
                fake_node_unlink(node);
}

void fake_chmod(struct fake *m, const char *path, mode_t mode, uid_t uid)
{
        struct fake_node *node = fake_node_at(m, path);

        node->mode = mode;
        node->uid = uid;
}

void fake_set_uid(struct fake *m, uid_t uid)
{
        m->uid = uid;
}

const char *fake_read(struct fake *m, const char *path)
{
        struct fake_node *node = fake_node_at(m, path);
        char text[8192];
        int n;

        if (!node || node->type != FAKE_REG)
                return NULL;
        if (!node->attribute)
                return node->data ?: "";
        if (!node->attribute->show)
                return NULL;
        n = node->attribute->show(m, node, text, sizeof(text) - 1);
        text[MAX(n, 0)] = '\0';
        m->scratch.length = 0;
        fake_append(&m->scratch, "%s", text);
        return m->scratch.data;
}

const char *fake_link(struct fake *m, const char *path)
{
        struct fake_node *node;

        fake_walk(m, m->root, m->root, path, FAKE_NOFOLLOW, &node, NULL, NULL);
        return node && node->type == FAKE_LINK ? node->data : NULL;
}

bool fake_exists(struct fake *m, const char *path)
{
        struct fake_node *node;

        fake_walk(m, m->root, m->root, path, FAKE_NOFOLLOW, &node, NULL, NULL);
        return node;
}

const char *fake_writes(struct fake *m)
{
        return m->writes.data ?: "";
}

const char *fake_runs(struct fake *m)
{
        return m->runs.data ?: "";
}

void fake_clear_logs(struct fake *m)
{
        m->writes.length = m->runs.length = 0;
        fake_append(&m->writes, "%s", "");
        fake_append(&m->runs, "%s", "");
}

struct kernel *fake_kernel(struct fake *m)
{
        return &m->kernel;
}

static int hugepages_show(struct fake *m, struct fake_node *node, char *buf, size_t size)
{
        bool gigantic = strstr(fake_node_path(node), "1048576kB");
        unsigned int pages = gigantic ? m->options.hugepages_1g : m->options.hugepages_2m;

        if (streq(node->name, "free_hugepages"))
                pages -= (unsigned int)(m->huge_used[gigantic] >> (gigantic ? 30 : 21));
        return snprintf(buf, size, "%u\n", pages);
}

static int status_show(struct fake *m, struct fake_node *node, char *buf, size_t size)
{
        (void)node;
        return snprintf(buf, size, "Name:\tprogram\nPid:\t%d\nVmLck:\t%8llu kB\nVmPin:\t       0 kB\n",
                        (int)m->pid, (unsigned long long)(m->pinned >> 10));
}

static int limit_show(struct fake *m, struct fake_node *node, char *buf, size_t size)
{
        (void)node;
        return snprintf(buf, size, "%u\n", m->options.dma_entry_limit);
}

static int unsafe_show(struct fake *m, struct fake_node *node, char *buf, size_t size)
{
        (void)node;
        return snprintf(buf, size, "%c\n", m->options.unsafe_interrupts ? 'Y' : 'N');
}

/* What the kernel says of limits, as it stands when it is read. */
static void limit_files(struct fake *m)
{
        static const struct fake_attribute hugepages = { .show = hugepages_show },
                                           status = { .show = status_show };
        static const struct fake_attribute limit = { .show = limit_show }, unsafe = { .show = unsafe_show };
        static const char *const sizes[] = { "2048kB", "1048576kB" };
        char path[200];

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%s/nr_hugepages", sizes[i]);
                fake_add_attribute(m, path, &hugepages, NULL);
                snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%s/free_hugepages",
                         sizes[i]);
                fake_add_attribute(m, path, &hugepages, NULL);
                snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%s/resv_hugepages",
                         sizes[i]);
                fake_add_file(m, path, "0\n");
        }
        fake_add_attribute(m, "/proc/self/status", &status, NULL);
        if (!m->options.no_type1) {
                fake_add_attribute(m, "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", &limit,
                                   NULL);
                fake_add_file(m, "/sys/module/vfio_iommu_type1/parameters/disable_hugepages", "N\n");
                fake_add_attribute(m, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
                                   &unsafe, NULL);
        }
        if (!m->options.no_iommufd)
                fake_add_attribute(m, "/sys/module/iommufd/parameters/allow_unsafe_interrupts", &unsafe,
                                   NULL);
}

static void base_files(struct fake *m)
{
        static const char *const dirs[] = { "/sys/bus/pci/devices",
                                            "/sys/bus/pci/drivers",
                                            "/sys/class/net",
                                            "/sys/class/block",
                                            "/sys/class/drm",
                                            "/sys/class/iommu",
                                            "/sys/kernel",
                                            "/sys/module",
                                            "/sys/devices",
                                            "/proc/self",
                                            "/proc/net",
                                            "/proc/sys/kernel",
                                            "/dev",
                                            "/run",
                                            "/etc" };
        char path[300];

        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
                fake_mkdirs(m, dirs[i]);
        fake_printf_file(m, "/proc/sys/kernel/osrelease", "%s\n", m->release);
        fake_add_file(m, "/proc/cmdline", "root=/dev/vda1 ro quiet\n");
        fake_add_file(m, "/proc/self/mountinfo", "21 1 252:1 / / rw - ext4 /dev/vda1 rw\n");
        fake_add_file(m, "/proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
        fake_add_file(m, "/proc/net/route",
                      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\t"
                      "Window\tIRTT\n");
        fake_add_file(m, "/proc/net/ipv6_route", "");
        snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", m->release);
        fake_add_file(m, path, m->options.vfio_pci_builtin ? "kernel/drivers/vfio/pci/vfio-pci.ko\n" : "");
        snprintf(path, sizeof(path), "/lib/modules/%s/modules.alias", m->release);
        fake_add_file(m, path, "");
        limit_files(m);
        if (m->options.no_iommu)
                return;
        fake_mkdirs(m, "/sys/kernel/iommu_groups");
        fake_mkdirs(m, "/sys/devices/virtual/iommu/dmar0/devices");
        fake_mkdirs(m, "/sys/devices/virtual/iommu/dmar0/intel-iommu");
        fake_add_relative_link(m, "/sys/class/iommu/dmar0", "/sys/devices/virtual/iommu/dmar0");
}

struct fake *fake_machine_new(const struct fake_options *options)
{
        struct fake *m = fake_zalloc(sizeof(*m));
        pthread_mutexattr_t attr;

        /* Recursive: what a test has planned for a moment runs inside the call that waits. */
        pthread_mutexattr_init(&attr);
        pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
        pthread_mutex_init(&m->lock, &attr);
        pthread_mutexattr_destroy(&attr);
        m->kernel.ops = &fake_ops;
        if (options)
                m->options = *options;
        if (!m->options.page_sizes)
                m->options.page_sizes = 0x40201000;
        if (!m->options.dma_entry_limit)
                m->options.dma_entry_limit = 65535;
        m->release = fake_strdup(m->options.release ?: "6.12.0-fake");
        m->pid = 4242;
        m->now = 1000000000;
        m->root = fake_node_new(m, NULL, FAKE_DIR, "");
        base_files(m);
        fake_vfio_base_nodes(m);
        fake_add_driver(m, "pcieport", &(struct fake_driver){ .managed_dma = true });
        fake_add_driver(m, "pci-stub", &(struct fake_driver){ .managed_dma = true });
        fake_add_driver(m, "vfio-pci",
                        &(struct fake_driver){ .vfio = true,
                                               .module = m->options.vfio_pci_missing ? "vfio_pci" : NULL });
        if (m->options.vfio_pci_builtin) {
                fake_remove(m, "/sys/module/vfio_pci/initstate");
                fake_remove(m, "/sys/module/vfio_pci/refcnt");
        }
        return m;
}

static void free_books(struct fake *m)
{
        while (m->all_nodes) {
                struct fake_node *n = m->all_nodes;

                m->all_nodes = n->next_of_all;
                free(n->name);
                free(n->data);
                free(n);
        }
        while (m->drivers) {
                struct fake_driver_state *d = m->drivers;

                m->drivers = d->next;
                free(d->name);
                free(d->bus);
                free(d->module);
                free(d->module_alias);
                free(d);
        }
        while (m->events) {
                struct fake_event *e = m->events;

                m->events = e->next;
                free(e);
        }
}

void fake_machine_free(struct fake *m)
{
        if (!m)
                return;
        fake_close_all(m);
        fake_free_mmaps(m);
        fake_free_devices(m);
        free_books(m);
        free(m->writes.data);
        free(m->runs.data);
        free(m->scratch.data);
        free(m->audit.data);
        free(m->release);
        pthread_mutex_destroy(&m->lock);
        free(m);
}

bool fake_linux(const struct fake *m, unsigned int major, unsigned int minor)
{
        unsigned int has_major = 0, has_minor = 0;

        sscanf(m->release, "%u.%u", &has_major, &has_minor);
        return has_major > major || (has_major == major && has_minor >= minor);
}
