/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether interrupts of devices are remapped, as told by the interrupt controllers that are in use. */

#include "machine.h"

#include <errno.h>
#include <stdio.h>

/* The names of interrupt controllers, in /proc/interrupts and /sys/kernel/irq/N/chip_name:
 *  - "IR-IO-APIC", "IR-PCI-MSI", "IR-PCI-MSIX-0000:01:00.0": x86 behind remapping; the prefix is set in
 *    drivers/iommu/intel/irq_remapping.c, drivers/iommu/amd/iommu.c and arch/x86/kernel/apic/io_apic.c;
 *  - "IO-APIC", "PCI-MSI…": x86 without it;
 *  - "ITS-MSI", "ITS-PCI-MSI…": ARM's GICv3 ITS, which knows devices apart (IRQ_DOMAIN_FLAG_ISOLATED_MSI in
 *    drivers/irqchip/irq-gic-v3-its.c);
 *  - "GICv2m-PCI-MSI…": ARM's GICv2m, which does not.
 */
enum iommuctl_state irq_chip_remaps(const char *line)
{
        static const struct {
                const char *word;
                enum iommuctl_state state;
        } words[] = {
                { "IR-", IOMMUCTL_STATE_ON },      { "ITS-", IOMMUCTL_STATE_ON },
                { "GICv2m-", IOMMUCTL_STATE_OFF }, { "PCI-MSI", IOMMUCTL_STATE_OFF },
                { "IO-APIC", IOMMUCTL_STATE_OFF },
        };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                const char *at = strstr(line, words[i].word);

                if (at && (at == line || at[-1] == ' '))
                        return words[i].state;
        }
        return IOMMUCTL_STATE_UNKNOWN;
}

/* One that is remapped says that the machine remaps: the IOMMU's own interrupts never are. */
static int take_chip(struct iommuctl_machine *m, const char *line)
{
        enum iommuctl_state state = irq_chip_remaps(line);

        if (state > m->interrupt_remapping)
                m->interrupt_remapping = state;
        return state == IOMMUCTL_STATE_ON;
}

/* " 28:  0  0 IR-PCI-MSIX-0000:00:01.0   0-edge   virtio0": the controller's name follows the counts. The
 * names of who waits for it, behind, are not looked at. */
int machine_take_interrupt(struct iommuctl_machine *m, char *line)
{
        char *p = line + strspn(line, " ");
        char *end;

        if (p[strspn(p, "0123456789")] != ':')
                return 0; /* the heading, and counters that are no device's */
        p += strcspn(p, " ");
        p += strspn(p, " 0123456789");
        end = p + strcspn(p, " ");
        *end = '\0';
        return take_chip(m, p);
}

/* Where /proc was not captured. */
static int read_chips(struct iommuctl_machine *m)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        char path[512], text[256];
        const char *name;
        int r;

        r = sysfs_dir_open(&dir, &m->sysfs, "sys/kernel/irq");
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0) {
                snprintf(path, sizeof(path), "sys/kernel/irq/%s/chip_name", name);
                if (sysfs_attr(&m->sysfs, path, text, sizeof(text)) > 0 && take_chip(m, text) > 0)
                        break;
        }
        return 0;
}

int machine_read_irqs(struct iommuctl_machine *m)
{
        int r = machine_lines(m, "proc/interrupts", machine_take_interrupt);

        if (r == -ENOMEM || r == -EMFILE)
                return r;
        return m->interrupt_remapping == IOMMUCTL_STATE_UNKNOWN ? read_chips(m) : 0;
}
