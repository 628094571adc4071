/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queues with a descriptor of their own: page requests, and events of a vIOMMU
 * (drivers/iommu/iommufd/eventq.c; of 6.12 fault.c). */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake_vfio.h"

/* The descriptor is a copy of an eventfd, so that poll(2) finds it readable while something is to be read. */
static void set_ready(const struct fake_object *o)
{
        bool any = false;
        uint64_t n;

        for (struct fake_record *r = o->records; r; r = r->next)
                any |= !r->read;
        if (eventfd_read(o->ready, &n) < 0 && errno != EAGAIN)
                abort();
        if (any && eventfd_write(o->ready, 1) < 0)
                abort();
}

static void append(struct fake_object *o, const void *data, size_t size, uint32_t device)
{
        struct fake_record *r = fake_zalloc(sizeof(*r)), **p = &o->records;

        memcpy(r->data, data, size);
        r->size = size;
        r->device = device;
        while (*p)
                p = &(*p)->next;
        *p = r;
        set_ready(o);
}

static ssize_t read_faults(struct fake_object *o, uint8_t *buf, size_t size)
{
        const size_t record = sizeof(struct fake_page_request_record);
        size_t done = 0;

        if (size % record)
                return -ESPIPE;
        for (struct fake_record *r = o->records; r; r = r->next) {
                struct fake_page_request_record *a = (void *)r->data;

                if (r->read)
                        continue;
                if (record > size - done)
                        return done ? (ssize_t)done : -EINVAL;
                a->cookie = ++o->sequence;
                r->read = true;
                memcpy(buf + done, r->data, record);
                done += record;
        }
        return (ssize_t)done;
}

/* An event that is lost at the end has a header alone. */
static ssize_t read_events(struct fake_object *o, uint8_t *buf, size_t size)
{
        size_t done = 0;

        if (size < sizeof(struct fake_vevent_header))
                return -EINVAL;
        while (o->records) {
                struct fake_record *r = o->records;

                if (r->size > size - done)
                        return done || size - done < sizeof(struct fake_vevent_header) ? (ssize_t)done
                                                                                       : -EINVAL;
                memcpy(buf + done, r->data, r->size);
                done += r->size;
                o->records = r->next;
                free(r);
        }
        return (ssize_t)done;
}

static ssize_t eventq_pread(struct fake *m, struct fake_file *f, void *buf, size_t size, uint64_t offset)
{
        struct fake_object *o = f->priv;
        ssize_t n = o->type == FAKE_FAULTS ? read_faults(o, buf, size) : read_events(o, buf, size);

        (void)m;
        (void)offset;
        set_ready(o);
        return n;
}

static void answer(struct fake *m, struct fake_object *o, struct fake_record *r, uint32_t code)
{
        struct fake_device *d = fake_iommufd_device(m, o->iommufd, r->device);
        struct fake_record **p = &o->records;

        if (d)
                d->page_answers[code]++;
        while (*p != r)
                p = &(*p)->next;
        *p = r->next;
        free(r);
}

static ssize_t eventq_pwrite(struct fake *m, struct fake_file *f, const void *buf, size_t size,
                             uint64_t offset)
{
        const struct fake_page_response_record *a = buf;
        struct fake_object *o = f->priv;
        size_t done = 0;

        (void)offset;
        if (o->type != FAKE_FAULTS)
                return -EINVAL;
        if (size % sizeof(*a))
                return -ESPIPE;
        for (; done < size; done += sizeof(*a), a++) {
                struct fake_record *r = o->records;

                while (r && (!r->read ||
                             ((struct fake_page_request_record *)(void *)r->data)->cookie != a->cookie))
                        r = r->next;
                if (!r || a->code > 1)
                        return done ? (ssize_t)done : -EINVAL;
                answer(m, o, r, a->code);
        }
        return (ssize_t)done;
}

static void eventq_release(struct fake *m, struct fake_file *f)
{
        struct fake_object *o = f->priv;
        struct fake_file *iommufd = o->iommufd->file;

        o->users--;
        fake_file_put(m, iommufd);
}

static const struct fake_file_ops eventq_ops = {
        .pread = eventq_pread,
        .pwrite = eventq_pwrite,
        .release = eventq_release,
        .what = "a queue of an iommufd",
};

/* The open descriptor uses the object, and keeps the iommufd open. */
int fake_eventq_open(struct fake *m, struct fake_object *o)
{
        struct fake_file *f = fake_zalloc(sizeof(*f));
        int fd;

        o->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        fd = fcntl(o->ready, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
                abort();
        f->flags = O_RDWR;
        f->ops = &eventq_ops;
        f->priv = o;
        f->refs = 1;
        o->users++;
        o->iommufd->file->refs++;
        fd = fake_fd_install(m, f, fd);
        if (fd < 0)
                fake_file_put(m, f);
        return fd;
}

void fake_eventq_clear(struct fake *m, struct fake_object *o)
{
        while (o->records) {
                struct fake_record *r = o->records;

                if (o->type == FAKE_FAULTS) {
                        answer(m, o, r, 1);
                } else {
                        o->records = r->next;
                        free(r);
                }
        }
        if (o->ready >= 0)
                close(o->ready);
}

void fake_faults_give_up(struct fake_object *faults, struct fake_device *d)
{
        struct fake_record **p = &faults->records;

        while (*p) {
                struct fake_record *r = *p;

                if (r->device != d->devid) {
                        p = &r->next;
                        continue;
                }
                d->page_answers[1]++;
                *p = r->next;
                free(r);
        }
        set_ready(faults);
}

int fake_faults_alloc(struct fake *m, struct fake_iommufd *i, struct fake_iommu_fault_alloc *a)
{
        struct fake_object *o;
        int fd;

        if (a->flags)
                return -EOPNOTSUPP;
        o = fake_object_new(i, FAKE_FAULTS, NULL);
        fd = fake_eventq_open(m, o);
        if (fd < 0) {
                fake_object_free(m, o);
                return fd;
        }
        a->out_fault_id = o->id;
        a->out_fault_fd = (uint32_t)fd;
        return 0;
}

int fake_page_request(struct fake *m, const char *bdf, uint64_t iova, unsigned int access)
{
        struct fake_device *d;
        int r = 0;

        pthread_mutex_lock(&m->lock);
        fake_depth++;
        d = fake_find_device(m, bdf);
        if (d && d->hwpt && d->hwpt->faults) {
                const struct fake_page_request_record a = {
                        .flags = 2, .dev_id = d->devid, .perm = access, .addr = iova
                };

                append(d->hwpt->faults, &a, sizeof(a), d->devid);
                r = 1;
        }
        fake_depth--;
        pthread_mutex_unlock(&m->lock);
        return r;
}

unsigned int fake_page_answers(struct fake *m, const char *bdf, uint32_t code)
{
        return fake_find_device(m, bdf)->page_answers[code];
}

/* iommufd_viommu_report_event() */
static int report(struct fake_object *q, uint8_t fill)
{
        struct {
                struct fake_vevent_header header;
                uint8_t data[32];
        } event = { { 0, q->sequence++ }, { 0 } };
        unsigned int n = 0;
        bool lost = false;

        memset(event.data, fill, sizeof(event.data));
        for (struct fake_record *r = q->records; r; r = r->next) {
                n += r->size > sizeof(event.header);
                lost |= r->size == sizeof(event.header);
                if (lost && !r->next)
                        ((struct fake_vevent_header *)(void *)r->data)->sequence = event.header.sequence;
        }
        if (n < q->depth && !lost) {
                append(q, &event, sizeof(event), 0);
                return 1;
        }
        if (!lost) {
                event.header.flags = 1;
                append(q, &event.header, sizeof(event.header), 0);
        }
        return 0;
}

int fake_vevent(struct fake *m, const char *bdf, uint8_t fill)
{
        struct fake_object *v = NULL, *q = NULL;
        struct fake_device *d;
        int r = 0;

        pthread_mutex_lock(&m->lock);
        fake_depth++;
        d = fake_find_device(m, bdf);
        for (struct fake_object *o = d->iommufd ? d->iommufd->objects : NULL; o; o = o->next)
                if (o->type == FAKE_VDEVICE && o->device == d)
                        v = o->parent;
        for (struct fake_object *o = v ? d->iommufd->objects : NULL; o; o = o->next)
                if (o->type == FAKE_VEVENTQ && o->parent == v)
                        q = o;
        if (q)
                r = report(q, fill);
        fake_depth--;
        pthread_mutex_unlock(&m->lock);
        return r;
}
