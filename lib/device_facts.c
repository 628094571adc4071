/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a device says of itself: which it is, and which atomic operations reach memory. */
#include "device.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "iommuctl/capability.h"
#include "iommuctl/region.h"
#include "uapi.h"

static int no_pci(struct iommuctl_device *d)
{
        return ctx_error(d->container->ctx, -EOPNOTSUPP, d->name, "%s is no PCI device: it has no PCI ids",
                         d->name);
}

static uint16_t le16_at(const unsigned char *config, unsigned int at)
{
        return (uint16_t)(config[at] | config[at + 1] << 8);
}

_public_ int iommuctl_device_pci_ids(struct iommuctl_device *d, struct iommuctl_pci_ids *ret_ids)
{
        unsigned char config[PCI_STD_HEADER_SIZEOF];
        struct iommuctl_region *region;
        int r;

        if (!(d->flags & VFIO_DEVICE_FLAGS_PCI))
                return no_pci(d);
        r = iommuctl_region_open(d, VFIO_PCI_CONFIG_REGION_INDEX, &region);
        if (r < 0)
                return r;
        r = iommuctl_region_read(region, 0, config, sizeof(config));
        iommuctl_region_free(region);
        if (r < 0)
                return r;
        *ret_ids = (struct iommuctl_pci_ids){
                .vendor = le16_at(config, PCI_VENDOR_ID),
                .device = le16_at(config, PCI_DEVICE_ID),
                .subsystem_vendor = le16_at(config, PCI_SUBSYSTEM_VENDOR_ID),
                .subsystem_device = le16_at(config, PCI_SUBSYSTEM_ID),
                .class_code = (uint32_t)(config[PCI_CLASS_DEVICE + 1] << 16 | config[PCI_CLASS_DEVICE] << 8 |
                                         config[PCI_CLASS_PROG]),
                .revision = config[PCI_REVISION_ID],
        };
        return 0;
}

_public_ int iommuctl_device_atomics(struct iommuctl_device *d)
{
        _Static_assert(IOMMUCTL_ATOMICS_32 == UAPI_VFIO_PCI_ATOMIC_COMP32 &&
                               IOMMUCTL_ATOMICS_64 == UAPI_VFIO_PCI_ATOMIC_COMP64 &&
                               IOMMUCTL_ATOMICS_128 == UAPI_VFIO_PCI_ATOMIC_COMP128,
                       "the kernel's bits are ours");
        const int all = IOMMUCTL_ATOMICS_32 | IOMMUCTL_ATOMICS_64 | IOMMUCTL_ATOMICS_128;
        struct uapi_vfio_device_info_cap_pci_atomic_comp cap = { .flags = 0 };
        _cleanup_free_ void *data = NULL;
        size_t size;
        int r;

        r = iommuctl_device_capability(d, UAPI_VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP, &data, &size);
        if (r == -ENODATA)
                return 0;
        if (r < 0)
                return r;
        memcpy(&cap, data, MIN(size, sizeof(cap)));
        return (int)(cap.flags & (uint32_t)all);
}
