/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a container, for its groups, devices and buffers.
 *
 * Locks, in the order they are taken:
 *   tracking_lock  what tracks the devices' writes, while a device joins too.
 *   join_lock   what joins and leaves: groups, devices, the choice of a backend. Held while the kernel opens
 *               and closes devices, which can take seconds (a reset).
 *   a device's lock  its interrupts and regions, then each region's lock.
 *   iommufd's lock  what each of its devices is attached to, in whichever container.
 *   facts_lock  asking the kernel what the address space allows, and writing that down, as one step.
 *   lock        the books, and what the container knows about its address space. Never held over a call to
 *               the kernel that maps or unmaps, so that such calls run side by side.
 *
 * Of several containers on one iommufd, no thread holds the locks of two but a facts_lock (and the lock below
 * it) inside another's join_lock. */

#include <pthread.h>
#include <stdatomic.h>
#if HAVE_SINGLE_THREADED
#include <sys/single_threaded.h>
#endif

#include "backend.h"
#include "ctx.h"
#include "dma_map.h"
#include "iommuctl/container.h"
#include "iommuctl/group.h"

/* An open /dev/iommu. Address spaces beside each other share one. */
struct iommufd_file {
        unsigned int refcount; /* atomic */
        struct kernel *k;
        int fd;
        pthread_mutex_t lock; /* over which device is in it, and what each is attached to */
        struct iommuctl_device *devices;
        bool shared; /* another process has it open as well */
};

/* Objects of buffers that were unmapped are kept for the next ones, up to so many. */
#define DMA_SPARES 64u

struct iommuctl_container {
        unsigned int refcount; /* atomic */
        struct iommuctl_ctx *ctx;
        uint64_t page_size; /* the system's */
        enum iommuctl_backend asked;
        enum iommuctl_accounting accounting; /* asked for */

        pthread_mutex_t tracking_lock;
        struct iommuctl_dirty *dirty; /* that tracks its devices' writes now; NULL */

        pthread_mutex_t join_lock;
        struct iommuctl_group *groups;
        struct iommuctl_device *devices;

        /* Set once, before BACKEND is (atomic), which says that they are. */
        struct address_space space;
        struct iommufd_file *iommufd; /* NULL on type1 */
        bool foreign;                 /* the address space is another process's, which also destroys it */
        const struct backend *backend;

        pthread_mutex_t facts_lock;
        pthread_mutex_t lock;
        struct dma_map map;
        struct iommuctl_dma *spare; /* objects for the next buffers, by next_spare */
        unsigned int n_spare;
        bool joined;            /* the kernel has an address space to map in */
        bool sweeping;          /* a thread unmaps a range, and nothing new may come into it */
        pthread_cond_t settled; /* a mapping was made or unmapped, or that range was */
        uint64_t page_sizes;
        bool has_max_mappings;
        uint64_t max_mappings;
        struct iommuctl_range *allowed; /* for automatic IOVAs; none: all */
        size_t n_allowed;
        struct iommuctl_group *parked; /* see group.c */
};

DEFINE_CLEANUP(struct iommuctl_container *, iommuctl_container_unref)

static inline struct kernel *container_kernel(const struct iommuctl_container *c)
{
        return c->ctx->kernel;
}

static inline const struct backend *container_backend(const struct iommuctl_container *c)
{
        return __atomic_load_n(&c->backend, __ATOMIC_ACQUIRE);
}

/* A process of one thread needs no lock for what lies between these two and waits for nothing, which is worth
 * having where a lock is a good part of what is done under it. Returns whether there is one to give back. */
static inline bool container_lock(struct iommuctl_container *c)
{
#if HAVE_SINGLE_THREADED
        if (__libc_single_threaded)
                return false;
#endif
        pthread_mutex_lock(&c->lock);
        return true;
}

static inline void container_unlock(struct iommuctl_container *c, bool locked)
{
        if (locked)
                pthread_mutex_unlock(&c->lock);
}

/* An empty container that ASKED is wanted of; NULL without memory. */
struct iommuctl_container *container_alloc(struct iommuctl_ctx *ctx, enum iommuctl_backend asked);

/* The end of one that nobody has any more. */
void container_free(struct iommuctl_container *c);

/* iommuctl_container_unref() in line, of one that is there. */
static inline void container_drop(struct iommuctl_container *c)
{
        if (__atomic_sub_fetch(&c->refcount, 1, __ATOMIC_ACQ_REL) == 0)
                container_free(c);
}

/* A container over an address space that another process made; takes FD, also when it fails. JOINED: see
 * above. */
int container_new_over(struct iommuctl_ctx *ctx, const struct backend *backend, int fd, uint32_t ioas_id,
                       bool joined, struct iommuctl_container **ret_container);

/* -EOPNOTSUPP with a text that begins with WHAT where nothing is ever mapped in the container; else 0. */
int container_refuse_noiommu(struct iommuctl_container *c, const char *what);
/* -ENODEV with its text: nothing has decided what is below the container. */
int container_undecided(struct iommuctl_container *c);

/* With join_lock: opens what BACKEND needs, once. 0, or a failure that has its text; -EINVAL where the
 * container is of the other backend. */
int container_open_type1(struct iommuctl_container *c);
int container_open_iommufd(struct iommuctl_container *c);

/* Takes FD, also when there is no memory for it (NULL). */
struct iommufd_file *iommufd_file_new(struct kernel *k, int fd);
struct iommufd_file *iommufd_file_unref(struct iommufd_file *file);

DEFINE_CLEANUP(struct iommufd_file *, iommufd_file_unref)

/* Gives a container a new IOAS in FILE, whose reference it takes over. 0, or a failure that has its text, and
 * then the container is as it was. */
int container_set_iommufd(struct iommuctl_container *c, struct iommufd_file *file);

/* The end of that: the IOAS is destroyed, and the reference given back. */
void container_leave_iommufd(struct iommuctl_container *c);

/* Reads ranges, page sizes and limits again after something joined or left. */
int container_read_facts(struct iommuctl_container *c);
/* The same where the container is about to be of that backend. */
int container_read_facts_as(struct iommuctl_container *c, const struct backend *backend);

/* The kernel has an address space, or no longer has one. */
void container_set_joined(struct iommuctl_container *c, bool joined);

/* container_options.c: the options as this version knows them, checked; NULL gives the defaults. 0 or a
 * failure with its text. */
int container_options_read(struct iommuctl_ctx *ctx, const struct iommuctl_container_options *from,
                           struct iommuctl_container_options *ret_options);
/* What was asked for at the beginning, of a container that becomes a type1 one, or of an
 * iommufd that has nothing in it yet. 0, or a failure with its text. */
int container_accept_type1(struct iommuctl_container *c);
int container_prepare_iommufd(struct iommuctl_container *c, int iommufd);

/* With lock: as iova_space_allocate(), inside of what is allowed. */
int container_allocate_iova(struct iommuctl_container *c, struct iova_extent *e,
                            const struct iova_request *request);

/* After a buffer went: lets the group go that stayed only for it. */
void container_release_parked(struct iommuctl_container *c);

/* "0x0-0xfedfffff, 0xfef00000-0x7fffffffff" into TEXT, cut with "…" where it is too small; with lock. */
void container_format_ranges(const struct iommuctl_container *c, char *text, size_t size);
