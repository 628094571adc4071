/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An open VFIO device: by its group or by its own node, bound and attached to an iommufd, informed about,
 * reset and closed (drivers/vfio/vfio_main.c, device_cdev.c, pci/vfio_pci_core.c). Its regions are in
 * fake_region.c, its interrupts in fake_irq.c. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "fake_vfio.h"

/* vfio_pci_core_enable() clears bus mastering; disabling does so again, switches interrupts off, and resets
 * where it can. */
static void first_open(struct fake_device *d)
{
        if (d->physfn && d->physfn->vfio_index >= 0)
                d->physfn->vf_users++;
        fake_command_reset(d);
}

static void last_close(struct fake *m, struct fake_device *d)
{
        fake_dmabufs_close(m, d);
        if (d->physfn && d->physfn->vf_users)
                d->physfn->vf_users--;
        for (unsigned int i = 0; i < FAKE_N_IRQS; i++)
                fake_irq_disable(d, i);
        fake_ioeventfds_free(d);
        fake_command_reset(d);
        fake_dma_log_stop(d);
        fake_power_close(d);
        fake_migration_reset(d);
        d->precopy_v2 = false; /* vfio_df_device_first_open() */
}

static int bind_iommufd(struct fake *m, struct fake_device_file *df, struct fake_vfio_bind_iommufd *a)
{
        struct fake_device *d = df->device;
        struct fake_file *f = fake_file_get(m, a->iommufd);
        struct fake_iommufd *i = fake_iommufd_of(f);
        int r;

        if (a->argsz < offsetof(struct fake_vfio_bind_iommufd, token_uuid_ptr))
                return -EINVAL;
        if (m->options.bind_token && a->argsz > sizeof(*a))
                for (const char *rest = (const char *)(a + 1); rest < (const char *)a + a->argsz; rest++)
                        if (*rest)
                                return -E2BIG; /* copy_struct_from_user() */
        if (a->flags & ~(m->options.bind_token ? FAKE_BIND_FLAG_TOKEN : 0) || a->iommufd < 0)
                return -EINVAL;
        if (df->group)
                return -EINVAL;
        if (d->group->opened_by)
                return -EBUSY; /* vfio_device_block_group() */
        if (df->granted)
                return -EINVAL;
        if (m->options.bind_token) {
                r = fake_match_token(d, a->flags & FAKE_BIND_FLAG_TOKEN
                                                ? (const uint8_t *)(uintptr_t)a->token_uuid_ptr
                                                : NULL);
                if (r < 0)
                        return r;
        }
        if (!i)
                return f ? -EBADFD : -EBADF;
        if (d->open_count)
                return -EINVAL;                 /* vfio_df_open() */
        r = fake_group_may_attach(m, d->group); /* iommufd_device_bind() looks at interrupts first */
        if (r < 0)
                return r;
        if (!fake_group_claimable(m, d->group) || (d->group->dma_owner && d->group->dma_owner != i))
                return -EPERM; /* iommu_device_claim_dma_owner() */
        d->group->dma_owner = i;
        d->group->cdev_users++;
        i->file->refs++;
        d->iommufd = i;
        d->devid = fake_new_id(i);
        d->pt_id = 0;
        d->open_count = 1;
        df->granted = true;
        first_open(d);
        a->out_devid = d->devid;
        return 0;
}

static void unbind_iommufd(struct fake *m, struct fake_device *d)
{
        struct fake_file *f = d->iommufd->file;

        fake_vdevice_gone(m, d);
        fake_detach_all(m, d);
        fake_free_id(d->iommufd, d->devid);
        d->iommufd = NULL;
        d->devid = 0;
        if (--d->group->cdev_users == 0)
                d->group->dma_owner = NULL;
        fake_file_put(m, f);
}

/* vfio_pci_info_atomic_cap(). The structure has 24 bytes since Linux 6.5, which the chain follows; where
 * argsz is too small for it only argsz is raised. */
static void add_atomics(struct vfio_device_info *a)
{
        const struct {
                struct vfio_info_cap_header header;
                __u32 flags, reserved;
        } cap = { { .id = 5, .version = 1 }, 3, 0 };
        const uint32_t fixed = 24;

        a->flags |= VFIO_DEVICE_FLAGS_CAPS;
        if (a->argsz < fixed + sizeof(cap)) {
                a->argsz = fixed + (uint32_t)sizeof(cap);
                return;
        }
        memcpy((char *)a + fixed, &cap, sizeof(cap));
        a->cap_offset = fixed;
}

static int get_info(const struct fake_device *d, struct vfio_device_info *a)
{
        uint32_t least = offsetof(struct vfio_device_info, num_irqs) + 4;

        if (a->argsz < least)
                return -EINVAL;
        a->flags = (d->pci.cdx                  ? FAKE_VFIO_DEVICE_FLAGS_CDX
                    : streq(d->bus, "platform") ? VFIO_DEVICE_FLAGS_PLATFORM
                                                : VFIO_DEVICE_FLAGS_PCI) |
                   (d->pci.no_reset || !d->memory ? 0 : VFIO_DEVICE_FLAGS_RESET);
        a->num_regions = VFIO_PCI_NUM_REGIONS;
        for (size_t i = 0; i < ARRAY_SIZE(d->pci.regions) && d->pci.regions[i].size; i++)
                a->num_regions++;
        a->num_irqs = VFIO_PCI_NUM_IRQS;
        if (a->argsz >= sizeof(*a))
                a->cap_offset = 0;
        if (d->pci.atomics)
                add_atomics(a);
        return 0;
}

static int reset(struct fake *m, struct fake_device *d)
{
        if (d->pci.no_reset)
                return -EINVAL; /* vfio_pci_ioctl_reset(): reset_works is not set */
        if (!d->reset_methods[0])
                return -ENOTTY; /* pci_try_reset_function() finds no method */
        fake_dmabufs_move(m, d, true);
        if (d->memory[PCI_COMMAND] & PCI_COMMAND_MEMORY)
                fake_dmabufs_move(m, d, false);
        d->resets++;
        fake_migration_reset(d);
        fake_command_reset(d);
        memset(d->memory + fake_region_place(VFIO_PCI_BAR0_REGION_INDEX), d->pulled ? 0xff : 0,
               FAKE_BAR0_SIZE);
        return 0;
}

static int granted_ioctl(struct fake *m, struct fake_file *f, unsigned long request, void *arg)
{
        struct fake_device_file *df = f->priv;
        struct fake_device *d = df->device;

        if (request == FAKE_VFIO_DEVICE_BIND_IOMMUFD)
                return m->options.no_cdev || m->options.no_iommufd ? -ENOTTY : bind_iommufd(m, df, arg);
        if (!df->granted)
                return -EINVAL;
        if (!df->group) { /* with a group these are unknown */
                if (request == FAKE_VFIO_DEVICE_ATTACH_IOMMUFD_PT)
                        return fake_attach_pt(m, d, arg);
                if (request == FAKE_VFIO_DEVICE_DETACH_IOMMUFD_PT)
                        return fake_detach_pt(m, d, arg);
        }
        switch (request) {
        case VFIO_DEVICE_GET_INFO:
                return get_info(d, arg);
        case VFIO_DEVICE_RESET:
                return reset(m, d);
        case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
        case VFIO_DEVICE_PCI_HOT_RESET:
                return fake_hot_reset_ioctl(m, df, request, arg);
        case VFIO_DEVICE_FEATURE:
                return fake_feature_ioctl(m, d, arg);
        case VFIO_DEVICE_GET_REGION_INFO:
                return fake_region_info(d, arg);
        case VFIO_DEVICE_IOEVENTFD:
                return fake_ioeventfd_ioctl(m, d, arg);
        case VFIO_DEVICE_QUERY_GFX_PLANE:
        case VFIO_DEVICE_GET_GFX_DMABUF:
                return fake_gfx_ioctl(m, d, request, arg);
        case VFIO_DEVICE_GET_IRQ_INFO:
        case VFIO_DEVICE_SET_IRQS:
                return fake_irq_ioctl(m, d, request, arg);
        default:
                return -ENOTTY;
        }
}

/* Each use wakes a device that sleeps (vfio_device_pm_runtime_get()). */
static int device_ioctl(struct fake *m, struct fake_file *f, unsigned long request, void *arg)
{
        struct fake_device_file *df = f->priv;
        int r;

        fake_power_get(df->device);
        r = granted_ioctl(m, f, request, arg);
        fake_power_put(df->device);
        return r;
}

static ssize_t device_pread(struct fake *m, struct fake_file *f, void *buf, size_t size, uint64_t offset)
{
        struct fake_device_file *df = f->priv;
        ssize_t n;

        fake_power_get(df->device);
        n = fake_region_pread(m, f, buf, size, offset);
        fake_power_put(df->device);
        return n;
}

static ssize_t device_pwrite(struct fake *m, struct fake_file *f, const void *buf, size_t size,
                             uint64_t offset)
{
        struct fake_device_file *df = f->priv;
        ssize_t n;

        fake_power_get(df->device);
        n = fake_region_pwrite(m, f, buf, size, offset);
        fake_power_put(df->device);
        return n;
}

static void device_release(struct fake *m, struct fake_file *f)
{
        struct fake_device_file *df = f->priv;
        struct fake_device *d = df->device;

        if (df->granted) {
                if (--d->open_count == 0)
                        last_close(m, d);
                if (df->group) {
                        d->group->container_users--;
                        fake_file_put(m, df->group);
                } else {
                        unbind_iommufd(m, d);
                }
        }
        free(df);
        if (d->stuck && !d->stuck->unbind_hangs)
                fake_finish_unbind(m, d);
}

static const struct fake_file_ops device_ops = {
        .pread = device_pread,
        .pwrite = device_pwrite,
        .ioctl = device_ioctl,
        .mmap = fake_region_mmap,
        .release = device_release,
        .what = "VFIO device",
};

struct fake_device_file *fake_device_file_of(const struct fake_file *f)
{
        return f && f->ops == &device_ops ? f->priv : NULL;
}

/* VFIO_GROUP_GET_DEVICE_FD: needs a container that is set up. The group stays open for as long as the device
 * is. */
int fake_device_open_by_group(struct fake *m, struct fake_file *group_file, struct fake_device *d,
                              const char *options)
{
        struct fake_device_file *df;
        struct fake_file *f;
        int r = fake_match_options(d, options);

        if (r < 0)
                return r;
        if (!d->group->container || !d->group->container->set)
                return -EINVAL;
        df = fake_zalloc(sizeof(*df));
        df->device = d;
        df->group = group_file;
        df->granted = true;
        group_file->refs++;
        d->group->container_users++;
        if (d->open_count++ == 0)
                first_open(d);
        f = fake_zalloc(sizeof(*f));
        f->flags = O_RDWR;
        f->ops = &device_ops;
        f->priv = df;
        return fake_fd_new(m, f);
}

int fake_cdev_open(struct fake *m, struct fake_node *node, struct fake_file *file)
{
        struct fake_device_file *df = fake_zalloc(sizeof(*df));

        (void)m;
        df->device = node->owner;
        file->ops = &device_ops;
        file->priv = df;
        return 0;
}

unsigned int fake_reset_count(struct fake *m, const char *bdf)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d ? d->resets : 0;
}
