/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

#include <pthread.h>

/* Seen in other libraries: a mapping over another one that "works". */
void test_overlaps(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma_options fixed = { .struct_size = sizeof(fixed),
                                              .flags = IOMMUCTL_DMA_FIXED_IOVA };
        struct iommuctl_dma_options named = { .struct_size = sizeof(named), .name = "first" };
        struct iommuctl_dma *a = NULL, *b = NULL;
        char *p = pages(16);
        uint64_t iova;

        GIVES("pages 2 and 3 are mapped", 0, "", iommuctl_dma_map(c, p + 2 * PAGE, 2 * PAGE, &named, &a));
        GIVES("pages 3 to 6 overlap them", -EEXIST, "\"first\"",
              iommuctl_dma_map(c, p + 3 * PAGE, 4 * PAGE, NULL, &b));
        CHECK("and page 4 translates to nothing", iommuctl_translate(c, p + 4 * PAGE, &iova) == -ENOENT);
        GIVES("pages 0 to 3 overlap them", -EEXIST, "\"first\"", iommuctl_dma_map(c, p, 4 * PAGE, NULL, &b));
        GIVES("the same pages overlap them", -EEXIST, "\"first\"",
              iommuctl_dma_map(c, p + 2 * PAGE, 2 * PAGE, NULL, &b));
        fixed.iova = 0x40000000;
        GIVES("a fixed IOVA for mapped memory is refused", -EEXIST, "\"first\"",
              iommuctl_dma_map(c, p + 2 * PAGE, 2 * PAGE, &fixed, &b));
        CHECK("and the kernel has nothing there", !kernel_has(c, 0x40000000));
        fixed.iova = iommuctl_dma_span(a).iova + PAGE;
        GIVES("a fixed IOVA inside another mapping is refused", -EEXIST, "\"first\"",
              iommuctl_dma_map(c, p + 8 * PAGE, 2 * PAGE, &fixed, &b));
        CHECK("and the output is untouched", b == NULL);
        CHECK("the first mapping is as it was",
              iommuctl_translate(c, p + 3 * PAGE + 5, &iova) == (ssize_t)PAGE - 5 &&
                      iova == iommuctl_dma_span(a).iova + PAGE + 5);
        iova = iommuctl_dma_span(a).iova;
        CHECK("the kernel has it", kernel_has(c, iova));
        GIVES("it is unmapped", 0, "", iommuctl_dma_unmap(a));
        CHECK("the kernel has it no longer", !kernel_has(c, iova));
        CHECK("it translates no longer", iommuctl_translate(c, p + 2 * PAGE, &iova) == -ENOENT);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        munmap(p, 16 * PAGE);
}

void test_live_iovas_are_never_given_out_twice(void)
{
        enum { ROUNDS = 2000, SLOTS = 64 };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma *slots[SLOTS] = { NULL };
        char *p = pages(SLOTS * 4);
        bool ok = true;

        srandom(1);
        for (int i = 0; i < ROUNDS && ok; i++) {
                struct iommuctl_dma_options o = { .struct_size = sizeof(o) };
                int s = (int)(random() % SLOTS);

                if (slots[s]) {
                        ok = iommuctl_dma_unmap(slots[s]) == 0;
                        slots[s] = NULL;
                        continue;
                }
                if (random() % 2) {
                        o.flags = IOMMUCTL_DMA_FIXED_IOVA;
                        o.iova = (uint64_t)(1 + random() % 512) * PAGE;
                }
                int r = iommuctl_dma_map(c, p + (size_t)s * 4 * PAGE, (size_t)(1 + random() % 4) * PAGE, &o,
                                         &slots[s]);
                ok = r == 0 || (r == -EEXIST && o.flags);
                for (int j = 0; slots[s] && j < SLOTS; j++) {
                        struct iommuctl_span x = iommuctl_dma_span(slots[s]), y;

                        if (j == s || !slots[j])
                                continue;
                        y = iommuctl_dma_span(slots[j]);
                        ok &= x.iova >= y.iova + y.size || y.iova >= x.iova + x.size;
                }
        }
        CHECK("2000 random maps and unmaps, fixed and automatic, agree with the kernel", ok);
        for (int s = 0; s < SLOTS; s++)
                iommuctl_dma_unmap(slots[s]);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        munmap(p, SLOTS * 4 * PAGE);
}

struct worker {
        struct iommuctl_container *c;
        char *memory;
        int failures;
};

static void *map_and_unmap(void *arg)
{
        struct worker *w = arg;

        for (int i = 0; i < 300; i++) {
                struct iommuctl_dma *dma;
                uint64_t iova;

                if (iommuctl_dma_map(w->c, w->memory, 4 * PAGE, NULL, &dma) < 0) {
                        w->failures++;
                        continue;
                }
                if (iommuctl_translate(w->c, w->memory + PAGE, &iova) != (ssize_t)(3 * PAGE) ||
                    iova != iommuctl_dma_span(dma).iova + PAGE)
                        w->failures++;
                if (iommuctl_dma_unmap(dma) < 0)
                        w->failures++;
                if (iommuctl_translate(w->c, w->memory + PAGE, &iova) != -ENOENT)
                        w->failures++;
        }
        return NULL;
}

void test_threads(void)
{
        enum { N = 4 };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        char *p = pages(N * 4);
        struct worker w[N];
        pthread_t t[N];
        int failures = 0;

        for (int i = 0; i < N; i++) {
                w[i] = (struct worker){ c, p + (size_t)i * 4 * PAGE, 0 };
                pthread_create(&t[i], NULL, map_and_unmap, &w[i]);
        }
        for (int i = 0; i < N; i++) {
                pthread_join(t[i], NULL);
                failures += w[i].failures;
        }
        CHECK("four threads map, translate and unmap side by side", failures == 0);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
