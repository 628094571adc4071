/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "first_dma_raw.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi.h"

/* Free on every machine of the lab, and below edu's 28 bits. */
#define IOVA 0x100000

/* -errno, or what the call gave */
static int call(int fd, unsigned long request, void *arg)
{
        int r = ioctl(fd, request, arg);

        return r < 0 ? -errno : r;
}

static int open_node(const char *path)
{
        int fd = open(path, O_RDWR | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* "/dev/vfio/N" */
static int find_group(const char *name, char node[64])
{
        char path[128], link[256];
        ssize_t n;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", name);
        n = readlink(path, link, sizeof(link) - 1);
        if (n < 0)
                return -errno;
        link[n] = '\0';
        snprintf(node, 64, "/dev/vfio/%.16s", strrchr(link, '/') + 1);
        return 0;
}

/* "/dev/vfio/devices/vfioN" */
static int find_cdev(const char *name, char node[64])
{
        struct dirent *entry;
        char path[128];
        DIR *dir;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", name);
        dir = opendir(path);
        if (!dir)
                return -errno;
        do
                entry = readdir(dir);
        while (entry && strncmp(entry->d_name, "vfio", 4) != 0);
        if (entry)
                snprintf(node, 64, "/dev/vfio/devices/%.16s", entry->d_name);
        closedir(dir);
        return entry ? 0 : -ENOENT;
}

static int ask_device(struct raw_device *d)
{
        struct vfio_device_info info = { .argsz = sizeof(info) };

        return call(d->device, VFIO_DEVICE_GET_INFO, &info);
}

int raw_open_type1(struct raw_device *d, const char *name)
{
        struct vfio_group_status group = { .argsz = sizeof(group) };
        union {
                struct vfio_iommu_type1_info info;
                char room[1024];
        } u = { .info.argsz = sizeof(u) };
        char node[64];
        int r;

        r = find_group(name, node);
        if (r < 0)
                return r;
        d->container = open_node("/dev/vfio/vfio");
        if (d->container < 0)
                return d->container;
        if (call(d->container, VFIO_GET_API_VERSION, NULL) != VFIO_API_VERSION ||
            call(d->container, VFIO_CHECK_EXTENSION, (void *)VFIO_TYPE1v2_IOMMU) != 1)
                return -EOPNOTSUPP;
        d->group = open_node(node);
        if (d->group < 0)
                return d->group;
        r = call(d->group, VFIO_GROUP_GET_STATUS, &group);
        if (r == 0 && !(group.flags & VFIO_GROUP_FLAGS_VIABLE))
                r = -EPERM;
        if (r == 0)
                r = call(d->group, VFIO_GROUP_SET_CONTAINER, &d->container);
        if (r == 0)
                r = call(d->container, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU);
        if (r == 0)
                r = call(d->container, VFIO_IOMMU_GET_INFO, &u);
        if (r < 0)
                return r;
        d->device = call(d->group, VFIO_GROUP_GET_DEVICE_FD, (void *)name);
        return d->device < 0 ? d->device : ask_device(d);
}

int raw_open_iommufd(struct raw_device *d, const char *name)
{
        struct uapi_iommu_iova_range ranges[16];
        struct uapi_vfio_device_bind_iommufd_token bind = {
                .argsz = offsetof(struct uapi_vfio_device_bind_iommufd_token, token_uuid_ptr)
        };
        struct uapi_vfio_device_attach_iommufd_pt attach = {
                .argsz = offsetof(struct uapi_vfio_device_attach_iommufd_pt, pasid)
        };
        struct uapi_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
        struct uapi_iommu_ioas_iova_ranges ask = { .size = sizeof(ask),
                                                   .num_iovas = 16,
                                                   .allowed_iovas = (uintptr_t)ranges };
        char node[64];
        int r;

        d->group = -1;
        r = find_cdev(name, node);
        if (r < 0)
                return r;
        d->container = open_node("/dev/iommu");
        if (d->container < 0)
                return d->container;
        r = call(d->container, UAPI_IOMMU_IOAS_ALLOC, &alloc);
        if (r < 0)
                return r;
        d->ioas = attach.pt_id = ask.ioas_id = alloc.out_ioas_id;
        d->device = open_node(node);
        if (d->device < 0)
                return d->device;
        bind.iommufd = d->container;
        r = call(d->device, UAPI_VFIO_DEVICE_BIND_IOMMUFD, &bind);
        if (r == 0)
                r = call(d->device, UAPI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
        if (r == 0)
                r = call(d->container, UAPI_IOMMU_IOAS_IOVA_RANGES, &ask);
        return r < 0 ? r : ask_device(d);
}

int raw_map_type1(struct raw_device *d, void *page)
{
        struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
                                                .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                                                .vaddr = (uintptr_t)page,
                                                .iova = IOVA,
                                                .size = RAW_PAGE };

        d->iova = IOVA;
        return call(d->container, VFIO_IOMMU_MAP_DMA, &map);
}

int raw_map_iommufd(struct raw_device *d, void *page)
{
        struct uapi_iommu_ioas_map map = { .size = sizeof(map),
                                           .flags = UAPI_IOMMU_IOAS_MAP_FIXED_IOVA |
                                                    UAPI_IOMMU_IOAS_MAP_READABLE |
                                                    UAPI_IOMMU_IOAS_MAP_WRITEABLE,
                                           .ioas_id = d->ioas,
                                           .user_va = (uintptr_t)page,
                                           .length = RAW_PAGE,
                                           .iova = IOVA };

        d->iova = IOVA;
        return call(d->container, UAPI_IOMMU_IOAS_MAP, &map);
}

int raw_map_registers(struct raw_device *d)
{
        union {
                struct vfio_region_info info;
                char room[256];
        } u = { .info.argsz = sizeof(u), .info.index = VFIO_PCI_BAR0_REGION_INDEX };
        int r = call(d->device, VFIO_DEVICE_GET_REGION_INFO, &u);

        if (r < 0)
                return r;
        d->registers_size = u.info.size;
        d->registers = mmap(NULL, u.info.size, PROT_READ | PROT_WRITE, MAP_SHARED, d->device,
                            (off_t)u.info.offset);
        return d->registers == MAP_FAILED ? -errno : 0;
}

int raw_set_bus_master(struct raw_device *d)
{
        struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_CONFIG_REGION_INDEX };
        uint16_t command;
        int r = call(d->device, VFIO_DEVICE_GET_REGION_INFO, &info);

        if (r < 0)
                return r;
        if (pread(d->device, &command, sizeof(command), (off_t)info.offset + PCI_COMMAND) != sizeof(command))
                return -EIO;
        command |= PCI_COMMAND_MASTER;
        if (pwrite(d->device, &command, sizeof(command), (off_t)info.offset + PCI_COMMAND) != sizeof(command))
                return -EIO;
        return 0;
}

void raw_close(struct raw_device *d)
{
        munmap(d->registers, d->registers_size);
        close(d->device);
        if (d->group >= 0)
                close(d->group);
        close(d->container);
}
