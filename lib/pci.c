/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommuctl/pci.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "device.h"
#include "iommuctl/region.h"
#include "pci_caps.h"

struct bytes {
        const uint8_t *data;
        size_t size;
};

static int read_bytes(void *userdata, unsigned int offset, unsigned int size, void *ret_bytes)
{
        const struct bytes *b = userdata;

        if (offset > b->size || size > b->size - offset)
                return -ERANGE;
        memcpy(ret_bytes, b->data + offset, size);
        return 0;
}

_public_ int iommuctl_pci_caps_parse(const void *config, size_t size, struct iommuctl_pci_cap *ret_caps,
                                     unsigned int max, unsigned int *ret_problems)
{
        struct bytes b = { config, size };

        return pci_caps_walk(read_bytes, &b, ret_caps, max, ret_problems);
}

static int read_region(void *userdata, unsigned int offset, unsigned int size, void *ret_bytes)
{
        struct iommuctl_region *config = userdata;

        if (offset + size > iommuctl_region_size(config))
                return -ERANGE;
        return iommuctl_region_read(config, offset, ret_bytes, size);
}

_public_ int iommuctl_pci_caps(struct iommuctl_device *device, struct iommuctl_pci_cap *ret_caps,
                               unsigned int max, unsigned int *ret_problems)
{
        struct iommuctl_region *config;
        int r;

        if (!(device->flags & VFIO_DEVICE_FLAGS_PCI))
                return ctx_error(device->container->ctx, -EOPNOTSUPP, device->name,
                                 "%s is no PCI device: it has no capabilities", device->name);
        r = iommuctl_region_open(device, VFIO_PCI_CONFIG_REGION_INDEX, &config);
        if (r < 0)
                return r;
        r = pci_caps_walk(read_region, config, ret_caps, max, ret_problems);
        iommuctl_region_free(config);
        return r;
}

_public_ int iommuctl_pci_find_cap(struct iommuctl_device *device, bool extended, uint16_t id, uint16_t after,
                                   uint16_t *ret_offset)
{
        struct iommuctl_pci_cap caps[IOMMUCTL_PCI_CAPS_MAX];
        bool behind = after == 0;
        int n;

        n = iommuctl_pci_caps(device, caps, ARRAY_SIZE(caps), NULL);
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                if (behind && caps[i].extended == extended && caps[i].id == id) {
                        *ret_offset = caps[i].offset;
                        return 0;
                }
                if (caps[i].offset == after)
                        behind = true;
        }
        return -ENOENT;
}

/* PCI Code and ID Assignment Specification, 1.13; the words are those of the specifications' titles. */
static const char *const conventional[] = {
        [0x00] = "Null",
        [0x01] = "Power Management",
        [0x02] = "AGP",
        [0x03] = "Vital Product Data",
        [0x04] = "Slot Identification",
        [0x05] = "MSI",
        [0x06] = "CompactPCI Hot Swap",
        [0x07] = "PCI-X",
        [0x08] = "HyperTransport",
        [0x09] = "Vendor-Specific",
        [0x0a] = "Debug Port",
        [0x0b] = "CompactPCI Resource Control",
        [0x0c] = "Hot-Plug",
        [0x0d] = "Bridge Subsystem ID",
        [0x0e] = "AGP 8x",
        [0x0f] = "Secure Device",
        [0x10] = "PCI Express",
        [0x11] = "MSI-X",
        [0x12] = "SATA",
        [0x13] = "Advanced Features",
        [0x14] = "Enhanced Allocation",
        [0x15] = "Flattening Portal Bridge",
};

static const char *const extended_names[] = {
        [0x01] = "Advanced Error Reporting",
        [0x02] = "Virtual Channel",
        [0x03] = "Device Serial Number",
        [0x04] = "Power Budgeting",
        [0x05] = "Root Complex Link Declaration",
        [0x06] = "Root Complex Internal Link Control",
        [0x07] = "Root Complex Event Collector",
        [0x08] = "Multi-Function Virtual Channel",
        [0x09] = "Virtual Channel (with MFVC)",
        [0x0a] = "Root Complex Register Block",
        [0x0b] = "Vendor-Specific",
        [0x0c] = "Configuration Access Correlation",
        [0x0d] = "Access Control Services",
        [0x0e] = "Alternative Routing-ID",
        [0x0f] = "Address Translation Services",
        [0x10] = "Single Root I/O Virtualization",
        [0x11] = "Multi-Root I/O Virtualization",
        [0x12] = "Multicast",
        [0x13] = "Page Request",
        [0x15] = "Resizable BAR",
        [0x16] = "Dynamic Power Allocation",
        [0x17] = "TPH Requester",
        [0x18] = "Latency Tolerance Reporting",
        [0x19] = "Secondary PCI Express",
        [0x1a] = "Protocol Multiplexing",
        [0x1b] = "PASID",
        [0x1c] = "LN Requester",
        [0x1d] = "Downstream Port Containment",
        [0x1e] = "L1 PM Substates",
        [0x1f] = "Precision Time Measurement",
        [0x20] = "M-PCIe",
        [0x21] = "FRS Queueing",
        [0x22] = "Readiness Time Reporting",
        [0x23] = "Designated Vendor-Specific",
        [0x24] = "VF Resizable BAR",
        [0x25] = "Data Link Feature",
        [0x26] = "Physical Layer 16.0 GT/s",
        [0x27] = "Lane Margining",
        [0x28] = "Hierarchy ID",
        [0x29] = "Native PCIe Enclosure Management",
        [0x2a] = "Physical Layer 32.0 GT/s",
        [0x2b] = "Alternate Protocol",
        [0x2c] = "System Firmware Intermediary",
        [0x2d] = "Shadow Functions",
        [0x2e] = "Data Object Exchange",
        [0x2f] = "Device 3",
        [0x30] = "Integrity and Data Encryption",
        [0x31] = "Physical Layer 64.0 GT/s",
        [0x32] = "Flit Logging",
        [0x33] = "Flit Performance Measurement",
        [0x34] = "Flit Error Injection",
};

_public_ const char *iommuctl_pci_cap_name(bool extended, uint16_t id)
{
        if (extended)
                return id < ARRAY_SIZE(extended_names) ? extended_names[id] : NULL;
        return id < ARRAY_SIZE(conventional) ? conventional[id] : NULL;
}
