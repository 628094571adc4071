/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ethernet, ARP, IPv4, ICMP and UDP, as much of them as the programs speak. No device is needed for any of
 * this. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MIN 60 /* without FCS */
#define FRAME_MAX 1514

/* The Internet checksum (RFC 1071) of @size bytes; 0 over bytes that hold their own right one. @sum: what was
 * added up before, of an even number of bytes. Returned in the order of the bytes: to be stored as it is. */
uint16_t packet_checksum(const void *bytes, size_t size, uint32_t sum);

struct packet_host {
        uint8_t mac[6];
        uint32_t ip; /* in this machine's order */
};

/* Makes the answer out of a frame, in its place: to an ARP request for us, and to an ICMP echo request to us
 * that is whole. @frame has room for FRAME_MIN bytes at least. Returns the answer's size; 0: nothing to be
 * answered. */
size_t packet_answer(uint8_t *frame, size_t size, const struct packet_host *host);

/* A frame to be counted: UDP to the discard port, between addresses that are set aside for measuring (RFC
 * 2544), with a mark and a number. */
#define PACKET_NUMBER_AT 50 /* the number's place, 8 bytes, big endian; 8 bytes of mark before it */
struct packet_flow {
        uint8_t from[6], to[6];
        size_t size;   /* FRAME_MIN to FRAME_MAX */
        bool checksum; /* leave the checksums to the card */
};
void packet_make(uint8_t *frame, const struct packet_flow *flow);
void packet_set_number(uint8_t *frame, uint64_t number);
/* Whether it is such a frame, and its number. */
bool packet_number(const uint8_t *frame, size_t size, uint64_t *ret_number);
