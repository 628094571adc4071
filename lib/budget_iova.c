/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Buffers against the addresses that a device and its IOMMU allow: first what sysfs says without privilege,
 * then what the opened container says exactly. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "budget_internal.h"

/* The last address of item I at IOVA; of one that would wrap around, which iommuctl_budget_check() refuses,
 * the last there is. */
static uint64_t item_last(const struct budget *b, size_t i, uint64_t iova)
{
        uint64_t last;

        return __builtin_add_overflow(iova, (uint64_t)b->items[i].size - 1, &last) ? UINT64_MAX : last;
}

static int check_reserved(const struct budget *b, const struct iommuctl_device_info *device, size_t i,
                          uint64_t iova, uint64_t last)
{
        const struct iommuctl_group_info *group = iommuctl_device_info_group(device);
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_RESERVED, .item = i };
        char name[BUDGET_NAME];

        for (size_t j = 0; group && j < iommuctl_group_info_n_reserved_regions(group); j++) {
                const struct iommuctl_reserved_region *region = iommuctl_group_info_reserved_region(group, j);

                /* The kernel gives these up when user space takes the device (IOMMU_RESV_DIRECT_RELAXABLE,
                 * include/linux/iommu.h). */
                if (streq(region->type, "direct-relaxable") || iova > region->end || last < region->start)
                        continue;
                s.start = region->start;
                s.last = region->end;
                return budget_short(b, s,
                                    ctx_error(b->ctx, -ERANGE, iommuctl_device_info_name(device),
                                              "%s: iova 0x%" PRIx64 "-0x%" PRIx64
                                              " meets the reserved region 0x%" PRIx64 "-0x%" PRIx64
                                              " (%s) of group %u",
                                              budget_item_name(b, i, name), iova, last, s.start, s.last,
                                              region->type, iommuctl_group_info_id(group)));
        }
        return 0;
}

/* Last address that an Intel IOMMU translates: MGAW, bits 21:16 of its capability register, is the number of
 * address bits less one (VT-d specification, 10.4.2). Domains may be narrower, never wider. */
static bool last_address(const struct budget *b, const char *unit, uint64_t *ret_last)
{
        char path[128], text[32], *end;
        unsigned int bits;
        uint64_t cap;

        snprintf(path, sizeof(path), "sys/class/iommu/%s/intel-iommu/cap", unit);
        if (sysfs_attr(&b->fs, path, text, sizeof(text)) < 0)
                return false;
        cap = strtoull(text, &end, 16);
        if (end == text || *end)
                return false;
        bits = (unsigned int)(cap >> 16 & 0x3f) + 1;
        *ret_last = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
        return true;
}

static int check_width(const struct budget *b, const struct iommuctl_device_info *device, size_t i,
                       uint64_t iova, uint64_t last)
{
        const char *unit = iommuctl_device_info_iommu(device);
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_WIDTH, .item = i, .needed = last };
        char name[BUDGET_NAME];

        if (!unit || !last_address(b, unit, &s.available) || last <= s.available)
                return 0;
        return budget_short(b, s,
                            ctx_error(b->ctx, -ERANGE, iommuctl_device_info_name(device),
                                      "%s: iova 0x%" PRIx64 "-0x%" PRIx64 " is beyond 0x%" PRIx64
                                      ", the last address that %s translates",
                                      budget_item_name(b, i, name), iova, last, s.available, unit));
}

_public_ int iommuctl_budget_check_device(struct iommuctl_ctx *ctx, const struct iommuctl_device_info *device,
                                          const struct iommuctl_budget_item *items, size_t n_items,
                                          struct iommuctl_shortage *ret_shortage)
{
        struct budget b = budget_begin(ctx, items, n_items, ret_shortage);
        uint64_t iova, last;
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_items; i++) {
                if (!budget_fixed(&b, i, &iova))
                        continue;
                last = item_last(&b, i, iova);
                r = check_reserved(&b, device, i, iova, last);
                if (r == 0)
                        r = check_width(&b, device, i, iova, last);
        }
        return r;
}

static uint64_t distance(const struct iommuctl_range *range, uint64_t iova)
{
        if (iova < range->start)
                return range->start - iova;
        return iova > range->last ? iova - range->last : 0;
}

/* Item I at a fixed IOVA must lie in one of the ranges. */
static int check_fixed(const struct budget *b, const struct iommuctl_range *ranges, size_t n, size_t i,
                       uint64_t iova)
{
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_RANGE, .item = i };
        uint64_t last = item_last(b, i, iova), nearest = UINT64_MAX;
        char name[BUDGET_NAME];

        for (size_t j = 0; j < n; j++) {
                if (iova >= ranges[j].start && last <= ranges[j].last)
                        return 0;
                if (j == 0 || distance(&ranges[j], iova) < nearest) {
                        nearest = distance(&ranges[j], iova);
                        s.start = ranges[j].start;
                        s.last = ranges[j].last;
                }
        }
        return budget_short(b, s,
                            ctx_error(b->ctx, -ERANGE, NULL,
                                      "%s: iova 0x%" PRIx64 "-0x%" PRIx64
                                      " is in none of the usable ranges; the nearest is 0x%" PRIx64
                                      "-0x%" PRIx64,
                                      budget_item_name(b, i, name), iova, last, s.start, s.last));
}

/* Item I at any IOVA needs a range that holds it, below the device's limit. */
static int check_anywhere(const struct budget *b, const struct iommuctl_range *ranges, size_t n, size_t i)
{
        const struct iommuctl_dma_options *o = b->items[i].options;
        uint64_t limit = o && o->iova_limit ? o->iova_limit : UINT64_MAX, largest = 0;
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_RANGE, .item = i };
        char name[BUDGET_NAME];

        for (size_t j = 0; j < n; j++) {
                uint64_t last = MIN(ranges[j].last, limit);

                if (last < ranges[j].start)
                        continue;
                if (last - ranges[j].start >= b->items[i].size - 1)
                        return 0;
                if (last - ranges[j].start < largest)
                        continue;
                largest = last - ranges[j].start;
                s.start = ranges[j].start;
                s.last = last;
        }
        s.needed = b->items[i].size;
        return budget_short(b, s,
                            ctx_error(b->ctx, -ERANGE, NULL,
                                      "%s: no usable range holds %" PRIu64 " bytes; the largest is 0x%" PRIx64
                                      "-0x%" PRIx64,
                                      budget_item_name(b, i, name), s.needed, s.start, s.last));
}

static int check_mappings(const struct budget *b, struct iommuctl_container *container)
{
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_MAPPINGS,
                                       .item = b->n_items,
                                       .needed = b->n_items };

        if (!iommuctl_container_available_mappings(container, &s.available) || s.needed <= s.available)
                return 0;
        return budget_short(b, s,
                            ctx_error(b->ctx, -ENOSPC, NULL,
                                      "%" PRIu64 " mappings are needed and the kernel allows %" PRIu64
                                      " more in this container (vfio_iommu_type1.dma_entry_limit)",
                                      s.needed, s.available));
}

/* The smallest page of the IOMMU may be larger than the machine's own. */
static int check_iommu_page(const struct budget *b, uint64_t page_sizes, size_t i)
{
        uint64_t page = page_sizes & -page_sizes, iova = 0;
        struct iommuctl_shortage s = { .kind = IOMMUCTL_SHORTAGE_SIZE, .item = i, .page_size = page };
        char name[BUDGET_NAME];

        budget_fixed(b, i, &iova);
        if (page <= b->base_page || (b->items[i].size % page == 0 && iova % page == 0))
                return 0;
        s.available = b->items[i].size;
        s.needed = s.available + (page - s.available % page) % page;
        if (s.needed == s.available) {
                s.kind = IOMMUCTL_SHORTAGE_ALIGNMENT;
                s.needed = page;
                s.start = iova;
        }
        return budget_short(
                b, s,
                ctx_error(b->ctx, -EINVAL, NULL,
                          "%s: size %zu and iova must be multiples of the IOMMU's page size %" PRIu64,
                          budget_item_name(b, i, name), b->items[i].size, page));
}

_public_ int iommuctl_budget_check_container(struct iommuctl_container *container,
                                             const struct iommuctl_budget_item *items, size_t n_items,
                                             struct iommuctl_shortage *ret_shortage)
{
        struct budget b = budget_begin(iommuctl_container_ctx(container), items, n_items, ret_shortage);
        uint64_t page_sizes = iommuctl_container_page_sizes(container), iova;
        _cleanup_free_ struct iommuctl_range *ranges = NULL;
        int r, n;

        n = iommuctl_container_ranges(container, &ranges);
        if (n < 0)
                return n;
        r = check_mappings(&b, container);
        for (size_t i = 0; r == 0 && i < n_items; i++) {
                r = check_iommu_page(&b, page_sizes, i);
                if (r == 0 && budget_fixed(&b, i, &iova))
                        r = check_fixed(&b, ranges, (size_t)n, i, iova);
                else if (r == 0)
                        r = check_anywhere(&b, ranges, (size_t)n, i);
        }
        return r < 0 ? r : budget_memlock(&b, budget_bytes(&b, true), container);
}
