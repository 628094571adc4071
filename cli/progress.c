/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "progress.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define EVERY_NS 200000000
#define BAR      24
/* "[", the bar, "] 100 % " */
#define BESIDE 34

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void progress_begin(struct progress *p, const struct cli *cli)
{
        const char *term = getenv("TERM");

        *p = (struct progress){ 0 };
        p->shown = isatty(STDERR_FILENO) && term && !streq(term, "dumb") && !cli->quiet && !cli->json;
}

/* Columns left for words: a line that is folded could not be drawn over. */
static int room(void)
{
        struct winsize size;

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return 80 - BESIDE;
        return size.ws_col > BESIDE ? size.ws_col - BESIDE : 0;
}

void progress_show(struct progress *p, double part, bool now, const char *doing)
{
        static const char full[] = "########################", empty[] = "------------------------";
        int done = (int)(part * BAR);
        uint64_t time;

        if (!p->shown)
                return;
        time = now_ns();
        if (!now && p->drawn_ns && time - p->drawn_ns < EVERY_NS)
                return;
        p->drawn_ns = time;
        done = MAX(done, 0);
        done = MIN(done, BAR);
        fprintf(stderr, "\r\033[K[%.*s%.*s] %3d %% %.*s", done, full, BAR - done, empty, (int)(part * 100),
                room(), doing);
        fflush(stderr);
}

void progress_clear(struct progress *p)
{
        if (!p->shown || !p->drawn_ns)
                return;
        fputs("\r\033[K", stderr);
        fflush(stderr);
        p->drawn_ns = 0;
}
