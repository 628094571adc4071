/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forwards between two cards. Both see the same memory, so a frame is not copied: the buffer that one card
 * received into is the one that the other sends from. */

#include <string.h>

#include "app.h"
#include "packet.h"

static unsigned int forward(struct app *app, unsigned int from)
{
        struct e1000e_frame frames[BURST];
        unsigned int n = e1000e_receive(app->ports.cards[from], frames, BURST);

        if (n == 0)
                return 0;
        for (unsigned int i = 0; i < n; i++) {
                frames[i].flags = 0;
                app->bytes += frames[i].size;
        }
        app->packets += n;
        app_send(app, app->ports.cards[!from], frames, n);
        return n;
}

/* Frames to begin with, where the other ends of both cards are one wire: they go round for ever. */
static void prime(struct app *app)
{
        struct packet_flow flow = { .size = app->options.size };

        memcpy(flow.from, e1000e_mac(app->ports.cards[0]), 6);
        memset(flow.to, 255, 6);
        for (unsigned int i = 0; i < app->options.prime; i++) {
                struct e1000e_frame frame = { buffers_get(&app->ports.buffers), app->options.size, 0 };

                if (!frame.data)
                        return;
                packet_make(frame.data, &flow);
                packet_set_number(frame.data, i);
                app_send(app, app->ports.cards[0], &frame, 1);
        }
}

static int bridge(struct app *app)
{
        app_await_links(app);
        prime(app);
        while (app_goes_on(app)) {
                unsigned int n = forward(app, 0);

                n += forward(app, 1);
                if (n == 0)
                        app_idle(app, E1000E_RX);
                else
                        app_busy(app);
        }
        app_flush(app, app->ports.cards[0]);
        app_flush(app, app->ports.cards[1]);
        return 0;
}

static const struct program program = {
        .name = "e1000e-bridge",
        .arguments = "ADDRESS ADDRESS [OPTION…]",
        .text = "Drives two Intel 82574L (QEMU: e1000e) in this process, and forwards what comes to the one "
                "through the\n"
                "other. ADDRESS is that of a card, bound to vfio-pci: 0000:01:00.0.\n"
                "\n"
                "  --prime N             begin by sending N frames through the first card\n"
                "  --size BYTES          of each of these, without its FCS: 60 to 1514 (default 64)\n",
        .options = OPTION_PRIME | OPTION_SIZE,
        .n_addresses = 2,
        .work = bridge,
};

int main(int argc, char **argv)
{
        return app_main(&program, argc, argv);
}
