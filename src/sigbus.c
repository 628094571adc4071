/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sigbus.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/macro.h"

/* A place for one area. Places are used again and never freed: the handler reads them without a lock, in any
 * thread. VERSION is odd while the place is being changed. */
struct sigbus_guard {
        unsigned int version;
        bool used; /* with the lock */
        struct sigbus_area area;
};

struct places {
        struct places *next;
        struct sigbus_guard place[32];
};

static struct places first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over all below, and over changes of places */
static unsigned int users;
static bool installed;
static struct sigaction previous;

int sigbus_replace(const struct sigbus_area *area, size_t at, size_t length)
{
        for (size_t done = 0; done < length;) {
                size_t n = MIN(area->ones_size, length - done);
                void *map;
                int r;

                r = area->k->ops->mmap(area->k, (char *)area->start + at + done, n, area->prot | PROT_READ,
                                       MAP_PRIVATE | MAP_FIXED, area->ones_fd, 0, &map);
                if (r < 0)
                        return r;
                done += n;
        }
        return 0;
}

/* A copy of the place's area, where it holds the address and was not changed meanwhile. */
static bool holds(const struct sigbus_guard *g, uintptr_t address, struct sigbus_area *ret_area)
{
        unsigned int version = __atomic_load_n(&g->version, __ATOMIC_ACQUIRE);

        if (version & 1)
                return false;
        *ret_area = g->area;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        return __atomic_load_n(&g->version, __ATOMIC_RELAXED) == version && ret_area->length > 0 &&
               address - (uintptr_t)ret_area->start < ret_area->length;
}

static bool find(uintptr_t address, struct sigbus_area *ret_area)
{
        for (const struct places *p = &first; p; p = __atomic_load_n(&p->next, __ATOMIC_ACQUIRE))
                for (size_t i = 0; i < ARRAY_SIZE(p->place); i++)
                        if (holds(&p->place[i], address, ret_area))
                                return true;
        return false;
}

/* What the signal would have done without us. */
static void hand_on(int number, siginfo_t *info, void *context)
{
        const struct sigaction was = previous;
        const bool sent = info->si_code <= 0; /* by kill(2) and its kin, not by touching memory */

        if (was.sa_flags & SA_SIGINFO) {
                was.sa_sigaction(number, info, context);
                return;
        }
        if (was.sa_handler == SIG_IGN && sent)
                return;
        if (was.sa_handler != SIG_DFL && was.sa_handler != SIG_IGN) {
                was.sa_handler(number);
                return;
        }
        /* The access is made again as this returns, and ends the process where it stands. */
        signal(number, SIG_DFL);
        if (sent)
                raise(number);
}

static void handler(int number, siginfo_t *info, void *context)
{
        const uintptr_t address = (uintptr_t)info->si_addr;
        const int error = errno;
        struct sigbus_area area;
        size_t at;

        if (info->si_code == BUS_ADRERR && find(address, &area)) {
                at = (address - (uintptr_t)area.start) / area.ones_size * area.ones_size;
                __atomic_store_n(area.lost, true, __ATOMIC_RELEASE);
                if (sigbus_replace(&area, at, MIN(area.ones_size, area.length - at)) == 0) {
                        errno = error;
                        return;
                }
        }
        hand_on(number, info, context);
        errno = error;
}

/* With the lock. Where someone's handler was put over ours, it hands on to ours: putting ours over it again
 * would go in a circle. */
static int install(struct kernel *k)
{
        struct sigaction action = { .sa_sigaction = handler };
        int r;

        if (installed)
                return 0;
        r = k->ops->sigaction(k, SIGBUS, NULL, &previous);
        if (r < 0)
                return r;
        action.sa_mask = previous.sa_mask;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous.sa_flags & (SA_NODEFER | SA_RESTART));
        r = k->ops->sigaction(k, SIGBUS, &action, NULL);
        if (r < 0)
                return r;
        installed = true;
        return 0;
}

static void uninstall(struct kernel *k)
{
        struct sigaction now;

        if (k->ops->sigaction(k, SIGBUS, NULL, &now) < 0 || !(now.sa_flags & SA_SIGINFO) ||
            now.sa_sigaction != handler)
                return;
        if (k->ops->sigaction(k, SIGBUS, &previous, NULL) == 0)
                installed = false;
}

static struct sigbus_guard *find_place(void)
{
        struct places *last = &first;

        for (struct places *p = &first; p; last = p, p = p->next)
                for (size_t i = 0; i < ARRAY_SIZE(p->place); i++)
                        if (!p->place[i].used)
                                return &p->place[i];
        {
                struct places *more = calloc(1, sizeof(*more));

                if (!more)
                        return NULL;
                __atomic_store_n(&last->next, more, __ATOMIC_RELEASE);
                return &more->place[0];
        }
}

static void set(struct sigbus_guard *g, const struct sigbus_area *area)
{
        __atomic_store_n(&g->version, g->version + 1, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        g->area = *area;
        __atomic_store_n(&g->version, g->version + 1, __ATOMIC_RELEASE);
}

int sigbus_guard(const struct sigbus_area *area, struct sigbus_guard **ret_guard)
{
        struct sigbus_guard *g;
        int r;

        pthread_mutex_lock(&lock);
        g = find_place();
        r = g ? install(area->k) : -ENOMEM;
        if (r >= 0) {
                set(g, area);
                g->used = true;
                users++;
                *ret_guard = g;
        }
        pthread_mutex_unlock(&lock);
        return r;
}

void sigbus_unguard(struct sigbus_guard *g)
{
        struct kernel *k;

        if (!g)
                return;
        pthread_mutex_lock(&lock);
        k = g->area.k;
        set(g, &(struct sigbus_area){ .length = 0 });
        g->used = false;
        if (--users == 0)
                uninstall(k);
        pthread_mutex_unlock(&lock);
}
