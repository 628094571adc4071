/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What e1000e-echo answers and what not, the checksum below it, the frames of e1000e-gen, and command lines.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/e1000e/options.h"
#include "../../examples/e1000e/packet.h"

static const struct packet_host host = { { 0x52, 0x54, 0, 0, 0, 7 }, 0xc0000202 }; /* 192.0.2.2 */

static const uint8_t arp_request[42] = { 255, 255, 255, 255, 255, 255, 0x52, 0x54, 0,    0,    0,   6, 8, 6,
                                         0,   1,   8,   0,   6,   4,   0,    1,    0x52, 0x54, 0,   0, 0, 6,
                                         192, 0,   2,   1,   0,   0,   0,    0,    0,    0,    192, 0, 2, 2 };

/* An echo request with @size bytes behind its header; returns the frame's size. */
static size_t echo_request(uint8_t *frame, size_t size)
{
        static const uint8_t start[42] = { 0x52, 0x54, 0,   0, 0,    7,    0x52, 0x54, 0,  0, 0, 6, 8,   0,
                                           0x45, 0,    0,   0, 0x12, 0x34, 0x40, 0,    63, 1, 0, 0, 192, 0,
                                           2,    1,    192, 0, 2,    2,    8,    0,    0,  0, 1, 2, 3,   4 };
        uint16_t checksum;

        memcpy(frame, start, sizeof(start));
        frame[16] = (uint8_t)((28 + size) >> 8);
        frame[17] = (uint8_t)(28 + size);
        for (size_t i = 0; i < size; i++)
                frame[42 + i] = (uint8_t)(i * 31 + 7);
        checksum = packet_checksum(frame + 14, 20, 0);
        memcpy(frame + 24, &checksum, 2);
        checksum = packet_checksum(frame + 34, 8 + size, 0);
        memcpy(frame + 36, &checksum, 2);
        return 42 + size;
}

static void resum(uint8_t *frame)
{
        uint16_t checksum;

        memset(frame + 24, 0, 2);
        checksum = packet_checksum(frame + 14, 20, 0);
        memcpy(frame + 24, &checksum, 2);
}

/* By its definition: 16-bit words, big endian, added with the carry coming round (RFC 1071). */
static uint16_t plain_checksum(const uint8_t *p, size_t size)
{
        uint32_t sum = 0;

        for (size_t i = 0; i < size; i++)
                sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t)~sum;
}

static void test_checksum(void **state)
{
        /* RFC 1071, section 3: these bytes add up to ddf2. */
        static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
        uint64_t random = 4711;
        uint8_t bytes[1600], wanted[2];
        uint16_t sum;

        (void)state;
        sum = packet_checksum(example, sizeof(example), 0);
        assert_memory_equal(&sum, "\x22\x0d", 2);
        for (size_t size = 0; size < sizeof(bytes); size++) {
                for (size_t i = 0; i < size; i++)
                        bytes[i] = (uint8_t)(size % 3 ? unit_random(&random) : 255);
                sum = packet_checksum(bytes, size, 0);
                wanted[0] = (uint8_t)(plain_checksum(bytes, size) >> 8);
                wanted[1] = (uint8_t)plain_checksum(bytes, size);
                assert_memory_equal(&sum, wanted, 2);
        }
}

static void test_arp(void **state)
{
        uint8_t frame[64];

        (void)state;
        memset(frame, 0xee, sizeof(frame));
        memcpy(frame, arp_request, sizeof(arp_request));
        assert_int_equal(packet_answer(frame, 42, &host), 60);
        assert_memory_equal(frame, "\x52\x54\0\0\0\6\x52\x54\0\0\0\7\x08\x06\0\1\x08\0\6\4\0\2", 22);
        assert_memory_equal(frame + 22, "\x52\x54\0\0\0\7\300\0\2\2\x52\x54\0\0\0\6\300\0\2\1", 20);
        for (int i = 42; i < 60; i++)
                assert_int_equal(frame[i], 0); /* nothing of what was there before goes out */
        assert_int_equal(frame[60], 0xee);
}

/* Each of these bytes matters: another value is another question. */
static void test_arp_not_ours(void **state)
{
        static const int matters[] = { 6, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 38, 39, 40, 41 };

        (void)state;
        for (size_t i = 0; i < sizeof(matters) / sizeof(matters[0]); i++) {
                uint8_t frame[64] = { 0 }, before[64];

                memcpy(frame, arp_request, sizeof(arp_request));
                frame[matters[i]] ^= 1;
                memcpy(before, frame, sizeof(frame));
                assert_int_equal(packet_answer(frame, 60, &host), 0);
                assert_memory_equal(frame, before, sizeof(frame));
        }
        for (size_t size = 0; size < 42; size++) {
                uint8_t *cut = malloc(size ? size : 1);

                memcpy(cut, arp_request, size);
                assert_int_equal(packet_answer(cut, size, &host), 0);
                free(cut);
        }
}

static void test_echo(void **state)
{
        (void)state;
        for (size_t size = 0; size <= 1472; size++) {
                uint8_t frame[1600], request[1600];
                size_t whole, wanted;

                memset(frame, 0xee, sizeof(frame));
                whole = echo_request(frame, size);
                memcpy(request, frame, sizeof(frame));
                wanted = whole < 60 ? 60 : whole;
                /* as the wire has it: padded to 60 */
                assert_int_equal(packet_answer(frame, wanted, &host), wanted);
                assert_memory_equal(frame, request + 6, 6);
                assert_memory_equal(frame + 6, request, 6);
                assert_memory_equal(frame + 26, request + 30, 4);
                assert_memory_equal(frame + 30, request + 26, 4);
                assert_int_equal(frame[22], 64);
                assert_int_equal(frame[34], 0);
                assert_int_equal(packet_checksum(frame + 14, 20, 0), 0);
                assert_int_equal(packet_checksum(frame + 34, 8 + size, 0), 0);
                assert_memory_equal(frame + 38, request + 38, 4 + size);
                for (size_t i = whole; i < 60; i++)
                        assert_int_equal(frame[i], 0);
                assert_int_equal(frame[1599], 0xee);
        }
}

/* Every bit of the headers but those that may be anything: TOS, identification, "do not fragment" and TTL,
 * all four covered by the checksum, which is then wrong; and of the payload. */
static void test_echo_with_any_bit_wrong(void **state)
{
        (void)state;
        for (int bit = 0; bit < (42 + 20) * 8; bit++) {
                uint8_t frame[128] = { 0 };
                size_t size = echo_request(frame, 20);

                frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
                /* the sender's address may be another one, but not a group's */
                if (bit / 8 >= 6 && bit / 8 < 12 && bit != 6 * 8)
                        assert_int_equal(packet_answer(frame, size, &host), size);
                else
                        assert_int_equal(packet_answer(frame, size, &host), 0);
        }
}

static void test_echo_refused(void **state)
{
        static const struct {
                int at;
                uint8_t value;
        } cases[] = {
                { 14, 0x46 }, /* options */
                { 14, 0x65 }, /* IPv6's version */
                { 20, 0x20 }, /* a fragment: more come */
                { 21, 0x01 }, /* a fragment: not the first one */
                { 23, 17 },   /* UDP */
                { 26, 224 },  /* from a group: who answers that floods it */
                { 26, 255 },  { 26, 127 }, { 26, 0 }, { 17, 255 }, /* longer than the frame */
                { 16, 255 },  { 17, 27 },                          /* shorter than its headers */
                { 33, 3 },                                         /* for somebody else */
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint8_t frame[128] = { 0 };
                size_t size = echo_request(frame, 20);

                frame[cases[i].at] = cases[i].value;
                resum(frame);
                assert_int_equal(packet_answer(frame, size, &host), 0);
        }
}

static void test_odd_frames(void **state)
{
        uint8_t frame[2048] = { 0 }, tagged[128] = { 0 };
        size_t size = echo_request(frame, 20);

        (void)state;
        memcpy(tagged, frame, 12);
        memcpy(tagged + 12, "\x81\0\0\5", 4); /* a VLAN's */
        memcpy(tagged + 16, frame + 12, size - 12);
        assert_int_equal(packet_answer(tagged, size + 4, &host), 0);
        echo_request(frame, 1473);
        assert_int_equal(packet_answer(frame, 1515, &host), 0); /* too long for an answer */
        for (size_t cut = 0; cut < 62; cut++) {
                uint8_t *less = malloc(cut ? cut : 1);

                echo_request(frame, 20);
                memcpy(less, frame, cut);
                assert_int_equal(packet_answer(less, cut, &host), 0);
                free(less);
        }
}

static void test_flow(void **state)
{
        struct packet_flow flow = { .from = { 2, 0, 0, 0, 0, 1 }, .to = { 2, 0, 0, 0, 0, 2 } };
        uint8_t frame[FRAME_MAX];
        uint64_t number;

        (void)state;
        for (flow.size = FRAME_MIN; flow.size <= FRAME_MAX; flow.size++) {
                packet_make(frame, &flow);
                packet_set_number(frame, 0x123456789abcdef0 + flow.size);
                assert_true(packet_number(frame, flow.size, &number));
                assert_int_equal(number, 0x123456789abcdef0 + flow.size);
                assert_int_equal(packet_checksum(frame + 14, 20, 0), 0);
                assert_int_equal(frame[16] << 8 | frame[17], flow.size - 14);
                assert_int_equal(frame[38] << 8 | frame[39], flow.size - 34);
                assert_int_equal(packet_answer(frame, flow.size, &host), 0);
        }
        assert_false(packet_number(frame, FRAME_MIN - 1, &number));
        frame[PACKET_MARK_AT] ^= 1;
        assert_false(packet_number(frame, FRAME_MIN, &number));
}

static int nothing(struct app *app)
{
        (void)app;
        return 0;
}

static const struct program one = { "one", "[ADDRESS]", "", OPTION_IP, 1, false, nothing };
static const struct program two = { "two", "A B", "", OPTION_SIZE | OPTION_PRIME, 2, false, nothing };
static const struct program three = { "three", "[ADDRESS]", "", OPTION_TO, 1, false, nothing };

/* @line: words with one space between. */
static int parse(const struct program *program, const char *line, struct options *ret, char *error)
{
        char *copy = strdup(line), *argv[32], *saved;
        int argc = 0, r;

        for (char *word = strtok_r(copy, " ", &saved); word; word = strtok_r(NULL, " ", &saved))
                argv[argc++] = word;
        argv[argc] = NULL;
        error[0] = '\0';
        r = options_parse(program, argc, argv, ret, error, 256);
        if (ret->n_addresses)
                ret->addresses[0] = NULL; /* lives in what is freed */
        free(copy);
        return r;
}

static void test_options(void **state)
{
        struct options o = { 0 };
        char error[256];

        (void)state;
        assert_int_equal(parse(&one, "one 0000:00:07.0 --ip 192.0.2.2", &o, error), 0);
        assert_true(o.ip == 0xc0000202 && o.n_addresses == 1 && o.ring == 128 && !o.count && !o.legacy);
        assert_int_equal(
                parse(&one,
                      "one --ip=10.0.0.1 --count 5 --seconds 0.5 --mode poll --descriptors legacy --ring 512 "
                      "--backend type1 --json --check",
                      &o, error),
                0);
        assert_true(o.count == 5 && o.seconds > 0.49 && o.seconds < 0.51 && o.mode == MODE_POLL && o.legacy &&
                    o.ring == 512);
        assert_true(o.backend == IOMMUCTL_BACKEND_TYPE1 && o.json && o.check && o.n_addresses == 0);
        assert_int_equal(parse(&one, "one --help", &o, error), 0);
        assert_true(o.help);
        assert_int_equal(parse(&two, "two a b --size 1514 --prime 32", &o, error), 0);
        assert_true(o.n_addresses == 2 && o.size == 1514 && o.prime == 32);
        assert_int_equal(parse(&three, "three --to 52:54:0:0:A:ff", &o, error), 0);
        assert_memory_equal(o.to, ((const uint8_t[]){ 0x52, 0x54, 0, 0, 10, 255 }), 6);
}

static void test_options_refused(void **state)
{
        static const struct {
                const struct program *program;
                const char *line, *error;
        } cases[] = {
                { &one, "one", "--ip is missing" },
                { &one, "one --ip", "needs a value" },
                { &one, "one --ip 224.0.0.1", "--ip: '224.0.0.1' is not possible" },
                { &one, "one --ip 192.0.2", "--ip: '192.0.2' is not possible" },
                { &one, "one --ip 1.2.3.4 --count 0", "--count: '0'" },
                { &one, "one --ip 1.2.3.4 --count -1", "--count: '-1'" },
                { &one, "one --ip 1.2.3.4 --count 99999999999999999999", "--count: '9" },
                { &one, "one --ip 1.2.3.4 --seconds 0", "--seconds: '0'" },
                { &one, "one --ip 1.2.3.4 --seconds 1e9", "--seconds: '1e9'" },
                { &one, "one --ip 1.2.3.4 --seconds 1.2.3", "--seconds: '1.2.3'" },
                { &one, "one --ip 1.2.3.4 --mode fast", "--mode: 'fast'" },
                { &one, "one --ip 1.2.3.4 --ring 100", "--ring: '100'" },
                { &one, "one --ip 1.2.3.4 --ring 1024", "--ring: '1024'" },
                { &one, "one --ip 1.2.3.4 --backend vfio", "--backend: 'vfio'" },
                { &one, "one --ip 1.2.3.4 --size 64", "unknown option '--size'" },
                { &one, "one --ip 1.2.3.4 --nothing", "unknown option '--nothing'" },
                { &one, "one --ip 1.2.3.4 -x", "unknown option '-x'" },
                { &one, "one --ip 1.2.3.4 -xyz", "unknown option '-x'" },
                { &one, "one --ip 1.2.3.4 --json=3", "unknown option '--json=3'" },
                { &one, "one --ip 1.2.3.4 a b", "'b' is one argument too many" },
                { &two, "two", "two cards are needed, 0 given" },
                { &two, "two a", "two cards are needed, 1 given" },
                { &two, "two a a", "two different cards" },
                { &two, "two a b --size 59", "--size: '59'" },
                { &two, "two a b --size 1515", "--size: '1515'" },
                { &two, "two a b --prime 0", "--prime: '0'" },
                { &three, "three --to 1:2:3:4:5", "--to: '1:2:3:4:5'" },
                { &three, "three --to 1:2:3:4:5:6:7", "--to: '1:2:3:4:5:6:7'" },
                { &three, "three --to -1:2:3:4:5:6", "--to: '-1:2:3:4:5:6'" },
                { &three, "three --to 1:+2:3:4:5:6", "--to: '1:+2:3:4:5:6'" },
                { &three, "three --to 1:2:3:4:5:0x", "--to: '1:2:3:4:5:0x'" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct options o = { .ring = 4711 };
                char error[256];

                assert_int_equal(parse(cases[i].program, cases[i].line, &o, error), -EINVAL);
                if (!strstr(error, cases[i].error))
                        fail_msg("'%s' says '%s'", cases[i].line, error);
                assert_int_equal(o.ring, 4711); /* untouched */
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_checksum),
                cmocka_unit_test(test_arp),
                cmocka_unit_test(test_arp_not_ours),
                cmocka_unit_test(test_echo),
                cmocka_unit_test(test_echo_with_any_bit_wrong),
                cmocka_unit_test(test_echo_refused),
                cmocka_unit_test(test_odd_frames),
                cmocka_unit_test(test_flow),
                cmocka_unit_test(test_options),
                cmocka_unit_test(test_options_refused),
        };

        return run_unit_tests("e1000e packets", tests);
}
