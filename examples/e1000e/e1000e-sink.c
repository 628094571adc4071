/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts what comes, and what is missing of what e1000e-gen numbered. */

#include <stdio.h>

#include "app.h"
#include "packet.h"

struct seen {
        uint64_t numbered, expected, lost, disordered, bad_checksums;
};

static void look_at(struct seen *seen, const struct e1000e_frame *frame)
{
        uint64_t number;

        if (frame->flags & E1000E_CHECKSUM_BAD)
                seen->bad_checksums++;
        if (!packet_number(frame->data, frame->size, &number))
                return;
        if (seen->numbered++ > 0) {
                if (number > seen->expected)
                        seen->lost += number - seen->expected;
                else if (number < seen->expected)
                        seen->disordered++;
        }
        seen->expected = number + 1;
}

static int sink(struct app *app)
{
        struct e1000e *card = app->ports.cards[0];
        struct e1000e_frame frames[BURST];
        struct seen seen = { 0 };

        while (app_goes_on(app)) {
                unsigned int n = e1000e_receive(card, frames, BURST);

                if (n == 0) {
                        app_idle(app, E1000E_RX);
                        continue;
                }
                app_busy(app);
                for (unsigned int i = 0; i < n; i++) {
                        look_at(&seen, &frames[i]);
                        app->bytes += frames[i].size;
                        buffers_put(&app->ports.buffers, frames[i].data);
                }
                app->packets += n;
        }
        snprintf(app->note, sizeof(app->note),
                 app->options.json
                         ? ",\"numbered\":%llu,\"lost\":%llu,\"disordered\":%llu,\"bad_checksums\":%llu"
                         : ", %llu numbered, %llu lost, %llu out of order, %llu bad checksums",
                 (unsigned long long)seen.numbered, (unsigned long long)seen.lost,
                 (unsigned long long)seen.disordered, (unsigned long long)seen.bad_checksums);
        return 0;
}

static const struct program program = {
        .name = "e1000e-sink",
        .arguments = "[ADDRESS] [OPTION…]",
        .text = "Drives an Intel 82574L (QEMU: e1000e) in this process, and counts the frames that come; of "
                "those that\n"
                "e1000e-gen numbered also which are missing.\n"
                "ADDRESS is that of the card, bound to vfio-pci: 0000:01:00.0. Without it, the card and a "
                "buffer\n"
                "named dma are taken that `iommuctl dma map ADDRESS --buffer dma:4M -- e1000e-sink …` hands "
                "over.\n",
        .n_addresses = 1,
        .work = sink,
};

int main(int argc, char **argv)
{
        return app_main(&program, argc, argv);
}
