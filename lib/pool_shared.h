/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of a pool that its threads share: which buffers are free that no cache has.
 *
 * What goes from one processor's cache to another's is what this costs, so an address is kept in 32 bits: how
 * many units it is from the first buffer, the largest units that the alignment allows.
 *
 * Free buffers are in batches of the size that caches move, and fewer than a batch are loose. A cache owns
 * one empty batch. To give, it fills that one and trades it for an empty one; to take, it trades it for a
 * full one, which it then empties. So what is done under the mutex is to change one pointer for another,
 * whatever a batch holds, and numbers are copied there only where they are odd.
 *
 * That makes the number of batches here a constant, count / size rounded up, and one array enough for full
 * and empty ones. When one is to be given there is always an empty one in it: all that is free, with what is
 * given, is count buffers at most.
 *
 * Why a mutex and no lock-free stack: it is taken once a batch, for the time of two cache misses. A stack
 * without a lock needs a counter beside its head, so that a thread that sleeps between its look and its
 * exchange does not take a stack that looks the same for one that is; no counter that fits beside an index in
 * 64 bits makes that impossible. A ring without a lock gives out the coldest buffers, and its threads wait
 * for one that sleeps in the middle just the same, but without the scheduler's knowing. */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The processor fetches lines in pairs; what two threads write is this far apart. */
#define POOL_APART 128
#define POOL_LINE  64

struct pool_shared {
        pthread_mutex_t lock;
        size_t n_free; /* read without the lock, too: a number that orders nothing */
        size_t n_full; /* so many of the batches are, the others are empty */

        size_t n_loose __attribute__((aligned(POOL_APART)));
        uint32_t *loose; /* less than a batch */
        uint32_t **batches;
        size_t n_batches;
        size_t count;      /* of all buffers */
        unsigned int size; /* of a batch */
        unsigned int unit; /* its logarithm */
        uint64_t base;     /* the first buffer */
} __attribute__((aligned(POOL_APART)));

/* N addresses into a batch, and out of it. */
void pool_shared_pack(const struct pool_shared *s, uint32_t *to, void *const *from, size_t n);
void pool_shared_unpack(const struct pool_shared *s, void **to, const uint32_t *from, size_t n);

/* For COUNT buffers, none of which is in it yet; base and unit are to be set before one is. 0 or -ENOMEM. */
int pool_shared_init(struct pool_shared *s, size_t count, unsigned int size);
void pool_shared_done(struct pool_shared *s);

/* An empty one for one more cache, which frees whichever it has at its end; NULL without memory. */
uint32_t *pool_batch_new(const struct pool_shared *s);

/* Takes an empty batch and returns a full one; NULL, and nothing is taken, where there is none. */
uint32_t *pool_shared_trade_for_full(struct pool_shared *s, uint32_t *empty);
/* Takes a full batch and returns an empty one. NULL, and nothing is taken, where more come back than there
 * are. */
uint32_t *pool_shared_trade_for_empty(struct pool_shared *s, uint32_t *full);

/* N buffers or none. */
bool pool_shared_take(struct pool_shared *s, void **buffers, size_t n);
/* As many as there are, up to N. */
size_t pool_shared_take_some(struct pool_shared *s, void **buffers, size_t n);
/* Returns how many there was no room for: more than there are come back. */
size_t pool_shared_give(struct pool_shared *s, void *const *buffers, size_t n);
