/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program that takes over numbers its tests on from ours. */
#define NEW_TESTS 6
#define SIZE      (16 * PAGE)

/* This process's locked memory in KiB, as type1 counts it. */
static long locked(void)
{
        char line[256];
        long n = -1;
        FILE *f = fopen("/proc/self/status", "re");

        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "VmLck: %ld", &n) == 1)
                        break;
        if (f)
                fclose(f);
        return n;
}

static bool hands_over(void)
{
        struct utsname u;
        int major = 0, minor = 0;

        uname(&u);
        sscanf(u.release, "%d.%d", &major, &minor);
        return backend == IOMMUCTL_BACKEND_TYPE1 || major > 6 || (major == 6 && minor >= 13);
}

/* Runs this program again as a new one. */
static void run_new(const struct iommuctl_handover *h)
{
        int n = (int)iommuctl_handover_n_fds(h), copies[16];
        char text[32];

        for (int i = 0; i < n; i++)
                copies[i] = fcntl(iommuctl_handover_fd(h, (size_t)i), F_DUPFD_CLOEXEC, 100);
        for (int i = 0; i < n; i++)
                dup2(copies[i], 3 + i);
        snprintf(text, sizeof(text), "%d", n);
        setenv("LISTEN_FDS", text, 1);
        snprintf(text, sizeof(text), "%d", (int)getpid());
        setenv("LISTEN_PID", text, 1);
        snprintf(text, sizeof(text), "%u", n_tests);
        setenv("LAB_TESTS", text, 1);
        setenv("LISTEN_FDNAMES", iommuctl_handover_fdnames(h), 1);
        setenv("IOMMUCTL_HANDOVER", iommuctl_handover_text(h), 1);
        execl("/proc/self/exe", "lab-container", iommuctl_backend_name(backend), "--take-over", NULL);
        _exit(98);
}

static void hand_over(struct iommuctl_container *c, struct iommuctl_device *d, struct iommuctl_dma *dma)
{
        const uint64_t iova = iommuctl_dma_span(dma).iova;
        struct iommuctl_handover *h = NULL;
        long before = locked();
        int status = -1;
        pid_t pid;

        GIVES("the container lets go", 0, "", iommuctl_container_let_go(c));
        if (backend == IOMMUCTL_BACKEND_TYPE1)
                GIVES("once", -EALREADY, "already", iommuctl_container_let_go(c));
        GIVES("the device is handed over", 0, "", iommuctl_handover_new(d, &dma, 1, &h));
        fflush(stdout);
        pid = fork();
        if (pid == 0)
                run_new(h);
        waitpid(pid, &status, 0);
        n_tests += NEW_TESTS;
        CHECK("the new program ends well", WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK("what it unmapped is gone", !kernel_has(c, iova));
        if (backend == IOMMUCTL_BACKEND_TYPE1)
                CHECK("and is not counted as ours", locked() <= before - (long)(SIZE / 1024));
        iommuctl_handover_free(h);
}

static void move_memory(struct iommuctl_container *c, struct iommuctl_dma *dma)
{
        struct iommuctl_span old = iommuctl_dma_span(dma);
        uint64_t iova = 0;
        void *now = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, iommuctl_dma_fd(dma), 0);

        GIVES("the container lets go", 0, "", iommuctl_container_let_go(c));
        GIVES("the memory is elsewhere", 0, "", iommuctl_dma_set_vaddr(dma, now));
        munmap(old.vaddr, old.size);
        GIVES("and taken over", 0, "", iommuctl_container_take_over(c));
        CHECK("translation follows", iommuctl_translate(c, now, &iova) == (ssize_t)SIZE && iova == old.iova);
        CHECK("the mapping stayed", kernel_has(c, old.iova));
}

void test_takeover(void)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_BY_FILE,
                                          .name = "rx" };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma *dma = NULL;

        if (!hands_over()) {
                GIVES("no mapping by file before Linux 6.13", -EOPNOTSUPP, "6.13",
                      iommuctl_dma_alloc(c, SIZE, &o, &dma));
                GIVES("and none is handed on", -EOPNOTSUPP, "6.13", iommuctl_container_let_go(c));
        } else {
                GIVES("a buffer that can go", 0, "", iommuctl_dma_alloc(c, SIZE, &o, &dma));
                move_memory(c, dma);
                hand_over(c, d, dma);
        }
        iommuctl_dma_unmap(dma);
        dma = NULL;
        if (backend == IOMMUCTL_BACKEND_IOMMUFD && hands_over()) {
                iommuctl_dma_alloc(c, PAGE, NULL, &dma);
                GIVES("what is mapped by address stays", -EINVAL, "by its address",
                      iommuctl_container_let_go(c));
                iommuctl_dma_unmap(dma);
        }
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

/* In the new program. */
int take_over(void)
{
        struct iommuctl_adopted *a = NULL;
        struct iommuctl_container *c;
        long before = locked();

        n_tests = (unsigned int)atoi(getenv("LAB_TESTS"));
        GIVES("the new program adopts", 0, "", iommuctl_adopt(ctx, IOMMUCTL_ADOPT_UNSET_ENVIRONMENT, &a));
        if (!a)
                return 1;
        c = iommuctl_adopted_container(a);
        GIVES("and takes over", 0, "", iommuctl_container_take_over(c));
        GIVES("which needs doing once", 0, "", iommuctl_container_take_over(c));
        CHECK("its memory is counted as the new one's",
              backend == IOMMUCTL_BACKEND_IOMMUFD || locked() >= before + (long)(SIZE / 1024));
        CHECK("the mapping stayed", kernel_has(c, iommuctl_dma_span(iommuctl_adopted_buffer(a, 0)).iova));
        iommuctl_adopted_free(a);
        CHECK("and can be unmapped", true);
        iommuctl_ctx_unref(ctx);
        return n_failed > 0;
}
