/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "packet.h"

#include <endian.h>
#include <string.h>

/* Where things are in a frame, in bytes: no structs, since nothing in it is aligned. */
enum {
        ETH_TO = 0,
        ETH_FROM = 6,
        ETH_TYPE = 12,
        ETH_SIZE = 14,
        ARP_FIXED = 14, /* hardware 1, protocol 0x800, sizes 6 and 4 (RFC 826) */
        ARP_OPERATION = 20,
        ARP_FROM_MAC = 22,
        ARP_FROM_IP = 28,
        ARP_TO_MAC = 32,
        ARP_TO_IP = 38,
        ARP_END = 42,
        IP_VERSION = 14, /* RFC 791 */
        IP_LENGTH = 16,
        IP_FRAGMENT = 20,
        IP_TTL = 22,
        IP_PROTOCOL = 23,
        IP_CHECKSUM = 24,
        IP_FROM = 26,
        IP_TO = 30,
        IP_SIZE = 20,
        ICMP_TYPE = 34, /* RFC 792 */
        ICMP_CODE = 35,
        ICMP_CHECKSUM = 36,
        ICMP_SIZE = 8,
        UDP_PORTS = 34,
        UDP_LENGTH = 38,
        UDP_CHECKSUM = 40,
        UDP_END = 42,
};

static const uint8_t mark[8] = { 'i', 'o', 'm', 'm', 'u', 'c', 't', 'l' };

static uint16_t get16(const uint8_t *p)
{
        return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
        return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint16_t value)
{
        p[0] = (uint8_t)(value >> 8);
        p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
        put16(p, (uint16_t)(value >> 16));
        put16(p + 2, (uint16_t)value);
}

uint16_t packet_checksum(const void *bytes, size_t size, uint32_t sum)
{
        const uint8_t *p = bytes;
        uint64_t total = sum;

        /* In this machine's order: a sum of swapped words is the swapped sum. Eight bytes at a time, with
         * carries. */
        for (; size >= 8; size -= 8, p += 8) {
                uint64_t eight;

                memcpy(&eight, p, 8);
                total += (eight & UINT32_MAX) + (eight >> 32);
        }
        if (size > 0) {
                uint64_t rest = 0;

                memcpy(&rest, p, size);
                total += (rest & UINT32_MAX) + (rest >> 32);
        }
        while (total >> 16)
                total = (total & 0xffff) + (total >> 16);
        return (uint16_t)~total;
}

static void put_checksum(uint8_t *p, uint16_t checksum)
{
        memcpy(p, &checksum, 2);
}

/* A host's own address, and not one of a group. */
static bool single_mac(const uint8_t *mac)
{
        return !(mac[0] & 1);
}

static bool single_ip(uint32_t ip)
{
        return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 24 < 224;
}

static void turn_round(uint8_t *frame, const struct packet_host *host)
{
        memcpy(frame + ETH_TO, frame + ETH_FROM, 6);
        memcpy(frame + ETH_FROM, host->mac, 6);
}

/* Frames are 60 bytes long at least; what is behind ours is not to tell of what was there before. */
static size_t padded(uint8_t *frame, size_t size)
{
        if (size >= FRAME_MIN)
                return size;
        memset(frame + size, 0, FRAME_MIN - size);
        return FRAME_MIN;
}

static size_t answer_arp(uint8_t *frame, size_t size, const struct packet_host *host)
{
        static const uint8_t fixed[] = { 0, 1, 8, 0, 6, 4, 0, 1 }; /* the last two: a request */

        if (size < ARP_END || memcmp(frame + ARP_FIXED, fixed, sizeof(fixed)) != 0 ||
            get32(frame + ARP_TO_IP) != host->ip || !single_mac(frame + ARP_FROM_MAC))
                return 0;
        turn_round(frame, host);
        put16(frame + ARP_OPERATION, 2);
        memcpy(frame + ARP_TO_MAC, frame + ARP_FROM_MAC, 10); /* and the IP address behind it */
        memcpy(frame + ARP_FROM_MAC, host->mac, 6);
        put32(frame + ARP_FROM_IP, host->ip);
        return padded(frame, ARP_END);
}

/* Whole: no fragment, no options, not longer than the frame, checksums right. */
static bool whole_echo_request(const uint8_t *frame, size_t size, const struct packet_host *host)
{
        size_t length;

        if (size < ICMP_TYPE + ICMP_SIZE || frame[IP_VERSION] != 0x45)
                return false;
        length = get16(frame + IP_LENGTH);
        return length >= IP_SIZE + ICMP_SIZE && length <= size - ETH_SIZE &&
               !(get16(frame + IP_FRAGMENT) & 0x3fff) && frame[IP_PROTOCOL] == 1 &&
               packet_checksum(frame + IP_VERSION, IP_SIZE, 0) == 0 && get32(frame + IP_TO) == host->ip &&
               single_ip(get32(frame + IP_FROM)) && frame[ICMP_TYPE] == 8 && frame[ICMP_CODE] == 0 &&
               packet_checksum(frame + ICMP_TYPE, length - IP_SIZE, 0) == 0;
}

static size_t answer_echo(uint8_t *frame, size_t size, const struct packet_host *host)
{
        uint8_t from[4];
        size_t length;

        if (memcmp(frame + ETH_TO, host->mac, 6) != 0 || !whole_echo_request(frame, size, host))
                return 0;
        length = get16(frame + IP_LENGTH);
        turn_round(frame, host);
        memcpy(from, frame + IP_FROM, 4);
        memcpy(frame + IP_FROM, frame + IP_TO, 4);
        memcpy(frame + IP_TO, from, 4);
        frame[IP_TTL] = 64;
        put16(frame + IP_CHECKSUM, 0);
        put_checksum(frame + IP_CHECKSUM, packet_checksum(frame + IP_VERSION, IP_SIZE, 0));
        frame[ICMP_TYPE] = 0;
        put16(frame + ICMP_CHECKSUM, 0);
        put_checksum(frame + ICMP_CHECKSUM, packet_checksum(frame + ICMP_TYPE, length - IP_SIZE, 0));
        return padded(frame, ETH_SIZE + length);
}

size_t packet_answer(uint8_t *frame, size_t size, const struct packet_host *host)
{
        if (size < ETH_SIZE || size > FRAME_MAX || !single_mac(frame + ETH_FROM))
                return 0;
        switch (get16(frame + ETH_TYPE)) {
        case 0x0806:
                return answer_arp(frame, size, host);
        case 0x0800:
                return answer_echo(frame, size, host);
        default: /* VLAN tags, too */
                return 0;
        }
}

void packet_make(uint8_t *frame, const struct packet_flow *flow)
{
        static const uint8_t ports[] = { 0x80, 0x09, 0x00, 0x09 }; /* to discard (RFC 863) */
        uint16_t length = (uint16_t)(flow->size - ETH_SIZE);

        memset(frame, 0, flow->size);
        memcpy(frame + ETH_TO, flow->to, 6);
        memcpy(frame + ETH_FROM, flow->from, 6);
        put16(frame + ETH_TYPE, 0x0800);
        frame[IP_VERSION] = 0x45;
        put16(frame + IP_LENGTH, length);
        frame[IP_TTL] = 64;
        frame[IP_PROTOCOL] = 17;
        put32(frame + IP_FROM, 0xc6120001); /* 198.18.0.1 */
        put32(frame + IP_TO, 0xc6120002);
        memcpy(frame + UDP_PORTS, ports, sizeof(ports));
        put16(frame + UDP_LENGTH, (uint16_t)(length - IP_SIZE));
        for (size_t i = PACKET_NUMBER_AT + 8; i < flow->size; i++)
                frame[i] = (uint8_t)i;
        memcpy(frame + UDP_END, mark, sizeof(mark));
        if (flow->checksum) {
                /* The card adds what UDP covers to what stands here: the pseudo header's part (RFC 768). */
                uint8_t pseudo[12] = { 198, 18, 0, 1, 198, 18, 0, 2, 0, 17 };

                put16(pseudo + 10, (uint16_t)(length - IP_SIZE));
                put_checksum(frame + UDP_CHECKSUM, (uint16_t)~packet_checksum(pseudo, sizeof(pseudo), 0));
        } else {
                /* Of UDP none: 0 says so. */
                put_checksum(frame + IP_CHECKSUM, packet_checksum(frame + IP_VERSION, IP_SIZE, 0));
        }
}

void packet_set_number(uint8_t *frame, uint64_t number)
{
        number = htobe64(number);
        memcpy(frame + PACKET_NUMBER_AT, &number, 8);
}

bool packet_number(const uint8_t *frame, size_t size, uint64_t *ret_number)
{
        uint64_t number;

        if (size < FRAME_MIN || memcmp(frame + UDP_END, mark, sizeof(mark)) != 0 ||
            get16(frame + ETH_TYPE) != 0x0800)
                return false;
        memcpy(&number, frame + PACKET_NUMBER_AT, 8);
        *ret_number = be64toh(number);
        return true;
}
