/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommufd.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uapi.h"

/* Where each address space has a page that the device reads, and one that it writes. */
#define SOURCE 0x100000
#define TARGET 0x200000

struct space {
        struct iommuctl_container *c;
        char *source, *target;
        struct iommuctl_dma *dma[2];
};

static void space_fill(struct space *s, char letter)
{
        s->source = pages(1);
        s->target = pages(1);
        memset(s->source, letter, PAGE);
        s->dma[0] = map_at(s->c, s->source, SOURCE);
        s->dma[1] = map_at(s->c, s->target, TARGET);
}

static void space_free(struct space *s)
{
        iommuctl_dma_unmap(s->dma[0]);
        iommuctl_dma_unmap(s->dma[1]);
        iommuctl_container_unref(s->c);
        munmap(s->source, PAGE);
        munmap(s->target, PAGE);
}

static void wait_for_edu(char *bar)
{
        for (int i = 0; i < 2000 && iommuctl_mmio_read64(bar + EDU_COMMAND) & 1; i++)
                usleep(1000);
}

/* The device copies its source to its buffer, and that to its target: the letter that arrived in S, or 0. */
static char copied(char *bar, const struct space *s)
{
        memset(s->target, 0, PAGE);
        edu_copy(bar, SOURCE, EDU_BUFFER, 64, false);
        wait_for_edu(bar);
        edu_copy(bar, EDU_BUFFER, TARGET, 64, true);
        wait_for_edu(bar);
        return *(volatile char *)s->target;
}

static bool sees(struct iommuctl_device *d, struct iommuctl_container *c)
{
        struct iommuctl_container *now = iommuctl_device_attached(d);

        iommuctl_container_unref(now);
        return now == c;
}

static void move(struct iommuctl_device *d, char *bar, struct space *a, struct space *b)
{
        const uint64_t bounded = last_iova(a->c);

        CHECK("it sees the first", copied(bar, a) == 'A' && copied(bar, b) == 0 && sees(d, a->c));
        CHECK("the second has all addresses", is_whole(b->c));
        GIVES("it moves", 0, "", iommuctl_device_attach(d, b->c));
        CHECK("and sees the second alone", copied(bar, b) == 'B' && copied(bar, a) == 0 && sees(d, b->c));
        CHECK("the ranges moved with it", last_iova(b->c) == bounded && !is_whole(b->c) && is_whole(a->c));
        GIVES("it moves to where it is", 0, "", iommuctl_device_attach(d, b->c));
        CHECK("and is there", copied(bar, b) == 'B');
        GIVES("it is detached", 0, "", iommuctl_device_detach(d));
        CHECK("and sees nothing", copied(bar, a) == 0 && copied(bar, b) == 0 && sees(d, NULL));
        CHECK("no ranges are bounded", is_whole(b->c) && is_whole(a->c));
        GIVES("once more", 0, "", iommuctl_device_detach(d));
        GIVES("it comes back", 0, "", iommuctl_device_attach(d, a->c));
        CHECK("and sees the first", copied(bar, a) == 'A' && copied(bar, b) == 0);
}

static void move_to_tables(struct iommuctl_device *d, char *bar, struct space *a, struct space *b)
{
        struct iommuctl_hwpt_options o = { .struct_size = sizeof(o) };
        struct iommuctl_hwpt *h = NULL, *none = NULL;
        const uint32_t id = iommuctl_device_iommufd_id(d);
        int r;

        GIVES("a page table over the second", 0, "", iommuctl_hwpt_new(b->c, id, NULL, &h));
        GIVES("the device moves to it", 0, "", iommuctl_device_attach_hwpt(d, h));
        CHECK("and sees the second", copied(bar, b) == 'B' && copied(bar, a) == 0 && sees(d, b->c));
        iommuctl_hwpt_unref(h);
        CHECK("which it keeps", copied(bar, b) == 'B');
        GIVES("it goes back", 0, "", iommuctl_device_attach(d, a->c));
        CHECK("and the page table bounds nothing", is_whole(b->c));
        h = NULL;
        GIVES("a page table for no device", -ENOENT, "device 12345",
              iommuctl_hwpt_new(b->c, 12345, NULL, &none));
        o.flags = IOMMUCTL_HWPT_DIRTY_TRACKING;
        r = iommuctl_hwpt_new(b->c, id, &o, &h);
        CHECK("dirty tracking, or a word that it is not there", r == 0 || r == -EOPNOTSUPP);
        note("dirty tracking", r);
        iommuctl_hwpt_unref(h);
        h = NULL;
        o.flags = IOMMUCTL_HWPT_NEST_PARENT;
        r = iommuctl_hwpt_new(b->c, id, &o, &h);
        CHECK("nesting, or a word that it is not there", r == 0 || r == -EOPNOTSUPP);
        note("nesting", r);
        iommuctl_hwpt_unref(h);
        h = NULL;
        GIVES("a table of the first", 0, "", iommuctl_hwpt_new(a->c, id, NULL, &h));
        r = iommuctl_device_attach_pasid(d, 5, h);
        CHECK("no PASIDs here", r == (kernel_is(6, 15) ? -EINVAL : -EOPNOTSUPP));
        note("a PASID", r);
        GIVES("none is detached", -ENOENT, "0x5", iommuctl_device_detach_pasid(d, 5));
        iommuctl_hwpt_unref(h);
}

/* What does not fit leaves all as it was. */
static void refuse(struct iommuctl_device *d, char *bar, struct space *a)
{
        struct iommuctl_container *far = NULL, *other = new_container();
        struct uapi_iommu_destroy destroy = { .size = sizeof(destroy) };
        struct iommuctl_device *again = NULL;
        void *page = pages(1);
        struct iommuctl_dma *dma;

        iommuctl_container_new_beside(a->c, &far);
        if (last_iova(a->c) < UINT64_MAX) {
                dma = map_at(far, page, 0x4000000000000000);
                GIVES("a space with a mapping that it cannot reach", -EADDRINUSE, "cannot reach",
                      iommuctl_device_attach(d, far));
                iommuctl_dma_unmap(dma);
        }
        dma = map_at(far, page, 0xfee00000);
        GIVES("one where interrupts are", -EADDRINUSE, "cannot reach", iommuctl_device_attach(d, far));
        iommuctl_dma_unmap(dma);
        GIVES("one of another iommufd", -EINVAL, "another iommufd", iommuctl_device_attach(d, other));
        GIVES("the device in another iommufd", -EBUSY, "in use",
              iommuctl_device_open(other, device_name, &again));
        destroy.id = iommuctl_container_ioas_id(far);
        CHECK("a space is destroyed by hand",
              ioctl(iommuctl_container_fd(far), UAPI_IOMMU_DESTROY, &destroy) == 0);
        GIVES("it is not there", -ENOENT, "raw descriptor", iommuctl_device_attach(d, far));
        CHECK("it sees what it saw", copied(bar, a) == 'A' && sees(d, a->c));
        iommuctl_container_unref(far);
        iommuctl_container_unref(other);
        munmap(page, PAGE);
}

static int attach_raw(struct iommuctl_device *d, uint32_t argsz, uint32_t flags, uint32_t id)
{
        struct uapi_vfio_device_attach_iommufd_pt a = { .argsz = argsz, .flags = flags, .pt_id = id };

        return ioctl(iommuctl_device_fd(d), UAPI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &a) < 0 ? -errno : 0;
}

static int bind_raw(int fd, int32_t iommufd)
{
        struct uapi_vfio_device_bind_iommufd a = { .argsz = sizeof(a), .iommufd = iommufd };

        return ioctl(fd, UAPI_VFIO_DEVICE_BIND_IOMMUFD, &a) < 0 ? -errno : 0;
}

/* The kernel's own tests of the same (tools/testing/selftests/vfio/vfio_iommufd_setup_test.c), on the
 * library's descriptors. */
static void refuse_raw(struct iommuctl_device *d, char *bar, struct space *a)
{
        const uint32_t size = offsetof(struct uapi_vfio_device_attach_iommufd_pt, pasid);
        struct vfio_device_info info = { .argsz = sizeof(info) };
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        CHECK("bound twice", bind_raw(iommuctl_device_fd(d), iommuctl_container_fd(a->c)) == -EINVAL);
        CHECK("bound to no descriptor", bind_raw(iommuctl_device_fd(d), -2) == -EINVAL);
        CHECK("bound to what is no iommufd", bind_raw(iommuctl_device_fd(d), null) < 0);
        CHECK("attached to what is not there", attach_raw(d, size, 0, 12345) == -ENOENT);
        CHECK("attached to a device", attach_raw(d, size, 0, iommuctl_device_iommufd_id(d)) == -EINVAL);
        CHECK("attached with too few bytes",
              attach_raw(d, size - 1, 0, iommuctl_container_ioas_id(a->c)) == -EINVAL);
        CHECK("attached with flags",
              attach_raw(d, size, 1u << 31, iommuctl_container_ioas_id(a->c)) == -EINVAL);
        CHECK("after which it sees what it saw", copied(bar, a) == 'A');
        CHECK("and tells what it is", ioctl(iommuctl_device_fd(d), VFIO_DEVICE_GET_INFO, &info) == 0);
        close(null);
}

static uint64_t sysfs_number(const char *path)
{
        FILE *f = fopen(path, "r");
        uint64_t value = 0;

        if (f && fscanf(f, "%" SCNx64, &value) != 1)
                value = 0;
        if (f)
                fclose(f);
        return value;
}

/* The same registers as the IOMMU's driver shows them. */
static void describe(struct iommuctl_device *d)
{
        const char *iommu = getenv("LAB_IOMMU") ?: "";
        struct iommuctl_hw_info *info = NULL;
        struct iommuctl_hw_vtd vtd = { 0 };
        struct iommuctl_hw_amd amd = { 0 };

        GIVES("the IOMMU describes itself", 0, "",
              iommuctl_hw_info_new(iommuctl_device_container(d), iommuctl_device_iommufd_id(d), 0, &info));
        printf("#   kind %u, capabilities 0x%" PRIx64 ", PASIDs of %u bits\n", iommuctl_hw_info_kind(info),
               iommuctl_hw_info_capabilities(info), iommuctl_hw_info_pasid_bits(info));
        if (streq(iommu, "intel")) {
                CHECK("as VT-d", iommuctl_hw_info_vtd(info, &vtd));
                CHECK("with the registers in sysfs",
                      vtd.cap && vtd.cap == sysfs_number("/sys/class/iommu/dmar0/intel-iommu/cap") &&
                              vtd.ecap == sysfs_number("/sys/class/iommu/dmar0/intel-iommu/ecap"));
        } else if (kernel_is(7, 0)) {
                CHECK("as AMD-Vi", iommuctl_hw_info_amd(info, &amd) && amd.efr);
        } else {
                CHECK("with nothing to say, before Linux 7.0",
                      iommuctl_hw_info_kind(info) == IOMMUCTL_HW_NONE && !iommuctl_hw_info_amd(info, &amd));
        }
        iommuctl_hw_info_free(info);
}

void test_device(void)
{
        struct space a = { .c = new_container() }, b = { .c = NULL };
        struct iommuctl_device *d = open_device(a.c);
        struct iommuctl_region *region = NULL;
        void *bar = NULL;

        GIVES("an address space beside", 0, "", iommuctl_container_new_beside(a.c, &b.c));
        space_fill(&a, 'A');
        space_fill(&b, 'B');
        if (iommuctl_region_open(d, 0, &region) < 0 || iommuctl_region_map(region, 0, 0, &bar) < 0 ||
            iommuctl_device_set_bus_master(d, true) < 0)
                exit(1);
        describe(d);
        move(d, bar, &a, &b);
        move_to_tables(d, bar, &a, &b);
        refuse(d, bar, &a);
        refuse_raw(d, bar, &a);
        /* The device last, and away from where it was opened. */
        GIVES("it moves once more", 0, "", iommuctl_device_attach(d, b.c));
        space_free(&a);
        CHECK("where it was opened is gone, and it works", copied(bar, &b) == 'B');
        space_free(&b);
        iommuctl_region_free(region);
        iommuctl_device_unref(d);
}

/* Two devices in one group. */
void test_group(void)
{
        struct iommuctl_container *first = new_container(), *second = NULL;
        struct iommuctl_device *one = open_device(first), *two = NULL;

        GIVES("an address space beside", 0, "", iommuctl_container_new_beside(first, &second));
        GIVES("the other device of the group does not open there", -EINVAL, "another device of group",
              iommuctl_device_open(second, other_name, &two));
        GIVES("but with the first", 0, "", iommuctl_device_open(first, other_name, &two));
        GIVES("one moves", 0, "", iommuctl_device_attach(one, second));
        CHECK("and the other with it", sees(one, second) && sees(two, second));
        CHECK("in the kernel too: nobody is in the first", is_whole(first) && !is_whole(second));
        GIVES("one is detached", 0, "", iommuctl_device_detach(one));
        GIVES("and does not attach elsewhere", -EINVAL, "attached elsewhere",
              iommuctl_device_attach(one, first));
        GIVES("but the other moves alone", 0, "", iommuctl_device_attach(two, first));
        CHECK("and leaves it", sees(one, NULL) && sees(two, first));
        GIVES("now it attaches there", 0, "", iommuctl_device_attach(one, first));
        CHECK("where both are", sees(one, first) && sees(two, first) && is_whole(second));
        iommuctl_device_unref(one);
        CHECK("one still bounds it", !is_whole(first));
        iommuctl_device_unref(two);
        CHECK("none does", is_whole(first));
        iommuctl_container_unref(first);
        iommuctl_container_unref(second);
}
