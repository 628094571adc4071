/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "device_json.h"

static void hex_number(struct sink *out, const char *key, const struct iommuctl_device_info *d,
                       enum iommuctl_number which, int digits)
{
        uint32_t value;

        if (iommuctl_device_info_number(d, which, &value))
                sink_hex(out, key, value, digits);
        else
                sink_null(out, key);
}

static void decimal_number(struct sink *out, const char *key, bool known, uint64_t value)
{
        if (known)
                sink_uint(out, key, value);
        else
                sink_null(out, key);
}

void device_json(struct sink *out, const char *key, struct names *names, const struct iommuctl_device_info *d)
{
        const struct iommuctl_group_info *group = iommuctl_device_info_group(d);
        uint32_t node = 0;
        bool has_node = iommuctl_device_info_number(d, IOMMUCTL_NUMBER_NUMA_NODE, &node);

        sink_begin_object(out, key);
        sink_string(out, "address", iommuctl_device_info_name(d));
        sink_string(out, "bus", iommuctl_device_info_bus(d));
        hex_number(out, "class", d, IOMMUCTL_NUMBER_CLASS, 6);
        sink_string(out, "class_name", names_class(names, d));
        hex_number(out, "vendor_id", d, IOMMUCTL_NUMBER_VENDOR_ID, 4);
        hex_number(out, "device_id", d, IOMMUCTL_NUMBER_DEVICE_ID, 4);
        hex_number(out, "subsystem_vendor_id", d, IOMMUCTL_NUMBER_SUBSYSTEM_VENDOR_ID, 4);
        hex_number(out, "subsystem_device_id", d, IOMMUCTL_NUMBER_SUBSYSTEM_DEVICE_ID, 4);
        hex_number(out, "revision", d, IOMMUCTL_NUMBER_REVISION, 2);
        sink_string(out, "vendor_name", names_vendor(names, d));
        sink_string(out, "device_name", names_device(names, d));
        sink_string(out, "driver", iommuctl_device_info_driver(d));
        sink_string(out, "driver_override", iommuctl_device_info_driver_override(d));
        decimal_number(out, "group", group != NULL, group ? iommuctl_group_info_id(group) : 0);
        sink_string(out, "iommu", iommuctl_device_info_iommu(d));
        decimal_number(out, "numa_node", has_node, node);
        sink_string(out, "vfio_node", iommuctl_device_info_vfio_node(d));
        sink_string(out, "vfio_cdev", iommuctl_device_info_vfio_cdev(d));
        sink_end_object(out);
}

void regions_json(struct sink *out, const struct iommuctl_group_info *g)
{
        if (!iommuctl_group_info_reserved_regions_known(g)) {
                sink_null(out, "reserved_regions");
                return;
        }
        sink_begin_array(out, "reserved_regions");
        for (size_t i = 0; i < iommuctl_group_info_n_reserved_regions(g); i++) {
                const struct iommuctl_reserved_region *r = iommuctl_group_info_reserved_region(g, i);

                sink_begin_object(out, NULL);
                sink_hex(out, "start", r->start, 1);
                sink_hex(out, "end", r->end, 1);
                sink_string(out, "type", r->type);
                sink_end_object(out);
        }
        sink_end_array(out);
}

void viable_json(struct sink *out, const struct iommuctl_group_info *g)
{
        bool unknown = !iommuctl_group_info_devices_known(g), blocked = false;

        for (size_t i = 0; i < iommuctl_group_info_n_devices(g); i++) {
                unknown |= !iommuctl_device_info_driver_known(iommuctl_group_info_device(g, i));
                blocked |= iommuctl_device_info_blocks_group(iommuctl_group_info_device(g, i));
        }
        if (unknown && !blocked)
                sink_null(out, "viable");
        else
                sink_bool(out, "viable", iommuctl_group_info_viable(g));
}
