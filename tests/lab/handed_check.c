/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a program can do with a device that `iommuctl dma map` handed to it, and what it cannot: run by that,
 * without privilege, with edu (docs/specs/edu in QEMU's manual) and the buffers "copy", of two pages, and
 * "input", of one page that the device may only read. Tests in TAP. iommuctl-dma-map(8) tells the same.
 *
 *         handed_check UID PATH…        paths that must not open for it */

#include <errno.h>
#include <fcntl.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uapi.h"

enum { PAGE = 4096 };

enum {
        EDU_SOURCE = 0x80,
        EDU_DESTINATION = 0x88,
        EDU_COUNT = 0x90,
        EDU_COMMAND = 0x98,
        EDU_MEMORY = 0x40000
};

static unsigned int n_tests, n_failed;
static struct iommuctl_ctx *ctx;
static struct iommuctl_container *container;
static char *registers;

static void check(const char *what, bool passed)
{
        n_failed += !passed;
        printf("%sok %u - %s\n", passed ? "" : "not ", ++n_tests, what);
}

static void gives(const char *what, int wanted, int got)
{
        char text[300] = "";

        check(what, got == wanted);
        iommuctl_ctx_error(ctx, text, sizeof(text));
        if (got != wanted)
                printf("# %d (%s) and not %d; last error: %s\n", got, strerror(-got), wanted, text);
}

/* What a raw call gave, or -errno. */
static int or_errno(long r)
{
        return r < 0 ? -errno : (int)r;
}

static void no_privilege(const char *uid)
{
        static const char *const names[] = { "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:" };
        char line[256], what[64];
        FILE *status = fopen("/proc/self/status", "re");
        unsigned int real, effective, saved, fs, n_caps = 0;

        while (status && fgets(line, sizeof(line), status)) {
                if (sscanf(line, "Uid: %u %u %u %u", &real, &effective, &saved, &fs) == 4)
                        check("the user is another one than root", real == strtoul(uid, NULL, 10) &&
                                                                           real != 0 && effective == real &&
                                                                           saved == real && fs == real);
                for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                        if (strncmp(line, names[i], 7) == 0) {
                                snprintf(what, sizeof(what), "no capability in %.6s", names[i]);
                                check(what, strtoull(line + 7, NULL, 16) == 0);
                                n_caps++;
                        }
        }
        check("all sets of capabilities were seen", n_caps == 5);
        if (status)
                fclose(status);
}

static void out_of_reach(char **paths)
{
        char text[200];
        int parent = or_errno(syscall(SYS_pidfd_open, getppid(), 0)), r;

        for (; *paths; paths++) {
                int fd = or_errno(open(*paths, O_RDWR | O_CLOEXEC));

                snprintf(text, sizeof(text), "%.150s does not open", *paths);
                check(text, fd == -EACCES || fd == -EPERM);
                if (fd >= 0)
                        close(fd);
        }
        snprintf(text, sizeof(text), "/proc/%d/mem", (int)getppid());
        gives("nor does the giver's memory", -EACCES, or_errno(open(text, O_RDWR | O_CLOEXEC)));
        r = parent < 0 ? parent : or_errno(syscall(SYS_pidfd_getfd, parent, 0, 0));
        gives("no descriptor can be taken from the giver", -EPERM, r);
        gives("nor can it be signalled", -EPERM, or_errno(kill(getppid(), SIGKILL)));
        gives("sysfs takes nothing", -EACCES,
              or_errno(open("/sys/bus/pci/drivers_probe", O_WRONLY | O_CLOEXEC)));
}

static int map_new(size_t size, const struct iommuctl_dma_options *options, struct iommuctl_dma **ret)
{
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return iommuctl_dma_map(container, memory, size, options, ret);
}

/* More of its own memory, within its own limit, and nothing that it could not write itself. */
static void own_memory(const struct iommuctl_span *copy)
{
        struct iommuctl_dma_options options = { .struct_size = sizeof(options),
                                                .flags = IOMMUCTL_DMA_FIXED_IOVA };
        struct rlimit limit = { 2 * PAGE, 2 * PAGE }, more = { 4 * PAGE, 4 * PAGE }, nothing = { 0, 0 };
        struct iommuctl_dma *dma = NULL, *none = NULL;
        int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC), r;
        void *file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

        setrlimit(RLIMIT_MEMLOCK, &limit);
        gives("its limit of locked memory does not grow", -EPERM, or_errno(setrlimit(RLIMIT_MEMLOCK, &more)));
        gives("memory of its own beyond the limit is not mapped", -ENOMEM, map_new(3 * PAGE, NULL, &none));
        gives("memory of its own is, within it", 0, map_new(2 * PAGE, NULL, &dma));
        gives("and no more beside that", -ENOMEM, map_new(PAGE, NULL, &none));
        iommuctl_dma_unmap(dma);
        options.iova = copy->iova;
        gives("nothing goes over what the giver mapped", -EEXIST, map_new(PAGE, &options, &none));
        options.flags = 0;
        options.iova = 0;
        r = iommuctl_dma_map(container, file, PAGE, &options, &none);
        check("a file that it may only read is not mapped for the device to write", r < 0);
        munmap(file, PAGE);
        close(fd);
        setrlimit(RLIMIT_MEMLOCK, &nothing);
        gives("with a limit of 0 no memory is", -ENOMEM, map_new(PAGE, NULL, &none));
}

static void copy_by_device(uint64_t from, uint64_t to, uint64_t command)
{
        iommuctl_mmio_write64(registers + EDU_SOURCE, from);
        iommuctl_mmio_write64(registers + EDU_DESTINATION, to);
        iommuctl_mmio_write64(registers + EDU_COUNT, 64);
        iommuctl_mmio_write64(registers + EDU_COMMAND, command | 1);
        for (int i = 0; i < 3000 && (iommuctl_mmio_read64(registers + EDU_COMMAND) & 1); i++)
                usleep(1000);
}

/* The device at work, inside of its buffers and outside. */
static void dma(const struct iommuctl_span *copy, const struct iommuctl_span *input)
{
        char *outside = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        char before[64], expected[PAGE], *buffer = copy->vaddr;

        memset(input->vaddr, 'i', 64);
        memset(buffer, 'c', 128);
        memset(outside, 'o', PAGE);
        copy_by_device(input->iova, EDU_MEMORY, 0);
        copy_by_device(EDU_MEMORY, copy->iova, 2);
        check("the device reads the one buffer and writes the other", memcmp(buffer, input->vaddr, 64) == 0);

        memcpy(before, input->vaddr, 64);
        memset(buffer, 'w', 64);
        copy_by_device(copy->iova, EDU_MEMORY, 0);
        copy_by_device(EDU_MEMORY, input->iova, 2);
        check("it does not write what it may only read", memcmp(input->vaddr, before, 64) == 0);
        copy_by_device(EDU_MEMORY, (uintptr_t)outside & 0xfffffff, 2);
        copy_by_device(EDU_MEMORY, copy->iova + copy->size, 2);
        memset(expected, 'o', PAGE);
        check("memory that is not mapped stays as it is", memcmp(outside, expected, PAGE) == 0);
        memset(buffer, 'x', 64);
        copy_by_device(copy->iova, EDU_MEMORY, 0);
        copy_by_device(EDU_MEMORY, copy->iova + 64, 2);
        check("and works on after its faults", memcmp(buffer + 64, buffer, 64) == 0);
}

static int raw_unmap(uint64_t iova)
{
        struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = iova, .size = PAGE };
        struct uapi_iommu_ioas_unmap ioas_unmap = { .size = sizeof(ioas_unmap),
                                                    .ioas_id = iommuctl_container_ioas_id(container),
                                                    .iova = iova,
                                                    .length = PAGE };
        int fd = iommuctl_container_fd(container);

        if (iommuctl_container_backend(container) == IOMMUCTL_BACKEND_TYPE1)
                return or_errno(ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap));
        return or_errno(ioctl(fd, UAPI_IOMMU_IOAS_UNMAP, &ioas_unmap));
}

static int raw_map(const struct iommuctl_span *span)
{
        struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
                                                .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                                                .vaddr = (uintptr_t)span->vaddr,
                                                .iova = span->iova,
                                                .size = PAGE };
        struct uapi_iommu_ioas_map ioas_map = { .size = sizeof(ioas_map),
                                                .flags = UAPI_IOMMU_IOAS_MAP_FIXED_IOVA |
                                                         UAPI_IOMMU_IOAS_MAP_READABLE |
                                                         UAPI_IOMMU_IOAS_MAP_WRITEABLE,
                                                .ioas_id = iommuctl_container_ioas_id(container),
                                                .user_va = (uintptr_t)span->vaddr,
                                                .length = PAGE,
                                                .iova = span->iova };
        int fd = iommuctl_container_fd(container);

        if (iommuctl_container_backend(container) == IOMMUCTL_BACKEND_TYPE1)
                return or_errno(ioctl(fd, VFIO_IOMMU_MAP_DMA, &map));
        return or_errno(ioctl(fd, UAPI_IOMMU_IOAS_MAP, &ioas_map));
}

/* The descriptors are the real ones: what belongs to the address space is the program's to change. */
static void raw_descriptors(const struct iommuctl_adopted *adopted, const struct iommuctl_span *copy,
                            const struct iommuctl_span *input)
{
        struct iommuctl_device *device = iommuctl_adopted_device(adopted);
        struct iommuctl_group *group = iommuctl_device_group(device);
        struct iommuctl_container *beside = NULL;

        if (group) {
                gives("the group has no device of another group", -ENODEV,
                      or_errno(ioctl(iommuctl_group_fd(group), VFIO_GROUP_GET_DEVICE_FD, "0000:00:05.0")));
                gives("the group cannot leave the container under the device", -EBUSY,
                      or_errno(ioctl(iommuctl_group_fd(group), VFIO_GROUP_UNSET_CONTAINER)));
        } else {
                gives("an address space more can be made", 0,
                      iommuctl_container_new_beside(container, &beside));
                gives("and the device attached to it", 0, iommuctl_device_attach(device, beside));
                memset(copy->vaddr, 'n', 64);
                copy_by_device(EDU_MEMORY, copy->iova, 2);
                check("where it reaches nothing", ((char *)copy->vaddr)[0] == 'n');
                gives("and to its own again", 0, iommuctl_device_attach(device, container));
                iommuctl_container_unref(beside);
        }
        gives("what the giver mapped can be unmapped", 0, raw_unmap(input->iova));
        memset(input->vaddr, 'm', 64);
        check("its memory is still there for the program", ((char *)input->vaddr)[63] == 'm');
        gives("and can be mapped anew, for the device to write too", 0, raw_map(input));
        memset(copy->vaddr, 'y', 64);
        copy_by_device(copy->iova, EDU_MEMORY, 0);
        copy_by_device(EDU_MEMORY, input->iova, 2);
        check("which it then does", ((char *)input->vaddr)[63] == 'y');
        gives("and unmapped again", 0, raw_unmap(input->iova));
}

int main(int argc, char **argv)
{
        struct iommuctl_adopted *adopted = NULL;
        struct iommuctl_region *bar = NULL;
        struct iommuctl_span copy, input;
        void *map = NULL;
        int r;

        if (argc < 2 || iommuctl_ctx_new(&ctx) < 0)
                return 2;
        no_privilege(argv[1]);
        r = iommuctl_adopt(ctx, IOMMUCTL_ADOPT_UNSET_ENVIRONMENT, &adopted);
        gives("the device is adopted", 0, r);
        if (r < 0)
                return 1;
        container = iommuctl_adopted_container(adopted);
        copy = iommuctl_dma_span(iommuctl_adopted_find_buffer(adopted, "copy"));
        input = iommuctl_dma_span(iommuctl_adopted_find_buffer(adopted, "input"));
        out_of_reach(argv + 2);

        r = iommuctl_region_open(iommuctl_adopted_device(adopted), VFIO_PCI_BAR0_REGION_INDEX, &bar);
        if (r == 0)
                r = iommuctl_region_map(bar, 0, 0, &map);
        if (r == 0)
                r = iommuctl_device_set_bus_master(iommuctl_adopted_device(adopted), true);
        gives("its registers can be mapped, and it can do DMA", 0, r);
        registers = map;
        if (r == 0) {
                dma(&copy, &input);
                raw_descriptors(adopted, &copy, &input);
        }
        own_memory(&copy);
        iommuctl_region_free(bar);
        iommuctl_adopted_free(adopted);
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed > 0;
}
