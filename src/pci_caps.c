/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci_caps.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#define CONVENTIONAL_END 0x100u /* where extended configuration space begins */
#define EXTENDED_END     0x1000u
#define CARDBUS_POINTER  0x14u /* PCI_CB_CAPABILITY_LIST */

struct walk {
        pci_read_fn read;
        void *userdata;
        struct iommuctl_pci_cap *caps;
        unsigned int n, max, problems;
        uint8_t seen[EXTENDED_END / 4 / 8]; /* a bit for each header */
};

static int get16(struct walk *w, unsigned int offset, unsigned int *ret_value)
{
        uint8_t b[2];
        int r = w->read(w->userdata, offset, sizeof(b), b);

        if (r >= 0)
                *ret_value = b[0] | (unsigned int)b[1] << 8;
        return r;
}

static int get32(struct walk *w, unsigned int offset, uint32_t *ret_value)
{
        uint8_t b[4];
        int r = w->read(w->userdata, offset, sizeof(b), b);

        if (r >= 0)
                *ret_value = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        return r;
}

static void add(struct walk *w, uint16_t id, unsigned int offset, uint8_t version, bool extended)
{
        if (w->n < w->max)
                w->caps[w->n] = (struct iommuctl_pci_cap){
                        .id = id, .offset = (uint16_t)offset, .version = version, .extended = extended
                };
        w->n++;
}

/* Whether a header may be at *OFFSET, which loses the bits that are reserved; 0 is the end of a chain. */
static bool go_to(struct walk *w, unsigned int *offset, unsigned int least)
{
        unsigned int at = *offset & ~3u;

        if (*offset & 3)
                w->problems |= IOMMUCTL_PCI_UNALIGNED;
        *offset = at;
        if (at == 0)
                return false;
        if (at < least) {
                w->problems |= IOMMUCTL_PCI_OUTSIDE;
                return false;
        }
        if (w->seen[at / 32] & 1u << at / 4 % 8) {
                w->problems |= IOMMUCTL_PCI_CIRCLE;
                return false;
        }
        w->seen[at / 32] |= (uint8_t)(1u << at / 4 % 8);
        return true;
}

/* What the reader said of a header: the end of what there is ends the chain, and is no failure. */
static int ended(struct walk *w, int r)
{
        if (r != -ERANGE)
                return r;
        w->problems |= IOMMUCTL_PCI_CUT_OFF;
        return 0;
}

static int walk_conventional(struct walk *w)
{
        unsigned int status, type, at, header;
        int r;

        r = get16(w, PCI_STATUS, &status);
        if (r < 0)
                return ended(w, r);
        if (status == 0xffff) {
                w->problems |= IOMMUCTL_PCI_ALL_ONES;
                return 0;
        }
        if (!(status & PCI_STATUS_CAP_LIST))
                return 0;
        r = get16(w, PCI_HEADER_TYPE, &type);
        if (r < 0)
                return ended(w, r);
        r = get16(w, (type & 0x7f) == PCI_HEADER_TYPE_CARDBUS ? CARDBUS_POINTER : PCI_CAPABILITY_LIST, &at);
        if (r < 0)
                return ended(w, r);
        at &= 0xff;
        while (go_to(w, &at, PCI_STD_HEADER_SIZEOF)) {
                r = get16(w, at, &header);
                if (r < 0)
                        return ended(w, r);
                if (header == 0xffff) {
                        w->problems |= IOMMUCTL_PCI_ALL_ONES;
                        return 0;
                }
                add(w, header & 0xff, at, 0, false);
                at = header >> 8;
        }
        return 0;
}

/* The first header stands at 0x100 whatever is in it: all zeroes, or all ones, is no chain. VFIO hides a
 * capability that is the first by an ID of 0, and the chain goes on behind it (vfio_ecap_init()). */
static int walk_extended(struct walk *w)
{
        unsigned int at = CONVENTIONAL_END;
        uint32_t header;
        int r;

        while (go_to(w, &at, CONVENTIONAL_END)) {
                r = get32(w, at, &header);
                if (r == -ERANGE && at == CONVENTIONAL_END)
                        return 0; /* no extended configuration space */
                if (r < 0)
                        return ended(w, r);
                if (header == UINT32_MAX) {
                        if (at != CONVENTIONAL_END)
                                w->problems |= IOMMUCTL_PCI_ALL_ONES;
                        return 0;
                }
                if (PCI_EXT_CAP_ID(header) != 0)
                        add(w, PCI_EXT_CAP_ID(header), at, PCI_EXT_CAP_VER(header), true);
                at = header >> 20 & 0xfff;
        }
        return 0;
}

int pci_caps_walk(pci_read_fn read, void *userdata, struct iommuctl_pci_cap *ret_caps, unsigned int max,
                  unsigned int *ret_problems)
{
        struct walk w = { .read = read, .userdata = userdata, .caps = ret_caps, .max = max };
        int r;

        r = walk_conventional(&w);
        if (r >= 0)
                r = walk_extended(&w);
        if (r < 0)
                return r;
        if (ret_problems)
                *ret_problems = w.problems;
        return (int)w.n;
}
