/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The made-up clock: it moves when someone sleeps or waits, and runs what a test has planned on the way. */
#include "fake_internal.h"

#include <stdlib.h>

void fake_at(struct fake *m, uint64_t ns, void (*fn)(struct fake *m, void *userdata), void *userdata)
{
        struct fake_event *e = fake_zalloc(sizeof(*e)), **p = &m->events;

        e->at = m->now + ns;
        e->fn = fn;
        e->userdata = userdata;
        while (*p && (*p)->at <= e->at)
                p = &(*p)->next;
        e->next = *p;
        *p = e;
}

bool fake_next_event(struct fake *m, uint64_t limit)
{
        struct fake_event *e = m->events;

        if (!e || e->at > limit)
                return false;
        m->events = e->next;
        m->now = MAX(m->now, e->at);
        e->fn(m, e->userdata);
        free(e);
        return true;
}

void fake_advance(struct fake *m, uint64_t until)
{
        while (fake_next_event(m, until))
                ;
        m->now = MAX(m->now, until);
}
