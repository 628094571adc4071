/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The adopting process numbers its tests on from ours. */
#define ADOPTER_TESTS 13

/* Runs this program again as another user, with what is handed over and nothing else. Never returns. */
static void run_adopter(const struct iommuctl_handover *h)
{
        int n = (int)iommuctl_handover_n_fds(h), copies[16];
        char text[32];

        for (int i = 0; i < n; i++)
                copies[i] = fcntl(iommuctl_handover_fd(h, (size_t)i), F_DUPFD_CLOEXEC, 100);
        for (int i = 0; i < n; i++)
                dup2(copies[i], 3 + i);
        snprintf(text, sizeof(text), "%d", n);
        setenv("LISTEN_FDS", text, 1);
        snprintf(text, sizeof(text), "%u", n_tests);
        setenv("LAB_CORE_TESTS", text, 1);
        snprintf(text, sizeof(text), "%d", (int)getpid());
        setenv("LISTEN_PID", text, 1);
        setenv("LISTEN_FDNAMES", iommuctl_handover_fdnames(h), 1);
        setenv("IOMMUCTL_HANDOVER", iommuctl_handover_text(h), 1);
        if (setgid(65534) < 0 || setuid(65534) < 0)
                _exit(99);
        execl("/proc/self/exe", "lab-core", iommuctl_backend_name(backend), "--adopt", NULL);
        _exit(98);
}

/* The giver's side: two buffers, one of them filled by the other process through the device. */
void test_handover(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xfffffff, .name = "rx" };
        struct iommuctl_handover *h = NULL;
        struct iommuctl_dma *buffers[3] = { NULL };
        int status = -1;
        pid_t pid;

        iommuctl_dma_alloc(c, PAGE, &o, &buffers[0]);
        o.name = "tx";
        o.access = IOMMUCTL_ACCESS_READ;
        iommuctl_dma_alloc(c, 2 * PAGE, &o, &buffers[1]);
        GIVES("a buffer twice is not handed over", -EINVAL, "two buffers",
              iommuctl_handover_new(d, (struct iommuctl_dma *[]){ buffers[0], buffers[0] }, 2, &h));
        GIVES("two buffers are", 0, "", iommuctl_handover_new(d, buffers, 2, &h));
        printf("#   %s\n#   %s\n", iommuctl_handover_fdnames(h), iommuctl_handover_text(h));
        /* The other process does not know of this one, and its books see room where it is. */
        o = (struct iommuctl_dma_options){ .struct_size = sizeof(o) };
        iommuctl_dma_alloc(c, PAGE, &o, &buffers[2]);
        strcpy(iommuctl_dma_span(buffers[1]).vaddr, "written by the giver");
        fflush(stdout);
        pid = fork();
        if (pid == 0)
                run_adopter(h);
        waitpid(pid, &status, 0);
        n_tests += ADOPTER_TESTS;
        CHECK("the adopter, another user without privilege, ends well",
              WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK("what its device copied is here",
              strcmp(iommuctl_dma_span(buffers[0]).vaddr, "written by the giver") == 0);
        CHECK("the giver's mappings are as they were",
              kernel_has(c, iommuctl_dma_span(buffers[0]).iova) &&
                      kernel_has(c, iommuctl_dma_span(buffers[2]).iova));
        iommuctl_handover_free(h);
        for (int i = 0; i < 3; i++)
                iommuctl_dma_unmap(buffers[i]);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

/* In the other process. */
int adopt(void)
{
        struct iommuctl_adopted *a = NULL, *again = NULL;
        struct iommuctl_dma *rx, *tx, *own = NULL;
        struct iommuctl_pool_options o = { .struct_size = sizeof(o), .size = 64 };
        struct iommuctl_pool_cache *cache = NULL;
        struct iommuctl_pool *pool = NULL;
        struct iommuctl_region *bar = NULL;
        struct iommuctl_irq *irq = NULL;
        void *buffer;
        bool cloexec;
        void *map;

        n_tests = (unsigned int)strtoul(getenv("LAB_CORE_TESTS"), NULL, 10);
        if (!GIVES("what was handed over is adopted", 0, "",
                   iommuctl_adopt(ctx, IOMMUCTL_ADOPT_UNSET_ENVIRONMENT, &a)))
                return 1;
        count_fds(&cloexec);
        CHECK("its descriptors are close-on-exec", cloexec);
        GIVES("nothing is left to adopt", -ENOENT, "IOMMUCTL_HANDOVER", iommuctl_adopt(ctx, 0, &again));
        rx = iommuctl_adopted_find_buffer(a, "rx");
        tx = iommuctl_adopted_find_buffer(a, "tx");
        CHECK("both buffers came along", iommuctl_adopted_n_buffers(a) == 2 && rx && tx &&
                                                 iommuctl_dma_span(tx).size == 2 * PAGE &&
                                                 iommuctl_dma_access(tx) == IOMMUCTL_ACCESS_READ);
        GIVES("the device's BAR opens", 0, "", iommuctl_region_open(iommuctl_adopted_device(a), 0, &bar));
        GIVES("and maps", 0, "", iommuctl_region_map(bar, 0, 0, &map));
        GIVES("and interrupts", 0, "",
              iommuctl_irq_new(iommuctl_adopted_device(a), IOMMUCTL_IRQ_MSI, 0, 1, &irq));
        iommuctl_device_set_bus_master(iommuctl_adopted_device(a), true);
        edu_copy(map, iommuctl_dma_span(tx).iova, EDU_BUFFER, 64, false);
        iommuctl_irq_wait(irq, 0, 5000, NULL);
        iommuctl_mmio_write32((char *)map + EDU_ACK, 0x100);
        GIVES("a pool is made in one", 0, "", iommuctl_pool_new_in(rx, &o, &pool));
        iommuctl_pool_cache_new(pool, &cache);
        buffer = iommuctl_pool_get(cache); /* the first, where the giver looks */
        edu_copy(map, EDU_BUFFER, iommuctl_pool_iova(cache, buffer), 64, true);
        GIVES("the device copies", 0, "", iommuctl_irq_wait(irq, 0, 5000, NULL));
        iommuctl_pool_put(cache, buffer);
        iommuctl_pool_cache_free(cache);
        GIVES("the pool goes", 0, "", iommuctl_pool_free(pool));
        GIVES("a mapping of its own finds room beside the giver's", 0, "",
              iommuctl_dma_alloc(iommuctl_adopted_container(a), PAGE, NULL, &own));
        GIVES("and goes", 0, "", iommuctl_dma_unmap(own));
        iommuctl_irq_free(irq);
        iommuctl_region_free(bar);
        iommuctl_adopted_free(a);
        CHECK("no descriptor is left over", count_fds(&cloexec) == 1);
        iommuctl_ctx_unref(ctx);
        return n_failed > 0;
}
