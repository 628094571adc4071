/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Low power of an open device (drivers/vfio/pci/vfio_pci_core.c): it sleeps while it may and nobody uses it;
 * each use wakes it, and with an eventfd that ends its leave to sleep. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <unistd.h>

#include "fake_vfio.h"

static void forbid(struct fake_device *d)
{
        if (d->pm_eventfd >= 0)
                close(d->pm_eventfd);
        d->pm_eventfd = -1;
        d->pm_allowed = false;
}

/* vfio_pci_core_runtime_resume() */
void fake_power_get(struct fake_device *d)
{
        uint64_t one = 1;

        if (!d->asleep)
                return;
        d->asleep = false;
        d->wakes++;
        if (d->pm_eventfd < 0)
                return;
        if (write(d->pm_eventfd, &one, sizeof(one)) != sizeof(one))
                return;
        forbid(d);
}

void fake_power_put(struct fake_device *d)
{
        d->asleep = d->pm_allowed && !d->pci.no_pm;
}

void fake_power_close(struct fake_device *d)
{
        forbid(d);
        d->asleep = false;
}

static int enter(struct fake *m, struct fake_device *d, int eventfd)
{
        fake_dmabufs_move(m, d, true); /* until LOW_POWER_EXIT: a wake-up alone does not bring them back */
        if (d->pm_allowed) {
                if (eventfd >= 0)
                        close(eventfd);
                return -EINVAL;
        }
        d->pm_allowed = true;
        d->pm_eventfd = eventfd;
        return 0;
}

static int enter_with_wakeup(struct fake *m, struct fake_device *d,
                             const struct vfio_device_low_power_entry_with_wakeup *a)
{
        struct fake_file *f = fake_file_get(m, a->wakeup_eventfd);

        if (a->wakeup_eventfd < 0)
                return -EINVAL;
        if (!f)
                return -EBADF;
        if (!f->real)
                return -EINVAL;
        return enter(m, d, fcntl(a->wakeup_eventfd, F_DUPFD_CLOEXEC, 3));
}

int fake_feature_power(struct fake *m, struct fake_device *d, uint32_t flags, const void *data, size_t size)
{
        uint32_t feature = flags & VFIO_DEVICE_FEATURE_MASK;
        const bool with = feature == VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP;
        int r;

        if (!streq(d->bus, "pci") || d->pci.no_low_power)
                return -ENOTTY;
        r = fake_check_feature(flags, size, VFIO_DEVICE_FEATURE_SET,
                               with ? sizeof(struct vfio_device_low_power_entry_with_wakeup) : 0);
        if (r != 1)
                return r;
        if (with)
                return enter_with_wakeup(m, d, data);
        if (feature == VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY)
                return enter(m, d, -1);
        forbid(d);
        if (d->memory[PCI_COMMAND] & PCI_COMMAND_MEMORY)
                fake_dmabufs_move(m, d, false);
        return 0;
}

static int state_show(struct fake *m, struct fake_node *node, char *buf, size_t size)
{
        const struct fake_device *d = node->owner;

        (void)m;
        return snprintf(buf, size, "%s\n", d->asleep ? "D3hot" : "D0");
}

void fake_add_power_state(struct fake *m, struct fake_device *d)
{
        static const struct fake_attribute attribute = { .show = state_show };
        char path[600];

        snprintf(path, sizeof(path), "%s/power_state", d->path);
        fake_add_attribute(m, path, &attribute, d);
}

unsigned int fake_wake_count(struct fake *m, const char *bdf)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d ? d->wakes : 0;
}

bool fake_is_asleep(struct fake *m, const char *bdf)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d && d->asleep;
}

void fake_touch(struct fake *m, const char *bdf)
{
        struct fake_device *d;

        pthread_mutex_lock(&m->lock);
        d = fake_find_device(m, bdf);
        if (d) {
                fake_power_get(d);
                fake_power_put(d);
        }
        pthread_mutex_unlock(&m->lock);
}
