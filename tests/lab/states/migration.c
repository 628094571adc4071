/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "states.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The kernel's sample driver mtty (samples/vfio-mdev/mtty.c): a serial port whose output loops back to its
 * input through 16 bytes of memory, at the registers of a 16550 in BAR 0. */
#define DATA    0
#define SCRATCH 7

#define ALL (IOMMUCTL_MIGRATION_CAN_STOP_COPY | IOMMUCTL_MIGRATION_CAN_P2P | IOMMUCTL_MIGRATION_CAN_PRE_COPY)

struct saved {
        char data[4096];
        size_t size;
};

static uint8_t get(struct iommuctl_device *d, uint64_t at)
{
        struct iommuctl_region *bar = NULL;
        uint8_t value = 0;

        if (iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &bar) < 0 ||
            iommuctl_region_read(bar, at, &value, 1) < 0)
                note("a register", 0);
        iommuctl_region_free(bar);
        return value;
}

static void put(struct iommuctl_device *d, uint64_t at, uint8_t value)
{
        struct iommuctl_region *bar = NULL;

        if (iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &bar) < 0 ||
            iommuctl_region_write(bar, at, &value, 1) < 0)
                note("a register", 0);
        iommuctl_region_free(bar);
}

/* Reads up to the end, or to where there is no more for now. */
static bool read_on(struct iommuctl_migration_stream *s, struct saved *to)
{
        size_t n = 1;
        int r = 0;

        while (r >= 0 && n > 0) {
                r = iommuctl_migration_stream_read(s, to->data + to->size, 7, &n);
                if (r >= 0)
                        to->size += n;
        }
        return r >= 0 || r == -ENOMSG;
}

static void check_save(struct iommuctl_device *d, struct saved *ret)
{
        struct iommuctl_migration_stream *s = NULL, *none;
        struct iommuctl_migration_precopy left = { 0 };
        uint64_t guess = 0;
        size_t n;

        for (const char *p = "hello"; *p; p++)
                put(d, DATA, (uint8_t)*p);
        put(d, SCRATCH, 0x5a);
        GIVES("its size is guessed", 0, "", iommuctl_migration_data_size(d, &guess));
        GIVES("pre-copy begins a stream", 0, "",
              iommuctl_migration_set_state(d, IOMMUCTL_MIGRATION_PRE_COPY, &s));
        if (!s)
                exit(1);
        GIVES("which says what is left", 0, "", iommuctl_migration_stream_precopy(s, &left));
        CHECK("the head of it", left.initial_bytes > 0 && left.dirty_bytes == 0 && !left.reinitialised);
        GIVES("there is something to read", 0, "", iommuctl_migration_stream_wait(s, 1000));
        CHECK("which is read", read_on(s, ret) && ret->size == left.initial_bytes);
        GIVES("and nothing is left then", 0, "", iommuctl_migration_stream_precopy(s, &left));
        CHECK("of it", left.initial_bytes == 0);
        none = s;
        GIVES("stop-copy goes on with it", 0, "",
              iommuctl_migration_set_state(d, IOMMUCTL_MIGRATION_STOP_COPY, &none));
        CHECK("and begins none", !none);
        GIVES("what is left is not told there", -EINVAL, "no pre-copy state",
              iommuctl_migration_stream_precopy(s, &left));
        CHECK("it is read to the end", read_on(s, ret) && ret->size == guess);
        GIVES("back to pre-copy there is no way", -EINVAL, "from stop-copy to pre-copy",
              iommuctl_migration_set_state(d, IOMMUCTL_MIGRATION_PRE_COPY, NULL));
        GIVES("it is no stream to write to", -EBADF, "the other way",
              iommuctl_migration_stream_write(s, "x", 1));
        GIVES("it runs on", 0, "", iommuctl_migration_set_state(d, IOMMUCTL_MIGRATION_RUNNING, NULL));
        GIVES("and the stream has ended", -ENODEV, "left its states",
              iommuctl_migration_stream_read(s, ret->data, 1, &n));
        iommuctl_migration_stream_free(s);
}

static void check_load(struct iommuctl_device *d, const struct saved *from)
{
        struct iommuctl_migration_stream *s = NULL;
        char text[6] = "";
        size_t n;

        CHECK("the other one holds something else", get(d, SCRATCH) != 0x5a);
        GIVES("it resumes", 0, "", iommuctl_migration_set_state(d, IOMMUCTL_MIGRATION_RESUMING, &s));
        if (!s)
                exit(1);
        GIVES("it is no stream to read", -EBADF, "the other way",
              iommuctl_migration_stream_read(s, text, 1, &n));
        GIVES("nor one that says what is left", -EOPNOTSUPP, "into the device",
              iommuctl_migration_stream_precopy(s, &(struct iommuctl_migration_precopy){ 0 }));
        GIVES("a part is written", 0, "", iommuctl_migration_stream_write(s, from->data, 40));
        GIVES("which is no state", -EINVAL, "it is resuming now",
              iommuctl_migration_set_state(d, IOMMUCTL_MIGRATION_RUNNING, NULL));
        GIVES("the rest, too", 0, "", iommuctl_migration_stream_write(s, from->data + 40, from->size - 40));
        GIVES("now it runs", 0, "", iommuctl_migration_set_state(d, IOMMUCTL_MIGRATION_RUNNING, NULL));
        for (int i = 0; i < 5; i++)
                text[i] = (char)get(d, DATA);
        CHECK("and has the bytes that were under way", streq(text, "hello"));
        CHECK("and the register", get(d, SCRATCH) == 0x5a);
        GIVES("the stream has ended", -ENODEV, "left its states", iommuctl_migration_stream_write(s, "x", 1));
        iommuctl_migration_stream_free(s);
}

static void check_recovery(struct iommuctl_device *d)
{
        struct iommuctl_migration_stream *s = NULL;
        char garbage[64];
        int r;

        memset(garbage, 0x11, sizeof(garbage));
        GIVES("it resumes", 0, "", iommuctl_migration_set_state(d, IOMMUCTL_MIGRATION_RESUMING, &s));
        r = s ? iommuctl_migration_stream_write(s, garbage, sizeof(garbage)) : 0;
        CHECK("garbage is refused", r < 0);
        note("garbage", r);
        GIVES("a reset gives up", 0, "", iommuctl_migration_recover(d));
        CHECK("and it runs", iommuctl_migration_get_state(d) == IOMMUCTL_MIGRATION_RUNNING);
        GIVES("the stream has ended", -ENODEV, "left its states", iommuctl_migration_stream_write(s, "x", 1));
        iommuctl_migration_stream_free(s);
}

/* By hand: what the kernel says to the state TO; a descriptor that comes with it is closed. */
static int by_hand(struct iommuctl_device *d, enum iommuctl_migration_state to)
{
        struct {
                struct vfio_device_feature head;
                struct vfio_device_feature_mig_state data;
        } call = { .head = { .argsz = sizeof(call),
                             .flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE },
                   .data = { .device_state = to, .data_fd = -1 } };
        int r = ioctl(iommuctl_device_fd(d), VFIO_DEVICE_FEATURE, &call) < 0 ? -errno : 0;

        if (call.data.data_fd >= 0)
                close(call.data.data_fd);
        return r;
}

/* From each state to each other one: what the library says beforehand, and the kernel then. */
static void check_ways(struct iommuctl_device *d, const struct saved *data)
{
        unsigned int wrong = 0, tried = 0;

        for (unsigned int pair = 0; pair < IOMMUCTL_MIGRATION_N_STATES * IOMMUCTL_MIGRATION_N_STATES;
             pair++) {
                enum iommuctl_migration_state a = (enum iommuctl_migration_state)(pair >> 3);
                enum iommuctl_migration_state b = (enum iommuctl_migration_state)(pair & 7);
                struct iommuctl_migration_stream *s = NULL;
                int way = iommuctl_migration_path(ALL, a, b, NULL), r;

                if (iommuctl_migration_recover(d) < 0 || iommuctl_migration_set_state(d, a, &s) < 0) {
                        wrong += a != IOMMUCTL_MIGRATION_ERROR;
                        continue;
                }
                if (a == IOMMUCTL_MIGRATION_RESUMING)
                        iommuctl_migration_stream_write(s, data->data, data->size);
                r = by_hand(d, b);
                if ((r < 0) != (way < 0) || (r == 0 && iommuctl_migration_get_state(d) != (int)b)) {
                        printf("# %s to %s: %d, and %d steps\n", iommuctl_migration_state_name(a),
                               iommuctl_migration_state_name(b), r, way);
                        wrong++;
                }
                tried++;
                iommuctl_migration_stream_free(s);
        }
        printf("# %u ways were tried\n", tried);
        CHECK("the ways are the kernel's", wrong == 0 && tried == 56);
        GIVES("it runs again", 0, "", iommuctl_migration_recover(d));
}

/* mtty keeps a log of DMA that it does not do. */
static void check_log(struct iommuctl_device *d)
{
        const struct iommuctl_range range = { 0x100000, 0x1fffff };
        struct iommuctl_dma_log *log = NULL;
        uint64_t bitmap[4] = { 0, 1, 0, 0 };

        GIVES("it logs its DMA", 0, "", iommuctl_dma_log_start(d, &range, 1, 4096, &log));
        if (!log)
                return;
        CHECK("by pages", iommuctl_dma_log_page_size(log) == 4096);
        GIVES("and reports", 0, "", iommuctl_dma_log_report(log, range, 4096, bitmap, 4));
        CHECK("nothing, and clears no bit", bitmap[0] == 0 && bitmap[1] == 1 && bitmap[2] == 0);
        iommuctl_dma_log_free(log);
}

void test_migration(const char *other)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *from = open_device(c), *to = NULL;
        static struct saved saved;

        GIVES("the other one opens", 0, "", iommuctl_device_open(c, other, &to));
        if (!to)
                exit(1);
        CHECK("it can do all", iommuctl_migration_flags(from) == (int)ALL);
        CHECK("and runs", iommuctl_migration_get_state(from) == IOMMUCTL_MIGRATION_RUNNING);
        check_save(from, &saved);
        check_load(to, &saved);
        check_recovery(to);
        check_ways(to, &saved);
        check_log(from);
        iommuctl_device_unref(to);
        iommuctl_device_unref(from);
        iommuctl_container_unref(c);
}

void test_no_migration(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_dma_log *log = NULL;

        GIVES("it cannot be migrated", -EOPNOTSUPP, "no migration", iommuctl_migration_flags(d));
        GIVES("nor set to a state", -EOPNOTSUPP, "no migration",
              iommuctl_migration_set_state(d, IOMMUCTL_MIGRATION_STOP, NULL));
        GIVES("nor log its DMA", -EOPNOTSUPP, "no log of its DMA",
              iommuctl_dma_log_start(d, &(struct iommuctl_range){ 0, 4095 }, 1, 4096, &log));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}
