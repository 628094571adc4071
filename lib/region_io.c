/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading and writing a region through the kernel, and having the kernel write. */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "region.h"

int region_check_inside(const struct iommuctl_region *region, uint64_t offset, uint64_t size)
{
        if (offset <= region->facts.size && size <= region->facts.size - offset)
                return 0;
        return ctx_error(region_ctx(region), -ERANGE, region->device->name,
                         "0x%" PRIx64 " bytes at 0x%" PRIx64
                         " are not inside region %u of %s, which has 0x%" PRIx64,
                         size, offset, region->index, region->device->name, region->facts.size);
}

/* Checks an access of one DIRECTION (a flag) before any of it is made. */
static int check_access(const struct iommuctl_region *region, unsigned int direction, uint64_t offset,
                        size_t size)
{
        const bool write = direction == IOMMUCTL_REGION_WRITE;

        if (!(iommuctl_region_flags(region) & direction))
                return ctx_error(region_ctx(region), -EACCES, region->device->name,
                                 "region %u of %s cannot be %s", region->index, region->device->name,
                                 write ? "written" : "read");
        return device_check_here(region->device) ?: region_check_inside(region, offset, size);
}

/* SIZE bytes of a PCI function's configuration space, without a text. */
static bool read_config(struct iommuctl_device *d, uint64_t offset, void *buf, size_t size, int *ret_error)
{
        struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_CONFIG_REGION_INDEX };
        struct kernel *k = container_kernel(d->container);
        ssize_t n;

        n = k->ops->ioctl(k, d->fd, VFIO_DEVICE_GET_REGION_INFO, &info);
        if (n >= 0)
                n = k->ops->pread(k, d->fd, buf, size, info.offset + offset);
        *ret_error = n < 0 ? (int)n : 0;
        return n == (ssize_t)size;
}

/* vfio-pci answers for vendor and device itself; class and revision come from the function. A function that
 * was pulled has no configuration space (-ENODEV once its port knows), or reads as all ones, which is no
 * class. */
bool device_is_gone(struct iommuctl_device *d)
{
        uint32_t class = 0;
        int error;

        if (!(d->flags & VFIO_DEVICE_FLAGS_PCI))
                return false;
        if (read_config(d, PCI_CLASS_REVISION, &class, sizeof(class), &error))
                return class == UINT32_MAX;
        return error == -ENODEV;
}

static int gone(const struct iommuctl_region *region)
{
        return ctx_error(region_ctx(region), -ENODEV, region->device->name,
                         "%s is gone: it no longer answers on its bus", region->device->name);
}

/* Why a memory BAR does not answer (vfio_pci_core_ioread32() and its kin: __vfio_pci_memory_enabled()). */
static const char *why_silent(const struct iommuctl_region *region)
{
        uint16_t command;
        int error;

        if (!(region->device->flags & VFIO_DEVICE_FLAGS_PCI) || region->index > VFIO_PCI_ROM_REGION_INDEX ||
            !read_config(region->device, PCI_COMMAND, &command, sizeof(command), &error))
                return strerror(EIO);
        return le16toh(command) & PCI_COMMAND_MEMORY ? "it may be in a low power state"
                                                     : "its memory decoding is off";
}

static int io_failed(const struct iommuctl_region *region, ssize_t n)
{
        int r = n < 0 && n != -EINTR ? (int)n : -EIO;

        if (device_let_go(region->device))
                return device_check_here(region->device);
        if (r == -ENODEV || device_is_gone(region->device))
                return gone(region);
        return ctx_error(region_ctx(region), r, region->device->name, "region %u of %s does not answer: %s",
                         region->index, region->device->name, r == -EIO ? why_silent(region) : strerror(-r));
}

static bool all_ones(const void *buf, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (((const uint8_t *)buf)[i] != 0xff)
                        return false;
        return size > 0;
}

_public_ int iommuctl_region_read(struct iommuctl_region *region, uint64_t offset, void *buf, size_t size)
{
        struct kernel *k = region_kernel(region);
        const size_t whole = size;
        char *at = buf;
        int r;

        r = check_access(region, IOMMUCTL_REGION_READ, offset, size);
        if (r < 0)
                return r;
        while (size > 0) {
                ssize_t n = k->ops->pread(k, region->device->fd, at, size, region->facts.offset + offset);

                if (n <= 0 || (size_t)n > size)
                        return io_failed(region, n);
                at += n;
                offset += (size_t)n;
                size -= (size_t)n;
        }
        /* What a bus gives for a function that is not there; or what the register holds. */
        if (all_ones(buf, whole) && device_is_gone(region->device))
                return gone(region);
        return 0;
}

_public_ int iommuctl_region_write(struct iommuctl_region *region, uint64_t offset, const void *buf,
                                   size_t size)
{
        struct kernel *k = region_kernel(region);
        const char *at = buf;
        int r;

        r = check_access(region, IOMMUCTL_REGION_WRITE, offset, size);
        if (r < 0)
                return r;
        while (size > 0) {
                ssize_t n = k->ops->pwrite(k, region->device->fd, at, size, region->facts.offset + offset);

                if (n <= 0 || (size_t)n > size)
                        return io_failed(region, n);
                at += n;
                offset += (size_t)n;
                size -= (size_t)n;
        }
        return 0;
}

/* A single access needs an offset that is a multiple of its width. */
static int check_aligned(const struct iommuctl_region *region, uint64_t offset, unsigned int width)
{
        if (offset % width == 0)
                return 0;
        return ctx_error(region_ctx(region), -EINVAL, region->device->name,
                         "0x%" PRIx64 " in region %u of %s is no multiple of the %u bytes of the access",
                         offset, region->index, region->device->name, width);
}

/* PCI is little endian; what other buses hand over is in this machine's order already. */
static bool swapped(const struct iommuctl_region *region)
{
        return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ && region->device->flags & VFIO_DEVICE_FLAGS_PCI;
}

#define ACCESS(bits, swap)                                                                        \
        _public_ int iommuctl_region_read##bits(struct iommuctl_region *region, uint64_t offset,  \
                                                uint##bits##_t *ret_value)                        \
        {                                                                                         \
                uint##bits##_t value;                                                             \
                int r;                                                                            \
                                                                                                  \
                r = check_aligned(region, offset, sizeof(value));                                 \
                if (r >= 0)                                                                       \
                        r = iommuctl_region_read(region, offset, &value, sizeof(value));          \
                if (r < 0)                                                                        \
                        return r;                                                                 \
                *ret_value = swapped(region) ? swap(value) : value;                               \
                return 0;                                                                         \
        }                                                                                         \
        _public_ int iommuctl_region_write##bits(struct iommuctl_region *region, uint64_t offset, \
                                                 uint##bits##_t value)                            \
        {                                                                                         \
                int r;                                                                            \
                                                                                                  \
                r = check_aligned(region, offset, sizeof(value));                                 \
                if (r < 0)                                                                        \
                        return r;                                                                 \
                if (swapped(region))                                                              \
                        value = swap(value);                                                      \
                return iommuctl_region_write(region, offset, &value, sizeof(value));              \
        }
#define UNSWAPPED(value) (value)
ACCESS(8, UNSWAPPED)
ACCESS(16, __builtin_bswap16)
ACCESS(32, __builtin_bswap32)
ACCESS(64, __builtin_bswap64)

static int ioeventfd_failed(const struct iommuctl_region *region, uint64_t offset, int fd, int r)
{
        struct iommuctl_device *d = region->device;
        const char *why = strerror(-r);

        if (device_let_go(d))
                return device_check_here(d);
        switch (r) {
        case -ENOTTY:
                r = -EOPNOTSUPP;
                why = "the driver has no ioeventfds (vfio-pci has them since Linux 4.17)";
                break;
        case -EINVAL:
                why = region->index > VFIO_PCI_BAR5_REGION_INDEX ? "only BARs have ioeventfds"
                                                                 : "it is in the MSI-X table, or no eventfd";
                break;
        case -EEXIST:
                why = "that write has an eventfd already";
                break;
        case -ENOSPC:
                why = "the device has 1000 already, which is all there are"; /* VFIO_PCI_IOEVENTFD_MAX */
                break;
        case -ENODEV:
                if (fd >= 0)
                        break;
                r = -ENOENT;
                why = "that write has no eventfd";
                break;
        }
        return ctx_error(d->container->ctx, r, d->name, "0x%" PRIx64 " in region %u of %s: %s", offset,
                         region->index, d->name, why);
}

_public_ int iommuctl_region_set_ioeventfd(struct iommuctl_region *region, uint64_t offset,
                                           unsigned int width, uint64_t value, int fd)
{
        struct vfio_device_ioeventfd a = { .argsz = sizeof(a),
                                           .flags = width, /* VFIO_DEVICE_IOEVENTFD_8 and so on are bytes */
                                           .offset = region->facts.offset + offset,
                                           .data = value,
                                           .fd = fd < 0 ? -1 : fd };
        struct kernel *k = region_kernel(region);
        int r;

        if (width != 1 && width != 2 && width != 4 && width != 8)
                return ctx_error(region_ctx(region), -EINVAL, region->device->name,
                                 "a write has 1, 2, 4 or 8 bytes, not %u", width);
        r = check_aligned(region, offset, width);
        if (r >= 0)
                r = region_check_inside(region, offset, width);
        if (r < 0)
                return r;
        if (width < 8 && value >> (8 * width))
                return ctx_error(region_ctx(region), -ERANGE, region->device->name,
                                 "0x%" PRIx64 " does not fit into %u bytes", value, width);
        if (swapped(region)) /* the kernel writes the bytes as it has them */
                a.data = __builtin_bswap64(value) >> (64 - 8 * width);
        r = k->ops->ioctl(k, region->device->fd, VFIO_DEVICE_IOEVENTFD, &a);
        return r < 0 ? ioeventfd_failed(region, offset, fd, r) : 0;
}
