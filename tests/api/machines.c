/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines.h"

#include <stdlib.h>
#include <sys/mman.h>

static struct fake *build(const struct fake_options *options, const char *gpu, const char *audio,
                          const char *nic)
{
        struct fake *m = fake_machine_new(options);

        fake_add_pci(
                m, BRIDGE,
                &(struct fake_pci){ .class = 0x060400, .driver = "pcieport", .group = 7, .header_type = 1 });
        fake_add_driver(m, "nouveau", NULL);
        fake_add_driver(m, "snd_hda_intel", NULL);
        fake_add_driver(m, "e1000e", NULL);
        fake_add_pci(m, GPU,
                     &(struct fake_pci){ .vendor = 0x10de,
                                         .device = 0x2684,
                                         .class = 0x030000,
                                         .driver = gpu,
                                         .group = 7,
                                         .parent = BRIDGE });
        fake_add_pci(m, AUDIO,
                     &(struct fake_pci){ .vendor = 0x10de,
                                         .device = 0x22ba,
                                         .class = 0x040300,
                                         .driver = audio,
                                         .group = 7,
                                         .parent = BRIDGE });
        fake_add_pci(m, NIC,
                     &(struct fake_pci){ .vendor = 0x8086, .device = 0x10d3, .driver = nic, .group = 8 });
        fake_add_pci(m, DISK,
                     &(struct fake_pci){ .vendor = 0x1b36,
                                         .device = 0x0010,
                                         .class = 0x010802,
                                         .driver = "nvme",
                                         .group = 9 });
        fake_add_block(m, DISK, "nvme0n1", 259, 0);
        fake_add_partition(m, "nvme0n1", "nvme0n1p1", 259, 1);
        if (streq(nic, "e1000e"))
                fake_add_net(m, NIC, "eth0");
        return m;
}

struct fake *machine_native(const struct fake_options *options)
{
        return build(options, "nouveau", "snd_hda_intel", "e1000e");
}

struct fake *machine_vfio(const struct fake_options *options)
{
        return build(options, "vfio-pci", "vfio-pci", "vfio-pci");
}

static void start(struct bench *b, const struct fake_options *options)
{
        b->m = machine_vfio(options);
        b->k = fake_kernel(b->m);
        b->ctx = new_ctx(b->m);
        assert_ok(b->ctx, iommuctl_container_new(b->ctx, b->backend, &b->container));
        assert_ok(b->ctx, iommuctl_device_open(b->container, NIC, &b->device));
}

static void stop(struct bench *b)
{
        iommuctl_device_unref(b->device);
        iommuctl_container_unref(b->container);
        iommuctl_ctx_unref(b->ctx);
        b->device = NULL;
        b->container = NULL;
        b->ctx = NULL;
        assert_clean(b->m, 0);
        fake_machine_free(b->m);
        b->m = NULL;
}

static int bench_new(void **state, enum iommuctl_backend backend)
{
        struct bench *b = calloc(1, sizeof(*b));

        assert_non_null(b);
        b->backend = backend;
        *state = b;
        start(b, NULL);
        return 0;
}

int bench_type1(void **state)
{
        return bench_new(state, IOMMUCTL_BACKEND_TYPE1);
}

int bench_iommufd(void **state)
{
        return bench_new(state, IOMMUCTL_BACKEND_IOMMUFD);
}

int bench_teardown(void **state)
{
        struct bench *b = *state;

        stop(b);
        free(b);
        return 0;
}

void bench_restart(struct bench *b, const struct fake_options *options)
{
        stop(b);
        start(b, options);
}

/* Past the machine's books: it stays until the process ends, as a program's own memory does. */
void *bench_memory(struct bench *b, size_t size)
{
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        (void)b;
        assert_ptr_not_equal(p, MAP_FAILED);
        return p;
}
