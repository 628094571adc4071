/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the programs have in common: from the command line to the final report, with signals, time, link and a
 * card that goes away. */

#include "options.h"
#include "port.h"

#define BURST 64

struct app {
        const struct program *program;
        struct options options;
        struct ports ports;
        uint64_t packets, bytes; /* what the report counts, FCS not included */
        uint64_t dropped;
        double begin, now, next_tick; /* seconds */
        unsigned int empty;           /* bursts in a row that found nothing */
        unsigned int until_look;      /* bursts until the clock is looked at */
        bool link[2];
        int why_ended;  /* 0: as it was told to; else a negative errno */
        char note[256]; /* more for the report; with --json `"key":value` pairs with commas before */
};

int app_main(const struct program *program, int argc, char **argv);

/* Whether to go on: once a burst. */
bool app_goes_on(struct app *app);

/* Nothing came, or nothing could be sent: sleeps, as the mode says, until there are @events on one of the
 * cards. */
void app_idle(struct app *app, unsigned int events);

/* There was something. */
static inline void app_busy(struct app *app)
{
        app->empty = 0;
}

/* Sends all of them; what cannot be sent because the link is down or the program ends is dropped. */
void app_send(struct app *app, struct e1000e *card, const struct e1000e_frame *frames, unsigned int n);

/* Waits until the links of all cards are up; the time of the report begins then. What is sent before waits on
 * the card. */
void app_await_links(struct app *app);

/* Waits up to a second until all is on the wire. */
void app_flush(struct app *app, struct e1000e *card);
