/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver_names.h"

#include <string.h>

#include "util/macro.h"

bool driver_is_vfio(const char *driver)
{
        static const char *const names[] = {
                "vfio-amba",       /* drivers/vfio/platform/vfio_amba.c */
                "vfio-cdx",        /* drivers/vfio/cdx/main.c */
                "vfio-fsl-mc",     /* drivers/vfio/fsl-mc/vfio_fsl_mc.c */
                "vfio-pci",        /* drivers/vfio/pci/vfio_pci.c */
                "vfio-platform",   /* drivers/vfio/platform/vfio_platform.c */
                "vfio_ap",         /* drivers/s390/crypto/vfio_ap_drv.c */
                "vfio_ap_mdev",    /* drivers/s390/crypto/vfio_ap_ops.c */
                "vfio_ccw",        /* drivers/s390/cio/vfio_ccw_drv.c */
                "vfio_ccw_mdev",   /* drivers/s390/cio/vfio_ccw_ops.c */
                "vfio_mdev",       /* drivers/vfio/mdev/vfio_mdev.c, until Linux 5.19 */
                "intel_vgpu_mdev", /* drivers/gpu/drm/i915/gvt/kvmgt.c */
        };
        static const char *const endings[] = { "-vfio-pci", "_vfio_pci" };
        size_t length = strlen(driver);

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (streq(driver, names[i]))
                        return true;
        for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
                if (length > strlen(endings[i]) && streq(driver + length - strlen(endings[i]), endings[i]))
                        return true;
        return false;
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
