/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits that are no property of the machine: what may be locked, counted by process and by user; the control
 * groups' memory and huge pages; one NUMA node's. Each with both numbers, and none where the kernel would not
 * refuse. */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "iommuctl/budget.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

static struct fake *m;
static struct iommuctl_ctx *ctx;
static struct iommuctl_shortage s;

static void start(const struct fake_options *options)
{
        m = fake_machine_new(options);
        ctx = new_ctx(m);
        memset(&s, 0, sizeof(s));
}

static void stop(void)
{
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

static int check(uint64_t size)
{
        const struct iommuctl_budget_item item = { "a", size, NULL };

        memset(&s, 0, sizeof(s));
        return iommuctl_budget_check(ctx, &item, 1, &s);
}

static int check_huge(uint64_t size, size_t page_size)
{
        const struct iommuctl_dma_options options = { .struct_size = sizeof(options),
                                                      .page_size = page_size };
        const struct iommuctl_budget_item item = { "a", size, &options };

        memset(&s, 0, sizeof(s));
        return iommuctl_budget_check(ctx, &item, 1, &s);
}

static void refused(int r, enum iommuctl_shortage_kind kind, uint64_t needed, uint64_t available)
{
        assert_int_equal(r, -ENOMEM);
        assert_int_equal(s.kind, kind);
        assert_int_equal(s.needed, needed);
        assert_int_equal(s.available, available);
}

/* /proc/PID/status of a process of user 1000; PID 0 is ourselves. */
static void set_status(struct fake *machine, unsigned int pid, unsigned int uid, unsigned int pinned_kib,
                       unsigned int locked_kib, const char *caps)
{
        char path[64], text[512];

        snprintf(text, sizeof(text),
                 "Name:\tdriver\nPid:\t%u\nUid:\t%u\t%u\t%u\t%u\nVmPeak:\t  900 kB\nVmLck:\t%8u kB\n"
                 "VmPin:\t%8u kB\nCapInh:\t0000000000000000\nCapEff:\t%s\n",
                 pid ?: 4242, uid, uid, uid, uid, locked_kib, pinned_kib, caps);
        if (pid)
                snprintf(path, sizeof(path), "/proc/%u/status", pid);
        else
                snprintf(path, sizeof(path), "/proc/self/status");
        fake_add_file(machine, path, text);
}

#define NO_CAPS  "0000000000000000"
#define IPC_LOCK "0000000000004000"

static const char *const has_iommufd[] = { "/dev/null", "/dev/iommu", NULL };
static const char *const has_io_uring[] = { "anon_inode:[io_uring]", NULL };
static const char *const has_rdma[] = { "/dev/infiniband/uverbs0", NULL };

/* Before a container is there, no is said where it is no by both ways of counting. */
static void test_memlock_undecided(void **state)
{
        (void)state;
        start(&(struct fake_options){ .memlock = 1 * MIB });
        set_status(m, 0, 1000, 128, 512, NO_CAPS);
        assert_ok(ctx, check(896 * KIB)); /* by user: 128 KiB are in use */
        refused(check(900 * KIB), IOMMUCTL_SHORTAGE_MEMLOCK, 900 * KIB, 896 * KIB);
        assert_contains(
                error_text(ctx),
                "RLIMIT_MEMLOCK is 1024 KiB, 128 KiB are in use by the processes of user 1000 together");
        set_status(m, 0, 1000, 512, 128, NO_CAPS);
        assert_ok(ctx, check(896 * KIB)); /* by process */
        refused(check(900 * KIB), IOMMUCTL_SHORTAGE_MEMLOCK, 900 * KIB, 896 * KIB);
        assert_contains(error_text(ctx), "128 KiB are in use, no CAP_IPC_LOCK");
        stop();
        /* without iommufd there is one way */
        start(&(struct fake_options){ .memlock = 1 * MIB, .no_iommufd = true });
        set_status(m, 0, 1000, 0, 512, NO_CAPS);
        assert_ok(ctx, check(512 * KIB));
        refused(check(516 * KIB), IOMMUCTL_SHORTAGE_MEMLOCK, 516 * KIB, 512 * KIB);
        /* the capability lifts it, unless it is one of a user namespace's own */
        set_status(m, 0, 1000, 0, 512, IPC_LOCK);
        assert_ok(ctx, check(516 * KIB));
        fake_add_file(m, "/proc/self/uid_map", "         0          0 4294967295\n");
        assert_ok(ctx, check(516 * KIB));
        fake_add_file(m, "/proc/self/uid_map", "         0       1000          1\n");
        refused(check(516 * KIB), IOMMUCTL_SHORTAGE_MEMLOCK, 516 * KIB, 512 * KIB);
        stop();
}

static int check_container(struct bench *b, uint64_t size)
{
        const struct iommuctl_budget_item item = { "a", size, NULL };

        memset(&s, 0, sizeof(s));
        return iommuctl_budget_check_container(b->container, &item, 1, &s);
}

/* The container says how it counts. */
static void test_memlock_of_a_container(void **state)
{
        struct bench *b = *state;
        const bool by_user = b->backend == IOMMUCTL_BACKEND_IOMMUFD;

        bench_restart(b, &(struct fake_options){ .memlock = 1 * MIB });
        ctx = b->ctx;
        set_status(b->m, 0, 1000, 128, 512, NO_CAPS);
        /* counted with a user's: what the same user's processes have in iommufd or io_uring */
        fake_add_process(b->m, 501, "vmm", has_iommufd);
        set_status(b->m, 501, 1000, 256, 9000, NO_CAPS);
        fake_add_process(b->m, 502, "server", has_io_uring);
        set_status(b->m, 502, 1000, 64, 0, NO_CAPS);
        /* and not: another user's, one with the capability, RDMA's, one that shows no descriptors */
        fake_add_process(b->m, 503, "other", has_iommufd);
        set_status(b->m, 503, 1001, 256, 0, NO_CAPS);
        fake_add_process(b->m, 504, "root", has_iommufd);
        set_status(b->m, 504, 1000, 256, 0, IPC_LOCK);
        fake_add_process(b->m, 505, "mpi", has_rdma);
        set_status(b->m, 505, 1000, 256, 0, NO_CAPS);
        set_status(b->m, 506, 1000, 256, 0, NO_CAPS);
        /* this one */
        fake_add_process(b->m, 4242, "driver", has_iommufd);
        set_status(b->m, 4242, 1000, 128, 512, NO_CAPS);
        if (by_user) {
                assert_ok(b->ctx, check_container(b, 576 * KIB)); /* 1024 - 128 - 256 - 64 */
                refused(check_container(b, 580 * KIB), IOMMUCTL_SHORTAGE_MEMLOCK, 580 * KIB, 576 * KIB);
                assert_contains(error_text(b->ctx),
                                "448 KiB are in use by the processes of user 1000 together");
        } else {
                assert_ok(b->ctx, check_container(b, 512 * KIB));
                refused(check_container(b, 516 * KIB), IOMMUCTL_SHORTAGE_MEMLOCK, 516 * KIB, 512 * KIB);
                assert_contains(error_text(b->ctx), "512 KiB are in use, no CAP_IPC_LOCK");
        }
        set_status(b->m, 0, 1000, 128, 512, IPC_LOCK);
        assert_ok(b->ctx, check_container(b, 2048 * KIB));
        fake_remove(b->m, "/proc/self/status");
        assert_ok(b->ctx, check_container(b, 2048 * KIB));
}

/* ---- control groups ---- */

static void group_file(const char *dir, const char *name, uint64_t value)
{
        char path[256], text[32];

        snprintf(path, sizeof(path), "%s/%s", dir, name);
        snprintf(text, sizeof(text), value == UINT64_MAX ? "max\n" : "%llu\n", (unsigned long long)value);
        fake_add_file(m, path, text);
}

static void mounts(const char *text)
{
        fake_add_file(m, "/proc/self/mountinfo", text);
}

#define V2_MOUNT                                  \
        "21 1 252:1 / / rw - ext4 /dev/vda1 rw\n" \
        "30 21 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"

static void v2(const char *dir, uint64_t max, uint64_t current)
{
        group_file(dir, "memory.max", max);
        group_file(dir, "memory.high", UINT64_MAX);
        group_file(dir, "memory.current", current);
}

static void test_cgroup2(void **state)
{
        static const char slice[] = "/sys/fs/cgroup/user.slice", job[] = "/sys/fs/cgroup/user.slice/job";
        char path[256];

        (void)state;
        start(NULL);
        mounts(V2_MOUNT);
        fake_add_file(m, "/proc/self/cgroup", "0::/user.slice/job\n");
        assert_ok(ctx, check(100 * MIB)); /* no files: no limits */
        v2(job, UINT64_MAX, 3 * MIB);
        v2(slice, 64 * MIB, 40 * MIB);
        snprintf(path, sizeof(path), "%s/memory.stat", slice);
        /* 6 MiB can be dropped or written; 20 could be swapped out, if there were where to */
        fake_add_file(m, path,
                      "anon 20971520\nfile 16777216\ninactive_anon 10485760\nactive_anon 10485760\n"
                      "inactive_file 2097152\nactive_file 3145728\nslab_reclaimable 1048576\n");
        assert_ok(ctx, check(30 * MIB));
        refused(check(31 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 31 * MIB, 30 * MIB);
        assert_contains(
                error_text(ctx),
                "need 31744 KiB of memory and the cgroup /sys/fs/cgroup/user.slice has room for 30720 "
                "KiB (memory.max is 65536 KiB, 34816 KiB of it cannot be given back)");
        /* 8 MiB of swap, of which the group may use 4 */
        fake_add_file(m, "/proc/meminfo", "MemAvailable: 9000000 kB\nSwapFree: 8192 kB\n");
        assert_ok(ctx, check(38 * MIB));
        group_file(slice, "memory.swap.max", 5 * MIB);
        group_file(slice, "memory.swap.current", 1 * MIB);
        refused(check(38 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 38 * MIB, 34 * MIB);
        /* its own is asked first */
        v2(job, 16 * MIB, 0);
        refused(check(31 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 31 * MIB, 16 * MIB);
        assert_contains(error_text(ctx), "/sys/fs/cgroup/user.slice/job has room");
        /* without memory.stat nobody knows what can be reclaimed */
        v2(job, 16 * MIB, 15 * MIB);
        assert_ok(ctx, check(16 * MIB));
        refused(check(17 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 17 * MIB, 16 * MIB);
        /* memory.high alone makes it slow without end */
        v2(job, UINT64_MAX, 0);
        group_file(job, "memory.high", 8 * MIB);
        assert_ok(ctx, check(8 * MIB));
        refused(check(9 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 9 * MIB, 8 * MIB);
        assert_contains(error_text(ctx), "(memory.high is 8192 KiB");
        stop();
}

/* What a container sees: a namespace whose root is its own group, or a mount of a part of the tree. */
static void test_cgroup2_places(void **state)
{
        (void)state;
        start(NULL);
        mounts(V2_MOUNT);
        fake_add_file(m, "/proc/self/cgroup", "0::/\n");
        v2("/sys/fs/cgroup", 4 * MIB, 0);
        refused(check(5 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 5 * MIB, 4 * MIB);
        fake_add_file(m, "/proc/self/cgroup", "0::/../../other\n"); /* outside of the namespace */
        refused(check(5 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 5 * MIB, 4 * MIB);
        mounts("30 21 0:27 /docker/abc /cg rw - cgroup2 cgroup rw\n");
        fake_add_file(m, "/proc/self/cgroup", "0::/docker/abc/init\n");
        v2("/cg/init", 8 * MIB, 0);
        v2("/cg", 6 * MIB, 0);
        refused(check(7 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 7 * MIB, 6 * MIB);
        refused(check(9 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 9 * MIB, 8 * MIB);
        assert_contains(error_text(ctx), "the cgroup /cg/init has room");
        /* nothing of it makes sense: no limit is known */
        static const char *const nonsense[] = { "",          "\n", "0:",         "::::\n",
                                                "0::\n",     "x",  "1:memory\n", "4:memory:/nowhere\n",
                                                "0::/gone\n" };

        for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
                fake_add_file(m, "/proc/self/cgroup", nonsense[i]);
                mounts("\n - \n1 2 3 - cgroup2\n1 2 3 4 5 6 - cgroup2 x\n - cgroup2 x y\n");
                assert_ok(ctx, check(9 * MIB));
        }
        stop();
}

/* Version 1, where each controller has a tree of its own. */
static void test_cgroup1(void **state)
{
        static const char dir[] = "/sys/fs/cgroup/memory/lxc";

        (void)state;
        start(NULL);
        mounts("30 21 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
               "31 21 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
               "32 21 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
        fake_add_file(m, "/proc/self/cgroup", "8:pids:/lxc\n4:cpu,memory:/lxc\n0::/unified\n");
        v2("/sys/fs/cgroup/unified/unified", 1 * MIB, 0); /* not in charge */
        group_file(dir, "memory.limit_in_bytes", 20 * MIB);
        group_file(dir, "memory.usage_in_bytes", 12 * MIB);
        group_file("/sys/fs/cgroup/memory", "memory.limit_in_bytes", 9223372036854771712ull); /* none */
        group_file("/sys/fs/cgroup/memory", "memory.usage_in_bytes", 500 * MIB);
        fake_add_file(m, "/sys/fs/cgroup/memory/lxc/memory.stat",
                      "inactive_file 999999999\ntotal_inactive_file 4194304\ntotal_active_file 0\n");
        assert_ok(ctx, check(12 * MIB));
        refused(check(13 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 13 * MIB, 12 * MIB);
        assert_contains(error_text(ctx), "/sys/fs/cgroup/memory/lxc has room for 12288 KiB "
                                         "(memory.limit_in_bytes is 20480 KiB");
        stop();
}

static void test_cgroup_hugepages(void **state)
{
        static const char dir[] = "/sys/fs/cgroup/job";

        (void)state;
        start(&(struct fake_options){ .hugepages_2m = 100, .hugepages_1g = 8 });
        mounts(V2_MOUNT);
        fake_add_file(m, "/proc/self/cgroup", "0::/job\n");
        group_file(dir, "hugetlb.2MB.max", 10 * MIB);
        group_file(dir, "hugetlb.2MB.current", 4 * MIB);
        group_file(dir, "hugetlb.1GB.rsvd.max", 2048 * MIB);
        group_file(dir, "hugetlb.1GB.rsvd.current", 1024 * MIB);
        v2(dir, 1 * MIB, 0); /* which does not count them */
        assert_ok(ctx, check_huge(6 * MIB, 2 * MIB));
        refused(check_huge(8 * MIB, 2 * MIB), IOMMUCTL_SHORTAGE_CGROUP_HUGEPAGES, 4, 3);
        assert_int_equal(s.page_size, 2 * MIB);
        assert_contains(error_text(ctx), "need 4 hugepages of 2048 KiB and the cgroup /sys/fs/cgroup/job has "
                                         "room for 3 (hugetlb.2MB.max is 10240 KiB, 4096 KiB are in use)");
        assert_ok(ctx, check_huge(1024 * MIB, 1024 * MIB));
        refused(check_huge(2048 * MIB, 1024 * MIB), IOMMUCTL_SHORTAGE_CGROUP_HUGEPAGES, 2, 1);
        assert_contains(error_text(ctx), "hugetlb.1GB.rsvd.max is 2097152 KiB");
        /* a mount where the memory controller does count them */
        mounts("30 21 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,memory_hugetlb_accounting\n");
        refused(check_huge(6 * MIB, 2 * MIB), IOMMUCTL_SHORTAGE_CGROUP_MEMORY, 6 * MIB, 1 * MIB);
        stop();
        /* version 1 */
        start(&(struct fake_options){ .hugepages_2m = 100 });
        mounts("31 21 0:28 / /sys/fs/cgroup/hugetlb rw - cgroup cgroup rw,hugetlb\n");
        fake_add_file(m, "/proc/self/cgroup", "4:hugetlb:/job\n");
        group_file("/sys/fs/cgroup/hugetlb/job", "hugetlb.2MB.limit_in_bytes", 10 * MIB);
        group_file("/sys/fs/cgroup/hugetlb/job", "hugetlb.2MB.usage_in_bytes", 10 * MIB);
        refused(check_huge(2 * MIB, 2 * MIB), IOMMUCTL_SHORTAGE_CGROUP_HUGEPAGES, 1, 0);
        stop();
}

/* ---- NUMA nodes ---- */

static int check_node(unsigned int node, uint64_t size, size_t page_size)
{
        const struct iommuctl_dma_options options = { .struct_size = sizeof(options),
                                                      .page_size = page_size };
        const struct iommuctl_budget_item items[] = { { "a", size / 2, &options },
                                                      { "b", size / 2, &options } };

        memset(&s, 0, sizeof(s));
        return iommuctl_budget_check_node(ctx, node, items, 2, &s);
}

static void test_nodes(void **state)
{
        (void)state;
        start(NULL);
        assert_ok(ctx, check_node(0, 1024 * MIB, 2 * MIB)); /* a kernel without nodes: nothing is known */
        assert_int_equal(check_node(1, 2 * MIB, 0), -EINVAL);
        assert_contains(error_text(ctx), "there is no NUMA node 1");
        assert_int_equal(s.kind, IOMMUCTL_SHORTAGE_NONE);
        fake_add_file(m, "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "9\n");
        fake_add_file(m, "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "3\n");
        fake_add_file(m, "/sys/devices/system/node/node1/meminfo",
                      "Node 1 MemTotal:    262144 kB\nNode 1 MemFree:       8192 kB\n"
                      "Node 1 Active(file):   1024 kB\nNode 1 Inactive(file): 2048 kB\n"
                      "Node 1 SReclaimable:   1024 kB\n");
        fake_add_file(m, "/proc/meminfo", "SwapFree: 0 kB\n");
        assert_ok(ctx, check_node(0, 16 * MIB, 2 * MIB));
        assert_ok(ctx, check_node(1, 4 * MIB, 2 * MIB));
        refused(check_node(1, 8 * MIB, 2 * MIB), IOMMUCTL_SHORTAGE_NODE_HUGEPAGES, 4, 3);
        refused(check_node(1, 16 * MIB, 2 * MIB), IOMMUCTL_SHORTAGE_NODE_HUGEPAGES, 8, 3);
        assert_int_equal(s.other, 1);
        assert_int_equal(s.page_size, 2 * MIB);
        assert_contains(error_text(ctx),
                        "need 8 hugepages of 2048 KiB on NUMA node 1 and 3 are free there: raise "
                        "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages by 5");
        fake_add_file(m, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages", "5\n");
        assert_ok(ctx, check_node(1, 16 * MIB, 2 * MIB));
        assert_ok(ctx, check_node(1, 12 * MIB, 0));
        refused(check_node(1, 14 * MIB, 0), IOMMUCTL_SHORTAGE_NODE_MEMORY, 14 * MIB, 12 * MIB);
        assert_contains(error_text(ctx),
                        "need 14336 KiB of memory on NUMA node 1 and 12288 KiB are available there");
        assert_int_equal(iommuctl_budget_check_node(ctx, 1, NULL, 0, NULL), 0);
        stop();
}

static int run_checks(struct iommuctl_ctx *c, struct fake *machine)
{
        const struct iommuctl_budget_item item = { "a", 1 * MIB, NULL };
        int r;

        (void)machine;
        r = iommuctl_budget_check(c, &item, 1, NULL);
        return r < 0 ? r : iommuctl_budget_check_node(c, 1, &item, 1, NULL);
}

static struct fake *checked_machine(void)
{
        m = fake_machine_new(&(struct fake_options){ .memlock = 8 * MIB });
        set_status(m, 0, 1000, 8192, 8192, NO_CAPS);
        set_status(m, 0, 1000, 0, 8192, NO_CAPS);
        fake_add_process(m, 501, "vmm", has_iommufd);
        set_status(m, 501, 1000, 256, 0, NO_CAPS);
        mounts(V2_MOUNT);
        fake_add_file(m, "/proc/self/cgroup", "0::/job\n");
        v2("/sys/fs/cgroup/job", 64 * MIB, 40 * MIB);
        fake_add_file(m, "/sys/fs/cgroup/job/memory.stat", "inactive_file 0\n");
        fake_add_file(m, "/sys/devices/system/node/node1/meminfo", "Node 1 MemFree: 8192 kB\n");
        return m;
}

/* What cannot be read is taken to fit. */
static void test_failing(void **state)
{
        (void)state;
        each_call_failing(&(struct scenario){ "budgets", checked_machine, run_checks, NULL, true });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_memlock_undecided),
                BOTH(test_memlock_of_a_container),
                cmocka_unit_test(test_cgroup2),
                cmocka_unit_test(test_cgroup2_places),
                cmocka_unit_test(test_cgroup1),
                cmocka_unit_test(test_cgroup_hugepages),
                cmocka_unit_test(test_nodes),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("budget_limits", tests);
}
