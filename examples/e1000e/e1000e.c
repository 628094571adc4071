/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The card itself: reset, MAC address, PHY and link, on and off, statistics. Sections are the datasheet's. */

#include "e1000e.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "card.h"

/* How long the kernel's request to give the card back is left to those who have it. */
#define GIVE_BACK_MS 5000

static void sleep_ms(unsigned int ms)
{
        struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

        while (nanosleep(&t, &t) < 0)
                ;
}

/* Waits up to @ms for bits to be as wanted. A card that is gone reads as all ones. */
static int reg_wait(const struct e1000e *card, uint32_t reg, uint32_t bits, uint32_t wanted, unsigned int ms)
{
        for (;; ms--) {
                uint32_t value = reg_read(card, reg);

                if (value == UINT32_MAX && reg_read(card, REG_STATUS) == UINT32_MAX)
                        return -ENODEV;
                if ((value & bits) == wanted)
                        return 0;
                if (ms == 0)
                        return -ETIMEDOUT;
                sleep_ms(1);
        }
}

/* ---- off ---- */

/* No interrupt, no frame in or out, and no DMA under way (section 5.2.1.1, "master disable"). */
static int quiesce(struct e1000e *card)
{
        reg_write(card, REG_IMC, IRQ_ALL);
        reg_write(card, REG_RCTL, 0);
        reg_write(card, REG_TCTL, TCTL_PSP);
        reg_write(card, REG_CTRL, reg_read(card, REG_CTRL) | CTRL_GIO_MASTER_DISABLE);
        return reg_wait(card, REG_STATUS, STATUS_GIO_MASTER_ENABLE, 0, 100);
}

/* The PHY has two users: this driver, and the card's management firmware (section 10.2.2.25). */
static int own_phy(struct e1000e *card)
{
        for (int i = 0; i < 100; i++) {
                reg_write(card, REG_EXTCNF_CTRL, reg_read(card, REG_EXTCNF_CTRL) | EXTCNF_MDIO_SW_OWNERSHIP);
                if (reg_read(card, REG_EXTCNF_CTRL) & EXTCNF_MDIO_SW_OWNERSHIP)
                        return 0;
                sleep_ms(1);
        }
        return -ETIMEDOUT;
}

static void disown_phy(struct e1000e *card)
{
        reg_write(card, REG_EXTCNF_CTRL, reg_read(card, REG_EXTCNF_CTRL) & ~EXTCNF_MDIO_SW_OWNERSHIP);
}

/* Sections 4.3.1 and 4.6.2: quiet, reset, wait until the card has read its NVM and given it to the PHY. */
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

/* ---- the address ---- */

static int nvm_read(struct e1000e *card, unsigned int word, uint16_t *ret_value)
{
        int r;

        reg_write(card, REG_EERD, word << EERD_ADDRESS_SHIFT | EERD_START);
        r = reg_wait(card, REG_EERD, EERD_DONE, EERD_DONE, 10);
        if (r == 0)
                *ret_value = (uint16_t)(reg_read(card, REG_EERD) >> EERD_DATA_SHIFT);
        return r;
}

/* After a reset the card has put it from its NVM into the first receive address (section 10.2.5.14); where
 * not, it is read there. */
static int read_mac(struct e1000e *card)
{
        uint32_t low = reg_read(card, REG_RAL0), high = reg_read(card, REG_RAH0);

        if (!(high & RAH_AV)) {
                uint16_t words[3];

                for (unsigned int i = 0; i < 3; i++) {
                        int r = nvm_read(card, i, &words[i]);

                        if (r < 0)
                                return r;
                }
                low = words[0] | (uint32_t)words[1] << 16;
                high = words[2];
                reg_write(card, REG_RAL0, low);
                reg_write(card, REG_RAH0, high | RAH_AV);
        }
        for (int i = 0; i < 6; i++)
                card->mac[i] = (uint8_t)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
        return card->mac[0] & 1 || !memcmp(card->mac, "\0\0\0\0\0", 6) ? -EADDRNOTAVAIL : 0;
}

/* ---- PHY and link ---- */

static int phy_access(struct e1000e *card, uint32_t command, unsigned int phy_register, uint16_t *value)
{
        int r;

        reg_write(card, REG_MDIC, command | MDIC_PHY | phy_register << MDIC_REGISTER_SHIFT | *value);
        r = reg_wait(card, REG_MDIC, MDIC_READY, MDIC_READY, 10);
        if (r == 0 && reg_read(card, REG_MDIC) & MDIC_ERROR)
                r = -EIO;
        if (r == 0)
                *value = (uint16_t)reg_read(card, REG_MDIC);
        return r;
}

/* Who had the card before may have put the PHY to sleep. */
static int wake_phy(struct e1000e *card)
{
        uint16_t control = 0;
        int r = own_phy(card);

        if (r == 0)
                r = phy_access(card, MDIC_READ, PHY_CONTROL, &control);
        if (r == 0 && (control & PHY_CONTROL_POWER_DOWN || !(control & PHY_CONTROL_NEGOTIATION))) {
                control = PHY_CONTROL_NEGOTIATION | PHY_CONTROL_RESTART;
                r = phy_access(card, MDIC_WRITE, PHY_CONTROL, &control);
        }
        disown_phy(card);
        return r;
}

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
        reg_write(card, REG_TIPG, TIPG_COPPER);
        reg_write(card, REG_TIDV, 0);
        reg_write(card, REG_TXDCTL,
                  TXDCTL_GRAN | TXDCTL_BIT22 | TXDCTL_WTHRESH_1 | TXDCTL_HTHRESH_1 | TXDCTL_PTHRESH_31);
        reg_write(card, REG_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD | TCTL_RTLC);
}

size_t e1000e_ring_bytes(const struct e1000e_options *options)
{
        return 2 * options->ring_size * sizeof(struct descriptor);
}

int e1000e_start(struct e1000e *card, struct buffers *buffers)
{
        uint32_t ctrl;
        int r;

        card->buffers = buffers;
        r = rings_start(card);
        if (r == 0)
                r = iommuctl_device_set_bus_master(card->device, true); /* MSI-X is DMA, too */
        if (r == 0 && card->options.interrupts)
                r = irq_start(card);
        if (r < 0)
                return r;
        reg_write(card, REG_CTRL_EXT, reg_read(card, REG_CTRL_EXT) | CTRL_EXT_DRV_LOAD);
        ctrl = reg_read(card, REG_CTRL) & ~(CTRL_FRCSPD | CTRL_FRCDPX | CTRL_GIO_MASTER_DISABLE);
        reg_write(card, REG_CTRL, ctrl | CTRL_SLU);
        transmitter_on(card);
        if (!card->options.no_receive)
                receiver_on(card);
        card->status = reg_read(card, REG_STATUS);
        return 0;
}

/* In this order nothing is sent to memory that is no longer ours: quiet, bus mastering off, reset. */
void e1000e_stop(struct e1000e *card)
{
        if (!card->buffers)
                return;
        quiesce(card);
        e1000e_tick(card); /* the last counts */
        iommuctl_device_set_bus_master(card->device, false);
        irq_stop(card);
        reset(card);
        rings_free(card);
        card->buffers = NULL;
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
                set_fixed_bits(card);
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
