/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends numbered UDP frames as fast as it goes, or at a rate. */

#include <string.h>

#include "app.h"
#include "packet.h"

/* How many frames are due. What could not be sent in time is forgotten but for a burst, so that a machine
 * that was held up does not flood the receiver afterwards: FORGOTTEN is how many were. */
static unsigned int due(const struct app *app, uint64_t *forgotten)
{
        const struct options *o = &app->options;
        uint64_t n = BURST;

        if (o->count && o->count - app->packets < n)
                n = o->count - app->packets;
        if (o->rate) {
                uint64_t by_now = (uint64_t)((double)o->rate * (app->now - app->begin)) + 1 - *forgotten;
                uint64_t late = by_now > app->packets ? by_now - app->packets : 0;

                if (late > BURST)
                        *forgotten += late - BURST;
                n = late < n ? late : n;
        }
        return (unsigned int)n;
}

/* Gives up to @n frames a buffer. A buffer keeps what was in it while it was sent: the whole frame is written
 * only where that was something else, and later just its number. */
static unsigned int prepare(struct app *app, const struct packet_flow *flow, struct e1000e_frame *frames,
                            unsigned int n)
{
        uint32_t size = (uint32_t)flow->size, flags = flow->checksum ? E1000E_UDP_CHECKSUM : 0;

        for (unsigned int i = 0; i < n; i++) {
                void *buffer = iommuctl_pool_get(app->ports.cache);

                if (!buffer)
                        return i;
                if (!packet_has_mark(buffer))
                        packet_make(buffer, flow);
                frames[i] = (struct e1000e_frame){ buffer, size, flags };
        }
        return n;
}

static int generate(struct app *app)
{
        struct e1000e *card = app->ports.cards[0];
        struct packet_flow flow = { .size = app->options.size, .checksum = app->options.checksum };
        struct e1000e_frame frames[BURST];
        uint64_t forgotten = 0;
        unsigned int ready = 0; /* frames that have a buffer and were not sent yet */

        memcpy(flow.from, e1000e_mac(card), 6);
        memcpy(flow.to, app->options.to, 6);
        app_await_links(app);
        while (app_goes_on(app)) {
                unsigned int n = due(app, &forgotten), sent;

                if (ready < n)
                        ready += prepare(app, &flow, frames + ready, n - ready);
                n = n < ready ? n : ready;
                for (unsigned int i = 0; i < n; i++)
                        packet_set_number(frames[i].data, app->packets + i);
                sent = e1000e_transmit(card, frames, n);
                if (sent == 0) {
                        if (n > 0 || !app->options.rate)
                                app_idle(app, E1000E_TX);
                        else
                                app->until_look = 0; /* wait for the clock */
                        continue;
                }
                app_busy(app);
                app->packets += sent;
                ready -= sent;
                for (unsigned int i = 0; i < ready; i++)
                        frames[i] = frames[i + sent];
        }
        while (ready > 0)
                iommuctl_pool_put(app->ports.cache, frames[--ready].data);
        app_flush(app, card);
        app->bytes = app->packets * app->options.size;
        return 0;
}

static const struct program program = {
        .name = "e1000e-gen",
        .arguments = "[ADDRESS] [OPTION…]",
        .text = "Drives an Intel 82574L (QEMU: e1000e) in this process, and sends numbered UDP frames.\n"
                "ADDRESS is that of the card, bound to vfio-pci: 0000:01:00.0. Without it, the card and a "
                "buffer\n"
                "named dma are taken that `iommuctl dma map ADDRESS --buffer dma:4M -- e1000e-gen …` hands "
                "over.\n"
                "\n"
                "  --size BYTES          of each frame, without its FCS: 60 to 1514 (default 64)\n"
                "  --to MAC              whom it is for (default: all, ff:ff:ff:ff:ff:ff)\n"
                "  --rate N              frames a second (default: as many as go)\n"
                "  --checksum            checksums of IP and UDP, which the card puts in\n",
        .options = OPTION_SIZE | OPTION_CHECKSUM | OPTION_TO | OPTION_RATE,
        .n_addresses = 1,
        .sends_only = true,
        .work = generate,
};

int main(int argc, char **argv)
{
        return app_main(&program, argc, argv);
}
