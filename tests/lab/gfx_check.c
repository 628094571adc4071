/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The display of the kernel's sample device mbochs (samples/vfio-mdev/mbochs.c), through the public headers
 * alone: nothing is shown, then a mode is set as a guest would, and there is a dma-buf of it. TAP.
 *
 *     gfx_check type1|iommufd UUID
 */
#include <errno.h>
#include <fcntl.h>
#include <iommuctl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The registers of the Bochs display, 16 bits each, at 0x500 of BAR 2. */
enum { DISPI = 0x500, XRES = 1, YRES = 2, BPP = 3, ENABLE = 4 };

static struct iommuctl_ctx *ctx;
static int n_tests, n_failed;

static void check(bool passed, const char *what)
{
        char text[512] = "";

        printf("%sok %d - %s\n", passed ? "" : "not ", ++n_tests, what);
        if (passed)
                return;
        n_failed++;
        iommuctl_ctx_error(ctx, text, sizeof(text));
        printf("# last error: %s\n", text);
}

static bool set(struct iommuctl_region *registers, unsigned int index, uint16_t value)
{
        return iommuctl_region_write(registers, DISPI + 2 * index, &value, sizeof(value)) == 0;
}

/* Its pixels are a GPU's to read: this driver exports its buffers read-only, and maps none of those. */
static void check_buffer(struct iommuctl_device *device, const struct iommuctl_gfx_plane *plane)
{
        char path[64], link[64] = "";
        int fd;

        fd = iommuctl_gfx_dmabuf(device, plane->source);
        check(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC), "the buffer has a descriptor, close-on-exec");
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        check(readlink(path, link, sizeof(link) - 1) > 0 && strncmp(link, "/dmabuf:", 8) == 0,
              "it is a dma-buf");
        check(lseek(fd, 0, SEEK_END) == plane->size, "of the plane's size");
        close(fd);
        check(iommuctl_gfx_dmabuf(device, plane->source + 1000) == -ENOENT,
              "a buffer that is not there is refused");
}

static void check_display(struct iommuctl_device *device)
{
        struct iommuctl_gfx_plane plane = { .width = 1 };
        struct iommuctl_region *registers;

        check(iommuctl_region_open(device, VFIO_PCI_BAR2_REGION_INDEX, &registers) == 0 &&
                      set(registers, ENABLE, 0),
              "the display is off");
        check(iommuctl_gfx_ways(device) == IOMMUCTL_GFX_DMABUF, "it shows its display by dma-bufs");
        check(iommuctl_gfx_plane(device, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_DMABUF, &plane) == 0 &&
                      plane.format == 0 && plane.width == 0,
              "nothing is shown at first");
        check(set(registers, XRES, 320) && set(registers, YRES, 256) && set(registers, BPP, 32) &&
                      set(registers, ENABLE, 1),
              "a mode is set");
        /* its first answer in a mode is ENOMEM: mbochs_query_gfx_plane() makes the buffer and forgets to look
         * at it */
        iommuctl_gfx_plane(device, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_DMABUF, &plane);
        check(iommuctl_gfx_plane(device, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_DMABUF, &plane) == 0 &&
                      plane.width == 320 && plane.height == 256 && plane.stride == 1280 &&
                      plane.size == 1280 * 256,
              "and shown");
        check_buffer(device, &plane);
        iommuctl_region_free(registers);
        check(iommuctl_gfx_plane(device, IOMMUCTL_GFX_PLANE_PRIMARY, IOMMUCTL_GFX_REGION, &plane) == -EINVAL,
              "it is not shown by a region");
}

int main(int argc, char **argv)
{
        struct iommuctl_container *container = NULL;
        struct iommuctl_device *device = NULL;

        if (argc != 3 || iommuctl_ctx_new(&ctx) < 0)
                return 2;
        check(iommuctl_container_new(
                      ctx, strcmp(argv[1], "type1") ? IOMMUCTL_BACKEND_IOMMUFD : IOMMUCTL_BACKEND_TYPE1,
                      &container) == 0 &&
                      iommuctl_device_open(container, argv[2], &device) == 0,
              "the device is opened by its UUID");
        if (device)
                check_display(device);
        iommuctl_device_unref(device);
        iommuctl_container_unref(container);
        iommuctl_ctx_unref(ctx);
        printf("1..%d\n", n_tests);
        return n_failed > 0;
}
