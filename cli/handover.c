/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handover.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "util/cleanup.h"

/* The first descriptor that sd_listen_fds(3) counts. */
#define LISTEN_FDS_START 3

/* In the child: puts the descriptors at 3 and up, ERROR_FD (close-on-exec) behind them, and closes all
 * others. A descriptor may stand where another has to go, so all are first moved out of the way. */
static int place_fds(const struct iommuctl_handover *handover, int *error_fd)
{
        int n = (int)iommuctl_handover_n_fds(handover), behind = LISTEN_FDS_START + n;
        _cleanup_free_ int *moved = calloc((size_t)n, sizeof(*moved));
        int error = fcntl(*error_fd, F_DUPFD_CLOEXEC, behind + 1);

        if (!moved || error < 0)
                return -errno;
        *error_fd = error;
        for (int i = 0; i < n; i++) {
                moved[i] = fcntl(iommuctl_handover_fd(handover, (size_t)i), F_DUPFD_CLOEXEC, behind + 1);
                if (moved[i] < 0)
                        return -errno;
        }
        for (int i = 0; i < n; i++)
                if (dup2(moved[i], LISTEN_FDS_START + i) < 0)
                        return -errno;
        if (dup3(error, behind, O_CLOEXEC) < 0)
                return -errno;
        *error_fd = behind;
        return close_range((unsigned int)behind + 1, UINT32_MAX, 0) < 0 ? -errno : 0;
}

static int set_environment(const struct iommuctl_handover *handover, const char *json)
{
        char pid[16], n[16];

        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        snprintf(n, sizeof(n), "%zu", iommuctl_handover_n_fds(handover));
        if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", n, 1) < 0 ||
            setenv("LISTEN_FDNAMES", iommuctl_handover_fdnames(handover), 1) < 0 ||
            setenv("IOMMUCTL_HANDOVER", iommuctl_handover_text(handover), 1) < 0 ||
            setenv("IOMMUCTL_DMA", json, 1) < 0)
                return -errno;
        return 0;
}

/* The child: never returns. What went wrong before the program ran goes to ERROR_FD as an errno. */
static void become(struct hold *hold, const struct iommuctl_handover *handover, const char *json, char **argv,
                   pid_t parent, int error_fd)
{
        int r;

        /* Should we be killed, the program is told: it may not drive a device that nobody answers for. */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
                _exit(EXIT_FAILED);
        r = place_fds(handover, &error_fd);
        if (r == 0)
                r = set_environment(handover, json);
        if (r == 0) {
                signal(SIGPIPE, SIG_DFL);
                sigprocmask(SIG_SETMASK, &hold->old_mask, NULL);
                execvp(argv[0], argv);
                r = -errno;
        }
        if (write(error_fd, &r, sizeof(r)) < 0)
                _exit(EXIT_FAILED);
        _exit(EXIT_FAILED);
}

/* What the child could not do; 0 once the program runs. */
static int child_error(int fd)
{
        int error = 0;

        while (read(fd, &error, sizeof(error)) < 0 && errno == EINTR)
                ;
        return error;
}

int handover_run(struct cli *cli, struct hold *hold, const struct iommuctl_handover *handover,
                 const char *json, char **argv)
{
        pid_t parent = getpid(), pid;
        int fds[2], error, status;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return cli_error(cli, EXIT_FAILED, -errno, NULL, "cannot make a pipe: %s", strerror(errno));
        pid = fork();
        if (pid == 0)
                become(hold, handover, json, argv, parent, fds[1]);
        error = pid < 0 ? -errno : 0;
        close(fds[1]);
        if (pid > 0)
                error = child_error(fds[0]);
        close(fds[0]);
        if (pid < 0)
                return cli_error(cli, EXIT_FAILED, error, NULL, "cannot start a process: %s",
                                 strerror(-error));
        status = hold_wait_child(hold, pid);
        if (error < 0)
                return cli_error(cli, error == -ENOENT ? 127 : 126, error, NULL, "cannot run %s: %s", argv[0],
                                 strerror(-error));
        if (status < 0)
                return cli_error(cli, EXIT_FAILED, status, NULL, "cannot wait for %s: %s", argv[0],
                                 strerror(-status));
        return status;
}
