/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to a device: by name and path, through a group, by descriptors that somebody else opened. */
#include "machines.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "fake_uapi.h"
#include "iommuctl/group.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

/* A machine, a context, and the giver's side by hand. */
struct place {
        struct fake *m;
        struct kernel *k;
        struct iommuctl_ctx *ctx;
};

static struct place place_new(const struct fake_options *options)
{
        struct place p = { .m = machine_vfio(options) };

        p.k = fake_kernel(p.m);
        p.ctx = new_ctx(p.m);
        return p;
}

static void place_free(struct place *p)
{
        iommuctl_ctx_unref(p->ctx);
        assert_clean(p->m, 0);
        fake_machine_free(p->m);
}

static int open_node(struct place *p, const char *path)
{
        int fd = p->k->ops->openat(p->k, AT_FDCWD, path, O_RDWR, 0);

        assert_true(fd >= 0);
        return fd;
}

static void close_node(struct place *p, int fd)
{
        assert_int_equal(p->k->ops->close(p->k, fd), 0);
}

static struct iommuctl_container *new_container(struct place *p, enum iommuctl_backend backend)
{
        struct iommuctl_container *c;

        assert_ok(p->ctx, iommuctl_container_new(p->ctx, backend, &c));
        return c;
}

/* The device sees what is mapped in the container. */
static void check_works(struct place *p, struct iommuctl_device *d, const char *name)
{
        struct iommuctl_dma *dma;

        assert_string_equal(iommuctl_device_name(d), name);
        assert_ok(p->ctx, iommuctl_dma_alloc(iommuctl_device_container(d), 4096, NULL, &dma));
        assert_int_equal(fake_dma_write(p->m, name, iommuctl_dma_span(dma).iova, "x", 1), 0);
        assert_int_equal(*(char *)iommuctl_dma_span(dma).vaddr, 'x');
        assert_ok(p->ctx, iommuctl_dma_unmap(dma));
}

static void open_as(struct place *p, struct iommuctl_container *c, const char *path, const char *name)
{
        struct iommuctl_device *d;

        assert_ok(p->ctx, iommuctl_device_open(c, path, &d));
        check_works(p, d, name);
        iommuctl_device_unref(d);
}

static void test_paths(void **state)
{
        static const enum iommuctl_backend all[] = { IOMMUCTL_BACKEND_IOMMUFD, IOMMUCTL_BACKEND_TYPE1,
                                                     IOMMUCTL_BACKEND_AUTO };
        struct place p = place_new(NULL);
        struct iommuctl_device *d = NULL;

        (void)state;
        fake_add_other(p.m, "mdev", UUID, NULL, 20);
        fake_add_other(p.m, "platform", "fff51000.ethernet", NULL, 21);
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                struct iommuctl_container *c = new_container(&p, all[i]);

                open_as(&p, c, "/sys/bus/pci/devices/" NIC, NIC);
                open_as(&p, c, "/sys/bus/pci/devices/" NIC "/", NIC);
                open_as(&p, c, "/sys/devices/pci0000:00/" BRIDGE "/" GPU, GPU);
                assert_fails(p.ctx, iommuctl_device_open(c, "/sys/bus/mdev/devices/" UUID, &d), -ENXIO, UUID);
                assert_string_equal(error_device(p.ctx), UUID);
                assert_fails(p.ctx,
                             iommuctl_device_open(c, "/sys/bus/platform/devices/fff51000.ethernet", &d),
                             -ENXIO, "fff51000.ethernet");
                assert_fails(p.ctx, iommuctl_device_open(c, "/sys/bus/mdev/devices/" NIC, &d), -ENODEV, NIC);
                assert_fails(p.ctx, iommuctl_device_open(c, "/sys/bus/pci/devices", &d), -ENODEV, "group");
                assert_fails(p.ctx, iommuctl_device_open(c, "/etc/passwd", &d), -EINVAL, "/etc/passwd");
                assert_fails(p.ctx, iommuctl_device_open(c, "/dev/vfio/8", &d), -EINVAL, "is a group");
                assert_fails(p.ctx, iommuctl_device_open(c, "/dev/vfio/devices/vfio77", &d), -ENODEV,
                             "vfio77");
                assert_fails(p.ctx, iommuctl_device_open(c, "/", &d), -EINVAL, "below /sys");
                iommuctl_container_unref(c);
        }
        assert_null(d);
        place_free(&p);
}

/* Devices of other buses, bound to those buses' VFIO drivers. */
static void test_other_buses(void **state)
{
        static const struct {
                const char *bus, *driver, *name, *path;
                uint32_t flags;
        } all[] = {
                { "mdev", "vfio_mdev", UUID, "/sys/bus/mdev/devices/" UUID, VFIO_DEVICE_FLAGS_PCI },
                { "platform", "vfio-platform", "fff51000.ethernet",
                  "/sys/bus/platform/devices/fff51000.ethernet", VFIO_DEVICE_FLAGS_PLATFORM },
        };
        struct iommuctl_pci_ids ids;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                struct place p = place_new(NULL);

                fake_add_driver(p.m, all[i].driver, &(struct fake_driver){ .bus = all[i].bus, .vfio = true });
                fake_add_other(p.m, all[i].bus, all[i].name, all[i].driver, 20);
                for (int backend = IOMMUCTL_BACKEND_AUTO; backend <= IOMMUCTL_BACKEND_TYPE1; backend++) {
                        struct iommuctl_container *c = new_container(&p, (enum iommuctl_backend)backend);
                        struct iommuctl_device *d;

                        assert_ok(p.ctx, iommuctl_device_open(c, all[i].path, &d));
                        assert_true(iommuctl_device_flags(d) & all[i].flags);
                        if (all[i].flags != VFIO_DEVICE_FLAGS_PCI)
                                assert_fails(p.ctx, iommuctl_device_pci_ids(d, &ids), -EOPNOTSUPP,
                                             "no PCI device");
                        check_works(&p, d, all[i].name);
                        iommuctl_device_unref(d);
                        open_as(&p, c, all[i].name, all[i].name);
                        iommuctl_container_unref(c);
                }
                place_free(&p);
        }
}

/* A device's own node: iommufd or not at all. */
static void test_own_node(void **state)
{
        struct place p = place_new(NULL);
        struct iommuctl_device *d = NULL;
        struct iommuctl_container *c = new_container(&p, IOMMUCTL_BACKEND_AUTO);

        (void)state;
        open_as(&p, c, "/dev/vfio/devices/vfio2", NIC);
        assert_int_equal(iommuctl_container_backend(c), IOMMUCTL_BACKEND_IOMMUFD);
        iommuctl_container_unref(c);
        c = new_container(&p, IOMMUCTL_BACKEND_TYPE1);
        assert_fails(p.ctx, iommuctl_device_open(c, "/dev/vfio/devices/vfio2", &d), -EINVAL, "type1");
        iommuctl_container_unref(c);
        c = new_container(&p, IOMMUCTL_BACKEND_AUTO);
        fake_remove(p.m, "/dev/iommu");
        assert_fails(p.ctx, iommuctl_device_open(c, "/dev/vfio/devices/vfio2", &d), -EOPNOTSUPP, "iommufd");
        iommuctl_container_unref(c);
        assert_null(d);
        place_free(&p);
}

static void test_through_a_group(void **state)
{
        struct place p = place_new(NULL);
        struct iommuctl_container *c = new_container(&p, IOMMUCTL_BACKEND_AUTO);
        struct iommuctl_device *gpu, *audio, *d = NULL;
        struct iommuctl_group *g;

        (void)state;
        assert_ok(p.ctx, iommuctl_group_open(c, 7, &g));
        assert_ok(p.ctx, iommuctl_group_open_device(g, GPU, NULL, &gpu));
        assert_ok(p.ctx, iommuctl_group_open_device(g, "01:00.1", NULL, &audio));
        assert_fails(p.ctx, iommuctl_group_open_device(g, NIC, NULL, &d), -EINVAL,
                     "in group 8, not in group 7");
        assert_fails(p.ctx, iommuctl_group_open_device(g, "0000:09:00.0", NULL, &d), -ENODEV, "0000:09:00.0");
        assert_null(d);
        assert_ptr_equal(iommuctl_device_group(gpu), g);
        assert_ptr_equal(iommuctl_device_group(audio), g);
        iommuctl_group_unref(g);
        check_works(&p, gpu, GPU);
        iommuctl_device_unref(gpu);
        iommuctl_device_unref(audio);
        iommuctl_container_unref(c);
        place_free(&p);
}

/* ---- descriptors ---- */

static void test_unbound_node(void **state)
{
        struct place p = place_new(NULL);
        struct iommuctl_container *c = new_container(&p, IOMMUCTL_BACKEND_AUTO);
        struct iommuctl_device *d, *other = NULL;
        int fd = open_node(&p, "/dev/vfio/devices/vfio2");

        (void)state;
        assert_fails(p.ctx, iommuctl_device_open_fd(c, fd, GPU, NULL, &other), -EINVAL,
                     "is the node of " NIC ", not of " GPU);
        assert_ok(p.ctx, iommuctl_device_open_fd(c, fd, NULL, NULL, &d));
        assert_int_equal(iommuctl_container_backend(c), IOMMUCTL_BACKEND_IOMMUFD);
        assert_true(iommuctl_device_iommufd_id(d) != 0);
        assert_true(iommuctl_device_fd(d) != fd);
        assert_fails(p.ctx, iommuctl_device_open_fd(c, fd, NULL, NULL, &other), -EEXIST, "open already");
        assert_null(other);
        /* It is the device's for as long as anybody has it. */
        close_node(&p, fd);
        check_works(&p, d, NIC);
        iommuctl_device_unref(d);
        fd = open_node(&p, "/dev/vfio/devices/vfio2");
        assert_ok(p.ctx, iommuctl_device_open_fd(c, fd, "02:00.0", NULL, &d));
        check_works(&p, d, NIC);
        iommuctl_device_unref(d);
        close_node(&p, fd);
        iommuctl_container_unref(c);
        place_free(&p);
}

/* What a privileged giver does: opens, binds, and hands both descriptors on. */
static uint32_t bind_by_hand(struct place *p, int fd, int iommufd)
{
        struct fake_vfio_bind_iommufd bind = {
                .argsz = offsetof(struct fake_vfio_bind_iommufd, token_uuid_ptr), .iommufd = iommufd
        };

        assert_int_equal(p->k->ops->ioctl(p->k, fd, FAKE_VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);
        return bind.out_devid;
}

static uint32_t ioas_by_hand(struct place *p, int iommufd)
{
        struct fake_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

        assert_int_equal(p->k->ops->ioctl(p->k, iommufd, FAKE_IOMMU_IOAS_ALLOC, &alloc), 0);
        return alloc.out_ioas_id;
}

static void bound_node(uint32_t (*ioas)(struct place *p, int iommufd))
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o) };
        struct place p = place_new(NULL);
        int iommufd = open_node(&p, "/dev/iommu"), fd = open_node(&p, "/dev/vfio/devices/vfio2");
        uint32_t devid = bind_by_hand(&p, fd, iommufd), ioas_id = ioas ? ioas(&p, iommufd) : 0;
        struct iommuctl_container *c, *other;
        struct iommuctl_device *d = NULL;

        assert_ok(p.ctx, iommuctl_container_new_fd(p.ctx, iommufd, ioas_id, &c));
        assert_int_equal(iommuctl_container_backend(c), IOMMUCTL_BACKEND_IOMMUFD);
        assert_true(ioas_id ? iommuctl_container_ioas_id(c) == ioas_id : iommuctl_container_ioas_id(c) != 0);
        assert_fails(p.ctx, iommuctl_device_open_fd(c, fd, NULL, NULL, &d), -EINVAL, "iommufd_id");
        o.iommufd_id = devid;
        other = new_container(&p, IOMMUCTL_BACKEND_AUTO);
        assert_fails(p.ctx, iommuctl_device_open_fd(other, fd, NULL, &o, &d), -EINVAL,
                     "iommuctl_container_new_fd");
        iommuctl_container_unref(other);
        o.iommufd_id = devid + 17;
        assert_fails(p.ctx, iommuctl_device_open_fd(c, fd, NULL, &o, &d), -EINVAL,
                     "no device with the number");
        o.iommufd_id = devid;
        other = new_container(&p, IOMMUCTL_BACKEND_IOMMUFD);
        assert_fails(p.ctx, iommuctl_device_open_fd(other, fd, NULL, &o, &d), -EINVAL, "another one");
        iommuctl_container_unref(other);
        o.vf_token = UUID;
        assert_fails(p.ctx, iommuctl_device_open_fd(c, fd, NULL, &o, &d), -EINVAL, "no VF token any more");
        o.vf_token = NULL;
        assert_null(d);
        assert_ok(p.ctx, iommuctl_device_open_fd(c, fd, NULL, &o, &d));
        assert_int_equal(iommuctl_device_iommufd_id(d), devid);
        close_node(&p, fd);
        close_node(&p, iommufd);
        check_works(&p, d, NIC);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        place_free(&p);
}

static void test_bound_node(void **state)
{
        (void)state;
        bound_node(NULL);
        bound_node(ioas_by_hand);
}

/* Its giver keeps it: it is detached all the same, and our address space goes. */
static void test_given_device_is_detached(void **state)
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o) };
        struct place p = place_new(NULL);
        int iommufd = open_node(&p, "/dev/iommu"), fd = open_node(&p, "/dev/vfio/devices/vfio2");
        struct fake_iommu_destroy destroy = { .size = sizeof(destroy) };
        struct iommuctl_container *c;
        struct iommuctl_device *d;

        (void)state;
        o.iommufd_id = bind_by_hand(&p, fd, iommufd);
        for (int i = 0; i < 2; i++) {
                assert_ok(p.ctx, iommuctl_container_new_fd(p.ctx, iommufd, 0, &c));
                destroy.id = iommuctl_container_ioas_id(c);
                assert_ok(p.ctx, iommuctl_device_open_fd(c, fd, NIC, &o, &d));
                check_works(&p, d, NIC);
                iommuctl_device_unref(d);
                iommuctl_container_unref(c);
                assert_int_equal(p.k->ops->ioctl(p.k, iommufd, FAKE_IOMMU_DESTROY, &destroy), -ENOENT);
        }
        close_node(&p, fd);
        close_node(&p, iommufd);
        place_free(&p);
}

/* What QEMU gets. */
static void test_node_for_another(void **state)
{
        struct place p = place_new(NULL);
        struct iommuctl_container *c;
        struct iommuctl_device *d;
        int fd = iommuctl_device_open_node(p.ctx, "02:00.0");

        (void)state;
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        c = new_container(&p, IOMMUCTL_BACKEND_IOMMUFD);
        assert_ok(p.ctx, iommuctl_device_open_fd(c, fd, NULL, NULL, &d));
        close_node(&p, fd);
        check_works(&p, d, NIC);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        assert_fails(p.ctx, iommuctl_device_open_node(p.ctx, DISK), -ENXIO, "bound to nvme");
        assert_fails(p.ctx, iommuctl_device_open_node(p.ctx, "0000:09:00.0"), -ENODEV, "0000:09:00.0");
        fake_set_uid(p.m, 1000);
        assert_fails(p.ctx, iommuctl_device_open_node(p.ctx, NIC), -EACCES, "mode 0600");
        fake_set_uid(p.m, 0);
        place_free(&p);

        p = place_new(&(struct fake_options){ .no_cdev = true });
        assert_fails(p.ctx, iommuctl_device_open_node(p.ctx, NIC), -EOPNOTSUPP, "VFIO_DEVICE_CDEV");
        place_free(&p);
}

/* An address space of our own in somebody's iommufd goes with us; one of theirs stays. */
static void test_ioas_is_given_back(void **state)
{
        struct place p = place_new(NULL);
        int iommufd = open_node(&p, "/dev/iommu");
        uint32_t theirs = ioas_by_hand(&p, iommufd), ours;
        struct fake_iommu_destroy destroy = { .size = sizeof(destroy) };
        struct iommuctl_container *c, *none = NULL;

        (void)state;
        assert_ok(p.ctx, iommuctl_container_new_fd(p.ctx, iommufd, 0, &c));
        ours = iommuctl_container_ioas_id(c);
        iommuctl_container_unref(c);
        destroy.id = ours;
        assert_int_equal(p.k->ops->ioctl(p.k, iommufd, FAKE_IOMMU_DESTROY, &destroy), -ENOENT);
        assert_ok(p.ctx, iommuctl_container_new_fd(p.ctx, iommufd, theirs, &c));
        iommuctl_container_unref(c);
        assert_fails(p.ctx, iommuctl_container_new_fd(p.ctx, iommufd, 999, &none), -ENOENT, "");
        destroy.id = theirs;
        assert_int_equal(p.k->ops->ioctl(p.k, iommufd, FAKE_IOMMU_DESTROY, &destroy), 0);
        assert_null(none);
        close_node(&p, iommufd);
        place_free(&p);
}

static int device_by_hand(struct place *p, int group, const char *name)
{
        int fd = p->k->ops->ioctl(p->k, group, VFIO_GROUP_GET_DEVICE_FD, (void *)name);

        assert_true(fd >= 0);
        return fd;
}

static void join_by_hand(struct place *p, int group, int container, bool set)
{
        assert_int_equal(p->k->ops->ioctl(p->k, group, VFIO_GROUP_SET_CONTAINER, &container), 0);
        if (set)
                assert_int_equal(
                        p->k->ops->ioctl(p->k, container, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU), 0);
}

/* All three by the giver: container, group and device. */
static void test_type1_descriptors(void **state)
{
        struct place p = place_new(NULL);
        int container = open_node(&p, "/dev/vfio/vfio"), group = open_node(&p, "/dev/vfio/8"), fd;
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g, *none = NULL;
        struct iommuctl_container *c;

        (void)state;
        join_by_hand(&p, group, container, true);
        fd = device_by_hand(&p, group, NIC);
        assert_ok(p.ctx, iommuctl_container_new_fd(p.ctx, container, 0, &c));
        assert_int_equal(iommuctl_container_backend(c), IOMMUCTL_BACKEND_TYPE1);
        assert_fails(p.ctx, iommuctl_device_open_fd(c, fd, NIC, NULL, &d), -EINVAL, "iommuctl_group_open_fd");
        assert_ok(p.ctx, iommuctl_group_open_fd(c, group, &g));
        assert_int_equal(iommuctl_group_id(g), 8);
        assert_fails(p.ctx, iommuctl_group_open_fd(c, group, &none), -EEXIST, "group 8");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, fd, NULL, NULL, &d), -EINVAL, "its name is needed");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, fd, GPU, NULL, &d), -EINVAL,
                     "does not hold the group");
        assert_null(d);
        assert_null(none);
        assert_ok(p.ctx, iommuctl_device_open_fd(c, fd, NIC, NULL, &d));
        assert_ptr_equal(iommuctl_device_group(d), g);
        close_node(&p, fd);
        close_node(&p, group);
        close_node(&p, container);
        iommuctl_group_unref(g);
        check_works(&p, d, NIC);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        place_free(&p);
}

/* A group that nobody put anywhere yet joins a container of ours, and leaves though the giver holds it. */
static void test_group_descriptor(void **state)
{
        struct place p = place_new(NULL);
        int group = open_node(&p, "/dev/vfio/8");
        struct iommuctl_container *c;
        struct iommuctl_device *d;
        struct iommuctl_group *g;

        (void)state;
        for (int i = 0; i < 2; i++) {
                c = new_container(&p, IOMMUCTL_BACKEND_AUTO);
                assert_ok(p.ctx, iommuctl_group_open_fd(c, group, &g));
                assert_ok(p.ctx, iommuctl_device_open(c, NIC, &d));
                check_works(&p, d, NIC);
                iommuctl_group_unref(g);
                iommuctl_device_unref(d);
                iommuctl_container_unref(c);
        }
        close_node(&p, group);
        place_free(&p);
}

/* The giver's container before its first group, and after it; its own group stays in it without us. */
static void test_container_descriptor(void **state)
{
        struct place p = place_new(NULL);
        int container = open_node(&p, "/dev/vfio/vfio"), group;
        struct iommuctl_range *ranges;
        struct iommuctl_container *c;
        struct iommuctl_device *d;
        struct iommuctl_group *g = NULL;

        (void)state;
        assert_ok(p.ctx, iommuctl_container_new_fd(p.ctx, container, 0, &c));
        assert_fails(p.ctx, iommuctl_container_ranges(c, &ranges), -ENODEV, "open a device first");
        assert_ok(p.ctx, iommuctl_device_open(c, NIC, &d));
        check_works(&p, d, NIC);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);

        group = open_node(&p, "/dev/vfio/7");
        join_by_hand(&p, group, container, true);
        c = new_container(&p, IOMMUCTL_BACKEND_TYPE1);
        assert_fails(p.ctx, iommuctl_group_open_fd(c, group, &g), -EINVAL, "iommuctl_container_new_fd");
        assert_null(g);
        iommuctl_container_unref(c);
        assert_ok(p.ctx, iommuctl_container_new_fd(p.ctx, container, 0, &c));
        for (int i = 0; i < 2; i++) {
                assert_ok(p.ctx, iommuctl_device_open(c, NIC, &d));
                check_works(&p, d, NIC);
                iommuctl_device_unref(d);
                assert_true(iommuctl_container_ranges(c, &ranges) > 0);
                free(ranges);
        }
        iommuctl_container_unref(c);
        close_node(&p, group);
        close_node(&p, container);
        place_free(&p);
}

/* Each kind of descriptor where another one belongs. */
static void test_mixed_up(void **state)
{
        struct place p = place_new(NULL);
        int container = open_node(&p, "/dev/vfio/vfio"), iommufd = open_node(&p, "/dev/iommu"),
            group = open_node(&p, "/dev/vfio/8"), node = open_node(&p, "/dev/vfio/devices/vfio0"),
            file = open_node(&p, "/sys/bus/pci/devices/" NIC "/driver_override"),
            event = p.k->ops->eventfd(p.k, 0, 0), device;
        struct iommuctl_container *c = new_container(&p, IOMMUCTL_BACKEND_AUTO), *none = NULL;
        struct iommuctl_device_options o = { .struct_size = sizeof(o), .iommufd_id = 5 };
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g = NULL;

        (void)state;
        join_by_hand(&p, group, container, true);
        device = device_by_hand(&p, group, NIC);

        assert_fails(p.ctx, iommuctl_device_open_fd(c, container, NULL, NULL, &d), -EINVAL,
                     "a type1 container");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, iommufd, NULL, NULL, &d), -EINVAL, "is an iommufd");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, group, NULL, NULL, &d), -EINVAL, "is a group");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, file, NULL, NULL, &d), -ENOTTY, "nothing of VFIO's");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, event, NULL, NULL, &d), -ENOTTY, "nothing of VFIO's");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, 999, NULL, NULL, &d), -EBADF, "descriptor 999");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, -1, NULL, NULL, &d), -EBADF, "descriptor -1");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, node, NULL, &o, &d), -EINVAL, "is not bound");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, device, NIC, &o, &d), -EINVAL, "neither VF token nor");

        assert_fails(p.ctx, iommuctl_group_open_fd(c, container, &g), -EINVAL, "a type1 container");
        assert_fails(p.ctx, iommuctl_group_open_fd(c, iommufd, &g), -EINVAL, "is an iommufd");
        assert_fails(p.ctx, iommuctl_group_open_fd(c, node, &g), -EINVAL, "that is not bound");
        assert_fails(p.ctx, iommuctl_group_open_fd(c, device, &g), -EINVAL, "a device that a group gave");
        assert_fails(p.ctx, iommuctl_group_open_fd(c, event, &g), -ENOTTY, "wanted is a group");

        assert_fails(p.ctx, iommuctl_container_new_fd(p.ctx, group, 0, &none), -EINVAL, "is a group");
        assert_fails(p.ctx, iommuctl_container_new_fd(p.ctx, node, 0, &none), -EINVAL, "own node");
        assert_fails(p.ctx, iommuctl_container_new_fd(p.ctx, device, 0, &none), -EINVAL, "a device");
        assert_fails(p.ctx, iommuctl_container_new_fd(p.ctx, file, 0, &none), -ENOTTY, "nothing of VFIO's");
        assert_fails(p.ctx, iommuctl_container_new_fd(p.ctx, container, 3, &none), -EINVAL,
                     "no IOAS number 3");
        assert_int_equal(iommuctl_container_backend(c), IOMMUCTL_BACKEND_AUTO);
        iommuctl_container_unref(c);

        c = new_container(&p, IOMMUCTL_BACKEND_IOMMUFD);
        assert_fails(p.ctx, iommuctl_group_open_fd(c, group, &g), -EINVAL, "backend is iommufd");
        iommuctl_container_unref(c);
        c = new_container(&p, IOMMUCTL_BACKEND_TYPE1);
        assert_fails(p.ctx, iommuctl_device_open_fd(c, node, NULL, NULL, &d), -EINVAL, "a type1 one");
        iommuctl_container_unref(c);

        assert_null(d);
        assert_null(g);
        assert_null(none);
        close_node(&p, device);
        close_node(&p, event);
        close_node(&p, file);
        close_node(&p, node);
        close_node(&p, group);
        close_node(&p, iommufd);
        close_node(&p, container);
        place_free(&p);
}

/* A process that sees no sysfs: the names are the caller's to know. */
static void test_without_sysfs(void **state)
{
        struct place p = place_new(NULL);
        int node = open_node(&p, "/dev/vfio/devices/vfio0"), group = open_node(&p, "/dev/vfio/8"), fd;
        int container = open_node(&p, "/dev/vfio/vfio");
        struct iommuctl_container *c = new_container(&p, IOMMUCTL_BACKEND_IOMMUFD);
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g = NULL;

        (void)state;
        join_by_hand(&p, group, container, true);
        fd = device_by_hand(&p, group, NIC);
        fake_remove(p.m, "/sys/dev");
        assert_fails(p.ctx, iommuctl_device_open_fd(c, node, NULL, NULL, &d), -EINVAL, "its name is needed");
        assert_ok(p.ctx, iommuctl_device_open_fd(c, node, GPU, NULL, &d));
        check_works(&p, d, GPU);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);

        assert_ok(p.ctx, iommuctl_container_new_fd(p.ctx, container, 0, &c));
        assert_fails(p.ctx, iommuctl_group_open_fd(c, group, &g), -ENOENT, "sysfs does not say which");
        assert_null(g);
        iommuctl_container_unref(c);
        close_node(&p, fd);
        close_node(&p, node);
        close_node(&p, group);
        close_node(&p, container);
        place_free(&p);
}

/* Nor the groups: two devices whose groups nobody knows are not taken for one group. */
static void test_groups_without_sysfs(void **state)
{
        struct place p = place_new(NULL);
        int node[2] = { open_node(&p, "/dev/vfio/devices/vfio0"), open_node(&p, "/dev/vfio/devices/vfio2") };
        struct iommuctl_container *c = new_container(&p, IOMMUCTL_BACKEND_IOMMUFD), *second, *seen;
        struct iommuctl_device *gpu, *nic;

        (void)state;
        fake_remove(p.m, "/sys/dev");
        fake_remove(p.m, "/sys/bus");
        assert_ok(p.ctx, iommuctl_device_open_fd(c, node[0], GPU, NULL, &gpu));
        assert_ok(p.ctx, iommuctl_device_open_fd(c, node[1], NIC, NULL, &nic));
        assert_ok(p.ctx, iommuctl_container_new_beside(c, &second));
        assert_ok(p.ctx, iommuctl_device_attach(gpu, second));
        seen = iommuctl_device_attached(nic);
        assert_ptr_equal(seen, c);
        iommuctl_container_unref(seen);
        check_works(&p, nic, NIC);
        iommuctl_device_unref(gpu);
        iommuctl_device_unref(nic);
        iommuctl_container_unref(second);
        iommuctl_container_unref(c);
        close_node(&p, node[0]);
        close_node(&p, node[1]);
        place_free(&p);
}

static void test_options(void **state)
{
        struct bench *b = *state;
        struct {
                struct iommuctl_device_options known;
                uint64_t later;
        } o = { .known = { .struct_size = sizeof(o) } };
        struct iommuctl_device *d = NULL;

        assert_ok(b->ctx, iommuctl_device_open_with(b->container, GPU, &o.known, &d));
        iommuctl_device_unref(d);
        d = NULL;
        o.later = 1;
        assert_fails(b->ctx, iommuctl_device_open_with(b->container, GPU, &o.known, &d), -EINVAL,
                     "struct_size");
        o.known.struct_size = 0;
        assert_fails(b->ctx, iommuctl_device_open_with(b->container, GPU, &o.known, &d), -EINVAL,
                     "struct_size");
        assert_fails(b->ctx, iommuctl_device_open_fd(b->container, 0, GPU, &o.known, &d), -EINVAL,
                     "struct_size");
        o.known.struct_size = sizeof(o.known);
        o.known.iommufd_id = 3;
        assert_fails(b->ctx, iommuctl_device_open_with(b->container, GPU, &o.known, &d), -EINVAL,
                     "iommuctl_device_open_fd");
        assert_null(d);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_other_buses),
                cmocka_unit_test(test_own_node),
                cmocka_unit_test(test_through_a_group),
                cmocka_unit_test(test_unbound_node),
                cmocka_unit_test(test_bound_node),
                cmocka_unit_test(test_given_device_is_detached),
                cmocka_unit_test(test_node_for_another),
                cmocka_unit_test(test_ioas_is_given_back),
                cmocka_unit_test(test_type1_descriptors),
                cmocka_unit_test(test_group_descriptor),
                cmocka_unit_test(test_container_descriptor),
                cmocka_unit_test(test_mixed_up),
                cmocka_unit_test(test_without_sysfs),
                cmocka_unit_test(test_groups_without_sysfs),
                BOTH(test_options),
        };

        return run_tap_tests("ways to a device", tests);
}
