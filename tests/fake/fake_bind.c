/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device gets a driver and loses it: links, uevent, VFIO nodes, and the unbind that does not end. */
#include "fake_vfio.h"

#include <errno.h>
#include <stdlib.h>

void fake_bind_device(struct fake *m, struct fake_device *d, struct fake_driver_state *drv)
{
        char path[700];

        if (drv->vfio && fake_vfio_register(m, d) < 0) /* the probe's own failure */
                return;
        d->driver = drv;
        snprintf(path, sizeof(path), "%s/driver", d->path);
        fake_add_relative_link(m, path, fake_node_path(drv->dir));
        snprintf(path, sizeof(path), "/sys/bus/%s/drivers/%s/%s", d->bus, drv->name, d->name);
        fake_add_relative_link(m, path, d->path);
}

/* The links go first, then the driver's remove() runs, then the driver is forgotten
 * (__device_release_driver(), drivers/base/dd.c). A driver that hangs in remove(), and VFIO with a user
 * (vfio_unregister_group_dev() waits for the last close), leave the device in between. */
void fake_unbind_device(struct fake *m, struct fake_device *d)
{
        struct fake_driver_state *drv = d->driver;
        struct fake_node *link = fake_child(d->dir, "driver"), *back = fake_child(drv->dir, d->name);

        if (link)
                fake_node_unlink(link);
        if (back)
                fake_node_unlink(back);
        d->stuck = drv;
        if (drv->vfio)
                fake_vfio_unregister(m, d);
        if (!drv->unbind_hangs && d->open_count == 0)
                fake_finish_unbind(m, d);
        if (drv->vfio && d->open_count)
                fake_irq_request(d); /* vfio_pci_core_request() */
}

void fake_ask_back(struct fake *m, const char *bdf)
{
        struct fake_device *d;

        pthread_mutex_lock(&m->lock);
        d = fake_find_device(m, bdf);
        fake_unbind_device(m, d);
        pthread_mutex_unlock(&m->lock);
}

void fake_finish_unbind(struct fake *m, struct fake_device *d)
{
        if (!d->stuck || d->open_count)
                return;
        /* vfio_device_remove_group() */
        if (d->stuck->vfio && d->group->container && !fake_group_has_vfio(m, d->group, d))
                fake_container_detach(m, d->group);
        d->stuck = NULL;
        d->driver = NULL;
}

void fake_release_unbind(struct fake *m)
{
        for (struct fake_device *d = m->devices; d; d = d->next) {
                if (d->stuck)
                        d->stuck->unbind_hangs = false;
                fake_finish_unbind(m, d);
        }
}

/* The device that a write to this attribute would wait for, or NULL. */
static struct fake_device *waits_for(struct fake *m)
{
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (d->stuck)
                        return d;
        return NULL;
}

/* What happens after LIMIT is out of the child's reach: its events are put aside, and given back. */
static struct fake_event *cut_events(struct fake *m, uint64_t limit)
{
        struct fake_event **p = &m->events, *later;

        while (*p && (*p)->at <= limit)
                p = &(*p)->next;
        later = *p;
        *p = NULL;
        return later;
}

/* The end of a guarded call that answered R: where it is a wait without an end, the made-up clock runs to the
 * limit. */
static ssize_t guarded_end(struct fake *m, struct fake_event *later, uint64_t limit, ssize_t r,
                           pid_t *ret_pid)
{
        struct fake_event **p = &m->events;

        while (*p)
                p = &(*p)->next;
        *p = later;
        if (r != -EDEADLK || !waits_for(m))
                return r;
        fake_advance(m, limit);
        *ret_pid = m->pid + 1000;
        return -ETIMEDOUT;
}

/* The child that writes is stuck in the kernel where an unbind hangs. */
int fake_do_write_guarded(struct fake *m, int dirfd, const char *path, const char *value, size_t size,
                          int timeout_ms, pid_t *ret_pid)
{
        uint64_t limit = m->now + (uint64_t)timeout_ms * 1000000u;
        struct fake_event *later;
        ssize_t r;
        int fd;

        fd = fake_do_openat(m, dirfd, path, O_WRONLY | O_NOCTTY, 0);
        if (fd < 0)
                return fd;
        later = cut_events(m, limit);
        r = fake_do_write(m, fd, value, size, false);
        fake_fd_close(m, fd);
        r = guarded_end(m, later, limit, r, ret_pid);
        return r < 0 ? (int)r : r == (ssize_t)size ? 0 : -EIO;
}

ssize_t fake_do_read_guarded(struct fake *m, int dirfd, const char *path, void *buf, size_t size,
                             int timeout_ms, pid_t *ret_pid)
{
        uint64_t limit = m->now + (uint64_t)timeout_ms * 1000000u;
        struct fake_event *later;
        ssize_t r;
        int fd;

        fd = fake_do_openat(m, dirfd, path, O_RDONLY | O_NOCTTY, 0);
        if (fd < 0)
                return fd;
        later = cut_events(m, limit);
        r = fake_do_read(m, fd, buf, size, false);
        fake_fd_close(m, fd);
        return guarded_end(m, later, limit, r, ret_pid);
}

const char *fake_driver_of(struct fake *m, const char *bdf)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d && d->driver ? d->driver->name : NULL;
}

const char *fake_override_of(struct fake *m, const char *bdf)
{
        struct fake_device *d = fake_find_device(m, bdf);

        return d ? d->override : NULL;
}
