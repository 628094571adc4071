/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the driver share. */

#include <iommuctl.h>
#include <stdbool.h>

#include "e1000e.h"
#include "regs.h"

/* Counters run on, and `& mask` makes slots of them. Buffers: each slot of the receive ring has one at all
 * times; of the transmit ring, those from `clean` to `next`. */
struct ring {
        struct descriptor *descriptors;
        void **buffers;
        uint32_t mask;
        uint32_t next;  /* the next that the card fills (receive), or that we fill (transmit) */
        uint32_t clean; /* transmit: up to here the card is done */
        uint32_t told;  /* receive: where the tail register stands */
        void *tail;     /* register */
        bool skipping;  /* receive: the rest of a frame that is too long for one buffer */
};

/* Vectors of MSI-X. */
enum { VECTOR_RX, VECTOR_TX, VECTOR_OTHER, N_VECTORS };

/* One report ("done" in memory) for so many descriptors sent. */
#define TX_REPORT_EVERY 32

struct e1000e {
        struct iommuctl_device *device;
        struct iommuctl_region *bar;
        char *registers;
        struct iommuctl_irq *irq;
        struct iommuctl_unplug *unplug;
        struct e1000e_options options;
        struct buffers *buffers;
        struct ring rx, tx;
        uint64_t tx_command;     /* what all transmit descriptors have in common */
        uint32_t tx_report_mask; /* TX_REPORT_EVERY - 1, less where the ring is small */
        bool checksum_context;   /* the card knows where checksums go */

        /* moderation: what came since the last sleep, and how often a vector may fire */
        uint32_t moderation_packets, moderation_bytes;
        unsigned int moderation;

        uint32_t status; /* as of the last tick */
        uint8_t mac[6];
        struct e1000e_stats stats;
};

static inline uint32_t reg_read(const struct e1000e *card, uint32_t reg)
{
        return iommuctl_mmio_read32(card->registers + reg);
}

static inline void reg_write(struct e1000e *card, uint32_t reg, uint32_t value)
{
        iommuctl_mmio_write32(card->registers + reg, value);
}

/* ring.c */
int rings_start(struct e1000e *card);
void rings_free(struct e1000e *card);
bool rings_ready(const struct e1000e *card, unsigned int events);

/* irq.c */
int irq_start(struct e1000e *card);
void irq_stop(struct e1000e *card);
