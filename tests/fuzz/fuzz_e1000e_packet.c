/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A frame from the wire, as e1000e-echo gets it: whatever is in it, an answer is well-formed, and goes to who
 * asked. */
#include "fuzz.h"

#include "../../examples/e1000e/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct packet_host host = { { 0x52, 0x54, 0, 0, 0, 7 }, 0xc0000202 };
        size_t room = size < FRAME_MIN ? FRAME_MIN : size, answer;
        uint8_t *frame = malloc(room);
        uint64_t number;

        MUST(frame);
        memset(frame, 0xdb, room);
        memcpy(frame, data, size);
        packet_number(frame, size, &number);
        answer = packet_answer(frame, size, &host);
        MUST(answer == 0 || (answer >= FRAME_MIN && answer <= room));
        if (answer) {
                MUST(!memcmp(frame, data + 6, 6) && !memcmp(frame + 6, host.mac, 6) && !(frame[0] & 1));
                MUST(!memcmp(frame + 12, "\x08\x06", 2) ||
                     (!memcmp(frame + 12, "\x08\x00", 2) && packet_checksum(frame + 14, 20, 0) == 0));
        } else {
                MUST(!memcmp(frame, data, size));
        }
        free(frame);
        return 0;
}
