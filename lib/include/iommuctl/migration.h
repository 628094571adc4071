/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_MIGRATION_H
#define IOMMUCTL_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iommuctl/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Live migration of a device: it is taken through states, and its own state flows out of it as a stream and
 * into another device of the same make. For devices whose driver can (mlx5, hisilicon, virtio and others
 * below drivers/vfio); Linux 5.18, and nothing of the interface that was there before. */

/** enum iommuctl_migration_state - what a device does. All start out RUNNING. */
enum iommuctl_migration_state {
        IOMMUCTL_MIGRATION_ERROR = 0,        /* it failed: iommuctl_migration_recover() */
        IOMMUCTL_MIGRATION_STOP = 1,         /* neither inside nor outside does anything change */
        IOMMUCTL_MIGRATION_RUNNING = 2,      /* as ever */
        IOMMUCTL_MIGRATION_STOP_COPY = 3,    /* stopped, and its state is read out of the stream */
        IOMMUCTL_MIGRATION_RESUMING = 4,     /* stopped, and a state is written into the stream */
        IOMMUCTL_MIGRATION_RUNNING_P2P = 5,  /* running, without DMA to other devices */
        IOMMUCTL_MIGRATION_PRE_COPY = 6,     /* running, and what it has so far is read out of the stream */
        IOMMUCTL_MIGRATION_PRE_COPY_P2P = 7, /* so, without DMA to other devices */
};
/** How many there are; no path has more steps. */
#define IOMMUCTL_MIGRATION_N_STATES 8

/** What a device can, as a mask. */
enum iommuctl_migration_flag {
        IOMMUCTL_MIGRATION_CAN_STOP_COPY = 1 << 0, /* always: ERROR, STOP, RUNNING, STOP_COPY, RESUMING */
        IOMMUCTL_MIGRATION_CAN_P2P = 1 << 1,       /* the states of P2P */
        IOMMUCTL_MIGRATION_CAN_PRE_COPY = 1 << 2,  /* PRE_COPY (Linux 6.2); with P2P also PRE_COPY_P2P */
};

/** iommuctl_migration_state_name() - "error", "stop", "running", "stop-copy", "resuming", "running-p2p",
 * "pre-copy" or "pre-copy-p2p"; NULL for any other value. Thread-safe. */
const char *iommuctl_migration_state_name(enum iommuctl_migration_state state);

/**
 * iommuctl_migration_flags() - whether a device can be migrated, and what it can.
 *
 * Returns a mask of enum iommuctl_migration_flag, not 0; -EOPNOTSUPP where it cannot, or the kernel is older
 * than Linux 5.18.
 */
int iommuctl_migration_flags(struct iommuctl_device *device);

/** iommuctl_migration_get_state() - the state it is in now. Returns enum iommuctl_migration_state;
 * -EOPNOTSUPP as iommuctl_migration_flags(); -EPROTO where the kernel says one that is not known here. */
int iommuctl_migration_get_state(struct iommuctl_device *device);

/**
 * iommuctl_migration_path() - by which states the kernel takes a device from one to another: what can be
 * asked for, without asking.
 *
 * @flags: of iommuctl_migration_flags().
 * @path: the states after @from, the last one @to; may be NULL.
 *
 * It is the shortest way that starts or ends no stream on its way. Where a step of it fails, the device is in
 * one of these states, or in ERROR.
 *
 * Returns the number of steps, 0 where @from is @to; -EINVAL where there is no way: from or to ERROR, to a
 * state that @flags does not have, and from STOP_COPY back to the PRE_COPY ones. Thread-safe, and sets no
 * text.
 */
int iommuctl_migration_path(unsigned int flags, enum iommuctl_migration_state from,
                            enum iommuctl_migration_state to,
                            enum iommuctl_migration_state path[IOMMUCTL_MIGRATION_N_STATES]);

/**
 * struct iommuctl_migration_stream - the state of a device on its way out (read) or in (write).
 *
 * Owned by the caller, who frees it; it keeps its device. One thread at a time reads or writes; the device's
 * state may be set by another meanwhile.
 */
struct iommuctl_migration_stream;

/**
 * iommuctl_migration_set_state() - take the device to a state, by iommuctl_migration_path().
 *
 * @ret_stream: the stream where a new one begins (into STOP_COPY or a PRE_COPY state from outside of these,
 * and into RESUMING), else NULL; the caller's to free. From PRE_COPY to STOP_COPY the stream goes on. NULL:
 * what begins is closed at once, and nothing of it can be read or written.
 *
 * Saving: PRE_COPY (where it can) while the device runs, then STOP_COPY, and read the stream to its end.
 * Loading: RESUMING, write all of it, then STOP (the device checks it) or RUNNING. A stream ends when its
 * states are left. The device is not to be touched in STOP, STOP_COPY and RESUMING; its mapped buffers stay
 * as they are in all states, and what memory the device wrote to is not part of its state:
 * iommuctl_dma_log_start() tells that.
 *
 * Returns 0; on failure @ret_stream is left alone, and the text says which state the device is in:
 * -EINVAL: there is no way to @state, or (from RESUMING) what was written is no whole state.
 * -EOPNOTSUPP: as iommuctl_migration_flags().
 * -EIO and all else: what the driver said. In ERROR, only iommuctl_migration_recover() helps.
 * -EMFILE: no descriptor was left for the stream: it is lost, and the device is in its new state all the
 * same. -ENOMEM.
 */
int iommuctl_migration_set_state(struct iommuctl_device *device, enum iommuctl_migration_state state,
                                 struct iommuctl_migration_stream **ret_stream);

/**
 * iommuctl_migration_recover() - reset the device, which takes it from any state back to RUNNING, with
 * nothing of what it was. The way out of ERROR, and of a RESUMING that is given up.
 *
 * Returns 0; -EOPNOTSUPP where it cannot be reset; -EIO where it is not RUNNING afterwards; or what the
 * kernel said.
 */
int iommuctl_migration_recover(struct iommuctl_device *device);

/** iommuctl_migration_data_size() - about how many bytes STOP_COPY will have to give, for a guess at how long
 * the device will stand still; in any state. Needs Linux 6.2. Returns 0 and sets @ret_size; -EOPNOTSUPP; or
 * what the driver said. */
int iommuctl_migration_data_size(struct iommuctl_device *device, uint64_t *ret_size);

/** iommuctl_migration_stream_fd() - its descriptor, for poll(2), splice(2) and their kin; stays the
 * stream's. */
int iommuctl_migration_stream_fd(const struct iommuctl_migration_stream *stream);

/**
 * iommuctl_migration_stream_read() - read the next bytes of a device's state.
 *
 * @ret_n: how many there were, up to @size; 0 at the end of all, which comes only in STOP_COPY (where a
 * driver gives 0 in PRE_COPY, it has nothing for now).
 *
 * Their boundaries mean nothing, their order all.
 *
 * Returns 0; -ENOMSG where there is nothing for now in PRE_COPY (it is no failure and sets no text); -ENODEV
 * where the stream's states were left; -EBADF where it is one to write; or what the driver said.
 */
int iommuctl_migration_stream_read(struct iommuctl_migration_stream *stream, void *buf, size_t size,
                                   size_t *ret_n);

/**
 * iommuctl_migration_stream_write() - write bytes of a device's state, all of them.
 *
 * Returns 0; -ENODEV where RESUMING was left; -EBADF where it is one to read; -EINVAL, -ENOMEM and others
 * where the driver does not take them. After a failure some may be written: recover, or start over.
 */
int iommuctl_migration_stream_write(struct iommuctl_migration_stream *stream, const void *buf, size_t size);

/** iommuctl_migration_stream_wait() - wait until there is something to read. @timeout_ms: -1 for ever, 0 only
 * to look. Returns 0; -ETIMEDOUT (with a @timeout_ms of 0 it sets no text: it is no failure); -EINTR where a
 * signal handler ran. */
int iommuctl_migration_stream_wait(struct iommuctl_migration_stream *stream, int timeout_ms);

/** struct iommuctl_migration_precopy - what is left to read in a PRE_COPY state; guesses, that may grow. */
struct iommuctl_migration_precopy {
        uint64_t initial_bytes; /* of what was there at first: better read before STOP_COPY */
        uint64_t dirty_bytes;   /* of what changed since */
        bool reinitialised;     /* new initial bytes came up; before Linux 7.2 always false */
};

/** iommuctl_migration_stream_precopy() - how much is left to read, to judge when to go on to STOP_COPY. Needs
 * Linux 6.2. Returns 0 and fills @ret_precopy; -EINVAL where the device is in no PRE_COPY state; -EOPNOTSUPP
 * where the stream has no such call; -ENODEV where its states were left. */
int iommuctl_migration_stream_precopy(struct iommuctl_migration_stream *stream,
                                      struct iommuctl_migration_precopy *ret_precopy);

/** iommuctl_migration_stream_free() - close and free; the device stays in its state. NULL is let through. */
void iommuctl_migration_stream_free(struct iommuctl_migration_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
