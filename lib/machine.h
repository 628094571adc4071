/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a machine snapshot. machine.c makes it, machine_irq.c tells interrupt remapping,
 * machine_modules.c lists modules, machine_firmware.c finds why there is no IOMMU. */

#include "ctx.h"
#include "iommuctl/machine.h"
#include "sysfs.h"
#include "util/arena.h"

struct strings {
        const char **list;
        size_t n, size;
};

struct iommuctl_machine {
        struct sysfs sysfs;
        struct arena arena;
        const char *kernel;
        const char *cpu_vendor;
        const char *iommu_table;
        enum iommuctl_state interrupt_remapping;
        enum iommuctl_no_iommu no_iommu;
        bool has_iommufd, has_type1;
        struct strings modules;
        struct strings pending;
};

/* Adds a copy of NAME unless the list holds it. 0 or -ENOMEM. */
int strings_add(struct iommuctl_machine *m, struct strings *s, const char *name);
void strings_sort(struct strings *s);
bool strings_have(const struct strings *s, const char *name);

/* Calls FN with each line of a file of any length, without its newline; a line too long for a page is passed
 * over. FN ends the reading by returning other than 0, which is then returned. */
int machine_lines(struct iommuctl_machine *m, const char *path,
                  int (*fn)(struct iommuctl_machine *m, char *line));

int machine_read_modules(struct iommuctl_machine *m);
int machine_read_irqs(struct iommuctl_machine *m);
int machine_read_firmware(struct iommuctl_machine *m);

/* The ACPI table that describes an IOMMU; NULL where there is none or no table is there to read. */
const char *acpi_iommu_table(const struct sysfs *s);
/* Whether ACPI's tables are there, and none of them describes an IOMMU. */
bool acpi_without_iommu(const struct sysfs *s);

/* Takes a line of /proc/interrupts, changing it. 1 where it says that interrupts are remapped. */
int machine_take_interrupt(struct iommuctl_machine *m, char *line);
/* What one interrupt controller's name says; UNKNOWN: nothing. */
enum iommuctl_state irq_chip_remaps(const char *line);

DEFINE_CLEANUP(struct iommuctl_machine *, iommuctl_machine_free)
