/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_POOL_H
#define IOMMUCTL_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <iommuctl/container.h>
#include <iommuctl/dma.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_pool - many DMA buffers of one size, for packets and rings: one mapping, cut up.
 *
 * Owned by the caller, who frees it. Each thread that gets and puts buffers has a cache of its own
 * (iommuctl_pool_cache_new()) and takes no lock for most of them. A buffer that was got from one cache may be
 * put into any other of the pool, and so may be handed from thread to thread.
 *
 * A buffer's address and its IOVA are both multiples of the alignment asked for, and its IOVAs are one piece.
 * Buffers lie behind each other, each at the size rounded up to the alignment: where the alignment is at
 * least the size, and at most the page size, none has a page boundary in it; else some have. What a buffer
 * holds when it is got is not said: what was in it last, zeroes at first.
 */
struct iommuctl_pool;

/** The most buffers that may be asked to move at once. */
#define IOMMUCTL_POOL_CACHE_MAX 4096u

enum iommuctl_pool_flags {
        /* Find mistakes, at many times the cost: see iommuctl_pool_errors(). */
        IOMMUCTL_POOL_DEBUG = 1 << 0,
};

/**
 * struct iommuctl_pool_options - what a pool is to be like; zero is the default of each member that has one.
 *
 *         struct iommuctl_pool_options options = { .struct_size = sizeof(options), .count = 4096,
 *                                                  .size = 2048 };
 */
struct iommuctl_pool_options {
        size_t struct_size;  /* sizeof(struct iommuctl_pool_options): members may be added at the end */
        size_t count;        /* how many buffers; pool_new_in only, 0: as many as fit */
        size_t size;         /* of each, in bytes */
        size_t align;        /* a power of two, in pool_new up to the page size; 0: 64, a cache line */
        size_t page_size;    /* pool_new only: as in struct iommuctl_dma_options */
        uint64_t iova_limit; /* the last address a device can form, 0xffffffff for 32 bits; 0: no limit */
        unsigned int access; /* enum iommuctl_access; 0: both; pool_new_in: what the mapping has */
        unsigned int cache;  /* how many buffers move at once between a thread's cache and the rest, up to
                                IOMMUCTL_POOL_CACHE_MAX; a cache holds half as many more at most. 0: 64,
                                or a quarter of a small pool */
        unsigned int flags;  /* enum iommuctl_pool_flags */
        const char *name;    /* as in struct iommuctl_dma_options */
};

/**
 * struct iommuctl_pool_cache - a thread's share of a pool. Its members are for the functions in this header,
 * which are compiled into the program, and for nobody else.
 *
 * Owned by the caller. For one thread at a time, whichever that is.
 */
struct iommuctl_pool_cache {
        unsigned int n;       /* buffers in it */
        unsigned int limit;   /* it never holds more; 0: each get and put is the library's */
        uint64_t iova_offset; /* what makes an IOVA of an address, modulo 2^64 */
        struct iommuctl_pool *pool;
        void *spare; /* the library's */
        uint64_t reserved[4];
        /* the addresses of the buffers follow, the one that is got next last */
};

/**
 * iommuctl_pool_new() - make a pool: memory, its mapping, and all buffers in it.
 *
 * @options: with count and size set.
 *
 * All of it is one mapping, one entry of the kernel's limit, with huge pages where page_size asks for them.
 * It keeps its container.
 *
 * Returns 0 and sets @ret_pool, the caller's to free with iommuctl_pool_free(). On failure nothing is left,
 * and the text says why: -EINVAL: struct_size is not set, or what lies beyond the members this library knows
 * is not zero; count or size is 0, or all together is more than can be (2^32 times the alignment); align is
 * no power of two or above the page size; cache is above IOMMUCTL_POOL_CACHE_MAX; unknown flags, a bad name.
 * Or as iommuctl_dma_alloc(): -ENOMEM, -ENOSPC, -ENODEV, -EOPNOTSUPP, -EMFILE.
 */
int iommuctl_pool_new(struct iommuctl_container *container, const struct iommuctl_pool_options *options,
                      struct iommuctl_pool **ret_pool);

/**
 * iommuctl_pool_new_in() - make a pool in memory that is mapped: the caller's own, or what another process
 * handed over (iommuctl_adopt()).
 *
 * @dma: stays the caller's and must not be unmapped before the pool is freed. All of it is the pool's until
 * then. The first buffer is at the first place where both address and IOVA are aligned.
 *
 * Returns as iommuctl_pool_new(); -EINVAL also for a page_size, where address and IOVA are never both
 * aligned, or where the mapping has no address here (iommuctl_dma_map_file()); -ENOSPC where count buffers do
 * not fit (the text says how many do) or the mapping ends above iova_limit; -EPERM where access asks for more
 * than the mapping has; -ENOENT where it is not mapped any more.
 */
int iommuctl_pool_new_in(struct iommuctl_dma *dma, const struct iommuctl_pool_options *options,
                         struct iommuctl_pool **ret_pool);

/**
 * iommuctl_pool_free() - unmap and free a pool that all has come back to. NULL is let through.
 *
 * Returns 0. -EBUSY: caches are not freed, or buffers are not put back: the pool is as it was, and the text
 * says how many of each. A driver stops its device, puts back what is in its rings, frees the caches and then
 * the pool. Or as iommuctl_dma_unmap().
 */
int iommuctl_pool_free(struct iommuctl_pool *pool);

/**
 * iommuctl_pool_cache_new() - a cache for one more thread. It holds nothing yet.
 *
 * Returns 0 and sets @ret_cache, the caller's to free with iommuctl_pool_cache_free(), before the pool.
 * -ENOMEM. Any thread.
 */
int iommuctl_pool_cache_new(struct iommuctl_pool *pool, struct iommuctl_pool_cache **ret_cache);

/** iommuctl_pool_cache_free() - give what it holds back to the pool, and free it: by a thread that ends. NULL
 * is let through. Any thread, once nobody uses it. */
void iommuctl_pool_cache_free(struct iommuctl_pool_cache *cache);

/** iommuctl_pool_get_slow(), iommuctl_pool_put_slow(), iommuctl_pool_get_bulk_slow(),
 * iommuctl_pool_put_bulk_slow() - what the functions below call when the cache is empty or full. They do all
 * that those do. */
void *iommuctl_pool_get_slow(struct iommuctl_pool_cache *cache);
void iommuctl_pool_put_slow(struct iommuctl_pool_cache *cache, void *buffer);
unsigned int iommuctl_pool_get_bulk_slow(struct iommuctl_pool_cache *cache, void **buffers, unsigned int n);
void iommuctl_pool_put_bulk_slow(struct iommuctl_pool_cache *cache, void *const *buffers, unsigned int n);

/**
 * iommuctl_pool_get() - a buffer, or NULL where none is left.
 *
 * None is left when the cache and the shared part are empty: others' caches may hold some still, each up to
 * one and a half times the options' cache. A pool is made larger by that much for each than what is in use at
 * most. Never blocks on another thread
 * but for the moment in which that moves a batch between its cache and the shared part.
 */
static inline void *iommuctl_pool_get(struct iommuctl_pool_cache *cache)
{
        unsigned int n = cache->n;

        if (__builtin_expect(n == 0, 0))
                return iommuctl_pool_get_slow(cache);
        cache->n = --n;
        return ((void **)(cache + 1))[n];
}

/** iommuctl_pool_put() - give a buffer back. Always succeeds. The device must be done with it. Anything but a
 * buffer that was got from this pool, and not put since, breaks the pool: somebody gets an address that is no
 * buffer, or the same twice. IOMMUCTL_POOL_DEBUG finds where. */
static inline void iommuctl_pool_put(struct iommuctl_pool_cache *cache, void *buffer)
{
        unsigned int n = cache->n;

        if (__builtin_expect(n >= cache->limit, 0)) {
                iommuctl_pool_put_slow(cache, buffer);
                return;
        }
        ((void **)(cache + 1))[n] = buffer;
        cache->n = n + 1;
}

/** iommuctl_pool_get_bulk() - @n buffers at once, or none: returns @n or 0. More than the cache holds are no
 * problem. */
static inline unsigned int iommuctl_pool_get_bulk(struct iommuctl_pool_cache *cache, void **buffers,
                                                  unsigned int n)
{
        if (__builtin_expect(n > cache->n, 0))
                return iommuctl_pool_get_bulk_slow(cache, buffers, n);
        cache->n -= n;
        memcpy(buffers, (void **)(cache + 1) + cache->n, n * sizeof(void *));
        return n;
}

/** iommuctl_pool_put_bulk() - give @n buffers back at once. */
static inline void iommuctl_pool_put_bulk(struct iommuctl_pool_cache *cache, void *const *buffers,
                                          unsigned int n)
{
        if (__builtin_expect(n > cache->limit - cache->n, 0)) {
                iommuctl_pool_put_bulk_slow(cache, buffers, n);
                return;
        }
        memcpy((void **)(cache + 1) + cache->n, buffers, n * sizeof(void *));
        cache->n += n;
}

/** iommuctl_pool_iova() - the device's address of a buffer of the pool, or of a byte in it: an addition. */
static inline uint64_t iommuctl_pool_iova(const struct iommuctl_pool_cache *cache, const void *buffer)
{
        return (uint64_t)(uintptr_t)buffer + cache->iova_offset;
}

/** iommuctl_pool_available() - how many buffers are in the shared part now, for any thread to get. What
 * caches hold is not among them. Any thread, no lock. */
size_t iommuctl_pool_available(const struct iommuctl_pool *pool);

/** iommuctl_pool_size() - of each buffer, as asked for. */
size_t iommuctl_pool_size(const struct iommuctl_pool *pool);

/** iommuctl_pool_count() - how many buffers it was made with. */
size_t iommuctl_pool_count(const struct iommuctl_pool *pool);

/** iommuctl_pool_stride() - from one buffer to the next: the size, rounded up to the alignment. */
size_t iommuctl_pool_stride(const struct iommuctl_pool *pool);

/** iommuctl_pool_span() - where all of them are: the first buffer is at its vaddr and its iova, the others
 * each iommuctl_pool_stride() further. */
struct iommuctl_span iommuctl_pool_span(const struct iommuctl_pool *pool);

/**
 * iommuctl_pool_errors() - how many mistakes the pool has found. Any thread.
 *
 * A pool with IOMMUCTL_POOL_DEBUG fills a buffer that is free, and what lies between its end and the next,
 * with bytes of 0xdb (no IOMMU has such an address: a device that takes one from a freed descriptor faults).
 * It finds
 * - a buffer that is put twice: the second put does nothing;
 * - an address that is not of the pool, or in the middle of a buffer: the put does nothing;
 * - a buffer that was written to while it was free, by a thread or by a device, when it comes to be got: it
 *   is never given out again, and the next one is got in its place;
 * - a buffer that was written to past its end, when it is put: it is taken back.
 *
 * Each is told by the log of the context (IOMMUCTL_LOG_ERR) and its error text, with the buffer's number and
 * IOVA. Buffers that were freed longest ago are got first, and no cache holds any, so that each call comes to
 * the library.
 *
 * Without the flag a pool notices only when more buffers come back than there are; those are counted and told
 * of, too. Returns 0 where nothing was found.
 */
uint64_t iommuctl_pool_errors(const struct iommuctl_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
