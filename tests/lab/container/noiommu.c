/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <unistd.h>

static char warning[512];

static void keep_warning(void *userdata, enum iommuctl_log_level level, const char *text)
{
        (void)userdata;
        if (level == IOMMUCTL_LOG_WARNING)
                snprintf(warning, sizeof(warning), "%s", text);
}

/* A machine without an IOMMU, and VFIO told to do without one. */
void test_noiommu(void)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_region *config = NULL, *bar = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_dma *dma = NULL;
        struct iommuctl_range *ranges;
        uint16_t vendor = 0;
        void *regs = NULL;

        iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        GIVES("nobody gets such a device without asking", -EOPNOTSUPP, "IOMMUCTL_BACKEND_NOIOMMU",
              iommuctl_device_open(c, device_name, &d));
        iommuctl_container_unref(c);
        iommuctl_ctx_set_log(ctx, keep_warning, NULL, IOMMUCTL_LOG_WARNING);
        GIVES("asked for by name", 0, "", iommuctl_container_new(ctx, IOMMUCTL_BACKEND_NOIOMMU, &c));
        CHECK("it is said aloud", strstr(warning, "without an IOMMU") != NULL);
        GIVES("the device opens", 0, "", iommuctl_device_open(c, device_name, &d));
        GIVES("its configuration space", 0, "",
              iommuctl_region_open(d, VFIO_PCI_CONFIG_REGION_INDEX, &config));
        GIVES("can be read", 0, "", iommuctl_region_read(config, PCI_VENDOR_ID, &vendor, sizeof(vendor)));
        CHECK("and is its own", vendor == 0x1234);
        iommuctl_region_free(config);
        GIVES("its registers", 0, "", iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &bar));
        GIVES("are there", 0, "", iommuctl_region_map(bar, 0, 0, &regs));
        CHECK("and answer", (iommuctl_mmio_read32((char *)regs + EDU_ID) & 0xff) == 0xed);
        iommuctl_region_free(bar);
        GIVES("nothing is mapped", -EOPNOTSUPP, "physical addresses",
              iommuctl_dma_alloc(c, PAGE, NULL, &dma));
        GIVES("there are no IOVAs", -EOPNOTSUPP, "noiommu", iommuctl_container_ranges(c, &ranges));
        iommuctl_device_unref(d);
        GIVES("it opens again", 0, "", iommuctl_device_open(c, device_name, &d));
        iommuctl_container_unref(c);
        iommuctl_device_unref(d);
}
