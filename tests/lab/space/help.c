/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "space.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/utsname.h>
#include <unistd.h>

bool kernel_is(unsigned int major, unsigned int minor)
{
        unsigned int has_major = 0, has_minor = 0;
        struct utsname u;

        uname(&u);
        sscanf(u.release, "%u.%u", &has_major, &has_minor);
        return has_major > major || (has_major == major && has_minor >= minor);
}

struct iommuctl_dma *map_at(struct iommuctl_container *c, void *p, size_t size, uint64_t iova)
{
        struct iommuctl_dma_options o = { .struct_size = sizeof(o),
                                          .flags = IOMMUCTL_DMA_FIXED_IOVA,
                                          .iova = iova };
        struct iommuctl_dma *dma = NULL;
        int r = iommuctl_dma_map(c, p, size, &o, &dma);

        if (r < 0) {
                result(false, "a buffer at 0x%" PRIx64, iova);
                note("dma_map", r);
                exit(1);
        }
        return dma;
}

int memfd(size_t size, unsigned int flags, char **ret_map)
{
        int fd = memfd_create("lab", flags | MFD_CLOEXEC);

        if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
                perror("memfd");
                exit(1);
        }
        *ret_map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (*ret_map == MAP_FAILED) {
                perror("mmap");
                exit(1);
        }
        return fd;
}

bool edu_does(char *bar, uint64_t iova, uint32_t size, bool to_memory)
{
        iommuctl_mmio_write64(bar + EDU_SOURCE, to_memory ? EDU_BUFFER : iova);
        iommuctl_mmio_write64(bar + EDU_TARGET, to_memory ? iova : EDU_BUFFER);
        iommuctl_mmio_write64(bar + EDU_COUNT, size);
        iommuctl_mmio_write64(bar + EDU_COMMAND, to_memory ? 3 : 1);
        for (int i = 0; i < 500; i++) {
                if (!(iommuctl_mmio_read64(bar + EDU_COMMAND) & 1))
                        return true;
                usleep(10000);
        }
        return false;
}

struct iommuctl_region *edu_bar(struct iommuctl_device *d, char **ret_bar)
{
        struct iommuctl_region *region = NULL;
        void *bar = NULL;

        if (iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &region) < 0 ||
            iommuctl_region_map(region, 0, 0, &bar) < 0 || iommuctl_device_set_bus_master(d, true) < 0) {
                note("edu", 0);
                exit(1);
        }
        *ret_bar = bar;
        return region;
}

void set_decoding(struct iommuctl_device *d, bool on)
{
        struct iommuctl_region *config = NULL;
        uint16_t command = 0;

        if (iommuctl_region_open(d, VFIO_PCI_CONFIG_REGION_INDEX, &config) < 0 ||
            iommuctl_region_read(config, PCI_COMMAND, &command, sizeof(command)) < 0)
                exit(1);
        command = (uint16_t)(on ? command | PCI_COMMAND_MEMORY : command & ~PCI_COMMAND_MEMORY);
        if (iommuctl_region_write(config, PCI_COMMAND, &command, sizeof(command)) < 0)
                exit(1);
        iommuctl_region_free(config);
}
