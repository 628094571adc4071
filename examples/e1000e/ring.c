/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rings of descriptors (datasheet, sections 7.1 and 7.2).
 *
 * The card and we tell each other by "done" bits in memory what is ready; registers are touched once a burst
 * at most, since an access to one costs as much as a whole packet. The loops are written once and compiled
 * for each form of descriptor. */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

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
        return begins && !ring->skipping && !(r.errors & RX_ERROR_FRAME) && r.size <= BUFFER_SIZE;
}

static inline unsigned int receive(struct e1000e *card, struct e1000e_frame *frames, unsigned int max,
                                   bool legacy)
{
        struct ring *ring = &card->rx;
        uint32_t next = ring->next, bytes = 0;
        unsigned int n = 0;

        while (n < max) {
                struct descriptor *d = &ring->descriptors[next & ring->mask];
                struct received r = received(descriptor_word(d), legacy);
                void *fresh, **held = &ring->buffers[next & ring->mask];

                if (!(r.status & RX_DONE))
                        break;
                fresh = buffers_get(card->buffers);
                if (!fresh)
                        break;
                if (whole_frame(ring, r)) {
                        frames[n++] = (struct e1000e_frame){ *held, r.size, checksum_flags(r) };
                        bytes += r.size;
                } else {
                        buffers_put(card->buffers, *held);
                        card->stats.rx_errors++;
                }
                *held = fresh;
                descriptor_set(d, buffers_iova(card->buffers, fresh), 0);
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

/* Takes back what is sent, as far as reports go. */
static inline void reclaim(struct e1000e *card)
{
        struct ring *ring = &card->tx;

        for (;;) {
                uint32_t last = ring->clean | card->tx_report_mask;

                if ((int32_t)(ring->next - last) <= 0 ||
                    !(descriptor_word(&ring->descriptors[last & ring->mask]) & TX_DONE))
                        return;
                while (ring->clean != last + 1) {
                        void *buffer = ring->buffers[ring->clean++ & ring->mask];

                        if (buffer) /* a context has none */
                                buffers_put(card->buffers, buffer);
                }
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

/* A context descriptor (section 7.2.11.1) holds for all that are sent after it: checksums of an IPv4 header
 * at byte 14 with 20 bytes, and of UDP from 34 to the end. Each byte: start, place; then 16 bits: last byte,
 * 0 is the end. */
static void set_checksum_context(struct e1000e *card)
{
        fill(card, 14 | 24 << 8 | 33 << 16 | UINT64_C(34) << 32 | UINT64_C(40) << 40,
             TX_EXTENDED | TX_CONTEXT_IP, NULL);
        card->checksum_context = true;
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
                        if (!card->checksum_context)
                                set_checksum_context(card);
                        word |= TX_POPTS_IXSM | TX_POPTS_TXSM;
                }
                fill(card, buffers_iova(card->buffers, frames[i].data), word, frames[i].data);
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
        uint32_t last = tx->clean | card->tx_report_mask;

        if (events & E1000E_RX && rx->descriptors &&
            received(descriptor_word(&rx->descriptors[rx->next & rx->mask]), card->options.legacy).status &
                    RX_DONE)
                return true;
        return events & E1000E_TX && (int32_t)(tx->next - last) > 0 &&
               descriptor_word(&tx->descriptors[last & tx->mask]) & TX_DONE;
}

/* ---- their beginning and end ---- */

static int ring_new(struct e1000e *card, struct ring *ring, uint32_t base)
{
        uint32_t size = card->options.ring_size;
        uint64_t iova;

        *ring = (struct ring){
                .descriptors = buffers_ring(card->buffers, size * sizeof(struct descriptor)),
                .buffers = calloc(size, sizeof(void *)),
                .mask = size - 1,
                .tail = card->registers + base + (REG_RDT - REG_RDBAL),
        };
        if (!ring->descriptors || !ring->buffers)
                return -ENOMEM;
        /* The registers of both rings are in one order. */
        iova = buffers_iova(card->buffers, ring->descriptors);
        reg_write(card, base, (uint32_t)iova);
        reg_write(card, base + (REG_RDBAH - REG_RDBAL), (uint32_t)(iova >> 32));
        reg_write(card, base + (REG_RDLEN - REG_RDBAL), size * sizeof(struct descriptor));
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
                void *buffer = card->rx.buffers[i] = buffers_get(card->buffers);

                if (!buffer)
                        return -ENOMEM;
                descriptor_set(&card->rx.descriptors[i], buffers_iova(card->buffers, buffer), 0);
        }
        return r;
}

/* The card is quiet by now: what it held is free. */
void rings_free(struct e1000e *card)
{
        struct ring *rings[] = { &card->rx, &card->tx };

        for (int i = 0; i < 2; i++) {
                for (uint32_t slot = 0; rings[i]->buffers && slot <= rings[i]->mask; slot++) {
                        bool held = i == 0 || ((slot - rings[i]->clean) & rings[i]->mask) <
                                                      rings[i]->next - rings[i]->clean;

                        if (held && rings[i]->buffers[slot])
                                buffers_put(card->buffers, rings[i]->buffers[slot]);
                }
                free(rings[i]->buffers);
                *rings[i] = (struct ring){ 0 };
        }
}
