/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table: each call takes the lock, passes the door where faults wait, and does its work in another file.
 */
#include "fake_internal.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>

#include "fake_uapi.h"

/* The lock is taken before DETAIL is looked at, which may be in the tables that it guards. */
#define CALL(what, detail, expr)                  \
        ({                                        \
                struct fake *m = fake_of(k);      \
                __typeof__(expr) r_;              \
                                                  \
                pthread_mutex_lock(&m->lock);     \
                r_ = fake_enter(m, what, detail); \
                if (r_ == 0)                      \
                        r_ = (expr);              \
                fake_leave(m);                    \
                pthread_mutex_unlock(&m->lock);   \
                r_;                               \
        })

static const char *path_of(struct fake *m, int fd)
{
        struct fake_file *f = fake_file_get(m, fd);

        if (!f)
                return "a closed descriptor";
        return f->node ? fake_node_path(f->node) : f->ops && f->ops->what ? f->ops->what : "memory or event";
}

static int op_openat(struct kernel *k, int dirfd, const char *path, int flags, mode_t mode)
{
        return CALL("open", path, fake_do_openat(m, dirfd, path, flags, mode));
}

static int op_open_in_root(struct kernel *k, int root_fd, const char *path, int flags)
{
        return CALL("open_in_root", path, fake_do_open_in_root(m, root_fd, path, flags));
}

/* Closing never fails in a way that leaves the descriptor open, and so is no place for a fault. */
static int op_close(struct kernel *k, int fd)
{
        struct fake *m = fake_of(k);
        int r = 0;

        pthread_mutex_lock(&m->lock);
        if (!m->dead)
                r = fake_fd_close(m, fd);
        pthread_mutex_unlock(&m->lock);
        return r;
}

/* Attributes come whole in one read; larger files of /proc, and files on a disk, in pieces. */
static bool comes_in_pieces(struct fake *m, int fd)
{
        struct fake_file *f = fake_file_get(m, fd);
        const char *path = f && f->node ? fake_node_path(f->node) : "";

        /* A message comes whole. */
        if (f && !f->node)
                return f->ops && f->ops->stream;
        return !startswith(path, "/sys/") &&
               (!startswith(path, "/proc/") || startswith(path, "/proc/net/") ||
                streq(path, "/proc/self/mountinfo") || streq(path, "/proc/swaps"));
}

static ssize_t op_read(struct kernel *k, int fd, void *buf, size_t size)
{
        return CALL("read", path_of(m, fd),
                    fake_do_read(m, fd, buf, size, comes_in_pieces(m, fd) && fake_short(m)));
}

static ssize_t op_write(struct kernel *k, int fd, const void *buf, size_t size)
{
        return CALL("write", path_of(m, fd), fake_do_write(m, fd, buf, size, fake_short(m)));
}

static ssize_t op_pread(struct kernel *k, int fd, void *buf, size_t size, uint64_t offset)
{
        return CALL("pread", path_of(m, fd),
                    fake_do_pread(m, fd, buf, fake_short(m) ? size / 2 : size, offset));
}

static ssize_t op_pwrite(struct kernel *k, int fd, const void *buf, size_t size, uint64_t offset)
{
        return CALL("pwrite", path_of(m, fd),
                    fake_do_pwrite(m, fd, buf, fake_short(m) ? size / 2 : size, offset));
}

static ssize_t op_getdents(struct kernel *k, int fd, void *buf, size_t size)
{
        return CALL("getdents", path_of(m, fd),
                    fake_do_getdents(m, fd, buf, fake_short(m) ? MIN(size, 300u) : size));
}

static ssize_t op_readlinkat(struct kernel *k, int dirfd, const char *path, char *buf, size_t size)
{
        return CALL("readlink", path, fake_do_readlinkat(m, dirfd, path, buf, size));
}

static int op_fstatat(struct kernel *k, int dirfd, const char *path, struct stat *ret_st, int flags)
{
        return CALL("stat", path, fake_do_fstatat(m, dirfd, path, ret_st, flags));
}

static int op_mkdirat(struct kernel *k, int dirfd, const char *path, mode_t mode)
{
        return CALL("mkdir", path, fake_do_mkdirat(m, dirfd, path, mode));
}

static int op_renameat(struct kernel *k, int dirfd, const char *from, const char *to)
{
        return CALL("rename", from, fake_do_renameat(m, dirfd, from, to));
}

static int op_unlinkat(struct kernel *k, int dirfd, const char *path, int flags)
{
        return CALL("unlink", path, fake_do_unlinkat(m, dirfd, path, flags));
}

static int op_flock(struct kernel *k, int fd, int operation)
{
        return CALL("flock", path_of(m, fd), fake_do_flock(m, fd, operation));
}

static int op_ftruncate(struct kernel *k, int fd, uint64_t size)
{
        return CALL("ftruncate", path_of(m, fd), fake_do_ftruncate(m, fd, size));
}

static int do_ioctl(struct fake *m, int fd, unsigned long request, void *arg)
{
        struct fake_file *f = fake_file_get(m, fd);

        if (!f || f->flags & O_PATH)
                return -EBADF;
        fake_count_ioctl(m, request);
        return f->ops && f->ops->ioctl ? f->ops->ioctl(m, f, request, arg) : -ENOTTY;
}

/* A dead process has nothing mapped: unmapping succeeds, so that a test can free what the library holds. */
static int op_ioctl(struct kernel *k, int fd, unsigned long request, void *arg)
{
        struct fake *m = fake_of(k);
        char detail[128];
        int r;

        pthread_mutex_lock(&m->lock);
        if (m->dead && (request == VFIO_IOMMU_UNMAP_DMA || request == FAKE_IOMMU_IOAS_UNMAP)) {
                pthread_mutex_unlock(&m->lock);
                return 0;
        }
        snprintf(detail, sizeof(detail), "0x%lx on %s", request, path_of(m, fd));
        r = fake_enter(m, "ioctl", detail);
        if (r == 0)
                r = do_ioctl(m, fd, request, arg);
        fake_leave(m);
        pthread_mutex_unlock(&m->lock);
        return r;
}

static int op_mmap(struct kernel *k, void *addr, size_t length, int prot, int flags, int fd, uint64_t offset,
                   void **ret_map)
{
        return CALL("mmap", NULL, fake_do_mmap(m, addr, length, prot, flags, fd, offset, ret_map));
}

static int op_munmap(struct kernel *k, void *addr, size_t length)
{
        struct fake *m = fake_of(k);
        int r = 0;

        pthread_mutex_lock(&m->lock);
        if (!m->dead)
                r = fake_do_munmap(m, addr, length);
        pthread_mutex_unlock(&m->lock);
        return r;
}

static int op_madvise(struct kernel *k, void *addr, size_t length, int advice)
{
        return CALL("madvise", NULL, fake_do_madvise(m, addr, length, advice));
}

static int op_mbind(struct kernel *k, void *addr, size_t length, int mode, unsigned int node)
{
        return CALL("mbind", NULL, fake_do_mbind(m, addr, length, mode, node));
}

/* Whole buffers are touched page by page: the machine is not asked for each. */
static int op_touch(struct kernel *k, void *addr)
{
        (void)k;
        return kernel_real.ops->touch(&kernel_real, addr);
}

static int op_n_cpus(struct kernel *k)
{
        return fake_of(k)->options.cpus ?: 2;
}

static int op_memfd_create(struct kernel *k, const char *name, unsigned int flags)
{
        return CALL("memfd_create", name, fake_do_memfd_create(m, name, flags));
}

static int op_eventfd(struct kernel *k, unsigned int value, int flags)
{
        return CALL("eventfd", NULL, fake_do_eventfd(m, value, flags));
}

static int op_socket(struct kernel *k, int domain, int type, int protocol)
{
        return CALL("socket", NULL, fake_do_socket(m, domain, type, protocol));
}

static int op_dup(struct kernel *k, int fd)
{
        return CALL("dup", path_of(m, fd), fake_do_dup(m, fd));
}

static int op_replace_fd(struct kernel *k, int fd, int by)
{
        return CALL("replace_fd", path_of(m, fd), fake_do_replace_fd(m, fd, by));
}

/* The handler is the process's own, and the real thing. */
static int op_sigaction(struct kernel *k, int number, const struct sigaction *action,
                        struct sigaction *ret_old)
{
        return CALL("sigaction", NULL, sigaction(number, action, ret_old) < 0 ? -errno : 0);
}

static int do_getrlimit(struct fake *m, int resource, struct rlimit *ret_limit)
{
        ret_limit->rlim_cur = ret_limit->rlim_max = RLIM_INFINITY;
        if (resource == RLIMIT_MEMLOCK && m->options.memlock)
                ret_limit->rlim_cur = ret_limit->rlim_max = m->options.memlock;
        if (resource == RLIMIT_NOFILE)
                ret_limit->rlim_cur = ret_limit->rlim_max = FAKE_MAX_FDS;
        return 0;
}

static int op_getrlimit(struct kernel *k, int resource, struct rlimit *ret_limit)
{
        return CALL("getrlimit", NULL, do_getrlimit(m, resource, ret_limit));
}

/* A wait with an end costs no time. One without an end leaves 2 s for another thread to do something. */
static int do_poll(struct fake *m, struct pollfd *fds, unsigned int n_fds, int timeout_ms)
{
        uint64_t limit = timeout_ms < 0 ? UINT64_MAX : m->now + (uint64_t)timeout_ms * 1000000u;
        int r;

        for (unsigned int tries = 0; tries < 200;) {
                r = poll(fds, n_fds, 0);
                if (r != 0)
                        return r < 0 ? -errno : r;
                if (fake_next_event(m, limit))
                        continue;
                if (timeout_ms >= 0) {
                        fake_advance(m, limit);
                        return 0;
                }
                pthread_mutex_unlock(&m->lock); /* CALL() and fake_enter() took it once each */
                pthread_mutex_unlock(&m->lock);
                r = poll(fds, n_fds, 10);
                pthread_mutex_lock(&m->lock);
                pthread_mutex_lock(&m->lock);
                if (r != 0)
                        return r < 0 ? -errno : r;
                tries++;
        }
        return -EDEADLK;
}

static int op_poll(struct kernel *k, struct pollfd *fds, unsigned int n_fds, int timeout_ms)
{
        return CALL("poll", NULL, do_poll(m, fds, n_fds, timeout_ms));
}

static uint64_t op_now_ns(struct kernel *k)
{
        struct fake *m = fake_of(k);
        uint64_t now;

        pthread_mutex_lock(&m->lock);
        now = ++m->now;
        pthread_mutex_unlock(&m->lock);
        return now;
}

static void op_sleep_ns(struct kernel *k, uint64_t ns)
{
        struct fake *m = fake_of(k);

        pthread_mutex_lock(&m->lock);
        fake_advance(m, m->now + ns);
        pthread_mutex_unlock(&m->lock);
}

static int op_write_guarded(struct kernel *k, int dirfd, const char *path, const char *value, size_t size,
                            int timeout_ms, pid_t *ret_pid)
{
        *ret_pid = 0;
        return CALL("write_guarded", path,
                    fake_do_write_guarded(m, dirfd, path, value, size, timeout_ms, ret_pid));
}

static ssize_t op_read_guarded(struct kernel *k, int dirfd, const char *path, void *buf, size_t size,
                               int timeout_ms, pid_t *ret_pid)
{
        *ret_pid = 0;
        return CALL("read_guarded", path,
                    fake_do_read_guarded(m, dirfd, path, buf, size, timeout_ms, ret_pid));
}

static int op_run(struct kernel *k, const char *const argv[], int timeout_ms)
{
        (void)timeout_ms;
        return CALL("run", argv[0], fake_do_run(m, argv));
}

static pid_t op_getpid(struct kernel *k)
{
        return fake_of(k)->pid;
}

const struct kernel_ops fake_ops = {
        .openat = op_openat,
        .open_in_root = op_open_in_root,
        .close = op_close,
        .read = op_read,
        .write = op_write,
        .pread = op_pread,
        .pwrite = op_pwrite,
        .getdents = op_getdents,
        .readlinkat = op_readlinkat,
        .fstatat = op_fstatat,
        .mkdirat = op_mkdirat,
        .renameat = op_renameat,
        .unlinkat = op_unlinkat,
        .flock = op_flock,
        .ftruncate = op_ftruncate,
        .ioctl = op_ioctl,
        .mmap = op_mmap,
        .munmap = op_munmap,
        .madvise = op_madvise,
        .mbind = op_mbind,
        .touch = op_touch,
        .memfd_create = op_memfd_create,
        .eventfd = op_eventfd,
        .dup = op_dup,
        .replace_fd = op_replace_fd,
        .sigaction = op_sigaction,
        .socket = op_socket,
        .getrlimit = op_getrlimit,
        .poll = op_poll,
        .now_ns = op_now_ns,
        .sleep_ns = op_sleep_ns,
        .write_guarded = op_write_guarded,
        .read_guarded = op_read_guarded,
        .run = op_run,
        .getpid = op_getpid,
        .n_cpus = op_n_cpus,
};
