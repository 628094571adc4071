/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The card itself: reset, link, on and off, statistics. Orders and times are those of Linux 6.12's driver for
 * the same card, drivers/net/ethernet/intel/e1000e/82571.c: e1000_reset_hw_82571(),
 * e1000_initialize_hw_bits_82571(). */

#include "e1000e.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "card.h"

/* How long the kernel's request to give the card back is left to those who have it. */
#define GIVE_BACK_MS 5000

/* ---- off ---- */

/* No interrupt, no frame in or out, and no DMA under way (the datasheet's "master disable"; Linux waits
 * 80 ms). */
static int quiesce(struct e1000e *card)
{
        reg_write(card, REG_IMC, IRQ_ALL);
        reg_write(card, REG_RCTL, 0);
        reg_write(card, REG_TCTL, TCTL_PSP);
        reg_write(card, REG_CTRL, reg_read(card, REG_CTRL) | CTRL_GIO_MASTER_DISABLE);
        return reg_wait(card, REG_STATUS, STATUS_GIO_MASTER_ENABLE, 0, 100);
}

/* Quiet, reset, wait until the card has read its NVM and given it to the PHY. */
static int reset(struct e1000e *card)
{
        int r = quiesce(card);

        if (r == -ENODEV)
                return r;
        r = own_phy(card); /* or the reset may cut the firmware's access in two */
        reg_write(card, REG_CTRL, reg_read(card, REG_CTRL) | CTRL_RST);
        sleep_ms(1);
        if (r == 0)
                disown_phy(card);
        r = reg_wait(card, REG_EECD, EECD_AUTO_RD, EECD_AUTO_RD, 10);
        if (r < 0)
                return r;
        sleep_ms(25);
        reg_write(card, REG_IMC, IRQ_ALL);
        reg_read(card, REG_ICR);
        return 0;
}

/* ---- link ---- */

bool e1000e_link(const struct e1000e *card)
{
        return card->status & STATUS_LU;
}

unsigned int e1000e_speed(const struct e1000e *card)
{
        static const unsigned int speeds[] = { 10, 100, 1000, 1000 };

        return speeds[card->status >> STATUS_SPEED_SHIFT & 3];
}

/* ---- on ---- */

/* What a reset does not set as it must be: bits that the datasheet reserves and wants so, and a workaround
 * for completions that get lost (82574 specification update). Linux: e1000_initialize_hw_bits_82571(). */
static void set_fixed_bits(struct e1000e *card)
{
        uint32_t ext = reg_read(card, REG_CTRL_EXT);

        reg_write(card, REG_CTRL_EXT, (ext & ~(1u << 23)) | 1u << 22);
        reg_write(card, REG_CTRL, reg_read(card, REG_CTRL) & ~(1u << 29));
        reg_write(card, REG_TARC0, (reg_read(card, REG_TARC0) & ~(15u << 27)) | TARC0_BIT26);
        reg_write(card, REG_GCR, reg_read(card, REG_GCR) | 1u << 22);
        reg_write(card, REG_GCR2, reg_read(card, REG_GCR2) | 1);
}

static void receiver_on(struct e1000e *card)
{
        uint32_t rctl = RCTL_EN | RCTL_BAM | RCTL_BSIZE_2048 | RCTL_SECRC;

        for (uint32_t i = 0; i < 128; i++) {
                reg_write(card, REG_MTA + 4 * i, 0);
                reg_write(card, REG_VFTA + 4 * i, 0);
        }
        reg_write(card, REG_RXDCTL, RXDCTL_GRAN | RXDCTL_WTHRESH_1);
        reg_write(card, REG_RDTR, 0);
        reg_write(card, REG_RFCTL, RFCTL_ACK_DIS | (card->options.legacy ? 0 : RFCTL_EXTEN));
        reg_write(card, REG_RXCSUM, RXCSUM_IPOFL | RXCSUM_TUOFL);
        if (card->options.promiscuous)
                rctl |= RCTL_UPE | RCTL_MPE;
        reg_write(card, REG_RCTL, rctl);
        reg_write(card, REG_RDT, card->rx.mask); /* all but one */
}

static void transmitter_on(struct e1000e *card)
{
        reg_write(card, REG_TIDV, 0);
        reg_write(card, REG_TXDCTL,
                  TXDCTL_GRAN | TXDCTL_BIT22 | TXDCTL_WTHRESH_1 | TXDCTL_HTHRESH_1 | TXDCTL_PTHRESH_31);
        reg_write(card, REG_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD | TCTL_RTLC);
}

int e1000e_start(struct e1000e *card, struct iommuctl_pool_cache *cache)
{
        uint32_t ctrl;
        int r;

        card->cache = cache;
        r = rings_start(card);
        if (r == 0)
                r = iommuctl_device_set_bus_master(card->device, true); /* MSI-X is DMA, too */
        if (r == 0 && card->options.interrupts)
                r = irq_start(card);
        if (r < 0)
                return r;
        set_fixed_bits(card);
        reg_write(card, REG_CTRL_EXT, reg_read(card, REG_CTRL_EXT) | CTRL_EXT_DRV_LOAD);
        ctrl = reg_read(card, REG_CTRL) & ~(CTRL_FRCSPD | CTRL_FRCDPX | CTRL_GIO_MASTER_DISABLE);
        reg_write(card, REG_CTRL, ctrl | CTRL_SLU);
        transmitter_on(card);
        if (!card->options.no_receive)
                receiver_on(card);
        card->status = reg_read(card, REG_STATUS);
        return 0;
}

/* In this order nothing is sent to memory or to vectors that are no longer ours: quiet, bus mastering off,
 * reset. (QEMU 7.2 ends with an assertion where the vectors go while an interrupt is held back by EITR.) */
void e1000e_stop(struct e1000e *card)
{
        if (!card->cache)
                return;
        quiesce(card);
        e1000e_tick(card); /* the last counts */
        iommuctl_device_set_bus_master(card->device, false);
        reset(card);
        irq_stop(card);
        rings_free(card);
        card->cache = NULL;
}

int e1000e_open(struct iommuctl_device *device, const struct e1000e_options *options,
                struct e1000e **ret_card, const char **ret_why)
{
        struct e1000e *card = calloc(1, sizeof(*card));
        void *registers = NULL;
        int r;

        *ret_why = NULL;
        if (!card)
                return -ENOMEM;
        card->options = *options;
        card->device = iommuctl_device_ref(device);
        r = iommuctl_region_open(device, VFIO_PCI_BAR0_REGION_INDEX, &card->bar);
        if (r == 0)
                r = iommuctl_region_map(card->bar, 0, 0, &registers);
        if (r == 0)
                r = iommuctl_region_guard(card->bar); /* a card that is pulled reads as all ones */
        if (r == 0)
                r = iommuctl_unplug_new(device, GIVE_BACK_MS, &card->unplug);
        card->registers = registers;
        if (r == 0) {
                r = reset(card);
                *ret_why = r < 0 ? "the card did not come back from its reset" : NULL;
        }
        if (r == 0) {
                r = read_mac(card);
                *ret_why = r < 0 ? "the card has no valid MAC address" : NULL;
        }
        if (r == 0) {
                r = wake_phy(card);
                *ret_why = r < 0 ? "the card's PHY does not answer" : NULL;
        }
        if (r < 0) {
                e1000e_close(card);
                return r;
        }
        *ret_card = card;
        return 0;
}

void e1000e_close(struct e1000e *card)
{
        if (!card)
                return;
        e1000e_stop(card);
        iommuctl_unplug_free(card->unplug);
        iommuctl_region_free(card->bar);
        iommuctl_device_unref(card->device);
        free(card);
}

/* ---- housekeeping ---- */

static uint64_t count(const struct e1000e *card, uint32_t reg)
{
        return reg_read(card, reg);
}

static uint64_t count64(const struct e1000e *card, uint32_t reg)
{
        uint64_t low = reg_read(card, reg);

        return low | (uint64_t)reg_read(card, reg + 4) << 32;
}

enum e1000e_state e1000e_tick(struct e1000e *card)
{
        struct e1000e_stats *s = &card->stats;
        uint32_t status = reg_read(card, REG_STATUS);

        if (status == UINT32_MAX || iommuctl_region_lost(card->bar)) {
                card->status = 0;
                return E1000E_GONE;
        }
        card->status = status;
        s->rx_packets += count(card, REG_GPRC);
        s->rx_bytes += count64(card, REG_GORC);
        s->tx_packets += count(card, REG_GPTC);
        s->tx_bytes += count64(card, REG_GOTC);
        s->rx_missed += count(card, REG_MPC);
        s->rx_errors += count(card, REG_CRCERRS) + count(card, REG_RXERRC);
        return iommuctl_unplug_check(card->unplug) == IOMMUCTL_UNPLUG_IDLE ? E1000E_RUNNING
                                                                           : E1000E_WANTED_BACK;
}

const uint8_t *e1000e_mac(const struct e1000e *card)
{
        return card->mac;
}

const struct e1000e_stats *e1000e_stats(const struct e1000e *card)
{
        return &card->stats;
}
