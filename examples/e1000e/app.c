/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define TICK            0.1 /* seconds between looks at a card */
#define POLLS_TILL_IDLE 64  /* empty bursts before it sleeps, in adaptive mode */

/* A signal's mark; the descriptor ends a sleep that begins just then. */
static volatile sig_atomic_t signalled;
static int signal_fd = -1;

static void on_signal(int number)
{
        uint64_t one = 1;
        int saved = errno;

        signalled = number;
        if (write(signal_fd, &one, sizeof(one)) < 0)
                errno = saved;
}

/* Those that end a program, but for what whoever started it wants ignored (nohup). A reader of the report
 * that went away is a write error, and no end with the card at work. */
static int catch_signals(void)
{
        static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
        struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, before;

        signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (signal_fd < 0)
                return -errno;
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
                if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
                        sigaction(numbers[i], &action, NULL);
        }
        signal(SIGPIPE, SIG_IGN);
        return 0;
}

static double seconds_now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *card_name(const struct app *app, unsigned int i)
{
        return iommuctl_device_name(app->ports.devices[i]);
}

/* A few times a second: is each card there, what is its link like. */
static void look(struct app *app)
{
        for (unsigned int i = 0; i < app->ports.n; i++) {
                struct e1000e *card = app->ports.cards[i];
                enum e1000e_state state = e1000e_tick(card);

                if (state != E1000E_RUNNING) {
                        fprintf(stderr, "%s: %s %s\n", app->program->name, card_name(app, i),
                                state == E1000E_GONE ? "is gone"
                                                     : "is wanted back by the kernel: it was removed, or is "
                                                       "to have another driver");
                        app->why_ended = -ENODEV;
                        return;
                }
                if (e1000e_link(card) != app->link[i]) {
                        app->link[i] = e1000e_link(card);
                        if (app->link[i])
                                fprintf(stderr, "%s: %s: link up, %u Mb/s\n", app->program->name,
                                        card_name(app, i), e1000e_speed(card));
                        else
                                fprintf(stderr, "%s: %s: link down\n", app->program->name, card_name(app, i));
                }
        }
}

bool app_goes_on(struct app *app)
{
        if (signalled || app->why_ended || (app->options.count && app->packets >= app->options.count))
                return false;
        if (app->until_look-- > 0)
                return true;
        app->until_look = 63;
        app->now = seconds_now();
        if (app->options.seconds > 0 && app->now - app->begin >= app->options.seconds)
                return false;
        if (app->now >= app->next_tick) {
                app->next_tick = app->now + TICK;
                look(app);
        }
        return !app->why_ended;
}

void app_idle(struct app *app, unsigned int events)
{
        enum mode mode = app->options.mode;
        int r;

        if (mode == MODE_POLL || (mode == MODE_ADAPTIVE && app->empty++ < POLLS_TILL_IDLE))
                return;
        r = e1000e_wait(app->ports.cards, app->ports.n, events, signal_fd, (int)(TICK * 1000));
        app->until_look = 0;
        if (r < 0)
                app->why_ended = r;
}

void app_send(struct app *app, struct e1000e *card, const struct e1000e_frame *frames, unsigned int n)
{
        unsigned int sent = e1000e_transmit(card, frames, n);

        while (sent < n && app_goes_on(app) && e1000e_link(card)) {
                unsigned int more = e1000e_transmit(card, frames + sent, n - sent);

                if (more == 0)
                        app_idle(app, E1000E_TX);
                sent += more;
        }
        app->dropped += n - sent;
        for (; sent < n; sent++)
                iommuctl_pool_put(app->ports.cache, frames[sent].data);
}

void app_await_links(struct app *app)
{
        struct timespec t = { 0, 10000000 };

        while (!signalled && !app->why_ended && !(app->link[0] && (app->ports.n < 2 || app->link[1]))) {
                nanosleep(&t, NULL);
                look(app);
        }
        app->begin = app->now = seconds_now();
}

void app_flush(struct app *app, struct e1000e *card)
{
        double end = seconds_now() + 1;

        while (!app->why_ended && !e1000e_transmitted(card) && e1000e_link(card) && seconds_now() < end)
                look(app);
}

/* ---- from beginning to end ---- */

static int exit_status(int r)
{
        switch (r) {
        case 0:
                return 0;
        case -EDESTADDRREQ:
                return 2;
        case -ENODEV:
                return 4;
        case -EACCES:
        case -EPERM:
                return 5;
        default:
                return 1;
        }
}

static int say(const struct app *app, int status, const char *text)
{
        fprintf(stderr, "%s: %s\n", app->program->name, text);
        return status;
}

static void greet(const struct app *app)
{
        enum iommuctl_backend backend = iommuctl_container_backend(app->ports.container);

        for (unsigned int i = 0; i < app->ports.n; i++) {
                const uint8_t *mac = e1000e_mac(app->ports.cards[i]);

                fprintf(stderr, "%s: %s: %02x:%02x:%02x:%02x:%02x:%02x by %s, %s descriptors, link %s\n",
                        app->program->name, card_name(app, i), mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
                        iommuctl_backend_name(backend), app->options.legacy ? "legacy" : "extended",
                        app->link[i] ? "up" : "down");
        }
}

static int report(struct app *app, double seconds)
{
        double rate = seconds > 0 ? (double)app->packets / seconds : 0;
        unsigned long long packets = app->packets, bytes = app->bytes, dropped = app->dropped;

        if (app->options.json)
                printf("{\"schema_version\":1,\"program\":\"%s\",\"packets\":%llu,\"bytes\":%llu,\"seconds\":"
                       "%.6f,"
                       "\"packets_per_second\":%.0f,\"dropped\":%llu%s}\n",
                       app->program->name, packets, bytes, seconds, rate, dropped, app->note);
        else
                printf("%llu packets, %llu bytes, %.3f s, %.0f packets/s, %llu dropped%s\n", packets, bytes,
                       seconds, rate, dropped, app->note);
        return fflush(stdout) == 0 ? 0 : -errno;
}

static int run(struct app *app)
{
        const struct program *program = app->program;
        struct e1000e_options options = {
                .legacy = app->options.legacy,
                .interrupts = app->options.mode != MODE_POLL,
                .no_receive = program->sends_only,
                .promiscuous = program->n_addresses == 2,
                .ring_size = app->options.ring,
        };
        int r = ports_open(&app->ports, app->options.addresses, app->options.n_addresses,
                           app->options.backend, app->options.check, &options);

        if (r == 0)
                r = ports_start(&app->ports);
        if (r < 0)
                return say(app, exit_status(r), app->ports.error);
        for (unsigned int i = 0; i < app->ports.n; i++)
                app->link[i] = e1000e_link(app->ports.cards[i]);
        greet(app);
        app->begin = app->now = seconds_now();
        r = program->work(app);
        app->now = seconds_now();
        if (r == 0)
                r = app->why_ended;
        if (report(app, app->now - app->begin) < 0)
                return say(app, 1, "cannot write the report");
        return r == -ENODEV ? 1 : r < 0 ? say(app, exit_status(r), strerror(-r)) : 0;
}

int app_main(const struct program *program, int argc, char **argv)
{
        struct app *app = calloc(1, sizeof(*app));
        char error[256];
        int status;

        if (!app)
                return 1;
        app->program = program;
        if (options_parse(program, argc, argv, &app->options, error, sizeof(error)) < 0) {
                status = say(app, 2, error);
                fprintf(stderr, "usage: %s %s\n", program->name, program->arguments);
        } else if (app->options.help) {
                options_help(program);
                status = fflush(stdout) == 0 ? 0 : 1;
        } else if (catch_signals() < 0) {
                status = say(app, 1, "no descriptor for signals");
        } else {
                status = run(app);
                if (ports_close(&app->ports) < 0)
                        status = say(app, 1, app->ports.error);
        }
        free(app);
        return status;
}
