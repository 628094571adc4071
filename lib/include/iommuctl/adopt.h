/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_ADOPT_H
#define IOMMUCTL_ADOPT_H

#include <stddef.h>

#include <iommuctl/container.h>
#include <iommuctl/ctx.h>
#include <iommuctl/device.h>
#include <iommuctl/dma.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Handing a device and its buffers to another process, which then drives it without any privilege. The
 * descriptors go by the LISTEN_FDS convention (sd_listen_fds(3)): numbered from 3 on, their names in
 * LISTEN_FDNAMES; what descriptors cannot say is one line of words in IOMMUCTL_HANDOVER:
 *
 *     1 backend=iommufd ioas=2 device=0000:00:04.0 devid=1
 * buffer=rx,iova=0x0,size=0x200000,page=0x1000,access=rw
 *
 * On type1 there is group=N in the place of ioas and devid. The first word is the version of the line. A
 * reader ignores words whose key it does not know. */

/**
 * struct iommuctl_handover - what to pass on, on the giver's side.
 *
 * A snapshot owned by the caller. It owns no descriptor: those it lists belong to the device and the buffers,
 * which must live until they are passed.
 */
struct iommuctl_handover;

/**
 * iommuctl_handover_new() - gather what a process needs to drive @device with these buffers.
 *
 * @buffers, @n_buffers: made by iommuctl_dma_alloc() in the device's container, each with a name of its own.
 *
 * Returns 0 and sets @ret_handover, the caller's to free; -EINVAL where a buffer has no name or memfd, is of
 * another container or not mapped any more, or two have one name; -ENOMEM.
 */
int iommuctl_handover_new(struct iommuctl_device *device, struct iommuctl_dma *const *buffers,
                          size_t n_buffers, struct iommuctl_handover **ret_handover);

/** iommuctl_handover_free() - NULL is let through. */
void iommuctl_handover_free(struct iommuctl_handover *handover);

/** iommuctl_handover_n_fds() - how many descriptors go over: the value of LISTEN_FDS. */
size_t iommuctl_handover_n_fds(const struct iommuctl_handover *handover);

/** iommuctl_handover_fd() - the descriptor that becomes number 3 + @i of the receiver; -1 beyond. */
int iommuctl_handover_fd(const struct iommuctl_handover *handover, size_t i);

/** iommuctl_handover_fdnames() - the value of LISTEN_FDNAMES, "iommufd:device:buffer-rx" or
 * "container:group:device:buffer-rx". Lives as long as @handover, as the next. */
const char *iommuctl_handover_fdnames(const struct iommuctl_handover *handover);

/** iommuctl_handover_text() - the value of IOMMUCTL_HANDOVER. */
const char *iommuctl_handover_text(const struct iommuctl_handover *handover);

/**
 * struct iommuctl_adopted - what was handed to this process.
 *
 * Owned by the caller. Container and device can be kept longer by a reference of one's own; the buffers live
 * as long as it does.
 */
struct iommuctl_adopted;

/** enum iommuctl_adopt_flags */
enum iommuctl_adopt_flags {
        IOMMUCTL_ADOPT_UNSET_ENVIRONMENT =
                1 << 0, /* take the variables, IOMMUCTL_DMA too, out of the environment, so that no
                           child finds them; not thread-safe, as setenv(3) */
};

/**
 * iommuctl_adopt() - turn the descriptors that this process was started with back into handles.
 *
 * Opens nothing and needs no privilege. The descriptors become the handles' own, and close-on-exec. The
 * adopted buffers are mapped in this process at addresses of its own. Once only: a second call finds its
 * descriptors taken, and must not be made.
 *
 * More can be mapped in the container, by the giver or here; the two do not know of each other's later
 * mappings: a fixed IOVA that the other has taken is refused by the kernel (-EEXIST), and an automatic one is
 * chosen anew.
 *
 * Returns 0 and sets @ret_adopted; -ENOENT where nothing was handed to this process (no IOMMUCTL_HANDOVER,
 * LISTEN_FDS or LISTEN_PID, or LISTEN_PID is another process); -EINVAL for unknown flags; -EPROTO where what
 * was handed over contradicts itself (the text says where); -EBADF where a descriptor is not open; -EROFS on
 * a context of a captured tree; -EMFILE; -ENOMEM. On failure the descriptors are as they were.
 */
int iommuctl_adopt(struct iommuctl_ctx *ctx, unsigned int flags, struct iommuctl_adopted **ret_adopted);

/**
 * iommuctl_adopted_free() - drop the handles and the buffers. NULL is let through.
 *
 * The giver's mappings are the giver's: the buffers' memory is taken out of this process, and the devices go
 * on reaching it until the giver unmaps it or the last holder of the container ends.
 */
void iommuctl_adopted_free(struct iommuctl_adopted *adopted);

/** iommuctl_adopted_container() - lives as long as @adopted, unless a reference is taken. */
struct iommuctl_container *iommuctl_adopted_container(const struct iommuctl_adopted *adopted);

/** iommuctl_adopted_device() - as the container. */
struct iommuctl_device *iommuctl_adopted_device(const struct iommuctl_adopted *adopted);

/** iommuctl_adopted_n_buffers() - how many buffers came along. */
size_t iommuctl_adopted_n_buffers(const struct iommuctl_adopted *adopted);

/** iommuctl_adopted_buffer() - the buffer at @i, NULL beyond. It stays @adopted's and is not to be unmapped
 * by the caller. */
struct iommuctl_dma *iommuctl_adopted_buffer(const struct iommuctl_adopted *adopted, size_t i);

/** iommuctl_adopted_find_buffer() - the buffer of this name, or NULL. As iommuctl_adopted_buffer(). */
struct iommuctl_dma *iommuctl_adopted_find_buffer(const struct iommuctl_adopted *adopted, const char *name);

#ifdef __cplusplus
}
#endif

#endif
