/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that gets its pages from several threads: all of them, from the node that was asked for, with each
 * way that a kernel has; progress; and an end in the middle that leaves nothing. */
#include "machines.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommuctl/populate.h"

#define PAGE ((size_t)4096)
#define MIB  ((size_t)1 << 20)

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);

static unsigned int n_threads, threads_allowed = ~0u;
static sigset_t helper_signals;

static void *(*real_start)(void *);

static void *note_signals(void *arg)
{
        pthread_sigmask(SIG_SETMASK, NULL, &helper_signals);
        return real_start(arg);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
        int r;

        if (n_threads >= threads_allowed)
                return EAGAIN;
        if (n_threads == 0)
                real_start = start;
        r = __real_pthread_create(thread, attr, n_threads == 0 ? note_signals : start, arg);
        n_threads += r == 0;
        return r;
}

static struct fake *m;
static struct iommuctl_ctx *ctx;

static void start(const struct fake_options *options)
{
        m = fake_machine_new(options);
        ctx = new_ctx(m);
        n_threads = 0;
        threads_allowed = ~0u;
}

static void stop(void)
{
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static char *memory(size_t size)
{
        char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        assert_ptr_not_equal(p, MAP_FAILED);
        madvise(p, size, MADV_NOHUGEPAGE);
        return p;
}

static size_t n_present(void *p, size_t size)
{
        unsigned char *there = calloc(size / PAGE, 1);
        size_t n = 0;

        assert_int_equal(mincore(p, size, there), 0);
        for (size_t i = 0; i < size / PAGE; i++)
                n += there[i] & 1;
        free(there);
        return n;
}

static struct iommuctl_populate_options with(unsigned int threads)
{
        return (struct iommuctl_populate_options){ .struct_size = sizeof(struct iommuctl_populate_options),
                                                   .threads = threads };
}

/* What a progress callback was told; it cancels at CANCEL_AT bytes. */
struct told {
        pthread_t caller;
        unsigned int calls;
        size_t last, size, cancel_at;
        bool wrong;
};

static int tell(void *userdata, size_t done, size_t size)
{
        struct told *t = userdata;

        t->calls++;
        t->wrong |= !pthread_equal(pthread_self(), t->caller) || done < t->last || done > size ||
                    (t->size && t->size != size);
        t->last = done;
        t->size = size;
        return t->cancel_at && done >= t->cancel_at;
}

/* Every kernel, every number of threads, beginnings and ends anywhere: all pages come, and what was in them
 * stays. */
static void test_all_pages(void **state)
{
        static const char *const releases[] = { "6.12.0", "5.10.0" };
        static const unsigned int threads[] = { 0, 1, 2, 3, 7, 64 };
        static const size_t sizes[] = { PAGE, 16 * MIB - PAGE, 16 * MIB, 16 * MIB + PAGE, 50 * MIB };
        const size_t whole = 64 * MIB;

        (void)state;
        for (size_t r = 0; r < ARRAY_SIZE(releases); r++)
                for (size_t t = 0; t < ARRAY_SIZE(threads); t++)
                        for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
                                struct iommuctl_populate_options o = with(threads[t]);
                                struct told told = { .caller = pthread_self() };
                                char *p = memory(whole), *at = p + (1 + t) * PAGE;

                                start(&(struct fake_options){ .release = releases[r] });
                                o.progress = tell;
                                o.userdata = &told;
                                at[5] = 42;
                                at[sizes[s] - 1] = 43;
                                assert_ok(ctx, iommuctl_populate(ctx, at, sizes[s], &o));
                                assert_int_equal(n_present(at, sizes[s]), sizes[s] / PAGE);
                                assert_int_equal(n_present(p, whole), sizes[s] / PAGE);
                                assert_int_equal(at[5], 42);
                                assert_int_equal(at[sizes[s] - 1], sizes[s] > 6 ? 43 : 42);
                                assert_false(told.wrong);
                                assert_true(told.calls > 0);
                                assert_int_equal(told.last, sizes[s]);
                                munmap(p, whole);
                                stop();
                        }
}

/* Each page is written to where the kernel has no call for it, also of memory that is shared, and one word
 * that another thread counts up meanwhile keeps each count. */
static bool counting; /* atomic */

static void *count_up(void *word)
{
        unsigned long n = 0;

        while (__atomic_load_n(&counting, __ATOMIC_RELAXED)) {
                __atomic_fetch_add((unsigned int *)word, 1, __ATOMIC_RELAXED);
                n++;
        }
        return (void *)n;
}

static void test_touching_keeps_what_is_there(void **state)
{
        const struct iommuctl_populate_options o = with(2);
        int fd = memfd_create("shared", MFD_CLOEXEC);
        pthread_t counter;
        void *counted;
        char *p;

        (void)state;
        start(&(struct fake_options){ .release = "5.4.0" });
        assert_int_equal(ftruncate(fd, 32 * MIB), 0);
        p = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        __atomic_store_n(&counting, true, __ATOMIC_RELAXED);
        assert_int_equal(__real_pthread_create(&counter, NULL, count_up, p), 0);
        for (int i = 0; i < 20; i++)
                assert_ok(ctx, iommuctl_populate(ctx, p, 32 * MIB, &o));
        __atomic_store_n(&counting, false, __ATOMIC_RELAXED);
        pthread_join(counter, &counted);
        assert_int_equal(*(unsigned int *)p, (unsigned int)(uintptr_t)counted);
        assert_int_equal(n_present(p, 32 * MIB), 32 * MIB / PAGE);
        munmap(p, 32 * MIB);
        close(fd);
        stop();
}

static void test_how_many_threads(void **state)
{
        char *p = memory(512 * MIB);

        (void)state;
        start(&(struct fake_options){ .cpus = 4 });
        assert_ok(ctx, iommuctl_populate(ctx, p, 64 * MIB, NULL));
        assert_int_equal(n_threads, 0);
        assert_ok(ctx, iommuctl_populate(ctx, p, 192 * MIB, NULL));
        assert_int_equal(n_threads, 2);
        n_threads = 0;
        assert_ok(ctx, iommuctl_populate(ctx, p, 512 * MIB, NULL));
        assert_int_equal(n_threads, 3);
        stop();
        start(&(struct fake_options){ .cpus = 64 });
        assert_ok(ctx, iommuctl_populate(ctx, p, 512 * MIB, NULL));
        assert_int_equal(n_threads, 7);
        /* the helpers took no signals, and the caller's are as they were */
        assert_true(sigismember(&helper_signals, SIGTERM) && sigismember(&helper_signals, SIGUSR1) &&
                    sigismember(&helper_signals, SIGCHLD));
        pthread_sigmask(SIG_SETMASK, NULL, &helper_signals);
        assert_false(sigismember(&helper_signals, SIGTERM));
        stop();
        munmap(p, 512 * MIB);
}

/* No thread can be made, or only one: the work is done all the same. */
static void test_threads_fail(void **state)
{
        const struct iommuctl_populate_options o = with(4);

        (void)state;
        for (unsigned int allowed = 0; allowed < 3; allowed++) {
                char *p = memory(128 * MIB);

                start(NULL);
                threads_allowed = allowed;
                assert_ok(ctx, iommuctl_populate(ctx, p, 128 * MIB, &o));
                assert_int_equal(n_threads, allowed);
                assert_int_equal(n_present(p, 128 * MIB), 128 * MIB / PAGE);
                munmap(p, 128 * MIB);
                stop();
        }
}

static void test_cancel(void **state)
{
        struct iommuctl_populate_options o = with(2);
        struct told told = { .caller = pthread_self(), .cancel_at = 32 * MIB };
        char *p = memory(512 * MIB);

        (void)state;
        start(NULL);
        o.progress = tell;
        o.userdata = &told;
        assert_fails(ctx, iommuctl_populate(ctx, p, 512 * MIB, &o), -ECANCELED, "of 512 MiB are populated");
        assert_true(told.last >= 32 * MIB && told.last < 512 * MIB);
        /* what came stays */
        assert_true(n_present(p, 512 * MIB) >= 32 * MIB / PAGE);
        munmap(p, 512 * MIB);
        stop();
}

static void test_options(void **state)
{
        struct iommuctl_populate_options o = with(1);
        char *p = memory(4 * PAGE);

        (void)state;
        start(&(struct fake_options){ .numa_nodes = 2 });
        fake_add_file(m, "/sys/devices/system/node/has_memory", "0-1\n");
        assert_fails(ctx, iommuctl_populate(ctx, p, 0, &o), -EINVAL, "0x0 bytes at");
        assert_fails(ctx, iommuctl_populate(ctx, p, 100, &o), -EINVAL, "are not whole pages of 0x1000");
        assert_fails(ctx, iommuctl_populate(ctx, p + 1, PAGE, &o), -EINVAL, "are not whole pages of 0x1000");
        assert_fails(ctx, iommuctl_populate(ctx, p, SIZE_MAX - PAGE + 1, &o), -EOVERFLOW, "wrap around");
        o.threads = 1025;
        assert_fails(ctx, iommuctl_populate(ctx, p, PAGE, &o), -EINVAL, "1025 threads are more than 1024");
        o = with(1);
        o.flags = 8;
        assert_fails(ctx, iommuctl_populate(ctx, p, PAGE, &o), -EINVAL, "no flags 0x8");
        o.flags = IOMMUCTL_POPULATE_STRICT;
        assert_fails(ctx, iommuctl_populate(ctx, p, PAGE, &o), -EINVAL, "wants a node");
        o.flags = IOMMUCTL_POPULATE_ANY_NODE | IOMMUCTL_POPULATE_ON_NODE;
        assert_fails(ctx, iommuctl_populate(ctx, p, PAGE, &o), -EINVAL, "goes with no other node");
        o.flags = IOMMUCTL_POPULATE_ON_NODE;
        o.numa_node = 7;
        assert_fails(ctx, iommuctl_populate(ctx, p, PAGE, &o), -EINVAL,
                     "kept on NUMA node 7: there is none with memory, or the process's cpuset leaves it out, "
                     "or a huge page would be cut; with memory are: 0-1");
        o.struct_size = 0;
        assert_fails(ctx, iommuctl_populate(ctx, p, PAGE, &o), -EINVAL, "struct_size");
        munmap(p, 4 * PAGE);
        stop();
}

static void test_node(void **state)
{
        struct iommuctl_populate_options o = with(1);
        char *p = memory(4 * PAGE);
        unsigned int node = 9;

        (void)state;
        start(&(struct fake_options){ .numa_nodes = 2 });
        assert_ok(ctx, iommuctl_populate(ctx, p, 4 * PAGE, &o));
        assert_int_equal(fake_policy(m, p, &node), 0);
        o.flags = IOMMUCTL_POPULATE_ON_NODE;
        o.numa_node = 1;
        assert_ok(ctx, iommuctl_populate(ctx, p, 4 * PAGE, &o));
        assert_int_equal(fake_policy(m, p + 3 * PAGE, &node), MPOL_PREFERRED);
        assert_int_equal(node, 1);
        o.flags |= IOMMUCTL_POPULATE_STRICT;
        o.numa_node = 0;
        assert_ok(ctx, iommuctl_populate(ctx, p, 4 * PAGE, &o));
        assert_int_equal(fake_policy(m, p, &node), MPOL_BIND);
        assert_int_equal(node, 0);
        fake_set_fault(m, FAKE_FAULT_ERROR, 1, -EPERM);
        assert_fails(ctx, iommuctl_populate(ctx, p, 4 * PAGE, &o), -EPERM, "seccomp");
        stop();
        /* a kernel without nodes has node 0 */
        start(NULL);
        assert_ok(ctx, iommuctl_populate(ctx, p, 4 * PAGE, &o));
        o.numa_node = 1;
        assert_fails(ctx, iommuctl_populate(ctx, p, 4 * PAGE, &o), -EINVAL,
                     "NUMA node 1: there is none with memory");
        stop();
        munmap(p, 4 * PAGE);
}

/* What cannot be populated is told, by a kernel with the call and by one without, and ends no process. */
static void test_not_to_be_had(void **state)
{
        static const char *const releases[] = { "6.12.0", "5.10.0" };
        const struct iommuctl_populate_options o = with(2);
        char *hole, *readonly, *beyond;
        int fd = memfd_create("short", MFD_CLOEXEC);
        int r;

        (void)state;
        hole = memory(64 * MIB);
        munmap(hole + 40 * MIB, PAGE);
        readonly = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
        beyond = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        for (size_t i = 0; i < ARRAY_SIZE(releases); i++) {
                start(&(struct fake_options){ .release = releases[i] });
                r = iommuctl_populate(ctx, hole, 64 * MIB, &o);
                assert_true(r == -ENOMEM || r == -EFAULT);
                assert_contains(error_text(ctx), "of 64 MiB are populated");
                r = iommuctl_populate(ctx, readonly, 4 * PAGE, &o);
                assert_true(r == -EINVAL || r == -EFAULT);
                assert_contains(error_text(ctx), "may not be written");
                assert_fails(ctx, iommuctl_populate(ctx, beyond, 4 * PAGE, &o), -EFAULT,
                             "a file ends before it");
                stop();
        }
        munmap(hole, 64 * MIB);
        munmap(readonly, 4 * PAGE);
        munmap(beyond, 4 * PAGE);
        close(fd);
}

static void test_alloc(void **state)
{
        struct bench *b = *state;
        struct iommuctl_populate_options p = with(2);
        const struct iommuctl_dma_options o = { .struct_size = sizeof(o), .name = "large" };
        struct told told = { .caller = pthread_self() };
        struct iommuctl_dma *dma;
        struct iommuctl_span span;
        unsigned int node;

        p.progress = tell;
        p.userdata = &told;
        assert_ok(b->ctx, iommuctl_dma_alloc_populated(b->container, 32 * MIB - 5, &o, &p, &dma));
        span = iommuctl_dma_span(dma);
        assert_int_equal(span.size, 32 * MIB);
        assert_int_equal(n_present(span.vaddr, span.size), span.size / PAGE);
        assert_int_equal(fake_dma_write(b->m, NIC, span.iova + 7, "x", 1), 0);
        assert_int_equal(((char *)span.vaddr)[7], 'x');
        assert_string_equal(iommuctl_dma_name(dma), "large");
        assert_int_equal(told.last, 32 * MIB);
        assert_false(told.wrong);
        assert_int_equal(fake_policy(b->m, span.vaddr, &node), 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        assert_ok(b->ctx, iommuctl_dma_alloc_populated(b->container, PAGE, NULL, NULL, &dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
}

/* What may be locked is counted as the container counts it, also where no node tells that there is a way
 * other than type1's: who was handed an iommufd may see none. */
static void test_alloc_is_counted_by_the_container(void **state)
{
        struct bench *b = *state;
        struct iommuctl_dma *dma = NULL;

        bench_restart(b, &(struct fake_options){ .memlock = 1 * MIB });
        fake_add_file(b->m, "/proc/self/status",
                      "Name:\tdriver\nPid:\t4242\nUid:\t7\t7\t7\t7\nVmLck:\t    1024 kB\n"
                      "VmPin:\t       0 kB\nCapEff:\t0000000000000000\n");
        fake_remove(b->m, "/dev/iommu");
        if (b->backend == IOMMUCTL_BACKEND_IOMMUFD) {
                assert_ok(b->ctx, iommuctl_dma_alloc_populated(b->container, PAGE, NULL, NULL, &dma));
                assert_ok(b->ctx, iommuctl_dma_unmap(dma));
                return;
        }
        assert_fails(b->ctx, iommuctl_dma_alloc_populated(b->container, PAGE, NULL, NULL, &dma), -ENOMEM,
                     "1024 KiB are in use, no CAP_IPC_LOCK");
        assert_null(dma);
}

/* The device's node, another one, none, and the one or nothing. */
static void test_alloc_on_the_devices_node(void **state)
{
        struct bench *b = *state;
        struct iommuctl_populate_options p = with(1);
        struct iommuctl_dma *dma;
        unsigned int node = 9;

        bench_restart(b, &(struct fake_options){ .numa_nodes = 2 });
        p.flags = IOMMUCTL_POPULATE_STRICT;
        assert_fails(b->ctx, iommuctl_dma_alloc_populated(b->container, PAGE, NULL, &p, &dma), -ENODEV,
                     "numa_node in sysfs is -1");
        fake_set_numa_node(b->m, NIC, 1);
        assert_ok(b->ctx, iommuctl_dma_alloc_populated(b->container, PAGE, NULL, NULL, &dma));
        assert_int_equal(fake_policy(b->m, iommuctl_dma_span(dma).vaddr, &node), MPOL_PREFERRED);
        assert_int_equal(node, 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        fake_add_dir(b->m, "/sys/devices/system/node/node1");
        assert_ok(b->ctx, iommuctl_dma_alloc_populated(b->container, PAGE, NULL, &p, &dma));
        assert_int_equal(fake_policy(b->m, iommuctl_dma_span(dma).vaddr, &node), MPOL_BIND);
        assert_int_equal(node, 1);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        p.flags = IOMMUCTL_POPULATE_ON_NODE;
        p.numa_node = 0;
        assert_ok(b->ctx, iommuctl_dma_alloc_populated(b->container, PAGE, NULL, &p, &dma));
        assert_int_equal(fake_policy(b->m, iommuctl_dma_span(dma).vaddr, &node), MPOL_PREFERRED);
        assert_int_equal(node, 0);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        /* a device's node without memory is no reason to fail; one that was named is */
        fake_set_numa_node(b->m, NIC, 5);
        assert_ok(b->ctx, iommuctl_dma_alloc_populated(b->container, PAGE, NULL, NULL, &dma));
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        p.numa_node = 5;
        assert_fails(b->ctx, iommuctl_dma_alloc_populated(b->container, PAGE, NULL, &p, &dma), -EINVAL,
                     "NUMA node 5: there is none");
}

static void test_alloc_refusals(void **state)
{
        struct bench *b = *state;
        const struct iommuctl_dma_options huge = { .struct_size = sizeof(huge), .page_size = 2 * MIB };
        struct iommuctl_populate_options p = with(2);
        struct told told = { .caller = pthread_self(), .cancel_at = 16 * MIB };
        struct iommuctl_dma *dma = NULL;

        bench_restart(b, &(struct fake_options){ .hugepages_2m = 4 });
        assert_fails(b->ctx, iommuctl_dma_alloc_populated(b->container, 0, NULL, &p, &dma), -EINVAL,
                     "a buffer of 0 bytes");
        assert_fails(b->ctx, iommuctl_dma_alloc_populated(b->container, 10 * MIB, &huge, &p, &dma), -ENOMEM,
                     "need 5 hugepages of 2048 KiB and 4 are free");
        assert_ok(b->ctx, iommuctl_dma_alloc_populated(b->container, 8 * MIB, &huge, &p, &dma));
        assert_int_equal(iommuctl_dma_page_size(dma), 2 * MIB);
        assert_ok(b->ctx, iommuctl_dma_unmap(dma));
        /* canceled: nothing stays */
        p.progress = tell;
        p.userdata = &told;
        dma = NULL;
        assert_fails(b->ctx, iommuctl_dma_alloc_populated(b->container, 256 * MIB, NULL, &p, &dma),
                     -ECANCELED, "of 256 MiB are populated");
        assert_null(dma);
        assert_int_equal(fake_n_mappings(b->m), 0);
        assert_int_equal(fake_n_mmaps(b->m), 0);
        /* more than there is of anything */
        fake_add_file(b->m, "/proc/meminfo", "MemAvailable:   2048 kB\nSwapFree: 0 kB\n");
        assert_fails(b->ctx, iommuctl_dma_alloc_populated(b->container, 4 * MIB, NULL, NULL, &dma), -ENOMEM,
                     "need 4096 KiB of memory and 2048 KiB are available");
        assert_int_equal(fake_n_mmaps(b->m), 0);
}

static int run_failing(struct iommuctl_ctx *c, struct fake *machine)
{
        const struct iommuctl_dma_options huge = { .struct_size = sizeof(huge), .page_size = 2 * MIB };
        struct iommuctl_populate_options o = with(2);
        struct iommuctl_container *container = NULL;
        struct iommuctl_device *device = NULL;
        struct iommuctl_dma *dma;
        int r;

        (void)machine;
        o.flags = IOMMUCTL_POPULATE_STRICT;
        r = iommuctl_container_new(c, IOMMUCTL_BACKEND_IOMMUFD, &container);
        if (r >= 0)
                r = iommuctl_device_open(container, NIC, &device);
        if (r >= 0)
                r = iommuctl_dma_alloc_populated(container, 20 * MIB, &huge, &o, &dma);
        if (r >= 0)
                r = iommuctl_dma_unmap(dma) < 0 ? iommuctl_dma_unmap(dma) : 0;
        iommuctl_device_unref(device);
        iommuctl_container_unref(container);
        return r;
}

static struct fake *failing_machine(void)
{
        struct fake *machine = machine_vfio(
                &(struct fake_options){ .hugepages_2m = 20, .numa_nodes = 2, .memlock = 64 * MIB });

        fake_set_numa_node(machine, NIC, 1);
        fake_add_file(machine, "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages",
                      "20\n");
        return machine;
}

static void test_failing(void **state)
{
        (void)state;
        threads_allowed = ~0u;
        each_call_failing(
                &(struct scenario){ "memory that is populated", failing_machine, run_failing, NULL, false });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_pages),
                cmocka_unit_test(test_touching_keeps_what_is_there),
                cmocka_unit_test(test_how_many_threads),
                cmocka_unit_test(test_threads_fail),
                cmocka_unit_test(test_cancel),
                cmocka_unit_test(test_options),
                cmocka_unit_test(test_node),
                cmocka_unit_test(test_not_to_be_had),
                BOTH(test_alloc),
                BOTH(test_alloc_is_counted_by_the_container),
                BOTH(test_alloc_on_the_devices_node),
                BOTH(test_alloc_refusals),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("populate", tests);
}
