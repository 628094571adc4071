/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices and groups, as sysfs shows them. */
#include "fake_vfio.h"

#include <errno.h>
#include <stdlib.h>

static const char *at(const struct fake_device *d, const char *name)
{
        static char path[700];

        snprintf(path, sizeof(path), "%s/%s", d->path, name);
        return path;
}

struct fake_group *fake_get_group(struct fake *m, unsigned int id)
{
        struct fake_group *g;
        char path[200];

        for (g = m->groups; g; g = g->next)
                if (g->id == id)
                        return g;
        g = fake_zalloc(sizeof(*g));
        g->id = id;
        g->aperture_last = (1ull << 39) - 1;
        g->next = m->groups;
        m->groups = g;
        snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/devices", id);
        g->devices = fake_mkdirs(m, path);
        g->dir = g->devices->parent;
        snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/type", id);
        fake_add_file(m, path, "DMA-FQ\n");
        snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/reserved_regions", id);
        fake_add_file(m, path, "");
        fake_add_reserved(m, id, 0xfee00000, 0xfeefffff, "msi");
        return g;
}

/* The lines of the file by their start, as iommu_group_show_resv_regions() prints them. */
void fake_add_reserved(struct fake *m, unsigned int group, uint64_t start, uint64_t end, const char *type)
{
        struct fake_group *g = fake_get_group(m, group);
        char path[200], line[128], text[2048] = "";
        const char *old;
        bool done = false;

        snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/reserved_regions", group);
        snprintf(line, sizeof(line), "0x%016llx 0x%016llx %s\n", (unsigned long long)start,
                 (unsigned long long)end, type);
        old = fake_read(m, path);
        while (old && *old) {
                size_t n = strcspn(old, "\n") + 1;

                if (!done && strncmp(line, old, 18) < 0) {
                        strcat(text, line);
                        done = true;
                }
                strncat(text, old, n);
                old += n;
        }
        if (!done)
                strcat(text, line);
        fake_add_file(m, path, text);
        if (g->n_reserved == ARRAY_SIZE(g->reserved))
                abort();
        g->reserved[g->n_reserved].start = start;
        g->reserved[g->n_reserved].end = end;
        g->reserved[g->n_reserved++].relaxable = streq(type, "direct-relaxable");
}

void fake_set_aperture(struct fake *m, unsigned int group, uint64_t last)
{
        fake_get_group(m, group)->aperture_last = last;
}

void fake_set_group_ineligible(struct fake *m, unsigned int group)
{
        fake_get_group(m, group)->ineligible = true;
}

struct fake_device *fake_new_device(struct fake *m, const char *bus, const char *name, const char *native,
                                    const char *path)
{
        struct fake_device *d = fake_zalloc(sizeof(*d));
        char link[300], subsystem[100];

        d->name = fake_strdup(name);
        d->bus = fake_strdup(bus);
        d->native = fake_strdup(native);
        snprintf(d->path, sizeof(d->path), "%s", path);
        d->dir = fake_mkdirs(m, path);
        d->vfio_index = -1;
        d->memory_fd = -1;
        d->pm_eventfd = -1;
        d->mig_state = 2; /* VFIO_DEVICE_STATE_RUNNING */
        d->next = m->devices;
        m->devices = d;
        snprintf(link, sizeof(link), "/sys/bus/%s/devices/%s", bus, name);
        fake_add_relative_link(m, link, path);
        snprintf(subsystem, sizeof(subsystem), "/sys/bus/%s", bus);
        fake_add_relative_link(m, at(d, "subsystem"), subsystem);
        fake_add_attribute(m, at(d, "uevent"), &fake_attr_uevent, d)->mode = 0644;
        fake_add_attribute(m, at(d, "driver_override"), &fake_attr_override, d);
        return d;
}

void fake_join_group(struct fake *m, struct fake_device *d, unsigned int id)
{
        char path[300];

        if (m->options.no_iommu)
                return;
        d->group = fake_get_group(m, id);
        snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u", id);
        fake_add_relative_link(m, at(d, "iommu_group"), path);
        snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/devices/%s", id, d->name);
        fake_add_relative_link(m, path, d->path);
        fake_add_relative_link(m, at(d, "iommu"), "/sys/devices/virtual/iommu/dmar0");
        snprintf(path, sizeof(path), "/sys/devices/virtual/iommu/dmar0/devices/%s", d->name);
        fake_add_relative_link(m, path, d->path);
}

static int config_show(struct fake *m, struct fake_node *node, char *buf, size_t size)
{
        struct fake_device *d = node->owner;

        /* 64 bytes for anyone, all of it for root (pci_read_config(), drivers/pci/pci-sysfs.c). */
        size = MIN(size, m->uid == 0 ? 256u : 64u);
        memcpy(buf, d->memory, size); /* wakes nobody: D3hot answers (pci_config_pm_runtime_get()) */
        return (int)size;
}

static const struct fake_attribute attr_config = { .show = config_show };

static void add_id_files(struct fake *m, struct fake_device *d)
{
        const struct fake_pci *p = &d->pci;

        fake_printf_file(m, at(d, "vendor"), "0x%04x\n", p->vendor);
        fake_printf_file(m, at(d, "device"), "0x%04x\n", p->device);
        fake_printf_file(m, at(d, "modalias"), "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", p->vendor,
                         p->device, p->subsystem_vendor, p->subsystem_device, p->class >> 16,
                         p->class >> 8 & 0xff, p->class & 0xff);
}

void fake_set_ids(struct fake *m, const char *bdf, uint16_t vendor, uint16_t device)
{
        struct fake_device *d = fake_find_device(m, bdf);

        d->pci.vendor = vendor;
        d->pci.device = device;
        add_id_files(m, d);
}

void fake_set_numa_node(struct fake *m, const char *bdf, int node)
{
        fake_printf_file(m, at(fake_find_device(m, bdf), "numa_node"), "%d\n", node);
}

static void add_pci_files(struct fake *m, struct fake_device *d)
{
        const struct fake_pci *p = &d->pci;

        add_id_files(m, d);
        fake_printf_file(m, at(d, "subsystem_vendor"), "0x%04x\n", p->subsystem_vendor);
        fake_printf_file(m, at(d, "subsystem_device"), "0x%04x\n", p->subsystem_device);
        fake_printf_file(m, at(d, "class"), "0x%06x\n", p->class);
        fake_printf_file(m, at(d, "revision"), "0x%02x\n", p->revision);
        fake_add_file(m, at(d, "numa_node"), "-1\n");
        fake_add_file(m, at(d, "enable"), "1\n");
        fake_add_power_state(m, d);
        fake_add_attribute(m, at(d, "config"), &attr_config, d);
        if (!p->no_reset)
                fake_add_reset_methods(m, d);
        if (p->sriov)
                fake_add_file(m, at(d, "sriov_totalvfs"), "8\n");
        if (d->physfn)
                fake_add_relative_link(m, at(d, "physfn"), d->physfn->path);
}

void fake_add_pci(struct fake *m, const char *bdf, const struct fake_pci *pci)
{
        struct fake_device *d, *parent = pci->parent ? fake_find_device(m, pci->parent) : NULL;
        char path[600];

        if (parent)
                snprintf(path, sizeof(path), "%s/%s", parent->path, bdf);
        else
                snprintf(path, sizeof(path), "/sys/devices/pci%.*s:00/%s", (int)strcspn(bdf, ":"), bdf, bdf);
        d = fake_new_device(m, "pci", bdf, pci->driver, path);
        d->pci = *pci;
        d->pci.driver = d->native;
        d->pci.parent = NULL;
        d->pci.physfn = NULL;
        d->physfn = pci->physfn ? fake_find_device(m, pci->physfn) : NULL;
        d->pci.vendor = pci->vendor ?: 0x1af4;
        d->pci.device = pci->device ?: 0x1000;
        d->pci.class = pci->class ?: 0x020000;
        d->pci.msi = pci->msi == FAKE_NONE ? 0 : pci->msi ?: 4;
        d->pci.msix = pci->msix == FAKE_NONE ? 0 : pci->msix ?: 8;
        fake_memory_add(d);
        add_pci_files(m, d);
        if (!pci->no_group)
                fake_join_group(m, d, pci->group);
        if (d->native && !pci->unbound) {
                if (!fake_find_driver(m, "pci", d->native))
                        fake_add_driver(m, d->native, NULL); /* its registration probes the device */
                fake_probe_device(m, d);
        }
}

void fake_add_other(struct fake *m, const char *bus, const char *name, const char *driver, unsigned int group)
{
        struct fake_device *d;
        char path[600];

        snprintf(path, sizeof(path), "/sys/devices/%s/%s", bus, name);
        d = fake_new_device(m, bus, name, driver, path);
        fake_join_group(m, d, group);
        if (!driver)
                return;
        if (!fake_find_driver(m, bus, driver))
                fake_add_driver(m, driver, &(struct fake_driver){ .bus = bus });
        fake_probe_device(m, d);
}

void fake_free_devices(struct fake *m)
{
        while (m->devices) {
                struct fake_device *d = m->devices;

                m->devices = d->next;
                fake_migration_reset(d);
                fake_dma_log_stop(d);
                fake_ioeventfds_free(d);
                fake_memory_free(d);
                free(d->name);
                free(d->bus);
                free(d->native);
                free(d->override);
                free(d);
        }
        while (m->groups) {
                struct fake_group *g = m->groups;

                m->groups = g->next;
                free(g);
        }
}
