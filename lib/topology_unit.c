/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The IOMMUs: /sys/class/iommu, one entry for each. */

#include "topology.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* "dmar" and digits only. */
static bool numbered(const char *name, const char *prefix)
{
        const char *p;

        if (!startswith(name, prefix))
                return false;
        p = name + strlen(prefix);
        return *p && p[strspn(p, "0123456789")] == '\0';
}

/* The names are those that drivers give to iommu_device_sysfs_add(): drivers/iommu/intel/dmar.c "dmar%d",
 * amd/init.c "ivhd%d", arm/arm-smmu-v3/arm-smmu-v3.c "smmu3.%pa", riscv/iommu.c "riscv-iommu@%s". A
 * virtio-iommu goes by the name of the device it is ("0000:00:02.0"), so its driver has to tell. */
static enum iommuctl_unit_kind unit_kind(struct iommuctl_topology *t, const char *name)
{
        char path[DEVICE_PATH], driver[64];

        if (numbered(name, "dmar"))
                return IOMMUCTL_UNIT_INTEL_VT_D;
        if (numbered(name, "ivhd"))
                return IOMMUCTL_UNIT_AMD_VI;
        if (startswith(name, "smmu3."))
                return IOMMUCTL_UNIT_ARM_SMMU_V3;
        if (startswith(name, "riscv-iommu"))
                return IOMMUCTL_UNIT_RISCV_IOMMU;
        snprintf(path, sizeof(path), "sys/class/iommu/%s/device/driver", name);
        if (sysfs_link(&t->sysfs, path, driver, sizeof(driver)) > 0 &&
            (streq(driver, "virtio_iommu") || streq(driver, "virtio-iommu")))
                return IOMMUCTL_UNIT_VIRTIO_IOMMU;
        return IOMMUCTL_UNIT_UNKNOWN;
}

/* By name, numbers in it by their value: dmar2 before dmar10. */
static int compare_units(const void *a, const void *b)
{
        return strverscmp(((const struct unit *)a)->name, ((const struct unit *)b)->name);
}

int topology_read_units(struct iommuctl_topology *t)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *name;
        int r;

        r = sysfs_dir_open(&dir, &t->sysfs, "sys/class/iommu");
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                struct unit u = { .name = arena_strdup(&t->arena, name), .kind = unit_kind(t, name) };

                r = u.name ? topology_reserve((void **)&t->units, &t->units_size, t->n_units, sizeof(u))
                           : -ENOMEM;
                if (r >= 0)
                        t->units[t->n_units++] = u;
        }
        if (t->n_units > 0)
                qsort(t->units, t->n_units, sizeof(*t->units), compare_units);
        return topology_fatal(r) ? r : 0;
}

_public_ size_t iommuctl_topology_n_units(const struct iommuctl_topology *t)
{
        return t->n_units;
}

_public_ const char *iommuctl_topology_unit_name(const struct iommuctl_topology *t, size_t index)
{
        return index < t->n_units ? t->units[index].name : NULL;
}

_public_ enum iommuctl_unit_kind iommuctl_topology_unit_kind(const struct iommuctl_topology *t, size_t index)
{
        return index < t->n_units ? t->units[index].kind : IOMMUCTL_UNIT_UNKNOWN;
}
