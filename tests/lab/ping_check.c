/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ping_check ADDRESS COUNT [SMALLEST LARGEST [AT-ONCE]]: sends COUNT ICMP echo requests, and compares each
 * answer's payload byte for byte with what was sent. Payload sizes go round from SMALLEST to LARGEST (0 to
 * 1472), up to AT-ONCE (32) requests are on their way. Ends with 0 where each was answered once and equal. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IP_HEADER   20
#define ICMP_HEADER 8
#define WAIT_MS     5000

struct check {
        int fd;
        uint16_t id;
        unsigned int count, smallest, largest, at_once;
        unsigned int sent, equal, different, again;
        unsigned char *answered; /* by number */
        unsigned int first_open; /* all before it are answered */
};

static unsigned int size_of(const struct check *c, unsigned int number)
{
        return c->smallest + number % (c->largest - c->smallest + 1);
}

/* Bytes that no other request has in these places. */
static void payload(unsigned char *out, unsigned int size, unsigned int number)
{
        uint32_t x = number * 2654435761u + 1;

        for (unsigned int i = 0; i < size; i++) {
                x = x * 1664525u + 1013904223u;
                out[i] = (unsigned char)(x >> 24);
        }
}

static uint16_t checksum(const unsigned char *p, unsigned int size)
{
        uint32_t sum = 0;

        for (unsigned int i = 0; i < size; i += 2)
                sum += (uint32_t)p[i] << 8 | (i + 1 < size ? p[i + 1] : 0);
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t)~sum;
}

static int send_one(struct check *c)
{
        unsigned int size = size_of(c, c->sent);
        unsigned char packet[ICMP_HEADER + 1472] = { 8,
                                                     0,
                                                     0,
                                                     0,
                                                     (unsigned char)(c->id >> 8),
                                                     (unsigned char)c->id,
                                                     (unsigned char)(c->sent >> 8),
                                                     (unsigned char)c->sent };
        uint16_t sum;

        payload(packet + ICMP_HEADER, size, c->sent);
        sum = checksum(packet, ICMP_HEADER + size);
        packet[2] = (unsigned char)(sum >> 8);
        packet[3] = (unsigned char)sum;
        if (send(c->fd, packet, ICMP_HEADER + size, 0) < 0)
                return errno == ENOBUFS ? 0 : -errno;
        c->sent++;
        return 1;
}

/* The number of an answer: 16 bits of it came back, the rest follows from what is on its way. */
static unsigned int number_of(const struct check *c, uint16_t low)
{
        return c->first_open + (uint16_t)(low - (uint16_t)c->first_open);
}

static void take_one(struct check *c, const unsigned char *packet, ssize_t size)
{
        unsigned char wanted[1472];
        unsigned int number, length;

        if (size < IP_HEADER + ICMP_HEADER || packet[IP_HEADER] != 0 ||
            (packet[IP_HEADER + 4] << 8 | packet[IP_HEADER + 5]) != c->id)
                return;
        number = number_of(c, (uint16_t)(packet[IP_HEADER + 6] << 8 | packet[IP_HEADER + 7]));
        if (number >= c->sent || c->answered[number]) {
                c->again++;
                return;
        }
        c->answered[number] = 1;
        length = size_of(c, number);
        payload(wanted, length, number);
        if (size == (ssize_t)(IP_HEADER + ICMP_HEADER + length) &&
            checksum(packet + IP_HEADER, ICMP_HEADER + length) == 0 &&
            memcmp(packet + IP_HEADER + ICMP_HEADER, wanted, length) == 0)
                c->equal++;
        else
                c->different++;
        while (c->first_open < c->sent && c->answered[c->first_open])
                c->first_open++;
}

static int run(struct check *c)
{
        unsigned char packet[2048];

        while (c->equal + c->different < c->count) {
                struct pollfd p = { c->fd, POLLIN, 0 };
                ssize_t n;
                int r;

                while (c->sent < c->count && c->sent - c->first_open < c->at_once) {
                        r = send_one(c);
                        if (r < 0)
                                return r;
                        if (r == 0)
                                break;
                }
                r = poll(&p, 1, WAIT_MS);
                if (r <= 0)
                        return r < 0 ? -errno : -ETIMEDOUT;
                while ((n = recv(c->fd, packet, sizeof(packet), MSG_DONTWAIT)) > 0)
                        take_one(c, packet, n);
        }
        return 0;
}

static unsigned int argument(int argc, char **argv, int i, unsigned int otherwise)
{
        return i < argc ? (unsigned int)strtoul(argv[i], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
        struct check c = { .id = (uint16_t)getpid(),
                           .smallest = argument(argc, argv, 3, 0),
                           .largest = argument(argc, argv, 4, 1472),
                           .at_once = argument(argc, argv, 5, 32) };
        struct sockaddr_in to = { .sin_family = AF_INET };
        int room = 4 << 20, r;

        if (argc < 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || c.smallest > c.largest ||
            c.largest > 1472)
                return fprintf(stderr, "usage: ping_check ADDRESS COUNT [SMALLEST LARGEST [AT-ONCE]]\n"), 2;
        c.count = argument(argc, argv, 2, 1);
        c.answered = calloc(c.count + 1, 1);
        c.fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
        if (c.fd < 0 || !c.answered || connect(c.fd, (struct sockaddr *)&to, sizeof(to)) < 0)
                return perror("ping_check"), 2;
        setsockopt(c.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
        r = run(&c);
        printf("%u sent, %u equal, %u different, %u lost, %u twice%s%s\n", c.sent, c.equal, c.different,
               c.sent - c.equal - c.different, c.again, r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");
        free(c.answered);
        close(c.fd);
        return r == 0 && c.equal == c.count && c.again == 0 ? 0 : 1;
}
