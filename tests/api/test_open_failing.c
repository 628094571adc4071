/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to a device with each of their calls failing, and each allocation: nothing is leaked, what was
 * handed over stays the giver's, and its container and iommufd are as they were. */
#include "machines.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_uapi.h"
#include "iommuctl/group.h"

#define PF    "0000:04:00.0"
#define VF    "0000:04:10.0"
#define TOKEN "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"

static struct fake *machine(void)
{
        struct fake *m = machine_vfio(&(struct fake_options){ .bind_token = true });

        fake_add_pci(m, PF, &(struct fake_pci){ .driver = "vfio-pci", .group = 10, .sriov = true });
        fake_add_pci(m, VF, &(struct fake_pci){ .driver = "vfio-pci", .group = 11, .physfn = PF });
        return m;
}

/* The giver's own calls are part of the scenario, and may be the ones that fail. */
static int giver_open(struct iommuctl_ctx *ctx, const char *path)
{
        int fd = ctx->kernel->ops->openat(ctx->kernel, AT_FDCWD, path, O_RDWR, 0);

        return fd < 0 ? ctx_error(ctx, fd, NULL, "the giver: %s", path) : fd;
}

static int giver_call(struct iommuctl_ctx *ctx, int fd, unsigned long request, void *arg)
{
        int r = ctx->kernel->ops->ioctl(ctx->kernel, fd, request, arg);

        return r < 0 ? ctx_error(ctx, r, NULL, "the giver: 0x%lx", request) : r;
}

static void giver_close(struct iommuctl_ctx *ctx, int fd)
{
        if (fd >= 0)
                ctx->kernel->ops->close(ctx->kernel, fd);
}

static int run_paths(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_device *by_path = NULL, *by_node = NULL;
        struct iommuctl_container *c = NULL;
        int r;

        (void)m;
        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, "/sys/bus/pci/devices/" NIC, &by_path);
        if (r >= 0 && iommuctl_container_backend(c) == IOMMUCTL_BACKEND_IOMMUFD)
                r = iommuctl_device_open(c, "/dev/vfio/devices/vfio0", &by_node);
        iommuctl_device_unref(by_path);
        iommuctl_device_unref(by_node);
        iommuctl_container_unref(c);
        return r;
}

static int tokens(struct iommuctl_ctx *ctx, enum iommuctl_backend backend)
{
        struct iommuctl_device_options o = { .struct_size = sizeof(o), .vf_token = TOKEN };
        struct iommuctl_device *pf = NULL, *vf = NULL;
        struct iommuctl_container *c = NULL;
        int r;

        r = iommuctl_container_new(ctx, backend, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, PF, &pf);
        if (r >= 0)
                r = iommuctl_device_set_vf_token(pf, TOKEN);
        if (r >= 0)
                r = iommuctl_device_open_with(c, VF, &o, &vf);
        iommuctl_device_unref(vf);
        iommuctl_device_unref(pf);
        iommuctl_container_unref(c);
        return r;
}

static int run_tokens_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return tokens(ctx, IOMMUCTL_BACKEND_TYPE1);
}

static int run_tokens_iommufd(struct iommuctl_ctx *ctx, struct fake *m)
{
        (void)m;
        return tokens(ctx, IOMMUCTL_BACKEND_IOMMUFD);
}

/* Whether giving back was what failed: then it is not complete. */
static bool hit_giving_back(struct fake *m)
{
        static const unsigned long calls[] = { FAKE_IOMMU_DESTROY, FAKE_VFIO_DEVICE_DETACH_IOMMUFD_PT };
        char where[32];

        for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
                snprintf(where, sizeof(where), "0x%lx", calls[i]);
                if (strstr(fake_fault_where(m), where))
                        return true;
        }
        return fake_process_is_dead(m);
}

/* A node and an iommufd that a giver bound to each other. However it ends, the giver's iommufd has no address
 * space of ours left, which it would have were the device still attached. */
static int run_bound(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct fake_vfio_bind_iommufd bind = { .argsz = sizeof(bind) };
        struct iommuctl_device_options o = { .struct_size = sizeof(o) };
        struct fake_iommu_destroy destroy = { .size = sizeof(destroy) };
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        int iommufd, fd = -1, r;

        iommufd = r = giver_open(ctx, "/dev/iommu");
        if (r >= 0)
                fd = r = giver_open(ctx, "/dev/vfio/devices/vfio2");
        bind.iommufd = iommufd;
        if (r >= 0)
                r = giver_call(ctx, fd, FAKE_VFIO_DEVICE_BIND_IOMMUFD, &bind);
        o.iommufd_id = bind.out_devid;
        if (r >= 0)
                r = iommuctl_container_new_fd(ctx, iommufd, 0, &c);
        if (r >= 0)
                r = iommuctl_device_open_fd(c, fd, NULL, &o, &d);
        if (d && !fake_process_is_dead(m))
                assert_string_equal(iommuctl_device_name(d), NIC);
        destroy.id = c ? iommuctl_container_ioas_id(c) : 0;
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        if (destroy.id) {
                int r2 = ctx->kernel->ops->ioctl(ctx->kernel, iommufd, FAKE_IOMMU_DESTROY, &destroy);

                if (!hit_giving_back(m)) /* nor was this call */
                        assert_int_equal(r2, -ENOENT);
        }
        giver_close(ctx, fd);
        giver_close(ctx, iommufd);
        return r;
}

static int run_unbound(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        int fd, r;

        (void)m;
        fd = r = giver_open(ctx, "/dev/vfio/devices/vfio2");
        if (r >= 0)
                r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open_fd(c, fd, NIC, NULL, &d);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        giver_close(ctx, fd);
        return r;
}

struct given {
        int container, group, device;
};

static int give_type1(struct iommuctl_ctx *ctx, struct given *g)
{
        int r;

        *g = (struct given){ -1, -1, -1 };
        g->container = r = giver_open(ctx, "/dev/vfio/vfio");
        if (r >= 0)
                g->group = r = giver_open(ctx, "/dev/vfio/8");
        if (r >= 0)
                r = giver_call(ctx, g->group, VFIO_GROUP_SET_CONTAINER, &g->container);
        if (r >= 0)
                r = giver_call(ctx, g->container, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU);
        if (r >= 0)
                g->device = r = giver_call(ctx, g->group, VFIO_GROUP_GET_DEVICE_FD, NIC);
        return r;
}

static int run_type1(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g = NULL;
        struct given given;
        int r;

        (void)m;
        r = give_type1(ctx, &given);
        if (r >= 0)
                r = iommuctl_container_new_fd(ctx, given.container, 0, &c);
        if (r >= 0)
                r = iommuctl_group_open_fd(c, given.group, &g);
        if (r >= 0)
                r = iommuctl_device_open_fd(c, given.device, NIC, NULL, &d);
        iommuctl_group_unref(g);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        giver_close(ctx, given.device);
        giver_close(ctx, given.group);
        giver_close(ctx, given.container);
        return r;
}

/* After a failure the group is where it was: in no container. */
static int run_group(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct vfio_group_status status = { .argsz = sizeof(status) };
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_group *g = NULL;
        char leaving[32];
        int fd, r;

        fd = r = giver_open(ctx, "/dev/vfio/8");
        if (r >= 0)
                r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_TYPE1, &c);
        if (r >= 0)
                r = iommuctl_group_open_fd(c, fd, &g);
        if (r >= 0)
                r = iommuctl_group_open_device(g, NIC, NULL, &d);
        iommuctl_device_unref(d);
        iommuctl_group_unref(g);
        iommuctl_container_unref(c);
        snprintf(leaving, sizeof(leaving), "0x%lx", (unsigned long)VFIO_GROUP_UNSET_CONTAINER);
        if (fd >= 0 && !strstr(fake_fault_where(m), leaving) &&
            ctx->kernel->ops->ioctl(ctx->kernel, fd, VFIO_GROUP_GET_STATUS, &status) == 0)
                assert_false(status.flags & VFIO_GROUP_FLAGS_CONTAINER_SET);
        giver_close(ctx, fd);
        return r;
}

static const struct scenario scenarios[] = {
        { .name = "by paths", .machine = machine, .run = run_paths, .lasting = true },
        { .name = "VF tokens on type1", .machine = machine, .run = run_tokens_type1, .lasting = true },
        { .name = "VF tokens on iommufd", .machine = machine, .run = run_tokens_iommufd, .lasting = true },
        { .name = "a node that was bound", .machine = machine, .run = run_bound, .lasting = true },
        { .name = "a node that was not", .machine = machine, .run = run_unbound, .lasting = true },
        { .name = "container, group and device", .machine = machine, .run = run_type1, .lasting = true },
        { .name = "a group", .machine = machine, .run = run_group, .lasting = true },
};

static void test_failing(void **state)
{
        each_call_failing(*state);
}

static void test_killed(void **state)
{
        each_call_killed(*state, NULL);
}

int main(void)
{
        struct CMUnitTest tests[2 * ARRAY_SIZE(scenarios)];
        char names[2 * ARRAY_SIZE(scenarios)][100];

        for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
                snprintf(names[2 * i], sizeof(names[0]), "%s, each call failing", scenarios[i].name);
                snprintf(names[2 * i + 1], sizeof(names[0]), "%s, killed at each call", scenarios[i].name);
                tests[2 * i] = (struct CMUnitTest){ names[2 * i], test_failing, NULL, NULL,
                                                    (void *)(uintptr_t)&scenarios[i] };
                tests[2 * i + 1] = (struct CMUnitTest){ names[2 * i + 1], test_killed, NULL, NULL,
                                                        (void *)(uintptr_t)&scenarios[i] };
        }
        return run_tap_tests("ways to a device, with each call failing", tests);
}
