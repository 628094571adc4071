/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DPDK's way to a card that can send: rte_eal_init() to rte_eth_dev_start(), as little as there can be of it.
 *
 *         eal-start EAL-ARGUMENT…
 *
 * Says "started" and what the first call took, and ends. start.sh takes the time to that line. */

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>

#define RING 256

static int start(uint16_t port)
{
        struct rte_eth_conf conf = { 0 };
        struct rte_mempool *pool;
        uint16_t rx = RING, tx = RING;
        int r;

        pool = rte_pktmbuf_pool_create("frames", 4 * RING - 1, 32, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                       SOCKET_ID_ANY);
        if (!pool)
                return -rte_errno;
        r = rte_eth_dev_configure(port, 1, 1, &conf);
        if (r == 0)
                r = rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx, &tx);
        if (r == 0)
                r = rte_eth_rx_queue_setup(port, 0, rx, SOCKET_ID_ANY, NULL, pool);
        if (r == 0)
                r = rte_eth_tx_queue_setup(port, 0, tx, SOCKET_ID_ANY, NULL);
        return r == 0 ? rte_eth_dev_start(port) : r;
}

int main(int argc, char **argv)
{
        uint64_t begin = rte_rdtsc(), init;
        int r = rte_eal_init(argc, argv);

        if (r < 0 || rte_eth_dev_count_avail() != 1) {
                fprintf(stderr, "no EAL, or no card\n");
                return 1;
        }
        init = rte_rdtsc() - begin;
        r = start(0);
        if (r < 0) {
                fprintf(stderr, "the card does not start: %d\n", r);
                return 1;
        }
        printf("started; rte_eal_init took %.1f ms of %.1f\n", (double)init * 1e3 / (double)rte_get_tsc_hz(),
               (double)(rte_rdtsc() - begin) * 1e3 / (double)rte_get_tsc_hz());
        fflush(stdout);
        rte_eth_dev_stop(0);
        rte_eth_dev_close(0);
        rte_eal_cleanup();
        return 0;
}
