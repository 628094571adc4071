/* SPDX-License-Identifier: GPL-2.0-or-later */

/* No IOMMU groups: what to do about it. */

#include "no_iommu.h"

#include "util/cleanup.h"

DEFINE_CLEANUP(struct iommuctl_topology *, iommuctl_topology_free)

/* The table is there and the kernel leaves the IOMMU alone. */
static const char *kernel_step(const char *table)
{
        if (streq(table, "DMAR"))
                return "Firmware describes a VT-d IOMMU (ACPI table DMAR) that the kernel does not use.\n"
                       "Next: boot with intel_iommu=on on the kernel's command line.\n";
        if (streq(table, "IVRS"))
                return "Firmware describes an AMD-Vi IOMMU (ACPI table IVRS) that the kernel does not use.\n"
                       "Next: take amd_iommu=off or iommu=off off the kernel's command line, if it is "
                       "there;\n"
                       "otherwise 'dmesg | grep AMD-Vi' tells what went wrong.\n";
        if (streq(table, "VIOT"))
                return "Firmware describes a virtual IOMMU (ACPI table VIOT) that the kernel does not use.\n"
                       "Next: use a kernel with virtio-iommu (CONFIG_VIRTIO_IOMMU), or load virtio_iommu.\n";
        return "Firmware describes an IOMMU that the kernel does not use.\n"
               "Next: 'dmesg | grep -i iommu' tells what went wrong.\n";
}

static const char *firmware_step(const char *vendor)
{
        if (vendor && streq(vendor, "GenuineIntel"))
                return "Firmware describes none (no ACPI table DMAR).\n"
                       "Next: turn on VT-d in the firmware's setup, often next to virtualization; then boot\n"
                       "with intel_iommu=on if this text is still here.\n";
        if (vendor && (streq(vendor, "AuthenticAMD") || streq(vendor, "HygonGenuine")))
                return "Firmware describes none (no ACPI table IVRS).\n"
                       "Next: turn on IOMMU or AMD-Vi in the firmware's setup; SVM is another switch.\n";
        return "Firmware describes none.\n"
               "Next: turn on the IOMMU (VT-d, AMD-Vi, SMMU) in the firmware's setup.\n";
}

static const char virtual_step[] =
        "This is a virtual machine without one.\n"
        "Next: on its host, give it a virtual IOMMU: with QEMU -M q35,kernel-irqchip=split\n"
        "-device intel-iommu,intremap=on,caching-mode=on, with libvirt <iommu model='intel'/>.\n";

static bool same_names(const char *const *a, const char *const *b)
{
        while (*a && *b && streq(*a, *b)) {
                a++;
                b++;
        }
        return !*a && !*b;
}

/* The names of D's group, unless a device before had the same. */
static const char *const *new_group(const struct iommuctl_topology *t, size_t index)
{
        const char *const *names = iommuctl_device_info_group_devices(iommuctl_topology_device(t, index));

        for (size_t i = 0; names && i < index; i++) {
                const char *const *before = iommuctl_device_info_group_devices(
                        iommuctl_topology_device(t, i));

                if (before && same_names(before, names))
                        return NULL;
        }
        return names;
}

/* A capture that does not tell the groups, or their devices and not their numbers. */
static int explain_capture(struct cli *cli)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        size_t n = 0;
        int r;

        r = iommuctl_topology_new(cli->ctx, IOMMUCTL_READ_UNGROUPED, &t);
        if (r < 0)
                return cli_library_error(cli, r);
        for (size_t i = 0; i < iommuctl_topology_n_devices(t); i++) {
                const char *const *names = new_group(t, i);

                if (names && n++ == 0)
                        sink_text(
                                cli->out,
                                "This capture holds groups without their numbers: iommu_group is a directory "
                                "there, not a link.\nTogether are:\n");
                for (size_t j = 0; names && names[j]; j++)
                        sink_text(cli->out, "%s%s%s", j ? ", " : "  ", names[j], names[j + 1] ? "" : "\n");
        }
        if (n == 0)
                sink_text(cli->out,
                          "This capture holds no group information: whether the machine has IOMMU groups is "
                          "not "
                          "known.\n"
                          "Next: capture /sys/kernel/iommu_groups too, or the iommu_group links of the "
                          "devices.\n");
        return EXIT_DONE;
}

int no_iommu_explain(struct cli *cli, const struct iommuctl_topology *topology)
{
        struct iommuctl_machine *machine;
        const char *step;
        int r;

        if (cli->root && !iommuctl_topology_groups_known(topology))
                return explain_capture(cli);
        if (iommuctl_topology_n_units(topology) > 0) {
                sink_text(cli->out, "No IOMMU groups: the IOMMU (%s) is on, but no device is behind it.\n",
                          iommuctl_topology_unit_name(topology, 0));
                return EXIT_DONE;
        }
        r = iommuctl_machine_new(cli->ctx, &machine);
        if (r < 0)
                return cli_library_error(cli, r);
        switch (iommuctl_machine_no_iommu(machine)) {
        case IOMMUCTL_NO_IOMMU_KERNEL:
                step = kernel_step(iommuctl_machine_iommu_table(machine));
                break;
        case IOMMUCTL_NO_IOMMU_FIRMWARE:
                step = firmware_step(iommuctl_machine_cpu_vendor(machine));
                break;
        case IOMMUCTL_NO_IOMMU_VIRTUAL:
                step = virtual_step;
                break;
        default:
                step = "Why is not known.\n"
                       "Next: look for IOMMU (VT-d, AMD-Vi, SMMU) in the firmware's setup, and in\n"
                       "'dmesg | grep -i iommu'.\n";
        }
        sink_text(cli->out, "No IOMMU groups: the kernel drives no IOMMU. %s", step);
        iommuctl_machine_free(machine);
        return EXIT_DONE;
}
