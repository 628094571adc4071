/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answers ARP and ping for one address: a network stack of one page. */

#include <stdio.h>

#include "app.h"
#include "packet.h"

static int echo(struct app *app)
{
        struct e1000e *card = app->ports.cards[0];
        struct packet_host host = { .ip = app->options.ip };
        struct e1000e_frame frames[BURST];
        uint64_t other = 0;

        for (int i = 0; i < 6; i++)
                host.mac[i] = e1000e_mac(card)[i];
        while (app_goes_on(app)) {
                unsigned int n = e1000e_receive(card, frames, BURST), answers = 0;

                if (n == 0) {
                        app_idle(app, E1000E_RX);
                        continue;
                }
                app_busy(app);
                for (unsigned int i = 0; i < n; i++) {
                        uint32_t size = (uint32_t)packet_answer(frames[i].data, frames[i].size, &host);

                        if (size) {
                                frames[answers++] = (struct e1000e_frame){ frames[i].data, size, 0 };
                                app->bytes += size;
                        } else {
                                buffers_put(&app->ports.buffers, frames[i].data);
                                other++;
                        }
                }
                app->packets += answers;
                app_send(app, card, frames, answers);
        }
        app_flush(app, card);
        snprintf(app->note, sizeof(app->note),
                 app->options.json ? ",\"not_answered\":%llu,\"interrupts\":%llu"
                                   : ", %llu not answered, %llu interrupts",
                 (unsigned long long)other, (unsigned long long)e1000e_stats(card)->interrupts);
        return 0;
}

static const struct program program = {
        .name = "e1000e-echo",
        .arguments = "[ADDRESS] --ip A.B.C.D [OPTION…]",
        .text = "Drives an Intel 82574L (QEMU: e1000e) in this process, and answers ARP and ping for an "
                "address.\n"
                "ADDRESS is that of the card, bound to vfio-pci: 0000:01:00.0. Without it, the card and a "
                "buffer\n"
                "named dma are taken that `iommuctl dma map ADDRESS --buffer dma:4M -- e1000e-echo …` hands "
                "over.\n"
                "The report counts answers.\n"
                "\n"
                "  --ip A.B.C.D          the address to answer for\n",
        .options = OPTION_IP,
        .n_addresses = 1,
        .work = echo,
};

int main(int argc, char **argv)
{
        return app_main(&program, argc, argv);
}
