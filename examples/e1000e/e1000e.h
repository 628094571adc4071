/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The driver's own interface: one card, one queue each way, one thread. Returns are 0 or a negative errno.
 *
 *         e1000e_open(device, &options, &card);     registers, reset, MAC address; no DMA yet
 *         e1000e_start(card, &buffers);             rings, interrupts, bus mastering, on the wire
 *         e1000e_receive(), e1000e_transmit()       a burst of frames at a time
 *         e1000e_wait()                             sleep until there is something to do
 *         e1000e_tick()                             a few times a second: link, statistics, is it still there
 *         e1000e_stop(card); e1000e_close(card);    quiet, bus mastering off
 */

#include <iommuctl.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffers.h"

struct e1000e;

struct e1000e_options {
        bool legacy;            /* legacy descriptors; else extended ones */
        bool interrupts;        /* MSI-X, so that e1000e_wait() can sleep; else it returns at once */
        bool no_receive;        /* only send */
        bool promiscuous;       /* frames for others, too */
        unsigned int ring_size; /* descriptors of each ring: a power of two, 32 to 4096 */
};

/* A frame without its FCS, in a buffer of the card's struct buffers. */
struct e1000e_frame {
        void *data;
        uint32_t size;
        uint32_t flags;
};
#define E1000E_CHECKSUM_GOOD \
        (1u << 0)                     /* received: the card found the checksums of IP and TCP or UDP right, */
#define E1000E_CHECKSUM_BAD (1u << 1) /* or one of them wrong; none of both: it has not looked */
#define E1000E_UDP_CHECKSUM                                                                 \
        (1u << 2) /* to be sent: IPv4 without options, and UDP; the card puts checksums in. \
                     Extended descriptors only. */

struct e1000e_stats {
        uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes; /* as the card counts: bytes with the FCS */
        uint64_t rx_missed;                                  /* there was no room for them */
        uint64_t rx_errors;
        uint64_t interrupts;
};

enum e1000e_state {
        E1000E_RUNNING,
        E1000E_WANTED_BACK, /* the kernel asks for the card: stop and close */
        E1000E_GONE,        /* it does not answer any more: stop and close all the same */
};

/* On failure @why is the reason where the library's own text is not it, else NULL. */
int e1000e_open(struct iommuctl_device *device, const struct e1000e_options *options,
                struct e1000e **ret_card, const char **ret_why);
size_t e1000e_ring_bytes(const struct e1000e_options *options);
int e1000e_start(struct e1000e *card, struct buffers *buffers);
void e1000e_stop(struct e1000e *card);
void e1000e_close(struct e1000e *card);

/* Up to @max frames that came, whose buffers are the caller's from here on. */
unsigned int e1000e_receive(struct e1000e *card, struct e1000e_frame *frames, unsigned int max);

/* Sends, and says how many of the @n it took: the first ones, whose buffers are the card's from here on. */
unsigned int e1000e_transmit(struct e1000e *card, const struct e1000e_frame *frames, unsigned int n);

/* Whether all that was given to be sent was sent. */
bool e1000e_transmitted(struct e1000e *card);

#define E1000E_RX (1u << 0)
#define E1000E_TX (1u << 1)
/* Sleeps until one of the @cards has received (E1000E_RX) or sent (E1000E_TX), its link changed, the kernel
 * wants it back, or @fd is readable (-1: none); @timeout_ms at most. All cards have interrupts, or none. */
int e1000e_wait(struct e1000e *const *cards, unsigned int n, unsigned int events, int fd, int timeout_ms);

enum e1000e_state e1000e_tick(struct e1000e *card);
bool e1000e_link(const struct e1000e *card);          /* as of the last tick */
unsigned int e1000e_speed(const struct e1000e *card); /* Mb/s */
const uint8_t *e1000e_mac(const struct e1000e *card);
const struct e1000e_stats *e1000e_stats(const struct e1000e *card); /* as of the last tick */
