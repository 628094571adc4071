/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

#define N 64

struct work {
        struct iommuctl_irq *msi;
        struct iommuctl_pool_cache *cache;
        char *bar;
};

static int copy(struct work *w, uint64_t from, uint64_t to, bool to_memory)
{
        int r;

        edu_copy(w->bar, from, to, EDU_COPY, to_memory);
        r = iommuctl_irq_wait(w->msi, 0, 5000, NULL);
        iommuctl_mmio_write32(w->bar + EDU_ACK, 0x100);
        return r;
}

/* Every buffer goes to the device and comes back in another. */
static void check_round_trips(struct work *w)
{
        void *buffers[N];
        unsigned int same = 0;
        int r = 0;

        CHECK("all buffers at once", iommuctl_pool_get_bulk(w->cache, buffers, N) == N);
        for (size_t i = 0; i < N && r >= 0; i++) {
                char *from = buffers[i], *to = buffers[(i + 1) % N];

                memset(from, (int)i + 1, EDU_COPY);
                memset(to, 0, EDU_COPY);
                r = copy(w, iommuctl_pool_iova(w->cache, from), EDU_BUFFER, false);
                if (r >= 0)
                        r = copy(w, EDU_BUFFER, iommuctl_pool_iova(w->cache, to), true);
                same += memcmp(from, to, EDU_COPY) == 0 && to[EDU_COPY - 1] == (char)(i + 1);
        }
        CHECK("the device reaches each where the pool says", same == N);
        iommuctl_pool_put_bulk(w->cache, buffers, N);
}

/* The device goes on writing into a buffer that was put back. */
static void check_late_write(struct work *w, struct iommuctl_pool *pool)
{
        void *buffer = iommuctl_pool_get(w->cache), *buffers[N];
        uint64_t iova = iommuctl_pool_iova(w->cache, buffer);

        iommuctl_pool_put(w->cache, buffer);
        CHECK("nothing is wrong so far", iommuctl_pool_errors(pool) == 0);
        copy(w, EDU_BUFFER, iova, true);
        CHECK("it is not to be had again", iommuctl_pool_get_bulk(w->cache, buffers, N) == 0);
        CHECK("what the device did is found", iommuctl_pool_errors(pool) == 1);
        CHECK("all others are", iommuctl_pool_get_bulk(w->cache, buffers, N - 1) == N - 1);
        iommuctl_pool_put_bulk(w->cache, buffers, N - 1);
}

/* In QEMU the edu device forms addresses of 28 bits. */
void test_pool(void)
{
        struct iommuctl_pool_options o = { .struct_size = sizeof(o),
                                           .count = N,
                                           .size = EDU_COPY,
                                           .align = EDU_COPY,
                                           .iova_limit = 0xfffffff,
                                           .name = "pool" };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *region = NULL;
        struct iommuctl_pool *pool = NULL;
        struct work w = { NULL };
        void *bar = NULL;

        iommuctl_region_open(d, 0, &region);
        iommuctl_region_map(region, 0, 0, &bar);
        w.bar = bar;
        iommuctl_irq_new(d, IOMMUCTL_IRQ_MSI, 0, 1, &w.msi);
        iommuctl_device_set_bus_master(d, true);
        for (int debug = 0; debug < 2; debug++) {
                o.flags = debug ? IOMMUCTL_POOL_DEBUG : 0;
                GIVES(debug ? "a pool that finds mistakes" : "a pool", 0, "",
                      iommuctl_pool_new(c, &o, &pool));
                iommuctl_pool_cache_new(pool, &w.cache);
                check_round_trips(&w);
                if (debug)
                        check_late_write(&w, pool);
                GIVES("a pool in use stays", -EBUSY, "caches", iommuctl_pool_free(pool));
                iommuctl_pool_cache_free(w.cache);
                GIVES("one that all is back in goes", 0, "", iommuctl_pool_free(pool));
        }
        iommuctl_irq_free(w.msi);
        iommuctl_region_free(region);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
