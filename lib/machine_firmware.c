/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why a machine has no IOMMU groups: what ACPI says of an IOMMU, and whether the machine is virtual. */

#include "machine.h"

#include <errno.h>
#include <stdio.h>

static bool virtual_flag(const char *flags)
{
        const char *at = strstr(flags, " hypervisor");

        return at && (at[11] == ' ' || at[11] == '\0');
}

/* Two lines of the first processor tell all; 1 ends the reading. VIRTUAL is kept in no_iommu meanwhile. */
static int take_cpuinfo(struct iommuctl_machine *m, char *line)
{
        const char *colon = strchr(line, ':');

        if (*line == '\0')
                return 1; /* the next processor */
        if (!colon)
                return 0;
        if (startswith(line, "vendor_id") && colon[1] == ' ' && colon[2]) {
                m->cpu_vendor = arena_strdup(&m->arena, colon + 2);
                if (!m->cpu_vendor)
                        return -ENOMEM;
        }
        if (startswith(line, "flags") && virtual_flag(colon))
                m->no_iommu = IOMMUCTL_NO_IOMMU_VIRTUAL;
        return 0;
}

/* Who made the machine, for processors that have no flag for it (ARM, RISC-V). */
static bool virtual_by_name(struct iommuctl_machine *m)
{
        static const char *const makers[] = { "QEMU",   "VMware",   "Xen",       "innotek GmbH", "Amazon EC2",
                                              "Google", "KubeVirt", "Parallels", "Red Hat" };
        char text[256];

        /* Amazon and Google also make machines that are not virtual; their processors' flags tell then. */
        if (m->cpu_vendor)
                return false;
        if (sysfs_attr(&m->sysfs, "sys/class/dmi/id/sys_vendor", text, sizeof(text)) > 0)
                for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
                        if (startswith(text, makers[i]))
                                return true;
        return sysfs_attr(&m->sysfs, "sys/hypervisor/type", text, sizeof(text)) > 0;
}

const char *acpi_iommu_table(const struct sysfs *s)
{
        /* ACPI's tables of IOMMUs. IORT is also there without one, for the interrupt controllers of ARM; it
         * is the last. */
        static const char *const tables[] = { "DMAR", "IVRS", "VIOT", "RIMT", "IORT" };
        char path[64];

        for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
                snprintf(path, sizeof(path), "sys/firmware/acpi/tables/%s", tables[i]);
                if (sysfs_exists(s, path))
                        return tables[i];
        }
        return NULL;
}

bool acpi_without_iommu(const struct sysfs *s)
{
        return sysfs_exists(s, "sys/firmware/acpi/tables") && !acpi_iommu_table(s);
}

int machine_read_firmware(struct iommuctl_machine *m)
{
        int r = machine_lines(m, "proc/cpuinfo", take_cpuinfo);
        bool virtual = m->no_iommu == IOMMUCTL_NO_IOMMU_VIRTUAL || virtual_by_name(m);

        if (r == -ENOMEM || r == -EMFILE)
                return r;
        m->iommu_table = acpi_iommu_table(&m->sysfs);
        if (m->iommu_table && !streq(m->iommu_table, "IORT"))
                m->no_iommu = IOMMUCTL_NO_IOMMU_KERNEL;
        else if (virtual)
                m->no_iommu = IOMMUCTL_NO_IOMMU_VIRTUAL;
        else if (sysfs_exists(&m->sysfs, "sys/firmware/acpi/tables"))
                m->no_iommu = m->iommu_table ? IOMMUCTL_NO_IOMMU_UNKNOWN : IOMMUCTL_NO_IOMMU_FIRMWARE;
        else
                m->no_iommu = IOMMUCTL_NO_IOMMU_UNKNOWN;
        return 0;
}
