/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "device_text.h"

#include <unistd.h>

static enum style device_style(const struct iommuctl_device_info *d)
{
        return iommuctl_device_info_vfio_bound(d) ? STYLE_VFIO : STYLE_PLAIN;
}

void device_mark_cell(struct sink *out, const struct iommuctl_device_info *d)
{
        sink_cell(out, device_style(d), "%s", iommuctl_device_info_vfio_bound(d) ? "*" : "");
}

void device_class_cell(struct sink *out, struct names *names, const struct iommuctl_device_info *d)
{
        const char *name = names_class(names, d), *bus = iommuctl_device_info_bus(d);
        uint32_t class;

        if (name)
                sink_cell(out, STYLE_PLAIN, "%s", name);
        else if (iommuctl_device_info_number(d, IOMMUCTL_NUMBER_CLASS, &class))
                sink_cell(out, STYLE_PLAIN, "class %06x", class);
        else if (bus && !streq(bus, "pci"))
                sink_cell(out, STYLE_PLAIN, "%s", bus);
        else
                sink_cell(out, STYLE_DIM, "unreadable");
}

void device_name_cell(struct sink *out, struct names *names, const struct iommuctl_device_info *d)
{
        const char *vendor = names_vendor(names, d), *device = names_device(names, d);
        uint32_t id;

        if (device)
                sink_cell(out, STYLE_PLAIN, "%s%s%s", vendor ?: "", vendor ? " " : "", device);
        else if (vendor && iommuctl_device_info_number(d, IOMMUCTL_NUMBER_DEVICE_ID, &id))
                sink_cell(out, STYLE_PLAIN, "%s Device %04x", vendor, id);
        else
                sink_cell(out, STYLE_DIM, "%s", vendor ?: "-");
}

void device_ids_cell(struct sink *out, const struct iommuctl_device_info *d)
{
        uint32_t vendor, device;

        if (iommuctl_device_info_number(d, IOMMUCTL_NUMBER_VENDOR_ID, &vendor) &&
            iommuctl_device_info_number(d, IOMMUCTL_NUMBER_DEVICE_ID, &device))
                sink_cell(out, STYLE_PLAIN, "%04x:%04x", vendor, device);
        else
                sink_cell(out, STYLE_PLAIN, "-");
}

void device_driver_cell(struct sink *out, const struct iommuctl_device_info *d)
{
        const char *driver = iommuctl_device_info_driver(d);

        if (driver)
                sink_cell(out, device_style(d), "%s", driver);
        else if (iommuctl_device_info_driver_known(d))
                sink_cell(out, STYLE_DIM, "-");
        else
                sink_cell(out, STYLE_DIM, "unreadable");
}

void device_mark_legend(struct cli *cli, bool marks)
{
        if (marks && !cli->json && isatty(STDOUT_FILENO))
                cli_note(cli, "* bound to a VFIO driver");
}
