/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What VFIO's information calls hand back. The first byte says which parser: 0 the address space, 1 a region,
 * 2 one look into a chain that begins where the next four bytes say, 3 copies out of an address space's chain
 * and 4 copies out of a device's. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "vfio_caps.h"

/* All that is said of ranges has to hold of what comes out. */
static void check_ranges(const struct iommuctl_range *ranges, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (ranges[i].start > ranges[i].last)
                        abort();
}

static void parse_iommu(const struct vfio_info *info)
{
        struct vfio_iommu_facts f;

        if (vfio_iommu_facts_parse(info, &f) < 0)
                return;
        check_ranges(f.ranges, f.n_ranges);
        free(f.ranges);
}

static void parse_region(const struct vfio_info *info)
{
        struct vfio_region_facts f;

        if (vfio_region_facts_parse(info, &f) < 0)
                return;
        check_ranges(f.areas, f.n_areas);
        for (size_t i = 0; i < f.n_areas; i++)
                if (f.areas[i].last >= f.size)
                        abort();
        free(f.areas);
}

static void find(const struct vfio_info *info)
{
        const unsigned char *cap;
        uint32_t offset = 0;
        size_t size;

        memcpy(&offset, info->data, info->size < sizeof(offset) ? info->size : sizeof(offset));
        cap = vfio_cap_find(info, offset, 1, 16, &size);
        if (cap && (cap < info->data || size < 16 || cap + size != info->data + info->size))
                abort();
}

/* Every capability that there can be a handful of. */
static void copy(const struct vfio_info *info, uint32_t offset)
{
        for (uint16_t id = 0; id < 8; id++) {
                unsigned char *data;
                size_t size;

                if (vfio_cap_copy(info, offset, id, (void **)&data, &size) < 0)
                        continue;
                if (size < 8 || size > info->size || (data[0] | data[1] << 8) != id)
                        abort();
                free(data);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct vfio_info info;

        if (size < 1)
                return 0;
        info.size = size - 1;
        info.data = malloc(info.size ? info.size : 1);
        if (!info.data)
                return 0;
        memcpy(info.data, data + 1, info.size);
        if (data[0] == 0)
                parse_iommu(&info);
        else if (data[0] == 1)
                parse_region(&info);
        else if (data[0] == 3)
                copy(&info, vfio_iommu_cap_offset(&info));
        else if (data[0] == 4)
                copy(&info, vfio_device_cap_offset(&info));
        else
                find(&info);
        free(info.data);
        return 0;
}
