/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VFIO_DEVICE_FEATURE: what a device has beyond regions and interrupts (vfio_ioctl_device_feature() of
 * drivers/vfio/vfio_main.c, vfio_pci_core_ioctl_feature()). */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>

#include "fake_vfio.h"

int fake_check_feature(uint32_t flags, size_t size, uint32_t supported, size_t least)
{
        if (flags & (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET) & ~supported)
                return -EINVAL;
        if (flags & VFIO_DEVICE_FEATURE_PROBE)
                return 0;
        if (!(flags & (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET)) || size < least)
                return -EINVAL;
        return 1;
}

/* vfio_pci_core_feature_token(): of a PF alone, and never to be read. */
static int feature_token(struct fake_device *d, uint32_t flags, const void *data, size_t size)
{
        int r;

        if (!d->pci.sriov)
                return -ENOTTY;
        r = fake_check_feature(flags, size, VFIO_DEVICE_FEATURE_SET, sizeof(d->vf_token));
        if (r != 1)
                return r;
        memcpy(d->vf_token, data, sizeof(d->vf_token));
        return 0;
}

/* vfio_pci_core_match_token_uuid(): UUID is NULL without a token. */
int fake_match_token(struct fake_device *d, const uint8_t *uuid)
{
        struct fake_device *pf = d->physfn;

        if (pf) {
                if (pf->vfio_index < 0)
                        return uuid ? -EINVAL : 0;
                return uuid && memcmp(uuid, pf->vf_token, sizeof(pf->vf_token)) == 0 ? 0 : -EACCES;
        }
        if (!d->pci.sriov)
                return uuid ? -EINVAL : 0;
        if (d->vf_users)
                return uuid && memcmp(uuid, d->vf_token, sizeof(d->vf_token)) == 0 ? 0 : -EACCES;
        if (uuid)
                memcpy(d->vf_token, uuid, sizeof(d->vf_token));
        return 0;
}

/* What is behind the name in VFIO_GROUP_GET_DEVICE_FD: vfio_pci_core_match(). */
int fake_match_options(struct fake_device *d, const char *options)
{
        uint8_t uuid[16];
        unsigned int digits = 0, value;

        options += strspn(options, " ");
        if (!*options)
                return fake_match_token(d, NULL);
        if (strncmp(options, "vf_token=", 9) || strlen(options + 9) != 36)
                return -EINVAL;
        for (options += 9; *options; options += 2, digits++) {
                options += *options == '-';
                if (digits == 16 || sscanf(options, "%2x", &value) != 1)
                        return -EINVAL;
                uuid[digits] = (uint8_t)value;
        }
        return fake_match_token(d, uuid);
}

/* vfio_cdx_bm_ctrl(), drivers/vfio/cdx/main.c */
static int feature_bus_master(struct fake_device *d, uint32_t flags, const void *data, size_t size)
{
        uint8_t *command = d->memory + PCI_COMMAND;
        uint32_t op;
        int r;

        if (!d->pci.cdx)
                return -ENOTTY;
        r = fake_check_feature(flags, size, VFIO_DEVICE_FEATURE_SET, sizeof(op));
        if (r != 1)
                return r;
        memcpy(&op, data, sizeof(op));
        if (op > 1)
                return -EINVAL;
        *command = (uint8_t)(op ? *command | PCI_COMMAND_MASTER : *command & ~PCI_COMMAND_MASTER);
        return 0;
}

int fake_feature_ioctl(struct fake *m, struct fake_device *d, struct vfio_device_feature *a)
{
        const uint32_t ops = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
        size_t size = a->argsz - sizeof(*a);

        if (a->argsz < sizeof(*a) ||
            a->flags & ~(__u32)(VFIO_DEVICE_FEATURE_MASK | ops | VFIO_DEVICE_FEATURE_PROBE))
                return -EINVAL;
        if (!(a->flags & VFIO_DEVICE_FEATURE_PROBE) && (a->flags & ops) == ops)
                return -EINVAL;
        switch (a->flags & VFIO_DEVICE_FEATURE_MASK) {
        case VFIO_DEVICE_FEATURE_PCI_VF_TOKEN:
                return feature_token(d, a->flags, a->data, size);
        case FAKE_VFIO_DEVICE_FEATURE_BUS_MASTER:
                return feature_bus_master(d, a->flags, a->data, size);
        case FAKE_VFIO_DEVICE_FEATURE_DMA_BUF:
                return fake_feature_dmabuf(m, d, a->flags, a->data, size);
        case VFIO_DEVICE_FEATURE_MIGRATION:
        case VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
        case FAKE_FEATURE_MIG_DATA_SIZE:
        case FAKE_FEATURE_PRECOPY_INFO_V2:
                return fake_feature_migration(m, d, a->flags, a->data, size);
        case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
        case VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP:
        case VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT:
                return fake_feature_dma_log(d, a->flags, a->data, size);
        case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
        case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
        case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
                return fake_feature_power(m, d, a->flags, a->data, size);
        default:
                return -ENOTTY;
        }
}
