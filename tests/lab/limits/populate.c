/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "limits.h"

#include <unistd.h>

/* Large buffers on a real kernel: all pages come before they are mapped, and nothing stays of what was ended
 * in the middle. */

#define MIB ((size_t)1 << 20)

/* KiB of shared memory in the machine: what memfds have. */
static uint64_t shmem_kib(void)
{
        FILE *f = fopen("/proc/meminfo", "re");
        uint64_t kib = 0;
        char line[128];

        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "Shmem: %" SCNu64, &kib) == 1)
                        break;
        if (f)
                fclose(f);
        return kib;
}

static int stop_at_half(void *userdata, size_t done, size_t size)
{
        unsigned int *calls = userdata;

        ++*calls;
        return done >= size / 2;
}

static bool all_there(void *p, size_t size)
{
        static unsigned char there[128 * 256];

        if (mincore(p, size, there) < 0)
                return false;
        for (size_t i = 0; i < size / PAGE; i++)
                if (!(there[i] & 1))
                        return false;
        return true;
}

void test_populate(void)
{
        struct iommuctl_populate_options o = { .struct_size = sizeof(o), .threads = 2 };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        char *memory = pages(64 * 256);
        struct iommuctl_dma *dma = NULL;
        unsigned int calls = 0;
        uint64_t before;

        GIVES("memory of the caller's", 0, "", iommuctl_populate(ctx, memory, 64 * MIB, &o));
        CHECK("all of it is there", all_there(memory, 64 * MIB));
        GIVES("a buffer", 0, "", iommuctl_dma_alloc_populated(c, 64 * MIB, NULL, &o, &dma));
        CHECK("all of it is there, and mapped",
              dma && all_there(iommuctl_dma_span(dma).vaddr, 64 * MIB) &&
                      kernel_has(c, iommuctl_dma_span(dma).iova) &&
                      kernel_has(c, iommuctl_dma_span(dma).iova + 64 * MIB - PAGE));
        iommuctl_dma_unmap(dma);
        before = shmem_kib();
        o.progress = stop_at_half;
        o.userdata = &calls;
        GIVES("one that is ended in the middle", -ECANCELED, "of 128 MiB are populated",
              iommuctl_dma_alloc_populated(c, 128 * MIB, NULL, &o, &dma));
        CHECK("told so more than once", calls > 1);
        CHECK("leaves no memory", shmem_kib() < before + 1024);
        CHECK("and no mapping", status_kib("VmPin") == 0 && status_kib("VmLck") == 0);
        mprotect(memory, PAGE, PROT_READ);
        GIVES("memory that may not be written", -EINVAL, "may not be written",
              iommuctl_populate(ctx, memory, MIB, NULL));
        munmap(memory + 4 * MIB, PAGE);
        GIVES("memory with a hole", -ENOMEM, "nothing is mapped",
              iommuctl_populate(ctx, memory + MIB, 8 * MIB, NULL));
        munmap(memory, 64 * MIB);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
