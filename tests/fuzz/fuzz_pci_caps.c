/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration space of any length: the walk ends, and what it found is where capabilities may be. */
#include "fuzz.h"

#include "iommuctl/pci.h"

static void check(const uint8_t *config, size_t size, const struct iommuctl_pci_cap *caps, unsigned int n)
{
        uint8_t seen[4096] = { 0 };

        for (unsigned int i = 0; i < n; i++) {
                const struct iommuctl_pci_cap *c = &caps[i];

                MUST(c->offset % 4 == 0 && c->offset >= (c->extended ? 0x100 : 0x40));
                MUST(c->offset + (c->extended ? 4u : 2u) <= size);
                MUST(config[c->offset] == (c->id & 0xff));
                MUST(!seen[c->offset]++);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct iommuctl_pci_cap caps[IOMMUCTL_PCI_CAPS_MAX], few[2];
        unsigned int problems = 0;
        char *config = fuzz_text(data, size);
        int n = iommuctl_pci_caps_parse(config, size, caps, IOMMUCTL_PCI_CAPS_MAX, &problems);

        MUST(n >= 0 && n <= IOMMUCTL_PCI_CAPS_MAX);
        MUST(problems < IOMMUCTL_PCI_UNALIGNED << 1);
        check(data, size, caps, (unsigned int)n);
        MUST(iommuctl_pci_caps_parse(config, size, few, 2, NULL) == n);
        MUST(iommuctl_pci_caps_parse(config, size, NULL, 0, NULL) == n);
        free(config);
        return 0;
}
