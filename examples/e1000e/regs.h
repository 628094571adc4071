/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Registers and descriptors of the Intel 82574L, as much of them as this driver uses. Sections are those of
 * the "Intel 82574 GbE Controller Family Datasheet"; names are the datasheet's. All is little endian. */

#include <stdint.h>

/* ---- general (section 10.2.2) ---- */
#define REG_CTRL                 0x00000 /* device control */
#define CTRL_GIO_MASTER_DISABLE  (1u << 2)
#define CTRL_SLU                 (1u << 6) /* set link up: the MAC follows the PHY */
#define CTRL_FRCSPD              (1u << 11)
#define CTRL_FRCDPX              (1u << 12)
#define CTRL_RST                 (1u << 26)
#define REG_STATUS               0x00008
#define STATUS_FD                (1u << 0) /* full duplex */
#define STATUS_LU                (1u << 1) /* link up */
#define STATUS_SPEED_SHIFT       6         /* 0: 10, 1: 100, 2 and 3: 1000 Mb/s */
#define STATUS_GIO_MASTER_ENABLE (1u << 19)
#define REG_EECD                 0x00010   /* NVM control */
#define EECD_AUTO_RD             (1u << 9) /* the card has read its NVM after a reset */
#define REG_EERD                 0x00014   /* NVM read: start and address in, done and data out */
#define EERD_START               (1u << 0)
#define EERD_DONE                (1u << 1)
#define EERD_ADDRESS_SHIFT       2
#define EERD_DATA_SHIFT          16
#define REG_CTRL_EXT             0x00018
#define CTRL_EXT_EIAME           (1u << 24) /* an MSI-X message masks its cause, those that are in EIAC */
#define CTRL_EXT_DRV_LOAD        (1u << 28) /* tells the management firmware that a driver is here */
#define CTRL_EXT_PBA_CLR         (1u << 31) /* an MSI-X message clears its pending bit */
#define REG_MDIC                 0x00020    /* the way to the PHY's registers */
#define MDIC_REGISTER_SHIFT      16
#define MDIC_PHY                 (1u << 21) /* the PHY's address is 1 */
#define MDIC_WRITE               (1u << 26)
#define MDIC_READ                (1u << 27)
#define MDIC_READY               (1u << 28)
#define MDIC_ERROR               (1u << 30)
#define REG_EXTCNF_CTRL          0x00f00
#define EXTCNF_MDIO_SW_OWNERSHIP (1u << 5) /* the PHY is the driver's, and not the firmware's */
#define REG_GCR                  0x05b00   /* PCIe control */
#define REG_GCR2                 0x05b64

/* ---- the PHY's own (IEEE 802.3, clause 22.2.4) ---- */
#define PHY_CONTROL             0
#define PHY_CONTROL_RESTART     0x0200
#define PHY_CONTROL_POWER_DOWN  0x0800
#define PHY_CONTROL_NEGOTIATION 0x1000

/* ---- interrupts (section 10.2.4) ---- */
#define REG_ICR  0x000c0 /* causes: reading clears them, writing those bits that are 1 */
#define REG_IMS  0x000d0 /* mask: bits written as 1 let causes through */
#define REG_IMC  0x000d8 /* mask: bits written as 1 hold causes back */
#define REG_EIAC 0x000dc /* causes that are cleared when their MSI-X message is sent */
#define REG_IVAR 0x000e4 /* which vector a cause has: 4 bits each, the top one says "valid" */
#define REG_EITR(v)                                                                             \
        (0x000e8 + 4 * (v))  /* the least time between messages of a vector, in units of 256 ns \
                              */
#define IRQ_LSC    (1u << 2) /* link status change */
#define IRQ_RXQ0   (1u << 20)
#define IRQ_TXQ0   (1u << 22)
#define IRQ_OTHER  (1u << 24)
#define IRQ_ALL    0xffffffffu
#define IVAR_VALID 8u
#define IVAR_RXQ0  0 /* shifts */
#define IVAR_TXQ0  8
#define IVAR_OTHER 16
#define IVAR_TX_WB (1u << 31) /* TXQ0 also where a descriptor did not ask for a report: not used here */

/* ---- receive (section 10.2.5) ---- */
#define REG_RCTL         0x00100
#define RCTL_EN          (1u << 1)
#define RCTL_UPE         (1u << 3)  /* unicast promiscuous */
#define RCTL_MPE         (1u << 4)  /* multicast promiscuous */
#define RCTL_BAM         (1u << 15) /* accept broadcasts */
#define RCTL_BSIZE_2048  0
#define RCTL_SECRC       (1u << 26) /* take the checksum of the frame (FCS) off */
#define REG_RDBAL        0x02800
#define REG_RDBAH        0x02804
#define REG_RDLEN        0x02808
#define REG_RDH          0x02810
#define REG_RDT          0x02818
#define REG_RDTR         0x02820
#define REG_RXDCTL       0x02828
#define RXDCTL_GRAN      (1u << 24) /* thresholds count descriptors */
#define RXDCTL_WTHRESH_1 (1u << 16)
#define REG_RXCSUM       0x05000
#define RXCSUM_IPOFL     (1u << 8)
#define RXCSUM_TUOFL     (1u << 9)
#define REG_RFCTL        0x05008
#define RFCTL_ACK_DIS    (1u << 12) /* no interrupt for each TCP acknowledgement: spurious with MSI-X */
#define RFCTL_EXTEN      (1u << 15) /* extended receive descriptors */
#define REG_MTA          0x05200    /* multicast table, 128 words */
#define REG_RAL0         0x05400
#define REG_RAH0         0x05404
#define RAH_AV           (1u << 31) /* address valid */
#define REG_VFTA         0x05600    /* VLAN filter table, 128 words */

/* ---- transmit (section 10.2.6) ---- */
#define REG_TCTL          0x00400
#define TCTL_EN           (1u << 1)
#define TCTL_PSP          (1u << 3)  /* pad short packets */
#define TCTL_CT           (15u << 4) /* collision threshold and distance: IEEE 802.3's, and of no meaning in */
#define TCTL_COLD         (63u << 12) /* full duplex */
#define TCTL_RTLC         (1u << 24)
#define REG_TIPG          0x00410
#define TIPG_COPPER       0x00602008 /* gaps between frames, section 10.2.6.2 */
#define REG_TDBAL         0x03800
#define REG_TDBAH         0x03804
#define REG_TDLEN         0x03808
#define REG_TDH           0x03810
#define REG_TDT           0x03818
#define REG_TIDV          0x03820
#define REG_TXDCTL        0x03828
#define TXDCTL_PTHRESH_31 31u        /* fetch when fewer than so many are on the card, */
#define TXDCTL_HTHRESH_1  (1u << 8)  /* and at least so many are in memory */
#define TXDCTL_WTHRESH_1  (1u << 16) /* write each back that asks for it */
#define TXDCTL_BIT22      (1u << 22) /* reserved, must be 1 */
#define TXDCTL_GRAN       (1u << 24)
#define REG_TARC0         0x03840
#define TARC0_BIT26       (1u << 26) /* must be 1 */

/* ---- statistics (section 10.2.7): reading clears them ---- */
#define REG_CRCERRS 0x04000
#define REG_RXERRC  0x0400c
#define REG_MPC     0x04010 /* missed: no room on the card */
#define REG_GPRC    0x04074
#define REG_GPTC    0x04080
#define REG_GORC    0x04088 /* 64 bits, and the upper half clears */
#define REG_GOTC    0x04090
#define REG_RNBC    0x040a0 /* no descriptor to receive into; the frame may have waited on the card */

/* ---- descriptors: 16 bytes, two words of 64 bits. The first is the buffer's address. ---- */
struct descriptor {
        uint64_t address;
        uint64_t word;
};

/* Receive, legacy (section 7.1.4): length, packet checksum, status, errors, VLAN tag. */
#define RX_LEGACY_LENGTH(word) ((uint32_t)(word)&0xffff)
#define RX_LEGACY_STATUS(word) ((uint32_t)((word) >> 32) & 0xff)
#define RX_LEGACY_ERRORS(word) ((uint32_t)((word) >> 40) & 0xff)
/* Receive, extended (section 7.1.5): status in bits 0 to 19, errors from 24 on, length, VLAN tag. */
#define RX_EXTENDED_LENGTH(word) ((uint32_t)((word) >> 32) & 0xffff)
#define RX_EXTENDED_STATUS(word) ((uint32_t)(word)&0xff)
#define RX_EXTENDED_ERRORS(word) ((uint32_t)(word) >> 24)
#define RX_DONE                  (1u << 0)
#define RX_EOP                   (1u << 1) /* the frame ends in this buffer */
#define RX_IXSM                  (1u << 2) /* the card has not looked at checksums */
#define RX_UDPCS                 (1u << 4)
#define RX_TCPCS                 (1u << 5)
#define RX_IPCS                  (1u << 6)
#define RX_ERROR_CHECKSUM        0x60u /* of TCP or UDP, of IP: the frame itself is whole */
#define RX_ERROR_FRAME           0x97u

/* Transmit, legacy and extended data (sections 7.2.10, 7.2.11): these bits are in the same places in both. */
#define TX_EOP        (UINT64_C(1) << 24)
#define TX_IFCS       (UINT64_C(1) << 25) /* the card adds the FCS */
#define TX_RS         (UINT64_C(1) << 27) /* report: set "done" when it is sent */
#define TX_EXTENDED   (UINT64_C(1) << 29)
#define TX_TYPE_DATA  (UINT64_C(1) << 20)
#define TX_DONE       (UINT64_C(1) << 32)
#define TX_POPTS_IXSM (UINT64_C(1) << 40) /* insert the checksum of IP; of TCP or UDP */
#define TX_POPTS_TXSM (UINT64_C(1) << 41)
/* Transmit, context: where checksums start, go to, and end. In the word: kind of packet. */
#define TX_CONTEXT_IP (UINT64_C(1) << 25)
