/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that gets its pages from two threads, beside the same from one: anonymous memory, the memfd that
 * iommuctl_dma_alloc() makes, and huge pages where there are some.
 *
 *         bench-populate [MIB]
 *
 * 8 GiB where so much is available and a quarter more, else what is; the line says how much it was. */

#include <errno.h>
#include <iommuctl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define WANTED_MIB 8192u
#define TURNS      5
#define HUGE_PAGE  ((size_t)2 << 20)

static struct iommuctl_ctx *ctx;

struct setting {
        size_t size;
        unsigned int memfd_flags;
        bool anonymous;
        unsigned int threads;
};

static void die(const char *what)
{
        char text[1024] = "";

        if (ctx)
                iommuctl_ctx_error(ctx, text, sizeof(text));
        fprintf(stderr, "bench-populate: %s: %s\n", what, text[0] ? text : strerror(errno));
        exit(1);
}

/* A number of a line "Name:   123 kB" of /proc/meminfo, in units of KIB. */
static size_t meminfo(const char *name, size_t kib)
{
        FILE *f = fopen("/proc/meminfo", "re");
        char line[128];
        size_t value = 0;

        while (f && fgets(line, sizeof(line), f))
                if (strncmp(line, name, strlen(name)) == 0)
                        value = strtoul(line + strlen(name) + 1, NULL, 10) / kib;
        if (f)
                fclose(f);
        return value;
}

static void *make(const struct setting *s)
{
        void *p;
        int fd = -1;

        if (s->anonymous) {
                p = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        } else {
                fd = memfd_create("bench", MFD_CLOEXEC | s->memfd_flags);
                if (fd < 0 || ftruncate(fd, (off_t)s->size) < 0)
                        die("memfd");
                p = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                close(fd);
        }
        if (p == MAP_FAILED)
                die("mmap");
        return p;
}

/* Nanoseconds: of the clock, and of all processors together. */
struct cost {
        double clock;
        double processors;
};

static double processors_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* What populating costs, and nothing besides. */
static struct cost populate(const struct setting *s, unsigned int threads)
{
        const struct iommuctl_populate_options options = { .struct_size = sizeof(options),
                                                           .threads = threads };
        void *p = make(s);
        struct cost cost = { bench_now_ns(), processors_ns() };

        if (iommuctl_populate(ctx, p, s->size, &options) < 0)
                die("iommuctl_populate");
        cost.clock = bench_now_ns() - cost.clock;
        cost.processors = processors_ns() - cost.processors;
        munmap(p, s->size);
        return cost;
}

/* Beside the ratio by the clock, which wants both processors for itself, the one by what the processors did:
 * two threads that share the work have each half of it. */
static void compare(const char *what, const struct setting *s, const char *how)
{
        double one[TURNS], two[TURNS], ratio[TURNS], shares[TURNS];
        char text[128], all_of_it[256];

        populate(s, 2); /* what the machine has to make room for is made now */
        for (size_t i = 0; i < TURNS; i++) {
                struct cost a, b;

                if (i % 2)
                        a = populate(s, 1);
                b = populate(s, 2);
                if (i % 2 == 0)
                        a = populate(s, 1);
                one[i] = a.clock;
                two[i] = b.clock;
                ratio[i] = b.clock / a.clock;
                shares[i] = b.processors / 2 / a.processors;
        }
        snprintf(text, sizeof(text), "populate %zu MiB, %s, 2 threads", s->size >> 20, what);
        snprintf(all_of_it, sizeof(all_of_it), "median of %d turns; %.2f by the time of the processors%s",
                 TURNS, bench_median(shares, TURNS), how);
        bench_line(text, "one thread",
                   (struct bench_pair){ bench_median(two, TURNS), bench_median(one, TURNS),
                                        bench_median(ratio, TURNS) },
                   "<= 0.6", all_of_it);
}

int main(int argc, char **argv)
{
        const size_t available = meminfo("MemAvailable", 1024), huge = meminfo("HugePages_Free", 1);
        size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : WANTED_MIB;
        struct setting s = { 0 };
        cpu_set_t cpus;

        if (argc <= 1 && available < WANTED_MIB / 4 * 5) {
                printf("# %zu MiB are available: not %u but half of them\n", available, WANTED_MIB);
                mib = available / 2;
        }
        if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) < 2) {
                bench_line_missing("populate, 2 threads", "<= 0.6", "there is one processor");
                return 0;
        }
        if (iommuctl_ctx_new(&ctx) < 0)
                die("iommuctl_ctx_new");
        s.size = mib << 20;
        s.anonymous = true;
        compare("anonymous memory", &s, "");
        s.anonymous = false;
        compare("a memfd", &s, "; one lock of the kernel's over the file's table of pages");
        if (huge >= 64 && meminfo("Hugepagesize", 1) == HUGE_PAGE >> 10) {
                s.memfd_flags = MFD_HUGETLB;
                s.size = huge * HUGE_PAGE < s.size ? huge * HUGE_PAGE : s.size;
                compare("hugepages", &s, "");
        } else {
                printf("# no hugepages are free: they are not measured\n");
        }
        iommuctl_ctx_unref(ctx);
        return 0;
}
