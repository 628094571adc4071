/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interrupts: three vectors of MSI-X (datasheet, section 7.4), which are let through only while we sleep.
 *
 * A burst that finds frames needs none. Only when there is nothing left the causes are unmasked, the rings
 * looked at once more (what came in between would not fire again), and then we sleep. The message masks its
 * own cause, so a flood of frames is one interrupt. How soon one may follow the other adapts to what comes:
 * at once for single frames, 4000 a second for a stream, between them for the rest. */

#include <errno.h>
#include <poll.h>

#include "card.h"

#define IRQ_CAUSES (IRQ_RXQ0 | IRQ_TXQ0 | IRQ_OTHER)

/* Interrupts a second, as the interval that EITR wants: units of 256 ns. */
#define EITR_PER_SECOND(n) (1000000000u / 256 / (n))

static const struct {
        uint32_t interval;
} levels[] = {
        { EITR_PER_SECOND(70000) }, /* single frames: answer soon */
        { EITR_PER_SECOND(20000) },
        { EITR_PER_SECOND(4000) }, /* a stream: many at a time */
};

/* One level up or down, by what came between two sleeps. */
static unsigned int next_level(unsigned int level, uint32_t packets, uint32_t bytes)
{
        bool stream = packets > 32 || bytes > 16384, single = packets <= 4 && bytes < 4096;

        if (stream && level < 2)
                return level + 1;
        return single && level > 0 ? level - 1 : level;
}

static void moderate(struct e1000e *card)
{
        unsigned int level = next_level(card->moderation, card->moderation_packets, card->moderation_bytes);

        card->moderation_packets = card->moderation_bytes = 0;
        if (level == card->moderation)
                return;
        card->moderation = level;
        reg_write(card, REG_EITR(VECTOR_RX), levels[level].interval);
}

int irq_start(struct e1000e *card)
{
        int r = iommuctl_irq_new(card->device, IOMMUCTL_IRQ_MSIX, 0, N_VECTORS, &card->irq);

        if (r < 0)
                return r;
        reg_write(card, REG_IVAR,
                  (IVAR_VALID | VECTOR_RX) << IVAR_RXQ0 | (IVAR_VALID | VECTOR_TX) << IVAR_TXQ0 |
                          (IVAR_VALID | VECTOR_OTHER) << IVAR_OTHER);
        card->moderation = 0;
        for (uint32_t v = 0; v < N_VECTORS; v++)
                reg_write(card, REG_EITR(v), levels[0].interval);
        reg_write(card, REG_EIAC, IRQ_CAUSES);
        reg_write(card, REG_CTRL_EXT, reg_read(card, REG_CTRL_EXT) | CTRL_EXT_EIAME | CTRL_EXT_PBA_CLR);
        return 0;
}

void irq_stop(struct e1000e *card)
{
        iommuctl_irq_free(card->irq);
        card->irq = NULL;
}

/* What fired for frames that are long taken must not fire now: cleared before it is let through, and whoever
 * comes after that is seen in the ring or heard. */
static void unmask(struct e1000e *card, unsigned int events)
{
        uint32_t causes = (events & E1000E_RX ? IRQ_RXQ0 : 0) | (events & E1000E_TX ? IRQ_TXQ0 : 0);

        reg_write(card, REG_ICR, causes);
        reg_write(card, REG_IMS, IRQ_OTHER | IRQ_LSC | causes);
}

/* Takes the counts of those vectors that fired. */
static void take(struct e1000e *card, const struct pollfd *fds)
{
        for (unsigned int v = 0; v < N_VECTORS; v++) {
                uint64_t count;

                if (!fds[v].revents || iommuctl_irq_wait(card->irq, v, 0, &count) < 0)
                        continue;
                card->stats.interrupts += count;
                if (v == VECTOR_OTHER)
                        reg_write(card, REG_ICR, ~(IRQ_RXQ0 | IRQ_TXQ0)); /* the causes behind it */
        }
}

int e1000e_wait(struct e1000e *const *cards, unsigned int n, unsigned int events, int fd, int timeout_ms)
{
        enum { FDS = N_VECTORS + 1 }; /* of each card */
        struct pollfd fds[2 * FDS + 1];

        if (n == 0 || n > 2)
                return -EINVAL;
        if (!cards[0]->irq)
                return 0;
        for (unsigned int i = 0; i < n; i++) {
                for (unsigned int v = 0; v < N_VECTORS; v++)
                        fds[i * FDS + v] = (struct pollfd){ iommuctl_irq_fd(cards[i]->irq, v), POLLIN, 0 };
                fds[i * FDS + N_VECTORS] = (struct pollfd){ iommuctl_unplug_fd(cards[i]->unplug), POLLIN, 0 };
                moderate(cards[i]);
                unmask(cards[i], events);
        }
        fds[n * FDS] = (struct pollfd){ fd, POLLIN, 0 };
        for (unsigned int i = 0; i < n; i++) {
                if (rings_ready(cards[i], events))
                        timeout_ms = 0;
        }
        if (poll(fds, n * FDS + 1, timeout_ms) < 0)
                return errno == EINTR ? 0 : -errno;
        for (unsigned int i = 0; i < n; i++)
                take(cards[i], &fds[i * FDS]);
        return 0;
}
