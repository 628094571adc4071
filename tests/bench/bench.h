/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the programs here: the clock, turns, and the line that ./run bench reads. README.md tells the rules. */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is measured: does the same thing N times. */
typedef void (*bench_function)(void *arg, size_t n);

/* Something whose instructions can be counted, by a name of letters, digits and "-". */
struct bench_case {
        const char *name;
        bench_function run;
        void *arg;
};

/* Of two that took turns: nanoseconds for one, each the median of its turns, and the median of what ours was
 * to the peer's in each turn, which is no quotient of the other two. */
struct bench_pair {
        double ours;
        double peer;
        double ratio;
};

static inline double bench_now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Sorts VALUES. */
static inline double bench_median(double *values, size_t n)
{
        qsort(values, n, sizeof(*values), bench_compare);
        return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static inline double bench_time(bench_function run, void *arg, size_t n)
{
        double start = bench_now_ns();

        run(arg, n);
        return (bench_now_ns() - start) / (double)n;
}

/* Both run N times in each of TURNS turns, after one that does not count; who begins changes from turn to
 * turn, so that neither always finds the caches of the other. */
static inline struct bench_pair bench_turns(size_t turns, size_t n, bench_function ours, void *ours_arg,
                                            bench_function peer, void *peer_arg)
{
        double *values = calloc(turns * 3, sizeof(double));
        double *a = values, *b = values + turns, *ratios = values + 2 * turns;
        struct bench_pair pair;

        if (!values)
                abort();
        ours(ours_arg, n);
        peer(peer_arg, n);
        for (size_t i = 0; i < turns; i++) {
                if (i % 2)
                        b[i] = bench_time(peer, peer_arg, n);
                a[i] = bench_time(ours, ours_arg, n);
                if (i % 2 == 0)
                        b[i] = bench_time(peer, peer_arg, n);
                ratios[i] = a[i] / b[i];
        }
        pair = (struct bench_pair){ bench_median(a, turns), bench_median(b, turns),
                                    bench_median(ratios, turns) };
        free(values);
        return pair;
}

/* "2.1 ns", "13.8 us", "1.20 ms", "3.45 s". Returns TEXT. */
static inline const char *bench_duration(double ns, char text[32])
{
        static const struct {
                double ns;
                const char *unit;
        } units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
        size_t i = 0;

        while (i < 3 && ns < units[i].ns)
                i++;
        snprintf(text, 32, "%.3g %s", ns / units[i].ns, units[i].unit);
        return text;
}

/* The line of a comparison: PEER is what the peer is called, BAR "<= 1.2", ">= 5" or "-", and HOW the rest:
 * how many turns, "{case}" for counts of instructions. */
static inline void bench_line(const char *what, const char *peer, struct bench_pair pair, const char *bar,
                              const char *how)
{
        char a[32], b[32];

        printf("%s\t%s\t%s %s\t%.2f\t%s\t%s\n", what, bench_duration(pair.ours, a), peer,
               bench_duration(pair.peer, b), pair.ratio, bar, how);
        fflush(stdout);
}

/* What could not be measured at all, and why. */
static inline void bench_line_missing(const char *what, const char *bar, const char *why)
{
        printf("%s\t-\t-\t-\t%s\t%s\n", what, bar, why);
        fflush(stdout);
}

/* --instructions CASE N: runs that case N times and nothing else. True where that was asked for: return from
 * main() then. The tool counts twice, N and 2 N, so all else that the program does falls out. */
static inline int bench_instructions(int argc, char **argv, const struct bench_case *cases, size_t n_cases)
{
        if (argc < 4 || strcmp(argv[argc - 3], "--instructions") != 0)
                return 0;
        for (size_t i = 0; i < n_cases; i++)
                if (strcmp(cases[i].name, argv[argc - 2]) == 0) {
                        cases[i].run(cases[i].arg, strtoul(argv[argc - 1], NULL, 10));
                        return 1;
                }
        fprintf(stderr, "no case '%s'\n", argv[argc - 2]);
        exit(2);
}
