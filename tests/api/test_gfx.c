/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The display of a virtual GPU. */
#include "machines.h"

#include <errno.h>
#include <fcntl.h>

#include "iommuctl/gfx.h"

static void test_none(void **state)
{
        struct bench *b = *state;
        struct iommuctl_gfx_plane plane = { .width = 7 };

        assert_int_equal(iommuctl_gfx_ways(b->device), 0);
        assert_fails(b->ctx,
                     iommuctl_gfx_plane(b->device, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_DMABUF, &plane),
                     -EOPNOTSUPP, "no display");
        assert_fails(b->ctx, iommuctl_gfx_dmabuf(b->device, 1), -EOPNOTSUPP, "no display");
        assert_int_equal(plane.width, 7);
}

static struct fake *machine(void)
{
        struct fake *m = machine_vfio(NULL);

        fake_add_pci(m, "0000:04:00.0",
                     &(struct fake_pci){ .driver = "vfio-pci", .group = 12, .display = true });
        fake_set_display(m, "0000:04:00.0", 640, 480);
        return m;
}

/* Asks, takes the buffer, gives it back. */
static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_container *c = NULL;
        struct iommuctl_device *d = NULL;
        struct iommuctl_gfx_plane plane;
        int r, fd;

        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r == 0)
                r = iommuctl_device_open(c, "0000:04:00.0", &d);
        if (r == 0)
                r = iommuctl_gfx_ways(d);
        if (r >= 0)
                r = iommuctl_gfx_plane(d, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_DMABUF, &plane);
        if (r == 0) {
                fd = r = iommuctl_gfx_dmabuf(d, plane.source);
                if (fd >= 0)
                        fake_kernel(m)->ops->close(fake_kernel(m), fd);
        }
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        return r < 0 ? r : 0;
}

static void test_failing(void **state)
{
        (void)state;
        each_call_failing(&(struct scenario){ .name = "display", .machine = machine, .run = run });
}

static void test_display(void **state)
{
        struct fake *m = machine();
        struct iommuctl_ctx *ctx = new_ctx(m);
        struct iommuctl_container *c;
        struct iommuctl_device *d;
        struct iommuctl_gfx_plane plane;
        uint32_t first;
        int fd;

        (void)state;
        assert_ok(ctx, iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c));
        assert_ok(ctx, iommuctl_device_open(c, "0000:04:00.0", &d));
        assert_int_equal(iommuctl_gfx_ways(d), IOMMUCTL_GFX_DMABUF);
        assert_ok(ctx, iommuctl_gfx_plane(d, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_DMABUF, &plane));
        assert_int_equal(plane.width, 640);
        assert_int_equal(plane.height, 480);
        assert_int_equal(plane.stride, 2560);
        assert_int_equal(plane.size, 640 * 480 * 4);
        assert_int_equal(plane.hot_x, UINT32_MAX);
        fd = iommuctl_gfx_dmabuf(d, plane.source);
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        fake_kernel(m)->ops->close(fake_kernel(m), fd);

        /* another mode, another buffer; the number of the old one is void */
        first = plane.source;
        fake_set_display(m, "0000:04:00.0", 800, 600);
        assert_ok(ctx, iommuctl_gfx_plane(d, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_DMABUF, &plane));
        assert_int_not_equal(plane.source, first);
        assert_fails(ctx, iommuctl_gfx_dmabuf(d, first), -ENOENT, "buffer");

        /* nothing is shown: all of it is 0, also what the kernel leaves as it came */
        fake_set_display(m, "0000:04:00.0", 0, 0);
        assert_ok(ctx, iommuctl_gfx_plane(d, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_DMABUF, &plane));
        assert_int_equal(plane.format, 0);
        assert_int_equal(plane.width + plane.height + plane.size, 0);

        assert_fails(ctx, iommuctl_gfx_plane(d, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_REGION, &plane),
                     -EINVAL, "0000:04:00.0");
        assert_fails(ctx, iommuctl_gfx_plane(d, 3, IOMMUCTL_GFX_DMABUF, &plane), -EINVAL, "3");
        assert_fails(ctx, iommuctl_gfx_plane(d, IOMMUCTL_GFX_PLANE_PRIMARY, 6, &plane), -EINVAL, "6");
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
        iommuctl_ctx_unref(ctx);
        assert_clean(m, 0);
        fake_machine_free(m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_none),
                cmocka_unit_test(test_display),
                cmocka_unit_test(test_failing),
        };

        return run_tap_tests("gfx", tests);
}
