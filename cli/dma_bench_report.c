/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What `iommuctl dma bench` has measured, for people and for programs. */

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>

#include "dma_bench.h"

#define GIB ((uint64_t)1 << 30)

/* Whether the terminal's characters are UTF-8, as the environment says; the rest of the program stays in the
 * C locale. */
static bool locale_is_utf8(void)
{
        locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
        bool utf8 = locale && streq(nl_langinfo_l(CODESET, locale), "UTF-8");

        if (locale)
                freelocale(locale);
        return utf8;
}

/* What a GiB costs where each call takes the median time. */
static double per_gib(const struct bench_point *p, const struct bench_stats *stats)
{
        return (double)stats->median * ((double)GIB / (double)p->size);
}

static void put_histogram(const struct bench_stats *stats, struct sink *out)
{
        sink_begin_array(out, "histogram");
        for (unsigned int i = stats->first; i < stats->first + stats->n_buckets; i++) {
                sink_begin_object(out, NULL);
                sink_uint(out, "from_ns", bench_bucket_from(i));
                sink_uint(out, "to_ns", bench_bucket_to(i));
                sink_uint(out, "count", stats->counts[i]);
                sink_end_object(out);
        }
        sink_end_array(out);
}

static void put_stats(const char *key, const struct bench_point *p, const struct bench_stats *stats,
                      struct sink *out)
{
        sink_begin_object(out, key);
        sink_uint(out, "min_ns", stats->min);
        sink_uint(out, "median_ns", stats->median);
        sink_uint(out, "p90_ns", stats->p90);
        sink_uint(out, "p99_ns", stats->p99);
        sink_uint(out, "max_ns", stats->max);
        sink_uint(out, "per_gib_ns", (uint64_t)(per_gib(p, stats) + 0.5));
        put_histogram(stats, out);
        sink_end_object(out);
}

static void put_json(const struct bench_plan *plan, struct sink *out)
{
        sink_begin_array(out, "results");
        for (size_t i = 0; i < plan->n; i++) {
                const struct bench_point *p = &plan->points[i];

                if (p->why_not)
                        continue;
                sink_begin_object(out, NULL);
                sink_uint(out, "size", p->size);
                sink_uint(out, "page_size", p->page_size);
                sink_uint(out, "rounds", p->map.n);
                put_stats("map", p, &p->map, out);
                put_stats("unmap", p, &p->unmap, out);
                sink_end_object(out);
        }
        sink_end_array(out);
        sink_begin_array(out, "skipped");
        for (size_t i = 0; i < plan->n; i++) {
                const struct bench_point *p = &plan->points[i];

                if (!p->why_not)
                        continue;
                sink_begin_object(out, NULL);
                sink_uint(out, "size", p->size);
                sink_uint(out, "page_size", p->page_size);
                sink_string(out, "reason", p->why_not);
                sink_end_object(out);
        }
        sink_end_array(out);
}

static void put_sizes(const struct bench_point *p, struct sink *out)
{
        char size[DMA_SIZE_TEXT], page[DMA_SIZE_TEXT];

        sink_cell(out, STYLE_BOLD, "%s", dma_size_text(p->size, size));
        sink_cell(out, STYLE_PLAIN, "%s", dma_size_text(p->page_size, page));
}

static void put_time(double ns, struct sink *out)
{
        char text[BENCH_TIME_TEXT];

        sink_cell(out, STYLE_PLAIN, "%s", bench_time_text(ns, text));
}

/* One table of the two, MAP or UNMAP. */
static void put_table(const struct bench_plan *plan, bool map, struct sink *out)
{
        const char *const heads[] = {
                map ? "MAP" : "UNMAP", "PAGES", "ROUNDS", "MEDIAN", "P90", "P99", "MAX", "PER GIB"
        };

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
                sink_cell(out, STYLE_DIM, "%s", heads[i]);
        sink_end_row(out);
        for (size_t i = 0; i < plan->n; i++) {
                const struct bench_point *p = &plan->points[i];
                const struct bench_stats *stats = map ? &p->map : &p->unmap;

                if (p->why_not)
                        continue;
                put_sizes(p, out);
                sink_cell(out, STYLE_PLAIN, "%zu", stats->n);
                put_time((double)stats->median, out);
                put_time((double)stats->p90, out);
                put_time((double)stats->p99, out);
                put_time((double)stats->max, out);
                put_time(per_gib(p, stats), out);
                sink_end_row(out);
        }
        sink_table_end(out);
}

/* Each row from its quickest to its slowest map. */
static void put_bars(const struct bench_plan *plan, struct sink *out)
{
        const bool utf8 = locale_is_utf8();
        char text[BENCH_SPARK_TEXT];

        sink_cell(out, STYLE_DIM, "MAP");
        sink_cell(out, STYLE_DIM, "PAGES");
        sink_cell(out, STYLE_DIM, "FROM");
        sink_cell(out, STYLE_DIM, "TO");
        sink_cell(out, STYLE_DIM, "HOW OFTEN");
        sink_end_row(out);
        for (size_t i = 0; i < plan->n; i++) {
                const struct bench_point *p = &plan->points[i];

                if (p->why_not)
                        continue;
                put_sizes(p, out);
                put_time((double)p->map.min, out);
                put_time((double)p->map.max, out);
                sink_cell(out, STYLE_PLAIN, "%s", bench_spark(&p->map, utf8, text));
                sink_end_row(out);
        }
        sink_table_end(out);
}

static void put_skipped(const struct bench_plan *plan, struct sink *out)
{
        for (size_t i = 0; i < plan->n; i++) {
                const struct bench_point *p = &plan->points[i];
                char size[DMA_SIZE_TEXT], page[DMA_SIZE_TEXT];

                if (p->why_not && !p->not_begun)
                        sink_text(out, "not measured: %s in pages of %s: %s\n", dma_size_text(p->size, size),
                                  dma_size_text(p->page_size, page), p->why_not);
        }
}

void bench_plan_put(const struct bench_plan *plan, const struct dma_device *dev, struct sink *out)
{
        const char *backend = iommuctl_backend_name(iommuctl_container_backend(dev->container));
        char name[32];

        snprintf(name, sizeof(name), "SIG%s", plan->stopped_by ? sigabbrev_np(plan->stopped_by) : "");
        sink_begin_document(out);
        sink_string(out, "address", iommuctl_device_name(dev->device));
        sink_string(out, "backend", backend);
        sink_string(out, "stopped_by", plan->stopped_by ? name : NULL);
        put_json(plan, out);
        sink_end_object(out);
        sink_styled(out, STYLE_BOLD, "%s", iommuctl_device_name(dev->device));
        sink_text(out, " by %s\n", backend);
        if (bench_plan_measured(plan) > 0) {
                put_table(plan, true, out);
                sink_text(out, "\n");
                put_table(plan, false, out);
                sink_text(out, "\n");
                put_bars(plan, out);
        }
        put_skipped(plan, out);
}
