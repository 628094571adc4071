/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* On QEMU's teaching device: bus mastering, accesses of every width, doorbells, INTx unmasked by eventfd, and
 * registers that do not answer. */
#include "region.h"

#include <sys/eventfd.h>
#include <unistd.h>

void test_bus_master(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);

        CHECK("off once it is open", !(sysfs_config16(4) & 4));
        GIVES("it is asked for", 0, "", iommuctl_device_set_bus_master(d, true));
        CHECK("on then", sysfs_config16(4) & 4);
        GIVES("and asked away", 0, "", iommuctl_device_set_bus_master(d, false));
        CHECK("off then", !(sysfs_config16(4) & 4));
        GIVES("and asked for again", 0, "", iommuctl_device_set_bus_master(d, true));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        CHECK("off once it is closed", !(sysfs_config16(4) & 4));
}

/* Until the register has the value: eventfds are served in the kernel's own time. */
static bool comes_to_read(const char *at, uint32_t value)
{
        for (int i = 0; i < 200; i++) {
                if (iommuctl_mmio_read32(at) == value)
                        return true;
                usleep(10000);
        }
        return false;
}

static void ring(int fd)
{
        uint64_t one = 1;

        if (write(fd, &one, sizeof(one)) != sizeof(one))
                exit(1);
}

void test_widths_and_doorbells(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *config = open_region(d, VFIO_PCI_CONFIG_REGION_INDEX);
        struct iommuctl_region *bar = open_region(d, VFIO_PCI_BAR0_REGION_INDEX);
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        const bool whole = strverscmp(getenv("LAB_RELEASE") ?: "0", "6.10") >= 0;
        uint64_t v64 = 0;
        uint32_t v32 = 0;
        uint16_t v16 = 0;
        uint8_t v8 = 0;
        void *map = NULL;

        CHECK("16 bits of configuration space",
              iommuctl_region_read16(config, 0, &v16) == 0 && v16 == 0x1234);
        CHECK("8 bits", iommuctl_region_read8(config, 3, &v8) == 0 && v8 == 0x11);
        CHECK("32 bits", iommuctl_region_read32(config, 0, &v32) == 0 && v32 == 0x11e81234);
        GIVES("not at a multiple", -EINVAL, "multiple", iommuctl_region_read32(config, 2, &v32));
        CHECK("32 bits of a register", iommuctl_region_read32(bar, EDU_ID, &v32) == 0 && v32 == 0x010000ed);
        /* This register takes all of its 64 bits in one access, or the lower 32 alone. */
        GIVES("64 bits are written", 0, "", iommuctl_region_write64(bar, EDU_SOURCE, 0x123456780ULL));
        CHECK("and read", iommuctl_region_read64(bar, EDU_SOURCE, &v64) == 0);
        CHECK(whole ? "in one access" : "in two, before Linux 6.10",
              v64 == (whole ? 0x123456780ULL : 0xffffffff23456780ULL));

        GIVES("BAR 0 maps", 0, "", iommuctl_region_map(bar, 0, 0, &map));
        GIVES("a doorbell", 0, "", iommuctl_region_set_ioeventfd(bar, 0x04, 4, 0x0f0f0f0f, fd));
        GIVES("the same again", -EEXIST, "already",
              iommuctl_region_set_ioeventfd(bar, 0x04, 4, 0x0f0f0f0f, fd));
        ring(fd); /* the register reads as the contrary of what was written */
        CHECK("it rings: the kernel wrote", comes_to_read((char *)map + 0x04, 0xf0f0f0f0));
        GIVES("another is not there", -ENOENT, "no eventfd",
              iommuctl_region_set_ioeventfd(bar, 0x04, 4, 1, -1));
        GIVES("it is taken off", 0, "", iommuctl_region_set_ioeventfd(bar, 0x04, 4, 0x0f0f0f0f, -1));
        iommuctl_mmio_write32((char *)map + 0x04, 0);
        ring(fd);
        usleep(50000);
        CHECK("and rings no more", iommuctl_mmio_read32((char *)map + 0x04) == UINT32_MAX);
        GIVES("not in configuration space", -EINVAL, "only BARs",
              iommuctl_region_set_ioeventfd(config, 4, 2, 0, fd));
        GIVES("not with a descriptor of another kind", -EINVAL, "eventfd",
              iommuctl_region_set_ioeventfd(bar, 0x08, 4, 0, iommuctl_device_fd(d)));
        iommuctl_region_free(bar);
        iommuctl_region_free(config);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        close(fd);
}

void test_resample(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *bar = open_region(d, VFIO_PCI_BAR0_REGION_INDEX);
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), other = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        struct iommuctl_irq *intx = NULL, *msi = NULL;
        void *map = NULL;
        char *regs;

        GIVES("BAR 0 maps", 0, "", iommuctl_region_map(bar, 0, 0, &map));
        regs = map;
        GIVES("INTx", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_INTX, 0, 1, &intx));
        GIVES("an eventfd unmasks it", 0, "", iommuctl_irq_set_resample(intx, fd));
        GIVES("one at a time", -EBUSY, "already", iommuctl_irq_set_resample(intx, other));
        iommuctl_mmio_write32(regs + EDU_RAISE, 1);
        GIVES("the device raises it", 0, "", iommuctl_irq_wait(intx, 0, 2000, NULL));
        iommuctl_mmio_write32(regs + EDU_ACK, 1);
        iommuctl_mmio_write32(regs + EDU_RAISE, 1);
        GIVES("masked now", -ETIMEDOUT, "INTx", iommuctl_irq_wait(intx, 0, 100, NULL));
        ring(fd);
        GIVES("unmasked by the eventfd, it fires", 0, "", iommuctl_irq_wait(intx, 0, 2000, NULL));
        ring(fd); /* the level is still there */
        GIVES("and again while the level stays", 0, "", iommuctl_irq_wait(intx, 0, 2000, NULL));
        iommuctl_mmio_write32(regs + EDU_ACK, 1);
        ring(fd);
        GIVES("and no more once it is quiet", -ETIMEDOUT, "INTx", iommuctl_irq_wait(intx, 0, 100, NULL));
        GIVES("it is taken off", 0, "", iommuctl_irq_set_resample(intx, -1));
        GIVES("the other can be had", 0, "", iommuctl_irq_set_resample(intx, other));
        iommuctl_irq_free(intx);
        GIVES("MSI", 0, "", iommuctl_irq_new(d, IOMMUCTL_IRQ_MSI, 0, 1, &msi));
        GIVES("has nothing to unmask", -EOPNOTSUPP, "INTx", iommuctl_irq_set_resample(msi, fd));
        GIVES("signals the caller's eventfd", 0, "", iommuctl_irq_set_eventfd(msi, 0, other));
        GIVES("by software", 0, "", iommuctl_irq_trigger(msi, 0));
        CHECK("there", read(other, &(uint64_t){ 0 }, 8) == 8);
        GIVES("not its own", -ETIMEDOUT, "", iommuctl_irq_wait(msi, 0, 0, NULL));
        GIVES("a wrong one", -EINVAL, "eventfd", iommuctl_irq_set_eventfd(msi, 0, iommuctl_device_fd(d)));
        GIVES("leaves it on its own", 0, "", iommuctl_irq_trigger(msi, 0));
        GIVES("which fires", 0, "", iommuctl_irq_wait(msi, 0, 0, NULL));
        iommuctl_irq_free(msi);
        CHECK("no interrupt is left in the kernel", interrupts_with(device_name) == 0);
        iommuctl_region_free(bar);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        close(fd);
        close(other);
}

void test_guard(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *bar = open_region(d, VFIO_PCI_BAR0_REGION_INDEX);
        void *map = NULL, *again = NULL;
        uint32_t value = 7;

        GIVES("BAR 0 maps", 0, "", iommuctl_region_map(bar, 0, 0, &map));
        GIVES("and is guarded", 0, "", iommuctl_region_guard(bar));
        CHECK("it answers", iommuctl_mmio_read32(map) == 0x010000ed);
        set_decoding(d, false);
        GIVES("through the kernel it is an error that says why", -EIO, "memory decoding is off",
              iommuctl_region_read32(bar, EDU_ID, &value));
        CHECK("which leaves the value", value == 7);
        CHECK("nothing is lost by that", !iommuctl_region_lost(bar));
        CHECK("through the map it is all ones, and no SIGBUS", iommuctl_mmio_read32(map) == UINT32_MAX);
        CHECK("and the region is lost", iommuctl_region_lost(bar));
        set_decoding(d, true);
        CHECK("for good", iommuctl_mmio_read32(map) == UINT32_MAX);
        iommuctl_region_free(bar);
        bar = open_region(d, VFIO_PCI_BAR0_REGION_INDEX);
        GIVES("opened anew it maps", 0, "", iommuctl_region_map(bar, 0, 0, &again));
        CHECK("and answers", iommuctl_mmio_read32(again) == 0x010000ed);
        iommuctl_region_free(bar);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
