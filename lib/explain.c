/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "explain_process.h"
#include "sysfs.h"
#include "topology.h"

static struct sysfs sysfs_of(struct iommuctl_ctx *ctx)
{
        return (struct sysfs){ ctx->kernel, ctx->root_fd, ctx->root != NULL };
}

/* "; owner 0:107, mode 0660", or nothing. */
static void format_owner(struct iommuctl_ctx *ctx, const char *node, char *text, size_t size)
{
        struct stat st;

        text[0] = '\0';
        if (ctx->kernel->ops->fstatat(ctx->kernel, ctx->root_fd, node, &st, 0) == 0)
                snprintf(text, size, ": it belongs to user %u and group %u with mode 0%o", st.st_uid,
                         st.st_gid, st.st_mode & 07777);
}

int explain_container(struct iommuctl_ctx *ctx, const char *node, int r)
{
        const char *module = startswith(node, "dev/vfio") ? "vfio_iommu_type1" : "iommufd";
        char owner[96];

        switch (r) {
        case -EACCES:
        case -EPERM:
                format_owner(ctx, node, owner, sizeof(owner));
                return ctx_error(ctx, -EACCES, NULL, "/%s may not be opened%s", node, owner);
        case -ENOENT:
        case -ENODEV:
        case -ENXIO:
                if (streq(module, "iommufd"))
                        return ctx_error(ctx, -EOPNOTSUPP, NULL,
                                         "/%s is not there: this kernel has no iommufd, or the module is not "
                                         "loaded (modprobe iommufd)",
                                         node);
                return ctx_error(ctx, -ENOENT, NULL,
                                 "/%s is not there: VFIO is not loaded (modprobe vfio-pci)", node);
        case -EPROTONOSUPPORT:
                return ctx_error(
                        ctx, -EOPNOTSUPP, NULL,
                        "/%s offers sPAPR TCE (a POWER machine), which this library does not speak; type1 "
                        "v2 and iommufd it does",
                        node);
        case -EOPNOTSUPP:
                return ctx_error(ctx, r, NULL, "/%s has no type1 v2: the module is not loaded (modprobe %s)",
                                 node, module);
        default:
                return ctx_error(ctx, r, NULL, "/%s cannot be opened: %s", node, strerror(-r));
        }
}

int explain_node(struct iommuctl_ctx *ctx, const char *what, const char *node, const char *device, int r)
{
        char owner[96], holder[128];

        switch (r) {
        case -EACCES:
        case -EPERM:
                format_owner(ctx, node, owner, sizeof(owner));
                return ctx_error(ctx, -EACCES, device, "%s: /%s may not be opened%s", what, node, owner);
        case -EBUSY:
                if (find_holder(ctx, node, holder, sizeof(holder)))
                        return ctx_error(ctx, r, device, "%s is in use: /%s is open in %s", what, node,
                                         holder);
                return ctx_error(ctx, r, device,
                                 "%s is in use: another process, which cannot be seen from here, holds it",
                                 what);
        default:
                return ctx_error(ctx, r, device, "%s: /%s cannot be opened: %s", what, node, strerror(-r));
        }
}

/* "0000:01:00.0 is bound to nouveau, 0000:01:00.1 has no driver": the devices of G that VFIO does not have.
 * BLOCKERS: only those that are in its way. Returns how many. */
static size_t list_drivers(const struct iommuctl_group_info *g, bool blockers, char *text, size_t size)
{
        size_t at = 0, found = 0;

        text[0] = '\0';
        for (size_t i = 0; i < iommuctl_group_info_n_devices(g); i++) {
                const struct iommuctl_device_info *d = iommuctl_group_info_device(g, i);
                const char *driver = iommuctl_device_info_driver(d);
                int n;

                if (blockers ? !iommuctl_device_info_blocks_group(d) : iommuctl_device_info_vfio_bound(d))
                        continue;
                found++;
                n = snprintf(text + at, size - at, "%s%s %s%s", at ? ", " : "", iommuctl_device_info_name(d),
                             driver ? "is bound to " : "has no driver", driver ?: "");
                if (n < 0 || (size_t)n >= size - at) {
                        text[at] = '\0';
                        break;
                }
                at += (size_t)n;
        }
        return found;
}

/* Who has one of the group's devices open by its own node: a node of its group is then refused, and the group
 * of a device to another iommufd. */
static bool find_device_holder(struct iommuctl_ctx *ctx, unsigned int id, char node[64], char *holder,
                               size_t size)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        const struct iommuctl_group_info *g;

        if (iommuctl_topology_new(ctx, IOMMUCTL_READ_ATTRIBUTES, &t) < 0)
                return false;
        g = iommuctl_topology_find_group(t, id);
        for (size_t i = 0; g && i < iommuctl_group_info_n_devices(g); i++) {
                const char *cdev = iommuctl_device_info_vfio_cdev(iommuctl_group_info_device(g, i));

                if (!cdev || !find_holder(ctx, cdev + 1, holder, size))
                        continue;
                snprintf(node, 64, "%s", cdev);
                return true;
        }
        return false;
}

int explain_group(struct iommuctl_ctx *ctx, unsigned int id, const char *device, int r)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        const struct iommuctl_group_info *g;
        char what[32], node[64], list[600], holder[128];

        snprintf(what, sizeof(what), "group %u", id);
        if (r == -EBUSY && find_device_holder(ctx, id, node, holder, sizeof(holder)))
                return ctx_error(ctx, r, device, "%s is in use: %s is open in %s", what, node, holder);
        snprintf(node, sizeof(node), "dev/vfio/%u", id);
        if (r != -ENOENT && r != -ENODEV && r != -ENXIO)
                return explain_node(ctx, what, node, device, r);

        if (iommuctl_topology_new(ctx, IOMMUCTL_READ_GROUPS, &t) < 0)
                return ctx_error(ctx, -ENODEV, device, "/%s is not there", node);
        g = iommuctl_topology_find_group(t, id);
        if (!g)
                return ctx_error(ctx, -ENODEV, device, "there is no group %u", id);
        if (iommuctl_group_info_noiommu(g))
                return ctx_error(
                        ctx, -EOPNOTSUPP, device,
                        "group %u is a noiommu group: nothing checks its devices' DMA, and nothing maps it; "
                        "IOMMUCTL_BACKEND_NOIOMMU opens it all the same",
                        id);
        list_drivers(g, false, list, sizeof(list));
        return ctx_error(ctx, -ENODEV, device, "group %u is not VFIO's: %s (iommuctl bind --group group:%u)",
                         id, list[0] ? list : "its devices are bound, but /dev/vfio has no node for it", id);
}

int explain_not_viable(struct iommuctl_ctx *ctx, unsigned int id, const char *device)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        const struct iommuctl_group_info *g = NULL;
        char list[600];

        if (iommuctl_topology_new(ctx, 0, &t) >= 0)
                g = iommuctl_topology_find_group(t, id);
        if (g && list_drivers(g, true, list, sizeof(list)) > 0)
                return ctx_error(ctx, -EBUSY, device, "group %u is not viable: %s", id, list);
        return ctx_error(
                ctx, -EBUSY, device,
                "group %u is not viable: the kernel uses one of its devices, or another process has one open",
                id);
}

int explain_not_bound(struct iommuctl_ctx *ctx, const char *device)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        const struct iommuctl_device_info *d = NULL;
        const char *driver;

        if (iommuctl_topology_new(ctx, IOMMUCTL_READ_UNGROUPED, &t) >= 0)
                d = iommuctl_topology_find_device(t, device);
        if (!d)
                return ctx_error(ctx, -ENODEV, device, "there is no device %s", device);
        driver = iommuctl_device_info_driver(d);
        if (!driver)
                return ctx_error(ctx, -ENXIO, device,
                                 "%s has no driver, and VFIO cannot open it: iommuctl bind %s", device,
                                 device);
        if (iommuctl_device_info_vfio_bound(d))
                return ctx_error(ctx, -ENXIO, device, "%s is bound to %s, but VFIO does not have it", device,
                                 driver);
        return ctx_error(ctx, -ENXIO, device, "%s is bound to %s, not to a VFIO driver: iommuctl bind %s",
                         device, driver, device);
}

/* Whether a module's parameter, Y or N, is Y; false where it cannot be read. */
static bool parameter_is_set(struct iommuctl_ctx *ctx, const char *path)
{
        struct sysfs s = sysfs_of(ctx);
        char value[8];

        return sysfs_attr(&s, path, value, sizeof(value)) > 0 && value[0] == 'Y';
}

/* EPERM has one text in the kernel and several causes: a device whose firmware wants memory mapped one to one
 * (reserved region "direct"; drivers/iommu/intel/iommu.c, device_is_rmrr_locked), and interrupts that nothing
 * isolates (drivers/vfio/vfio_iommu_type1.c, drivers/iommu/iommufd/device.c). */
static int explain_refused(struct iommuctl_container *c, unsigned int id, const char *device, int r)
{
        struct iommuctl_topology *t _cleanup_(iommuctl_topology_freep) = NULL;
        const bool type1 = container_backend(c) == &backend_type1;
        const char *module = type1 ? "vfio_iommu_type1" : "iommufd";
        const struct iommuctl_group_info *g = NULL;
        char path[128], node[64], holder[128];

        /* iommufd takes a group from its drivers when a device is bound to it, and says EPERM where one has
         * it (iommu_device_claim_dma_owner, drivers/iommu/iommu.c). */
        if (iommuctl_topology_new(c->ctx, IOMMUCTL_READ_GROUPS, &t) >= 0)
                g = iommuctl_topology_find_group(t, id);
        if (r == -EPERM && g && !iommuctl_group_info_viable(g))
                return explain_not_viable(c->ctx, id, device);
        if (r == -EPERM && !type1 && find_device_holder(c->ctx, id, node, holder, sizeof(holder)))
                return ctx_error(c->ctx, -EBUSY, device, "group %u is in use: %s is open in %s", id, node,
                                 holder);
        for (size_t i = 0; g && i < iommuctl_group_info_n_reserved_regions(g); i++) {
                const struct iommuctl_reserved_region *region = iommuctl_group_info_reserved_region(g, i);

                if (!streq(region->type, "direct"))
                        continue;
                return ctx_error(c->ctx, r, device,
                                 "group %u is refused: the firmware keeps 0x%" PRIx64 "-0x%" PRIx64
                                 " reserved for one of its devices (RMRR), which so cannot be given away",
                                 id, region->start, region->end);
        }
        snprintf(path, sizeof(path), "sys/module/%s/parameters/allow_unsafe_interrupts", module);
        if (r == -EPERM && !parameter_is_set(c->ctx, path))
                return ctx_error(
                        c->ctx, r, device,
                        "group %u is refused: this machine's IOMMU does not remap interrupts, so a device "
                        "could raise any of the host's; turn it on in the firmware, or accept that with 1 "
                        "in /%s",
                        id, path);
        return ctx_error(c->ctx, r, device, "group %u is refused: %s; the kernel's log says why", id,
                         strerror(-r));
}

int explain_join(struct iommuctl_container *c, unsigned int id, const char *device, int r)
{
        char ranges[400], memory[200];
        size_t n_mapped, n_allowed;

        switch (r) {
        case -EBUSY:
                return explain_not_viable(c->ctx, id, device);
        case -ENOMEM:
                describe_locked_memory(c->ctx, memory, sizeof(memory));
                return ctx_error(c->ctx, r, device, "group %u cannot join for want of memory: %s", id,
                                 memory);
        case -EINVAL:
        case -EADDRINUSE:
                pthread_mutex_lock(&c->lock);
                n_mapped = c->map.n_entries;
                n_allowed = c->n_allowed;
                container_format_ranges(c, ranges, sizeof(ranges));
                pthread_mutex_unlock(&c->lock);
                if (r == -EADDRINUSE && n_allowed > 0 && n_mapped == 0)
                        return ctx_error(
                                c->ctx, r, device,
                                "group %u reserves a part of the %zu ranges that iommuctl_container_allow() "
                                "keeps for automatic IOVAs",
                                id, n_allowed);
                if (n_mapped > 0)
                        return ctx_error(
                                c->ctx, -EADDRINUSE, device,
                                "group %u cannot reach all that is mapped: its devices' addresses end "
                                "sooner or have reserved regions where one of the %zu mappings%s lies; the "
                                "container's ranges are %s",
                                id, n_mapped, n_allowed ? " or of the allowed ranges" : "", ranges);
                return explain_refused(c, id, device, r);
        default:
                return explain_refused(c, id, device, r);
        }
}

int explain_map(struct iommuctl_container *c, uint64_t vaddr, uint64_t iova, uint64_t size, int r)
{
        char ranges[400], memory[200];

        switch (r) {
        case -ENOMEM:
                describe_locked_memory(c->ctx, memory, sizeof(memory));
                return ctx_error(c->ctx, r, NULL,
                                 "0x%" PRIx64 " bytes (%" PRIu64 " KiB) cannot be pinned: %s", size,
                                 size >> 10, memory);
        case -ENOSPC:
                pthread_mutex_lock(&c->lock);
                snprintf(memory, sizeof(memory), "%" PRIu64, c->max_mappings);
                pthread_mutex_unlock(&c->lock);
                return ctx_error(
                        c->ctx, r, NULL,
                        "the kernel's limit of %s mappings in a container is reached; map fewer, larger "
                        "buffers, or raise /sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
                        memory);
        case -EEXIST:
                return ctx_error(c->ctx, r, NULL,
                                 "0x%" PRIx64 "-0x%" PRIx64
                                 " is mapped already, by another holder of this address space",
                                 iova, iova + size - 1);
        case -EFAULT:
                return ctx_error(c->ctx, r, NULL,
                                 "memory at 0x%" PRIx64 "-0x%" PRIx64
                                 " is not all there, not writable, or of a kind that cannot be pinned (a "
                                 "device's registers: "
                                 "map their region)",
                                 vaddr, vaddr + size - 1);
        case -EINVAL:
                pthread_mutex_lock(&c->lock);
                container_format_ranges(c, ranges, sizeof(ranges));
                pthread_mutex_unlock(&c->lock);
                return ctx_error(c->ctx, r, NULL,
                                 "the kernel does not map 0x%" PRIx64 "-0x%" PRIx64 "; usable are %s", iova,
                                 iova + size - 1, ranges);
        default:
                return ctx_error(c->ctx, r, NULL, "0x%" PRIx64 " bytes at 0x%" PRIx64 " cannot be mapped: %s",
                                 size, iova, strerror(-r));
        }
}
