/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* link_loss ADDRESS BACKEND TIMES CMD…: hands an 82574L and a buffer named dma to CMD, without any privilege,
 * and then has the card's PHY negotiate its link anew: each time the link is down for half a second (QEMU) to
 * a few seconds. Holds the card until SIGTERM, also when CMD has ended; its process is in the file child.pid.
 */

#include <errno.h>
#include <grp.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Intel 82574 datasheet, section 10.2.2.7: write 0x1200 (negotiate, anew) to the register 0 of PHY 1. */
#define REG_MDIC       0x20
#define MDIC_NEGOTIATE (1u << 26 | 1u << 21 | 0x1200)

/* The child: descriptors from 3 on, and nobody. */
static void become(struct iommuctl_handover *handover, char **argv)
{
        int fds[16], n = (int)iommuctl_handover_n_fds(handover);
        char text[32];

        for (int i = 0; i < n && i < 16; i++) {
                fds[i] = dup(iommuctl_handover_fd(handover, (size_t)i));
                while (fds[i] >= 0 && fds[i] < 3 + 16)
                        fds[i] = dup(fds[i]);
        }
        for (int i = 0; i < n && i < 16; i++)
                dup2(fds[i], 3 + i);
        snprintf(text, sizeof(text), "%d", n);
        setenv("LISTEN_FDS", text, 1);
        snprintf(text, sizeof(text), "%d", (int)getpid());
        setenv("LISTEN_PID", text, 1);
        setenv("LISTEN_FDNAMES", iommuctl_handover_fdnames(handover), 1);
        setenv("IOMMUCTL_HANDOVER", iommuctl_handover_text(handover), 1);
        if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
                _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[0], argv);
        _exit(127);
}

static int start(struct iommuctl_device *device, struct iommuctl_dma *dma, char **argv)
{
        struct iommuctl_handover *handover;
        int r = iommuctl_handover_new(device, &dma, 1, &handover);
        FILE *file = fopen("child.pid", "w");
        pid_t child;

        if (r < 0 || !file)
                return r < 0 ? r : -errno;
        child = fork();
        if (child == 0)
                become(handover, argv);
        fprintf(file, "%d\n", (int)child);
        fclose(file);
        iommuctl_handover_free(handover);
        return child < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
        struct iommuctl_dma_options options = { .struct_size = sizeof(options), .name = "dma" };
        struct iommuctl_container *container = NULL;
        struct iommuctl_device *device = NULL;
        struct iommuctl_region *bar = NULL;
        struct iommuctl_ctx *ctx = NULL;
        struct iommuctl_dma *dma = NULL;
        void *registers = NULL;
        char text[512] = "";
        sigset_t set;
        int r, number;

        if (argc < 5)
                return 2;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        r = iommuctl_ctx_new(&ctx);
        if (r == 0)
                r = iommuctl_container_new(
                        ctx, !strcmp(argv[2], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD,
                        &container);
        if (r == 0)
                r = iommuctl_device_open(container, argv[1], &device);
        if (r == 0)
                r = iommuctl_dma_alloc(container, 4 << 20, &options, &dma);
        if (r == 0)
                r = iommuctl_region_open(device, VFIO_PCI_BAR0_REGION_INDEX, &bar);
        if (r == 0)
                r = iommuctl_region_map(bar, 0, 0, &registers);
        if (r == 0)
                r = start(device, dma, argv + 4);
        sigprocmask(SIG_BLOCK, &set, NULL);
        for (int i = 0; r == 0 && i < atoi(argv[3]); i++) {
                sleep(2);
                iommuctl_mmio_write32((char *)registers + REG_MDIC, MDIC_NEGOTIATE);
        }
        if (r == 0)
                sigwait(&set, &number);
        else
                fprintf(stderr, "link_loss: %s\n",
                        ctx && iommuctl_ctx_error(ctx, text, sizeof(text)) ? text : strerror(-r));
        while (waitpid(-1, &number, 0) > 0)
                r = r < 0 || !WIFEXITED(number) ? 1 : WEXITSTATUS(number);
        iommuctl_region_free(bar);
        iommuctl_dma_unmap(dma);
        iommuctl_device_unref(device);
        iommuctl_container_unref(container);
        iommuctl_ctx_unref(ctx);
        return r == 0 ? 0 : 1;
}
