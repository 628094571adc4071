/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hold.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/macro.h"

static sigset_t held_set(bool for_child)
{
        static const int for_children[] = { SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD };
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        for (size_t i = 0; for_child && i < ARRAY_SIZE(for_children); i++)
                sigaddset(&set, for_children[i]);
        return set;
}

int hold_begin(struct hold *hold, bool for_child)
{
        sigset_t set = held_set(for_child);

        /* Started with SIGCHLD ignored, we would never see a child's status. */
        signal(SIGCHLD, SIG_DFL);
        if (sigprocmask(SIG_BLOCK, &set, &hold->old_mask) < 0)
                return -errno;
        hold->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (hold->signal_fd < 0) {
                int r = -errno;

                sigprocmask(SIG_SETMASK, &hold->old_mask, NULL);
                return r;
        }
        return 0;
}

/* 1 and the next signal, 0 where there is none, or a negative errno. */
static int next_signal(struct hold *hold, struct signalfd_siginfo *ret_info)
{
        ssize_t n = read(hold->signal_fd, ret_info, sizeof(*ret_info));

        if (n == sizeof(*ret_info))
                return 1;
        return n < 0 && errno != EAGAIN ? -errno : 0;
}

/* Reads what there is. 1 at the end of standard input. */
static int input_ended(void)
{
        char buf[4096];
        ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0
                       : errno == EBADF                  ? 1
                                                         : -errno; /* it never was open */
        return n == 0;
}

int hold_wait(struct hold *hold, bool until_eof)
{
        struct pollfd fds[] = {
                { .fd = hold->signal_fd, .events = POLLIN },
                { .fd = STDIN_FILENO, .events = POLLIN },
        };
        struct signalfd_siginfo info;

        for (;;) {
                int r;

                if (poll(fds, until_eof ? 2 : 1, -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                r = next_signal(hold, &info);
                if (r == 0 && until_eof && fds[1].revents)
                        r = input_ended();
                if (r != 0)
                        return r < 0 ? r : 0;
        }
}

/* A key on the terminal sends its signal to the whole foreground group, the child too; what the kernel sent
 * is therefore not sent again. */
static void pass_on(const struct signalfd_siginfo *info, pid_t pid)
{
        if (info->ssi_signo != SIGCHLD && info->ssi_code != SI_KERNEL)
                kill(pid, (int)info->ssi_signo);
}

int hold_wait_child(struct hold *hold, pid_t pid)
{
        struct pollfd fd = { .fd = hold->signal_fd, .events = POLLIN };
        struct signalfd_siginfo info;
        int status, r;

        for (;;) {
                r = waitpid(pid, &status, WNOHANG);
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r == pid)
                        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
                if (poll(&fd, 1, -1) < 0 && errno != EINTR)
                        return -errno;
                r = next_signal(hold, &info);
                if (r < 0)
                        return r;
                if (r > 0)
                        pass_on(&info, pid);
        }
}

void hold_end(struct hold *hold)
{
        struct signalfd_siginfo info;

        if (hold->signal_fd < 0)
                return;
        while (next_signal(hold, &info) > 0)
                ;
        close(hold->signal_fd);
        hold->signal_fd = -1;
        sigprocmask(SIG_SETMASK, &hold->old_mask, NULL);
}
