/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_REGION_H
#define IOMMUCTL_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iommuctl/container.h>
#include <iommuctl/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_region - a part of a device that can be read, written or mapped: a BAR, configuration
 * space, the option ROM, legacy VGA, what a driver adds for one kind of device.
 *
 * Owned by the caller, who frees it; it keeps its device. Reads and writes may come from any threads; freeing
 * must be the last use.
 */
struct iommuctl_region;

/** enum iommuctl_region_flags - what a region can do. */
enum iommuctl_region_flags {
        IOMMUCTL_REGION_READ = 1 << 0,
        IOMMUCTL_REGION_WRITE = 1 << 1,
        IOMMUCTL_REGION_MMAP = 1 << 2, /* at least a part of it can be mapped */
};

/**
 * iommuctl_region_open() - look at the region with this index.
 *
 * @index: VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX, … of <linux/vfio.h>, below
 * iommuctl_device_n_regions().
 *
 * The VGA region has the addresses of legacy VGA as offsets: 0xa0000 to 0xbffff and the ports 0x3b0 to 0x3bb
 * and 0x3c0 to 0x3df; the rest is refused (-EINVAL). The ROM region is as large as its BAR: what is behind
 * the image reads as all ones.
 *
 * Returns 0 and sets @ret_region, the caller's to free with iommuctl_region_free(); -EINVAL where the device
 * has no such index; -ENXIO where it has nothing behind it (a BAR that is not implemented); -EPROTO where the
 * kernel's answer makes no sense; -ENOMEM.
 */
int iommuctl_region_open(struct iommuctl_device *device, unsigned int index,
                         struct iommuctl_region **ret_region);

/**
 * iommuctl_region_open_type() - look for a device-specific region by what it says that it is: the first that
 * has this type and subtype (VFIO_REGION_INFO_CAP_TYPE, Linux 4.6).
 *
 * @type, @subtype: VFIO_REGION_TYPE_… and VFIO_REGION_SUBTYPE_… of <linux/vfio.h>; a vendor's are
 * VFIO_REGION_TYPE_PCI_VENDOR_TYPE with the PCI vendor ID.
 *
 * Returns as iommuctl_region_open(); -ENXIO where the device has none.
 */
int iommuctl_region_open_type(struct iommuctl_device *device, uint32_t type, uint32_t subtype,
                              struct iommuctl_region **ret_region);

/** iommuctl_region_index() - its index in the device. */
unsigned int iommuctl_region_index(const struct iommuctl_region *region);

/** iommuctl_region_type() - what a device-specific region is. False, and nothing set, for any other. */
bool iommuctl_region_type(const struct iommuctl_region *region, uint32_t *ret_type, uint32_t *ret_subtype);

/** iommuctl_region_free() - unmap all that iommuctl_region_map() gave, and free. NULL is let through. */
void iommuctl_region_free(struct iommuctl_region *region);

/** iommuctl_region_size() - in bytes, never 0. */
uint64_t iommuctl_region_size(const struct iommuctl_region *region);

/** iommuctl_region_flags() - a combination of enum iommuctl_region_flags. */
unsigned int iommuctl_region_flags(const struct iommuctl_region *region);

/** iommuctl_region_offset() - where the region begins in the device's descriptor, for pread(2) and mmap(2) by
 * hand. */
uint64_t iommuctl_region_offset(const struct iommuctl_region *region);

/**
 * iommuctl_region_read() - read @size bytes at @offset through the kernel, all of them or an error.
 *
 * An access of 1, 2 or 4 bytes at a multiple of its size reaches the device as one access; one of 8 does
 * where kernel and architecture have such (Linux 6.10 at the earliest); others are cut by the kernel. The
 * bytes are as the device has them, little endian on PCI.
 *
 * Returns 0; -ERANGE where it is not all inside the region; -EACCES where the region cannot be read; -EIO
 * where the device is there but does not answer: memory decoding is off, it is in D3 (the text says which is
 * known); -ENODEV where it is gone: it was pulled, and its configuration space is not there any more.
 */
int iommuctl_region_read(struct iommuctl_region *region, uint64_t offset, void *buf, size_t size);

/** iommuctl_region_write() - write @size bytes at @offset; as iommuctl_region_read(). A write to a device
 * that is gone may succeed: buses do not tell. */
int iommuctl_region_write(struct iommuctl_region *region, uint64_t offset, const void *buf, size_t size);

/**
 * iommuctl_region_read8(), iommuctl_region_read16(), iommuctl_region_read32(), iommuctl_region_read64() - one
 * access of that width through the kernel; the value is in this machine's byte order.
 *
 * 64 bits may reach the device as two accesses, as there.
 *
 * Returns as iommuctl_region_read(); -EINVAL where @offset is no multiple of the width.
 */
int iommuctl_region_read8(struct iommuctl_region *region, uint64_t offset, uint8_t *ret_value);
int iommuctl_region_read16(struct iommuctl_region *region, uint64_t offset, uint16_t *ret_value);
int iommuctl_region_read32(struct iommuctl_region *region, uint64_t offset, uint32_t *ret_value);
int iommuctl_region_read64(struct iommuctl_region *region, uint64_t offset, uint64_t *ret_value);

/** iommuctl_region_write8(), iommuctl_region_write16(), iommuctl_region_write32(), iommuctl_region_write64()
 * - the same way round; @value is in this machine's byte order. */
int iommuctl_region_write8(struct iommuctl_region *region, uint64_t offset, uint8_t value);
int iommuctl_region_write16(struct iommuctl_region *region, uint64_t offset, uint16_t value);
int iommuctl_region_write32(struct iommuctl_region *region, uint64_t offset, uint32_t value);
int iommuctl_region_write64(struct iommuctl_region *region, uint64_t offset, uint64_t value);

/**
 * iommuctl_region_set_ioeventfd() - have the kernel write @value, @width bytes of it, at @offset of a BAR
 * each time the eventfd is written to: a doorbell that KVM rings.
 *
 * @fd: an eventfd, which stays the caller's; -1: no longer, for what was set with the same @offset, @width
 * and
 * @value. It lasts until then, or until the device is closed, also beyond iommuctl_region_free().
 *
 * Returns 0; -EINVAL where @width is not 1, 2, 4 or 8, @offset no multiple of it, the region no BAR, the
 * place in the MSI-X table, or @fd no eventfd; -ERANGE where it is not inside the region or @value does not
 * fit; -EEXIST where that write has an eventfd; -ENOENT where, with -1, it has none; -ENOSPC where the device
 * has 1000 already; -EBADF; -ENOMEM; -EOPNOTSUPP where the driver has none. Linux 4.17.
 */
int iommuctl_region_set_ioeventfd(struct iommuctl_region *region, uint64_t offset, unsigned int width,
                                  uint64_t value, int fd);

/**
 * iommuctl_region_areas() - which parts can be mapped, as offsets in the region, ascending. One where all of
 * it can; without the MSI-X table where the kernel keeps that for itself; none where nothing can.
 *
 * Returns their number and sets @ret_areas, the caller's to free(); or -ENOMEM.
 */
int iommuctl_region_areas(const struct iommuctl_region *region, struct iommuctl_range **ret_areas);

/**
 * iommuctl_region_map() - map a part of the region into this process.
 *
 * @size: 0 means to the end of the mappable part that @offset is in.
 *
 * Readable and writable as the region is. @ret_map points at @offset exactly, and is congruent to it modulo
 * the largest page of the processor that fits (2 MiB, 1 GiB), so that the kernel can map large BARs with few
 * large pages (Linux 6.12). It lives until iommuctl_region_free(), also when the device is reset; while
 * memory decoding is off, touching it raises SIGBUS (iommuctl_region_guard() turns that into reads of all
 * ones).
 *
 * Returns 0; -ERANGE where it is not all inside the region; -EOPNOTSUPP where the kernel does not allow that
 * part to be mapped (the text says what can be mapped; read and write still work); -ENOMEM; or what mmap(2)
 * said.
 */
int iommuctl_region_map(struct iommuctl_region *region, uint64_t offset, uint64_t size, void **ret_map);

/* Access to registers in a mapped region: exactly one load or store of that width, little endian, ordered as
 * a driver expects it: what was written to memory before a register write is seen by a device that the write
 * starts, and memory read after a register read is not older than that. */

#if defined(__aarch64__)
#define IOMMUCTL_MMIO_BEFORE_WRITE() __asm__ __volatile__("dmb oshst" ::: "memory")
#define IOMMUCTL_MMIO_AFTER_READ()   __asm__ __volatile__("dmb oshld" ::: "memory")
#elif defined(__x86_64__) || defined(__i386__)
#define IOMMUCTL_MMIO_BEFORE_WRITE() __asm__ __volatile__("" ::: "memory")
#define IOMMUCTL_MMIO_AFTER_READ()   __asm__ __volatile__("" ::: "memory")
#elif defined(__riscv)
#define IOMMUCTL_MMIO_BEFORE_WRITE() __asm__ __volatile__("fence w,o" ::: "memory")
#define IOMMUCTL_MMIO_AFTER_READ()   __asm__ __volatile__("fence i,ir" ::: "memory")
#else
#define IOMMUCTL_MMIO_BEFORE_WRITE() __sync_synchronize()
#define IOMMUCTL_MMIO_AFTER_READ()   __sync_synchronize()
#endif

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define IOMMUCTL_MMIO_SWAP(bits, x) __builtin_bswap##bits(x)
#else
#define IOMMUCTL_MMIO_SWAP(bits, x) (x)
#endif

#define IOMMUCTL_MMIO_DEFINE(bits, swapped)                                               \
        static inline uint##bits##_t iommuctl_mmio_read##bits(const void *address)        \
        {                                                                                 \
                uint##bits##_t value = *(const volatile uint##bits##_t *)address;         \
                                                                                          \
                IOMMUCTL_MMIO_AFTER_READ();                                               \
                return swapped(bits, value);                                              \
        }                                                                                 \
        static inline void iommuctl_mmio_write##bits(void *address, uint##bits##_t value) \
        {                                                                                 \
                IOMMUCTL_MMIO_BEFORE_WRITE();                                             \
                *(volatile uint##bits##_t *)address = swapped(bits, value);               \
        }
#define IOMMUCTL_MMIO_PLAIN(bits, x) (x)
/* iommuctl_mmio_read8(address), iommuctl_mmio_write8(address, value), and so on for 16, 32 and 64 bits. */
IOMMUCTL_MMIO_DEFINE(8, IOMMUCTL_MMIO_PLAIN)
IOMMUCTL_MMIO_DEFINE(16, IOMMUCTL_MMIO_SWAP)
IOMMUCTL_MMIO_DEFINE(32, IOMMUCTL_MMIO_SWAP)
IOMMUCTL_MMIO_DEFINE(64, IOMMUCTL_MMIO_SWAP)
#undef IOMMUCTL_MMIO_DEFINE
#undef IOMMUCTL_MMIO_PLAIN

/**
 * iommuctl_region_dmabuf() - a dma-buf of a part of a BAR, by which other drivers and address spaces reach
 * it.
 *
 * @offset, @size: multiples of the system's page size.
 * @ret_fd: the caller's to close, close-on-exec.
 *
 * Linux 6.19 with VFIO_PCI_DMABUF. The dma-buf is revoked, and all who have it mapped lose it, when the
 * device is reset, closed, or stops to decode its memory; after a reset it can be mapped again
 * (iommuctl_dma_renew()).
 *
 * Returns 0; -EINVAL: not whole pages; -ERANGE: not all inside the region; -ENODEV: the region is no BAR;
 * -EOPNOTSUPP: the kernel is older or lacks it, or the device is no PCI device; -EMFILE, -ENOMEM.
 */
int iommuctl_region_dmabuf(struct iommuctl_region *region, uint64_t offset, uint64_t size, int *ret_fd);

#ifdef __cplusplus
}
#endif

#endif
