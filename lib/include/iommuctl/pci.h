/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_PCI_H
#define IOMMUCTL_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iommuctl/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* PCI capabilities: what is in the two chains of a function's configuration space. Nothing that a device says
 * is believed: a chain that goes in a circle, leaves its space or is cut off ends there, and what was found
 * before holds. */

/** struct iommuctl_pci_cap - one capability. A value. */
struct iommuctl_pci_cap {
        uint16_t id;     /* PCI_CAP_ID_… or PCI_EXT_CAP_ID_… of <linux/pci_regs.h> */
        uint16_t offset; /* of its header in configuration space, a multiple of 4 */
        uint8_t version; /* of an extended one; else 0 */
        bool extended;   /* from the chain at 0x100 */
};

/** As many as fit: two chains of headers of 4 bytes, behind the first 0x40 of 256 bytes and in the 3840
 * above.
 */
#define IOMMUCTL_PCI_CAPS_MAX 1008

/** enum iommuctl_pci_problems - what is wrong with a chain; bits. All but the last end it. */
enum iommuctl_pci_problems {
        IOMMUCTL_PCI_CIRCLE = 1 << 0,    /* it comes back to where it was */
        IOMMUCTL_PCI_OUTSIDE = 1 << 1,   /* it points below where capabilities may be */
        IOMMUCTL_PCI_CUT_OFF = 1 << 2,   /* it goes on where nothing can be read */
        IOMMUCTL_PCI_ALL_ONES = 1 << 3,  /* a header reads as all ones: nothing answers there */
        IOMMUCTL_PCI_UNALIGNED = 1 << 4, /* bits of a pointer are set that must be 0; they were ignored */
};

/**
 * iommuctl_pci_caps() - walk both chains of an open device, header by header, and nothing else of its
 * configuration space.
 *
 * @ret_caps: filled in the order of the chains, up to @max of them; may be NULL where @max is 0.
 * @ret_problems: enum iommuctl_pci_problems, of both chains together; may be NULL.
 *
 * The kernel hides capabilities that a user may not see, as VFIO does with those it does not know.
 *
 * Returns how many there are, which may be more than @max; 0 where it has none; -EOPNOTSUPP where it is no
 * PCI device; or as iommuctl_region_open() and iommuctl_region_read(). May be called from any threads.
 */
int iommuctl_pci_caps(struct iommuctl_device *device, struct iommuctl_pci_cap *ret_caps, unsigned int max,
                      unsigned int *ret_problems);

/**
 * iommuctl_pci_caps_parse() - the same over bytes, such as those of sysfs's config file.
 *
 * @config: @size bytes of configuration space, from its beginning.
 *
 * Returns how many there are.
 */
int iommuctl_pci_caps_parse(const void *config, size_t size, struct iommuctl_pci_cap *ret_caps,
                            unsigned int max, unsigned int *ret_problems);

/**
 * iommuctl_pci_find_cap() - find a capability of an open device by its id.
 *
 * @extended: in the chain of extended ones.
 * @after: 0 for the first; an offset that was found, for the next one behind it (vendor-specific ones can
 * come several times).
 *
 * Returns 0 and sets @ret_offset; -ENOENT where there is none (it sets no text: it is no failure); or as
 * iommuctl_pci_caps().
 */
int iommuctl_pci_find_cap(struct iommuctl_device *device, bool extended, uint16_t id, uint16_t after,
                          uint16_t *ret_offset);

/** iommuctl_pci_cap_name() - what it is called, "MSI-X"; NULL for an id that is not known. A static string.
 */
const char *iommuctl_pci_cap_name(bool extended, uint16_t id);

#ifdef __cplusplus
}
#endif

#endif
