/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rings of descriptors (datasheet, sections 7.1 and 7.2).
 *
 * The card and we tell each other by "done" bits in memory what is ready; registers are touched once a burst
 * at most, since an access to one costs as much as a whole packet. The loops are written once and compiled
 * for each form of descriptor. */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"

/* The card writes it at any time: read once, and before what the buffer holds. */
static inline uint64_t descriptor_word(const struct descriptor *d)
{
        uint64_t word = *(const volatile uint64_t *)&d->word;

        IOMMUCTL_MMIO_AFTER_READ();
        return le64toh(word);
}

static inline void descriptor_set(struct descriptor *d, uint64_t address, uint64_t word)
{
        d->address = htole64(address);
        d->word = htole64(word);
}

/* ---- receive ---- */

struct received {
        uint32_t status, errors, size;
};

static inline struct received received(uint64_t word, bool legacy)
{
        if (legacy)
                return (struct received){ RX_LEGACY_STATUS(word), RX_LEGACY_ERRORS(word),
                                          RX_LEGACY_LENGTH(word) };
        return (struct received){ RX_EXTENDED_STATUS(word), RX_EXTENDED_ERRORS(word),
                                  RX_EXTENDED_LENGTH(word) };
}

static inline uint32_t checksum_flags(struct received r)
{
        if (r.status & RX_IXSM || !(r.status & (RX_IPCS | RX_TCPCS | RX_UDPCS)))
                return 0;
        return r.errors & RX_ERROR_CHECKSUM ? E1000E_CHECKSUM_BAD : E1000E_CHECKSUM_GOOD;
}

/* Whether it is a whole frame in one buffer. The card is not believed: a length beyond the buffer is no
 * frame. */
static inline bool whole_frame(struct ring *ring, struct received r)
{
        bool begins = !ring->skipping;

        ring->skipping = !(r.status & RX_EOP);
        return begins && !ring->skipping && !(r.errors & RX_ERROR_FRAME) && r.size <= E1000E_FRAME_ROOM;
}

/* Names for what does not change: behind a barrier the compiler has to read everything else anew. */
static inline unsigned int receive(struct e1000e *card, struct e1000e_frame *frames, unsigned int max,
                                   bool legacy)
{
        struct ring *ring = &card->rx;
        struct iommuctl_pool_cache *cache = card->cache;
        struct descriptor *descriptors = ring->descriptors;
        void **buffers = ring->buffers;
        uint32_t mask = ring->mask, next = ring->next, bytes = 0;
        unsigned int n = 0;

        while (n < max) {
                struct descriptor *d = &descriptors[next & mask];
                struct received r = received(descriptor_word(d), legacy);
                void *fresh, **held = &buffers[next & mask];

                if (!(r.status & RX_DONE))
                        break;
                fresh = iommuctl_pool_get(cache);
                if (!fresh)
                        break;
                if (whole_frame(ring, r)) {
                        frames[n++] = (struct e1000e_frame){ *held, r.size, checksum_flags(r) };
                        bytes += r.size;
                } else {
                        iommuctl_pool_put(cache, *held);
                        card->stats.rx_errors++;
                }
                *held = fresh;
                descriptor_set(d, iommuctl_pool_iova(cache, fresh), 0);
                next++;
        }
        ring->next = next;
        card->moderation_packets += n;
        card->moderation_bytes += bytes;
        return n;
}

unsigned int e1000e_receive(struct e1000e *card, struct e1000e_frame *frames, unsigned int max)
{
        struct ring *ring = &card->rx;
        unsigned int n = card->options.legacy ? receive(card, frames, max, true)
                                              : receive(card, frames, max, false);

        /* The tail stays one behind: where head and tail are equal the card has none. */
        if (ring->next - ring->told > ring->mask / 8) {
                iommuctl_mmio_write32(ring->tail, (ring->next - 1) & ring->mask);
                ring->told = ring->next;
        }
        return n;
}

/* ---- transmit ---- */

/* Takes back what is sent, as far as reports go. One by one: iommuctl_pool_put_bulk() copies with memcpy(),
 * whose wide registers are slow in an emulated machine, and gain next to nothing for 32 addresses on a real
 * one. */
static inline void reclaim(struct e1000e *card)
{
        struct ring *ring = &card->tx;
        uint32_t each = card->tx_report_mask + 1;

        while (ring->next - ring->clean >= each &&
               descriptor_word(&ring->descriptors[(ring->clean + each - 1) & ring->mask]) & TX_DONE) {
                for (uint32_t end = ring->clean + each; ring->clean != end; ring->clean++)
                        iommuctl_pool_put(card->cache, ring->buffers[ring->clean & ring->mask]);
        }
}

/* Fills the next slot; asks for a report where it is this one's turn. */
static inline void fill(struct e1000e *card, uint64_t address, uint64_t word, void *buffer)
{
        struct ring *ring = &card->tx;
        uint32_t next = ring->next++;

        if ((next & card->tx_report_mask) == card->tx_report_mask)
                word |= TX_RS;
        ring->buffers[next & ring->mask] = buffer;
        descriptor_set(&ring->descriptors[next & ring->mask], address, word);
}

/* A context descriptor holds for all that are sent after it: checksums of an IPv4 header
 * at byte 14 with 20 bytes, and of UDP from 34 to the end. Each byte: start, place; then 16 bits: last byte,
 * 0 is the end. */
static bool set_checksum_context(struct e1000e *card)
{
        void *buffer = iommuctl_pool_get(card->cache); /* of no use, but each slot has one */

        if (!buffer)
                return false;
        fill(card, 14 | 24 << 8 | 33 << 16 | UINT64_C(34) << 32 | UINT64_C(40) << 40,
             TX_EXTENDED | TX_CONTEXT_IP, buffer);
        card->checksum_context = true;
        return true;
}

unsigned int e1000e_transmit(struct e1000e *card, const struct e1000e_frame *frames, unsigned int n)
{
        struct ring *ring = &card->tx;
        /* Where head and tail are equal there is nothing to send, so one stays free; and one for a context.
         */
        uint32_t room = ring->mask - 1 - (ring->next - ring->clean);

        if (room < n) {
                reclaim(card);
                room = ring->mask - 1 - (ring->next - ring->clean);
                n = n < room ? n : room;
        }
        if (n == 0)
                return 0;
        for (unsigned int i = 0; i < n; i++) {
                uint64_t word = card->tx_command | frames[i].size;

                if (frames[i].flags & E1000E_UDP_CHECKSUM) {
                        if (!card->checksum_context && !set_checksum_context(card)) {
                                n = i; /* those before are the card's by now */
                                break;
                        }
                        word |= TX_POPTS_IXSM | TX_POPTS_TXSM;
                }
                fill(card, iommuctl_pool_iova(card->cache, frames[i].data), word, frames[i].data);
        }
        iommuctl_mmio_write32(ring->tail, ring->next & ring->mask);
        return n;
}

bool e1000e_transmitted(struct e1000e *card)
{
        reclaim(card);
        return reg_read(card, REG_TDH) == (card->tx.next & card->tx.mask);
}

/* Whether a burst would find something: what is looked at between letting interrupts through and sleeping. */
bool rings_ready(const struct e1000e *card, unsigned int events)
{
        const struct ring *rx = &card->rx, *tx = &card->tx;
        uint32_t each = card->tx_report_mask + 1;

        if (events & E1000E_RX && rx->descriptors &&
            received(descriptor_word(&rx->descriptors[rx->next & rx->mask]), card->options.legacy).status &
                    RX_DONE)
                return true;
        return events & E1000E_TX && tx->next - tx->clean >= each &&
               descriptor_word(&tx->descriptors[(tx->clean + each - 1) & tx->mask]) & TX_DONE;
}

/* ---- their beginning and end ---- */

void e1000e_pool_needs(const struct e1000e_options *options, size_t *ret_size, size_t *ret_count)
{
        size_t ring = options->ring_size * sizeof(struct descriptor);

        *ret_size = ring > E1000E_FRAME_ROOM ? ring : E1000E_FRAME_ROOM;
        *ret_count = 2 * options->ring_size + 2;
}

static int ring_new(struct e1000e *card, struct ring *ring, uint32_t base)
{
        uint32_t size = card->options.ring_size;
        uint64_t iova;

        *ring = (struct ring){
                .descriptors = iommuctl_pool_get(card->cache),
                .buffers = calloc(size, sizeof(void *)),
                .mask = size - 1,
                .tail = card->registers + base + (REG_RDT - REG_RDBAL),
        };
        if (!ring->descriptors || !ring->buffers)
                return -ENOMEM;
        memset(ring->descriptors, 0, size * sizeof(struct descriptor));
        /* The registers of both rings are in one order. */
        iova = iommuctl_pool_iova(card->cache, ring->descriptors);
        reg_write(card, base, (uint32_t)iova);
        reg_write(card, base + (REG_RDBAH - REG_RDBAL), (uint32_t)(iova >> 32));
        reg_write(card, base + (REG_RDLEN - REG_RDBAL), size * (uint32_t)sizeof(struct descriptor));
        reg_write(card, base + (REG_RDH - REG_RDBAL), 0);
        reg_write(card, base + (REG_RDT - REG_RDBAL), 0);
        return 0;
}

int rings_start(struct e1000e *card)
{
        int r = ring_new(card, &card->tx, REG_TDBAL);

        card->tx_command = TX_EOP | TX_IFCS | (card->options.legacy ? 0 : TX_EXTENDED | TX_TYPE_DATA);
        card->tx_report_mask = (card->options.ring_size / 4 < TX_REPORT_EVERY ? card->options.ring_size / 4
                                                                              : TX_REPORT_EVERY) -
                               1;
        card->checksum_context = false;
        if (r < 0 || card->options.no_receive)
                return r;
        r = ring_new(card, &card->rx, REG_RDBAL);
        for (uint32_t i = 0; r == 0 && i <= card->rx.mask; i++) {
                void *buffer = card->rx.buffers[i] = iommuctl_pool_get(card->cache);

                if (!buffer)
                        return -ENOMEM;
                descriptor_set(&card->rx.descriptors[i], iommuctl_pool_iova(card->cache, buffer), 0);
        }
        return r;
}

static void ring_free(struct e1000e *card, struct ring *ring)
{
        if (ring->descriptors)
                iommuctl_pool_put(card->cache, ring->descriptors);
        free(ring->buffers);
        *ring = (struct ring){ 0 };
}

/* The card is quiet by now: what it held is free. */
void rings_free(struct e1000e *card)
{
        struct ring *rx = &card->rx, *tx = &card->tx;

        for (uint32_t i = 0; rx->buffers && i <= rx->mask; i++) {
                if (rx->buffers[i])
                        iommuctl_pool_put(card->cache, rx->buffers[i]);
        }
        while (tx->clean != tx->next)
                iommuctl_pool_put(card->cache, tx->buffers[tx->clean++ & tx->mask]);
        ring_free(card, rx);
        ring_free(card, tx);
}
