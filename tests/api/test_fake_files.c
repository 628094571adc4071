/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine in memory answers for files as Linux does: what other tests stand on. */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>

static struct fake *m;
static struct kernel *k;

static int setup(void **state)
{
        (void)state;
        m = fake_machine_new(NULL);
        k = fake_kernel(m);
        fake_add_file(m, "/a/b/file", "hello\n");
        fake_add_link(m, "/a/relative", "b/file");
        fake_add_link(m, "/a/absolute", "/a/b");
        fake_add_link(m, "/a/loop", "loop");
        fake_add_link(m, "/a/dangling", "b/not-yet");
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        fake_machine_free(m);
        return 0;
}

static int open_path(const char *path, int flags)
{
        return k->ops->openat(k, AT_FDCWD, path, flags, 0600);
}

static void test_open_errors(void **state)
{
        (void)state;
        assert_int_equal(open_path("/a/none", O_RDONLY), -ENOENT);
        assert_int_equal(open_path("/a/none/x", O_CREAT | O_RDWR), -ENOENT);
        assert_int_equal(open_path("/a/b/file/x", O_RDONLY), -ENOTDIR);
        assert_int_equal(open_path("/a/b/file/", O_RDONLY), -ENOTDIR);
        assert_int_equal(open_path("/a/b/file", O_RDONLY | O_DIRECTORY), -ENOTDIR);
        assert_int_equal(open_path("/a/b", O_RDWR), -EISDIR);
        assert_int_equal(open_path("/a/loop", O_RDONLY), -ELOOP);
        assert_int_equal(open_path("/a/relative", O_RDONLY | O_NOFOLLOW), -ELOOP);
        assert_int_equal(open_path("/a/b/file", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
        assert_int_equal(open_path("/a/dangling", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
        assert_int_equal(open_path("", O_RDONLY), -ENOENT);
        assert_int_equal(k->ops->openat(k, 999, "x", O_RDONLY, 0), -EBADF);
        fake_chmod(m, "/a/b/file", 0600, 0);
        fake_set_uid(m, 1000);
        assert_int_equal(open_path("/a/b/file", O_RDONLY), -EACCES);
        fake_set_uid(m, 0);
        assert_clean(m, 0);
}

static void test_read_write(void **state)
{
        char buf[16] = "";
        int fd;

        (void)state;
        fd = open_path("/a/absolute/../relative", O_RDWR);
        assert_true(fd >= 0);
        assert_int_equal(k->ops->read(k, fd, buf, 3), 3);
        assert_int_equal(k->ops->read(k, fd, buf + 3, 10), 3);
        assert_int_equal(k->ops->read(k, fd, buf + 6, 10), 0);
        assert_string_equal(buf, "hello\n");
        assert_int_equal(k->ops->pwrite(k, fd, "J", 1, 0), 1);
        assert_string_equal(fake_read(m, "/a/b/file"), "Jello\n");
        assert_int_equal(k->ops->ftruncate(k, fd, 2), 0);
        assert_int_equal(k->ops->close(k, fd), 0);
        assert_int_equal(k->ops->close(k, fd), -EBADF);
        fd = open_path("/a/dangling", O_WRONLY | O_CREAT);
        assert_true(fd >= 0);
        assert_int_equal(k->ops->write(k, fd, "x", 1), 1);
        assert_int_equal(k->ops->read(k, fd, buf, 1), -EBADF);
        k->ops->close(k, fd);
        assert_string_equal(fake_read(m, "/a/b/not-yet"), "x");
}

static void test_in_root(void **state)
{
        char buf[8] = "";
        int root, fd;

        (void)state;
        fake_add_file(m, "/capture/a/b/file", "inside");
        fake_add_link(m, "/capture/link", "/../a/b/file");
        root = open_path("/capture", O_PATH | O_DIRECTORY);
        fd = k->ops->open_in_root(k, root, "/link", O_RDONLY);
        assert_true(fd >= 0);
        assert_int_equal(k->ops->read(k, fd, buf, 7), 6);
        assert_string_equal(buf, "inside");
        assert_int_equal(k->ops->read(k, root, buf, 1), -EBADF);
        k->ops->close(k, fd);
        k->ops->close(k, root);
}

/* The names in a directory, one after the other, read with a buffer that holds about two of them. */
static void list(const char *path, char *text)
{
        char buf[64];
        int fd = open_path(path, O_RDONLY | O_DIRECTORY);
        ssize_t n;

        *text = '\0';
        while ((n = k->ops->getdents(k, fd, buf, sizeof(buf))) > 0)
                for (ssize_t at = 0; at < n;) {
                        unsigned short length;

                        memcpy(&length, buf + at + offsetof(struct dirent64, d_reclen), sizeof(length));
                        strcat(strcat(text, buf + at + offsetof(struct dirent64, d_name)), " ");
                        at += length;
                }
        assert_int_equal(n, 0);
        k->ops->close(k, fd);
}

static void test_directories(void **state)
{
        struct stat st;
        char text[200];

        (void)state;
        assert_int_equal(k->ops->mkdirat(k, AT_FDCWD, "/d", 0700), 0);
        assert_int_equal(k->ops->mkdirat(k, AT_FDCWD, "/d", 0700), -EEXIST);
        assert_int_equal(k->ops->mkdirat(k, AT_FDCWD, "/e/f", 0700), -ENOENT);
        k->ops->close(k, open_path("/d/one", O_CREAT | O_WRONLY));
        k->ops->close(k, open_path("/d/two", O_CREAT | O_WRONLY));
        k->ops->close(k, open_path("/d/three", O_CREAT | O_WRONLY));
        list("/d", text);
        assert_string_equal(text, ". .. three two one ");
        assert_int_equal(k->ops->unlinkat(k, AT_FDCWD, "/d", 0), -EISDIR);
        assert_int_equal(k->ops->unlinkat(k, AT_FDCWD, "/d", AT_REMOVEDIR), -ENOTEMPTY);
        assert_int_equal(k->ops->renameat(k, AT_FDCWD, "/d/one", "/d/two"), 0);
        assert_int_equal(k->ops->unlinkat(k, AT_FDCWD, "/d/one", 0), -ENOENT);
        assert_int_equal(k->ops->unlinkat(k, AT_FDCWD, "/d/two", 0), 0);
        list("/d", text);
        assert_string_equal(text, ". .. three ");
        assert_int_equal(k->ops->fstatat(k, AT_FDCWD, "/a/relative", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(S_ISLNK(st.st_mode));
        assert_int_equal(k->ops->fstatat(k, AT_FDCWD, "/a/relative", &st, 0), 0);
        assert_true(S_ISREG(st.st_mode));
        assert_int_equal(k->ops->readlinkat(k, AT_FDCWD, "/a/relative", text, 4), 4);
        assert_int_equal(k->ops->readlinkat(k, AT_FDCWD, "/a/b", text, 4), -EINVAL);
}

static void unlock(struct fake *machine, void *userdata)
{
        (void)machine;
        k->ops->flock(k, *(int *)userdata, LOCK_UN);
}

static void test_locks(void **state)
{
        int one = open_path("/a/b/file", O_RDWR), two = open_path("/a/b/file", O_RDWR),
            copy = k->ops->dup(k, one);
        uint64_t before = k->ops->now_ns(k);

        (void)state;
        assert_int_equal(k->ops->flock(k, one, LOCK_EX), 0);
        assert_int_equal(k->ops->flock(k, copy, LOCK_EX | LOCK_NB), 0);
        assert_int_equal(k->ops->flock(k, two, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
        assert_int_equal(k->ops->flock(k, two, LOCK_EX), -EDEADLK);
        fake_at(m, 5000000000, unlock, &one);
        assert_int_equal(k->ops->flock(k, two, LOCK_EX), 0);
        assert_true(k->ops->now_ns(k) - before >= 5000000000);
        k->ops->close(k, two);
        assert_int_equal(k->ops->flock(k, copy, LOCK_EX | LOCK_NB), 0);
        k->ops->close(k, one);
        k->ops->close(k, copy);
        assert_clean(m, 0);
}

static void test_memory(void **state)
{
        void *p;
        int fd;

        (void)state;
        fd = k->ops->memfd_create(k, "x", 0);
        assert_int_equal(k->ops->ftruncate(k, fd, 8192), 0);
        assert_int_equal(k->ops->mmap(k, NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0, &p), 0);
        strcpy(p, "there");
        assert_int_equal(fake_n_mmaps(m), 1);
        assert_int_equal(k->ops->munmap(k, p, 4096), 0);
        assert_int_equal(fake_n_mmaps(m), 1);
        assert_int_equal(k->ops->munmap(k, (char *)p + 4096, 4096), 0);
        assert_clean(m, 1);
        k->ops->close(k, fd);
        fd = k->ops->memfd_create(k, "x", MFD_HUGETLB);
        assert_int_equal(k->ops->ftruncate(k, fd, 4096), -EINVAL);
        assert_int_equal(k->ops->ftruncate(k, fd, 2 << 20), 0);
        assert_int_equal(k->ops->mmap(k, NULL, 2 << 20, PROT_READ, MAP_SHARED, fd, 0, &p), -ENOMEM);
        k->ops->close(k, fd);
        assert_clean(m, 0);
}

static void test_faults(void **state)
{
        const char *text;

        (void)state;
        fake_set_fault(m, FAKE_FAULT_ERROR, 2, -EMFILE);
        assert_true(open_path("/a", O_RDONLY) >= 0);
        assert_false(fake_fault_hit(m));
        assert_int_equal(open_path("/a", O_RDONLY), -EMFILE);
        assert_string_equal(fake_fault_where(m), "open /a");
        assert_true(open_path("/a", O_RDONLY) >= 0);
        assert_int_equal(fake_audit(m, 0, &text), 2);
        fake_set_fault(m, FAKE_FAULT_KILL_AFTER, 1, 0);
        assert_int_equal(k->ops->mkdirat(k, AT_FDCWD, "/last", 0700), 0);
        assert_int_equal(k->ops->mkdirat(k, AT_FDCWD, "/more", 0700), -EIO);
        assert_int_equal(open_path("/a", O_RDONLY), -EIO);
        fake_revive(m);
        assert_true(fake_exists(m, "/last"));
        assert_false(fake_exists(m, "/more"));
        assert_clean(m, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_open_errors, setup, teardown),
                cmocka_unit_test_setup_teardown(test_read_write, setup, teardown),
                cmocka_unit_test_setup_teardown(test_in_root, setup, teardown),
                cmocka_unit_test_setup_teardown(test_directories, setup, teardown),
                cmocka_unit_test_setup_teardown(test_locks, setup, teardown),
                cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
                cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
        };

        return run_tap_tests("the machine in memory: files", tests);
}
