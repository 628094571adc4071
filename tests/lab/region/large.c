/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A large BAR: how many page faults it takes to touch all of it says how large its pages are. */
#include "region.h"

#include <sys/resource.h>

#define MIB2 ((size_t)2 << 20)
#define GIB  ((size_t)1 << 30)

static long faults(void)
{
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return u.ru_minflt;
}

/* Touches a byte in each STEP; how many faults that took. */
static long touch(const char *map, size_t size, size_t step)
{
        long before = faults();

        for (size_t at = 0; at < size; at += step)
                (void)*(const volatile char *)(map + at);
        return faults() - before;
}

void test_large(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *bar = open_region(d, VFIO_PCI_BAR2_REGION_INDEX);
        const size_t size = iommuctl_region_size(bar);
        const bool huge = strverscmp(getenv("LAB_RELEASE") ?: "0", "6.12") >= 0;
        const size_t block = size >= GIB ? GIB : MIB2, step = size >= GIB ? MIB2 : PAGE;
        void *map = NULL, *part = NULL, *odd;
        long n;

        printf("# BAR 2 has %zu MiB\n", size >> 20);
        GIVES("it maps", 0, "", iommuctl_region_map(bar, 0, 0, &map));
        CHECK("at an address that large pages fit", (uintptr_t)map % block == 0);
        GIVES("and in part", 0, "", iommuctl_region_map(bar, 5 * PAGE, size / 2 + MIB2, &part));
        CHECK("congruent to the offset", (uintptr_t)part % MIB2 == 5 * PAGE);
        n = touch(map, size, step);
        printf("# %ld faults for %zu accesses\n", n, size / step);
        CHECK(huge ? "a fault for each large page, no more" : "one fault maps all",
              n <= (long)(huge ? size / block : 1) + 2);
        /* The control: where the address does not fit, there is a fault for each small page. */
        odd = mmap((char *)NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
        odd = mmap((char *)(((uintptr_t)odd & ~(MIB2 - 1)) + PAGE), size - MIB2, PROT_READ,
                   MAP_SHARED | MAP_FIXED, iommuctl_device_fd(d), (off_t)iommuctl_region_offset(bar));
        CHECK("by hand, elsewhere", odd != MAP_FAILED);
        n = touch(odd, 64 * PAGE, PAGE);
        CHECK(huge ? "there it is one for each small page" : "there it is one, too", n >= (huge ? 64 : 1));
        munmap((char *)odd - PAGE, size);
        iommuctl_region_free(bar);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
