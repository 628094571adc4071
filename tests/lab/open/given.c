/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that somebody else opened, by hand here, on QEMU's teaching device. */
#include "open.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uapi.h"

/* The device answers, and does DMA to what the container has mapped. */
static bool works(struct iommuctl_device *d)
{
        struct iommuctl_region *bar = NULL;
        struct iommuctl_dma *dma = NULL;
        bool ok = false;
        void *map;

        if (iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &bar) < 0 ||
            iommuctl_region_map(bar, 0, 0, &map) < 0 ||
            iommuctl_dma_alloc(iommuctl_device_container(d), PAGE, NULL, &dma) < 0 ||
            iommuctl_device_set_bus_master(d, true) < 0) {
                note("preparing the device", 0);
        } else {
                struct iommuctl_span s = iommuctl_dma_span(dma);
                char *memory = s.vaddr;

                memset(memory, 0x5a, EDU_COPY);
                edu_copy(map, s.iova, EDU_BUFFER, EDU_COPY, false);
                while (iommuctl_mmio_read64((char *)map + EDU_COMMAND) & 1)
                        usleep(1000);
                memset(memory, 0, EDU_COPY);
                edu_copy(map, EDU_BUFFER, s.iova, EDU_COPY, true);
                while (iommuctl_mmio_read64((char *)map + EDU_COMMAND) & 1)
                        usleep(1000);
                ok = (iommuctl_mmio_read32((char *)map + EDU_ID) & 0xff) == 0xed && memory[0] == 0x5a &&
                     memory[EDU_COPY - 1] == 0x5a;
        }
        iommuctl_dma_unmap(dma);
        iommuctl_region_free(bar);
        return ok;
}

static void check_open(const char *what, struct iommuctl_container *c, int r, struct iommuctl_device **d)
{
        if (r < 0) {
                result(false, "%s", what);
                note("opening", r);
        } else {
                result(streq(iommuctl_device_name(*d), device_name) && works(*d), "%s", what);
        }
        *d = iommuctl_device_unref(*d);
        (void)c;
}

static void test_paths(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = NULL;
        char path[300];

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", device_name);
        check_open("a device by its path in sysfs", c, iommuctl_device_open(c, path, &d), &d);
        if (backend == IOMMUCTL_BACKEND_IOMMUFD)
                check_open("a device by its own node's path", c,
                           iommuctl_device_open(c, node_of(device_name), &d), &d);
        else if (node_of(device_name))
                GIVES("a device's own node does not join a type1 container", -EINVAL, "type1",
                      iommuctl_device_open(c, node_of(device_name), &d));
        iommuctl_container_unref(c);
}

static void test_unbound_node(void)
{
        struct iommuctl_container *c = new_container();
        int fd = open_by_hand(node_of(device_name));
        struct iommuctl_device *d = NULL, *again = NULL;

        GIVES("a node is not another device's", -EINVAL, "is the node of",
              iommuctl_device_open_fd(c, fd, "0000:00:00.0", NULL, &d));
        check_open("a node that somebody opened", c, iommuctl_device_open_fd(c, fd, NULL, NULL, &d), &d);
        close(fd);

        /* The giver closes at once. */
        fd = open_by_hand(node_of(device_name));
        if (iommuctl_device_open_fd(c, fd, device_name, NULL, &d) < 0)
                note("device_open_fd", 0);
        GIVES("not a second time", -EEXIST, "open already",
              iommuctl_device_open_fd(c, fd, device_name, NULL, &again));
        close(fd);
        check_open("a node that its giver closed", c, d ? 0 : -1, &d);
        iommuctl_container_unref(c);
}

static uint32_t bind_by_hand(int fd, int iommufd)
{
        struct uapi_vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };

        if (ioctl(fd, UAPI_VFIO_DEVICE_BIND_IOMMUFD, &bind) < 0)
                printf("# binding by hand: %s\n", strerror(errno));
        return bind.out_devid;
}

static void test_bound_node(bool own_ioas)
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o) };
        struct uapi_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
        int iommufd = open_by_hand("/dev/iommu"), fd = open_by_hand(node_of(device_name));
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;

        o.iommufd_id = bind_by_hand(fd, iommufd);
        if (own_ioas && ioctl(iommufd, UAPI_IOMMU_IOAS_ALLOC, &alloc) < 0)
                printf("# an IOAS by hand: %s\n", strerror(errno));
        if (!GIVES("a container on somebody's iommufd", 0, "",
                   iommuctl_container_new_fd(ctx, iommufd, alloc.out_ioas_id, &c)))
                goto end;
        GIVES("a bound node without its number", -EINVAL, "iommufd_id",
              iommuctl_device_open_fd(c, fd, NULL, NULL, &d));
        check_open(own_ioas ? "a bound node, in an IOAS of its giver's" : "a bound node, in an IOAS of ours",
                   c, iommuctl_device_open_fd(c, fd, NULL, &o, &d), &d);
end:
        iommuctl_container_unref(c);
        close(fd);
        close(iommufd);
}

struct given {
        int container, group, device;
};

static struct given give_type1(bool join)
{
        struct given g = { open_by_hand("/dev/vfio/vfio"), -1, -1 };
        char path[64];

        snprintf(path, sizeof(path), "/dev/vfio/%u", group_of(device_name));
        g.group = open_by_hand(path);
        if (!join)
                return g;
        if (ioctl(g.group, VFIO_GROUP_SET_CONTAINER, &g.container) < 0 ||
            ioctl(g.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
                printf("# joining by hand: %s\n", strerror(errno));
        g.device = ioctl(g.group, VFIO_GROUP_GET_DEVICE_FD, device_name);
        if (g.device < 0)
                printf("# the device by hand: %s\n", strerror(errno));
        return g;
}

static void close_type1(const struct given *g)
{
        if (g->device >= 0)
                close(g->device);
        close(g->group);
        close(g->container);
}

static void test_type1(void)
{
        struct given given = give_type1(true);
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g = NULL;

        if (!GIVES("a container over somebody's", 0, "",
                   iommuctl_container_new_fd(ctx, given.container, 0, &c)))
                goto end;
        GIVES("a device without its group", -EINVAL, "iommuctl_group_open_fd",
              iommuctl_device_open_fd(c, given.device, device_name, NULL, &d));
        GIVES("the group in it", 0, "", iommuctl_group_open_fd(c, given.group, &g));
        CHECK("it has its number", g && iommuctl_group_id(g) == group_of(device_name));
        GIVES("a group's device does not say which it is", -EINVAL, "name is needed",
              iommuctl_device_open_fd(c, given.device, NULL, NULL, &d));
        check_open("a device that a group gave", c,
                   iommuctl_device_open_fd(c, given.device, device_name, NULL, &d), &d);
end:
        iommuctl_group_unref(g);
        iommuctl_container_unref(c);
        close_type1(&given);
}

/* What is in the way while somebody has the group open. */
static void test_blockers(void)
{
        struct iommuctl_blocker *b = NULL;
        int n = iommuctl_group_blockers(ctx, group_of(device_name), &b);
        char node[64];

        snprintf(node, sizeof(node), "/dev/vfio/%u", group_of(device_name));
        CHECK("this process is in the way of the group", n == 1 && b[0].kind == IOMMUCTL_BLOCKER_PROCESS &&
                                                                 b[0].pid == getpid() &&
                                                                 streq(b[0].node, node));
        free(b);
}

static void test_group(void)
{
        struct given given = give_type1(false);
        struct iommuctl_container *c;
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g = NULL;

        test_blockers();
        for (int i = 0; i < 2; i++) {
                c = new_container();
                if (GIVES("somebody's group joins a container of ours", 0, "",
                          iommuctl_group_open_fd(c, given.group, &g)))
                        check_open("and its device is opened", c,
                                   iommuctl_group_open_device(g, device_name, NULL, &d), &d);
                g = iommuctl_group_unref(g);
                iommuctl_container_unref(c);
        }
        if (GIVES("a container that is empty yet", 0, "",
                  iommuctl_container_new_fd(ctx, given.container, 0, &c))) {
                close(given.group);
                check_open("takes what we open", c, iommuctl_device_open(c, device_name, &d), &d);
                iommuctl_container_unref(c);
                given.group = open_by_hand("/dev/null");
        }
        close_type1(&given);
}

/* Each descriptor where another belongs. */
static void test_mixed_up(void)
{
        struct given given = { open_by_hand("/dev/vfio/vfio"), -1, -1 };
        int event = eventfd(0, EFD_CLOEXEC), file = open_by_hand("/dev/null");
        struct iommuctl_container *c = NULL, *none = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g = NULL;

        close(given.container);
        given = give_type1(true);
        if (iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c) < 0)
                exit(1);
        GIVES("a container is no device", -EINVAL, "a type1 container",
              iommuctl_device_open_fd(c, given.container, NULL, NULL, &d));
        GIVES("a group is no device", -EINVAL, "is a group",
              iommuctl_device_open_fd(c, given.group, NULL, NULL, &d));
        GIVES("an eventfd is no device", -ENOTTY, "nothing of VFIO's",
              iommuctl_device_open_fd(c, event, NULL, NULL, &d));
        GIVES("/dev/null is no device", -ENOTTY, "nothing of VFIO's",
              iommuctl_device_open_fd(c, file, NULL, NULL, &d));
        GIVES("a descriptor that is not open", -EBADF, "descriptor 900",
              iommuctl_device_open_fd(c, 900, NULL, NULL, &d));
        GIVES("a device is no group", -EINVAL, "a device that a group gave",
              iommuctl_group_open_fd(c, given.device, &g));
        GIVES("a container is no group", -EINVAL, "a type1 container",
              iommuctl_group_open_fd(c, given.container, &g));
        GIVES("a group is no container", -EINVAL, "is a group",
              iommuctl_container_new_fd(ctx, given.group, 0, &none));
        GIVES("a device is no container", -EINVAL, "a device that a group gave",
              iommuctl_container_new_fd(ctx, given.device, 0, &none));
        GIVES("an eventfd is no container", -ENOTTY, "nothing of VFIO's",
              iommuctl_container_new_fd(ctx, event, 0, &none));
        if (node_of(device_name)) {
                int iommufd = open_by_hand("/dev/iommu"), node = open_by_hand(node_of(device_name));

                GIVES("an iommufd is no device", -EINVAL, "is an iommufd",
                      iommuctl_device_open_fd(c, iommufd, NULL, NULL, &d));
                GIVES("an iommufd is no group", -EINVAL, "is an iommufd",
                      iommuctl_group_open_fd(c, iommufd, &g));
                GIVES("a device's own node is no group", -EINVAL, "that is not bound",
                      iommuctl_group_open_fd(c, node, &g));
                GIVES("a device's own node is no container", -EINVAL, "that is not bound",
                      iommuctl_container_new_fd(ctx, node, 0, &none));
                GIVES("an IOAS that is not there", -ENOENT, "",
                      iommuctl_container_new_fd(ctx, iommufd, 4000, &none));
                close(node);
                close(iommufd);
        }
        CHECK("nothing came of it", !d && !g && !none);
        iommuctl_container_unref(c);
        close_type1(&given);
        close(event);
        close(file);
}

void test_given(void)
{
        test_paths();
        if (backend == IOMMUCTL_BACKEND_IOMMUFD) {
                test_unbound_node();
                test_bound_node(false);
                test_bound_node(true);
        } else {
                test_type1();
                test_group();
                test_mixed_up();
        }
}
