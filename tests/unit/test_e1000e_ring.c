/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rings of examples/e1000e/ against a card that this file plays, also one that lies. */
#include "unit.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/e1000e/card.h"

#define RING    64
#define BUFFERS 256
#define IOVA    UINT64_C(0x100000000)

struct bench {
        struct e1000e card;
        struct iommuctl_pool_cache *cache;
        char *memory, *registers;
        size_t size;
        uint32_t rx, tx; /* the card's heads */
};

/* The pool is all in one cache: when that is empty, there is none. */
void *iommuctl_pool_get_slow(struct iommuctl_pool_cache *cache)
{
        (void)cache;
        return NULL;
}

void iommuctl_pool_put_slow(struct iommuctl_pool_cache *cache, void *buffer)
{
        fail_msg("%p was not of this pool: it has %u", buffer, cache->n);
}

static uint32_t reg(const struct bench *b, uint32_t at)
{
        return *(uint32_t *)(b->registers + at);
}

static void *buffer_at(const struct bench *b, uint64_t iova)
{
        assert_true(iova >= IOVA && iova < IOVA + BUFFERS * b->size);
        return b->memory + (iova - IOVA);
}

static struct descriptor *descriptor_at(const struct bench *b, uint32_t base, uint32_t i)
{
        struct descriptor *ring = buffer_at(b, reg(b, base) | (uint64_t)reg(b, base + 4) << 32);

        return &ring[i % RING];
}

static void set_up(struct bench *b, bool legacy)
{
        size_t count;

        *b = (struct bench){ .card.options = { .legacy = legacy, .ring_size = RING } };
        e1000e_pool_needs(&b->card.options, &b->size, &count);
        assert_true(b->size >= E1000E_FRAME_ROOM && count == 2 * RING + 2);
        b->memory = calloc(BUFFERS, b->size);
        b->registers = calloc(1, 0x20000);
        b->cache = calloc(1, sizeof(*b->cache) + BUFFERS * sizeof(void *));
        b->cache->limit = BUFFERS;
        b->cache->iova_offset = IOVA - (uintptr_t)b->memory;
        for (size_t i = 0; i < BUFFERS; i++)
                iommuctl_pool_put(b->cache, b->memory + i * b->size);
        b->card.registers = b->registers;
        b->card.cache = b->cache;
        assert_int_equal(rings_start(&b->card), 0);
        assert_int_equal(reg(b, REG_RDLEN), RING * 16);
        assert_int_equal(reg(b, REG_TDLEN), RING * 16);
}

/* All buffers are there again, each once. */
static void tear_down(struct bench *b)
{
        char seen[BUFFERS] = { 0 };

        rings_free(&b->card);
        assert_int_equal(b->cache->n, BUFFERS);
        for (size_t i = 0; i < BUFFERS; i++) {
                size_t at = (size_t)((char *)iommuctl_pool_get(b->cache) - b->memory);

                assert_int_equal(at % b->size, 0);
                assert_int_equal(seen[at / b->size]++, 0);
        }
        free(b->cache);
        free(b->registers);
        free(b->memory);
}

/* The card's answer in the next descriptor: @status and @errors as legacy descriptors have them. */
static void card_receives(struct bench *b, uint32_t length, uint32_t status, uint32_t errors, uint8_t fill)
{
        struct descriptor *d = descriptor_at(b, REG_RDBAL, b->rx++);
        uint8_t *buffer = buffer_at(b, le64toh(d->address));

        assert_int_equal(le64toh(d->word), 0); /* clean */
        memset(buffer, fill, E1000E_FRAME_ROOM);
        if (b->card.options.legacy)
                d->word = htole64(length | (uint64_t)status << 32 | (uint64_t)errors << 40);
        else
                d->word = htole64(status | (uint64_t)errors << 24 | (uint64_t)length << 32);
}

static void put_all(struct bench *b, const struct e1000e_frame *frames, unsigned int n)
{
        for (unsigned int i = 0; i < n; i++)
                iommuctl_pool_put(b->cache, frames[i].data);
}

static void receive_many(bool legacy)
{
        struct e1000e_frame frames[32];
        struct bench b;
        unsigned int came = 0;

        set_up(&b, legacy);
        assert_int_equal(e1000e_receive(&b.card, frames, 32), 0);
        for (unsigned int turn = 0; turn < 50; turn++) {
                unsigned int n;

                for (unsigned int i = 0; i < turn % 31; i++)
                        card_receives(&b, 60 + came + i, RX_DONE | RX_EOP, 0, (uint8_t)(came + i));
                n = e1000e_receive(&b.card, frames, 32);
                assert_int_equal(n, turn % 31);
                for (unsigned int i = 0; i < n; i++) {
                        assert_int_equal(frames[i].size, 60 + came + i);
                        assert_int_equal(*(uint8_t *)frames[i].data, (uint8_t)(came + i));
                }
                put_all(&b, frames, n);
                came += n;
                /* the card is told in time, and never that it has all: the tail stays behind its head */
                assert_true(((reg(&b, REG_RDT) - b.rx) & (RING - 1)) >= RING - 1 - RING / 8 ||
                            came < RING / 8);
        }
        assert_int_equal(b.rx, came);
        tear_down(&b);
}

static void test_receive(void **state)
{
        (void)state;
        receive_many(true);
        receive_many(false);
}

/* Frames of several buffers, of more bytes than a buffer has, with errors: none of them comes out, the next
 * one does. */
static void test_receive_bad(void **state)
{
        (void)state;
        for (int legacy = 0; legacy < 2; legacy++) {
                struct e1000e_frame frames[32];
                struct bench b;

                set_up(&b, legacy);
                card_receives(&b, 2048, RX_DONE, 0, 1);
                card_receives(&b, 2048, RX_DONE, 0, 1);
                card_receives(&b, 100, RX_DONE | RX_EOP, 0, 1);
                card_receives(&b, 2049, RX_DONE | RX_EOP, 0, 2);
                card_receives(&b, 65535, RX_DONE | RX_EOP, 0, 2);
                for (uint32_t error = 1; error < 256; error <<= 1) {
                        if (error & RX_ERROR_FRAME)
                                card_receives(&b, 60, RX_DONE | RX_EOP, error, 3);
                }
                card_receives(&b, 2048, RX_DONE | RX_EOP, 0, 4);
                card_receives(&b, 0, RX_DONE | RX_EOP, 0, 5);
                assert_int_equal(e1000e_receive(&b.card, frames, 32), 2);
                assert_int_equal(frames[0].size, 2048);
                assert_int_equal(*(uint8_t *)frames[0].data, 4);
                assert_int_equal(frames[1].size, 0);
                assert_int_equal(b.card.stats.rx_errors, 5 + __builtin_popcount(RX_ERROR_FRAME));
                put_all(&b, frames, 2);
                tear_down(&b);
        }
}

static void test_receive_checksums(void **state)
{
        static const struct {
                uint32_t status, errors, flags;
        } cases[] = {
                { 0, 0, 0 },
                { RX_IPCS, 0, E1000E_CHECKSUM_GOOD },
                { RX_IPCS | RX_TCPCS, 0x20, E1000E_CHECKSUM_BAD },
                { RX_IPCS | RX_UDPCS, 0x40, E1000E_CHECKSUM_BAD },
                { RX_IPCS | RX_IXSM, 0x60, 0 },
        };

        (void)state;
        for (int legacy = 0; legacy < 2; legacy++) {
                struct bench b;

                set_up(&b, legacy);
                for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                        struct e1000e_frame frame;

                        card_receives(&b, 60, RX_DONE | RX_EOP | cases[i].status, cases[i].errors, 0);
                        assert_int_equal(e1000e_receive(&b.card, &frame, 1), 1);
                        assert_int_equal(frame.flags, cases[i].flags);
                        put_all(&b, &frame, 1);
                }
                tear_down(&b);
        }
}

/* With no buffer left a frame stays where it is, and comes when there is one. */
static void test_receive_without_buffers(void **state)
{
        struct e1000e_frame frames[32];
        void *taken[BUFFERS];
        unsigned int n = 0;
        struct bench b;

        (void)state;
        set_up(&b, false);
        while ((taken[n] = iommuctl_pool_get(b.cache)))
                n++;
        card_receives(&b, 60, RX_DONE | RX_EOP, 0, 1);
        assert_int_equal(e1000e_receive(&b.card, frames, 1), 0);
        iommuctl_pool_put(b.cache, taken[--n]);
        assert_int_equal(e1000e_receive(&b.card, frames, 1), 1);
        put_all(&b, frames, 1);
        while (n > 0)
                iommuctl_pool_put(b.cache, taken[--n]);
        tear_down(&b);
}

/* Sends up to @n of what the ring has; returns how many frames. */
static unsigned int card_sends(struct bench *b, unsigned int n, uint32_t size)
{
        unsigned int sent = 0;

        while (n > 0 && b->tx % RING != reg(b, REG_TDT)) {
                struct descriptor *d = descriptor_at(b, REG_TDBAL, b->tx++);
                uint64_t word = le64toh(d->word);
                bool context = !(word & TX_EOP);

                if (!context) {
                        assert_int_equal(word & 0xfffff, size);
                        assert_int_equal(!(word & TX_EXTENDED), b->card.options.legacy);
                        assert_true(word & TX_IFCS);
                        buffer_at(b, le64toh(d->address));
                        sent++;
                        n--;
                }
                if (word & TX_RS)
                        d->word = htole64(word | TX_DONE);
        }
        *(uint32_t *)(b->registers + REG_TDH) = b->tx % RING;
        return sent;
}

static void transmit_many(bool legacy, uint32_t flags)
{
        unsigned int sent = 0, given = 0;
        struct bench b;

        set_up(&b, legacy);
        for (unsigned int turn = 0; turn < 200; turn++) {
                struct e1000e_frame frames[32];
                unsigned int n = turn % 33, took;

                for (unsigned int i = 0; i < n; i++)
                        frames[i] = (struct e1000e_frame){ iommuctl_pool_get(b.cache), 60, flags };
                took = e1000e_transmit(&b.card, frames, n);
                assert_true(took <= n);
                given += took;
                put_all(&b, frames + took, n - took);
                sent += card_sends(&b, turn % 7 ? 64 : 5, 60);
        }
        sent += card_sends(&b, 64, 60);
        assert_int_equal(sent, given);
        assert_true(e1000e_transmitted(&b.card));
        tear_down(&b);
}

static void test_transmit(void **state)
{
        (void)state;
        transmit_many(true, 0);
        transmit_many(false, 0);
        transmit_many(false, E1000E_UDP_CHECKSUM);
}

/* A card that sends nothing: the ring takes what fits, and no more. */
static void test_transmit_full(void **state)
{
        struct e1000e_frame frames[32];
        unsigned int took = 0, n;
        struct bench b;

        (void)state;
        set_up(&b, false);
        do {
                for (unsigned int i = 0; i < 32; i++)
                        frames[i] = (struct e1000e_frame){ iommuctl_pool_get(b.cache), 60,
                                                           E1000E_UDP_CHECKSUM };
                n = e1000e_transmit(&b.card, frames, 32);
                put_all(&b, frames + n, 32 - n);
                took += n;
        } while (n > 0);
        assert_int_equal(took, RING - 3); /* one is free, one is the context, one was kept for it */
        assert_false(e1000e_transmitted(&b.card));
        assert_false(rings_ready(&b.card, E1000E_TX));
        assert_int_equal(card_sends(&b, RING, 60), took);
        assert_true(rings_ready(&b.card, E1000E_TX));
        assert_true(e1000e_transmitted(&b.card));
        tear_down(&b);
}

/* No buffer is left for the context: the frames before that are the card's, and no others. */
static void test_transmit_without_buffers(void **state)
{
        struct e1000e_frame frames[2];
        void *held[BUFFERS];
        unsigned int n = 0;
        struct bench b;

        (void)state;
        set_up(&b, false);
        frames[0] = (struct e1000e_frame){ iommuctl_pool_get(b.cache), 60, 0 };
        frames[1] = (struct e1000e_frame){ iommuctl_pool_get(b.cache), 60, E1000E_UDP_CHECKSUM };
        while ((held[n] = iommuctl_pool_get(b.cache)))
                n++;
        assert_int_equal(e1000e_transmit(&b.card, frames, 2), 1);
        assert_int_equal(e1000e_transmit(&b.card, frames + 1, 1), 0);
        iommuctl_pool_put(b.cache, held[--n]);
        assert_int_equal(e1000e_transmit(&b.card, frames + 1, 1), 1);
        while (n > 0)
                iommuctl_pool_put(b.cache, held[--n]);
        assert_int_equal(card_sends(&b, RING, 60), 2);
        tear_down(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_receive),
                cmocka_unit_test(test_receive_bad),
                cmocka_unit_test(test_receive_checksums),
                cmocka_unit_test(test_receive_without_buffers),
                cmocka_unit_test(test_transmit),
                cmocka_unit_test(test_transmit_full),
                cmocka_unit_test(test_transmit_without_buffers),
        };

        return run_unit_tests("e1000e rings", tests);
}
