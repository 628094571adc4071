/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is reached through the card and is not the card itself: its NVM with the MAC address, and its PHY. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "card.h"

void sleep_ms(unsigned int ms)
{
        struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

        while (nanosleep(&t, &t) < 0)
                ;
}

/* Waits up to @ms for bits to be as wanted. A card that is gone reads as all ones. */
int reg_wait(const struct e1000e *card, uint32_t reg, uint32_t bits, uint32_t wanted, unsigned int ms)
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

/* The PHY has two users: this driver, and the card's management firmware. */
int own_phy(struct e1000e *card)
{
        for (int i = 0; i < 100; i++) {
                reg_write(card, REG_EXTCNF_CTRL, reg_read(card, REG_EXTCNF_CTRL) | EXTCNF_MDIO_SW_OWNERSHIP);
                if (reg_read(card, REG_EXTCNF_CTRL) & EXTCNF_MDIO_SW_OWNERSHIP)
                        return 0;
                sleep_ms(1);
        }
        return -ETIMEDOUT;
}

void disown_phy(struct e1000e *card)
{
        reg_write(card, REG_EXTCNF_CTRL, reg_read(card, REG_EXTCNF_CTRL) & ~EXTCNF_MDIO_SW_OWNERSHIP);
}

static int nvm_read(struct e1000e *card, unsigned int word, uint16_t *ret_value)
{
        int r;

        reg_write(card, REG_EERD, word << EERD_ADDRESS_SHIFT | EERD_START);
        r = reg_wait(card, REG_EERD, EERD_DONE, EERD_DONE, 10);
        if (r == 0)
                *ret_value = (uint16_t)(reg_read(card, REG_EERD) >> EERD_DATA_SHIFT);
        return r;
}

/* After a reset the card has put it from its NVM into the first receive address; where
 * not, it is read there. */
int read_mac(struct e1000e *card)
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
int wake_phy(struct e1000e *card)
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
