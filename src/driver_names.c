/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver_names.h"

#include <string.h>

#include "util/macro.h"

bool driver_is_vfio(const char *driver)
{
        /* drivers/gpu/drm/i915/gvt/kvmgt.c has the one other name */
        return strstr(driver, "vfio") || streq(driver, "intel_vgpu_mdev");
}

bool driver_blocks_group(const char *driver)
{
        /* Those with driver_managed_dma (Linux 5.18; before, VFIO had a list of its own with pci-stub and PCI
         * bridges). */
        static const char *const managed[] = {
                "pcieport", /* drivers/pci/pcie/portdrv.c */
                "pci-stub", /* drivers/pci/pci-stub.c */
                "fsl-pci",  /* arch/powerpc/sysdev/fsl_pci.c */
        };

        for (size_t i = 0; i < ARRAY_SIZE(managed); i++)
                if (streq(driver, managed[i]))
                        return false;
        return !driver_is_vfio(driver);
}

const char *driver_vfio_of_bus(const char *bus)
{
        static const char *const drivers[][2] = {
                { "amba", "vfio-amba" }, { "cdx", "vfio-cdx" },           { "fsl-mc", "vfio-fsl-mc" },
                { "pci", "vfio-pci" },   { "platform", "vfio-platform" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
                if (streq(bus, drivers[i][0]))
                        return drivers[i][1];
        return NULL;
}
