/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine in memory serves VFIO and iommufd as the kernel does, order rules and errors included: what
 * other tests stand on. */
#include "harness.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fake_uapi.h"

#define GPU   "0000:01:00.0"
#define AUDIO "0000:01:00.1"
#define NIC   "0000:02:00.0"

static struct fake *m;
static struct kernel *k;
static void *buffer;

static int setup_with(const struct fake_options *options)
{
        m = fake_machine_new(options);
        k = fake_kernel(m);
        fake_add_pci(m, GPU, &(struct fake_pci){ .class = 0x030000, .driver = "vfio-pci", .group = 7 });
        fake_add_pci(m, AUDIO, &(struct fake_pci){ .class = 0x040300, .driver = "vfio-pci", .group = 7 });
        fake_add_pci(m, NIC, &(struct fake_pci){ .driver = "vfio-pci", .group = 8 });
        assert_int_equal(k->ops->mmap(k, NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                      -1, 0, &buffer),
                         0);
        return 0;
}

static int setup(void **state)
{
        (void)state;
        return setup_with(NULL);
}

static int teardown(void **state)
{
        (void)state;
        k->ops->munmap(k, buffer, 4 << 20);
        assert_clean(m, 0);
        fake_machine_free(m);
        return 0;
}

static int open_node(const char *path)
{
        return k->ops->openat(k, AT_FDCWD, path, O_RDWR, 0);
}

static int call(int fd, unsigned long request, void *arg)
{
        return k->ops->ioctl(k, fd, request, arg);
}

static int call_value(int fd, unsigned long request, unsigned long value)
{
        return k->ops->ioctl(k, fd, request, (void *)value);
}

static int map1(int fd, uint64_t iova, size_t at, size_t size)
{
        struct vfio_iommu_type1_dma_map a = { .argsz = sizeof(a),
                                              .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                                              .vaddr = (uintptr_t)buffer + at,
                                              .iova = iova,
                                              .size = size };

        return call(fd, VFIO_IOMMU_MAP_DMA, &a);
}

static int unmap1(int fd, uint64_t iova, uint64_t size, uint64_t *ret_size)
{
        struct vfio_iommu_type1_dma_unmap a = { .argsz = sizeof(a), .iova = iova, .size = size };
        int r = call(fd, VFIO_IOMMU_UNMAP_DMA, &a);

        *ret_size = a.size;
        return r;
}

static void type1(int *ret_container, int *ret_group)
{
        *ret_container = open_node("/dev/vfio/vfio");
        *ret_group = open_node("/dev/vfio/7");
        assert_int_equal(call(*ret_group, VFIO_GROUP_SET_CONTAINER, ret_container), 0);
        assert_int_equal(call_value(*ret_container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
}

static void test_type1_order(void **state)
{
        struct vfio_group_status status = { .argsz = sizeof(status) };
        struct vfio_device_info info = { .argsz = sizeof(info) };
        int c = open_node("/dev/vfio/vfio"), g, d, other;

        (void)state;
        assert_int_equal(call_value(c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), -EINVAL);
        assert_int_equal(map1(c, 0x1000, 0, 4096), -EINVAL);
        assert_int_equal(call_value(c, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 1);
        g = open_node("/dev/vfio/7");
        assert_int_equal(open_node("/dev/vfio/7"), -EBUSY);
        assert_int_equal(call(g, VFIO_GROUP_GET_DEVICE_FD, GPU), -EINVAL);
        assert_int_equal(call(g, VFIO_GROUP_GET_STATUS, &status), 0);
        assert_int_equal(status.flags, VFIO_GROUP_FLAGS_VIABLE);
        assert_int_equal(call(g, VFIO_GROUP_SET_CONTAINER, &g), -EBADFD);
        assert_int_equal(call(g, VFIO_GROUP_SET_CONTAINER, &c), 0);
        assert_int_equal(call(g, VFIO_GROUP_GET_DEVICE_FD, GPU), -EINVAL);
        assert_int_equal(call_value(c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
        assert_int_equal(call_value(c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), -EINVAL);
        assert_int_equal(call(g, VFIO_GROUP_GET_DEVICE_FD, NIC), -ENODEV);
        d = call(g, VFIO_GROUP_GET_DEVICE_FD, GPU);
        assert_true(d >= 0);
        assert_int_equal(call(g, VFIO_GROUP_UNSET_CONTAINER, NULL), -EBUSY);
        assert_int_equal(call(d, VFIO_DEVICE_GET_INFO, &info), 0);
        assert_int_equal(info.num_irqs, 5);
        /* Its own node is refused while the group is open, and the group stays open with the device. */
        other = open_node("/dev/vfio/devices/vfio0");
        assert_int_equal(call(other, FAKE_VFIO_DEVICE_BIND_IOMMUFD,
                              &(struct fake_vfio_bind_iommufd){ .argsz = 16, .iommufd = c }),
                         -EBUSY);
        k->ops->close(k, other);
        k->ops->close(k, g);
        assert_int_equal(open_node("/dev/vfio/7"), -EBUSY);
        k->ops->close(k, c);
        k->ops->close(k, d);
}

static void test_type1_not_viable(void **state)
{
        int c = open_node("/dev/vfio/vfio"), g = open_node("/dev/vfio/8");
        struct vfio_group_status status = { .argsz = sizeof(status) };

        (void)state;
        fake_add_pci(m, "0000:02:00.1", &(struct fake_pci){ .driver = "e1000e", .group = 8 });
        assert_int_equal(call(g, VFIO_GROUP_GET_STATUS, &status), 0);
        assert_int_equal(status.flags, 0);
        assert_int_equal(call(g, VFIO_GROUP_SET_CONTAINER, &c), -EPERM);
        k->ops->close(k, c);
        k->ops->close(k, g);
}

static void test_type1_map_rules(void **state)
{
        uint64_t n;
        int c, g;

        (void)state;
        type1(&c, &g);
        assert_int_equal(map1(c, 0x1000, 1, 4096), -EINVAL);
        assert_int_equal(map1(c, 0x1000, 0, 100), -EINVAL);
        assert_int_equal(map1(c, 0x1000, 0, 0), -EINVAL);
        assert_int_equal(map1(c, 1ull << 39, 0, 4096), -EINVAL);
        assert_int_equal(map1(c, 0xfee00000, 0, 4096), -EINVAL);
        assert_int_equal(map1(c, 0x10000, 0, 0x8000), 0);
        assert_int_equal(map1(c, 0x17000, 0, 0x2000), -EEXIST);
        assert_int_equal(map1(c, 0xf000, 0, 0x10000), -EEXIST);
        assert_int_equal(map1(c, 0x18000, 0x8000, 0x1000), 0);
        /* v2 cuts nothing in two; a range may hold several. */
        assert_int_equal(unmap1(c, 0x10000, 0x1000, &n), -EINVAL);
        assert_int_equal(unmap1(c, 0x11000, 0x8000, &n), -EINVAL);
        assert_int_equal(fake_n_mappings(m), 2);
        assert_int_equal(unmap1(c, 0x30000, 0x1000, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(unmap1(c, 0, 0x100000, &n), 0);
        assert_int_equal(n, 0x9000);
        assert_int_equal(map1(c, 0x10000, 0, 0x8000), 0);
        k->ops->close(k, c);
        assert_int_equal(fake_n_mappings(m), 1); /* the group holds the container */
        k->ops->close(k, g);
        assert_int_equal(fake_n_mappings(m), 0);
}

static void test_type1_limits(void **state)
{
        uint64_t n;
        int c, g;

        (void)state;
        fake_machine_free(m);
        setup_with(&(struct fake_options){ .dma_entry_limit = 2, .memlock = 0x10000 });
        type1(&c, &g);
        assert_int_equal(map1(c, 0x100000, 0, 0x11000), -ENOMEM);
        assert_int_equal(map1(c, 0x100000, 0, 0x8000), 0);
        assert_int_equal(map1(c, 0x200000, 0, 0x8000), 0);
        assert_int_equal(map1(c, 0x300000, 0, 0x1000), -ENOSPC);
        assert_int_equal(unmap1(c, 0x100000, 0x8000, &n), 0);
        assert_int_equal(map1(c, 0x300000, 0, 0x8000), 0);
        k->ops->close(k, c);
        k->ops->close(k, g);
}

static void test_type1_info(void **state)
{
        struct {
                struct vfio_iommu_type1_info info;
                uint8_t rest[256];
        } a = { .info.argsz = sizeof(struct vfio_iommu_type1_info) };
        struct vfio_info_cap_header *h;
        struct vfio_iommu_type1_info_cap_iova_range *ranges = NULL;
        int c, g;

        (void)state;
        type1(&c, &g);
        assert_int_equal(call(c, VFIO_IOMMU_GET_INFO, &a), 0);
        assert_true(a.info.argsz > sizeof(a.info) && a.info.argsz <= sizeof(a));
        assert_int_equal(a.info.cap_offset, 0);
        assert_int_equal(call(c, VFIO_IOMMU_GET_INFO, &a), 0);
        for (uint32_t at = a.info.cap_offset; at; at = h->next) {
                h = (struct vfio_info_cap_header *)((uint8_t *)&a + at);
                if (h->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
                        ranges = (struct vfio_iommu_type1_info_cap_iova_range *)h;
        }
        assert_non_null(ranges);
        assert_int_equal(ranges->nr_iovas, 2);
        assert_int_equal(ranges->iova_ranges[0].end, 0xfedfffff);
        assert_int_equal(ranges->iova_ranges[1].start, 0xfef00000);
        assert_int_equal(ranges->iova_ranges[1].end, (1ull << 39) - 1);
        k->ops->close(k, c);
        k->ops->close(k, g);
}

static void test_no_interrupt_remapping(void **state)
{
        int c, g;

        (void)state;
        fake_machine_free(m);
        setup_with(&(struct fake_options){ .no_interrupt_remapping = true });
        c = open_node("/dev/vfio/vfio");
        g = open_node("/dev/vfio/7");
        assert_int_equal(call(g, VFIO_GROUP_SET_CONTAINER, &c), 0);
        assert_int_equal(call_value(c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), -EPERM);
        k->ops->close(k, c);
        k->ops->close(k, g);
}

static uint32_t new_ioas(int fd)
{
        struct fake_iommu_ioas_alloc a = { .size = sizeof(a) };

        assert_int_equal(call(fd, FAKE_IOMMU_IOAS_ALLOC, &a), 0);
        return a.out_ioas_id;
}

static int map2(int fd, uint32_t ioas, uint64_t *iova, size_t at, size_t size, bool fixed)
{
        struct fake_iommu_ioas_map a = { .size = sizeof(a),
                                         .flags = FAKE_MAP_READABLE | FAKE_MAP_WRITEABLE |
                                                  (fixed ? FAKE_MAP_FIXED_IOVA : 0),
                                         .ioas_id = ioas,
                                         .user_va = (uintptr_t)buffer + at,
                                         .length = size,
                                         .iova = *iova };
        int r = call(fd, FAKE_IOMMU_IOAS_MAP, &a);

        *iova = a.iova;
        return r;
}

static int map2_at(int fd, uint32_t ioas, uint64_t iova, size_t at, size_t size)
{
        return map2(fd, ioas, &iova, at, size, true);
}

static int unmap2(int fd, uint32_t ioas, uint64_t iova, uint64_t length)
{
        return call(fd, FAKE_IOMMU_IOAS_UNMAP,
                    &(struct fake_iommu_ioas_unmap){
                            .size = 24, .ioas_id = ioas, .iova = iova, .length = length });
}

static void test_iommufd_maps(void **state)
{
        struct fake_iommu_ioas_copy copy = { .size = sizeof(copy), .flags = FAKE_MAP_READABLE };
        int fd = open_node("/dev/iommu");
        uint32_t one = new_ioas(fd), two = new_ioas(fd);
        uint64_t iova = 0;

        (void)state;
        assert_int_equal(map2_at(fd, 99, 0x1000, 0, 4096), -ENOENT);
        assert_int_equal(map2_at(fd, one, 0x1000, 0, 0), -EINVAL);
        assert_int_equal(map2_at(fd, one, 0x10000, 0, 0x8000), 0);
        assert_int_equal(map2_at(fd, one, 0x17000, 0, 0x8000), -EEXIST);
        assert_int_equal(map2_at(fd, one, 0x18000, 0, 0x8000), 0);
        assert_int_equal(map2(fd, one, &iova, 0, 0x1000, false), 0);
        assert_true(iova >= 0x1000);
        assert_int_equal(unmap2(fd, one, iova, 0x1000), 0);
        assert_int_equal(unmap2(fd, one, 0x10000, 0x1000), -ENOENT);
        assert_int_equal(unmap2(fd, one, 0x40000, 0x1000), -ENOENT);
        copy.src_ioas_id = one;
        copy.dst_ioas_id = two;
        copy.src_iova = 0x14000;
        copy.length = 0x8000;
        assert_int_equal(call(fd, FAKE_IOMMU_IOAS_COPY, &copy), 0); /* across both areas: two in the copy */
        assert_int_equal(fake_n_mappings(m), 4);
        copy.src_iova = 0x1c000;
        assert_int_equal(call(fd, FAKE_IOMMU_IOAS_COPY, &copy), -ENOENT);
        assert_int_equal(unmap2(fd, one, 0, UINT64_MAX), 0);
        assert_int_equal(unmap2(fd, one, 0, UINT64_MAX), 0);
        assert_int_equal(call(fd, FAKE_IOMMU_DESTROY, &(struct fake_iommu_destroy){ 8, two }), 0);
        assert_int_equal(call(fd, FAKE_IOMMU_DESTROY, &(struct fake_iommu_destroy){ 8, two }), -ENOENT);
        assert_int_equal(fake_n_mappings(m), 0);
        k->ops->close(k, fd);
}

static int bind_device(int dev, int fd)
{
        struct fake_vfio_bind_iommufd a = { .argsz = sizeof(a), .iommufd = fd };
        int r = call(dev, FAKE_VFIO_DEVICE_BIND_IOMMUFD, &a);

        return r < 0 ? r : (int)a.out_devid;
}

static int attach(int dev, uint32_t id)
{
        struct fake_vfio_attach_pt a = { .argsz = sizeof(a), .pt_id = id };

        return call(dev, FAKE_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &a);
}

static void test_cdev_order(void **state)
{
        struct vfio_device_info info = { .argsz = sizeof(info) };
        int fd = open_node("/dev/iommu"), other = open_node("/dev/iommu"), dev, again, sibling;
        uint32_t ioas = new_ioas(fd);
        char byte;

        (void)state;
        dev = open_node("/dev/vfio/devices/vfio0");
        assert_int_equal(call(dev, VFIO_DEVICE_GET_INFO, &info), -EINVAL);
        assert_int_equal(attach(dev, ioas), -EINVAL);
        assert_int_equal(k->ops->pread(k, dev, &byte, 1, 7ull << 40), -EINVAL);
        assert_int_equal(bind_device(dev, dev), -EBADFD);
        assert_int_equal(bind_device(dev, 900), -EBADF);
        assert_true(bind_device(dev, fd) > 0);
        assert_int_equal(bind_device(dev, fd), -EINVAL);
        assert_int_equal(call(dev, VFIO_DEVICE_GET_INFO, &info), 0);
        assert_int_equal(attach(dev, 99), -ENOENT);
        assert_int_equal(attach(dev, ioas), 0);
        assert_int_equal(call(fd, FAKE_IOMMU_DESTROY, &(struct fake_iommu_destroy){ 8, ioas }), -EBUSY);
        assert_int_equal(open_node("/dev/vfio/7"), -EBUSY);
        again = open_node("/dev/vfio/devices/vfio0");
        assert_int_equal(bind_device(again, fd), -EINVAL);
        sibling = open_node("/dev/vfio/devices/vfio1"); /* the same group by another iommufd */
        assert_int_equal(bind_device(sibling, other), -EPERM);
        k->ops->close(k, again);
        k->ops->close(k, sibling);
        k->ops->close(k, fd);
        k->ops->close(k, other);
        assert_int_equal(fake_dma_write(m, GPU, 0x1000, "x", 1), -EFAULT);
        k->ops->close(k, dev);
}

static void test_ioas_ranges(void **state)
{
        struct fake_iommu_iova_range r[4];
        struct fake_iommu_ioas_iova_ranges a = { .size = sizeof(a), .allowed_iovas = (uintptr_t)r };
        struct fake_iommu_ioas_allow_iovas allow = { .size = sizeof(allow), .num_iovas = 1 };
        int fd = open_node("/dev/iommu"), dev = open_node("/dev/vfio/devices/vfio2");
        uint64_t iova = 0;

        (void)state;
        a.ioas_id = allow.ioas_id = new_ioas(fd);
        assert_int_equal(call(fd, FAKE_IOMMU_IOAS_IOVA_RANGES, &a), -EMSGSIZE);
        assert_int_equal(a.num_iovas, 1);
        assert_int_equal(a.out_iova_alignment, 1);
        assert_true(bind_device(dev, fd) > 0);
        assert_int_equal(map2_at(fd, a.ioas_id, 0xfee00000, 0, 4096), 0);
        assert_int_equal(attach(dev, a.ioas_id), -EADDRINUSE);
        assert_int_equal(unmap2(fd, a.ioas_id, 0xfee00000, 4096), 0);
        assert_int_equal(attach(dev, a.ioas_id), 0);
        a.num_iovas = 4;
        assert_int_equal(call(fd, FAKE_IOMMU_IOAS_IOVA_RANGES, &a), 0);
        assert_int_equal(a.num_iovas, 2);
        assert_int_equal(a.out_iova_alignment, 4096);
        assert_int_equal(r[0].last, 0xfedfffff);
        assert_int_equal(map2_at(fd, a.ioas_id, 0xfee00000, 0, 4096), -EINVAL);
        allow.allowed_iovas = (uintptr_t) & (struct fake_iommu_iova_range){ 0x500000, 0x5fffff };
        assert_int_equal(call(fd, FAKE_IOMMU_IOAS_ALLOW_IOVAS, &allow), 0);
        assert_int_equal(map2(fd, a.ioas_id, &iova, 0, 0x1000, false), 0);
        assert_true(iova >= 0x500000 && iova < 0x600000);
        k->ops->close(k, fd);
        k->ops->close(k, dev);
}

static void test_dma(void **state)
{
        char text[16] = "";
        int c, g;

        (void)state;
        type1(&c, &g);
        assert_int_equal(map1(c, 0x10000, 0x2000, 0x2000), 0);
        assert_int_equal(fake_dma_write(m, GPU, 0x11ffc, "straight", 4), 0);
        assert_memory_equal((char *)buffer + 0x3ffc, "stra", 4);
        assert_int_equal(fake_dma_write(m, GPU, 0x11ffc, "straight", 8), -EFAULT);
        assert_int_equal(fake_dma_read(m, GPU, 0x11ffc, text, 4), 0);
        assert_string_equal(text, "stra");
        assert_int_equal(fake_dma_read(m, NIC, 0x11ffc, text, 4), -EFAULT);
        k->ops->close(k, c);
        k->ops->close(k, g);
}

static void test_irqs(void **state)
{
        union {
                struct vfio_irq_set a;
                char room[sizeof(struct vfio_irq_set) + 2 * sizeof(int32_t)];
        } set = { .a = { .argsz = sizeof(set), .index = VFIO_PCI_MSIX_IRQ_INDEX, .count = 2 } };
        int32_t *fd = (int32_t *)(void *)set.a.data;
        struct vfio_irq_set off = { .argsz = sizeof(off),
                                    .flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
                                    .index = VFIO_PCI_MSIX_IRQ_INDEX };
        int c, g, d;
        uint64_t n;

        (void)state;
        type1(&c, &g);
        d = call(g, VFIO_GROUP_GET_DEVICE_FD, GPU);
        set.a.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
        fd[0] = k->ops->eventfd(k, 0, 0);
        fd[1] = k->ops->eventfd(k, 0, 0);
        assert_int_equal(call(d, VFIO_DEVICE_SET_IRQS, &off), -EINVAL);
        assert_int_equal(call(d, VFIO_DEVICE_SET_IRQS, &set), 0);
        assert_int_equal(fake_irq_enabled(m, GPU, VFIO_PCI_MSIX_IRQ_INDEX), 2);
        assert_int_equal(fake_raise(m, GPU, VFIO_PCI_MSIX_IRQ_INDEX, 1), 1);
        assert_int_equal(fake_raise(m, GPU, VFIO_PCI_MSIX_IRQ_INDEX, 2), 0);
        assert_int_equal(k->ops->read(k, fd[1], &n, 8), 8);
        assert_int_equal(n, 1);
        set.a.index = VFIO_PCI_MSI_IRQ_INDEX;
        assert_int_equal(call(d, VFIO_DEVICE_SET_IRQS, &set), -EINVAL);
        assert_int_equal(call(d, VFIO_DEVICE_SET_IRQS, &off), 0);
        assert_int_equal(call(d, VFIO_DEVICE_SET_IRQS, &set), 0);
        k->ops->close(k, fd[0]);
        k->ops->close(k, fd[1]);
        k->ops->close(k, c);
        k->ops->close(k, g);
        k->ops->close(k, d);
        assert_int_equal(fake_irq_enabled(m, GPU, VFIO_PCI_MSI_IRQ_INDEX), 0);
}

static void test_regions(void **state)
{
        struct {
                struct vfio_region_info a;
                uint8_t rest[128];
        } i = { .a = { .argsz = sizeof(i), .index = VFIO_PCI_BAR2_REGION_INDEX } };
        uint32_t value = 0x12345678, back = 0;
        int c, g, d;
        void *p;

        (void)state;
        type1(&c, &g);
        d = call(g, VFIO_GROUP_GET_DEVICE_FD, GPU);
        assert_int_equal(call(d, VFIO_DEVICE_GET_REGION_INFO, &i), 0);
        assert_int_equal(i.a.size, FAKE_BAR2_SIZE);
        assert_int_equal(i.a.cap_offset, sizeof(i.a));
        assert_int_equal(k->ops->mmap(k, NULL, 0x10000, PROT_READ, MAP_SHARED, d, 2ull << 40, &p), -EINVAL);
        assert_int_equal(k->ops->mmap(k, NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, d, 2ull << 40, &p),
                         0);
        *(volatile uint32_t *)p = value;
        assert_int_equal(k->ops->pread(k, d, &back, 4, 2ull << 40), 4);
        assert_int_equal(back, value);
        assert_int_equal(*(uint32_t *)fake_bar(m, GPU, 2), value);
        assert_int_equal(k->ops->pread(k, d, &back, 4, (2ull << 40) + FAKE_BAR2_SIZE - 2), 2);
        assert_int_equal(k->ops->pread(k, d, &back, 4, (2ull << 40) + FAKE_BAR2_SIZE), -EINVAL);
        k->ops->munmap(k, p, 0x1000);
        k->ops->close(k, c);
        k->ops->close(k, g);
        k->ops->close(k, d);
}

/* vfio-pci lets its device go only once the last user has closed it. */
static void test_unbind_waits_for_users(void **state)
{
        pid_t pid;
        int c, g, d;

        (void)state;
        type1(&c, &g);
        d = call(g, VFIO_GROUP_GET_DEVICE_FD, GPU);
        assert_int_equal(k->ops->write_guarded(k, AT_FDCWD, "/sys/bus/pci/drivers/vfio-pci/unbind", GPU, 12,
                                               500, &pid),
                         -ETIMEDOUT);
        k->ops->close(k, c);
        k->ops->close(k, g);
        assert_string_equal(fake_driver_of(m, GPU), "vfio-pci");
        k->ops->close(k, d);
        assert_null(fake_driver_of(m, GPU));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_type1_order),
                TEST(test_type1_not_viable),
                TEST(test_type1_map_rules),
                TEST(test_type1_limits),
                TEST(test_type1_info),
                TEST(test_no_interrupt_remapping),
                TEST(test_iommufd_maps),
                TEST(test_cdev_order),
                TEST(test_ioas_ranges),
                TEST(test_dma),
                TEST(test_irqs),
                TEST(test_regions),
                TEST(test_unbind_waits_for_users),
        };

        return run_tap_tests("the machine in memory: VFIO", tests);
}
