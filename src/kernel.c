/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/macro.h"

/* The value of a system call that gives -1 and errno, as a value that gives -errno. */
#define RESULT(expr)                                    \
        ({                                              \
                __typeof__(expr) r_ = (expr);           \
                r_ < 0 ? (__typeof__(expr))-errno : r_; \
        })

/* The same, begun again when a signal interrupts it. */
#define RETRY(expr)                            \
        ({                                     \
                __typeof__(expr) again_;       \
                do                             \
                        again_ = RESULT(expr); \
                while (again_ == -EINTR);      \
                again_;                        \
        })

static int real_openat(struct kernel *k, int dirfd, const char *path, int flags, mode_t mode)
{
        (void)k;
        return RETRY(openat(dirfd, path, flags | O_CLOEXEC, mode));
}

static int real_open_in_root(struct kernel *k, int root_fd, const char *path, int flags)
{
        struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_IN_ROOT };
        long r;

        do
                r = RETRY(syscall(SYS_openat2, root_fd, path, &how, sizeof(how)));
        while (r == -EAGAIN); /* a rename elsewhere raced with "..": the kernel asks for another try */
        if (r == -ENOSYS || r == -EPERM)
                return real_openat(k, root_fd, path, flags, 0);
        return (int)r;
}

static int real_close(struct kernel *k, int fd)
{
        (void)k;
        /* Linux closes the descriptor even when it answers EINTR: never a second time. */
        return RESULT(close(fd));
}

static ssize_t real_read(struct kernel *k, int fd, void *buf, size_t size)
{
        (void)k;
        return RETRY(read(fd, buf, size));
}

static ssize_t real_write(struct kernel *k, int fd, const void *buf, size_t size)
{
        (void)k;
        return RETRY(write(fd, buf, size));
}

static ssize_t real_pread(struct kernel *k, int fd, void *buf, size_t size, uint64_t offset)
{
        (void)k;
        return RETRY(pread(fd, buf, size, (off_t)offset));
}

static ssize_t real_pwrite(struct kernel *k, int fd, const void *buf, size_t size, uint64_t offset)
{
        (void)k;
        return RETRY(pwrite(fd, buf, size, (off_t)offset));
}

static ssize_t real_getdents(struct kernel *k, int fd, void *buf, size_t size)
{
        (void)k;
        return RETRY((ssize_t)syscall(SYS_getdents64, fd, buf, size));
}

static ssize_t real_readlinkat(struct kernel *k, int dirfd, const char *path, char *buf, size_t size)
{
        (void)k;
        return RESULT(readlinkat(dirfd, path, buf, size));
}

static int real_fstatat(struct kernel *k, int dirfd, const char *path, struct stat *ret_st, int flags)
{
        (void)k;
        return RESULT(fstatat(dirfd, path, ret_st, flags));
}

static int real_mkdirat(struct kernel *k, int dirfd, const char *path, mode_t mode)
{
        (void)k;
        return RESULT(mkdirat(dirfd, path, mode));
}

static int real_renameat(struct kernel *k, int dirfd, const char *from, const char *to)
{
        (void)k;
        return RESULT(renameat(dirfd, from, dirfd, to));
}

static int real_unlinkat(struct kernel *k, int dirfd, const char *path, int flags)
{
        (void)k;
        return RESULT(unlinkat(dirfd, path, flags));
}

static int real_flock(struct kernel *k, int fd, int operation)
{
        (void)k;
        return RETRY(flock(fd, operation));
}

static int real_ftruncate(struct kernel *k, int fd, uint64_t size)
{
        (void)k;
        return RETRY(ftruncate(fd, (off_t)size));
}

static int real_ioctl(struct kernel *k, int fd, unsigned long request, void *arg)
{
        (void)k;
        return RESULT(ioctl(fd, request, arg));
}

static int real_mmap(struct kernel *k, void *addr, size_t length, int prot, int flags, int fd,
                     uint64_t offset, void **ret_map)
{
        void *map;

        (void)k;
        map = mmap(addr, length, prot, flags, fd, (off_t)offset);
        if (map == MAP_FAILED)
                return -errno;
        *ret_map = map;
        return 0;
}

static int real_munmap(struct kernel *k, void *addr, size_t length)
{
        (void)k;
        return RESULT(munmap(addr, length));
}

static int real_madvise(struct kernel *k, void *addr, size_t length, int advice)
{
        (void)k;
        return RETRY(madvise(addr, length, advice));
}

static int real_mbind(struct kernel *k, void *addr, size_t length, int mode, unsigned int node)
{
        const size_t bits = 8 * sizeof(unsigned long);
        unsigned long nodes[16] = { 0 }; /* MAX_NUMNODES is 1024 at most (CONFIG_NODES_SHIFT is 10 or less) */

        (void)k;
        if (node >= bits * ARRAY_SIZE(nodes))
                return -EINVAL;
        nodes[node / bits] = 1ul << node % bits;
        /* the kernel reads one bit less than it is told (get_nodes(), mm/mempolicy.c) */
        return (int)RESULT(syscall(SYS_mbind, addr, length, mode, nodes, bits * ARRAY_SIZE(nodes) + 1, 0));
}

/* FUTEX_WAKE_OP does its arithmetic whether or not somebody waits. Who waits at ADDR may wake for nothing, as
 * all who wait on a futex must expect. */
static int real_touch(struct kernel *k, void *addr)
{
        uint32_t nobodys = 0;
        long r;

        (void)k;
        r = RETRY(syscall(SYS_futex, &nobodys, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, addr,
                          FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_LT, 0)));
        return r < 0 ? (int)r : 0;
}

static int real_memfd_create(struct kernel *k, const char *name, unsigned int flags)
{
        (void)k;
        return RESULT(memfd_create(name, flags | MFD_CLOEXEC));
}

static int real_eventfd(struct kernel *k, unsigned int value, int flags)
{
        (void)k;
        return RESULT(eventfd(value, flags | EFD_CLOEXEC));
}

static int real_replace_fd(struct kernel *k, int fd, int by)
{
        int r;

        (void)k;
        /* EBUSY: another thread is just being given the same number (dup3(2)) */
        do
                r = dup3(by, fd, O_CLOEXEC);
        while (r < 0 && (errno == EINTR || errno == EBUSY));
        return r < 0 ? -errno : 0;
}

static int real_sigaction(struct kernel *k, int number, const struct sigaction *action,
                          struct sigaction *ret_old)
{
        (void)k;
        return RESULT(sigaction(number, action, ret_old));
}

static int real_dup(struct kernel *k, int fd)
{
        (void)k;
        return RESULT(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

static int real_socket(struct kernel *k, int domain, int type, int protocol)
{
        (void)k;
        return RESULT(socket(domain, type | SOCK_CLOEXEC, protocol));
}

static int real_getrlimit(struct kernel *k, int resource, struct rlimit *ret_limit)
{
        (void)k;
        return RESULT(getrlimit(resource, ret_limit));
}

static int real_poll(struct kernel *k, struct pollfd *fds, unsigned int n_fds, int timeout_ms)
{
        (void)k;
        return RESULT(poll(fds, n_fds, timeout_ms));
}

static uint64_t real_now_ns(struct kernel *k)
{
        struct timespec ts;

        (void)k;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void real_sleep_ns(struct kernel *k, uint64_t ns)
{
        struct timespec ts = { .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u) };

        (void)k;
        while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
                ;
}

/* Waits for a child made without an exit signal. *ret_status is wait(2)'s. 0, or -ETIMEDOUT. */
static int wait_child(pid_t pid, int pidfd, int timeout_ms, int *ret_status)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        int r;

        r = RETRY(poll(&p, 1, timeout_ms));
        if (r < 0)
                return r;
        if (r == 0)
                return -ETIMEDOUT;
        r = RETRY(waitpid(pid, ret_status, __WALL));
        return r < 0 ? r : 0;
}

/* A fork whose end sends no signal to anyone, so a program with its own SIGCHLD handling never sees our
 * children. */
static pid_t fork_quietly(int *ret_pidfd)
{
        struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)ret_pidfd };

        return (pid_t)RESULT(syscall(SYS_clone3, &args, sizeof(args)));
}

/* In a child: drops every descriptor but FD, so that a child that is stuck keeps no lock and no pipe of ours
 * open. Linux 5.9; before that they stay. */
static void close_all_but(int fd)
{
        if (fd > 0)
                (void)syscall(SYS_close_range, 0, fd - 1, 0);
        (void)syscall(SYS_close_range, fd + 1, ~0u, 0);
}

/* In a child: ends with its parent, so that nothing is begun for a process that is no longer there. */
static void end_with(pid_t parent)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(EINTR);
}

/* Waits for a guarded child and tells how it ended: its exit status as a negative errno, or -ETIMEDOUT after
 * killing it, with *RET_PID set where it did not even end then. */
static int end_guarded(pid_t pid, int pidfd, int timeout_ms, pid_t *ret_pid)
{
        int status, r;

        r = wait_child(pid, pidfd, timeout_ms, &status);
        if (r == -ETIMEDOUT) {
                kill(pid, SIGKILL); /* ends it if the driver waits killably; if not, it ends when the driver
                                       does */
                if (wait_child(pid, pidfd, 100, &status) < 0)
                        *ret_pid = pid;
                return -ETIMEDOUT;
        }
        if (r < 0)
                return r;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

static int real_write_guarded(struct kernel *k, int dirfd, const char *path, const char *value, size_t size,
                              int timeout_ms, pid_t *ret_pid)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, real_openat(k, dirfd, path, O_WRONLY | O_NOCTTY, 0));
        struct scoped_fd pidfd _cleanup_fd_ = SCOPED_FD(k, -1);
        pid_t self = getpid(), pid;

        *ret_pid = 0;
        if (fd.fd < 0)
                return fd.fd;
        pid = fork_quietly(&pidfd.fd);
        if (pid < 0)
                return pid;
        if (pid == 0) {
                ssize_t n;

                end_with(self);
                close_all_but(fd.fd);
                n = write(fd.fd, value, size);
                /* Exit status 0 to 255 carries an errno whole: the kernel's run to 133. */
                _exit(n == (ssize_t)size ? 0 : n < 0 ? errno : EIO);
        }
        return end_guarded(pid, pidfd.fd, timeout_ms, ret_pid);
}

static ssize_t real_read_guarded(struct kernel *k, int dirfd, const char *path, void *buf, size_t size,
                                 int timeout_ms, pid_t *ret_pid)
{
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, real_openat(k, dirfd, path, O_RDONLY | O_NOCTTY, 0));
        struct scoped_fd pidfd _cleanup_fd_ = SCOPED_FD(k, -1);
        struct {
                ssize_t n;
                char data[];
        } * shared;
        size_t shared_size = sizeof(*shared) + size;
        pid_t self = getpid(), pid;
        ssize_t r;

        *ret_pid = 0;
        if (fd.fd < 0)
                return fd.fd;
        /* One page that parent and child both see, where a pipe would be one more descriptor to hold. */
        shared = mmap(NULL, shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                return -errno;
        pid = fork_quietly(&pidfd.fd);
        if (pid == 0) {
                end_with(self);
                close_all_but(fd.fd);
                shared->n = read(fd.fd, shared->data, size);
                _exit(shared->n < 0 ? errno : 0);
        }
        r = pid < 0 ? pid : end_guarded(pid, pidfd.fd, timeout_ms, ret_pid);
        if (r == 0) {
                r = shared->n;
                memcpy(buf, shared->data, (size_t)r);
        }
        munmap(shared, shared_size);
        return r;
}

static int real_run(struct kernel *k, const char *const argv[], int timeout_ms)
{
        struct scoped_fd null _cleanup_fd_ = SCOPED_FD(k, real_openat(k, AT_FDCWD, "/dev/null", O_RDWR, 0));
        struct scoped_fd pidfd _cleanup_fd_ = SCOPED_FD(k, -1);
        int status, r;
        pid_t pid;

        pid = fork_quietly(&pidfd.fd);
        if (pid < 0)
                return pid;
        if (pid == 0) {
                static const char *const environ_clean[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };

                if (null.fd >= 0) {
                        dup2(null.fd, 0);
                        dup2(null.fd, 1);
                        dup2(null.fd, 2);
                }
                execve(argv[0], (char *const *)argv, (char *const *)environ_clean);
                _exit(127);
        }
        r = wait_child(pid, pidfd.fd, timeout_ms, &status);
        if (r == -ETIMEDOUT) {
                kill(pid, SIGKILL);
                wait_child(pid, pidfd.fd, 100, &status);
                return -ETIMEDOUT;
        }
        if (r < 0)
                return r;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static pid_t real_getpid(struct kernel *k)
{
        (void)k;
        return getpid();
}

static int real_n_cpus(struct kernel *k)
{
        cpu_set_t set;

        (void)k;
        /* EINVAL: the machine has more processors than the set has room for, 1024 */
        return sched_getaffinity(0, sizeof(set), &set) < 0 ? (int)RESULT(sysconf(_SC_NPROCESSORS_ONLN))
                                                           : CPU_COUNT(&set);
}

static const struct kernel_ops real_ops = {
        .openat = real_openat,
        .open_in_root = real_open_in_root,
        .close = real_close,
        .read = real_read,
        .write = real_write,
        .pread = real_pread,
        .pwrite = real_pwrite,
        .getdents = real_getdents,
        .readlinkat = real_readlinkat,
        .fstatat = real_fstatat,
        .mkdirat = real_mkdirat,
        .renameat = real_renameat,
        .unlinkat = real_unlinkat,
        .flock = real_flock,
        .ftruncate = real_ftruncate,
        .ioctl = real_ioctl,
        .mmap = real_mmap,
        .munmap = real_munmap,
        .madvise = real_madvise,
        .mbind = real_mbind,
        .touch = real_touch,
        .memfd_create = real_memfd_create,
        .eventfd = real_eventfd,
        .dup = real_dup,
        .replace_fd = real_replace_fd,
        .sigaction = real_sigaction,
        .socket = real_socket,
        .getrlimit = real_getrlimit,
        .poll = real_poll,
        .now_ns = real_now_ns,
        .sleep_ns = real_sleep_ns,
        .write_guarded = real_write_guarded,
        .read_guarded = real_read_guarded,
        .run = real_run,
        .getpid = real_getpid,
        .n_cpus = real_n_cpus,
};

struct kernel kernel_real = { .ops = &real_ops };
