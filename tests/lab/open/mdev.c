/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's sample mediated device mtty: a PCI serial card of two 16550s without any hardware, whose lines
 * loop back (samples/vfio-mdev/mtty.c). */
#include "open.h"

#include <linux/pci_regs.h>
#include <linux/serial_reg.h>
#include <linux/vfio.h>
#include <unistd.h>

static uint8_t get(struct iommuctl_region *port, unsigned int reg)
{
        uint8_t value = 0xff;

        if (iommuctl_region_read(port, reg, &value, 1) < 0)
                note("reading a register", reg);
        return value;
}

static void set(struct iommuctl_region *port, unsigned int reg, uint8_t value)
{
        if (iommuctl_region_write(port, reg, &value, 1) < 0)
                note("writing a register", reg);
}

static void test_facts(struct iommuctl_device *d)
{
        struct iommuctl_region *config = NULL, *bar2 = NULL;
        struct iommuctl_pci_ids ids = { 0 };
        uint32_t id = 0, class = 0;

        CHECK("it has the name of its directory", streq(iommuctl_device_name(d), path_basename(device_name)));
        CHECK("it looks like a PCI device", iommuctl_device_flags(d) & VFIO_DEVICE_FLAGS_PCI);
        CHECK("it joined this backend", !!iommuctl_device_group(d) == (backend == IOMMUCTL_BACKEND_TYPE1));
        if (!GIVES("configuration space", 0, "",
                   iommuctl_region_open(d, VFIO_PCI_CONFIG_REGION_INDEX, &config)))
                return;
        iommuctl_region_read(config, PCI_VENDOR_ID, &id, sizeof(id));
        iommuctl_region_read(config, PCI_CLASS_REVISION, &class, sizeof(class));
        CHECK("it is mtty's serial card", id == 0x32534348 && class >> 8 == 0x070002);
        iommuctl_region_free(config);
        CHECK("and so say its ids", iommuctl_device_pci_ids(d, &ids) == 0 && ids.vendor == 0x4348 &&
                                            ids.device == 0x3253 && ids.class_code == 0x070002);
        CHECK("a BAR that it has not is not there",
              iommuctl_region_open(d, VFIO_PCI_BAR2_REGION_INDEX, &bar2) < 0 ||
                      iommuctl_region_size(bar2) == 0);
        iommuctl_region_free(bar2);
}

/* What is sent comes back, and nothing of it can be mapped. */
static void test_ports(struct iommuctl_device *d)
{
        for (unsigned int i = 0; i < 2; i++) {
                struct iommuctl_region *port = NULL;
                void *map;

                if (iommuctl_region_open(d, i, &port) < 0) {
                        result(false, "port %u", i);
                        note("a port", i);
                        return;
                }
                set(port, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
                set(port, UART_SCR, (uint8_t)(0xa0 + i));
                CHECK("the scratch register holds", get(port, UART_SCR) == 0xa0 + i);
                CHECK("nothing is received", !(get(port, UART_LSR) & UART_LSR_DR));
                set(port, UART_TX, 'm');
                set(port, UART_TX, 'y');
                CHECK("something is", get(port, UART_LSR) & UART_LSR_DR);
                CHECK("just what was sent", get(port, UART_RX) == 'm' && get(port, UART_RX) == 'y');
                CHECK("and no more", !(get(port, UART_LSR) & UART_LSR_DR));
                CHECK("a port cannot be mapped", iommuctl_region_map(port, 0, 0, &map) < 0);
                iommuctl_region_free(port);
        }
}

static bool fires(struct iommuctl_irq *irq)
{
        uint64_t count = 0;

        return iommuctl_irq_wait(irq, 0, 1000, &count) == 0 && count == 1;
}

static bool is_silent(struct iommuctl_irq *irq)
{
        uint64_t count;

        return iommuctl_irq_wait(irq, 0, 50, &count) == -ETIMEDOUT;
}

/* An empty transmitter interrupts when that is switched on (handle_bar_write(), UART_IER). INTx is masked by
 * the kernel each time, MSI is not. */
static void test_interrupt(struct iommuctl_device *d, unsigned int kind)
{
        const bool level = kind == IOMMUCTL_IRQ_INTX;
        const char *what = level ? "INTx" : "MSI";
        struct iommuctl_region *port = NULL;
        struct iommuctl_irq *irq = NULL;
        int r;

        r = iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &port);
        if (r >= 0)
                r = iommuctl_irq_new(d, kind, 0, 1, &irq);
        result(r >= 0, "%s is on", what);
        if (r < 0) {
                note(what, r);
                iommuctl_region_free(port);
                return;
        }
        set(port, UART_IER, 0);
        result(is_silent(irq), "%s: nothing fires by itself", what);
        set(port, UART_IER, UART_IER_THRI);
        result(fires(irq), "%s: the transmitter fires", what);
        set(port, UART_IER, UART_IER_THRI);
        result(level ? is_silent(irq) : fires(irq), "%s: %s", what,
               level ? "masked until it is unmasked" : "and again");
        if (level) {
                result(iommuctl_irq_unmask(irq, 0) == 0, "INTx: it is unmasked");
                set(port, UART_IER, UART_IER_THRI);
                result(fires(irq), "INTx: and fires again");
                result(iommuctl_irq_unmask(irq, 0) == 0, "INTx: unmasked once more");
        }
        result(iommuctl_irq_trigger(irq, 0) == 0 && fires(irq), "%s: fired by software", what);
        set(port, UART_IER, 0);
        iommuctl_irq_free(irq);
        set(port, UART_IER, UART_IER_THRI);
        set(port, UART_IER, 0);
        result(iommuctl_irq_new(d, kind, 0, 1, &irq) == 0 && is_silent(irq), "%s: off, and on again", what);
        iommuctl_irq_free(irq);
        iommuctl_region_free(port);
}

/* mtty does no DMA, but its container is one: memory is mapped and unmapped. */
static void test_mapping(struct iommuctl_container *c)
{
        struct iommuctl_dma *dma = NULL;

        if (!GIVES("memory is mapped for it", 0, "", iommuctl_dma_alloc(c, 4 * PAGE, NULL, &dma)))
                return;
        CHECK("the kernel has it", kernel_has(c, iommuctl_dma_span(dma).iova));
        GIVES("and unmapped", 0, "", iommuctl_dma_unmap(dma));
}

void test_mdev(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = NULL;
        char path[300];

        snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s", device_name);
        if (GIVES("an mdev by its UUID", 0, "", iommuctl_device_open(c, device_name, &d))) {
                test_facts(d);
                test_ports(d);
                test_interrupt(d, IOMMUCTL_IRQ_INTX);
                test_interrupt(d, IOMMUCTL_IRQ_MSI);
                test_mapping(c);
                GIVES("mtty has no reset", -EOPNOTSUPP, "no reset", iommuctl_device_reset(d));
        }
        d = iommuctl_device_unref(d);
        if (GIVES("an mdev by its path", 0, "", iommuctl_device_open(c, path, &d)))
                CHECK("it is the same", streq(iommuctl_device_name(d), device_name));
        d = iommuctl_device_unref(d);
        if (backend == IOMMUCTL_BACKEND_IOMMUFD) {
                int fd = open_by_hand(node_of(device_name));

                if (GIVES("an mdev by a descriptor", 0, "", iommuctl_device_open_fd(c, fd, NULL, NULL, &d)))
                        CHECK("its node says whose it is", streq(iommuctl_device_name(d), device_name));
                d = iommuctl_device_unref(d);
                close(fd);
        }
        iommuctl_container_unref(c);
}
