/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Migration of a device: its states, by the rules at enum vfio_device_mig_state (include/uapi/linux/vfio.h),
 * and the stream. What the device is, is what BAR 0 holds: a stream is that, once or more, each time with a
 * head. */
#include <errno.h>
#include <stdlib.h>

#include "fake_vfio.h"

struct head {
        char magic[8];
        uint16_t vendor, device;
        uint32_t length;
};
#define SECTION (sizeof(struct head) + FAKE_BAR0_SIZE)

/* A stream: its file's and its device's. */
struct fake_session {
        unsigned int refs;
        struct fake_device *device; /* NULL: its states were left */
        bool in;
        uint8_t *data;
        size_t size, first;
};

static uint8_t *bar0(const struct fake_device *d)
{
        return d->memory + (1 << 20);
}

static void put(struct fake_session *s)
{
        if (--s->refs > 0)
                return;
        free(s->data);
        free(s);
}

static void end_session(struct fake_device *d)
{
        struct fake_session *s = d->session;

        if (!s)
                return;
        d->session = NULL;
        s->device = NULL;
        put(s);
}

static void append(struct fake_session *s, const void *data, size_t size)
{
        uint8_t *grown = fake_zalloc(s->size + size);

        if (s->size)
                memcpy(grown, s->data, s->size);
        memcpy(grown + s->size, data, size);
        free(s->data);
        s->data = grown;
        s->size += size;
}

static void append_section(struct fake_session *s)
{
        const struct fake_device *d = s->device;
        struct head h = {
                .magic = "FAKEMIG", .vendor = d->pci.vendor, .device = d->pci.device, .length = FAKE_BAR0_SIZE
        };

        append(s, &h, sizeof(h));
        append(s, bar0(d), FAKE_BAR0_SIZE);
        if (!s->first)
                s->first = s->size;
}

/* The device is not any more what was streamed last. */
static bool is_dirty(const struct fake_session *s)
{
        return memcmp(s->data + s->size - FAKE_BAR0_SIZE, bar0(s->device), FAKE_BAR0_SIZE) != 0;
}

static bool is_saving(unsigned int state)
{
        return state == FAKE_MIG_STOP_COPY || state == FAKE_MIG_PRE_COPY || state == FAKE_MIG_PRE_COPY_P2P;
}

static bool is_pre_copy(unsigned int state)
{
        return state == FAKE_MIG_PRE_COPY || state == FAKE_MIG_PRE_COPY_P2P;
}

/* Running, running without P2P and standing are on one line. The others are each beside a point of it. */
static const struct {
        int beside; /* 0: standing, 1: running without P2P, 2: running */
        unsigned int needs;
} places[] = {
        [FAKE_MIG_STOP] = { 0, 0 },
        [FAKE_MIG_RUNNING_P2P] = { 1, FAKE_MIG_CAN_P2P },
        [FAKE_MIG_RUNNING] = { 2, 0 },
        [FAKE_MIG_STOP_COPY] = { 0, 0 },
        [FAKE_MIG_RESUMING] = { 0, 0 },
        [FAKE_MIG_PRE_COPY] = { 2, FAKE_MIG_CAN_PRE_COPY },
        [FAKE_MIG_PRE_COPY_P2P] = { 1, FAKE_MIG_CAN_P2P | FAKE_MIG_CAN_PRE_COPY },
};
static const unsigned int line[] = { FAKE_MIG_STOP, FAKE_MIG_RUNNING_P2P, FAKE_MIG_RUNNING };

static bool has_state(const struct fake_device *d, unsigned int state)
{
        return state != FAKE_MIG_ERROR && state < ARRAY_SIZE(places) &&
               (d->pci.migration & places[state].needs) == places[state].needs;
}

/* The next state on the way; FAKE_MIG_ERROR where there is none. */
static unsigned int next_state(const struct fake_device *d, unsigned int at, unsigned int to)
{
        int level, step;

        if (is_saving(at) && is_saving(to)) {
                if (at == FAKE_MIG_STOP_COPY)
                        return FAKE_MIG_ERROR;
                return at == FAKE_MIG_PRE_COPY && d->pci.migration & FAKE_MIG_CAN_P2P ? FAKE_MIG_PRE_COPY_P2P
                                                                                      : to;
        }
        level = places[at].beside;
        if (at != line[level])
                return line[level];
        if (level == places[to].beside)
                return to;
        step = places[to].beside > level ? 1 : -1;
        if (!has_state(d, line[level + step]))
                step *= 2;
        return line[level + step];
}

/* RESUMING -> STOP: the last section counts. */
static int load(struct fake_device *d)
{
        const struct fake_session *s = d->session;
        struct head h;

        if (!s->size || s->size % SECTION)
                return -EINVAL;
        memcpy(&h, s->data + s->size - SECTION, sizeof(h));
        if (memcmp(h.magic, "FAKEMIG", 8) != 0 || h.vendor != d->pci.vendor || h.device != d->pci.device)
                return -EINVAL;
        memcpy(bar0(d), s->data + s->size - FAKE_BAR0_SIZE, FAKE_BAR0_SIZE);
        return 0;
}

static void begin_session(struct fake_device *d, bool in)
{
        struct fake_session *s = fake_zalloc(sizeof(*s));

        s->refs = 1;
        s->device = d;
        s->in = in;
        d->session = s;
        if (!in)
                append_section(s);
}

/* One arc. 1 where a stream began. */
static int step(struct fake_device *d, unsigned int to)
{
        unsigned int from = d->mig_state;
        int r = 0;

        if (d->mig_error && to == d->mig_error_at) {
                r = d->mig_error;
                d->mig_error = 0;
                if (d->mig_error_stays) {
                        end_session(d);
                        d->mig_state = FAKE_MIG_ERROR;
                }
                return r;
        }
        if (from == FAKE_MIG_RESUMING) {
                r = load(d);
                if (r < 0)
                        return r;
        }
        if (from == FAKE_MIG_RESUMING || (is_saving(from) && !is_saving(to)))
                end_session(d);
        if (is_saving(from) && to == FAKE_MIG_STOP_COPY && is_dirty(d->session))
                append_section(d->session);
        if (to == FAKE_MIG_RESUMING || (is_saving(to) && !is_saving(from))) {
                begin_session(d, to == FAKE_MIG_RESUMING);
                r = 1;
        }
        d->mig_state = to;
        return r;
}

static ssize_t session_read(struct fake *m, struct fake_file *f, void *buf, size_t size, uint64_t offset)
{
        struct fake_session *s = f->priv;

        (void)m;
        if (s->in)
                return -EINVAL; /* no read of its own (vfs_read()) */
        if (!s->device)
                return -ENODEV;
        if (offset == s->size && is_pre_copy(s->device->mig_state)) {
                if (!is_dirty(s))
                        return -ENOMSG;
                append_section(s);
        }
        size = MIN(size, s->size - (size_t)offset);
        memcpy(buf, s->data + offset, size);
        return (ssize_t)size;
}

static ssize_t session_write(struct fake *m, struct fake_file *f, const void *buf, size_t size,
                             uint64_t offset)
{
        struct fake_session *s = f->priv;

        (void)m;
        (void)offset;
        if (!s->in)
                return -EINVAL;
        if (!s->device)
                return -ENODEV;
        if (s->size + size > 64 * SECTION)
                return -ENOMEM;
        append(s, buf, size);
        return (ssize_t)size;
}

static int session_ioctl(struct fake *m, struct fake_file *f, unsigned long request, void *arg)
{
        struct fake_session *s = f->priv;
        struct fake_vfio_precopy_info *a = arg;
        size_t pos = (size_t)f->pos;

        (void)m;
        if (request != FAKE_VFIO_MIG_GET_PRECOPY_INFO || s->in)
                return -ENOTTY;
        if (a->argsz < sizeof(*a))
                return -EINVAL;
        if (!s->device)
                return -ENODEV;
        if (!is_pre_copy(s->device->mig_state))
                return -EINVAL;
        a->flags = ~0u; /* reserved: whatever the driver left there, for those who did not ask */
        if (s->device->precopy_v2)
                a->flags = s->device->mig_reinit ? FAKE_PRECOPY_INFO_REINIT : 0;
        s->device->mig_reinit = false;
        a->initial_bytes = pos < s->first ? s->first - pos : 0;
        a->dirty_bytes = s->size - MAX(pos, s->first) + (is_dirty(s) ? SECTION : 0);
        return 0;
}

static void session_release(struct fake *m, struct fake_file *f)
{
        (void)m;
        put(f->priv);
}

static const struct fake_file_ops session_ops = {
        .pread = session_read,
        .pwrite = session_write,
        .ioctl = session_ioctl,
        .release = session_release,
        .stream = true,
        .what = "migration stream",
};

/* The device is in its new state also where there is no descriptor for the stream
 * (vfio_ioct_mig_return_fd()). */
static int session_fd(struct fake *m, struct fake_device *d)
{
        struct fake_file *f = fake_zalloc(sizeof(*f));

        f->flags = d->session->in ? O_WRONLY : O_RDONLY;
        f->ops = &session_ops;
        f->priv = d->session;
        d->session->refs++;
        return fake_fd_new(m, f);
}

static int set_state(struct fake *m, struct fake_device *d, struct vfio_device_feature_mig_state *a)
{
        int r = 0;

        a->data_fd = -1;
        if (!has_state(d, a->device_state) || d->mig_state == FAKE_MIG_ERROR)
                return a->device_state == d->mig_state ? 0 : -EINVAL;
        while (d->mig_state != a->device_state) {
                unsigned int to = next_state(d, d->mig_state, a->device_state);

                if (to == FAKE_MIG_ERROR)
                        return -EINVAL;
                r = step(d, to);
                if (r < 0)
                        return r;
        }
        if (r == 1) {
                r = session_fd(m, d);
                if (r < 0)
                        return r;
                a->data_fd = r;
        }
        return 0;
}

int fake_feature_migration(struct fake *m, struct fake_device *d, uint32_t flags, void *data, size_t size)
{
        const uint32_t get = VFIO_DEVICE_FEATURE_GET, set = VFIO_DEVICE_FEATURE_SET;
        uint32_t feature = flags & VFIO_DEVICE_FEATURE_MASK;
        int r;

        if (!d->pci.migration || (feature >= FAKE_FEATURE_MIG_DATA_SIZE && d->pci.migration_old))
                return -ENOTTY;
        if (feature == FAKE_FEATURE_PRECOPY_INFO_V2 && !(d->pci.migration & FAKE_MIG_CAN_PRE_COPY))
                return -EINVAL;
        r = fake_check_feature(flags, size,
                               feature == VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE ? get | set
                               : feature == FAKE_FEATURE_PRECOPY_INFO_V2       ? set
                                                                               : get,
                               feature == FAKE_FEATURE_PRECOPY_INFO_V2 ? 0 : 8);
        if (r != 1)
                return r;
        switch (feature) {
        case VFIO_DEVICE_FEATURE_MIGRATION:
                *(uint64_t *)data = d->pci.migration;
                return 0;
        case FAKE_FEATURE_MIG_DATA_SIZE:
                *(uint64_t *)data = SECTION;
                return 0;
        case FAKE_FEATURE_PRECOPY_INFO_V2:
                d->precopy_v2 = true;
                return 0;
        }
        if (flags & set)
                return set_state(m, d, data);
        *(struct vfio_device_feature_mig_state *)data =
                (struct vfio_device_feature_mig_state){ .device_state = d->mig_state, .data_fd = -1 };
        return 0;
}

void fake_migration_reset(struct fake_device *d)
{
        end_session(d);
        d->mig_state = FAKE_MIG_RUNNING;
}

unsigned int fake_migration_state(struct fake *m, const char *bdf)
{
        return fake_find_device(m, bdf)->mig_state;
}

void fake_fail_migration(struct fake *m, const char *bdf, unsigned int state, int error, bool stays)
{
        struct fake_device *d = fake_find_device(m, bdf);

        d->mig_error_at = state;
        d->mig_error = error;
        d->mig_error_stays = stays;
}

void fake_set_migration_reinit(struct fake *m, const char *bdf)
{
        fake_find_device(m, bdf)->mig_reinit = true;
}
