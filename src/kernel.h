/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every system call that touches the machine, as one replaceable table.
 *
 * All of src/ and lib/ talks to the kernel through a `struct kernel` that the context carries; nothing else
 * calls open(), ioctl(), mmap() and their kin. The real table is kernel_real; tests put a machine in memory
 * in its place (tests/fake). Results are the system call's own, except that a failure is a negative errno and
 * never errno.
 *
 * Paths are always relative to a directory descriptor (or AT_FDCWD), descriptors are always close-on-exec
 * (the table adds it), and an interrupted call is begun again where that is safe.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>

struct kernel;

struct kernel_ops {
        /* Files. open_in_root resolves the path as if ROOT_FD were "/" (openat2 with RESOLVE_IN_ROOT,
         * Linux 5.6; where that is missing, plain openat), so that an absolute link inside a captured tree
         * stays in it. */
        int (*openat)(struct kernel *k, int dirfd, const char *path, int flags, mode_t mode);
        int (*open_in_root)(struct kernel *k, int root_fd, const char *path, int flags);
        int (*close)(struct kernel *k, int fd);
        ssize_t (*read)(struct kernel *k, int fd, void *buf, size_t size);
        ssize_t (*write)(struct kernel *k, int fd, const void *buf, size_t size);
        ssize_t (*pread)(struct kernel *k, int fd, void *buf, size_t size, uint64_t offset);
        ssize_t (*pwrite)(struct kernel *k, int fd, const void *buf, size_t size, uint64_t offset);
        /* Raw linux_dirent64 records, as getdents64(2) gives them. */
        ssize_t (*getdents)(struct kernel *k, int fd, void *buf, size_t size);
        ssize_t (*readlinkat)(struct kernel *k, int dirfd, const char *path, char *buf, size_t size);
        int (*fstatat)(struct kernel *k, int dirfd, const char *path, struct stat *ret_st, int flags);
        int (*mkdirat)(struct kernel *k, int dirfd, const char *path, mode_t mode);
        int (*renameat)(struct kernel *k, int dirfd, const char *from, const char *to);
        int (*unlinkat)(struct kernel *k, int dirfd, const char *path, int flags);
        int (*flock)(struct kernel *k, int fd, int operation);
        int (*ftruncate)(struct kernel *k, int fd, uint64_t size);

        /* Devices and memory. */
        int (*ioctl)(struct kernel *k, int fd, unsigned long request, void *arg);
        int (*mmap)(struct kernel *k, void *addr, size_t length, int prot, int flags, int fd, uint64_t offset,
                    void **ret_map);
        int (*munmap)(struct kernel *k, void *addr, size_t length);
        int (*madvise)(struct kernel *k, void *addr, size_t length, int advice);
        /* Sets the policy of the memory there (MPOL_…, <linux/mempolicy.h>) to one node. -ENOSYS: the kernel
         * knows no nodes. */
        int (*mbind)(struct kernel *k, void *addr, size_t length, int mode, unsigned int node);
        /* Adds 0 to the word at ADDR, a multiple of 4, as one step: the page is there and this process's to
         * write afterwards, with what was in it. -EFAULT where the processor would send a signal. */
        int (*touch)(struct kernel *k, void *addr);
        int (*memfd_create)(struct kernel *k, const char *name, unsigned int flags);
        int (*eventfd)(struct kernel *k, unsigned int value, int flags);
        int (*dup)(struct kernel *k, int fd);
        /* The number FD stands for what BY stands for, from one moment to the next; what it stood for is
         * closed. */
        int (*replace_fd)(struct kernel *k, int fd, int by);
        int (*socket)(struct kernel *k, int domain, int type, int protocol);
        /* sigaction(2); ACTION or RET_OLD may be NULL. */
        int (*sigaction)(struct kernel *k, int number, const struct sigaction *action,
                         struct sigaction *ret_old);
        int (*getrlimit)(struct kernel *k, int resource, struct rlimit *ret_limit);

        /* Time. The clock is CLOCK_MONOTONIC, in nanoseconds. */
        int (*poll)(struct kernel *k, struct pollfd *fds, unsigned int n_fds, int timeout_ms);
        uint64_t (*now_ns)(struct kernel *k);
        void (*sleep_ns)(struct kernel *k, uint64_t ns);

        /* Writes VALUE to PATH in a child process, so that a write which the driver core never finishes can
         * be given up on: -ETIMEDOUT after TIMEOUT_MS, and *ret_pid names the child that is stuck in it (it
         * is left to end when the kernel lets it; elsewhere *ret_pid is 0). The child takes no signal handler
         * of the caller's and sends no SIGCHLD, and it holds none of the caller's other descriptors: neither
         * a lock nor the end of a pipe lives on in it. It is killed when the caller dies. */
        int (*write_guarded)(struct kernel *k, int dirfd, const char *path, const char *value, size_t size,
                             int timeout_ms, pid_t *ret_pid);
        /* Reads PATH from its beginning the same way: some attributes wait for the lock that a driver stuck
         * in its removal holds (driver_override and sriov_numvfs do in most kernels). The number of bytes, or
         * -ETIMEDOUT with *ret_pid as above. */
        ssize_t (*read_guarded)(struct kernel *k, int dirfd, const char *path, void *buf, size_t size,
                                int timeout_ms, pid_t *ret_pid);
        /* Runs a program (argv[0] an absolute path) with output discarded, and returns its exit status, or
         * -ETIMEDOUT after killing it. */
        int (*run)(struct kernel *k, const char *const argv[], int timeout_ms);
        pid_t (*getpid)(struct kernel *k);
        /* How many processors this thread may run on. */
        int (*n_cpus)(struct kernel *k);
};

struct kernel {
        const struct kernel_ops *ops;
};

/* The machine this process runs on. Stateless, so one serves every context and thread. */
extern struct kernel kernel_real;

/* A descriptor that is closed at the end of its scope by the kernel that opened it. */
struct scoped_fd {
        struct kernel *k;
        int fd;
};

static inline void scoped_fd_close(struct scoped_fd *s)
{
        if (s->fd >= 0)
                s->k->ops->close(s->k, s->fd);
        s->fd = -1;
}

/* struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(k, some open); test fd.fd < 0 afterwards. */
#define _cleanup_fd_     __attribute__((cleanup(scoped_fd_close)))
#define SCOPED_FD(k, fd) ((struct scoped_fd){ (k), (fd) })

static inline int scoped_fd_take(struct scoped_fd *s)
{
        int fd = s->fd;

        s->fd = -1;
        return fd;
}
