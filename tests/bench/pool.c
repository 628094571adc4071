/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Getting and putting buffers of a pool, beside DPDK's rte_mempool: elements of the same size, as many of
 * them, and the same cache size, which means the same to both: 256 move at once, and a thread holds 384 at
 * most. Both are used as a program would: the functions of the headers, compiled into it with the same
 * options, those that pkg-config gives for DPDK (-march=corei7). Neither touches the buffers. The mempool is
 * of the kind that DPDK makes unless told otherwise, a ring for many producers and consumers.
 *
 * The pool is in memory of the machine in memory (tests/fake): getting and putting asks nothing of any
 * kernel. */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "ctx.h"
#include "fake.h"
#include "iommuctl/device.h"
#include "iommuctl/pool.h"

#if HAVE_DPDK
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#endif

#define COUNT 8191 /* rte_mempool is best with one less than a power of two */
#define SIZE  2048
#define CACHE 256
#define BULK  32
#define TURNS 151
#define BAR   "<= 1.0"
#define NIC   "0000:02:00.0"

/* The compiler must have the value, and may assume nothing about memory: as with other work in between. */
#define USE(value) __asm__ volatile("" : "+r"(value) : : "memory")

/* Handing over: the one thread's bursts on their way to the other. */
#define RING 4096
static struct {
        void *slots[RING];
        size_t filled __attribute__((aligned(128)));
        size_t emptied __attribute__((aligned(128)));
} ring;

/* Random numbers that both sides follow, made once. */
#define N_RANDOM (1u << 16)
static uint16_t random_numbers[N_RANDOM];

/* What the second thread is to do: N buffers with PUT. */
static struct {
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bench_function put;
        void *arg;
        size_t n;
        bool busy, stop;
} helper = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void set_job(bench_function put, void *arg, size_t n, bool stop)
{
        pthread_mutex_lock(&helper.lock);
        helper.put = put;
        helper.arg = arg;
        helper.n = n;
        helper.busy = !stop;
        helper.stop = stop;
        pthread_cond_broadcast(&helper.changed);
        pthread_mutex_unlock(&helper.lock);
}

static void wait_for_helper(void)
{
        pthread_mutex_lock(&helper.lock);
        while (helper.busy)
                pthread_cond_wait(&helper.changed, &helper.lock);
        pthread_mutex_unlock(&helper.lock);
}

static void *be_helper(void *userdata)
{
        (void)userdata;
#if HAVE_DPDK
        if (userdata && rte_thread_register() < 0)
                abort();
#endif
        pthread_mutex_lock(&helper.lock);
        while (!helper.stop) {
                if (helper.busy) {
                        pthread_mutex_unlock(&helper.lock);
                        helper.put(helper.arg, helper.n);
                        pthread_mutex_lock(&helper.lock);
                        helper.busy = false;
                        pthread_cond_broadcast(&helper.changed);
                }
                if (!helper.stop && !helper.busy)
                        pthread_cond_wait(&helper.changed, &helper.lock);
        }
        pthread_mutex_unlock(&helper.lock);
        return NULL;
}

/* Where the other thread is, is looked at only when what was seen last does not do: what is passed between
 * the processors is to be the pool's. */
static void **ring_wait_for_room(size_t filled, size_t *emptied)
{
        while (filled + BULK - *emptied > RING) {
                *emptied = __atomic_load_n(&ring.emptied, __ATOMIC_ACQUIRE);
                for (int i = 0; i < 8; i++)
                        __builtin_ia32_pause();
        }
        return ring.slots + filled % RING;
}

static void **ring_wait_for_burst(size_t emptied, size_t *filled)
{
        while (*filled - emptied < BULK) {
                *filled = __atomic_load_n(&ring.filled, __ATOMIC_ACQUIRE);
                for (int i = 0; i < 8; i++)
                        __builtin_ia32_pause();
        }
        return ring.slots + emptied % RING;
}

/* Every case for one of the two, by its four functions. HOLD: a buffer goes back after 1 to 1023 further ones
 * were got, about half of which are then in use. BURSTS: as many as the numbers say, then all of them back.
 */
#define DEFINE_CASES(who, type, get, put, get_bulk, put_bulk)                           \
        static void who##_single(void *arg, size_t n)                                   \
        {                                                                               \
                type *from = arg;                                                       \
                                                                                        \
                for (size_t i = 0; i < n; i++) {                                        \
                        void *buffer = get(from);                                       \
                                                                                        \
                        USE(buffer);                                                    \
                        put(from, buffer);                                              \
                        USE(from);                                                      \
                }                                                                       \
        }                                                                               \
        static void who##_bulk(void *arg, size_t n)                                     \
        {                                                                               \
                type *from = arg;                                                       \
                void *buffers[BULK], **p = buffers;                                     \
                                                                                        \
                for (size_t i = 0; i < n; i++) {                                        \
                        get_bulk(from, buffers, BULK);                                  \
                        USE(p);                                                         \
                        put_bulk(from, buffers, BULK);                                  \
                        USE(from);                                                      \
                }                                                                       \
        }                                                                               \
        static void who##_bursts(void *arg, size_t n)                                   \
        {                                                                               \
                static void *held[1024];                                                \
                type *from = arg;                                                       \
                size_t next = 0;                                                        \
                                                                                        \
                for (size_t done = 0; done < n;) {                                      \
                        size_t burst = random_numbers[next++ % N_RANDOM] % 1024 + 1;    \
                                                                                        \
                        burst = burst < n - done ? burst : n - done;                    \
                        for (size_t i = 0; i < burst; i++)                              \
                                held[i] = get(from);                                    \
                        for (size_t i = 0; i < burst; i++)                              \
                                put(from, held[i]);                                     \
                        done += burst;                                                  \
                }                                                                       \
        }                                                                               \
        static void who##_hold(void *arg, size_t n)                                     \
        {                                                                               \
                static void *due[1024][8];                                              \
                static unsigned char n_due[1024];                                       \
                type *from = arg;                                                       \
                                                                                        \
                for (size_t i = 0; i < n + 1024; i++) {                                 \
                        size_t now = i % 1024, then;                                    \
                                                                                        \
                        while (n_due[now] > 0)                                          \
                                put(from, due[now][--n_due[now]]);                      \
                        if (i >= n)                                                     \
                                continue;                                               \
                        then = (i + 1 + random_numbers[i % N_RANDOM] % 1023) % 1024;    \
                        while (n_due[then] == 8)                                        \
                                then = (then + 1) % 1024;                               \
                        due[then][n_due[then]++] = get(from);                           \
                }                                                                       \
        }                                                                               \
        static void who##_take(void *arg, size_t n)                                     \
        {                                                                               \
                type *from = arg;                                                       \
                size_t filled = 0;                                                      \
                                                                                        \
                for (size_t done = 0; done < n; done += BULK) {                         \
                        void **slots = ring_wait_for_burst(done, &filled);              \
                                                                                        \
                        for (size_t i = 0; i < BULK; i++)                               \
                                put(from, slots[i]);                                    \
                        __atomic_store_n(&ring.emptied, done + BULK, __ATOMIC_RELEASE); \
                }                                                                       \
        }                                                                               \
        static void who##_hand_over(void *arg, size_t n)                                \
        {                                                                               \
                type **two = arg;                                                       \
                size_t emptied = 0;                                                     \
                                                                                        \
                n = (n + BULK - 1) / BULK * BULK;                                       \
                ring.filled = ring.emptied = 0;                                         \
                set_job(who##_take, two[1], n, false);                                  \
                for (size_t done = 0; done < n; done += BULK) {                         \
                        void **slots = ring_wait_for_room(done, &emptied);              \
                                                                                        \
                        for (size_t i = 0; i < BULK; i++)                               \
                                while (!(slots[i] = get(two[0])))                       \
                                        __builtin_ia32_pause();                         \
                        __atomic_store_n(&ring.filled, done + BULK, __ATOMIC_RELEASE);  \
                }                                                                       \
                wait_for_helper();                                                      \
        }

DEFINE_CASES(ours, struct iommuctl_pool_cache, iommuctl_pool_get, iommuctl_pool_put, iommuctl_pool_get_bulk,
             iommuctl_pool_put_bulk)

#if HAVE_DPDK
static inline void *peer_get(struct rte_mempool *pool)
{
        void *buffer;

        return rte_mempool_get(pool, &buffer) == 0 ? buffer : NULL;
}

DEFINE_CASES(peer, struct rte_mempool, peer_get, rte_mempool_put, rte_mempool_get_bulk, rte_mempool_put_bulk)
#endif

static struct {
        struct fake *m;
        struct iommuctl_ctx *ctx;
        struct iommuctl_container *container;
        struct iommuctl_device *device;
        struct iommuctl_pool *pool;
        struct iommuctl_pool_cache *caches[2];
} ours;

static void check(int r)
{
        char text[1024] = "";

        if (r >= 0)
                return;
        iommuctl_ctx_error(ours.ctx, text, sizeof(text));
        fprintf(stderr, "pool: %s\n", text);
        exit(1);
}

static void start_ours(void)
{
        const struct iommuctl_pool_options o = {
                .struct_size = sizeof(o), .count = COUNT, .size = SIZE, .cache = CACHE
        };

        ours.m = fake_machine_new(NULL);
        fake_add_pci(ours.m, NIC, &(struct fake_pci){ .driver = "vfio-pci", .group = 1 });
        check(ctx_new_with_kernel(fake_kernel(ours.m), NULL, &ours.ctx));
        check(iommuctl_container_new(ours.ctx, IOMMUCTL_BACKEND_AUTO, &ours.container));
        check(iommuctl_device_open(ours.container, NIC, &ours.device));
        check(iommuctl_pool_new(ours.container, &o, &ours.pool));
        check(iommuctl_pool_cache_new(ours.pool, &ours.caches[0]));
        check(iommuctl_pool_cache_new(ours.pool, &ours.caches[1]));
}

static void end_ours(void)
{
        iommuctl_pool_cache_free(ours.caches[0]);
        iommuctl_pool_cache_free(ours.caches[1]);
        check(iommuctl_pool_free(ours.pool));
        iommuctl_device_unref(ours.device);
        iommuctl_container_unref(ours.container);
        iommuctl_ctx_unref(ours.ctx);
        fake_machine_free(ours.m);
}

/* This thread on the first processor it may use, the other on the last. */
static void start_helper(int last, void *peer)
{
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(last, &set);
        if (pthread_create(&helper.thread, NULL, be_helper, peer) != 0)
                abort();
        pthread_setaffinity_np(helper.thread, sizeof(set), &set);
}

static void end_helper(void)
{
        set_job(NULL, NULL, 0, true);
        pthread_join(helper.thread, NULL);
}

#if HAVE_DPDK
static struct rte_mempool *start_peer(int cpu)
{
        char lcores[32];
        const char *args[] = { "pool",
                               "--no-shconf",
                               "--no-huge",
                               "--no-pci",
                               "--no-telemetry",
                               "-m",
                               "64",
                               "--lcores",
                               lcores,
                               "-d",
                               "librte_mempool_ring.so",
                               "--log-level=*:error" };

        snprintf(lcores, sizeof(lcores), "0@%d", cpu);
        if (rte_eal_init((int)(sizeof(args) / sizeof(*args)), (char **)args) < 0)
                return NULL;
        return rte_mempool_create("packets", COUNT, SIZE, CACHE, 0, NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
}
#endif

static const struct {
        const char *what;
        const char *name;
        size_t n;
} rows[] = {
        { "pool, get + put", "single", 500000 },
        { "pool, get + put of 32 at once", "bulk", 100000 },
        { "pool, held for random times", "hold", 100000 },
        { "pool, bursts of 1 to 1024", "bursts", 300000 },
        { "pool, one thread gets, another puts", "hand-over", 200000 },
};
#define N_ROWS (sizeof(rows) / sizeof(*rows))

int main(int argc, char **argv)
{
        cpu_set_t allowed;
        int first = 0, last;

        if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
                return 1;
        while (!CPU_ISSET(first, &allowed))
                first++;
        for (last = CPU_SETSIZE - 1; !CPU_ISSET(last, &allowed);)
                last--;
        srandom(1);
        for (size_t i = 0; i < N_RANDOM; i++)
                random_numbers[i] = (uint16_t)random();
#if HAVE_DPDK
        /* Where only our instructions are counted, not those of the EAL's threads. */
        const bool alone = argc > 2 && strncmp(argv[argc - 2], "ours-", 5) == 0;
        struct rte_mempool *peer = alone ? NULL : start_peer(first);

        if (!peer && !alone) {
                for (size_t i = 0; i < N_ROWS; i++)
                        bench_line_missing(rows[i].what, BAR, "DPDK's EAL does not start");
                return 0;
        }
        struct rte_mempool *two[] = { peer, peer };
#else
        void *peer = NULL;
#endif
        start_ours();
        start_helper(last, peer);
        const struct bench_case cases[] = {
                { "ours-single", ours_single, ours.caches[0] },
                { "ours-bulk", ours_bulk, ours.caches[0] },
                { "ours-hold", ours_hold, ours.caches[0] },
                { "ours-bursts", ours_bursts, ours.caches[0] },
                { "ours-hand-over", ours_hand_over, ours.caches },
#if HAVE_DPDK
                { "peer-single", peer_single, peer },
                { "peer-bulk", peer_bulk, peer },
                { "peer-hold", peer_hold, peer },
                { "peer-bursts", peer_bursts, peer },
                { "peer-hand-over", peer_hand_over, two },
#endif
        };

        if (!bench_instructions(argc, argv, cases, sizeof(cases) / sizeof(*cases))) {
                for (size_t i = 0; i < N_ROWS; i++) {
#if HAVE_DPDK
                        char how[160];

                        /* With two threads the number is of how long they wait for each other. */
                        snprintf(how, sizeof(how),
                                 i == N_ROWS - 1 ? "median of %d turns"
                                                 : "median of %d turns; {ours-%s} and {peer-%s} instructions",
                                 TURNS, rows[i].name, rows[i].name);
                        bench_line(rows[i].what, "rte_mempool",
                                   bench_turns(TURNS, rows[i].n, cases[i].run, cases[i].arg,
                                               cases[N_ROWS + i].run, cases[N_ROWS + i].arg),
                                   BAR, how);
#else
                        bench_line_missing(rows[i].what, BAR, "DPDK is not installed (package dpdk-dev)");
#endif
                }
        }
        end_helper();
        end_ours();
        return 0;
}
